/* detect_python_entry.c: what a Python application starts.
 *
 * In: the sources with the usual names. Out: the command, and the server to install where one is needed that nobody listed: gunicorn for WSGI (Flask,
 * Django), uvicorn for ASGI (FastAPI, Starlette and their kin). The object to serve is found by a look for "NAME = Flask(" and the like;
 * its name and its module's are checked before they are used. */
#include <ctype.h>

#include "spec/base/arena.h"
#include "spec/detect_parts.h"
#include "spec/detect_python.h"

#define GUNICORN "gunicorn>=23,<24"
#define UVICORN "uvicorn[standard]>=0.30,<1"

static const char *const files[] = {
    "app.py",      "main.py",    "wsgi.py",     "asgi.py",     "application.py", "server.py",
    "api.py",      "run.py",     "web.py",      "app/main.py", "app/app.py",     "app/__init__.py",
    "src/main.py", "src/app.py", "api/main.py", "__main__.py", "bot.py",         NULL};

static const struct framework {
    const char *call;
    bool asgi;
} frameworks[] = {
    {"FastAPI", true}, {"Starlette", true}, {"Quart", true},   {"Litestar", true},
    {"Sanic", true},   {"Flask", false},    {"Bottle", false}, {"APIFlask", false},
};

/* "app/main.py" -> "app.main"; "app/__init__.py" -> "app". NULL when it is no module's name. */
static const char *module_of(struct detect_app *app, const char *path)
{
    size_t n = strlen(path) - 3; /* .py */
    char *name = arena_strndup(app->a, path, n);

    if (n > 9 && strcmp(name + n - 9, "/__init__") == 0)
        name[n - 9] = '\0';
    for (char *c = name; *c; c++) {
        if (*c == '/')
            *c = '.';
        else if (!isalnum((unsigned char)*c) && *c != '_')
            return NULL;
    }
    return name;
}

static bool is_identifier(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* The name in "NAME = Flask(" or "NAME: Flask = Flask(" at the beginning of a line. */
static const char *assigned_name(struct detect_app *app, const char *text, const char *call)
{
    size_t n = strlen(call);

    for (const char *at = text; (at = strstr(at, call)); at += n) {
        if (at[n + strspn(at + n, " ")] != '(' || (at > text && is_identifier(at[-1])))
            continue;
        const char *line = at;

        while (line > text && line[-1] != '\n')
            line--;
        size_t name_n = 0;

        while (is_identifier(line[name_n]))
            name_n++;
        const char *sign = memchr(line, '=', (size_t)(at - line));

        if (name_n > 0 && name_n < 60 && sign && !isdigit((unsigned char)*line))
            return arena_strndup(app->a, line, name_n);
    }
    return NULL;
}

static const char *port_of(const struct python *py)
{
    return arena_printf(py->app->a, "%d", py->app->port);
}

static void push(struct python *py, const char *word)
{
    strv_push(py->app->a, &py->words, word);
}

static void need(struct python *py, const char *package, const char *pinned)
{
    if (!python_lists(py, package))
        strv_push(py->app->a, &py->extra, pinned);
}

static void serve_wsgi(struct python *py, const char *object)
{
    need(py, "gunicorn", GUNICORN);
    push(py, "gunicorn");
    push(py, "--bind");
    push(py, arena_printf(py->app->a, "0.0.0.0:%s", port_of(py)));
    /* Half a CPU is the usual limit: one process with threads. */
    push(py, "--threads");
    push(py, "8");
    push(py, object);
}

static void serve_asgi(struct python *py, const char *object)
{
    need(py, "uvicorn", UVICORN);
    push(py, "uvicorn");
    push(py, "--host");
    push(py, "0.0.0.0");
    push(py, "--port");
    push(py, port_of(py));
    push(py, object);
}

static void because(struct python *py, const char *path, const char *what)
{
    py->app->because = arena_printf(py->app->a, "%s with %s", path, what);
}

/* ---- Django ---- */

static bool ends_with(const char *s, const char *tail)
{
    size_t n = strlen(s), k = strlen(tail);

    return n >= k && strcmp(s + n - k, tail) == 0;
}

static const char *django_file(struct detect_app *app, const char *tail)
{
    for (size_t i = 0; i < app->in->paths.n; i++)
        if (ends_with(app->in->paths.v[i], tail) &&
            strchr(app->in->paths.v[i], '/') == strrchr(app->in->paths.v[i], '/') &&
            module_of(app, app->in->paths.v[i]))
            return app->in->paths.v[i];
    return NULL;
}

static bool find_django(struct python *py)
{
    struct detect_app *app = py->app;

    if (!detect_has(app, "manage.py"))
        return false;
    const char *wsgi = django_file(app, "/wsgi.py"), *asgi = django_file(app, "/asgi.py");
    const char *settings = django_file(app, "/settings.py");
    bool async = asgi && (python_lists(py, "channels") || python_lists(py, "daphne") || !wsgi);

    if (!wsgi && !asgi)
        return false;
    because(py, "manage.py", async ? asgi : wsgi);
    const char *object =
        arena_printf(app->a, "%s:application", module_of(app, async ? asgi : wsgi));

    if (async)
        serve_asgi(py, object);
    else
        serve_wsgi(py, object);
    py->collect_static = settings && strstr(detect_text(app, settings), "STATIC_ROOT");
    return true;
}

/* ---- frameworks known by a look ---- */

static bool find_framework_in(struct python *py, const char *path)
{
    const char *text = detect_text(py->app, path), *module = module_of(py->app, path);

    for (size_t i = 0; module && i < ARRAY_LEN(frameworks); i++) {
        const char *name = strstr(text, frameworks[i].call)
                               ? assigned_name(py->app, text, frameworks[i].call)
                               : NULL;

        if (!name)
            continue;
        because(py, path, frameworks[i].call);
        const char *object = arena_printf(py->app->a, "%s:%s", module, name);

        if (frameworks[i].asgi)
            serve_asgi(py, object);
        else
            serve_wsgi(py, object);
        return true;
    }
    return false;
}

/* def create_app(): Flask's way to make an application when asked. */
static bool find_factory_in(struct python *py, const char *path)
{
    const char *text = detect_text(py->app, path), *module = module_of(py->app, path);

    if (!module || strncmp(path, "wsgi", 4) == 0 ||
        (!strstr(text, "\ndef create_app(") && strncmp(text, "def create_app(", 15) != 0))
        return false;
    because(py, path, "create_app");
    if (strstr(text, "FastAPI(") || strstr(text, "Starlette(")) {
        serve_asgi(py, arena_printf(py->app->a, "%s:create_app", module));
        push(py, "--factory");
    } else {
        serve_wsgi(py, arena_printf(py->app->a, "%s:create_app()", module));
    }
    return true;
}

/* wsgi.py and asgi.py say by their name what they are; their object is called application or app. */
static bool find_gateway(struct python *py)
{
    static const char *const names[] = {"wsgi.py", "asgi.py"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *text = detect_text(py->app, names[i]);
        const char *object = detect_has_word(text, "application") ? "application"
                             : detect_has_word(text, "app")       ? "app"
                                                                  : NULL;

        if (!object)
            continue;
        because(py, names[i], object);
        object = arena_printf(py->app->a, "%.4s:%s", names[i], object);
        if (i == 0)
            serve_wsgi(py, object);
        else
            serve_asgi(py, object);
        return true;
    }
    return false;
}

/* ---- pages for models: Streamlit, Gradio ---- */

static const char *file_with(struct detect_app *app, const char *text)
{
    for (size_t i = 0; files[i]; i++)
        if (strstr(detect_text(app, files[i]), text))
            return files[i];
    return NULL;
}

static bool find_streamlit(struct python *py)
{
    struct detect_app *app = py->app;
    const char *path = detect_has(app, "streamlit_app.py") ? "streamlit_app.py"
                                                           : file_with(app, "import streamlit");

    if (!path)
        return false;
    because(py, path, "Streamlit");
    need(py, "streamlit", "streamlit>=1.30,<2");
    static const char *const words[] = {"streamlit",         "run",  "--server.address", "0.0.0.0",
                                        "--server.headless", "true", "--server.port"};

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        push(py, words[i]);
    push(py, port_of(py));
    push(py, path);
    return true;
}

static bool find_script(struct python *py)
{
    struct detect_app *app = py->app;
    const char *gradio = file_with(app, "gradio"),
               *path = gradio ? gradio : detect_first(app, files);

    if (!path)
        return false;
    if (gradio) {
        because(py, path, "Gradio");
        strv_push(
            app->a, &py->env,
            arena_printf(app->a, "GRADIO_SERVER_NAME=0.0.0.0 GRADIO_SERVER_PORT=%d", app->port));
    } else {
        app->because = path;
    }
    push(py, "python");
    push(py, path);
    return true;
}

/* A script that the project itself declares. */
static bool find_declared(struct python *py)
{
    struct detect_app *app = py->app;
    const char *text = detect_text(app, "pyproject.toml"), *at = strstr(text, "[project.scripts]");

    if (!at || py->installer != INSTALL_PROJECT)
        return false;
    const char *line = detect_first_line(app, at + strlen("[project.scripts]"));
    const char *name = arena_strndup(app->a, line, strcspn(line, " =\t"));

    if (!detect_safe_word(name))
        return false;
    because(py, "pyproject.toml", "a script");
    push(py, name);
    return true;
}

static bool find_any(struct python *py)
{
    if (find_django(py) || find_streamlit(py))
        return true;
    for (size_t i = 0; files[i]; i++)
        if (find_framework_in(py, files[i]))
            return true;
    if (find_gateway(py))
        return true;
    for (size_t i = 0; files[i]; i++)
        if (find_factory_in(py, files[i]))
            return true;
    return find_declared(py) || find_script(py);
}

int python_find_entry(struct python *py)
{
    const char *given = detect_given_start(py->app);

    if (given) {
        py->start = given;
        if (strncmp(given, "gunicorn ", 9) == 0)
            need(py, "gunicorn", GUNICORN);
        if (strncmp(given, "uvicorn ", 8) == 0)
            need(py, "uvicorn", UVICORN);
        return 0;
    }
    if (find_any(py))
        return 0;
    return err_set(py->app->e, ERR_USER,
                   "nothing says what to start (looked for manage.py, app.py, main.py, wsgi.py, "
                   "asgi.py, server.py "
                   "and their like): write start: python FILE, or a command");
}
