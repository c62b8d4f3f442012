/* What requests have the loop do.
 *
 * Comes in: wishes of handlers, through a queue that wakes the loop; new facts. Goes out: lines of containers, and the word of how an app ended up, to the stream's clients. Refuses to take an
 * older verdict for the answer: what was sent must have been read, and nothing of the app be under way. */
#include "agent/door_loop.h"

#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "agent/container_match.h"
#include "agent/core.h"
#include "agent/door_facts.h"
#include "agent/stream.h"
#include "spec/base/arena.h"
#include "spec/limits.h"

enum { GONE_KEPT = 256, AGAIN_MAX = 5 };

enum job_kind { JOB_LOGS, JOB_WAIT, JOB_GONE };

struct job {
    struct job *next;
    enum job_kind kind;
    struct door_loop_logs logs; /* texts in `arena`; client of each kind */
    uint64_t read;
    struct arena *arena; /* itself included */
};

struct follow;

struct source { /* one container */
    struct follow *follow;
    const char *id, *name;
    struct logs want;
    struct ticket *ticket; /* NULL: it is over */
    int64_t over_ms;       /* since when */
    int64_t started_ms;    /* of the container, when it was last attached to; 0: not known */
    int again;             /* how often that was in vain */
    bool broke;            /* it did not end: the engine went away */
    struct source *next;
};

struct follow {
    struct follow *next;
    struct door_loop *loop;
    struct door_loop_logs want;
    struct arena *arena; /* itself included */
    struct source *sources;
    size_t open, left_out; /* lines: the stream had no room for them */
    bool begun, labelled, gone;
};

struct wait {
    struct wait *next;
    uint64_t client, read;
    char app[LIMIT_APP_NAME + 1];
};

struct door_loop {
    struct stream *stream;
    struct core *core;
    void (*stir)(void *ctx);
    void *ctx;
    int bell;
    struct http_watch *watch;
    pthread_mutex_t lock; /* guards jobs */
    struct job *jobs;     /* newest first */
    struct follow *follows;
    struct wait *waits;
    uint64_t gone[GONE_KEPT]; /* clients that went before their wish came; 0: none */
    size_t gone_at;
};

/* ---- wishes ---- */

static struct job *job_new(enum job_kind kind, uint64_t client)
{
    struct arena *a = arena_new();
    struct job *j = ARENA_NEW(a, struct job);

    *j = (struct job){.kind = kind, .arena = a, .logs = {.client = client}};
    return j;
}

static void post(struct door_loop *l, struct job *j)
{
    uint64_t one = 1;

    (void)pthread_mutex_lock(&l->lock);
    j->next = l->jobs;
    l->jobs = j;
    (void)pthread_mutex_unlock(&l->lock);
    if (write(l->bell, &one, sizeof(one)) < 0)
        return; /* it rings already */
}

void door_loop_logs(struct door_loop *l, const struct door_loop_logs *want)
{
    struct job *j = job_new(JOB_LOGS, want->client);

    j->logs = *want;
    j->logs.app = arena_strdup(j->arena, want->app);
    j->logs.service = arena_strdup(j->arena, want->service);
    j->logs.grep = arena_strdup(j->arena, want->grep);
    post(l, j);
}

void door_loop_wait(struct door_loop *l, uint64_t client, const char *app, uint64_t read)
{
    struct job *j = job_new(JOB_WAIT, client);

    j->logs.app = arena_strdup(j->arena, app);
    j->read = read;
    post(l, j);
}

void door_loop_gone(struct door_loop *l, uint64_t client)
{
    post(l, job_new(JOB_GONE, client));
}

/* ---- logs ---- */

static void follow_free(struct follow *f)
{
    struct follow **at = &f->loop->follows;

    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
    arena_free(f->arena);
}

static void add_left_out(const struct follow *f, struct str *out)
{
    if (f->left_out > 0)
        str_addf(out, "... %zu lines are left out: they came faster than they were taken ...\n",
                 f->left_out);
}

static void line_came(void *user, bool is_stderr, const char *line, size_t n)
{
    const struct source *s = user;
    struct follow *f = s->follow;
    CLEANUP(str_release) struct str raw = STR_INIT, text = STR_INIT;

    (void)is_stderr;
    if (f->gone)
        return;
    str_addn(&raw, line, n);
    if (f->want.grep && !strstr(str_text(&raw), f->want.grep))
        return;
    add_left_out(f, &text);
    if (f->labelled)
        str_addf(&text, "%s | ", s->name);
    str_add_escaped(&text, str_text(&raw));
    str_add(&text, "\n");
    if (stream_say(f->loop->stream, f->want.client, str_text(&text)))
        f->left_out = 0;
    else
        f->left_out++;
}

static void finish(struct follow *f)
{
    if (f->open > 0 || (f->want.follow && !f->gone))
        return;
    if (!f->gone) {
        CLEANUP(str_release) struct str text = STR_INIT;

        add_left_out(f, &text);
        stream_end(f->loop->stream, f->want.client, str_text(&text), false);
    }
    follow_free(f);
}

static void source_over(void *user, const struct op_result *result)
{
    struct source *s = user;
    struct follow *f = s->follow;

    s->ticket = NULL;
    s->over_ms = core_now_ms();
    s->broke = result->err.kind == ERR_RETRY;
    f->open--;
    if (!f->gone && result->err.kind != ERR_NONE && result->err.kind != ERR_STALE) {
        CLEANUP(str_release) struct str text = STR_INIT;

        str_addf(&text, "... %s: ", s->name);
        str_add_escaped(&text, result->err.msg);
        str_add(&text, "\n");
        (void)stream_say(f->loop->stream, f->want.client, str_text(&text));
    }
    finish(f);
}

static struct source *source_of(const struct follow *f, const char *id)
{
    struct source *s = f->sources;

    while (s && strcmp(s->id, id) != 0)
        s = s->next;
    return s;
}

/* One whose log ends while it runs on, because its driver keeps none, is not asked again until it is started again. */
static bool is_heard_out(struct source *s, const struct obs_container *x)
{
    if (x->state != CS_RUNNING)
        return true;
    if (x->started_ms != s->started_ms) {
        s->again = 0;
        return false;
    }
    return !s->broke || ++s->again > AGAIN_MAX;
}

/* A container that is new, or was started again. */
static void attach(struct follow *f, const struct obs_container *x)
{
    struct driver *d = f->loop->core->driver;
    struct source *s = source_of(f, x->id);

    if (s && (s->ticket || is_heard_out(s, x)))
        return;
    if (!s) {
        s = ARENA_NEW(f->arena, struct source);
        *s = (struct source){.follow = f,
                             .id = arena_strdup(f->arena, x->id),
                             .name = arena_strdup(f->arena, x->name),
                             .over_ms = f->want.since_ms,
                             .next = f->sources};
        f->sources = s;
    }
    s->want = (struct logs){.container = s->id,
                            .follow = f->want.follow,
                            .timestamps = f->want.timestamps,
                            .tail = f->begun ? -1 : f->want.tail, /* later ones: all of it */
                            .since_ms = s->over_ms};
    s->started_ms = x->started_ms;
    f->open++;
    s->ticket = d->ops->logs(d, &s->want, line_came, source_over, s);
}

/* The containers that are there now. */
static void attach_all(struct follow *f, const struct observed *o)
{
    const char *owner = f->loop->core->options->settings.owner;
    size_t found = 0;

    for (size_t pass = 0; pass < 2; pass++) {
        if (pass == 1 && !f->begun)
            f->labelled = found > 1;
        for (size_t i = 0; i < o->n_containers; i++) {
            const struct obs_container *x = &o->containers[i];

            if (!container_match(x, owner, f->want.app, f->want.service, f->want.index))
                continue;
            found++;
            if (pass == 1)
                attach(f, x);
        }
    }
    if (!f->begun && found == 0)
        (void)stream_say(f->loop->stream, f->want.client,
                         f->want.follow ? "... no container yet ...\n"
                                        : "... it has no container ...\n");
    f->begun = true;
}

static void begin_logs(struct door_loop *l, struct job *j)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct follow *f = ARENA_NEW(j->arena, struct follow);

    *f = (struct follow){.next = l->follows, .loop = l, .want = j->logs, .arena = j->arena};
    l->follows = f;
    attach_all(f, core_observed(l->core, a));
    finish(f);
}

static bool gone_logs(struct door_loop *l, uint64_t client)
{
    struct follow *f = l->follows;

    while (f && f->want.client != client)
        f = f->next;
    if (!f || f->gone)
        return f != NULL;
    f->gone = true;
    for (struct source *s = f->sources; s; s = s->next)
        if (s->ticket)
            l->core->driver->ops->cancel(l->core->driver, s->ticket);
    finish(f);
    return true;
}

/* ---- waiting ---- */

/* 1: as it should be; 0: still on its way; -1: this is the end of it. */
static int outcome(const struct door_app *x)
{
    switch (x->word) {
    case APP_SYNCED:
    case APP_COMPLETED:
    case APP_STOPPED: return 1;
    case APP_PROGRESSING:
    case APP_MISSING: return 0;
    case APP_DEGRADED:
    case APP_REFUSED:
    case APP_FROZEN:
    case APP_HELD:
    case APP_OUT_OF_SYNC: return -1;
    }
    return 0;
}

static bool decided(const struct door_loop *l, const struct wait *w, const struct door_facts *f)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    const struct door_app *x = f->read >= w->read ? door_facts_app(f, w->app) : NULL;
    int how = x && x->settled ? outcome(x) : 0;

    if (how == 0)
        return false;
    str_addf(&text, "%s: %s is %s%s%s\n", how > 0 ? "ok" : "failed", w->app, x->state,
             *x->why ? ": " : "", x->why);
    stream_end(l->stream, w->client, str_text(&text), how < 0);
    return true;
}

static void drop_wait(struct wait **at)
{
    struct wait *w = *at;

    *at = w->next;
    free(w);
}

static void begin_wait(struct door_loop *l, const struct job *j)
{
    struct wait *w = xcalloc(1, sizeof(*w));

    w->client = j->logs.client;
    w->read = j->read;
    (void)snprintf(w->app, sizeof(w->app), "%s", j->logs.app);
    w->next = l->waits;
    l->waits = w;
    l->stir(l->ctx);
}

static bool gone_wait(struct door_loop *l, uint64_t client)
{
    for (struct wait **at = &l->waits; *at; at = &(*at)->next)
        if ((*at)->client == client) {
            drop_wait(at);
            return true;
        }
    return false;
}

bool door_loop_waits(const struct door_loop *l)
{
    return l->waits != NULL;
}

void door_loop_known(struct door_loop *l, const struct door_facts *f)
{
    for (struct wait **at = &l->waits; *at;)
        if (decided(l, *at, f))
            drop_wait(at);
        else
            at = &(*at)->next;
    if (!l->follows)
        return;
    struct arena *a = arena_new();
    const struct observed *o = core_observed(l->core, a);

    for (struct follow *x = l->follows; x; x = x->next)
        if (x->want.follow && !x->gone)
            attach_all(x, o);
    arena_free(a);
}

/* ---- the queue's end ---- */

/* The stream may let a client go before its handler has said what it wants. */
static bool went_before(const struct door_loop *l, uint64_t client)
{
    for (size_t i = 0; i < GONE_KEPT; i++)
        if (l->gone[i] == client)
            return true;
    return false;
}

static void client_gone(struct door_loop *l, uint64_t client)
{
    if (!gone_logs(l, client) && !gone_wait(l, client))
        l->gone[l->gone_at++ % GONE_KEPT] = client;
}

/* Frees j, or keeps its arena. */
static void do_job(struct door_loop *l, struct job *j)
{
    bool late = j->kind != JOB_GONE && went_before(l, j->logs.client);

    switch (j->kind) {
    case JOB_LOGS:
        if (late)
            break;
        begin_logs(l, j);
        return;
    case JOB_WAIT:
        if (!late)
            begin_wait(l, j);
        break;
    case JOB_GONE: client_gone(l, j->logs.client); break;
    }
    arena_free(j->arena);
}

static struct job *oldest_first(struct job *j)
{
    struct job *first = NULL;

    while (j) {
        struct job *next = j->next;

        j->next = first;
        first = j;
        j = next;
    }
    return first;
}

static void take_jobs(void *user)
{
    struct door_loop *l = user;
    uint64_t ignored;

    if (read(l->bell, &ignored, sizeof(ignored)) < 0)
        return;
    (void)pthread_mutex_lock(&l->lock);
    struct job *j = oldest_first(TAKE(l->jobs));

    (void)pthread_mutex_unlock(&l->lock);
    while (j) {
        struct job *next = j->next;

        do_job(l, j);
        j = next;
    }
}

struct door_loop *door_loop_new(struct stream *s, struct core *core, void (*stir)(void *ctx),
                                void *ctx)
{
    struct door_loop *l = xcalloc(1, sizeof(*l));

    *l = (struct door_loop){.stream = s, .core = core, .stir = stir, .ctx = ctx};
    (void)pthread_mutex_init(&l->lock, NULL);
    l->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    l->watch = http_watch(core->http, l->bell, take_jobs, l);
    return l;
}

void door_loop_free(struct door_loop *l)
{
    if (!l)
        return;
    http_unwatch(l->core->http, l->watch);
    (void)close(l->bell);
    while (l->follows)
        follow_free(l->follows);
    while (l->waits)
        drop_wait(&l->waits);
    for (struct job *j = l->jobs, *next; j; j = next) {
        next = j->next;
        arena_free(j->arena);
    }
    (void)pthread_mutex_destroy(&l->lock);
    free(l);
}
