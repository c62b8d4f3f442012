/* The audit log: the chain, what breaks it, what a crash leaves, rotation, several writers, and texts of strangers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/wait.h>

#include "agent/audit.h"
#include "agent/audit_files.h"
#include "agent/audit_verify.h"
#include "scratch.h"
#include "spec/base/arena.h"
#include "spec/base/str.h"
#include "spec/limits.h"

#define NOW INT64_C(1800000000000)
#define FIRST "audit/audit-000000000001.log"

static struct arena *arena;
static const struct audit_rules whole = {.file_bytes = 1 << 20};
static const struct audit_rules tiny = {.file_bytes = 600};

static struct audit *open_log(const struct audit_rules *rules)
{
    struct audit *a = NULL;
    struct err e = {0};

    if (audit_open(".", rules, &a, &e) < 0)
        fail_msg("%s", e.msg);
    return a;
}

static int64_t append(struct audit *a, const char *did, const char *app)
{
    const struct audit_entry x = {
        .by = "ann", .from = "192.0.2.1", .did = did, .app = app, .outcome = "done"};
    struct err e = {0};
    int64_t seq = -5;

    if (audit_append(a, &x, NOW, &seq, &e) < 0)
        fail_msg("%s", e.msg);
    return seq;
}

static void fill(const struct audit_rules *rules, int n)
{
    struct audit *a = open_log(rules);

    for (int i = 0; i < n; i++)
        (void)append(a, "app.deploy", "blog");
    audit_free(a);
}

static struct audit_report verify(void)
{
    struct audit_report r;
    struct err e = {0};

    memset(&r, 0x5a, sizeof(r));
    if (audit_verify(".", arena, &r, &e) < 0)
        fail_msg("%s", e.msg);
    return r;
}

/* The log is broken, first in this line of this file, for a reason with this word in it. */
static void expect(const char *file, size_t line, const char *word)
{
    struct audit_report r = verify();

    if (!r.why)
        fail_msg("found nothing, wanted %s", word);
    if (!strstr(r.file, file) || r.line != line || !strstr(r.why, word))
        fail_msg("%s:%zu: %s", r.file, r.line, r.why);
}

static void expect_good(int64_t records)
{
    struct audit_report r = verify();

    if (r.why)
        fail_msg("%s:%zu: %s", r.file, r.line, r.why);
    assert_int_equal(r.records, records);
}

static char *slurp(const char *path, size_t *ret_n)
{
    char *text = arena_alloc(arena, 1 << 20);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, text, (1 << 20) - 1);

    assert_true(n >= 0);
    (void)close(fd);
    if (ret_n)
        *ret_n = (size_t)n;
    return text;
}

static void spill(const char *path, const char *bytes, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
    (void)close(fd);
}

/* Where line k (from 1) begins. */
static char *line_at(char *text, int k)
{
    while (--k > 0)
        text = strchr(text, '\n') + 1;
    return text;
}

/* ---- the chain ---- */

static void test_chain(void **state)
{
    struct audit *a = open_log(&whole);
    struct stat st;

    (void)state;
    for (int i = 1; i <= 5; i++)
        assert_int_equal(append(a, "app.deploy", "blog"), i);
    audit_free(a);
    a = open_log(&whole);
    assert_int_equal(append(a, "app.stop", "blog"), 6);
    audit_free(a);
    expect_good(6);
    assert_int_equal(stat(FIRST, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(stat("audit", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);

    struct audit_report r = verify();

    assert_int_equal(r.first_seq, 1);
    assert_int_equal(r.last_seq, 6);
    assert_int_equal(r.files, 1);
    assert_false(r.unfinished);
    assert_memory_equal(r.head, line_at(slurp(FIRST, NULL), 6), 64);
}

static void test_nothing_there(void **state)
{
    (void)state;
    expect_good(0);
    audit_free(open_log(&whole));
    expect_good(0);
    audit_free(NULL);
}

/* Every single byte of the log counts. */
static void test_each_byte(void **state)
{
    size_t n;

    (void)state;
    fill(&whole, 3);
    char *text = slurp(FIRST, &n);

    for (size_t i = 0; i < n; i++) {
        char was = text[i];

        text[i] ^= 1;
        spill(FIRST, text, n);
        struct audit_report r = verify();

        /* The last line's end is the one that looks like a crash; then the head misses it. */
        if (!r.why)
            fail_msg("byte %zu of %zu", i, n);
        text[i] = was;
        arena_clear(arena);
        text = slurp(FIRST, NULL);
        text[i] = was;
    }
}

static void test_tampering(void **state)
{
    struct str s = STR_INIT;
    size_t n;

    (void)state;
    fill(&whole, 5);
    char *text = slurp(FIRST, &n), *third = line_at(text, 3), *fourth = line_at(text, 4);

    /* cut out of the middle */
    str_addn(&s, text, (size_t)(third - text));
    str_add(&s, fourth);
    spill(FIRST, s.buf, s.len);
    expect(FIRST, 3, "records 3 to 3 are missing before it");

    /* cut from the end, whole lines */
    spill(FIRST, text, (size_t)(fourth - text));
    expect(FIRST, 0, "records 4 to 5 are missing from its end");

    /* twice */
    str_clear(&s);
    str_addn(&s, text, (size_t)(fourth - text));
    str_add(&s, third);
    spill(FIRST, s.buf, s.len);
    expect(FIRST, 4, "record 3 comes after record 3");

    /* changed, with its own hash made anew */
    struct audit_record r;
    const char *why;
    size_t len = (size_t)(fourth - third) - 1;

    assert_int_equal(audit_line_read(third, len, arena, &r, &why), 0);
    r.by = "somebody else";
    str_clear(&s);
    str_addn(&s, text, (size_t)(third - text));
    audit_line_write(&r, &s);
    str_add(&s, fourth);
    spill(FIRST, s.buf, s.len);
    expect(FIRST, 4, "does not follow");

    /* the last one changed so: only the head knows */
    str_clear(&s);
    str_addn(&s, text, (size_t)(line_at(text, 5) - text));
    assert_int_equal(
        audit_line_read(line_at(text, 5), strlen(line_at(text, 5)) - 1, arena, &r, &why), 0);
    r.outcome = "refused";
    audit_line_write(&r, &s);
    spill(FIRST, s.buf, s.len);
    expect(FIRST, 5, "not the one that was written");

    /* all of it gone */
    assert_int_equal(unlink(FIRST), 0);
    expect("audit", 0, "records 1 to 5 are missing");
    spill(FIRST, text, n);
    expect_good(5);
    str_release(&s);
}

/* The writer does not build on what is broken, and does not hide it. */
static void test_goes_on_after_tampering(void **state)
{
    size_t n;

    (void)state;
    fill(&whole, 3);
    char *text = slurp(FIRST, &n);

    text[n - 5] ^= 1;
    spill(FIRST, text, n);
    struct audit *a = open_log(&whole);

    assert_int_equal(append(a, "app.stop", "blog"), 5); /* 4 says what was found */
    audit_free(a);
    expect(FIRST, 3, "hash differs");
    assert_non_null(strstr(slurp("audit/audit-000000000004.log", NULL), "audit.broken"));

    /* Also where a file with the next one's name is there, and empty. */
    assert_int_equal(unlink("audit/head"), 0);
    put("audit/audit-000000000004.log", "");
    fill(&whole, 1);
    expect(FIRST, 3, "hash differs");
    assert_non_null(strstr(slurp("audit/audit-000000000005.log", NULL), "audit.broken"));
    assert_int_equal(unlink("audit/audit-000000000005.log"), 0);
    assert_int_equal(unlink("audit/audit-000000000004.log"), 0);
    assert_int_equal(unlink("audit/head"), 0);
    fill(&whole, 1);

    /* The end cut off: likewise. */
    text[n - 5] ^= 1;
    spill(FIRST, text, n);
    expect("000000000004.log", 1, "does not follow");
    scratch_remove("audit");
    fill(&whole, 4);
    text = slurp(FIRST, &n);
    spill(FIRST, text, (size_t)(line_at(text, 3) - text));
    fill(&whole, 1);
    expect("000000000005.log", 1, "records 3 to 4 are missing before it");

    /* The last record written anew, hash and all. */
    scratch_remove("audit");
    fill(&whole, 2);
    struct str s = STR_INIT;
    struct audit_record r;
    const char *why;

    text = slurp(FIRST, &n);
    assert_int_equal(
        audit_line_read(line_at(text, 2), strlen(line_at(text, 2)) - 1, arena, &r, &why), 0);
    r.by = "somebody else";
    str_addn(&s, text, (size_t)(line_at(text, 2) - text));
    audit_line_write(&r, &s);
    spill(FIRST, s.buf, s.len);
    str_release(&s);
    fill(&whole, 2);
    expect("000000000003.log", 1, "here it was found");
}

/* ---- crashes ---- */

/* Cut off at every byte of a record that was being written. */
static void test_torn_at_each_byte(void **state)
{
    size_t n, next;

    (void)state;
    fill(&whole, 3);
    char *text = slurp(FIRST, &n);
    struct audit_head head;

    audit_files_read_head("audit", &head);
    assert_int_equal(head.seq, 3);
    fill(&whole, 1);
    text = slurp(FIRST, &next);
    for (size_t cut = n + 1; cut < next; cut += 7) {
        struct err e = {0};

        spill(FIRST, text, cut);
        assert_int_equal(audit_files_write_head("audit", &head, &e), 0);
        struct audit_report r = verify();

        assert_null(r.why);
        assert_true(r.unfinished);
        assert_int_equal(r.records, 3);
        fill(&whole, 1); /* 4: what was dropped, 5: the new one */
        expect_good(5);
        assert_non_null(strstr(slurp(FIRST, NULL), "audit.recovered"));
        assert_int_equal(access("audit/audit-000000000004.log", F_OK), -1);
        spill(FIRST, text, next); /* as it was */
    }
}

/* A file whose first record was cut off: the chain goes on from the file before. */
static void test_torn_in_a_new_file(void **state)
{
    (void)state;
    fill(&whole, 3);
    put("audit/audit-000000000004.log", "0123 half a li");
    fill(&whole, 1);
    expect_good(5);
    assert_int_equal(verify().files, 2);
    put("audit/audit-000000000006.log", ""); /* made, and nothing written */
    fill(&whole, 2);
    expect_good(7);
    assert_int_equal(verify().files, 3);
}

/* kill -9 at any time, again and again, with two who write. */
static void test_killed(void **state)
{
    (void)state;
    for (int round = 0; round < 12; round++) {
        pid_t pid[2];

        for (int k = 0; k < 2; k++) {
            pid[k] = fork();
            if (pid[k] == 0) {
                struct audit *a = NULL;
                struct err e = {0};
                const struct audit_entry x = {.by = "child", .did = "test", .lazy = k == 1};

                if (audit_open(".", &tiny, &a, &e) < 0)
                    _exit(1);
                while (audit_append(a, &x, NOW, NULL, &e) == 0)
                    ;
                _exit(2);
            }
            assert_true(pid[k] > 0);
        }
        pause_ms(15 + round);
        for (int k = 0; k < 2; k++) {
            int status;

            assert_int_equal(kill(pid[k], SIGKILL), 0);
            assert_int_equal(waitpid(pid[k], &status, 0), pid[k]);
            assert_true(WIFSIGNALED(status)); /* it had not given up by itself */
        }
        struct audit_report r = verify();

        if (r.why)
            fail_msg("round %d: %s:%zu: %s", round, r.file, r.line, r.why);
    }
    assert_true(verify().records > 24);
    fill(&tiny, 1);
    assert_null(verify().why);
}

/* Nothing may be done whose record cannot be written; afterwards it goes on. */
static void test_cannot_write(void **state)
{
    struct audit *a = open_log(&whole);
    const struct audit_entry x = {.did = "app.deploy"};
    struct err e = {0};
    int64_t seq = -5;

    (void)state;
    (void)append(a, "app.deploy", "blog");
    assert_int_equal(rename(FIRST, "aside"), 0);
    assert_int_equal(mkdir(FIRST, 0700), 0);
    audit_free(a);
    a = open_log(&whole);
    assert_int_equal(audit_append(a, &x, NOW, &seq, &e), -1);
    assert_int_equal(seq, -5);
    assert_true(*e.msg);
    assert_int_equal(rmdir(FIRST), 0);
    assert_int_equal(rename("aside", FIRST), 0);
    assert_int_equal(append(a, "app.deploy", "blog"), 2);
    expect_good(2);
    audit_free(a);
}

/* Another process that was stopped while it had the lock: refused after a while, not for ever. */
static void test_somebody_holds_the_lock(void **state)
{
    struct audit *a = open_log(&whole);
    const struct audit_entry x = {.did = "app.deploy"};
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open("audit/lock", O_RDWR | O_CLOEXEC);
    struct err e = {0};
    double before = clock_ms();

    (void)state;
    assert_int_equal(fcntl(fd, F_OFD_SETLK, &l), 0);
    assert_int_equal(audit_append(a, &x, NOW, NULL, &e), -1);
    assert_int_equal(e.kind, ERR_RETRY);
    assert_non_null(strstr(e.msg, "suspended"));
    assert_true(clock_ms() - before < 20000);
    (void)close(fd);
    assert_int_equal(append(a, "app.deploy", "blog"), 1);
    audit_free(a);
}

/* ---- rotation ---- */

static void test_rotation(void **state)
{
    struct audit_report r;
    const struct audit_file *files;
    struct err e = {0};
    size_t n;

    (void)state;
    fill(&tiny, 20);
    fill(&tiny, 20);
    expect_good(40);
    r = verify();
    assert_in_range(r.files, 5, 20);
    assert_int_equal(audit_files_list("audit", arena, &files, &n, &e), 0);
    assert_int_equal(n, r.files);

    /* The oldest may be taken away ... */
    assert_int_equal(unlink(files[0].path), 0);
    r = verify();
    assert_null(r.why);
    assert_int_equal(r.first_seq, files[1].first);
    assert_int_equal(r.last_seq, 40);
    /* ... one in the middle not. */
    assert_int_equal(rename(files[3].path, "aside"), 0);
    expect(strrchr(files[4].path, '/'), 1, "are missing before it");
    assert_int_equal(rename("aside", files[3].path), 0);
    assert_null(verify().why);
    /* A file under another's name. */
    assert_int_equal(rename(files[1].path, "audit/audit-000000000002.log"), 0);
    expect("000000000002.log", 1, "named after another");
}

static void test_two_writers(void **state)
{
    struct audit *a = open_log(&tiny), *b = open_log(&tiny);

    (void)state;
    for (int i = 0; i < 40; i++)
        assert_int_equal(append(i % 3 == 0 ? b : a, "x", "y"), i + 1);
    expect_good(40);
    audit_free(a);
    audit_free(b);
}

static void test_lazy(void **state)
{
    struct audit *a = open_log(&whole);
    const struct audit_entry x = {.did = "login", .outcome = "refused", .lazy = true};
    struct audit_head head;
    struct err e = {0};

    (void)state;
    assert_int_equal(audit_append(a, &x, NOW, NULL, &e), 0);
    assert_int_equal(audit_append(a, &x, NOW, NULL, &e), 0);
    audit_files_read_head("audit", &head);
    assert_int_equal(head.seq, 0); /* not promised yet */
    expect_good(2);                /* but there */
    assert_int_equal(audit_sync(a, &e), 0);
    audit_files_read_head("audit", &head);
    assert_int_equal(head.seq, 2);
    audit_free(a);
}

/* ---- texts ---- */

static void test_texts_of_strangers(void **state)
{
    struct audit *a = open_log(&whole);
    char huge[LIMIT_AUDIT_TEXT * 4], quotes[LIMIT_AUDIT_TEXT * 2];
    const struct audit_record *v;
    struct err e = {0};
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i + 2 < sizeof(huge); i += 2)
        memcpy(huge + i, "\xc3\xa4", 3);
    memset(quotes, '"', sizeof(quotes) - 1);
    quotes[sizeof(quotes) - 1] = '\0';
    const struct audit_entry x = {.by = "a\nb\x1b[31m\xff",
                                  .from = quotes,
                                  .did = quotes,
                                  .app = quotes,
                                  .what = quotes,
                                  .outcome = quotes,
                                  .detail = huge,
                                  .re = 7};

    assert_int_equal(audit_append(a, &x, NOW, NULL, &e), 0);
    assert_int_equal(append(a, "app.stop", "blog"), 2);
    audit_free(a);
    expect_good(2);
    assert_int_equal(audit_read(".", &(struct audit_wanted){.limit = 9}, arena, &v, &n, &e), 0);
    assert_int_equal(n, 2);
    assert_string_equal(v[1].by, "a\\x0ab\\x1b[31m\\xff");
    assert_int_equal(v[1].re, 7);
    assert_in_range(strlen(v[1].detail), LIMIT_AUDIT_TEXT - 8, LIMIT_AUDIT_TEXT);
    assert_non_null(strstr(v[1].detail, "\xc3\xa4..."));
    assert_in_range(strlen(v[1].by), 1, LIMIT_AUDIT_TEXT);
}

static void test_lines_that_are_none(void **state)
{
    static const struct {
        const char *line;
        size_t n; /* 0: strlen */
    } rows[] = {
        {"", 0},
        {"x", 0},
        {AUDIT_NO_HASH, 0},
        {AUDIT_NO_HASH " ", 0},
        {AUDIT_NO_HASH " {}", 0},
        {AUDIT_NO_HASH "\0{}", 67},
        {"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a {}", 0},
        {"44136FA355B3678A1146AD16F7E8649E94FB4FC21FE77E8310C060F61CAAFF8A {}", 0},
    };
    struct audit_record r = {.seq = -5}, before = r;
    char *big = arena_alloc(arena, LIMIT_AUDIT_LINE * 3);
    const char *why;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        why = NULL;
        assert_int_equal(audit_line_read(rows[i].line, rows[i].n ? rows[i].n : strlen(rows[i].line),
                                         arena, &r, &why),
                         -1);
        assert_non_null(why);
        assert_memory_equal(&r, &before, sizeof(r));
    }
    fill(&whole, 2);
    memset(big, 'x', LIMIT_AUDIT_LINE * 2);
    big[LIMIT_AUDIT_LINE * 2] = '\n';
    int fd = open(FIRST, O_WRONLY | O_APPEND | O_CLOEXEC);

    assert_true(write(fd, big, LIMIT_AUDIT_LINE * 2 + 1) > 0);
    (void)close(fd);
    expect(FIRST, 3, "longer");
    fill(&whole, 1);
    expect(FIRST, 3, "longer");
}

static void test_read(void **state)
{
    struct audit *a = open_log(&tiny);
    const struct audit_record *v;
    struct err e = {0};
    size_t n = 0;

    (void)state;
    for (int i = 0; i < 30; i++)
        (void)append(a, "app.deploy", i % 3 == 0 ? "shop" : "blog");
    assert_int_equal(audit_read(".", &(struct audit_wanted){.limit = 5}, arena, &v, &n, &e), 0);
    assert_int_equal(n, 5);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(v[i].seq, 30 - (int64_t)i);
    assert_int_equal(
        audit_read(".", &(struct audit_wanted){.app = "shop", .limit = 100}, arena, &v, &n, &e), 0);
    assert_int_equal(n, 10);
    assert_int_equal(v[0].seq, 28);
    assert_int_equal(v[9].seq, 1);
    assert_int_equal(v[0].at_ms, NOW);
    assert_int_equal(audit_read(".", &(struct audit_wanted){.since_ms = NOW + 1, .limit = 100},
                                arena, &v, &n, &e),
                     0);
    assert_int_equal(n, 0);
    audit_free(a);
}

static int setup(void **state)
{
    arena = arena_new();
    return scratch_setup(state);
}

static int teardown(void **state)
{
    arena_free(arena);
    return scratch_teardown(state);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_chain),
        CASE(test_nothing_there),
        CASE(test_each_byte),
        CASE(test_tampering),
        CASE(test_goes_on_after_tampering),
        CASE(test_torn_at_each_byte),
        CASE(test_torn_in_a_new_file),
        CASE(test_killed),
        CASE(test_cannot_write),
        CASE(test_somebody_holds_the_lock),
        CASE(test_rotation),
        CASE(test_two_writers),
        CASE(test_lazy),
        CASE(test_texts_of_strangers),
        CASE(test_lines_that_are_none),
        CASE(test_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
