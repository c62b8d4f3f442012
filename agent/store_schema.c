/* store_schema.c: the diary's file.
 *
 * In: the state directory. Out: a connection to STATE/evenkeel.db in its present form. The form is a row of numbered
 * migrations; user_version says how many were done. Each is one transaction, so a cut leaves the old form or the new.
 * A file that is no database, is damaged, or was written by a newer evenkeel is never touched: it is renamed, and a new
 * one begun, for the diary decides nothing. It refuses to repair, and to keep more than 256 KiB of pages in memory. */
#include "agent/store_schema.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/log.h"
#include "spec/base/str.h"

/* clang-format off */
static const char *const migrations[] = {
    /* 1 */
    "CREATE TABLE runs ("
    " id INTEGER PRIMARY KEY, ms INTEGER NOT NULL, app TEXT NOT NULL, digest TEXT NOT NULL, cause TEXT NOT NULL,"
    " ended_ms INTEGER, result TEXT, error TEXT);"
    "CREATE TABLE actions ("
    " run INTEGER NOT NULL, seq INTEGER NOT NULL, ms INTEGER NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL,"
    " cause TEXT, ended_ms INTEGER, result TEXT, error TEXT, PRIMARY KEY (run, seq)) WITHOUT ROWID;"
    "CREATE TABLE states ("
    " id INTEGER PRIMARY KEY, ms INTEGER NOT NULL, app TEXT NOT NULL, state TEXT NOT NULL, why TEXT);"
    "CREATE INDEX states_app ON states (app, id);"
    "CREATE TABLE revisions ("
    " app TEXT NOT NULL, digest TEXT NOT NULL, ms INTEGER NOT NULL, origin TEXT NOT NULL, text TEXT NOT NULL,"
    " PRIMARY KEY (app, digest)) WITHOUT ROWID;"
    "CREATE TABLE last_hash (container TEXT PRIMARY KEY, hash TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE passes (" /* the long columns last, so that the short ones are read without them */
    " id INTEGER PRIMARY KEY AUTOINCREMENT, ms INTEGER NOT NULL, bytes INTEGER NOT NULL, cause TEXT NOT NULL,"
    " plan_text TEXT NOT NULL, input BLOB NOT NULL);",
    /* 2 */
    "CREATE TABLE image_use (image TEXT PRIMARY KEY, ms INTEGER NOT NULL) WITHOUT ROWID;",
    /* 3 */
    "CREATE TABLE drifts ("
    " id INTEGER PRIMARY KEY, ms INTEGER NOT NULL, when_ms INTEGER NOT NULL, app TEXT NOT NULL, object TEXT NOT NULL,"
    " field TEXT NOT NULL, want TEXT, have TEXT, cause TEXT, event TEXT, ended_ms INTEGER);"
    "CREATE INDEX drifts_app ON drifts (app, id);",
    /* 4 */
    ("CREATE TABLE hands (object TEXT PRIMARY KEY, app TEXT NOT NULL, what TEXT NOT NULL) WITHOUT ROWID;"
     "CREATE INDEX hands_app ON hands (app);"),
};
/* clang-format on */

enum { BUSY_MS = 2000, BUSY_STEP_MS = 20 };

bool store_schema_damaged(int sqlite_code)
{
    int code = sqlite_code & 0xff;

    return code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
}

int store_schema_fail(sqlite3 *db, int code, struct err *e)
{
    const char *what = db ? sqlite3_errmsg(db) : sqlite3_errstr(code);

    if (db && sqlite3_system_errno(db) == ENOSPC) /* comes as a disk I/O error, too */
        return err_set(e, ERR_RETRY, "the disk is full");
    switch (code & 0xff) {
    case SQLITE_FULL: return err_set(e, ERR_RETRY, "the disk is full");
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return err_set(e, ERR_RETRY, "another process is writing");
    case SQLITE_PERM:
    case SQLITE_READONLY: return err_set(e, ERR_DENIED, "%s", what);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return err_set(e, ERR_USER, "%s", what);
    default: return err_set(e, ERR_RETRY, "%s", what);
    }
}

static void path_of(const char *state_dir, const char *tail, struct str *ret)
{
    str_addf(ret, "%s/" STORE_FILE "%s", state_dir, tail);
}

int store_schema_set_aside(const char *state_dir, const char *why, struct err *e)
{
    /* The log first: a new database must never meet the old one's. */
    static const char *const tails[] = {"-wal", "-shm", ""};
    time_t now = time(NULL);
    char stamp[32];
    struct tm tm;

    (void)gmtime_r(&now, &tm);
    (void)strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
    for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
        CLEANUP(str_release) struct str from = STR_INIT, to = STR_INIT;

        path_of(state_dir, tails[i], &from);
        str_addf(&to, "%s/" STORE_FILE ".broken-%s%s", state_dir, stamp, tails[i]);
        if (rename(from.buf, to.buf) != 0 && errno != ENOENT)
            return err_errno(e, errno, "cannot set %s aside", from.buf);
        if (i + 1 == ARRAY_LEN(tails))
            log_line(LOG_WARNING, NULL,
                     "the history cannot be used: %s; it was set aside as %s and begun anew (what "
                     "runs is not "
                     "concerned)",
                     why, to.buf);
    }
    return 0;
}

static int run_sql(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static int read_version(sqlite3 *db, int *ret)
{
    sqlite3_stmt *q = NULL;
    int code = sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &q, NULL);

    if (code == SQLITE_OK && (code = sqlite3_step(q)) == SQLITE_ROW) {
        *ret = sqlite3_column_int(q, 0);
        code = SQLITE_OK;
    }
    (void)sqlite3_finalize(q);
    return code;
}

/* One step, unless another process has done it since we looked. */
static int migrate_step(sqlite3 *db, size_t step)
{
    char stamp[64];
    int version = 0, code = run_sql(db, "BEGIN IMMEDIATE");

    if (code != SQLITE_OK)
        return code;
    code = read_version(db, &version);
    (void)snprintf(stamp, sizeof(stamp), "PRAGMA user_version = %zu", step + 1);
    if (code == SQLITE_OK && (size_t)version <= step) {
        code = run_sql(db, migrations[step]);
        if (code == SQLITE_OK)
            code = run_sql(db, stamp);
    }
    if (code == SQLITE_OK)
        code = run_sql(db, "COMMIT");
    if (code != SQLITE_OK)
        (void)run_sql(db, "ROLLBACK");
    return code;
}

static int migrate(sqlite3 *db, int version)
{
    int code = SQLITE_OK;

    for (size_t i = (size_t)version; i < ARRAY_LEN(migrations) && code == SQLITE_OK; i++)
        code = migrate_step(db, i);
    return code;
}

/* One connection with little memory: an idle agent's share is a few pages. */
static int connect_db(const char *path, int flags, sqlite3 **ret)
{
    sqlite3 *db = NULL;
    int code = sqlite3_open_v2(path, &db, flags | SQLITE_OPEN_NOMUTEX, NULL);

    if (code == SQLITE_OK) {
        (void)sqlite3_extended_result_codes(db, 1);
        (void)sqlite3_busy_timeout(db, BUSY_MS);
        (void)sqlite3_db_config(db, SQLITE_DBCONFIG_LOOKASIDE, NULL, 128, 64);
        /* Its rows come from disk: no SQL in them may run. */
        (void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        (void)sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        code = run_sql(db, "PRAGMA cache_size = -256");
    }
    *ret = db;
    return code;
}

static int set_up(sqlite3 *db, int *ret_version)
{
    int code = run_sql(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                           "PRAGMA wal_autocheckpoint = 256; PRAGMA journal_size_limit = 1048576");

    if (code == SQLITE_OK)
        code = read_version(db, ret_version);
    if (code == SQLITE_OK && (size_t)*ret_version < ARRAY_LEN(migrations))
        code = migrate(db, *ret_version);
    return code;
}

/* ret_why is set when the file is to be set aside. */
static int open_once(const char *path, sqlite3 **ret, char *ret_why, size_t why_size, struct err *e)
{
    sqlite3 *db = NULL;
    int version = 0;
    int code = connect_db(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &db);

    if (code == SQLITE_OK)
        code = set_up(db, &version);
    /* SQLite does not wait for who changes the journal mode at the same time. */
    for (int tries = 0; (code & 0xff) == SQLITE_BUSY && tries < BUSY_MS / BUSY_STEP_MS; tries++) {
        (void)usleep(BUSY_STEP_MS * 1000);
        code = set_up(db, &version);
    }
    if (code == SQLITE_OK && (size_t)version <= ARRAY_LEN(migrations)) {
        *ret = db;
        return 0;
    }
    if (code == SQLITE_OK)
        (void)snprintf(ret_why, why_size, "it is of version %d, this evenkeel writes version %zu",
                       version, ARRAY_LEN(migrations));
    else if (store_schema_damaged(code) || (code & 0xff) == SQLITE_ERROR)
        (void)snprintf(ret_why, why_size, "%s", sqlite3_errstr(code));
    (void)store_schema_fail(db, code, e);
    (void)sqlite3_close(db);
    return -1;
}

/* Made by us before SQLite sees it: the mode of its log and index files follows the mode of this one. */
static int make_private(const char *path, struct err *e)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    int why = errno;

    if (fd < 0)
        return err_errno(e, why, "cannot write %s", path);
    (void)fchmod(fd, 0600);
    (void)close(fd);
    return 0;
}

int store_schema_open(const char *state_dir, sqlite3 **ret, struct err *e)
{
    CLEANUP(str_release) struct str path = STR_INIT;

    path_of(state_dir, "", &path);
    for (int try = 0;; try++) {
        char why[200] = "";

        if (make_private(path.buf, e) != 0)
            return -1;
        if (open_once(path.buf, ret, why, sizeof(why), e) == 0)
            return 0;
        if (!*why || try > 0)
            return err_wrap(e, "%s", path.buf);
        if (store_schema_set_aside(state_dir, why, e) != 0)
            return -1;
    }
}

/* True if a query can be answered. */
static int try_read(const char *path, int flags, sqlite3 **ret)
{
    int version = 0, code = connect_db(path, flags, ret);

    if (code == SQLITE_OK)
        code = read_version(*ret, &version);
    return code;
}

int store_schema_read(const char *state_dir, sqlite3 **ret, struct err *e)
{
    CLEANUP(str_release) struct str path = STR_INIT;
    sqlite3 *db = NULL;
    struct stat st;
    int code;

    path_of(state_dir, "", &path);
    if (stat(path.buf, &st) != 0)
        return err_errno(e, errno, "%s", path.buf);
    if (st.st_size == 0)
        return err_set(e, ERR_MISSING, "%s is empty", path.buf);
    code = try_read(path.buf, SQLITE_OPEN_READONLY, &db);
    if ((code & 0xff) == SQLITE_CANTOPEN || (code & 0xff) == SQLITE_READONLY) {
        /* A reader who may not write the directory cannot make the index of the log. If nobody is writing there is
         * no log, and the file is all. */
        CLEANUP(str_release) struct str wal = STR_INIT, uri = STR_INIT;

        path_of(state_dir, "-wal", &wal);
        if (stat(wal.buf, &st) != 0 && errno == ENOENT && !strpbrk(path.buf, "?#%")) {
            (void)sqlite3_close(db);
            str_addf(&uri, "file:%s?immutable=1", path.buf);
            code = try_read(uri.buf, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, &db);
        }
    }
    if (code != SQLITE_OK) {
        (void)store_schema_fail(db, code, e);
        (void)sqlite3_close(db);
        return err_wrap(e, "%s", path.buf);
    }
    *ret = db;
    return 0;
}
