/* The life of a child from its start to its last line.
 *
 * Comes in: an order. Goes out: lines, or one bounded text; in the end a verdict with the last lines. One epoll descriptor stands for its two pipes, its pidfd and its clock, so whoever
 * owns it polls one thing. Its process is reaped last, so that the number of its group cannot have become somebody else's when that is killed.
 * Refuses to wait: what a grandchild keeps open is not read to its end. */
#include "drivers/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "drivers/child_spawn.h"
#include "spec/base/arena.h"

enum {
    GRACE_MS = 2000,
    STEP_BYTES = 256 * 1024, /* of each pipe in one step: the loop has other things to do */
    TAIL_LINES = 6,
    TAIL_LINE_BYTES = 120,
};
#define MOST_BYTES ((size_t)64 * 1024 * 1024)

struct stream {
    int fd; /* -1: at its end */
    bool is_stderr;
    struct str line; /* begun, not ended */
};

struct child {
    char *name; /* for messages */
    pid_t pid;
    int epoll, pidfd, timer;
    struct stream out, error;
    size_t handed, most;
    struct str *whole;
    child_line_fn *line;
    void *user;
    int64_t deadline_ms, grace_ms;
    bool missed, stopped, flooded; /* why it had to go */
    bool asked;                    /* SIGTERM was sent */
    bool over;
    int status;
    char tail[TAIL_LINES][TAIL_LINE_BYTES];
    size_t n_tail;
};

/* ---- before ---- */

const char *child_find(const char *name, struct arena *a)
{
    const char *path = getenv("PATH");

    for (const char *at = path ? path : "/usr/local/bin:/usr/bin:/bin"; *at;) {
        size_t n = strcspn(at, ":");
        const char *whole = arena_printf(a, "%.*s/%s", (int)n, at, name);

        if (n > 0 && *at == '/' && access(whole, X_OK) == 0)
            return whole;
        at += n + (at[n] == ':');
    }
    return NULL;
}

void child_environment(const char *home, struct arena *a, struct kvs *ret)
{
    const char *path = getenv("PATH");

    kvs_set(a, ret, "PATH", path ? arena_strdup(a, path) : "/usr/local/bin:/usr/bin:/bin");
    kvs_set(a, ret, "HOME", home);
    kvs_set(a, ret, "TMPDIR", home);
    kvs_set(a, ret, "LC_ALL", "C.UTF-8");
}

/* ---- ending ---- */

static void set_timer(struct child *c, int64_t ms)
{
    struct itimerspec when = {.it_value = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}};

    if (ms <= 0)
        when.it_value.tv_nsec = 1; /* zero would be never */
    (void)timerfd_settime(c->timer, 0, &when, NULL);
}

static void ask_to_end(struct child *c)
{
    if (c->asked || c->over)
        return;
    c->asked = true;
    (void)kill(-c->pid, SIGTERM);
    set_timer(c, c->grace_ms);
}

void child_stop(struct child *c)
{
    if (!c->asked)
        c->stopped = true;
    ask_to_end(c);
}

static void on_timer(struct child *c)
{
    uint64_t times;

    if (read(c->timer, &times, sizeof(times)) != (ssize_t)sizeof(times))
        return;
    if (c->asked) {
        (void)kill(-c->pid, SIGKILL);
        return;
    }
    c->missed = true;
    ask_to_end(c);
}

/* ---- what it says ---- */

static void keep_tail(struct child *c, const char *line, size_t n)
{
    char *slot = c->tail[c->n_tail % TAIL_LINES];

    if (n == 0)
        return;
    if (n >= TAIL_LINE_BYTES)
        n = TAIL_LINE_BYTES - 1;
    memcpy(slot, line, n);
    slot[n] = '\0';
    c->n_tail++;
}

static void end_line(struct child *c, struct stream *s)
{
    size_t n = s->line.len;
    const char *text = str_text(&s->line);

    if (n > 0 && text[n - 1] == '\r')
        n--;
    keep_tail(c, text, n);
    c->handed += n + 1;
    if (c->line && c->handed <= c->most)
        c->line(c->user, s->is_stderr, text, n);
    str_clear(&s->line);
}

static void feed_lines(struct child *c, struct stream *s, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] == '\n') {
            end_line(c, s);
            continue;
        }
        str_addc(&s->line, bytes[i]);
        if (s->line.len == CHILD_LINE_BYTES)
            end_line(c, s);
    }
}

static void feed(struct child *c, struct stream *s, const char *bytes, size_t n)
{
    if (!c->whole || s->is_stderr) {
        feed_lines(c, s, bytes, n);
        return;
    }
    if (c->whole->len + n > c->most) {
        c->flooded = true;
        ask_to_end(c);
        return;
    }
    str_addn(c->whole, bytes, n);
}

static void close_stream(struct child *c, struct stream *s)
{
    if (s->fd < 0)
        return;
    if (s->line.len > 0)
        end_line(c, s);
    (void)close(s->fd); /* leaves the epoll set with it */
    s->fd = -1;
}

static void drain(struct child *c, struct stream *s)
{
    char buf[16 * 1024];
    ssize_t n = 1;

    for (size_t had = 0; s->fd >= 0 && had < STEP_BYTES; had += (size_t)n) {
        n = read(s->fd, buf, sizeof(buf));
        if (n < 0 && errno == EINTR)
            n = 0;
        else if (n < 0 && errno == EAGAIN)
            return;
        else if (n <= 0)
            close_stream(c, s);
        if (n > 0)
            feed(c, s, buf, (size_t)n);
        else
            n = 1;
    }
}

/* ---- the life ---- */

static bool has_exited(const struct child *c)
{
    siginfo_t info = {0};

    return waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == c->pid;
}

static void reap(struct child *c)
{
    (void)kill(-c->pid, SIGKILL); /* whatever it left behind in its group */
    while (waitpid(c->pid, &c->status, 0) < 0 && errno == EINTR)
        ;
    c->over = true;
}

bool child_step(struct child *c)
{
    if (c->over)
        return false;
    on_timer(c);
    bool exited = has_exited(c); /* first, so that all it wrote is in the pipes */

    drain(c, &c->out);
    drain(c, &c->error);
    if (!exited)
        return true;
    reap(c);
    close_stream(c, &c->out);
    close_stream(c, &c->error);
    return false;
}

static void add_tail(const struct child *c, struct str *out)
{
    size_t from = c->n_tail > TAIL_LINES ? c->n_tail - TAIL_LINES : 0;

    for (size_t i = from; i < c->n_tail; i++) {
        str_add(out, i == from ? ": " : "; ");
        str_add_escaped(out, c->tail[i % TAIL_LINES]);
    }
}

int child_end(const struct child *c, struct err *e)
{
    CLEANUP(str_release) struct str said = STR_INIT;

    if (c->stopped)
        return err_set(e, ERR_STALE, "%s was stopped", c->name);
    if (c->flooded)
        return err_set(e, ERR_USER, "%s wrote more than %zu bytes", c->name, c->most);
    add_tail(c, &said);
    if (c->missed)
        return err_set(e, ERR_USER, "%s did not finish within %lld s%s", c->name,
                       (long long)(c->deadline_ms + 999) / 1000, str_text(&said));
    if (WIFSIGNALED(c->status))
        return err_set(e, ERR_USER, "%s was ended by signal %d (%s)%s", c->name,
                       WTERMSIG(c->status), strsignal(WTERMSIG(c->status)), str_text(&said));
    if (WEXITSTATUS(c->status) != 0)
        return err_set(e, ERR_USER, "%s ended with code %d%s", c->name, WEXITSTATUS(c->status),
                       str_text(&said));
    return 0;
}

/* ---- start and end of the struct ---- */

static int watch(struct child *c, int fd)
{
    struct epoll_event want = {.events = EPOLLIN};

    return fd < 0 ? -1 : epoll_ctl(c->epoll, EPOLL_CTL_ADD, fd, &want);
}

static int open_parts(struct child *c, int theirs[2], struct err *e)
{
    int out[2], error[2];

    c->epoll = epoll_create1(EPOLL_CLOEXEC);
    c->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (pipe2(out, O_CLOEXEC) == 0) {
        c->out.fd = out[0];
        theirs[0] = out[1];
    }
    if (pipe2(error, O_CLOEXEC) == 0) {
        c->error.fd = error[0];
        theirs[1] = error[1];
    }
    if (watch(c, c->timer) < 0 || watch(c, c->out.fd) < 0 || watch(c, c->error.fd) < 0)
        return err_set(e, ERR_RETRY, "starting %s: no descriptors left: %s", c->name,
                       strerror(errno));
    /* only our ends: programs do not expect theirs to be non-blocking */
    (void)fcntl(c->out.fd, F_SETFL, O_NONBLOCK);
    (void)fcntl(c->error.fd, F_SETFL, O_NONBLOCK);
    return 0;
}

static int launch(struct child *c, const struct child_order *o, struct err *e)
{
    int theirs[2] = {-1, -1};
    int rc = open_parts(c, theirs, e);

    if (rc == 0)
        c->pid = child_spawn(o, theirs[0], theirs[1], e);
    for (size_t i = 0; i < ARRAY_LEN(theirs); i++)
        if (theirs[i] >= 0)
            (void)close(theirs[i]);
    if (c->pid < 0)
        return -1;
    c->over = false;
    c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0); /* close-on-exec by itself */
    if (watch(c, c->pidfd) < 0)
        return err_errno(e, errno, "watching %s", c->name);
    set_timer(c, c->deadline_ms);
    return 0;
}

struct child *child_start(const struct child_order *o, struct err *e)
{
    struct child *c = xcalloc(1, sizeof(*c));
    const char *slash = strrchr(o->program, '/');

    *c = (struct child){
        .name = xstrdup(slash ? slash + 1 : o->program),
        .pid = -1,
        .epoll = -1,
        .pidfd = -1,
        .timer = -1,
        .out = {.fd = -1},
        .error = {.fd = -1, .is_stderr = true},
        .most = o->most_bytes ? o->most_bytes : MOST_BYTES,
        .whole = o->out,
        .line = o->line,
        .user = o->user,
        .deadline_ms = o->deadline_ms,
        .grace_ms = o->grace_ms ? o->grace_ms : GRACE_MS,
        .over = true,
    };
    if (launch(c, o, e) == 0)
        return c;
    child_free(c);
    return NULL;
}

void child_free(struct child *c)
{
    if (!c)
        return;
    c->line = NULL;
    if (!c->over)
        reap(c);
    close_stream(c, &c->out);
    close_stream(c, &c->error);
    int fds[] = {c->epoll, c->pidfd, c->timer};

    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
    str_release(&c->out.line);
    str_release(&c->error.line);
    free(c->name);
    free(c);
}

int child_fd(const struct child *c)
{
    return c->epoll;
}

int child_run(const struct child_order *o, int stop_fd, struct err *e)
{
    struct child *c = child_start(o, e);
    int rc;

    if (!c)
        return -1;
    while (child_step(c)) {
        struct pollfd fds[] = {{.fd = child_fd(c), .events = POLLIN},
                               {.fd = c->asked ? -1 : stop_fd, .events = POLLIN}};

        if (poll(fds, ARRAY_LEN(fds), -1) > 0 && fds[1].revents)
            child_stop(c);
    }
    rc = child_end(c, e);
    child_free(c);
    return rc;
}
