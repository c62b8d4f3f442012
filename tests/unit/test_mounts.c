/* STATE/mounts: what a hand changed is seen, by one reading of the file; it is put right in the very file that containers have; and what must not be
 * written through is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/inotify.h>

#include "agent/mounts.h"
#include "agent/mounts_look.h"
#include "scratch.h"
#include "spec/base/arena.h"

#define TEXT "level=1\n"

struct scene {
    struct arena *arena;
    struct mounts_look *look;
    struct placed_file spec;
    struct want_file file;
    struct want_app app;
    struct settings settings;
    struct desired desired;
    struct obs_container container;
    struct observed observed;
};

static void begin(struct scene *s, const char *folder)
{
    char digest[SHA256_HEX];

    memset(s, 0, sizeof(*s));
    s->arena = arena_new();
    s->look = mounts_look_new();
    sha256_hex(TEXT, strlen(TEXT), digest);
    s->spec = (struct placed_file){
        .key = "configs", .content = TEXT, .uid = geteuid(), .gid = getegid(), .mode = 0444};
    s->spec.digest = arena_strdup(s->arena, digest);
    s->file = (struct want_file){.path = arena_printf(s->arena, "%s/mounts/name", folder),
                                 .digest = s->spec.digest,
                                 .spec = &s->spec};
    s->app = (struct want_app){.name = "blog", .placed = &s->file, .n_placed = 1};
    s->settings.owner = "default";
    s->desired = (struct desired){.settings = &s->settings, .apps = &s->app, .n_apps = 1};
    s->observed = (struct observed){.containers = &s->container};
}

static void end(struct scene *s)
{
    mounts_look_free(s->look);
    arena_free(s->arena);
}

static void mount_it(struct scene *s)
{
    s->container.inspected = true;
    kvs_set(s->arena, &s->container.fields, "volumes./etc/app.conf",
            arena_printf(s->arena, "bind %s ro", s->file.path));
    s->observed.n_containers = 1;
}

/* "" when all is in order */
static const char *trouble(struct scene *s)
{
    struct obs_file *files = NULL;
    size_t n = 99;

    mounts_look(s->look, &s->desired, &s->observed, s->arena, &files, &n);
    assert_in_range(n, 0, 1);
    if (n == 1)
        assert_string_equal(files[0].path, s->file.path);
    return n ? file_trouble_name(files[0].trouble) : "";
}

static void keep(struct scene *s)
{
    struct err e = {0};

    assert_int_equal(mounts_keep(".", &s->desired, &s->observed, &e), 0);
}

static int mend(struct scene *s)
{
    struct err e = {0};

    return mounts_put(".", &s->file, &e) == 0 ? 0 : (int)e.kind;
}

static void assert_file(const char *path, const char *text)
{
    char has[64] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, has, sizeof(has) - 1);

    assert_true(fd >= 0 && n >= 0 && close(fd) == 0);
    has[n] = '\0';
    assert_string_equal(has, text);
}

/* As an editor that rewrites the same file does. */
static void overwrite(const char *path, const char *text)
{
    assert_int_equal(chmod(path, 0644), 0);
    put(path, text);
    assert_int_equal(chmod(path, 0444), 0);
}

static ino_t inode(const char *path)
{
    struct stat st;

    assert_int_equal(lstat(path, &st), 0);
    return st.st_ino;
}

static void test_changed(void **state)
{
    struct scene s;

    begin(&s, *state);
    assert_string_equal(trouble(&s), ""); /* not put in place yet */
    keep(&s);
    assert_file("mounts/name", TEXT);
    assert_string_equal(trouble(&s), "");
    ino_t before = inode("mounts/name");

    overwrite("mounts/name", "level=9\n"); /* as long as it was */
    assert_true(mounts_look_news(s.look));
    assert_string_equal(trouble(&s), "changed");
    keep(&s); /* mends nothing: that is for a plan to say */
    assert_string_equal(trouble(&s), "changed");
    assert_int_equal(mend(&s), 0);
    assert_file("mounts/name", TEXT);
    assert_true(inode("mounts/name") == before);
    assert_string_equal(trouble(&s), "");
    overwrite("mounts/name", "a much longer text than there was\n");
    assert_string_equal(trouble(&s), "changed");
    assert_int_equal(mend(&s), 0);
    assert_file("mounts/name", TEXT);
    end(&s);
}

static int opened(int watch)
{
    char events[4096];
    ssize_t n = read(watch, events, sizeof(events));

    return n > 0 ? 1 : 0;
}

/* Once it is older than a tick of the file system's clock, a file that nobody touched is not opened again. */
static void test_not_read_again(void **state)
{
    struct scene s;
    int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

    begin(&s, *state);
    keep(&s);
    pause_ms(80);
    assert_true(inotify_add_watch(watch, "mounts/name", IN_OPEN) >= 0);
    assert_string_equal(trouble(&s), "");
    assert_int_equal(opened(watch), 1);
    assert_false(mounts_look_news(s.look));
    assert_string_equal(trouble(&s), "");
    assert_int_equal(opened(watch), 0);
    overwrite("mounts/name", "level=9\n");
    assert_int_equal(opened(watch), 1);
    pause_ms(80);
    assert_string_equal(trouble(&s), "changed");
    assert_int_equal(opened(watch), 1);
    assert_string_equal(trouble(&s), "changed");
    assert_int_equal(opened(watch), 0);
    (void)close(watch);
    end(&s);
}

static void test_missing(void **state)
{
    struct scene s;

    begin(&s, *state);
    keep(&s);
    mount_it(&s);
    assert_string_equal(trouble(&s), "");
    assert_int_equal(unlink("mounts/name"), 0);
    assert_true(mounts_look_news(s.look));
    keep(&s);
    assert_string_equal(trouble(&s),
                        "missing"); /* a container had it: told, not put back in silence */
    assert_int_equal(mend(&s), 0);
    assert_string_equal(trouble(&s), "");
    end(&s);
}

static void test_access(void **state)
{
    struct scene s;

    begin(&s, *state);
    keep(&s);
    assert_int_equal(chmod("mounts/name", 0666), 0);
    assert_string_equal(trouble(&s), "access");
    assert_int_equal(mend(&s), 0);
    assert_string_equal(trouble(&s), "");
    end(&s);
}

/* What has another name besides belongs to somebody else too: it is not written to. */
static void test_linked(void **state)
{
    struct scene s;

    begin(&s, *state);
    keep(&s);
    assert_int_equal(unlink("mounts/name"), 0);
    put("theirs", "precious\n");
    assert_int_equal(link("theirs", "mounts/name"), 0);
    assert_string_equal(trouble(&s), "linked");
    assert_int_equal(mend(&s), 0);
    assert_file("theirs", "precious\n");
    assert_file("mounts/name", TEXT);
    assert_string_equal(trouble(&s), "");
    end(&s);
}

static void test_no_file(void **state)
{
    struct scene s;

    begin(&s, *state);
    keep(&s);
    assert_int_equal(unlink("mounts/name"), 0);
    put("theirs", "precious\n");
    assert_int_equal(symlink("../theirs", "mounts/name"), 0);
    assert_string_equal(trouble(&s), "kind");
    assert_int_equal(mend(&s), 0);
    assert_file("theirs", "precious\n");
    assert_file("mounts/name", TEXT);
    assert_int_equal(unlink("mounts/name"), 0);
    make_dir("mounts/name");
    assert_string_equal(trouble(&s), "kind");
    put("mounts/name/theirs", "precious\n");
    assert_int_not_equal(mend(&s), 0); /* not emptied */
    assert_int_equal(unlink("mounts/name/theirs"), 0);
    assert_int_equal(mend(&s), 0);
    assert_file("mounts/name", TEXT);
    end(&s);
}

/* Its source is another by now: what was wanted is not written any more. */
static void test_stale(void **state)
{
    struct scene s;

    begin(&s, *state);
    keep(&s);
    overwrite("mounts/name", "level=9\n");
    s.spec.content = "level=2\n";
    assert_int_equal(mend(&s), ERR_RETRY);
    assert_file("mounts/name", "level=9\n");
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_changed, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_not_read_again, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_missing, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_access, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_linked, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_no_file, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_stale, scratch_setup, scratch_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
