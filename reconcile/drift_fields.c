/* drift_fields.c: compares a live container of ours with what an inspect of it should report.
 *
 * In: a place and a container in it that has the wanted hash, so that whatever differs is somebody else's doing. Out: differences with
 * want, have and cause, and what puts them right: an update in place where the engine can, a connection made anew, else a new
 * container, unless that would cost data or run a job twice: then it is told and left. What is meant to report was worked out when
 * image and spec met (bind.h), so that this is one walk over two sorted lists. It refuses to see what is compared elsewhere (whether a network is joined at all) and what nobody can know: without the
 * image, or of a container that was only listed. */
#include "reconcile/drift_fields.h"

#include <string.h>

#include "drivers/engine_encode_net.h"
#include "drivers/engine_update.h"
#include "reconcile/diff.h"
#include "reconcile/plan_judge.h"
#include "spec/base/arena.h"

#define MASKED "(changed)"

/* What was adopted is compared with what its file says (diff.h): nobody knows what it was like at birth. */
static bool can_compare(const struct replica *r, const struct obs_container *c)
{
    return !c->adopted && c->inspected && c->fields.n > 0 && r->want->sealed_for &&
           r->want->fields.n > 0;
}

/* Which limits this engine can set at all, by what its containers report. */
static uint64_t able(struct plan_work *w)
{
    if (w->able_known)
        return w->able;
    w->able_known = true;
    for (size_t i = 0; i < w->seen->n_containers; i++)
        w->able |= engine_fields_able(&w->seen->containers[i].fields);
    return w->able;
}

/* "networks.blog_front" -> "blog_front" */
static const char *field_network(const char *field)
{
    return strchr(field, '.') + 1;
}

/* Not joined at all: plan_attach.c sees to that. */
static bool elsewhere(const struct field_difference *d)
{
    return engine_field_repair(d->key) == FIELD_NETWORK && !d->have;
}

/* Made from another image by another name: a hand made it, and copied our labels. A new name alone, or a new id under the name, is our own
 * doing. */
static bool other_image(const struct replica *r, const struct obs_container *c,
                        struct field_difference *ret)
{
    if (!c->image || !c->image_id || !*c->image || strcmp(c->image, r->service->image) == 0 ||
        strcmp(c->image, c->image_id) == 0 || strcmp(c->image_id, r->want->sealed_for) == 0)
        return false;
    *ret = (struct field_difference){"image", r->service->image, c->image};
    return true;
}

static size_t differences(struct app_work *p, const struct replica *r,
                          const struct obs_container *c, struct field_difference **ret)
{
    struct arena *a = p->w->arena;
    struct field_difference *found = NULL, image;
    size_t n = 0, kept = 0;

    if (!can_compare(r, c))
        return 0;
    n = engine_fields_join(&r->want->fields, &c->fields, able(p->w), a, &found);
    for (size_t i = 0; i < n; i++)
        if (!elsewhere(&found[i]) && !diff_is_route_note(r, found[i].key))
            found[kept++] = found[i];
    if (other_image(r, c, &image)) {
        struct field_difference *more = ARENA_ARRAY(a, kept + 1, struct field_difference);

        for (size_t i = 0; i < kept; i++)
            more[i] = found[i];
        more[kept++] = image;
        found = more;
    }
    *ret = found;
    return kept;
}

static bool takes_new_one(const struct field_difference *d)
{
    return engine_field_repair(d->key) != FIELD_NETWORK && !engine_update_can(d);
}

/* What a new container would do that nobody asked for by editing a file, or NULL. */
static const char *harm(struct app_work *p, const struct replica *r, const struct obs_container *c)
{
    static const char volumes[] = "volumes.";

    if (judge_ended_for_good(r->service->spec, c))
        return "run the finished job again; `docker rm` it to have that";
    for (size_t i = 0; i < c->fields.n; i++) {
        const struct kv *f = &c->fields.v[i];
        size_t n = strcspn(f->value, ",");

        if (strncmp(f->key, volumes, sizeof(volumes) - 1) == 0 && n == 6 &&
            strncmp(f->value, "volume", n) == 0 &&
            !kvs_get(&c->anonymous, f->key + sizeof(volumes) - 1)) /* else it goes along */
            return arena_printf(p->w->arena,
                                "begin with an empty volume at %s; declare a named volume for it, "
                                "or `docker rm -f` the container to have that",
                                f->key + sizeof(volumes) - 1);
    }
    return NULL;
}

bool drift_fields_replace(struct app_work *p, const struct replica *r,
                          const struct obs_container *c)
{
    struct field_difference *found = NULL;

    if (judge_reports(p))
        return false;
    size_t n = differences(p, r, c, &found);

    for (size_t i = 0; i < n; i++)
        if (takes_new_one(&found[i]) && !judge_ignores(p, found[i].key))
            return harm(p, r, c) == NULL;
    return false;
}

static struct change change_of(const struct field_difference *d)
{
    if (!engine_field_secret(d->key))
        return (struct change){d->key, d->want, d->have};
    return (struct change){d->key, d->want ? MASKED : NULL, d->have ? MASKED : NULL};
}

/* The hash knows the first network only: of the others nobody can tell whether the file or a hand changed how the container is to be on
 * them, unless the event was seen. Where the field is to be left alone, it is left. */
static bool may_be_file(struct app_work *p, const struct replica *r, const char *field)
{
    const struct attach *first = engine_encode_first_attach(r->want);

    return engine_field_repair(field) == FIELD_NETWORK &&
           !(first &&
             strcmp(engine_encode_network_name(p->want, first), field_network(field)) == 0) &&
           !handmade(p->w, r->want->name, field) && !judge_ignores(p, field);
}

/* Changed by one deed, and to be treated alike: one cause for both. */
static bool go_together(struct app_work *p, const struct replica *r, const char *a, const char *b)
{
    return may_be_file(p, r, a) == may_be_file(p, r, b) &&
           judge_ignores(p, a) == judge_ignores(p, b) &&
           handmade(p->w, r->want->name, a) == handmade(p->w, r->want->name, b);
}

/* "mem_limit and 2 more changed (update at ...)" */
static const char *cause_of(struct app_work *p, const struct replica *r,
                            const struct field_difference *found, size_t n, const char *field)
{
    const char *first = NULL;
    size_t more = 0;

    if (may_be_file(p, r, field))
        return arena_printf(p->w->arena, "%s: networks changed",
                            place_words(p, &r->service->spec->at));
    for (size_t i = 0; i < n; i++) {
        bool together = go_together(p, r, found[i].key, field);

        more += first && together;
        if (!first && together)
            first = found[i].key;
    }
    return judge_by_hand(p, r, field,
                         more ? arena_printf(p->w->arena, "%s and %zu more changed", first, more)
                              : arena_printf(p->w->arena, "%s changed", first),
                         "by hand");
}

/* As judge_differ(), with kind and cause. */
static bool note(struct app_work *p, struct replica *r, const struct field_difference *found,
                 size_t n, size_t i)
{
    const char *field = found[i].key;

    return judge_differ(p, r, may_be_file(p, r, field) ? DRIFT_PENDING : DRIFT_FOUND,
                        change_of(&found[i]), cause_of(p, r, found, n, field));
}

static void push_change(struct app_work *p, struct replica *r, struct change change)
{
    r->changes =
        arena_grow(p->w->arena, r->changes, r->n_changes, &r->cap_changes, sizeof(r->changes[0]));
    r->changes[r->n_changes++] = change;
}

/* Of what was just noted: nobody makes a new container for it. */
static void leave_difference(struct app_work *p, const struct replica *r, const char *cause)
{
    p->out->differences[p->out->n_differences - 1].left = LEFT_BLOCKED;
    if (p->left)
        return;
    p->left =
        arena_printf(p->w->arena, "container %s: %s; put right only by a new one, which would %s",
                     r->want->name, cause, harm(p, r, r->keeper));
}

void drift_fields_judge(struct app_work *p, struct replica *r)
{
    struct field_difference *found = NULL;
    size_t n = differences(p, r, r->keeper, &found), n_updates = 0;
    struct field_difference *updates = ARENA_ARRAY(p->w->arena, n, struct field_difference);

    for (size_t i = 0; i < n; i++) {
        if (!note(p, r, found, n, i))
            continue;
        if (takes_new_one(&found[i])) {
            leave_difference(p, r, cause_of(p, r, found, n, found[i].key));
            continue;
        }
        if (engine_field_repair(found[i].key) == FIELD_NETWORK) {
            strv_push(p->w->arena, &r->reconnect, field_network(found[i].key));
            continue;
        }
        push_change(p, r, change_of(&found[i]));
        updates[n_updates++] = found[i];
    }
    if (n_updates > 0)
        r->update = engine_update_body(r->want->body, updates, n_updates, p->w->arena);
}

void drift_fields_explain(struct app_work *p, struct replica *r, const struct obs_container *c)
{
    struct field_difference *found = NULL;
    size_t n = differences(p, r, c, &found);

    for (size_t i = 0; i < n; i++)
        if (note(p, r, found, n, i))
            push_change(p, r, change_of(&found[i]));
}
