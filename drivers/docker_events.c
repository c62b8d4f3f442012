/* docker_events.c: follows the engine's events for ever and turns them into "this app changed".
 *
 * In: the stream of GET /events. Out: happenings for the one follower, marks for the next look, and a nudge to operations
 * that wait for a container.
 * The stream asks for events since a moment before it was opened (by our clock, or by the engine's to the second where the
 * two differ; later since the last event seen), because the engine answers before it subscribes: what falls in between is then replayed. ENGINE_UP is told when
 * the answer is there; a look after it misses nothing. When the stream ends, the reason is told once, and it is opened anew
 * after 0.1 s, doubling to 5 s.
 * Events are hints: nothing is known from them, only what to look at. */
#include "drivers/docker_parts.h"

#include <string.h>
#include <time.h>

#include "spec/base/arena.h"
#include "spec/labels.h"

enum {
    BACKOFF_FIRST_MS = 100,
    BACKOFF_LAST_MS = 5000,
    OVERLAP_MS = 100, /* looked back at the first subscription, if the clocks agree */
    STEADY_MS = 5000, /* standing that long ends an outage: the next begins anew */
};

/* exec_* come with every health check; what is not listed here is not asked for. */
static const char filters[] = "{\"type\":[\"container\",\"image\",\"network\",\"volume\"],"
                              "\"event\":[\"create\",\"start\",\"restart\",\"die\",\"oom\","
                              "\"kill\",\"stop\",\"destroy\",\"rename\",\"update\","
                              "\"pause\",\"unpause\",\"health_status\",\"tag\",\"untag\","
                              "\"delete\",\"pull\",\"load\",\"import\","
                              "\"connect\",\"disconnect\",\"remove\"]}";

static void open_stream(void *user);

static void tell(struct docker *d, const struct happening *h)
{
    d->follower.happened(d->follower.user, h);
}

static int64_t wall_clock_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- one event ---- */

/* "docker.io/library/nginx" and "nginx:latest" name one image. */
static const char *familiar(const char *ref, struct arena *a)
{
    static const char *const ahead[] = {"docker.io/", "index.docker.io/", "library/"};
    const char *slash;

    for (size_t i = 0; i < ARRAY_LEN(ahead); i++)
        if (strncmp(ref, ahead[i], strlen(ahead[i])) == 0)
            ref += strlen(ahead[i]);
    slash = strrchr(ref, '/');
    if (strchr(slash ? slash : ref, ':') || strchr(ref, '@'))
        return ref;
    return arena_printf(a, "%s:latest", ref);
}

/* True if something that is known of images may no longer hold. */
static bool mark_images(struct docker *d, const struct engine_event *ev, struct arena *a)
{
    const struct obs_image *known;
    const char *id = ev->id ? ev->id : "", *name = ev->name ? ev->name : "";
    const char *by_name = familiar(name, a), *by_id = familiar(id, a);
    bool any = false;

    for (size_t i = 0; (known = mirror_image_at(d->mirror, i)); i++) {
        const char *ref = familiar(known->ref, a);
        if (strcmp(ref, by_name) != 0 && strcmp(ref, by_id) != 0 &&
            !(known->id && (strcmp(known->id, id) == 0 || strcmp(known->id, name) == 0)))
            continue;
        docker_dirty(d, MIRROR_IMAGE, known->ref);
        any = true;
    }
    return any;
}

static const char *app_of(struct docker *d, const struct engine_event *ev, enum mirror_kind kind)
{
    const struct obs_container *c;
    const struct obs_network *n;
    const struct obs_volume *v;

    if (ev->app)
        return ev->app;
    switch (kind) {
    case MIRROR_CONTAINER: return (c = mirror_container(d->mirror, ev->id)) ? c->app : NULL;
    case MIRROR_NETWORK:
        if (ev->container && (c = mirror_container(d->mirror, ev->container)) && c->app)
            return c->app;
        return (n = mirror_network(d->mirror, ev->id)) ? n->app : NULL;
    case MIRROR_VOLUME: return (v = mirror_volume(d->mirror, ev->id)) ? v->app : NULL;
    case MIRROR_IMAGE: return NULL;
    }
    return NULL;
}

/* The Compose project of a container, or of the one that joined or left a network. */
static const char *project_of(struct docker *d, const struct engine_event *ev,
                              enum mirror_kind kind)
{
    const char *id = kind == MIRROR_CONTAINER ? ev->id
                     : kind == MIRROR_NETWORK ? ev->container
                                              : NULL;
    const struct obs_container *c = id && !ev->project ? mirror_container(d->mirror, id) : NULL;

    return c ? kvs_get(&c->labels, LABEL_COMPOSE_PROJECT) : ev->project;
}

static int kind_of(const char *type, enum mirror_kind *ret)
{
    static const char *const types[] = {"container", "network", "volume", "image"};

    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (strcmp(types[i], type) == 0) {
            *ret = (enum mirror_kind)i;
            return 0;
        }
    return -1;
}

/* Its name before the event; NULL: not known, or not about a container. */
static const char *container_of(struct docker *d, const struct engine_event *ev,
                                enum mirror_kind kind, struct arena *a)
{
    const char *id = kind == MIRROR_CONTAINER ? ev->id
                     : kind == MIRROR_NETWORK ? ev->container
                                              : NULL;
    const struct obs_container *c = id ? mirror_container(d->mirror, id) : NULL;

    return c ? arena_strdup(a, c->name) : NULL;
}

/* What must be looked at again; false: nothing that we know of. */
static bool mark(struct docker *d, const struct engine_event *ev, enum mirror_kind kind,
                 struct arena *a)
{
    if (kind == MIRROR_IMAGE)
        return mark_images(d, ev, a);
    if (kind == MIRROR_NETWORK && ev->container)
        docker_dirty(d, MIRROR_CONTAINER, ev->container);
    else
        docker_dirty(d, kind, ev->id);
    return true;
}

static int on_line(void *user, const char *line, size_t n)
{
    struct docker *d = user;
    struct arena *a = d->follower.scratch;
    struct engine_event ev;
    enum mirror_kind kind;

    arena_clear(a);
    /* A line that is no event (a proxy's, a newer engine's) is passed over: looks do not depend on it. */
    if (n == 0 || engine_decode_event(line, n, a, &ev, NULL) < 0 || !ev.id || !ev.type ||
        !ev.action)
        return 0;
    if (ev.time_ns > d->follower.last_ns)
        d->follower.last_ns = ev.time_ns;
    if (kind_of(ev.type, &kind) < 0)
        return 0;
    const char *app = app_of(d, &ev, kind), *container = container_of(d, &ev, kind, a);
    const char *project = app ? NULL : project_of(d, &ev, kind);

    if (!mark(d, &ev, kind, a))
        return 0;
    if (kind == MIRROR_CONTAINER)
        docker_wait_poke(d, ev.id, ev.name);
    tell(d, &(struct happening){
                .what = ENGINE_CHANGED,
                .app = app,
                .project = project,
                .object = arena_printf(a, "%s %s", ev.type, ev.name ? ev.name : ev.id),
                .container = container,
                .action = ev.action,
                .time_ms = ev.time_ns / 1000000,
            });
    return 0;
}

/* ---- the stream ---- */

static void on_up(struct docker *d)
{
    struct follower *f = &d->follower;

    f->up = true;
    f->said_away = false;
    f->up_since_ms = http_now_ms();
    tell(d, &(struct happening){
                .what = ENGINE_UP, .text = d->link.engine_version, .time_ms = wall_clock_ms()});
    docker_wait_poke_all(d);
}

static bool on_data(void *user, const char *bytes, size_t n)
{
    struct docker *d = user;

    if (n == 0) {
        on_up(d);
        return true;
    }
    return line_split_feed(&d->follower.lines, bytes, n, on_line, d) == 0;
}

static void on_end(void *user, const struct http_reply *reply)
{
    struct docker *d = user;
    struct follower *f = &d->follower;
    struct err e = {0};

    f->call = NULL;
    if (f->up)
        (void)err_set(&e, ERR_RETRY,
                      "the engine at %s closed its event stream: it is stopping or restarting",
                      http_where(d->http));
    else
        (void)docker_failure(reply, &e);
    /* What happens meanwhile may never be told, and lists do not show all of it. */
    d->dirty.everything |= f->up;
    if (f->up && http_now_ms() - f->up_since_ms >= STEADY_MS)
        f->backoff_ms = 0;
    f->up = false;
    line_split_release(&f->lines);
    f->lines = (struct line_split){0};
    docker_link_lost(d);
    f->backoff_ms = f->backoff_ms ? 2 * f->backoff_ms : BACKOFF_FIRST_MS;
    if (f->backoff_ms > BACKOFF_LAST_MS)
        f->backoff_ms = BACKOFF_LAST_MS;
    f->retry = http_after(d->http, f->backoff_ms, open_stream, d);
    if (f->said_away)
        return;
    f->said_away = true;
    tell(d, &(struct happening){.what = ENGINE_AWAY, .text = e.msg, .time_ms = wall_clock_ms()});
}

/* The link stands, and with it the engine's clock is known. */
static void on_link(void *user, const struct http_reply *reply)
{
    struct docker *d = user;

    if (reply->err.kind || reply->status >= 300)
        on_end(d, reply);
    else
        open_stream(d);
}

static void open_stream(void *user)
{
    struct docker *d = user;
    struct follower *f = &d->follower;
    CLEANUP(str_release) struct str path = STR_INIT;

    f->retry = NULL;
    f->call = NULL;
    if (d->link.state != LINK_READY) {
        f->call = docker_send(d, &(struct http_request){
                                     .method = "GET",
                                     .path = "/_ping",
                                     .done = on_link,
                                     .user = d,
                                 });
        return;
    }
    str_add(&path, "/events?filters=");
    docker_escape(&path, filters);
    if (f->last_ns > 0)
        str_addf(&path, "&since=%lld.%09lld", (long long)(f->last_ns + 1) / 1000000000,
                 (long long)(f->last_ns + 1) % 1000000000);
    else if (d->link.same_clock)
        str_addf(&path, "&since=%lld.%03lld", (long long)(wall_clock_ms() - OVERLAP_MS) / 1000,
                 (long long)(wall_clock_ms() - OVERLAP_MS) % 1000);
    else if (d->link.engine_date_s > 0)
        str_addf(&path, "&since=%lld", (long long)d->link.engine_date_s);
    f->call = docker_send(d, &(struct http_request){
                                 .method = "GET",
                                 .path = str_text(&path),
                                 .stream = true,
                                 .data = on_data,
                                 .done = on_end,
                                 .user = d,
                             });
}

void docker_follow(struct driver *driver, happening_fn *happened, void *user)
{
    struct docker *d = (struct docker *)driver;
    struct follower *f = &d->follower;

    if (f->happened)
        return; /* one follower; the contract says so */
    f->happened = happened;
    f->user = user;
    f->scratch = arena_new();
    f->retry = http_after(d->http, 0, open_stream, d);
}

void docker_follow_release(struct docker *d)
{
    docker_drop(d, d->follower.call);
    http_timer_cancel(d->http, d->follower.retry);
    line_split_release(&d->follower.lines);
    arena_free(d->follower.scratch);
    d->follower = (struct follower){0};
}
