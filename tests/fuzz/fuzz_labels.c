/* fuzz_labels.c: objects with any labels, as an engine might hold them, before a plan for two apps.
 *
 * A line `C NAME`, `X NAME`, `N NAME` or `V NAME` begins a container that runs, one that has ended, a network or a volume; `KEY=VALUE` is a label of
 * the last one. Beyond not crashing: the same world gives the same plan; nothing is done to what does not bear our name as owner; what no file wants
 * goes only if a root of ours is its origin; volumes stay. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "reconcile/bind.h"
#include "reconcile/plan.h"
#include "spec/base/arena.h"
#include "spec/document.h"
#include "spec/labels.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OWNER "fuzz"
#define IMAGE_ID "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
enum { OBJECTS = 32 };

static const char the_spec[] =
    "app: a\nservices:\n  web: {image: \"img:1\", volumes: [\"data:/data\"]}\n"
    "  db: {image: \"img:1\", network_mode: none}\nvolumes: {data: {}}\n"
    "---\napp: b\nimage: img:1\n";

struct world {
    struct arena *arena;
    struct observed o;
    struct kvs *labels; /* of the last object */
};

/* ---- reading ---- */

static void begin(struct world *w, char kind, const char *name)
{
    struct observed *o = &w->o;
    const char *id = arena_printf(w->arena, "%c%063zx", kind == 'N' ? 'b' : 'a',
                                  o->n_containers + o->n_networks);

    w->labels = NULL;
    if ((kind == 'C' || kind == 'X') && o->n_containers < OBJECTS) {
        o->containers[o->n_containers] =
            (struct obs_container){.id = id,
                                   .name = name,
                                   .image = "img:1",
                                   .image_id = IMAGE_ID,
                                   .state = kind == 'C' ? CS_RUNNING : CS_EXITED,
                                   .inspected = true,
                                   .created_ms = 1000,
                                   .started_ms = 2000};
        w->labels = &o->containers[o->n_containers++].labels;
    } else if (kind == 'N' && o->n_networks < OBJECTS) {
        o->networks[o->n_networks] =
            (struct obs_network){.id = id, .name = name, .driver = "bridge"};
        w->labels = &o->networks[o->n_networks++].labels;
    } else if (kind == 'V' && o->n_volumes < OBJECTS) {
        o->volumes[o->n_volumes] = (struct obs_volume){.name = name, .driver = "local"};
        w->labels = &o->volumes[o->n_volumes++].labels;
    }
}

static void read_line(struct world *w, char *line)
{
    char *equal = strchr(line, '=');

    if (strchr("CXNV", line[0]) && line[1] == ' ' && line[2]) {
        begin(w, line[0], line + 2);
    } else if (equal && equal > line && w->labels) {
        *equal = '\0';
        kvs_set(w->arena, w->labels, line, equal + 1);
    }
}

static void read_world(struct world *w, const uint8_t *data, size_t size)
{
    char *text = arena_strndup(w->arena, (const char *)data, size), *next = text;

    w->o = (struct observed){.engine_version = "1", .api_version = "1.41"};
    w->o.containers = ARENA_ARRAY(w->arena, OBJECTS, struct obs_container);
    w->o.networks = ARENA_ARRAY(w->arena, OBJECTS, struct obs_network);
    w->o.volumes = ARENA_ARRAY(w->arena, OBJECTS, struct obs_volume);
    w->o.images = ARENA_NEW(w->arena, struct obs_image);
    w->o.n_images = 1;
    *w->o.images = (struct obs_image){.ref = "img:1", .id = IMAGE_ID};
    while (next) {
        char *line = next;

        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        if (line[0])
            read_line(w, line);
    }
    observed_seal(&w->o, w->arena);
}

static struct desired *desire(struct arena *a)
{
    static const struct settings settings = {
        .owner = OWNER, .pool = "10.213.0.0/16", .pool_prefix = 26, .drift = DRIFT_HEAL};
    static const struct spec_root root = {"/r", true};
    const struct loader none = {0};
    struct spec_file *f = ARENA_NEW(a, struct spec_file);
    const struct spec_file **files = ARENA_NEW(a, const struct spec_file *);
    struct spec_set set = {.roots = &root, .n_roots = 1, .files = files, .n_files = 1};

    document_parse("/r", "x.yaml", "x.yaml", "/r", the_spec, strlen(the_spec), &none, a, f);
    if (f->broken)
        abort();
    *files = f;
    return desired_build(&set, &settings, NULL, 0, a);
}

/* ---- judging ---- */

static void judge_container(const struct observed *o, const struct op *op)
{
    for (size_t i = 0; i < o->n_containers; i++) {
        const struct obs_container *c = &o->containers[i];

        if (!op->object || (strcmp(op->object, c->id) != 0 && strcmp(op->object, c->name) != 0))
            continue;
        if (!c->owner || strcmp(c->owner, OWNER) != 0)
            abort();
        if (op->kind == OP_CONTAINER_REMOVE && c->app && strcmp(c->app, "a") != 0 &&
            strcmp(c->app, "b") != 0 && (!c->origin || strncmp(c->origin, "/r//", 4) != 0))
            abort();
    }
}

static void judge_network(const struct observed *o, const struct op *op)
{
    for (size_t i = 0; i < o->n_networks; i++)
        if (strcmp(o->networks[i].id, op->object) == 0 &&
            (!o->networks[i].owner || strcmp(o->networks[i].owner, OWNER) != 0))
            abort();
}

static void judge(const struct observed *o, const struct op *op)
{
    switch (op->kind) {
    case OP_VOLUME_REMOVE: abort();
    case OP_NETWORK_REMOVE: judge_network(o, op); break;
    case OP_CONTAINER_START:
    case OP_CONTAINER_STOP:
    case OP_CONTAINER_RESTART:
    case OP_CONTAINER_UNPAUSE:
    case OP_HOOKS:
    case OP_CONTAINER_RENAME:
    case OP_CONTAINER_REMOVE: judge_container(o, op); break;
    default: break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(str_release) struct str once = STR_INIT, again = STR_INIT;
    static const struct plan_style style = {.verbose = true};
    static const struct history nothing = {.last_hash = {0}};
    struct world w = {.arena = a};

    if (size > 65536)
        return 0;
    read_world(&w, data, size);
    struct desired *d = desire(a);

    bind_images(d, &w.o, a);
    const struct plan_input in = {
        .desired = d, .observed = &w.o, .history = &nothing, .now_ms = 1000000};
    const struct plan *p = plan_build(&in, a);

    plan_print(p, &style, &once);
    plan_print(plan_build(&in, a), &style, &again);
    if (strcmp(str_text(&once), str_text(&again)) != 0)
        abort();
    for (size_t i = 0; i < p->n_apps; i++)
        for (size_t k = 0; k < p->apps[i].n_actions; k++)
            if (p->apps[i].actions[k].kind != ACT_KEEP)
                judge(&w.o, &p->apps[i].actions[k].op);
    return 0;
}
