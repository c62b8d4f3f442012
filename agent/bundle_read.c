/* The spec that an archive brings along, and the other files in it that it names.
 *
 * Comes in: the path of an archive. Goes out: texts. Which files a Compose file names shows only while it is resolved, so it is resolved here once, only to see what is
 * asked for; whoever wants the app does it again with the texts, and needs no archive for it. Refuses nothing by itself: what the archive or a file refuses is passed on. */
#include "agent/bundle_read.h"

#include "drivers/context.h"
#include "spec/base/arena.h"
#include "spec/document.h"
#include "spec/limits.h"

/* Path in the archive of a path below BUNDLE_FOLDER, or NULL. */
static const char *path_inside(const char *path)
{
    size_t n = strlen(BUNDLE_FOLDER);

    return strncmp(path, BUNDLE_FOLDER "/", n + 1) == 0 ? path + n + 1 : NULL;
}

/* ---- from texts ---- */

static int load_text(void *ctx, const char *path, struct arena *a, const char **ret_text,
                     size_t *ret_n, struct err *e)
{
    const struct bundle_spec *spec = ctx;
    const char *inside = path_inside(path), *text;

    (void)a;
    if (!inside)
        return err_set(e, ERR_DENIED, "it lies outside the archive");
    text = kvs_get(&spec->files, inside);
    if (!text)
        return err_set(e, ERR_MISSING, "the archive has no file %s", inside);
    if (*text == '!')
        return err_set(e, ERR_USER, "%s", text + 1);
    *ret_text = text + 1;
    *ret_n = strlen(text + 1);
    return 0;
}

struct loader bundle_loader(const struct bundle_spec *spec, const char *path,
                            const struct app *over)
{
    return (struct loader){
        .read = load_text, .ctx = (void *)spec, .bundle = path, .inside = spec->name, .over = over};
}

/* ---- from the archive ---- */

struct reading {
    struct context *context;
    struct bundle_spec *spec;
    struct arena *arena; /* of spec */
    bool changed;        /* the archive, meanwhile */
};

static int load_entry(void *ctx, const char *path, struct arena *a, const char **ret_text,
                      size_t *ret_n, struct err *e)
{
    struct reading *r = ctx;
    const char *inside = path_inside(path), *text;
    struct err why = {0};
    size_t n;

    if (!inside || !context_has(r->context, inside))
        return load_text(r->spec, path, a, ret_text, ret_n, e);
    if (!kvs_get(&r->spec->files, inside)) {
        const char *kept;

        if (context_file(r->context, inside, LIMIT_SPEC_BYTES, a, &text, &n, &why) < 0)
            kept = arena_printf(r->arena, "!%s", why.msg);
        else if (memchr(text, '\0', n))
            kept = "!it is binary, not text (it holds NUL bytes)";
        else
            kept = arena_printf(r->arena, "=%s", text);
        r->changed |= why.kind == ERR_RETRY;
        kvs_set(r->arena, &r->spec->files, arena_strdup(r->arena, inside), kept);
    }
    return load_text(r->spec, path, a, ret_text, ret_n, e);
}

static int find_spec(struct context *c, struct arena *a, struct bundle_spec *spec, struct err *e)
{
    const char *names[1 + ARRAY_LEN(compose_names)] = {"evenkeel.yaml"};
    size_t n;

    memcpy(&names[1], compose_names, sizeof(compose_names));
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (!context_has(c, names[i]))
            continue;
        if (context_file(c, names[i], LIMIT_SPEC_BYTES, a, &spec->text, &n, e) < 0)
            return -1;
        spec->name = names[i];
        return 0;
    }
    return 0;
}

/* Resolves the spec in an arena that is thrown away; what is wrong with it is told by who uses it. */
static bool collect_files(struct context *c, const char *path, struct arena *a,
                          struct bundle_spec *spec)
{
    struct reading r = {.context = c, .spec = spec, .arena = a};
    struct arena *scratch = arena_new();
    struct loader loader = bundle_loader(spec, path, NULL);
    struct spec_file file;

    loader.read = load_entry;
    loader.ctx = &r;
    document_parse("/", path, spec->name, BUNDLE_FOLDER, spec->text, strlen(spec->text), &loader,
                   scratch, &file);
    arena_free(scratch);
    return !r.changed;
}

const struct bundle_spec *bundle_read(const char *path, const struct build_limits *limits,
                                      struct arena *a, const char **ret_error, bool *ret_passing)
{
    const struct context_where w = {.path = path, .limits = context_limits_of(limits)};
    struct bundle_spec *spec = ARENA_NEW(a, struct bundle_spec);
    struct err e = {0};

    *spec = (struct bundle_spec){.name = "", .text = ""};
    struct context *c = context_open(&w, &e);
    bool read = c && find_spec(c, a, spec, &e) == 0;

    if (read && *spec->name && !collect_files(c, path, a, spec))
        read = err_set(&e, ERR_RETRY, "%s changes while it is read", path) == 0;
    if (!read)
        *spec = (struct bundle_spec){.name = "", .text = ""};
    *ret_error = read ? NULL : arena_strdup(a, e.msg);
    *ret_passing = !read && e.kind == ERR_RETRY;
    context_free(c);
    return spec;
}
