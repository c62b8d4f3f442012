/* test_context_memory.c: what digests have learned and keep: what is read again, what is not, and that a memory never changes a digest, whatever
 * becomes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <locale.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "drivers/context.h"
#include "spec/base/arena.h"
#include "tests/unit/scratch.h"

/* ---- helpers ---- */

static const struct context_where folder = {.path = "app", .memory = "digests", .use_ignore = true};
static const struct context_where archive = {.path = "app.tar", .memory = "digests"};

/* Returns how many bytes were read for it. */
static int64_t digest(const struct context_where *where, char ret[SHA256_HEX])
{
    struct err e = {0};
    struct context *c = context_open(where, &e);
    int64_t n;

    if (!c || context_digest(c, ret, &e) < 0)
        fail_msg("%s", e.msg);
    n = context_read_bytes(c);
    context_free(c);
    return n;
}

/* The same, after making sure that it is what it would be without a memory. */
static int64_t checked(const struct context_where *where)
{
    struct context_where plain = *where;
    char with[SHA256_HEX], without[SHA256_HEX];
    int64_t n = digest(where, with);

    plain.memory = NULL;
    (void)digest(&plain, without);
    assert_string_equal(with, without);
    return n;
}

static size_t memories(char *ret_path, size_t size)
{
    DIR *d = opendir("digests");
    const struct dirent *x;
    size_t n = 0;

    while (d && (x = readdir(d)))
        if (x->d_name[0] != '.') {
            (void)snprintf(ret_path, size, "digests/%s", x->d_name);
            n++;
        }
    if (d)
        (void)closedir(d);
    return n;
}

static void pack(void)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        (void)execlp("tar", "tar", "-cf", "app.tar", "-C", "app", ".", (char *)NULL);
        _exit(127);
    }
    assert_true(waitpid(pid, &status, 0) == pid && status == 0);
}

static int setup(void **state)
{
    if (scratch_setup(state) != 0)
        return -1;
    make_dir("app");
    make_dir("app/sub");
    put("app/Dockerfile", "FROM scratch\n"); /* 13 bytes */
    put("app/sub/a", "1234567");
    put("app/sub/b", "12345");
    pause_ms(40); /* what was written only just now is not remembered */
    return 0;
}

/* ---- tests ---- */

static void only_changes_are_read(void **state)
{
    (void)state;
    assert_int_equal(checked(&folder), 25);
    assert_int_equal(checked(&folder), 0);
    put("app/sub/b", "54321"); /* the same size */
    pause_ms(40);
    assert_int_equal(checked(&folder), 5);
    assert_int_equal(checked(&folder), 0);
    save("app/sub/a", "replaced");
    put("app/new", "123");
    pause_ms(40);
    assert_int_equal(checked(&folder), 11);
    assert_int_equal(unlink("app/sub/b"), 0);
    assert_int_equal(checked(&folder), 0);
    move("app/sub", "app/bus");
    assert_int_equal(checked(&folder), 8);
    assert_int_equal(chmod("app/new", 0755), 0);
    pause_ms(40);
    assert_int_equal(checked(&folder), 3);
    assert_int_equal(checked(&folder), 0);
}

/* As git's "racily clean" entries: its time would not tell a second change from the first. */
static void fresh_changes_are_read_again(void **state)
{
    (void)state;
    (void)checked(&folder);
    put("app/sub/b", "54321");
    assert_int_equal(checked(&folder), 5);
    assert_int_equal(checked(&folder), 5);
    age("app/sub/b", 100000); /* the file's own time can be set at will, and counts for nothing */
    assert_int_equal(checked(&folder), 5);
    pause_ms(40);
    assert_int_equal(checked(&folder), 5);
    assert_int_equal(checked(&folder), 0);
    for (char c = 'a'; c <= 'z'; c++) {
        put("app/sub/b", (char[]){c, c, c, c, c, '\0'});
        (void)checked(&folder);
    }
}

static void what_counts_is_part_of_the_source(void **state)
{
    struct context_where below = folder;

    (void)state;
    below.sub = "sub";
    (void)checked(&folder);
    assert_int_equal(checked(&below), 12);
    assert_int_equal(checked(&below), 0);
    assert_int_equal(checked(&folder), 0);
    put("app/.dockerignore", "sub/a\n");
    pause_ms(40);
    assert_int_equal(checked(&folder), 6);
    assert_int_equal(checked(&folder), 0);
}

static void archives_too(void **state)
{
    int64_t whole;

    (void)state;
    pack();
    assert_true(checked(&archive) > 0);
    pause_ms(40);
    whole = checked(&archive);
    assert_int_equal(whole, 25);
    assert_int_equal(checked(&archive), 0);
    put("app/sub/b", "54321");
    pack();
    pause_ms(40);
    assert_int_equal(checked(&archive), 25);
    assert_int_equal(checked(&archive), 0);
}

/* Every byte changed, every length: read anew, and right. */
static void a_damaged_memory_is_none(void **state)
{
    char path[512], *bytes;
    struct stat st;

    (void)state;
    (void)checked(&folder);
    assert_int_equal(memories(path, sizeof(path)), 1);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    FILE *f = fopen(path, "r+e");

    bytes = malloc((size_t)st.st_size);
    assert_true(f && fread(bytes, 1, (size_t)st.st_size, f) == (size_t)st.st_size);
    (void)fclose(f);
    for (off_t i = 0; i < 2 * st.st_size; i++) {
        f = fopen(path, "we");
        size_t n = (size_t)(i < st.st_size ? st.st_size : i - st.st_size);

        if (i < st.st_size)
            bytes[i] ^= 4;
        assert_true(f && fwrite(bytes, 1, n, f) == n);
        (void)fclose(f);
        if (i < st.st_size)
            bytes[i] ^= 4;
        if (checked(&folder) != 25)
            fail_msg("case %lld was believed", (long long)i);
    }
    free(bytes);
    assert_int_equal(checked(&folder), 0);
    scratch_remove("digests");
    assert_int_equal(checked(&folder), 25);
    assert_int_equal(checked(&folder), 0);
}

static void no_place_for_it(void **state)
{
    struct context_where lost = folder;

    (void)state;
    lost.memory = "no/such/folder";
    assert_int_equal(checked(&lost), 25);
    assert_int_equal(checked(&lost), 25);
    put("file", "");
    lost.memory = "file";
    assert_int_equal(checked(&lost), 25);
    make_dir("digests");
    (void)checked(&folder);
}

/* A source that is gone takes its memory along, as soon as another one is learned. */
static void gone_sources_are_forgotten(void **state)
{
    char path[512];

    (void)state;
    (void)checked(&folder);
    pack();
    (void)checked(&archive);
    assert_int_equal(memories(path, sizeof(path)), 2);
    scratch_remove("app");
    put("digests/0123.7.tmp", "left by a crash");
    assert_int_equal(utimensat(AT_FDCWD, "app.tar", NULL, 0), 0);
    (void)checked(&archive);
    assert_int_equal(memories(path, sizeof(path)), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_changes_are_read, setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(fresh_changes_are_read_again, setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(what_counts_is_part_of_the_source, setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(archives_too, setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(a_damaged_memory_is_none, setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(no_place_for_it, setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(gone_sources_are_forgotten, setup, scratch_teardown),
    };

    return setlocale(LC_CTYPE, "C.UTF-8") ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
