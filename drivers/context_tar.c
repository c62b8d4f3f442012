/* The tar of a context, pulled piece by piece: what a builder is sent.
 *
 * Comes in: sorted entries and their source. Goes out: bytes of a pax tar that are the same for the same content: mtime 0, owner 0, modes 0644 and 0755. Holds one
 * block of content at a time; an entry that was put in replaces the one of its path. */
#include <archive.h>
#include <archive_entry.h>

#include "drivers/context_parts.h"
#include "spec/base/arena.h"

#define BLOCK_BYTES 65536

struct tar {
    struct archive *out;
    struct archive_entry *entry;
    struct str pending; /* written by libarchive, not yet taken */
    size_t taken;
    size_t next;        /* item */
    size_t next_put;
    bool open;          /* content of the current item is under way */
    bool over;
    char *block;
};

int context_tar_put(struct context *c, const char *path, const char *text, size_t n)
{
    c->puts = xrealloc(c->puts, (c->n_puts + 1) * sizeof(*c->puts));
    struct put *p = &c->puts[c->n_puts++];
    p->path = xstrdup(path);
    p->text = xcalloc(1, n + 1);
    memcpy(p->text, text, n);
    p->n = n;
    return 0;
}

void context_tar_free(struct context *c)
{
    struct tar *t = c->tar;
    if (!t)
        return;
    if (t->open)
        c->source->close(c);
    archive_entry_free(t->entry);
    if (t->out) {
        (void)archive_write_fail(t->out); /* otherwise freeing would write the end of the archive */
        (void)archive_write_free(t->out);
    }
    str_release(&t->pending);
    free(t->block);
    free(TAKE(c->tar));
}

static la_ssize_t on_write(struct archive *ar, void *user, const void *bytes, size_t n)
{
    struct tar *t = user;
    (void)ar;
    str_addn(&t->pending, bytes, n);
    return (la_ssize_t)n;
}

int context_tar_rewind(struct context *c, struct err *e)
{
    context_tar_free(c);
    struct tar *t = c->tar = xcalloc(1, sizeof(*t));
    t->out = archive_write_new();
    t->entry = archive_entry_new();
    t->block = xcalloc(1, BLOCK_BYTES);
    if (!t->out || !t->entry || archive_write_set_format_pax_restricted(t->out) != ARCHIVE_OK ||
        archive_write_set_bytes_per_block(t->out, 0) != ARCHIVE_OK ||
        archive_write_open(t->out, t, NULL, on_write, NULL) != ARCHIVE_OK)
        return err_set(e, ERR_RETRY, "%s: cannot begin a tar: %s", c->where.path,
                       t->out && archive_error_string(t->out) ? archive_error_string(t->out) : "out of memory");
    return 0;
}

static int write_header(struct context *c, const char *path, char type, bool executable, int64_t bytes,
                        const char *target, struct err *e)
{
    struct tar *t = c->tar;
    (void)archive_entry_clear(t->entry);
    archive_entry_set_pathname(t->entry, path);
    archive_entry_set_filetype(t->entry, type == 'd' ? AE_IFDIR : type == 'l' ? AE_IFLNK : AE_IFREG);
    archive_entry_set_perm(t->entry, type == 'l' ? 0777 : type == 'd' || executable ? 0755 : 0644);
    archive_entry_set_size(t->entry, type == 'f' ? bytes : 0);
    archive_entry_set_mtime(t->entry, 0, 0);
    archive_entry_set_uid(t->entry, 0);
    archive_entry_set_gid(t->entry, 0);
    if (type == 'l')
        archive_entry_set_symlink(t->entry, target);
    if (archive_write_header(t->out, t->entry) != ARCHIVE_OK)
        return err_set(e, ERR_USER, "%s: \"%.200s\" cannot be put into a tar: %s", c->where.path, path,
                       archive_error_string(t->out) ? archive_error_string(t->out) : "unknown reason");
    return 0;
}

static const struct put *put_of(const struct context *c, const char *path)
{
    for (size_t i = 0; i < c->n_puts; i++)
        if (strcmp(c->puts[i].path, path) == 0)
            return &c->puts[i];
    return NULL;
}

static int write_put(struct context *c, const struct put *p, struct err *e)
{
    if (write_header(c, p->path, 'f', false, (int64_t)p->n, NULL, e) < 0)
        return -1;
    if (p->n > 0 && archive_write_data(c->tar->out, p->text, p->n) != (la_ssize_t)p->n)
        return err_set(e, ERR_RETRY, "%s: cannot write \"%.200s\" into the tar", c->where.path, p->path);
    return 0;
}

static int next_item(struct context *c, struct err *e)
{
    struct tar *t = c->tar;
    const struct context_entry *x = &c->items[t->next].e;
    if (put_of(c, x->path)) { /* its replacement comes at the end */
        t->next++;
        return 0;
    }
    if (write_header(c, x->path, x->type, x->executable, x->bytes, x->target, e) < 0)
        return -1;
    if (x->type != 'f' || x->bytes == 0) {
        t->next++;
        return 0;
    }
    t->open = true;
    return c->source->open(c, t->next, e);
}

static int copy_block(struct context *c, struct err *e)
{
    struct tar *t = c->tar;
    long n = c->source->read(c, t->block, BLOCK_BYTES, e);
    if (n < 0)
        return -1;
    if (n == 0) {
        c->source->close(c);
        t->open = false;
        t->next++;
        return 0;
    }
    if (archive_write_data(t->out, t->block, (size_t)n) != n)
        return err_set(e, ERR_RETRY, "%s: \"%.200s\" gave more than its size", c->where.path, c->items[t->next].e.path);
    return 0;
}

static int step(struct context *c, struct err *e)
{
    struct tar *t = c->tar;
    if (t->open)
        return copy_block(c, e);
    if (t->next < c->n)
        return next_item(c, e);
    if (t->next_put < c->n_puts)
        return write_put(c, &c->puts[t->next_put++], e);
    t->over = true;
    if (archive_write_close(t->out) != ARCHIVE_OK)
        return err_set(e, ERR_RETRY, "%s: the tar cannot be ended", c->where.path);
    return 0;
}

long context_tar_read(struct context *c, void *buf, size_t n, struct err *e)
{
    struct tar *t = c->tar;
    while (t->taken == t->pending.len) {
        str_clear(&t->pending);
        t->taken = 0;
        if (t->over)
            return 0;
        /* several small steps a call: a read callback of a few hundred bytes would cost more than it carries */
        while (!t->over && t->pending.len < BLOCK_BYTES)
            if (step(c, e) < 0)
                return -1;
    }
    size_t have = t->pending.len - t->taken, give = have < n ? have : n;
    memcpy(buf, t->pending.buf + t->taken, give);
    t->taken += give;
    return (long)give;
}
