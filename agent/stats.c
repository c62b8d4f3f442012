/* What containers use now.
 *
 * Comes in: an opened core that has looked. Goes out: a row for each running container of ours, once the engine has answered for all. A container that is gone by then says so in its row; it fails nobody. */
#include "agent/stats.h"

#include "agent/core.h"
#include "drivers/docker.h"
#include "spec/base/arena.h"

struct asking {
    struct stats stats;
    size_t open;
    struct arena *arena;
    stats_done_fn *done;
    void *user;
};

struct one {
    struct asking *all;
    struct stats_row *row;
};

static void on_stats(void *user, const struct engine_stats *s, const struct err *e)
{
    struct one *x = user;
    struct asking *all = x->all;

    if (e->kind == ERR_NONE)
        x->row->use = *s;
    else
        x->row->trouble = arena_strdup(all->arena, e->msg);
    if (--all->open == 0)
        all->done(all->user, &all->stats);
}

static bool wanted(const struct obs_container *x, const char *owner, const struct strv *apps)
{
    return x->state == CS_RUNNING && x->app && x->owner && strcmp(x->owner, owner) == 0 &&
           (apps->n == 0 || strv_has(apps, x->app));
}

static int by_name(const void *x, const void *y)
{
    const struct obs_container *const *a = x, *const *b = y;
    int order = strcmp((*a)->app, (*b)->app);

    return order ? order : strcmp((*a)->name, (*b)->name);
}

bool stats_begin(struct core *c, const struct strv *apps, struct arena *a, stats_done_fn *done,
                 void *user)
{
    CLEANUP(arena_freep) struct arena *passing = arena_new();
    const struct observed *o = core_observed(c, passing);
    const struct obs_container **v =
        ARENA_ARRAY(passing, o->n_containers + 1, const struct obs_container *);
    struct asking *all = ARENA_NEW(a, struct asking);
    size_t n = 0;

    for (size_t i = 0; i < o->n_containers; i++)
        if (wanted(&o->containers[i], c->options->settings.owner, apps))
            v[n++] = &o->containers[i];
    if (n == 0)
        return false;
    qsort(v, n, sizeof(*v), by_name);
    *all = (struct asking){.stats = {.rows = ARENA_ARRAY(a, n, struct stats_row), .n = n},
                           .open = n,
                           .arena = a,
                           .done = done,
                           .user = user};
    for (size_t i = 0; i < n; i++) {
        struct one *x = ARENA_NEW(a, struct one);

        all->stats.rows[i] = (struct stats_row){.app = arena_strdup(a, v[i]->app),
                                                .service = arena_strdup(a, v[i]->service),
                                                .container = arena_strdup(a, v[i]->name)};
        *x = (struct one){all, &all->stats.rows[i]};
        docker_stats(c->driver, v[i]->id, on_stats, x);
    }
    return true;
}

/* ---- showing ---- */

static void add_pair(struct str *out, int64_t one, int64_t other)
{
    CLEANUP(str_release) struct str both = STR_INIT;

    str_add_bytes(&both, one);
    str_add(&both, " / ");
    str_add_bytes(&both, other);
    str_addf(out, "  %-19s", str_text(&both));
}

static int width_of(const struct stats *s, bool app)
{
    size_t width = app ? 3 : 9;

    for (size_t i = 0; i < s->n; i++) {
        size_t n = strlen(app ? s->rows[i].app : s->rows[i].container);

        width = n > width ? n : width;
    }
    return (int)width;
}

void stats_print(const struct stats *s, struct str *out)
{
    int app = width_of(s, true), container = width_of(s, false);

    str_addf(out, "%-*s  %-*s  %7s  %-19s  %-19s  %-19s  PIDS\n", app, "APP", container,
             "CONTAINER", "CPU %", "MEMORY / LIMIT", "NET IN / OUT", "BLOCK READ / WRITE");
    for (size_t i = 0; i < s->n; i++) {
        const struct stats_row *r = &s->rows[i];

        str_addf(out, "%-*s  %-*s  ", app, r->app, container, r->container);
        if (r->trouble) {
            str_add_escaped(out, r->trouble);
            str_add(out, "\n");
            continue;
        }
        str_addf(out, "%7.2f", r->use.cpu_percent);
        add_pair(out, r->use.memory_bytes, r->use.memory_limit_bytes);
        add_pair(out, r->use.received_bytes, r->use.sent_bytes);
        add_pair(out, r->use.read_bytes, r->use.written_bytes);
        str_addf(out, "  %lld\n", (long long)r->use.pids);
    }
}

static json_t *row_json(const struct stats_row *r)
{
    if (r->trouble)
        return json_pack("{s:s, s:s*, s:s, s:s}", "app", r->app, "service", r->service, "container",
                         r->container, "trouble", r->trouble);
    return json_pack("{s:s, s:s*, s:s, s:f, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "app", r->app,
                     "service", r->service, "container", r->container, "cpu_percent",
                     r->use.cpu_percent, "memory_bytes", (json_int_t)r->use.memory_bytes,
                     "memory_limit_bytes", (json_int_t)r->use.memory_limit_bytes,
                     "network_received_bytes", (json_int_t)r->use.received_bytes,
                     "network_sent_bytes", (json_int_t)r->use.sent_bytes, "block_read_bytes",
                     (json_int_t)r->use.read_bytes, "block_written_bytes",
                     (json_int_t)r->use.written_bytes, "pids", (json_int_t)r->use.pids);
}

json_t *stats_to_json(const struct stats *s)
{
    json_t *list = json_array();

    for (size_t i = 0; i < s->n; i++)
        json_array_append_new(list, row_json(&s->rows[i]));
    return json_pack("{s:o}", "containers", list);
}
