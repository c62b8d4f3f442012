/* hook_folder.c: the folder of records of lifecycle hooks.
 *
 * In: the folder, records to be written. Out: what its files say. Files whose names are no container's, or that cannot be read, count as
 * absent. It decides nothing: whether a hook is due is the planner's business. */
#include "drivers/hook_folder.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/fsx.h"
#include "spec/base/arena.h"
#include "spec/base/js.h"
#include "spec/hook.h"
#include "spec/limits.h"

struct entry { /* of post_start */
    struct obs_hook seen;
    bool swept; /* was looked at by a sweep, or made by this process */
};

struct hook_folder {
    char *dir;
    bool loaded;
    struct entry *v; /* texts on the heap; sorted by container */
    size_t n, cap;
};

static const char *const state_words[] = {
    [HOOKS_RUNNING] = "running", [HOOKS_DONE] = "done", [HOOKS_FAILED] = "failed"};

struct hook_folder *hook_folder_new(const char *dir)
{
    struct hook_folder *h = xcalloc(1, sizeof(*h));

    h->dir = xstrdup(dir);
    return h;
}

static void entry_release(struct entry *e)
{
    free((char *)e->seen.container);
    free((char *)e->seen.error);
}

void hook_folder_free(struct hook_folder *h)
{
    if (!h)
        return;
    for (size_t i = 0; i < h->n; i++)
        entry_release(&h->v[i]);
    free(h->v);
    free(h->dir);
    free(h);
}

static bool is_id(const char *text, size_t n)
{
    return n >= 12 && n <= 64 && strspn(text, "0123456789abcdef") >= n;
}

static const char *file_of(const struct hook_folder *h, const char *container, const char *kind,
                           struct arena *a)
{
    return fsx_join(h->dir, arena_printf(a, "%s.%s", container, kind), a);
}

bool hook_folder_get(const struct hook_folder *h, const char *container, const char *kind,
                     struct arena *a, struct hook_record *ret)
{
    const char *text;
    struct stat st;
    size_t n;

    if (!is_id(container, strlen(container)) ||
        fsx_read(file_of(h, container, kind, a), LIMIT_HOOK_BYTES, a, &text, &n, &st, NULL) < 0)
        return false;
    json_t *v = js_parse(text, n, NULL);
    const char *word = js_str(v, "state", "");
    bool found = false;

    for (size_t i = 0; v && i < ARRAY_LEN(state_words); i++)
        if (strcmp(state_words[i], word) == 0) {
            *ret = (struct hook_record){
                .started_ms = js_int(v, "started_ms", 0),
                .state = (enum hook_state)i,
                .step = (size_t)js_int(v, "step", 0),
                .exec = arena_strdup(a, js_str(v, "exec", NULL)),
                .error = arena_strdup(a, js_str(v, "error", NULL)),
                .written_ms = (int64_t)st.st_mtim.tv_sec * 1000,
            };
            found = true;
        }
    json_decref(v);
    return found;
}

/* ---- what is known of post_start ---- */

/* Where the container is, or would be. */
static size_t place_of(const struct hook_folder *h, const char *container)
{
    size_t lo = 0, hi = h->n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (strcmp(h->v[mid].seen.container, container) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static void learn(struct hook_folder *h, const char *container, const struct hook_record *r,
                  bool swept)
{
    size_t at = place_of(h, container);
    bool known = at < h->n && strcmp(h->v[at].seen.container, container) == 0;

    if (known) {
        entry_release(&h->v[at]);
    } else {
        if (h->n == h->cap) {
            h->cap = h->cap ? 2 * h->cap : 16;
            h->v = xrealloc(h->v, h->cap * sizeof(h->v[0]));
        }
        memmove(&h->v[at + 1], &h->v[at], (h->n - at) * sizeof(h->v[0]));
        h->n++;
    }
    h->v[at] =
        (struct entry){{xstrdup(container), r->started_ms, r->state, xstrdup(r->error)}, swept};
}

static void forget(struct hook_folder *h, size_t at)
{
    entry_release(&h->v[at]);
    memmove(&h->v[at], &h->v[at + 1], (--h->n - at) * sizeof(h->v[0]));
}

static void load(struct hook_folder *h)
{
    struct arena *a = arena_new();
    DIR *d = opendir(h->dir);

    h->loaded = true;
    for (struct dirent *x = d ? readdir(d) : NULL; x; x = readdir(d)) {
        const char *dot = strchr(x->d_name, '.');
        struct hook_record r;

        if (!dot || strcmp(dot + 1, HOOK_POST_START) != 0)
            continue;
        const char *container = arena_strndup(a, x->d_name, (size_t)(dot - x->d_name));

        if (hook_folder_get(h, container, HOOK_POST_START, a, &r))
            learn(h, container, &r, false);
    }
    if (d)
        (void)closedir(d);
    arena_free(a);
}

void hook_folder_observed(struct hook_folder *h, struct arena *a, struct obs_hook **ret,
                          size_t *ret_n)
{
    if (!h->loaded)
        load(h);
    struct obs_hook *v = ARENA_ARRAY(a, h->n, struct obs_hook);

    for (size_t i = 0; i < h->n; i++) {
        v[i] = h->v[i].seen;
        v[i].container = arena_strdup(a, v[i].container);
        v[i].error = arena_strdup(a, v[i].error);
    }
    *ret = v;
    *ret_n = h->n;
}

/* ---- writing ---- */

int hook_folder_put(struct hook_folder *h, const char *container, const char *kind,
                    const struct hook_record *r, struct err *e)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    CLEANUP(arena_freep) struct arena *a = arena_new();

    if (!is_id(container, strlen(container)))
        return err_set(e, ERR_BUG, "\"%s\" is not the id of a container", container);
    json_t *v = json_pack("{s:s*, s:s*, s:I, s:s, s:I}", "error", r->error, "exec", r->exec,
                          "started_ms", (json_int_t)r->started_ms, "state", state_words[r->state],
                          "step", (json_int_t)r->step);

    js_canonical(v, &text);
    json_decref(v);
    str_addc(&text, '\n');
    if (fsx_mkdirs(h->dir, 0700, e) < 0 ||
        fsx_replace(file_of(h, container, kind, a), str_text(&text), text.len, 0600, e) < 0)
        return -1;
    if (strcmp(kind, HOOK_POST_START) == 0) {
        if (!h->loaded)
            load(h);
        learn(h, container, r, true);
    }
    return 0;
}

void hook_folder_drop(struct hook_folder *h, const char *container)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    size_t at = place_of(h, container);

    if (!is_id(container, strlen(container)))
        return;
    if (at < h->n && strcmp(h->v[at].seen.container, container) == 0)
        forget(h, at);
    (void)fsx_remove(file_of(h, container, HOOK_POST_START, a), NULL);
    (void)fsx_remove(file_of(h, container, HOOK_PRE_STOP, a), NULL);
}

void hook_folder_sweep(struct hook_folder *h, hook_known_fn *known, void *user)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();

    for (size_t i = h->n; i > 0; i--) {
        struct entry *e = &h->v[i - 1];

        if (!e->swept && !known(user, e->seen.container))
            hook_folder_drop(h, arena_strdup(a, e->seen.container));
        else
            e->swept = true;
    }
}
