/* recipe.c: what evenkeel asked the engine for, to be asked again without evenkeel.
 *
 * In: the requests that the proxy wrote down. Out: chains with the same bodies under another name, in another subnet, with
 * labels of another prefix but the same length, so that an agent leaves them alone. */
#include "tests/bench/recipe.h"

#include <stdlib.h>
#include <string.h>

#include "spec/base/arena.h"
#include "spec/base/str.h"
#include "tests/bench/bench.h"
#include "tests/bench/proxy.h"

struct recipe {
    const char *name, *subnet;
    struct raw_step network, create;
};

const char *recipe_spec(struct bench *b, const char *name, const char *more)
{
    return arena_printf(
        b->arena,
        "app: %s\nimage: " BENCH_IMAGE "\n"
        "command: [\"sh\", \"-c\", \"trap 'exit 0' TERM; sleep 1000000 & wait\"]\n%s",
        name, more);
}

/* ---- learning ---- */

static const char *subnet_of(struct bench *b, const char *body)
{
    const char *at = strstr(body, "\"Subnet\":\"");

    if (!at)
        bench_die("the body of a network has no subnet: %s", body);
    at += strlen("\"Subnet\":\"");
    return arena_strndup(b->arena, at, strcspn(at, "\""));
}

void recipe_learn(struct bench *b, struct proxy *p, const char *name)
{
    struct recipe *r = ARENA_NEW(b->arena, struct recipe);

    *r = (struct recipe){.name = name};
    for (size_t i = 0; i < proxy_count(p); i++) {
        struct proxied x = proxy_request(p, i, b->arena);
        struct raw_step step = {.method = x.method, .path = x.path, .body = x.body};

        if (strcmp(x.method, "POST") != 0 || (!strstr(x.path, name) && !strstr(x.body, name)))
            continue;
        if (strstr(x.path, "/networks/create"))
            r->network = step;
        else if (strstr(x.path, "/containers/create"))
            r->create = step;
    }
    if (!r->network.path || !r->create.path)
        bench_die("evenkeel did not make a network and a container for %s", name);
    r->subnet = subnet_of(b, r->network.body);
    b->recipe = r;
}

/* ---- asking again ---- */

static const char *replaced(struct bench *b, const char *text, const char *from, const char *to)
{
    CLEANUP(str_release) struct str s = STR_INIT;

    for (const char *at; (at = strstr(text, from)); text = at + strlen(from)) {
        str_addn(&s, text, (size_t)(at - text));
        str_add(&s, to);
    }
    str_add(&s, text);
    return arena_strdup(b->arena, str_text(&s));
}

static struct raw_step renamed(struct bench *b, struct raw_step s, const char *name, size_t nth)
{
    const char *subnet =
        arena_printf(b->arena, "10.213.%zu.%zu/26", 128 + nth / 4 % 128, nth % 4 * 64);

    s.path = replaced(b, s.path, b->recipe->name, name);
    s.body = replaced(b, s.body, b->recipe->name, name);
    s.body = replaced(b, s.body, "\"evenkeel.", "\"evenbare.");
    s.body = replaced(b, s.body, b->recipe->subnet, subnet);
    return s;
}

static struct raw_step start_of(struct bench *b, const struct raw_step *create)
{
    const char *name = strstr(create->path, "name=");
    const char *version_end = strstr(create->path, "/containers/");

    if (!name)
        bench_die("%s has no name", create->path);
    name += strlen("name=");
    return (struct raw_step){
        .method = "POST",
        .path =
            arena_printf(b->arena, "%.*s/containers/%.*s/start", (int)(version_end - create->path),
                         create->path, (int)strcspn(name, "&"), name),
    };
}

struct raw_chain recipe_chain(struct bench *b, const char *name, size_t nth, bool with_network)
{
    struct raw_chain c = {0};

    if (!b->recipe)
        bench_die("nothing was learned yet: measure \"requests\" first");
    if (strlen(name) != RECIPE_NAME)
        bench_die("%s: a name of another length makes another body", name);
    if (with_network)
        c.steps[c.n++] = renamed(b, b->recipe->network, name, nth);
    c.steps[c.n] = renamed(b, b->recipe->create, name, nth);
    c.steps[c.n + 1] = start_of(b, &c.steps[c.n]);
    c.n += 2;
    return c;
}
