/* compose_over.c: an `app:` document whose source is a Compose file, an archive's or a folder's.
 *
 * In: the decoded document, and the draft of the Compose file. Out: the draft with the document's words: about the app as a whole, and about its main service. Whatever else the
 * document says of its one service would have to be said of some service of the file: that is an error and names the key. */
#include "spec/compose_over.h"

#include "spec/base/arena.h"
#include "spec/compose_main.h"
#include "spec/decode.h"
#include "spec/draft.h"
#include "spec/forms.h"

/* What goes to the main service, or is what the document is there for. */
static const struct service *without_ours(struct decode_ctx *c, const struct service *s)
{
    struct service *rest = ARENA_NEW(c->arena, struct service);

    *rest = *s;
    rest->build = (struct build){0};
    rest->routes = NULL;
    rest->n_routes = 0;
    rest->port = (struct num){0};
    rest->mounts = NULL;
    rest->n_mounts = 0;
    rest->environment = (struct kvs){0};
    rest->gpus = NULL;
    rest->n_gpus = 0;
    return rest;
}

static void refuse_rest(struct decode_ctx *c, const struct service *s)
{
    const struct service_draft rest = {.s = *without_ours(c, s)};

    for (size_t i = 0; i < fields_service.n; i++) {
        const struct field *f = &fields_service.fields[i];
        CLEANUP(str_release) struct str value = STR_INIT;

        if (f->status == FIELD_SUPPORTED && !f->alias_of && f->form->show &&
            f->form->show(f, (const char *)&rest + f->offset, &value))
            decode_say(c, DIAG_ERROR, s->at,
                       "write it at a service there, or `source: {strategy: dockerfile}`",
                       "`%s` says nothing of which service of the Compose file it is about",
                       f->name);
    }
}

/* A key that both have is one volume. */
static void add_volume(struct decode_ctx *c, struct app *a, const struct volume *v)
{
    struct volume *all = ARENA_ARRAY(c->arena, a->n_volumes + 1, struct volume);
    size_t i = 0;

    while (i < a->n_volumes && strcmp(a->volumes[i].key, v->key) < 0)
        i++;
    if (i < a->n_volumes && strcmp(a->volumes[i].key, v->key) == 0)
        return;
    if (i > 0)
        memcpy(all, a->volumes, i * sizeof(*all));
    all[i] = *v;
    if (i < a->n_volumes)
        memcpy(&all[i + 1], &a->volumes[i], (a->n_volumes - i) * sizeof(*all));
    a->volumes = all;
    a->n_volumes++;
}

/* What is mounted at one place is what the document says. */
static void add_mounts(struct decode_ctx *c, const struct service *from, struct service *to)
{
    struct mount *all = ARENA_ARRAY(c->arena, to->n_mounts + from->n_mounts, struct mount);
    size_t n = 0;

    for (size_t i = 0; i < to->n_mounts; i++) {
        bool taken = false;

        for (size_t k = 0; k < from->n_mounts; k++)
            taken |= strcmp(to->mounts[i].target, from->mounts[k].target) == 0;
        if (!taken)
            all[n++] = to->mounts[i];
    }
    for (size_t k = 0; k < from->n_mounts; k++)
        all[n++] = from->mounts[k];
    to->mounts = all;
    to->n_mounts = n;
}

static void to_main(struct decode_ctx *c, const struct app *over, struct app_draft *d)
{
    const struct service *from = &over->services[0];
    struct service *to = compose_main_of(d);

    if (!to && (from->n_routes || from->n_mounts || from->port.set || from->environment.n ||
                from->n_gpus)) {
        decode_say(
            c, DIAG_ERROR, over->at, "label the main service there `evenkeel.main: \"true\"`",
            "none of the Compose file's services is known as the main one, so it is not "
            "known which one `route`, `port`, `volumes`, `secrets`, `environment` and `gpus` "
            "are about");
        return;
    }
    if (!to)
        return;
    if (from->n_routes) {
        for (size_t i = 0; i < d->n_services; i++)
            d->services[i].s.n_routes = 0;
        to->routes = from->routes;
        to->n_routes = from->n_routes;
    }
    if (from->port.set)
        to->port = from->port;
    if (from->n_gpus) {
        to->gpus = from->gpus;
        to->n_gpus = from->n_gpus;
    }
    add_mounts(c, from, to);
    for (size_t i = 0; i < from->environment.n; i++)
        kvs_set(c->arena, &to->environment, from->environment.v[i].key,
                from->environment.v[i].value);
}

void compose_over(struct decode_ctx *c, const struct app *over, struct app_draft *d)
{
    refuse_rest(c, &over->services[0]);
    to_main(c, over, d);
    compose_main_strip(c, d);
    for (size_t i = 0; i < over->n_volumes; i++)
        add_volume(c, &d->a, &over->volumes[i]);
    d->a.at = over->at;
    d->a.state = over->state;
    d->a.drift = over->drift;
    d->a.restarted_at_ms = over->restarted_at_ms;
    d->a.adopt = over->adopt;
    if (over->compose_project)
        d->a.compose_project = over->compose_project;
}
