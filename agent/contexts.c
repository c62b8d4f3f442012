/* The sources of what is built, one entry each, and the worker that reads them.
 *
 * Comes in: what desired state wants, "look again". Goes out: facts, sorted by key. One thread reads one source after another: reading is bounded by the disk, and a second one would
 * only take turns with it. A second one there is for sources that a program of the host reads: it may hang until its deadline, and the others shall not wait. A worker sees copies of orders and makes results in arenas of their own; the loop thread takes them over. */
#include "agent/contexts.h"

#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "agent/bundle_read.h"
#include "agent/facts_read.h"
#include "drivers/http.h"
#include "spec/base/arena.h"

struct reading { /* of one source at one time */
    char print[SHA256_HEX];
    struct arena *arena; /* holds facts, or spec and error */
    struct context_facts *facts;
    const struct bundle_spec *spec;
    const char *error;
};

struct entry {
    char *key;           /* facts_key, or "spec PATH" for the spec of a bundle */
    struct arena *arena; /* holds order */
    struct facts_order order;
    const char *bundle; /* the spec of this bundle is wanted, not facts */
    bool wanted, queued, running;
    bool again; /* asked for while it was being read */
    struct reading known;
    struct reading read; /* the worker's, taken over by contexts_collect */
    bool fresh;
};

struct lane { /* a thread and what it reads */
    struct contexts *contexts;
    pthread_t thread;
    bool started, tools;
};

struct contexts {
    struct http *wake;
    struct lane plain, tools;
    int stop_fd; /* tells programs that are run to stop; -1 until there is one */
    pthread_mutex_t lock;
    pthread_cond_t work, idle;
    struct build_limits limits;
    char *memory;
    char engine[64]; /* its platform, "" as long as it is not known */
    bool stop;
    struct entry **v; /* sorted by key; entries never move */
    size_t n, cap;
    const struct context_facts **facts;
    size_t n_facts;
};

/* ---- the workers ---- */

static bool needs_tool(const struct entry *x)
{
    return !x->bundle && facts_need_tool(&x->order);
}

static struct entry *next_queued(const struct lane *l)
{
    const struct contexts *c = l->contexts;

    for (size_t i = 0; i < c->n; i++)
        if (c->v[i]->queued && needs_tool(c->v[i]) == l->tools)
            return c->v[i];
    return NULL;
}

/* Leaves ret->arena NULL when all is as it was. */
static void read_entry(const struct entry *x, const char *engine, const char *before,
                       struct reading *ret)
{
    const struct facts_order bundle = {.build = {.bundle = x->bundle}, .limits = x->order.limits};
    struct facts_order own = x->order;
    const struct facts_order *order = x->bundle ? &bundle : &own;
    char print[SHA256_HEX];
    bool passing;

    own.engine = engine;
    *ret = (struct reading){0};
    facts_fingerprint(order, print);
    facts_print(order, print, ret->print);
    if (ret->print[0] && strcmp(ret->print, before) == 0)
        return;
    ret->arena = arena_new();
    if (x->bundle) {
        ret->spec = bundle_read(x->bundle, &order->limits, ret->arena, &ret->error, &passing);
        if (passing)
            ret->print[0] = '\0'; /* no proof that another try would be in vain */
        return;
    }
    ret->facts = ARENA_NEW(ret->arena, struct context_facts);
    facts_read(order, ret->arena, ret->facts);
    ret->facts->key = x->key;
    ret->facts->fingerprint = arena_strdup(ret->arena, print);
    if (ret->facts->passing)
        ret->print[0] = '\0';
}

static const char *failure_of(const struct reading *r)
{
    return r->facts && r->facts->state == FACTS_FAILED ? r->facts->error : r->error;
}

static const char *archive_of(const struct entry *x)
{
    return x->bundle ? x->bundle : x->order.build.bundle;
}

/* The spec in an archive and its content are news together: what is built of a new one must not run by the words of the old one. */
static bool must_wait(const struct contexts *c, const struct entry *x)
{
    const char *archive = archive_of(x);

    for (size_t i = 0; archive && i < c->n; i++) {
        const struct entry *other = c->v[i];
        const char *same =
            other != x && (other->queued || other->running) ? archive_of(other) : NULL;

        if (same && strcmp(same, archive) == 0)
            return true;
    }
    return false;
}

static bool has_news(const struct contexts *c)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->v[i]->fresh)
            return true;
    return false;
}

static bool same_failure(const struct entry *x, const struct reading *now)
{
    const char *before = failure_of(x->fresh ? &x->read : &x->known), *after = failure_of(now);

    return before && after && strcmp(before, after) == 0;
}

static void *worker(void *user)
{
    struct lane *l = user;
    struct contexts *c = l->contexts;

    (void)pthread_mutex_lock(&c->lock);
    for (;;) {
        struct entry *x = next_queued(l);

        if (c->stop)
            break;
        if (!x) {
            (void)pthread_cond_broadcast(&c->idle);
            (void)pthread_cond_wait(&c->work, &c->lock);
            continue;
        }
        char before[SHA256_HEX], engine[sizeof(c->engine)];
        struct reading now;

        x->queued = false;
        x->running = true;
        /* a result not yet taken over is the newest that is known */
        memcpy(before, x->fresh ? x->read.print : x->known.print, sizeof(before));
        memcpy(engine, c->engine, sizeof(engine));
        (void)pthread_mutex_unlock(&c->lock);
        read_entry(x, engine, before, &now);
        (void)pthread_mutex_lock(&c->lock);
        x->running = false;
        x->queued = x->again;
        x->again = false;
        if (now.arena && same_failure(x, &now)) {
            arena_free(now.arena); /* no news */
        } else if (now.arena) {
            arena_free(x->read.arena);
            x->read = now;
            x->fresh = true;
        }
        if (c->wake && has_news(c))
            http_wake(c->wake);
    }
    (void)pthread_mutex_unlock(&c->lock);
    return NULL;
}

/* ---- the loop's side ---- */

struct contexts *contexts_new(struct http *wake)
{
    struct contexts *c = xcalloc(1, sizeof(*c));

    c->wake = wake;
    c->stop_fd = -1;
    c->plain.contexts = c->tools.contexts = c;
    c->tools.tools = true;
    (void)pthread_mutex_init(&c->lock, NULL);
    (void)pthread_cond_init(&c->work, NULL);
    (void)pthread_cond_init(&c->idle, NULL);
    return c;
}

void contexts_limits(struct contexts *c, const struct build_limits *limits)
{
    c->limits = *limits;
}

void contexts_memory(struct contexts *c, const char *folder)
{
    free(c->memory);
    c->memory = xstrdup(folder);
}

static void entry_free(struct entry *x)
{
    arena_free(x->arena);
    arena_free(x->known.arena);
    arena_free(x->read.arena);
    free(x->key);
    free(x);
}

void contexts_free(struct contexts *c)
{
    if (!c)
        return;
    (void)pthread_mutex_lock(&c->lock);
    c->stop = true;
    if (c->stop_fd >= 0)
        (void)eventfd_write(c->stop_fd, 1);
    (void)pthread_cond_broadcast(&c->work);
    (void)pthread_mutex_unlock(&c->lock);
    if (c->plain.started)
        (void)pthread_join(c->plain.thread, NULL);
    if (c->tools.started)
        (void)pthread_join(c->tools.thread, NULL);
    if (c->stop_fd >= 0)
        (void)close(c->stop_fd);
    for (size_t i = 0; i < c->n; i++)
        entry_free(c->v[i]);
    (void)pthread_mutex_destroy(&c->lock);
    (void)pthread_cond_destroy(&c->work);
    (void)pthread_cond_destroy(&c->idle);
    free(c->v);
    free(c->facts);
    free(c->memory);
    free(c);
}

static size_t place_of(const struct contexts *c, const char *key, bool *found)
{
    size_t lo = 0, hi = c->n;

    *found = false;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int order = strcmp(c->v[mid]->key, key);

        if (order == 0) {
            *found = true;
            return mid;
        }
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* A process that builds nothing has no such threads. */
static void start(struct lane *l)
{
    if (!l->started && pthread_create(&l->thread, NULL, worker, l) != 0)
        abort();
    l->started = true;
}

static struct entry *entry_of(struct contexts *c, const char *key)
{
    bool found;
    size_t at = place_of(c, key, &found);

    if (found)
        return c->v[at];
    if (c->n == c->cap) {
        c->cap = c->cap ? 2 * c->cap : 8;
        c->v = xrealloc(c->v, c->cap * sizeof(*c->v));
    }
    memmove(&c->v[at + 1], &c->v[at], (c->n - at) * sizeof(*c->v));
    c->n++;
    struct entry *x = c->v[at] = xcalloc(1, sizeof(*x));

    x->key = xstrdup(key);
    x->arena = arena_new();
    x->queued = true;
    return x;
}

static struct kvs copy_kvs(const struct kvs *l, struct arena *a)
{
    struct kvs copy = {0};

    for (size_t i = 0; i < l->n; i++)
        kvs_set(a, &copy, arena_strdup(a, l->v[i].key), arena_strdup(a, l->v[i].value));
    return copy;
}

static void take_order(struct contexts *c, struct entry *x, const struct service *s)
{
    struct arena *a = x->arena;
    const struct build *b = &s->build;

    x->order = facts_order_of(s);
    x->order.build = (struct build){
        .bundle = arena_strdup(a, b->bundle),
        .path = arena_strdup(a, b->path),
        .dockerfile = arena_strdup(a, b->dockerfile),
        .dockerfile_inline = arena_strdup(a, b->dockerfile_inline),
        .target = arena_strdup(a, b->target),
        .strategy = arena_strdup(a, b->strategy),
        .builder = arena_strdup(a, b->builder),
        .args = copy_kvs(&b->args, a),
    };
    x->order.limits = c->limits;
    x->order.memory = arena_strdup(a, c->memory);
    x->order.platform = arena_strdup(a, s->platform);
    x->order.start = arena_strdup(a, s->start);
    x->order.requirements = arena_strdup(a, s->requirements);
    if (needs_tool(x) && c->stop_fd < 0)
        c->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    x->order.stop_fd = c->stop_fd;
}

/* Entries of this kind that nobody wants any more; one being read stays until it is done. */
static void forget(struct contexts *c, bool bundles)
{
    size_t kept = 0;

    for (size_t i = 0; i < c->n; i++) {
        struct entry *x = c->v[i];

        if (x->wanted || !x->bundle == bundles || x->running)
            c->v[kept++] = x;
        else
            entry_free(x);
    }
    c->n = kept;
}

static void unwant(struct contexts *c, bool bundles)
{
    for (size_t i = 0; i < c->n; i++)
        if (!c->v[i]->bundle == !bundles)
            c->v[i]->wanted = false;
}

static void list_facts(struct contexts *c)
{
    c->facts = xrealloc(c->facts, (c->n + 1) * sizeof(*c->facts));
    c->n_facts = 0;
    for (size_t i = 0; i < c->n; i++)
        if (c->v[i]->known.facts)
            c->facts[c->n_facts++] = c->v[i]->known.facts;
}

static bool is_known(const struct contexts *c, const char *key)
{
    bool found;

    (void)place_of(c, key, &found);
    return found;
}

void contexts_want(struct contexts *c, const struct desired *d)
{
    (void)pthread_mutex_lock(&c->lock);
    unwant(c, false);
    for (size_t i = 0; i < d->n_apps; i++)
        for (size_t s = 0; s < d->apps[i].n_services; s++) {
            const struct want_service *service = &d->apps[i].services[s];

            if (!service->facts || (d->apps[i].refused && !is_known(c, service->facts->key)))
                continue; /* what was refused may lie where it must not be read */
            struct entry *x = entry_of(c, service->facts->key);

            if (!x->order.build.path && !x->order.build.bundle)
                take_order(c, x, service->spec);
            start(needs_tool(x) ? &c->tools : &c->plain);
            x->wanted = true;
        }
    forget(c, false);
    list_facts(c);
    (void)pthread_cond_broadcast(&c->work);
    (void)pthread_mutex_unlock(&c->lock);
}

void contexts_want_bundles(struct contexts *c, const struct strv *paths)
{
    struct arena *a = arena_new();

    (void)pthread_mutex_lock(&c->lock);
    unwant(c, true);
    for (size_t i = 0; i < paths->n; i++) {
        struct entry *x = entry_of(c, arena_printf(a, "spec %s", paths->v[i]));

        if (!x->bundle) {
            x->bundle = arena_strdup(x->arena, paths->v[i]);
            x->order.limits = c->limits;
        }
        start(&c->plain);
        x->wanted = true;
    }
    forget(c, true);
    list_facts(c);
    (void)pthread_cond_broadcast(&c->work);
    (void)pthread_mutex_unlock(&c->lock);
    arena_free(a);
}

void contexts_recheck(struct contexts *c)
{
    (void)pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < c->n; i++) {
        if (c->v[i]->running)
            c->v[i]->again = true;
        else
            c->v[i]->queued = true;
    }
    (void)pthread_cond_broadcast(&c->work);
    (void)pthread_mutex_unlock(&c->lock);
}

static bool asks_platform(const struct reading *r)
{
    return r->facts && r->facts->asks_platform;
}

void contexts_platform(struct contexts *c, const char *platform)
{
    char now[sizeof(c->engine)] = "";

    if (platform && strlen(platform) < sizeof(now))
        memcpy(now, platform, strlen(platform) + 1);
    (void)pthread_mutex_lock(&c->lock);
    bool other = now[0] && strcmp(now, c->engine) != 0;

    if (other)
        memcpy(c->engine, now, sizeof(now));
    for (size_t i = 0; other && i < c->n; i++) {
        struct entry *x = c->v[i];

        if (x->running)
            x->again = true; /* it may be the one that asks */
        if (!x->running && !asks_platform(&x->known) && !asks_platform(&x->read))
            continue;
        x->known.print[0] = x->read.print[0] = '\0';
        x->queued |= !x->running;
    }
    (void)pthread_cond_broadcast(&c->work);
    (void)pthread_mutex_unlock(&c->lock);
}

bool contexts_ask_platform(const struct contexts *c)
{
    for (size_t i = 0; i < c->n_facts; i++)
        if (c->facts[i]->asks_platform)
            return true;
    return false;
}

bool contexts_collect(struct contexts *c)
{
    bool any = false;

    (void)pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < c->n; i++) {
        struct entry *x = c->v[i];

        if (!x->fresh || must_wait(c, x))
            continue;
        any = true;
        arena_free(x->known.arena);
        x->known = x->read;
        x->read = (struct reading){0};
        x->fresh = false;
    }
    if (any)
        list_facts(c);
    (void)pthread_mutex_unlock(&c->lock);
    return any;
}

static bool busy_locked(const struct contexts *c)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->v[i]->queued || c->v[i]->running || c->v[i]->fresh)
            return true;
    return false;
}

bool contexts_busy(const struct contexts *c)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)&c->lock;

    (void)pthread_mutex_lock(lock);
    bool busy = busy_locked(c);
    (void)pthread_mutex_unlock(lock);
    return busy;
}

bool contexts_wait(struct contexts *c)
{
    (void)pthread_mutex_lock(&c->lock);
    for (;;) {
        bool reading = false;

        for (size_t i = 0; i < c->n; i++)
            reading |= c->v[i]->queued || c->v[i]->running;
        if (!reading)
            break;
        (void)pthread_cond_wait(&c->idle, &c->lock);
    }
    (void)pthread_mutex_unlock(&c->lock);
    return contexts_collect(c);
}

const struct context_facts *const *contexts_facts(const struct contexts *c, size_t *ret_n)
{
    *ret_n = c->n_facts;
    return c->facts;
}

static const struct reading *bundle_reading(const struct contexts *c, const char *path)
{
    bool found;
    struct arena *a = arena_new();
    size_t at = place_of(c, arena_printf(a, "spec %s", path), &found);

    arena_free(a);
    return found ? &c->v[at]->known : NULL;
}

const struct bundle_spec *contexts_bundle_spec(const struct contexts *c, const char *path)
{
    const struct reading *r = bundle_reading(c, path);

    return r ? r->spec : NULL;
}

const char *contexts_bundle_error(const struct contexts *c, const char *path)
{
    const struct reading *r = bundle_reading(c, path);

    return r ? r->error : NULL;
}
