/* test_context.c: build contexts: hostile and odd archives with the diagnosis of each, the same content in many forms, fingerprints, the tar in
 * pieces, and memory.
 *
 * The archives are made by tests/context/make.py; tests/context/expect.tsv says what is to become of each: its name, limits other than the
 * default ones, and either the message ("@" stands for the path) or "ok" and the list of entries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "drivers/context.h"
#include "spec/base/arena.h"
#include "tests/unit/scratch.h"

static char *archives; /* made once for all tests */
static char repository[4096];

/* ---- helpers ---- */

static void *slurp(const char *path, size_t *ret_n)
{
    FILE *f = fopen(path, "re");
    char *bytes = NULL;
    size_t n = 0, cap = 0, got;

    if (!f) {
        perror(path);
        abort();
    }
    do {
        cap += 1 << 20;
        bytes = xrealloc(bytes, cap + 1);
        got = fread(bytes + n, 1, cap - n, f);
        n += got;
    } while (got > 0);
    (void)fclose(f);
    bytes[n] = '\0';
    *ret_n = n;
    return bytes;
}

static void put_bytes(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "we");

    if (!f || fwrite(bytes, 1, n, f) != n || fclose(f) != 0)
        abort();
}

/* Runs a program to its end; returns its status. */
static int run(const char *const *argv)
{
    pid_t pid = fork();
    int status = -1;

    if (pid == 0) {
        (void)execvp(argv[0], (char *const *)argv);
        _exit(127);
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static struct context *open_at(const char *path, struct err *e)
{
    const struct context_where where = {.path = path};

    return context_open(&where, e);
}

static struct context *open_good(const char *path)
{
    struct err e = {0};
    struct context *c = open_at(path, &e);

    if (!c)
        fail_msg("%s", e.msg);
    return c;
}

/* The whole tar, read in pieces of a size. */
static int read_tar(struct context *c, size_t piece, struct str *out, struct err *e)
{
    CLEANUP(xfreep) char *buf = xcalloc(1, piece);
    long n;

    if (context_tar_rewind(c, e) < 0)
        return -1;
    while ((n = context_tar_read(c, buf, piece, e)) > 0)
        str_addn(out, buf, (size_t)n);
    return (int)n;
}

/* Everything that can be done with a context, up to the first failure. */
static struct context *try_all(const struct context_where *where, struct err *e)
{
    CLEANUP(str_release) struct str tar = STR_INIT;
    char print[SHA256_HEX], digest[SHA256_HEX];
    struct context *c;

    if (context_fingerprint(where, print, e) < 0)
        return NULL;
    c = context_open(where, e);
    if (c && (context_digest(c, digest, e) < 0 || read_tar(c, 65536, &tar, e) < 0)) {
        context_free(c);
        return NULL;
    }
    return c;
}

/* ---- the corpus ---- */

struct row {
    char *name, *limits, *expected;
};

static void set_limits(struct context_limits *l, const char *text)
{
    char name[32];
    long long value;
    int used;

    for (; sscanf(text, "%31[a-z]=%lld%n", name, &value, &used) == 2;
         text += used, text += *text == ',') {
        if (strcmp(name, "total") == 0)
            l->total_bytes = value;
        else if (strcmp(name, "file") == 0)
            l->file_bytes = value;
        else if (strcmp(name, "time") == 0)
            l->time_ms = value;
        else if (strcmp(name, "entries") == 0)
            l->entries = (int)value;
        else if (strcmp(name, "path") == 0)
            l->path_bytes = (int)value;
        else if (strcmp(name, "depth") == 0)
            l->depth = (int)value;
        else if (strcmp(name, "ratio") == 0)
            l->ratio = (int)value;
        else
            fail_msg("unknown limit %s", name);
    }
}

static void describe(const struct context *c, struct str *out)
{
    str_add(out, "ok");
    if (context_n(c) > 12) {
        str_addf(out, " %zu entries", context_n(c));
        return;
    }
    for (size_t i = 0; i < context_n(c); i++) {
        const struct context_entry *x = context_entry(c, i);
        bool is_long = strlen(x->path) > 100;

        str_add(out, i ? ", " : " ");
        if (is_long)
            str_addf(out, "(%zu bytes)", strlen(x->path));
        else
            str_add_escaped(out, x->path);
        if (x->type == 'd')
            str_add(out, "/");
        if (x->executable)
            str_add(out, "*");
        if (x->type == 'l') {
            str_add(out, " -> ");
            str_add_escaped(out, strlen(x->target) > 100 ? "(long)" : x->target);
        }
    }
}

/* What becomes of an archive, as expect.tsv has it. */
static void judge(const char *path, const char *limits, struct str *out)
{
    struct context_where where = {.path = path};
    struct err e = {0};
    struct context *c;
    const char *at;

    set_limits(&where.limits, limits);
    c = try_all(&where, &e);
    if (c) {
        describe(c, out);
        context_free(c);
        return;
    }
    assert_int_equal(e.kind, ERR_USER);
    at = strstr(e.msg, path);
    assert_ptr_equal(at, e.msg);
    str_addf(out, "@%s", at + strlen(path));
}

static size_t read_rows(char *text, struct row *rows, size_t max)
{
    size_t n = 0;
    char *save_line = NULL;

    for (char *line = strtok_r(text, "\n", &save_line); line;
         line = strtok_r(NULL, "\n", &save_line)) {
        char *save_field = NULL;

        if (line[0] == '#')
            continue;
        assert_true(n < max);
        rows[n].name = strtok_r(line, "\t", &save_field);
        rows[n].limits = strtok_r(NULL, "\t", &save_field);
        rows[n].expected = strtok_r(NULL, "\t", &save_field);
        assert_non_null(rows[n].expected);
        n++;
    }
    return n;
}

static int count_files(const char *folder)
{
    DIR *d = opendir(folder);
    int n = 0;

    assert_non_null(d);
    for (struct dirent *x; (x = readdir(d));)
        n += x->d_name[0] != '.';
    (void)closedir(d);
    return n;
}

static void corpus(void **state)
{
    static struct row rows[1000];
    CLEANUP(arena_freep) struct arena *a = arena_new();
    size_t bytes, n, wrong = 0;
    CLEANUP(xfreep)
    char *text = slurp(arena_printf(a, "%s/tests/context/expect.tsv", repository), &bytes);

    (void)state;
    n = read_rows(text, rows, 1000);
    for (size_t i = 0; i < n; i++) {
        CLEANUP(str_release) struct str got = STR_INIT;

        judge(arena_printf(a, "%s/bad/%s", archives, rows[i].name), rows[i].limits, &got);
        if (strcmp(str_text(&got), rows[i].expected) == 0)
            continue;
        print_error("%s\t%s\t%s\n", rows[i].name, rows[i].limits, str_text(&got));
        wrong++;
    }
    assert_int_equal(wrong, 0);
    assert_int_equal(n, count_files(arena_printf(a, "%s/bad", archives))); /* none forgotten */
    assert_true(n > 300);
}

/* ---- damage ---- */

/* Writes bytes to a file of this kind and tries it; returns whether it was taken, and its digest. */
static bool try_bytes(const char *path, const void *bytes, size_t n, char ret_digest[SHA256_HEX])
{
    struct err e = {0};
    struct context *c;
    bool good;

    put_bytes(path, bytes, n);
    c = open_at(path, &e);
    good = c && context_digest(c, ret_digest, &e) == 0;
    context_free(c);
    if (!good)
        assert_int_equal(e.kind, ERR_USER);
    return good;
}

static const char *const small[] = {"comment.zip", "zip64-end.zip", "size-follows.zip",
                                    "gzip.tar.gz", "zstd.tar.zst"};

/* No beginning of an archive is taken for all of it. */
static void every_truncation(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(small); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        const char *path = arena_printf(a, "%s/cut-%s", archives, small[i]);
        char digest[SHA256_HEX];
        size_t n;
        CLEANUP(xfreep) char *bytes = slurp(arena_printf(a, "%s/bad/%s", archives, small[i]), &n);

        assert_true(try_bytes(path, bytes, n, digest));
        for (size_t cut = 0; cut<n; cut += n> 2000 ? 7 : 1)
            if (try_bytes(path, bytes, cut, digest))
                fail_msg("%s: %zu of %zu bytes are taken for all", small[i], cut, n);
    }
}

/* The same for a tar, up to the first block of zeros that ends it. */
static void every_truncation_of_tar(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *path = arena_printf(a, "%s/cut.tar", archives);
    char digest[SHA256_HEX];
    size_t n;
    CLEANUP(xfreep) char *bytes = slurp(arena_printf(a, "%s/bad/tar-plain.tar", archives), &n);

    (void)state;
    assert_true(try_bytes(path, bytes, n, digest));
    for (size_t cut = 0; cut < n - 1024; cut += 3)
        if (try_bytes(path, bytes, cut, digest))
            fail_msg("%zu of %zu bytes are taken for all", cut, n);
}

/* Where a checksum goes over everything, a wrong bit is refused or it meant nothing. */
static void every_wrong_bit(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *path = arena_printf(a, "%s/bit.tar.gz", archives);
    char digest[SHA256_HEX], other[SHA256_HEX];
    size_t n;
    CLEANUP(xfreep) char *bytes = slurp(arena_printf(a, "%s/bad/gzip.tar.gz", archives), &n);

    (void)state;
    assert_true(try_bytes(path, bytes, n, digest));
    for (size_t i = 0; i < n * 8; i++) {
        bytes[i / 8] ^= (char)(1 << i % 8);
        if (try_bytes(path, bytes, n, other))
            assert_string_equal(other, digest);
        bytes[i / 8] ^= (char)(1 << i % 8);
    }
}

/* Of a zip, whatever is taken has the content that its checksums say; names and modes have none. */
static void every_wrong_byte(void **state)
{
    static const unsigned char values[] = {0, 1, '/', '.', 0x7f, 0x80, 0xff};

    (void)state;
    for (size_t k = 0; k < ARRAY_LEN(small); k++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        const char *path = arena_printf(a, "%s/byte-%s", archives, small[k]);
        char digest[SHA256_HEX];
        size_t n;
        CLEANUP(xfreep) char *bytes = slurp(arena_printf(a, "%s/bad/%s", archives, small[k]), &n);

        for (size_t i = 0; i<n; i += n> 2000 ? 11 : 1)
            for (size_t v = 0; v < ARRAY_LEN(values); v++) {
                char was = bytes[i];

                bytes[i] = (char)values[v];
                (void)try_bytes(path, bytes, n, digest);
                bytes[i] = was;
            }
    }
}

/* ---- the same content in many forms ---- */

struct form {
    char digest[SHA256_HEX];
    struct str tar;
    size_t n;
    int64_t bytes;
};

static void take_form(const char *path, struct form *ret)
{
    struct context *c = open_good(path);
    struct err e = {0};

    if (context_digest(c, ret->digest, &e) < 0 || read_tar(c, 60000, &ret->tar, &e) < 0)
        fail_msg("%s", e.msg);
    ret->n = context_n(c);
    ret->bytes = context_bytes(c);
    context_free(c);
}

static int compare_forms(const char *directory, const char *folder)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct form want = {0};
    DIR *d = opendir(arena_printf(a, "%s/%s", archives, folder));
    int n = 0;

    assert_non_null(d);
    take_form(arena_printf(a, "%s/%s", archives, directory), &want);
    for (struct dirent *x; (x = readdir(d));) {
        struct form got = {0};

        if (x->d_name[0] == '.')
            continue;
        take_form(arena_printf(a, "%s/%s/%s", archives, folder, x->d_name), &got);
        if (strcmp(got.digest, want.digest) != 0 || got.tar.len != want.tar.len ||
            memcmp(got.tar.buf, want.tar.buf, want.tar.len) != 0)
            fail_msg("%s/%s is not the same as %s", folder, x->d_name, directory);
        assert_int_equal(got.n, want.n);
        assert_int_equal(got.bytes, want.bytes);
        str_release(&got.tar);
        n++;
    }
    (void)closedir(d);
    str_release(&want.tar);
    return n;
}

static void same_content(void **state)
{
    (void)state;
    assert_true(compare_forms("tree", "same") >= 15);
    assert_true(compare_forms("plain", "same-plain") >= 5);
    assert_true(compare_forms("jar", "same-jar") >= 1);
}

static const struct context_entry *entry_of(const struct context *c, const char *path)
{
    for (size_t i = 0; i < context_n(c); i++)
        if (strcmp(context_entry(c, i)->path, path) == 0)
            return context_entry(c, i);
    fail_msg("there is no %s", path);
    return NULL;
}

static void executables_and_links_survive(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct context *c = open_good(arena_printf(a, "%s/same/mac.zip", archives));

    (void)state;
    assert_true(entry_of(c, "bin/run")->executable);
    assert_false(entry_of(c, "Dockerfile")->executable);
    assert_int_equal(entry_of(c, "current")->type, 'l');
    assert_string_equal(entry_of(c, "current")->target, "bin/run");
    assert_string_equal(entry_of(c, "data/up")->target, "../a b/c.txt");
    assert_int_equal(entry_of(c, "data/big")->bytes, 256 * 700);
    for (size_t i = 1; i < context_n(c); i++) { /* a folder right before what lies in it */
        const char *path = context_entry(c, i)->path, *slash = strrchr(path, '/');
        const struct context_entry *last = context_entry(c, i - 1);

        if (slash && strncmp(last->path, path, (size_t)(slash - path)) != 0)
            fail_msg("%s follows %s", path, last->path);
    }
    context_free(c);
}

/* What other programs make of our tar is the directory again. */
static void tar_is_understood(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *out = arena_printf(a, "%s/unpacked", archives);
    const char *file = arena_printf(a, "%s/ours.tar", archives);
    struct form want = {0}, got = {0}, again = {0};

    (void)state;
    take_form(arena_printf(a, "%s/tree", archives), &want);
    put_bytes(file, want.tar.buf, want.tar.len);
    assert_int_equal(want.tar.len % 512, 0);
    assert_int_equal(mkdir(out, 0755), 0);
    assert_int_equal(run((const char *[]){"tar", "-xf", file, "-C", out, NULL}), 0);
    take_form(out, &got);
    assert_string_equal(got.digest, want.digest);
    take_form(file, &again);
    assert_string_equal(again.digest, want.digest);
    str_release(&want.tar);
    str_release(&got.tar);
    str_release(&again.tar);
}

/* ---- the tar in pieces ---- */

static void pieces_of_every_size(void **state)
{
    static const size_t sizes[] = {1, 2, 3, 7, 100, 511, 512, 513, 1024, 4095, 65536, 1 << 20};
    static const char *const forms[] = {"tree", "same/by-hand.zip", "same/stored.zip",
                                        "same/sorted.tar.gz"};

    (void)state;
    for (size_t f = 0; f < ARRAY_LEN(forms); f++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        CLEANUP(str_release) struct str want = STR_INIT;
        struct context *c = open_good(arena_printf(a, "%s/%s", archives, forms[f]));
        struct err e = {0};

        assert_int_equal(read_tar(c, 70000, &want, &e), 0);
        for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
            CLEANUP(str_release) struct str got = STR_INIT;

            assert_int_equal(read_tar(c, sizes[i], &got, &e), 0);
            assert_int_equal(got.len, want.len);
            assert_memory_equal(got.buf, want.buf, want.len);
        }
        context_free(c);
    }
}

static void rewind_in_the_middle(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(str_release) struct str want = STR_INIT, got = STR_INIT;
    struct context *c = open_good(arena_printf(a, "%s/same/by-hand.zip", archives));
    char buf[100000], digest[SHA256_HEX] = "untouched";
    struct err e = {0};
    const char *text;
    size_t n;

    (void)state;
    assert_int_equal(context_tar_read(c, buf, 5000, &e), 5000); /* begins by itself */
    assert_int_equal(context_tar_rewind(c, &e), 0);
    assert_int_equal(context_tar_read(c, buf, sizeof(buf), &e), sizeof(buf));
    /* the one file that may be open is open */
    assert_int_equal(context_file(c, "Dockerfile", 1000, a, &text, &n, &e), -1);
    assert_int_equal(e.kind, ERR_BUG);
    assert_int_equal(context_digest(c, digest, &e), -1);
    assert_string_equal(digest, "untouched");
    assert_int_equal(read_tar(c, 3000, &want, &e), 0);
    assert_int_equal(context_tar_read(c, buf, sizeof(buf), &e), 0); /* the end is the end */
    assert_int_equal(context_digest(c, digest, &e), 0);
    assert_int_equal(read_tar(c, 3000, &got, &e), 0);
    assert_int_equal(got.len, want.len);
    assert_memory_equal(got.buf, want.buf, want.len);
    context_free(c);
}

static void put_into_the_tar(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(str_release) struct str tar = STR_INIT;
    struct context *c = open_good(arena_printf(a, "%s/same/by-hand.zip", archives));
    const char *file = arena_printf(a, "%s/put.tar", archives), *text;
    char before[SHA256_HEX], after[SHA256_HEX];
    struct err e = {0};
    size_t n, was = context_n(c);

    (void)state;
    assert_int_equal(context_digest(c, before, &e), 0);
    assert_int_equal(context_tar_put(c, "Dockerfile", "FROM first\n", 11), 0);
    assert_int_equal(context_tar_put(c, "Dockerfile", "FROM busybox\n", 13), 0);
    assert_int_equal(context_tar_put(c, "current", "no link any more", 16), 0);
    assert_int_equal(context_tar_put(c, "new/folder/file", "", 0), 0);
    assert_int_equal(context_tar_put(c, "new/other", "1", 1), 0);
    assert_int_equal(context_tar_put(c, "data", "", 0), -1);         /* a folder */
    assert_int_equal(context_tar_put(c, "Dockerfile/x", "", 0), -1); /* below a file */
    assert_int_equal(context_tar_put(c, "folder/x", "", 0), -1);     /* below a link */
    assert_int_equal(context_tar_put(c, "new/other/x", "", 0), -1);  /* below what was put */
    assert_int_equal(context_tar_put(c, "new", "", 0), -1);          /* above it */
    assert_int_equal(context_tar_put(c, "../out", "", 0), -1);
    assert_int_equal(context_tar_put(c, "/out", "", 0), -1);
    assert_int_equal(read_tar(c, 4096, &tar, &e), 0);
    put_bytes(file, tar.buf, tar.len);
    assert_int_equal(context_digest(c, after, &e), 0);
    assert_string_equal(after, before);
    context_free(c);

    c = open_good(file);
    assert_int_equal(context_n(c), was + 4);
    assert_int_equal(context_file(c, "Dockerfile", 100, a, &text, &n, &e), 0);
    assert_string_equal(text, "FROM busybox\n");
    assert_int_equal(context_file(c, "current", 100, a, &text, &n, &e), 0);
    assert_string_equal(text, "no link any more");
    assert_int_equal(entry_of(c, "new/folder")->type, 'd');
    assert_int_equal(entry_of(c, "new/folder/file")->bytes, 0);
    context_free(c);
}

/* ---- single files ---- */

static void single_files(void **state)
{
    static const char *const forms[] = {"tree", "same/by-hand.zip", "same/gnu.tgz"};

    (void)state;
    for (size_t f = 0; f < ARRAY_LEN(forms); f++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct context *c = open_good(arena_printf(a, "%s/%s", archives, forms[f]));
        const char *text = "untouched";
        struct err e = {0};
        size_t n = 7;

        assert_int_equal(context_file(c, "Dockerfile", 100, a, &text, &n, &e), 0);
        assert_string_equal(text, "FROM scratch\nCOPY . /\n");
        assert_int_equal(n, strlen(text));
        assert_int_equal(context_file(c, "current", 100, a, &text, &n, &e), 0); /* a link */
        assert_string_equal(text, "#!/bin/sh\nexec true\n");
        assert_int_equal(context_file(c, "data/up", 100, a, &text, &n, &e), 0);
        assert_string_equal(text, "blank\n");
        assert_int_equal(context_file(c, "data/big", 256 * 700, a, &text, &n, &e), 0);
        assert_int_equal(n, 256 * 700);
        assert_int_equal((unsigned char)text[n - 1], 255);
        assert_int_equal(context_file(c, "data/empty", 0, a, &text, &n, &e), 0);
        assert_int_equal(n, 0);
        n = 7;
        text = "untouched";
        assert_int_equal(context_file(c, "data/big", 256 * 700 - 1, a, &text, &n, &e), -1);
        assert_int_equal(e.kind, ERR_USER);
        assert_int_equal(context_file(c, "data", 100, a, &text, &n, &e), -1);
        assert_int_equal(e.kind, ERR_MISSING);
        assert_int_equal(context_file(c, "folder", 100, a, &text, &n, &e), -1);
        assert_int_equal(context_file(c, "../tree/Dockerfile", 100, a, &text, &n, &e), -1);
        assert_int_equal(context_file(c, "nowhere", 100, a, &text, &n, &e), -1);
        assert_int_equal(e.kind, ERR_MISSING);
        assert_string_equal(text, "untouched");
        assert_int_equal(n, 7);
        assert_true(context_has(c, "bin/run"));
        assert_true(context_has(c, "current"));
        assert_false(context_has(c, "bin"));
        assert_false(context_has(c, "nowhere"));
        context_free(c);
    }
}

/* ---- part of it ---- */

static size_t names_of(const struct context_where *where, char *ret, size_t max)
{
    CLEANUP(str_release) struct str out = STR_INIT;
    struct err e = {0};
    struct context *c = context_open(where, &e);
    size_t n;

    if (!c) {
        (void)snprintf(ret, max, "%s", e.msg);
        return 0;
    }
    describe(c, &out);
    (void)snprintf(ret, max, "%s", str_text(&out));
    n = context_n(c);
    context_free(c);
    return n;
}

static void ignored_and_below(void **state)
{
    char names[1000], packed[1000];

    (void)state;
    make_dir("app");
    make_dir("app/web");
    make_dir("app/web/node_modules");
    put("app/web/Dockerfile", "FROM scratch\n");
    put("app/web/.dockerignore", "node_modules\n*.log\nDockerfile\n!node_modules/keep\n");
    put("app/web/x.log", "1");
    put("app/web/main.js", "1");
    put("app/web/node_modules/a.js", "1");
    put("app/web/node_modules/keep", "1");
    put("app/web/other.Dockerfile", "FROM scratch\n");
    put("app/web/other.Dockerfile.dockerignore", "*\n!x.log\n");
    put("app/README", "1");
    assert_int_equal(symlink("web", "app/link"), 0);
    assert_int_equal(run((const char *[]){"tar", "-cf", "app.tar", "app", NULL}), 0);
    for (int i = 0; i < 2; i++) {
        struct context_where where = {.path = i ? "app.tar" : "app", .sub = "web"};

        (void)names_of(&where, names, sizeof(names));
        assert_string_equal(names, "ok .dockerignore, Dockerfile, main.js, node_modules/, "
                                   "node_modules/a.js, node_modules/keep, other.Dockerfile, "
                                   "other.Dockerfile.dockerignore, x.log");
        where.use_ignore = true;
        where.sub = "./web/";
        (void)names_of(&where, names, sizeof(names));
        assert_string_equal(names, "ok .dockerignore, Dockerfile, main.js, node_modules/, "
                                   "node_modules/keep, other.Dockerfile, "
                                   "other.Dockerfile.dockerignore");
        where.dockerfile = "./other.Dockerfile";
        (void)names_of(&where, names, sizeof(names));
        assert_string_equal(names, "ok .dockerignore, other.Dockerfile, "
                                   "other.Dockerfile.dockerignore, x.log");
        where.sub = "nowhere";
        assert_int_equal(names_of(&where, names, sizeof(names)), 0);
        where.sub = "../app";
        assert_int_equal(names_of(&where, names, sizeof(names)), 0);
        assert_non_null(strstr(names, "climbs out"));
        where.sub = "README";
        assert_int_equal(names_of(&where, names, sizeof(names)), 0);
        where.sub = "link"; /* could lead out */
        assert_int_equal(names_of(&where, names, sizeof(names)), 0);
        where.sub = NULL;
        where.dockerfile = "../../etc/passwd";
        assert_int_equal(names_of(&where, names, sizeof(names)), 0);
    }
    put("app/web/.dockerignore", "[\n");
    assert_int_equal(
        names_of(&(struct context_where){.path = "app", .sub = "web", .use_ignore = true}, packed,
                 sizeof(packed)),
        0);
    assert_non_null(strstr(packed, "app/web/.dockerignore: line 1"));
}

/* ---- directories ---- */

static void oddities_of_directories(void **state)
{
    const struct context_where where = {.path = "dir"};
    char names[1000];
    struct err e = {0};

    (void)state;
    make_dir("dir");
    put("dir/back\\slash", "1");
    put("dir/c:colon", "1");
    put("dir/README", "1");
    put("dir/readme", "1");
    assert_int_equal(symlink("/usr/bin/env", "dir/absolute"), 0);
    assert_int_equal(symlink("nowhere", "dir/dangling"), 0);
    assert_true(names_of(&where, names, sizeof(names)) == 6);
    assert_string_equal(names, "ok README, absolute -> /usr/bin/env, back\\slash, c:colon, "
                               "dangling -> nowhere, readme");
    assert_int_equal(mkfifo("dir/fifo", 0644), 0);
    assert_int_equal(names_of(&where, names, sizeof(names)), 0);
    assert_non_null(strstr(names, "entry \"fifo\" is refused: it is a device or a FIFO"));
    put("dir/.dockerignore", "fifo\n");
    assert_int_equal(
        names_of(&(struct context_where){.path = "dir", .use_ignore = true}, names, sizeof(names)),
        7);
    assert_int_equal(unlink("dir/fifo"), 0);
    put("dir/new\nline", "1");
    assert_int_equal(names_of(&where, names, sizeof(names)), 0);
    assert_non_null(
        strstr(names, "\"new\\x0aline\" is refused: its name holds a control character"));
    assert_int_equal(unlink("dir/new\nline"), 0);
    assert_int_equal(names_of(&(struct context_where){.path = "dir", .limits = {.entries = 6}},
                              names, sizeof(names)),
                     0);
    assert_non_null(strstr(names, "more than 6 entries; .dockerignore can leave some out"));
    assert_int_equal(names_of(&(struct context_where){.path = "dir", .limits = {.total_bytes = 3}},
                              names, sizeof(names)),
                     0);
    make_dir("empty");
    assert_int_equal(names_of(&(struct context_where){.path = "empty"}, names, sizeof(names)), 0);
    assert_string_equal(names, "ok");
    assert_null(open_at("nowhere", &e));
    assert_int_equal(e.kind, ERR_MISSING);
    assert_null(open_at("/dev/null", &e));
    assert_int_equal(e.kind, ERR_USER);
}

/* ---- what changes ---- */

static void write_at(const char *path, off_t at, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, text, strlen(text), at), strlen(text));
    assert_int_equal(close(fd), 0);
}

/* Opened, then changed by `how`, then read: ERR_RETRY. */
static void change(void (*how)(void))
{
    CLEANUP(str_release) struct str tar = STR_INIT;
    char digest[SHA256_HEX];
    struct err e = {0};
    struct context *c;

    scratch_remove("moving");
    scratch_remove("aside");
    scratch_remove("secret");
    make_dir("moving");
    make_dir("moving/sub");
    make_dir("secret");
    put("moving/a", "first");
    put("moving/sub/b", "second");
    put("secret/b", "secret");
    age("moving/a", 1000);
    pause_ms(15); /* past the tick of the clock in which it was made */
    c = open_good("moving");
    how();
    assert_int_equal(context_digest(c, digest, &e), -1);
    assert_int_equal(e.kind, ERR_RETRY);
    assert_non_null(strstr(e.msg, "changed while it was being read"));
    e = (struct err){0};
    assert_int_equal(read_tar(c, 100, &tar, &e), -1);
    assert_int_equal(e.kind, ERR_RETRY);
    assert_int_equal(context_tar_read(c, digest, 10, &e), -1); /* and ever after */
    context_free(c);
}

static void change_content(void)
{
    put("moving/a", "other");
}
static void change_content_not_time(void)
{
    struct stat st;

    assert_int_equal(stat("moving/a", &st), 0);
    put("moving/a", "other");
    assert_int_equal(
        utimensat(AT_FDCWD, "moving/a", (struct timespec[]){st.st_atim, st.st_mtim}, 0), 0);
}
static void change_longer(void)
{
    put("moving/a", "longer than before");
}
static void change_shorter(void)
{
    put("moving/a", "");
}
static void change_gone(void)
{
    assert_int_equal(unlink("moving/sub/b"), 0);
}
static void change_other_file(void)
{
    save("moving/a", "first");
}
static void change_to_link(void)
{
    assert_int_equal(unlink("moving/sub/b"), 0);
    assert_int_equal(symlink("../../secret/b", "moving/sub/b"), 0);
}
static void change_to_folder(void)
{
    assert_int_equal(unlink("moving/a"), 0);
    make_dir("moving/a");
}
static void change_to_fifo(void)
{
    assert_int_equal(unlink("moving/a"), 0);
    assert_int_equal(mkfifo("moving/a", 0644), 0);
}
static void change_folder_to_link(void)
{
    move("moving/sub", "aside");
    assert_int_equal(symlink("../secret", "moving/sub"), 0);
}

static void changed_while_read(void **state)
{
    (void)state;
    change(change_content);
    change(change_content_not_time);
    change(change_longer);
    change(change_shorter);
    change(change_gone);
    change(change_other_file);
    change(change_to_link);
    change(change_to_folder);
    change(change_to_fifo);
    change(change_folder_to_link);
}

static void changed_in_the_middle(void **state)
{
    static char big[300000], buf[1000];
    struct err e = {0};
    struct context *c;
    long n = 1;

    (void)state;
    memset(big, 'x', sizeof(big));
    make_dir("mid");
    put_bytes("mid/big", big, sizeof(big));
    pause_ms(15);
    c = open_good("mid");
    assert_int_equal(context_tar_read(c, buf, sizeof(buf), &e), sizeof(buf));
    write_at("mid/big", 10, "already sent");
    while (n > 0)
        n = context_tar_read(c, buf, sizeof(buf), &e);
    assert_int_equal(n, -1);
    assert_int_equal(e.kind, ERR_RETRY);
    context_free(c);
}

static void changed_archive(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    char digest[SHA256_HEX];
    struct err e = {0};
    struct context *c;
    size_t n;
    CLEANUP(xfreep) char *bytes = slurp(arena_printf(a, "%s/same/stored.zip", archives), &n);

    (void)state;
    put_bytes("a.zip", bytes, n);
    pause_ms(15);
    c = open_good("a.zip");
    write_at("a.zip", 100, "other bytes");
    assert_int_equal(context_digest(c, digest, &e), -1);
    assert_int_equal(e.kind, ERR_RETRY);
    context_free(c);
    /* another file of that name is another matter: what was opened is still there */
    put_bytes("b.zip", bytes, n);
    c = open_good("b.zip");
    save("b.zip", "no zip");
    assert_int_equal(context_digest(c, digest, &e), 0);
    context_free(c);
}

/* ---- the temporary file of a tar ---- */

static void spool_in_trouble(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *path = arena_printf(a, "%s/same/sorted.tar.gz", archives);
    struct rlimit was, little;
    struct err e = {0};

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    little = was;
    little.rlim_cur = 50000;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
    assert_null(open_at(path, &e)); /* as with a full disk */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    assert_int_equal(e.kind, ERR_RETRY);
    assert_non_null(strstr(e.msg, "temporary file"));
    assert_int_equal(setenv("TMPDIR", "/nowhere", 1), 0);
    context_free(open_good(path)); /* there is another place */
    assert_int_equal(unsetenv("TMPDIR"), 0);
}

/* ---- fingerprints ---- */

static void print_of(const struct context_where *where, char ret[SHA256_HEX])
{
    struct err e = {0};

    if (context_fingerprint(where, ret, &e) < 0)
        fail_msg("%s", e.msg);
}

/* Whether the fingerprint is another one than before; it is kept. Long enough after a change for it to be steady. */
static bool moved(const struct context_where *where, char print[SHA256_HEX])
{
    char now[SHA256_HEX], again[SHA256_HEX];
    bool other;

    pause_ms(30);
    print_of(where, now);
    print_of(where, again);
    assert_string_equal(now, again);
    other = strcmp(now, print) != 0;
    memcpy(print, now, SHA256_HEX);
    return other;
}

static void fingerprints(void **state)
{
    struct context_where where = {.path = "fp", .use_ignore = true};
    char print[SHA256_HEX] = "", fresh[SHA256_HEX];

    (void)state;
    make_dir("fp");
    make_dir("fp/sub");
    make_dir("fp/node_modules");
    put("fp/Dockerfile", "FROM scratch\n");
    put("fp/.dockerignore", "node_modules\n**/*.log\n");
    put("fp/sub/x", "1");
    put("fp/node_modules/y", "1");
    assert_int_equal(symlink("sub/x", "fp/link"), 0);
    assert_true(moved(&where, print));
    assert_false(moved(&where, print));

    put("fp/node_modules/y", "22");
    put("fp/node_modules/z", "1");
    put("fp/sub/new.log", "1");
    assert_false(
        moved(&where, print)); /* what is left out does not count, nor does its folder's time */
    assert_int_equal(unlink("fp/sub/new.log"), 0);
    assert_false(moved(&where, print));

    put("fp/sub/x", "2");
    print_of(&where,
             fresh); /* it may change again without a trace, so this one is good for nothing */
    assert_string_not_equal(fresh, print);
    assert_true(moved(&where, print));
    assert_string_not_equal(fresh, print);
    put("fp/sub/x", "22");
    assert_int_equal(context_fingerprint_settled(&where, fresh, &(struct err){0}), 0);
    assert_true(moved(&where, print));
    assert_string_equal(fresh, print); /* it was worth waiting for */
    put("fp/sub/x", "3");
    age("fp/sub/x", 100000);
    assert_true(moved(&where, print));
    put("fp/sub/x", "4");
    age("fp/sub/x", 100000);
    assert_true(moved(&where, print));
    age("fp/sub/x", INT64_C(-400) * 365 * 86400 * 1000); /* centuries ahead */
    assert_true(moved(&where, print));
    assert_int_equal(chmod("fp/sub/x", 0755), 0);
    assert_true(moved(&where, print));
    move("fp/sub/x", "fp/sub/w");
    assert_true(moved(&where, print));
    move("fp/sub", "fp/bus");
    assert_true(moved(&where, print));
    make_dir("fp/empty");
    assert_true(moved(&where, print));
    assert_int_equal(rmdir("fp/empty"), 0);
    assert_true(moved(&where, print));
    assert_int_equal(unlink("fp/link"), 0);
    assert_true(moved(&where, print));
    assert_int_equal(symlink("bus/w", "fp/link"), 0);
    assert_true(moved(&where, print));
    assert_int_equal(unlink("fp/link"), 0);
    assert_int_equal(symlink("bus/v", "fp/link"), 0);
    assert_true(moved(&where, print));
    put("fp/.dockerignore", "node_modules\n*.lo\n");
    assert_true(moved(&where, print));
    where.use_ignore = false;
    assert_true(moved(&where, print));
    where.sub = "bus";
    assert_true(moved(&where, print));
    assert_false(moved(&where, print));
}

static void fingerprints_of_archives(void **state)
{
    const struct context_where where = {.path = "fp.zip"};
    char print[SHA256_HEX] = "";
    struct err e = {0};

    (void)state;
    assert_int_equal(context_fingerprint(&where, print, &e), -1);
    assert_int_equal(e.kind, ERR_MISSING);
    put("fp.zip", "not even a zip");
    assert_true(moved(&where, print));
    assert_false(moved(&where, print));
    put("fp.zip", "not even A zip");
    assert_true(moved(&where, print));
    save("fp.zip", "not even A zip");
    assert_true(moved(&where, print));
    assert_false(moved(&where, print));
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static double cpu_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* A directory of 5000 files that did not change is known at once. */
static void fingerprint_is_cheap(void **state)
{
    const struct context_where where = {.path = "many", .use_ignore = true};
    char print[SHA256_HEX], name[64];
    double best = 1e9;

    (void)state;
    make_dir("many");
    put("many/.dockerignore", "**/node_modules\n*.log\n!keep.log\n");
    for (int i = 0; i < 50; i++) {
        (void)snprintf(name, sizeof(name), "many/%02d", i);
        make_dir(name);
        for (int k = 0; k < 100; k++) {
            (void)snprintf(name, sizeof(name), "many/%02d/file-%02d.js", i, k);
            put(name, "1");
        }
    }
    for (int i = 0; i < 5; i++) {
        double from = cpu_ms();

        print_of(&where, print);
        best = cpu_ms() - from < best ? cpu_ms() - from : best;
    }
    print_message("fingerprint of 5000 files: %.1f ms\n", best);
    if (!SANITIZED)
        assert_true(best < 30); /* 10 on a machine of its own */
}

/* ---- memory ---- */

static long peak_kb(void)
{
    char line[256];
    long kb = 0;
    FILE *f = fopen("/proc/self/status", "re");

    while (f && fgets(line, sizeof(line), f))
        if (sscanf(line, "VmHWM: %ld kB", &kb) == 1)
            break;
    if (f)
        (void)fclose(f);
    return kb;
}

/* This program as a child, so that nothing else counts: prints what its peak grows by. */
static int print_growth(const char *path)
{
    static char buf[65536];
    const struct context_where where = {.path = path};
    char digest[SHA256_HEX];
    struct err e = {0};
    long n = 1, kb = peak_kb();
    struct context *c = context_open(&where, &e);

    if (c && context_digest(c, digest, &e) == 0)
        while (n > 0)
            n = context_tar_read(c, buf, sizeof(buf), &e);
    context_free(c);
    printf("%ld\n", n == 0 ? peak_kb() - kb : -1);
    return 0;
}

static long growth_kb(const char *path)
{
    int pipes[2];
    char text[32] = "";
    pid_t pid;

    assert_int_equal(pipe(pipes), 0);
    pid = fork();
    if (pid == 0) {
        (void)dup2(pipes[1], 1);
        (void)execl("/proc/self/exe", "test_context", "--growth", path, NULL);
        _exit(127);
    }
    (void)close(pipes[1]);
    assert_true(read(pipes[0], text, sizeof(text) - 1) > 0);
    (void)close(pipes[0]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    return strtol(text, NULL, 10);
}

static void memory_stays_flat(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *script = arena_printf(a, "%s/tests/context/make.py", repository);
    const char *const files[] = {"big.zip", "big.tar.gz", "many.zip"};

    (void)state;
    assert_int_equal(run((const char *[]){"python3", script, ".", "big", "120", NULL}), 0);
    assert_int_equal(symlink(arena_printf(a, "%s/bad/entries-10000.zip", archives), "many.zip"), 0);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        long kb = growth_kb(files[i]);

        print_message("%s: %ld KB\n", files[i], kb);
        if (!SANITIZED)
            assert_in_range(kb, 0, 16 * 1024);
    }
}

/* ---- the group ---- */

static int make_archives(void **state)
{
    char script[4200], out[] = "/tmp/evenkeel-context-XXXXXX";

    (void)state;
    if (!setlocale(LC_CTYPE, "C.UTF-8") || !getcwd(repository, sizeof(repository)) || !mkdtemp(out))
        return -1;
    archives = xstrdup(out);
    (void)snprintf(script, sizeof(script), "%s/tests/context/make.py", repository);
    return run((const char *[]){"python3", script, archives, NULL});
}

static int remove_archives(void **state)
{
    (void)state;
    scratch_remove(archives);
    free(archives);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(corpus),
        cmocka_unit_test(every_truncation),
        cmocka_unit_test(every_truncation_of_tar),
        cmocka_unit_test(every_wrong_bit),
        cmocka_unit_test(every_wrong_byte),
        cmocka_unit_test(same_content),
        cmocka_unit_test(executables_and_links_survive),
        cmocka_unit_test(tar_is_understood),
        cmocka_unit_test(pieces_of_every_size),
        cmocka_unit_test(rewind_in_the_middle),
        cmocka_unit_test(put_into_the_tar),
        cmocka_unit_test(single_files),
        cmocka_unit_test_setup_teardown(ignored_and_below, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(oddities_of_directories, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(changed_while_read, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(changed_in_the_middle, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(changed_archive, scratch_setup, scratch_teardown),
        cmocka_unit_test(spool_in_trouble),
        cmocka_unit_test_setup_teardown(fingerprints, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(fingerprints_of_archives, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(fingerprint_is_cheap, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(memory_stays_flat, scratch_setup, scratch_teardown),
    };

    if (argc == 3 && strcmp(argv[1], "--growth") == 0)
        return setlocale(LC_CTYPE, "C.UTF-8") ? print_growth(argv[2]) : 1;
    return cmocka_run_group_tests(tests, make_archives, remove_archives);
}
