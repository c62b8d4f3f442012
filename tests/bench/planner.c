/* planner.c: plan_build alone, in this process: what a plan of 100 and of 10 000 services takes.
 *
 * In: apps of ten services each, or of one, decoded and hashed before the clock starts, and an engine made up to suit: empty, complete, or
 * with every tenth container gone. Out: times, and how they grow. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/engine_fields.h"
#include "drivers/observed.h"
#include "reconcile/bind.h"
#include "reconcile/plan.h"
#include "spec/base/arena.h"
#include "spec/base/js.h"
#include "spec/desired.h"
#include "spec/document.h"
#include "spec/labels.h"
#include "tests/bench/bench.h"
#include "tests/bench/planner.h"
#include "tests/bench/table.h"

enum { SMALL = 100, LARGE = 10000, ROUNDS = 7 };
#define IMAGE_ID "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ROOT "/bench"

static const struct spec_root the_root = {ROOT, true};
static const struct settings the_settings = {
    .owner = BENCH_OWNER, .pool = "10.0.0.0/8", .pool_prefix = 26, .drift = DRIFT_HEAL};

/* ---- desired ---- */

static int no_file(void *ctx, const char *path, struct arena *a, const char **ret_text,
                   size_t *ret_n, struct err *e)
{
    (void)ctx;
    (void)a;
    (void)ret_text;
    (void)ret_n;
    return err_set(e, ERR_MISSING, "%s: there are no files here", path);
}

static const char *spec_text(size_t app, size_t per_app, struct arena *a)
{
    CLEANUP(str_release) struct str s = STR_INIT;

    str_addf(&s, "app: app%05zu\nservices:\n", app);
    for (size_t i = 0; i < per_app; i++)
        str_addf(&s,
                 "  svc%zu:\n    image: " BENCH_IMAGE
                 "\n    command: [serve, --port, \"80%02zu\"]\n"
                 "    environment: {TZ: Europe/Berlin, NUMBER: \"%zu\", MODE: production}\n"
                 "    labels: {team: platform}\n    volumes: [\"data%zu:/data\"]\n%s",
                 i, i, i, i, i > 0 ? "    depends_on: [svc0]\n" : "");
    str_add(&s, "volumes:\n");
    for (size_t i = 0; i < per_app; i++)
        str_addf(&s, "  data%zu: {}\n", i);
    return arena_strdup(a, str_text(&s));
}

static struct desired *make_desired(size_t services, size_t per_app, struct arena *a)
{
    size_t n = services / per_app;
    const struct loader loader = {.read = no_file};
    struct spec_file *files = ARENA_ARRAY(a, n, struct spec_file);
    const struct spec_file **list = ARENA_ARRAY(a, n, const struct spec_file *);

    for (size_t i = 0; i < n; i++) {
        const char *path = arena_printf(a, "app%05zu.yaml", i), *text = spec_text(i, per_app, a);
        document_parse(ROOT, path, path, ROOT, text, strlen(text), &loader, a, &files[i]);
        if (files[i].broken)
            bench_die("%s: %s", path, files[i].diags.v[0].what);
        list[i] = &files[i];
    }
    const struct kvs nobody = {0};
    struct spec_set set = {.roots = &the_root, .n_roots = 1, .files = list, .n_files = n};

    return desired_build(&set, &the_settings, &nobody, 0, a);
}

/* ---- observed ---- */

static struct kvs labels_of(const struct kvs *own, const struct kvs *birth, const char *hash,
                            struct arena *a)
{
    struct kvs l = {0};

    for (size_t i = 0; i < own->n; i++)
        kvs_set(a, &l, own->v[i].key, own->v[i].value);
    for (size_t i = 0; i < birth->n; i++)
        kvs_set(a, &l, birth->v[i].key, birth->v[i].value);
    if (hash)
        kvs_set(a, &l, LABEL_HASH, hash);
    return l;
}

static void add_container(struct observed *o, const struct want_app *app,
                          const struct want_container *c, struct arena *a)
{
    size_t i = o->n_containers++;
    struct obs_attach *at = ARENA_ARRAY(a, app->n_networks, struct obs_attach);
    json_auto_t *body = js_parse(c->body, strlen(c->body), NULL);

    for (size_t k = 0; k < app->n_networks; k++)
        at[k] = (struct obs_attach){.network_id = arena_printf(a, "net-%s", app->networks[k].name),
                                    .network_name = app->networks[k].name};
    o->containers[i] = (struct obs_container){
        .id = arena_printf(a, "%064zx", i),
        .name = c->name,
        .image = BENCH_IMAGE,
        .image_id = IMAGE_ID,
        .state = CS_RUNNING,
        .inspected = true,
        .created_ms = 1000,
        .started_ms = 2000,
        .labels = labels_of(&c->labels, &c->birth, c->hash, a),
        .networks = at,
        .n_networks = app->n_networks,
        .fields = engine_fields_of_body(body, a),
    };
}

static void add_app(struct observed *o, const struct want_app *app, bool all, struct arena *a)
{
    for (size_t s = 0; s < app->n_services; s++)
        for (size_t c = 0; c < app->services[s].n_containers; c++)
            if (all || s % 10 != 3)
                add_container(o, app, &app->services[s].containers[c], a);
    for (size_t i = 0; i < app->n_networks; i++) {
        struct obs_network *n = &o->networks[o->n_networks];
        size_t at = o->n_networks++;
        *n = (struct obs_network){
            .id = arena_printf(a, "net-%s", app->networks[i].name),
            .name = app->networks[i].name,
            .driver = "bridge",
            .labels = labels_of(&app->networks[i].labels, &app->networks[i].birth, NULL, a)};
        strv_push(a, &n->subnets,
                  arena_printf(a, "10.%zu.%zu.%zu/26", at / 1024, at / 4 % 256, at % 4 * 64));
    }
    for (size_t i = 0; i < app->n_volumes; i++)
        o->volumes[o->n_volumes++] = (struct obs_volume){
            .name = app->volumes[i].name,
            .driver = "local",
            .labels = labels_of(&app->volumes[i].labels, &app->volumes[i].birth, NULL, a)};
}

enum fill { FILL_NOTHING, FILL_ALL, FILL_MOST };

static const struct observed *make_observed(const struct desired *d, enum fill fill,
                                            struct arena *a)
{
    struct observed *o = ARENA_NEW(a, struct observed);

    *o = (struct observed){.engine_version = "1", .api_version = "1.41"};
    o->containers = ARENA_ARRAY(a, LARGE, struct obs_container);
    o->networks = ARENA_ARRAY(a, d->n_apps, struct obs_network);
    o->volumes = ARENA_ARRAY(a, LARGE, struct obs_volume);
    o->images = ARENA_NEW(a, struct obs_image);
    o->n_images = 1;
    *o->images = (struct obs_image){.ref = BENCH_IMAGE, .id = IMAGE_ID};
    for (size_t i = 0; i < d->n_apps && fill != FILL_NOTHING; i++)
        add_app(o, &d->apps[i], fill == FILL_ALL, a);
    observed_seal(o, a);
    return o;
}

const struct observed *planner_observed(const struct desired *d, bool all, struct arena *a)
{
    return make_observed(d, all ? FILL_ALL : FILL_NOTHING, a);
}

/* ---- the clock ---- */

static size_t actions_of(const struct plan *p)
{
    size_t n = 0;

    for (size_t i = 0; i < p->n_apps; i++)
        n += p->apps[i].n_actions;
    return n;
}

/* As many engines as make LARGE services together, whatever their size: each size then has the same memory to walk through,
 * and what is compared is the algorithm and not the processor's cache. */
struct fleet {
    struct arena *arena;
    struct plan_input *inputs;
    size_t n;
};

static const struct history no_history = {.last_hash = {0}};

static void fleet_make(struct fleet *f, size_t services, size_t per_app, enum fill fill)
{
    f->arena = arena_new();
    f->n = LARGE / services;
    f->inputs = ARENA_ARRAY(f->arena, f->n, struct plan_input);
    for (size_t i = 0; i < f->n; i++) {
        struct desired *d = make_desired(services, per_app, f->arena);

        bind_images(d, make_observed(d, FILL_NOTHING, f->arena), f->arena);
        f->inputs[i] = (struct plan_input){.desired = d,
                                           .observed = make_observed(d, fill, f->arena),
                                           .history = &no_history,
                                           .now_ms = 1000000};
    }
}

/* The median time of one plan. */
static double fleet_time(const struct fleet *f, size_t *ret_actions)
{
    double samples[ROUNDS];
    struct arena *a = arena_new();

    for (size_t r = 0; r < ROUNDS; r++) {
        double from = bench_now_ms();
        for (size_t i = 0; i < f->n; i++) {
            arena_clear(a);
            *ret_actions = actions_of(plan_build(&f->inputs[i], a));
        }
        samples[r] = (bench_now_ms() - from) / (double)f->n;
    }
    arena_free(a);
    return median(samples, ROUNDS);
}

static const struct {
    enum fill fill;
    size_t per_app;
    const char *name;
    size_t least, most; /* actions for each ten services */
    bool note; /* no target: more than half of it is encoding a body for each network and volume */
} cases[] = {
    {FILL_ALL, 10, "nothing to do", 0, 0, false},
    {FILL_MOST, 10, "every tenth gone", 1, 9, false},
    {FILL_NOTHING, 10, "empty engine", 10, 90, false},
    {FILL_ALL, 1, "nothing to do, each an app", 0, 0, false},
    {FILL_NOTHING, 1, "empty engine, each an app", 10, 90, true},
};
enum { QUICK_CASES = 3 };

static double measure_case(size_t services, size_t which)
{
    struct fleet f;
    size_t actions = 0, tens = services / 10;

    fleet_make(&f, services, cases[which].per_app, cases[which].fill);
    double took = fleet_time(&f, &actions);

    bench_say("    %zu services, %s: %zu actions, %.3f ms", services, cases[which].name, actions,
              took);
    if (actions < cases[which].least * tens || actions > cases[which].most * tens)
        bench_die("%zu actions are not what this case is about", actions);
    arena_free(f.arena);
    return took;
}

static void measure_sizes(struct bench *b, size_t which)
{
    double most = LARGE * log(LARGE) / (SMALL * log(SMALL));
    const char *name = arena_printf(b->arena, "plan of %d services, %s", LARGE, cases[which].name);
    double small = measure_case(SMALL, which), large = measure_case(LARGE, which);

    if (cases[which].note)
        table_note(b->table, name, "ms", large);
    else
        table_bound(b->table, name, "ms", large, 100);
    name = arena_printf(b->arena, "  its time against that of %d (n log n: %.0f)", SMALL, most);
    table_bound(b->table, name, "x", large / small, most);
}

void measure_planner(struct bench *b)
{
    for (size_t i = 0; i < ARRAY_LEN(cases) && !(b->quick && i == QUICK_CASES); i++)
        measure_sizes(b, i);
}
