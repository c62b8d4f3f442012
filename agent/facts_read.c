/* One source, read: its digest, its Dockerfile (brought along, written in the spec, or made for its language), its base images and port.
 *
 * Comes in: a build as the user wrote it. Goes out: facts. Refuses nothing by itself: what the context or the Dockerfile refuses becomes the one line that status shows. */
#include "agent/facts_read.h"

#include "agent/facts_tool.h"
#include "drivers/context.h"
#include "spec/base/arena.h"
#include "spec/detect.h"
#include "spec/dockerfile.h"
#include "spec/limits.h"
#include "spec/platform.h"

static struct context_where where_of(const struct facts_order *o)
{
    const struct build *b = &o->build;

    return (struct context_where){
        .path = b->bundle ? b->bundle : b->path,
        .sub = b->bundle ? b->path : NULL,
        .dockerfile =
            facts_tool_dockerfile(b), /* it shapes what is ignored, as it does when it is sent */
        .use_ignore = true,
        .limits = context_limits_of(&o->limits),
        .memory = o->memory,
    };
}

void facts_fingerprint(const struct facts_order *o, char ret[SHA256_HEX])
{
    struct context_where w = where_of(o);
    struct err e = {0};

    ret[0] = '\0';
    (void)context_fingerprint_settled(&w, ret, &e);
}

bool facts_need_tool(const struct facts_order *o)
{
    return facts_tool(&o->build) != NULL;
}

void facts_print(const struct facts_order *o, const char *fingerprint, char ret[SHA256_HEX])
{
    CLEANUP(str_release) struct str text = STR_INIT;

    if (!*fingerprint || !facts_need_tool(o)) {
        memcpy(ret, fingerprint, *fingerprint ? SHA256_HEX : 1);
        return;
    }
    str_addf(&text, "%s %s ", fingerprint, facts_tool(&o->build));
    facts_tool_print(&o->build, &text);
    sha256_hex(str_text(&text), text.len, ret);
}

static void fail(struct context_facts *f, struct arena *a, const char *text)
{
    f->state = FACTS_FAILED;
    f->error = arena_strdup(a, text);
}

/* ---- the Dockerfile ---- */

struct reading {
    struct context *context;
};

static const char *read_small(void *ctx, const char *path, struct arena *a, size_t *ret_n)
{
    struct reading *r = ctx;
    const char *text;
    struct err e = {0};

    return context_file(r->context, path, LIMIT_SPEC_BYTES, a, &text, ret_n, &e) == 0 ? text : NULL;
}

static int make_dockerfile(const struct facts_order *o, struct context *c, struct arena *a,
                           struct context_facts *f, const char **ret, struct err *e)
{
    const char *strategy = o->build.strategy ? o->build.strategy : "auto";
    struct reading r = {c};
    struct detected found;
    struct detect_input in = {
        .read = read_small,
        .ctx = &r,
        .strategy = strategy,
        .start = o->start,
        .requirements = o->requirements,
        .port = o->port,
    };

    for (size_t i = 0; i < context_n(c); i++)
        if (context_entry(c, i)->type == 'f')
            strv_push(a, &in.paths, context_entry(c, i)->path);
    if (detect_application(&in, a, &found, e) < 0)
        return -1;
    f->made_for = arena_printf(a, "%s: %s", found.language, found.because);
    f->port = found.port;
    *ret = found.dockerfile;
    return 0;
}

static bool wants_dockerfile(const struct build *b)
{
    return !b->strategy || strcmp(b->strategy, "auto") == 0 ||
           strcmp(b->strategy, "dockerfile") == 0;
}

/* Its text, wherever it comes from; *ret_own: it has to be put into the context. */
static int find_dockerfile(const struct facts_order *o, struct context *c, struct arena *a,
                           struct context_facts *f, const char **ret, size_t *ret_n, bool *ret_own,
                           struct err *e)
{
    const struct build *b = &o->build;
    const char *name = b->dockerfile ? b->dockerfile : "Dockerfile";

    *ret_own = true;
    if (facts_tool(b)) {
        if (facts_tool_run(o, c, a, f, ret, e) < 0)
            return -1;
    } else if (b->dockerfile_inline) {
        *ret = b->dockerfile_inline;
    } else if (wants_dockerfile(b) && (context_has(c, name) || b->dockerfile ||
                                       (b->strategy && strcmp(b->strategy, "dockerfile") == 0))) {
        *ret_own = false;
        return context_file(c, name, LIMIT_SPEC_BYTES, a, ret, ret_n, e);
    } else if (make_dockerfile(o, c, a, f, ret, e) < 0) {
        return -1;
    }
    *ret_n = strlen(*ret);
    return 0;
}

static int only_port(const struct strv *exposed)
{
    char digits[8] = "";
    int64_t port;
    size_t n = exposed->n == 1 ? strspn(exposed->v[0], "0123456789") : 0;

    if (n == 0 || n >= sizeof(digits))
        return 0;
    memcpy(digits, exposed->v[0], n);
    return parse_int64(digits, 1, 65535, &port) < 0 ? 0 : (int)port;
}

/* The user's arguments, those of a tool, and what BuildKit will add to them. */
static struct kvs known_args(const struct facts_order *o, const struct context_facts *f,
                             struct arena *a)
{
    struct kvs args = {0};

    for (size_t i = 0; i < f->args.n; i++)
        kvs_set(a, &args, f->args.v[i].key, f->args.v[i].value);
    for (size_t i = 0; i < o->build.args.n; i++)
        kvs_set(a, &args, o->build.args.v[i].key, o->build.args.v[i].value);
    if (o->engine && *o->engine)
        (void)platform_args(o->engine, o->platform, a, &args);
    return args;
}

static void judge_dockerfile(const struct facts_order *o, const char *text, size_t n, bool own,
                             struct arena *a, struct context_facts *f)
{
    const char *name = f->dockerfile         ? f->dockerfile
                       : o->build.dockerfile ? o->build.dockerfile
                                             : "Dockerfile";
    const struct kvs args = known_args(o, f, a);
    struct diag_list diags;
    struct dockerfile d;

    f->asks_platform = dockerfile_asks_platform(text, n, a);
    if (f->asks_platform && (!o->engine || !*o->engine)) {
        f->state = FACTS_WORKING;
        return;
    }
    diag_init(&diags, a);
    if (dockerfile_read(name, text, n, &args, o->build.target, a, &diags, &d) < 0) {
        CLEANUP(str_release) struct str line = STR_INIT;

        diag_sort(&diags);
        if (diags.n > 0)
            diag_print(&diags.v[0], false, &line);
        while (line.len > 0 && line.buf[line.len - 1] == '\n')
            line.buf[--line.len] = '\0';
        fail(f, a, line.len ? str_text(&line) : "its Dockerfile cannot be read");
        return;
    }
    f->state = FACTS_READY;
    f->dockerfile = name;
    f->images = d.images;
    f->platforms = d.platforms;
    f->needs_buildkit = d.needs_buildkit;
    if (own || d.syntax_replaced)
        f->dockerfile_text = arena_strdup(a, d.text);
    if (d.syntax_replaced)
        strv_push(a, &f->notes,
                  "the `# syntax` line is left out: without a session the engine cannot fetch a "
                  "frontend");
    if (f->port == 0)
        f->port = only_port(&d.exposed);
}

struct facts_order facts_order_of(const struct service *s)
{
    return (struct facts_order){
        .build = s->build,
        .start = s->start,
        .requirements = s->requirements,
        .platform = s->platform,
        .port = s->port.set ? (int)s->port.v : 0,
    };
}

void facts_read(const struct facts_order *o, struct arena *a, struct context_facts *ret)
{
    const char *text;

    facts_read_text(o, a, ret, &text);
}

void facts_read_text(const struct facts_order *o, struct arena *a, struct context_facts *ret,
                     const char **ret_text)
{
    struct context_where w = where_of(o);
    struct context_facts f = {.state = FACTS_FAILED};
    struct err e = {0};
    char digest[SHA256_HEX];
    const char *text = NULL;
    size_t n = 0;
    bool own;
    struct context *c = NULL;

    f.tool = facts_tool(&o->build);
    if (!f.tool || facts_tool_is_there(&o->build, &e))
        c = context_open(&w, &e);
    if (!c || context_digest(c, digest, &e) < 0 ||
        find_dockerfile(o, c, a, &f, &text, &n, &own, &e) < 0) {
        fail(&f, a, e.msg);
        f.passing = e.kind == ERR_RETRY;
    } else {
        f.digest = arena_strdup(a, digest);
        f.bytes = context_bytes(c);
        if (f.builder)
            f.state = FACTS_READY;
        else
            judge_dockerfile(o, text, n, own, a, &f);
    }
    context_free(c);
    *ret_text = f.builder           ? NULL
                : f.dockerfile_text ? f.dockerfile_text
                : text              ? arena_strndup(a, text, n)
                                    : NULL;
    *ret = f;
}
