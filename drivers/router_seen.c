/* router_seen.c: what is told of the route files.
 *
 * In: the entries of the router. Out: one list of all of them, which its observers share and nobody changes any more: it is looked at several times for
 * each change of one file, and is made anew only then, of what was copied of each file when that one changed. It looks at no file and asks nobody. */
#include "drivers/router_parts.h"

#include <stdlib.h>
#include <string.h>

#include "spec/base/arena.h"

struct route_said { /* of one file: one piece of memory with all of its texts */
    size_t refs;
    struct obs_route route;
    const char *servers[];
};

struct router_seen { /* of all */
    size_t refs;
    uint64_t comings;
    bool presumed;       /* by the time that has passed */
    struct arena *arena; /* of the list; the texts are in what was said */
    struct obs_route *v;
    struct route_said **said;
    size_t n;
};

static void drop_said(struct route_said *x)
{
    if (!x || --x->refs > 0)
        return;
    free(x);
}

void router_untell(struct route_entry *f)
{
    drop_said(f->said);
    f->said = NULL;
}

static const char *place(char **at, const char *text)
{
    size_t n = strlen(text) + 1;
    char *to = *at;

    memcpy(to, text, n);
    *at += n;
    return to;
}

static size_t room_of(const struct route_entry *f)
{
    size_t n = strlen(f->app) + strlen(f->digest) + 2 + (f->error ? strlen(f->error) + 1 : 0);

    for (size_t i = 0; i < f->n_servers; i++)
        n += sizeof(char *) + strlen(f->servers[i]) + 1;
    return n;
}

static struct route_said *said_of(struct route_entry *f)
{
    if (f->said)
        return f->said;
    struct route_said *x = f->said = xcalloc(1, sizeof(*x) + room_of(f));
    char *at = (char *)&x->servers[f->n_servers];

    x->refs = 1;
    x->route.app = place(&at, f->app);
    x->route.digest = place(&at, f->digest);
    x->route.state = f->state;
    x->route.error = f->error ? place(&at, f->error) : NULL;
    x->route.since_ms = f->since_ms;
    for (size_t i = 0; i < f->n_servers; i++)
        x->servers[i] = place(&at, f->servers[i]);
    x->route.servers = (struct strv){.v = x->servers, .n = f->n_servers};
    return x;
}

static void drop_seen(void *what)
{
    struct router_seen *s = what;

    if (!s || --s->refs > 0)
        return;
    for (size_t i = 0; i < s->n; i++)
        drop_said(s->said[i]);
    arena_free(s->arena);
    free(s);
}

void router_seen_release(struct router *r)
{
    drop_seen(TAKE(r->seen));
}

/* Time alone makes a file live where nobody can be asked. */
static bool still_true(const struct router *r)
{
    if (!r->seen || r->why || r->seen->presumed || r->seen->comings != r->comings)
        return false;
    for (size_t i = 0; i < r->n; i++)
        if (!r->v[i]->said)
            return false;
    return true;
}

static struct router_seen *make_seen(const struct router *r)
{
    struct router_seen *s = xcalloc(1, sizeof(*s));

    s->refs = 1;
    s->comings = r->comings;
    s->arena = arena_new();
    s->v = ARENA_ARRAY(s->arena, r->n, struct obs_route);
    s->said = ARENA_ARRAY(s->arena, r->n, struct route_said *);
    for (size_t i = 0; i < r->n; i++) {
        struct route_entry *f = r->v[i];
        struct route_said *x = said_of(f);

        if (f->gone)
            continue;
        x->refs++;
        s->said[s->n] = x;
        s->v[s->n] = x->route;
        if (f->state == ROUTE_WRITTEN && f->digest[0] && router_presumed_live(r, f)) {
            s->presumed = true;
            s->v[s->n].state = ROUTE_LIVE;
            s->v[s->n].error = arena_strdup(s->arena, r->why);
        }
        s->n++;
    }
    return s;
}

void router_observed(struct router *r, struct arena *a, struct obs_route **ret, size_t *ret_n)
{
    if (!still_true(r)) {
        drop_seen(r->seen);
        r->seen = make_seen(r);
    }
    r->seen->refs++;
    arena_keep(a, drop_seen, r->seen);
    *ret = r->seen->v;
    *ret_n = r->seen->n;
}
