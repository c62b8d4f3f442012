/* secret_facts.c: which secret an app means by a name.
 *
 * In: the sorted facts of all secrets. Out: the app's own secret of that name, else the common one. */
#include "spec/secret_facts.h"

#include "spec/base/arena.h"

static const struct secret_facts *by_name(const struct secret_facts *v, size_t n, const char *name)
{
    size_t lo = 0, hi = n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int order = strcmp(v[mid].name, name);

        if (order == 0)
            return &v[mid];
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

const struct secret_facts *secret_find(const struct secret_facts *v, size_t n, const char *app,
                                       const char *name, struct arena *a)
{
    const struct secret_facts *own = by_name(v, n, arena_printf(a, "%s/%s", app, name));

    return own ? own : by_name(v, n, name);
}

bool secret_name_valid(const char *name)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
    size_t n = strlen(name);

    return n > 0 && n <= 63 && strspn(name, letters) == n && !strchr("_.-", name[0]);
}
