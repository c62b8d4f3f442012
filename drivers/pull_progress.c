/* pull_progress.c: how far a pull is, from the lines of its stream.
 *
 * In: one JSON line after the other. Out: a short text and a fraction, or the error that the stream reported; HTTP 200
 * says nothing about that. Layers are counted by id and bounded. Words it does not know are no error: engines and image
 * stores differ in them.
 *
 * Source: Docker Engine API, ImageCreate; moby's pkg/jsonmessage. */
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "drivers/engine_reply.h"
#include "drivers/engine_stream.h"
#include "spec/base/arena.h"
#include "spec/base/attr.h"
#include "spec/base/js.h"

struct layer {
    const char *id;
    int64_t total, loaded, unpacked; /* bytes; total 0: not known yet */
    bool done, present;              /* present: the engine had it before */
};

struct pull_progress {
    struct arena *arena;
    struct layer *layers;
    size_t n, cap;
};

struct pull_progress *pull_progress_new(struct arena *a)
{
    struct pull_progress *p = ARENA_NEW(a, struct pull_progress);

    p->arena = a;
    return p;
}

/* ---- errors ---- */

static bool says_any(const char *message, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcasestr(message, words[i]))
            return true;
    return false;
}

enum err_kind pull_error_kind(const char *message)
{
    static const char *const denied[] = {"denied", "unauthorized", "authentication required",
                                         "no basic auth credentials", "forbidden"};
    static const char *const missing[] = {"manifest unknown", "not found", "no such image",
                                          "does not exist", "no matching manifest"};
    static const char *const wrong[] = {"invalid reference", "invalid repository name",
                                        "invalid tag"};

    /* "pull access denied for X, repository does not exist or may require 'docker login'" is both; the first word helps more. */
    if (says_any(message, denied, ARRAY_LEN(denied)))
        return ERR_DENIED;
    if (says_any(message, wrong, ARRAY_LEN(wrong)))
        return ERR_USER;
    if (says_any(message, missing, ARRAY_LEN(missing)))
        return ERR_MISSING;
    return ERR_RETRY;
}

static int report(const json_t *detail, struct arena *a, struct err *e)
{
    const char *message = js_str(detail, "message", "");
    CLEANUP(str_release) struct str safe = STR_INIT;

    (void)a;
    str_add_escaped(&safe, *message ? message : "the engine gave no reason");
    switch (js_int(detail, "code", 0)) {
    case 401:
    case 403: return err_set(e, ERR_DENIED, "%s", str_text(&safe));
    case 404: return err_set(e, ERR_MISSING, "%s", str_text(&safe));
    }
    return err_set(e, pull_error_kind(message), "%s", str_text(&safe));
}

/* ---- layers ---- */

static struct layer *find_layer(struct pull_progress *p, const char *id)
{
    for (size_t i = 0; i < p->n; i++)
        if (strcmp(p->layers[i].id, id) == 0)
            return &p->layers[i];
    if (p->n >= LIMIT_PULL_LAYERS)
        return NULL;
    p->layers = arena_grow(p->arena, p->layers, p->n, &p->cap, sizeof(*p->layers));
    p->layers[p->n] = (struct layer){.id = arena_strndup(p->arena, id, 80)};
    return &p->layers[p->n++];
}

static int64_t clamp(int64_t v, int64_t max)
{
    return v < 0 ? 0 : v > max ? max : v;
}

static void follow_layer(struct pull_progress *p, const char *id, const char *status,
                         const json_t *detail)
{
    static const char *const of_layers[] = {
        "Pulling fs layer",  "Waiting",    "Downloading",   "Verifying Checksum",
        "Download complete", "Extracting", "Pull complete", "Already exists"};
    bool known = false;

    for (size_t i = 0; i < ARRAY_LEN(of_layers); i++)
        known = known || strcmp(status, of_layers[i]) == 0;
    struct layer *l = known && strlen(id) <= 80 ? find_layer(p, id) : NULL;

    if (!l)
        return;
    int64_t current = js_int(detail, "current", 0), total = js_int(detail, "total", 0);
    /* Some count seconds instead of bytes, and say so. */
    bool bytes = !js_at(detail, "units") && total > 0 && total < INT64_C(1) << 50;

    if (bytes && !l->total)
        l->total = total;
    if (bytes && strcmp(status, "Downloading") == 0)
        l->loaded = clamp(current, l->total);
    if (bytes && strcmp(status, "Extracting") == 0)
        l->unpacked = clamp(current, l->total);
    if (strcmp(status, "Download complete") == 0 || strcmp(status, "Extracting") == 0)
        l->loaded = l->total;
    l->present = strcmp(status, "Already exists") == 0;
    l->done = l->present || strcmp(status, "Pull complete") == 0;
}

int pull_progress_line(struct pull_progress *p, const char *line, size_t n, struct err *e)
{
    json_auto_t *v = engine_reply_parse(line, n, e);

    if (!v)
        return -1;
    const json_t *detail = js_at(v, "errorDetail");

    if (json_is_object(detail))
        return report(detail, p->arena, e);
    const char *id = js_str(v, "id", NULL);

    if (id)
        follow_layer(p, id, js_str(v, "status", ""), js_at(v, "progressDetail"));
    return 0;
}

/* ---- for people ---- */

static void add_megabytes(struct str *s, double bytes)
{
    str_addf(s, bytes < 10e6 ? "%.1f MB" : "%.0f MB", bytes / 1e6);
}

const char *pull_progress_text(const struct pull_progress *p, struct arena *a, double *ret_fraction)
{
    CLEANUP(str_release) struct str s = STR_INIT;
    double loaded = 0, moved = 0, total = 0;
    size_t done = 0, sized = 0, unsized = 0;

    for (size_t i = 0; i < p->n; i++) {
        const struct layer *l = &p->layers[i];

        done += l->done;
        if (l->present)
            continue;
        sized += l->total > 0;
        unsized += l->total == 0 && !l->done;
        loaded += (double)(l->done ? l->total : l->loaded);
        moved += (double)(l->done ? 2 * l->total : l->loaded + l->unpacked);
        total += (double)l->total;
    }
    if (p->n > 0)
        str_addf(&s, "%zu/%zu layers", done, p->n);
    if (total > 0) {
        str_add(&s, ", ");
        add_megabytes(&s, loaded);
        str_add(&s, " of ");
        add_megabytes(&s, total);
    }
    /* Layers of unknown size count as the average of the others. */
    *ret_fraction = -1;
    if (p->n > 0 && done == p->n)
        *ret_fraction = 1;
    else if (total > 0)
        *ret_fraction = moved / (2 * (total + total / (double)sized * (double)unsized));
    return arena_strndup(a, str_text(&s), s.len);
}
