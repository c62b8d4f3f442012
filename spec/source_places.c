/* source_places.c: where on the host a source may lie.
 *
 * In: a complete app, the roots, what the agent's configuration allows. Out: nothing, or why it is refused. A source is sent to the engine whole and ends up in an image,
 * so a spec must not be able to name just any folder that the agent can read. */
#include "spec/source_places.h"

#include "spec/base/arena.h"

static bool is_in(const char *folder, const char *path)
{
    size_t n = strlen(folder);

    while (n > 0 && folder[n - 1] == '/')
        n--;
    return strncmp(folder, path, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

bool source_place_allowed(const struct spec_set *set, const struct settings *settings,
                          const char *path)
{
    for (size_t i = 0; i < set->n_roots; i++)
        if (is_in(set->roots[i].path, path))
            return true;
    for (size_t i = 0; i < settings->build_allow.n; i++)
        if (is_in(settings->build_allow.v[i], path))
            return true;
    return false;
}

/* The folder that would have to be allowed. */
static const char *folder_of(const struct build *b, struct arena *a)
{
    const char *slash = b->bundle ? strrchr(b->bundle, '/') : NULL;

    if (!b->bundle)
        return b->path;
    return slash && slash != b->bundle ? arena_strndup(a, b->bundle, (size_t)(slash - b->bundle))
                                       : "/";
}

const char *source_place_refused(const struct spec_set *set, const struct settings *settings,
                                 const struct want_app *app, struct arena *a, struct place *ret_at)
{
    for (size_t i = 0; i < app->n_services; i++) {
        const struct build *b = &app->services[i].spec->build;
        const char *path = b->bundle ? b->bundle : b->path;

        if (!b->set || !path || source_place_allowed(set, settings, path))
            continue;
        *ret_at = b->at;
        return arena_printf(a,
                            "its source %s lies outside the roots; move it into one, or allow the "
                            "folder in the agent's"
                            " configuration: `builds: {allow: [%s]}`",
                            path, folder_of(b, a));
    }
    return NULL;
}
