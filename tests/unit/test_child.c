/* Programs run as children: what they get, what is handed on, and that all of them ends when it shall. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <linux/landlock.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "drivers/child.h"
#include "drivers/workdir.h"
#include "spec/base/arena.h"
#include "tests/unit/scratch.h"

struct desk {
    struct arena *arena;
    struct strv words;
    struct kvs env;
    struct child_order order;
    struct str lines; /* "o:LINE\n" or "e:LINE\n" */
    size_t n_lines;
};

static void on_line(void *user, bool is_stderr, const char *line, size_t n)
{
    struct desk *x = user;

    x->n_lines++;
    str_add(&x->lines, is_stderr ? "e:" : "o:");
    str_addn(&x->lines, line, n);
    str_addc(&x->lines, '\n');
}

/* A child that runs this text. */
static void open_desk(struct desk *x, const char *script)
{
    *x = (struct desk){.arena = arena_new()};
    strv_push(x->arena, &x->words, "-c");
    strv_push(x->arena, &x->words, script);
    child_environment("/nowhere", x->arena, &x->env);
    x->order = (struct child_order){
        .program = "/bin/sh",
        .arguments = &x->words,
        .environment = &x->env,
        .deadline_ms = 20000,
        .line = on_line,
        .user = x,
    };
}

static void close_desk(struct desk *x)
{
    str_release(&x->lines);
    arena_free(x->arena);
}

static int64_t now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static size_t descriptors(void)
{
    DIR *d = opendir("/proc/self/fd");
    size_t n = 0;

    assert_non_null(d);
    while (readdir(d))
        n++;
    (void)closedir(d);
    return n;
}

/* A process may be a zombie of another parent for a moment. */
static bool goes(pid_t pid)
{
    const struct timespec moment = {.tv_nsec = 20 * 1000 * 1000};

    for (int i = 0; i < 100; i++) {
        char path[64], state = 0;
        FILE *f;

        (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
        f = fopen(path, "re");
        if (!f || fscanf(f, "%*d %*s %c", &state) != 1 || state == 'Z') {
            if (f)
                (void)fclose(f);
            return true;
        }
        (void)fclose(f);
        (void)nanosleep(&moment, NULL);
    }
    return false;
}

static void lines_come(void **state)
{
    struct desk x;
    struct err e = {0};

    (void)state;
    open_desk(&x, "echo one; echo two >&2; echo; printf 'cr\\r\\nlast'");
    assert_int_equal(child_run(&x.order, -1, &e), 0);
    assert_non_null(strstr(str_text(&x.lines), "o:one\n"));
    assert_non_null(strstr(str_text(&x.lines), "e:two\n"));
    assert_non_null(strstr(str_text(&x.lines), "o:\no:cr\n"));
    assert_non_null(strstr(str_text(&x.lines), "o:last\n"));
    assert_int_equal(x.n_lines, 5);
    close_desk(&x);
}

static void a_failure_says_code_and_last_lines(void **state)
{
    struct desk x;
    struct err e = {0};

    (void)state;
    open_desk(&x, "for i in 1 2 3 4 5 6 7 8; do echo line$i; done; exit 7");
    assert_int_equal(child_run(&x.order, -1, &e), -1);
    assert_int_equal(e.kind, ERR_USER);
    assert_string_equal(e.msg, "sh ended with code 7: line3; line4; line5; line6; line7; line8");
    close_desk(&x);
    open_desk(&x, "kill -9 $$");
    assert_int_equal(child_run(&x.order, -1, &e), -1);
    assert_non_null(strstr(e.msg, "ended by signal 9"));
    close_desk(&x);
}

static void what_cannot_start_says_so(void **state)
{
    struct desk x;
    struct err e = {0};
    size_t before = descriptors();

    (void)state;
    open_desk(&x, "");
    x.order.program = "/no/such/program";
    assert_int_equal(child_run(&x.order, -1, &e), -1);
    assert_int_equal(e.kind, ERR_MISSING);
    assert_non_null(strstr(e.msg, "/no/such/program"));
    x.order.writes_below = "/no/such/folder";
    assert_int_equal(child_run(&x.order, -1, &e), -1);
    assert_int_equal(descriptors(), before);
    close_desk(&x);
}

/* Exactly what it was given, whatever this process has. */
static void its_environment_is_its_own(void **state)
{
    struct desk x;
    struct err e = {0};
    CLEANUP(str_release) struct str out = STR_INIT;

    (void)state;
    assert_int_equal(setenv("EVENKEEL_SECRET", "hunter2", 1), 0);
    open_desk(&x, "exec env");
    x.env = (struct kvs){0};
    kvs_set(x.arena, &x.env, "A", "1");
    kvs_set(x.arena, &x.env, "PATH", "/bin:/usr/bin");
    x.order.out = &out;
    assert_int_equal(child_run(&x.order, -1, &e), 0);
    assert_non_null(strstr(str_text(&out), "A=1\n"));
    assert_null(strstr(str_text(&out), "hunter2"));
    assert_null(strstr(str_text(&out), "HOME="));
    (void)unsetenv("EVENKEEL_SECRET");
    close_desk(&x);
}

/* Three descriptors, one of them /dev/null; no ignored and no blocked signal; a session of its own. */
static void it_inherits_nothing(void **state)
{
    struct desk x;
    struct err e = {0};
    sigset_t set;
    int open_fd = open("/dev/null", O_RDONLY); /* not close-on-exec, as some library may do */

    (void)state;
    assert_true(open_fd >= 0);
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    open_desk(&x, "readlink /proc/self/fd/0; ls /proc/$$/fd | wc -l; pwd; "
                  "awk '/^Sig(Blk|Ign)/ {print substr($2, 10)}' /proc/self/status; "
                  "awk '{print ($1 == $6 && $1 == $5)}' /proc/$$/stat; ulimit -c");
    assert_int_equal(child_run(&x.order, -1, &e), 0);
    assert_string_equal(str_text(&x.lines),
                        "o:/dev/null\no:3\no:/\no:0000000\no:0000000\no:1\no:0\n");
    (void)sigprocmask(SIG_UNBLOCK, &set, NULL);
    (void)close(open_fd);
    close_desk(&x);
}

static void a_deadline_ends_it(void **state)
{
    struct desk x;
    struct err e = {0};
    int64_t began = now_ms();

    (void)state;
    open_desk(&x, "echo begun; exec sleep 60");
    x.order.deadline_ms = 200;
    assert_int_equal(child_run(&x.order, -1, &e), -1);
    assert_int_equal(e.kind, ERR_USER);
    assert_string_equal(e.msg, "sh did not finish within 1 s: begun");
    assert_in_range(now_ms() - began, 200, 1500);
    close_desk(&x);
}

static void who_does_not_listen_is_killed_with_its_group(void **state)
{
    struct desk x;
    struct err e = {0};
    int64_t began = now_ms();

    (void)state;
    open_desk(&x, "trap '' TERM; sleep 60 & echo $!; while :; do sleep 1; done");
    x.order.deadline_ms = 200;
    x.order.grace_ms = 300;
    assert_int_equal(child_run(&x.order, -1, &e), -1);
    assert_in_range(now_ms() - began, 500, 5000);
    assert_true(goes((pid_t)strtol(str_text(&x.lines) + 2, NULL, 10)));
    close_desk(&x);
}

static void it_can_be_stopped(void **state)
{
    struct desk x;
    struct err e = {0};
    int stop = eventfd(1, EFD_CLOEXEC);

    (void)state;
    open_desk(&x, "exec sleep 60");
    assert_int_equal(child_run(&x.order, stop, &e), -1);
    assert_int_equal(e.kind, ERR_STALE);
    (void)close(stop);
    close_desk(&x);
}

/* The first process is over: what it left in the background is no reason to wait, and ends. */
static void what_it_leaves_behind_ends(void **state)
{
    struct desk x;
    struct err e = {0};
    int64_t began = now_ms();

    (void)state;
    open_desk(&x, "sleep 60 & echo $!");
    assert_int_equal(child_run(&x.order, -1, &e), 0);
    assert_in_range(now_ms() - began, 0, 5000);
    assert_true(goes((pid_t)strtol(str_text(&x.lines) + 2, NULL, 10)));
    close_desk(&x);
}

static void freed_it_is_gone(void **state)
{
    struct desk x;
    struct err e = {0};
    size_t before = descriptors();
    struct child *c;

    (void)state;
    open_desk(&x, "sleep 60 & echo $!; wait");
    c = child_start(&x.order, &e);
    assert_non_null(c);
    while (x.n_lines == 0) {
        struct pollfd fd = {.fd = child_fd(c), .events = POLLIN};

        assert_int_equal(poll(&fd, 1, 5000), 1);
        assert_true(child_step(c));
    }
    child_free(c);
    assert_true(goes((pid_t)strtol(str_text(&x.lines) + 2, NULL, 10)));
    assert_int_equal(descriptors(), before);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no zombie either */
    close_desk(&x);
}

static void output_is_bounded(void **state)
{
    struct desk x;
    struct err e = {0};
    CLEANUP(str_release) struct str out = STR_INIT;

    (void)state;
    open_desk(&x, "while :; do echo 0123456789012345678901234567890123456789; done");
    x.order.out = &out;
    x.order.most_bytes = 10000;
    assert_int_equal(child_run(&x.order, -1, &e), -1);
    assert_string_equal(e.msg, "sh wrote more than 10000 bytes");
    assert_in_range(out.len, 0, 10000);
    close_desk(&x);

    /* lines: what is too much is read, and dropped */
    open_desk(&x, "i=0; while [ $i -lt 20000 ]; do echo 0123456789; i=$((i+1)); done; exit 3");
    x.order.most_bytes = 11 * 100;
    assert_int_equal(child_run(&x.order, -1, &e), -1);
    assert_int_equal(x.n_lines, 100);
    assert_non_null(strstr(e.msg, "code 3"));
    close_desk(&x);

    /* a line that does not end comes in pieces */
    open_desk(&x, "head -c 20000 /dev/zero | tr '\\0' x");
    assert_int_equal(child_run(&x.order, -1, &e), 0);
    assert_int_equal(x.n_lines, 3);
    close_desk(&x);
}

static void it_writes_where_it_may(void **state)
{
    struct desk x;
    struct err e = {0};

    (void)state;
    assert_int_equal(mkdir("in", 0755), 0);
    open_desk(&x, "echo a >in/a && mkdir in/b && echo null >/dev/null && "
                  "! echo b 2>/dev/null >out && ! rm in2 2>/dev/null && ! mkdir d 2>/dev/null && "
                  "cat in2");
    put("in2", "readable\n");
    x.order.folder = *state;
    x.order.writes_below = arena_printf(x.arena, "%s/in", (char *)*state);
    if (syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) < 1) {
        close_desk(&x);
        skip();
    }
    assert_int_equal(child_run(&x.order, -1, &e), 0);
    assert_string_equal(str_text(&x.lines), "o:readable\n");
    assert_int_equal(access("in/a", F_OK), 0);
    assert_int_equal(access("in/b", F_OK), 0);
    assert_int_equal(access("out", F_OK), -1);
    assert_int_equal(access("in2", F_OK), 0);
    put("out", "this process still may\n");
    close_desk(&x);
}

static void programs_are_found(void **state)
{
    struct arena *a = arena_new();

    (void)state;
    put("tool", "#!/bin/sh\n");
    put("no-tool", "#!/bin/sh\n");
    assert_int_equal(chmod("tool", 0755), 0);
    const char *before = arena_strdup(a, getenv("PATH"));

    assert_int_equal(setenv("PATH", arena_printf(a, "relative::/nowhere:%s", (char *)*state), 1),
                     0);
    assert_string_equal(child_find("tool", a), arena_printf(a, "%s/tool", (char *)*state));
    assert_null(child_find("no-tool", a));
    assert_null(child_find("env", a));
    assert_int_equal(setenv("PATH", before, 1), 0);
    arena_free(a);
}

static void work_folders_vanish(void **state)
{
    struct err e = {0};
    struct workdir *w;
    struct stat st;
    struct arena *a = arena_new();
    const struct timespec old[2] = {{.tv_sec = 1}, {.tv_sec = 1}};

    assert_int_equal(setenv("TMPDIR", *state, 1), 0);
    assert_int_equal(mkdir("evenkeel-work-leftOv", 0700), 0);
    put("evenkeel-work-leftOv/file", "of a process that was killed");
    assert_int_equal(utimensat(AT_FDCWD, "evenkeel-work-leftOv", old, 0), 0);
    assert_int_equal(mkdir("evenkeel-work-newbrn", 0700), 0);
    w = workdir_new(&e);
    assert_non_null(w);
    assert_int_equal(access("evenkeel-work-leftOv", F_OK), -1);
    assert_int_equal(access("evenkeel-work-newbrn", F_OK), 0);
    const char *path = arena_strdup(a, workdir_path(w));

    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
    struct workdir *other = workdir_new(&e);

    assert_int_equal(access(path, F_OK), 0); /* in use, however old */
    workdir_free(other);
    assert_int_equal(symlink("/", arena_printf(a, "%s/link", path)), 0);
    assert_int_equal(mkdir(arena_printf(a, "%s/deep", path), 0700), 0);
    workdir_free(w);
    assert_int_equal(access(path, F_OK), -1);
    (void)unsetenv("TMPDIR");
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come),
        cmocka_unit_test(a_failure_says_code_and_last_lines),
        cmocka_unit_test(what_cannot_start_says_so),
        cmocka_unit_test(its_environment_is_its_own),
        cmocka_unit_test(it_inherits_nothing),
        cmocka_unit_test(a_deadline_ends_it),
        cmocka_unit_test(who_does_not_listen_is_killed_with_its_group),
        cmocka_unit_test(it_can_be_stopped),
        cmocka_unit_test(what_it_leaves_behind_ends),
        cmocka_unit_test(freed_it_is_gone),
        cmocka_unit_test(output_is_bounded),
        cmocka_unit_test_setup_teardown(it_writes_where_it_may, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(programs_are_found, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(work_folders_vanish, scratch_setup, scratch_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
