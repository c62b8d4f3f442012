/* The files of STATE/overrides.
 *
 * Comes in: an app, what is in force for it, one word. Goes out: its file, as it is to be from now on. Refuses nothing that the word says; whether the app exists is its caller's question. */
#include "agent/override.h"

#include "agent/guarded.h"
#include "drivers/fsx.h"
#include "spec/base/arena.h"
#include "spec/document.h"
#include "spec/forms.h"
#include "spec/limits.h"
#include "spec/yaml_write.h"

static const char *file_of(const char *state_dir, const char *app, struct arena *a)
{
    return fsx_join(fsx_join(state_dir, "overrides", a), arena_printf(a, "%s.yaml", app), a);
}

int override_read(const char *state_dir, const char *app, struct arena *a,
                  const struct override **ret, struct err *e)
{
    const char *path = file_of(state_dir, app, a), *text;
    struct spec_file f = {0};
    size_t n;

    if (fsx_read(path, LIMIT_SPEC_BYTES, a, &text, &n, NULL, e) < 0) {
        if (e->kind != ERR_MISSING)
            return -1;
        *e = (struct err){0};
        *ret = NULL;
        return 0;
    }
    document_parse(fsx_join(state_dir, "overrides", a), strrchr(path, '/') + 1, path,
                   fsx_join(state_dir, "overrides", a), text, n, &(struct loader){0}, a, &f);
    if (f.broken || f.n_documents != 1 || f.documents[0].kind != DOC_OVERRIDE)
        return err_set(e, ERR_CONFLICT,
                       "the override of %s cannot be read: `evenkeel validate %s` says why", app,
                       path);
    *ret = f.documents[0].override;
    return 0;
}

static void apply_word(struct override *w, enum override_word word, int64_t now_ms, int64_t for_ms)
{
    switch (word) {
    case OVERRIDE_STOP:
    case OVERRIDE_REMOVE:
    case OVERRIDE_REMOVE_VOLUMES:
        w->has_state = true;
        w->state = word == OVERRIDE_STOP ? WISH_STOPPED : WISH_REMOVED;
        w->volumes = word == OVERRIDE_REMOVE_VOLUMES ? VOLUMES_QUARANTINE : VOLUMES_KEEP;
        break;
    case OVERRIDE_START:
        w->has_state = false;
        w->volumes = VOLUMES_KEEP;
        break;
    case OVERRIDE_KEEP_VOLUMES: w->volumes = VOLUMES_KEEP; break;
    case OVERRIDE_RESTART:
        w->restarted_at_ms = now_ms;
        if (w->state == WISH_STOPPED)
            w->has_state = false;
        break;
    case OVERRIDE_HOLD:
        w->hold = true;
        w->until_ms = for_ms > 0 ? now_ms + for_ms : 0;
        break;
    case OVERRIDE_RELEASE:
        w->hold = false;
        w->until_ms = 0;
        break;
    }
}

static bool says_nothing(const struct override *w)
{
    return !w->has_state && !w->restarted_at_ms && !w->hold && !w->drift.set && !w->revision;
}

/* With its milliseconds: a container that was started within the same second is to be restarted all the same. */
static void add_time(struct str *out, const char *key, int64_t ms)
{
    CLEANUP(str_release) struct str time = STR_INIT;

    if (ms <= 0)
        return;
    str_add_time(&time, ms);
    str_addf(out, "%s: %.*s.%03dZ\n", key, (int)(time.len - 1), str_text(&time), (int)(ms % 1000));
}

static void add_text(const struct override *w, const char *app, const char *by, struct str *out)
{
    static const char *const words[] = {
        [WISH_RUNNING] = "running", [WISH_STOPPED] = "stopped", [WISH_REMOVED] = "removed"};

    str_addf(out, "# written by evenkeel; delete this file to undo it\noverride: %s\n", app);
    if (w->has_state)
        str_addf(out, "state: %s\n", words[w->state]);
    if (w->volumes == VOLUMES_QUARANTINE)
        str_add(out, "volumes: quarantine\n");
    add_time(out, "restarted-at", w->restarted_at_ms);
    if (w->hold)
        str_add(out, "hold: true\n");
    add_time(out, "until", w->until_ms);
    if (w->drift.set) {
        str_add(out, "drift: ");
        (void)form_drift.show(NULL, &w->drift, out);
        str_addc(out, '\n');
    }
    if (w->revision)
        str_addf(out, "revision: \"%s\"\n", w->revision);
    if (by && *by) {
        str_add(out, "by: ");
        yaml_write_quoted(by, out);
        str_addc(out, '\n');
    }
}

int override_change(const char *state_dir, const char *app, enum override_word word, int64_t now_ms,
                    int64_t for_ms, const char *by, struct err *e)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const struct override *before;
    const char *path = file_of(state_dir, app, a);
    CLEANUP(guarded_unlock) int lock = guarded_lock(fsx_join(state_dir, "overrides", a), e);

    if (lock < 0 || override_read(state_dir, app, a, &before, e) < 0)
        return -1;
    struct override w = before ? *before : (struct override){0};

    if (word == OVERRIDE_KEEP_VOLUMES && w.volumes == VOLUMES_KEEP)
        return 0;
    apply_word(&w, word, now_ms, for_ms);
    if (says_nothing(&w))
        return fsx_remove(path, e);
    add_text(&w, app, by, &text);
    if (fsx_mkdirs(fsx_join(state_dir, "overrides", a), 0700, e) < 0)
        return -1;
    return fsx_replace(path, text.buf, text.len, 0600, e);
}
