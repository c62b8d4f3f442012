/* compose_main.c: the main service of a Compose file that came in an archive.
 *
 * In: a decoded app. Out: a route for the service that its users want to see, or a warning that says how to name one. Whoever wrote a route of their own is left alone. */
#include "spec/compose_main.h"

#include "spec/base/arena.h"
#include "spec/decode.h"
#include "spec/document.h"
#include "spec/draft.h"

static const char main_label[] = "evenkeel.main";

static bool is_true(const char *text)
{
    return text && strcmp(text, "true") == 0;
}

static bool is_labelled(const struct service *s)
{
    return is_true(kvs_get(&s->labels, main_label)) ||
           is_true(kvs_get(&s->labels, "milkcrate.main_service"));
}

static bool has_port(const struct service *s)
{
    return s->n_ports > 0 || s->expose.n > 0 || s->port.set;
}

static void strip_label(struct arena *a, struct service *s)
{
    struct kvs rest = {0};

    if (!kvs_get(&s->labels, main_label))
        return;
    for (size_t i = 0; i < s->labels.n; i++)
        if (strcmp(s->labels.v[i].key, main_label) != 0)
            kvs_set(a, &rest, s->labels.v[i].key, s->labels.v[i].value);
    s->labels = rest;
}

/* The one service of those that fit, or NULL. */
static struct service *only(struct app_draft *d, bool (*fits)(const struct service *s))
{
    struct service *found = NULL;

    for (size_t i = 0; i < d->n_services; i++) {
        if (!fits(&d->services[i].s))
            continue;
        if (found)
            return NULL;
        found = &d->services[i].s;
    }
    return found;
}

static bool any(const struct service *s)
{
    (void)s;
    return true;
}

/* What it listens on, where the file says so plainly. */
static void settle_port(struct service *s)
{
    int64_t port = 0;

    if (s->port.set || s->n_ports + s->expose.n != 1)
        return;
    if (s->n_ports)
        port = s->ports[0].target;
    else
        port = strtol(s->expose.v[0], NULL, 10);
    s->port = (struct num){port, port > 0};
}

struct service *compose_main_of(struct app_draft *d)
{
    struct service *s = only(d, is_labelled);

    s = s ? s : only(d, has_port);
    s = s ? s : only(d, any);
    if (s)
        settle_port(s);
    return s;
}

static void choose(struct decode_ctx *c, struct app_draft *d)
{
    struct service *s = compose_main_of(d);

    if (!s) {
        decode_say(
            c, DIAG_WARNING, d->a.at,
            "label the main service `evenkeel.main: \"true\"`, or write `x-evenkeel: {route: "
            "...}` at one",
            "none of the services is known as the main one, so the app is not routed");
        return;
    }
    s->routes = ARENA_NEW(c->arena, struct route);
    s->routes[0] = (struct route){.at = s->at, .path = arena_printf(c->arena, "/%s", d->a.name)};
    s->n_routes = 1;
}

void compose_main_strip(struct decode_ctx *c, struct app_draft *d)
{
    for (size_t i = 0; i < d->n_services; i++)
        strip_label(c->arena, &d->services[i].s);
}

void compose_main(struct decode_ctx *c, struct app_draft *d)
{
    bool routed = false;

    for (size_t i = 0; i < d->n_services; i++)
        routed |= d->services[i].s.n_routes > 0;
    if (c->loader && c->loader->bundle && !routed && d->a.name && d->n_services > 0)
        choose(c, d);
    compose_main_strip(c, d);
}
