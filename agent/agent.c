/* The agent: watch, converge, heal, for ever. It owns the loop; everything else is called from it.
 *
 * Comes in: signals, the watcher's "look again", the engine's events (through the conductor), timers. Goes out: log lines, the diary, and an engine that is
 * as the files describe. SIGTERM and SIGINT leave within 10 s; SIGHUP looks at everything again. */
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "agent/buildlog.h"
#include "agent/bundles_gc.h"
#include "agent/cli.h"
#include "agent/conductor.h"
#include "agent/diary.h"
#include "agent/door.h"
#include "agent/door_facts.h"
#include "agent/drift_diary.h"
#include "agent/figures.h"
#include "agent/gc.h"
#include "agent/lock.h"
#include "agent/narrate.h"
#include "agent/notify.h"
#include "agent/packing.h"
#include "agent/saved.h"
#include "agent/store.h"
#include "agent/stream_feed.h"
#include "agent/watch.h"
#include "agent/web_keeper.h"
#include "drivers/fsx.h"
#include "spec/base/arena.h"

#define SLOW_LOOK_MS 60000 /* in case an event was lost */
#define LOCK_AGAIN_MS 100
#define UNSTABLE_MS 100 /* a file was in the middle of being written */
#define LEAVE_MS 8000   /* what is in flight may finish this long */
#define PUBLISH_MS 20
#define PUBLISH_AGAIN_MS 500 /* while somebody waits for an app */
#define TRIM_AFTER_MS 2000
#define GC_FIRST_MS (5 * 60 * 1000) /* not in the middle of a start */
#define GC_EVERY_MS (60 * 60 * 1000)
#define GC_BUSY_MS (60 * 1000) /* something is being done: later */

struct agent {
    const struct options *o;
    struct core core;
    struct conductor *conductor;
    struct store *store;
    struct buildlog *builds;
    struct packing *packing;
    struct watch *watch;
    struct web_keeper *web;
    struct door *door; /* NULL: accounts, tokens or the audit log cannot be read */
    struct stream_feed *feed;
    uint64_t files_read; /* door_placed before they were read last */
    struct drift_diary *drift;
    struct notify *notify;
    int signals, lock;
    bool never_began; /* told to leave while it waited for an apply */
    bool leaving, left;
    struct http_timer *slow, *again, *trim, *collect, *publish;
    struct gc *gc; /* a collection under way */
    char *diags_said;
    struct kvs revisions_said; /* app -> digest */
    struct arena *revisions_arena;
    struct arena *own;
};

/* ---- what requests may know ---- */

static void publish(void *user)
{
    struct agent *g = user;
    g->publish = NULL;
    figures_engine_calls(door_figures(g->door), http_calls(g->core.http));
    if (g->core.desired) { /* else it is being built anew, and told of then */
        struct door_facts *f = door_facts_new(&g->core, g->conductor);
        f->read = g->files_read;
        door_publish(g->door, f);
    }
    if (door_waited_for(g->door))
        g->publish = http_after(g->core.http, PUBLISH_AGAIN_MS, publish, g);
}

/* Of many verdicts in a row the last one counts. */
static void publish_soon(struct agent *g)
{
    if (g->door && !g->publish)
        g->publish = http_after(g->core.http, PUBLISH_MS, publish, g);
}

static void open_door(struct agent *g)
{
    struct err e = {0};
    char password[CREDENTIAL_SPOKEN] = "";
    if (door_open(g->o, getenv("EVENKEEL_ADMIN_PASSWORD"), isatty(STDERR_FILENO) == 1, password,
                  &g->door, &e) < 0) {
        log_line(LOG_ERROR, NULL, "nobody can log in: %s", e.msg);
        return;
    }
    if (*password)
        (void)fprintf(stderr,
                      "\n  The first account is \"admin\", its password is %s\n"
                      "  It is shown this once. Change it with the API, or remove "
                      "STATE/accounts.json to begin anew.\n\n",
                      password);
    explicit_bzero(password, sizeof(password));
}

/* ---- what the conductor tells ---- */

static void agent_told(void *ctx, const char *app, enum app_state state, const char *why)
{
    struct agent *g = ctx;
    bool bad =
        state == APP_DEGRADED || state == APP_REFUSED || state == APP_FROZEN || state == APP_HELD;
    if (state != APP_PROGRESSING && state != APP_OUT_OF_SYNC && state != APP_MISSING)
        log_line(bad ? LOG_WARNING : LOG_INFO, app, "%s%s%s", app_state_name(state),
                 why ? ": " : "", why ? why : "");
    store_app_state(g->store, core_now_ms(), app, app_state_name(state), why);
    stream_feed_state(g->feed, app, state, why);
    publish_soon(g);
    notify_state(g->notify, app, state, why, core_now_ms());
}

static void agent_said(void *ctx, int level, const char *app, const char *text)
{
    static const char *const words[] = {[LOG_ERROR] = "error",
                                        [LOG_WARNING] = "warning",
                                        [LOG_INFO] = "info",
                                        [LOG_DEBUG] = "debug"};
    const struct agent *g = ctx;
    log_line((enum log_level)level, app, "%s", text);
    stream_feed_notice(g->feed, words[level], app, text);
}

static bool app_is_busy(void *ctx, const char *app)
{
    return conductor_busy(((struct agent *)ctx)->conductor, app);
}

static void agent_drifted(void *ctx, const struct drift_item *items, size_t n, int64_t ms)
{
    const struct agent *g = ctx;
    stream_feed_drift(g->feed, items, n);
    notify_drift(g->notify, items, n, ms);
}

static void agent_looked(void *ctx, const struct core_pass *p)
{
    struct agent *g = ctx;
    drift_diary_pass(g->drift, p->plan, &p->input.scope, p->input.now_ms, app_is_busy);
    notify_held(g->notify, p->plan, p->input.now_ms);
    if (g->door)
        figures_pass(door_figures(g->door), p->plan, p->input.scope.n == 0, p->took_us);
    if (!g->web)
        return;
    web_keeper_desired(g->web, g->core.desired);
    web_keeper_observed(g->web, p->input.observed, g->o->settings.owner, g->core.ingress_app,
                        g->core.gateway);
    gateway_keep(g->core.gateway, g->core.desired);
    publish_soon(g);
}

static void agent_passed(void *ctx, const struct core_pass *p)
{
    struct agent *g = ctx;
    CLEANUP(str_release) struct str input = STR_INIT, text = STR_INIT;
    struct plan_style style = {0};
    if (!g->store)
        return;
    saved_write(&g->core, p, &input);
    plan_print(p->plan, &style, &text);
    store_pass(g->store, p->input.now_ms, "agent", input.buf, input.len, str_text(&text));
}

/* ---- memory: what a burst of work used goes back to the system when it is over ---- */

static void trim(void *user)
{
    struct agent *g = user;
    g->trim = NULL;
    (void)malloc_trim(0);
}

static void trim_soon(struct agent *g)
{
    if (!g->trim)
        g->trim = http_after(g->core.http, TRIM_AFTER_MS, trim, g);
}

/* ---- files ---- */

static void add_diags(const struct diag_list *l, struct str *out)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->v[i].level != DIAG_NOTE)
            diag_print(&l->v[i], false, out);
}

static bool has_line(const char *text, const char *line)
{
    size_t n = strlen(line);
    for (const char *at = text; at && (at = strstr(at, line)); at += n)
        if ((at == text || at[-1] == '\n') && at[n] == '\n')
            return true;
    return false;
}

/* Each problem is told once, and again when it was gone in between. */
static void say_diags(struct agent *g)
{
    CLEANUP(str_release) struct str all = STR_INIT;
    const struct spec_set *set = sources_set(g->core.sources);
    const struct desired *d = g->core.desired; /* knows the specs inside archives too */
    for (size_t i = 0; i < (d ? d->n_files : set->n_files); i++)
        add_diags(d ? &d->files[i]->diags : &set->files[i]->diags, &all);
    for (size_t i = 0; i < set->n_overrides; i++)
        add_diags(&set->overrides[i]->diags, &all);
    if (g->core.desired)
        add_diags(&g->core.desired->diags, &all);
    if (g->diags_said && strcmp(g->diags_said, str_text(&all)) == 0)
        return;
    CLEANUP(xfreep) char *before = g->diags_said;
    g->diags_said = xstrdup(str_text(&all));
    char *save = NULL, *copy = xstrdup(str_text(&all));
    for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        if (!has_line(before, line))
            log_line(strstr(line, ": error: ") ? LOG_ERROR : LOG_WARNING, NULL, "%s", line);
    free(copy);
}

/* What specs read, and what is built from, may lie outside the roots. */
static void watch_more(struct agent *g)
{
    const struct desired *d = g->core.desired;
    struct arena *a = arena_new();
    struct strv folders = {0}, all = {0}, trees = {0};
    sources_extra_folders(g->core.sources, a, &folders);
    watch_extra(g->watch, folders.v, folders.n);
    for (size_t i = 0; i < d->n_apps; i++)
        for (size_t s = 0; s < d->apps[i].n_services && !d->apps[i].refused; s++) {
            const struct build *b = &d->apps[i].services[s].spec->build;
            const char *path = b->bundle ? b->bundle : b->path;
            if (b->set && path)
                strv_push(a, &all, path);
        }
    strv_sort(&all);
    for (size_t i = 0; i < all.n; i++)
        if (i == 0 || strcmp(all.v[i - 1], all.v[i]) != 0)
            strv_push(a, &trees, all.v[i]);
    watch_trees(g->watch, trees.v, trees.n);
    arena_free(a);
}

static void agent_desired(void *ctx)
{
    say_diags(ctx);
    watch_more(ctx);
    publish_soon(ctx);
}

/* Only what is new: of a thousand apps one has changed. */
static void say_revisions(struct agent *g)
{
    const struct desired *d = g->core.desired;
    struct arena *a = arena_new();
    struct kvs said = {0};
    for (size_t i = 0; i < d->n_apps; i++) {
        const struct want_app *app = &d->apps[i];
        const char *before = kvs_get(&g->revisions_said, app->name);
        if (app->invalid_input)
            continue;
        kvs_set(a, &said, arena_strdup(a, app->name), arena_strdup(a, app->digest));
        if (!before || strcmp(before, app->digest) != 0)
            store_revision(g->store, core_now_ms(), app->name, app->digest, app->origin, "");
    }
    arena_free(g->revisions_arena);
    g->revisions_arena = a;
    g->revisions_said = said;
}

static void read_again(void *user)
{
    struct agent *g = user;
    bool unstable = false;
    g->again = NULL;
    uint64_t placed = g->door ? door_placed(g->door) : 0;
    bool changed = core_scan(&g->core, &unstable);
    if (!unstable)
        g->files_read = placed;
    if (changed) {
        core_desire(&g->core);
        say_diags(g);
        say_revisions(g);
        watch_more(g);
        conductor_files_changed(g->conductor);
        trim_soon(g);
    }
    bool words = core_read_released(&g->core);
    words |= core_read_quarantine(&g->core);
    words |= core_mounts_moved(&g->core);
    if (words || (changed && core_volumes_leave(&g->core)))
        conductor_plan_all(g->conductor);
    publish_soon(g);
    if (unstable && !g->again)
        g->again = http_after(g->core.http, UNSTABLE_MS, read_again, g);
}

static void files_moved(struct agent *g)
{
    http_timer_cancel(g->core.http, g->again);
    g->again = NULL;
    read_again(g);
}

/* Somebody waits for what was placed: it may have been read already, or be the same as before, so that no event comes. */
static void stir(void *ctx)
{
    struct agent *g = ctx;
    http_timer_cancel(g->core.http, TAKE(g->publish));
    files_moved(g);
}

/* ---- the clock ---- */

static void slow_look(void *user)
{
    struct agent *g = user;
    g->slow = http_after(g->core.http, SLOW_LOOK_MS, slow_look, g);
    watch_check(g->watch);
    read_again(g);
    conductor_look_again(g->conductor);
    trim_soon(g);
}

static void collect_images(void *user);

static void collected(void *user, const struct gc_report *r, const struct err *e)
{
    struct agent *g = user;
    CLEANUP(str_release) struct str size = STR_INIT;
    str_add_bytes(&size, r->bytes);
    if (e->kind != ERR_NONE)
        log_line(LOG_WARNING, NULL, "old images stay for now: %s", e->msg);
    else if (r->removed > 0)
        log_line(LOG_INFO, NULL, "%zu image%s of old builds removed (%s at most)", r->removed,
                 r->removed == 1 ? "" : "s", str_text(&size));
    g->gc = NULL;
    g->collect = http_after(g->core.http, GC_EVERY_MS, collect_images, g);
}

static void collected_one(void *user, const struct gc_item *item, const struct err *e)
{
    (void)user;
    if (e->kind == ERR_NONE)
        log_line(LOG_DEBUG, item->app, "image %s removed: %s", item->ref, item->why);
}

static void collect_bundles(struct agent *g)
{
    CLEANUP(str_release) struct str size = STR_INIT;
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *folder = door_bundles(g->door, a);
    struct bundles_gc r;
    if (!folder)
        return;
    bundles_gc(g->core.sources, folder, core_now_ms(), false, &r);
    str_add_bytes(&size, r.bytes);
    if (r.removed > 0)
        log_line(LOG_INFO, NULL, "%zu uploaded archive%s that no spec names removed (%s)",
                 r.removed, r.removed == 1 ? "" : "s", str_text(&size));
}

static void collect_images(void *user)
{
    struct agent *g = user;
    g->collect = NULL;
    if (conductor_runs(g->conductor) > 0 || contexts_busy(g->core.contexts) ||
        !conductor_looked(g->conductor))
        g->collect = http_after(g->core.http, GC_BUSY_MS, collect_images, g);
    else {
        collect_bundles(g);
        g->gc = gc_begin(&(struct gc_options){.core = &g->core,
                                              .store = g->store,
                                              .each = collected_one,
                                              .over = collected,
                                              .user = g});
    }
}

static void leave_now(void *user)
{
    ((struct agent *)user)->left = true;
}

static void leave(struct agent *g, int number)
{
    if (g->leaving) {
        g->left = true; /* asked twice: go */
        return;
    }
    size_t n = conductor_runs(g->conductor);
    log_line(LOG_INFO, NULL, "%s: leaving%s; what runs goes on running", strsignal(number),
             n > 0 ? ", finishing what is in flight" : "");
    g->leaving = true;
    http_timer_cancel(g->core.http, TAKE(g->collect));
    door_close_desk(g->door);
    web_keeper_leave(g->web);
    conductor_stop(g->conductor);
    (void)http_after(g->core.http, LEAVE_MS, leave_now, g);
}

static void take_signals(struct agent *g)
{
    struct signalfd_siginfo si;
    while (read(g->signals, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
        if (si.ssi_signo == SIGHUP) {
            log_line(LOG_INFO, NULL, "SIGHUP: looking at everything again");
            files_moved(g);
            conductor_look_again(g->conductor);
        } else {
            leave(g, (int)si.ssi_signo);
        }
    }
}

static int run_loop(struct agent *g, struct err *e)
{
    while (!(g->left || (g->leaving && conductor_runs(g->conductor) == 0))) {
        struct curl_waitfd fds[2] = {
            {.fd = watch_fd(g->watch), .events = CURL_WAIT_POLLIN},
            {.fd = g->signals, .events = CURL_WAIT_POLLIN},
        };
        if (http_poll(g->core.http, fds, ARRAY_LEN(fds), -1, e) < 0)
            return -1;
        if (core_collect(&g->core))
            conductor_files_changed(g->conductor);
        if (fds[1].revents)
            take_signals(g);
        if (fds[0].revents) {
            watch_seen(g->watch);
            files_moved(g);
        }
    }
    return 0;
}

/* ---- start ---- */

static int open_signals(struct err *e)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &set, NULL); /* before any thread, so that all inherit it */
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? err_set(e, ERR_BUG, "signalfd failed") : fd;
}

static int open_folders(struct agent *g, struct strv *watched, const char **doorbell, struct err *e)
{
    static const char *const names[] = {"overrides",  "confirm-removals", "secrets",
                                        "quarantine", "mounts",           ".doorbell"};
    const char *path = NULL;
    for (size_t i = 0; i < g->o->roots.n; i++)
        strv_push(g->own, watched, fsx_absolute(g->o->roots.v[i], g->own));
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        path = fsx_join(g->o->state, names[i], g->own);
        if (fsx_mkdirs(path, 0700, e) < 0)
            return err_wrap(e, "state directory");
        if (i + 1 < ARRAY_LEN(names))
            strv_push(g->own, watched, path);
    }
    *doorbell = path;
    return 0;
}

/* Has somebody asked us to leave before we began? */
static bool told_to_leave(struct agent *g, int wait_ms)
{
    struct pollfd signalled = {.fd = g->signals, .events = POLLIN};
    struct signalfd_siginfo si;
    if (poll(&signalled, 1, wait_ms) <= 0)
        return false;
    return read(g->signals, &si, sizeof(si)) == (ssize_t)sizeof(si) && si.ssi_signo != SIGHUP;
}

/* An apply ends by itself, and an agent is meant to be there: it waits for the one, and leaves to another agent. Who has just
 * taken the lock may not have written who it is, so one answer is not believed. */
static int wait_for_lock(struct agent *g, struct err *e)
{
    int agents = 0;
    for (bool said = false;;) {
        int fd = lock_take(g->o->state, LOCK_AGENT, e);
        if (fd >= 0 || e->kind != ERR_CONFLICT)
            return fd;
        struct lock_owner other = lock_owner(g->o->state);
        agents = other.pid && other.role == LOCK_AGENT ? agents + 1 : 0;
        if (agents > 1)
            return -1;
        if (other.pid && other.role == LOCK_APPLY && !said) {
            log_line(LOG_INFO, NULL, "waiting for `evenkeel apply` (pid %d) to end",
                     (int)other.pid);
            said = true;
        }
        if (told_to_leave(g, LOCK_AGAIN_MS)) {
            g->never_began = true;
            return -1;
        }
        *e = (struct err){0};
    }
}

static int open_agent(struct agent *g, struct err *e)
{
    struct strv watched = {0};
    const char *doorbell = NULL;
    g->signals = open_signals(e);
    if (g->signals < 0)
        return -1;
    g->lock = wait_for_lock(g, e);
    if (g->lock < 0 || open_folders(g, &watched, &doorbell, e) < 0)
        return -1;
    struct err no_store = {0};
    g->store = store_open(g->o->state, &no_store);
    if (!g->store)
        log_line(LOG_WARNING, NULL, "no history is kept: %s", no_store.msg);
    if (strcmp(g->o->listen, "none") != 0)
        open_door(g);
    (void)unsetenv("EVENKEEL_ADMIN_PASSWORD"); /* no child is to have it */
    g->builds = buildlog_new(g->o->state);
    g->packing = packing_new(g->o->state);
    g->watch = watch_new(watched.v, watched.n, doorbell, e);
    if (!g->watch)
        return -1;
    if (core_open(&g->core, g->o, CORE_FILES | CORE_ENGINE, e) < 0)
        return -1;
    core_open_gateway(&g->core);
    return 0;
}

static int run_agent(struct agent *g, struct err *e)
{
    g->feed = stream_feed_new(g->door ? door_stream(g->door) : NULL);
    struct recorder recorders[] = {narrate_recorder(),
                                   diary_recorder(g->store),
                                   buildlog_recorder(g->builds),
                                   packing_recorder(g->packing),
                                   figures_recorder(door_figures(g->door)),
                                   stream_feed_recorder(g->feed)};
    struct conductor_options co = {
        .core = &g->core,
        .recorders = recorders,
        .n_recorders = ARRAY_LEN(recorders),
        .told = agent_told,
        .said = agent_said,
        .desired = agent_desired,
        .looked = agent_looked,
        .passed = agent_passed,
        .store = g->store,
        .ctx = g,
    };
    core_load_history(&g->core);
    (void)core_scan(&g->core, NULL);
    core_desire(&g->core);
    say_diags(g);
    say_revisions(g);
    log_line(LOG_INFO, NULL, "evenkeel %s, owner %s: %zu apps in %zu root%s, engine %s",
             evenkeel_version(), g->o->settings.owner, g->core.desired->n_apps, g->o->roots.n,
             g->o->roots.n == 1 ? "" : "s", g->o->docker);
    g->drift = drift_diary_new(g->store, g->o->state, agent_drifted, g);
    g->notify = notify_new(&(struct notify_options){.http = g->core.http,
                                                    .hooks = &g->o->notify,
                                                    .state_dir = g->o->state,
                                                    .owner = g->o->settings.owner});
    g->conductor = conductor_new(&co);
    conductor_start(g->conductor);
    if (g->door && door_open_desk(g->door, &g->core, g->conductor, e) < 0)
        return -1;
    if (g->door)
        door_join_loop(g->door, &g->core, stir, g);
    g->web = web_keeper_new(g->core.http, g->o->listen, g->door);
    publish_soon(g);
    g->slow = http_after(g->core.http, SLOW_LOOK_MS, slow_look, g);
    g->collect = http_after(g->core.http, GC_FIRST_MS, collect_images, g);
    g->again = http_after(g->core.http, UNSTABLE_MS, read_again,
                          g); /* what changed while the watches were set */
    return run_loop(g, e);
}

int cli_agent(const struct options *o)
{
    struct err e = {0};
    struct agent g = {.o = o, .signals = -1, .lock = -1, .own = arena_new()};
    log_init(o->log);
    /* Many small arenas per thread would cost memory; one is enough for a loop and a writer. */
    (void)mallopt(M_ARENA_MAX, 2);
    int rc = 0;
    if (open_agent(&g, &e) < 0 || run_agent(&g, &e) < 0)
        rc = g.never_began ? 0 : cli_fail(&e);
    if (web_keeper_free(g.web))
        door_free(g.door);
    watch_free(g.watch);
    notify_free(g.notify);
    drift_diary_free(g.drift);
    store_close(g.store);
    if (g.conductor && conductor_runs(g.conductor) == 0) {
        conductor_free(g.conductor);
        core_close(&g.core);
        gc_free(g.gc);
        buildlog_free(g.builds);
        stream_feed_free(g.feed);
        packing_free(g.packing);
    }
    free(g.diags_said);
    arena_free(g.revisions_arena);
    arena_free(g.own);
    if (rc == 0)
        log_line(LOG_INFO, NULL, "left");
    return rc;
}
