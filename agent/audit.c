/* The audit log's writer.
 *
 * Comes in: what somebody asked for, or what became of it. Goes out: one line at the end of the newest file. Writers of several processes take turns by STATE/audit/lock; each looks first whether
 * the end is still where it left it. A line is one write; waiting for the disk happens outside the lock, once for all who wait. It refuses to build on a record that it cannot read, and to forget that it
 * found one. */
#include "agent/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/audit_files.h"
#include "agent/guarded.h"
#include "drivers/fsx.h"
#include "spec/base/arena.h"
#include "spec/base/str.h"
#include "spec/limits.h"

struct audit {
    struct audit_rules rules;
    char *folder;
    int lock_fd, folder_fd;
    pthread_mutex_t lock; /* guards what follows, with lock_fd against other processes */
    int fd;               /* the newest file; -1: not known */
    int64_t size;
    struct audit_head last;    /* the last record */
    pthread_mutex_t sync_lock; /* one waits for the disk, the others for that one */
    int64_t synced;            /* seq */
};

/* ---- where the log ends ---- */

/* What the end of a log looks like to who wants to continue it. */
struct end {
    int fd;
    int64_t size;
    struct audit_head last;
    int64_t torn;    /* bytes that were dropped */
    const char *bad; /* why the last record cannot be built on; then last.seq is only a guess */
};

/* The last line that has an end, its number, and where it ends. */
struct last_line {
    char text[LIMIT_AUDIT_LINE + 1];
    long n; /* -1: there is none; -2: too long */
    int64_t count, end;
};

static int find_last(const char *path, struct last_line *ret, struct err *e)
{
    char *buf = xcalloc(1, LIMIT_AUDIT_LINE + 1);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
    bool whole = false;
    long n;

    ret->n = -1;
    ret->count = ret->end = 0;
    if (!f) {
        int why = errno;

        if (fd >= 0)
            (void)close(fd);
        free(buf);
        return err_errno(e, why, "cannot read %s", path);
    }
    while ((n = audit_files_line(f, buf, &whole)) != -1 && whole) {
        ret->n = n;
        ret->count++;
        ret->end = ftell(f);
        if (n >= 0)
            memcpy(ret->text, buf, (size_t)n + 1);
    }
    bool failed = ferror(f) != 0;

    (void)fclose(f);
    free(buf);
    return failed ? err_errno(e, EIO, "cannot read %s", path) : 0;
}

static void read_last(const struct audit_file *file, const struct last_line *line,
                      struct arena *arena, struct end *ret)
{
    struct audit_record r;
    const char *why = "it is longer than a record can be";

    if (line->n >= 0 && audit_line_read(line->text, (size_t)line->n, arena, &r, &why) == 0) {
        ret->last.seq = r.seq;
        memcpy(ret->last.hash, r.hash, sizeof(r.hash));
        return;
    }
    ret->bad = arena_printf(arena, "%s:%lld: %s", file->path, (long long)line->count, why);
    ret->last.seq = file->first + line->count - 1;
}

/* Cut what a crash has left behind the last whole line. */
static int open_end(const char *path, int64_t end, struct end *ret, struct err *e)
{
    struct stat st;
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0)
        return err_errno(e, errno, "cannot write %s", path);
    if (fstat(fd, &st) != 0 || (st.st_size > end && ftruncate(fd, end) != 0)) {
        int why = errno;

        (void)close(fd);
        return err_errno(e, why, "cannot repair %s", path);
    }
    ret->fd = fd;
    ret->size = end;
    ret->torn = st.st_size - end;
    return 0;
}

static int find_end(const struct audit *a, struct arena *arena, struct end *ret, struct err *e)
{
    struct last_line *line = arena_alloc(arena, sizeof(*line));
    struct end end = {.fd = -1, .last = {.hash = AUDIT_NO_HASH}};
    const struct audit_file *files;
    struct audit_head head;
    size_t n;

    if (audit_files_list(a->folder, arena, &files, &n, e) < 0)
        return -1;
    /* The newest file may have no record yet; then the one before it has the last. */
    for (size_t i = n; i-- > 0;) {
        if (find_last(files[i].path, line, e) < 0 ||
            (i == n - 1 && open_end(files[i].path, line->end, &end, e) < 0))
            return -1;
        if (line->n == -1)
            continue;
        read_last(&files[i], line, arena, &end);
        break;
    }
    audit_files_read_head(a->folder, &head);
    if (!end.bad && head.seq > end.last.seq)
        end.bad = arena_printf(arena, "records %lld to %lld are missing from its end",
                               (long long)end.last.seq + 1, (long long)head.seq);
    else if (!end.bad && head.seq > 0 && head.seq == end.last.seq &&
             strcmp(head.hash, end.last.hash) != 0)
        end.bad =
            arena_printf(arena, "record %lld is not the one that was written", (long long)head.seq);
    /* The next record begins a file then, whose name must be later than all there are. */
    if (end.bad && head.seq > end.last.seq)
        end.last.seq = head.seq;
    if (end.bad && n > 0 && files[n - 1].first > end.last.seq)
        end.last.seq = files[n - 1].first;
    *ret = end;
    return 0;
}

/* ---- one line ---- */

static void drop_file(struct audit *a)
{
    if (a->fd >= 0)
        (void)close(a->fd);
    a->fd = -1;
}

/* Locked. The next record begins a file; what the one before holds is on disk by then. */
static int next_file(struct audit *a, struct err *e)
{
    CLEANUP(arena_freep) struct arena *arena = arena_new();
    const char *path = audit_files_path(a->folder, a->last.seq + 1, arena);

    if (a->fd >= 0 && fsync(a->fd) != 0)
        return err_errno(e, errno, "cannot write the audit log in %s", a->folder);
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return err_errno(e, errno, "cannot make %s", path);
    drop_file(a);
    a->fd = fd;
    a->size = 0;
    if (fsync(a->folder_fd) != 0 && errno != EINVAL)
        return err_errno(e, errno, "cannot sync %s", a->folder);
    return 0;
}

/* Locked. All of the line or nothing of it. */
static int put_line(struct audit *a, const struct str *line, struct err *e)
{
    ssize_t n;

    do
        n = write(a->fd, line->buf, line->len);
    while (n < 0 && errno == EINTR);
    if (n == (ssize_t)line->len) {
        a->size += n;
        return 0;
    }
    int why = n < 0 ? errno : ENOSPC;

    if (n > 0 && ftruncate(a->fd, a->size) != 0)
        drop_file(a); /* the next one looks, and repairs */
    return err_errno(e, why, "cannot write the audit log in %s", a->folder);
}

static const char *text(const char *s)
{
    return s ? s : "";
}

/* Locked, the end being known. */
static int put(struct audit *a, const struct audit_entry *x, int64_t now_ms, struct err *e)
{
    CLEANUP(str_release) struct str line = STR_INIT;
    struct audit_record r = {.seq = a->last.seq + 1,
                             .at_ms = now_ms,
                             .re = x->re,
                             .by = text(x->by),
                             .from = text(x->from),
                             .did = text(x->did),
                             .app = text(x->app),
                             .what = text(x->what),
                             .outcome = text(x->outcome),
                             .detail = text(x->detail)};

    memcpy(r.prev, a->last.hash, sizeof(r.prev));
    audit_line_write(&r, &line);
    if ((a->fd < 0 || (a->size > 0 && a->size >= a->rules.file_bytes)) && next_file(a, e) < 0)
        return -1;
    if (put_line(a, &line, e) < 0)
        return -1;
    a->last.seq = r.seq;
    memcpy(a->last.hash, r.hash, sizeof(r.hash));
    return 0;
}

/* Locked. What was found at the end, as records of their own. */
static int put_findings(struct audit *a, const struct end *end, int64_t now_ms, struct err *e)
{
    char bytes[80];

    if (end->bad) {
        const struct audit_entry broken = {
            .by = "evenkeel", .did = "audit.broken", .detail = end->bad};

        drop_file(a); /* in a file of its own */
        if (put(a, &broken, now_ms, e) < 0)
            return -1;
    }
    if (end->torn == 0)
        return 0;
    (void)snprintf(bytes, sizeof(bytes),
                   "%lld bytes of a record that was cut off, and never confirmed, are dropped",
                   (long long)end->torn);
    return put(a,
               &(struct audit_entry){.by = "evenkeel", .did = "audit.recovered", .detail = bytes},
               now_ms, e);
}

/* Locked. Has nobody else written since? Who did made this file longer, or one that begins with the next record. */
static bool still_the_end(const struct audit *a, struct arena *arena)
{
    struct stat st;

    return a->fd >= 0 && fstat(a->fd, &st) == 0 && st.st_size == a->size && st.st_nlink > 0 &&
           access(audit_files_path(a->folder, a->last.seq + 1, arena), F_OK) != 0;
}

static int refresh(struct audit *a, int64_t now_ms, struct err *e)
{
    CLEANUP(arena_freep) struct arena *arena = arena_new();
    struct end end;

    if (still_the_end(a, arena))
        return 0;
    if (find_end(a, arena, &end, e) < 0)
        return -1;
    drop_file(a);
    a->fd = end.fd;
    a->size = end.size;
    a->last = end.last;
    if (put_findings(a, &end, now_ms, e) == 0)
        return 0;
    drop_file(a); /* so that it is looked at again */
    return -1;
}

/* ---- taking turns ---- */

static int lock(struct audit *a, struct err *e)
{
    (void)pthread_mutex_lock(&a->lock);
    if (guarded_lock_fd(a->lock_fd, a->folder, e) == 0)
        return 0;
    (void)pthread_mutex_unlock(&a->lock);
    return -1;
}

static void unlock(struct audit *a)
{
    struct flock l = {.l_type = F_UNLCK, .l_whence = SEEK_SET};

    (void)fcntl(a->lock_fd, F_OFD_SETLK, &l);
    (void)pthread_mutex_unlock(&a->lock);
}

/* Up to seq at least. Who comes while another waits for the disk finds, mostly, that it is done. */
static int sync_to(struct audit *a, int64_t seq, struct err *e)
{
    struct audit_head head;
    int fd = -1, rc = 0;

    (void)pthread_mutex_lock(&a->sync_lock);
    if (a->synced < seq) {
        (void)pthread_mutex_lock(&a->lock);
        head = a->last;
        errno = EIO;
        fd = a->fd >= 0 ? fcntl(a->fd, F_DUPFD_CLOEXEC, 0) : -1;
        (void)pthread_mutex_unlock(&a->lock);
        if (fd < 0 || fsync(fd) != 0)
            rc = err_errno(e, errno, "cannot write the audit log in %s", a->folder);
        else
            rc = audit_files_write_head(a->folder, &head, e);
        if (rc == 0)
            a->synced = head.seq;
        if (fd >= 0)
            (void)close(fd);
    }
    (void)pthread_mutex_unlock(&a->sync_lock);
    return rc;
}

/* ---- outside ---- */

static int open_folder(struct audit *a, struct err *e)
{
    CLEANUP(str_release) struct str path = STR_INIT;

    if (fsx_mkdirs(a->folder, 0700, e) < 0)
        return -1;
    str_addf(&path, "%s/lock", a->folder);
    a->lock_fd = open(str_text(&path), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    a->folder_fd = open(a->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (a->lock_fd < 0 || a->folder_fd < 0)
        return err_errno(e, errno, "cannot open the audit log in %s", a->folder);
    return 0;
}

int audit_open(const char *state, const struct audit_rules *rules, struct audit **ret,
               struct err *e)
{
    struct arena *arena = arena_new();
    struct audit *a = xcalloc(1, sizeof(*a));

    a->rules = *rules;
    a->folder = xstrdup(audit_files_folder(state, arena));
    a->fd = a->lock_fd = a->folder_fd = -1;
    (void)pthread_mutex_init(&a->lock, NULL);
    (void)pthread_mutex_init(&a->sync_lock, NULL);
    arena_free(arena);
    if (open_folder(a, e) < 0) {
        audit_free(a);
        return -1;
    }
    *ret = a;
    return 0;
}

void audit_free(struct audit *a)
{
    if (!a)
        return;
    drop_file(a);
    if (a->lock_fd >= 0)
        (void)close(a->lock_fd);
    if (a->folder_fd >= 0)
        (void)close(a->folder_fd);
    (void)pthread_mutex_destroy(&a->lock);
    (void)pthread_mutex_destroy(&a->sync_lock);
    free(a->folder);
    free(a);
}

int audit_append(struct audit *a, const struct audit_entry *x, int64_t now_ms, int64_t *ret_seq,
                 struct err *e)
{
    if (lock(a, e) < 0)
        return -1;
    int rc = refresh(a, now_ms, e);

    if (rc == 0)
        rc = put(a, x, now_ms, e);
    int64_t seq = a->last.seq;

    unlock(a);
    if (rc == 0 && !x->lazy)
        rc = sync_to(a, seq, e);
    if (rc == 0 && ret_seq)
        *ret_seq = seq;
    return rc;
}

int audit_sync(struct audit *a, struct err *e)
{
    (void)pthread_mutex_lock(&a->lock);
    int64_t seq = a->fd >= 0 ? a->last.seq : 0;

    (void)pthread_mutex_unlock(&a->lock);
    return seq > 0 ? sync_to(a, seq, e) : 0;
}
