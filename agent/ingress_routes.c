/* Which apps have a route file, and what those files claim.
 *
 * Comes in: the folder of route files, the platform's own left out, which are only ever replaced by renames, so that the folder's own time tells of every change. Goes out: names and claims. Refuses nothing: a file that
 * cannot be read claims nothing. */
#include "agent/ingress_routes.h"

#include <dirent.h>
#include <sys/stat.h>

#include "drivers/fsx.h"
#include "reconcile/plan_route.h"
#include "spec/base/arena.h"
#include "spec/document.h"
#include "spec/limits.h"
#include "spec/route_file.h"

#define SETTLE_MS                                                                                  \
    50 /* a folder that changed so lately may change again within one tick of its clock */

struct route_entry {
    const char *app;
    struct stat st;
    struct strv claims;
};

struct ingress_routes {
    char *dir;
    struct arena *arena; /* of what follows */
    struct route_entry *v;
    size_t n, cap;
    struct strv apps;
    struct kvs served;
    struct timespec changed; /* the folder, when it was read */
};

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_size == b->st_size &&
           same_time(&a->st_mtim, &b->st_mtim) && same_time(&a->st_ctim, &b->st_ctim);
}

static void read_claims(const char *path, struct arena *a, struct route_entry *ret)
{
    struct arena *scratch = arena_new();
    struct strv found = {0};
    const char *text;
    size_t n;

    if (fsx_read(path, LIMIT_SPEC_BYTES, scratch, &text, &n, NULL, NULL) == 0)
        route_file_claims(text, scratch, &found);
    for (size_t i = 0; i < found.n; i++)
        strv_push(a, &ret->claims, arena_strdup(a, found.v[i]));
    arena_free(scratch);
}

static int by_app(const void *a, const void *b)
{
    const struct route_entry *x = a, *y = b;

    return strcmp(x->app, y->app);
}

static void take(const struct ingress_routes *old, struct ingress_routes *now, int folder,
                 const char *name)
{
    size_t n = strlen(name);
    struct stat st;

    if (n < 6 || strcmp(name + n - 5, ".yaml") != 0)
        return;
    struct route_entry x = {.app = arena_strndup(now->arena, name, n - 5)};

    if (!app_name_valid(x.app) || strcmp(x.app, INGRESS_PLATFORM) == 0 ||
        fstatat(folder, name, &st, 0) != 0)
        return;
    x.st = st;
    const struct route_entry *before =
        old->n > 0 ? bsearch(&x, old->v, old->n, sizeof(*old->v), by_app) : NULL;

    if (before && same_file(&before->st, &st))
        for (size_t i = 0; i < before->claims.n; i++)
            strv_push(now->arena, &x.claims, arena_strdup(now->arena, before->claims.v[i]));
    else
        read_claims(fsx_join(old->dir, name, now->arena), now->arena, &x);
    now->v = arena_grow(now->arena, now->v, now->n, &now->cap, sizeof(*now->v));
    now->v[now->n++] = x;
}

struct ingress_routes *ingress_routes_new(const char *state)
{
    struct ingress_routes *r = xcalloc(1, sizeof(*r));

    r->arena = arena_new();
    r->dir = xstrdup(fsx_join(state, "ingress/routes", r->arena));
    return r;
}

void ingress_routes_free(struct ingress_routes *r)
{
    if (!r)
        return;
    arena_free(r->arena);
    free(r->dir);
    free(r);
}

static bool fresh(const struct timespec *t)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (now.tv_sec - t->tv_sec) * 1000 + (now.tv_nsec - t->tv_nsec) / 1000000 < SETTLE_MS;
}

bool ingress_routes_scan(struct ingress_routes *r)
{
    struct stat st = {0};
    const struct dirent *entry;

    (void)stat(r->dir, &st);
    if (same_time(&st.st_mtim, &r->changed))
        return false;
    struct ingress_routes now = {.dir = r->dir, .arena = arena_new(), .changed = st.st_mtim};

    if (fresh(&st.st_mtim))
        now.changed = (struct timespec){.tv_nsec = -1};
    DIR *d = opendir(r->dir);

    while (d && (entry = readdir(d)))
        take(r, &now, dirfd(d), entry->d_name);
    if (d)
        (void)closedir(d);
    if (now.n > 0)
        qsort(now.v, now.n, sizeof(*now.v), by_app);
    for (size_t i = 0; i < now.n; i++) {
        strv_push(now.arena, &now.apps, now.v[i].app);
        for (size_t k = 0; k < now.v[i].claims.n; k++)
            kvs_set(now.arena, &now.served, now.v[i].claims.v[k], now.v[i].app);
    }
    arena_free(r->arena);
    *r = now;
    return true;
}

const struct strv *ingress_routes_apps(const struct ingress_routes *r)
{
    return &r->apps;
}

const struct kvs *ingress_routes_served(const struct ingress_routes *r)
{
    return &r->served;
}
