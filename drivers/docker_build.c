/* docker_build.c: builds one image: its context streamed as a tar, its log decoded as it comes.
 *
 * In: an order (op.h) with a tag that names everything that shapes the image. Out: the image's id, or the failing step with its last lines. BuildKit where the engine has it, the classic
 * builder where not. Without a session BuildKit can neither fetch a frontend nor log in to a registry, so base images are on the engine before (the planner sees to it) and nothing is pulled here.
 * Closing the connection cancels the build in both builders.
 * Source: Engine API, ImageBuild. */
#include "drivers/docker_parts.h"

#include <string.h>

#include "drivers/build_trace.h"
#include "drivers/context.h"
#include "spec/base/arena.h"

enum {
    SILENCE_MS = 15 * 60 * 1000, /* a step may compile for long without a word */
    PROGRESS_EVERY_MS = 100,
};

struct building {
    struct context *context;
    struct build_trace *trace;
    struct line_split lines;
    struct err failure;
    int64_t sent_bytes, shown_ms;
    bool classic;
};

void docker_build_release(struct ticket *t)
{
    struct building *b = t->building;

    if (!b)
        return;
    line_split_release(&b->lines);
    build_trace_free(b->trace);
    context_free(b->context);
    free(TAKE(t->building));
}

/* ---- what it says ---- */

static void keep_line(void *user, const char *line)
{
    struct ticket *t = user;

    if (t->progress)
        t->progress(t->user, line, OP_PROGRESS_LOG);
}

static int on_line(void *user, const char *line, size_t n)
{
    struct ticket *t = user;
    struct building *b = t->building;

    if (!b->failure.kind)
        (void)build_trace_line(b->trace, line, n, keep_line, t, &b->failure);
    return 0;
}

static bool on_data(void *user, const char *bytes, size_t n)
{
    struct ticket *t = user;
    struct building *b = t->building;
    double fraction = -1;

    if (line_split_feed(&b->lines, bytes, n, on_line, t) < 0)
        return false;
    if (!t->progress || n == 0 || http_now_ms() - b->shown_ms < PROGRESS_EVERY_MS)
        return true;
    b->shown_ms = http_now_ms();
    const char *text = build_trace_progress(b->trace, &fraction);

    t->progress(t->user, text, fraction);
    return true;
}

/* ---- what it is sent ---- */

struct context_where docker_build_where(const struct build_order *o)
{
    return (struct context_where){.path = o->path,
                                  .sub = o->sub,
                                  .dockerfile = o->dockerfile,
                                  .use_ignore = true,
                                  .limits = context_limits_of(&o->limits)};
}

/* The tag is a promise about the content: what changed while it was being sent must not get it. */
static long judge_sent(const struct build_order *o, struct err *e)
{
    struct context_where where = docker_build_where(o);
    char now[SHA256_HEX];

    if (!o->fingerprint || !*o->fingerprint || o->builder)
        return 0; /* pack has read its source before */
    if (context_fingerprint(&where, now, e) < 0)
        return -1;
    return strcmp(now, o->fingerprint) == 0
               ? 0
               : err_set(e, ERR_RETRY, "its source changed while it was being sent");
}

static long on_feed(void *user, void *buf, size_t n)
{
    struct ticket *t = user;
    struct building *b = t->building;
    long got = context_tar_read(b->context, buf, n, &b->failure);

    if (got == 0)
        return judge_sent(t->op->build, &b->failure);
    if (got > 0)
        b->sent_bytes += got;
    if (t->progress && got > 0 && http_now_ms() - b->shown_ms >= PROGRESS_EVERY_MS) {
        int64_t all = context_bytes(b->context);

        b->shown_ms = http_now_ms();
        t->progress(t->user, "sending the context",
                    all > 0 && b->sent_bytes < all ? (double)b->sent_bytes / (double)all : -1);
    }
    return got;
}

static void add_json(struct str *s, const char *key, json_t *v)
{
    CLEANUP(str_release) struct str text = STR_INIT;

    js_canonical(v, &text);
    str_addf(s, "&%s=", key);
    docker_escape(s, str_text(&text));
    json_decref(v);
}

static void add_text(struct str *s, const char *key, const char *value)
{
    if (!value || !*value)
        return;
    str_addf(s, "&%s=", key);
    docker_escape(s, value);
}

/* Several addresses of one host are several of them. */
static void add_hosts(struct str *s, const struct kvs *hosts)
{
    for (size_t i = 0; i < hosts->n; i++)
        for (const char *ip = hosts->v[i].value; *ip; ip += strspn(ip, ",")) {
            size_t n = strcspn(ip, ",");

            str_add(s, "&extrahosts=");
            docker_escape(s, hosts->v[i].key);
            str_addf(s, ":%.*s", (int)n, ip);
            ip += n;
        }
}

static json_t *ulimits_json(const struct build_order *o)
{
    json_t *all = json_array();

    for (size_t i = 0; i < o->n_ulimits; i++)
        json_array_append_new(all, json_pack("{s:s, s:I, s:I}", "Name", o->ulimits[i].name, "Hard",
                                             (json_int_t)o->ulimits[i].hard, "Soft",
                                             (json_int_t)o->ulimits[i].soft));
    return all;
}

static const char *path_of(struct ticket *t)
{
    const struct build_order *o = t->op->build;
    CLEANUP(str_release) struct str s = STR_INIT;

    str_addf(&s, "/build?version=%d&rm=1&forcerm=1", t->building->classic ? 1 : 2);
    add_text(&s, "t", t->op->object);
    for (size_t i = 0; i < o->tags.n; i++)
        add_text(&s, "t", o->tags.v[i]);
    add_text(&s, "dockerfile", o->dockerfile ? o->dockerfile : "Dockerfile");
    add_text(&s, "target", o->target);
    add_text(&s, "networkmode", o->network);
    add_text(&s, "platform", t->op->platform);
    if (o->args.n && !t->packing) /* pack had them */
        add_json(&s, "buildargs", js_from_kvs(&o->args));
    if (o->labels.n)
        add_json(&s, "labels", js_from_kvs(&o->labels));
    if (o->cache_from.n)
        add_json(&s, "cachefrom", js_from_strv(&o->cache_from));
    add_hosts(&s, &o->extra_hosts);
    if (o->shm_bytes > 0)
        str_addf(&s, "&shmsize=%lld", (long long)o->shm_bytes);
    if (o->n_ulimits)
        add_json(&s, "ulimits", ulimits_json(o));
    if (o->no_cache)
        str_add(&s, "&nocache=1");
    return arena_strdup(t->arena, str_text(&s));
}

static void on_deadline(void *user)
{
    struct ticket *t = user;

    t->timer = NULL;
    ticket_end(
        t, &(struct err){.kind = ERR_USER, .msg = "the build did not finish within its deadline"});
}

static void refuse_classic(struct err *e)
{
    (void)err_set(e, ERR_USER,
                  "its Dockerfile needs BuildKit (RUN --mount, a heredoc, COPY --link or the "
                  "like), which this engine does not have");
}

/* BuildKit of an engine before API 1.42 takes these and does nothing about them. */
static bool wants_old_limits(const struct ticket *t)
{
    const struct build_order *o = t->op->build;

    return (o->shm_bytes > 0 || o->n_ulimits > 0) && t->d->link.version[0] &&
           strcmp(t->d->link.version, "v1.42") < 0;
}

static void refuse_limits(struct err *e)
{
    (void)err_set(e, ERR_USER,
                  "`shm_size` and `ulimits` of a build need Engine API 1.42, or a Dockerfile "
                  "that does without BuildKit");
}

static int put_file(struct context *c, const char *path, const char *text, struct err *e)
{
    if (context_tar_put(c, path, text, strlen(text)) == 0)
        return 0;
    return err_set(e, ERR_USER, "its source has something else where %s is to be", path);
}

static int put_files(const struct build_order *o, struct context *c, struct err *e)
{
    for (size_t i = 0; i < o->files.n; i++)
        if (put_file(c, o->files.v[i].key, o->files.v[i].value, e) < 0)
            return -1;
    return o->dockerfile_text
               ? put_file(c, o->dockerfile ? o->dockerfile : "Dockerfile", o->dockerfile_text, e)
               : 0;
}

static int open_context(struct ticket *t, const struct context_where *where, struct err *e)
{
    struct building *b = t->building;

    b->context = context_open(where, e);
    if (!b->context || (!t->packing && put_files(t->op->build, b->context, e) < 0))
        return -1;
    context_tar_withhold(b->context, !b->classic);
    return context_tar_rewind(b->context, e);
}

/* ---- the end ---- */

static void on_image(void *user, const struct http_reply *reply)
{
    struct ticket *t = user;
    struct obs_image image;
    struct err e = {0};

    t->call = NULL;
    if (reply->err.kind || reply->status >= 300)
        (void)docker_failure(reply, &e);
    else if (engine_decode_image(t->op->object, reply->body, reply->n, t->arena, &image, &e) == 0)
        t->result.id = image.id;
    if (e.kind)
        (void)err_wrap(&e, "%s was built, but is not there", t->op->object);
    else
        docker_pack_untag(t);
    ticket_end(t, &e);
}

/* ---- an engine without BuildKit ---- */

static bool has_any(const char *text, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcasestr(text, words[i]))
            return true;
    return false;
}

/* The engine's own words before any step ran; what a step prints proves nothing. */
static bool is_without_buildkit(const char *said)
{
    static const char *const words[] = {"not supported", "not enabled", "only supported",
                                        "unsupported", "not available"};

    return strcasestr(said, "invalid version") ||
           (strcasestr(said, "buildkit") && has_any(said, words, ARRAY_LEN(words)));
}

static void send_build(struct ticket *t);

/* True: it is being built by the classic builder instead. */
static bool fell_back(struct ticket *t, struct err *e)
{
    struct building *b = t->building;
    bool none = is_without_buildkit(e->msg);
    double fraction = -1;

    (void)build_trace_progress(b->trace, &fraction);
    if (b->classic || fraction >= 0 || t->cancelled)
        return false;
    t->d->classic_builder |= none;
    if (none && t->op->build->needs_buildkit)
        return refuse_classic(e), false;
    if (!none && (t->op->build->needs_buildkit || !strcasestr(e->msg, "no active session")))
        return false;
    context_tar_withhold(b->context, false);
    if (context_tar_rewind(b->context, e) < 0)
        return false;
    b->failure = (struct err){0};
    b->sent_bytes = 0;
    b->classic = true;
    build_trace_free(b->trace);
    b->trace = build_trace_new();
    line_split_release(&b->lines);
    keep_line(t, none ? "the engine has no BuildKit: the classic builder builds it"
                      : "BuildKit cannot fetch what it needs: the classic builder builds it");
    send_build(t);
    return true;
}

static void on_built(void *user, const struct http_reply *reply)
{
    struct ticket *t = user;
    struct building *b = t->building;
    struct err e = b->failure;

    t->call = NULL;
    if (!e.kind && (reply->err.kind || reply->status >= 300)) {
        (void)docker_failure(reply, &e);
        (void)err_wrap(&e, "the build");
    }
    if (e.kind && fell_back(t, &e))
        return;
    http_timer_cancel(t->d->http, TAKE(t->timer));
    if (e.kind) {
        ticket_end(t, &e);
        return;
    }
    ticket_ask(t, "GET", docker_path(t->arena, "/images/", t->op->object, "/json"), NULL, on_image);
}

/* ---- the beginning ---- */

static void send_build(struct ticket *t)
{
    t->call = docker_send(t->d, &(struct http_request){
                                    .method = "POST",
                                    .path = path_of(t),
                                    .stream = true,
                                    .timeout_ms = SILENCE_MS,
                                    .data = on_data,
                                    .feed = on_feed,
                                    .done = on_built,
                                    .user = t,
                                });
}

void docker_build_send(struct ticket *t, const struct context_where *where)
{
    struct building *b = t->building = xcalloc(1, sizeof(*b));
    struct err e = {0};

    b->trace = build_trace_new();
    b->classic = t->d->classic_builder || wants_old_limits(t);
    if (t->op->build->needs_buildkit && wants_old_limits(t))
        refuse_limits(&e);
    else if (b->classic && t->op->build->needs_buildkit)
        refuse_classic(&e);
    if (e.kind || open_context(t, where, &e) < 0) {
        ticket_fail(t, &e);
        return;
    }
    send_build(t);
    ticket_after(t, ticket_left_ms(t), on_deadline);
}

void docker_build_begin(struct ticket *t)
{
    struct context_where where = docker_build_where(t->op->build);

    if (t->op->build->builder)
        docker_pack_begin(t);
    else
        docker_build_send(t, &where);
}
