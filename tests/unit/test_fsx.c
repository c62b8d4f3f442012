/* test_fsx.c: real files: what is read, what is refused without waiting, what is left after a replacement. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "drivers/fsx.h"
#include "spec/base/arena.h"
#include "tests/unit/scratch.h"

#define POISON ((const char *)&poison)
static char poison;

static void refuses(const char *path, size_t max, enum err_kind kind, const char *says)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *text = POISON;
    struct stat st = {.st_size = 4711};
    size_t n = 99;
    struct err e = {0};

    (void)alarm(10); /* waiting is the failure that is looked for */
    assert_int_equal(fsx_read(path, max, a, &text, &n, &st, &e), -1);
    (void)alarm(0);
    assert_int_equal(e.kind, kind);
    assert_non_null(strstr(e.msg, path));
    assert_non_null(strstr(e.msg, says));
    assert_ptr_equal(text, POISON);
    assert_int_equal(n, 99);
    assert_int_equal(st.st_size, 4711);
}

static void reads_all_of_it(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *text = NULL;
    struct stat st;
    size_t n = 0;

    (void)state;
    put("a", "hello\n");
    assert_int_equal(fsx_read("a", 6, a, &text, &n, &st, NULL), 0);
    assert_int_equal(n, 6);
    assert_string_equal(text, "hello\n");
    assert_int_equal(st.st_size, 6);
    assert_int_equal(symlink("a", "link"), 0);
    assert_int_equal(fsx_read("link", 6, a, &text, &n, NULL, NULL), 0);
    assert_string_equal(text, "hello\n");
    put("empty", "");
    assert_int_equal(fsx_read("empty", 0, a, &text, &n, NULL, NULL), 0);
    assert_int_equal(n, 0);
    assert_string_equal(text, "");
}

static void refuses_what_is_no_file(void **state)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX, .sun_path = "socket"};
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)state;
    assert_int_equal(mkfifo("fifo", 0600), 0);
    assert_int_equal(symlink("fifo", "link"), 0);
    assert_int_equal(symlink("nowhere", "dangling"), 0);
    assert_int_equal(symlink("self", "self"), 0);
    assert_int_equal(bind(s, (struct sockaddr *)&at, sizeof(at)), 0);
    make_dir("dir");
    put("seven", "1234567");
    refuses("fifo", 10, ERR_USER, "FIFO");
    refuses("link", 10, ERR_USER, "FIFO");
    refuses("socket", 10, ERR_USER, "socket");
    refuses("dir", 10, ERR_USER, "directory");
    refuses("/dev/zero", 10, ERR_USER, "character device");
    refuses("missing", 10, ERR_MISSING, "No such file");
    refuses("dangling", 10, ERR_MISSING, "No such file");
    refuses("self", 10, ERR_USER, "symbolic links");
    refuses("seven", 6, ERR_USER, "larger than 6 bytes");
    /* claims to be empty and is not: as if it had grown under the reader */
    refuses("/proc/self/status", 100000, ERR_RETRY, "changed");
    (void)close(s);
}

static void replaces_as_a_whole(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *text;
    struct stat st;
    char old[16] = "";
    size_t n;
    int fd;

    (void)state;
    make_dir("d");
    put("d/f", "old text");
    fd = open("d/f", O_RDONLY | O_CLOEXEC);
    mode_t mask = umask(077);
    assert_int_equal(fsx_replace("d/f", "new", 3, 0640, NULL), 0);
    (void)umask(mask);
    assert_int_equal(fsx_read("d/f", 100, a, &text, &n, &st, NULL), 0);
    assert_string_equal(text, "new");
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(read(fd, old, sizeof(old)), 8); /* who had it open still reads the old text */
    assert_string_equal(old, "old text");
    (void)close(fd);
    assert_int_equal(fsx_replace("bare", "", 0, 0600, NULL), 0); /* without a folder in its name */
    assert_int_equal(fsx_read("bare", 0, a, &text, &n, &st, NULL), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
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

static void a_failed_replacement_leaves_nothing(void **state)
{
    struct err e = {0};

    (void)state;
    make_dir("d");
    make_dir("d/taken");
    assert_int_equal(fsx_replace("d/taken", "x", 1, 0600, &e), -1);
    assert_non_null(strstr(e.msg, "d/taken"));
    assert_int_equal(entries("d"), 1);
    assert_int_equal(fsx_replace("none/f", "x", 1, 0600, &e), -1);
    assert_int_equal(e.kind, ERR_MISSING);
}

static void a_full_disk_leaves_the_old_text(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    static char big[64 * 1024];
    const char *text;
    struct err e = {0};
    size_t n;

    (void)state;
    put("f", "old");
    /* the nearest to a full disk that needs no rights */
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    struct rlimit was, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    small = (struct rlimit){4096, was.rlim_max};
    (void)sigaction(SIGXFSZ, &ignore, &before);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int failed = fsx_replace("f", big, sizeof(big), 0600, &e);
    (void)setrlimit(RLIMIT_FSIZE, &was);
    (void)sigaction(SIGXFSZ, &before, NULL);
    assert_int_equal(failed, -1);
    assert_int_equal(fsx_read("f", 10, a, &text, &n, NULL, NULL), 0);
    assert_string_equal(text, "old");
    assert_int_equal(entries("."), 1);
}

static void removes_and_makes(void **state)
{
    struct err e = {0};
    struct stat st;

    (void)state;
    put("f", "");
    assert_int_equal(fsx_remove("f", &e), 0);
    assert_int_not_equal(access("f", F_OK), 0);
    assert_int_equal(fsx_remove("f", &e), 0);
    assert_int_equal(fsx_remove("no/such/folder/f", &e), 0);
    make_dir("d");
    assert_int_equal(fsx_remove("d", &e), -1);
    assert_int_equal(fsx_mkdirs("x/y//z/", 0700, &e), 0);
    assert_int_equal(stat("x/y/z", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(fsx_mkdirs("x/y/z", 0700, &e), 0);
    put("file", "");
    assert_int_equal(fsx_mkdirs("file", 0700, &e), -1);
    assert_int_equal(e.kind, ERR_CONFLICT);
    assert_int_equal(fsx_mkdirs("file/under", 0700, &e), -1);
}

static void paths(void **state)
{
    static const struct {
        const char *in, *out;
    } absolute[] = {
        {"/a/b", "/a/b"},
        {"/a//b/", "/a/b"},
        {"/a/./b/../c", "/a/c"},
        {"/", "/"},
        {"/..", "/"},
        {"/../../x", "/x"},
        {"/a/..", "/"},
        {"//", "/"},
        {"/...", "/..."},
        {"/.hidden/..x", "/.hidden/..x"},
    };
    CLEANUP(arena_freep) struct arena *a = arena_new();

    for (size_t i = 0; i < ARRAY_LEN(absolute); i++)
        assert_string_equal(fsx_absolute(absolute[i].in, a), absolute[i].out);
    assert_string_equal(fsx_absolute("", a), *state);
    assert_string_equal(fsx_absolute(".", a), *state);
    assert_string_equal(fsx_absolute("x/../y/", a), fsx_join(*state, "y", a));
    assert_string_equal(fsx_absolute("../y", a), "/tmp/y");
    assert_string_equal(fsx_join("/", "a", a), "/a");
    assert_string_equal(fsx_join("d/", "a", a), "d/a");
    assert_string_equal(fsx_join("d", "a/b", a), "d/a/b");
}

static void a_working_directory_that_is_gone(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();

    make_dir("gone");
    assert_int_equal(chdir("gone"), 0);
    assert_int_equal(rmdir("../gone"), 0);
    assert_string_equal(fsx_absolute("x", a), "/x");
    assert_int_equal(chdir(*state), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_all_of_it, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(refuses_what_is_no_file, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(replaces_as_a_whole, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(a_failed_replacement_leaves_nothing, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(a_full_disk_leaves_the_old_text, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(removes_and_makes, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(paths, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(a_working_directory_that_is_gone, scratch_setup,
                                        scratch_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
