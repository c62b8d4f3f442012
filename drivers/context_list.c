/* The list of a context's entries: each judged as it comes, then sorted, completed and judged as a whole.
 *
 * Comes in: entries in any order from a directory walk or an archive. Goes out: a sorted list without duplicates in which every parent
 * is a directory. Of bundles also: no two names differ in case only, every link stays inside and points at something. What is
 * refused is named. */
#include "drivers/context_parts.h"
#include "spec/base/arena.h"
#include "spec/dockerignore.h"
#include "spec/limits.h"

/* ---- one entry ---- */

/* On the heap: an arena would keep every outgrown array. */
static struct item *push(struct item **v, size_t *n, size_t *cap)
{
    if (*n == *cap) {
        *cap = *cap ? *cap * 2 : 64;
        *v = xrealloc(*v, *cap * sizeof(**v));
    }
    return &(*v)[(*n)++];
}

int context_count_bytes(struct context *c, const char *name, int64_t n, struct err *e)
{
    const struct context_limits *l = &c->where.limits;

    if (n > l->file_bytes)
        return context_refuse(c, name, e, "it has more than %lld bytes", (long long)l->file_bytes);
    c->bytes += n;
    if (c->bytes > l->total_bytes)
        return context_refuse(c, name, e, "with it, the content exceeds %lld bytes",
                              (long long)l->total_bytes);
    if (c->bundle && c->bytes > LIMIT_CONTEXT_RATIO_FROM && c->bytes / l->ratio > c->stamp.bytes)
        return context_refuse(c, name, e,
                              "with it, the content is more than %d times as large as the archive: "
                              "a decompression bomb",
                              l->ratio);
    return 0;
}

static int check_count(const struct context *c, size_t n, const char *name, struct err *e)
{
    if (n <= (size_t)c->where.limits.entries)
        return 0;
    return context_refuse(c, name, e, "with it, there are more than %d entries%s",
                          c->where.limits.entries,
                          c->bundle ? "" : "; .dockerignore can leave some out");
}

int context_add(struct context *c, const struct context_entry *x, struct item **ret, struct err *e)
{
    const char *why;

    if (!context_name_valid(x->path, c->bundle, &c->where.limits, &why))
        return context_refuse(c, x->path, e, "%s", why);
    if (check_count(c, c->n + 1, x->path, e) < 0 ||
        context_count_bytes(c, x->path, x->bytes, e) < 0 || context_check_time(c, e) < 0)
        return -1;
    *ret = push(&c->items, &c->n, &c->cap);
    **ret = (struct item){.e = *x, .order = c->n};
    (*ret)->e.path = arena_strdup(c->arena, x->path);
    (*ret)->e.target = arena_strdup(c->arena, x->target);
    return 0;
}

/* ---- the whole ---- */

static int by_path(const void *va, const void *vb)
{
    const struct item *a = va, *b = vb;
    int order = context_name_order(a->e.path, b->e.path);

    return order ? order : a->order < b->order ? -1 : a->order > b->order;
}

static int refuse_twin(const struct context *c, const struct item *x, const struct item *y,
                       struct err *e)
{
    if (x->e.type == 'd' || y->e.type == 'd')
        return context_refuse(c, y->e.path, e, "it is both a file and a directory");
    return context_refuse(c, y->e.path, e, "it is in it twice");
}

struct items {
    struct item *v;
    size_t n, cap;
};

/* In this order of names, whatever lies in a folder follows it directly: a parent is there if the entry before is it, or lies in it. */
static int add_parents(struct context *c, struct items *to, const char *path, struct err *e)
{
    const struct item last = to->n ? to->v[to->n - 1] : (struct item){.e = {.path = ""}};

    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        size_t len = (size_t)(slash - path);
        char next = strncmp(last.e.path, path, len) == 0 ? last.e.path[len] : '?';

        if (next == '/' || (next == '\0' && last.e.type == 'd'))
            continue;
        if (next == '\0')
            return context_refuse(c, path, e, "it lies below a %s",
                                  last.e.type == 'l' ? "link" : "file");
        *push(&to->v, &to->n, &to->cap) = (struct item){
            .e = {.path = arena_strndup(c->arena, path, len), .type = 'd'}, .implied = true};
        if (check_count(c, to->n + 1, path, e) < 0)
            return -1;
    }
    return 0;
}

static int complete_into(struct context *c, struct items *to, struct err *e)
{
    for (size_t i = 0; i < c->n; i++) {
        const struct item *x = &c->items[i], *last = to->n ? &to->v[to->n - 1] : NULL;

        if (last && strcmp(last->e.path, x->e.path) == 0) {
            if (last->e.type != 'd' || x->e.type != 'd')
                return refuse_twin(c, last, x, e);
            continue;
        }
        if (add_parents(c, to, x->e.path, e) < 0 || check_count(c, to->n + 1, x->e.path, e) < 0)
            return -1;
        *push(&to->v, &to->n, &to->cap) = *x;
    }
    return 0;
}

/* A new array: the old one without the second of equal directories, with the parents that no entry names. So an archive with and one
 * without directory entries are the same. */
static int complete(struct context *c, struct err *e)
{
    struct items to = {0};

    if (c->n > 1)
        qsort(c->items, c->n, sizeof(*c->items), by_path);
    if (complete_into(c, &to, e) < 0) {
        free(to.v);
        return -1;
    }
    free(c->items);
    c->items = to.v;
    c->n = to.n;
    c->cap = to.cap;
    return 0;
}

static int by_folded_path(const void *va, const void *vb)
{
    const char *a = *(const char *const *)va, *b = *(const char *const *)vb;
    int order = context_name_fold_order(a, b);

    return order ? order : context_name_order(a, b);
}

/* Two names that differ in case only: one of them disappears on the machine of whoever unpacks this elsewhere. */
static int refuse_case_twins(const struct context *c, struct err *e)
{
    const char **v = xcalloc(c->n + 1, sizeof(*v));
    int rc = 0;

    for (size_t i = 0; i < c->n; i++)
        v[i] = c->items[i].e.path;
    if (c->n > 1)
        qsort(v, c->n, sizeof(*v), by_folded_path);
    for (size_t i = 1; i < c->n && rc == 0; i++)
        if (context_name_fold_order(v[i - 1], v[i]) == 0) {
            CLEANUP(str_release) struct str other = STR_INIT;

            context_name_shown(v[i - 1], &other);
            rc =
                context_refuse(c, v[i], e, "it differs from \"%s\" in case only", str_text(&other));
        }
    free(v);
    return rc;
}

static int refuse_bad_links(const struct context *c, struct err *e)
{
    const char *why;

    for (size_t i = 0; i < c->n; i++) {
        const struct context_entry *x = &c->items[i].e;
        CLEANUP(str_release) struct str target = STR_INIT;

        if (x->type != 'l' || context_follow(c, x->path, &why))
            continue;
        context_name_shown(x->target, &target);
        return context_refuse(c, x->path, e, "it is a link to \"%s\": %s", str_text(&target), why);
    }
    return 0;
}

/* ---- what is not meant as content ---- */

/* Beside the list itself: FILE has a companion ._FILE where a Mac keeps what other systems cannot. */
static bool is_companion(const struct context *c, const struct item *x)
{
    CLEANUP(str_release) struct str path = STR_INIT;
    const char *slash = strrchr(x->e.path, '/'), *name = slash ? slash + 1 : x->e.path;

    if (x->e.type != 'f' || strncmp(name, "._", 2) != 0)
        return false;
    str_addn(&path, x->e.path, (size_t)(name - x->e.path));
    str_add(&path, name + 2);
    return context_find(c, str_text(&path));
}

static void drop_companions(struct context *c)
{
    bool *drop = xcalloc(c->n + 1, sizeof(*drop));
    size_t kept = 0;

    for (size_t i = 0; i < c->n; i++)
        drop[i] = is_companion(c, &c->items[i]);
    for (size_t i = 0; i < c->n; i++)
        if (drop[i])
            c->bytes -= c->items[i].e.bytes;
        else
            c->items[kept++] = c->items[i];
    c->n = kept;
    free(drop);
}

/* A bundle made of one folder is meant to be that folder's content. */
static const char *single_top(const struct context *c)
{
    size_t len;

    if (c->n < 2 || c->items[0].e.type != 'd')
        return NULL;
    len = strlen(c->items[0].e.path);
    for (size_t i = 1; i < c->n; i++)
        if (strncmp(c->items[i].e.path, c->items[0].e.path, len) != 0 ||
            c->items[i].e.path[len] != '/')
            return NULL;
    return c->items[0].e.path;
}

static void keep_below(struct context *c, const char *top)
{
    size_t len = strlen(top), kept = 0;

    c->bytes = 0;
    for (size_t i = 0; i < c->n; i++) {
        struct item x = c->items[i];

        if (strncmp(x.e.path, top, len) != 0 || x.e.path[len] != '/')
            continue;
        x.e.path += len + 1;
        c->bytes += x.e.bytes;
        c->items[kept++] = x;
    }
    c->n = kept;
}

int context_seal(struct context *c, struct err *e)
{
    const struct item *sub;
    const char *top;

    if (complete(c, e) < 0)
        return -1;
    if (!c->bundle)
        return 0;
    drop_companions(c);
    if (refuse_case_twins(c, e) < 0)
        return -1;
    top = single_top(c);
    if (top)
        keep_below(c, top);
    if (*c->where.sub) {
        sub = context_find(c, c->where.sub);
        if (!sub || sub->e.type != 'd')
            return err_set(e, ERR_USER, "%s: there is no folder \"%.200s\" in it", c->where.path,
                           c->where.sub);
        keep_below(c, c->where.sub);
    }
    return refuse_bad_links(c, e);
}

/* ---- .dockerignore ---- */

/* The builder is sent what says how to build, even where it is left out of what is built. */
bool context_needs(const struct context_where *where, const char *path)
{
    size_t n = strlen(where->dockerfile);

    return strcmp(path, ".dockerignore") == 0 ||
           (strncmp(path, where->dockerfile, n) == 0 &&
            (!path[n] || strcmp(path + n, ".dockerignore") == 0));
}

int context_ignore(struct context *c, const struct dockerignore *ignore, struct err *e)
{
    size_t kept = 0;

    c->bytes = 0;
    for (size_t i = 0; i < c->n; i++) {
        struct item x = c->items[i];

        x.ignored = dockerignore_excludes(ignore, x.e.path);
        if (x.ignored && !context_needs(&c->where, x.e.path))
            continue;
        c->bytes += x.e.bytes;
        c->items[kept++] = x;
    }
    c->n = kept;
    return complete(c, e); /* an exception brings back a file below an excluded folder */
}
