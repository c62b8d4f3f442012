/* docker_look.c: brings knowledge up to date: lists when everything is asked for, otherwise only what events touched.
 *
 * In: looks, and marks on objects (dirty) by events and by our own operations. Out: one committed change of the mirror per
 * look, and the callbacks of everybody whose look it served.
 * One look is under way at a time; those that arrive meanwhile are merged into the next, because what they want to see may
 * have happened after its calls were sent. If a list or the connection fails, nothing is committed and the marks are put
 * back: an engine that is away never makes anything look deleted. If only one object cannot be inspected, the others are not
 * held up by it: it stays as known and stays marked. */
#include "drivers/docker_parts.h"

#include <assert.h>
#include <string.h>

#include "spec/base/arena.h"
#include "spec/labels.h"

enum {
    DIRTY_MOST = 4096, /* objects; beyond that a full look is cheaper anyway */
    KINDS = MIRROR_IMAGE + 1,
};

struct look_waiter {
    struct look_waiter *next;
    bool everything, inspect_owned, platform;
    char *owner;
    const char **images, **projects; /* heap, each text too */
    size_t n_images, n_projects;
    look_done_fn *done;
    void *user;
};

struct look_call {
    struct look_job *job;
    struct look_call *next;   /* all that were ever sent by the job */
    struct docker_call *call; /* NULL: answered */
    enum mirror_kind kind;
    const char *key; /* NULL: a list */
    uint64_t listed;
};

struct look_job {
    struct docker *d;
    struct look_waiter *waiters;
    bool everything, inspect_owned, platform;
    const char *owner;
    struct strv images;    /* sorted, unique; borrowed from the waiters */
    struct strv projects;  /* the same */
    struct dirty dirty;    /* taken over from the driver */
    struct arena *arena;   /* calls and keys */
    struct arena *scratch; /* one reply */
    struct mirror_change *change;
    struct look_call *calls;
    size_t pending;
};

static void serve(void *user);

/* ---- marks ---- */

static void dirty_add(struct dirty *dirty, enum mirror_kind kind, const char *key)
{
    struct strv *l = &dirty->of[kind];

    if (dirty->everything || strv_has(l, key))
        return;
    if (l->n >= DIRTY_MOST) {
        dirty->everything = true;
        return;
    }
    l->v = xrealloc(l->v, (l->n + 1) * sizeof(char *));
    l->v[l->n++] = xstrdup(key);
}

void docker_dirty(struct docker *d, enum mirror_kind kind, const char *key)
{
    const struct obs_container *c;
    const struct obs_network *n;

    if (!key || !key[0])
        return;
    /* By id where it is known, since a name may be ambiguous or move on. */
    if (kind == MIRROR_CONTAINER && (c = mirror_container(d->mirror, key)))
        key = c->id;
    if (kind == MIRROR_NETWORK && (n = mirror_network(d->mirror, key)))
        key = n->id;
    dirty_add(&d->dirty, kind, key);
}

void docker_dirty_release(struct dirty *dirty)
{
    for (size_t k = 0; k < KINDS; k++) {
        for (size_t i = 0; i < dirty->of[k].n; i++)
            free((void *)(uintptr_t)dirty->of[k].v[i]);
        free((void *)dirty->of[k].v);
    }
    *dirty = (struct dirty){0};
}

static void dirty_merge(struct dirty *to, const struct dirty *from)
{
    to->everything |= from->everything;
    for (size_t k = 0; k < KINDS; k++)
        for (size_t i = 0; i < from->of[k].n; i++)
            dirty_add(to, (enum mirror_kind)k, from->of[k].v[i]);
}

/* ---- the end of a job ---- */

static void free_texts(const char **v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free((void *)(uintptr_t)v[i]);
    free((void *)v);
}

static const char **copy_texts(const struct strv *l)
{
    const char **v = xcalloc(l->n, sizeof(char *));

    for (size_t i = 0; i < l->n; i++)
        v[i] = xstrdup(l->v[i]);
    return v;
}

static void free_waiters(struct look_waiter *w)
{
    while (w) {
        struct look_waiter *next = w->next;
        free_texts(w->images, w->n_images);
        free_texts(w->projects, w->n_projects);
        free(w->owner);
        free(w);
        w = next;
    }
}

static void job_free(struct look_job *j)
{
    for (struct look_call *c = j->calls; c; c = c->next)
        docker_drop(j->d, c->call);
    mirror_change_free(j->change);
    docker_dirty_release(&j->dirty);
    free_waiters(j->waiters);
    arena_free(j->scratch);
    arena_free(j->arena);
    free(j);
}

static void kick(struct docker *d)
{
    if (!d->lookers.kick)
        d->lookers.kick = http_after(d->http, 0, serve, d);
}

static void job_end(struct look_job *j, const struct err *why)
{
    struct docker *d = j->d;
    struct look_waiter *waiters = TAKE(j->waiters);
    struct err e = {0};

    if (why) {
        e = *why;
        dirty_merge(&d->dirty, &j->dirty);
    } else {
        mirror_commit(d->mirror, TAKE(j->change));
        if (j->everything)
            docker_hook_sweep(d);
    }
    d->lookers.now = NULL;
    job_free(j);
    if (d->lookers.waiting)
        kick(d);
    for (struct look_waiter *w = waiters; w; w = w->next)
        w->done(w->user, &e);
    free_waiters(waiters);
}

static void job_step(struct look_job *j)
{
    if (j->pending == 0)
        job_end(j, NULL);
}

/* ---- replies ---- */

static void send_inspect(struct look_job *j, enum mirror_kind kind, const char *key,
                         uint64_t listed);

/* FNV-1a over what a list shows of a container: if nothing of it changed, an inspect would not show more, but for what
 * only events tell. */
static uint64_t add_text(uint64_t h, const char *s)
{
    for (s = s ? s : ""; *s; s++)
        h = (h ^ (unsigned char)*s) * 1099511628211u;
    return (h ^ 0xff) * 1099511628211u;
}

static uint64_t add_number(uint64_t h, uint64_t n)
{
    for (int i = 0; i < 8; i++, n >>= 8)
        h = (h ^ (n & 0xff)) * 1099511628211u;
    return h;
}

static uint64_t fingerprint(const struct obs_container *c)
{
    uint64_t h = add_text(14695981039346656037u, c->name);

    h = add_text(h, c->image_id);
    h = add_number(h, (uint64_t)c->state * 16 + (uint64_t)c->health);
    for (size_t i = 0; i < c->labels.n; i++)
        h = add_text(add_text(h, c->labels.v[i].key), c->labels.v[i].value);
    for (size_t i = 0; i < c->n_networks; i++)
        h = add_text(add_text(add_text(h, c->networks[i].network_id), c->networks[i].network_name),
                     c->networks[i].address);
    for (size_t i = 0; i < c->n_ports; i++) {
        h = add_text(add_text(h, c->ports[i].host_ip), c->ports[i].protocol);
        h = add_number(h, (uint64_t)c->ports[i].published * 65536 + (uint64_t)c->ports[i].target);
    }
    return h ? h : 1;
}

/* Ours, or to be looked at as if it were. */
static bool concerns(const struct look_job *j, const struct obs_container *c)
{
    const char *owner = kvs_get(&c->labels, LABEL_OWNER);
    const char *project = kvs_get(&c->labels, LABEL_COMPOSE_PROJECT);

    if (owner)
        return j->owner && strcmp(owner, j->owner) == 0;
    return project && strv_has(&j->projects, project);
}

static void take_listed(struct look_job *j, const struct obs_container *c)
{
    const struct obs_container *known = mirror_container(j->d->mirror, c->id);
    uint64_t listed = fingerprint(c);
    const struct strv *dirty = &j->dirty.of[MIRROR_CONTAINER];
    bool same = known && known->inspected && mirror_listed(j->d->mirror, c->id) == listed &&
                !strv_has(dirty, c->id) && !strv_has(dirty, c->name) && !j->dirty.everything;
    bool ours = concerns(j, c);

    if (same && !(ours && j->inspect_owned)) {
        mirror_change_keep(j->change, MIRROR_CONTAINER, c->id);
        return;
    }
    mirror_change_container(j->change, c, listed);
    if (ours)
        send_inspect(j, MIRROR_CONTAINER, c->id, listed);
}

static int take_list(struct look_job *j, enum mirror_kind kind, const struct http_reply *reply,
                     struct err *e)
{
    struct obs_container *c;
    struct obs_network *n;
    struct obs_volume *v;
    size_t count = 0;

    if (kind == MIRROR_CONTAINER) {
        if (engine_decode_container_list(reply->body, reply->n, j->scratch, &c, &count, e) < 0)
            return err_wrap(e, "list of containers");
        for (size_t i = 0; i < count; i++)
            take_listed(j, &c[i]);
    } else if (kind == MIRROR_NETWORK) {
        if (engine_decode_network_list(reply->body, reply->n, j->scratch, &n, &count, e) < 0)
            return err_wrap(e, "list of networks");
        for (size_t i = 0; i < count; i++)
            mirror_change_network(j->change, &n[i]);
    } else {
        if (engine_decode_volume_list(reply->body, reply->n, j->scratch, &v, &count, e) < 0)
            return err_wrap(e, "list of volumes");
        for (size_t i = 0; i < count; i++)
            mirror_change_volume(j->change, &v[i]);
    }
    return 0;
}

static int take_object(struct look_job *j, const struct look_call *c,
                       const struct http_reply *reply)
{
    union {
        struct obs_container container;
        struct obs_network network;
        struct obs_volume volume;
        struct obs_image image;
    } as = {0};
    struct err ignored;
    const char *b = reply->body;

    switch (c->kind) {
    case MIRROR_CONTAINER:
        if (engine_decode_container(b, reply->n, j->scratch, &as.container, &ignored) < 0)
            return -1;
        mirror_change_container(j->change, &as.container, c->listed);
        return 0;
    case MIRROR_NETWORK:
        if (engine_decode_network(b, reply->n, j->scratch, &as.network, &ignored) < 0)
            return -1;
        mirror_change_network(j->change, &as.network);
        return 0;
    case MIRROR_VOLUME:
        if (engine_decode_volume(b, reply->n, j->scratch, &as.volume, &ignored) < 0)
            return -1;
        mirror_change_volume(j->change, &as.volume);
        return 0;
    case MIRROR_IMAGE:
        if (engine_decode_image(c->key, b, reply->n, j->scratch, &as.image, &ignored) < 0)
            return -1;
        mirror_change_image(j->change, &as.image);
        return 0;
    }
    return -1;
}

static void take_absent(struct look_job *j, const struct look_call *c)
{
    const struct obs_container *known;

    if (c->kind == MIRROR_IMAGE) {
        mirror_change_image(j->change, &(struct obs_image){.ref = c->key});
        return;
    }
    mirror_change_gone(j->change, c->kind, c->key);
    /* An operation may have marked it by a name that was not known yet when the look began. */
    if (c->kind == MIRROR_CONTAINER && (known = mirror_container(j->d->mirror, c->key)))
        mirror_change_gone(j->change, MIRROR_CONTAINER, known->id);
}

static void on_reply(void *user, const struct http_reply *reply)
{
    struct look_call *c = user;
    struct look_job *j = c->job;
    struct err e = {0};

    c->call = NULL;
    j->pending--;
    if (reply->err.kind) {
        e = reply->err;
    } else if (!c->key) {
        if (reply->status >= 300)
            (void)docker_failure(reply, &e);
        else
            (void)take_list(j, c->kind, reply, &e);
    } else if (reply->status == 404 || (c->kind == MIRROR_IMAGE && reply->status == 400)) {
        take_absent(j, c);
    } else if (reply->status >= 300 || take_object(j, c, reply) < 0) {
        dirty_add(&j->d->dirty, c->kind, c->key);
    }
    arena_clear(j->scratch);
    if (e.kind)
        job_end(j, &e);
    else
        job_step(j);
}

/* {"Os": "linux", "Arch": "amd64"}: the names Go has for them. */
static int take_platform(struct look_job *j, const struct http_reply *reply, struct err *e)
{
    json_t *v = js_parse(reply->body, reply->n, e);
    const char *os = js_str(v, "Os", NULL), *arch = js_str(v, "Arch", NULL);
    int rc = v ? 0 : -1;

    if (v && os && arch)
        mirror_set_platform(j->d->mirror, arena_printf(j->scratch, "%s/%s", os, arch));
    else if (v)
        rc = err_set(e, ERR_USER, "the engine's /version names no Os and Arch");
    json_decref(v);
    return rc;
}

static void on_platform(void *user, const struct http_reply *reply)
{
    struct look_call *c = user;
    struct look_job *j = c->job;
    struct err e = reply->err;

    c->call = NULL;
    j->pending--;
    if (!e.kind && reply->status >= 300)
        (void)docker_failure(reply, &e);
    else if (!e.kind)
        (void)take_platform(j, reply, &e);
    arena_clear(j->scratch);
    if (e.kind)
        job_end(j, &e);
    else
        job_step(j);
}

/* ---- requests ---- */

static void send_call(struct look_job *j, enum mirror_kind kind, const char *key, const char *path,
                      uint64_t listed)
{
    struct look_call *c = ARENA_NEW(j->arena, struct look_call);

    *c = (struct look_call){.job = j, .next = j->calls, .kind = kind, .key = key, .listed = listed};
    j->calls = c;
    j->pending++;
    c->call = docker_send(
        j->d, &(struct http_request){.method = "GET", .path = path, .done = on_reply, .user = c});
}

static void send_inspect(struct look_job *j, enum mirror_kind kind, const char *key,
                         uint64_t listed)
{
    static const char *const before[] = {"/containers/", "/networks/", "/volumes/", "/images/"};
    bool json = kind == MIRROR_CONTAINER || kind == MIRROR_IMAGE;
    const char *own = arena_strdup(j->arena, key);

    send_call(j, kind, own, docker_path(j->arena, before[kind], own, json ? "/json" : ""), listed);
}

static void ask_platform(struct look_job *j)
{
    struct look_call *c = ARENA_NEW(j->arena, struct look_call);

    *c = (struct look_call){.job = j, .next = j->calls};
    j->calls = c;
    j->pending++;
    c->call =
        docker_send(j->d, &(struct http_request){
                              .method = "GET", .path = "/version", .done = on_platform, .user = c});
}

static void ask_images(struct look_job *j)
{
    const struct mirror *m = j->d->mirror;
    const struct strv *dirty = &j->dirty.of[MIRROR_IMAGE];

    for (size_t i = 0; i < j->images.n; i++) {
        const char *ref = j->images.v[i];
        if (!mirror_image(m, ref) || strv_has(dirty, ref) || j->dirty.everything ||
            j->inspect_owned)
            send_inspect(j, MIRROR_IMAGE, ref, 0);
        else if (j->everything)
            mirror_change_keep(j->change, MIRROR_IMAGE, ref);
    }
    /* Touched, and nobody asks for it now: whoever does later must not get what was known before. */
    for (size_t i = 0; i < dirty->n && !j->everything; i++)
        if (!strv_has(&j->images, dirty->v[i]))
            mirror_change_gone(j->change, MIRROR_IMAGE, dirty->v[i]);
}

/* Known from a list that was made before anybody cared. */
static void ask_projects(struct look_job *j)
{
    const struct strv *dirty = &j->dirty.of[MIRROR_CONTAINER];
    const struct obs_container *c;

    for (size_t i = 0; j->projects.n && (c = mirror_container_at(j->d->mirror, i)); i++)
        if (!c->inspected && concerns(j, c) && !strv_has(dirty, c->id))
            send_inspect(j, MIRROR_CONTAINER, c->id, mirror_listed(j->d->mirror, c->id));
}

static void ask(struct look_job *j)
{
    if (j->everything) {
        send_call(j, MIRROR_CONTAINER, NULL, "/containers/json?all=1", 0);
        send_call(j, MIRROR_NETWORK, NULL, "/networks", 0);
        send_call(j, MIRROR_VOLUME, NULL, "/volumes", 0);
    } else {
        for (size_t k = 0; k < MIRROR_IMAGE; k++)
            for (size_t i = 0; i < j->dirty.of[k].n; i++)
                send_inspect(j, (enum mirror_kind)k, j->dirty.of[k].v[i], 0);
        ask_projects(j);
    }
    ask_images(j);
    if (j->platform && !mirror_platform(j->d->mirror))
        ask_platform(j);
}

/* ---- jobs ---- */

/* Those in front that can share a job: all whose owner is the same. */
static struct look_waiter *take_waiters(struct docker *d)
{
    struct look_waiter *first = d->lookers.waiting, *last = first;

    while (last->next && strcmp(last->next->owner, first->owner) == 0)
        last = last->next;
    d->lookers.waiting = last->next;
    last->next = NULL;
    return first;
}

static void merge_scope(struct look_job *j)
{
    for (const struct look_waiter *w = j->waiters; w; w = w->next) {
        j->everything |= w->everything;
        j->inspect_owned |= w->inspect_owned;
        j->platform |= w->platform;
        j->owner = w->owner;
        for (size_t i = 0; i < w->n_images; i++)
            strv_push(j->arena, &j->images, w->images[i]);
        for (size_t i = 0; i < w->n_projects; i++)
            strv_push(j->arena, &j->projects, w->projects[i]);
    }
    strv_sort(&j->images);
    size_t n = 0;

    for (size_t i = 0; i < j->images.n; i++)
        if (n == 0 || strcmp(j->images.v[n - 1], j->images.v[i]) != 0)
            j->images.v[n++] = j->images.v[i];
    j->images.n = n;
}

static void serve(void *user)
{
    struct docker *d = user;
    struct look_job *j;

    d->lookers.kick = NULL;
    if (d->lookers.now || !d->lookers.waiting)
        return;
    j = xcalloc(1, sizeof(*j));
    j->d = d;
    j->arena = arena_new();
    j->scratch = arena_new();
    j->waiters = take_waiters(d);
    j->dirty = d->dirty;
    d->dirty = (struct dirty){0};
    merge_scope(j);
    j->everything |= j->dirty.everything;
    j->change = mirror_change_new(j->everything);
    d->lookers.now = j;
    ask(j);
    job_step(j);
}

void docker_look(struct driver *driver, const struct look *scope, look_done_fn *done, void *user)
{
    struct docker *d = (struct docker *)driver;
    struct look_waiter *w = xcalloc(1, sizeof(*w)), **at = &d->lookers.waiting;

    w->everything = scope->everything;
    w->inspect_owned = scope->inspect_owned;
    w->platform = scope->platform;
    w->owner = xstrdup(scope->owner ? scope->owner : "");
    w->images = copy_texts(&scope->images);
    w->n_images = scope->images.n;
    w->projects = copy_texts(&scope->projects);
    w->n_projects = scope->projects.n;
    w->done = done;
    w->user = user;
    while (*at)
        at = &(*at)->next;
    *at = w;
    /* From the loop, so that looks asked for in one go are one look. */
    if (!d->lookers.now)
        kick(d);
}

void docker_look_release(struct docker *d)
{
    http_timer_cancel(d->http, d->lookers.kick);
    if (d->lookers.now)
        job_free(d->lookers.now);
    free_waiters(d->lookers.waiting);
    d->lookers = (struct lookers){0};
}
