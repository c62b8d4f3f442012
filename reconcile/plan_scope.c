/* plan_scope.c: for which apps a new desired state makes a new plan necessary.
 *
 * In: wanted apps as they were and as they are, the plan of an app. Out: marks that are equal exactly if the planner would read the
 * same, the names where they are not, and whether an app is at rest. An app's digest is the bulk of its mark; beside it stands what
 * the digest leaves out because no container follows from it: who is refused, held or frozen, where its file lies, and what was read of
 * the sources of its builds.
 * It decides nothing about an app, and never calls an app unchanged for being quiet. */
#include "reconcile/plan_scope.h"

#include <inttypes.h>
#include <string.h>

#include "spec/base/arena.h"
#include "spec/labels.h"

/* ---- marks ---- */

/* As bytes: a mark is compared and never kept, and there is one for each app at each change. */
static void add_number(struct str *out, int64_t v)
{
    char bytes[sizeof(v)];

    memcpy(bytes, &v, sizeof(v));
    str_addn(out, bytes, sizeof(bytes));
}

/* NULL and "" are different; no text can be taken for two. */
static void add_text(struct str *out, const char *text)
{
    size_t n = text ? strlen(text) : 0;

    add_number(out, text ? (int64_t)n + 1 : 0);
    if (n)
        str_addn(out, text, n);
}

static void add_list(struct str *out, const struct strv *l)
{
    add_number(out, (int64_t)l->n);
    for (size_t i = 0; i < l->n; i++)
        add_text(out, l->v[i]);
}

static void add_pairs(struct str *out, const struct kvs *l)
{
    add_number(out, (int64_t)l->n);
    for (size_t i = 0; i < l->n; i++) {
        add_text(out, l->v[i].key);
        add_text(out, l->v[i].value);
    }
}

static void add_facts(struct str *out, const struct context_facts *f)
{
    const char *texts[] = {f->key,        f->error,    f->digest,          f->fingerprint,
                           f->dockerfile, f->made_for, f->dockerfile_text, f->tool,
                           f->builder};

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        add_text(out, texts[i]);
    add_list(out, &f->images);
    add_list(out, &f->platforms);
    add_list(out, &f->notes);
    add_pairs(out, &f->files);
    add_pairs(out, &f->args);
    str_addf(out, "%d %d %d %d %" PRId64 "\n", (int)f->state, f->needs_buildkit, f->asks_platform,
             f->port, f->bytes);
}

/* The one label of an app that its digest does not know of. */
static const char *project_of(const struct want_app *app)
{
    for (size_t i = 0; i < app->n_services; i++)
        if (app->services[i].n_containers > 0)
            return kvs_get(&app->services[i].containers[0].labels, LABEL_COMPOSE_PROJECT);
    return NULL;
}

static void sign(const struct want_app *app, struct str *text, char ret[SHA256_HEX])
{
    const int64_t numbers[] = {app->state,  app->drift,   app->held,          app->invalid_input,
                               app->routed, app->builtin, app->held_until_ms, app->restarted_at_ms};

    str_clear(text);
    add_text(text, app->digest);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        add_number(text, numbers[i]);
    add_text(text, app->refused);
    add_text(text, app->root);
    add_text(text, app->origin);
    add_text(text, project_of(app));
    add_list(text, &app->overrides);
    add_list(text, &app->secrets);
    for (size_t i = 0; i < app->n_services; i++)
        if (app->services[i].facts)
            add_facts(text, app->services[i].facts);
    sha256_hex(text->buf, text->len, ret);
}

void plan_marks_of(const struct desired *d, struct arena *a, struct plan_marks *ret)
{
    CLEANUP(str_release) struct str text = STR_INIT;

    ret->v = ARENA_ARRAY(a, d->n_apps, struct plan_mark);
    ret->n = d->n_apps;
    for (size_t i = 0; i < d->n_apps; i++) {
        ret->v[i].app = arena_strdup(a, d->apps[i].name);
        sign(&d->apps[i], &text, ret->v[i].sign);
    }
}

void plan_marks_differ(const struct plan_marks *before, const struct plan_marks *now,
                       struct arena *a, struct strv *ret)
{
    size_t i = 0, k = 0;

    while (i < before->n || k < now->n) {
        int by = i == before->n ? 1 : k == now->n ? -1 : strcmp(before->v[i].app, now->v[k].app);

        if (by != 0 || memcmp(before->v[i].sign, now->v[k].sign, SHA256_HEX) != 0)
            strv_push(a, ret, by <= 0 ? before->v[i].app : now->v[k].app);
        i += by <= 0;
        k += by >= 0;
    }
}

/* ---- rest ---- */

bool plan_at_rest(const struct plan_app *app)
{
    bool well =
        app->state == APP_SYNCED || app->state == APP_STOPPED || app->state == APP_COMPLETED;

    return well && app->n_actions == 0 && app->n_differences == 0 && app->wake_ms == 0;
}
