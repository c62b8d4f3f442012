/* test_watch.c: real folders: what is told at once, what is gathered, what is not told at all, and that nothing is lost when the tree
 * changes its shape, is flooded with events, or loses its doorbell. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include "agent/log.h"
#include "agent/watch.h"
#include "spec/base/str.h"
#include "tests/unit/scratch.h"

/* Sanitizers and a busy machine: "at once" is what would not have waited for the end of a burst. */
enum { AT_ONCE_MS = 80, SOON_MS = 1500, NEVER_MS = 150, QUIET_MS = 110 };

static struct watch *w;

/* Milliseconds until told, or -1. */
static double told_within(int ms)
{
    struct pollfd p = {.fd = watch_fd(w), .events = POLLIN};
    double from = clock_ms();

    if (poll(&p, 1, ms) <= 0)
        return -1;
    watch_seen(w);
    return clock_ms() - from;
}

static void quiet_for(int ms)
{
    while (told_within(ms) >= 0)
        ;
}

static void forget(void)
{
    quiet_for(NEVER_MS);
}

#define TOLD_AT_ONCE() assert_in_range((long)(told_within(SOON_MS) * 1000), 0, AT_ONCE_MS * 1000)
#define TOLD_SOON() assert_true(told_within(SOON_MS) >= 0)
#define NOT_TOLD() assert_true(told_within(NEVER_MS) < 0)

/* Whatever happens to path is told: proof that it is watched. */
static void is_watched(const char *folder)
{
    CLEANUP(str_release) struct str path = STR_INIT;

    quiet_for(QUIET_MS);
    str_addf(&path, "%s/proof.yaml", folder);
    save(path.buf, "x");
    TOLD_SOON();
    scratch_remove(path.buf);
    TOLD_SOON();
}

/* To root all folders are readable. */
static void become_nobody(void)
{
    if (geteuid() == 0) {
        assert_int_equal(chmod(".", 0777), 0);
        assert_int_equal(seteuid(65534), 0);
    }
}

static void start_with(const char *const *roots, size_t n)
{
    struct err e = {0};

    w = watch_new(roots, n, "bell", &e);
    if (!w)
        fail_msg("%s", e.msg);
}

static void start(const char *root)
{
    start_with(&root, 1);
}

static int setup(void **state)
{
    log_init(LOG_ERROR);
    w = NULL;
    return scratch_setup(state);
}

static int teardown(void **state)
{
    watch_free(w);
    w = NULL;
    return scratch_teardown(state);
}

/* ---- what is told, and when ---- */

static void once_at_the_start(void **state)
{
    (void)state;
    make_dir("r");
    start("r");
    TOLD_AT_ONCE();
    NOT_TOLD();
    watch_seen(w); /* also when there is nothing to see */
    NOT_TOLD();
}

static void renames_and_deletions_at_once(void **state)
{
    double sum = 0;

    (void)state;
    make_dir("r");
    start("r");
    forget();
    for (int i = 0; i < 100; i++) {
        save("r/a.yaml", "x");
        double took = told_within(SOON_MS);

        assert_true(took >= 0);
        sum += took;
    }
    assert_true(sum / 100 < 5); /* measured: 0.1 ms */
    move("r/a.yaml", "b.yaml");
    TOLD_AT_ONCE();
    move("b.yaml", "r/b.yaml");
    TOLD_AT_ONCE();
    scratch_remove("r/b.yaml");
    TOLD_AT_ONCE();
    NOT_TOLD();
}

static void bursts_are_waited_out(void **state)
{
    (void)state;
    make_dir("r");
    start("r");
    forget();
    put("r/a.yaml", "x");
    double took = told_within(SOON_MS);
    assert_in_range((long)took, 90, 300);
    NOT_TOLD();
    for (int i = 0; i < 20; i++) { /* 400 ms of writing */
        put("r/a.yaml", "xy");
        pause_ms(20);
    }
    took = told_within(SOON_MS);
    assert_in_range((long)took, 50, 300);
    NOT_TOLD();
}

static void a_burst_without_end_is_told_each_second(void **state)
{
    int told = 0;

    (void)state;
    make_dir("r");
    start("r");
    forget();
    double from = clock_ms();
    while (clock_ms() - from < 2200) {
        put("r/a.yaml", "x");
        if (told_within(20) >= 0)
            told++;
    }
    assert_in_range(told, 2, 3);
}

static void a_rename_does_not_wait_for_a_burst(void **state)
{
    (void)state;
    make_dir("r");
    start("r");
    forget();
    put("r/a.yaml", "x");
    pause_ms(5);
    save("r/b.yaml", "x");
    TOLD_AT_ONCE();
}

static void unread_news_stay(void **state)
{
    (void)state;
    make_dir("r");
    start("r");
    forget();
    save("r/a.yaml", "x");
    pause_ms(20);
    for (int i = 0; i < 10; i++)
        put("r/b.yaml", "x"); /* a burst behind it does not put it off */
    pause_ms(5);
    assert_in_range((long)(told_within(SOON_MS) * 1000), 0, 20000);
}

static void vim_saves(void **state)
{
    (void)state;
    make_dir("r");
    put("r/a.yaml", "old");
    start("r");
    forget();
    put("r/4913", "");
    scratch_remove("r/4913");
    put("r/.a.yaml.swp", "swap");
    NOT_TOLD();
    move("r/a.yaml", "r/a.yaml~");
    TOLD_AT_ONCE();
    put("r/a.yaml", "new"); /* closed under a name that was just taken away: the save is complete */
    TOLD_AT_ONCE();
    scratch_remove("r/a.yaml~");
    NOT_TOLD();
}

static void junk_is_not_told(void **state)
{
    (void)state;
    make_dir("r");
    make_dir("r/.git");
    make_dir("r/old~");
    start("r");
    forget();
    put("r/x.tmp", "");
    put("r/x.yaml~", "");
    put("r/.x.swp", "");
    put("r/.#x.yaml", "");
    put("r/.git/x.yaml", "");
    put("r/old~/x.yaml", "");
    make_dir("r/.hidden");
    make_dir("r/.git/objects");
    scratch_remove("r/x.tmp");
    NOT_TOLD();
}

static void links_and_modes(void **state)
{
    (void)state;
    make_dir("r");
    put("r/a.yaml", "");
    start("r");
    forget();
    assert_int_equal(symlink("a.yaml", "r/l.yaml"), 0); /* a link gives nothing but CREATE */
    TOLD_SOON();
    assert_int_equal(link("r/a.yaml", "r/h.yaml"), 0);
    TOLD_SOON();
    assert_int_equal(chmod("r/a.yaml", 0600), 0);
    TOLD_SOON();
    assert_int_equal(symlink("h.yaml", "r/l.tmp"), 0);
    move("r/l.tmp", "r/l.yaml");
    TOLD_AT_ONCE();
    assert_int_equal(unlink("r/l.yaml"), 0);
    TOLD_AT_ONCE();
}

/* ---- the tree changes its shape ---- */

static void new_folders(void **state)
{
    (void)state;
    make_dir("r");
    start("r");
    forget();
    make_dir("r/a");
    TOLD_AT_ONCE();
    is_watched("r/a");
    make_dir("r/a/b");
    make_dir("r/a/b/c");
    make_dir("r/a/b/c/d");
    is_watched("r/a/b/c/d");
    move("r/a", "r/z");
    TOLD_AT_ONCE();
    is_watched("r/z/b/c/d");
    make_dir("r/a"); /* the old name, another folder */
    is_watched("r/a");
    is_watched("r/z/b");
    scratch_remove("r/z");
    TOLD_AT_ONCE();
    make_dir("r/z");
    is_watched("r/z");
}

static void trees_move_in_and_out(void **state)
{
    (void)state;
    make_dir("r");
    make_dir("t");
    make_dir("t/u");
    put("t/u/a.yaml", "x");
    start("r");
    forget();
    move("t", "r/t");
    TOLD_AT_ONCE();
    is_watched("r/t/u");
    move("r/t", "t");
    TOLD_AT_ONCE();
    forget();
    save("t/u/a.yaml", "x");
    NOT_TOLD();
    move("t", "r/t");
    is_watched("r/t/u");
}

static void folders_made_and_filled_in_one_go(void **state)
{
    (void)state;
    make_dir("r");
    start("r");
    forget();
    for (int i = 0; i < 200; i++) { /* cp -r */
        char path[64];

        (void)snprintf(path, sizeof(path), "r/%d", i);
        make_dir(path);
        (void)snprintf(path, sizeof(path), "r/%d/sub", i);
        make_dir(path);
        (void)snprintf(path, sizeof(path), "r/%d/sub/a.yaml", i);
        put(path, "x");
    }
    double done = clock_ms();
    double last = done;
    while (told_within(NEVER_MS) >= 0)
        last = clock_ms();
    assert_true(last >= done); /* told after the last of it */
    is_watched("r/0/sub");
    is_watched("r/117/sub");
    is_watched("r/199/sub");
}

static void a_folder_that_becomes_readable(void **state)
{
    (void)state;
    become_nobody();
    make_dir("r");
    make_dir("r/a");
    assert_int_equal(chmod("r/a", 0), 0);
    start("r");
    forget();
    assert_int_equal(chmod("r/a", 0755), 0);
    TOLD_AT_ONCE();
    is_watched("r/a");
}

/* ---- roots ---- */

static void a_root_that_becomes_readable(void **state)
{
    (void)state;
    become_nobody();
    make_dir("r");
    assert_int_equal(chmod("r", 0), 0);
    start("r");
    forget();
    assert_int_equal(chmod("r", 0755), 0);
    TOLD_AT_ONCE();
    is_watched("r");
    assert_int_equal(chmod("r", 0), 0); /* and once more, under its eyes */
    TOLD_AT_ONCE();
    forget();
    assert_int_equal(chmod("r", 0755), 0);
    TOLD_AT_ONCE();
    is_watched("r");
}

static void a_way_that_becomes_passable(void **state)
{
    (void)state;
    become_nobody();
    make_dir("up");
    make_dir("up/on");
    make_dir("up/on/r");
    assert_int_equal(chmod("up/on", 0), 0);
    start("up/on/r");
    forget();
    assert_int_equal(chmod("up/on", 0755), 0);
    TOLD_AT_ONCE();
    is_watched("up/on/r");
}

/* A mount sends no event: who looks by the clock has it checked. */
static void a_root_that_is_mounted_over(void **state)
{
    (void)state;
    if (seteuid(0) != 0 || unshare(CLONE_NEWNS) != 0 ||
        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        skip();
    make_dir("r");
    start("r");
    forget();
    watch_check(w);
    NOT_TOLD();
    if (mount("none", "r", "tmpfs", 0, NULL) != 0)
        skip();
    watch_check(w);
    TOLD_SOON();
    quiet_for(QUIET_MS);
    make_dir("r/inside");
    TOLD_SOON();
    assert_int_equal(umount2("r", MNT_DETACH), 0);
    watch_check(w);
    TOLD_SOON();
    is_watched("r");
}

static void roots_come_and_go(void **state)
{
    static const char *const roots[] = {"r", "deep/er/root"};

    (void)state;
    make_dir("r");
    start_with(roots, 2);
    forget();
    scratch_remove("r");
    TOLD_AT_ONCE();
    forget();
    make_dir("r");
    TOLD_AT_ONCE();
    is_watched("r");
    move("r", "away");
    TOLD_AT_ONCE();
    forget();
    save("away/a.yaml", "x");
    NOT_TOLD();
    move("away", "r");
    TOLD_AT_ONCE();
    is_watched("r");
    make_dir("deep");
    make_dir("deep/er");
    make_dir("deep/er/root");
    is_watched("deep/er/root");
    move("deep", "shallow"); /* what is above it moves */
    TOLD_AT_ONCE();
    move("shallow", "deep");
    is_watched("deep/er/root");
    put("r.yaml", "neighbours of a root do not count");
    make_dir("neighbour");
    put("deep/x", "");
    NOT_TOLD();
}

static void a_root_behind_links(void **state)
{
    (void)state;
    make_dir("v1");
    make_dir("v1/apps");
    make_dir("v2");
    make_dir("v2/apps");
    assert_int_equal(symlink("v1", "current"), 0);
    start("current/apps");
    is_watched("v1/apps");
    assert_int_equal(symlink("v2", "next"), 0);
    forget();
    move("next", "current");
    TOLD_AT_ONCE();
    is_watched("v2/apps");
    forget();
    save("v1/apps/a.yaml", "x");
    NOT_TOLD();
    scratch_remove("current");
    TOLD_AT_ONCE();
    assert_int_equal(symlink("v1", "current"), 0);
    is_watched("v1/apps");
}

static void a_root_that_is_a_file(void **state)
{
    (void)state;
    put("app.conf", "x");
    start("app.conf");
    forget();
    put("other.conf", "x");
    save("another.conf", "x");
    NOT_TOLD();
    save("app.conf", "y");
    TOLD_AT_ONCE();
    forget();
    put("app.conf", "z");
    TOLD_SOON();
    scratch_remove("app.conf");
    TOLD_AT_ONCE();
    forget();
    save("app.conf", "back");
    TOLD_AT_ONCE();
}

static void one_folder_for_two_reasons(void **state)
{
    static const char *const roots[] = {"r", "r/a", "r/a/f.yaml", "r", "link"};

    (void)state;
    make_dir("r");
    make_dir("r/a");
    put("r/a/f.yaml", "x");
    assert_int_equal(symlink("r", "link"), 0);
    start_with(roots, ARRAY_LEN(roots));
    is_watched("r");
    is_watched("r/a");
    is_watched("link");
}

/* ---- other folders ---- */

static void extra_folders(void **state)
{
    const char *one[] = {"", ""}, *none = NULL;
    char env[256], conf[256];

    (void)snprintf(env, sizeof(env), "%s/env", (const char *)*state);
    (void)snprintf(conf, sizeof(conf), "%s/conf", (const char *)*state);
    one[0] = conf;
    one[1] = env;
    make_dir("r");
    make_dir("env");
    make_dir("env/sub");
    start("r");
    forget();
    watch_extra(w, one, 2); /* conf does not exist yet */
    TOLD_AT_ONCE();         /* for what changed before it was watched */
    is_watched("env");
    forget();
    save("env/.env", "A=1"); /* any name may be an env_file */
    TOLD_AT_ONCE();
    put("env/sub/x", "");
    NOT_TOLD();
    watch_extra(w, one, 2);
    NOT_TOLD();
    make_dir("conf");
    TOLD_AT_ONCE();
    is_watched("conf");
    make_dir("r/new"); /* survives a change of shape elsewhere */
    is_watched("conf");
    is_watched("r/new");
    watch_extra(w, &none, 0);
    forget();
    save("env/.env", "A=2");
    NOT_TOLD();
}

/* What is built from may lie anywhere, in a hidden folder of a root too. */
static void other_trees(void **state)
{
    const char *trees[] = {"", ""}, *none = NULL;
    char hidden[256], far[256];

    (void)snprintf(far, sizeof(far), "%s/far", (const char *)*state);
    (void)snprintf(hidden, sizeof(hidden), "%s/r/.src", (const char *)*state);
    trees[0] = far;
    trees[1] = hidden;
    make_dir("r");
    make_dir("r/.src");
    make_dir("r/.src/sub");
    start("r");
    forget();
    watch_trees(w, trees, 2); /* far does not exist yet */
    TOLD_SOON();
    is_watched("r/.src/sub");
    make_dir("far");
    TOLD_SOON();
    make_dir("far/sub");
    make_dir("far/sub/deep");
    is_watched("far/sub/deep");
    is_watched("r");
    watch_trees(w, trees, 2);
    NOT_TOLD();
    watch_trees(w, &none, 0);
    forget();
    save("far/sub/x", "A=2");
    NOT_TOLD();
}

/* ---- floods, doorbells, ends ---- */

/* The thread's id, and how often it was woken. */
static int watcher(long *wakes)
{
    DIR *d = opendir("/proc/self/task");
    const struct dirent *x;
    int id = -1;

    while ((x = readdir(d))) {
        char path[300], line[256];
        bool ours = false;
        FILE *f;

        (void)snprintf(path, sizeof(path), "/proc/self/task/%s/status", x->d_name);
        f = x->d_name[0] == '.' ? NULL : fopen(path, "r");
        while (f && fgets(line, sizeof(line), f)) {
            ours |= strcmp(line, "Name:\twatch\n") == 0;
            if (ours && wakes && strncmp(line, "voluntary_ctxt_switches:", 24) == 0)
                *wakes = strtol(line + 24, NULL, 10);
        }
        if (ours)
            id = atoi(x->d_name);
        if (f)
            (void)fclose(f);
    }
    (void)closedir(d);
    return id;
}

static void hold_up(int signal)
{
    struct timespec t = {.tv_nsec = 700000000};

    (void)signal;
    (void)nanosleep(&t, NULL);
}

/* The queue takes 16 384 events: more come while the reader is held up. What happens then sends none. */
static void a_flood_is_survived(void **state)
{
    struct sigaction slow = {.sa_handler = hold_up}, before;

    (void)state;
    make_dir("r");
    put("r/a.yaml", "x");
    start("r");
    forget();
    (void)sigaction(SIGUSR1, &slow, &before);
    assert_int_equal(syscall(SYS_tgkill, getpid(), watcher(NULL), SIGUSR1), 0);
    pause_ms(20);
    double from = clock_ms();
    for (int i = 0; i < 10000; i++) {
        move("r/a.yaml", "r/b.yaml");
        move("r/b.yaml", "r/a.yaml");
    }
    double took = clock_ms() - from;
    make_dir("r/lost");
    make_dir("r/lost/too");
    pause_ms(700);
    forget();
    (void)sigaction(SIGUSR1, &before, NULL);
    if (took > 600)
        skip(); /* too slow a machine to outrun anybody */
    is_watched("r");
    is_watched("r/lost/too");
}

static void a_lost_doorbell_is_hung_again(void **state)
{
    const char *extra[] = {"/"};

    (void)state;
    make_dir("r");
    start("r");
    forget();
    scratch_remove("bell");
    pause_ms(200);
    assert_int_equal(access("bell", F_OK), 0);
    is_watched("r");
    move("bell", "gong");
    pause_ms(200);
    is_watched("r");
    extra[0] = *state;
    watch_extra(w, extra, 1); /* the bell is heard */
    TOLD_SOON();
    save("seen", "x");
    TOLD_AT_ONCE();
}

static size_t entries(const char *dir)
{
    DIR *d = opendir(dir);
    size_t n = 0;

    while (readdir(d))
        n++;
    (void)closedir(d);
    return n - 2;
}

static void nothing_is_left_behind(void **state)
{
    size_t before;

    (void)state;
    make_dir("r");
    make_dir("bell");
    put("bell/bell.17", ""); /* of an earlier process that was killed */
    put("bell/other", "");
    before = entries("/proc/self/fd");
    for (int i = 0; i < 20; i++) {
        start("r");
        assert_int_equal(entries("bell"), 2);
        if (i % 2)
            save("r/a.yaml", "x"); /* events that nobody reads any more */
        watch_free(w);
        w = NULL;
        assert_int_equal(entries("bell"), 1);
    }
    assert_int_equal(entries("/proc/self/fd"), before);
    start("r");
    is_watched("r");
}

static void descriptors_are_closed_on_exec(void **state)
{
    DIR *d;
    const struct dirent *x;

    (void)state;
    make_dir("r");
    start("r");
    forget();
    make_dir("r/a"); /* a fresh instance has a fresh descriptor */
    forget();
    d = opendir("/proc/self/fd");
    while ((x = readdir(d))) {
        char path[300], target[64] = "";

        (void)snprintf(path, sizeof(path), "/proc/self/fd/%s", x->d_name);
        if (readlink(path, target, sizeof(target) - 1) > 0 &&
            strncmp(target, "anon_inode:", 11) == 0)
            assert_true(fcntl(atoi(x->d_name), F_GETFD) & FD_CLOEXEC);
    }
    (void)closedir(d);
}

static void an_idle_watcher_sleeps(void **state)
{
    (void)state;
    make_dir("r");
    put("r/a.yaml", "x");
    start("r");
    forget();
    put("r/a.yaml", "y");
    TOLD_SOON();
    pause_ms(50);
    long before = 0, after = 0;
    assert_true(watcher(&before) > 0);
    pause_ms(1200);
    assert_true(watcher(&after) > 0);
    assert_true(before > 0);
    assert_int_equal(after, before);
}

static void a_start_that_fails(void **state)
{
    struct err e = {0};
    const char *root = "r";

    (void)state;
    put("bell", "a file");
    assert_null(watch_new(&root, 1, "bell", &e));
    assert_int_equal(e.kind, ERR_CONFLICT);
    assert_non_null(strstr(e.msg, "bell"));
    scratch_remove("bell");
    make_dir("r");
    start("r");
    is_watched("r");
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    /* The limits of time are the watcher's, not of what else this machine does. */
    (void)sched_setscheduler(0, SCHED_RR, &(struct sched_param){.sched_priority = 1});

    const struct CMUnitTest tests[] = {
        CASE(once_at_the_start),
        CASE(renames_and_deletions_at_once),
        CASE(bursts_are_waited_out),
        CASE(a_burst_without_end_is_told_each_second),
        CASE(a_rename_does_not_wait_for_a_burst),
        CASE(unread_news_stay),
        CASE(vim_saves),
        CASE(junk_is_not_told),
        CASE(links_and_modes),
        CASE(new_folders),
        CASE(trees_move_in_and_out),
        CASE(folders_made_and_filled_in_one_go),
        CASE(a_folder_that_becomes_readable),
        CASE(a_root_that_becomes_readable),
        CASE(a_way_that_becomes_passable),
        CASE(a_root_that_is_mounted_over),
        CASE(roots_come_and_go),
        CASE(a_root_behind_links),
        CASE(a_root_that_is_a_file),
        CASE(one_folder_for_two_reasons),
        CASE(extra_folders),
        CASE(other_trees),
        CASE(a_flood_is_survived),
        CASE(a_lost_doorbell_is_hung_again),
        CASE(nothing_is_left_behind),
        CASE(descriptors_are_closed_on_exec),
        CASE(an_idle_watcher_sleeps),
        CASE(a_start_that_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
