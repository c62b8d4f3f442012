/* A bundle as a build context: which format it is, by its name and by its first bytes, which must agree; and what all formats share.
 *
 * Comes in: an open archive. Goes out: a sealed list with its source of content, .dockerignore applied. An archive in disguise and one that holds
 * no file are refused. */
#include <unistd.h>

#include "drivers/context_parts.h"
#include "spec/base/arena.h"
#include "spec/dockerignore.h"
#include "spec/limits.h"

static const struct kind {
    const char *ending, *name;
    size_t at; /* of the magic */
    const char *magic;
    int (*open)(struct context *c, struct err *e); /* NULL: known to be refused */
} kinds[] = {
    {".zip", "zip", 0, "PK\3\4", context_open_zip},
    {".tar.gz", "gzip", 0, "\x1f\x8b", context_open_tarball},
    {".tgz", "gzip", 0, "\x1f\x8b", context_open_tarball},
    {".tar.zst", "zstd", 0, "\x28\xb5\x2f\xfd", context_open_tarball},
    {".tar", "tar", 257, "ustar", context_open_tarball},
    {".tar.xz", "xz", 0,
     "\xfd"
     "7zXZ",
     NULL},
    {".tar.bz2", "bzip2", 0, "BZh", NULL},
    {".7z", "7-Zip", 0, "7z\xbc\xaf\x27\x1c", NULL},
    {".rar", "RAR", 0, "Rar!\x1a\x07", NULL},
};

static bool ends_with(const char *path, const char *ending)
{
    size_t n = strlen(path), m = strlen(ending);

    return n > m && strcasecmp(path + n - m, ending) == 0;
}

static const struct kind *kind_by_name(const char *path)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (ends_with(path, kinds[i].ending))
            return &kinds[i];
    return NULL;
}

static const struct kind *kind_by_magic(const unsigned char *head, size_t n)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        size_t len = strlen(kinds[i].magic);

        if (kinds[i].at + len <= n && memcmp(head + kinds[i].at, kinds[i].magic, len) == 0)
            return &kinds[i];
    }
    return NULL;
}

/* What is no known format at all is left to its reader, which has better words for what is wrong. */
static int check_kind(const struct context *c, const struct kind *named, struct err *e)
{
    unsigned char head[512];
    ssize_t n = pread(c->fd, head, sizeof(head), 0);
    const struct kind *real = n > 0 ? kind_by_magic(head, (size_t)n) : NULL;

    if (n == 0)
        return err_set(e, ERR_USER, "%s is empty", c->where.path);
    if (real && strcmp(real->name, named->name) != 0)
        return err_set(e, ERR_USER, "%s is not what its name says: it is a %s file", c->where.path,
                       real->name);
    return 0;
}

bool context_is_junk(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

    return (strncmp(path, "__MACOSX", 8) == 0 && (!path[8] || path[8] == '/')) ||
           strcmp(name, ".DS_Store") == 0;
}

static int apply_ignore(struct context *c, struct err *e)
{
    const char *const names[] = {arena_printf(c->arena, "%s.dockerignore", c->where.dockerfile),
                                 ".dockerignore"};

    for (size_t i = 0; c->where.use_ignore && i < ARRAY_LEN(names); i++) {
        const struct item *x = context_follow(c, names[i], NULL);
        const struct dockerignore *ignore;
        const char *text;
        size_t n;

        if (!x || x->e.type != 'f')
            continue;
        if (context_load(c, x, LIMIT_SPEC_BYTES, c->arena, &text, &n, e) < 0)
            return -1;
        ignore = dockerignore_parse(text, n, c->arena, e);
        if (!ignore)
            return err_wrap(e, "%s: %s", c->where.path, names[i]);
        return context_ignore(c, ignore, e);
    }
    return 0;
}

static int check_content(const struct context *c, struct err *e)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->items[i].e.type == 'f')
            return 0;
    return err_set(e, ERR_USER, "%s holds no files", c->where.path);
}

int context_open_bundle(struct context *c, struct err *e)
{
    const struct kind *k = kind_by_name(c->where.path);

    if (!k || !k->open)
        return err_set(e, ERR_USER, "%s is none of .zip, .tar.gz, .tgz, .tar.zst, .tar",
                       c->where.path);
    if (check_kind(c, k, e) < 0 || k->open(c, e) < 0 || context_seal(c, e) < 0 ||
        check_content(c, e) < 0 || apply_ignore(c, e) < 0)
        return context_failed(c, e);
    return 0;
}
