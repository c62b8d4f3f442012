/* store.c: the diary's queue and its one writer.
 *
 * In: jobs from any thread, never waiting. Out: transactions, each with everything that was queued for a moment. When the
 * disk cannot keep up (or is full) the queue is bounded: the inputs of old passes are dropped first, then the
 * oldest of the rest. A file that turns out damaged is set aside and begun anew. Trouble is logged once, and once more
 * when it is over. It refuses to make anybody wait, to fail, and to keep memory while there is nothing to write. */
#include "agent/store.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "agent/log.h"
#include "agent/store_job.h"
#include "agent/store_schema.h"
#include "spec/base/arena.h"

enum {
    LINGER_MS = 50,  /* gather what belongs together into one transaction */
    RETRY_MS = 1000, /* first pause after a failure; doubles */
    RETRY_MAX_MS = 30000,
    CLOSE_MS = 5000,
    QUEUE_JOBS = 20000,
    PRUNE_EVERY = 2000, /* jobs */
};
#define QUEUE_BYTES ((size_t)8 * 1024 * 1024)

struct job_list {
    struct store_job *first, **end;
    size_t n, bytes;
};

struct store {
    char *state_dir;
    pthread_t writer;
    sqlite3 *db;        /* the writer's */
    size_t since_prune; /* likewise */

    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t changed;
    struct job_list queue;
    bool stop;
    size_t lost;
    struct err trouble;
};

/* ---- lists of jobs ---- */

static void list_init(struct job_list *l)
{
    *l = (struct job_list){.end = &l->first};
}

static void list_add(struct job_list *l, struct store_job *job)
{
    job->next = NULL;
    *l->end = job;
    l->end = &job->next;
    l->n++;
    l->bytes += job->bytes;
}

static void list_drop(struct job_list *l, struct store_job **at)
{
    struct store_job *job = *at;

    *at = job->next;
    if (!*at)
        l->end = at;
    l->n--;
    l->bytes -= job->bytes;
    free(job);
}

static void list_clear(struct job_list *l)
{
    while (l->first)
        list_drop(l, &l->first);
}

/* Hand everything in from over to to, before what to holds. */
static void list_prepend(struct job_list *to, struct job_list *from)
{
    if (!from->first)
        return;
    *from->end = to->first;
    if (!to->first)
        to->end = from->end;
    to->first = from->first;
    to->n += from->n;
    to->bytes += from->bytes;
    list_init(from);
}

/* ---- the queue ---- */

static void bound_queue(struct store *s)
{
    struct job_list *q = &s->queue;
    struct store_job **at = &q->first;

    while (q->bytes > QUEUE_BYTES || q->n > QUEUE_JOBS) {
        while (*at && (*at)->kind != JOB_PASS)
            at = &(*at)->next;
        if (*at) {
            list_drop(q, at);
        } else {
            list_drop(q, &q->first);
            at = q->end;
        }
        s->lost++;
    }
}

void store_queue(struct store *s, struct store_job *job)
{
    (void)pthread_mutex_lock(&s->lock);
    list_add(&s->queue, job);
    bound_queue(s);
    (void)pthread_cond_signal(&s->changed);
    (void)pthread_mutex_unlock(&s->lock);
}

/* ---- the writer ---- */

static struct timespec from_now(clockid_t clock, int64_t ms)
{
    struct timespec t;

    (void)clock_gettime(clock, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += ms % 1000 * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

/* With the lock held: sleep for ms, or until it is time to stop. */
static void pause_for(struct store *s, int64_t ms)
{
    struct timespec until = from_now(CLOCK_MONOTONIC, ms);

    while (!s->stop && pthread_cond_timedwait(&s->changed, &s->lock, &until) == 0)
        ;
}

static void tell_trouble(struct store *s, const struct err *e)
{
    bool first;

    (void)pthread_mutex_lock(&s->lock);
    first = s->trouble.kind == ERR_NONE;
    s->trouble = *e;
    (void)pthread_mutex_unlock(&s->lock);
    if (first)
        log_line(LOG_WARNING, NULL, "the history cannot be written: %s; trying again", e->msg);
}

static void tell_well(struct store *s)
{
    size_t lost;
    bool was;

    (void)pthread_mutex_lock(&s->lock);
    was = s->trouble.kind != ERR_NONE;
    lost = s->lost;
    s->lost = 0;
    s->trouble = (struct err){0};
    (void)pthread_mutex_unlock(&s->lock);
    if (lost > 0)
        log_line(LOG_WARNING, NULL,
                 "the history lacks %zu entries that could not be written in time", lost);
    else if (was)
        log_line(LOG_INFO, NULL, "the history is being written again");
}

/* The file is damaged: begin anew. */
static int begin_anew(struct store *s, struct err *e)
{
    (void)sqlite3_close(s->db);
    s->db = NULL;
    if (store_schema_set_aside(s->state_dir, e->msg, e) != 0)
        return -1;
    return store_schema_open(s->state_dir, &s->db, e);
}

/* The file that we write is the one that has the name. */
static bool still_there(sqlite3 *db)
{
    int moved = 0;

    return sqlite3_file_control(db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) != SQLITE_OK || !moved;
}

static int write_once(struct store *s, const struct job_list *batch)
{
    int code = batch ? store_write_batch(s->db, batch->first) : store_write_open_runs(s->db);

    if (code != SQLITE_OK || (batch && (s->since_prune += batch->n) < PRUNE_EVERY))
        return code;
    s->since_prune = 0;
    return store_write_prune(s->db);
}

/* Write the batch (NULL: what is done at the start); once more on a new file if this one is damaged. */
static int write_list(struct store *s, const struct job_list *batch, struct err *e)
{
    if (s->db && !still_there(s->db)) {
        (void)sqlite3_close(s->db);
        s->db = NULL;
    }
    for (int try = 0;; try++) {
        if (!s->db && store_schema_open(s->state_dir, &s->db, e) != 0)
            return -1;
        int code = write_once(s, batch);

        if (code == SQLITE_OK)
            break;
        (void)store_schema_fail(s->db, code, e);
        if (!store_schema_damaged(code) || try > 0 || begin_anew(s, e) != 0)
            return -1;
    }
    (void)sqlite3_db_release_memory(s->db);
    return 0;
}

static void *write_for_ever(void *arg)
{
    struct store *s = arg;
    struct job_list batch;
    struct err e = {0};
    int64_t pause_ms = 0;

    (void)pthread_setname_np(pthread_self(), "store");
    list_init(&batch);
    if (write_list(s, NULL, &e) != 0)
        tell_trouble(s, &e);
    (void)pthread_mutex_lock(&s->lock);
    for (;;) {
        while (!s->queue.first && !s->stop)
            (void)pthread_cond_wait(&s->changed, &s->lock);
        if (!s->queue.first)
            break;
        pause_for(s, pause_ms ? pause_ms : LINGER_MS);
        list_prepend(&batch, &s->queue);
        list_init(&s->queue);
        (void)pthread_mutex_unlock(&s->lock);

        int failed = write_list(s, &batch, &e);

        if (failed)
            tell_trouble(s, &e);
        else
            tell_well(s);
        (void)pthread_mutex_lock(&s->lock);
        if (!failed) {
            list_clear(&batch);
            pause_ms = 0;
            continue;
        }
        list_prepend(&s->queue, &batch);
        bound_queue(s);
        pause_ms = pause_ms ? pause_ms * 2 : RETRY_MS;
        if (pause_ms > RETRY_MAX_MS)
            pause_ms = RETRY_MAX_MS;
        if (s->stop)
            break;
    }
    (void)pthread_mutex_unlock(&s->lock);
    (void)sqlite3_close(s->db);
    s->db = NULL;
    return NULL;
}

/* ---- outside ---- */

static void release(struct store *s)
{
    (void)sqlite3_close(s->db);
    list_clear(&s->queue);
    (void)pthread_cond_destroy(&s->changed);
    (void)pthread_mutex_destroy(&s->lock);
    free(s->state_dir);
    free(s);
}

struct store *store_open(const char *state_dir, struct err *e)
{
    struct store *s = xcalloc(1, sizeof(*s));
    pthread_condattr_t clock;
    pthread_attr_t attr;
    int failed;

    list_init(&s->queue);
    s->state_dir = xstrdup(state_dir);
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_condattr_init(&clock);
    (void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&s->changed, &clock);
    (void)pthread_condattr_destroy(&clock);
    if (store_schema_open(state_dir, &s->db, e) != 0) {
        release(s);
        return NULL;
    }
    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setstacksize(&attr, (size_t)512 * 1024);
    failed = pthread_create(&s->writer, &attr, write_for_ever, s);
    (void)pthread_attr_destroy(&attr);
    if (failed) {
        (void)err_errno(e, failed, "cannot start a thread");
        release(s);
        return NULL;
    }
    return s;
}

void store_close(struct store *s)
{
    struct timespec until = from_now(CLOCK_REALTIME, CLOSE_MS);

    if (!s)
        return;
    (void)pthread_mutex_lock(&s->lock);
    s->stop = true;
    (void)pthread_cond_signal(&s->changed);
    (void)pthread_mutex_unlock(&s->lock);
    if (pthread_timedjoin_np(s->writer, NULL, &until) != 0) {
        (void)pthread_detach(s->writer); /* stuck in the disk; it ends with the process */
        return;
    }
    release(s);
}

int store_error(struct store *s, struct err *e)
{
    int failed = 0;

    if (!s)
        return 0;
    (void)pthread_mutex_lock(&s->lock);
    if (s->trouble.kind != ERR_NONE)
        failed = err_set(e, s->trouble.kind, "%s", s->trouble.msg);
    (void)pthread_mutex_unlock(&s->lock);
    return failed;
}
