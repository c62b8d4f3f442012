/* bundle.c: archives as apps: which names are archives, and the spec that one stands for by itself.
 *
 * In: the path of a file. Out: the text of an app called after it. What is in the archive is read elsewhere. */
#include "spec/base/arena.h"
#include "spec/document.h"

static const char *const ends[] = {".zip", ".tar", ".tar.gz", ".tgz", ".tar.zst"};

static size_t end_of(const char *name)
{
    size_t n = strlen(name);

    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        if (n > strlen(ends[i]) && strcmp(name + n - strlen(ends[i]), ends[i]) == 0)
            return strlen(ends[i]);
    return 0;
}

bool bundle_name(const char *name)
{
    return end_of(name) > 0;
}

const char *bundle_stem(const char *path, struct arena *a)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

    return arena_strndup(a, name, strlen(name) - end_of(name));
}

const char *bundle_text(const char *path, struct arena *a)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const char *app = bundle_stem(path, a);

    if (!app_name_valid(app))
        return NULL;
    return arena_printf(a, "app: \"%s\"\nsource: {bundle: \"%s\"}\nroute: \"/%s\"\n", app, name,
                        app);
}
