/* detect_python.c: Python applications: which Python, which installer, and the Dockerfile around them.
 *
 * In: the files that name packages and versions. Out: a Dockerfile that installs them into a virtual environment in a stage of its own and runs the
 * application from a slim image. What is started is found in detect_python_entry.c. */
#include "spec/detect_python.h"

#include <ctype.h>
#include <strings.h>

#include "spec/base/arena.h"
#include "spec/detect_parts.h"

enum { PY_MINOR = 13, OLDEST = 7, NEWEST = 99 };

static const char *recognise(struct detect_app *app)
{
    static const char *const files[] = {
        "requirements.txt", "pyproject.toml", "Pipfile", "setup.py", "manage.py",
        "app.py",           "main.py",        "wsgi.py", "asgi.py",  NULL};

    return detect_first(app, files);
}

/* ---- which Python ---- */

static int python_minor(struct detect_app *app)
{
    const char *project = detect_text(app, "pyproject.toml");
    const char *ranges[] = {
        detect_first_line(app, detect_text(app, "runtime.txt")),
        detect_first_line(app, detect_text(app, ".python-version")),
        detect_setting(app, detect_text(app, "Pipfile"), "requires", "python_version"),
        detect_setting(app, project, "project", "requires-python"),
        detect_setting(app, project, "tool.poetry.dependencies", "python"),
    };

    for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
        int minor = ranges[i] && *ranges[i] ? detect_minor(ranges[i], 3, PY_MINOR) : 0;

        if (minor >= OLDEST && minor <= NEWEST)
            return minor;
    }
    return PY_MINOR;
}

/* ---- which installer ---- */

static int find_requirements(struct python *py)
{
    struct detect_app *app = py->app;
    const char *given = app->in->requirements;

    if (!given || !*given) {
        py->requirements = detect_has(app, "requirements.txt") ? "requirements.txt" : NULL;
        return 0;
    }
    if (strncmp(given, "./", 2) == 0)
        given += 2;
    if (!detect_safe_path(given))
        return err_set(app->e, ERR_USER, "requirements: \"%.80s\" is not a plain file name", given);
    if (!detect_has(app, given))
        return err_set(app->e, ERR_USER, "requirements: there is no \"%.80s\"", given);
    py->requirements = given;
    return 0;
}

static void choose_installer(struct python *py)
{
    struct detect_app *app = py->app;
    const char *project = detect_text(app, "pyproject.toml");
    bool asked = app->in->requirements && *app->in->requirements;

    py->installer = INSTALL_NOTHING;
    if (asked)
        py->installer = INSTALL_REQUIREMENTS;
    else if (detect_has(app, "uv.lock"))
        py->installer = INSTALL_UV;
    else if (detect_has(app, "poetry.lock") || strstr(project, "[tool.poetry.dependencies]"))
        py->installer = INSTALL_POETRY;
    else if (detect_has(app, "Pipfile.lock"))
        py->installer = INSTALL_PIPENV;
    else if (py->requirements)
        py->installer = INSTALL_REQUIREMENTS;
    else if (strstr(project, "[project]") || detect_has(app, "setup.py"))
        py->installer = INSTALL_PROJECT;
}

/* The text in which names of packages are looked for. */
static const char *packages_text(struct python *py)
{
    static const char *const files[] = {"pyproject.toml", "Pipfile", "setup.py", "setup.cfg"};
    CLEANUP(str_release) struct str all = STR_INIT;

    if (py->requirements)
        str_add(&all, detect_text(py->app, py->requirements));
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        str_addf(&all, "\n%s", detect_text(py->app, files[i]));
    for (char *c = all.buf; c && *c; c++)
        *c = *c == '_' ? '-' : (char)tolower((unsigned char)*c);
    return arena_strndup(py->app->a, str_text(&all), all.len);
}

bool python_lists(const struct python *py, const char *package)
{
    return detect_has_word(py->packages, package);
}

/* Lines that name other files or folders: then the sources must be there before. */
static bool refers_to_files(const char *text)
{
    for (const char *s = text; *s;) {
        const char *line = s + strspn(s, " \t");

        if (strncmp(line, "-r", 2) == 0 || strncmp(line, "-c", 2) == 0 ||
            strncmp(line, "-e", 2) == 0 || strncmp(line, "--r", 3) == 0 ||
            strncmp(line, "--c", 3) == 0 || strncmp(line, "--e", 3) == 0 || *line == '.' ||
            *line == '/' || strncmp(line, "file:", 5) == 0)
            return true;
        s += strcspn(s, "\n");
        s += *s == '\n';
    }
    return false;
}

/* ---- packages with parts in C ---- */

/* Those without ready-made wheels for Debian: compiled in the first stage, with the library in the last. */
static const struct {
    const char *package, *unless, *build, *run;
} compiled[] = {
    {"psycopg2", "psycopg2-binary", "gcc libpq-dev", "libpq5"},
    {"mysqlclient", NULL, "gcc libmariadb-dev pkg-config", "libmariadb3"},
    {"python-ldap", NULL, "gcc libldap-dev libsasl2-dev", "libldap-2.5-0"},
    {"uwsgi", NULL, "gcc libc6-dev", NULL},
    {"pycairo", NULL, "gcc libcairo2-dev pkg-config", "libcairo2"},
    {"pyaudio", NULL, "gcc portaudio19-dev", "libportaudio2"},
    {"opencv-python", "opencv-python-headless", NULL, "libgl1 libglib2.0-0"},
};

static void install_system(const struct python *py, bool build)
{
    CLEANUP(str_release) struct str list = STR_INIT;

    for (size_t i = 0; i < ARRAY_LEN(compiled); i++) {
        const char *wanted = build ? compiled[i].build : compiled[i].run;

        if (wanted && python_lists(py, compiled[i].package) &&
            !(compiled[i].unless && python_lists(py, compiled[i].unless)))
            str_addf(&list, " %s", wanted);
    }
    if (list.len)
        detect_line(py->app,
                    "RUN apt-get update && apt-get install -y --no-install-recommends%s && rm -rf "
                    "/var/lib/apt/lists/*",
                    str_text(&list));
}

/* ---- the stage that installs ---- */

#define PIP "RUN --mount=type=cache,target=/root/.cache/pip "

static void install_requirements(const struct python *py)
{
    struct detect_app *app = py->app;

    if (refers_to_files(detect_text(app, py->requirements)))
        detect_line(app, "COPY . .");
    else
        detect_line(app, "COPY %s %s", py->requirements, py->requirements);
    detect_line(app, PIP "pip install -r %s", py->requirements);
}

/* A project that is a package itself is installed with its sources; else only what it needs. */
static bool is_package(struct detect_app *app)
{
    return strstr(detect_text(app, "pyproject.toml"), "[build-system]") != NULL;
}

static void install_uv(const struct python *py)
{
    struct detect_app *app = py->app;
    bool package = is_package(app);

    /* Each installer has an environment of its own: it would clean itself out of the application's. */
    detect_line(app, "RUN --mount=type=cache,target=/root/.cache/pip python -m venv /uv && "
                     "/uv/bin/pip install uv");
    detect_line(app, package ? "COPY . ." : "COPY pyproject.toml uv.lock ./");
    detect_line(app, "RUN --mount=type=cache,target=/root/.cache/uv \\");
    detect_line(app,
                "    UV_PROJECT_ENVIRONMENT=/venv UV_LINK_MODE=copy "
                "/uv/bin/uv sync --frozen --inexact --no-dev%s",
                package ? " --no-editable" : " --no-install-project");
}

static void install_poetry(const struct python *py)
{
    struct detect_app *app = py->app;

    detect_line(app, "RUN --mount=type=cache,target=/root/.cache/pip python -m venv /poetry && "
                     "/poetry/bin/pip install poetry");
    detect_line(app, "COPY pyproject.toml%s ./",
                detect_has(app, "poetry.lock") ? " poetry.lock" : "");
    detect_line(app, "RUN --mount=type=cache,target=/root/.cache/pypoetry \\");
    detect_line(app, "    /poetry/bin/poetry install --only main --no-root --no-interaction");
}

static void install_pipenv(const struct python *py)
{
    struct detect_app *app = py->app;

    detect_line(app, "RUN --mount=type=cache,target=/root/.cache/pip python -m venv /pipenv && "
                     "/pipenv/bin/pip install pipenv");
    detect_line(app, "COPY Pipfile Pipfile.lock ./");
    detect_line(app, PIP "\\");
    detect_line(app, "    /pipenv/bin/pipenv requirements >/tmp/requirements.txt && pip install -r "
                     "/tmp/requirements.txt");
}

static void write_build(const struct python *py, const char *image)
{
    struct detect_app *app = py->app;

    detect_line(app, "FROM %s AS build", image);
    install_system(py, true);
    detect_line(app, "RUN python -m venv /venv");
    detect_line(app, "ENV PATH=/venv/bin:$PATH VIRTUAL_ENV=/venv");
    detect_line(app, "WORKDIR /src");
    switch (py->installer) {
    case INSTALL_NOTHING: break;
    case INSTALL_REQUIREMENTS: install_requirements(py); break;
    case INSTALL_UV: install_uv(py); break;
    case INSTALL_POETRY: install_poetry(py); break;
    case INSTALL_PIPENV: install_pipenv(py); break;
    case INSTALL_PROJECT:
        detect_line(app, "COPY . .");
        detect_line(app, PIP "pip install .");
        break;
    }
    for (size_t i = 0; i < py->extra.n; i++)
        detect_line(app, PIP "pip install '%s'", py->extra.v[i]);
}

/* ---- all ---- */

static int write_all(struct python *py)
{
    struct detect_app *app = py->app;
    const char *image = arena_printf(app->a, "python:3.%d-slim", python_minor(app));

    if (py->installer != INSTALL_NOTHING || py->extra.n > 0) {
        write_build(py, image);
        detect_gap(app);
    }
    detect_line(app, "FROM %s", image);
    install_system(py, false);
    if (py->installer != INSTALL_NOTHING || py->extra.n > 0) {
        detect_line(app, "COPY --from=build /venv /venv");
        detect_line(app, "ENV PATH=/venv/bin:$PATH VIRTUAL_ENV=/venv");
    }
    detect_line(app, "ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp");
    detect_user(app);
    detect_line(app, "COPY --chown=" DETECT_USER " . .");
    for (size_t i = 0; i < py->env.n; i++)
        detect_line(app, "ENV %s", py->env.v[i]);
    if (py->collect_static)
        detect_line(app, "RUN python manage.py collectstatic --noinput");
    detect_port(app);
    return py->start ? detect_cmd_text(app, py->start) : detect_cmd(app, &py->words);
}

static int make(struct detect_app *app)
{
    struct python py = {.app = app};

    if (find_requirements(&py) < 0)
        return -1;
    choose_installer(&py);
    py.packages = packages_text(&py);
    if (python_find_entry(&py) < 0)
        return -1;
    return write_all(&py);
}

const struct detect_language detect_python = {
    "python", recognise, make,
    " python python3 gunicorn uvicorn flask django-admin hypercorn daphne celery streamlit fastapi "
    "uv poetry "};
