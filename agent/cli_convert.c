/* convert: what evenkeel makes of a spec or of a source, as a file that one may keep: the resolved Compose file, or the Dockerfile.
 *
 * Comes in: an app of the roots (or one of its services), or the path of a spec, a directory or an archive. Goes out: the file on standard output, and on
 * standard error where it comes from and why it is as it is. Writes no file, builds nothing, asks no engine. */
#include <sys/stat.h>

#include "agent/cli.h"
#include "agent/cli_common.h"
#include "agent/cli_convert_compose.h"
#include "agent/facts_read.h"
#include "drivers/fsx.h"
#include "spec/base/arena.h"

static bool exists(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0;
}

/* The one service that is built, or the one that was named. */
static const struct want_service *service_of(const struct want_app *app, const char *name,
                                             struct err *e)
{
    const struct want_service *found = NULL;
    CLEANUP(str_release) struct str built = STR_INIT;
    size_t n = 0;

    for (size_t i = 0; i < app->n_services; i++) {
        const struct want_service *s = &app->services[i];

        if (!s->facts)
            continue;
        n++;
        str_addf(&built, "%s%s/%s", built.len ? ", " : "", app->name, s->name);
        if (!name || strcmp(s->name, name) == 0)
            found = s;
    }
    if (n == 0)
        (void)err_set(e, ERR_USER, "%s is not built: its images come as they are", app->name);
    else if (!found)
        (void)err_set(e, ERR_USER, "%s has no service \"%s\" that is built; there is %s", app->name,
                      name, str_text(&built));
    else if (!name && n > 1)
        (void)err_set(e, ERR_USER, "several services of %s are built: name one of %s", app->name,
                      str_text(&built));
    else
        return found;
    return NULL;
}

static int print_dockerfile(const char *whose, const struct facts_order *o, struct arena *a,
                            struct err *e)
{
    struct context_facts f;
    const char *text;
    CLEANUP(str_release) struct str said = STR_INIT;

    facts_read_text(o, a, &f, &text);
    if (!text)
        return err_set(e, ERR_USER, "%s: %s", whose,
                       f.error ? f.error : "buildpacks make an image without a Dockerfile");
    str_addf(&said, "%s: ", whose);
    if (f.tool)
        str_addf(&said, "made by %s, which adds %zu files and %zu arguments to it", f.tool,
                 f.files.n, f.args.n);
    else if (f.made_for)
        str_addf(&said, "made for %s", f.made_for);
    else if (o->build.dockerfile_inline)
        str_add(&said, "the `dockerfile_inline` of its spec");
    else
        str_addf(&said, "its own %s", o->build.dockerfile ? o->build.dockerfile : "Dockerfile");
    for (size_t i = 0; i < f.notes.n; i++)
        str_addf(&said, "; %s", f.notes.v[i]);
    if (f.state == FACTS_FAILED)
        str_addf(&said, "; it cannot be built: %s", f.error);
    CLEANUP(str_release) struct str line = STR_INIT;

    str_add_escaped(&line, str_text(&said));
    (void)fprintf(stderr, "%s\n", str_text(&line));
    (void)fputs(text, stdout);
    return f.state == FACTS_FAILED ? err_set(e, ERR_USER, "%s cannot be built with it", whose) : 0;
}

static int convert_path(const char *path, const struct options *options, struct arena *a,
                        struct err *e)
{
    const char *whole = fsx_absolute(path, a);
    struct facts_order o = {.limits = options->settings.build_limits};

    if (!options->dockerfile)
        return convert_compose_path(whole, options, a, e);
    if (bundle_name(whole))
        o.build.bundle = whole;
    else
        o.build.path = whole;
    return print_dockerfile(path, &o, a, e);
}

static int convert_app(struct core *c, const struct want_app *app, const char *service,
                       struct arena *a, struct err *e)
{
    const struct want_service *s;

    if (app->invalid_input) {
        (void)cli_core_diags(c);
        return err_set(e, ERR_USER, "the spec of %s has errors", app->name);
    }
    if (app->refused)
        return err_set(e, ERR_USER, "%s is refused: %s", app->name, app->refused);
    if (!c->options->dockerfile)
        return convert_compose_app(c->set, app->name, c->options, a, e);
    s = service_of(app, service, e);
    if (!s)
        return -1;
    struct facts_order o = facts_order_of(s->spec);

    o.limits = c->options->settings.build_limits;
    return print_dockerfile(
        app->n_services > 1 ? arena_printf(a, "%s/%s", app->name, s->name) : app->name, &o, a, e);
}

/* A word is an app if there is one of that name; else a path. */
static int convert_word(struct core *c, const char *word, struct arena *a, struct err *e)
{
    char *name = arena_strdup(a, word), *slash = strchr(name, '/');
    struct strv known = {0};

    if (slash)
        *slash = '\0';
    core_gather_files(c);
    const struct want_app *app = desired_app(c->desired, name);

    if (app)
        return convert_app(c, app, slash ? slash + 1 : NULL, a, e);
    if (exists(word))
        return convert_path(word, c->options, a, e);
    for (size_t i = 0; i < c->desired->n_apps; i++)
        strv_push(a, &known, c->desired->apps[i].name);
    const char *near = str_nearest(name, known.v, known.n);

    return err_set(e, ERR_USER, "\"%s\" is neither an app of the roots nor a path%s%s%s", word,
                   near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

int cli_convert(const struct options *o)
{
    struct err e = {0};
    struct core c;
    struct arena *a = arena_new();
    const char *word = o->words.v[0];
    int rc = 0;

    if (word[0] == '.' || word[0] == '/') {
        rc = convert_path(word, o, a, &e) < 0 ? cli_fail(&e) : 0;
    } else {
        if (core_open(&c, o, CORE_FILES, &e) < 0 || convert_word(&c, word, a, &e) < 0)
            rc = cli_fail(&e);
        core_close(&c);
    }
    arena_free(a);
    return rc;
}
