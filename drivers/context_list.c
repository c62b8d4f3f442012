/* The list of a context's entries: each name checked as it comes, then sorted, completed and judged as a whole.
 *
 * Comes in: entries in any order from a directory walk or an archive. Goes out: a sorted list without duplicates in which every parent is a directory
 * and (for bundles) every link stays inside and points at something. What is refused is named. */
#include <time.h>
#include <wctype.h>

#include "drivers/context_parts.h"
#include "spec/base/arena.h"
#include "spec/dockerignore.h"
#include "spec/limits.h"

#define COMPONENT_MAX 255

/* ---- one entry ---- */

static bool component_valid(const char *at, size_t n, const char **why)
{
    if (n == 0)
        *why = "it has an empty component";
    else if (n == 2 && at[0] == '.' && at[1] == '.')
        *why = "it climbs out with \"..\"";
    else if (n == 1 && at[0] == '.')
        *why = "it has a \".\" component";
    else if (n > COMPONENT_MAX)
        *why = "one of its components is longer than 255 bytes";
    else
        return true;
    return false;
}

static bool characters_valid(const char *path, const char **why)
{
    for (size_t n = strlen(path); n > 0;) {
        uint32_t c;
        size_t step = utf8_next(path, n, &c);
        if (step == 0) {
            *why = "its name is not UTF-8";
            return false;
        }
        if (c < 0x20 || c == 0x7f) {
            *why = "its name holds a control character";
            return false;
        }
        path += step;
        n -= step;
    }
    return true;
}

bool context_path_valid(const char *path, const struct context_limits *l, const char **ret_why)
{
    int depth = 0;
    if (path[0] == '/') {
        *ret_why = "its name is absolute";
        return false;
    }
    if (((path[0] | 0x20) >= 'a' && (path[0] | 0x20) <= 'z') && path[1] == ':') {
        *ret_why = "its name begins with a drive letter";
        return false;
    }
    if (strchr(path, '\\')) {
        *ret_why = "its name holds a backslash";
        return false;
    }
    if (strlen(path) > (size_t)l->path_bytes) {
        *ret_why = "its name is too long";
        return false;
    }
    for (const char *at = path;; at++) {
        size_t n = strcspn(at, "/");
        if (!component_valid(at, n, ret_why))
            return false;
        if (++depth > l->depth) {
            *ret_why = "it lies too deep";
            return false;
        }
        at += n;
        if (!*at)
            break;
    }
    return characters_valid(path, ret_why);
}

int context_check_time(const struct context *c, struct err *e)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    int64_t now = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
    if (c->deadline_ms > 0 && now > c->deadline_ms)
        return err_set(e, ERR_USER, "%s: reading it takes longer than %lld s", c->where.path,
                       (long long)(c->where.limits.time_ms / 1000));
    return 0;
}

static int check_sizes(struct context *c, const char *path, int64_t bytes, struct err *e)
{
    const struct context_limits *l = &c->where.limits;
    if (bytes > l->file_bytes)
        return err_set(e, ERR_USER, "%s: \"%.200s\" has more than %lld bytes", c->where.path, path,
                       (long long)l->file_bytes);
    c->bytes += bytes;
    if (c->bytes > l->total_bytes)
        return err_set(e, ERR_USER, "%s: at \"%.200s\" it exceeds %lld bytes unpacked", c->where.path, path,
                       (long long)l->total_bytes);
    if (c->packed_bytes > 0 && c->bytes > LIMIT_CONTEXT_RATIO_FROM && c->bytes / c->packed_bytes > l->ratio)
        return err_set(e, ERR_USER, "%s: at \"%.200s\" it unpacks to more than %d times its size: a decompression bomb",
                       c->where.path, path, l->ratio);
    if (c->n >= (size_t)l->entries)
        return err_set(e, ERR_USER, "%s: more than %d entries; a .dockerignore can leave some out", c->where.path,
                       l->entries);
    return 0;
}

int context_add(struct context *c, const char *path, char type, bool executable, int64_t bytes, const char *target,
                struct item **ret, struct err *e)
{
    const char *why = NULL;
    CLEANUP(str_release) struct str shown = STR_INIT;
    if (!context_path_valid(path, &c->where.limits, &why)) {
        str_add_escaped(&shown, path);
        return err_set(e, ERR_USER, "%s: entry \"%.200s\" is refused: %s", c->where.path, str_text(&shown), why);
    }
    if (check_sizes(c, path, bytes, e) < 0 || ((c->n & 1023) == 0 && context_check_time(c, e) < 0))
        return -1;
    c->items = arena_grow(c->arena, c->items, c->n, &c->cap, sizeof(*c->items));
    struct item *x = &c->items[c->n++];
    *x = (struct item){.e = {.path = arena_strdup(c->arena, path),
                             .type = type,
                             .executable = executable,
                             .bytes = bytes,
                             .target = arena_strdup(c->arena, target)}};
    if (ret)
        *ret = x;
    return 0;
}

/* ---- the whole ---- */

static int by_path(const void *va, const void *vb)
{
    const struct item *a = va, *b = vb;
    int order = strcmp(a->e.path, b->e.path);
    if (order != 0)
        return order;
    if (a->implied != b->implied)
        return a->implied ? 1 : -1;
    return a->order < b->order ? -1 : a->order > b->order;
}

static void sort_items(struct context *c)
{
    if (c->n > 1)
        qsort(c->items, c->n, sizeof(*c->items), by_path);
}

/* Parents that no entry names, so that an archive with and one without directory entries are the same. */
static void add_parents(struct context *c)
{
    size_t n = c->n;
    const char *last = "";
    for (size_t i = 0; i < n; i++) {
        const char *path = c->items[i].e.path;
        for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
            size_t len = (size_t)(slash - path);
            if (strncmp(last, path, len) == 0 && last[len] == '/')
                continue; /* the entry before has the same parent, sorted as they are */
            c->items = arena_grow(c->arena, c->items, c->n, &c->cap, sizeof(*c->items));
            path = c->items[i].e.path;
            c->items[c->n++] =
                (struct item){.e = {.path = arena_strndup(c->arena, path, len), .type = 'd'}, .implied = true};
        }
        last = path;
    }
    sort_items(c);
}

/* Equal directories become one; anything else twice is refused. */
static int drop_duplicates(struct context *c, struct err *e)
{
    size_t kept = 0;
    for (size_t i = 0; i < c->n; i++) {
        struct item *x = &c->items[i], *last = kept ? &c->items[kept - 1] : NULL;
        if (!last || strcmp(last->e.path, x->e.path) != 0) {
            c->items[kept++] = *x;
            continue;
        }
        if (last->e.type == 'd' && x->e.type == 'd')
            continue;
        if (last->e.type == 'd' || x->e.type == 'd')
            return err_set(e, ERR_USER, "%s: \"%.200s\" is both a file and a directory", c->where.path, x->e.path);
        return err_set(e, ERR_USER, "%s: \"%.200s\" is in it twice", c->where.path, x->e.path);
    }
    c->n = kept;
    return 0;
}

static const char *folded(const char *path, struct arena *a)
{
    CLEANUP(str_release) struct str s = STR_INIT;
    for (size_t n = strlen(path); n > 0;) {
        uint32_t c;
        size_t step = utf8_next(path, n, &c);
        if (step == 0)
            break;
        str_addf(&s, "%lc", (wint_t)towlower((wint_t)c));
        path += step;
        n -= step;
    }
    return arena_strdup(a, str_text(&s));
}

struct fold {
    const char *key, *path;
};

static int by_fold(const void *va, const void *vb)
{
    const struct fold *a = va, *b = vb;
    return strcmp(a->key, b->key);
}

/* Two names that differ in case only: one of them disappears on the machine of whoever unpacks this elsewhere. */
static int refuse_case_twins(const struct context *c, struct err *e)
{
    struct arena *a = arena_new();
    struct fold *v = ARENA_ARRAY(a, c->n ? c->n : 1, struct fold);
    int rc = 0;
    for (size_t i = 0; i < c->n; i++)
        v[i] = (struct fold){folded(c->items[i].e.path, a), c->items[i].e.path};
    if (c->n > 1)
        qsort(v, c->n, sizeof(*v), by_fold);
    for (size_t i = 1; i < c->n && rc == 0; i++)
        if (strcmp(v[i - 1].key, v[i].key) == 0)
            rc = err_set(e, ERR_USER, "%s: \"%.150s\" and \"%.150s\" differ in case only", c->where.path, v[i - 1].path,
                         v[i].path);
    arena_free(a);
    return rc;
}

size_t context_find(const struct context *c, const char *path)
{
    size_t lo = 0, hi = c->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int order = strcmp(c->items[mid].e.path, path);
        if (order == 0)
            return mid;
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return SIZE_MAX;
}

static int refuse_clashes(const struct context *c, struct err *e)
{
    for (size_t i = 0; i < c->n; i++) {
        const char *path = c->items[i].e.path, *slash = strrchr(path, '/');
        if (!slash)
            continue;
        char parent[LIMIT_CONTEXT_PATH + 1];
        (void)snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path), path);
        size_t at = context_find(c, parent);
        if (at == SIZE_MAX || c->items[at].e.type != 'd')
            return err_set(e, ERR_USER, "%s: \"%.200s\" lies below \"%.150s\", which is no directory", c->where.path, path,
                           parent);
    }
    return 0;
}

/* The path that a link means, by text; false if it leaves the context. */
static bool link_path(const char *at, const char *target, char *out, size_t n)
{
    const char *slash = strrchr(at, '/');
    size_t len = slash ? (size_t)(slash - at) : 0;
    if (target[0] == '/' || len + strlen(target) + 2 > n)
        return false;
    memcpy(out, at, len);
    out[len] = '\0';
    while (*target) {
        size_t step = strcspn(target, "/");
        if (step == 2 && target[0] == '.' && target[1] == '.') {
            char *up = strrchr(out, '/');
            if (len == 0)
                return false;
            len = up ? (size_t)(up - out) : 0;
            out[len] = '\0';
        } else if (step > 0 && !(step == 1 && target[0] == '.')) {
            if (len > 0)
                out[len++] = '/';
            memcpy(out + len, target, step);
            len += step;
            out[len] = '\0';
        }
        target += step;
        target += *target == '/';
    }
    return true;
}

static int refuse_bad_links(const struct context *c, struct err *e)
{
    char to[2 * LIMIT_CONTEXT_PATH + 8];
    for (size_t i = 0; i < c->n; i++) {
        const struct context_entry *x = &c->items[i].e;
        CLEANUP(str_release) struct str shown = STR_INIT;
        if (x->type != 'l')
            continue;
        str_add_escaped(&shown, x->target ? x->target : "");
        if (!x->target || !*x->target || !link_path(x->path, x->target, to, sizeof(to)))
            return err_set(e, ERR_USER, "%s: the link \"%.150s\" -> \"%.150s\" leads out of it", c->where.path, x->path,
                           str_text(&shown));
        if (to[0] != '\0' && context_find(c, to) == SIZE_MAX)
            return err_set(e, ERR_USER, "%s: the link \"%.150s\" -> \"%.150s\" points at nothing in it", c->where.path,
                           x->path, str_text(&shown));
    }
    return 0;
}

/* A bundle made of one folder is meant to be that folder's content. */
static const char *single_top(const struct context *c)
{
    const char *first = c->n ? c->items[0].e.path : "";
    size_t len = strcspn(first, "/");
    if (c->n < 2 || c->items[0].e.type != 'd' || first[len])
        return NULL;
    for (size_t i = 1; i < c->n; i++)
        if (strncmp(c->items[i].e.path, first, len) != 0 || c->items[i].e.path[len] != '/')
            return NULL;
    return first;
}

static int keep_below(struct context *c, const char *top, struct err *e)
{
    size_t len = strlen(top), kept = 0;
    for (size_t i = 0; i < c->n; i++) {
        struct item *x = &c->items[i];
        if (strncmp(x->e.path, top, len) != 0 || x->e.path[len] != '/')
            continue;
        x->e.path += len + 1;
        c->items[kept++] = *x;
    }
    if (kept == 0)
        return err_set(e, ERR_USER, "%s: there is no folder \"%.200s\" in it", c->where.path, top);
    c->n = kept;
    return 0;
}

static bool is_needed(const struct context *c, const char *path)
{
    const char *dockerfile = c->where.dockerfile ? c->where.dockerfile : "Dockerfile";
    size_t n = strlen(dockerfile);
    return strcmp(path, dockerfile) == 0 || strcmp(path, ".dockerignore") == 0 ||
           (strncmp(path, dockerfile, n) == 0 && strcmp(path + n, ".dockerignore") == 0);
}

int context_ignore(struct context *c, const struct dockerignore *ignore)
{
    size_t kept = 0;
    c->bytes = 0;
    for (size_t i = 0; i < c->n; i++) {
        const char *path = c->items[i].e.path;
        if (dockerignore_excludes(ignore, path) && !is_needed(c, path))
            continue;
        c->bytes += c->items[i].e.bytes;
        c->items[kept++] = c->items[i];
    }
    c->n = kept;
    add_parents(c); /* an exception brings back a file below an excluded folder */
    return 0;
}

int context_seal(struct context *c, bool strict, struct err *e)
{
    sort_items(c);
    add_parents(c);
    if (drop_duplicates(c, e) < 0 || refuse_clashes(c, e) < 0)
        return -1;
    if (strict) {
        if (refuse_case_twins(c, e) < 0 || refuse_bad_links(c, e) < 0)
            return -1;
        const char *top = single_top(c);
        if (top && keep_below(c, top, e) < 0)
            return -1;
    }
    if (c->where.sub && *c->where.sub && strict && keep_below(c, c->where.sub, e) < 0)
        return -1;
    return 0;
}
