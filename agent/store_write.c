/* store_write.c: what is written into the diary, and how long it stays.
 *
 * In: calls from the loop, copied into jobs; later, on the writer thread, lists of jobs. Out: one transaction per list.
 * Each kind of job is one statement. The diary is bounded: 90 days and 10 000 runs, as many changes of state, 100
 * revisions of an app, 50 passes and 16 MiB of them. It refuses to fail for one row: what a constraint rejects is left out. */
#include <string.h>
#include <time.h>

#include "agent/store.h"
#include "agent/store_job.h"
#include "spec/base/arena.h"

#define PASSES_BYTES (16 * 1024 * 1024)

/* Integers are ?1 to ?3, texts ?4 to ?10, the blob ?11. */
/* clang-format off */
static const char *const statements[] = {
    [JOB_RUN_STARTED]    = "INSERT OR REPLACE INTO runs (id, ms, app, digest, cause) VALUES (?1, ?2, ?4, ?5, ?6)",
    [JOB_ACTION_STARTED] = "INSERT OR REPLACE INTO actions (run, seq, ms, kind, subject, cause)"
                           " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [JOB_ACTION_ENDED]   = "UPDATE actions SET ended_ms = ?3, result = ?4, error = ?5 WHERE run = ?1 AND seq = ?2",
    [JOB_RUN_ENDED]      = "UPDATE runs SET ended_ms = ?2, result = ?4, error = ?5 WHERE id = ?1",
    [JOB_STATE]          = "INSERT INTO states (ms, app, state, why) VALUES (?1, ?4, ?5, ?6)",
    [JOB_REVISION]       = "INSERT OR IGNORE INTO revisions (ms, app, digest, origin, text)"
                           " VALUES (?1, ?4, ?5, ?6, ?7)",
    [JOB_HASH_SET]       = "INSERT OR REPLACE INTO last_hash (container, hash) VALUES (?4, ?5)",
    [JOB_HASH_GONE]      = "DELETE FROM last_hash WHERE container = ?4",
    [JOB_IMAGE_USED]     = "INSERT OR REPLACE INTO image_use (image, ms) VALUES (?4, ?1)",
    [JOB_IMAGE_GONE]     = "DELETE FROM image_use WHERE image = ?4",
    [JOB_HAND_SET]       = "INSERT OR REPLACE INTO hands (object, app, what) VALUES (?4, ?5, ?6)",
    [JOB_HANDS_GONE]     = "DELETE FROM hands WHERE app = ?4",
    [JOB_PASS]           = "INSERT INTO passes (ms, bytes, cause, plan_text, input) VALUES (?1, ?2, ?4, ?5, ?11)",
    [JOB_DRIFT_BEGAN]    = "INSERT OR REPLACE INTO drifts (id, ms, when_ms, app, object, field, want, have, cause, event)"
                           " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    [JOB_DRIFT_ENDED]    = "UPDATE drifts SET ended_ms = ?2 WHERE id = ?1",
};

/* ?1: the time before which things are old. */
static const char *const prunes[] = {
    "DELETE FROM runs WHERE ms < ?1 OR id <= (SELECT id FROM runs ORDER BY id DESC LIMIT 1 OFFSET 10000)",
    "DELETE FROM actions WHERE run < (SELECT coalesce(min(id), 9223372036854775807) FROM runs)",
    /* the last word about an app stays */
    "DELETE FROM states WHERE (ms < ?1 OR id <= (SELECT id FROM states ORDER BY id DESC LIMIT 1 OFFSET 10000))"
    " AND id NOT IN (SELECT max(id) FROM states GROUP BY app)",
    "DELETE FROM revisions WHERE (app, digest) IN (SELECT app, digest FROM (SELECT app, digest, row_number()"
    " OVER (PARTITION BY app ORDER BY ms DESC, digest) AS nth FROM revisions) WHERE nth > 100)",
    "DELETE FROM image_use WHERE ms < ?1",
    "DELETE FROM drifts WHERE ms < ?1 OR id <= (SELECT id FROM drifts ORDER BY id DESC LIMIT 1 OFFSET 10000)",
};

static const char *const ring[] = {
    "DELETE FROM passes WHERE id <= (SELECT id FROM passes ORDER BY id DESC LIMIT 1 OFFSET 50)",
    "DELETE FROM passes WHERE id IN (SELECT id FROM (SELECT id, sum(bytes) OVER (ORDER BY id DESC) AS total"
    " FROM passes) WHERE total > 16777216)",
};
/* clang-format on */

enum { KEEP_DAYS = 90 };

/* ---- the loop's side ---- */

static size_t size_of(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

static const char *copy_text(char **at, const char *text)
{
    size_t n = size_of(text);
    char *to = *at;

    if (!text)
        return NULL;
    memcpy(to, text, n);
    *at += n;
    return to;
}

static void queue(struct store *s, const struct store_job *want)
{
    size_t bytes = sizeof(*want) + want->blob_n;
    struct store_job *job;
    char *at;

    if (!s)
        return;
    for (size_t i = 0; i < ARRAY_LEN(want->text); i++)
        bytes += size_of(want->text[i]);
    job = xcalloc(1, bytes);
    *job = *want;
    job->bytes = bytes;
    at = (char *)(job + 1);
    for (size_t i = 0; i < ARRAY_LEN(want->text); i++)
        job->text[i] = copy_text(&at, want->text[i]);
    if (want->blob_n > 0)
        memcpy(at, want->blob, want->blob_n);
    job->blob = at;
    store_queue(s, job);
}

static const char *some(const char *text)
{
    return text ? text : "";
}

void store_run_started(struct store *s, uint64_t run, int64_t ms, const char *app,
                       const char *digest, const char *cause)
{
    queue(s, &(struct store_job){.kind = JOB_RUN_STARTED,
                                 .n = {(int64_t)run, ms},
                                 .text = {app, some(digest), some(cause)}});
}

void store_action_started(struct store *s, uint64_t run, unsigned seq, int64_t ms, const char *kind,
                          const char *subject, const char *cause)
{
    queue(s, &(struct store_job){.kind = JOB_ACTION_STARTED,
                                 .n = {(int64_t)run, seq, ms},
                                 .text = {kind, some(subject), cause}});
}

void store_action_ended(struct store *s, uint64_t run, unsigned seq, int64_t ms, const char *result,
                        const char *error)
{
    queue(s, &(struct store_job){
                 .kind = JOB_ACTION_ENDED, .n = {(int64_t)run, seq, ms}, .text = {result, error}});
}

void store_run_ended(struct store *s, uint64_t run, int64_t ms, const char *result,
                     const char *error)
{
    queue(s, &(struct store_job){
                 .kind = JOB_RUN_ENDED, .n = {(int64_t)run, ms}, .text = {result, error}});
}

void store_app_state(struct store *s, int64_t ms, const char *app, const char *state,
                     const char *why)
{
    queue(s, &(struct store_job){.kind = JOB_STATE, .n = {ms}, .text = {app, state, why}});
}

void store_revision(struct store *s, int64_t ms, const char *app, const char *digest,
                    const char *origin, const char *text)
{
    queue(s, &(struct store_job){
                 .kind = JOB_REVISION, .n = {ms}, .text = {app, digest, some(origin), some(text)}});
}

void store_last_hash(struct store *s, const char *container, const char *hash)
{
    queue(s, &(struct store_job){.kind = hash ? JOB_HASH_SET : JOB_HASH_GONE,
                                 .text = {container, hash}});
}

void store_hand(struct store *s, const char *app, const char *object, const char *what)
{
    queue(s, &(struct store_job){.kind = JOB_HAND_SET, .text = {object, app, what}});
}

void store_hands_gone(struct store *s, const char *app)
{
    queue(s, &(struct store_job){.kind = JOB_HANDS_GONE, .text = {app}});
}

void store_image_used(struct store *s, int64_t ms, const char *image)
{
    queue(s, &(struct store_job){.kind = JOB_IMAGE_USED, .n = {ms}, .text = {image}});
}

void store_image_gone(struct store *s, const char *image)
{
    queue(s, &(struct store_job){.kind = JOB_IMAGE_GONE, .text = {image}});
}

void store_drift_began(struct store *s, const struct store_drift *d)
{
    queue(s, &(struct store_job){
                 .kind = JOB_DRIFT_BEGAN,
                 .n = {(int64_t)d->id, d->ms, d->when_ms},
                 .text = {d->app, d->object, d->field, d->want, d->have, d->cause, d->event}});
}

void store_drift_ended(struct store *s, uint64_t id, int64_t ms)
{
    queue(s, &(struct store_job){.kind = JOB_DRIFT_ENDED, .n = {(int64_t)id, ms}});
}

void store_pass(struct store *s, int64_t ms, const char *trigger, const char *input, size_t n,
                const char *plan_text)
{
    if (n > PASSES_BYTES)
        return; /* alone more than the ring may hold */
    queue(s, &(struct store_job){.kind = JOB_PASS,
                                 .n = {ms, (int64_t)n},
                                 .text = {some(trigger), some(plan_text)},
                                 .blob = input,
                                 .blob_n = n});
}

/* ---- the writer's side ---- */

static int step_once(sqlite3 *db, const char *sql, int64_t first)
{
    sqlite3_stmt *q = NULL;
    int code = sqlite3_prepare_v2(db, sql, -1, &q, NULL);

    if (code == SQLITE_OK && sqlite3_bind_parameter_count(q) > 0)
        code = sqlite3_bind_int64(q, 1, first);
    if (code == SQLITE_OK)
        code = sqlite3_step(q);
    (void)sqlite3_finalize(q);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int prune(sqlite3 *db)
{
    int64_t old_ms = ((int64_t)time(NULL) - (int64_t)KEEP_DAYS * 24 * 3600) * 1000;
    int code = SQLITE_OK;

    for (size_t i = 0; i < ARRAY_LEN(prunes) && code == SQLITE_OK; i++)
        code = step_once(db, prunes[i], old_ms);
    return code;
}

static int bind_job(sqlite3_stmt *q, const struct store_job *job)
{
    int code = SQLITE_OK, first_text = (int)ARRAY_LEN(job->n) + 1;
    int blob = first_text + (int)ARRAY_LEN(job->text), count = sqlite3_bind_parameter_count(q);

    for (int i = 0; i < (int)ARRAY_LEN(job->n) && i < count && code == SQLITE_OK; i++)
        code = sqlite3_bind_int64(q, i + 1, job->n[i]);
    for (int i = 0; i < (int)ARRAY_LEN(job->text) && first_text + i <= count && code == SQLITE_OK;
         i++)
        code = sqlite3_bind_text(q, first_text + i, job->text[i], -1, SQLITE_STATIC);
    if (blob <= count && code == SQLITE_OK)
        code = job->blob_n > 0 ? sqlite3_bind_blob64(q, blob, job->blob, job->blob_n, SQLITE_STATIC)
                               : sqlite3_bind_zeroblob(q, blob, 0);
    return code;
}

static int write_job(sqlite3 *db, sqlite3_stmt **cache, const struct store_job *job)
{
    sqlite3_stmt **q = &cache[job->kind];
    int code = SQLITE_OK;

    if (!*q)
        code = sqlite3_prepare_v2(db, statements[job->kind], -1, q, NULL);
    if (code == SQLITE_OK)
        code = bind_job(*q, job);
    if (code == SQLITE_OK)
        code = sqlite3_step(*q);
    (void)sqlite3_reset(*q);
    return code == SQLITE_DONE || (code & 0xff) == SQLITE_CONSTRAINT ? SQLITE_OK : code;
}

static int write_all(sqlite3 *db, const struct store_job *list)
{
    sqlite3_stmt *cache[ARRAY_LEN(statements)] = {NULL};
    bool passes = false;
    int code = SQLITE_OK;

    for (const struct store_job *job = list; job && code == SQLITE_OK; job = job->next) {
        code = write_job(db, cache, job);
        passes |= job->kind == JOB_PASS;
    }
    for (size_t i = 0; i < ARRAY_LEN(cache); i++)
        (void)sqlite3_finalize(cache[i]);
    for (size_t i = 0; passes && i < ARRAY_LEN(ring) && code == SQLITE_OK; i++)
        code = step_once(db, ring[i], 0);
    return code;
}

static int in_transaction(sqlite3 *db, int (*work)(sqlite3 *, const struct store_job *),
                          const struct store_job *list)
{
    int code = step_once(db, "BEGIN IMMEDIATE", 0);

    if (code != SQLITE_OK)
        return code;
    code = work(db, list);
    if (code == SQLITE_OK)
        code = step_once(db, "COMMIT", 0);
    if (code != SQLITE_OK && !sqlite3_get_autocommit(db))
        (void)step_once(db, "ROLLBACK", 0);
    return code;
}

int store_write_batch(sqlite3 *db, const struct store_job *list)
{
    return in_transaction(db, write_all, list);
}

static int prune_all(sqlite3 *db, const struct store_job *unused)
{
    (void)unused;
    return prune(db);
}

int store_write_prune(sqlite3 *db)
{
    return in_transaction(db, prune_all, NULL);
}

static int close_open_runs(sqlite3 *db, const struct store_job *unused)
{
    (void)unused;
    int code = step_once(db,
                         "UPDATE actions SET result = 'interrupted' WHERE result IS NULL AND run IN"
                         " (SELECT id FROM runs WHERE result IS NULL)",
                         0);

    if (code != SQLITE_OK)
        return code;
    return step_once(
        db,
        "UPDATE runs SET result = 'interrupted', error = 'the process that carried it out ended"
        " before it' WHERE result IS NULL",
        0);
}

int store_write_open_runs(sqlite3 *db)
{
    return in_transaction(db, close_open_runs, NULL);
}
