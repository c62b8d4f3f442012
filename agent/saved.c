/* A pass as JSON and back.
 *
 * Comes in: the texts of all files as they were parsed, what the engine had, settings, clock, history. Goes out: one JSON document, from which the same desired
 * state is parsed and the same plan is made. Refuses documents of another format version. */
#include "agent/saved.h"

#include "drivers/fsx.h"
#include "reconcile/bind.h"
#include "spec/base/arena.h"
#include "spec/base/js.h"

#define SAVED_FORMAT 1

/* ---- writing ---- */

struct text_lists {
    json_t *files, *overrides, *reads;
    const char *overrides_dir;
};

static void add_text(void *user, const char *root, const char *path, const char *text, size_t n)
{
    struct text_lists *l = user;
    json_t *body = json_stringn(text, n);
    if (!body) /* not UTF-8: it parsed into a diagnostic, and does so again from its length */
        body = json_string("\xef\xbf\xbd");
    json_t *x = json_pack("{s:s, s:o}", "path", path, "text", body);
    if (!root) {
        json_array_append_new(l->reads, x);
    } else if (l->overrides_dir && strcmp(root, l->overrides_dir) == 0) {
        json_array_append_new(l->overrides, x);
    } else {
        json_object_set_new(x, "root", json_string(root));
        json_array_append_new(l->files, x);
    }
}

static json_t *num_json(const struct num *n)
{
    return n->set ? json_integer(n->v) : json_null();
}

static json_t *settings_json(const struct settings *s)
{
    return json_pack("{s:s, s:s, s:i, s:o, s:o, s:o, s:i}", "owner", s->owner, "pool", s->pool, "prefix",
                     s->pool_prefix, "memory", num_json(&s->mem_limit), "cpus", num_json(&s->nano_cpus), "pids",
                     num_json(&s->pids_limit), "drift", (int)s->drift);
}

static json_t *roots_json(const struct spec_set *set)
{
    json_t *l = json_array();
    for (size_t i = 0; i < set->n_roots; i++)
        json_array_append_new(
            l, json_pack("{s:s, s:b}", "path", set->roots[i].path, "readable", (int)set->roots[i].readable));
    return l;
}

void saved_write(const struct core *c, const struct core_pass *p, struct str *out)
{
    const struct plan_input *in = &p->input;
    struct arena *a = arena_new();
    struct text_lists texts = {json_array(), json_array(), json_array(), fsx_join(c->options->state, "overrides", a)};
    sources_each_text(c->sources, add_text, &texts);
    json_t *v = json_pack("{s:i, s:I, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o}", "format", SAVED_FORMAT, "now",
                          (json_int_t)in->now_ms, "settings", settings_json(&c->options->settings), "roots",
                          roots_json(sources_set(c->sources)), "files", texts.files, "overrides", texts.overrides,
                          "reads", texts.reads, "overrides_dir", texts.overrides_dir, "incumbents",
                          js_from_kvs(&c->incumbents), "observed", observed_to_json(in->observed));
    json_object_set_new(v, "scope", js_from_strv(&in->scope));
    json_object_set_new(v, "reserved", js_from_strv(&in->reserved_subnets));
    json_object_set_new(v, "routes", js_from_strv(&in->host_routes));
    json_object_set_new(v, "last_hash", js_from_kvs(&in->history->last_hash));
    json_object_set_new(v, "handmade", js_from_kvs(&in->history->handmade));
    json_object_set_new(v, "released", js_from_strv(&in->released));
    if (in->confirmed_removals)
        json_object_set_new(v, "confirmed", json_string(in->confirmed_removals));
    js_canonical(v, out);
    json_decref(v);
    arena_free(a);
}

/* ---- reading ---- */

static int read_saved(void *ctx, const char *path, struct arena *a, const char **ret_text, size_t *ret_n,
                      struct err *e)
{
    const json_t *reads = ctx, *x;
    size_t i;
    json_array_foreach((json_t *)reads, i, x)
    {
        const char *text = js_str(x, "text", NULL);
        if (text && strcmp(js_str(x, "path", ""), path) == 0) {
            *ret_text = arena_strdup(a, text);
            *ret_n = strlen(text);
            return 0;
        }
    }
    return err_set(e, ERR_MISSING, "%s was not there when the pass was saved", path);
}

static const char *folder_of(const char *root, const char *path, struct arena *a)
{
    const char *whole = fsx_join(root, path, a), *slash = strrchr(whole, '/');
    return slash && slash != whole ? arena_strndup(a, whole, (size_t)(slash - whole)) : "/";
}

static const struct spec_file *const *files_from(const json_t *list, const char *fixed_root, const json_t *reads,
                                                 struct arena *a, size_t *ret_n)
{
    struct loader loader = {.read = read_saved, .ctx = (void *)reads};
    size_t n = json_array_size(list), i;
    const struct spec_file **v = ARENA_ARRAY(a, n ? n : 1, const struct spec_file *);
    const json_t *x;
    json_array_foreach((json_t *)list, i, x)
    {
        struct spec_file *f = ARENA_NEW(a, struct spec_file);
        const char *root = arena_strdup(a, fixed_root ? fixed_root : js_str(x, "root", "/"));
        const char *path = arena_strdup(a, js_str(x, "path", "?"));
        const char *text = arena_strdup(a, js_str(x, "text", ""));
        document_parse(root, path, fsx_join(root, path, a), folder_of(root, path, a), text, strlen(text), &loader, a, f);
        v[i] = f;
    }
    *ret_n = n;
    return v;
}

static struct num num_from(const json_t *v, const char *key)
{
    const json_t *x = json_object_get(v, key);
    return json_is_integer(x) ? (struct num){json_integer_value(x), true} : (struct num){0};
}

static struct settings *settings_from(const json_t *v, struct arena *a)
{
    struct settings *s = ARENA_NEW(a, struct settings);
    *s = (struct settings){
        .owner = arena_strdup(a, js_str(v, "owner", "default")),
        .pool = arena_strdup(a, js_str(v, "pool", "10.213.0.0/16")),
        .pool_prefix = (int)js_int(v, "prefix", 26),
        .mem_limit = num_from(v, "memory"),
        .nano_cpus = num_from(v, "cpus"),
        .pids_limit = num_from(v, "pids"),
        .drift = (enum drift_mode)js_int(v, "drift", DRIFT_HEAL),
    };
    return s;
}

static struct spec_set *set_from(const json_t *v, struct arena *a)
{
    struct spec_set *set = ARENA_NEW(a, struct spec_set);
    const json_t *roots = json_object_get(v, "roots"), *reads = json_object_get(v, "reads"), *x;
    size_t n = json_array_size(roots), i;
    struct spec_root *r = ARENA_ARRAY(a, n ? n : 1, struct spec_root);
    json_array_foreach((json_t *)roots, i, x)
    {
        r[i] = (struct spec_root){arena_strdup(a, js_str(x, "path", "/")), js_bool(x, "readable", true)};
    }
    set->roots = r;
    set->n_roots = n;
    set->files = files_from(json_object_get(v, "files"), NULL, reads, a, &set->n_files);
    set->overrides = files_from(json_object_get(v, "overrides"), js_str(v, "overrides_dir", "/"), reads, a,
                                &set->n_overrides);
    return set;
}

int saved_read(const char *text, size_t n, struct arena *a, struct plan_input *ret, struct err *e)
{
    json_auto_t *v = js_parse(text, n, e);
    if (!v)
        return err_wrap(e, "saved pass");
    if (js_int(v, "format", 0) != SAVED_FORMAT)
        return err_set(e, ERR_USER, "the saved pass has format %lld; this version reads format %d",
                       (long long)js_int(v, "format", 0), SAVED_FORMAT);
    struct observed *o = observed_from_json(json_object_get(v, "observed"), a, e);
    if (!o)
        return err_wrap(e, "saved pass");
    struct kvs incumbents = {0};
    struct history *h = ARENA_NEW(a, struct history);
    js_kvs(v, "incumbents", a, &incumbents);
    js_kvs(v, "last_hash", a, &h->last_hash);
    js_kvs(v, "handmade", a, &h->handmade);
    int64_t now = js_int(v, "now", 0);
    const struct settings *s = settings_from(json_object_get(v, "settings"), a);
    struct desired *d = desired_build(set_from(v, a), s, &incumbents, now, a);
    bind_images(d, o, a);
    struct plan_input in = {.desired = d, .observed = o, .history = h, .now_ms = now};
    js_strv(v, "scope", a, &in.scope);
    js_strv(v, "reserved", a, &in.reserved_subnets);
    js_strv(v, "released", a, &in.released);
    js_strv(v, "routes", a, &in.host_routes);
    in.confirmed_removals = arena_strdup(a, js_str(v, "confirmed", NULL));
    *ret = in;
    return 0;
}
