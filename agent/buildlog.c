/* The logs of builds, one file per service.
 *
 * Comes in: the recorder's calls, of which only builds matter here. Goes out: a file that begins with the time and the image's name and ends
 * with how it went. A file that would grow beyond its bound is written anew without its middle, so it is bounded and readable at
 * any instant, also after a kill. Refuses to let the disk's trouble reach a run. */
#include "agent/buildlog.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "agent/core.h"
#include "agent/log.h"
#include "drivers/driver.h"
#include "drivers/fsx.h"
#include "reconcile/run.h"
#include "spec/base/arena.h"
#include "spec/labels.h"

enum {
    HEAD_BYTES = 256 * 1024, /* stays, whatever comes */
    TAIL_BYTES = 512 * 1024, /* stays when the middle is left out */
};

struct open_log {
    struct open_log *next;
    const struct action *action; /* of a run that lives longer than its log is open */
    char *path;
    int fd;
    size_t bytes;
    size_t head, marker; /* once the middle was left out: where it was, and the line that says so */
    size_t left_lines, left_bytes;
};

struct buildlog {
    char *dir;
    struct open_log *open;
};

/* ---- one file ---- */

static int put(int fd, const char *text, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, text, n);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return -1;
        text += done;
        n -= (size_t)done;
    }
    return 0;
}

static void give_up(struct open_log *l)
{
    log_line(LOG_WARNING, NULL, "the build log %s cannot be written: %s", l->path, strerror(errno));
    (void)close(l->fd);
    l->fd = -1;
}

static size_t count_lines(const char *text, size_t n)
{
    size_t lines = 0;

    for (const char *at = text; (at = memchr(at, '\n', n - (size_t)(at - text))) != NULL; at++)
        lines++;
    return lines;
}

/* Where the first whole line at or behind `at` begins. */
static size_t line_from(const char *text, size_t at, size_t n)
{
    const char *end = at > 0 && at < n ? memchr(text + at - 1, '\n', n - at + 1) : text + at - 1;

    return end ? (size_t)(end + 1 - text) : n;
}

static int write_shorter(struct open_log *l, const char *old, const char *marker, size_t tail,
                         const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return -1;
    if (put(fd, old, l->head) < 0 || put(fd, marker, strlen(marker)) < 0 ||
        put(fd, old + tail, l->bytes - tail) < 0 || rename(path, l->path) < 0) {
        int why = errno;

        (void)close(fd);
        (void)unlink(path);
        errno = why;
        return -1;
    }
    (void)close(l->fd);
    l->fd = fd;
    return 0;
}

/* The file without its middle, renamed into place. */
static int leave_out_middle(struct open_log *l)
{
    CLEANUP(str_release) struct str marker = STR_INIT, path = STR_INIT;
    char *old = xcalloc(1, l->bytes + 1);
    size_t got = 0;
    ssize_t n = 0;

    while (got < l->bytes && (n = pread(l->fd, old + got, l->bytes - got, (off_t)got)) > 0)
        got += (size_t)n;
    l->bytes = got;
    if (l->marker == 0)
        l->head = line_from(old, HEAD_BYTES, got);
    size_t middle = l->head + l->marker,
           tail = line_from(old, got > TAIL_BYTES ? got - TAIL_BYTES : 0, got);

    tail = tail < middle ? middle : tail;
    l->left_lines += count_lines(old + middle, tail - middle);
    l->left_bytes += tail - middle;
    str_addf(&marker, "# ... %zu lines (", l->left_lines);
    str_add_bytes(&marker, (int64_t)l->left_bytes);
    str_add(&marker, ") are left out here ...\n");
    str_addf(&path, "%s.new", l->path);
    int rc = n < 0 ? -1 : write_shorter(l, old, str_text(&marker), tail, str_text(&path));

    l->marker = marker.len;
    l->bytes = l->head + l->marker + (got - tail);
    free(old);
    return rc;
}

static void add_line(struct open_log *l, const char *text)
{
    CLEANUP(str_release) struct str line = STR_INIT;

    if (l->fd < 0)
        return;
    str_addf(&line, "%s\n", text);
    if (l->bytes + line.len > BUILDLOG_BYTES && leave_out_middle(l) < 0) {
        give_up(l);
        return;
    }
    if (put(l->fd, line.buf, line.len) < 0)
        give_up(l);
    l->bytes += line.len;
}

/* ---- what is told ---- */

static struct open_log *log_of(struct buildlog *b, const struct action *a)
{
    struct open_log *l = b->open;

    while (l && l->action != a)
        l = l->next;
    return l;
}

static int open_file(struct open_log *l, const char *folder, struct err *e)
{
    CLEANUP(str_release) struct str before = STR_INIT;

    if (fsx_mkdirs(folder, 0700, e) < 0)
        return -1;
    str_addf(&before, "%s.1", l->path);
    (void)rename(l->path, str_text(&before)); /* there may be none */
    l->fd = open(l->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    return l->fd < 0 ? err_errno(e, errno, "%s", l->path) : 0;
}

static void buildlog_started(void *ctx, const struct run *r, const struct action *a)
{
    struct buildlog *b = ctx;
    const char *service = a->kind == ACT_BUILD && a->op.build
                              ? kvs_get(&a->op.build->labels, LABEL_BUILD_SERVICE)
                              : NULL;
    CLEANUP(str_release) struct str path = STR_INIT, line = STR_INIT;
    struct err e = {0};

    if (!service)
        return;
    struct open_log *l = xcalloc(1, sizeof(*l));

    str_addf(&path, "%s/%s", b->dir, run_app(r));
    char *folder = xstrdup(str_text(&path));

    str_addf(&path, "/%s.log", service);
    *l =
        (struct open_log){.next = b->open, .action = a, .path = xstrdup(str_text(&path)), .fd = -1};
    b->open = l;
    if (open_file(l, folder, &e) < 0)
        log_line(LOG_WARNING, run_app(r), "the build log cannot be kept: %s", e.msg);
    free(folder);
    str_add(&line, "# ");
    str_add_time(&line, core_now_ms());
    str_addf(&line, " building %s", a->op.object);
    add_line(l, str_text(&line));
}

static void buildlog_progress(void *ctx, const struct run *r, const struct action *a,
                              const char *text, double fraction)
{
    struct open_log *l = fraction > OP_PROGRESS_LOG ? NULL : log_of(ctx, a);

    (void)r;
    if (l && text)
        add_line(l, text);
}

static void buildlog_ended(void *ctx, const struct run *r, const struct action *a,
                           const struct op_result *result, int64_t took_ms)
{
    struct buildlog *b = ctx;
    struct open_log **at = &b->open;
    CLEANUP(str_release) struct str line = STR_INIT;
    bool good = result->err.kind == ERR_NONE;

    (void)r;
    while (*at && (*at)->action != a)
        at = &(*at)->next;
    if (!*at)
        return;
    struct open_log *l = *at;

    str_addf(&line, "# %s %.1f s",
             good                            ? "done in"
             : result->err.kind == ERR_STALE ? "cancelled after"
                                             : "failed after",
             (double)took_ms / 1000);
    if (!good && result->err.kind != ERR_STALE) {
        str_add(&line, ": ");
        str_add_escaped(&line, result->err.msg);
    }
    add_line(l, str_text(&line));
    *at = l->next;
    if (l->fd >= 0)
        (void)close(l->fd);
    free(l->path);
    free(l);
}

struct buildlog *buildlog_new(const char *state_dir)
{
    struct buildlog *b = xcalloc(1, sizeof(*b));
    CLEANUP(str_release) struct str dir = STR_INIT;

    str_addf(&dir, "%s/builds", state_dir);
    b->dir = str_steal(&dir);
    return b;
}

void buildlog_free(struct buildlog *b)
{
    if (!b)
        return;
    while (b->open) {
        struct open_log *l = b->open;

        b->open = l->next;
        if (l->fd >= 0)
            (void)close(l->fd);
        free(l->path);
        free(l);
    }
    free(b->dir);
    free(b);
}

struct recorder buildlog_recorder(struct buildlog *b)
{
    return (struct recorder){
        .action_started = buildlog_started,
        .action_progress = buildlog_progress,
        .action_ended = buildlog_ended,
        .ctx = b,
    };
}

/* ---- reading ---- */

/* "web" of "web.log", or NULL. */
static const char *service_of(const char *name, struct arena *a)
{
    size_t n = strlen(name);

    return n > 4 && strcmp(name + n - 4, ".log") == 0 ? arena_strndup(a, name, n - 4) : NULL;
}

static const char *last_lines(const char *text, size_t n, int tail)
{
    const char *at = text + n;

    if (tail < 0)
        return text;
    if (n > 0)
        at -= at[-1] == '\n' && tail > 0;
    for (; tail > 0 && at > text; at--)
        if (at[-1] == '\n' && --tail == 0)
            break;
    return at;
}

static int list_services(const char *folder, const char *only, struct arena *a, struct strv *ret,
                         struct err *e)
{
    DIR *d = opendir(folder);

    if (!d)
        return err_errno(e, errno, "%s", folder);
    for (const struct dirent *x; (x = readdir(d)) != NULL;) {
        const char *service = service_of(x->d_name, a);

        if (service && (!only || strcmp(service, only) == 0))
            strv_push(a, ret, service);
    }
    (void)closedir(d);
    strv_sort(ret);
    return 0;
}

int buildlog_read(const char *state_dir, const char *app, const char *service, int tail,
                  struct arena *a, struct buildlog_text **ret, struct err *e)
{
    const char *folder = fsx_join(fsx_join(state_dir, "builds", a), app, a);
    struct strv names = {0};

    if (!app_name_valid(app))
        return err_set(e, ERR_USER, "\"%s\" is not the name of an app", app);
    if (list_services(folder, service, a, &names, e) < 0 && e->kind != ERR_MISSING)
        return -1;
    if (names.n == 0)
        return err_set(e, ERR_MISSING, "no build of \"%s%s%s\" was logged in %s", app,
                       service ? "/" : "", service ? service : "", state_dir);
    struct buildlog_text *v = ARENA_ARRAY(a, names.n, struct buildlog_text);

    for (size_t i = 0; i < names.n; i++) {
        const char *text;
        size_t n;
        /* one that is just being written is read as far as it is */
        for (int tries = 0; fsx_read(fsx_join(folder, arena_printf(a, "%s.log", names.v[i]), a),
                                     2 * BUILDLOG_BYTES, a, &text, &n, NULL, e) < 0;
             tries++)
            if (e->kind != ERR_RETRY || tries > 20)
                return -1;
        v[i] = (struct buildlog_text){.service = names.v[i], .text = last_lines(text, n, tail)};
        v[i].n = (size_t)(text + n - v[i].text);
    }
    *ret = v;
    return (int)names.n;
}
