/* pull_log.c: when which image was pulled.
 *
 * In: ends of pulls. Out: their times, by reference as it was asked for. A pull that failed leaves the time of the last good one. It decides
 * nothing: what is due is the planner's business. */
#include "drivers/pull_log.h"

#include <stdlib.h>
#include <string.h>

#include "drivers/fsx.h"
#include "drivers/observed.h"
#include "spec/base/arena.h"
#include "spec/base/js.h"

enum { LOG_BYTES = 1024 * 1024, LOG_REFS = 5000 };

struct pull_log {
    char *file;
    json_t *refs; /* reference -> {pulled, tried}; NULL: not read yet */
};

struct pull_log *pull_log_new(const char *file)
{
    struct pull_log *l = xcalloc(1, sizeof(*l));

    l->file = xstrdup(file);
    return l;
}

void pull_log_free(struct pull_log *l)
{
    if (!l)
        return;
    json_decref(l->refs);
    free(l->file);
    free(l);
}

static void load(struct pull_log *l)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *text;
    size_t n;

    if (l->refs)
        return;
    if (fsx_read(l->file, LOG_BYTES, a, &text, &n, NULL, NULL) == 0)
        l->refs = js_parse(text, n, NULL);
    if (!json_is_object(l->refs)) {
        json_decref(l->refs);
        l->refs = json_object();
    }
}

static int64_t time_at(const json_t *refs, const char *ref, const char *key)
{
    return js_int(json_object_get(refs, ref), key, 0);
}

/* Apps come and go: beyond so many the oldest is forgotten. */
static void make_room(struct pull_log *l)
{
    const char *ref, *oldest = NULL;
    json_t *one;

    if (json_object_size(l->refs) <= LOG_REFS)
        return;
    json_object_foreach(l->refs, ref, one)
    {
        if (!oldest || js_int(one, "tried", 0) < time_at(l->refs, oldest, "tried"))
            oldest = ref;
    }
    json_object_del(l->refs, oldest);
}

void pull_log_note(struct pull_log *l, const char *ref, int64_t now_ms, bool well)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    struct err e = {0};

    load(l);
    json_object_set_new(l->refs, ref,
                        json_pack("{s:I, s:I}", "pulled",
                                  (json_int_t)(well ? now_ms : time_at(l->refs, ref, "pulled")),
                                  "tried", (json_int_t)now_ms));
    make_room(l);
    js_canonical(l->refs, &text);
    str_addc(&text, '\n');
    (void)fsx_replace(l->file, str_text(&text), text.len, 0600, &e);
}

struct obs_image *pull_log_observed(struct pull_log *l, struct obs_image *v, size_t n,
                                    struct arena *a)
{
    struct obs_image *copy;

    load(l);
    if (n == 0 || json_object_size(l->refs) == 0)
        return v;
    copy = ARENA_ARRAY(a, n, struct obs_image);
    for (size_t i = 0; i < n; i++) {
        copy[i] = v[i];
        copy[i].pulled_ms = time_at(l->refs, v[i].ref, "pulled");
        copy[i].tried_ms = time_at(l->refs, v[i].ref, "tried");
    }
    return copy;
}
