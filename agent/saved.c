/* A pass as JSON and back.
 *
 * Comes in: the texts of all files as they were parsed, what was read of the sources of builds, what the engine had, settings, clock, history. Goes out: one JSON document, from which the same desired
 * state is parsed and the same plan is made. Refuses documents of another format version. */
#include "agent/saved.h"

#include "agent/bundle_open.h"
#include "agent/saved_ingress.h"
#include "agent/saved_part.h"
#include "drivers/fsx.h"
#include "reconcile/bind.h"
#include "spec/base/arena.h"
#include "spec/base/js.h"

#define SAVED_FORMAT 1

/* ---- writing ---- */

struct text_lists {
    json_t *files, *overrides, *reads;
    const char *overrides_dir;
    const struct saved_part *part;
};

static bool takes_text(void *user, const char *root, const char *path)
{
    return saved_part_has_file(((struct text_lists *)user)->part, root, path);
}

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

struct digests {
    const struct saved_part *part;
    json_t *all;
};

static bool takes_digests(void *user, const char *root, const char *path)
{
    return saved_part_has_file(((struct digests *)user)->part, root, path);
}

static void add_digest(void *user, const char *path, const char *digest)
{
    (void)json_object_set_new(((struct digests *)user)->all, path, json_string(digest));
}

static json_t *num_json(const struct num *n)
{
    return n->set ? json_integer(n->v) : json_null();
}

static json_t *policy_json(const struct policy *p)
{
    json_t *l = json_array();
    for (size_t i = 0; i < p->n; i++)
        json_array_append_new(l, json_pack("{s:s, s:s, s:s*}", "app", p->v[i].app, "word",
                                           p->v[i].word, "value", p->v[i].value));
    return l;
}

static json_t *limits_json(const struct build_limits *l)
{
    return json_pack("{s:I, s:I, s:i, s:i, s:i, s:i, s:I}", "max_size", (json_int_t)l->total_bytes,
                     "max_file", (json_int_t)l->file_bytes, "max_entries", l->entries, "max_path",
                     l->path_bytes, "max_depth", l->depth, "max_ratio", l->ratio, "timeout",
                     (json_int_t)l->time_ms);
}

static struct build_limits limits_from(const json_t *v)
{
    return (struct build_limits){
        .total_bytes = js_int(v, "max_size", 0),
        .file_bytes = js_int(v, "max_file", 0),
        .entries = (int)js_int(v, "max_entries", 0),
        .path_bytes = (int)js_int(v, "max_path", 0),
        .depth = (int)js_int(v, "max_depth", 0),
        .ratio = (int)js_int(v, "max_ratio", 0),
        .time_ms = js_int(v, "timeout", 0),
    };
}

static json_t *settings_json(const struct settings *s)
{
    return json_pack(
        "{s:s, s:s, s:i, s:o, s:o, s:o, s:i, s:o, s:I, s:o, s:o, s:I, s:s*, s:s*, s:o}", "owner",
        s->owner, "pool", s->pool, "prefix", s->pool_prefix, "memory", num_json(&s->mem_limit),
        "cpus", num_json(&s->nano_cpus), "pids", num_json(&s->pids_limit), "drift", (int)s->drift,
        "build_allow", js_from_strv(&s->build_allow), "build_timeout",
        (json_int_t)s->build_timeout_ms, "bundles", limits_json(&s->build_limits), "ingress",
        saved_ingress_settings(&s->ingress), "quarantine", (json_int_t)s->quarantine_ms, "mounts",
        s->files_dir, "mounts_key", s->files_key, "policy", policy_json(&s->policy));
}

static json_t *roots_json(const struct spec_set *set)
{
    json_t *l = json_array();
    for (size_t i = 0; i < set->n_roots; i++)
        json_array_append_new(l, json_pack("{s:s, s:b}", "path", set->roots[i].path, "readable",
                                           (int)set->roots[i].readable));
    return l;
}

static json_t *facts_json(const struct context_facts *f)
{
    static const char *const states[] = {
        [FACTS_WORKING] = "working", [FACTS_READY] = "ready", [FACTS_FAILED] = "failed"};
    return json_pack(
        "{s:s, s:s, s:s*, s:s*, s:s*, s:s*, s:s*, s:s*, s:o, s:o, s:o, s:b, s:b, s:i, s:I, s:s*, "
        "s:s*, s:o*, s:o*}",
        "key", f->key, "state", states[f->state], "error", f->error, "digest", f->digest,
        "fingerprint", f->fingerprint, "dockerfile", f->dockerfile, "dockerfile_text",
        f->dockerfile_text, "made_for", f->made_for, "images", js_from_strv(&f->images),
        "platforms", js_from_strv(&f->platforms), "notes", js_from_strv(&f->notes),
        "needs_buildkit", (int)f->needs_buildkit, "asks_platform", (int)f->asks_platform, "port",
        f->port, "bytes", (json_int_t)f->bytes, "tool", f->tool, "builder", f->builder, "files",
        f->files.n ? js_from_kvs(&f->files) : NULL, "args",
        f->args.n ? js_from_kvs(&f->args) : NULL);
}

/* Does it stand for nothing, since it cannot be read? */
static bool broken_bundle(const struct desired *d, const char *path)
{
    for (size_t i = 0; i < d->n_files; i++)
        if (d->files[i]->bundle && strcmp(d->files[i]->bundle, path) == 0)
            return d->files[i]->broken && d->files[i]->n_documents == 0;
    return false;
}

/* What the worker has read: facts, and the specs inside archives (neither text nor error: not read yet). */
static void add_sources(const struct core *c, const struct desired *d,
                        const struct saved_part *part, json_t *v)
{
    json_t *facts = json_array(), *bundles = json_object();
    size_t n = 0;
    const struct context_facts *const *known = c->contexts ? contexts_facts(c->contexts, &n) : NULL;
    for (size_t i = 0; i < n; i++) {
        json_t *x = saved_part_has_facts(part, known[i]->key) ? facts_json(known[i]) : NULL;
        if (x) /* not UTF-8: as if it was still being read */
            json_array_append_new(facts, x);
    }
    for (size_t i = 0; c->contexts && i < c->bundles.n; i++) {
        if (!saved_part_has_bundle(part, c->bundles.v[i]))
            continue;
        const struct bundle_spec *spec = contexts_bundle_spec(c->contexts, c->bundles.v[i]);
        json_t *x = spec ? json_pack("{s:s, s:s, s:o}", "name", spec->name, "text", spec->text,
                                     "files", js_from_kvs(&spec->files))
                         : json_object();
        if (x && broken_bundle(d, c->bundles.v[i]))
            (void)json_object_set_new(
                x, "error", json_string(contexts_bundle_error(c->contexts, c->bundles.v[i])));
        if (x) /* not UTF-8: as if it was still being read */
            json_object_set_new(bundles, c->bundles.v[i], x);
    }
    json_object_set_new(v, "facts", facts);
    json_object_set_new(v, "bundles", bundles);
}

static void write_part(const struct core *c, const struct core_pass *p,
                       const struct saved_part *part, struct str *out)
{
    const struct plan_input *in = &p->input;
    struct arena *a = arena_new();
    struct text_lists texts = {json_array(), json_array(), json_array(),
                               fsx_join(c->options->state, "overrides", a), part};
    sources_each_text(c->sources, takes_text, add_text, &texts);
    json_t *v = json_pack(
        "{s:i, s:I, s:s, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o}", "format", SAVED_FORMAT, "now",
        (json_int_t)in->now_ms, "holds", part->everything ? "everything" : "scope", "settings",
        settings_json(in->desired->settings), "roots", roots_json(sources_set(c->sources)), "files",
        texts.files, "overrides", texts.overrides, "reads", texts.reads, "overrides_dir",
        texts.overrides_dir, "incumbents", js_from_kvs(&part->incumbents), "observed",
        observed_to_json(part->observed));
    struct digests digests = {part, json_object()};
    sources_each_digest(c->sources, takes_digests, add_digest, &digests);
    json_object_set_new(v, "digests", digests.all);
    add_sources(c, in->desired, part, v);
    saved_ingress_add(&part->set, v);
    json_object_set_new(v, "scope", js_from_strv(&in->scope));
    json_object_set_new(v, "reserved", js_from_strv(&in->reserved_subnets));
    json_object_set_new(v, "routes", js_from_strv(&in->host_routes));
    json_object_set_new(v, "last_hash", js_from_kvs(&part->history.last_hash));
    json_object_set_new(v, "handmade", js_from_kvs(&part->history.handmade));
    json_object_set_new(v, "watched", json_boolean(in->history->watched));
    json_object_set_new(v, "released", js_from_strv(&in->released));
    if (in->confirmed_removals)
        json_object_set_new(v, "confirmed", json_string(in->confirmed_removals));
    js_canonical(v, out);
    json_decref(v);
    arena_free(a);
}

/* Whether a plan needs more than its part of the world is not argued about: it is made from that part, and must be the same. */
static bool replays(const struct core_pass *p, const struct str *saved)
{
    struct arena *a = arena_new();
    struct plan_input in;
    bool same = saved_read(saved->buf, saved->len, a, &in, &(struct err){0}) == 0;
    if (same) {
        json_auto_t *was = plan_to_json(p->plan), *is = plan_to_json(plan_build(&in, a));
        same = json_equal(was, is);
    }
    arena_free(a);
    return same;
}

void saved_write(const struct core *c, const struct core_pass *p, struct str *out)
{
    struct arena *a = arena_new();
    struct saved_part part;
    bool done = false;
    if (saved_part_scope(c, p, a, &part)) {
        write_part(c, p, &part, out);
        done = replays(p, out);
    }
    if (!done) {
        str_clear(out);
        saved_part_all(c, p, &part);
        write_part(c, p, &part, out);
    }
    arena_free(a);
}

/* ---- reading ---- */

static int read_saved(void *ctx, const char *path, struct arena *a, const char **ret_text,
                      size_t *ret_n, struct err *e)
{
    const json_t *reads = json_object_get(ctx, "reads"), *x;
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

/* What had none was a folder, or not there; then the spec complained, and does so again. */
static int digest_saved(void *ctx, const char *path, struct arena *a, const char **ret_digest,
                        struct err *e)
{
    const char *digest = json_string_value(json_object_get(json_object_get(ctx, "digests"), path));
    if (!digest)
        return err_set(e, ERR_MISSING, "%s was not there when the pass was saved", path);
    *ret_digest = *digest ? arena_strdup(a, digest) : NULL;
    return 0;
}

static const char *folder_of(const char *root, const char *path, struct arena *a)
{
    const char *whole = fsx_join(root, path, a), *slash = strrchr(whole, '/');
    return slash && slash != whole ? arena_strndup(a, whole, (size_t)(slash - whole)) : "/";
}

static const struct spec_file *const *files_from(const json_t *list, const char *fixed_root,
                                                 const json_t *pass, struct arena *a, size_t *ret_n)
{
    size_t n = json_array_size(list), i;
    const struct spec_file **v = ARENA_ARRAY(a, n ? n : 1, const struct spec_file *);
    const json_t *x;
    json_array_foreach((json_t *)list, i, x)
    {
        struct spec_file *f = ARENA_NEW(a, struct spec_file);
        const char *root = arena_strdup(a, fixed_root ? fixed_root : js_str(x, "root", "/"));
        const char *path = arena_strdup(a, js_str(x, "path", "?"));
        const char *text = arena_strdup(a, js_str(x, "text", ""));
        struct loader loader = {.read = read_saved, .digest = digest_saved, .ctx = (void *)pass};
        if (bundle_name(path))
            loader.bundle = fsx_join(root, path, a);
        document_parse(root, path, fsx_join(root, path, a), folder_of(root, path, a), text,
                       strlen(text), &loader, a, f);
        v[i] = f;
    }
    *ret_n = n;
    return v;
}

static enum facts_state facts_state_from(const char *word)
{
    return strcmp(word, "ready") == 0    ? FACTS_READY
           : strcmp(word, "failed") == 0 ? FACTS_FAILED
                                         : FACTS_WORKING;
}

static const struct context_facts *const *facts_from(const json_t *list, struct arena *a,
                                                     size_t *ret_n)
{
    size_t n = json_array_size(list), i;
    const struct context_facts **v = ARENA_ARRAY(a, n ? n : 1, const struct context_facts *);
    const json_t *x;
    json_array_foreach((json_t *)list, i, x)
    {
        struct context_facts *f = ARENA_NEW(a, struct context_facts);
        *f = (struct context_facts){
            .key = arena_strdup(a, js_str(x, "key", "")),
            .state = facts_state_from(js_str(x, "state", "")),
            .error = arena_strdup(a, js_str(x, "error", NULL)),
            .digest = arena_strdup(a, js_str(x, "digest", NULL)),
            .fingerprint = arena_strdup(a, js_str(x, "fingerprint", NULL)),
            .dockerfile = arena_strdup(a, js_str(x, "dockerfile", NULL)),
            .dockerfile_text = arena_strdup(a, js_str(x, "dockerfile_text", NULL)),
            .made_for = arena_strdup(a, js_str(x, "made_for", NULL)),
            .tool = arena_strdup(a, js_str(x, "tool", NULL)),
            .builder = arena_strdup(a, js_str(x, "builder", NULL)),
            .needs_buildkit = js_bool(x, "needs_buildkit", false),
            .asks_platform = js_bool(x, "asks_platform", false),
            .port = (int)js_int(x, "port", 0),
            .bytes = js_int(x, "bytes", 0),
        };
        js_strv(x, "images", a, &f->images);
        js_kvs(x, "files", a, &f->files);
        js_kvs(x, "args", a, &f->args);
        js_strv(x, "platforms", a, &f->platforms);
        js_strv(x, "notes", a, &f->notes);
        v[i] = f;
    }
    *ret_n = n;
    return v;
}

struct saved_bundles {
    const json_t *list;
    struct arena *arena;
};

static const struct bundle_spec *saved_bundle(void *ctx, const char *path)
{
    const struct saved_bundles *b = ctx;
    const json_t *x = json_object_get(b->list, path);
    if (!js_str(x, "text", NULL))
        return NULL;
    struct bundle_spec *spec = ARENA_NEW(b->arena, struct bundle_spec);
    spec->text = arena_strdup(b->arena, js_str(x, "text", ""));
    /* Before there were others it was not said which one it is. */
    spec->name = arena_strdup(b->arena, js_str(x, "name", *spec->text ? "evenkeel.yaml" : ""));
    js_kvs(x, "files", b->arena, &spec->files);
    return spec;
}

/* Archives stand for the specs inside them; a pass saved before anything was read from archives has no list of them. */
static const struct spec_file *const *opened(const struct spec_file *const *files, size_t n,
                                             const json_t *bundles, struct arena *a)
{
    const struct spec_file **v = ARENA_ARRAY(a, n ? n : 1, const struct spec_file *);
    struct saved_bundles known = {bundles, a};
    for (size_t i = 0; i < n; i++) {
        const char *path = files[i]->bundle;
        const json_t *x = path ? json_object_get(bundles, path) : NULL;
        v[i] = x      ? bundle_open(files[i], saved_bundle(&known, path),
                                    arena_strdup(a, js_str(x, "error", NULL)), a)
               : path ? files[i]
                      : bundle_join(files[i], saved_bundle, &known, a);
    }
    return v;
}

static struct num num_from(const json_t *v, const char *key)
{
    const json_t *x = json_object_get(v, key);
    return json_is_integer(x) ? (struct num){json_integer_value(x), true} : (struct num){0};
}

static void policy_from(const json_t *v, struct arena *a, struct policy *ret)
{
    const json_t *x;
    size_t i;
    ret->v = ARENA_ARRAY(a, json_array_size(v), struct policy_rule);
    json_array_foreach((json_t *)v, i, x)
    {
        const char *word = js_str(x, "word", "");
        const struct policy_word *known = policy_word_find(word, strlen(word));
        if (known)
            ret->v[ret->n++] =
                (struct policy_rule){arena_strdup(a, js_str(x, "app", "")), known->word,
                                     arena_strdup(a, js_str(x, "value", NULL))};
    }
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
        .files_dir = arena_strdup(a, js_str(v, "mounts", NULL)),
        .files_key = arena_strdup(a, js_str(v, "mounts_key", NULL)),
        .build_timeout_ms = js_int(v, "build_timeout", 0),
        .build_limits = limits_from(json_object_get(v, "bundles")),
        .quarantine_ms = js_int(v, "quarantine", 0),
    };
    js_strv(v, "build_allow", a, &s->build_allow);
    saved_ingress_settings_from(json_object_get(v, "ingress"), a, &s->ingress);
    policy_from(json_object_get(v, "policy"), a, &s->policy);
    return s;
}

static struct spec_set *set_from(const json_t *v, struct arena *a)
{
    struct spec_set *set = ARENA_NEW(a, struct spec_set);
    const json_t *roots = json_object_get(v, "roots"), *x;
    size_t n = json_array_size(roots), i;
    struct spec_root *r = ARENA_ARRAY(a, n ? n : 1, struct spec_root);
    json_array_foreach((json_t *)roots, i, x)
    {
        r[i] = (struct spec_root){arena_strdup(a, js_str(x, "path", "/")),
                                  js_bool(x, "readable", true)};
    }
    set->roots = r;
    set->n_roots = n;
    set->files = files_from(json_object_get(v, "files"), NULL, v, a, &set->n_files);
    set->files = opened(set->files, set->n_files, json_object_get(v, "bundles"), a);
    set->facts = facts_from(json_object_get(v, "facts"), a, &set->n_facts);
    set->overrides = files_from(json_object_get(v, "overrides"), js_str(v, "overrides_dir", "/"), v,
                                a, &set->n_overrides);
    saved_ingress_from(v, a, set);
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
    h->watched = js_bool(v, "watched", false);
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
