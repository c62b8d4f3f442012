/* router.c: the folder of route files: what is in it, and how it is changed.
 *
 * In: sealed texts, one per app, and the order to look. Out: files replaced by one rename, and what is known of each: its digest, its
 * servers, when it was written. The folder is what counts: a file that a hand removed or edited is seen by its stat and told as it is.
 * It makes up no text, and leaves files alone whose names are not of its kind. */
#include "drivers/router.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "drivers/fsx.h"
#include "drivers/router_parts.h"
#include "spec/base/arena.h"
#include "spec/limits.h"
#include "spec/route_file.h"
#include "spec/yaml.h"

enum {
    PRESUMED_MS = 3000,
    FILE_MOST = 1 << 20,
};
static const char suffix[] = ".yaml";

/* ---- what a file says ---- */

/* "http://0123456789ab:8000" -> "0123456789ab" */
static const char *host_of(const char *url, struct arena *a)
{
    const char *at = strstr(url, "://");

    at = at ? at + 3 : url;
    return arena_strndup(a, at, strcspn(at, ":/"));
}

static void add_servers(const struct yaml_node *service, struct arena *a, struct strv *ret)
{
    const struct yaml_node *servers = yaml_get(yaml_get(service, "loadBalancer"), "servers");

    for (size_t i = 0; servers && servers->kind == YAML_LIST && i < servers->n; i++) {
        const struct yaml_node *url = yaml_get(servers->items[i], "url");
        const char *host = url && url->text ? host_of(url->text, a) : NULL;

        if (host && !strv_has(ret, host))
            strv_push(a, ret, host);
    }
}

void router_read_file(const char *text, size_t n, const char *app, struct arena *a,
                      const char **ret_digest, struct strv *ret_servers)
{
    struct diag_list diags;
    struct yaml_file file;
    struct strv servers = {0};
    char digest[ROUTE_DIGEST] = "";

    diag_init(&diags, a);
    *ret_digest = "";
    *ret_servers = servers;
    if (strlen(text) != n || route_file_digest(text, digest) < 0 ||
        !strstr(text, route_marker(app, digest, a)) ||
        yaml_parse(app, text, n, a, &diags, &file) < 0 || file.n_documents != 1)
        return;
    const struct yaml_node *services = yaml_get(yaml_get(file.documents[0], "http"), "services");

    for (size_t i = 0; services && services->kind == YAML_MAP && i < services->n; i++)
        add_servers(services->pairs[i].value, a, &servers);
    strv_sort(&servers);
    *ret_digest = arena_strdup(a, digest);
    *ret_servers = servers;
}

/* ---- entries ---- */

static void entry_release(struct route_entry *f)
{
    for (size_t i = 0; i < f->n_servers; i++)
        free(f->servers[i]);
    free((void *)f->servers);
    free(f->app);
    free(f->digest);
    free(f->error);
    router_untell(f);
    free(f);
}

/* Where an app is, or would be. */
static size_t place_of(const struct router *r, const char *app, bool *ret_found)
{
    size_t lo = 0, hi = r->n;

    *ret_found = false;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int by = strcmp(r->v[mid]->app, app);

        if (by == 0) {
            *ret_found = true;
            return mid;
        }
        if (by < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

struct route_entry *router_entry(const struct router *r, const char *app)
{
    bool found;
    size_t at = place_of(r, app, &found);

    return found ? r->v[at] : NULL;
}

static struct route_entry *entry_get(struct router *r, const char *app)
{
    bool found;
    size_t at = place_of(r, app, &found);

    if (found)
        return r->v[at];
    if (r->n == r->cap) {
        r->cap = r->cap ? 2 * r->cap : 16;
        r->v = xrealloc(r->v, r->cap * sizeof(r->v[0]));
    }
    memmove(&r->v[at + 1], &r->v[at], (r->n - at) * sizeof(r->v[0]));
    r->n++;
    r->comings++;
    r->v[at] = xcalloc(1, sizeof(*r->v[at]));
    r->v[at]->app = xstrdup(app);
    r->v[at]->digest = xstrdup("");
    return r->v[at];
}

void router_forget(struct router *r, const char *app)
{
    bool found;
    size_t at = place_of(r, app, &found);

    if (!found)
        return;
    r->comings++;
    entry_release(r->v[at]);
    memmove(&r->v[at], &r->v[at + 1], (--r->n - at) * sizeof(r->v[0]));
}

void router_settle(struct route_entry *f, enum route_state state, const char *error)
{
    free(f->error);
    f->error = error ? xstrdup(error) : NULL;
    f->state = state;
    router_untell(f);
}

bool router_presumed_live(const struct router *r, const struct route_entry *f)
{
    return r->instance && r->why && http_now_ms() - f->changed_ms >= PRESUMED_MS;
}

/* Its content is known now; whether Traefik has taken it is not. */
static void entry_fill(struct route_entry *f, const char *digest, const struct strv *servers)
{
    for (size_t i = 0; i < f->n_servers; i++)
        free(f->servers[i]);
    free((void *)f->servers);
    f->servers = xcalloc(servers->n ? servers->n : 1, sizeof(char *));
    for (f->n_servers = 0; f->n_servers < servers->n; f->n_servers++)
        f->servers[f->n_servers] = xstrdup(servers->v[f->n_servers]);
    char *copy = xstrdup(digest);

    free(f->digest);
    f->digest = copy;
    f->gone = false;
    f->changed_ms = http_now_ms();
    router_settle(f, ROUTE_WRITTEN, NULL);
}

static void entry_gone(struct router *r, struct route_entry *f)
{
    if (!f->digest[0] || !r->instance) { /* nothing of it can be asked for */
        router_forget(r, f->app);
        return;
    }
    f->gone = true;
    f->changed_ms = http_now_ms();
    router_settle(f, ROUTE_WRITTEN, NULL);
}

/* ---- the folder ---- */

static int64_t mtime_ns(const struct stat *st)
{
    return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

static void remember_folder(struct router *r)
{
    struct stat st;

    r->folder_mtime_ns = stat(r->folder, &st) == 0 ? mtime_ns(&st) : -1;
}

static void remember_stat(struct route_entry *f, const struct stat *st)
{
    f->mtime_ns = mtime_ns(st);
    f->size = (int64_t)st->st_size;
    f->inode = (int64_t)st->st_ino;
    f->since_ms = f->mtime_ns / 1000000;
    router_untell(f);
}

static bool same_stat(const struct route_entry *f, const struct stat *st)
{
    return f->mtime_ns == mtime_ns(st) && f->size == (int64_t)st->st_size &&
           f->inode == (int64_t)st->st_ino;
}

static const char *path_of(const struct router *r, const char *app, struct arena *a)
{
    return arena_printf(a, "%s/%s%s", r->folder, app, suffix);
}

static void read_entry(struct router *r, const char *app, const struct stat *st)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct route_entry *f = entry_get(r, app);
    const char *text = "", *digest = "";
    struct strv servers = {0};
    size_t n = 0;

    f->scanned = true;
    if (!f->gone && same_stat(f, st))
        return;
    if (fsx_read(path_of(r, app, a), FILE_MOST, a, &text, &n, NULL, NULL) == 0)
        router_read_file(text, n, app, a, &digest, &servers);
    if (f->gone || strcmp(f->digest, digest) != 0 || !digest[0])
        entry_fill(f, digest, &servers);
    remember_stat(f, st);
}

/* "blog.yaml" -> "blog" in ret; false: none of ours. */
static bool app_of(const char *name, char ret[256])
{
    size_t n = strlen(name), cut = sizeof(suffix) - 1;

    if (name[0] == '.' || n <= cut || n >= 256 || strcmp(name + n - cut, suffix) != 0)
        return false;
    memcpy(ret, name, n - cut);
    ret[n - cut] = '\0';
    return true;
}

static void scan(struct router *r)
{
    DIR *d = opendir(r->folder);
    const struct dirent *entry;
    struct stat st;
    char app[256];

    for (size_t i = 0; i < r->n; i++)
        r->v[i]->scanned = false;
    while (d && (entry = readdir(d)))
        if (app_of(entry->d_name, app) && fstatat(dirfd(d), entry->d_name, &st, 0) == 0 &&
            S_ISREG(st.st_mode))
            read_entry(r, app, &st);
    if (d)
        (void)closedir(d);
    for (size_t i = r->n; i-- > 0;)
        if (!r->v[i]->scanned && !r->v[i]->gone)
            entry_gone(r, r->v[i]);
    r->scanned = true;
    remember_folder(r);
}

/* Entries that come and go change the folder's own time, which is one stat; an edit in place waits for a look at everything. */
static bool folder_changed(const struct router *r)
{
    struct stat st;
    int64_t now = stat(r->folder, &st) == 0 ? mtime_ns(&st) : -1;

    return !r->scanned || now != r->folder_mtime_ns;
}

/* New files take the folder's group (setgid), so that Traefik can read them from the first moment on. */
static int make_folder(const char *folder, mode_t mode, struct err *e)
{
    struct stat st;

    if (stat(folder, &st) == 0 && (geteuid() != 0 || st.st_gid == ROUTER_GROUP))
        return 0;
    if (fsx_mkdirs(folder, 0750, e) < 0)
        return -1;
    if (geteuid() != 0)
        return 0;
    if (chown(folder, 0, ROUTER_GROUP) < 0 || chmod(folder, mode) < 0)
        return err_errno(e, errno, "cannot give %s to group %d", folder, ROUTER_GROUP);
    return 0;
}

static bool holds(const char *path, const char *text)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *have;
    size_t n;

    return fsx_read(path, FILE_MOST, a, &have, &n, NULL, NULL) == 0 && n == strlen(text) &&
           memcmp(have, text, n) == 0;
}

static int put_text(struct router *r, const char *app, const char *path, const char *text,
                    struct err *e)
{
    struct stat st;

    if (make_folder(r->dir, 0750, e) < 0 || make_folder(r->folder, 02750, e) < 0 ||
        make_folder(r->temp, 02750, e) < 0)
        return -1;
    /* Every event in the folder makes Traefik read all of its files again: it is to see one rename. */
    if (!holds(path, text) && fsx_replace_through(r->temp, path, text, strlen(text), 0640, e) < 0)
        return -1;
    if (stat(path, &st) < 0)
        return err_errno(e, errno, "%s", path);
    read_entry(r, app, &st);
    return 0;
}

int router_put(struct router *r, const char *app, const char *text, struct err *e)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *path = path_of(r, app, a);
    struct route_entry *f;

    if (folder_changed(r))
        scan(r);
    if (text && text[0]) {
        if (put_text(r, app, path, text, e) < 0)
            return -1;
    } else {
        if (fsx_remove(path, e) < 0)
            return -1;
        f = router_entry(r, app);
        if (f && !f->gone)
            entry_gone(r, f);
    }
    remember_folder(r);
    return 0;
}

/* ---- looking ---- */

struct router_look {
    struct router_look *next;
    router_looked_fn *done;
    void *user;
};

static void end_looks(struct router *r)
{
    struct router_look *l = TAKE(r->looks);

    while (l) {
        struct router_look *next = l->next;

        l->done(l->user);
        free(l);
        l = next;
    }
}

static void looked_at_once(void *user)
{
    struct router *r = user;

    r->soon = NULL;
    router_api_ask(r);
    if (!r->asking)
        end_looks(r);
}

void router_api_answered(struct router *r)
{
    end_looks(r);
}

void router_look(struct router *r, bool everything, router_looked_fn *done, void *user)
{
    struct router_look *l = xcalloc(1, sizeof(*l)), **at = &r->looks;

    *l = (struct router_look){.done = done, .user = user};
    while (*at)
        at = &(*at)->next;
    *at = l;
    if (everything || folder_changed(r))
        scan(r);
    if (!r->soon && !r->asking)
        r->soon = http_after(r->http, 0, looked_at_once, r);
}

/* ---- where Traefik is ---- */

static bool same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static void replace(char **old, const char *text)
{
    char *copy = text ? xstrdup(text) : NULL;

    free(*old);
    *old = copy;
}

/* Its patience begins with this Traefik, not with the file. */
static void wait_anew(struct route_entry *f)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_REALTIME, &t);
    f->since_ms = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
    f->changed_ms = http_now_ms();
    router_settle(f, ROUTE_WRITTEN, NULL);
}

void router_at(struct router *r, const struct router_api *api)
{
    CLEANUP(str_release) struct str base = STR_INIT;
    const char *instance = api->port > 0 ? api->instance : NULL;

    if (api->port > 0 && api->host)
        str_addf(&base, strchr(api->host, ':') ? "http://[%s]:%d" : "http://%s:%d", api->host,
                 api->port);
    if (!same(r->instance, instance)) {
        for (size_t i = r->n; i-- > 0;)
            if (r->v[i]->gone)
                router_forget(r, r->v[i]->app);
            else
                wait_anew(r->v[i]);
        r->not_before_ms = 0;
    }
    replace(&r->instance, instance);
    replace(&r->base, base.len ? str_text(&base) : NULL);
    replace(&r->why, api->port > 0 && !api->host ? api->why ? api->why : "" : NULL);
}

/* ---- making and ending ---- */

struct router *router_new(struct http *http, const char *dir)
{
    struct router *r = xcalloc(1, sizeof(*r));
    struct str folder = STR_INIT, temp = STR_INIT;

    str_addf(&folder, "%s/routes", dir);
    str_addf(&temp, "%s/.tmp", dir);
    r->temp = str_steal(&temp);
    r->http = http;
    r->dir = xstrdup(dir);
    r->folder = str_steal(&folder);
    r->folder_mtime_ns = -2;
    return r;
}

void router_free(struct router *r)
{
    if (!r)
        return;
    router_api_release(r);
    http_timer_cancel(r->http, r->soon);
    while (r->looks) {
        struct router_look *next = r->looks->next;

        free(r->looks);
        r->looks = next;
    }
    for (size_t i = 0; i < r->n; i++)
        entry_release(r->v[i]);
    router_seen_release(r);
    free((void *)r->v);
    free(r->dir);
    free(r->folder);
    free(r->temp);
    free(r->instance);
    free(r->base);
    free(r->why);
    free(r);
}

uint64_t router_calls(const struct router *r)
{
    return r->calls;
}
