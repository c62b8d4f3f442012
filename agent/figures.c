/* What the agent has counted since it started.
 *
 * Comes in: passes, and what recorders are told of runs and actions. Goes out: counters, sums of seconds and the present drift of each app. Refuses to keep a series per container: apps and kinds of actions are
 * few, containers come and go. */
#include "agent/figures.h"

#include <pthread.h>

#include "reconcile/drift.h"
#include "reconcile/run.h"
#include "spec/base/arena.h"

enum { KINDS = ACT_KEEP + 1, ENDS = RUN_SUPERSEDED + 1 };

struct timed { /* how often, and how long together */
    uint64_t n;
    double seconds;
};

struct drifted {
    char *app;
    size_t n;
    bool seen;
};

struct figures {
    pthread_mutex_t lock;
    struct timed passes, builds_done, builds_failed;
    struct timed actions_done[KINDS], actions_failed[KINDS];
    uint64_t runs[ENDS], engine_calls;
    struct drifted *drift; /* apps with some, unsorted */
    size_t n_drift, cap_drift;
};

struct figures *figures_new(void)
{
    struct figures *f = xcalloc(1, sizeof(*f));

    (void)pthread_mutex_init(&f->lock, NULL);
    return f;
}

void figures_free(struct figures *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < f->n_drift; i++)
        free(f->drift[i].app);
    free(f->drift);
    (void)pthread_mutex_destroy(&f->lock);
    free(f);
}

/* ---- counting, on the loop ---- */

static void set_drift(struct figures *f, const char *app, size_t n)
{
    size_t i = 0;

    while (i < f->n_drift && strcmp(f->drift[i].app, app) != 0)
        i++;
    if (i == f->n_drift && n == 0)
        return;
    if (i == f->n_drift) {
        if (f->n_drift == f->cap_drift) {
            f->cap_drift = f->cap_drift ? 2 * f->cap_drift : 16;
            f->drift = xrealloc(f->drift, f->cap_drift * sizeof(*f->drift));
        }
        f->drift[f->n_drift++] = (struct drifted){.app = xstrdup(app)};
    }
    f->drift[i].n = n;
    f->drift[i].seen = true;
}

static void forget_drift(struct figures *f, bool everything)
{
    for (size_t i = f->n_drift; i-- > 0;) {
        if (f->drift[i].n > 0 && (f->drift[i].seen || !everything))
            continue;
        free(f->drift[i].app);
        f->drift[i] = f->drift[--f->n_drift];
    }
}

static size_t drift_of(const struct plan_app *app)
{
    size_t n = 0;

    for (size_t i = 0; i < app->n_differences; i++)
        n += app->differences[i].kind == DRIFT_FOUND &&
             drift_counts(&(struct drift_item){.found = &app->differences[i]});
    return n;
}

void figures_pass(struct figures *f, const struct plan *plan, bool everything, int64_t took_us)
{
    (void)pthread_mutex_lock(&f->lock);
    f->passes.n++;
    f->passes.seconds += (double)took_us / 1e6;
    for (size_t i = 0; i < f->n_drift; i++)
        f->drift[i].seen = false;
    for (size_t i = 0; i < plan->n_apps; i++)
        set_drift(f, plan->apps[i].name, drift_of(&plan->apps[i]));
    forget_drift(f, everything);
    (void)pthread_mutex_unlock(&f->lock);
}

void figures_engine_calls(struct figures *f, uint64_t n)
{
    (void)pthread_mutex_lock(&f->lock);
    f->engine_calls = n;
    (void)pthread_mutex_unlock(&f->lock);
}

static void count(struct timed *t, int64_t took_ms)
{
    t->n++;
    t->seconds += (double)took_ms / 1e3;
}

static void action_ended(void *ctx, const struct run *r, const struct action *a,
                         const struct op_result *result, int64_t took_ms)
{
    struct figures *f = ctx;
    bool ok = result->err.kind == ERR_NONE;

    (void)r;
    if (result->err.kind == ERR_STALE) /* never started */
        return;
    (void)pthread_mutex_lock(&f->lock);
    count(ok ? &f->actions_done[a->kind] : &f->actions_failed[a->kind], took_ms);
    if (a->kind == ACT_BUILD)
        count(ok ? &f->builds_done : &f->builds_failed, took_ms);
    (void)pthread_mutex_unlock(&f->lock);
}

static void run_ended(void *ctx, const struct run *r, enum run_end how, const struct err *failure)
{
    struct figures *f = ctx;

    (void)r, (void)failure;
    (void)pthread_mutex_lock(&f->lock);
    f->runs[how]++;
    (void)pthread_mutex_unlock(&f->lock);
}

struct recorder figures_recorder(struct figures *f)
{
    if (!f)
        return (struct recorder){0};
    return (struct recorder){.action_ended = action_ended, .run_ended = run_ended, .ctx = f};
}

/* ---- telling ---- */

static void head(struct str *out, const char *name, const char *type, const char *help)
{
    str_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void add_summary(struct str *out, const char *name, const char *help, const struct timed *t)
{
    head(out, name, "summary", help);
    str_addf(out, "%s_sum %.6f\n%s_count %llu\n", name, t->seconds, name, (unsigned long long)t->n);
}

static void add_actions(struct str *out, const struct figures *f)
{
    static const char name[] = "evenkeel_action_duration_seconds";

    head(out, name, "summary", "Actions carried out, by kind and result.");
    for (size_t k = 0; k < KINDS; k++)
        for (int ok = 0; ok < 2; ok++) {
            const struct timed *t = ok ? &f->actions_done[k] : &f->actions_failed[k];
            const char *kind = action_kind_name((enum action_kind)k);

            if (t->n > 0)
                str_addf(out,
                         "%s_sum{kind=\"%s\",result=\"%s\"} %.3f\n"
                         "%s_count{kind=\"%s\",result=\"%s\"} %llu\n",
                         name, kind, ok ? "ok" : "failed", t->seconds, name, kind,
                         ok ? "ok" : "failed", (unsigned long long)t->n);
        }
}

static void add_runs(struct str *out, const struct figures *f)
{
    static const char *const words[] = {
        [RUN_DONE] = "done", [RUN_FAILED] = "failed", [RUN_SUPERSEDED] = "superseded"};

    head(out, "evenkeel_runs_total", "counter", "Runs of apps that are over, by how they ended.");
    for (size_t i = 0; i < ENDS; i++)
        str_addf(out, "evenkeel_runs_total{result=\"%s\"} %llu\n", words[i],
                 (unsigned long long)f->runs[i]);
}

static void add_builds(struct str *out, const struct figures *f)
{
    static const char name[] = "evenkeel_build_duration_seconds";

    head(out, name, "summary", "Images built, by result.");
    str_addf(out,
             "%s_sum{result=\"ok\"} %.3f\n%s_count{result=\"ok\"} %llu\n"
             "%s_sum{result=\"failed\"} %.3f\n%s_count{result=\"failed\"} %llu\n",
             name, f->builds_done.seconds, name, (unsigned long long)f->builds_done.n, name,
             f->builds_failed.seconds, name, (unsigned long long)f->builds_failed.n);
}

void figures_write(struct figures *f, struct str *out)
{
    (void)pthread_mutex_lock(&f->lock);
    add_summary(out, "evenkeel_pass_duration_seconds",
                "Passes: files and engine compared, what is to be done decided.", &f->passes);
    add_runs(out, f);
    add_actions(out, f);
    add_builds(out, f);
    head(out, "evenkeel_engine_calls_total", "counter", "Calls to the engine that were answered.");
    str_addf(out, "evenkeel_engine_calls_total %llu\n", (unsigned long long)f->engine_calls);
    head(out, "evenkeel_app_drift", "gauge",
         "Differences that somebody else made, of apps that have any.");
    for (size_t i = 0; i < f->n_drift; i++)
        str_addf(out, "evenkeel_app_drift{app=\"%s\"} %zu\n", f->drift[i].app, f->drift[i].n);
    (void)pthread_mutex_unlock(&f->lock);
}
