/* plan_pick.c: which of the containers in one place is the one that is wanted, and which one served before it.
 *
 * In: a place with everything of ours that stands in it. Out: the same, best first; the keeper, if one of them has the wanted hash and
 * all that it stands on; and the former one, to be put back when its successor fails. */
#include <string.h>

#include "drivers/engine_encode.h"
#include "reconcile/diff.h"
#include "reconcile/drift_fields.h"
#include "reconcile/plan_judge.h"
#include "spec/base/arena.h"

/* A container that shares the namespaces of another is only good as long as that one is the same. */
static bool shares_are_fresh(const struct app_work *p, const struct want_service *s,
                             const struct obs_container *c)
{
    const char *names[3];
    size_t n = service_shares(p->want, s->spec, names);

    for (size_t i = 0; i < n; i++) {
        size_t at = service_index(p->want, names[i]);

        if (at == p->want->n_services || p->want->services[at].n_containers == 0)
            continue;
        const struct replica *with = &p->replicas[p->first[at]];
        if (with->make || (with->keeper && with->keeper->created_ms > c->created_ms))
            return false;
    }
    return true;
}

/* The engine keeps volumes that are in use; one that is gone all the same took its data along. */
const char *pick_missing_volume(struct app_work *p, const struct want_service *s)
{
    for (size_t i = 0; i < s->spec->n_mounts; i++) {
        const struct mount *m = &s->spec->mounts[i];
        const struct volume_work *v =
            m->kind == MOUNT_VOLUME && m->source ? volume_by_key(p, m->source) : NULL;

        if (v && !v->exists)
            return v->want->name;
    }
    return NULL;
}

bool pick_hash_is_wanted(struct app_work *p, const struct replica *r, const struct obs_container *c)
{
    const struct want_container *want = r->want;
    char hash[SHA256_HEX];

    if (c->adopted)
        return diff_adopted_matches(p, r, c);
    if (!c->hash)
        return false;
    if (want->hash[0])
        return strcmp(want->hash, c->hash) == 0;
    /* The engine lost the image, or its name. What was made from that very reference is still what is wanted. */
    if (!want->body || !c->image || !c->image_id || strcmp(c->image, r->service->image) != 0)
        return false;
    engine_encode_hash(want->body, c->image_id, hash);
    return strcmp(hash, c->hash) == 0;
}

/* runc refuses a cgroup that was left frozen, containerd a task's folder that is there already: neither ever ends for this id. */
const char *pick_hopeless(const struct obs_container *c)
{
    if (c->state == CS_DEAD)
        return "dead: the engine could not remove it completely";
    if ((c->state != CS_EXITED && c->state != CS_CREATED) || !c->error)
        return NULL;
    if (strstr(c->error, "cgroup unexpectedly frozen"))
        return "cannot start again: it was paused when the engine was killed, and its cgroup is "
               "still frozen";
    if (strstr(c->error, "failed to start shim: mkdir") && strstr(c->error, "file exists"))
        return "cannot start again: the engine ended while it was starting it, and kept what is "
               "left of that";
    return NULL;
}

static bool is_wanted(struct app_work *p, const struct replica *r, const struct obs_container *c)
{
    return !pick_hopeless(c) && pick_hash_is_wanted(p, r, c) &&
           shares_are_fresh(p, r->service, c) && !pick_missing_volume(p, r->service) &&
           !drift_fields_replace(p, r, c);
}

static int state_rank(enum container_state s)
{
    switch (s) {
    case CS_RUNNING: return 0;
    case CS_PAUSED: return 1;
    case CS_RESTARTING: return 2;
    case CS_EXITED: return 3;
    case CS_CREATED: return 4;
    case CS_DEAD: return 5;
    case CS_REMOVING: return 6;
    }
    return 7;
}

/* Negative if a is the better one: wanted, then running, then older. */
static int compare_candidates(bool a_wanted, const struct obs_container *a, bool b_wanted,
                              const struct obs_container *b)
{
    if (a_wanted != b_wanted)
        return a_wanted ? -1 : 1;
    if (a->state != b->state)
        return state_rank(a->state) - state_rank(b->state);
    if (a->created_ms != b->created_ms)
        return a->created_ms < b->created_ms ? -1 : 1;
    return strcmp(a->name, b->name);
}

/* Best first; a handful at most, so by insertion. Those that are being removed are dropped from the end. */
static void sort_candidates(struct app_work *p, struct replica *r)
{
    bool *wanted = ARENA_ARRAY(p->w->arena, r->n_have, bool);

    for (size_t i = 0; i < r->n_have; i++) {
        const struct obs_container *c = r->have[i];
        bool w = is_wanted(p, r, c) && c->state != CS_REMOVING;
        size_t at = i;

        for (; at > 0 && compare_candidates(w, c, wanted[at - 1], r->have[at - 1]) < 0; at--) {
            r->have[at] = r->have[at - 1];
            wanted[at] = wanted[at - 1];
        }
        r->have[at] = c;
        wanted[at] = w;
    }
    r->keeper = r->n_have > 0 && wanted[0] ? r->have[0] : NULL;
}

static void drop_leaving(struct replica *r, bool *ret_leaving)
{
    size_t n = 0;

    for (size_t i = 0; i < r->n_have; i++) {
        if (r->have[i]->state == CS_REMOVING)
            *ret_leaving = true;
        else
            r->have[n++] = r->have[i];
    }
    r->n_have = n;
}

/* The names that we give: NAME, and NAME.next-HASH6 beside it. */
static bool is_our_name(const struct replica *r, const char *name)
{
    size_t n = strlen(r->want->name);

    return strncmp(name, r->want->name, n) == 0 &&
           (name[n] == '\0' || strncmp(name + n, ".next-", 6) == 0);
}

static bool brought_up(const struct app_work *p, const char *name)
{
    const struct history *h = p->w->in->history;

    /* Without a diary nobody knows. */
    return !h || h->last_hash.n == 0 || kvs_get(&h->last_hash, name);
}

/* `docker commit` takes our labels along into the image, and what a hand runs from it has them all. It stands beside one that has
 * a name of ours, under a name that we never brought up, or with the very hash of the other. (A `container_name:` that was
 * changed leaves a name that we did bring up.) */
static bool is_copy(const struct app_work *p, const struct replica *r,
                    const struct obs_container *c)
{
    if (c->adopted || !c->hash || is_our_name(r, c->name))
        return false;
    for (size_t i = 0; i < r->n_have; i++) {
        const struct obs_container *x = r->have[i];

        if (x != c && x->hash && is_our_name(r, x->name) &&
            (strcmp(x->hash, c->hash) == 0 || !brought_up(p, c->name)))
            return true;
    }
    return false;
}

/* They are somebody's: not taken, not removed. */
static void set_copies_aside(struct app_work *p, struct replica *r)
{
    size_t n = 0, copies = 0;
    const struct obs_container **own =
        ARENA_ARRAY(p->w->arena, r->n_have, const struct obs_container *);

    for (size_t i = 0; i < r->n_have; i++) {
        const struct obs_container *c = r->have[i];

        if (!is_copy(p, r, c)) {
            own[n++] = c;
            continue;
        }
        copies++;
        note_add(p, arena_printf(p->w->arena,
                                 "container %s has the labels of %s, as what runs from an image "
                                 "of `docker commit` has; it is left alone",
                                 c->name, r->want->name));
    }
    if (copies == 0)
        return;
    r->have = own;
    r->n_have = n;
}

/* Whoever serves beside the keeper, or served last. */
static const struct obs_container *pick_former(const struct replica *r)
{
    const struct obs_container *last = NULL;

    for (size_t i = r->keeper ? 1 : 0; i < r->n_have; i++) {
        const struct obs_container *c = r->have[i];

        if (container_runs(c))
            return c;
        if (c->state == CS_EXITED && (!last || c->started_ms > last->started_ms))
            last = c;
    }
    return last;
}

void pick_container(struct app_work *p, struct replica *r, bool *ret_leaving)
{
    set_copies_aside(p, r);
    drop_leaving(r, ret_leaving);
    sort_candidates(p, r);
    r->former = pick_former(r);
}
