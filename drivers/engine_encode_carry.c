/* engine_encode_carry.c: anonymous volumes on their way to the container that takes their container's place.
 *
 * In: a create body, and the volumes that the engine named for its predecessor, by where they are mounted. Out: the body with their names in it, as `docker compose up` does it: what an
 * image keeps in a VOLUME outlives a new version. It is done when the body is sent, so no hash knows of it. A volume that is given by name is not deleted with its container. */
#include "drivers/engine_encode.h"

#include <string.h>

#include "drivers/engine_put.h"
#include "spec/base/arena.h"
#include "spec/base/attr.h"
#include "spec/base/str.h"

/* But for a slash at the end. */
static bool same_place(const char *a, const char *b)
{
    size_t na = strlen(a), nb = strlen(b);

    na -= na > 1 && a[na - 1] == '/';
    nb -= nb > 1 && b[nb - 1] == '/';
    return na == nb && strncmp(a, b, na) == 0;
}

static bool bound(const json_t *host, const char *place)
{
    json_t *tmpfs = (json_t *)(uintptr_t)js_at(host, "Tmpfs"), *one;
    const json_t *binds = js_at(host, "Binds");
    const char *target;

    json_object_foreach(tmpfs, target, one) if (same_place(target, place)) return true;
    for (size_t i = 0; i < json_array_size(binds); i++) {
        const char *bind = json_string_value(json_array_get(binds, i));
        const char *colon = bind ? strchr(bind, ':') : NULL;
        size_t n = colon ? strcspn(colon + 1, ":") : 0;

        if (colon && strncmp(colon + 1, place, n) == 0 && !place[n])
            return true;
    }
    return false;
}

static json_t *mount_at(const json_t *host, const char *place)
{
    const json_t *mounts = js_at(host, "Mounts");

    for (size_t i = 0; i < json_array_size(mounts); i++) {
        json_t *m = json_array_get(mounts, i);

        if (same_place(js_str(m, "Target", ""), place))
            return m;
    }
    return NULL;
}

static bool wants_volume(const struct kvs *image, const char *place, struct arena *a)
{
    const char *is = kvs_get(image, arena_printf(a, "volumes.%s", place));

    return is && strcmp(is, "volume") == 0;
}

static bool carry(json_t *host, const char *place, const char *volume, const struct kvs *image,
                  struct arena *a)
{
    json_t *m = mount_at(host, place);

    if (m) {
        bool anonymous = strcmp(js_str(m, "Type", ""), "volume") == 0 && !js_str(m, "Source", NULL);

        if (anonymous)
            engine_put_text(m, "Source", volume);
        return anonymous;
    }
    if (bound(host, place) || !wants_volume(image, place, a))
        return false;
    if (!js_at(host, "Mounts"))
        (void)json_object_set_new(host, "Mounts", json_array());
    m = json_pack("{s:s, s:s, s:s}", "Type", "volume", "Source", volume, "Target", place);
    return json_array_append_new(json_object_get(host, "Mounts"), m) == 0;
}

const char *engine_encode_carry(const char *body, const struct kvs *carried,
                                const struct kvs *image, struct arena *a)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    json_auto_t *v = carried && carried->n > 0 ? js_parse(body, strlen(body), NULL) : NULL;
    bool any = false;

    if (!json_is_object(v))
        return body;
    if (!js_at(v, "HostConfig"))
        (void)json_object_set_new(v, "HostConfig", json_object());
    for (size_t i = 0; i < carried->n; i++)
        any |= carry(json_object_get(v, "HostConfig"), carried->v[i].key, carried->v[i].value,
                     image, a);
    if (!any)
        return body;
    js_canonical(v, &text);
    return arena_strndup(a, str_text(&text), text.len);
}
