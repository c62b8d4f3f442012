/* golden_case.h: one case of tests/plan/ read into memory. Private to golden.c (static, because each test program is one file).
 *
 * The YAML files of CASE are the first root, those of CASE/root1 the second and so on, those of CASE/overrides the overrides, those of
 * CASE/before an older version of the first root, used only by observed.json. case.json (all optional): now, owner, pool,
 * prefix, drift, roots (paths), unreadable (paths), scope, reserved, released, host_routes, confirm (a hash, or "held": whatever is held),
 * ingress (managed, external or none), history {last_hash, handmade}, facts {"APP/SERVICE": {state, error, digest, images, made_for, port}}: what was read of its source (facts_before:
 * for before/; else it is being read), rounds (runs until the plan is empty, default 1), unsettled (why it never is), may_interrupt (why a
 * failure may leave something down).
 *
 * In observed.json an object {"like": NAME, ...} is the container, network or volume of that name just as the specs want it, running and
 * well, with the given members laid over it; {"before": NAME, ...} likewise from before/; {"adopted": NAME, ...} is what `docker compose up` would have
 * made of it: without our defaults and labels. A label or hash "=" is the wanted hash. Images
 * that are not listed are there; of what is built that is what before/ wanted. Of "routes" they mean the route file of that app as it follows from the
 * containers; "servers" of such a one are names of containers, and a file of other servers has another digest. */
#ifndef EK_GOLDEN_CASE_H
#define EK_GOLDEN_CASE_H

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <sys/stat.h>

#include "drivers/engine_encode.h"
#include "drivers/engine_encode_net.h"
#include "drivers/engine_fields.h"
#include "drivers/fake.h"
#include "reconcile/bind.h"
#include "reconcile/plan.h"
#include "spec/base/arena.h"
#include "spec/document.h"
#include "spec/labels.h"
#include "tests/golden_adopted.h"

#define ROOT "/etc/evenkeel/apps"

struct golden_case {
    const char *name, *folder;
    struct arena *arena;
    json_t *options;
    struct settings settings;
    struct desired *desired, *before;
    const struct observed *observed, *images;
    struct history history;
    struct plan_input input;
    const char *unsettled;
    int64_t rounds;
};

/* ---- files ---- */

static int golden_read(const char *path, struct arena *a, const char **ret, size_t *ret_n)
{
    FILE *f = fopen(path, "rb");
    CLEANUP(str_release) struct str s = STR_INIT;
    char buf[4096];
    size_t n;

    if (!f)
        return -1;
    while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
        str_addn(&s, buf, n);
    (void)fclose(f);
    *ret = arena_strndup(a, str_text(&s), s.len);
    *ret_n = s.len;
    return 0;
}

static int golden_load(void *ctx, const char *path, struct arena *a, const char **ret_text,
                       size_t *ret_n, struct err *e)
{
    const struct golden_case *c = ctx;
    const char *below = strncmp(path, ROOT "/", sizeof(ROOT)) == 0 ? path + sizeof(ROOT) : path;

    if (golden_read(arena_printf(a, "%s/%s", c->folder, below), a, ret_text, ret_n) < 0)
        return err_set(e, ERR_MISSING, "no such file");
    return 0;
}

static int golden_yaml_only(const struct dirent *d)
{
    size_t n = strlen(d->d_name);

    return n > 5 && strcmp(d->d_name + n - 5, ".yaml") == 0;
}

/* Every *.yaml of a folder, parsed, appended to the list. */
static void golden_parse_folder(struct golden_case *c, const char *folder, const char *root,
                                const struct spec_file ***v, size_t *n, size_t *cap)
{
    const struct loader loader = {.read = golden_load, .ctx = c};
    struct dirent **names = NULL;
    int found = scandir(folder, &names, golden_yaml_only, alphasort);

    for (int i = 0; i < found; i++) {
        struct spec_file *f = ARENA_NEW(c->arena, struct spec_file);
        const char *text = "", *name = arena_strdup(c->arena, names[i]->d_name);
        size_t len = 0;

        (void)golden_read(arena_printf(c->arena, "%s/%s", folder, name), c->arena, &text, &len);
        document_parse(root, name, name, root, text, len, &loader, c->arena, f);
        *v = arena_grow(c->arena, *v, *n, cap, sizeof((*v)[0]));
        (*v)[(*n)++] = f;
        free(names[i]);
    }
    free(names);
}

/* ---- desired state ---- */

static struct spec_set golden_set(struct golden_case *c, const char *first)
{
    struct spec_set set = {0};
    struct strv roots = {0}, unreadable = {0};
    const struct spec_file **files = NULL, **overrides = NULL;
    size_t cap = 0, cap_overrides = 0;

    js_strv(c->options, "roots", c->arena, &roots);
    js_strv(c->options, "unreadable", c->arena, &unreadable);
    if (!js_at(c->options, "roots"))
        strv_push(c->arena, &roots, ROOT);
    struct spec_root *list = ARENA_ARRAY(c->arena, roots.n, struct spec_root);

    for (size_t i = 0; i < roots.n; i++) {
        list[i] = (struct spec_root){roots.v[i], !strv_has(&unreadable, roots.v[i])};
        const char *folder = i == 0 ? first : arena_printf(c->arena, "%s/root%zu", c->folder, i);
        if (list[i].readable)
            golden_parse_folder(c, folder, roots.v[i], &files, &set.n_files, &cap);
    }
    golden_parse_folder(c, arena_printf(c->arena, "%s/overrides", c->folder), "/overrides",
                        &overrides, &set.n_overrides, &cap_overrides);
    set.roots = list;
    set.n_roots = roots.n;
    set.files = files;
    set.overrides = overrides;
    return set;
}

/* ---- facts of what is built ---- */

static struct context_facts *golden_facts(struct golden_case *c, const json_t *v, const char *key)
{
    static const char *const states[] = {
        [FACTS_WORKING] = "working", [FACTS_READY] = "ready", [FACTS_FAILED] = "failed"};
    struct context_facts *f = ARENA_NEW(c->arena, struct context_facts);
    const char *state = js_str(v, "state", "ready");

    *f = (struct context_facts){
        .key = key,
        .error = js_str(v, "error", NULL),
        .digest = js_str(v, "digest", NULL),
        .made_for = js_str(v, "made_for", NULL),
        .dockerfile = "Dockerfile",
        .port = (int)js_int(v, "port", 0),
    };
    for (size_t i = 0; i < ARRAY_LEN(states); i++)
        if (strcmp(states[i], state) == 0)
            f->state = (enum facts_state)i;
    js_strv(v, "images", c->arena, &f->images);
    return f;
}

static int golden_facts_order(const void *a, const void *b)
{
    const struct context_facts *x = *(const struct context_facts *const *)a,
                               *y = *(const struct context_facts *const *)b;

    return strcmp(x->key, y->key);
}

/* Their keys follow from the specs, so these are decoded without facts first. */
static void golden_add_facts(struct golden_case *c, bool before, struct spec_set *set)
{
    const json_t *given = json_object_get(c->options, "facts");
    const struct context_facts **v;

    if (before && json_object_get(c->options, "facts_before"))
        given = json_object_get(c->options, "facts_before");
    if (!given)
        return;
    const struct desired *d =
        desired_build(set, &c->settings, &(struct kvs){0}, c->input.now_ms, c->arena);

    v = ARENA_ARRAY(c->arena, json_object_size(given), const struct context_facts *);
    for (size_t i = 0; i < d->n_apps; i++)
        for (size_t s = 0; s < d->apps[i].n_services; s++) {
            const struct want_service *w = &d->apps[i].services[s];
            const json_t *x =
                json_object_get(given, arena_printf(c->arena, "%s/%s", d->apps[i].name, w->name));

            if (x && w->facts && set->n_facts < json_object_size(given))
                v[set->n_facts++] = golden_facts(c, x, w->facts->key);
        }
    if (set->n_facts > 1)
        qsort((void *)v, set->n_facts, sizeof(v[0]), golden_facts_order);
    set->facts = v;
}

static struct kvs golden_incumbents(const struct golden_case *c, const struct observed *o)
{
    struct kvs l = {0};

    for (size_t i = 0; o && i < o->n_containers; i++) {
        const struct obs_container *k = &o->containers[i];
        if (k->app && k->origin && k->owner && strcmp(k->owner, c->settings.owner) == 0)
            kvs_set(c->arena, &l, k->app, k->origin);
    }
    return l;
}

static struct desired *golden_desire(struct golden_case *c, const char *first,
                                     const struct observed *o)
{
    struct spec_set set = golden_set(c, first);

    golden_add_facts(c, first != c->folder, &set);
    for (size_t i = 0; o && i < o->n_routes; i++)
        strv_push(c->arena, &set.routed, o->routes[i].app);
    struct kvs incumbents = golden_incumbents(c, o);
    struct desired *d = desired_build(&set, &c->settings, &incumbents, c->input.now_ms, c->arena);

    if (o)
        bind_images(d, o, c->arena);
    return d;
}

/* ---- observed.json ---- */

struct wanted { /* what a "like" may mean */
    const struct want_container *container;
    const struct want_network *network;
    const struct want_volume *volume;
};

static struct wanted golden_find(const struct desired *d, const char *name)
{
    struct wanted w = {0};

    for (size_t i = 0; i < d->n_apps; i++) {
        const struct want_app *app = &d->apps[i];

        for (size_t s = 0; s < app->n_services; s++)
            for (size_t k = 0; k < app->services[s].n_containers; k++)
                if (strcmp(app->services[s].containers[k].name, name) == 0)
                    w.container = &app->services[s].containers[k];
        for (size_t k = 0; k < app->n_networks; k++)
            if (strcmp(app->networks[k].name, name) == 0)
                w.network = &app->networks[k];
        for (size_t k = 0; k < app->n_volumes; k++)
            if (strcmp(app->volumes[k].name, name) == 0)
                w.volume = &app->volumes[k];
    }
    return w;
}

static json_t *golden_labels(const struct kvs *labels, const struct kvs *birth)
{
    json_t *v = js_from_kvs(labels);
    json_t *notes = js_from_kvs(birth);

    (void)json_object_update(v, notes);
    json_decref(notes);
    return v;
}

static json_t *golden_attachments(const struct want_container *w)
{
    const struct service *s = w->service->spec;
    json_t *list = json_array();

    for (size_t i = 0; i < s->n_networks && !s->network_mode; i++) {
        json_t *aliases = js_from_strv(&s->networks[i].aliases);

        (void)json_array_append_new(aliases, json_string(w->service->name));
        (void)json_array_append_new(list,
                                    json_pack("{s:s, s:o}", "name",
                                              engine_encode_network_name(w->app, &s->networks[i]),
                                              "aliases", aliases));
    }
    return list;
}

static json_t *golden_ports(const struct service *s)
{
    json_t *list = json_array();

    for (size_t i = 0; i < s->n_ports; i++)
        if (s->ports[i].published)
            (void)json_array_append_new(
                list, json_sprintf("%s%s%d:%d/%s", s->ports[i].host_ip ? s->ports[i].host_ip : "",
                                   s->ports[i].host_ip ? ":" : "", s->ports[i].published,
                                   s->ports[i].target,
                                   s->ports[i].protocol ? s->ports[i].protocol : "tcp"));
    return list;
}

static json_t *golden_container(struct golden_case *c, const struct want_container *w)
{
    const struct service *s = w->service->spec;
    json_t *v = json_object(), *labels = golden_labels(&w->labels, &w->birth);
    json_t *body = js_parse(w->body, strlen(w->body), NULL);
    struct kvs asked = engine_fields_of_body(body, c->arena), nothing = {0};
    const struct obs_image *image = observed_image(c->images, w->service->image);
    struct kvs fields = engine_fields_expected(&asked, image ? &image->fields : &nothing, c->arena);

    json_decref(body);
    (void)json_object_set_new(labels, LABEL_HASH, json_string(w->hash));
    (void)json_object_set_new(v, "name", json_string(w->name));
    (void)json_object_set_new(v, "image", json_string(w->service->image));
    if (w->sealed_for)
        (void)json_object_set_new(v, "image_id", json_string(w->sealed_for));
    (void)json_object_set_new(v, "created", json_string("2026-11-20T08:00:00Z"));
    (void)json_object_set_new(v, "started", json_string("2026-11-20T08:00:01Z"));
    (void)json_object_set_new(v, "labels", labels);
    (void)json_object_set_new(v, "networks", golden_attachments(w));
    (void)json_object_set_new(v, "ports", golden_ports(s));
    (void)json_object_set_new(v, "fields", js_from_kvs(&fields));
    if (s->health.set && s->health.disable != TRI_YES)
        (void)json_object_set_new(v, "health", json_string("healthy"));
    return v;
}

static json_t *golden_like(struct golden_case *c, const struct desired *d, const char *name,
                           size_t nth)
{
    struct wanted w = golden_find(d, name);

    if (w.container)
        return golden_container(c, w.container);
    if (w.network)
        return json_pack("{s:s, s:s, s:[o], s:o}", "name", name, "driver",
                         w.network->spec && w.network->spec->driver ? w.network->spec->driver
                                                                    : "bridge",
                         "subnets",
                         w.network->spec && w.network->spec->n_pools
                             ? json_string(w.network->spec->pools[0].subnet)
                             : json_sprintf("10.213.%zu.%zu/26", nth / 4, nth % 4 * 64),
                         "labels", golden_labels(&w.network->labels, &w.network->birth));
    if (w.volume)
        return json_pack("{s:s, s:o}", "name", name, "labels",
                         golden_labels(&w.volume->labels, &w.volume->birth));
    return NULL;
}

/* Lay the given members over: labels and fields member by member (null takes one away), everything else whole. */
static void golden_lay_over(json_t *v, json_t *given)
{
    const char *key, *inner;
    json_t *value, *inner_value;

    json_object_foreach(given, key, value)
    {
        if (strcmp(key, "like") == 0 || strcmp(key, "before") == 0 || strcmp(key, "adopted") == 0)
            continue;
        if (json_is_null(value)) {
            (void)json_object_del(v, key);
            continue;
        }
        if (strcmp(key, "labels") != 0 && strcmp(key, "fields") != 0) {
            (void)json_object_set(v, key, value);
            continue;
        }
        json_object_foreach(value, inner, inner_value)
        {
            if (json_is_null(inner_value))
                (void)json_object_del(json_object_get(v, key), inner);
            else
                (void)json_object_set(json_object_get(v, key), inner, inner_value);
        }
    }
}

static json_t *golden_adopted(struct golden_case *c, const struct desired *d, const char *name,
                              size_t nth)
{
    const struct wanted w = golden_find(d, name);
    json_t *v = golden_like(c, d, name, nth);
    const char *project = NULL;

    for (size_t i = 0; i < d->n_apps; i++)
        if (d->apps[i].adopt)
            project = d->apps[i].adopt;
    if (!v || !project)
        return v;
    if (w.container)
        golden_adopted_container(c->arena, c->images, w.container, v);
    else if (w.network)
        (void)json_object_set_new(
            v, "labels", golden_compose_labels(project, LABEL_COMPOSE_NETWORK, w.network->key));
    else
        (void)json_object_set_new(
            v, "labels", golden_compose_labels(project, LABEL_COMPOSE_VOLUME, w.volume->key));
    return v;
}

/* A container of another image has another hash. */
static void golden_rehash(json_t *v, const json_t *given, const struct want_container *w)
{
    const char *id = js_str(given, "image_id", NULL);
    char hash[SHA256_HEX];

    if (!w || !id)
        return;
    engine_encode_hash(w->body, id, hash);
    (void)json_object_set_new(json_object_get(v, "labels"), LABEL_HASH, json_string(hash));
}

static int golden_expand(struct golden_case *c, json_t *list, const struct desired *now,
                         const struct desired *before)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *given = json_array_get(list, i);
        const char *like = js_str(given, "like", NULL), *old = js_str(given, "before", NULL);
        const char *adopted = js_str(given, "adopted", NULL);

        if (!like && !old && !adopted)
            continue;
        json_t *v = adopted ? golden_adopted(c, now, adopted, i)
                            : golden_like(c, like ? now : before, like ? like : old, i);

        if (!v) {
            printf("%s: observed.json: nobody wants \"%s\"\n", c->name,
                   adopted ? adopted
                   : like  ? like
                           : old);
            return -1;
        }
        golden_lay_over(v, given);
        if (adopted) {
            (void)json_array_set_new(list, i, v);
            continue;
        }
        golden_rehash(v, given, golden_find(like ? now : before, like ? like : old).container);
        (void)json_array_set_new(list, i, v);
    }
    return 0;
}

/* Every reference of either version is on the engine, unless observed.json says something about it. */
static void golden_add_images(struct golden_case *c, json_t *v, const struct desired *d)
{
    json_t *images = json_object_get(v, "images");
    struct strv wanted = {0};

    if (!images) {
        images = json_array();
        (void)json_object_set_new(v, "images", images);
    }
    bind_wanted_images(d, c->arena, &wanted);
    for (size_t i = 0; i < wanted.n; i++) {
        bool listed = false;

        for (size_t k = 0; k < json_array_size(images); k++)
            listed |= strcmp(js_str(json_array_get(images, k), "ref", ""), wanted.v[i]) == 0;
        if (!listed)
            (void)json_array_append_new(images, json_pack("{s:s}", "ref", wanted.v[i]));
    }
}

static const struct observed *golden_images(struct golden_case *c, const json_t *v, struct err *e)
{
    json_auto_t *only_images = json_pack("{s:O}", "images", json_object_get(v, "images"));

    return observed_from_json(only_images, c->arena, e);
}

/* A hash "=" is that of the place named by the labels. */
static void golden_fill_hashes(json_t *containers, const struct desired *d)
{
    for (size_t i = 0; i < json_array_size(containers); i++) {
        json_t *labels = json_object_get(json_array_get(containers, i), "labels");
        const char *app = json_string_value(json_object_get(labels, LABEL_APP));
        const char *service = json_string_value(json_object_get(labels, LABEL_SERVICE));
        const char *index = json_string_value(json_object_get(labels, LABEL_INDEX));
        const char *hash = json_string_value(json_object_get(labels, LABEL_HASH));
        const struct want_app *want = app ? desired_app(d, app) : NULL;

        if (!want || !service || !hash || strcmp(hash, "=") != 0)
            continue;
        for (size_t s = 0; s < want->n_services; s++)
            for (size_t k = 0; k < want->services[s].n_containers; k++)
                if (strcmp(want->services[s].name, service) == 0 && index &&
                    atoi(index) == (int)k + 1)
                    (void)json_object_set_new(labels, LABEL_HASH,
                                              json_string(want->services[s].containers[k].hash));
    }
}

/* ---- route files: written by the plan of a world without them ---- */

/* What the plan of these wishes would write first for the app, as the engine in memory holds it then. */
static json_t *golden_route(struct golden_case *c, struct desired *d, const json_t *world,
                            const char *app)
{
    const struct observed *o = observed_from_json(world, c->arena, NULL);
    struct plan_input in = c->input;
    struct op_result result;

    in.desired = d;
    in.observed = o;
    bind_images(d, o, c->arena);
    const struct plan_app *part = plan_app(plan_build(&in, c->arena), app);
    struct driver *fake = fake_new(o, NULL);
    json_t *ret = NULL;

    for (size_t i = 0; part && i < part->n_actions && !ret; i++) {
        if (part->actions[i].kind != ACT_ROUTE_WRITE || !part->actions[i].op.body)
            continue;
        fake_apply(fake, &part->actions[i].op, &result);
        json_auto_t *after = observed_to_json(fake->ops->observed(fake, c->arena));
        const json_t *routes = js_at(after, "routes");

        for (size_t k = 0; k < json_array_size(routes); k++)
            if (strcmp(js_str(json_array_get(routes, k), "app", ""), app) == 0)
                ret = json_deep_copy(json_array_get(routes, k));
    }
    fake->ops->free(fake);
    if (ret)
        (void)json_object_set_new(ret, "state", json_string("live"));
    return ret;
}

/* Names of containers, or texts that are none, into short ids. */
static json_t *golden_servers(struct golden_case *c, const json_t *world, const json_t *names)
{
    const struct observed *o = observed_from_json(world, c->arena, NULL);
    json_t *ids = json_array();

    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        const struct obs_container *k = observed_container(o, name);

        (void)json_array_append_new(ids,
                                    json_string(k ? container_short_id(k->id, c->arena) : name));
    }
    return ids;
}

static int golden_expand_routes(struct golden_case *c, json_t *v, struct desired *now,
                                struct desired *before)
{
    json_t *list = json_object_get(v, "routes");
    json_auto_t *world = json_copy(v);

    (void)json_object_del(world, "routes");
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *given = json_array_get(list, i), *names = json_object_get(given, "servers");
        const char *like = js_str(given, "like", NULL), *old = js_str(given, "before", NULL);

        if (!like && !old)
            continue;
        json_t *route = golden_route(c, like ? now : before, world, like ? like : old);

        if (!route) {
            printf("%s: observed.json: nobody routes to \"%s\"\n", c->name, like ? like : old);
            return -1;
        }
        golden_lay_over(route, given);
        if (names) {
            (void)json_object_set_new(route, "servers", golden_servers(c, world, names));
            (void)json_object_set_new(route, "digest", json_string("0123456789ab"));
        }
        (void)json_array_set_new(list, i, route);
    }
    return 0;
}

static const struct observed *golden_observe(struct golden_case *c)
{
    const char *path = arena_printf(c->arena, "%s/observed.json", c->folder), *text = "{}";
    const char *before_folder = arena_printf(c->arena, "%s/before", c->folder);
    size_t n = 2;
    struct err e = {0};

    (void)golden_read(path, c->arena, &text, &n);
    json_auto_t *v = js_parse(text, n, &e);

    if (!v) {
        printf("%s: observed.json: %s\n", c->name, e.msg);
        return NULL;
    }
    struct desired *now = golden_desire(c, c->folder, NULL);
    struct desired *before = golden_desire(c, before_folder, NULL);

    golden_add_images(c, v, now);
    golden_add_images(c, v, before);
    const struct observed *images = golden_images(c, v, &e);

    if (images) { /* what is built is named after its base images */
        bind_images(before, images, c->arena);
        golden_add_images(c, v, before);
        images = golden_images(c, v, &e);
    }
    c->images = images;
    c->before = before;
    if (images) {
        bind_images(now, images, c->arena);
        bind_images(before, images, c->arena);
    }
    if (!images || golden_expand(c, json_object_get(v, "containers"), now, before) < 0 ||
        golden_expand(c, json_object_get(v, "networks"), now, before) < 0 ||
        golden_expand(c, json_object_get(v, "volumes"), now, before) < 0)
        return NULL;
    golden_fill_hashes(json_object_get(v, "containers"), now);
    if (golden_expand_routes(c, v, now, before) < 0)
        return NULL;
    const struct observed *o = observed_from_json(v, c->arena, &e);

    if (!o)
        printf("%s: observed.json: %s\n", c->name, e.msg);
    return o;
}

/* ---- the rest ---- */

static void golden_read_history(struct golden_case *c)
{
    json_t *last = json_object_get(json_object_get(c->options, "history"), "last_hash");
    json_t *hand = json_object_get(json_object_get(c->options, "history"), "handmade");
    const char *key;
    json_t *value;

    json_object_foreach(last, key, value)
    {
        const struct want_container *w = golden_find(c->desired, key).container;
        const struct want_container *old = golden_find(c->before, key).container;

        w = w ? w : old;
        const char *hash = json_string_value(value);
        kvs_set(c->arena, &c->history.last_hash, key, w && strcmp(hash, "=") == 0 ? w->hash : hash);
    }
    json_object_foreach(hand, key, value)
    {
        kvs_set(c->arena, &c->history.handmade, key, json_string_value(value));
    }
}

static int golden_read_settings(struct golden_case *c)
{
    int64_t now = 0;
    const char *drift = js_str(c->options, "drift", "heal");

    if (parse_time_ms(js_str(c->options, "now", "2026-11-22T10:00:00Z"), &now) < 0)
        return -1;
    c->input.now_ms = now;
    c->settings = (struct settings){
        .owner = js_str(c->options, "owner", "default"),
        .pool = js_str(c->options, "pool", "10.213.0.0/16"),
        .pool_prefix = (int)js_int(c->options, "prefix", 26),
        .drift = strcmp(drift, "report") == 0 ? DRIFT_REPORT : DRIFT_HEAL,
    };
    const char *ingress = js_str(c->options, "ingress", "managed");

    ingress_defaults(&c->settings.ingress);
    c->settings.ingress.mode = strcmp(ingress, "external") == 0 ? INGRESS_EXTERNAL
                               : strcmp(ingress, "none") == 0   ? INGRESS_NONE
                                                                : INGRESS_MANAGED;
    c->settings.ingress.dir = "/var/lib/evenkeel/ingress";
    c->settings.ingress.acme_dir = "/var/lib/evenkeel/ingress-acme";
    c->unsettled = js_str(c->options, "unsettled", NULL);
    c->rounds = js_int(c->options, "rounds", 1);
    js_strv(c->options, "scope", c->arena, &c->input.scope);
    js_strv(c->options, "reserved", c->arena, &c->input.reserved_subnets);
    js_strv(c->options, "released", c->arena, &c->input.released);
    js_strv(c->options, "host_routes", c->arena, &c->input.host_routes);
    return 0;
}

static int golden_case_open(struct golden_case *c, const char *folder, const char *name)
{
    const char *text = "{}";
    size_t n = 2;
    struct err e = {0};

    *c = (struct golden_case){.arena = arena_new()};
    c->name = arena_strdup(c->arena, name);
    c->folder = arena_printf(c->arena, "%s/%s", folder, name);
    (void)golden_read(arena_printf(c->arena, "%s/case.json", c->folder), c->arena, &text, &n);
    c->options = js_parse(text, n, &e);
    if (!c->options || golden_read_settings(c) < 0) {
        printf("%s: case.json: %s\n", name, e.msg);
        return -1;
    }
    c->observed = golden_observe(c);
    if (!c->observed)
        return -1;
    c->desired = golden_desire(c, c->folder, c->observed);
    golden_read_history(c);
    c->input.desired = c->desired;
    c->input.observed = c->observed;
    c->input.history = &c->history;
    return 0;
}

static void golden_case_close(struct golden_case *c)
{
    json_decref(c->options);
    arena_free(c->arena);
}

#endif
