/* Archives as what the specs inside them say.
 *
 * Comes in: files of a root as they were parsed, and the specs that a worker found in archives. Goes out: the same files with the apps of those specs. An archive by itself becomes
 * the documents inside it; an `app:` whose source is an archive with a Compose file becomes that Compose file's app under its own name. Reads nothing. */
#include "agent/bundle_open.h"

#include "spec/base/arena.h"
#include "spec/document.h"
#include "spec/source_places.h"

/* The archive as people know it, beside the file that names it. */
static const char *shown(const struct spec_file *f, const char *bundle, struct arena *a)
{
    size_t root = strlen(f->root), name = strlen(f->name), path = strlen(f->path);

    if (f->bundle)
        return f->name;
    while (root > 0 && f->root[root - 1] == '/')
        root--;
    if (strncmp(f->root, bundle, root) != 0 || bundle[root] != '/' || name < path ||
        strcmp(f->name + name - path, f->path) != 0)
        return bundle;
    return arena_printf(a, "%.*s%s", (int)(name - path), f->name, bundle + root + 1);
}

static void parse(const struct spec_file *f, const char *bundle, const struct bundle_spec *spec,
                  const struct app *over, struct arena *a, struct spec_file *ret)
{
    const struct loader loader = bundle_loader(spec, bundle, over);

    document_parse(f->root, f->path, arena_printf(a, "%s:%s", shown(f, bundle, a), spec->name),
                   BUNDLE_FOLDER, spec->text, strlen(spec->text), &loader, a, ret);
    /* They are in the archive, which is watched as a whole. */
    ret->reads = ret->parts = (struct strv){0};
}

const struct spec_file *bundle_open(const struct spec_file *f, const struct bundle_spec *spec,
                                    const char *error, struct arena *a)
{
    struct spec_file *own = ARENA_NEW(a, struct spec_file);

    if (!error && spec && !*spec->name)
        return f;
    if (error || !spec) {
        *own = (struct spec_file){
            .root = f->root, .path = f->path, .name = f->name, .bundle = f->bundle, .broken = true};
        diag_init(&own->diags, a);
        if (error)
            diag_add(&own->diags, DIAG_ERROR, (struct place){.file = f->name}, NULL, NULL, NULL,
                     "%s", error);
        return own;
    }
    parse(f, f->bundle, spec, NULL, a, own);
    return own;
}

/* ---- archives that specs name ---- */

static const struct service *source_of(const struct document *d)
{
    const struct service *s =
        d->kind == DOC_APP && d->ok && d->app && d->app->flat ? &d->app->services[0] : NULL;

    return s && s->build.bundle && source_may_be_compose(s) ? s : NULL;
}

void bundle_sources(const struct spec_set *set, const struct settings *settings,
                    const struct spec_file *f, struct arena *a, struct strv *ret)
{
    for (size_t i = 0; !f->bundle && i < f->n_documents; i++) {
        const struct service *s = source_of(&f->documents[i]);

        if (s && source_place_allowed(set, settings, s->build.bundle) &&
            !strv_has(ret, s->build.bundle))
            strv_push(a, ret, s->build.bundle);
    }
}

static bool is_compose(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(compose_names); i++)
        if (strcmp(compose_names[i], name) == 0)
            return true;
    return false;
}

static void add_diags(struct diag_list *to, const struct diag_list *from)
{
    for (size_t i = 0; i < from->n; i++) {
        const struct diag *d = &from->v[i];

        diag_add(to, d->level, d->at, d->path, d->source, d->hint, "%s", d->what);
    }
}

/* The document becomes what its archive's Compose file says. */
static void join(struct spec_file *f, const struct bundle_spec *spec, struct arena *a,
                 struct document *d)
{
    const struct app *over = d->app;
    const struct build *b = &over->services[0].build;
    struct spec_file inside;

    if (!is_compose(spec->name)) {
        if (!b->strategy || strcmp(b->strategy, "compose") != 0)
            return;
        diag_add(&f->diags, DIAG_ERROR, b->strategy_at, NULL, NULL,
                 "without `strategy` it is built in another way", "there is no compose.yaml in %s",
                 shown(f, b->bundle, a));
    } else {
        parse(f, b->bundle, spec, over, a, &inside);
        add_diags(&f->diags, &inside.diags);
        if (inside.n_documents == 1 && inside.documents[0].kind == DOC_COMPOSE &&
            inside.documents[0].ok) {
            d->app = inside.documents[0].app;
            return;
        }
        if (inside.diags.errors == 0)
            diag_add(&f->diags, DIAG_ERROR, b->at, NULL, NULL, NULL,
                     "%s in %s must be one Compose file", spec->name, shown(f, b->bundle, a));
    }
    d->ok = false;
    d->app = NULL;
}

const struct spec_file *bundle_join(const struct spec_file *f, bundle_known *known, void *ctx,
                                    struct arena *a)
{
    struct spec_file *own = NULL;

    for (size_t i = 0; !f->bundle && i < f->n_documents; i++) {
        const struct service *s = source_of(&f->documents[i]);
        const struct bundle_spec *spec = s ? known(ctx, s->build.bundle) : NULL;

        if (!spec)
            continue;
        if (!own) {
            own = ARENA_NEW(a, struct spec_file);
            *own = *f;
            own->serial = 0; /* what it says follows from the archive too */
            own->documents = ARENA_ARRAY(a, f->n_documents, struct document);
            memcpy(own->documents, f->documents, f->n_documents * sizeof(*own->documents));
            diag_init(&own->diags, a);
            add_diags(&own->diags, &f->diags);
        }
        join(own, spec, a, &own->documents[i]);
    }
    if (!own)
        return f;
    diag_sort(&own->diags);
    own->broken = own->diags.errors > 0;
    return own;
}
