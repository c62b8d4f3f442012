/* stats: what each container uses, once.
 *
 * Comes in: options; app names narrow it. Goes out: a table, or one JSON document. Needs the engine and no running agent. */
#include "agent/cli.h"
#include "agent/cli_common.h"
#include "agent/stats.h"
#include "spec/base/arena.h"

struct heard {
    const struct stats *stats;
};

static void hear(void *user, const struct stats *s)
{
    ((struct heard *)user)->stats = s;
}

static int measure(struct core *c, const struct options *o, struct arena *a, struct err *e)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    static const struct stats none;
    struct heard h = {.stats = &none};

    if (stats_begin(c, &o->words, a, hear, &h))
        for (h.stats = NULL; !h.stats;)
            if (http_poll(c->http, NULL, 0, -1, e) < 0)
                return -1;
    if (o->json) {
        json_auto_t *v = stats_to_json(h.stats);

        cli_put_json(v);
        return 0;
    }
    if (h.stats->n == 0)
        str_add(&text, "nothing of ours is running\n");
    else
        stats_print(h.stats, &text);
    cli_put(&text);
    return 0;
}

int cli_stats(const struct options *o)
{
    struct err e = {0};
    struct core c;
    struct arena *a = arena_new();
    int rc = cli_core_open(&c, o, false, &e) < 0 || measure(&c, o, a, &e) < 0 ? cli_fail(&e) : 0;

    core_close(&c);
    arena_free(a);
    return rc;
}
