/* fuzz_door_words.c: any bytes as what a request says besides its path, one a line: a query, a Cookie header, a Host header; the rest is a JSON body.
 *
 * Beyond not crashing: a value that is found is text of the line without a NUL, and a body is an object or is refused with a problem that is JSON itself. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "agent/door_parts.h"
#include "agent/web_host.h"
#include "spec/base/arena.h"
#include "spec/base/js.h"

static void check_query(const char *query, struct arena *a)
{
    static const char *const names[] = {"route", "format", "limit", "a"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *value = door_form_value(query, names[i], a);

        assert(!value || (strlen(value) < strlen(query) && strstr(query, names[i])));
    }
}

/* What is said of an upload becomes lines of its spec, one a key, whatever was typed; and the same again the same lines. */
static void check_upload(const char *query, struct arena *a)
{
    static const char *const keys[] = {"app: x\n",   "source: {",      "route: ",    "port: ",
                                       "volumes: [", "environment: [", "secrets: [", "gpus: "};
    CLEANUP(str_release) struct str text = STR_INIT, again = STR_INIT;
    struct upload_spec u = {0};
    const char *name, *value;
    size_t lines = 0;

    while (door_form_next(&query, a, &name, &value) > 0) {
        struct err e = {0};

        assert((upload_spec_take(&u, name, value, a, &e) < 0) == (e.kind != ERR_NONE));
    }
    upload_spec_write(&u, "x", ".bundles/0.zip", NULL, &text);
    for (const char *line = str_text(&text); *line; line = strchr(line, '\n') + 1) {
        bool known = false;

        for (size_t i = 0; i < ARRAY_LEN(keys); i++)
            known |= strncmp(line, keys[i], strlen(keys[i])) == 0;
        assert(known && strchr(line, '\n'));
        lines++;
    }
    assert(lines >= 3 && lines <= ARRAY_LEN(keys));
    upload_spec_write(&u, "x", ".bundles/0.zip", str_text(&text), &again);
    assert(str_text(&again) && strcmp(str_text(&again), str_text(&text)) == 0);
}

static void check_cookie(const char *header, struct arena *a)
{
    const char *value = door_cookie_value(header, a);

    assert(!value || (strstr(header, value) && !strchr(value, ';')));
}

static void check_host(const char *header)
{
    char host[WEB_HOST] = "untouched";

    if (web_host_parse(header, host) != 0)
        return;
    assert(strlen(host) < sizeof(host));
    assert(!strpbrk(host, " /\\@\"'<>\t"));
}

struct source {
    const uint8_t *bytes;
    size_t n;
};

static long give(void *ctx, void *buf, size_t n)
{
    struct source *s = ctx;
    size_t take = s->n < n ? s->n : n;

    take = take > 13 ? 13 : take;
    if (take > 0)
        memcpy(buf, s->bytes, take);
    s->bytes += take;
    s->n -= take;
    return (long)take;
}

static void check_json(const uint8_t *bytes, size_t n, struct arena *a)
{
    struct source s = {bytes, n};
    struct web_body body = {.read = give, .ctx = &s, .length = n % 2 ? (int64_t)n : -1};
    const struct web_request r = {
        .method = "POST", .path = "/", .content_type = "application/json", .body = &body};
    struct door_call c = {.r = &r, .a = a, .by = ""};
    struct web_reply reply = {.status = 0};
    json_t *v = NULL;

    if (door_json(&c, &v, &reply) == 0) {
        assert(json_is_object(v) && reply.status == 0);
        json_decref(v);
    } else {
        struct err e = {0};
        json_t *problem = js_parse(str_text(&reply.body), reply.body.len, &e);

        assert(reply.status == 400 || reply.status == 413);
        assert(json_is_object(problem));
        json_decref(problem);
    }
    str_release(&reply.body);
    str_release(&reply.headers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *lines[3] = {"", "", ""};

    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
        size_t n = end ? (size_t)(end - data) : size;

        lines[i] = arena_strndup(a, (const char *)data, n);
        data += n + (end != NULL);
        size -= n + (end != NULL);
    }
    check_query(lines[0], a);
    check_upload(lines[0], a);
    check_cookie(lines[1], a);
    check_host(lines[2]);
    check_json(data, size, a);
    return 0;
}
