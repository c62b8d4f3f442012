/* bundle_rules.c: what the sources of a spec inside an archive are.
 *
 * In: a decoded app whose text stood in an archive. Out: the archive as the source of its services. What it may ask of the host is judged later, with everybody
 * else's (policy.h). */
#include "spec/bundle_rules.h"

#include "spec/base/arena.h"
#include "spec/decode.h"
#include "spec/document.h"
#include "spec/draft.h"

/* Compose's `build: ./folder` is a folder of the archive that the file stands in. */
static void build_inside(const struct decode_ctx *c, struct build *b)
{
    size_t n = strlen(c->dir);

    if (!c->compose || !b->set || b->bundle || !b->path || strncmp(b->path, c->dir, n) != 0 ||
        (b->path[n] && b->path[n] != '/'))
        return;
    b->bundle = c->loader->bundle;
    b->path = b->path[n] && b->path[n + 1] ? b->path + n + 1 : NULL;
}

void bundle_default_source(const struct decode_ctx *c, struct app_draft *d)
{
    if (!c->loader || !c->loader->bundle)
        return;
    for (size_t i = 0; i < d->n_services; i++) {
        struct service *s = &d->services[i].s;

        build_inside(c, &s->build);
        if (!s->image && !s->build.set)
            s->build = (struct build){.set = true, .at = s->at, .bundle = c->loader->bundle};
    }
}
