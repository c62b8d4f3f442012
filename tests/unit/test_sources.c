/* test_sources.c: real folders and files, written as editors, copiers and Git write them: what is in the set, what stays
 * while somebody writes, and what is said about what cannot be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "agent/sources.h"
#include "spec/base/arena.h"
#include "spec/limits.h"
#include "tests/unit/scratch.h"

#define APP(name) "app: " name "\nimage: nginx:1.27\n"

static struct sources *over(const char *root)
{
    return sources_new(&root, 1, NULL);
}

/* The set as one line: "name[=app,app][!]" each; '!' is broken, "?" before it all: a root is unreadable. */
static const char *seen(const struct sources *s)
{
    static char text[8192];
    CLEANUP(str_release) struct str out = STR_INIT;
    const struct spec_set *set = sources_set(s);

    for (size_t i = 0; i < set->n_roots; i++)
        if (!set->roots[i].readable)
            str_add(&out, "?");
    for (size_t i = 0; i < set->n_files + set->n_overrides; i++) {
        const struct spec_file *f =
            i < set->n_files ? set->files[i] : set->overrides[i - set->n_files];

        str_addf(&out, "%s%s%s", out.len ? " " : "", i < set->n_files ? "" : "+", f->name);
        for (size_t k = 0; k < f->n_documents; k++)
            str_addf(&out, "%c%s", k ? ',' : '=',
                     f->documents[k].name ? f->documents[k].name : "-");
        if (f->broken)
            str_add(&out, "!");
    }
    (void)snprintf(text, sizeof(text), "%s", str_text(&out));
    return text;
}

/* Scan until it holds still. */
static const char *settled(struct sources *s)
{
    bool unstable = true;

    for (int i = 0; i < 100 && unstable; i++) {
        (void)sources_scan(s, &unstable);
        if (unstable)
            pause_ms(30);
    }
    assert_false(unstable);
    return seen(s);
}

/* One look: what is seen at once, and whether it should be looked at again. */
static const char *at_once(struct sources *s, bool expect_unstable)
{
    bool unstable = !expect_unstable;

    (void)sources_scan(s, &unstable);
    assert_int_equal(unstable, expect_unstable);
    return seen(s);
}

static const char *complaint(const struct sources *s, const char *name)
{
    static char text[2048];
    CLEANUP(str_release) struct str out = STR_INIT;
    const struct spec_set *set = sources_set(s);

    for (size_t i = 0; i < set->n_files; i++)
        if (strcmp(set->files[i]->name, name) == 0)
            for (size_t k = 0; k < set->files[i]->diags.n; k++)
                diag_print(&set->files[i]->diags.v[k], false, &out);
    (void)snprintf(text, sizeof(text), "%s", str_text(&out));
    return text;
}

/* ---- what is taken ---- */

static void names(void **state)
{
    static const char *const yes[] = {"a.yaml",  "a.yml",  "x.app.yaml",
                                      "a b.yml", "~.yaml", "4913.yaml"};
    static const char *const no[] = {
        "",     ".yaml",      ".a.yaml", "a.yaml~", "a.yaml.tmp", "a.YAML",     "a.json",
        "4913", "a.yaml.swp", "yaml",    "a.yamlx", ".a.yml.swp", "a.yaml.bak", ".yml"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(yes); i++)
        assert_true(sources_takes(yes[i]));
    for (size_t i = 0; i < ARRAY_LEN(no); i++)
        assert_false(sources_takes(no[i]));
}

static void order_and_names(void **state)
{
    static const char *const roots[] = {"two/", "one"};
    bool unstable;

    make_dir("one");
    make_dir("one/b");
    make_dir("one/.git");
    make_dir("one/old~");
    make_dir("one/x.tmp");
    make_dir("two");
    save("one/b/z.yaml", APP("z"));
    save("one/b.yaml", APP("b"));
    save("one/a.yml", APP("a1") "---\n" APP("a2"));
    save("one/.git/config.yaml", APP("hidden"));
    save("one/old~/x.yaml", APP("hidden"));
    save("one/x.tmp/x.yaml", APP("hidden"));
    save("one/notes.txt", "nothing");
    save("two/c.yaml", APP("c"));
    struct sources *s = sources_new(roots, 2, "over");
    assert_true(sources_scan(s, &unstable));
    assert_string_equal(seen(s), "two/c.yaml=c one/a.yml=a1,a2 one/b.yaml=b one/b/z.yaml=z");
    const struct spec_set *set = sources_set(s);
    assert_int_equal(set->n_roots, 2);
    assert_string_equal(set->roots[1].path + strlen(*state), "/one");
    assert_string_equal(set->files[3]->root, set->roots[1].path);
    assert_string_equal(set->files[3]->path, "b/z.yaml");
    assert_false(sources_scan(s, &unstable));
    make_dir("over");
    save("over/c.yaml", "override: c\nstate: stopped\n");
    assert_true(sources_scan(s, &unstable));
    assert_string_equal(seen(s),
                        "two/c.yaml=c one/a.yml=a1,a2 one/b.yaml=b one/b/z.yaml=z +over/c.yaml=c");
    sources_free(s);
    sources_free(NULL);
}

static void how_files_are_called(void **state)
{
    char absolute[256];

    make_dir("r");
    save("r/a.yaml", APP("a"));
    (void)snprintf(absolute, sizeof(absolute), "%s/r", (const char *)*state);
    static const char *const typed[] = {"r", "r//", "./r", "r/../r"};
    static const char *const called[] = {"r/a.yaml=a", "r/a.yaml=a", "./r/a.yaml=a",
                                         "r/../r/a.yaml=a"};
    for (size_t i = 0; i < ARRAY_LEN(typed); i++) {
        struct sources *s = over(typed[i]);

        assert_string_equal(settled(s), called[i]);
        assert_string_equal(sources_set(s)->roots[0].path, absolute);
        sources_free(s);
    }
    struct sources *s = over(absolute);
    assert_string_equal(settled(s) + strlen(absolute), "/a.yaml=a");
    sources_free(s);
    assert_int_equal(chdir("r"), 0);
    s = over(".");
    assert_string_equal(settled(s), "a.yaml=a");
    sources_free(s);
    s = over("a.yaml"); /* a root that is a file */
    assert_string_equal(settled(s), "a.yaml=a");
    sources_free(s);
}

static void a_root_that_is_a_file(void **state)
{
    (void)state;
    make_dir("r");
    save("r/whatever.conf", APP("a"));
    struct sources *s = over("r/whatever.conf");
    assert_string_equal(settled(s), "r/whatever.conf=a");
    save("r/whatever.conf", APP("b"));
    assert_string_equal(at_once(s, false), "r/whatever.conf=b");
    scratch_remove("r/whatever.conf");
    assert_string_equal(settled(s), "? r/whatever.conf!");
    make_dir("r/whatever.conf");
    save("r/whatever.conf/x.yaml", APP("x"));
    assert_string_equal(settled(s), "r/whatever.conf/x.yaml=x");
    sources_free(s);
}

static void nested_and_repeated_roots(void **state)
{
    static const char *const roots[] = {"r", "r/team", "r", "./r/a.yaml"}, *const reverse[] = {
                                                                               "r/a.yaml", "r/team",
                                                                               "r"};

    (void)state;
    make_dir("r");
    make_dir("r/team");
    save("r/a.yaml", APP("a"));
    save("r/team/b.yaml", APP("b"));
    struct sources *s = sources_new(roots, ARRAY_LEN(roots), NULL);
    assert_string_equal(settled(s), "r/a.yaml=a r/team/b.yaml=b");
    sources_free(s);
    s = sources_new(reverse, ARRAY_LEN(reverse), NULL);
    assert_string_equal(settled(s), "r/a.yaml=a r/team/b.yaml=b");
    assert_int_equal(sources_set(s)->n_roots, 3);
    sources_free(s);
}

/* ---- links ---- */

static void links_to_files(void **state)
{
    (void)state;
    make_dir("r");
    make_dir("other");
    save("other/one.txt", APP("one"));
    save("other/two.txt", APP("two"));
    assert_int_equal(symlink("../other/one.txt", "r/l.yaml"), 0);
    struct sources *s = over("r");
    assert_string_equal(settled(s), "r/l.yaml=one");
    save("other/one.txt", APP("three")); /* the target is replaced */
    assert_string_equal(at_once(s, false), "r/l.yaml=three");
    assert_int_equal(symlink("../other/two.txt", "r/l.tmp"), 0); /* the link is replaced */
    move("r/l.tmp", "r/l.yaml");
    assert_string_equal(at_once(s, false), "r/l.yaml=two");
    scratch_remove("other/two.txt"); /* the target goes */
    assert_string_equal(settled(s), "r/l.yaml!");
    assert_string_equal(complaint(s, "r/l.yaml"),
                        "r/l.yaml: error: is a symbolic link to something that does not exist; "
                        "correct the link or remove it\n");
    save("other/two.txt", APP("back"));
    assert_string_equal(settled(s), "r/l.yaml=back");
    sources_free(s);
}

static void links_to_folders(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct strv extra = {0};

    make_dir("r");
    make_dir("r/real");
    make_dir("other");
    make_dir("other/deep");
    save("r/real/a.yaml", APP("a"));
    save("other/b.yaml", APP("b"));
    save("other/deep/c.yaml", APP("c"));
    assert_int_equal(symlink(".", "r/circle"), 0);
    assert_int_equal(symlink("real", "r/again"),
                     0); /* comes first by name: the real folder's name wins */
    assert_int_equal(symlink("../other", "r/out"), 0);
    assert_int_equal(symlink("../r", "other/back"), 0);
    assert_int_equal(symlink("deep", "other/a-second-way"), 0);
    struct sources *s = over("r");
    assert_string_equal(settled(s), "r/out/b.yaml=b r/out/deep/c.yaml=c r/real/a.yaml=a");
    sources_extra_folders(s, a, &extra);
    assert_int_equal(extra.n, 2);
    assert_string_equal(extra.v[0] + strlen(*state), "/other");
    assert_string_equal(extra.v[1] + strlen(*state), "/other/deep");
    scratch_remove("r/out");
    assert_string_equal(settled(s), "r/real/a.yaml=a");
    sources_free(s);
}

static void a_root_behind_a_link(void **state)
{
    (void)state;
    make_dir("v1");
    make_dir("v2");
    save("v1/a.yaml", APP("a"));
    save("v2/a.yaml", APP("a") "hostname: two\n");
    assert_int_equal(symlink("v1", "current"), 0);
    struct sources *s = over("current");
    assert_string_equal(settled(s), "current/a.yaml=a");
    assert_int_equal(symlink("v2", "next"), 0);
    move("next", "current");
    assert_true(sources_scan(s, NULL));
    assert_string_equal(sources_set(s)->files[0]->documents[0].app->services[0].hostname, "two");
    sources_free(s);
}

/* ---- what cannot be read ---- */

static void what_is_no_file(void **state)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX, .sun_path = "r/socket.yaml"};
    int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)state;
    make_dir("r");
    make_dir("r/folder.yaml");
    assert_int_equal(mkfifo("r/fifo.yaml", 0600), 0);
    assert_int_equal(mkfifo("r/fifo.txt", 0600), 0);
    assert_int_equal(bind(sock, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(symlink("/dev/zero", "r/device.yaml"), 0);
    assert_int_equal(symlink("nowhere", "r/dangling.yaml"), 0);
    assert_int_equal(symlink("nowhere", "r/dangling"), 0);
    assert_int_equal(symlink("self.yaml", "r/self.yaml"), 0);
    save("r/good.yaml", APP("good"));
    struct sources *s = over("r");
    (void)alarm(10);
    assert_string_equal(settled(s), "r/dangling.yaml! r/device.yaml! r/fifo.yaml! r/good.yaml=good "
                                    "r/self.yaml! r/socket.yaml!");
    (void)alarm(0);
    assert_string_equal(complaint(s, "r/fifo.yaml"),
                        "r/fifo.yaml: error: is a FIFO, not a file; remove it, or give it a name "
                        "that does not end in .yaml or .yml\n");
    assert_non_null(strstr(complaint(s, "r/socket.yaml"), "is a socket"));
    assert_non_null(strstr(complaint(s, "r/device.yaml"), "is a character device"));
    assert_non_null(strstr(complaint(s, "r/self.yaml"), "leads in a circle"));
    assert_false(sources_scan(s, NULL)); /* the same trouble is no news */
    scratch_remove("r/fifo.yaml");
    save("r/fifo.yaml", APP("now"));
    assert_non_null(strstr(settled(s), "r/fifo.yaml=now"));
    sources_free(s);
    (void)close(sock);
}

static void texts_that_are_none(void **state)
{
    char *big = malloc(LIMIT_SPEC_BYTES + 2);

    (void)state;
    make_dir("r");
    memset(big, '#', LIMIT_SPEC_BYTES + 1);
    big[LIMIT_SPEC_BYTES + 1] = '\0';
    save("r/big.yaml", big);
    big[LIMIT_SPEC_BYTES] = '\0';
    save("r/just.yaml", big);
    free(big);
    put("r/utf16.yaml", "\xff\xfe"
                        "a");
    int fd = open("r/binary.yaml", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, "app: a\0b", 8), 8);
    (void)close(fd);
    save("r/latin1.yaml", "app: caf\xe9\n");
    save("r/bad.yaml", "app: [\n");
    struct sources *s = over("r");
    assert_string_equal(
        settled(s),
        "r/bad.yaml! r/big.yaml! r/binary.yaml! r/just.yaml r/latin1.yaml! r/utf16.yaml!");
    assert_string_equal(complaint(s, "r/big.yaml"),
                        "r/big.yaml: error: is larger than 1 MiB; split it into several files\n");
    assert_non_null(strstr(complaint(s, "r/binary.yaml"), "is binary, not text"));
    assert_non_null(strstr(complaint(s, "r/utf16.yaml"), "is UTF-16, not UTF-8; save it as UTF-8"));
    assert_false(sources_scan(s, NULL));
    sources_free(s);
}

static void no_permission(void **state)
{
    bool root = geteuid() == 0;

    (void)state;
    make_dir("r");
    make_dir("r/closed");
    save("r/closed/x.yaml", APP("x"));
    save("r/a.yaml", APP("a"));
    save("r/secret.yaml", APP("secret"));
    assert_int_equal(chmod(".", 0755), 0);
    struct sources *s = over("r");
    assert_string_equal(settled(s), "r/a.yaml=a r/closed/x.yaml=x r/secret.yaml=secret");
    assert_int_equal(chmod("r/secret.yaml", 0), 0);
    assert_int_equal(chmod("r/closed", 0), 0);
    if (root)
        assert_int_equal(seteuid(65534), 0);
    settled(s);
    /* what is in the folder is neither there nor gone: the folder stands for it, as a broken file */
    assert_string_equal(settled(s), "r/a.yaml=a r/closed! r/secret.yaml!");
    assert_string_equal(
        complaint(s, "r/secret.yaml"),
        "r/secret.yaml: error: cannot be read: permission denied; let the agent's user read it\n");
    assert_non_null(strstr(complaint(s, "r/closed"),
                           "r/closed: error: cannot list this directory: Permission denied; "));
    assert_true(sources_set(s)->roots[0].readable);
    assert_false(sources_scan(s, NULL));
    if (root)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(chmod("r/secret.yaml", 0600), 0);
    assert_int_equal(chmod("r/closed", 0755), 0);
    assert_string_equal(settled(s), "r/a.yaml=a r/closed/x.yaml=x r/secret.yaml=secret");
    assert_int_equal(chmod("r", 0), 0);
    if (root)
        assert_int_equal(seteuid(65534), 0);
    assert_string_equal(at_once(s, false), "? r!");
    assert_non_null(
        strstr(complaint(s, "r"), "r: error: cannot list this directory: Permission denied; "));
    if (root)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(chmod("r", 0755), 0);
    assert_string_equal(settled(s), "r/a.yaml=a r/closed/x.yaml=x r/secret.yaml=secret");
    sources_free(s);
}

static void too_deep(void **state)
{
    CLEANUP(str_release) struct str path = STR_INIT;

    (void)state;
    make_dir("r");
    save("r/a.yaml", APP("a"));
    str_add(&path, "r");
    for (int i = 0; i <= LIMIT_ROOT_DEPTH; i++) {
        str_add(&path, "/d");
        make_dir(path.buf);
    }
    str_add(&path, "/x.yaml");
    save(path.buf, APP("x"));
    struct sources *s = over("r");
    const char *got = settled(s);
    assert_null(strstr(got, "=x"));
    assert_non_null(strstr(got, "r/a.yaml=a r/d/d/"));
    assert_true(sources_set(s)->files[1]->broken);
    assert_non_null(
        strstr(complaint(s, sources_set(s)->files[1]->name), "lies more than 32 directories deep"));
    sources_free(s);
}

static void roots_come_and_go(void **state)
{
    (void)state;
    struct sources *s = over("r");
    assert_string_equal(settled(s), "? r!");
    assert_string_equal(
        complaint(s, "r"),
        "r: error: does not exist; create it or correct the path; until then its apps are left "
        "as they are\n");
    make_dir("r");
    assert_string_equal(settled(s), "");
    assert_true(sources_set(s)->roots[0].readable);
    save("r/a.yaml", APP("a"));
    assert_string_equal(settled(s), "r/a.yaml=a");
    move("r", "away");
    assert_string_equal(
        at_once(s, false),
        "? r!"); /* its files are dropped at once: the root says that nothing is known */
    make_dir("r");
    save("r/b.yaml", APP("b"));
    assert_string_equal(settled(s), "r/b.yaml=b");
    scratch_remove("r");
    move("away", "r");
    assert_string_equal(settled(s), "r/a.yaml=a");
    sources_free(s);
}

/* ---- saves ---- */

static void a_rename_into_place_is_taken_at_once(void **state)
{
    (void)state;
    make_dir("r");
    save("r/a.yaml", APP("a0"));
    struct sources *s = over("r");
    assert_string_equal(at_once(s, false), "r/a.yaml=a0");
    for (int i = 1; i <= 50; i++) {
        char text[64], want[64];

        (void)snprintf(text, sizeof(text), "app: a%d\nimage: nginx\n", i);
        (void)snprintf(want, sizeof(want), "r/a.yaml=a%d", i);
        save("r/a.yaml", text);
        assert_string_equal(at_once(s, false), want);
    }
    put("r/new.yaml.tmp", APP("new")); /* cp, then mv */
    move("r/new.yaml.tmp", "r/new.yaml");
    assert_string_equal(at_once(s, false), "r/a.yaml=a50 r/new.yaml=new");
    sources_free(s);
}

static void an_open_writer_is_waited_for(void **state)
{
    (void)state;
    make_dir("r");
    save("r/a.yaml", APP("a"));
    struct sources *s = over("r");
    (void)settled(s);
    int fd = open("r/a.yaml", O_WRONLY | O_TRUNC | O_CLOEXEC), fresh;
    assert_string_equal(at_once(s, true), "r/a.yaml=a"); /* emptied */
    assert_int_equal(write(fd, "app: b\nimage: ng", 16), 16);
    assert_string_equal(at_once(s, true), "r/a.yaml=a"); /* half of it, and it would parse */
    fresh = open("r/n.yaml", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(fresh, "app: n\nimage: ng", 16), 16);
    pause_ms(300); /* however long the pause */
    assert_string_equal(at_once(s, true),
                        "r/a.yaml=a r/n.yaml!"); /* it is neither there nor missing */
    assert_string_equal(complaint(s, "r/n.yaml"), "");
    assert_int_equal(write(fd, "inx\n", 4), 4);
    (void)close(fd);
    assert_int_equal(write(fresh, "inx\n", 4), 4);
    (void)close(fresh);
    assert_string_equal(settled(s), "r/a.yaml=b r/n.yaml=n");
    sources_free(s);
}

static void a_file_is_given_time_to_be_appended_to(void **state)
{
    (void)state;
    make_dir("r");
    save("r/a.yaml", APP("a"));
    struct sources *s = over("r");
    (void)settled(s);
    put("r/a.yaml",
        "app: b\nimage: nginx\n"); /* closed, in place: echo > a, and echo >> a may follow */
    assert_string_equal(at_once(s, true), "r/a.yaml=a");
    int fd = open("r/a.yaml", O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_int_equal(write(fd, "---\napp: c\nimage: nginx\n", 24), 24);
    (void)close(fd);
    assert_string_equal(at_once(s, true), "r/a.yaml=a");
    double from = clock_ms();
    assert_string_equal(settled(s), "r/a.yaml=b,c");
    assert_in_range((long)(clock_ms() - from), 50, 400);
    put("r/empty.yaml", "");
    assert_string_equal(at_once(s, true), "r/a.yaml=b,c r/empty.yaml!");
    from = clock_ms();
    assert_string_equal(settled(s), "r/a.yaml=b,c r/empty.yaml!");
    assert_in_range((long)(clock_ms() - from), 100, 500);
    sources_free(s);
}

static atomic_bool enough;

static void *write_steadily(void *arg)
{
    int fd = open(arg, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    (void)!write(fd, APP("steady"), strlen(APP("steady")));
    while (!atomic_load(&enough)) {
        (void)!write(fd, "# more\n", 7);
        pause_ms(5);
    }
    (void)close(fd);
    return NULL;
}

static void a_steady_writer_does_not_starve(void **state)
{
    char path[] = "r/s.yaml";
    pthread_t t;

    (void)state;
    make_dir("r");
    struct sources *s = over("r");
    atomic_store(&enough, false);
    (void)pthread_create(&t, NULL, write_steadily, path);
    pause_ms(20);
    double from = clock_ms();
    do {
        (void)sources_scan(s, NULL);
        pause_ms(20);
    } while (!strstr(seen(s), "steady") && clock_ms() - from < 5000);
    double waited = clock_ms() - from;
    atomic_store(&enough, true);
    (void)pthread_join(t, NULL);
    assert_string_equal(seen(s), "r/s.yaml=steady");
    assert_in_range((long)waited, 1900, 2600);
    sources_free(s);
}

static void vim_saves(void **state)
{
    bool unstable;

    (void)state;
    make_dir("r");
    save("r/a.yaml", APP("a"));
    struct sources *s = over("r");
    (void)settled(s);
    put("r/4913", "");
    scratch_remove("r/4913");
    put("r/.a.yaml.swp", "swap");
    move("r/a.yaml", "r/a.yaml~");
    assert_string_equal(at_once(s, true), "r/a.yaml=a"); /* away, but an editor puts it back */
    int fd = open("r/a.yaml", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    assert_string_equal(at_once(s, true), "r/a.yaml=a");
    assert_int_equal(write(fd, APP("b"), strlen(APP("b"))), strlen(APP("b")));
    assert_string_equal(at_once(s, true), "r/a.yaml=a");
    (void)close(fd);
    assert_true(sources_scan(s, &unstable));
    assert_false(unstable); /* a new file without a writer is whole */
    assert_string_equal(seen(s), "r/a.yaml=b");
    scratch_remove("r/a.yaml~");
    assert_false(sources_scan(s, &unstable));
    sources_free(s);
}

static void a_deletion_is_believed_after_a_moment(void **state)
{
    bool unstable, changed;

    (void)state;
    make_dir("r");
    save("r/a.yaml", APP("a"));
    save("r/b.yaml", APP("b"));
    struct sources *s = over("r");
    (void)settled(s);
    scratch_remove("r/a.yaml");
    changed = sources_scan(s, &unstable);
    assert_false(changed);
    assert_true(unstable);
    double from = clock_ms();
    assert_string_equal(settled(s), "r/b.yaml=b");
    assert_in_range((long)(clock_ms() - from), 400, 800);
    sources_free(s);
}

/* What a command sees that looks once and acts. */
static void who_looks_once_waits(void **state)
{
    (void)state;
    make_dir("r");
    int fd = open("r/a.yaml", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, "app: a\nimage: ng", 16), 16);
    struct sources *s = over("r");
    assert_string_equal(at_once(s, true),
                        "r/a.yaml!"); /* also by who comes back: an app from here is not gone */
    double from = clock_ms();
    assert_true(sources_scan(s, NULL));
    assert_in_range((long)(clock_ms() - from), 1500, 2600);
    assert_string_equal(seen(s), "r/a.yaml=a");
    assert_int_equal(write(fd, "inx\n", 4), 4);
    (void)close(fd);
    assert_true(sources_scan(s, NULL));
    assert_string_equal(sources_set(s)->files[0]->documents[0].app->services[0].image, "nginx");
    sources_free(s);
}

static void a_root_that_comes_back_is_given_time(void **state)
{
    (void)state;
    make_dir("r");
    save("r/a.yaml", APP("a"));
    save("r/b.yaml", APP("b"));
    struct sources *s = over("r");
    (void)settled(s);
    scratch_remove("r"); /* rm -rf, git clone */
    assert_string_equal(at_once(s, false), "? r!");
    make_dir("r");
    save("r/a.yaml", APP("a"));
    assert_string_equal(at_once(s, true), "r! r/a.yaml=a"); /* readable, but nothing is gone yet */
    assert_true(sources_set(s)->roots[0].readable);
    pause_ms(100);
    assert_string_equal(at_once(s, true), "r! r/a.yaml=a");
    assert_string_equal(settled(s), "r/a.yaml=a");
    sources_free(s);
}

static void an_override_is_gone_sooner(void **state)
{
    static const char *const roots[] = {"r"};

    (void)state;
    make_dir("r");
    make_dir("over");
    save("over/a.yaml", "override: a\nstate: stopped\n");
    struct sources *s = sources_new(roots, 1, "over");
    assert_string_equal(settled(s), "+over/a.yaml=a");
    scratch_remove("over/a.yaml");
    double from = clock_ms();
    assert_string_equal(settled(s), "");
    assert_in_range((long)(clock_ms() - from), 50, 300);
    scratch_remove("over");
    assert_string_equal(settled(s), "");
    sources_free(s);
}

/* Who may not ask for leases (files of others, network file systems) goes by times alone. */
static void without_leases_times_decide(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip(); /* needs files of somebody else */
    assert_int_equal(chmod(".", 0755), 0);
    make_dir("r");
    save("r/a.yaml", APP("a"));
    age("r/a.yaml", 5000);
    struct sources *s = over("r");
    assert_int_equal(seteuid(65534), 0);
    const char *first = at_once(s, false); /* its content is old, and it was touched since */
    assert_int_equal(seteuid(0), 0);
    assert_string_equal(first, "r/a.yaml=a");
    put("r/a.yaml", APP("b"));
    assert_int_equal(seteuid(65534), 0);
    (void)at_once(s, true);
    pause_ms(130);
    const char *then = at_once(s, false);
    assert_int_equal(seteuid(0), 0);
    assert_string_equal(then, "r/a.yaml=b");
    put("r/.new", APP("c"));
    pause_ms(10); /* a rename in a later tick shows in the times */
    move("r/.new", "r/a.yaml");
    assert_int_equal(seteuid(65534), 0);
    then = at_once(s, false);
    assert_int_equal(seteuid(0), 0);
    assert_string_equal(then, "r/a.yaml=c");
    sources_free(s);
}

static void a_move_is_believed_at_once(void **state)
{
    (void)state;
    make_dir("r");
    make_dir("r/team");
    make_dir("out");
    save("r/team/a.yaml", APP("a"));
    save("r/team/b.yaml", APP("b"));
    struct sources *s = over("r");
    (void)settled(s);
    move("r/team", "r/crew");
    assert_string_equal(at_once(s, false),
                        "r/crew/a.yaml=a r/crew/b.yaml=b"); /* never two of one name */
    move("r/crew/a.yaml", "r/z.yaml");
    assert_string_equal(at_once(s, false), "r/crew/b.yaml=b r/z.yaml=a");
    move("r/crew", "out/crew");
    assert_string_equal(at_once(s, true), "r/crew/b.yaml=b r/z.yaml=a");
    assert_string_equal(settled(s), "r/z.yaml=a");
    move("out/crew", "r/crew");
    assert_string_equal(at_once(s, false), "r/crew/b.yaml=b r/z.yaml=a");
    sources_free(s);
}

/* Unlink and write anew, file by file. */
static void git_checks_out(void **state)
{
    char path[64], text[64];
    bool unstable;

    (void)state;
    make_dir("r");
    for (int i = 0; i < 20; i++) {
        (void)snprintf(path, sizeof(path), "r/%02d.yaml", i);
        (void)snprintf(text, sizeof(text), "app: old%d\nimage: nginx\n", i);
        save(path, text);
    }
    struct sources *s = over("r");
    (void)settled(s);
    for (int i = 0; i < 20; i++) {
        (void)snprintf(path, sizeof(path), "r/%02d.yaml", i);
        (void)snprintf(text, sizeof(text), "app: new%d\nimage: nginx\n", i);
        scratch_remove(path);
        (void)sources_scan(s, &unstable);
        assert_int_equal(sources_set(s)->n_files, 20);
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        assert_int_equal(write(fd, text, 5), 5);
        (void)sources_scan(s, &unstable);
        assert_int_equal(sources_set(s)->n_files, 20);
        assert_int_equal(write(fd, text + 5, strlen(text) - 5), strlen(text) - 5);
        (void)close(fd);
        for (size_t k = 0; k < 20; k++)
            assert_false(sources_set(s)->files[k]->broken);
    }
    assert_non_null(strstr(settled(s), "r/00.yaml=new0 r/01.yaml=new1 r/02.yaml=new2"));
    assert_null(strstr(seen(s), "old"));
    sources_free(s);
}

static void a_change_within_one_tick_is_not_lost(void **state)
{
    (void)state;
    make_dir("r");
    save("r/a.yaml", APP("a0"));
    struct sources *s = over("r");
    struct stat before, after;
    for (int i = 1; i < 10; i++) {
        char text[64], want[64];

        (void)settled(s);
        assert_int_equal(stat("r/a.yaml", &before), 0);
        (void)snprintf(text, sizeof(text), "app: a%d\nimage: nginx:1.27\n", i);
        (void)snprintf(want, sizeof(want), "r/a.yaml=a%d", i);
        put("r/a.yaml", text); /* same size, same inode */
        struct timespec t[2] = {before.st_atim, before.st_mtim};
        assert_int_equal(utimensat(AT_FDCWD, "r/a.yaml", t, 0), 0); /* and same mtime */
        assert_int_equal(stat("r/a.yaml", &after), 0);
        assert_int_equal(after.st_size, before.st_size);
        assert_string_equal(settled(s), want);
    }
    sources_free(s);
}

/* ---- what a spec reads ---- */

static void env_files(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct strv extra = {0};
    bool unstable;

    make_dir("r");
    make_dir("env");
    save("env/.env", "A=1\n");
    save("r/a.yaml", APP("a") "env_file: [../env/.env, inside.env]\n");
    save("r/inside.env", "B=1\n");
    save("r/b.yaml", APP("b"));
    struct sources *s = over("r");
    assert_string_equal(settled(s), "r/a.yaml=a r/b.yaml=b");
#define ENV(key) kvs_get(&sources_set(s)->files[0]->documents[0].app->services[0].environment, key)
    const struct spec_file *b = sources_set(s)->files[1];
    assert_string_equal(ENV("A"), "1");
    save("env/.env", "A=2\n");
    assert_true(sources_scan(s, &unstable));
    assert_false(unstable);
    assert_string_equal(ENV("A"), "2");
    assert_ptr_equal(sources_set(s)->files[1], b); /* the neighbour was not parsed again */
    int fd = open("env/.env", O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_int_equal(write(fd, "A=", 2), 2);
    assert_false(sources_scan(s, &unstable)); /* half an env_file is not applied either */
    assert_true(unstable);
    assert_int_equal(write(fd, "3\n", 2), 2);
    (void)close(fd);
    (void)settled(s);
    assert_string_equal(ENV("A"), "3");
    scratch_remove("env/.env");
    assert_false(sources_scan(s, &unstable));
    assert_true(unstable);
    assert_string_equal(settled(s), "r/a.yaml=a! r/b.yaml=b");
    assert_non_null(strstr(complaint(s, "r/a.yaml"), "env/.env"));
    sources_extra_folders(s, a, &extra);
    assert_int_equal(extra.n, 1); /* also while it is missing: that is how its return is seen */
    assert_string_equal(extra.v[0] + strlen(*state), "/env");
    save("env/.env", "A=4\n");
    assert_string_equal(settled(s), "r/a.yaml=a r/b.yaml=b");
    assert_string_equal(ENV("A"), "4");
    save("r/inside.env", "B=2\n");
    assert_true(sources_scan(s, &unstable));
    assert_string_equal(ENV("B"), "2");
    sources_free(s);
}

/* What a Compose file is made of lies in its root, by letters and for real; a folder that is a link into the root brings its own files along. */
static void compose_files_stay(void **state)
{
    static const struct {
        const char *link, *said;
    } rows[] = {
        {"r/web.env", "r/shop.compose.yaml:4:15: error: a link leads from "},
        {"r/labels", "r/shop.compose.yaml:5:17: error: a link leads from "},
        {"r/base.yaml", "r/shop.compose.yaml:6:21: error: a link leads from "},
        {"r/more.yaml", "r/shop.compose.yaml:1:11: error: a link leads from "},
        {"r/.env", "r/shop.compose.yaml:1:1: error: a link leads from "},
        {"r/shop.compose.override.yaml", "r/shop.compose.yaml:1:1: error: a link leads from "},
    };

    (void)state;
    make_dir("r");
    make_dir("out");
    make_dir("out/own");
    save("out/x", "services: {base: {labels: {a: b}}}\n");
    save("out/own/own.env", "A=1\n");
    save("out/own/own.compose.yaml", "services: {web: {image: nginx, env_file: own.env}}\n");
    assert_int_equal(symlink("../out/own", "r/own"), 0);
    save("r/web.env", "A=1\n");
    save("r/labels", "b=1\n");
    save("r/base.yaml", "services: {base: {labels: {a: b}}}\n");
    save("r/more.yaml", "services: {more: {image: nginx}}\n");
    save("r/shop.compose.yaml", "include: [more.yaml]\nservices:\n  web:\n    env_file: web.env\n"
                                "    label_file: labels\n"
                                "    extends: {file: base.yaml, service: base}\n"
                                "    image: nginx\n");
    struct sources *s = over("r");

    (void)settled(s);
    assert_string_equal(complaint(s, "r/shop.compose.yaml"), "");
    assert_string_equal(complaint(s, "r/own/own.compose.yaml"), "");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        bool there = link(rows[i].link, "r/away.tmp") == 0;

        assert_int_equal(symlink("../out/x", "r/link.tmp"), 0);
        assert_int_equal(rename("r/link.tmp", rows[i].link), 0);
        (void)settled(s);
        const char *said = complaint(s, "r/shop.compose.yaml");

        if (!strstr(said, rows[i].said) || !strstr(said, "/out/x, outside "))
            fail_msg("%s: %s", rows[i].link, said);
        assert_int_equal(there ? rename("r/away.tmp", rows[i].link) : unlink(rows[i].link), 0);
        (void)settled(s);
        assert_string_equal(complaint(s, "r/shop.compose.yaml"), "");
    }
    sources_free(s);
}

/* What a Compose file would read is asked for at each look, there or not. */
static void what_compose_reads_appears(void **state)
{
    static const char *const overs[] = {"r/shop.compose.override.yaml",
                                        "r/a/db.compose.override.yml"};

    (void)state;
    make_dir("r");
    make_dir("r/a");
    save("r/shop.compose.yaml", "services: {web: {image: \"nginx:${TAG:-1}\"}}\n");
    save("r/a/db.compose.yaml", "services: {db: {image: \"nginx:${TAG:-1}\"}}\n");
    struct sources *s = over("r");

    assert_string_equal(settled(s), "r/a/db.compose.yaml=db r/shop.compose.yaml=shop");
#define APP_OF(file) (sources_set(s)->files[file]->documents[0].app)
    for (size_t i = 0; i < ARRAY_LEN(overs); i++) {
        save(overs[i], "services: {more: {image: nginx}}\n");
        (void)settled(s); /* it sorts before its file */
        assert_int_equal(APP_OF(i == 0 ? 2 : 1)->n_services, 2);
        assert_int_equal(unlink(overs[i]), 0);
        (void)settled(s);
        assert_int_equal(APP_OF(i == 0 ? 1 : 0)->n_services, 1);
    }
    save("r/.env", "TAG=2\n");
    save("r/a/.env", "TAG=3\n");
    (void)settled(s);
    assert_string_equal(APP_OF(0)->services[0].image, "nginx:3");
    assert_string_equal(APP_OF(1)->services[0].image, "nginx:2");
    save("r/.env", "TAG=4\n");
    (void)settled(s);
    assert_string_equal(APP_OF(0)->services[0].image, "nginx:3");
    assert_string_equal(APP_OF(1)->services[0].image, "nginx:4");
    sources_free(s);
}

/* A spec among the uploads reads nothing outside, be it for a variable or for a config, and no link leads out either. */
static void uploads_read_nothing_else(void **state)
{
    static const char *const files[] = {"../secret", "./out", "./in/secret", "/etc/shadow"};
    static const char *const asking[] = {"env_file: %s}}\n",
                                         "configs: [c]}}\nconfigs: {c: {file: %s}}\n",
                                         "secrets: [c]}}\nsecrets: {c: {file: %s}}\n"};

    (void)state;
    (void)mkdir("root", 0755);
    (void)mkdir("root/uploads", 0755);
    put("root/secret", "A=hidden\n");
    put("root/uploads/open", "A=open\n");
    assert_int_equal(symlink("../secret", "root/uploads/out"), 0);
    assert_int_equal(symlink("..", "root/uploads/in"), 0);
    for (size_t i = 0; i < 3 * ARRAY_LEN(files); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        const char *format = asking[i / ARRAY_LEN(files)], *at = strchr(format, '%');
        const char *text =
            arena_printf(a, "services: {web: {image: y, %.*s%s%s", (int)(at - format), format,
                         files[i % ARRAY_LEN(files)], at + 2);
        struct sources *s;

        put("root/uploads/spy.compose.yaml", text);
        s = over("root");
        (void)settled(s);
        const char *said = complaint(s, "root/uploads/spy.compose.yaml");

        if (!strstr(said, "uploads read nothing else") && !strstr(said, "lies outside "))
            fail_msg("%s: %s", text, *said ? said : "taken");
        sources_free(s);
    }
    put("root/uploads/spy.compose.yaml", "services: {web: {image: y, env_file: ./open}}\n");
    struct sources *s = over("root");

    (void)settled(s);
    assert_string_equal(complaint(s, "root/uploads/spy.compose.yaml"), "");
    sources_free(s);
}

static bool take_any(void *user, const char *root, const char *path)
{
    (void)user;
    return root && path;
}

static bool take_b(void *user, const char *root, const char *path)
{
    (void)user;
    (void)root;
    return strcmp(path, "b.yaml") == 0;
}

static void note_text(void *user, const char *root, const char *path, const char *text, size_t n)
{
    const char *slash = root ? strrchr(root, '/') : NULL;

    str_addf(user, "%s|%s|%zu|%.8s\n", root ? slash + 1 : "-", root ? path : strrchr(path, '/') + 1,
             n, text ? text : "NULL");
}

static void all_texts(void **state)
{
    static const char *const roots[] = {"r"};
    CLEANUP(str_release) struct str out = STR_INIT;

    (void)state;
    make_dir("r");
    make_dir("over");
    save("r/.env", "A=1\n");
    save("r/a.yaml", "app: a\nimage: x\nenv_file: .env\n");
    save("r/b.yaml", "app: b\nimage: x\nenv_file: .env\n");
    assert_int_equal(mkfifo("r/c.yaml", 0600), 0);
    save("over/a.yaml", "override: a\nstate: stopped\n");
    struct sources *s = sources_new(roots, 1, "over");
    assert_string_equal(settled(s), "r/a.yaml=a r/b.yaml=b r/c.yaml! +over/a.yaml=a");
    sources_each_text(s, take_any, note_text, &out);
    assert_string_equal(
        str_text(&out),
        "r|a.yaml|31|app: a\ni\n-|.env|4|A=1\n\nr|b.yaml|31|app: b\ni\nr|c.yaml|0|NULL\n"
        "over|a.yaml|27|override\n");
    str_clear(&out);
    sources_each_text(s, take_b, note_text, &out);
    assert_string_equal(str_text(&out), "r|b.yaml|31|app: b\ni\n-|.env|4|A=1\n\n");
    sources_free(s);
}

/* ---- many ---- */

/* Of the processor: what else runs here does not count. */
static double cpu_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void many_files(void **state)
{
    char path[64], text[64];
    double best = 1e9;

    (void)state;
    make_dir("r");
    for (int i = 0; i < 10000; i++) {
        if (i % 100 == 0) {
            (void)snprintf(path, sizeof(path), "r/%03d", i / 100);
            make_dir(path);
        }
        (void)snprintf(path, sizeof(path), "r/%03d/%05d.yaml", i / 100, i);
        (void)snprintf(text, sizeof(text), "app: a%d\nimage: nginx\n", i);
        put(path, text);
    }
    struct sources *s = over("r");
    for (bool unstable = true; unstable;)
        (void)sources_scan(s, &unstable);
    assert_int_equal(sources_set(s)->n_files, 10000);
    pause_ms(50);
    for (int i = 0; i < 5; i++) {
        double from = cpu_ms();

        assert_false(sources_scan(s, NULL));
        if (cpu_ms() - from < best)
            best = cpu_ms() - from;
    }
    assert_true(best < 200); /* 10 000 unchanged; sanitizers included */
    print_message("10 000 unchanged files: %.1f ms\n", best);
    save("r/050/05000.yaml", APP("changed"));
    scratch_remove("r/000");
    for (bool unstable = true; unstable;) {
        (void)sources_scan(s, &unstable);
        pause_ms(20);
    }
    assert_int_equal(sources_set(s)->n_files, 9900);
    assert_string_equal(sources_set(s)->files[4900]->documents[0].name, "changed");
    sources_free(s);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(names),
        CASE(order_and_names),
        CASE(how_files_are_called),
        CASE(a_root_that_is_a_file),
        CASE(nested_and_repeated_roots),
        CASE(links_to_files),
        CASE(links_to_folders),
        CASE(a_root_behind_a_link),
        CASE(what_is_no_file),
        CASE(texts_that_are_none),
        CASE(no_permission),
        CASE(too_deep),
        CASE(roots_come_and_go),
        CASE(a_rename_into_place_is_taken_at_once),
        CASE(an_open_writer_is_waited_for),
        CASE(a_file_is_given_time_to_be_appended_to),
        CASE(a_steady_writer_does_not_starve),
        CASE(vim_saves),
        CASE(a_deletion_is_believed_after_a_moment),
        CASE(who_looks_once_waits),
        CASE(a_root_that_comes_back_is_given_time),
        CASE(an_override_is_gone_sooner),
        CASE(without_leases_times_decide),
        CASE(a_move_is_believed_at_once),
        CASE(git_checks_out),
        CASE(a_change_within_one_tick_is_not_lost),
        CASE(env_files),
        CASE(compose_files_stay),
        CASE(what_compose_reads_appears),
        CASE(uploads_read_nothing_else),
        CASE(all_texts),
        CASE(many_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
