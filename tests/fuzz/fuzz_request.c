/* fuzz_request.c: any bytes as a whole request: "METHOD PATH", headers a line each, an empty line, a body. It is asked of a door with an account and a token that the bytes do not know.
 *
 * Beyond not crashing: nobody who has no credential gets through a row that wants one, every refusal is a problem document or a page, and no answer's header holds a line's end of the client's. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/door_parts.h"
#include "spec/base/arena.h"
#include "tests/unit/scratch.h"

static struct door *door;
static char state_dir[] = "/tmp/evenkeel-fuzz-XXXXXX";

static void tidy(void)
{
    door_free(door);
    scratch_remove(state_dir);
}

static struct door *the_door(void)
{
    static struct options options;
    char show[CREDENTIAL_SPOKEN];
    struct err e = {0};

    if (door)
        return door;
    assert(mkdtemp(state_dir));
    options.state = state_dir; /* no roots: nothing can be placed */
    options.settings.owner = "default";
    assert(door_open(&options, "a long enough password", false, show, &door, &e) == 0);
    struct arena *a = arena_new();
    struct door_facts *f = ARENA_NEW(a, struct door_facts);

    *f = (struct door_facts){.arena = a, .looked = true};
    atomic_store(&f->refs, 1);
    door_publish(door, f);
    (void)atexit(tidy);
    return door;
}

struct source {
    const char *bytes;
    size_t n;
};

static long give(void *ctx, void *buf, size_t n)
{
    struct source *s = ctx;
    size_t take = s->n < n ? s->n : n;

    if (take > 0)
        memcpy(buf, s->bytes, take);
    s->bytes += take;
    s->n -= take;
    return (long)take;
}

/* The next line, without its end; NULL at the end of the head. */
static char *next_line(char **at)
{
    char *line = *at, *end = line ? strchr(line, '\n') : NULL;

    if (!line)
        return NULL;
    *at = end ? end + 1 : NULL;
    if (end)
        *end = '\0';
    return *line ? line : NULL;
}

static void take_header(struct web_request *r, const char *line)
{
    const struct {
        const char *name;
        const char **to;
    } known[] = {{"Authorization: ", &r->authorization},
                 {"Cookie: ", &r->cookie},
                 {"Origin: ", &r->origin},
                 {"Sec-Fetch-Site: ", &r->fetch_site},
                 {"X-CSRF-Token: ", &r->csrf},
                 {"Content-Type: ", &r->content_type},
                 {"If-None-Match: ", &r->none_match}};

    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strncmp(line, known[i].name, strlen(known[i].name)) == 0)
            *known[i].to = line + strlen(known[i].name);
    if (strcmp(line, "Accept: text/html") == 0)
        r->html = true;
}

static void check_answer(const struct web_request *r, const struct web_reply *ret)
{
    size_t n;
    const struct access_row *rows = access_rows(&n);
    bool open = false;

    for (size_t i = 0; i < n; i++)
        open |= rows[i].need == ROLE_NONE && access_fits(rows[i].path, r->path, NULL);
    assert(ret->status >= 200 && ret->status < 600);
    assert(open || ret->status >= 400 ||
           (ret->status == 303 && strstr(str_text(&ret->headers), "Location: /login\r\n")));
    for (const char *s = str_text(&ret->headers); *s; s++)
        assert((*s != '\n' || s[-1] == '\r') && (*s != '\r' || s[1] == '\n'));
    assert(ret->type && (ret->status < 400 || ret->body.len > 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    char *at = arena_strndup(a, (const char *)data, size), *line = next_line(&at);
    char *path = line ? strchr(line, ' ') : NULL, *query;
    struct web_request r = {.authority = "localhost",
                            .host = "localhost",
                            .peer = "127.0.0.1",
                            .client = "192.0.2.1",
                            .authorization = "",
                            .cookie = "",
                            .origin = "",
                            .fetch_site = "",
                            .csrf = "",
                            .content_type = "",
                            .none_match = "",
                            .query = ""};
    struct web_reply ret = {.status = 0};

    if (!path)
        return 0;
    *path++ = '\0';
    r.method = line;
    r.path = path;
    if ((query = strchr(path, '?'))) {
        *query = '\0';
        r.query = query + 1;
    }
    while ((line = next_line(&at)))
        take_header(&r, line);
    struct source s = {at ? at : "", at ? strlen(at) : 0};
    struct web_body body = {.read = give, .ctx = &s, .length = (int64_t)s.n};

    if (s.n > 0)
        r.body = &body;
    if (strcmp(r.method, "POST") == 0 && strstr(r.path, "login"))
        return 0; /* a password's hash takes as long as it is meant to */
    if (door_answer(the_door(), &r, &ret))
        check_answer(&r, &ret);
    str_release(&ret.body);
    str_release(&ret.headers);
    return 0;
}
