/* test_log.c: what arrives at the other end of standard error: one message per line, whole, escaped, in the style of who
 * reads it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/log.h"

/* Standard error of the program, kept while a test borrows its number: assertions report there. */
static int kept = -1;

static void borrow(int fd)
{
    kept = dup(STDERR_FILENO);
    assert_true(dup2(fd, STDERR_FILENO) >= 0);
}

static void give_back(void)
{
    assert_true(dup2(kept, STDERR_FILENO) >= 0);
    (void)close(kept);
}

static void matches(const char *text, const char *pattern)
{
    regex_t re;

    assert_int_equal(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
    if (regexec(&re, text, 0, NULL, 0) != 0)
        fail_msg("\"%s\" does not match %s", text, pattern);
    regfree(&re);
}

/* A datagram socket shows each write by itself. */
static int ends[2];

static int open_ends(void **state)
{
    (void)state;
    (void)unsetenv("JOURNAL_STREAM");
    return socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends);
}

static int close_ends(void **state)
{
    (void)state;
    (void)unsetenv("JOURNAL_STREAM");
    log_init(LOG_ERROR);
    return close(ends[0]) | close(ends[1]);
}

static const char *next(void)
{
    static char text[16384];
    ssize_t n = recv(ends[1], text, sizeof(text) - 1, MSG_DONTWAIT);

    text[n < 0 ? 0 : n] = '\0';
    return text;
}

#define TIME "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z "

static void plain_lines(void **state)
{
    (void)state;
    borrow(ends[0]);
    log_init(LOG_INFO);
    log_line(LOG_ERROR, NULL, "cannot %s", "go on");
    log_line(LOG_WARNING, "blog", "odd");
    log_line(LOG_INFO, NULL, "%d%%", 100);
    log_line(LOG_DEBUG, NULL, "not shown");
    give_back();
    matches(next(), TIME "error cannot go on\n$");
    matches(next(), TIME "warning odd app=blog\n$");
    matches(next(), TIME "info 100%\n$");
    assert_string_equal(next(), "");
}

static void levels(void **state)
{
    static const struct {
        const char *word;
        enum log_level level;
    } words[] = {{"error", LOG_ERROR},
                 {"warning", LOG_WARNING},
                 {"warn", LOG_WARNING},
                 {"Info", LOG_INFO},
                 {"DEBUG", LOG_DEBUG}};
    static const char *const bad[] = {"", "errors", "err", "trace", "info "};
    enum log_level level;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        level = (enum log_level)77;
        assert_int_equal(log_level_parse(words[i].word, &level), 0);
        assert_int_equal(level, words[i].level);
    }
    level = (enum log_level)77;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(log_level_parse(bad[i], &level), -1);
    assert_int_equal((int)level, 77);

    for (int shown = LOG_ERROR; shown <= LOG_DEBUG; shown++) {
        int n = 0;

        borrow(ends[0]);
        log_init((enum log_level)shown);
        for (int l = LOG_ERROR; l <= LOG_DEBUG; l++)
            log_line((enum log_level)l, NULL, "x");
        give_back();
        while (*next())
            n++;
        assert_int_equal(n, shown + 1);
    }
}

static void strangers_are_escaped(void **state)
{
    (void)state;
    borrow(ends[0]);
    log_init(LOG_INFO);
    log_line(LOG_INFO, "a\nb", "one\ntwo\033[31m\xff\xc3\xa4");
    give_back();
    matches(next(), TIME "info one\\\\x0atwo\\\\x1b\\[31m\\\\xff\xc3\xa4 app=a\\\\x0ab\n$");
    assert_string_equal(next(), "");
}

static void long_text_is_cut_and_ends_its_line(void **state)
{
    char big[10000];

    (void)state;
    memset(big, 'x', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    borrow(ends[0]);
    log_init(LOG_INFO);
    log_line(LOG_INFO, NULL, "%s", big);
    give_back();
    const char *got = next();
    assert_in_range(strlen(got), 4000, 5000);
    assert_int_equal(got[strlen(got) - 1], '\n');
    assert_string_equal(next(), "");
}

static void journal(void **state)
{
    struct stat st;
    char stream[64];

    (void)state;
    assert_int_equal(fstat(ends[0], &st), 0);
    (void)snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    (void)setenv("JOURNAL_STREAM", stream, 1);
    borrow(ends[0]);
    log_init(LOG_DEBUG);
    log_line(LOG_ERROR, NULL, "a");
    log_line(LOG_WARNING, "blog", "b");
    log_line(LOG_INFO, NULL, "c");
    log_line(LOG_DEBUG, NULL, "d");
    give_back();
    assert_string_equal(next(), "<3>a\n");
    assert_string_equal(next(), "<4>b app=blog\n");
    assert_string_equal(next(), "<6>c\n");
    assert_string_equal(next(), "<7>d\n");
    /* inherited by a child whose standard error goes elsewhere */
    (void)setenv("JOURNAL_STREAM", "1:1", 1);
    borrow(ends[0]);
    log_init(LOG_INFO);
    log_line(LOG_INFO, NULL, "plain");
    give_back();
    matches(next(), TIME "info plain\n$");
}

static void terminal_line(const char *term, const char *no_color, const char *pattern)
{
    int pty = posix_openpt(O_RDWR | O_NOCTTY), tty;
    char text[256];

    assert_true(pty >= 0 && grantpt(pty) == 0 && unlockpt(pty) == 0);
    tty = open(ptsname(pty), O_RDWR | O_NOCTTY);
    assert_true(tty >= 0);
    (void)setenv("TERM", term, 1);
    if (no_color)
        (void)setenv("NO_COLOR", no_color, 1);
    borrow(tty);
    log_init(LOG_INFO);
    log_line(LOG_WARNING, "blog", "odd");
    give_back();
    (void)unsetenv("NO_COLOR");
    ssize_t n = read(pty, text, sizeof(text) - 1);
    assert_true(n > 0);
    text[n] = '\0';
    matches(text, pattern);
    (void)close(tty);
    (void)close(pty);
}

static void terminals(void **state)
{
    (void)state;
    terminal_line("xterm", NULL,
                  "^[0-9:]{8} \033\\[33mwarning \033\\[0m \033\\[1mblog\033\\[0m: odd\r\n$");
    terminal_line("xterm", "", "^[0-9:]{8} \033\\[33mwarning ");
    terminal_line("xterm", "1", "^[0-9:]{8} warning  blog: odd\r\n$");
    terminal_line("dumb", NULL, "^[0-9:]{8} warning  blog: odd\r\n$");
}

static void nobody_waits_for_a_full_pipe(void **state)
{
    int p[2];

    (void)state;
    assert_int_equal(pipe2(p, O_NONBLOCK | O_CLOEXEC), 0);
    borrow(p[1]);
    log_init(LOG_INFO);
    errno = 4711;
    for (int i = 0; i < 5000; i++)
        log_line(LOG_INFO, NULL, "this is more than a pipe holds");
    int after = errno;
    give_back();
    assert_int_equal(after, 4711); /* logging on the way to a report does not spoil it */
    (void)close(p[0]);
    (void)close(p[1]);
}

enum { THREADS = 4, LINES = 500 };

static void *chatter(void *arg)
{
    for (int i = 0; i < LINES; i++)
        log_line(LOG_INFO, arg, "line %d of many that must stay whole", i);
    return NULL;
}

static void *drink(void *arg)
{
    int *count = arg;

    for (*count = 0; *count < THREADS * LINES; ++*count) {
        char text[256];
        ssize_t n = recv(ends[1], text, sizeof(text) - 1, 0);

        if (n <= 0)
            break;
        text[n] = '\0';
        if (!strstr(text, " of many that must stay whole app=t") || text[n - 1] != '\n')
            break;
    }
    return NULL;
}

static void threads_do_not_tear_lines(void **state)
{
    static char names[THREADS][3] = {"t0", "t1", "t2", "t3"};
    pthread_t t[THREADS], reader;
    int count = 0;

    (void)state;
    borrow(ends[0]);
    log_init(LOG_INFO);
    (void)pthread_create(&reader, NULL, drink, &count);
    for (int i = 0; i < THREADS; i++)
        (void)pthread_create(&t[i], NULL, chatter, names[i]);
    for (int i = 0; i < THREADS; i++)
        (void)pthread_join(t[i], NULL);
    (void)pthread_join(reader, NULL);
    give_back();
    assert_int_equal(count, THREADS * LINES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(plain_lines, open_ends, close_ends),
        cmocka_unit_test_setup_teardown(levels, open_ends, close_ends),
        cmocka_unit_test_setup_teardown(strangers_are_escaped, open_ends, close_ends),
        cmocka_unit_test_setup_teardown(long_text_is_cut_and_ends_its_line, open_ends, close_ends),
        cmocka_unit_test_setup_teardown(journal, open_ends, close_ends),
        cmocka_unit_test_setup_teardown(terminals, open_ends, close_ends),
        cmocka_unit_test_setup_teardown(nobody_waits_for_a_full_pipe, open_ends, close_ends),
        cmocka_unit_test_setup_teardown(threads_do_not_tear_lines, open_ends, close_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
