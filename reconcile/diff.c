/* diff.c: why a container is not the one that is wanted, field by field and in one sentence.
 *
 * In: a place with its wanted container, and a container of ours whose hash is another. Out: a sorted list of changes (want
 * against have, secrets masked) and the cause with the file and line that asks for it. What the image brings along is
 * no difference: the engine reports it beside what was asked for.
 * It explains; whether to replace was decided by the hash. */
#include "reconcile/diff.h"

#include <string.h>

#include "drivers/engine_encode.h"
#include "drivers/engine_fields.h"
#include "reconcile/build_tag.h"
#include "reconcile/plan_judge.h"
#include "reconcile/plan_work.h"
#include "spec/base/arena.h"
#include "spec/labels.h"

#define MASKED "(changed)"

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static void add_change(struct app_work *p, struct replica *r, const char *field, const char *want,
                       const char *have)
{
    if (engine_field_secret(field)) {
        want = want ? MASKED : NULL;
        have = have ? MASKED : NULL;
    }
    r->changes =
        arena_grow(p->w->arena, r->changes, r->n_changes, &r->cap_changes, sizeof(r->changes[0]));
    r->changes[r->n_changes++] = (struct change){field, want, have};
}

static const char *short_id(const char *image_id, struct arena *a)
{
    const char *colon = image_id ? strchr(image_id, ':') : NULL;

    return image_id ? arena_strndup(a, image_id, (colon ? (size_t)(colon + 1 - image_id) : 0) + 12)
                    : NULL;
}

/* True if body and image id give the container's hash: only the image is another. Where the image is the same, it cannot be. */
static bool same_configuration(const struct want_container *c, const struct obs_container *have)
{
    char hash[SHA256_HEX];

    if (!c->body || !have->image_id || !have->hash ||
        (c->sealed_for && strcmp(c->sealed_for, have->image_id) == 0))
        return false;
    engine_encode_hash(c->body, have->image_id, hash);
    return strcmp(hash, have->hash) == 0;
}

/* What is built has its name once its source was read and what it stands on is there. Until then that is told, and the image is no difference. */
static bool image_unnamed(const struct app_work *p, const struct replica *r)
{
    return r->service->facts && !build_tag_is(r->service->image, p->name, r->service->name);
}

static void compare_image(struct app_work *p, struct replica *r, const struct obs_container *c)
{
    struct arena *a = p->w->arena;
    const char *ref = r->service->image;
    const struct obs_image *image = observed_image(p->w->seen, ref);
    const char *id = image ? image->id : NULL;

    if (c->image && *c->image && strcmp(c->image, ref) != 0 &&
        !(c->image_id && strcmp(c->image, c->image_id) == 0))
        add_change(p, r, "image", ref, c->image);
    else if (id && c->image_id && *c->image_id && strcmp(id, c->image_id) != 0)
        add_change(p, r, "image", arena_printf(a, "%s (%s)", ref, short_id(id, a)),
                   arena_printf(a, "%s (%s)", ref, short_id(c->image_id, a)));
}

/* ---- what `docker compose up` made ---- */

/* Identity is told by other labels there, and what `docker compose` notes at birth is nobody's wish. */
static bool is_identity(const char *field)
{
    static const char *const prefixes[] = {"labels.evenkeel.", "labels." LABEL_COMPOSE_PREFIX};

    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
        if (strncmp(field, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

static bool has_part(const char *list, const char *part, size_t n)
{
    for (const char *s = list; *s; s += strcspn(s, ","), s += strspn(s, ", "))
        if (strcspn(s, ",") == n && strncmp(s, part, n) == 0)
            return true;
    return false;
}

/* "alias web, address 10.0.0.2": Compose adds the container's name to its aliases. */
static bool same_endpoint(const struct obs_container *c, const char *want, const char *have)
{
    size_t project = strlen(c->adopted);

    for (const char *s = want; *s; s += strcspn(s, ","), s += strspn(s, ", "))
        if (strcmp(s, "attached") != 0 && !has_part(have, s, strcspn(s, ",")))
            return false;
    for (const char *s = have; *s; s += strcspn(s, ","), s += strspn(s, ", ")) {
        const char *alias = strncmp(s, "alias ", 6) == 0 ? s + 6 : "";
        bool named = strncmp(alias, c->adopted, project) == 0 &&
                     (alias[project] == '-' || alias[project] == '_');

        if (strcmp(s, "attached") != 0 && !named && !has_part(want, s, strcspn(s, ",")) &&
            (strlen(c->name) != strcspn(alias, ",") ||
             strncmp(alias, c->name, strlen(c->name)) != 0))
            return false;
    }
    return true;
}

/* A network that it is not on is joined, which takes no new container. */
static bool is_settled(const struct obs_container *c, const struct field_difference *f)
{
    static const char networks[] = "networks.";

    if (is_identity(f->key))
        return true;
    return strncmp(f->key, networks, sizeof(networks) - 1) == 0 && f->want &&
           (!f->have || same_endpoint(c, f->want, f->have));
}

/* Against what the file says without defaults of ours: those come with the first replacement, and are no reason for one. */
static size_t adopted_differ(struct app_work *p, const struct replica *r,
                             const struct obs_container *c, struct field_difference **ret)
{
    struct arena *a = p->w->arena;
    struct want_service service = *r->service;
    struct want_container want = *r->want;
    const struct obs_image *image = observed_image(p->w->seen, r->service->image);
    struct kvs nothing = {0};
    size_t n = 0;

    service.spec = r->service->plain ? r->service->plain : r->service->spec;
    want.service = &service;
    const char *text = engine_encode_container(&want, a);
    json_auto_t *body = js_parse(text, strlen(text), NULL);
    struct kvs asked = engine_fields_of_body(body, a);
    size_t all =
        engine_fields_differ(&asked, image ? &image->fields : &nothing, &c->fields, a, ret);

    for (size_t i = 0; i < all; i++)
        if (!is_settled(c, &(*ret)[i]) && !judge_ignores(p, (*ret)[i].key))
            (*ret)[n++] = (*ret)[i];
    return n;
}

bool diff_adopted_matches(struct app_work *p, const struct replica *r,
                          const struct obs_container *c)
{
    const struct obs_image *image = observed_image(p->w->seen, r->service->image);
    struct field_difference *found;

    /* What was not looked at yet is not touched; it is the first thing that the next look asks about. */
    if (!c->inspected)
        return true;
    if (image && image->id ? !same_text(image->id, c->image_id)
                           : !same_text(c->image, r->service->image))
        return false;
    return adopted_differ(p, r, c, &found) == 0;
}

static void explain(struct app_work *p, struct replica *r, const struct obs_container *c,
                    bool only_image)
{
    struct arena *a = p->w->arena;
    const struct obs_image *image = observed_image(p->w->seen, r->service->image);
    bool moved = only_image && image && image->id && same_text(c->image, r->service->image);

    if (c->adopted)
        r->cause =
            arena_printf(a, "%s: %s%s differ%s from what the Compose project %s made",
                         place_words(p, &r->service->spec->at), r->changes[0].field,
                         r->n_changes > 1 ? arena_printf(a, " and %zu more", r->n_changes - 1) : "",
                         r->n_changes > 1 ? "" : "s", c->adopted);
    else if (moved)
        r->cause = arena_printf(a, "image %s now is %s", r->service->image, short_id(image->id, a));
    else if (r->n_changes > 1)
        r->cause =
            arena_printf(a, "%s: %s and %zu more changed", place_words(p, &r->service->spec->at),
                         r->changes[0].field, r->n_changes - 1);
    else
        r->cause = arena_printf(a, "%s: %s changed", place_words(p, &r->service->spec->at),
                                r->changes[0].field);
}

bool diff_is_route_note(const struct replica *r, const char *field)
{
    static const char prefix[] = "labels.traefik.";

    return strncmp(field, prefix, sizeof(prefix) - 1) == 0 &&
           !kvs_get(&r->want->labels, "traefik.enable");
}

void diff_container(struct app_work *p, struct replica *r, const struct obs_container *c)
{
    struct arena *a = p->w->arena;
    const struct obs_image *image = observed_image(p->w->seen, r->service->image);
    bool only_image = same_configuration(r->want, c), unnamed = image_unnamed(p, r);

    if (!unnamed)
        compare_image(p, r, c);
    if (!only_image && c->fields.n && r->want->body) {
        json_auto_t *body = js_parse(r->want->body, strlen(r->want->body), NULL);
        struct kvs asked = engine_fields_of_body(body, a), nothing = {0};
        struct field_difference *found = NULL;
        size_t n = c->adopted ? adopted_differ(p, r, c, &found)
                              : engine_fields_differ(&asked, image ? &image->fields : &nothing,
                                                     &c->fields, a, &found);

        for (size_t i = 0; i < n; i++)
            /* What is had and not wanted may be what an image without a name brings along. */
            if ((found[i].want || !unnamed) && !diff_is_route_note(r, found[i].key))
                add_change(p, r, found[i].key, found[i].want, found[i].have);
    }
    if (r->n_changes == 0 && unnamed) {
        r->cause = "its image is not known yet";
        return;
    }
    if (r->n_changes == 0)
        add_change(p, r, "configuration", MASKED, MASKED);
    explain(p, r, c, only_image);
}
