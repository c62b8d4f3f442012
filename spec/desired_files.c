/* desired_files.c: configs and secrets as files of the agent's state.
 *
 * In: the mounts of an app that stand for a file to be made, what is known of secrets. Out: a path for each, named by a keyed hash of app, content, owner and mode, so that another content is
 * another file and a container that mounts it another container, while nobody can tell from the name what is in it. It sees no value but those that stand in the spec itself.
 * A secret that is not there refuses the app (desired_files_refused); what runs stays as it is. */
#include "spec/desired_files.h"

#include <inttypes.h>

#include "spec/base/arena.h"

#define DEFAULT_DIR "/var/lib/evenkeel/mounts"
#define NAME_DIGITS 40

static const struct secret_facts *secret_of(const struct spec_set *set, const char *app,
                                            const struct placed_file *f, struct arena *a)
{
    const struct secret_facts *s = secret_find(set->secrets, set->n_secrets, app, f->secret, a);

    return s && f->own_only && !strchr(s->name, '/') ? NULL : s;
}

static const char *place(const struct settings *settings, const char *app, const char *digest,
                         const struct placed_file *f, struct arena *a)
{
    const char *key = settings->files_key ? settings->files_key : "";
    const char *text = arena_printf(a, "%s\n%s\n%s\n%" PRId64 ":%" PRId64 " %" PRIo64 "\n%s", key,
                                    app, digest, f->uid, f->gid, f->mode, key);
    char name[SHA256_HEX];

    sha256_hex(text, strlen(text), name);
    return arena_printf(a, "%s/%.*s", settings->files_dir ? settings->files_dir : DEFAULT_DIR,
                        NAME_DIGITS, name);
}

static struct want_file want(const struct app_source *src, const struct placed_file *f,
                             struct arena *a)
{
    const struct secret_facts *s = f->secret ? secret_of(src->set, src->app->name, f, a) : NULL;
    struct want_file w = {.spec = f, .secret = s ? s->name : NULL, .digest = f->digest};

    if (s)
        w.digest = s->digest;
    /* One that is missing has a name nevertheless: the app is refused and none of this is done. */
    w.path = place(src->settings, src->app->name, w.digest ? w.digest : f->secret, f, a);
    return w;
}

static int cmp_file(const void *a, const void *b)
{
    return strcmp(((const struct want_file *)a)->path, ((const struct want_file *)b)->path);
}

static size_t count(const struct want_app *app)
{
    size_t n = 0;

    for (size_t i = 0; i < app->n_services; i++)
        for (size_t k = 0; k < app->services[i].spec->n_mounts; k++)
            n += app->services[i].spec->mounts[k].file != NULL;
    return n;
}

/* One that is the app's own needs nobody's leave: what the operator keeps for every app is another matter (policy.h). */
static const struct placed_file *known_own(const struct want_file *w, struct arena *a)
{
    struct placed_file *own;

    if (!w->secret || !strchr(w->secret, '/') || w->spec->own_only)
        return w->spec;
    own = ARENA_NEW(a, struct placed_file);
    *own = *w->spec;
    own->own_only = true;
    return own;
}

static const struct service *placed_service(const struct app_source *src, const struct service *s,
                                            struct arena *a, struct want_app *ret)
{
    struct service *own = ARENA_NEW(a, struct service);
    struct mount *mounts = ARENA_ARRAY(a, s->n_mounts, struct mount);
    size_t before = ret->n_placed;

    for (size_t i = 0; i < s->n_mounts; i++) {
        mounts[i] = s->mounts[i];
        if (!mounts[i].file)
            continue;
        ret->placed[ret->n_placed] = want(src, mounts[i].file, a);
        mounts[i].file = known_own(&ret->placed[ret->n_placed], a);
        mounts[i].source = ret->placed[ret->n_placed++].path;
    }
    if (ret->n_placed == before)
        return s;
    *own = *s;
    own->mounts = mounts;
    return own;
}

void desired_files_build(const struct app_source *src, struct arena *a, struct want_app *ret)
{
    size_t n = count(ret), unique = 0;

    if (n == 0)
        return;
    ret->placed = ARENA_ARRAY(a, n, struct want_file);
    for (size_t i = 0; i < ret->n_services; i++)
        ret->services[i].spec = placed_service(src, ret->services[i].spec, a, ret);
    if (ret->n_placed > 1)
        qsort(ret->placed, ret->n_placed, sizeof(ret->placed[0]), cmp_file);
    for (size_t i = 0; i < ret->n_placed; i++)
        if (unique == 0 || strcmp(ret->placed[unique - 1].path, ret->placed[i].path) != 0)
            ret->placed[unique++] = ret->placed[i];
    ret->n_placed = unique;
}

static const char *refuses(const struct spec_set *set, const struct want_app *app,
                           const struct placed_file *f, struct arena *a)
{
    const struct secret_facts *s = secret_of(set, app->name, f, a);

    if (!s && f->own_only)
        return arena_printf(a,
                            "there is no secret \"%s\" of this app, and a spec inside an archive "
                            "gets no other; run `evenkeel secret set --app %s %s`",
                            f->secret, app->name, f->secret);
    if (!s)
        return arena_printf(a,
                            "there is no secret \"%s\"; run `evenkeel secret set %s`, or `evenkeel "
                            "secret set --app %s %s` for this app alone",
                            f->secret, f->secret, app->name, f->secret);
    if (s->problem)
        return arena_printf(a, "the secret \"%s\" cannot be used: %s; run `evenkeel secret set`",
                            s->name, s->problem);
    return NULL;
}

const char *desired_files_refused(const struct spec_set *set, const struct want_app *app,
                                  struct arena *a, struct place *ret_at)
{
    for (size_t i = 0; set->secrets_known && app->n_placed && i < app->n_services; i++)
        for (size_t k = 0; k < app->services[i].spec->n_mounts; k++) {
            const struct mount *m = &app->services[i].spec->mounts[k];
            const char *why = m->file && m->file->secret ? refuses(set, app, m->file, a) : NULL;

            if (!why)
                continue;
            *ret_at = m->at;
            return why;
        }
    return NULL;
}
