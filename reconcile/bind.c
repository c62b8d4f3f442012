/* bind.c: desired containers meet the images the engine has.
 *
 * In: a desired state and what is observed. Out: on each container its canonical create body and, where the engine has the
 * image, the hash of body and image id and the fields that an inspect is to report. These are the dear part of a pass, so they
 * are kept: a body is made once, hash and fields again only when the image id under the reference changed.
 * It writes to nothing else, and a container whose image is not known keeps an empty hash. */
#include "reconcile/bind.h"

#include <string.h>

#include "drivers/engine_encode.h"
#include "drivers/engine_encode_net.h"
#include "drivers/engine_fields.h"
#include "reconcile/build_tag.h"
#include "spec/base/arena.h"
#include "spec/base/js_pool.h"

/* The create body knows the first network only; the container is to be on all of them. */
static void add_endpoints(const struct want_container *c, json_t *body, struct arena *a)
{
    const struct attach *first = engine_encode_first_attach(c);
    const struct service *spec = c->service->spec;
    json_t *endpoints =
        json_object_get(json_object_get(body, "NetworkingConfig"), "EndpointsConfig");

    for (size_t i = 0; first && i < spec->n_networks; i++)
        if (&spec->networks[i] != first)
            (void)json_object_set_new(
                endpoints, engine_encode_network_name(c->app, &spec->networks[i]),
                engine_encode_endpoint(c->app, c->service, &spec->networks[i], NULL, a));
}

static void bind_fields(struct want_container *c, const struct obs_image *image, struct arena *a)
{
    CLEANUP(js_pool_end) struct js_pool pool = js_pool_begin();
    json_t *body = js_parse(c->body, strlen(c->body), NULL); /* the pool frees it */

    add_endpoints(c, body, a);
    struct kvs own = engine_fields_of_body(body, a);
    struct kvs all = engine_fields_expected(&own, &image->fields, a);

    /* What it has of the image lies in the observed state's arena, which goes with its pass. */
    c->fields = (struct kvs){0};
    for (size_t i = 0; i < all.n; i++)
        kvs_set(a, &c->fields, arena_strdup(a, all.v[i].key), arena_strdup(a, all.v[i].value));
}

static void bind_container(struct want_container *c, const struct obs_image *image, struct arena *a)
{
    const char *image_id = image ? image->id : NULL;

    if (!c->body)
        c->body = engine_encode_container(c, a);
    if (!image_id) {
        c->sealed_for = NULL;
        c->hash[0] = '\0';
        return;
    }
    if (c->sealed_for && strcmp(c->sealed_for, image_id) == 0)
        return;
    c->sealed_for = arena_strdup(a, image_id);
    engine_encode_hash(c->body, image_id, c->hash);
    bind_fields(c, image, a);
}

static void bind_build(const struct want_app *app, struct want_service *s, const struct observed *o,
                       struct arena *a)
{
    const char *tag = build_tag(app, s, o, a);

    if (!tag)
        tag = build_tag_unknown(app, s, a);
    if (!s->image || strcmp(s->image, tag) != 0)
        s->image = tag;
}

static void bind_app(struct want_app *app, const struct observed *o, struct arena *a)
{
    for (size_t s = 0; s < app->n_services; s++) {
        struct want_service *service = &app->services[s];

        if (service->facts)
            bind_build(app, service, o, a);
        const struct obs_image *image = service->image ? observed_image(o, service->image) : NULL;

        for (size_t c = 0; c < service->n_containers; c++)
            bind_container(&service->containers[c], image, a);
    }
}

void bind_images(struct desired *d, const struct observed *o, struct arena *desired_arena)
{
    for (size_t i = 0; i < d->n_apps; i++)
        bind_app(&d->apps[i], o, desired_arena);
}

void bind_scope(struct desired *d, const struct strv *scope, const struct observed *o,
                struct arena *desired_arena)
{
    if (scope->n == 0)
        bind_images(d, o, desired_arena);
    for (size_t i = 0; i < scope->n; i++) {
        const struct want_app *app = desired_app(d, scope->v[i]);

        if (app)
            bind_app(&d->apps[app - d->apps], o, desired_arena);
    }
}

void bind_builds(struct desired *d, const struct observed *o, struct arena *desired_arena)
{
    for (size_t i = 0; i < d->n_apps; i++)
        for (size_t s = 0; s < d->apps[i].n_services; s++)
            if (d->apps[i].services[s].facts)
                bind_build(&d->apps[i], &d->apps[i].services[s], o, desired_arena);
}

void bind_wanted_images(const struct desired *d, struct arena *a, struct strv *ret)
{
    struct strv all = {0}, unique = {0};

    for (size_t i = 0; i < d->n_apps; i++)
        for (size_t s = 0; s < d->apps[i].n_services; s++) {
            const struct want_service *service = &d->apps[i].services[s];

            if (service->image)
                strv_push(a, &all, service->image);
            for (size_t k = 0; service->facts && k < service->facts->images.n; k++)
                strv_push(a, &all, service->facts->images.v[k]);
        }
    strv_sort(&all);
    for (size_t i = 0; i < all.n; i++)
        if (i == 0 || strcmp(all.v[i - 1], all.v[i]) != 0)
            strv_push(a, &unique, all.v[i]);
    *ret = unique;
}
