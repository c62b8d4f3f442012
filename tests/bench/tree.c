/* tree.c: makes the same content as a folder, as a ZIP and as a tar.
 *
 * In: how many files and how large. Out: a folder or an archive. Each file's name and content follow from its number alone, so nothing is kept in
 * memory but one file. Texts are made of a small vocabulary and pack to about a quarter, as sources do; the large ones are noise. */
#include "tests/bench/tree.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spec/base/str.h"
#include "tests/bench/bench.h"
#include "tests/bench/process.h"

enum { FILES_A_FOLDER = 40, TEXT_LEAST = 1024, TEXT_SPAN = 8192 };

/* ---- content ---- */

/* splitmix64 */
static uint64_t noise(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static const char *pick_word(uint64_t *state)
{
    static const char *const words[] = {
        "request", "response", "render", "state",  "update", "handler", "router", "session",
        "cache",   "module",   "export", "import", "stream", "buffer",  "widget", "layout",
        "order",   "customer", "price",  "total",  "index",  "filter",  "locale", "format",
    };

    return words[noise(state) % ARRAY_LEN(words)];
}

static void make_text(uint64_t *state, struct str *out)
{
    size_t most = TEXT_LEAST + noise(state) % TEXT_SPAN;

    while (out->len < most)
        str_addf(out, "export const %s%u = (%s) => %s.%s(%s, %u);\n", pick_word(state),
                 (unsigned)(noise(state) % 1000), pick_word(state), pick_word(state),
                 pick_word(state), pick_word(state), (unsigned)(noise(state) % 100));
}

static void make_packed(uint64_t *state, size_t bytes, struct str *out)
{
    for (size_t i = 0; i < bytes; i += sizeof(uint64_t)) {
        uint64_t v = noise(state);

        str_addn(out, (const char *)&v, sizeof(v));
    }
}

static const char dockerfile[] =
    "FROM " BENCH_IMAGE "\nCOPY . /srv/\nCMD [\"sleep\", \"1000000\"]\n";

/* The file of this number. */
static void make_file(const struct tree *t, size_t i, struct str *path, struct str *content)
{
    uint64_t state = i * 7919 + 1;

    str_clear(path);
    str_clear(content);
    if (i == 0) {
        str_add(path, "Dockerfile");
        str_add(content, dockerfile);
    } else if (i == 1) {
        str_add(path, TREE_VERSION);
        str_addf(content, "%s\n", t->token);
    } else if (i - 2 < t->large) {
        str_addf(path, "public/media/picture-%04zu.webp", i);
        make_packed(&state, t->large_bytes, content);
    } else {
        size_t folder = i / FILES_A_FOLDER;
        uint64_t of_folder = folder;

        str_addf(path, "%s/%s-%03zu/%s%s-%05zu.js", folder % 3 ? "node_modules" : "src",
                 pick_word(&of_folder), folder, i % 2 ? "lib/" : "", pick_word(&state), i);
        make_text(&state, content);
    }
}

/* ---- a folder ---- */

static void make_parents(const char *path)
{
    CLEANUP(str_release) struct str folder = STR_INIT;

    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        str_clear(&folder);
        str_addn(&folder, path, (size_t)(slash - path));
        bench_mkdir(str_text(&folder));
    }
}

static void write_file(const char *path, const struct str *content)
{
    FILE *f = fopen(path, "we");

    if (!f || fwrite(str_text(content), 1, content->len, f) != content->len || fclose(f) != 0)
        bench_die("%s: %s", path, strerror(errno));
}

void tree_write_dir(const struct tree *t, const char *to)
{
    CLEANUP(str_release) struct str path = STR_INIT, content = STR_INIT, full = STR_INIT;

    for (size_t i = 0; i < t->files; i++) {
        make_file(t, i, &path, &content);
        str_clear(&full);
        str_addf(&full, "%s/%s", to, str_text(&path));
        make_parents(str_text(&full));
        write_file(str_text(&full), &content);
    }
}

/* ---- archives ---- */

static void check(struct archive *a, la_ssize_t rc, const char *to)
{
    if (rc < ARCHIVE_OK)
        bench_die("%s: %s", to, archive_error_string(a));
}

/* Takes the archive. */
static void write_archive(const struct tree *t, struct archive *a, const char *to)
{
    CLEANUP(str_release) struct str path = STR_INIT, content = STR_INIT;
    struct archive_entry *x = archive_entry_new();

    check(a, archive_write_open_filename(a, to), to);
    for (size_t i = 0; i < t->files; i++) {
        make_file(t, i, &path, &content);
        (void)archive_entry_clear(x);
        archive_entry_set_pathname(x, str_text(&path));
        archive_entry_set_filetype(x, AE_IFREG);
        archive_entry_set_perm(x, 0644);
        archive_entry_set_size(x, (la_int64_t)content.len);
        check(a, archive_write_header(a, x), to);
        check(a, archive_write_data(a, str_text(&content), content.len), to);
    }
    check(a, archive_write_close(a), to);
    archive_entry_free(x);
    (void)archive_write_free(a);
}

void tree_write_zip(const struct tree *t, const char *path)
{
    struct archive *a = archive_write_new();

    check(a, archive_write_set_format_zip(a), path);
    check(a, archive_write_set_options(a, "zip:compression=deflate,zip:compression-level=1"), path);
    write_archive(t, a, path);
}

void tree_write_tar(const struct tree *t, const char *path)
{
    struct archive *a = archive_write_new();

    check(a, archive_write_set_format_ustar(a), path);
    write_archive(t, a, path);
}
