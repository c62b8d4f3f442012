/* watch.c: says *look again*.
 *
 * In: inotify's events of the folders that watch_spots.c names. Out: one descriptor that is readable when somebody should
 * look. It is a timerfd, not an eventfd, so that a burst of writes can be waited out without waking anybody: what cannot be half
 * done (a rename, a deletion) sets it off now, a write sets it to 100 ms from now, at most 1 s from the first.
 *
 * All of libinotifytools is called by one thread, which sleeps in it without a time-out. Requests wake it by renaming a
 * file in the doorbell directory. The library cannot forget a folder that was deleted nor learn that one was renamed, so when the
 * tree changes its shape everything is watched anew: a fresh instance has no stale names, no lost folders and
 * no backlog, which also ends bursts of such changes and overflows. */
#include "agent/watch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inotifytools/inotify.h>
#include <inotifytools/inotifytools.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "agent/log.h"
#include "agent/watch_spots.h"
#include "drivers/fsx.h"
#include "spec/base/arena.h"

#define MS INT64_C(1000000)
#define MASK_SHAPE (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)

enum {
    QUIET_MS = 100, /* a burst ends after so long without an event */
    BURST_MAX_MS = 1000,
    DANCE_MS =
        1000, /* a name that was taken away and is written anew within this time is an editor's save */
    REBUILD_MIN_MS =
        20 /* between two rebuilds, so that a storm of mkdir does not keep a CPU busy */
};

struct parting { /* a name that was taken away lately */
    int64_t ns;
    int wd;
    char name[NAME_MAX + 1];
};

struct paths { /* heap */
    char **v;
    size_t n;
};

struct watch {
    struct arena *arena; /* roots, doorbell */
    struct strv roots;
    const char *doorbell;
    int timer_fd;
    pthread_t thread;

    pthread_mutex_t lock; /* guards what follows down to bell */
    pthread_cond_t started;
    bool ready;
    struct err failure; /* of the start */
    struct paths extra, trees;
    unsigned bell; /* the number that its file bears */

    atomic_bool stop, extra_changed, check;

    /* the thread's own */
    struct arena *spots_arena;
    struct watch_spots spots;
    size_t *by_wd; /* index of a spot + 1 */
    size_t n_by_wd;
    int bell_wd;
    int64_t armed_ns, told_ns, burst_ns, rebuilt_ns;
    bool rebuild, told_full;
    struct parting partings[4];
    size_t next_parting;
};

static int64_t now_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- telling ---- */

static void arm(struct watch *w, int64_t at_ns)
{
    struct itimerspec when = {.it_value = {at_ns / 1000000000, at_ns % 1000000000}};

    w->armed_ns = at_ns;
    (void)timerfd_settime(w->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void tell_now(struct watch *w)
{
    w->told_ns = now_ns();
    arm(w, w->told_ns);
}

static bool told_and_unread(const struct watch *w)
{
    struct pollfd p = {.fd = w->timer_fd, .events = POLLIN};

    return poll(&p, 1, 0) > 0;
}

static void tell_soon(struct watch *w)
{
    int64_t now = now_ns();

    /* The interrupt of a timer set off a moment ago may be still to come; setting it again would lose it. */
    if (now - w->told_ns < MS) {
        (void)nanosleep(&(struct timespec){.tv_nsec = MS}, NULL);
        now = now_ns();
    }
    if (told_and_unread(w))
        return;
    if (w->armed_ns <= now)
        w->burst_ns = now;
    int64_t at = now + QUIET_MS * MS, last = w->burst_ns + BURST_MAX_MS * MS;

    if (at > last)
        at = last;
    /* Not for each of a thousand writes. */
    if (w->armed_ns <= now || at - w->armed_ns > 5 * MS)
        arm(w, at);
}

/* ---- the doorbell ---- */

static void bell_path(const struct watch *w, unsigned number, struct str *ret)
{
    str_addf(ret, "%s/bell.%u", w->doorbell, number);
}

/* A rename needs no space on a full disk. Returns the number that will be heard; 0 if nothing will. */
static unsigned ring(struct watch *w)
{
    CLEANUP(str_release) struct str from = STR_INIT, to = STR_INIT;
    unsigned number;

    (void)pthread_mutex_lock(&w->lock);
    bell_path(w, w->bell, &from);
    bell_path(w, w->bell + 1, &to);
    number = rename(from.buf, to.buf) == 0 ? ++w->bell : 0;
    (void)pthread_mutex_unlock(&w->lock);
    return number;
}

/* The directory with exactly one bell in it. */
static int hang_bell(struct watch *w, struct err *e)
{
    CLEANUP(str_release) struct str path = STR_INIT;
    const struct dirent *d;
    int fd, failed = 0;
    DIR *dir;

    if (fsx_mkdirs(w->doorbell, 0700, e) != 0)
        return -1;
    dir = opendir(w->doorbell);
    if (!dir)
        return err_errno(e, errno, "cannot list %s", w->doorbell);
    (void)pthread_mutex_lock(&w->lock);
    while ((d = readdir(dir)))
        if (strncmp(d->d_name, "bell.", 5) == 0)
            (void)unlinkat(dirfd(dir), d->d_name, 0);
    (void)closedir(dir);
    bell_path(w, ++w->bell, &path);
    fd = open(path.buf, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0)
        failed = err_errno(
            e, errno, "cannot write in %s; the agent needs a state directory that it can write",
            w->doorbell);
    else
        (void)close(fd);
    (void)pthread_mutex_unlock(&w->lock);
    return failed;
}

/* The number of the bell that this event is; 0 if it is none. */
static unsigned heard(const struct watch *w, const struct inotify_event *ev)
{
    if (ev->wd != w->bell_wd || !(ev->mask & IN_MOVED_TO) || ev->len == 0 ||
        strncmp(ev->name, "bell.", 5) != 0)
        return 0;
    return (unsigned)strtoul(ev->name + 5, NULL, 10);
}

/* ---- the library ---- */

static bool is_inotify(int fd)
{
    char path[64], target[64];
    ssize_t n;

    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    n = readlink(path, target, sizeof(target) - 1);
    if (n < 0)
        return false;
    target[n] = '\0';
    return strcmp(target, "anon_inode:inotify") == 0;
}

/* The library keeps its descriptor to itself and open across exec. Others of the kind may be there, so all are closed at
 * exec; and it must be one that select() can take. */
static int tame_descriptor(struct err *e)
{
    DIR *dir = opendir("/proc/self/fd");
    const struct dirent *d;
    int found = -1;

    if (!dir)
        return err_errno(e, errno, "cannot list /proc/self/fd");
    while ((d = readdir(dir))) {
        int fd = (int)strtol(d->d_name, NULL, 10), flags;

        if (d->d_name[0] == '.' || !is_inotify(fd))
            continue;
        flags = fcntl(fd, F_GETFD);
        if (flags >= 0 && !(flags & FD_CLOEXEC)) {
            found = fd;
            (void)fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
        }
    }
    (void)closedir(dir);
    if (found < 0 || found >= FD_SETSIZE)
        return err_set(e, ERR_RETRY, "cannot watch files: the descriptor of inotify was not found");
    return 0;
}

static int open_library(struct err *e)
{
    if (!inotifytools_initialize())
        return err_errno(e, inotifytools_error(),
                         "cannot watch files (fs.inotify.max_user_instances?)");
    if (tame_descriptor(e) != 0) {
        inotifytools_cleanup();
        return -1;
    }
    return 0;
}

/* The watch descriptor, or -1 with errno. */
static int add_watch(const char *path, uint32_t mask)
{
    if (!inotifytools_watch_file(path, (int)mask)) {
        errno = inotifytools_error();
        return -1;
    }
    return inotifytools_wd_from_filename(path);
}

static void remember_wd(struct watch *w, int wd, size_t spot)
{
    if ((size_t)wd >= w->n_by_wd) {
        size_t n = w->n_by_wd ? w->n_by_wd : 64;

        while (n <= (size_t)wd)
            n *= 2;
        w->by_wd = xrealloc(w->by_wd, n * sizeof(w->by_wd[0]));
        memset(w->by_wd + w->n_by_wd, 0, (n - w->n_by_wd) * sizeof(w->by_wd[0]));
        w->n_by_wd = n;
    }
    w->by_wd[wd] = spot + 1;
}

static const struct watch_spot *spot_of_wd(const struct watch *w, int wd)
{
    if (wd < 0 || (size_t)wd >= w->n_by_wd || w->by_wd[wd] == 0)
        return NULL;
    return &w->spots.v[w->by_wd[wd] - 1];
}

static struct watch_spots find_spots(struct watch *w, struct arena *a)
{
    struct watch_spots spots = {.arena = a};

    for (size_t i = 0; i < w->roots.n; i++)
        spots_add_root(&spots, w->roots.v[i]);
    (void)pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i < w->trees.n; i++)
        spots_add_root(&spots, w->trees.v[i]);
    for (size_t i = 0; i < w->extra.n; i++)
        spots_add_folder(&spots, w->extra.v[i]);
    (void)pthread_mutex_unlock(&w->lock);
    return spots;
}

static void tell_full(struct watch *w, const char *path, int why)
{
    char text[128];

    if (w->told_full)
        return;
    w->told_full = true;
    log_line(LOG_WARNING, NULL,
             "cannot watch %s: %s; changes there are seen only by the regular look (raise "
             "fs.inotify.max_user_watches)",
             path, why == ENOSPC ? "too many watches" : strerror_r(why, text, sizeof(text)));
}

/* A folder made after its parent was read and before it was watched sent no event: look twice. */
static bool missed_something(struct watch *w)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct watch_spots now = find_spots(w, a);

    return !spots_same(&now, &w->spots);
}

/* Every folder watched under the name it has now. */
static int build(struct watch *w, struct err *e)
{
    CLEANUP(str_release) struct str bell = STR_INIT;

    if (hang_bell(w, e) != 0)
        return -1;
    arena_clear(w->spots_arena);
    w->spots = find_spots(w, w->spots_arena);
    if (w->n_by_wd > 0)
        memset(w->by_wd, 0, w->n_by_wd * sizeof(w->by_wd[0]));
    for (size_t i = 0; i < w->spots.n; i++) {
        int wd = add_watch(w->spots.v[i].path, w->spots.v[i].mask);

        if (wd >= 0)
            remember_wd(w, wd, i);
        else if (errno != ENOENT && errno != EACCES && errno != ENOTDIR)
            tell_full(w, w->spots.v[i].path, errno);
    }
    str_addf(&bell, "%s/", w->doorbell);
    w->bell_wd = add_watch(bell.buf, IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR);
    if (w->bell_wd < 0)
        return err_errno(e, errno, "cannot watch %s", w->doorbell);
    w->rebuild = missed_something(w);
    w->rebuilt_ns = now_ns();
    return 0;
}

/* Read what the library holds in its buffer, which outlives an instance: stale events are harmless, but many of them
 * would each ask for another rebuild. Gives up when the bell cannot be heard. */
static void drain(struct watch *w)
{
    unsigned wanted = ring(w);

    for (int lost = 0; wanted != 0 && lost < 3;) {
        const struct inotify_event *ev = inotifytools_next_event(0);

        if (!ev && inotifytools_error() == EINTR)
            continue;
        if (!ev ||
            (ev->wd == w->bell_wd && (ev->mask & (IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF))) ||
            heard(w, ev) >= wanted)
            return;
        if (ev->mask & IN_Q_OVERFLOW) {
            lost++;
            wanted = ring(w);
        }
    }
}

static int rebuild(struct watch *w, struct err *e)
{
    int64_t since = now_ns() - w->rebuilt_ns;

    if (since < REBUILD_MIN_MS * MS)
        (void)nanosleep(&(struct timespec){.tv_nsec = REBUILD_MIN_MS * MS - since}, NULL);
    w->rebuild = false;
    drain(w);
    inotifytools_cleanup();
    if (open_library(e) != 0)
        return -1;
    if (build(w, e) != 0) {
        inotifytools_cleanup();
        return -1;
    }
    tell_now(w);
    return 0;
}

/* ---- events ---- */

static void remember_parting(struct watch *w, const struct inotify_event *ev)
{
    struct parting *p = &w->partings[w->next_parting++ % ARRAY_LEN(w->partings)];

    p->ns = now_ns();
    p->wd = ev->wd;
    (void)snprintf(p->name, sizeof(p->name), "%s", ev->name);
}

static bool parted_lately(const struct watch *w, const struct inotify_event *ev)
{
    int64_t now = now_ns();

    for (size_t i = 0; i < ARRAY_LEN(w->partings); i++)
        if (w->partings[i].wd == ev->wd && now - w->partings[i].ns < DANCE_MS * MS &&
            strcmp(w->partings[i].name, ev->name) == 0)
            return true;
    return false;
}

static void on_folder(struct watch *w, const struct watch_spot *spot,
                      const struct inotify_event *ev)
{
    bool named = !spot->all || !spots_ignored_folder(ev->name);

    if (named && (ev->mask & (MASK_SHAPE | IN_ATTRIB)))
        w->rebuild = true;
}

static void on_file(struct watch *w, const struct watch_spot *spot, const struct inotify_event *ev)
{
    if (spots_junk(ev->name))
        return;
    /* A name on the way to a root: what it leads to is another tree now. */
    if (!spot->all && (ev->mask & MASK_SHAPE) && !(spot->mask & IN_MODIFY))
        w->rebuild = true;
    else if (ev->mask & (IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE))
        tell_now(w);
    else if ((ev->mask & IN_CLOSE_WRITE) && parted_lately(w, ev))
        tell_now(w);
    else
        tell_soon(w);
    if (ev->mask & (IN_MOVED_FROM | IN_DELETE))
        remember_parting(w, ev);
}

static void on_event(struct watch *w, const struct inotify_event *ev)
{
    const struct watch_spot *spot;

    if (ev->mask & (IN_Q_OVERFLOW | IN_IGNORED | IN_UNMOUNT | IN_DELETE_SELF | IN_MOVE_SELF)) {
        w->rebuild = true;
        return;
    }
    spot = spot_of_wd(w, ev->wd);
    if (!spot || ev->wd == w->bell_wd)
        return;
    if (ev->len == 0) { /* the folder itself: its mode */
        if (ev->mask & IN_ATTRIB)
            w->rebuild = true;
        return;
    }
    if (!spot->all && !strv_has(&spot->names, ev->name))
        return;
    if (ev->mask & IN_ISDIR)
        on_folder(w, spot, ev);
    else
        on_file(w, spot, ev);
}

/* ---- the thread ---- */

static bool start(struct watch *w)
{
    struct err e = {0};
    bool ok = open_library(&e) == 0;

    if (ok && build(w, &e) != 0) {
        inotifytools_cleanup();
        ok = false;
    }
    if (ok)
        tell_now(w);
    (void)pthread_mutex_lock(&w->lock);
    w->failure = e;
    w->ready = true;
    (void)pthread_cond_signal(&w->started);
    (void)pthread_mutex_unlock(&w->lock);
    return ok;
}

/* Until it works again, look by the clock: nothing else would say that something changed. */
static void rebuild_at_last(struct watch *w)
{
    struct err e = {0};
    bool said = false;

    while (rebuild(w, &e) != 0 && !atomic_load(&w->stop)) {
        if (!said)
            log_line(LOG_WARNING, NULL, "%s; trying again each second", e.msg);
        said = true;
        tell_now(w);
        (void)nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    }
    if (said && !atomic_load(&w->stop))
        log_line(LOG_INFO, NULL, "files are being watched again");
}

static void *run(void *arg)
{
    struct watch *w = arg;

    (void)pthread_setname_np(pthread_self(), "watch");
    if (!start(w))
        return NULL;
    while (!atomic_load(&w->stop)) {
        /* Before sleeping: the bell may have rung while nothing listened. */
        if (atomic_exchange(&w->check, false) && missed_something(w))
            w->rebuild = true;
        if (atomic_exchange(&w->extra_changed, false) || w->rebuild) {
            rebuild_at_last(w);
            continue;
        }
        const struct inotify_event *ev = inotifytools_next_event(0);

        if (ev)
            on_event(w, ev);
        else if (inotifytools_error() != EINTR)
            w->rebuild = true;
        /* Closing an instance takes the kernel some 10 ms; who looks now sees most of it already. */
        if (w->rebuild)
            tell_now(w);
    }
    inotifytools_cleanup();
    return NULL;
}

static int start_thread(struct watch *w, struct err *e)
{
    pthread_attr_t attr;
    int failed;

    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setstacksize(&attr, (size_t)1024 * 1024);
    failed = pthread_create(&w->thread, &attr, run, w);
    (void)pthread_attr_destroy(&attr);
    if (failed != 0)
        return err_errno(e, failed, "cannot start a thread");
    (void)pthread_mutex_lock(&w->lock);
    while (!w->ready)
        (void)pthread_cond_wait(&w->started, &w->lock);
    (void)pthread_mutex_unlock(&w->lock);
    if (w->failure.kind == ERR_NONE)
        return 0;
    (void)pthread_join(w->thread, NULL);
    return err_set(e, w->failure.kind, "%s", w->failure.msg);
}

static void clear_paths(struct paths *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->v[i]);
    free(l->v);
    *l = (struct paths){0};
}

static void release(struct watch *w)
{
    if (w->timer_fd >= 0)
        (void)close(w->timer_fd);
    clear_paths(&w->extra);
    clear_paths(&w->trees);
    free(w->by_wd);
    (void)pthread_cond_destroy(&w->started);
    (void)pthread_mutex_destroy(&w->lock);
    arena_free(w->spots_arena);
    arena_free(w->arena);
    free(w);
}

struct watch *watch_new(const char *const *roots, size_t n_roots, const char *doorbell,
                        struct err *e)
{
    struct watch *w = xcalloc(1, sizeof(*w));

    w->arena = arena_new();
    w->spots_arena = arena_new();
    w->doorbell = fsx_absolute(doorbell, w->arena);
    w->bell_wd = -1;
    for (size_t i = 0; i < n_roots; i++)
        strv_push(w->arena, &w->roots, fsx_absolute(roots[i], w->arena));
    (void)pthread_mutex_init(&w->lock, NULL);
    (void)pthread_cond_init(&w->started, NULL);
    w->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (w->timer_fd < 0)
        (void)err_errno(e, errno, "cannot make a timer");
    if (w->timer_fd < 0 || start_thread(w, e) != 0) {
        release(w);
        return NULL;
    }
    return w;
}

void watch_free(struct watch *w)
{
    CLEANUP(str_release) struct str path = STR_INIT;
    bool rung = false;

    if (!w)
        return;
    atomic_store(&w->stop, true);
    /* It may be hanging the bell anew at this moment. */
    for (int try = 0; try < 50 && !(rung = ring(w) != 0); try++)
        (void)nanosleep(&(struct timespec){.tv_nsec = 10 * MS}, NULL);
    if (!rung) {
        /* The doorbell is gone, and with it the only way to wake the thread: it ends with the process. */
        (void)pthread_detach(w->thread);
        return;
    }
    (void)pthread_join(w->thread, NULL);
    bell_path(w, w->bell, &path);
    (void)unlink(path.buf);
    release(w);
}

int watch_fd(const struct watch *w)
{
    return w->timer_fd;
}

void watch_seen(struct watch *w)
{
    uint64_t times;

    (void)!read(w->timer_fd, &times,
                sizeof(times)); /* EAGAIN: it was set anew meanwhile, and will be readable again */
}

void watch_check(struct watch *w)
{
    atomic_store(&w->check, true);
    (void)ring(w);
}

static bool same_paths(const struct paths *l, const char *const *now, size_t n)
{
    if (n != l->n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (strcmp(l->v[i], now[i]) != 0)
            return false;
    return true;
}

static void set_paths(struct watch *w, struct paths *l, const char *const *now, size_t n)
{
    (void)pthread_mutex_lock(&w->lock);
    bool same = same_paths(l, now, n);

    if (!same) {
        clear_paths(l);
        l->v = xcalloc(n ? n : 1, sizeof(l->v[0]));
        for (size_t i = 0; i < n; i++)
            l->v[i] = xstrdup(now[i]);
        l->n = n;
    }
    (void)pthread_mutex_unlock(&w->lock);
    if (same)
        return;
    atomic_store(&w->extra_changed, true);
    (void)ring(w);
}

void watch_extra(struct watch *w, const char *const *folders, size_t n)
{
    set_paths(w, &w->extra, folders, n);
}

void watch_trees(struct watch *w, const char *const *paths, size_t n)
{
    set_paths(w, &w->trees, paths, n);
}
