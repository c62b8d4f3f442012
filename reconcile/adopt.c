/* adopt.c: lays our identity over the containers and networks of Compose projects that apps adopt.
 *
 * In: desired state and what the engine has. Out: a copy of the latter in which the adopted objects look like ours, with a label that says
 * they are not quite; everything behind it plans with them as with any other. It takes no container of a service that the
 * file does not have, none of `docker compose run`, no volume, and nothing that somebody owns. */
#include "reconcile/adopt.h"

#include <string.h>

#include "spec/base/arena.h"
#include "spec/labels.h"

/* ---- whose is it? ---- */

static bool same_text(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

/* claims.c sees to it that a project has one adopter. */
static const struct want_app *adopter_of(const struct desired *d, const char *project)
{
    for (size_t i = 0; project && i < d->n_apps; i++)
        if (!d->apps[i].refused && same_text(d->apps[i].adopt, project))
            return &d->apps[i];
    return NULL;
}

static const struct want_app *adopter(const struct desired *d, const struct kvs *labels)
{
    return adopter_of(d, kvs_get(labels, LABEL_COMPOSE_PROJECT));
}

static bool has_service(const struct want_app *app, const char *name)
{
    for (size_t i = 0; name && i < app->n_services; i++)
        if (strcmp(app->services[i].name, name) == 0)
            return true;
    return false;
}

static const struct want_app *adopts_container(const struct desired *d,
                                               const struct obs_container *c)
{
    const struct want_app *app = c->owner ? NULL : adopter(d, &c->labels);
    const char *number = kvs_get(&c->labels, LABEL_COMPOSE_NUMBER);
    int64_t index;

    if (!app || same_text(kvs_get(&c->labels, LABEL_COMPOSE_ONEOFF), "True") ||
        !has_service(app, kvs_get(&c->labels, LABEL_COMPOSE_SERVICE)) || !number ||
        parse_int64(number, 1, INT32_MAX, &index) < 0)
        return NULL;
    return app;
}

static const struct want_network *adopts_network(const struct desired *d,
                                                 const struct obs_network *n,
                                                 const struct want_app **ret_app)
{
    const struct want_app *app = n->owner ? NULL : adopter(d, &n->labels);

    for (size_t i = 0; app && i < app->n_networks; i++)
        if (!app->networks[i].external && strcmp(app->networks[i].name, n->name) == 0) {
            *ret_app = app;
            return &app->networks[i];
        }
    return NULL;
}

/* ---- the view ---- */

static struct kvs overlaid(const struct desired *d, const struct want_app *app,
                           const struct kvs *labels, struct arena *a)
{
    struct kvs all = {0};

    for (size_t i = 0; i < labels->n; i++)
        kvs_set(a, &all, labels->v[i].key, labels->v[i].value);
    kvs_set(a, &all, LABEL_ADOPTED, app->adopt);
    kvs_set(a, &all, LABEL_APP, app->name);
    kvs_set(a, &all, LABEL_ORIGIN, app->origin);
    kvs_set(a, &all, LABEL_OWNER, d->settings->owner);
    return all;
}

static void adopt_containers(const struct desired *d, struct arena *a, struct observed *o)
{
    struct obs_container *v = ARENA_ARRAY(a, o->n_containers, struct obs_container);

    for (size_t i = 0; i < o->n_containers; i++) {
        const struct want_app *app = adopts_container(d, &o->containers[i]);

        v[i] = o->containers[i];
        if (!app)
            continue;
        v[i].labels = overlaid(d, app, &v[i].labels, a);
        kvs_set(a, &v[i].labels, LABEL_INDEX, kvs_get(&v[i].labels, LABEL_COMPOSE_NUMBER));
        kvs_set(a, &v[i].labels, LABEL_SERVICE, kvs_get(&v[i].labels, LABEL_COMPOSE_SERVICE));
    }
    o->containers = v;
}

static void adopt_networks(const struct desired *d, struct arena *a, struct observed *o)
{
    struct obs_network *v = ARENA_ARRAY(a, o->n_networks, struct obs_network);

    for (size_t i = 0; i < o->n_networks; i++) {
        const struct want_app *app = NULL;
        const struct want_network *n = adopts_network(d, &o->networks[i], &app);

        v[i] = o->networks[i];
        if (!n)
            continue;
        v[i].labels = overlaid(d, app, &v[i].labels, a);
        kvs_set(a, &v[i].labels, LABEL_KEY, n->key);
    }
    o->networks = v;
}

static bool anything(const struct desired *d, const struct observed *o)
{
    const struct want_app *app;
    bool adopts = false;

    for (size_t i = 0; i < d->n_apps && !adopts; i++)
        adopts = d->apps[i].adopt != NULL;
    if (!adopts)
        return false;
    for (size_t i = 0; i < o->n_containers; i++)
        if (adopts_container(d, &o->containers[i]))
            return true;
    for (size_t i = 0; i < o->n_networks; i++)
        if (adopts_network(d, &o->networks[i], &app))
            return true;
    return false;
}

const struct observed *adopt_view(const struct desired *d, const struct observed *o,
                                  struct arena *a)
{
    if (!anything(d, o))
        return o;
    struct observed *view = ARENA_NEW(a, struct observed);

    *view = *o;
    adopt_containers(d, a, view);
    adopt_networks(d, a, view);
    observed_seal(view, a);
    return view;
}

/* ---- questions ---- */

const char *adopt_app_of(const struct desired *d, const char *project)
{
    const struct want_app *app = adopter_of(d, project);

    return app ? app->name : NULL;
}

void adopt_projects(const struct desired *d, struct arena *a, struct strv *ret)
{
    for (size_t i = 0; i < d->n_apps; i++)
        if (d->apps[i].adopt)
            strv_push(a, ret, d->apps[i].adopt);
    strv_sort(ret);
}

const char *adopt_words(const char *app, const struct kvs *labels, struct arena *a)
{
    const char *project = kvs_get(labels, LABEL_COMPOSE_PROJECT);

    if (!project)
        return NULL;
    return strcmp(project, app) == 0 ? "adopt: true" : arena_printf(a, "adopt: %s", project);
}
