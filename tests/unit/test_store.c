/* test_store.c: the diary on a real disk: what comes back, what stays how long, and what happens when the file is damaged, locked,
 * gone or has no room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <glob.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "agent/log.h"
#include "agent/store.h"
#include "spec/base/arena.h"
#include "tests/unit/scratch.h"

#define DB "evenkeel.db"

static int64_t now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static struct store *opened(void)
{
    struct err e = {0};
    struct store *s = store_open(".", &e);

    if (!s)
        fail_msg("%s", e.msg);
    return s;
}

/* Entries as lines: "what app result|text|error". */
static void collect(void *user, const struct store_entry *x)
{
    str_addf(user, "%s %s %s|%s|%s\n", x->what, x->app, x->result ? x->result : "-",
             x->text ? x->text : "-", x->error ? x->error : "-");
}

static const char *history(struct str *s, const char *app, int limit, bool actions)
{
    const struct strv one = {.v = &app, .n = 1};
    struct err e = {0};

    str_clear(s);
    if (store_history(".", app ? &one : NULL, limit, actions, collect, s, &e) != 0)
        fail_msg("%s", e.msg);
    return str_text(s);
}

static int64_t ask(const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *q;
    int64_t n = -1;

    assert_int_equal(sqlite3_open_v2(DB, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &q, NULL), SQLITE_OK);
    if (sqlite3_step(q) == SQLITE_ROW)
        n = sqlite3_column_int64(q, 0);
    (void)sqlite3_finalize(q);
    (void)sqlite3_close(db);
    return n;
}

static size_t set_aside(void)
{
    glob_t g;
    size_t n = glob(DB ".broken-*Z", 0, NULL, &g) == 0 ? g.gl_pathc : 0;

    globfree(&g);
    return n;
}

/* ---- what comes back ---- */

static void a_story(struct store *s, int64_t t)
{
    store_revision(s, t, "blog", "0123456789abcdef", "/r//blog.yaml", "{}");
    store_run_started(s, 1, t + 1, "blog", "0123456789abcdef", "blog.yaml:4: image changed");
    store_action_started(s, 1, 0, t + 2, "pull", "image nginx:1.27", NULL);
    store_action_ended(s, 1, 0, t + 52, "ok", NULL);
    store_action_started(s, 1, 1, t + 53, "create", "blog-app-1", "gone");
    store_action_ended(s, 1, 1, t + 54, "failed", "no such image");
    store_run_ended(s, 1, t + 60, "failed", "no such image");
    store_app_state(s, t + 61, "blog", "Degraded", "no such image");
    store_run_started(s, 2, t + 62, "web", "ff", "new");
    store_app_state(s, t + 63, "web", "Progressing", NULL);
    store_revision(s, t + 64, "blog", "0123456789abcdef", "elsewhere", "{}"); /* known already */
}

static void history_is_newest_first(void **state)
{
    CLEANUP(str_release) struct str out = STR_INIT;
    struct store *s = opened();

    (void)state;
    a_story(s, now_ms());
    store_close(s);
    assert_string_equal(history(&out, NULL, 100, false),
                        "state web Progressing|-|-\n"
                        "run web -|new|-\n"
                        "state blog Degraded|no such image|-\n"
                        "run blog failed|blog.yaml:4: image changed|no such image\n"
                        "revision blog -|0123456789ab from /r//blog.yaml|-\n");
    assert_string_equal(history(&out, "blog", 2, true),
                        "state blog Degraded|no such image|-\n"
                        "run blog failed|blog.yaml:4: image changed|no such image\n"
                        "action blog ok|pull image nginx:1.27|-\n"
                        "action blog failed|create blog-app-1 (gone)|no such image\n");
    assert_string_equal(history(&out, "blo", 100, true), "");
    /* Of several, and so many of these, however much there is of others. */
    const char *names[] = {"shop", "blog"};
    const struct strv two = {.v = names, .n = 2}, none = {0};
    struct err e = {0};

    str_clear(&out);
    assert_int_equal(store_history(".", &two, 1, false, collect, &out, &e), 0);
    assert_string_equal(str_text(&out), "state blog Degraded|no such image|-\n");
    str_clear(&out);
    assert_int_equal(store_history(".", &none, 9, false, collect, &out, &e), 0);
    assert_string_equal(str_text(&out), "");
    assert_string_equal(history(&out, NULL, 1, false), "state web Progressing|-|-\n");
}

struct times {
    int64_t last, took;
    uint64_t run;
    int n;
};

static void check_order(void *user, const struct store_entry *x)
{
    struct times *t = user;

    assert_true(x->ms >= t->last);
    t->last = x->ms;
    t->n++;
    if (strcmp(x->what, "run") == 0 && x->result) {
        t->took = x->took_ms;
        t->run = x->run;
    }
}

static void following_is_oldest_first(void **state)
{
    CLEANUP(str_release) struct str out = STR_INIT;
    struct times t = {0};
    struct err e = {0};
    int64_t from = now_ms();
    struct store *s = opened();

    (void)state;
    a_story(s, from);
    store_close(s);
    assert_int_equal(store_follow(".", from + 54, collect, &out, &e), 0);
    assert_string_equal(str_text(&out), "run blog failed|blog.yaml:4: image changed|no such image\n"
                                        "state blog Degraded|no such image|-\n"
                                        "run web -|new|-\n"
                                        "state web Progressing|-|-\n");
    assert_int_equal(store_follow(".", 0, check_order, &t, &e), 0);
    assert_int_equal(t.n, 7);
    assert_int_equal(t.took, 59);
    assert_int_equal(t.run, 1);
    assert_int_equal(store_follow(".", from + 63, collect, &out, &e), 0);
}

static void hashes_and_states(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct kvs l = {0};
    struct err e = {0};
    struct store *s = opened();

    (void)state;
    store_last_hash(s, "b-app-1", "one");
    store_last_hash(s, "a-app-1", "two");
    store_last_hash(s, "b-app-1", "three");
    store_last_hash(s, "c-app-1", "four");
    store_last_hash(s, "c-app-1", NULL);
    store_app_state(s, 1, "x", "Synced", NULL);
    store_app_state(s, 2, "x", "Degraded", "a\tb");
    store_close(s);
    assert_int_equal(store_last_hashes(".", a, &l, &e), 0);
    assert_int_equal(l.n, 2);
    assert_string_equal(l.v[0].key, "a-app-1");
    assert_string_equal(kvs_get(&l, "b-app-1"), "three");
    assert_int_equal(store_app_states(".", a, &l, &e), 0);
    assert_int_equal(l.n, 1);
    assert_string_equal(kvs_get(&l, "x"), "Degraded\ta\tb");
}

static void uses_of_images(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct kvs l = {0};
    struct err e = {0};
    struct store *s = opened();

    (void)state;
    store_image_used(s, 1700000000000, "evenkeel/b/app:1");
    store_image_used(s, 1700000000001, "evenkeel/a/app:1");
    store_image_used(s, 1800000000000, "evenkeel/b/app:1");
    store_image_used(s, 1700000000002, "evenkeel/c/app:1");
    store_image_gone(s, "evenkeel/c/app:1");
    store_image_gone(s, "evenkeel/never/app:1");
    store_close(s);
    store_image_used(NULL, 1, "x"); /* nothing is kept, and nothing happens */
    assert_int_equal(store_image_uses(".", a, &l, &e), 0);
    assert_int_equal(l.n, 2);
    assert_string_equal(l.v[0].key, "evenkeel/a/app:1");
    assert_string_equal(kvs_get(&l, "evenkeel/b/app:1"), "1800000000000");
}

/* What the first version wrote is read on, and has the tables of this one. */
static void a_file_of_the_first_version(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct kvs l = {0};
    struct err e = {0};
    sqlite3 *db = NULL;
    struct store *s = opened();

    (void)state;
    store_last_hash(s, "a-app-1", "one");
    store_close(s);
    assert_int_equal(sqlite3_open("evenkeel.db", &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(
            db,
            "DROP TABLE image_use; DROP TABLE drifts; DROP TABLE hands; PRAGMA user_version = 1",
            NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    s = opened();
    store_image_used(s, 5, "evenkeel/a/app:1");
    store_close(s);
    assert_int_equal(store_image_uses(".", a, &l, &e), 0);
    assert_int_equal(l.n, 1);
    assert_int_equal(store_last_hashes(".", a, &l, &e), 0);
    assert_string_equal(kvs_get(&l, "a-app-1"), "one");
}

static void tell_pass(void *user, int64_t pass, int64_t ms, const char *cause, const char *plan)
{
    str_addf(user, "%lld %lld %s %s\n", (long long)pass, (long long)ms, cause, plan);
}

static void passes(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(str_release) struct str out = STR_INIT;
    const char *text = NULL;
    struct err e = {0};
    size_t n = 0;
    struct store *s = opened();

    (void)state;
    store_close(s);
    assert_int_equal(store_pass_read(".", 0, a, &text, &n, &e), -1);
    assert_int_equal(e.kind, ERR_MISSING);
    s = opened();
    store_pass(s, 10, "agent", "{\"a\":\0\1}", 8, "plan a");
    store_pass(s, 20, "apply", "", 0, "plan b");
    store_close(s);
    assert_int_equal(store_pass_read(".", 1, a, &text, &n, &e), 0);
    assert_int_equal(n, 8);
    assert_memory_equal(text, "{\"a\":\0\1}", 9); /* and a NUL behind it */
    assert_int_equal(store_pass_read(".", 0, a, &text, &n, &e), 0);
    assert_int_equal(n, 0);
    assert_string_equal(text, "");
    assert_int_equal(store_pass_read(".", 3, a, &text, &n, &e), -1);
    assert_int_equal(e.kind, ERR_MISSING);
    assert_int_equal(store_passes(".", 10, tell_pass, &out, &e), 0);
    assert_string_equal(str_text(&out), "2 20 apply plan b\n1 10 agent plan a\n");
}

static void no_diary_yet(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(str_release) struct str out = STR_INIT;
    struct kvs l = {.n = 4711};
    struct err e = {0};

    (void)state;
    assert_int_equal(store_history(".", NULL, 1, false, collect, &out, &e), -1);
    assert_int_equal(e.kind, ERR_MISSING);
    assert_int_equal(store_last_hashes("nowhere", a, &l, &e), -1);
    assert_int_equal(e.kind, ERR_MISSING);
    assert_int_equal(l.n, 4711);
    put(DB, "");
    assert_int_equal(store_follow(".", 0, collect, &out, &e), -1);
    assert_int_equal(e.kind, ERR_MISSING);
    store_close(NULL);
    store_run_started(NULL, 1, 1, "a", "b", "c");
    assert_int_equal(store_error(NULL, &e), 0);
}

static void nobody_else_may_read_it(void **state)
{
    static const char *const files[] = {DB, DB "-wal", DB "-shm"};
    struct stat st;
    mode_t mask = umask(0);

    (void)state;
    put(DB, "");
    assert_int_equal(chmod(DB, 0666), 0);
    struct store *s = opened();
    store_app_state(s, 1, "x", "Synced", NULL);
    pause_ms(200);
    (void)umask(mask);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        assert_int_equal(stat(files[i], &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
    }
    store_close(s);
}

/* ---- how long it stays ---- */

static void old_things_go(void **state)
{
    int64_t now = now_ms(), old = now - INT64_C(91) * 24 * 3600 * 1000;
    struct store *s = opened();

    (void)state;
    for (unsigned i = 1; i <= 10050; i++) {
        store_run_started(s, i, i <= 20 ? old : now, "a", "d", "c");
        if (i % 5 == 0)
            store_action_started(s, i, 0, now, "start", "a-app-1", NULL);
        store_run_ended(s, i, now, "done", NULL);
        if (i % 2000 == 0)
            pause_ms(150); /* as an agent would, rather than as a benchmark */
    }
    store_app_state(s, old, "quiet", "Synced", NULL);
    store_app_state(s, old, "busy", "Degraded", NULL);
    store_app_state(s, now, "busy", "Synced", NULL);
    for (int i = 0; i < 120; i++) {
        char digest[16];

        (void)snprintf(digest, sizeof(digest), "%03d", i);
        store_revision(s, now + i, "a", digest, "", "");
    }
    store_close(s);
    store_close(opened());
    assert_int_equal(ask("SELECT count(*) FROM runs"), 10000);
    assert_int_equal(ask("SELECT min(id) FROM runs"), 51);
    assert_int_equal(ask("SELECT min(run) FROM actions"), 55);
    assert_int_equal(ask("SELECT count(*) FROM states WHERE app = 'quiet'"), 1);
    assert_int_equal(ask("SELECT count(*) FROM states WHERE app = 'busy'"), 1);
    assert_int_equal(ask("SELECT count(*) FROM revisions"), 100);
    assert_int_equal(ask("SELECT min(digest) FROM revisions"), 20);
}

static void the_ring_of_passes(void **state)
{
    size_t mib = (size_t)1024 * 1024;
    char *big = calloc(1, 17 * mib);
    struct store *s = opened();

    (void)state;
    for (int i = 1; i <= 70; i++)
        store_pass(s, i, "agent", "{}", 2, "");
    store_close(s);
    assert_int_equal(ask("SELECT count(*) FROM passes"), 50);
    assert_int_equal(ask("SELECT min(ms) FROM passes"), 21);
    s = opened();
    store_pass(s, 0, "too much", big, 16 * mib + 1, "");
    for (int i = 1; i <= 12; i++) {
        store_pass(s, 1000 + i, "agent", big, 3 * mib, "");
        pause_ms(150);
    }
    store_close(s);
    free(big);
    assert_int_equal(ask("SELECT count(*) FROM passes WHERE cause = 'too much'"), 0);
    assert_int_equal(ask("SELECT count(*) FROM passes"), 5);
    assert_int_equal(ask("SELECT max(ms) FROM passes"), 1012);
}

/* ---- ends without farewell ---- */

static void what_was_running_is_closed_at_the_next_start(void **state)
{
    CLEANUP(str_release) struct str out = STR_INIT;
    pid_t child = fork();
    int status;

    (void)state;
    if (child == 0) {
        struct store *s = store_open(".", NULL);

        store_run_started(s, 1, now_ms(), "blog", "d", "new");
        store_action_started(s, 1, 0, now_ms(), "create", "blog-app-1", NULL);
        store_action_started(s, 1, 1, now_ms(), "start", "blog-app-1", NULL);
        store_action_ended(s, 1, 0, now_ms(), "ok", NULL);
        pause_ms(300);
        (void)kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_string_equal(history(&out, NULL, 9, true),
                        "run blog -|new|-\naction blog ok|create blog-app-1|-\n"
                        "action blog -|start blog-app-1|-\n");
    store_close(opened());
    assert_string_equal(history(&out, NULL, 9, true),
                        "run blog interrupted|new|the process that carried it out ended before it\n"
                        "action blog ok|create blog-app-1|-\n"
                        "action blog interrupted|start blog-app-1|-\n");
}

/* ---- files beyond use ---- */

static void begins_anew(size_t aside_before)
{
    CLEANUP(str_release) struct str out = STR_INIT;
    struct store *s = opened();

    store_app_state(s, now_ms(), "x", "Synced", NULL);
    store_close(s);
    assert_int_equal(set_aside(), aside_before + 1);
    assert_string_equal(history(&out, NULL, 9, true), "state x Synced|-|-\n");
    scratch_remove(DB);
}

static void a_file_that_is_no_database(void **state)
{
    (void)state;
    put(DB, "this is a letter to my aunt, and longer than the header of a database would be, by "
            "some bytes at least");
    begins_anew(0);
}

static void a_database_of_somebody_else(void **state)
{
    sqlite3 *db;

    (void)state;
    assert_int_equal(sqlite3_open(DB, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE runs (miles)", NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(db);
    begins_anew(0);
}

static void a_newer_version(void **state)
{
    sqlite3 *db;

    (void)state;
    store_close(opened());
    assert_int_equal(sqlite3_open(DB, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 1000", NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(db);
    begins_anew(0);
}

static void damage(off_t from, size_t n)
{
    int fd = open(DB, O_WRONLY | O_CLOEXEC);
    char junk[4096];

    memset(junk, 0x5a, sizeof(junk));
    for (; n > 0; n -= sizeof(junk), from += (off_t)sizeof(junk))
        assert_int_equal(pwrite(fd, junk, sizeof(junk), from), sizeof(junk));
    (void)close(fd);
}

static void damaged_pages(void **state)
{
    struct store *s = opened();

    (void)state;
    for (int i = 0; i < 200; i++)
        store_app_state(s, now_ms(), "x", "Synced",
                        "some words to fill a page with, so that there are several");
    store_close(s);
    damage(4096, 8 * (size_t)4096); /* all but the first */
    begins_anew(0);
}

static void a_truncated_file(void **state)
{
    struct store *s = opened();

    (void)state;
    a_story(s, now_ms());
    store_close(s);
    assert_int_equal(truncate(DB, 5000), 0);
    begins_anew(0);
}

static void damage_under_a_running_writer(void **state)
{
    CLEANUP(str_release) struct str out = STR_INIT;
    struct store *s = opened();

    (void)state;
    for (int i = 0; i < 3000;
         i++) /* enough for a checkpoint, so that pages are in the file and not in the log */
        store_app_state(s, now_ms(), "x", "Synced",
                        "some words to fill a page with, so that there are several");
    store_close(s);
    s = opened();
    pause_ms(200);
    damage(4096, 20 * (size_t)4096);
    store_app_state(s, now_ms(), "after", "Degraded", NULL);
    pause_ms(300);
    store_app_state(s, now_ms(), "later", "Synced", NULL);
    store_close(s);
    assert_int_equal(set_aside(), 1);
    assert_non_null(strstr(history(&out, NULL, 9, true), "state after Degraded"));
    assert_non_null(strstr(history(&out, NULL, 9, true), "state later Synced"));
}

static void readers_of_damaged_files_get_an_error(void **state)
{
    CLEANUP(str_release) struct str out = STR_INIT;
    struct err e = {0};

    (void)state;
    put(DB, "this is a letter to my aunt, and longer than the header of a database would be, by "
            "some bytes at least");
    assert_int_equal(store_history(".", NULL, 9, true, collect, &out, &e), -1);
    assert_int_equal(e.kind, ERR_USER);
    assert_non_null(strstr(e.msg, DB));
    assert_int_equal(set_aside(), 0); /* only a writer moves it */
}

static void a_file_that_was_deleted_is_made_again(void **state)
{
    CLEANUP(str_release) struct str out = STR_INIT;
    struct store *s = opened();

    (void)state;
    store_app_state(s, now_ms(), "before", "Synced", NULL);
    pause_ms(200);
    scratch_remove(DB);
    scratch_remove(DB "-wal");
    scratch_remove(DB "-shm");
    store_app_state(s, now_ms(), "after", "Synced", NULL);
    store_close(s);
    assert_string_equal(history(&out, NULL, 9, false), "state after Synced|-|-\n");
}

/* ---- a disk that will not ---- */

static void a_directory_that_cannot_be_written(void **state)
{
    bool root = geteuid() == 0;
    struct err e = {0};

    (void)state;
    make_dir("closed");
    assert_int_equal(chmod("closed", 0555), 0);
    if (root)
        assert_int_equal(seteuid(65534), 0);
    struct store *s = store_open("closed", &e);
    if (root)
        assert_int_equal(seteuid(0), 0);
    assert_null(s);
    assert_int_equal(e.kind, ERR_DENIED);
    assert_non_null(strstr(e.msg, "closed/" DB));
    assert_null(store_open("nowhere", &e));
    assert_int_equal(e.kind, ERR_MISSING);
}

static void a_reader_without_rights_reads_the_file_at_rest(void **state)
{
    CLEANUP(str_release) struct str out = STR_INIT;
    bool root = geteuid() == 0;
    struct err e = {0};
    struct store *s;

    (void)state;
    make_dir("theirs");
    s = store_open("theirs", &e);
    store_app_state(s, now_ms(), "x", "Synced", NULL);
    store_close(s);
    assert_int_equal(chmod("theirs/" DB, 0444), 0);
    assert_int_equal(chmod("theirs", 0555), 0);
    assert_int_equal(chmod(".", 0755), 0);
    if (root)
        assert_int_equal(seteuid(65534), 0);
    int failed = store_history("theirs", NULL, 9, false, collect, &out, &e);
    if (root)
        assert_int_equal(seteuid(0), 0);
    assert_string_equal(e.msg, "");
    assert_int_equal(failed, 0);
    assert_string_equal(str_text(&out), "state x Synced|-|-\n");
    assert_int_equal(chmod("theirs", 0755), 0);
}

static void no_room_is_told_and_overcome(void **state)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    struct rlimit was, small;
    struct err e = {0};
    struct store *s = opened();

    (void)state;
    pause_ms(200);
    (void)sigaction(SIGXFSZ, &ignore, &before);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    small = (struct rlimit){16384, was.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    for (int i = 0; i < 100; i++)
        store_app_state(s, now_ms(), "x", "Degraded",
                        "words that take some room on the disk, which has none left");
    pause_ms(400);
    assert_int_equal(store_error(s, &e), -1);
    assert_true(e.msg[0] != '\0');
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    (void)sigaction(SIGXFSZ, &before, NULL);
    for (int i = 0; i < 50 && store_error(s, &e) != 0; i++)
        pause_ms(100);
    assert_int_equal(store_error(s, &e), 0);
    store_close(s);
    assert_int_equal(ask("SELECT count(*) FROM states"), 100);
}

/* ---- nobody waits ---- */

static void writing_never_waits(void **state)
{
    char *big = calloc(1, (size_t)1024 * 1024);
    sqlite3 *other;
    struct store *s = opened();
    double worst = 0;

    (void)state;
    pause_ms(200);
    assert_int_equal(sqlite3_open(DB, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    for (int i = 0; i < 1000; i++) {
        double from = clock_ms();

        store_app_state(s, now_ms(), "x", "Synced", NULL);
        if (i % 20 == 0)
            store_pass(s, i, "agent", big, (size_t)1024 * 1024,
                       ""); /* 50 MiB in all: more than may be queued */
        if (clock_ms() - from > worst)
            worst = clock_ms() - from;
        if (i % 100 == 0)
            pause_ms(20);
    }
    assert_true(worst < 100);
    assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(other);
    store_close(s);
    free(big);
    assert_int_equal(ask("SELECT count(*) FROM states"), 1000); /* passes went first */
    assert_in_range(ask("SELECT count(*) FROM passes"), 4, 16);
    assert_int_equal(ask("SELECT max(ms) FROM passes"), 980); /* and of these the oldest */
}

static void a_queue_without_end_is_cut(void **state)
{
    sqlite3 *other;
    struct store *s = opened();

    (void)state;
    pause_ms(200);
    assert_int_equal(sqlite3_open(DB, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    store_app_state(s, 1, "first", "Synced", NULL);
    pause_ms(200);
    for (int i = 0; i < 50000; i++)
        store_app_state(s, i, "x", "Synced", NULL);
    store_app_state(s, 1, "last", "Synced", NULL);
    assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(other);
    store_close(s);
    assert_in_range(ask("SELECT count(*) FROM states"), 1, 20002);
    assert_int_equal(ask("SELECT count(*) FROM states WHERE app = 'last'"), 1);
}

static void *write_many(void *arg)
{
    for (int i = 0; i < 1000; i++)
        store_app_state(arg, now_ms(), "x", "Synced", "by several");
    return NULL;
}

static void *read_many(void *arg)
{
    CLEANUP(str_release) struct str out = STR_INIT;
    struct err e = {0};
    int *failed = arg;

    for (int i = 0; i < 20; i++)
        *failed += store_history(".", NULL, 10, true, collect, &out, &e) != 0;
    return NULL;
}

static void several_write_and_read_at_once(void **state)
{
    pthread_t writers[4], reader;
    int failed = 0;
    struct store *s = opened();

    (void)state;
    (void)pthread_create(&reader, NULL, read_many, &failed);
    for (size_t i = 0; i < ARRAY_LEN(writers); i++)
        (void)pthread_create(&writers[i], NULL, write_many, s);
    for (size_t i = 0; i < ARRAY_LEN(writers); i++)
        (void)pthread_join(writers[i], NULL);
    (void)pthread_join(reader, NULL);
    store_close(s);
    assert_int_equal(failed, 0);
    assert_int_equal(ask("SELECT count(*) FROM states"), 4000);
}

/* Each makes the tables if they are not there: who comes second must find them, not fail on them. */
static void several_begin_at_once(void **state)
{
    (void)state;
    for (int round = 0; round < 10; round++) {
        pid_t children[4];
        int status;

        for (size_t i = 0; i < ARRAY_LEN(children); i++) {
            children[i] = fork();
            if (children[i] == 0) {
                struct store *s = store_open(".", NULL);

                store_app_state(s, now_ms(), "blog", "Synced", NULL);
                store_close(s);
                _exit(s ? 0 : 1);
            }
        }
        for (size_t i = 0; i < ARRAY_LEN(children); i++) {
            assert_int_equal(waitpid(children[i], &status, 0), children[i]);
            assert_int_equal(status, 0);
        }
        assert_int_equal(ask("SELECT count(*) FROM states"), ARRAY_LEN(children));
        (void)unlink("evenkeel.db");
        (void)unlink("evenkeel.db-wal");
        (void)unlink("evenkeel.db-shm");
    }
}

static int quiet_setup(void **state)
{
    log_init(LOG_ERROR);
    return scratch_setup(state);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, quiet_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(history_is_newest_first),
        CASE(following_is_oldest_first),
        CASE(hashes_and_states),
        CASE(uses_of_images),
        CASE(a_file_of_the_first_version),
        CASE(passes),
        CASE(no_diary_yet),
        CASE(nobody_else_may_read_it),
        CASE(old_things_go),
        CASE(the_ring_of_passes),
        CASE(what_was_running_is_closed_at_the_next_start),
        CASE(a_file_that_is_no_database),
        CASE(a_database_of_somebody_else),
        CASE(a_newer_version),
        CASE(damaged_pages),
        CASE(a_truncated_file),
        CASE(damage_under_a_running_writer),
        CASE(readers_of_damaged_files_get_an_error),
        CASE(a_file_that_was_deleted_is_made_again),
        CASE(a_directory_that_cannot_be_written),
        CASE(a_reader_without_rights_reads_the_file_at_rest),
        CASE(no_room_is_told_and_overcome),
        CASE(writing_never_waits),
        CASE(a_queue_without_end_is_cut),
        CASE(several_write_and_read_at_once),
        CASE(several_begin_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
