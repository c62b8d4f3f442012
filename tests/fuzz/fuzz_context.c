/* fuzz_context.c: any bytes as a bundle: opened, digested, and sent.
 *
 * The first byte chooses the kind of archive, the rest is the file. Beyond not crashing: what was taken keeps its promises (names are clean
 * and in order, links lead somewhere, sizes are as announced), its tar is the same in pieces of any size, and the tar read again is the same
 * content. */
#include <assert.h>
#include <fcntl.h>
#include <locale.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include "drivers/context.h"
#include "spec/base/arena.h"

#define TAR_MOST (4 << 20)

static const char *const kinds[] = {"zip", "tar", "tar.gz", "tar.zst"};
static char folder[64];

static void remove_folder(void)
{
    char path[128];

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        (void)snprintf(path, sizeof(path), "%s/x.%s", folder, kinds[i]);
        (void)unlink(path);
    }
    (void)rmdir(folder);
}

static void make_folder(void)
{
    if (folder[0])
        return;
    (void)snprintf(folder, sizeof(folder), "/dev/shm/evenkeel-fuzz-XXXXXX");
    assert(setlocale(LC_CTYPE, "C.UTF-8"));
    assert(mkdtemp(folder));
    (void)setenv("TMPDIR", "/dev/shm", 0); /* a tar is spooled */
    (void)atexit(remove_folder);
}

static struct context *open_bytes(const char *kind, const void *bytes, size_t n)
{
    char path[128];
    const struct context_where where = {
        .path = path,
        .use_ignore = true,
        .limits = {.total_bytes = 1 << 20, .file_bytes = 1 << 20, .entries = 200, .time_ms = 3000}};
    struct err e = {0};
    struct context *c;
    int fd;

    (void)snprintf(path, sizeof(path), "%s/x.%s", folder, kind);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert(fd >= 0 && write(fd, bytes, n) == (ssize_t)n && close(fd) == 0);
    c = context_open(&where, &e);
    assert(c || (e.kind == ERR_USER && e.msg[0]));
    return c;
}

static void check_entries(struct context *c)
{
    int64_t bytes = 0;

    assert(context_n(c) > 0 && context_n(c) <= 200);
    for (size_t i = 0; i < context_n(c); i++) {
        const struct context_entry *x = context_entry(c, i);

        assert(x->path[0] && x->path[0] != '/' && !strstr(x->path, "//"));
        assert(strcmp(x->path, "..") != 0 && strncmp(x->path, "../", 3) != 0);
        assert(!strstr(x->path, "/../") && x->path[strlen(x->path) - 1] != '/');
        assert(x->type == 'f' || x->type == 'd' || x->type == 'l');
        assert(x->type == 'f' || x->bytes == 0);
        assert(x->type != 'l' || (x->target[0] && x->target[0] != '/'));
        bytes += x->bytes;
    }
    assert(bytes == context_bytes(c));
}

static int read_tar(struct context *c, size_t piece, struct str *out)
{
    char buf[4096];
    struct err e = {0};
    long n;

    assert(context_tar_rewind(c, &e) == 0);
    while ((n = context_tar_read(c, buf, piece, &e)) > 0) {
        str_addn(out, buf, (size_t)n);
        assert(out->len < TAR_MOST);
    }
    return (int)n;
}

/* A tar whose content lies in one folder is taken without it, and what a Mac left inside that folder is then left out. */
static bool is_stable(const struct context *c)
{
    bool several = false;

    for (size_t i = 1; i < context_n(c); i++) {
        const char *first = context_entry(c, 0)->path, *path = context_entry(c, i)->path;

        several |= strncmp(path, first, strlen(first)) != 0 || path[strlen(first)] != '/';
        if (strncmp(path, "__MACOSX", 8) == 0)
            return false;
    }
    return several && strncmp(context_entry(c, 0)->path, "__MACOSX", 8) != 0;
}

static void check_again(const struct str *tar, const char *digest, bool same)
{
    struct context *c = open_bytes("tar", tar->buf, tar->len);
    char again[SHA256_HEX];
    struct err e = {0};

    if (!same) { /* a lone empty folder and the like may be refused */
        context_free(c);
        return;
    }
    assert(c && context_digest(c, again, &e) == 0);
    assert(strcmp(again, digest) == 0);
    context_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(str_release) struct str tar = STR_INIT, pieces = STR_INIT;
    char digest[SHA256_HEX];
    struct err e = {0};
    struct context *c;

    if (size == 0)
        return 0;
    make_folder();
    c = open_bytes(kinds[data[0] % ARRAY_LEN(kinds)], data + 1, size - 1);
    if (!c)
        return 0;
    check_entries(c);
    bool good = context_digest(c, digest, &e) == 0;

    assert(good || e.kind == ERR_USER);
    assert((read_tar(c, 4096, &tar) == 0) == good);
    assert((read_tar(c, 1 + data[0], &pieces) == 0) == good);
    assert(!good || (tar.len == pieces.len && memcmp(tar.buf, pieces.buf, tar.len) == 0));
    if (good)
        check_again(&tar, digest, is_stable(c));
    context_free(c);
    return 0;
}
