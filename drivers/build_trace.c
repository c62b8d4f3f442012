/* build_trace.c: a build's stream, decoded.
 *
 * In: the JSON lines of POST /build, from BuildKit or from the classic builder. Out: log lines, progress, the image, or why it failed:
 * HTTP 200 says nothing about that. Fields and messages it does not know are passed over: newer builders send more. What a message cannot
 * be (no JSON, no base64, no protobuf) ends the reading, since then nothing that follows can be trusted.
 *
 * Field numbers: moby/buildkit api/services/control/control.proto; they are the same since 2017. */
#include "drivers/build_trace.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "drivers/build_classic.h"
#include "drivers/build_steps.h"
#include "drivers/engine_stream.h"
#include "drivers/protobuf.h"
#include "spec/base/arena.h"
#include "spec/base/js.h"

struct build_trace {
    struct build_steps *steps;
    struct build_classic classic;
    struct str failure; /* the stream's own error */
    char image[sizeof("sha256:") + 64];
};

struct build_trace *build_trace_new(void)
{
    struct build_trace *t = xcalloc(1, sizeof(*t));

    t->steps = build_steps_new();
    return t;
}

void build_trace_free(struct build_trace *t)
{
    if (!t)
        return;
    build_steps_free(t->steps);
    str_release(&t->failure);
    free(t);
}

/* ---- BuildKit's trace ---- */

static const char *text_of(const struct protobuf *m)
{
    return (const char *)m->at;
}

static size_t size_of(const struct protobuf *m)
{
    return (size_t)(m->end - m->at);
}

/* Vertices are known by their digests (FNV-1a: a clash by design would only mix up the sender's own log). */
static uint64_t hash_of(const struct protobuf *m)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (const unsigned char *c = m->at; c < m->end; c++)
        h = (h ^ *c) * UINT64_C(0x100000001b3);
    return h;
}

/* google.protobuf.Timestamp as ns since 1970; times out of reach are unknown ones. */
static int read_time(struct protobuf m, int64_t *ret)
{
    struct protobuf_field f;
    int64_t seconds = 0, ns = 0;
    int more;

    while ((more = protobuf_next(&m, &f)) > 0) {
        if (f.number == 1)
            seconds = (int64_t)f.value;
        else if (f.number == 2)
            ns = (int64_t)f.value;
    }
    if (seconds > 0 && seconds < INT64_C(9000000000) && ns >= 0 && ns < INT64_C(1000000000))
        *ret = seconds * INT64_C(1000000000) + ns;
    return more;
}

/* Vertex: 1 digest, 3 name, 4 cached, 5 started, 6 completed, 7 error. */
static int read_vertex(struct build_trace *t, struct protobuf m)
{
    struct protobuf_field f;
    struct protobuf digest = {0}, name = {0}, error = {0};
    bool cached = false, started = false, completed = false;
    int64_t started_ns = 0, completed_ns = 0;
    int more, bad = 0;

    while ((more = protobuf_next(&m, &f)) > 0) {
        switch (f.number) {
        case 1: digest = f.bytes; break;
        case 3: name = f.bytes; break;
        case 4: cached = f.value != 0; break;
        case 5: bad |= read_time(f.bytes, &started_ns), started = true; break;
        case 6: bad |= read_time(f.bytes, &completed_ns), completed = true; break;
        case 7: error = f.bytes; break;
        default: break;
        }
    }
    if (more < 0 || bad)
        return -1;
    int step = build_steps_find(t->steps, hash_of(&digest));

    build_steps_name(t->steps, step, text_of(&name), size_of(&name));
    if (started || completed)
        build_steps_begin(t->steps, step, started_ns);
    if (completed)
        build_steps_end(t->steps, step, completed_ns, cached, text_of(&error), size_of(&error));
    return 0;
}

static void note_status(struct build_trace *t, const struct protobuf *vertex,
                        const struct protobuf *id, uint64_t total, int64_t duration_ns)
{
    CLEANUP(str_release) struct str text = STR_INIT;

    str_addn(&text, text_of(id), size_of(id));
    if (total > 0 && total < INT64_MAX) {
        str_addc(&text, ' ');
        str_add_bytes(&text, (int64_t)total);
    }
    if (duration_ns > INT64_C(10000000))
        str_addf(&text, " %.1fs", (double)duration_ns / 1e9);
    str_add(&text, " done");
    build_steps_note(t->steps, build_steps_find(t->steps, hash_of(vertex)), str_text(&text),
                     hash_of(id));
}

/* VertexStatus: 1 id, 2 vertex, 5 total, 7 started, 8 completed. Told when it is complete. */
static int read_status(struct build_trace *t, struct protobuf m)
{
    struct protobuf_field f;
    struct protobuf id = {0}, vertex = {0};
    int64_t started_ns = 0, completed_ns = 0;
    uint64_t total = 0;
    bool completed = false;
    int more, bad = 0;

    while ((more = protobuf_next(&m, &f)) > 0) {
        switch (f.number) {
        case 1: id = f.bytes; break;
        case 2: vertex = f.bytes; break;
        case 5: total = f.value; break;
        case 7: bad |= read_time(f.bytes, &started_ns); break;
        case 8: bad |= read_time(f.bytes, &completed_ns), completed = true; break;
        default: break;
        }
    }
    if (more < 0 || bad)
        return -1;
    if (completed)
        note_status(t, &vertex, &id, total, started_ns ? completed_ns - started_ns : 0);
    return 0;
}

/* VertexLog: 1 vertex, 2 timestamp, 4 msg. */
static int read_log(struct build_trace *t, struct protobuf m)
{
    struct protobuf_field f;
    struct protobuf vertex = {0}, msg = {0};
    int64_t now_ns = 0;
    int more, bad = 0;

    while ((more = protobuf_next(&m, &f)) > 0) {
        switch (f.number) {
        case 1: vertex = f.bytes; break;
        case 2: bad |= read_time(f.bytes, &now_ns); break;
        case 4: msg = f.bytes; break;
        default: break;
        }
    }
    if (more < 0 || bad)
        return -1;
    build_steps_output(t->steps, build_steps_find(t->steps, hash_of(&vertex)), now_ns,
                       text_of(&msg), size_of(&msg));
    return 0;
}

/* VertexWarning: 1 vertex, 3 short. */
static int read_warning(struct build_trace *t, struct protobuf m)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    struct protobuf_field f;
    struct protobuf vertex = {0}, said = {0};
    int more;

    while ((more = protobuf_next(&m, &f)) > 0) {
        if (f.number == 1)
            vertex = f.bytes;
        else if (f.number == 3)
            said = f.bytes;
    }
    if (more < 0)
        return -1;
    str_add(&text, "WARN: ");
    str_addn(&text, text_of(&said), size_of(&said));
    build_steps_note(t->steps, build_steps_find(t->steps, hash_of(&vertex)), str_text(&text),
                     hash_of(&said));
    return 0;
}

/* StatusResponse: 1 vertexes, 2 statuses, 3 logs, 4 warnings. */
static int read_trace(struct build_trace *t, struct protobuf m)
{
    struct protobuf_field f;
    int more, bad = 0;

    while (!bad && (more = protobuf_next(&m, &f)) != 0) {
        if (more < 0)
            return -1;
        switch (f.number) {
        case 1: bad = read_vertex(t, f.bytes); break;
        case 2: bad = read_status(t, f.bytes); break;
        case 3: bad = read_log(t, f.bytes); break;
        case 4: bad = read_warning(t, f.bytes); break;
        default: break;
        }
    }
    return bad;
}

/* ---- base64 ---- */

static int digit_of(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;

    return at ? (int)(at - digits) : -1;
}

static int decode_base64(const char *text, struct str *out)
{
    unsigned bits = 0, n = 0;

    for (; *text && *text != '='; text++) {
        int digit = digit_of(*text);

        if (digit < 0)
            return -1;
        bits = (bits << 6 | (unsigned)digit) & 0xffffff;
        n += 6;
        if (n >= 8) {
            n -= 8;
            str_addc(out, (char)(bits >> n & 0xff));
        }
    }
    return text[strspn(text, "=")] ? -1 : 0;
}

/* ---- failure ---- */

/* What the builder itself says about the world; never what a process printed, whose command is in the message. */
static enum err_kind failure_kind(const char *message)
{
    static const char *const steps[] = {"did not complete successfully", "executor failed running",
                                        "returned a non-zero code"};
    static const char *const world[] = {
        "no space left on device", "i/o timeout",      "TLS handshake",   "connection refused",
        "connection reset",        "toomanyrequests",  "name resolution", "failed to do request",
        "unexpected EOF",          "deadline exceeded"};
    static const char *const registry[] = {"failed to resolve source metadata",
                                           "pull access denied", "manifest unknown",
                                           "failed to authorize", "failed to load cache key"};

    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        if (strstr(message, steps[i]))
            return ERR_USER;
    if (strcasestr(message, "context canceled") || strcasestr(message, "context cancelled"))
        return ERR_STALE;
    for (size_t i = 0; i < ARRAY_LEN(world); i++)
        if (strcasestr(message, world[i]))
            return ERR_RETRY;
    for (size_t i = 0; i < ARRAY_LEN(registry); i++)
        if (strcasestr(message, registry[i]))
            return pull_error_kind(message);
    return ERR_USER;
}

/* The builder repeats the whole command in its message; the step's name has it already. */
static const char *short_reason(const char *message)
{
    static const char *const marks[] = {
        "did not complete successfully: ", "]: exit code: ", "returned a non-zero code: "};

    for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
        const char *last = NULL;

        for (const char *at = message; (at = strstr(at, marks[i])); at++)
            last = at;
        if (last)
            return i == 0 ? last + strlen(marks[0]) : i == 1 ? last + 3 : last;
    }
    return message;
}

/* Layers of the builder that say nothing to those who wrote the Dockerfile. */
static const char *without_layers(const char *message)
{
    static const char *const layers[] = {
        "failed to solve with frontend dockerfile.v0: ", "failed to create LLB definition: ",
        "failed to solve: ", "rpc error: code = Unknown desc = "};

    for (size_t i = 0; i < ARRAY_LEN(layers); i++)
        if (strncmp(message, layers[i], strlen(layers[i])) == 0) {
            message += strlen(layers[i]);
            i = (size_t)-1;
        }
    return message;
}

static void add_short(struct str *out, const char *text, size_t max)
{
    build_text_clean(out, text, strlen(text), max);
}

/* As many of the last lines as fit into an err, the last one always. */
static int set_failure(const struct build_trace *t, struct err *e)
{
    CLEANUP(str_release) struct str s = STR_INIT, lines = STR_INIT;
    const char *tail[BUILD_TAIL], *message = str_text(&t->failure);
    int step = build_steps_failed(t->steps);
    size_t n = build_steps_tail(t->steps, step, tail), first = n, room;

    if (step >= 0) {
        add_short(&s, build_steps_name_of(t->steps, step), 100);
        str_add(&s, ": ");
    }
    add_short(&s, step >= 0 ? short_reason(message) : message, step >= 0 ? 140 : 390);
    room = sizeof(e->msg) - 1 - s.len - strlen("; it said last: ");
    while (first > 0 && strlen(tail[first - 1]) + 3 <= room) {
        room -= strlen(tail[--first]) + 3;
    }
    if (first == n && n > 0)
        add_short(&lines, tail[n - 1], room);
    for (size_t i = first; i < n; i++)
        str_addf(&lines, "%s%s", i > first ? " | " : "", tail[i]);
    if (lines.len)
        str_addf(&s, "; it said last: %s", str_text(&lines));
    return err_set(e, failure_kind(message), "%s", str_text(&s));
}

static int fail(struct build_trace *t, const char *message, struct err *e)
{
    if (t->classic.step > 0)
        build_classic_end(&t->classic, t->steps, message);
    str_clear(&t->failure);
    add_short(&t->failure, without_layers(message), BUILD_LINE);
    return set_failure(t, e);
}

/* ---- lines ---- */

static bool is_image_id(const char *id)
{
    if (strncmp(id, "sha256:", 7) != 0 || strlen(id) != 7 + 64)
        return false;
    for (id += 7; *id; id++)
        if (!isdigit((unsigned char)*id) && !(*id >= 'a' && *id <= 'f'))
            return false;
    return true;
}

static int take_trace(struct build_trace *t, const char *text, struct err *e)
{
    CLEANUP(str_release) struct str bytes = STR_INIT;

    if (decode_base64(text, &bytes) == 0) {
        const unsigned char *at = (const unsigned char *)str_text(&bytes);

        if (read_trace(t, (struct protobuf){at, at + bytes.len}) == 0)
            return 0;
    }
    return err_set(e, ERR_RETRY, "the build's stream is damaged: a trace that cannot be read");
}

static void take_image(struct build_trace *t, const char *id)
{
    if (!is_image_id(id))
        return;
    (void)snprintf(t->image, sizeof(t->image), "%s", id);
    if (t->classic.step > 0)
        build_classic_end(&t->classic, t->steps, NULL);
}

static int take_message(struct build_trace *t, const json_t *v, struct err *e)
{
    const char *error =
        js_str(v, "errorDetail.message", js_str(v, "error", js_str(v, "message", NULL)));
    const char *id = js_str(v, "id", ""), *trace = js_str(v, "aux", NULL);
    const char *stream = js_str(v, "stream", NULL);

    if (error)
        return fail(t, *error ? error : "no reason is given", e);
    if (trace && strcmp(id, "moby.buildkit.trace") == 0)
        return take_trace(t, trace, e);
    take_image(t, js_str(v, "aux.ID", ""));
    if (stream)
        build_classic_stream(&t->classic, t->steps, stream);
    return 0;
}

int build_trace_line(struct build_trace *t, const char *line, size_t n, build_line_fn *fn,
                     void *user, struct err *e)
{
    json_auto_t *v = js_parse(line, n, NULL);

    if (!json_is_object(v))
        return err_set(e, ERR_RETRY, "the build's stream is damaged: a line that is not JSON");
    build_steps_to(t->steps, fn, user);
    int answer = take_message(t, v, e);

    build_steps_to(t->steps, NULL, NULL);
    return answer;
}

const char *build_trace_progress(const struct build_trace *t, double *ret_fraction)
{
    return build_steps_progress(t->steps, ret_fraction);
}

const char *build_trace_image(const struct build_trace *t)
{
    return *t->image ? t->image : NULL;
}

void build_trace_summary(const struct build_trace *t, struct str *out)
{
    build_steps_summary(t->steps, out);
}

void build_trace_failure(const struct build_trace *t, struct str *out)
{
    const char *tail[BUILD_TAIL];
    int step = build_steps_failed(t->steps);
    size_t n = build_steps_tail(t->steps, step, tail);

    if (t->failure.len == 0)
        return;
    if (step >= 0)
        str_addf(out, "%s\n", build_steps_name_of(t->steps, step));
    for (size_t i = 0; i < n; i++)
        str_addf(out, "    %s\n", tail[i]);
    str_addf(out, "%s\n", step >= 0 ? short_reason(str_text(&t->failure)) : str_text(&t->failure));
}
