/* What would be done if this file stood in its root.
 *
 * Comes in: a parsed file, and where everything else is. Goes out: the plan of its app, made by a core of its own that is gone afterwards: the loop's is not touched, and may be busy. Refuses nothing
 * itself: it repeats what desired state and planner say of the app. */
#include "agent/trial.h"

#include "agent/core.h"
#include "spec/base/arena.h"

enum { TRIAL_MS = 15000 };

/* Claims that others have are told across files. */
static const char *told_of_file(const struct desired *d, const struct spec_file *f, struct arena *a)
{
    CLEANUP(str_release) struct str text = STR_INIT;

    for (size_t i = 0; i < d->diags.n; i++)
        if (d->diags.v[i].level == DIAG_ERROR && d->diags.v[i].at.file &&
            strcmp(d->diags.v[i].at.file, f->name) == 0)
            diag_print(&d->diags.v[i], false, &text);
    return text.len > 0 ? arena_strdup(a, str_text(&text)) : NULL;
}

static const char *judge(const struct core_pass *p, const struct spec_file *f, const char *app,
                         struct arena *a)
{
    const struct want_app *want = desired_app(p->input.desired, app);
    const struct plan_app *planned = plan_app(p->plan, app);
    const char *told = told_of_file(p->input.desired, f, a);

    if (!want || (want->file && strcmp(want->file, f->path) != 0))
        return told ? told : arena_printf(a, "another file holds the app \"%s\"", app);
    if (want->invalid_input)
        return told ? told : "its file has errors";
    if (want->refused)
        return arena_strdup(a, want->refused);
    return planned && planned->state == APP_REFUSED
               ? arena_strdup(a, planned->why ? planned->why : "the planner refuses it")
               : NULL;
}

int trial_run(const struct options *o, const struct spec_file *f, const char *app, struct arena *a,
              struct trial *ret, struct err *e)
{
    struct core c;
    struct core_pass p;
    struct strv scope = {0};
    CLEANUP(arena_freep) struct arena *own = arena_new();
    int rc = core_open(&c, o, CORE_FILES | CORE_ENGINE, e);

    c.trial = f;
    if (rc == 0) {
        /* Somebody waits for it, and others after him. */
        http_until(c.http, http_now_ms() + TRIAL_MS);
        rc = core_gather(&c, true, e);
    }
    if (rc == 0) {
        core_load_history(&c);
        strv_push(own, &scope, app);
        core_plan(&c, &scope, NULL, NULL, own, &p);
        struct plan plan = *p.plan;

        plan.n_held = 0; /* of other apps */
        *ret = (struct trial){.plan = plan_to_json(&plan), .refused = judge(&p, f, app, a)};
    }
    core_close(&c);
    return rc;
}
