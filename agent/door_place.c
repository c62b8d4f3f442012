/* Specs and archives, put into the first root's folder `uploads/`.
 *
 * Comes in: bytes from a client. Goes out: uploads/.bundles/APP.SHA256.EXT, and by one rename the uploads/NAME.yaml that names it; the watcher sees a file like any other. Everything is checked before the
 * rename; what is refused, or breaks off, leaves nothing behind. Refuses names that a file elsewhere holds. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "agent/bundles_gc.h"
#include "agent/door_loop.h"
#include "agent/door_parts.h"
#include "agent/problem.h"
#include "drivers/fsx.h"
#include "spec/base/arena.h"
#include "spec/document.h"
#include "spec/limits.h"

/* TRIAL_BYTES: to plan an upload its archive is read once more before it is placed. */
enum { UPLOADS_MAX = 4, DEEP_BYTES = 4 << 20, TRIAL_BYTES = 64 << 20, SETTLE_TRIES = 5 };

/* ---- what needs more stack than a listener's thread has ---- */

struct deep {
    void (*run)(void *arg);
    void *arg;
};

static void *deep_thread(void *arg)
{
    const struct deep *d = arg;

    d->run(d->arg);
    return NULL;
}

int door_deep(void (*run)(void *arg), void *arg, struct err *e)
{
    struct deep d = {run, arg};
    pthread_attr_t attr;
    pthread_t t;

    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setstacksize(&attr, DEEP_BYTES);
    int rc = pthread_create(&t, &attr, deep_thread, &d);

    (void)pthread_attr_destroy(&attr);
    if (rc != 0)
        return err_errno(e, rc, "no thread to check it with");
    (void)pthread_join(t, NULL);
    return 0;
}

/* ---- specs ---- */

struct reading {
    struct door_call *c;
    const char *app; /* NULL: any */
    const char *text;
    size_t n;
    int rc;
    struct err *e;
    struct str *said;             /* all problems, as `validate` shows them; or NULL */
    const struct spec_file *file; /* ret: what it says, in the call's arena */
};

static int no_files(void *ctx, const char *path, struct arena *a, const char **ret_text,
                    size_t *ret_n, struct err *e)
{
    const struct door *d = ctx;

    (void)ret_text, (void)ret_n;
    if (d->uploads && strcmp(path, fsx_join(d->uploads, ".env", a)) == 0)
        return err_set(e, ERR_MISSING, "no %s", path); /* what Compose files always ask for */
    return err_set(e, ERR_DENIED,
                   "%s: a spec that is sent may not read files of this machine; write it into the "
                   "spec, or use a secret",
                   path);
}

static int no_digests(void *ctx, const char *path, struct arena *a, const char **ret_digest,
                      struct err *e)
{
    (void)ret_digest;
    return no_files(ctx, path, a, NULL, NULL, e);
}

static int judge(const struct reading *x, const struct spec_file *f)
{
    if (f->broken)
        return err_set(x->e, ERR_USER, "the spec has errors");
    if (f->n_documents != 1 ||
        (f->documents[0].kind != DOC_APP && f->documents[0].kind != DOC_COMPOSE))
        return err_set(x->e, ERR_USER, "the spec must hold one `app:` document or Compose file");
    if (x->app && strcmp(f->documents[0].name, x->app) != 0)
        return err_set(x->e, ERR_USER, "the spec is of app \"%s\", the address is of \"%s\"",
                       f->documents[0].name, x->app);
    return 0;
}

static void read_spec(void *arg)
{
    struct reading *x = arg;
    struct door *d = x->c->door;
    struct loader loader = {.read = no_files, .digest = no_digests, .ctx = d};
    struct spec_file *f = ARENA_NEW(x->c->a, struct spec_file);
    const char *root = fsx_absolute(d->o->roots.v[0], x->c->a);
    const char *name = arena_printf(x->c->a, "%s.yaml", x->app ? x->app : "spec");

    document_parse(root, fsx_join("uploads", name, x->c->a), name, d->uploads ? d->uploads : root,
                   x->text, x->n, &loader, x->c->a, f);
    for (size_t i = 0; x->said && i < f->diags.n; i++)
        diag_print(&f->diags.v[i], false, x->said);
    x->file = f;
    x->rc = judge(x, f);
}

static int check_spec(struct door_call *c, const char *app, const char *text, size_t n,
                      struct str *said, const struct spec_file **ret, struct err *e)
{
    struct reading x = {.c = c, .app = app, .text = text, .n = n, .e = e, .said = said};

    if (door_deep(read_spec, &x, e) < 0 || x.rc < 0)
        return -1;
    *ret = x.file;
    return 0;
}

/* ---- whose is the name, and where would it be ---- */

static int check_place(struct door_call *c, const char *app, const char **ret_path, struct err *e)
{
    const struct door *d = c->door;
    const struct door_app *there = door_facts_app(c->facts, app);
    const char *file;
    struct stat st;

    if (!d->uploads)
        return err_set(e, ERR_CONFLICT,
                       "the first root is a file: there is no folder to put apps into; give the "
                       "agent a folder as its first root");
    /* Made anew it would be readable and empty, and its apps would count as gone. */
    if (stat(fsx_absolute(d->o->roots.v[0], c->a), &st) != 0 || !S_ISDIR(st.st_mode))
        return err_set(e, ERR_RETRY,
                       "the first root, %s, is not there: make the folder, or mount it",
                       d->o->roots.v[0]);
    if (!app_name_valid(app))
        return err_set(e, ERR_USER,
                       "an app's name is a DNS label: a-z, 0-9 and inner -, at most "
                       "63 of them");
    file = fsx_join(d->uploads, arena_printf(c->a, "%s.yaml", app), c->a);
    if (there && there->builtin)
        return err_set(e, ERR_CONFLICT, "%s is the agent's own", app);
    /* Its file being ours, a refused app may be mended by the same way. */
    if (there && stat(file, &st) != 0 && (*there->origin || strcmp(there->state, "Frozen") == 0))
        return err_set(e, ERR_CONFLICT, "%s is held by %s: change it there, or take another name",
                       app, *there->origin ? there->origin : "a file that cannot be read now");
    *ret_path = file;
    return 0;
}

static const char *bundles_folder(struct door_call *c, struct err *e)
{
    const char *path = fsx_join(c->door->uploads, ".bundles", c->a);

    return fsx_mkdirs(path, 0700, e) < 0 ? NULL : path;
}

/* ---- putting it in place ---- */

void door_add_quoted(struct str *out, const char *text)
{
    json_t *v = json_string(text);
    char *s = v ? json_dumps(v, JSON_ENCODE_ANY) : NULL;

    str_add(out, s ? s : "\"\"");
    free(s);
    json_decref(v);
}

static bool same_file(struct door_call *c, const char *path, const char *text, size_t n)
{
    struct err none = {0};
    const char *old;
    size_t old_n;

    return fsx_read(path, LIMIT_SPEC_BYTES, c->a, &old, &old_n, NULL, &none) == 0 && old_n == n &&
           memcmp(old, text, n) == 0;
}

static int place_spec(struct door_call *c, const char *folder, const char *path, const char *text,
                      size_t n, bool *ret_unchanged, struct err *e)
{
    *ret_unchanged = same_file(c, path, text, n);
    return *ret_unchanged ? 0 : fsx_replace_through(folder, path, text, n, 0600, e);
}

/* With its lines, which hold what was said of the app: that is for the sender, and for no log. */
static int told_of_spec(struct door_call *c, const struct str *said, struct err *e)
{
    c->detail = "the spec has errors";
    return said->len > 0 ? err_set(e, ERR_USER, "%s", str_text(said)) : -1;
}

/* An archive on its way to a spec that names it. */
struct settling {
    struct door_call *c;
    const char *folder, *path; /* .bundles/, the spec */
    const struct door_taken *t;
    struct door_upload *u;
    const char *bundle, *kept; /* its name in the spec; its path */
    const char *old;           /* the spec that was there; NULL: none */
    size_t old_n;
    bool made; /* by us: it was not there before */
};

static bool is_kept(const struct settling *x)
{
    struct stat st;

    return stat(x->kept, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == x->t->bytes;
}

/* One that is there already stays: to who is building from it another file of that name would be a change. Its mark goes, so that its week begins anew; who takes old ones away has the same lock. */
static int keep_archive(struct settling *x, struct err *e)
{
    int fd = open(x->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;

    if (fd < 0 || flock(fd, LOCK_EX) != 0)
        rc = err_errno(e, errno, "the archive cannot be kept in %s", x->folder);
    else if (is_kept(x))
        (void)unlink(arena_printf(x->c->a, "%s" BUNDLES_MARK, x->kept));
    else if (rename(x->t->path, x->kept) != 0)
        rc = err_errno(e, errno, "the archive cannot be kept as %s", x->kept);
    else
        x->made = true;
    if (rc == 0)
        (void)fsync(fd); /* the archive's name is on disk before the spec that has it */
    if (fd >= 0)
        (void)close(fd);
    return rc;
}

static void read_old(struct settling *x)
{
    struct err none = {0};

    if (fsx_read(x->path, LIMIT_SPEC_BYTES, x->c->a, &x->old, &x->old_n, NULL, &none) < 0)
        x->old = NULL;
}

/* Nobody placed anything meanwhile. The caller has the lock. */
static bool still_old(const struct settling *x)
{
    struct stat st;

    return x->old ? same_file(x->c, x->path, x->old, x->old_n) : stat(x->path, &st) != 0;
}

/* What came to nothing leaves nothing, unless the same archive was placed meanwhile. */
static void unkeep(const struct settling *x)
{
    struct settling now = *x;

    (void)pthread_mutex_lock(&x->c->door->placing);
    read_old(&now);
    if (x->made && (!now.old || !strstr(now.old, x->bundle)))
        (void)unlink(x->kept);
    (void)pthread_mutex_unlock(&x->c->door->placing);
}

/* 1: the spec is another one by now, so this is to be done again. */
static int place_kept(struct settling *x, const struct str *text, struct err *e)
{
    int rc = 1;

    (void)pthread_mutex_lock(&x->c->door->placing);
    if (still_old(x)) {
        rc = is_kept(x) ? 0 : keep_archive(x, e); /* who made it may have given up */
        if (rc == 0)
            rc = place_spec(x->c, x->folder, x->path, text->buf, text->len, &x->u->unchanged, e);
    }
    (void)pthread_mutex_unlock(&x->c->door->placing);
    return rc;
}

/* No lock is held while it is planned, which takes as long as the engine does. */
static int settle_once(struct settling *x, struct err *e)
{
    CLEANUP(str_release) struct str text = STR_INIT, said = STR_INIT;
    struct door_trial *trial = &x->u->trial;
    const struct spec_file *spec;

    read_old(x);
    upload_spec_write(&x->u->spec, x->u->app, x->bundle, x->old, &text);
    if (check_spec(x->c, x->u->app, str_text(&text), text.len, &said, &spec, e) < 0)
        return told_of_spec(x->c, &said, e);
    if (keep_archive(x, e) < 0)
        return -1;
    trial->skip = !trial->dry_run && x->old && x->old_n == text.len &&
                  memcmp(x->old, text.buf, text.len) == 0;
    if (x->t->bytes > TRIAL_BYTES && !trial->dry_run && !upload_spec_given(&x->u->spec)) {
        trial->skip = true;
        trial->trouble = "the archive is large: ask for the plan when it is placed";
    }
    int rc = door_trial(x->c, spec, x->u->app, trial, e);

    if (rc == 0 && !trial->dry_run)
        rc = place_kept(x, &text, e);
    return rc;
}

static int settle(struct door_call *c, const char *folder, const char *path,
                  const struct door_taken *t, struct door_upload *u, struct err *e)
{
    struct settling x = {.c = c, .folder = folder, .path = path, .t = t, .u = u};
    int rc = 1;

    x.bundle = arena_printf(c->a, UPLOADED_FOLDER "%s.%s.%s", u->app, u->sha256, t->ending);
    x.kept = fsx_join(c->door->uploads, x.bundle, c->a);
    for (int try = 0; rc == 1 && try < SETTLE_TRIES; try++) {
        door_trial_release(&u->trial);
        rc = settle_once(&x, e);
    }
    if (rc == 1)
        rc = err_set(e, ERR_RETRY, "others change %s all the time: send it again", u->app);
    if (rc < 0 || u->trial.dry_run)
        unkeep(&x);
    return rc;
}

int door_place_bundle(struct door_call *c, struct door_upload *u, struct web_reply *ret,
                      struct err *e)
{
    struct door_taken t = {.path = NULL};
    const char *path, *folder = NULL;
    int rc;

    (void)ret;
    if (check_place(c, u->app, &path, e) < 0 || !(folder = bundles_folder(c, e)))
        return -1;
    if (bundles_of_app(folder, u->app) >= LIMIT_APP_ARCHIVES_BYTES)
        return err_set(
            e, ERR_CONFLICT,
            "%s has %lld GiB of archives, and that is the most: those that no spec names "
            "go a week later; remove some from uploads/.bundles by hand to send one now",
            u->app, (long long)(LIMIT_APP_ARCHIVES_BYTES >> 30));
    if (atomic_fetch_add(&c->door->uploading, 1) >= UPLOADS_MAX) {
        (void)atomic_fetch_sub(&c->door->uploading, 1);
        return err_set(e, ERR_RETRY, "%d uploads are coming in already: try again in a while",
                       UPLOADS_MAX);
    }
    rc = door_take(c, folder, u, &t, e);
    if (rc == 0)
        rc = settle(c, folder, path, &t, u, e);
    if (t.path)
        (void)unlink(t.path); /* what was not kept */
    (void)atomic_fetch_sub(&c->door->uploading, 1);
    if (!c->detail)
        c->detail = rc == 0 ? u->sha256 : arena_strdup(c->a, e->msg);
    return rc;
}

/* ---- handlers ---- */

void door_tell_placed(struct door_call *c, const char *app, const char *sha256, bool unchanged,
                      struct door_trial *t, struct web_reply *ret)
{
    bool changed = !unchanged && !t->dry_run;

    if (!t->dry_run)
        (void)atomic_fetch_add(&c->door->placed, 1);
    door_reply_json(ret, changed ? 202 : 200,
                    json_pack("{s:s, s:b, s:b, s:s*, s:s, s:s*, s:O*}", "app", app, "changed",
                              changed, "dry_run", t->dry_run, "sha256", sha256, "watch",
                              arena_printf(c->a, "/api/v1/apps/%s", app), "plan_trouble",
                              t->trouble, "plan", t->plan));
    if (t->dry_run)
        return;
    door_stream_wait(c, app, ret);
    door_loop_stir(c->door->loop);
}

void door_place_spec(struct door_call *c, const char *app, const char *text, size_t n,
                     struct web_reply *ret)
{
    CLEANUP(str_release) struct str said = STR_INIT;
    struct door_trial trial = {.dry_run = door_flag(c, "dry_run")};
    const struct spec_file *spec;
    const char *path, *folder;
    struct err e = {0};
    bool unchanged = false;

    if (door_stream_check_wait(c, ret) < 0)
        return;
    if (check_place(c, app, &path, &e) < 0 || !(folder = bundles_folder(c, &e))) {
        problem_error(ret, &e, NULL);
        return;
    }
    if (check_spec(c, app, text, n, &said, &spec, &e) < 0) {
        problem_reply(ret, 422, said.len > 0 ? str_text(&said) : e.msg,
                      "mend it and send it again; /api/v1/validate checks without placing it");
        return;
    }
    trial.skip = !trial.dry_run && same_file(c, path, text, n);
    int rc = door_trial(c, spec, app, &trial, &e);

    (void)pthread_mutex_lock(&c->door->placing);
    if (rc == 0 && !trial.dry_run)
        rc = place_spec(c, folder, path, text, n, &unchanged, &e);
    (void)pthread_mutex_unlock(&c->door->placing);
    if (rc < 0)
        problem_error(ret, &e, NULL);
    else
        door_tell_placed(c, app, NULL, unchanged, &trial, ret);
    door_trial_release(&trial);
}

void door_spec_put(struct door_call *c, struct web_reply *ret)
{
    const char *text;
    size_t n;

    if (door_body(c, LIMIT_SPEC_BYTES, &text, &n, ret) == 0)
        door_place_spec(c, c->v.app, text, n, ret);
}

/* Does the file hold an app that the caller may not see? */
static bool others_too(const struct door_call *c, const struct door_app *x)
{
    if (!c->caller.apps || c->caller.apps->n == 0)
        return false;
    for (size_t i = 0; i < c->facts->n; i++)
        if (strcmp(c->facts->apps[i].origin, x->origin) == 0 &&
            !strv_has(c->caller.apps, c->facts->apps[i].name))
            return true;
    return false;
}

void door_spec_get(struct door_call *c, struct web_reply *ret)
{
    const struct door_app *x = door_facts_app(c->facts, c->v.app);
    const char *path = NULL, *text, *at = x ? strstr(x->origin, "//") : NULL;
    struct err e = {0};
    size_t n;

    if (at)
        path = arena_printf(c->a, "%.*s/%s", (int)(at - x->origin), x->origin, at + 2);
    if (!path || bundle_name(path)) {
        problem_reply(ret, 404, "no file of a root holds this app", "GET /api/v1/apps lists them");
        return;
    }
    if (others_too(c, x)) {
        problem_reply(ret, 403, "its file holds other apps too, which are not this token's", NULL);
        return;
    }
    if (fsx_read(path, LIMIT_SPEC_BYTES, c->a, &text, &n, NULL, &e) < 0) {
        problem_error(ret, &e, NULL);
        return;
    }
    ret->status = 200;
    ret->type = "application/yaml";
    str_addn(&ret->body, text, n);
}

void door_spec_delete(struct door_call *c, struct web_reply *ret)
{
    const char *path;
    struct err e = {0};
    struct stat st;

    if (check_place(c, c->v.app, &path, &e) == 0 && stat(path, &st) != 0)
        (void)err_set(&e, ERR_MISSING, "nothing that was sent here holds %s", c->v.app);
    if (e.kind == ERR_NONE)
        (void)fsx_remove(path, &e);
    if (e.kind != ERR_NONE)
        problem_error(ret, &e, "`remove` ends an app whose file lies elsewhere");
    else
        door_reply_json(ret, 200, json_pack("{s:s, s:b}", "app", c->v.app, "changed", 1));
}

void door_validate(struct door_call *c, struct web_reply *ret)
{
    CLEANUP(str_release) struct str said = STR_INIT;
    const char *text, *app;
    struct err e = {0};
    size_t n;

    if (door_body(c, LIMIT_SPEC_BYTES, &text, &n, ret) < 0)
        return;
    app = door_form_value(c->r->query, "app", c->a);
    if (app && !app_name_valid(app)) {
        problem_reply(ret, 422, "`app` is no name of an app", NULL);
        return;
    }
    const struct spec_file *spec;
    int rc = check_spec(c, app, text, n, &said, &spec, &e);

    door_reply_json(ret, 200,
                    json_pack("{s:b, s:s, s:s*}", "ok", rc == 0, "diagnostics", str_text(&said),
                              "reason", rc == 0 ? NULL : e.msg));
}

void door_place_sweep(const struct door *d)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    DIR *dir = d->uploads ? opendir(fsx_join(d->uploads, ".bundles", a)) : NULL;

    for (struct dirent *x; dir && (x = readdir(dir));)
        if (strncmp(x->d_name, ".part.", 6) == 0)
            (void)unlinkat(dirfd(dir), x->d_name, 0);
    if (dir)
        (void)closedir(dir);
}
