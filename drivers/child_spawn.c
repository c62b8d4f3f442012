/* The birth of a child: posix_spawn, so that no page of this process is copied, and no lock of its threads is held in it.
 *
 * Comes in: an order. Goes out: a pid. What the child may write to is bounded before it exists: a thread that is made for this binds itself by Landlock, spawns, and
 * ends; the child inherits the bound and can never shed it. Refuses to run anything by name or through a shell. */
#include "drivers/child_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "spec/base/arena.h"

/* Headers may be older than the kernel. */
#define ACCESS_REFER (1ULL << 13)    /* Landlock 2 */
#define ACCESS_TRUNCATE (1ULL << 14) /* Landlock 3 */

/* ---- what it may write to ---- */

static uint64_t writes(long version)
{
    uint64_t access = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                      LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                      LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                      LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
                      LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;

    return access | (version >= 2 ? ACCESS_REFER : 0) | (version >= 3 ? ACCESS_TRUNCATE : 0);
}

static int allow(int rules, const char *path, uint64_t access)
{
    struct landlock_path_beneath_attr below = {.allowed_access = access};
    int fd = open(path, O_PATH | O_CLOEXEC);
    long rc = -1;

    if (fd >= 0) {
        below.parent_fd = fd;
        rc = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &below, 0);
        (void)close(fd);
    }
    return (int)rc;
}

/* The calling thread, and whatever it starts. 0 also where the kernel knows no Landlock. */
static int bind_thread(const char *folder)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    struct landlock_ruleset_attr attr = {.handled_access_fs = writes(version)};
    int rules, rc;

    if (version < 1)
        return 0;
    rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr.handled_access_fs), 0);
    if (rules < 0)
        return -1;
    (void)fcntl(rules, F_SETFD, FD_CLOEXEC);
    rc = allow(rules, folder, attr.handled_access_fs) < 0 ||
                 allow(rules, "/dev/null",
                       attr.handled_access_fs & (LANDLOCK_ACCESS_FS_WRITE_FILE | ACCESS_TRUNCATE)) <
                     0 ||
                 prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
                 syscall(SYS_landlock_restrict_self, rules, 0) < 0
             ? -1
             : 0;
    (void)close(rules);
    return rc;
}

/* ---- the call ---- */

static void set_attributes(posix_spawnattr_t *attr)
{
    sigset_t none, all;

    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    (void)posix_spawnattr_setsigmask(attr,
                                     &none); /* the agent's threads block what they wait for */
    (void)posix_spawnattr_setsigdefault(attr, &all); /* and ignore SIGPIPE */
    (void)posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
                                             POSIX_SPAWN_SETSIGDEF);
}

static int set_files(posix_spawn_file_actions_t *files, const struct child_order *o, int out,
                     int error)
{
    int rc = posix_spawn_file_actions_addopen(files, 0, "/dev/null", O_RDONLY, 0);

    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(files, out, 1);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(files, error, 2);
    if (rc == 0) /* not every library opens its files close-on-exec */
        rc = posix_spawn_file_actions_addclosefrom_np(files, 3);
    if (rc == 0)
        rc = posix_spawn_file_actions_addchdir_np(files, o->folder ? o->folder : "/");
    return rc;
}

struct birth {
    const struct child_order *o;
    char **argv, **envp;
    int out, error;
    pid_t pid;
    int failed; /* errno */
    bool unbound;
};

static void give_birth(struct birth *b)
{
    posix_spawnattr_t attr;
    posix_spawn_file_actions_t files;

    (void)posix_spawnattr_init(&attr);
    (void)posix_spawn_file_actions_init(&files);
    set_attributes(&attr);
    b->failed = set_files(&files, b->o, b->out, b->error);
    if (b->failed == 0)
        b->failed = posix_spawn(&b->pid, b->o->program, &files, &attr, b->argv, b->envp);
    (void)posix_spawn_file_actions_destroy(&files);
    (void)posix_spawnattr_destroy(&attr);
}

static void *bound_birth(void *user)
{
    struct birth *b = user;

    b->unbound = bind_thread(b->o->writes_below) < 0;
    b->failed = errno;
    if (!b->unbound)
        give_birth(b);
    return NULL;
}

static char **words_of(const struct child_order *o, struct arena *a)
{
    char **v = ARENA_ARRAY(a, o->arguments->n + 2, char *);

    v[0] = arena_strdup(a, o->program);
    for (size_t i = 0; i < o->arguments->n; i++)
        v[i + 1] = arena_strdup(a, o->arguments->v[i]);
    return v;
}

static char **variables_of(const struct child_order *o, struct arena *a)
{
    const struct kvs *l = o->environment;
    char **v = ARENA_ARRAY(a, l->n + 1, char *);

    for (size_t i = 0; i < l->n; i++)
        v[i] = arena_printf(a, "%s=%s", l->v[i].key, l->v[i].value);
    return v;
}

pid_t child_spawn(const struct child_order *o, int out, int error, struct err *e)
{
    static const struct rlimit no_core = {0, 0};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct birth b = {.o = o,
                      .argv = words_of(o, a),
                      .envp = variables_of(o, a),
                      .out = out,
                      .error = error,
                      .pid = -1};
    pthread_t thread;
    int rc = 0;

    if (!o->writes_below)
        give_birth(&b);
    else if ((rc = pthread_create(&thread, NULL, bound_birth, &b)) == 0)
        (void)pthread_join(thread, NULL);
    else
        b.failed = rc;
    if (b.unbound)
        return err_errno(e, b.failed, "keeping %s to %s", o->program, o->writes_below);
    if (b.failed)
        return err_errno(e, b.failed, "starting %s", o->program);
    (void)prlimit(b.pid, RLIMIT_CORE, &no_core, NULL);
    return b.pid;
}
