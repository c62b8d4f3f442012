/* observed.c: what the engine has, put in order and made easy to look up.
 *
 * In: arrays of containers, networks, volumes and images, as decoded from the engine or from a saved pass. Out: the
 * same, sorted, with identity read off the labels and an index by name. Its JSON form is observed_json.c.
 * It decides nothing: foreign objects are sorted and found like ours, they only lack the labels. */
#include "drivers/observed.h"

#include <stdlib.h>
#include <string.h>

#include "spec/base/arena.h"
#include "spec/base/attr.h"
#include "spec/base/err.h"
#include "spec/base/js.h"
#include "spec/labels.h"

/* ---- words ---- */

/* clang-format off */
static const char *const state_words[] = {
    [CS_CREATED] = "created",
    [CS_RUNNING] = "running",
    [CS_PAUSED] = "paused",
    [CS_RESTARTING] = "restarting",
    [CS_REMOVING] = "removing",
    [CS_EXITED] = "exited",
    [CS_DEAD] = "dead",
};
static const char *const health_words[] = {
    [HEALTH_NONE] = "none",
    [HEALTH_STARTING] = "starting",
    [HEALTH_HEALTHY] = "healthy",
    [HEALTH_UNHEALTHY] = "unhealthy",
};
static const char *const route_words[] = {
    [ROUTE_WRITTEN] = "written",
    [ROUTE_LIVE] = "live",
    [ROUTE_FAILED] = "failed",
};
/* clang-format on */
_Static_assert(ARRAY_LEN(route_words) == ROUTE_FAILED + 1, "every state has a word");
_Static_assert(ARRAY_LEN(state_words) == CS_DEAD + 1, "every state has a word");
_Static_assert(ARRAY_LEN(health_words) == HEALTH_UNHEALTHY + 1, "every health has a word");

static int find_word(const char *const *words, size_t n, const char *word)
{
    for (size_t i = 0; word && i < n; i++)
        if (strcmp(words[i], word) == 0)
            return (int)i;
    return -1;
}

const char *container_state_name(enum container_state s)
{
    return (size_t)s < ARRAY_LEN(state_words) ? state_words[s] : "unknown";
}

int container_state_parse(const char *word, enum container_state *ret)
{
    int i = find_word(state_words, ARRAY_LEN(state_words), word);

    if (i < 0)
        return -1;
    *ret = (enum container_state)i;
    return 0;
}

const char *health_name(enum health h)
{
    return (size_t)h < ARRAY_LEN(health_words) ? health_words[h] : "unknown";
}

int health_parse(const char *word, enum health *ret)
{
    int i = find_word(health_words, ARRAY_LEN(health_words), word);

    if (i < 0)
        return -1;
    *ret = (enum health)i;
    return 0;
}

const char *route_state_name(enum route_state s)
{
    return (size_t)s < ARRAY_LEN(route_words) ? route_words[s] : "unknown";
}

int route_state_parse(const char *word, enum route_state *ret)
{
    int i = find_word(route_words, ARRAY_LEN(route_words), word);

    if (i < 0)
        return -1;
    *ret = (enum route_state)i;
    return 0;
}

/* ---- identity ---- */

const char *container_short_id(const char *id, struct arena *a)
{
    bool real = strlen(id) == 64 && strspn(id, "0123456789abcdef") == 64;
    char hex[SHA256_HEX];

    if (!real)
        sha256_hex(id, strlen(id), hex);
    return arena_strndup(a, real ? id : hex, 12);
}

void obs_container_identify(struct obs_container *c)
{
    const char *index = kvs_get(&c->labels, LABEL_INDEX);
    int64_t number = 0;

    c->owner = kvs_get(&c->labels, LABEL_OWNER);
    c->app = kvs_get(&c->labels, LABEL_APP);
    c->service = kvs_get(&c->labels, LABEL_SERVICE);
    c->hash = kvs_get(&c->labels, LABEL_HASH);
    c->origin = kvs_get(&c->labels, LABEL_ORIGIN);
    c->adopted = kvs_get(&c->labels, LABEL_ADOPTED);
    if (index)
        (void)parse_int64(index, 0, INT32_MAX, &number);
    c->index = (int)number;
}

void obs_network_identify(struct obs_network *n)
{
    n->owner = kvs_get(&n->labels, LABEL_OWNER);
    n->app = kvs_get(&n->labels, LABEL_APP);
    n->origin = kvs_get(&n->labels, LABEL_ORIGIN);
    n->key = kvs_get(&n->labels, LABEL_KEY);
}

void obs_volume_identify(struct obs_volume *v)
{
    v->owner = kvs_get(&v->labels, LABEL_OWNER);
    v->app = kvs_get(&v->labels, LABEL_APP);
    v->key = kvs_get(&v->labels, LABEL_KEY);
}

/* ---- order ---- */

static int compare_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

/* Absent ones last. */
static int compare_app(const char *a, const char *b)
{
    if (!a || !b)
        return (b != NULL) - (a != NULL);
    return strcmp(a, b);
}

static int compare_containers(const void *va, const void *vb)
{
    const struct obs_container *a = va, *b = vb;
    int by = compare_app(a->app, b->app);

    if (!by)
        by = compare_text(a->service, b->service);
    if (!by)
        by = (a->index > b->index) - (a->index < b->index);
    if (!by)
        by = compare_text(a->name, b->name);
    return by ? by : compare_text(a->id, b->id);
}

static int compare_attaches(const void *va, const void *vb)
{
    const struct obs_attach *a = va, *b = vb;
    int by = compare_text(a->network_name, b->network_name);

    return by ? by : compare_text(a->network_id, b->network_id);
}

static int compare_ports(const void *va, const void *vb)
{
    const struct obs_port *a = va, *b = vb;
    int by = a->target - b->target;

    if (!by)
        by = compare_text(a->protocol, b->protocol);
    if (!by)
        by = compare_text(a->host_ip, b->host_ip);
    return by ? by : a->published - b->published;
}

static int compare_networks(const void *va, const void *vb)
{
    const struct obs_network *a = va, *b = vb;
    int by = compare_text(a->name, b->name);

    return by ? by : compare_text(a->id, b->id);
}

static int compare_volumes(const void *va, const void *vb)
{
    return compare_text(((const struct obs_volume *)va)->name,
                        ((const struct obs_volume *)vb)->name);
}

static int compare_images(const void *va, const void *vb)
{
    return compare_text(((const struct obs_image *)va)->ref, ((const struct obs_image *)vb)->ref);
}

static int compare_names(const void *va, const void *vb)
{
    const struct obs_container *a = *(const struct obs_container *const *)va;
    const struct obs_container *b = *(const struct obs_container *const *)vb;
    int by = compare_text(a->name, b->name);

    return by ? by : compare_text(a->id, b->id);
}

static void sort(void *v, size_t n, size_t size, int (*compare)(const void *, const void *))
{
    if (n > 1)
        qsort(v, n, size, compare);
}

static int compare_routes(const void *va, const void *vb)
{
    const struct obs_route *a = va, *b = vb;

    return compare_text(a->app, b->app);
}

static int compare_records(const void *va, const void *vb)
{
    const struct quarantine_record *a = va, *b = vb;

    return compare_text(a->volume, b->volume);
}

void obs_container_seal(struct obs_container *c)
{
    obs_container_identify(c);
    strv_sort(&c->volumes);
    sort(c->networks, c->n_networks, sizeof(*c->networks), compare_attaches);
    sort(c->ports, c->n_ports, sizeof(*c->ports), compare_ports);
}

void observed_seal(struct observed *o, struct arena *a)
{
    for (size_t i = 0; i < o->n_containers; i++)
        obs_container_seal(&o->containers[i]);
    for (size_t i = 0; i < o->n_networks; i++) {
        obs_network_identify(&o->networks[i]);
        strv_sort(&o->networks[i].subnets);
    }
    for (size_t i = 0; i < o->n_volumes; i++)
        obs_volume_identify(&o->volumes[i]);
    for (size_t i = 0; i < o->n_routes; i++)
        strv_sort(&o->routes[i].servers);
    sort(o->routes, o->n_routes, sizeof(*o->routes), compare_routes);
    sort(o->quarantine, o->n_quarantine, sizeof(*o->quarantine), compare_records);
    observed_order(o, a);
}

void observed_order(struct observed *o, struct arena *a)
{
    sort(o->containers, o->n_containers, sizeof(*o->containers), compare_containers);
    sort(o->networks, o->n_networks, sizeof(*o->networks), compare_networks);
    sort(o->volumes, o->n_volumes, sizeof(*o->volumes), compare_volumes);
    sort(o->images, o->n_images, sizeof(*o->images), compare_images);

    o->by_name = ARENA_ARRAY(a, o->n_containers, const struct obs_container *);
    for (size_t i = 0; i < o->n_containers; i++)
        o->by_name[i] = &o->containers[i];
    sort((void *)o->by_name, o->n_containers, sizeof(*o->by_name), compare_names);
}

/* ---- looking up: the first of that name ---- */

const struct obs_container *observed_container(const struct observed *o, const char *name)
{
    size_t from = 0, to = o->n_containers;

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (compare_text(o->by_name[middle]->name, name) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    if (from < o->n_containers && compare_text(o->by_name[from]->name, name) == 0)
        return o->by_name[from];
    return NULL;
}

/* The first element whose text at `offset` is `text`, in an array sorted by that text. */
static const void *find_first(const void *v, size_t n, size_t size, size_t offset, const char *text)
{
    const char *base = v;
    size_t from = 0, to = n;

    while (from < to) {
        size_t middle = from + (to - from) / 2;
        const char *at = *(const char *const *)(const void *)(base + middle * size + offset);

        if (compare_text(at, text) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    if (from == n)
        return NULL;
    const char *at = *(const char *const *)(const void *)(base + from * size + offset);

    return compare_text(at, text) == 0 ? base + from * size : NULL;
}

const struct obs_network *observed_network(const struct observed *o, const char *name)
{
    return find_first(o->networks, o->n_networks, sizeof(*o->networks),
                      offsetof(struct obs_network, name), name);
}

const struct obs_volume *observed_volume(const struct observed *o, const char *name)
{
    return find_first(o->volumes, o->n_volumes, sizeof(*o->volumes),
                      offsetof(struct obs_volume, name), name);
}

const struct obs_image *observed_image(const struct observed *o, const char *ref)
{
    return find_first(o->images, o->n_images, sizeof(*o->images), offsetof(struct obs_image, ref),
                      ref);
}

const char *obs_image_label(const struct obs_image *image, const char *prefix)
{
    static const char labels[] = "labels.";
    size_t n = sizeof(labels) - 1;

    for (size_t i = 0; i < image->fields.n; i++) {
        const char *key = image->fields.v[i].key;

        if (strncmp(key, labels, n) == 0 && strncasecmp(key + n, prefix, strlen(prefix)) == 0)
            return key + n;
    }
    return NULL;
}

const struct obs_hook *observed_hook(const struct observed *o, const struct obs_container *c)
{
    const struct obs_hook *h = find_first(o->hooks, o->n_hooks, sizeof(*o->hooks),
                                          offsetof(struct obs_hook, container), c->id);

    return h && h->started_ms == c->started_ms ? h : NULL;
}

const struct obs_route *observed_route(const struct observed *o, const char *app)
{
    return find_first(o->routes, o->n_routes, sizeof(*o->routes), offsetof(struct obs_route, app),
                      app);
}

/* The first container that does not come before `app`; past_it: that comes after it. */
static size_t app_bound(const struct observed *o, const char *app, bool past_it)
{
    size_t from = 0, to = o->n_containers;

    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int by = compare_app(o->containers[middle].app, app);

        if (by < 0 || (past_it && by == 0))
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

void observed_app_range(const struct observed *o, const char *app, size_t *ret_from, size_t *ret_to)
{
    *ret_from = app_bound(o, app, false);
    *ret_to = app_bound(o, app, true);
}
