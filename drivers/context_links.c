/* Finding in the sorted list of a context, and following its links as the kernel would follow them.
 *
 * Comes in: a path. Goes out: the entry that it means, or the reason why it means none: it leads out, points at nothing, goes in
 * circles. Pure: the list is asked, never the disk. */
#include "drivers/context_parts.h"

#define LINK_HOPS 40   /* as the kernel */
#define LINK_STEPS 256 /* components walked for one path */

const struct item *context_find(const struct context *c, const char *path)
{
    size_t lo = 0, hi = c->n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int order = context_name_order(c->items[mid].e.path, path);

        if (order == 0)
            return &c->items[mid];
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

struct walk {
    const struct context *c;
    const struct item *x; /* what `at` is; NULL: the context itself */
    struct str at;
    int hops, steps;
};

static bool go_up(struct walk *w)
{
    const char *slash;

    if (w->at.len == 0)
        return false;
    slash = strrchr(w->at.buf, '/');
    w->at.len = slash ? (size_t)(slash - w->at.buf) : 0;
    w->at.buf[w->at.len] = '\0';
    w->x = slash ? context_find(w->c, w->at.buf) : NULL;
    return true;
}

static const char *walk(struct walk *w, const char *way);

/* One component. Returns NULL, or the reason to stop. */
static const char *walk_step(struct walk *w, const char *name, size_t n)
{
    if (++w->steps > LINK_STEPS)
        return "its way is too long";
    if (w->x && w->x->e.type != 'd')
        return "it points at nothing in it";
    if (n == 1 && name[0] == '.')
        return NULL;
    if (n == 2 && name[0] == '.' && name[1] == '.')
        return go_up(w) ? NULL : "it leads out";
    if (w->at.len > 0)
        str_addc(&w->at, '/');
    str_addn(&w->at, name, n);
    w->x = context_find(w->c, w->at.buf);
    if (!w->x)
        return "it points at nothing in it";
    if (w->x->e.type != 'l')
        return NULL;
    const char *target = w->x->e.target;

    if (target[0] == '/')
        return "it leads out";
    if (++w->hops > LINK_HOPS)
        return "it goes in circles";
    (void)go_up(w);
    return walk(w, target);
}

/* Calls itself once per link at most, so LINK_HOPS deep. */
static const char *walk(struct walk *w, const char *way)
{
    const char *why = NULL;

    while (*way && !why) {
        size_t n = strcspn(way, "/");

        if (n > 0)
            why = walk_step(w, way, n);
        way += n + (way[n] == '/');
    }
    return why;
}

const struct item *context_follow(const struct context *c, const char *path, const char **ret_why)
{
    static const struct item root = {.e = {.path = "", .type = 'd'}};
    struct walk w = {.c = c};
    const char *why = walk(&w, path);

    str_release(&w.at);
    if (why && ret_why)
        *ret_why = why;
    return why ? NULL : w.x ? w.x : &root;
}
