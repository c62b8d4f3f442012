/* facts.c: the name under which the facts of a build context are kept.
 *
 * In: a build as the user wrote it. Out: one canonical text; equal builds, equal text, so two services of one source share their facts. */
#include "spec/facts.h"

#include "spec/base/arena.h"

static void add(struct str *s, const char *key, const char *value)
{
    if (!value)
        return;
    str_addf(s, "%s=%zu:", key, strlen(value)); /* lengths, so that no two builds read alike */
    str_add(s, value);
    str_addc(s, ';');
}

const char *facts_key(const struct service *service, struct arena *a)
{
    const struct build *b = &service->build;
    CLEANUP(str_release) struct str s = STR_INIT;

    add(&s, "bundle", b->bundle);
    add(&s, "path", b->path);
    add(&s, "dockerfile", b->dockerfile);
    add(&s, "inline", b->dockerfile_inline);
    add(&s, "target", b->target);
    add(&s, "strategy", b->strategy);
    add(&s, "builder", b->builder);
    add(&s, "start", service->start);
    add(&s, "requirements", service->requirements);
    add(&s, "platform", service->platform);
    for (size_t i = 0; i < b->args.n; i++) {
        add(&s, "arg", b->args.v[i].key);
        add(&s, "is", b->args.v[i].value);
    }
    if (service->port.set && service->port.v > 0)
        str_addf(&s, "port=%d;", (int)service->port.v);
    return arena_strdup(a, str_text(&s));
}

const struct context_facts *facts_find(const struct context_facts *const *v, size_t n,
                                       const char *key)
{
    size_t lo = 0, hi = n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int order = strcmp(v[mid]->key, key);

        if (order == 0)
            return v[mid];
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}
