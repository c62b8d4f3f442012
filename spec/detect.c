/* detect.c: what kind of application a context without a Dockerfile is.
 *
 * In: the names of its files, small looks into some of them, and what the spec says. Out: the Dockerfile for it, what runs, and why. It chooses the
 * language; each language's own room writes the Dockerfile. It never guesses a command that nothing points to: then it says what was looked
 * for and what to write. */
#include "spec/detect.h"

#include "spec/base/arena.h"
#include "spec/detect_parts.h"

enum { PORT = 8000 };

/* In the order in which they are tried: languages that are compiled or framed before those whose files often lie beside them (many a Rails or
 * Django application has a package.json for its pages), and pages alone last. */
static const struct detect_language *const languages[] = {
    &detect_php,  &detect_dotnet, &detect_java, &detect_go,     &detect_rust,
    &detect_ruby, &detect_python, &detect_node, &detect_static,
};

static const char *const names[] = {"php",  "dotnet", "java", "go",    "rust",
                                    "ruby", "python", "node", "static"};

const char *const *detect_languages(size_t *ret_n)
{
    *ret_n = ARRAY_LEN(names);
    return names;
}

#define LOOKED_FOR                                                                                 \
    "Dockerfile, package.json, requirements.txt, pyproject.toml, Pipfile, go.mod, Cargo.toml, "    \
    "Gemfile, composer.json, pom.xml, build.gradle, *.csproj, index.html"

/* A folder below that holds one of the files a language is known by: then the path is probably wrong. */
static const char *likely_folder(const struct detect_app *app)
{
    static const char *const marks[] = {
        "/Dockerfile", "/package.json", "/requirements.txt", "/pyproject.toml", "/go.mod",
        "/Cargo.toml", "/Gemfile",      "/composer.json",    "/pom.xml",        "/index.html"};

    for (size_t i = 0; i < app->in->paths.n; i++) {
        const char *path = app->in->paths.v[i], *slash = strrchr(path, '/');

        for (size_t k = 0; slash && k < ARRAY_LEN(marks); k++)
            if (strcmp(slash, marks[k]) == 0)
                return arena_strndup(app->a, path, (size_t)(slash - path));
    }
    return NULL;
}

static int not_recognised(struct detect_app *app)
{
    const char *folder = likely_folder(app);

    if (folder && detect_safe_path(folder))
        return err_set(app->e, ERR_USER,
                       "nothing here tells what this application is, but %s looks like one: name "
                       "that folder as its path, or write a Dockerfile",
                       folder);
    return err_set(app->e, ERR_USER,
                   "nothing here tells what this application is (looked for " LOOKED_FOR
                   "): write a Dockerfile");
}

/* Does the first word of the start command speak for this language? */
static bool start_speaks_for(struct detect_app *app, const struct detect_language *l)
{
    const char *start = detect_given_start(app);
    size_t n;

    if (!start)
        return false;
    start += strspn(start, " \t");
    n = strcspn(start, " \t");
    if (n == 0 || n > 40)
        return false;
    return strstr(l->commands, arena_printf(app->a, " %.*s ", (int)n, start)) != NULL;
}

static const struct detect_language *choose(struct detect_app *app)
{
    const struct detect_language *found = NULL;

    for (size_t i = 0; i < ARRAY_LEN(languages); i++) {
        if (!languages[i]->recognise(app))
            continue;
        if (!found)
            found = languages[i];
        if (start_speaks_for(app, languages[i]))
            return languages[i];
    }
    /* Python without any file that says so, but with its packages named in the spec. */
    if (app->in->requirements && *app->in->requirements && found != &detect_python)
        return &detect_python;
    return found;
}

static int choose_forced(struct detect_app *app, const struct detect_language **ret)
{
    for (size_t i = 0; i < ARRAY_LEN(languages); i++) {
        if (strcmp(languages[i]->name, app->in->strategy) != 0)
            continue;
        if (!languages[i]->recognise(app) &&
            !(languages[i] == &detect_python && app->in->requirements))
            return err_set(app->e, ERR_USER, "strategy: %s, but nothing here is of that kind",
                           languages[i]->name);
        *ret = languages[i];
        return 0;
    }
    return err_set(app->e, ERR_USER, "strategy: no language is called \"%.40s\"",
                   app->in->strategy);
}

static int make(struct detect_app *app)
{
    const struct detect_language *language = NULL;
    const char *strategy = app->in->strategy;

    if (!strategy || !*strategy || strcmp(strategy, "auto") == 0)
        language = choose(app);
    else if (choose_forced(app, &language) < 0)
        return -1;
    if (!language)
        return not_recognised(app);
    app->because = language->recognise(app);
    if (!app->because)
        app->because = "requirements: in the spec";
    if (language->make(app) < 0)
        return err_wrap(app->e, "%s (%s)", language->name, app->because);
    app->language = language->name;
    return 0;
}

/* Why it is as it is, which is known only when it is made, goes to the top. */
static const char *with_title(struct detect_app *app)
{
    CLEANUP(str_release) struct str body = app->out;

    app->out = (struct str)STR_INIT;
    detect_note(app, "Made by evenkeel, because of %s. A Dockerfile of your own goes before it.",
                app->because);
    return arena_printf(app->a, "%s%s", str_text(&app->out), str_text(&body));
}

int detect_application(const struct detect_input *in, struct arena *a, struct detected *ret,
                       struct err *e)
{
    struct err own = {0};
    struct detect_app app = {
        .in = in, .a = a, .e = e ? e : &own, .port = in->port ? in->port : PORT};
    int answer = make(&app);

    if (answer == 0)
        *ret = (struct detected){
            .language = app.language,
            .because = app.because,
            .dockerfile = with_title(&app),
            .start = app.start,
            .port = app.port,
        };
    str_release(&app.out);
    return answer;
}
