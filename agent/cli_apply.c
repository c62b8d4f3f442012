/* apply: converge once and exit. The same conductor as the agent's, ended when nothing is left to do.
 *
 * Comes in: options. Goes out: the engine as the files describe it, progress on the terminal, exit 0; or 1 with the reason of each app that is not well. Beside a running
 * agent it changes nothing: it watches the agent do it. */
#include <signal.h>
#include <unistd.h>

#include "agent/buildlog.h"
#include "agent/cli.h"
#include "agent/cli_common.h"
#include "agent/conductor.h"
#include "agent/confirm.h"
#include "agent/diary.h"
#include "agent/lock.h"
#include "agent/packing.h"
#include "agent/progress.h"
#include "agent/saved.h"
#include "drivers/fsx.h"
#include "spec/base/arena.h"

#define STAY_MS 700                    /* what was started must still run after this */
#define SETTLE_MAX_MS (15 * 60 * 1000) /* for health checks that do not decide */
#define POLL_MS 100
#define GRACE_MS 3000     /* for an agent that is about to act */
#define AWAY_MAX_MS 10000 /* an engine that cannot be reached */

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

struct apply {
    const struct options *o;
    struct core core;
    struct conductor *conductor;
    struct progress *progress;
    struct store *store;
    struct buildlog *builds;
    struct packing *packing;
    int64_t acted_ms; /* when a run last ended, monotonic; 0: none did */
};

static void apply_said(void *ctx, int level, const char *app, const char *text)
{
    struct apply *x = ctx;
    CLEANUP(str_release) struct str line = STR_INIT;
    if (level > LOG_INFO)
        return;
    if (app)
        str_addf(&line, "  %s: ", app);
    str_add_escaped(&line, text);
    progress_say(x->progress, str_text(&line));
}

static void apply_passed(void *ctx, const struct core_pass *p)
{
    struct apply *x = ctx;
    CLEANUP(str_release) struct str input = STR_INIT, text = STR_INIT;
    struct plan_style style = {0};
    if (!x->store)
        return;
    saved_write(&x->core, p, &input);
    plan_print(p->plan, &style, &text);
    store_pass(x->store, p->input.now_ms, "apply", input.buf, input.len, str_text(&text));
}

static void apply_told(void *ctx, const char *app, enum app_state state, const char *why)
{
    struct apply *x = ctx;
    store_app_state(x->store, core_now_ms(), app, app_state_name(state), why);
}

static void apply_run_ended(void *ctx, const struct run *r, enum run_end how,
                            const struct err *failure)
{
    (void)r, (void)how, (void)failure;
    ((struct apply *)ctx)->acted_ms = core_monotonic_ms();
}

static void print_app(void *user, const char *app, enum app_state state, const char *why)
{
    bool colour = *(bool *)user;
    CLEANUP(str_release) struct str text = STR_INIT;
    if (state == APP_SYNCED || state == APP_COMPLETED || state == APP_STOPPED)
        return;
    str_add_escaped(&text, why ? why : "");
    printf("%s%s%s is %s%s%s\n", colour ? "\033[33m" : "", app, colour ? "\033[0m" : "",
           app_state_name(state), text.len ? ": " : "", str_text(&text));
}

static int finish(struct apply *x, size_t file_errors)
{
    struct conductor_summary sum = conductor_sum(x->conductor);
    bool colour = terminal_colour(stdout);
    struct err e = {0};
    progress_free(x->progress);
    x->progress = NULL;
    if (sum.engine_trouble) {
        (void)err_set(&e, ERR_RETRY, "%s", sum.engine_trouble);
        return cli_fail(&e);
    }
    conductor_each(x->conductor, print_app, &colour);
    if (interrupted)
        puts("interrupted; what was begun is finished by the next `evenkeel apply` or agent");
    printf("%zu app%s: %zu well", sum.apps, sum.apps == 1 ? "" : "s", sum.synced);
    if (sum.failed + sum.progressing)
        printf(", %zu not", sum.failed + sum.progressing);
    if (sum.held + sum.other)
        printf(", %zu left as they are", sum.held + sum.other);
    putchar('\n');
    return sum.failed + sum.progressing + sum.held + sum.other > 0 || file_errors > 0 || interrupted
               ? 1
               : 0;
}

static int converge(struct apply *x, struct err *e)
{
    int64_t settle = core_monotonic_ms() + SETTLE_MAX_MS, away = core_monotonic_ms() + AWAY_MAX_MS;
    bool stopping = false;
    conductor_start(x->conductor);
    for (;;) {
        if (http_poll(x->core.http, NULL, 0, POLL_MS, e) < 0)
            return -1;
        if (core_collect(&x->core))
            conductor_files_changed(x->conductor);
        struct conductor_summary sum = conductor_sum(x->conductor);
        int64_t now = core_monotonic_ms();
        if (interrupted && !stopping) {
            conductor_stop(x->conductor);
            stopping = true;
        }
        if (sum.engine_trouble && now > away && conductor_runs(x->conductor) == 0)
            return 0;
        if (!conductor_idle(x->conductor) || contexts_busy(x->core.contexts))
            continue;
        if (stopping)
            return 0;
        if (x->acted_ms && now - x->acted_ms < STAY_MS)
            continue;
        if (sum.engine_trouble || (sum.progressing > 0 && now < settle) ||
            !conductor_looked(x->conductor))
            continue;
        return 0;
    }
}

static int apply_here(const struct options *o)
{
    struct err e = {0};
    struct apply x = {.o = o};
    int rc;
    if (core_open(&x.core, o, CORE_FILES | CORE_ENGINE, &e) < 0) {
        core_close(&x.core);
        return cli_fail(&e);
    }
    struct sigaction act = {.sa_handler = on_signal};
    (void)sigaction(SIGINT, &act, NULL);
    (void)sigaction(SIGTERM, &act, NULL);
    x.store = fsx_mkdirs(o->state, 0700, &e) < 0 ? NULL : store_open(o->state, &e);
    if (!x.store)
        (void)fprintf(stderr, "evenkeel: no history is kept: %s\n", e.msg);
    core_open_gateway(&x.core);
    core_load_history(&x.core);
    bool unstable = true;
    for (int i = 0; unstable && i < 40; i++) {
        (void)core_scan(&x.core, &unstable);
        if (unstable)
            (void)usleep(50000);
    }
    core_desire(&x.core);
    size_t errors = cli_core_diags(&x.core);
    e = (struct err){0};
    if (o->words.n > 0 &&
        (core_look(&x.core, false, &e) < 0 || cli_check_words(&x.core, o, &e) < 0)) {
        store_close(x.store);
        core_close(&x.core);
        return cli_fail(&e);
    }
    x.progress = progress_new(stdout);
    x.builds = buildlog_new(o->state);
    x.packing = packing_new(o->state);
    struct recorder recorders[] = {progress_recorder(x.progress),
                                   diary_recorder(x.store),
                                   buildlog_recorder(x.builds),
                                   packing_recorder(x.packing),
                                   {.run_ended = apply_run_ended, .ctx = &x}};
    struct conductor_options co = {
        .core = &x.core,
        .recorders = recorders,
        .n_recorders = ARRAY_LEN(recorders),
        .only = o->words,
        .once = true,
        .told = apply_told,
        .said = apply_said,
        .passed = apply_passed,
        .store = x.store,
        .ctx = &x,
    };
    x.conductor = conductor_new(&co);
    rc = converge(&x, &e) < 0 ? cli_fail(&e) : finish(&x, errors);
    progress_free(x.progress);
    x.progress = NULL;
    store_close(x.store);
    if (conductor_runs(x.conductor) == 0) {
        conductor_free(x.conductor);
        buildlog_free(x.builds);
        packing_free(x.packing);
    }
    core_close(&x.core);
    return rc;
}

/* ---- beside an agent, or another apply ---- */

static void follow_entry(void *user, const struct store_entry *entry)
{
    int64_t *after = user;
    CLEANUP(str_release) struct str text = STR_INIT;
    *after = entry->ms > *after ? entry->ms : *after;
    if (strcmp(entry->what, "action") != 0 && strcmp(entry->what, "state") != 0)
        return;
    str_add_escaped(&text, entry->text ? entry->text : "");
    printf("  %-20s %s %s\n", entry->app ? entry->app : "", entry->result ? entry->result : "",
           str_text(&text));
    (void)fflush(stdout);
}

struct watching {
    const struct options *o;
    struct core core;
    int64_t begun_ms, after_ms;
    bool settled, bad;
};

/* What the agent told before we came may be about to change. */
static bool given_up(const struct watching *w, const char *told)
{
    return told && strncmp(told, "Degraded", 8) == 0 &&
           core_monotonic_ms() - w->begun_ms > GRACE_MS;
}

static void watch_once(struct watching *w)
{
    struct err ignored = {0};
    struct arena *a = arena_new();
    struct kvs told = {0};
    struct core_pass p;
    cli_core_plan(&w->core, a, &p);
    (void)store_follow(w->o->state, w->after_ms, follow_entry, &w->after_ms, &ignored);
    (void)store_app_states(w->o->state, a, &told, &ignored);
    w->settled = true;
    w->bad = false;
    for (size_t i = 0; i < p.plan->n_apps; i++) {
        const struct plan_app *x = &p.plan->apps[i];
        bool degraded = given_up(w, kvs_get(&told, x->name));
        w->settled &= (x->n_actions == 0 && x->state != APP_PROGRESSING) || degraded;
        w->bad |= degraded || x->state == APP_DEGRADED || x->state == APP_REFUSED ||
                  x->state == APP_FROZEN || x->state == APP_HELD;
    }
    arena_free(a);
}

/* True when it is over, with the exit code; false when the other one left before. */
static bool watch_other(const struct options *o, pid_t pid, int *ret_rc)
{
    struct err e = {0};
    struct watching w = {.o = o, .begun_ms = core_monotonic_ms(), .after_ms = core_now_ms() - 1000};
    bool over = true;
    printf("pid %d works with %s already: watching it\n", (int)pid, o->state);
    *ret_rc = 1;
    if (cli_core_open(&w.core, o, true, &e) < 0) {
        (void)cli_fail(&e);
        core_close(&w.core);
        return true;
    }
    size_t errors = cli_core_diags(&w.core);
    for (;;) {
        watch_once(&w);
        if (w.settled || core_monotonic_ms() - w.begun_ms > SETTLE_MAX_MS)
            break;
        over = lock_holder(o->state) != 0;
        if (!over)
            break;
        (void)usleep(300000);
        (void)core_scan(&w.core, NULL);
        if (core_look(&w.core, true, &e) < 0) {
            (void)cli_fail(&e);
            core_close(&w.core);
            return true;
        }
    }
    core_close(&w.core);
    if (!over)
        return false;
    *ret_rc = w.settled && !w.bad && errors == 0 ? 0 : 1;
    puts(*ret_rc == 0 ? "converged" : "not converged; `evenkeel status` says why");
    return true;
}

/* Look what is held under the hash, and write its release. */
static int confirm(const struct options *o, struct err *e)
{
    struct core c;
    struct core_pass p;
    struct arena *a = arena_new();
    int rc = cli_core_open(&c, o, false, e);
    if (rc == 0) {
        const struct held_removals *found = NULL;
        core_plan(&c, NULL, NULL, NULL, a, &p);
        for (size_t i = 0; i < p.plan->n_held && !found; i++)
            if (strcmp(p.plan->held[i].hash, o->confirm) == 0)
                found = &p.plan->held[i];
        rc = found
                 ? confirm_write(o->state, found->root, &found->apps, e)
                 : err_set(e, ERR_USER,
                           "no removals are held under \"%s\"; `evenkeel plan` shows what is held",
                           o->confirm);
    }
    core_close(&c);
    arena_free(a);
    return rc;
}

int cli_apply(const struct options *o)
{
    struct err e = {0};
    if (o->confirm && confirm(o, &e) < 0)
        return cli_fail(&e);
    for (;;) {
        int rc, lock = lock_take(o->state, LOCK_APPLY, &e);
        pid_t other = lock < 0 && e.kind == ERR_CONFLICT ? lock_holder(o->state) : 0;
        if (other && watch_other(o, other, &rc))
            return rc;
        if (lock < 0 && e.kind == ERR_CONFLICT)
            continue;       /* it has left meanwhile */
        rc = apply_here(o); /* also without a lock, where the state directory cannot be written */
        if (lock >= 0)
            (void)close(lock);
        return rc;
    }
}
