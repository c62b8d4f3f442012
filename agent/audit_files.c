/* Where the audit log is.
 *
 * Comes in: a folder. Goes out: its files in order, their lines one by one, and the head. It reads lines of a bounded length, whatever somebody has put there, and follows no link. */
#include "agent/audit_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "drivers/fsx.h"
#include "spec/base/arena.h"
#include "spec/base/str.h"
#include "spec/limits.h"

#define NAME_PREFIX "audit-"
#define NAME_SUFFIX ".log"

enum { NAME_DIGITS = 12, HEAD_DIGITS = 20, HEAD_BYTES = HEAD_DIGITS + 1 + SHA256_HEX };

const char *audit_files_folder(const char *state, struct arena *a)
{
    return fsx_join(state, "audit", a);
}

const char *audit_files_path(const char *folder, int64_t first, struct arena *a)
{
    return arena_printf(a, "%s/" NAME_PREFIX "%0*lld" NAME_SUFFIX, folder, NAME_DIGITS,
                        (long long)first);
}

/* 0: not one of ours. */
static int64_t first_of(const char *name)
{
    char digits[NAME_DIGITS + 1] = "";
    int64_t first = 0;

    if (strlen(name) != strlen(NAME_PREFIX NAME_SUFFIX) + NAME_DIGITS ||
        strncmp(name, NAME_PREFIX, strlen(NAME_PREFIX)) != 0 ||
        strcmp(name + strlen(NAME_PREFIX) + NAME_DIGITS, NAME_SUFFIX) != 0)
        return 0;
    memcpy(digits, name + strlen(NAME_PREFIX), NAME_DIGITS);
    if (strspn(digits, "0123456789") != NAME_DIGITS)
        return 0;
    for (const char *c = digits; *c; c++)
        first = first * 10 + (*c - '0');
    return first;
}

static int by_first(const void *a, const void *b)
{
    const struct audit_file *x = a, *y = b;

    return x->first < y->first ? -1 : x->first > y->first;
}

int audit_files_list(const char *folder, struct arena *a, const struct audit_file **ret,
                     size_t *ret_n, struct err *e)
{
    struct audit_file *v = NULL;
    size_t n = 0, cap = 0;
    const struct dirent *entry;
    DIR *d = opendir(folder);

    if (!d && errno != ENOENT)
        return err_errno(e, errno, "cannot read %s", folder);
    while (d && (entry = readdir(d))) {
        int64_t first = first_of(entry->d_name);

        if (first == 0)
            continue;
        v = arena_grow(a, v, n, &cap, sizeof(*v));
        v[n++] = (struct audit_file){.path = fsx_join(folder, entry->d_name, a), .first = first};
    }
    if (d)
        (void)closedir(d);
    if (n > 0)
        qsort(v, n, sizeof(*v), by_first);
    *ret = v;
    *ret_n = n;
    return 0;
}

/* ---- the head ---- */

static int open_head(const char *folder, int flags)
{
    CLEANUP(str_release) struct str path = STR_INIT;

    str_addf(&path, "%s/head", folder);
    return open(str_text(&path), flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
}

void audit_files_read_head(const char *folder, struct audit_head *ret)
{
    char text[HEAD_BYTES + 1] = "";
    int fd = open_head(folder, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : pread(fd, text, HEAD_BYTES, 0);
    struct audit_head h = {.seq = 0};

    if (fd >= 0)
        (void)close(fd);
    if (n == HEAD_BYTES && text[HEAD_DIGITS] == ' ' && text[HEAD_BYTES - 1] == '\n') {
        text[HEAD_DIGITS] = text[HEAD_BYTES - 1] = '\0';
        if (parse_int64(text, 1, INT64_MAX, &h.seq) == 0)
            memcpy(h.hash, text + HEAD_DIGITS + 1, SHA256_HEX);
    }
    *ret = h;
}

int audit_files_write_head(const char *folder, const struct audit_head *h, struct err *e)
{
    char text[HEAD_BYTES + 1];
    int fd = open_head(folder, O_WRONLY | O_CREAT), why = errno;

    (void)snprintf(text, sizeof(text), "%0*lld %s\n", HEAD_DIGITS, (long long)h->seq, h->hash);
    bool done = fd >= 0 && pwrite(fd, text, HEAD_BYTES, 0) == HEAD_BYTES;

    if (fd >= 0)
        why = errno;
    if (fd >= 0)
        (void)close(fd);
    return done ? 0 : err_errno(e, why, "cannot write %s/head", folder);
}

/* ---- lines ---- */

long audit_files_line(FILE *f, char *buf, bool *ret_whole)
{
    size_t n = 0;
    int c;

    while ((c = getc_unlocked(f)) != EOF && c != '\n') {
        if (n < LIMIT_AUDIT_LINE)
            buf[n] = (char)c;
        n++;
    }
    if (c == EOF && n == 0)
        return -1;
    *ret_whole = c == '\n';
    if (n > LIMIT_AUDIT_LINE)
        return -2;
    buf[n] = '\0';
    return (long)n;
}
