/* gc_due.c: which images that we built may go.
 *
 * In: the images with our label, what is in use, when each was last used. Out: names and ids to be removed, each with the reason. An image can carry our label without being
 * ours: what is built FROM one of ours inherits it. So only names that a build of ours gives are ever taken away, and images
 * without a name. It refuses to guess: a label or a name that is not just right leaves the image alone. */
#include "reconcile/gc_due.h"

#include <stdlib.h>
#include <string.h>

#include "reconcile/build_tag.h"
#include "spec/base/arena.h"

struct candidate {
    const struct gc_image *image;
    const char *ref; /* NULL: the image has no name */
    bool busy;
    int64_t last_ms;
};

static int compare_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

/* By service, newest first. */
static int by_service(const void *x, const void *y)
{
    const struct candidate *a = x, *b = y;
    int order = compare_text(a->image->app, b->image->app);

    if (order == 0)
        order = compare_text(a->image->service, b->image->service);
    if (order == 0)
        order = (a->last_ms < b->last_ms) - (a->last_ms > b->last_ms);
    if (order == 0) /* used at one time: the one built later is the newer */
        order = (a->image->created_ms < b->image->created_ms) -
                (a->image->created_ms > b->image->created_ms);
    return order ? order : compare_text(a->ref, b->ref);
}

static int by_reference(const void *x, const void *y)
{
    const struct gc_item *a = x, *b = y;
    int order = compare_text(a->app, b->app);

    if (order == 0)
        order = compare_text(a->service, b->service);
    return order ? order : strcmp(a->ref, b->ref);
}

static int by_text(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

/* A sorted copy. */
static struct strv sorted(const struct strv *l, struct arena *a)
{
    struct strv copy = {0};

    for (size_t i = 0; i < l->n; i++)
        strv_push(a, &copy, l->v[i]);
    strv_sort(&copy);
    return copy;
}

static bool among(const struct strv *l, const char *text)
{
    return l->n > 0 && bsearch(&text, l->v, l->n, sizeof(l->v[0]), by_text);
}

static bool is_busy(const struct strv *busy, const struct gc_image *x)
{
    bool yes = among(busy, x->id);

    for (size_t i = 0; i < x->tags.n && !yes; i++)
        yes = among(busy, x->tags.v[i]);
    for (size_t i = 0; i < x->digests.n && !yes; i++)
        yes = among(busy, x->digests.v[i]);
    return yes;
}

static int64_t last_use(const struct gc_input *in, const struct gc_image *x, const char *ref)
{
    const char *said = ref ? kvs_get(&in->used, ref) : NULL;
    int64_t ms = x->created_ms;

    if (said)
        (void)parse_int64(said, 0, INT64_MAX, &ms);
    return ms;
}

static size_t list_candidates(const struct gc_input *in, struct arena *a, struct candidate **ret)
{
    struct strv busy = sorted(&in->busy, a);
    size_t most = 0, n = 0;

    for (size_t i = 0; i < in->n_images; i++)
        most += in->images[i].tags.n + 1;
    struct candidate *v = ARENA_ARRAY(a, most ? most : 1, struct candidate);

    for (size_t i = 0; i < in->n_images; i++) {
        const struct gc_image *x = &in->images[i];
        bool used = is_busy(&busy, x);

        if (!x->app || !x->service)
            continue;
        for (size_t k = 0; k < x->tags.n; k++)
            if (build_tag_is(x->tags.v[k], x->app, x->service))
                v[n++] = (struct candidate){x, x->tags.v[k], used,
                                            used ? in->now_ms : last_use(in, x, x->tags.v[k])};
        if (x->tags.n == 0 && x->digests.n == 0)
            v[n++] = (struct candidate){x, NULL, used, used ? in->now_ms : x->created_ms};
    }
    *ret = v;
    return n;
}

static bool same_service(const struct candidate *a, const struct candidate *b)
{
    return strcmp(a->image->app, b->image->app) == 0 &&
           strcmp(a->image->service, b->image->service) == 0;
}

/* There is no such service any more: nobody will go back to one of its images. */
static bool is_orphan(const struct gc_input *in, const struct strv *living,
                      const struct gc_image *x, struct arena *a)
{
    return in->living_known && !among(living, x->app) &&
           !among(living, arena_printf(a, "%s/%s", x->app, x->service));
}

static const char *why(const struct candidate *c, bool orphan, int64_t now_ms, struct arena *a)
{
    CLEANUP(str_release) struct str s = STR_INIT;

    if (!c->ref)
        str_add(&s, "has no name any more; made ");
    else if (orphan)
        str_addf(&s, "there is no %s/%s any more; last used ", c->image->app, c->image->service);
    else
        str_addf(&s, "not among the newest %d of %s/%s; last used ", GC_KEEP, c->image->app,
                 c->image->service);
    str_add_duration(&s, (now_ms - c->last_ms) / 60000 * 60000 * 1000000);
    str_add(&s, " ago");
    return arena_strdup(a, str_text(&s));
}

/* The image goes with the last of its names. */
static int64_t freed(const struct candidate *c, const struct gc_due *so_far)
{
    size_t going = c->ref ? 1 : 0;

    for (size_t i = 0; i < so_far->n_items; i++)
        going += strcmp(so_far->items[i].id, c->image->id) == 0;
    return going == c->image->tags.n ? c->image->bytes : 0;
}

void gc_due(const struct gc_input *in, struct arena *a, struct gc_due *ret)
{
    struct candidate *v;
    size_t n = list_candidates(in, a, &v), rank = 0;
    struct gc_due due = {.items = ARENA_ARRAY(a, n ? n : 1, struct gc_item)};
    struct strv living = sorted(&in->living, a);
    bool orphan = false;

    qsort(v, n, sizeof(*v), by_service);
    for (size_t i = 0; i < n; i++) {
        const struct candidate *c = &v[i];
        int64_t age = in->now_ms - c->last_ms;

        if (i == 0 || !same_service(c, &v[i - 1])) {
            rank = 0;
            orphan = is_orphan(in, &living, c->image, a);
        }
        if (c->ref)
            rank++;
        if (c->ref && c->busy)
            strv_push(a, &due.in_use, c->ref);
        bool goes = !c->busy && (c->ref ? (orphan || rank > GC_KEEP) && age >= GC_AFTER_MS
                                        : age >= GC_NAMELESS_MS);

        if (!goes) {
            due.kept++;
            continue;
        }
        struct gc_item item = {
            .ref = c->ref ? c->ref : c->image->id,
            .id = c->image->id,
            .app = c->image->app,
            .service = c->image->service,
            .bytes = freed(c, &due),
            .why = why(c, orphan, in->now_ms, a),
        };
        due.bytes += item.bytes;
        due.items[due.n_items++] = item;
    }
    if (due.n_items > 1)
        qsort(due.items, due.n_items, sizeof(*due.items), by_reference);
    *ret = due;
}
