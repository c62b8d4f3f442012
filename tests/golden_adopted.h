/* golden_adopted.h: what `docker compose up` would have made of a wanted container: without our defaults and labels. For golden_case.h
 * (static, because each test program is one file). */
#ifndef EK_GOLDEN_ADOPTED_H
#define EK_GOLDEN_ADOPTED_H

#include <jansson.h>

#include "drivers/engine_encode.h"
#include "drivers/engine_fields.h"
#include "spec/base/arena.h"
#include "spec/base/js.h"
#include "spec/labels.h"

static json_t *golden_compose_labels(const char *project, const char *more, const char *value)
{
    return json_pack("{s:s, s:s}", LABEL_COMPOSE_PROJECT, project, more, value);
}

static void golden_adopted_container(struct arena *a, const struct observed *images,
                                     const struct want_container *w, json_t *v)
{
    struct want_service service = *w->service;
    struct want_container plain = *w;
    json_t *labels = golden_compose_labels(w->app->adopt, LABEL_COMPOSE_SERVICE, w->service->name);

    service.spec = w->service->plain;
    plain.service = &service;
    const char *text = engine_encode_container(&plain, a);
    json_t *body = js_parse(text, strlen(text), NULL);

    (void)json_object_del(body, "Labels");
    struct kvs asked = engine_fields_of_body(body, a), nothing = {0};
    const struct obs_image *image = observed_image(images, w->service->image);
    struct kvs fields = engine_fields_expected(&asked, image ? &image->fields : &nothing, a);

    json_decref(body);
    (void)json_object_set_new(labels, LABEL_COMPOSE_NUMBER, json_sprintf("%d", w->index));
    (void)json_object_set_new(labels, LABEL_COMPOSE_ONEOFF, json_string("False"));
    (void)json_object_set_new(v, "labels", labels);
    (void)json_object_set_new(v, "fields", js_from_kvs(&fields));
}

#endif
