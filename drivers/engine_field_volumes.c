/* engine_field_volumes.c: everything that is mounted, whichever of the four places of the API says so.
 *
 * In: Config.Volumes (an image's anonymous volumes), HostConfig.Tmpfs, Binds and Mounts. Out: one entry per target, such as
 * "volumes./srv" = "volume blog_data, ro". A later place covers an earlier one, as it does in the engine. The effective list
 * (an inspect reply's top-level Mounts) is not read: it holds the names that the engine made up. Where a container was given the anonymous volume of the
 * one it replaced such a name stands in the others, and means no more than none. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/engine_field_read.h"
#include "drivers/observed.h"
#include "spec/base/arena.h"
#include "spec/base/attr.h"
#include "spec/base/js.h"

/* Without doubled and closing slashes. */
static const char *clean(const char *path, struct arena *a)
{
    char *s = arena_strdup(a, path), *to = s;

    for (const char *from = s; *from; from++)
        if (*from != '/' || to == s || to[-1] != '/')
            *to++ = *from;
    if (to > s + 1 && to[-1] == '/')
        to--;
    *to = '\0';
    return s;
}

/* "KIND SOURCE, option, option", options sorted; those that say the default are left out. */
static const char *describe(const char *kind, const char *source, struct strv *options,
                            struct arena *a)
{
    static const char *const defaults[] = {"rw",     "rprivate",  "z",      "consistent",
                                           "cached", "delegated", "default"};
    CLEANUP(str_release) struct str s = STR_INIT;

    str_add(&s, kind);
    if (source && *source && !(strcmp(kind, "volume") == 0 && volume_is_anonymous(source)))
        str_addf(&s, " %s", source);
    strv_sort(options);
    for (size_t i = 0; i < options->n; i++) {
        bool said = *options->v[i] != '\0';

        for (size_t k = 0; k < ARRAY_LEN(defaults); k++)
            said = said && strcmp(options->v[i], defaults[k]) != 0;
        if (said)
            str_addf(&s, ", %s", options->v[i]);
    }
    return arena_strndup(a, str_text(&s), s.len);
}

static void split_options(const char *text, struct arena *a, struct strv *into)
{
    char *copy = arena_strdup(a, text), *more = NULL;

    for (char *one = strtok_r(copy, ",", &more); one; one = strtok_r(NULL, ",", &more))
        strv_push(a, into, one);
}

/* "SOURCE:TARGET[:OPTIONS]"; a source that is no path is a volume's name. "TARGET" alone is an anonymous volume. */
static void add_bind(struct field_sink *s, const char *name, const char *bind)
{
    struct strv options = {0};
    char *source = arena_strdup(s->arena, bind);
    char *target = strchr(source, ':');

    if (!target) {
        field_sink_add(s, name, clean(source, s->arena), "volume");
        return;
    }
    *target++ = '\0';
    char *rest = strchr(target, ':');

    if (rest) {
        *rest = '\0';
        split_options(rest + 1, s->arena, &options);
    }
    bool path = *source == '/';

    field_sink_add(s, name, clean(target, s->arena),
                   describe(path ? "bind" : "volume", path ? clean(source, s->arena) : source,
                            &options, s->arena));
}

/* Sizes as the engine shows them: in bytes, whatever unit they were written in. */
static const char *tmpfs_option(const char *option, struct arena *a)
{
    int64_t bytes, mode = 0;

    if (strncmp(option, "size=", 5) == 0 && parse_bytes(option + 5, &bytes) == 0)
        return arena_printf(a, "size=%" PRId64, bytes);
    if (strncmp(option, "mode=", 5) != 0)
        return option;
    for (const char *digit = option + 5; *digit; digit++) {
        if (*digit < '0' || *digit > '7' || mode > 07777)
            return option;
        mode = mode * 8 + (*digit - '0');
    }
    return arena_printf(a, "mode=%" PRIo64, mode);
}

static void add_tmpfs(struct field_sink *s, const char *name, const char *target, const char *text)
{
    struct strv options = {0};

    split_options(text, s->arena, &options);
    for (size_t i = 0; i < options.n; i++)
        options.v[i] = tmpfs_option(options.v[i], s->arena);
    field_sink_add(s, name, clean(target, s->arena), describe("tmpfs", NULL, &options, s->arena));
}

static void add_mount(struct field_sink *s, const char *name, const json_t *m)
{
    struct arena *a = s->arena;
    const char *type = js_str(m, "Type", ""), *source = js_str(m, "Source", "");
    const char *subpath = js_str(m, "VolumeOptions.Subpath", "");
    int64_t size = js_int(m, "TmpfsOptions.SizeBytes", 0), mode = js_int(m, "TmpfsOptions.Mode", 0);
    struct strv options = {0};

    if (js_bool(m, "ReadOnly", false))
        strv_push(a, &options, "ro");
    strv_push(a, &options, arena_strdup(a, js_str(m, "BindOptions.Propagation", "")));
    if (js_bool(m, "VolumeOptions.NoCopy", false))
        strv_push(a, &options, "nocopy");
    if (*subpath)
        strv_push(a, &options, arena_printf(a, "subpath=%s", subpath));
    if (size > 0)
        strv_push(a, &options, arena_printf(a, "size=%" PRId64, size));
    if (mode > 0)
        strv_push(a, &options, arena_printf(a, "mode=%" PRIo64, mode));
    field_sink_add(s, name, clean(js_str(m, "Target", ""), a),
                   describe(type, *source == '/' ? clean(source, a) : source, &options, a));
}

void field_read_volumes(struct field_sink *s, const struct field_view *v, const char *name,
                        const json_t *value)
{
    json_t *anonymous = (json_t *)(uintptr_t)js_at(v->config, "Volumes");
    json_t *tmpfs = (json_t *)(uintptr_t)js_at(v->host, "Tmpfs");
    const json_t *binds = js_at(v->host, "Binds"), *mounts = js_at(v->host, "Mounts");
    const char *target;
    json_t *one;

    (void)value;
    json_object_foreach(anonymous, target, one)
        field_sink_add(s, name, clean(target, s->arena), "volume");
    json_object_foreach(tmpfs, target, one)
    {
        if (json_is_string(one))
            add_tmpfs(s, name, target, json_string_value(one));
    }
    for (size_t i = 0; i < json_array_size(binds); i++)
        if (json_is_string(json_array_get(binds, i)))
            add_bind(s, name, json_string_value(json_array_get(binds, i)));
    for (size_t i = 0; i < json_array_size(mounts); i++)
        add_mount(s, name, json_array_get(mounts, i));
}
