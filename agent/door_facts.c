/* What requests may know of apps.
 *
 * Comes in: desired state, what the engine was last seen to have, the conductor's verdicts. Goes out: one snapshot in an arena of its own, which nobody changes any more. */
#include "agent/door_facts.h"

#include "agent/conductor.h"
#include "agent/core.h"
#include "agent/door_list.h"
#include "spec/base/arena.h"
#include "spec/base/js.h"

struct making {
    struct door_facts *f;
    const struct core *core;
    const struct conductor *conductor;
    const struct observed *seen; /* in a passing arena */
    size_t cap;
    size_t want_at, seen_at; /* apps come in the order in which both sides have them */
};

/* NULL: no file holds it. */
static const struct want_app *want_of(struct making *m, const char *app)
{
    const struct desired *d = m->core->desired;
    int order = -1;

    while (m->want_at < d->n_apps && (order = strcmp(d->apps[m->want_at].name, app)) < 0)
        m->want_at++;
    return order == 0 ? &d->apps[m->want_at] : NULL;
}

static size_t running_of(struct making *m, const char *app)
{
    const struct observed *o = m->seen;
    const char *owner = m->core->options->settings.owner;
    size_t n = 0;
    int order;

    for (; m->seen_at < o->n_containers && o->containers[m->seen_at].app; m->seen_at++) {
        const struct obs_container *c = &o->containers[m->seen_at];

        order = strcmp(c->app, app);
        if (order > 0)
            break;
        n += order == 0 && c->state == CS_RUNNING && c->owner && strcmp(c->owner, owner) == 0;
    }
    return n;
}

/* Names of files and words of strangers, as valid text. */
static const char *shown(struct arena *a, const char *text)
{
    CLEANUP(str_release) struct str out = STR_INIT;

    if (str_is_plain(text))
        return arena_strdup(a, text);
    str_add_escaped(&out, text);
    return arena_strdup(a, str_text(&out));
}

static void add_wanted(struct door_app *x, const struct want_app *want, struct arena *a)
{
    x->builtin = want->builtin;
    x->digest = arena_strdup(a, want->digest);
    x->origin = shown(a, want->origin);
    for (size_t i = 0; i < want->n_services; i++)
        x->wanted += want->services[i].n_containers;
    for (size_t i = 0; i < want->addresses.n; i++)
        strv_push(a, &x->addresses, arena_strdup(a, want->addresses.v[i]));
}

static void add_app(void *user, const char *app, enum app_state state, const char *why)
{
    struct making *m = user;
    struct door_facts *f = m->f;
    const struct want_app *want = want_of(m, app);

    f->apps = arena_grow(f->arena, f->apps, f->n, &m->cap, sizeof(*f->apps));
    struct door_app *x = &f->apps[f->n++];

    *x = (struct door_app){
        .name = arena_strdup(f->arena, app),
        .state = app_state_name(state),
        .word = state,
        .settled = conductor_settled(m->conductor, app),
        .why = shown(f->arena, why ? why : ""),
        .origin = "",
        .digest = "",
        .running = running_of(m, app),
    };
    if (want)
        add_wanted(x, want, f->arena);
}

struct door_facts *door_facts_new(const struct core *core, const struct conductor *conductor)
{
    struct arena *a = arena_new();
    CLEANUP(arena_freep) struct arena *passing = arena_new();
    struct door_facts *f = ARENA_NEW(a, struct door_facts);
    struct conductor_summary sum = conductor_sum(conductor);
    struct making m = {.f = f, .core = core, .conductor = conductor};

    f->arena = a;
    atomic_store(&f->refs, 1);
    (void)pthread_mutex_init(&f->lock, NULL);
    f->looked = conductor_looked(conductor);
    f->engine_trouble = arena_strdup(a, sum.engine_trouble);
    m.seen = core_observed(core, passing);
    f->engine = arena_strdup(a, m.seen->engine_version);
    f->platform = arena_strdup(a, m.seen->platform);
    for (size_t i = 0; i < m.seen->n_containers; i++)
        f->containers += m.seen->containers[i].owner &&
                         strcmp(m.seen->containers[i].owner, core->options->settings.owner) == 0;
    conductor_each(conductor, add_app, &m);
    return f;
}

void door_facts_drop(struct door_facts *f)
{
    if (!f || atomic_fetch_sub(&f->refs, 1) != 1)
        return;
    door_list_free(f->list);
    (void)pthread_mutex_destroy(&f->lock);
    arena_free(f->arena);
}

const struct door_app *door_facts_app(const struct door_facts *f, const char *name)
{
    size_t low = 0, high = f->n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = strcmp(f->apps[mid].name, name);

        if (order == 0)
            return &f->apps[mid];
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}
