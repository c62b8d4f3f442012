/* desired_parts.c: which files are only parts of others.
 *
 * In: all files, each with the paths of those that it was made from. Out: the same list, with the parts emptied. Looked up in a sorted array, so a root of any size costs
 * n log n. It judges nothing but names: whether a part was read well is known to whoever read it. */
#include "spec/desired_parts.h"

#include "spec/base/arena.h"

struct naming { /* both absolute paths */
    const char *part, *by;
};

struct names {
    struct arena *arena;
    struct naming *v; /* sorted by part */
    size_t n;
};

static const char *whole_path(struct arena *a, const struct spec_file *f)
{
    return arena_printf(a, "%s/%s", f->root, f->path);
}

static int cmp_naming(const void *a, const void *b)
{
    return strcmp(((const struct naming *)a)->part, ((const struct naming *)b)->part);
}

/* Few parts could be files of a root: .env and the like bear no name of a spec. */
static bool like_spec(const char *path)
{
    size_t n = strlen(path);

    return n > 4 && (strcmp(path + n - 4, "yaml") == 0 || strcmp(path + n - 4, ".yml") == 0);
}

static void gather_names(const struct spec_set *set, struct names *l)
{
    size_t total = 0;

    for (size_t i = 0; i < set->n_files; i++)
        total += set->files[i]->parts.n;
    l->v = ARENA_ARRAY(l->arena, total, struct naming);
    for (size_t i = 0; i < set->n_files; i++) {
        const struct spec_file *f = set->files[i];
        const char *by = NULL;

        for (size_t k = 0; k < f->parts.n; k++) {
            if (!like_spec(f->parts.v[k]))
                continue;
            by = by ? by : whole_path(l->arena, f);
            l->v[l->n++] = (struct naming){f->parts.v[k], by};
        }
    }
    if (l->n > 1)
        qsort(l->v, l->n, sizeof(l->v[0]), cmp_naming);
}

static size_t first_of(const struct names *l, const char *path)
{
    size_t lo = 0, hi = l->n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (strcmp(l->v[mid].part, path) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* Of files that name each other none is a part, or all would be gone, and what runs from them with them. */
static bool is_part(const struct names *l, const struct spec_file *f)
{
    for (size_t k = 0; k < f->n_documents; k++)
        if (f->documents[k].kind != DOC_COMPOSE)
            return false;
    const char *path = whole_path(l->arena, f);

    for (size_t i = first_of(l, path); i < l->n && strcmp(l->v[i].part, path) == 0; i++)
        if (!strv_has(&f->parts, l->v[i].by))
            return true;
    return false;
}

static const struct spec_file *emptied(struct arena *a, const struct spec_file *f)
{
    struct spec_file *copy = ARENA_NEW(a, struct spec_file);

    *copy = *f;
    copy->broken = false;
    copy->documents = NULL;
    copy->n_documents = 0;
    diag_init(&copy->diags, a);
    return copy;
}

const struct spec_file *const *desired_parts_hide(const struct spec_set *set, struct arena *a)
{
    struct names l = {.arena = a};
    const struct spec_file **files;

    gather_names(set, &l);
    if (l.n == 0)
        return set->files;
    files = ARENA_ARRAY(a, set->n_files, const struct spec_file *);
    for (size_t i = 0; i < set->n_files; i++)
        files[i] = is_part(&l, set->files[i]) ? emptied(a, set->files[i]) : set->files[i];
    return files;
}
