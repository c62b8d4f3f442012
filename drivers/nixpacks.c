/* nixpacks, as far as it only writes a Dockerfile.
 *
 * Comes in: a context. Goes out: the Dockerfile and the small files it copies, to be built like any other. Two calls on a private copy of the context: `nixpacks plan` tells the values of the
 * build arguments, and where it would write; `nixpacks build --out` writes. Its source (1.41) was read for what it does with a stranger's files: with --out it starts no program and opens no
 * connection, it matches names and parses manifests. But a nixpacks.toml may name static assets anywhere on the disk, so such names are refused here, and the child is bound to its folder besides. */
#include "drivers/nixpacks.h"

#include <errno.h>
#include <sys/stat.h>

#include "drivers/child.h"
#include "drivers/context.h"
#include "drivers/fsx.h"
#include "drivers/workdir.h"
#include "spec/base/arena.h"
#include "spec/base/js.h"
#include "spec/limits.h"

enum {
    DEADLINE_MS = 60 * 1000, /* it takes some 20 ms */
    MOST_FILES = 256,
    SAID_BYTES = 300,
};

struct making {
    const struct nixpacks_order *o;
    struct arena *arena;
    const char *source, *out, *home, *root;
    char said[SAID_BYTES]; /* the line that tells what was wrong */
    bool sure;
};

static void add_env(struct making *m, struct strv *words)
{
    const struct kvs *args = m->o->args;

    for (size_t i = 0; i < args->n; i++) {
        const char *key = args->v[i].key;
        bool steers = strncmp(key, "NIXPACKS_", 9) == 0 || strcmp(key, "CGO_ENABLED") == 0;

        /* Others' values do not shape the Dockerfile, and everybody can read a command line. */
        strv_push(m->arena, words,
                  arena_printf(m->arena, "--env=%s=%s", key,
                               steers && args->v[i].value ? args->v[i].value : "1"));
    }
}

static void on_line(void *user, bool is_stderr, const char *line, size_t n)
{
    struct making *m = user;
    static const char unable[] = "Nixpacks was unable";
    bool tells = is_stderr || strncmp(line, unable, sizeof(unable) - 1) == 0;

    if (n == 0 || m->sure || (!tells && m->said[0]))
        return;
    m->sure = tells;
    (void)snprintf(m->said, sizeof(m->said), "%.*s", (int)n, line);
}

static int run(struct making *m, const struct strv *first, struct str *out, struct err *e)
{
    struct strv words = {0};
    struct kvs env = {0};
    struct child_order order = {
        .program = m->o->program,
        .arguments = &words,
        .environment = &env,
        .folder = m->root,
        .writes_below = m->root,
        .deadline_ms = DEADLINE_MS,
        .most_bytes = LIMIT_REPLY_BYTES,
        .out = out,
        .line = on_line,
        .user = m,
    };

    for (size_t i = 0; i < first->n; i++)
        strv_push(m->arena, &words, first->v[i]);
    strv_push(m->arena, &words, m->source);
    add_env(m, &words);
    if (m->o->start)
        strv_push(m->arena, &words, arena_printf(m->arena, "--start-cmd=%s", m->o->start));
    child_environment(m->home, m->arena, &env);
    m->said[0] = '\0';
    m->sure = false;
    if (child_run(&order, m->o->stop_fd, e) == 0)
        return 0;
    if (e->kind == ERR_USER && m->sure) {
        CLEANUP(str_release) struct str line = STR_INIT;

        str_add_escaped(&line, m->said);
        (void)err_set(e, ERR_USER, "nixpacks: %s", str_text(&line));
    }
    return -1;
}

/* ---- the plan ---- */

static bool stays_inside(const char *path)
{
    if (*path == '/' || *path == '\0')
        return false;
    for (const char *at = path; at; at = strchr(at, '/')) {
        at += *at == '/';
        if (strncmp(at, "..", 2) == 0 && (at[2] == '/' || at[2] == '\0'))
            return false;
    }
    return true;
}

static int check_plan(const json_t *plan, struct err *e)
{
    json_t *assets = json_object_get(plan, "staticAssets"),
           *phases = json_object_get(plan, "phases"), *x;
    const char *key;

    json_object_foreach(assets, key, x)
    {
        if (!stays_inside(key))
            return err_set(e, ERR_USER, "nixpacks: the static asset \"%.200s\" leaves the source",
                           key);
    }
    json_object_foreach(phases, key, x)
    {
        const char *archive = js_str(x, "nixpkgsArchive", "");

        if (strchr(archive, '/')) /* it becomes the name of a file */
            return err_set(e, ERR_USER, "nixpacks: nixpkgsArchive \"%.200s\" is not a revision",
                           archive);
    }
    return 0;
}

static int read_plan(struct making *m, struct nixpacks_made *made, struct err *e)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    struct strv words = {0};
    struct kvs variables;

    strv_push(m->arena, &words, "plan");
    strv_push(m->arena, &words, "--format=json");
    if (run(m, &words, &text, e) < 0)
        return -1;
    json_auto_t *plan = js_parse(str_text(&text), text.len, e);

    if (!plan)
        return err_wrap(e, "what `nixpacks plan` says");
    js_kvs(plan, "variables", m->arena, &variables);
    for (size_t i = 0; i < variables.n; i++)
        if (!kvs_get(m->o->args, variables.v[i].key))
            kvs_set(m->arena, &made->args, variables.v[i].key, variables.v[i].value);
    return check_plan(plan, e);
}

/* ---- what it wrote ---- */

static int take_file(struct making *m, struct context *c, const char *path,
                     struct nixpacks_made *made, struct err *e)
{
    const char *text;
    size_t n;

    if (context_file(c, path, LIMIT_SPEC_BYTES, m->arena, &text, &n, e) < 0)
        return -1;
    if (strlen(text) != n)
        return err_set(e, ERR_USER, "nixpacks: %.200s holds a NUL", path);
    if (strcmp(path, NIXPACKS_DOCKERFILE) == 0)
        made->dockerfile =
            arena_printf(m->arena, "%s\nENV PORT=%d\nEXPOSE %d\n", text, m->o->port, m->o->port);
    else
        kvs_set(m->arena, &made->files, arena_strdup(m->arena, path), text);
    return 0;
}

static int take_files(struct making *m, struct nixpacks_made *made, struct err *e)
{
    struct context_where where = {.path = m->out, .limits = {.entries = MOST_FILES}};
    struct context *c = context_open(&where, e);
    int rc = c ? 0 : -1;

    for (size_t i = 0; c && rc == 0 && i < context_n(c); i++) {
        const struct context_entry *x = context_entry(c, i);

        /* how to build it by hand is not for the image */
        if (x->type == 'f' && strcmp(x->path, ".nixpacks/build.sh") != 0)
            rc = take_file(m, c, x->path, made, e);
    }
    context_free(c);
    if (rc == 0 && !made->dockerfile)
        return err_set(e, ERR_USER, "nixpacks wrote no %s", NIXPACKS_DOCKERFILE);
    return rc;
}

static int write_files(struct making *m, struct err *e)
{
    struct strv words = {0};

    strv_push(m->arena, &words, "build");
    strv_push(m->arena, &words, arena_printf(m->arena, "--out=%s", m->out));
    /* Its cache mounts are named after the folder, which is another one each time; no such mounts, and the same source is the same Dockerfile. */
    strv_push(m->arena, &words, "--no-cache");
    return run(m, &words, NULL, e);
}

static int make_in(struct making *m, struct nixpacks_made *made, struct err *e)
{
    struct strv left_out;

    if (mkdir(m->source, 0700) < 0 || mkdir(m->out, 0700) < 0 || mkdir(m->home, 0700) < 0)
        return err_errno(e, errno, "making folders in %s", m->root);
    return context_extract(m->o->context, m->source, m->arena, &left_out, e) < 0 ||
                   read_plan(m, made, e) < 0 || write_files(m, e) < 0 || take_files(m, made, e) < 0
               ? -1
               : 0;
}

int nixpacks_make(const struct nixpacks_order *o, struct arena *a, struct nixpacks_made *ret,
                  struct err *e)
{
    struct workdir *w = workdir_new(e);
    struct making m = {.o = o, .arena = a};
    struct nixpacks_made made = {0};
    int rc;

    if (!w)
        return -1;
    m.root = workdir_path(w);
    m.source = fsx_join(m.root, "source", a);
    m.out = fsx_join(m.root, "out", a);
    m.home = fsx_join(m.root, "home", a);
    rc = make_in(&m, &made, e);
    workdir_free(w);
    if (rc == 0)
        *ret = made;
    return rc;
}
