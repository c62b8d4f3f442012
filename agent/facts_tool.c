/* What a source says of itself when a tool of the host builds it.
 *
 * Comes in: an order and its context. Goes out: for nixpacks a Dockerfile with its files, which is then built like any other; for buildpacks the builder image, as the
 * only base image that is known before, and what is put on the image that pack makes. The programs are looked up in PATH at each use, so what is installed later is found. */
#include "agent/facts_tool.h"

#include <sys/stat.h>

#include "drivers/child.h"
#include "drivers/context.h"
#include "drivers/nixpacks.h"
#include "spec/base/arena.h"
#include "spec/desired.h"

#define DEFAULT_PORT 8000

static const struct tool {
    const char *strategy, *program, *source;
} tools[] = {
    {"nixpacks", "nixpacks", "https://nixpacks.com/docs/install"},
    {"buildpacks", "pack", "https://buildpacks.io/docs/install-pack"},
};

static const struct tool *tool_of(const struct build *b)
{
    for (size_t i = 0; b->strategy && i < ARRAY_LEN(tools); i++)
        if (strcmp(b->strategy, tools[i].strategy) == 0)
            return &tools[i];
    return NULL;
}

const char *facts_tool(const struct build *b)
{
    const struct tool *t = tool_of(b);

    return t ? t->strategy : NULL;
}

const char *facts_tool_dockerfile(const struct build *b)
{
    const char *tool = facts_tool(b);

    return tool && strcmp(tool, "nixpacks") == 0 ? NIXPACKS_DOCKERFILE : b->dockerfile;
}

bool facts_tool_is_there(const struct build *b, struct err *e)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const struct tool *t = tool_of(b);

    if (!t || child_find(t->program, a))
        return true;
    (void)err_set(
        e, ERR_USER,
        "the program `%s` is not in the agent's PATH; install it (%s) and touch the file, "
        "or use `strategy: auto` or a Dockerfile",
        t->program, t->source);
    return false;
}

void facts_tool_print(const struct build *b, struct str *out)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const struct tool *t = tool_of(b);
    const char *path = t ? child_find(t->program, a) : NULL;
    struct stat st;

    if (path && stat(path, &st) == 0)
        str_addf(out, "%s %lld %lld.%09ld", path, (long long)st.st_size,
                 (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

/* As for Dockerfiles that are made here: what the spec says, else PORT among the arguments. */
static int port_of(const struct facts_order *o)
{
    const char *own = kvs_get(&o->build.args, "PORT");
    int64_t port = DEFAULT_PORT;

    if (o->port > 0)
        return o->port;
    if (own)
        (void)parse_int64(own, 1, 65535, &port);
    return (int)port;
}

static int run_nixpacks(const struct facts_order *o, struct context *c, struct arena *a,
                        struct context_facts *f, const char **ret, struct err *e)
{
    struct nixpacks_made made;
    const struct nixpacks_order order = {
        .program = child_find("nixpacks", a),
        .context = c,
        .start = o->start,
        .args = &o->build.args,
        .port = f->port,
        .stop_fd = o->stop_fd > 0 ? o->stop_fd : -1,
    };

    if (!order.program)
        return err_set(e, ERR_RETRY, "the program `nixpacks` is gone");
    if (nixpacks_make(&order, a, &made, e) < 0)
        return -1;
    f->dockerfile = NIXPACKS_DOCKERFILE;
    f->files = made.files;
    f->args = made.args;
    *ret = made.dockerfile;
    return 0;
}

/* pack reads them from a file with one on each line. */
static int check_args(const struct kvs *args, struct err *e)
{
    for (size_t i = 0; i < args->n; i++)
        if (args->v[i].value && strpbrk(args->v[i].value, "\r\n"))
            return err_set(e, ERR_USER, "the value of the argument %s holds a line break",
                           args->v[i].key);
    return 0;
}

static int plan_buildpacks(const struct facts_order *o, struct context *c, struct arena *a,
                           struct context_facts *f, const char **ret, struct err *e)
{
    const char *builder = o->build.builder ? o->build.builder : BUILDPACKS_BUILDER;

    if (check_args(&o->build.args, e) < 0)
        return -1;
    if (o->start && strpbrk(o->start, "\r\n"))
        return err_set(e, ERR_USER, "`start` holds a line break");
    if (o->start) /* what the builders of Paketo, Heroku and Google read */
        kvs_set(a, &f->files, "Procfile", arena_printf(a, "web: %s\n", o->start));
    if (context_has(c, "project.toml"))
        strv_push(
            a, &f->notes,
            "its project.toml is not followed: it could name buildpacks anywhere on the host");
    strv_push(a, &f->images, image_reference(builder, a));
    strv_push(a, &f->platforms, ""); /* the service's own */
    f->builder = arena_strdup(a, builder);
    f->dockerfile_text = *ret = arena_printf(a, "ENV PORT=%d\nEXPOSE %d\n", f->port, f->port);
    return 0;
}

int facts_tool_run(const struct facts_order *o, struct context *c, struct arena *a,
                   struct context_facts *f, const char **ret, struct err *e)
{
    f->port = port_of(o);
    return strcmp(f->tool, "nixpacks") == 0 ? run_nixpacks(o, c, a, f, ret, e)
                                            : plan_buildpacks(o, c, a, f, ret, e);
}
