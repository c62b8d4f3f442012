/* docker_pack.c: images that the host's `pack` makes of a source by Cloud Native Buildpacks.
 *
 * In: a build order with a builder. Out: an image under the order's tag, with our labels, like every other build. pack talks to the engine itself and cannot set labels, and it keeps its
 * caches in volumes named after the image; so it always makes REPOSITORY:packing, and a build of ours puts labels and the port on top of that and gives it the content's tag. pack
 * runs in a child of a thread, which unpacks the source first; the loop gets its lines. Buildpacks themselves run in the engine's containers. Its project.toml is kept
 * from pack, since that may name buildpacks by any path of the host.
 * Source: `pack build --help`, pack 0.40. */
#include "drivers/docker_parts.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drivers/child.h"
#include "drivers/context.h"
#include "drivers/fsx.h"
#include "drivers/workdir.h"
#include "spec/base/arena.h"

enum {
    SAID_BYTES = 1024 * 1024, /* lines between two looks of the loop */
    GRACE_MS = 1500,          /* pack removes its containers when it is asked to end */
};

struct packing {
    struct ticket *ticket; /* the loop's */
    struct http_watch *watch;
    pthread_t thread;
    int stop_fd, news_fd;
    struct workdir *work;
    const char *source, *home, *top; /* folders in it; in arena */
    struct arena *arena;             /* the thread's, while it runs */
    const char *engine, *image;
    int64_t deadline_ms;
    pthread_mutex_t lock; /* of what follows */
    struct str said;      /* lines for the loop */
    size_t dropped;
    bool over;
    struct err failure;
};

/* ---- the thread ---- */

static void say(struct packing *p, const char *line, size_t n)
{
    (void)pthread_mutex_lock(&p->lock);
    if (p->said.len + n < SAID_BYTES) {
        str_addn(&p->said, line, n);
        str_addc(&p->said, '\n');
    } else {
        p->dropped++;
    }
    (void)pthread_mutex_unlock(&p->lock);
    (void)eventfd_write(p->news_fd, 1);
}

static void on_line(void *user, bool is_stderr, const char *line, size_t n)
{
    (void)is_stderr;
    say(user, line, n);
}

static int write_in(const char *folder, const char *name, const struct str *text, struct arena *a,
                    struct err *e)
{
    return fsx_replace(fsx_join(folder, name, a), str_text(text), text->len, 0600, e);
}

static int write_files(struct packing *p, const struct build_order *o, struct err *e)
{
    CLEANUP(str_release) struct str args = STR_INIT, top = STR_INIT, none = STR_INIT;

    for (size_t i = 0; i < o->files.n; i++) {
        CLEANUP(str_release) struct str text = STR_INIT;

        str_add(&text, o->files.v[i].value);
        if (write_in(p->source, o->files.v[i].key, &text, p->arena, e) < 0)
            return -1;
    }
    for (size_t i = 0; i < o->args.n; i++)
        str_addf(&args, "%s=%s\n", o->args.v[i].key, o->args.v[i].value ? o->args.v[i].value : "");
    str_addf(&top, "FROM %s\n%s", p->image, o->dockerfile_text ? o->dockerfile_text : "");
    return write_in(p->home, "arguments", &args, p->arena, e) < 0 ||
                   write_in(p->home, "project.toml", &none, p->arena, e) < 0 ||
                   write_in(p->top, "Dockerfile", &top, p->arena, e) < 0
               ? -1
               : 0;
}

/* The tag is a promise about the content. */
static int check_unchanged(const struct build_order *o, const struct context_where *where,
                           struct err *e)
{
    char now[SHA256_HEX];

    if (!o->fingerprint || !*o->fingerprint)
        return 0;
    if (context_fingerprint(where, now, e) < 0)
        return -1;
    return strcmp(now, o->fingerprint) == 0
               ? 0
               : err_set(e, ERR_RETRY, "its source changed while it was being read");
}

static int unpack(struct packing *p, const struct build_order *o, struct err *e)
{
    struct context_where where = docker_build_where(o);
    struct context *c = context_open(&where, e);
    struct strv left = {0};
    int rc = c ? context_extract(c, p->source, p->arena, &left, e) : -1;

    context_free(c);
    for (size_t i = 0; i < left.n; i++) {
        CLEANUP(str_release) struct str line = STR_INIT;

        str_add(&line, "evenkeel: the link ");
        str_add_escaped(&line, left.v[i]);
        str_add(&line, " is left out: it leads out of the source, or to nothing");
        say(p, str_text(&line), line.len);
    }
    return rc < 0 ? -1 : check_unchanged(o, &where, e);
}

static int prepare(struct packing *p, struct err *e)
{
    p->work = workdir_new(e);
    if (!p->work)
        return -1;
    p->source = fsx_join(workdir_path(p->work), "source", p->arena);
    p->home = fsx_join(workdir_path(p->work), "home", p->arena);
    p->top = fsx_join(workdir_path(p->work), "top", p->arena);
    if (mkdir(p->source, 0755) < 0 || mkdir(p->home, 0700) < 0 || mkdir(p->top, 0700) < 0)
        return err_errno(e, errno, "making folders in %s", workdir_path(p->work));
    return unpack(p, p->ticket->op->build, e) < 0 || write_files(p, p->ticket->op->build, e) < 0
               ? -1
               : 0;
}

static void add_option(struct packing *p, struct strv *words, const char *name, const char *value)
{
    if (value && *value)
        strv_push(p->arena, words, arena_printf(p->arena, "--%s=%s", name, value));
}

static int run_pack(struct packing *p, const char *program, struct err *e)
{
    const struct op *op = p->ticket->op;
    struct strv words = {0};
    struct kvs env = {0};
    struct child_order order = {
        .program = program,
        .arguments = &words,
        .environment = &env,
        .folder = p->home,
        .writes_below = workdir_path(p->work),
        .deadline_ms = p->deadline_ms,
        .grace_ms = GRACE_MS,
        .line = on_line,
        .user = p,
    };

    strv_push(p->arena, &words, "build");
    strv_push(p->arena, &words, p->image);
    add_option(p, &words, "path", p->source);
    add_option(p, &words, "builder", op->build->builder);
    add_option(p, &words, "docker-host", p->engine); /* what its containers talk to */
    add_option(p, &words, "pull-policy", "if-not-present");
    add_option(p, &words, "descriptor", fsx_join(p->home, "project.toml", p->arena));
    add_option(p, &words, "env-file", fsx_join(p->home, "arguments", p->arena));
    add_option(p, &words, "platform", op->platform);
    add_option(p, &words, "network", op->build->network);
    strv_push(p->arena, &words, "--no-color");
    child_environment(p->home, p->arena, &env);
    kvs_set(p->arena, &env, "DOCKER_HOST", p->engine);
    return child_run(&order, p->stop_fd, e);
}

static void *work(void *user)
{
    struct packing *p = user;
    struct err e = {0};
    const char *program = child_find("pack", p->arena);

    if (!program)
        (void)err_set(&e, ERR_RETRY, "the program `pack` is gone from the agent's PATH");
    else if (prepare(p, &e) == 0)
        (void)run_pack(p, program, &e);
    (void)pthread_mutex_lock(&p->lock);
    p->failure = e;
    p->over = true;
    (void)pthread_mutex_unlock(&p->lock);
    (void)eventfd_write(p->news_fd, 1);
    return NULL;
}

/* ---- the loop ---- */

static void join(struct packing *p)
{
    if (!p->watch)
        return;
    http_unwatch(p->ticket->d->http, TAKE(p->watch));
    (void)pthread_join(p->thread, NULL);
}

void docker_pack_release(struct ticket *t)
{
    struct packing *p = TAKE(t->packing);

    if (!p)
        return;
    (void)eventfd_write(p->stop_fd, 1);
    join(p);
    workdir_free(p->work);
    (void)close(p->stop_fd);
    (void)close(p->news_fd);
    (void)pthread_mutex_destroy(&p->lock);
    str_release(&p->said);
    arena_free(p->arena);
    free(p);
}

bool docker_pack_stop(struct ticket *t)
{
    if (!t->packing || !t->packing->watch)
        return false;
    (void)eventfd_write(t->packing->stop_fd, 1);
    return true;
}

/* "===> BUILDING" begins a phase. */
static void hand_on(struct ticket *t, const char *line)
{
    if (!t->progress)
        return;
    t->progress(t->user, line, OP_PROGRESS_LOG);
    if (strncmp(line, "===> ", 5) == 0)
        t->progress(t->user, arena_printf(t->arena, "pack: %.40s", line + 5), -1);
}

static void hand_on_all(struct ticket *t, struct str *said, size_t dropped)
{
    if (said->len == 0)
        return;
    for (char *at = said->buf, *end; (end = strchr(at, '\n')); at = end + 1) {
        *end = '\0';
        hand_on(t, at);
    }
    if (dropped > 0)
        hand_on(t, arena_printf(t->arena, "evenkeel: %zu lines are left out", dropped));
}

/* pack's own name for it was in the way of nothing, but says nothing either. */
static void on_untagged(void *user, const struct op_result *result)
{
    (void)user, (void)result;
}

void docker_pack_untag(struct ticket *t)
{
    if (t->packing)
        docker_image_remove(&t->d->driver, t->packing->image, on_untagged, NULL);
}

static void on_news(void *user)
{
    struct ticket *t = user;
    struct packing *p = t->packing;
    struct str said;
    eventfd_t times;
    size_t dropped;
    bool over;

    (void)eventfd_read(p->news_fd, &times);
    (void)pthread_mutex_lock(&p->lock);
    said = p->said;
    dropped = p->dropped;
    over = p->over;
    p->said = (struct str)STR_INIT;
    p->dropped = 0;
    (void)pthread_mutex_unlock(&p->lock);
    hand_on_all(t, &said, dropped);
    str_release(&said);
    if (!over)
        return;
    join(p);
    if (t->cancelled || p->failure.kind != ERR_NONE) {
        ticket_end(t, &p->failure);
        return;
    }
    const struct context_where top = {.path = p->top};

    docker_build_send(t, &top);
}

const char *docker_packing_image(const char *tag, struct arena *a)
{
    const char *colon = strrchr(tag, ':');

    return arena_printf(a, "%.*s:packing", (int)(colon - tag), tag);
}

static int start(struct ticket *t, struct err *e)
{
    struct packing *p = t->packing;

    if (strncmp(p->engine, "unix://", 7) != 0 && strncmp(p->engine, "tcp://", 6) != 0)
        return err_set(e, ERR_USER,
                       "strategy buildpacks needs an engine at unix:// or tcp://, since pack hands "
                       "its address to containers; %s is neither",
                       p->engine);
    if (p->stop_fd < 0 || p->news_fd < 0)
        return err_errno(e, errno, "starting pack");
    p->watch = http_watch(t->d->http, p->news_fd, on_news, t);
    if (pthread_create(&p->thread, NULL, work, p) != 0)
        abort();
    return 0;
}

void docker_pack_begin(struct ticket *t)
{
    struct packing *p = t->packing = xcalloc(1, sizeof(*p));
    struct err e = {0};

    p->ticket = t;
    p->arena = arena_new();
    p->engine = http_where(t->d->http);
    p->image = docker_packing_image(t->op->object, p->arena);
    p->deadline_ms = ticket_left_ms(t);
    p->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    p->news_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    (void)pthread_mutex_init(&p->lock, NULL);
    if (start(t, &e) < 0)
        ticket_fail(t, &e);
}
