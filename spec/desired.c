/* desired.c: every file together: who holds which name, what overrides say, who may have which port.
 *
 * In: the decoded files of all roots and the overrides, the agent's settings, the apps the engine already runs, the time. Out: struct
 * desired, sorted, the same for the same input. It disturbs nobody for another's mistake: a broken document freezes its own
 * app, a second claim on a name leaves the first where it is. Costs n log n in the number of apps. */
#include "spec/desired.h"

#include "spec/base/arena.h"
#include "spec/desired_app.h"
#include "spec/desired_claims.h"
#include "spec/desired_ingress.h"
#include "spec/desired_memo.h"
#include "spec/desired_parts.h"
#include "spec/forms.h"
#include "spec/policy.h"

/* One document that names an app. */
struct candidate {
    const char *name;
    const struct spec_file *file;
    const struct document *doc;
    size_t rank; /* in the order of roots, paths, documents */
};

struct builder {
    const struct spec_set *set;
    const struct settings *settings;
    const struct kvs *incumbents;
    int64_t now_ms;
    struct arena *arena;
    struct desired *out;
    struct candidate *apps, *overrides; /* sorted by name, rank */
    size_t n_apps, n_overrides;
    const struct spec_file *
        *unreadable; /* broken, and it cannot be told which apps it holds; sorted by root, path */
    size_t n_unreadable;
    struct strv named; /* archives that a spec names, sorted */
    size_t *rank;      /* of out->apps */
    struct str scratch;
};

/* ---- gathering ---- */

static int cmp_candidate(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    int order = strcmp(x->name, y->name);

    return order ? order : (x->rank > y->rank) - (x->rank < y->rank);
}

/* Both languages end up here, and nothing behind asks which it was. */
static enum doc_kind kind_of(const struct document *doc)
{
    return doc->kind == DOC_COMPOSE ? DOC_APP : doc->kind;
}

static void out_of_place(struct builder *b, const struct document *doc)
{
    diag_add(&b->out->diags, DIAG_ERROR, doc->at, NULL, NULL,
             kind_of(doc) == DOC_APP ? "put it into a root"
                                     : "overrides are made by `evenkeel stop`, `hold` and the like",
             kind_of(doc) == DOC_APP ? "an app among the overrides is not deployed"
                                     : "an override beside the apps has no effect");
}

/* An archive that a spec names is no app by itself. */
static void gather_named(struct builder *b)
{
    for (size_t i = 0; i < b->set->n_files; i++) {
        const struct spec_file *f = b->set->files[i];

        for (size_t k = 0; k < f->n_documents && !f->bundle; k++)
            for (size_t s = 0; s < f->documents[k].bundles.n; s++)
                strv_push(b->arena, &b->named, f->documents[k].bundles.v[s]);
    }
    strv_sort(&b->named);
}

static int cmp_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_named(const struct builder *b, const struct spec_file *f)
{
    return f->bundle && b->named.n > 0 &&
           bsearch(&f->bundle, b->named.v, b->named.n, sizeof(b->named.v[0]), cmp_text);
}

static size_t gather(struct builder *b, const struct spec_file *const *files, size_t n,
                     enum doc_kind kind, struct candidate **ret)
{
    size_t total = 0, rank = 1, found = 0; /* rank 0 is the builtin app's */

    for (size_t i = 0; i < n; i++)
        total += files[i]->n_documents;
    *ret = ARENA_ARRAY(b->arena, total, struct candidate);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < files[i]->n_documents; k++) {
            const struct document *doc = &files[i]->documents[k];

            if (is_named(b, files[i]))
                continue;
            if (kind_of(doc) == kind && doc->name)
                (*ret)[found++] = (struct candidate){doc->name, files[i], doc, rank++};
            else if (kind_of(doc) != kind && kind_of(doc) != DOC_FOREIGN)
                out_of_place(b, doc);
        }
    sort_rows(*ret, found, sizeof(**ret), cmp_candidate);
    return found;
}

static int cmp_file(const void *a, const void *b)
{
    const struct spec_file *x = *(const struct spec_file *const *)a,
                           *y = *(const struct spec_file *const *)b;
    int order = strcmp(x->root, y->root);

    return order ? order : strcmp(x->path, y->path);
}

static void gather_unreadable(struct builder *b)
{
    b->unreadable = ARENA_ARRAY(b->arena, b->out->n_files, const struct spec_file *);
    for (size_t i = 0; i < b->out->n_files; i++) {
        const struct spec_file *f = b->out->files[i];
        bool nameless = f->n_documents == 0;

        for (size_t k = 0; k < f->n_documents; k++)
            nameless |=
                !f->documents[k].ok && !f->documents[k].name && f->documents[k].kind != DOC_COMPOSE;
        if (f->broken && nameless)
            b->unreadable[b->n_unreadable++] = f;
    }
    if (b->n_unreadable > 1)
        qsort(b->unreadable, b->n_unreadable, sizeof(b->unreadable[0]), cmp_file);
}

/* The unreadable file whose origin label the running app of that name bears, or NULL. */
static const struct spec_file *unreadable_home(const struct builder *b, const char *origin)
{
    const char *cut = strstr(origin, "//");

    if (b->n_unreadable == 0 || !cut)
        return NULL;
    const struct spec_file want = {.root = arena_strndup(b->arena, origin, (size_t)(cut - origin)),
                                   .path = cut + 2};
    const struct spec_file *key = &want, **found;

    found = bsearch(&key, b->unreadable, b->n_unreadable, sizeof(key), cmp_file);
    return found ? *found : NULL;
}

/* ---- overrides ---- */

static const struct candidate *find_override(const struct builder *b, const char *name)
{
    size_t lo = 0, hi = b->n_overrides;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (strcmp(b->overrides[mid].name, name) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < b->n_overrides && strcmp(b->overrides[lo].name, name) == 0 ? &b->overrides[lo]
                                                                           : NULL;
}

static void note(struct builder *b, struct want_app *app, const char *text, const char *by)
{
    strv_push(b->arena, &app->overrides, by ? arena_printf(b->arena, "%s, by %s", text, by) : text);
}

static void hold(struct builder *b, struct want_app *app, const struct override *o)
{
    CLEANUP(str_release) struct str text = STR_INIT;

    if (!o->hold || (o->until_ms && b->now_ms >= o->until_ms))
        return;
    app->held = true;
    app->held_until_ms = o->until_ms;
    if (o->until_ms && (!b->out->next_change_ms || o->until_ms < b->out->next_change_ms))
        b->out->next_change_ms = o->until_ms;
    str_add(&text, "held");
    if (o->until_ms) {
        str_add(&text, " until ");
        str_add_time(&text, o->until_ms);
    }
    note(b, app, arena_strdup(b->arena, str_text(&text)), o->by);
}

static void note_drift(struct builder *b, struct want_app *app, const struct override *o)
{
    CLEANUP(str_release) struct str text = STR_INIT;

    str_add(&text, "drift: ");
    (void)form_drift.show(NULL, &o->drift, &text);
    note(b, app, arena_strdup(b->arena, str_text(&text)), o->by);
}

/* State, drift and restarts are in the app already; here go the hold and the words. */
static void apply_override(struct builder *b, struct want_app *app, const struct candidate *c)
{
    static const char *const states[] = {"running", "stopped", "removed"};
    const struct override *o = c->doc->override;

    if (!o) {
        app->held = true; /* it said something; until we know what, touching nothing is right */
        note(b, app, arena_printf(b->arena, "held: %s cannot be read", c->file->name), NULL);
        return;
    }
    if (o->has_state) {
        app->state = o->state;
        note(b, app,
             arena_printf(b->arena, "state: %s%s", states[o->state],
                          o->state == WISH_REMOVED && o->volumes == VOLUMES_QUARANTINE
                              ? ", volumes: quarantine"
                              : ""),
             o->by);
    }
    hold(b, app, o);
    if (o->drift.set)
        note_drift(b, app, o);
    if (o->restarted_at_ms) {
        CLEANUP(str_release) struct str text = STR_INIT;

        str_add(&text, "restarted at ");
        str_add_time(&text, o->restarted_at_ms);
        note(b, app, arena_strdup(b->arena, str_text(&text)), o->by);
    }
    if (o->revision)
        note(b, app,
             arena_printf(b->arena, "revision: %s (not carried out by this version)", o->revision),
             o->by);
}

/* Overrides that name nobody, or name somebody a second time. */
static void check_overrides(struct builder *b)
{
    for (size_t i = 0; i < b->n_overrides; i++) {
        const struct candidate *c = &b->overrides[i];

        if (i > 0 && strcmp(b->overrides[i - 1].name, c->name) == 0) {
            diag_add(&b->out->diags, DIAG_ERROR, c->doc->at, NULL, NULL, NULL,
                     "a second override of \"%s\" has no effect; the first is in %s:%d", c->name,
                     b->overrides[i - 1].doc->at.file, b->overrides[i - 1].doc->at.line);
            continue;
        }
        if (c->doc->override && c->doc->override->has_state &&
            c->doc->override->state == WISH_REMOVED &&
            c->doc->override->volumes == VOLUMES_QUARANTINE)
            kvs_set(b->arena, &b->out->leaving, c->name,
                    c->doc->override->by ? c->doc->override->by : "");
        if (desired_app(b->out, c->name))
            continue;
        if (c->doc->override && c->doc->override->has_state &&
            c->doc->override->state == WISH_REMOVED)
            strv_push(b->arena, &b->out->removed, c->name);
        else
            diag_add(&b->out->diags, DIAG_NOTE, c->doc->at, NULL, NULL,
                     "delete the override if it is not needed any more",
                     "no file holds an app \"%s\"", c->name);
    }
}

/* ---- one name ---- */

static const char *origin_of(const struct builder *b, const struct spec_file *f)
{
    return arena_printf(b->arena, "%s//%s", f->root, f->path);
}

static bool is_from(const struct spec_file *f, const char *origin)
{
    size_t n = strlen(f->root);

    return strncmp(origin, f->root, n) == 0 && strncmp(origin + n, "//", 2) == 0 &&
           strcmp(origin + n + 2, f->path) == 0;
}

/* Who of a group of candidates for one name gets it: who runs already, even if broken now, else the first good, else the first. */
static const struct candidate *choose(const struct candidate *v, size_t n, const char *incumbent)
{
    const struct candidate *good = NULL, *home = NULL;

    for (size_t i = 0; i < n; i++) {
        bool here = incumbent && is_from(v[i].file, incumbent);

        if (here && (!home || (!home->doc->ok && v[i].doc->ok)))
            home = &v[i];
        if (!good && v[i].doc->ok)
            good = &v[i];
    }
    return home ? home : good ? good : v;
}

static void refuse_others(struct builder *b, const struct candidate *v, size_t n,
                          const struct candidate *holder, struct place first, bool runs)
{
    for (size_t i = 0; i < n; i++) {
        if (&v[i] == holder)
            continue;
        diag_add(&b->out->diags, DIAG_ERROR, v[i].doc->at, NULL, NULL,
                 "give one of them another name", "the app \"%s\" is %s from %s:%d already",
                 v[i].name, runs ? "deployed" : "taken", first.file, first.line);
    }
}

static struct want_app *add_app(struct builder *b, size_t rank)
{
    b->rank[b->out->n_apps] = rank;
    return &b->out->apps[b->out->n_apps++];
}

static void freeze(struct builder *b, struct want_app *app, const char *name,
                   const struct spec_file *f, struct place at)
{
    const struct candidate *o = find_override(b, name);

    *app = (struct want_app){.name = name,
                             .at = at,
                             .root = f->root,
                             .file = f->path,
                             .origin = origin_of(b, f),
                             .invalid_input = true};
    if (o)
        apply_override(b, app, o);
}

/* A Compose file that nobody runs yet may be a part of one that cannot be read now: deployed by itself it would be somebody's database a second time. */
static bool waits(struct builder *b, const struct candidate *c)
{
    for (size_t i = 0; c->doc->kind == DOC_COMPOSE && i < b->n_unreadable; i++) {
        const struct spec_file *f = b->unreadable[i];

        if (strcmp(f->root, c->file->root) != 0)
            continue;
        diag_add(&b->out->diags, DIAG_WARNING, c->doc->at, NULL, NULL,
                 arena_printf(b->arena, "mend %s", f->name),
                 "the app \"%s\" waits: %s cannot be read, and this file may be a part of it",
                 c->name, f->name);
        return true;
    }
    return false;
}

static void build_name(struct builder *b, const struct candidate *v, size_t n)
{
    const char *incumbent = kvs_get(b->incumbents, v->name);
    const struct spec_file *home = incumbent ? unreadable_home(b, incumbent) : NULL;
    const struct candidate *holder = choose(v, n, incumbent);

    if (!incumbent && waits(b, holder))
        return;
    /* It runs from a file that cannot be read now. Letting another file take over would disturb it for a typing mistake. */
    if (home && holder->file != home) {
        struct place at = {home->name, home->diags.n ? home->diags.v[0].at.line : 1, 1};

        refuse_others(b, v, n, NULL, at, true);
        freeze(b, add_app(b, SIZE_MAX), v->name, home, at);
        return;
    }
    refuse_others(b, v, n, holder, holder->doc->at, incumbent && is_from(holder->file, incumbent));
    struct want_app *app = add_app(b, holder->rank);

    if (!holder->doc->ok) {
        freeze(b, app, v->name, holder->file, holder->doc->at);
        return;
    }
    const struct candidate *o = find_override(b, v->name);
    const struct app_source src = {b->settings, holder->doc->app, holder->file,
                                   o ? o->doc->override : NULL, b->set};

    desired_memo_app(b->set->memo, &src, holder->doc, o ? o->file : NULL, b->arena, &b->scratch,
                     app);
    if (o)
        apply_override(b, app, o);
}

/* The platform's own name is nobody's, whether its app is there or not. */
static void refuse_reserved(struct builder *b, const struct candidate *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        diag_add(&b->out->diags, DIAG_ERROR, v[i].doc->at, NULL, NULL, "give the app another name",
                 "the name \"%s\" is evenkeel's own: its Traefik is called so", v[i].name);
}

static void build_apps(struct builder *b)
{
    const char *reserved = ingress_app_name(b->settings->owner, b->arena);

    b->out->apps = ARENA_ARRAY(b->arena, b->n_apps + 1, struct want_app);
    b->rank = ARENA_ARRAY(b->arena, b->n_apps + 1, size_t);
    for (size_t i = 0, n; i < b->n_apps; i += n) {
        for (n = 1; i + n < b->n_apps && strcmp(b->apps[i].name, b->apps[i + n].name) == 0;)
            n++;
        if (strcmp(b->apps[i].name, reserved) == 0)
            refuse_reserved(b, &b->apps[i], n);
        else
            build_name(b, &b->apps[i], n);
    }
}

/* An app that moved: its containers point back to it. */
static void reparent(struct want_app *app)
{
    for (size_t i = 0; i < app->n_services; i++)
        for (size_t k = 0; k < app->services[i].n_containers; k++)
            app->services[i].containers[k].app = app;
}

/* The builtin app, in its place. */
static void add_ingress(struct builder *b)
{
    const char *name = ingress_app_name(b->settings->owner, b->arena);
    struct want_app *apps = b->out->apps;
    size_t at = b->out->n_apps;

    if (!desired_ingress_needed(b->set, b->settings, b->out, b->incumbents))
        return;
    while (at > 0 && strcmp(apps[at - 1].name, name) > 0)
        at--;
    for (size_t i = b->out->n_apps; i > at; i--) {
        apps[i] = apps[i - 1];
        b->rank[i] = b->rank[i - 1];
        reparent(&apps[i]);
    }
    apps[at] = (struct want_app){0};
    b->rank[at] = 0;
    b->out->n_apps++;
    desired_ingress_build(b->set, b->settings, b->arena, &b->scratch, &apps[at]);
}

/* Routes that nobody serves. A bundle's own was not asked for by anybody. */
static void note_unserved(struct builder *b)
{
    if (b->settings->ingress.mode != INGRESS_NONE)
        return;
    for (size_t i = 0; i < b->n_apps; i++) {
        const struct app *app = b->apps[i].file->bundle ? NULL : b->apps[i].doc->app;

        for (size_t k = 0; app && k < app->n_services; k++)
            if (app->services[k].n_routes > 0)
                diag_add(&b->out->diags, DIAG_WARNING, app->services[k].routes[0].at, NULL, NULL,
                         "publish a port with `ports`, or choose another ingress",
                         "the route of \"%s\" has no effect: the agent is configured with "
                         "`ingress: none`",
                         app->name);
    }
}

struct desired *desired_build(const struct spec_set *set, const struct settings *settings,
                              const struct kvs *incumbents, int64_t now_ms, struct arena *a)
{
    static const struct kvs nobody;
    struct desired *out = ARENA_NEW(a, struct desired);
    struct builder b = {.set = set,
                        .settings = settings,
                        .incumbents = incumbents ? incumbents : &nobody,
                        .now_ms = now_ms,
                        .arena = a,
                        .out = out};

    *out = (struct desired){.settings = settings,
                            .roots = set->roots,
                            .n_roots = set->n_roots,
                            .files = desired_parts_hide(set, a),
                            .n_files = set->n_files};
    diag_init(&out->diags, a);
    desired_memo_begin(set->memo);
    gather_named(&b);
    b.n_apps = gather(&b, out->files, out->n_files, DOC_APP, &b.apps);
    b.n_overrides = gather(&b, set->overrides, set->n_overrides, DOC_OVERRIDE, &b.overrides);
    gather_unreadable(&b);
    build_apps(&b);
    check_overrides(&b);
    add_ingress(&b);
    note_unserved(&b);
    desired_claims_settle(set, b.incumbents, b.rank, out, a);
    desired_memo_end(set->memo);
    diag_sort(&out->diags);
    str_release(&b.scratch);
    return out;
}

const struct want_app *desired_app(const struct desired *d, const char *name)
{
    size_t lo = 0, hi = d->n_apps;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int order = strcmp(d->apps[mid].name, name);

        if (order == 0)
            return &d->apps[mid];
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

bool want_app_unread(const struct want_app *app)
{
    for (size_t i = 0; i < app->n_services; i++) {
        const struct want_service *s = &app->services[i];

        if (!s->facts || s->facts->state == FACTS_READY)
            continue;
        const struct build *b = &s->spec->build;

        /* What came out of a Compose file in there is known, whatever is still read for its builds. */
        if (b->bundle && !(app->own && strcmp(app->own, b->bundle) == 0))
            return true;
        if (!b->bundle && b->path && !(app->own && path_within(app->own, b->path)))
            return true;
    }
    return false;
}
