/* gc: remove images of old builds, or only list them.
 *
 * Comes in: options. Goes out: one line for each image with its size and why it goes, and a sum; or one JSON document. Beside a running agent it does what the agent would do
 * within the hour. */
#include "agent/bundles_gc.h"
#include "agent/cli.h"
#include "agent/cli_common.h"
#include "agent/gc.h"
#include "agent/store.h"
#include "drivers/fsx.h"
#include "spec/base/arena.h"

struct printer {
    const struct options *o;
    json_t *list;
    bool over;
    struct gc_report report;
    struct bundles_gc bundles;
    struct err err;
};

static void print_one(void *user, const struct gc_item *item, const struct err *e)
{
    struct printer *p = user;
    bool gone = e->kind == ERR_NONE;

    json_array_append_new(p->list, json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:b}", "image",
                                             item->ref, "id", item->id, "app", item->app, "service",
                                             item->service, "bytes", (json_int_t)item->bytes, "why",
                                             item->why, "removed", gone && !p->o->dry_run));
    if (p->o->json)
        return;
    CLEANUP(str_release) struct str size = STR_INIT, line = STR_INIT, text = STR_INIT;

    str_add_bytes(&size, item->bytes);
    str_addf(&line, "%s (%s)", item->ref, item->why);
    str_add_escaped(&text, str_text(&line));
    printf("  %s %8s  %s%s\n", gone ? "-" : "!", str_text(&size), str_text(&text),
           gone ? "" : ": in use, so it stays");
    (void)fflush(stdout);
}

static void note_over(void *user, const struct gc_report *r, const struct err *e)
{
    struct printer *p = user;

    p->report = *r;
    p->err = *e;
    p->over = true;
}

static void print_bundles(const struct printer *p)
{
    CLEANUP(str_release) struct str size = STR_INIT;

    str_add_bytes(&size, p->bundles.bytes);
    if (p->bundles.removed > 0)
        printf("%zu uploaded archive%s that no spec names %s (%s)\n", p->bundles.removed,
               p->bundles.removed == 1 ? "" : "s", p->o->dry_run ? "would be removed" : "removed",
               str_text(&size));
    if (p->bundles.waiting > 0)
        printf("%zu uploaded archive%s that no spec names: a week after the last one did\n",
               p->bundles.waiting, p->bundles.waiting == 1 ? "" : "s");
}

static void print_sum(const struct printer *p)
{
    const struct gc_report *r = &p->report;
    CLEANUP(str_release) struct str size = STR_INIT;

    str_add_bytes(&size, r->bytes);
    if (p->o->json) {
        json_auto_t *v =
            json_pack("{s:O, s:b, s:I, s:i, s:{s:I, s:I, s:I}}", "images", p->list, "dry_run",
                      (int)p->o->dry_run, "bytes", (json_int_t)r->bytes, "kept", (int)r->kept,
                      "archives", "removed", (json_int_t)p->bundles.removed, "waiting",
                      (json_int_t)p->bundles.waiting, "bytes", (json_int_t)p->bundles.bytes);
        cli_put_json(v);
        return;
    }
    printf("%zu image%s of old builds %s (%s at most), %zu kept\n", r->removed,
           r->removed == 1 ? "" : "s", p->o->dry_run ? "would be removed" : "removed",
           str_text(&size), r->kept + r->in_use);
    print_bundles(p);
}

/* Where the door puts them. */
static void collect_bundles(const struct core *c, struct printer *p)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();

    if (c->options->roots.n > 0)
        bundles_gc(c->sources,
                   fsx_join(fsx_absolute(c->options->roots.v[0], a), UPLOADS_FOLDER "/.bundles", a),
                   core_now_ms(), p->o->dry_run, &p->bundles);
}

static int collect(struct core *c, struct printer *p, struct store *store, struct err *e)
{
    (void)gc_begin(&(struct gc_options){.core = c,
                                        .store = store,
                                        .dry_run = p->o->dry_run,
                                        .each = print_one,
                                        .over = note_over,
                                        .user = p});
    while (!p->over)
        if (http_poll(c->http, NULL, 0, -1, e) < 0)
            return -1;
    collect_bundles(c, p);
    print_sum(p);
    *e = p->err;
    return e->kind == ERR_NONE ? 0 : -1;
}

int cli_gc(const struct options *o)
{
    struct err e = {0};
    struct core c;
    struct printer p = {.o = o, .list = json_array()};
    struct store *store = NULL;
    struct err no_store = {0};
    int rc = 0;

    if (!o->dry_run && fsx_mkdirs(o->state, 0700, &no_store) == 0)
        store = store_open(o->state, &no_store);
    if (cli_core_open(&c, o, false, &e) < 0 || collect(&c, &p, store, &e) < 0)
        rc = cli_fail(&e);
    store_close(store);
    core_close(&c);
    json_decref(p.list);
    return rc;
}
