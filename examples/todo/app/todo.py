"""A todo list: one page, one table, no JavaScript.

Passwords come from files that the environment names; the page is reached through proxies that say which prefix they took away.
"""

import hmac
import os
import secrets
from pathlib import Path

import pymysql
from flask import Flask, abort, g, redirect, render_template, request, session, url_for
from flask.sessions import SecureCookieSessionInterface
from werkzeug.middleware.proxy_fix import ProxyFix

TITLE_MAX = 200


def secret(name):
    return Path(os.environ[name + "_FILE"]).read_text(encoding="utf-8").strip()


class Cookies(SecureCookieSessionInterface):
    """A cookie of this application alone: below its prefix, and over TLS only if it was made over TLS."""

    def get_cookie_path(self, app):
        return request.script_root or "/"

    def get_cookie_secure(self, app):
        return request.is_secure


app = Flask(__name__)
app.config.update(SECRET_KEY=secret("SECRET_KEY"), SESSION_COOKIE_NAME="todo", SESSION_COOKIE_SAMESITE="Lax",
                  MAX_CONTENT_LENGTH=64 * 1024)
app.session_interface = Cookies()
# Two proxies add the address they were asked from, Traefik and nginx; scheme and prefix are Traefik's word.
app.wsgi_app = ProxyFix(app.wsgi_app, x_for=2, x_proto=1, x_prefix=1)


# --- the table


def connect():
    return pymysql.connect(host=os.environ["DB_HOST"], user=os.environ["DB_USER"], password=secret("DB_PASSWORD"),
                           database=os.environ["DB_NAME"], charset="utf8mb4", autocommit=True, connect_timeout=5,
                           cursorclass=pymysql.cursors.DictCursor)


def create_table():
    with connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"""CREATE TABLE IF NOT EXISTS todo (
            id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
            title VARCHAR({TITLE_MAX}) NOT NULL,
            done BOOLEAN NOT NULL DEFAULT FALSE,
            made TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)""")


def query(statement, values=()):
    """Values travel beside the statement, never inside it. Gives the rows, or how many were changed."""
    if "connection" not in g:
        g.connection = connect()
    with g.connection.cursor() as cursor:
        changed = cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else changed


@app.teardown_appcontext
def hang_up(_error):
    connection = g.pop("connection", None)
    if connection:
        connection.close()


# --- forms: each carries a token that only this visitor's pages have


def token():
    if "token" not in session:
        session["token"] = secrets.token_urlsafe(16)
    return session["token"]


app.jinja_env.globals["token"] = token


@app.before_request
def refuse_foreign_forms():
    if request.method == "POST":
        expected = session.get("token", "")
        if not expected or not hmac.compare_digest(expected.encode(), request.form.get("token", "").encode()):
            abort(400, "This form is too old, or not from here. Go back, load the page again, and send it once more.")


# --- pages


@app.get("/")
def show():
    todos = query("SELECT id, title, done FROM todo ORDER BY done, id DESC LIMIT 500")
    return render_template("todos.html", todos=todos, title_max=TITLE_MAX)


@app.post("/todos")
def add():
    title = " ".join(request.form.get("title", "").split())
    if not 0 < len(title) <= TITLE_MAX:
        abort(400, f"A todo has 1 to {TITLE_MAX} characters.")
    query("INSERT INTO todo (title) VALUES (%s)", (title,))
    return redirect(url_for("show"), 303)


@app.post("/todos/<int:number>")
def tick(number):
    done = request.form.get("done") == "yes"
    query("UPDATE todo SET done = %s WHERE id = %s", (done, number))
    return redirect(url_for("show"), 303)


@app.get("/health")
def health():
    """Of this process alone: a database that is away for a moment must not have all its users restarted."""
    return "ok\n", {"Content-Type": "text/plain"}
