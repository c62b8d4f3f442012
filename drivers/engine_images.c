/* engine_images.c: the engine's list of images.
 *
 * In: the body of GET /images/json. Out: plain values in an arena. Engines say "no names" with null, with an empty list or with "<none>": here
 * it is an empty list. Refuses what is not a list of objects with ids. */
#include "drivers/engine_images.h"

#include <jansson.h>
#include <string.h>

#include "spec/base/arena.h"
#include "spec/base/js.h"

static void names_from(const json_t *v, const char *key, struct arena *a, struct strv *ret)
{
    struct strv all = {0};

    js_strv(v, key, a, &all);
    for (size_t i = 0; i < all.n; i++)
        if (strncmp(all.v[i], "<none>", 6) != 0)
            strv_push(a, ret, all.v[i]);
}

int engine_decode_images(const char *body, size_t n, struct arena *a, struct engine_image **ret,
                         size_t *ret_n, struct err *e)
{
    json_auto_t *list = js_parse(body, n, e);
    const json_t *x;
    size_t i;

    if (!list)
        return err_wrap(e, "list of images");
    if (!json_is_array(list))
        return err_set(e, ERR_RETRY, "list of images: not a list");
    struct engine_image *v = ARENA_ARRAY(a, json_array_size(list), struct engine_image);

    json_array_foreach(list, i, x)
    {
        v[i] = (struct engine_image){
            .id = arena_strdup(a, js_str(x, "Id", NULL)),
            .created_ms = js_int(x, "Created", 0) * 1000,
            .bytes = js_int(x, "Size", 0),
        };
        if (!v[i].id)
            return err_set(e, ERR_RETRY, "list of images: one has no id");
        names_from(x, "RepoTags", a, &v[i].tags);
        names_from(x, "RepoDigests", a, &v[i].digests);
        js_kvs(x, "Labels", a, &v[i].labels);
    }
    *ret = v;
    *ret_n = json_array_size(list);
    return 0;
}
