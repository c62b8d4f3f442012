/* Reading the audit log: is it whole, and what does it say?
 *
 * Comes in: STATE/audit, while others may be writing to it. Goes out: the first line that is not what was written, or the newest records. The head is read before the files, so that a record that is
 * written meanwhile never looks like one that is missing. It changes nothing, not even what a crash has left. */
#include "agent/audit_verify.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "agent/audit_files.h"
#include "spec/base/arena.h"
#include "spec/base/str.h"
#include "spec/limits.h"

/* A walk over one file. */
struct walk {
    const struct audit_file *file;
    FILE *f;
    char *buf; /* LIMIT_AUDIT_LINE + 1 */
    long n;    /* length of the line that is in buf */
    size_t line;
    bool whole;
};

static int walk_open(const struct audit_file *file, struct walk *ret, struct err *e)
{
    int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "r");

    if (!f) {
        int why = errno;

        if (fd >= 0)
            (void)close(fd);
        return err_errno(e, why, "cannot read %s", file->path);
    }
    *ret = (struct walk){.file = file, .f = f, .buf = xcalloc(1, LIMIT_AUDIT_LINE + 1)};
    return 0;
}

static bool walk_next(struct walk *w)
{
    w->n = audit_files_line(w->f, w->buf, &w->whole);
    w->line += w->n != -1;
    return w->n != -1;
}

/* -1: the file could not be read to its end. */
static int walk_close(struct walk *w, struct err *e)
{
    bool failed = ferror(w->f) != 0;

    (void)fclose(w->f);
    free(w->buf);
    return failed ? err_errno(e, EIO, "cannot read %s", w->file->path) : 0;
}

static int read_line(const struct walk *w, struct arena *a, struct audit_record *ret,
                     const char **ret_why)
{
    *ret_why = "it is longer than a record can be";
    return w->n < 0 ? -1 : audit_line_read(w->buf, (size_t)w->n, a, ret, ret_why);
}

/* ---- is it whole? ---- */

struct check {
    struct arena *arena; /* for what stays */
    struct arena *line;  /* for one line */
    struct audit_head head;
    struct audit_report report;
};

static void broken(struct check *c, const char *file, size_t line, const char *why)
{
    c->report.file = file;
    c->report.line = line;
    c->report.why = why;
}

/* Why a record does not go on from those before it, or NULL. */
static const char *misfit(struct check *c, const struct walk *w, const struct audit_record *r)
{
    const struct audit_report *before = &c->report;

    if (w->line == 1 && r->seq != w->file->first)
        return arena_printf(c->arena, "it is record %lld, and the file is named after another",
                            (long long)r->seq);
    if (c->head.seq == r->seq && strcmp(c->head.hash, r->hash) != 0)
        return arena_printf(c->arena, "record %lld is not the one that was written",
                            (long long)r->seq);
    if (before->records == 0 && r->seq == 1 && strcmp(r->prev, AUDIT_NO_HASH) != 0)
        return "it is the first record, and speaks of one before it";
    if (before->records > 0 && r->seq > before->last_seq + 1)
        return arena_printf(c->arena, "records %lld to %lld are missing before it",
                            (long long)before->last_seq + 1, (long long)r->seq - 1);
    if (before->records > 0 && r->seq <= before->last_seq)
        return arena_printf(c->arena, "record %lld comes after record %lld", (long long)r->seq,
                            (long long)before->last_seq);
    if (before->records > 0 && strcmp(r->prev, before->head) != 0)
        return "it does not follow the record before it, which was changed or put in";
    if (strcmp(r->did, "audit.broken") == 0)
        return arena_printf(c->arena, "here it was found: %s", r->detail);
    return NULL;
}

static void check_line(struct check *c, const struct walk *w, bool newest)
{
    struct audit_record r;
    const char *why;

    if (!w->whole && newest) {
        c->report.unfinished = true;
        return;
    }
    if (!w->whole)
        why = "it has no end, and is not the newest";
    else if (read_line(w, c->line, &r, &why) == 0)
        why = misfit(c, w, &r);
    if (why) {
        broken(c, w->file->path, w->line, why);
        return;
    }
    if (c->report.records++ == 0)
        c->report.first_seq = r.seq;
    c->report.last_seq = r.seq;
    memcpy(c->report.head, r.hash, sizeof(r.hash));
}

static int check_file(struct check *c, const struct audit_file *file, bool newest, struct err *e)
{
    struct walk w;

    if (walk_open(file, &w, e) < 0)
        return -1;
    c->report.files++;
    while (!c->report.why && walk_next(&w)) {
        check_line(c, &w, newest);
        arena_clear(c->line);
    }
    return walk_close(&w, e);
}

int audit_verify(const char *state, struct arena *a, struct audit_report *ret, struct err *e)
{
    const char *folder = audit_files_folder(state, a);
    struct check c = {.arena = a, .report = {.head = AUDIT_NO_HASH}};
    const struct audit_file *files;
    size_t n;
    int rc = 0;

    audit_files_read_head(folder, &c.head);
    if (audit_files_list(folder, a, &files, &n, e) < 0)
        return -1;
    c.line = arena_new();
    for (size_t i = 0; i < n && rc == 0 && !c.report.why; i++)
        rc = check_file(&c, &files[i], i == n - 1, e);
    arena_free(c.line);
    if (rc < 0)
        return -1;
    if (!c.report.why && c.head.seq > c.report.last_seq)
        broken(&c, n > 0 ? files[n - 1].path : folder, 0,
               arena_printf(a, "records %lld to %lld are missing from its end",
                            (long long)c.report.last_seq + 1, (long long)c.head.seq));
    *ret = c.report;
    return 0;
}

/* ---- what does it say? ---- */

struct found {
    struct arena *arena;
    const struct audit_wanted *wanted;
    struct audit_record *v; /* a ring of `limit`: the newest of one file */
    size_t n;
};

static bool fits(const struct audit_wanted *w, const struct audit_record *r)
{
    return (!w->app || strcmp(w->app, r->app) == 0) && r->at_ms >= w->since_ms;
}

static struct audit_record keep(const struct audit_record *r, struct arena *a)
{
    struct audit_record x = *r;

    x.by = arena_strdup(a, r->by);
    x.from = arena_strdup(a, r->from);
    x.did = arena_strdup(a, r->did);
    x.app = arena_strdup(a, r->app);
    x.what = arena_strdup(a, r->what);
    x.outcome = arena_strdup(a, r->outcome);
    x.detail = arena_strdup(a, r->detail);
    return x;
}

/* The newest `limit` of one file, oldest first from ring[(*ret_n - k) % limit] on. */
static int read_file(const struct audit_file *file, struct found *f, size_t limit, struct err *e)
{
    struct arena *line = arena_new();
    struct audit_record r;
    const char *why;
    struct walk w;

    f->n = 0;
    if (walk_open(file, &w, e) < 0) {
        arena_free(line);
        return -1;
    }
    while (walk_next(&w)) {
        if (w.whole && read_line(&w, line, &r, &why) == 0 && fits(f->wanted, &r))
            f->v[f->n++ % limit] = keep(&r, f->arena);
        arena_clear(line);
    }
    arena_free(line);
    return walk_close(&w, e);
}

int audit_read(const char *state, const struct audit_wanted *w, struct arena *a,
               const struct audit_record **ret, size_t *ret_n, struct err *e)
{
    size_t limit = w->limit > 0 ? w->limit : 1, files_n, n = 0;
    struct audit_record *out = ARENA_ARRAY(a, limit, struct audit_record);
    struct found f = {
        .arena = a, .wanted = w, .v = ARENA_ARRAY(a, limit, struct audit_record), .n = 0};
    const struct audit_file *files;

    if (audit_files_list(audit_files_folder(state, a), a, &files, &files_n, e) < 0)
        return -1;
    for (size_t i = files_n; i-- > 0 && n < w->limit;) {
        if (read_file(&files[i], &f, limit, e) < 0)
            return -1;
        for (size_t k = 0; k < limit && k < f.n && n < w->limit; k++)
            out[n++] = f.v[(f.n - 1 - k) % limit];
    }
    *ret = out;
    *ret_n = n;
    return 0;
}
