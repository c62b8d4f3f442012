/* store_read.c: what the diary holds, for people and for a start.
 *
 * In: the state directory, on each call a connection of its own for reading, beside the agent that writes. Out: entries
 * through a callback, or texts in an arena. Times are those of the last thing told about an entry when following, and of its
 * beginning in the history. It refuses to write, and to take a missing diary for an error other than ERR_MISSING. */
#include <sqlite3.h>
#include <string.h>

#include "agent/store.h"
#include "agent/store_schema.h"
#include "spec/base/arena.h"

static void closep(sqlite3 **db)
{
    (void)sqlite3_close(*db);
}

static void finalizep(sqlite3_stmt **q)
{
    (void)sqlite3_finalize(*q);
}

/* ms, took, run, app, what, result, text, error; ?1 app or NULL, ?2 limit or time */
/* clang-format off */
#define RUN_COLUMNS(time) \
    "SELECT " time " AS at, coalesce(ended_ms - ms, 0) AS took, id AS run, app, 'run' AS what, result, cause AS text," \
    " error, 2 AS rank FROM runs"
#define STATE_COLUMNS \
    "SELECT ms AS at, 0 AS took, id AS run, app, 'state' AS what, state AS result, why AS text, NULL AS error," \
    " 3 AS rank FROM states"
#define REVISION_COLUMNS \
    "SELECT ms AS at, 0 AS took, 0 AS run, app, 'revision' AS what, NULL AS result," \
    " substr(digest, 1, 12) || CASE origin WHEN '' THEN '' ELSE ' from ' || origin END AS text, NULL AS error," \
    " 0 AS rank FROM revisions"
#define ACTION_COLUMNS(time) \
    "SELECT " time " AS at, coalesce(a.ended_ms - a.ms, 0) AS took, a.run AS run, r.app AS app, 'action' AS what," \
    " a.result AS result, a.kind || ' ' || a.subject || CASE WHEN a.cause IS NULL OR a.cause = '' THEN ''" \
    " ELSE ' (' || a.cause || ')' END AS text, a.error AS error, 1 AS rank" \
    " FROM actions a LEFT JOIN runs r ON r.id = a.run"

static const char history_sql[] =
    "SELECT * FROM (" RUN_COLUMNS("ms") " UNION ALL " STATE_COLUMNS " UNION ALL " REVISION_COLUMNS ")"
    " WHERE ?1 IS NULL OR instr(?1, ',' || app || ',') > 0 ORDER BY at DESC, rank DESC, run DESC LIMIT ?2";
static const char actions_sql[] = ACTION_COLUMNS("a.ms") " WHERE a.run = ?1 ORDER BY a.seq";
static const char follow_sql[] =
    "SELECT * FROM (" RUN_COLUMNS("coalesce(ended_ms, ms)") " UNION ALL " STATE_COLUMNS " UNION ALL " REVISION_COLUMNS
    " UNION ALL " ACTION_COLUMNS("coalesce(a.ended_ms, a.ms)") ")"
    " WHERE at > ?1 ORDER BY at, rank, run";
/* clang-format on */

static const char *column(sqlite3_stmt *q, int i)
{
    return (const char *)sqlite3_column_text(q, i);
}

static struct store_entry entry_of(sqlite3_stmt *q)
{
    bool has_run = column(q, 4)[0] == 'r' || column(q, 4)[0] == 'a';

    return (struct store_entry){
        .ms = sqlite3_column_int64(q, 0),
        .took_ms = sqlite3_column_int64(q, 1),
        .run = has_run ? (uint64_t)sqlite3_column_int64(q, 2) : 0,
        .app = column(q, 3) ? column(q, 3) : "",
        .what = column(q, 4),
        .result = column(q, 5),
        .text = column(q, 6),
        .error = column(q, 7),
    };
}

static int finish(sqlite3 *db, int code, const char *state_dir, struct err *e)
{
    if (code == SQLITE_DONE)
        return 0;
    (void)store_schema_fail(db, code, e);
    return err_wrap(e, "%s/" STORE_FILE, state_dir);
}

static int tell_actions(sqlite3 *db, uint64_t run, store_entry_fn *fn, void *user)
{
    CLEANUP(finalizep) sqlite3_stmt *q = NULL;
    int code = sqlite3_prepare_v2(db, actions_sql, -1, &q, NULL);

    if (code == SQLITE_OK)
        code = sqlite3_bind_int64(q, 1, (int64_t)run);
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(q);
        if (code == SQLITE_ROW) {
            struct store_entry entry = entry_of(q);

            fn(user, &entry);
        }
    }
    return code;
}

static const char *among(const struct strv *apps, struct str *names)
{
    if (!apps)
        return NULL;
    str_addc(names, ',');
    for (size_t i = 0; i < apps->n; i++)
        str_addf(names, "%s,", apps->v[i]);
    return str_text(names);
}

int store_history(const char *state_dir, const struct strv *apps, int limit, bool with_actions,
                  store_entry_fn *fn, void *user, struct err *e)
{
    CLEANUP(str_release) struct str names = STR_INIT; /* ",blog,shop,": names have no comma */
    CLEANUP(closep) sqlite3 *db = NULL;
    CLEANUP(finalizep) sqlite3_stmt *q = NULL;

    if (store_schema_read(state_dir, &db, e) != 0)
        return -1;
    int code = sqlite3_prepare_v2(db, history_sql, -1, &q, NULL);

    if (code == SQLITE_OK)
        code = sqlite3_bind_text(q, 1, among(apps, &names), -1, SQLITE_STATIC);
    if (code == SQLITE_OK)
        code = sqlite3_bind_int(q, 2, limit);
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(q);
        if (code != SQLITE_ROW)
            break;
        struct store_entry entry = entry_of(q);

        fn(user, &entry);
        if (with_actions && entry.what[0] == 'r' && entry.what[1] == 'u') {
            int inner = tell_actions(db, entry.run, fn, user);

            if (inner != SQLITE_DONE)
                code = inner;
        }
    }
    return finish(db, code, state_dir, e);
}

int store_follow(const char *state_dir, int64_t after_ms, store_entry_fn *fn, void *user,
                 struct err *e)
{
    CLEANUP(closep) sqlite3 *db = NULL;
    CLEANUP(finalizep) sqlite3_stmt *q = NULL;

    if (store_schema_read(state_dir, &db, e) != 0)
        return -1;
    int code = sqlite3_prepare_v2(db, follow_sql, -1, &q, NULL);

    if (code == SQLITE_OK)
        code = sqlite3_bind_int64(q, 1, after_ms);
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(q);
        if (code == SQLITE_ROW) {
            struct store_entry entry = entry_of(q);

            fn(user, &entry);
        }
    }
    return finish(db, code, state_dir, e);
}

static struct store_drift drift_of(sqlite3_stmt *q)
{
    return (struct store_drift){
        .id = (uint64_t)sqlite3_column_int64(q, 0),
        .ms = sqlite3_column_int64(q, 1),
        .when_ms = sqlite3_column_int64(q, 2),
        .ended_ms = sqlite3_column_int64(q, 3),
        .app = column(q, 4) ? column(q, 4) : "",
        .object = column(q, 5) ? column(q, 5) : "",
        .field = column(q, 6) ? column(q, 6) : "",
        .want = column(q, 7),
        .have = column(q, 8),
        .cause = column(q, 9),
        .event = column(q, 10),
    };
}

int store_drifts(const char *state_dir, const char *app, bool only_open, int limit,
                 store_drift_fn *fn, void *user, struct err *e)
{
    static const char sql[] =
        "SELECT id, ms, when_ms, ended_ms, app, object, field, want, have, cause, event FROM drifts"
        " WHERE (?1 IS NULL OR app = ?1) AND (?2 = 0 OR ended_ms IS NULL) ORDER BY id DESC LIMIT "
        "?3";
    CLEANUP(closep) sqlite3 *db = NULL;
    CLEANUP(finalizep) sqlite3_stmt *q = NULL;

    if (store_schema_read(state_dir, &db, e) != 0)
        return -1;
    int code = sqlite3_prepare_v2(db, sql, -1, &q, NULL);

    if (code == SQLITE_ERROR) /* written by an evenkeel that kept none */
        return err_set(e, ERR_MISSING, "no drift has been recorded yet");
    if (code == SQLITE_OK)
        code = sqlite3_bind_text(q, 1, app, -1, SQLITE_STATIC);
    if (code == SQLITE_OK)
        code = sqlite3_bind_int(q, 2, only_open);
    if (code == SQLITE_OK)
        code = sqlite3_bind_int(q, 3, limit);
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(q);
        if (code == SQLITE_ROW) {
            struct store_drift d = drift_of(q);

            fn(user, &d);
        }
    }
    return finish(db, code, state_dir, e);
}

/* All rows of a query with two texts. */
static int read_kvs(const char *state_dir, const char *sql, struct arena *a, struct kvs *ret,
                    struct err *e)
{
    CLEANUP(closep) sqlite3 *db = NULL;
    CLEANUP(finalizep) sqlite3_stmt *q = NULL;
    struct kvs l = {0};

    if (store_schema_read(state_dir, &db, e) != 0)
        return -1;
    int code = sqlite3_prepare_v2(db, sql, -1, &q, NULL);

    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(q);
        if (code == SQLITE_ROW && column(q, 0) && column(q, 1))
            kvs_set(a, &l, arena_strdup(a, column(q, 0)), arena_strdup(a, column(q, 1)));
    }
    if (finish(db, code, state_dir, e) != 0)
        return -1;
    *ret = l;
    return 0;
}

int store_last_hashes(const char *state_dir, struct arena *a, struct kvs *ret, struct err *e)
{
    return read_kvs(state_dir, "SELECT container, hash FROM last_hash ORDER BY container", a, ret,
                    e);
}

int store_hands(const char *state_dir, struct arena *a, struct kvs *ret_what, struct kvs *ret_apps,
                struct err *e)
{
    if (read_kvs(state_dir, "SELECT object, what FROM hands ORDER BY object", a, ret_what, e) != 0)
        return -1;
    return read_kvs(state_dir, "SELECT object, app FROM hands ORDER BY object", a, ret_apps, e);
}

int store_image_uses(const char *state_dir, struct arena *a, struct kvs *ret, struct err *e)
{
    return read_kvs(state_dir, "SELECT image, ms FROM image_use ORDER BY image", a, ret, e);
}

int store_app_states(const char *state_dir, struct arena *a, struct kvs *ret, struct err *e)
{
    return read_kvs(state_dir,
                    "SELECT app, state || char(9) || coalesce(why, '') FROM states"
                    " WHERE id IN (SELECT max(id) FROM states GROUP BY app) ORDER BY app",
                    a, ret, e);
}

int store_pass_read(const char *state_dir, int64_t pass, struct arena *a, const char **ret_input,
                    size_t *ret_n, struct err *e)
{
    CLEANUP(closep) sqlite3 *db = NULL;
    CLEANUP(finalizep) sqlite3_stmt *q = NULL;

    if (store_schema_read(state_dir, &db, e) != 0)
        return -1;
    int code = sqlite3_prepare_v2(
        db, "SELECT input FROM passes WHERE ?1 = 0 OR id = ?1 ORDER BY id DESC LIMIT 1", -1, &q,
        NULL);

    if (code == SQLITE_OK)
        code = sqlite3_bind_int64(q, 1, pass);
    if (code == SQLITE_OK)
        code = sqlite3_step(q);
    if (code == SQLITE_DONE)
        return pass == 0 ? err_set(e, ERR_MISSING, "no pass has been saved yet")
                         : err_set(e, ERR_MISSING,
                                   "there is no saved pass %lld (`evenkeel replay` lists them)",
                                   (long long)pass);
    if (code != SQLITE_ROW)
        return finish(db, code, state_dir, e);
    const void *input = sqlite3_column_blob(q, 0);
    size_t n = (size_t)sqlite3_column_bytes(q, 0);
    char *copy = arena_alloc(a, n + 1);

    if (n > 0)
        memcpy(copy, input, n);
    *ret_input = copy;
    *ret_n = n;
    return 0;
}

int store_passes(const char *state_dir, int limit, store_pass_fn *fn, void *user, struct err *e)
{
    CLEANUP(closep) sqlite3 *db = NULL;
    CLEANUP(finalizep) sqlite3_stmt *q = NULL;

    if (store_schema_read(state_dir, &db, e) != 0)
        return -1;
    int code = sqlite3_prepare_v2(
        db, "SELECT id, ms, cause, plan_text FROM passes ORDER BY id DESC LIMIT ?1", -1, &q, NULL);

    if (code == SQLITE_OK)
        code = sqlite3_bind_int(q, 1, limit);
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(q);
        if (code == SQLITE_ROW)
            fn(user, sqlite3_column_int64(q, 0), sqlite3_column_int64(q, 1), column(q, 2),
               column(q, 3));
    }
    return finish(db, code, state_dir, e);
}
