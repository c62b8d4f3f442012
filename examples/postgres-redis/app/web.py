"""Takes orders and shows results; never makes one itself.

POST /NUMBER orders the prime factors of a number, GET /NUMBER shows them: 202 while they are waited for.
"""

from contextlib import closing

from flask import Flask, jsonify

from common import QUEUE, database, queue

app = Flask(__name__)
LARGEST = 10**14


@app.post("/<int:number>")
def order(number):
    if not 1 < number <= LARGEST:
        return jsonify(error=f"a number from 2 to {LARGEST}"), 400
    queue().rpush(QUEUE, number)
    return jsonify(number=number, state="ordered"), 202


@app.get("/<int:number>")
def show(number):
    with closing(database()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT factors FROM report WHERE number = %s", (number,))
        found = cursor.fetchone()
    if not found:
        return jsonify(number=number, state="not made yet"), 202
    return jsonify(number=number, state="made", factors=[int(f) for f in found[0].split()])


@app.get("/health")
def health():
    return "ok\n", {"Content-Type": "text/plain"}
