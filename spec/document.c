/* document.c: one file's text into typed documents.
 *
 * In: the bytes of a file, where it stands, a loader for the files it names. Out: struct spec_file with every document that
 * could be decoded and every mistake. Kinds are told by the keys a document has; nothing of another kind is guessed at.
 * It never fails: a file that is no YAML at all is a broken file without documents. */
#include "spec/document.h"

#include <fnmatch.h>

#include "spec/base/arena.h"
#include "spec/bundle_rules.h"
#include "spec/compose.h"
#include "spec/compose_main.h"
#include "spec/compose_over.h"
#include "spec/decode.h"
#include "spec/draft.h"
#include "spec/env_file.h"
#include "spec/forms.h"
#include "spec/forms_link.h"
#include "spec/forms_secret.h"
#include "spec/validate.h"

bool app_name_valid(const char *name)
{
    size_t n = strlen(name);

    return n > 0 && n <= LIMIT_APP_NAME &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == n && name[0] != '-' &&
           name[n - 1] != '-';
}

/* ---- app ---- */

static void decode_flat(struct decode_ctx *c, const struct yaml_node *v, struct app_draft *d)
{
    struct service_draft *s = ARENA_NEW(c->arena, struct service_draft);
    const struct decode_target targets[] = {
        {&fields_app_flat, d, NULL},
        {&fields_service, s, NULL},
    };

    d->a.flat = true;
    d->services = s;
    d->n_services = 1;
    s->s.name = "app";
    s->s.at = d->a.at;
    s->node = v;
    (void)decode_fields(c, v, targets, ARRAY_LEN(targets));
    draft_declare(c, d);
}

static void decode_several(struct decode_ctx *c, const struct yaml_node *v, struct app_draft *d)
{
    const struct decode_target targets[] = {
        {&fields_app, d, NULL},
        {&fields_service, NULL, "a service; put it under `services: NAME:`"},
    };

    (void)decode_fields(c, v, targets, ARRAY_LEN(targets));
}

/* Where the keys of a service stand; those of Compose's extension are among them. */
static void note_places(struct decode_ctx *c, const struct service_draft *d, struct service *s)
{
    const struct yaml_node *more = yaml_get(d->node, "x-evenkeel");
    size_t room = d->node->n + (more && more->kind == YAML_MAP ? more->n : 0);
    struct key_place *v = ARENA_ARRAY(c->arena, room, struct key_place);

    for (size_t i = 0; i < room; i++) {
        const struct yaml_pair *pair =
            i < d->node->n ? &d->node->pairs[i] : &more->pairs[i - d->node->n];

        v[i] = (struct key_place){pair->key, decode_pair_place(c, pair)};
    }
    s->places = v;
    s->n_places = room;
}

static struct app *finish(struct decode_ctx *c, struct app_draft *d)
{
    struct app *a = ARENA_NEW(c->arena, struct app);

    *a = d->a;
    a->services = ARENA_ARRAY(c->arena, d->n_services, struct service);
    a->n_services = d->n_services;
    a->archive = c->loader ? c->loader->bundle : NULL;
    a->over = c->over ? c->over->at.file : NULL;
    for (size_t i = 0; i < d->n_services; i++) {
        note_places(c, &d->services[i], &d->services[i].s);
        a->services[i] = d->services[i].s;
    }
    return a;
}

/* !reset and !override say something where two Compose files are merged, and nothing here. */
static void refuse_tags(struct decode_ctx *c, const struct yaml_node *v)
{
    if (v->tag)
        decode_error(c, v, "leave it out", "`%s` is for Compose files that are merged", v->tag);
    for (size_t i = 0; i < v->n; i++)
        refuse_tags(c, v->kind == YAML_MAP ? v->pairs[i].value : v->items[i]);
}

/* Only the one service of a flat document can be a Compose file. */
static void check_strategies(struct decode_ctx *c, const struct app_draft *d)
{
    for (size_t i = 0; i < d->n_services; i++) {
        const struct service *s = &d->services[i].s;

        if (s->build.set && s->build.strategy && strcmp(s->build.strategy, "compose") == 0 &&
            (!d->a.flat || !source_may_be_compose(s)))
            decode_say(c, DIAG_ERROR, s->build.strategy_at, NULL,
                       d->a.flat ? "`strategy: compose` leaves nothing for `dockerfile`, `args`, "
                                   "`target`, `start`, `requirements`, or a `path` in a bundle"
                                 : "`strategy: compose` is for an `app:` that is written flat: its "
                                   "services are those of the Compose file");
    }
}

/* What is the same for every app, whatever it was written in. */
static void complete(struct decode_ctx *c, struct app_draft *d, size_t errors_before,
                     struct document *ret)
{
    for (size_t i = 0; i < d->n_services; i++) {
        if (!d->a.flat) {
            decode_enter(c, "services");
            decode_enter(c, d->services[i].s.name);
        }
        decode_enter(c, "env_file");
        env_file_merge(c, &d->services[i]);
        decode_leave(c);
        decode_enter(c, "label_file");
        label_file_merge(c, &d->services[i]);
        decode_leave(c);
        if (!d->a.flat) {
            decode_leave(c);
            decode_leave(c);
        }
    }
    links_join(c, d);
    secrets_join(c, d);
    check_strategies(c, d);
    bundle_default_source(c, d);
    validate_app(c, d);
    for (size_t i = 0; i < d->n_services; i++)
        if (d->services[i].s.build.bundle)
            strv_push(c->arena, &ret->bundles, d->services[i].s.build.bundle);
    ret->ok = c->diags->errors == errors_before;
    if (ret->ok)
        ret->app = finish(c, d);
}

static void decode_app_itself(struct decode_ctx *c, const struct yaml_node *v, struct document *ret)
{
    struct app_draft d = {.node = v};
    size_t before = c->diags->errors;

    refuse_tags(c, v);
    ret->tree = v;
    d.a.at = ret->at;
    if (yaml_get(v, "services"))
        decode_several(c, v, &d);
    else
        decode_flat(c, v, &d);
    complete(c, &d, before, ret);
}

/* ---- Compose ---- */

/* Beside `build:`, Compose's `image:` is the name that the result gets. */
static void drop_built_name(struct decode_ctx *c, struct service_draft *s)
{
    if (!s->s.image || !s->s.build.set)
        return;
    decode_say(
        c, DIAG_WARNING, decode_key_place(c, s->node, "image"), NULL,
        "`image` beside `build` has no effect: what is built is named after app and service");
    s->s.image = NULL;
}

static void decode_compose(struct decode_ctx *c, const struct yaml_node *v,
                           const struct compose_place *place, struct document *ret)
{
    size_t before = c->diags->errors;
    struct app_draft d = {0};
    struct compose_result r;

    const struct app *over = c->over;

    c->compose = true;
    c->within = c->loader && c->loader->bundle ? NULL : place->root; /* which knows its own end */
    compose_resolve(c, place, v, &r);
    ret->at = over ? over->at : r.at;
    ret->name = r.name;
    d.node = ret->tree = r.tree;
    d.a.at = ret->at;
    d.a.name = r.name;
    d.a.own_project = r.project;
    d.a.variables = r.variables;
    (void)decode_table(c, &fields_compose, r.tree, &d);
    for (size_t i = 0; i < d.n_services; i++) {
        d.services[i].s.defaults = DEFAULTS_COMPOSE;
        drop_built_name(c, &d.services[i]);
    }
    if (over)
        compose_over(c, over, &d);
    else
        compose_main(c, &d);
    complete(c, &d, before, ret);
    for (size_t i = 0; i < r.parts.n; i++)
        if (strcmp(r.parts.v[i], place->path) != 0)
            strv_push(c->arena, place->parts, r.parts.v[i]);
    c->compose = c->plain_dollars = false;
}

/* ---- an app whose source is a Compose file ---- */

const char *const compose_names[4] = {"compose.yaml", "compose.yml", "docker-compose.yml",
                                      "docker-compose.yaml"};

bool source_may_be_compose(const struct service *s)
{
    const struct build *b = &s->build;

    return b->set &&
           (!b->strategy || strcmp(b->strategy, "auto") == 0 ||
            strcmp(b->strategy, "compose") == 0) &&
           !b->dockerfile && !b->dockerfile_inline && !b->target && b->args.n == 0 && !s->start &&
           !s->requirements && !(b->bundle && b->path);
}

/* The first of Compose's names that a folder of the host has: its text, and *ret_path; NULL when it has none. */
static const char *find_compose(struct decode_ctx *c, const struct build *b, const char **ret_path,
                                size_t *ret_n)
{
    for (size_t i = 0; i < ARRAY_LEN(compose_names); i++) {
        const char *path = arena_printf(c->arena, "%s/%s", b->path, compose_names[i]), *text;
        struct err e = {0};

        strv_push(c->arena, c->reads, path);
        if (c->loader->read(c->loader->ctx, path, c->arena, &text, ret_n, &e) == 0) {
            *ret_path = path;
            return text;
        }
        if (e.kind == ERR_MISSING)
            continue;
        decode_say(c, DIAG_ERROR, b->at, NULL, "cannot read %s: %s", path, e.msg);
        return NULL;
    }
    if (b->strategy && strcmp(b->strategy, "compose") == 0)
        decode_say(c, DIAG_ERROR, b->strategy_at, "without `strategy` it is built in another way",
                   "there is no compose.yaml in %s", b->path);
    return NULL;
}

/* What stands at path, in a context of its own, over the app that names it. */
static void decode_source_file(struct decode_ctx *c, const char *path, const char *text, size_t n,
                               const struct compose_place *place, struct document *ret)
{
    struct yaml_file *file = ARENA_NEW(c->arena, struct yaml_file);
    const char *folder = ret->app->services[0].build.path;
    size_t before = c->diags->errors;
    struct decode_ctx own = {.arena = c->arena,
                             .diags = c->diags,
                             .file = file,
                             .dir = folder,
                             .loader = c->loader,
                             .reads = c->reads,
                             .over = ret->app};
    struct compose_place there = {.path = path, .parts = place->parts, .name = ret->app->name};

    there.root = compose_is_below(place->root, path) ? place->root : folder;
    ret->app = NULL;
    ret->ok = false;
    strv_push(c->arena, place->parts, path);
    if (yaml_parse(compose_shown(c, place, path), text, n, c->arena, c->diags, file) < 0)
        return;
    if (file->n_documents != 1 || file->documents[0]->kind != YAML_MAP) {
        if (c->diags->errors == before)
            diag_add(c->diags, DIAG_ERROR, (struct place){.file = file->name}, NULL, NULL, NULL,
                     "must hold exactly one document, a mapping");
        return;
    }
    decode_compose(&own, file->documents[0], &there, ret);
}

static void decode_app(struct decode_ctx *c, const struct yaml_node *v,
                       const struct compose_place *place, struct document *ret)
{
    const char *text, *path;
    size_t n;

    decode_app_itself(c, v, ret);
    if (!ret->ok || !ret->app->flat || !c->loader || c->loader->bundle ||
        !source_may_be_compose(&ret->app->services[0]) || ret->app->services[0].build.bundle)
        return;
    size_t before = c->diags->errors;

    text = find_compose(c, &ret->app->services[0].build, &path, &n);
    if (text)
        decode_source_file(c, path, text, n, place, ret);
    else
        ret->ok = c->diags->errors == before;
    if (!ret->ok)
        ret->app = NULL;
}

/* A file that only changes another one is read with that one. */
static void decode_part(struct decode_ctx *c, const struct yaml_node *v, const char *whole,
                        struct document *ret)
{
    static const char *const ends[] = {"yaml", "yml"};

    ret->ok = true;
    for (size_t i = 0; c->loader && i < ARRAY_LEN(ends); i++) {
        const char *text, *path = arena_printf(c->arena, "%s.%s", whole, ends[i]);
        struct err e;
        size_t n;

        strv_push(c->arena, c->reads, path);
        if (c->loader->read(c->loader->ctx, path, c->arena, &text, &n, &e) == 0 ||
            e.kind != ERR_MISSING)
            return;
    }
    if (!c->loader)
        return;
    ret->ok = false;
    decode_error(c, v, "rename one of the two", "it changes %s.yaml, which is not there", whole);
}

/* ---- override ---- */

static void decode_override(struct decode_ctx *c, const struct yaml_node *v, struct document *ret)
{
    struct override *o = ARENA_NEW(c->arena, struct override);
    size_t before = c->diags->errors;

    o->at = ret->at;
    c->plain_dollars = true; /* names of tokens and hosts, as they are */
    (void)decode_table(c, &fields_override, v, o);
    const struct yaml_node *state = yaml_get(v, "state");

    o->has_state = state && state->kind != YAML_NULL;
    if (o->until_ms && !o->hold)
        decode_say(c, DIAG_ERROR, decode_key_place(c, v, "until"), "write `hold: true` too",
                   "`until` ends `hold`, which is not there");
    if (o->volumes && (!o->has_state || o->state != WISH_REMOVED))
        decode_say(c, DIAG_ERROR, decode_key_place(c, v, "volumes"), "write `state: removed` too",
                   "`volumes` says what becomes of them when the app is removed, which it is not");
    ret->ok = c->diags->errors == before;
    if (ret->ok)
        ret->override = o;
}

/* ---- which kind ---- */

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* Should a file of this name hold a spec? */
static bool named_like_spec(const char *path)
{
    const char *base = base_of(path);

    return fnmatch("*compose*.y*ml", base, 0) == 0 || fnmatch("*.app.y*ml", base, 0) == 0;
}

static void say_foreign(struct decode_ctx *c, const struct yaml_node *v, bool spec_expected)
{
    static const char *const kinds[] = {"app", "override", "services"};
    const char *hint = NULL;

    for (size_t i = 0; v->kind == YAML_MAP && !hint && i < v->n; i++) {
        const char *nearest = str_nearest(v->pairs[i].key, kinds, ARRAY_LEN(kinds));

        if (nearest)
            hint =
                arena_printf(c->arena, "did you mean \"%s\" by \"%s\"?", nearest, v->pairs[i].key);
    }
    decode_say(c, spec_expected ? DIAG_ERROR : DIAG_NOTE, decode_place(c, v), hint,
               "not a spec: it has neither `app:` nor `override:` nor `services:`");
}

/* At most one of the keys that say what a document is. */
static bool one_kind(struct decode_ctx *c, const struct yaml_node *v)
{
    static const char *const kinds[] = {"app", "override", "host"};
    const char *first = NULL;

    for (size_t i = 0; v->kind == YAML_MAP && i < v->n; i++) {
        for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
            if (strcmp(v->pairs[i].key, kinds[k]) != 0)
                continue;
            if (first) {
                decode_say(c, DIAG_ERROR, decode_key_place(c, v, kinds[k]),
                           "put them into two documents, with --- between",
                           "`%s` and `%s` in one document", first, kinds[k]);
                return false;
            }
            first = kinds[k];
        }
    }
    return true;
}

/* The name that a document claims, even if the rest of it is broken. */
static void read_name(struct decode_ctx *c, const struct yaml_node *v, const char *key,
                      struct document *ret)
{
    const struct yaml_node *name = yaml_get(v, key);

    ret->at = decode_place(c, name);
    if (name->text && app_name_valid(name->text))
        ret->name = name->text;
}

static void decode_document(struct decode_ctx *c, const struct yaml_node *v,
                            const struct compose_place *place, struct document *ret)
{
    const char *whole;

    *ret = (struct document){.kind = DOC_FOREIGN, .at = decode_place(c, v)};
    if (!one_kind(c, v)) {
        if (yaml_get(v, "app")) {
            ret->kind = DOC_APP;
            read_name(c, v, "app", ret);
        }
    } else if (yaml_get(v, "app")) {
        ret->kind = DOC_APP;
        read_name(c, v, "app", ret);
        decode_app(c, v, place, ret);
    } else if (yaml_get(v, "override")) {
        ret->kind = DOC_OVERRIDE;
        read_name(c, v, "override", ret);
        decode_override(c, v, ret);
    } else if (yaml_get(v, "host")) {
        decode_say(c, DIAG_ERROR, decode_key_place(c, v, "host"), NULL,
                   "`host` is not supported by this version yet");
    } else if (yaml_get(v, "services") || yaml_get(v, "include")) {
        ret->kind = DOC_COMPOSE;
        whole = compose_overridden(place->path, c->arena);
        if (whole)
            decode_part(c, v, whole, ret);
        else
            decode_compose(c, v, place, ret);
    } else {
        say_foreign(c, v, named_like_spec(place->path));
    }
}

static bool blank(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!strchr(" \t\r\n", text[i]) || !text[i])
            return false;
    return true;
}

void document_parse(const char *root, const char *path, const char *name, const char *dir,
                    const char *text, size_t n, const struct loader *loader, struct arena *a,
                    struct spec_file *ret)
{
    struct yaml_file file;

    *ret = (struct spec_file){
        .root = root, .path = path, .name = name, .bundle = loader ? loader->bundle : NULL};
    diag_init(&ret->diags, a);
    /* An empty file is a save that was cut off more often than a wish to remove what it held. */
    if (blank(text, n)) {
        diag_add(&ret->diags, DIAG_ERROR, (struct place){.file = name}, NULL, NULL,
                 "delete the file to remove what it held", "the file is empty");
    } else if (yaml_parse(name, text, n, a, &ret->diags, &file) == 0) {
        struct decode_ctx c = {.arena = a,
                               .diags = &ret->diags,
                               .file = &file,
                               .dir = dir,
                               .loader = loader,
                               .reads = &ret->reads,
                               .over = loader ? loader->over : NULL};
        const char *inside = loader && loader->bundle ? loader->inside : NULL;

        const char *whole = arena_printf(a, "%s/%s", dir, inside ? inside : base_of(path));
        /* A root may be the file itself: what belongs to it stands in its folder. */
        bool alone = strcmp(root, whole) == 0;
        const struct compose_place place = {
            .root = (loader && loader->bundle) || alone ? dir : root,
            .path = whole,
            .parts = &ret->parts,
            .name = c.over ? c.over->name : NULL,
        };

        ret->documents = ARENA_ARRAY(a, file.n_documents, struct document);
        ret->n_documents = file.n_documents;
        for (size_t i = 0; i < file.n_documents; i++)
            decode_document(&c, file.documents[i], &place, &ret->documents[i]);
    }
    diag_sort(&ret->diags);
    ret->broken = ret->diags.errors > 0;
}
