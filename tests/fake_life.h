/* fake_life.h: carries out a whole plan on the engine in memory, as the agent does, and stops where it is told to. For golden.c and
 * test_plan_random.c (static, because each test program is one file). */
#ifndef EK_FAKE_LIFE_H
#define EK_FAKE_LIFE_H

#include "drivers/fake.h"
#include "reconcile/run.h"
#include "spec/base/arena.h"

struct life {
    struct driver *driver;
    int finished; /* operations */
    int kill_at;  /* take a snapshot after so many, and forget the rest; 0: never */
    int leave_at; /* supersede all runs after so many */
    const struct observed *snapshot; /* at the kill */
    struct arena *arena;
    struct run *runs[64];
    size_t n_runs, over;
    bool failed;
};

static void life_run_over(void *user, struct run *r, enum run_end how,
                          const struct err *first_failure)
{
    struct life *l = user;

    (void)r;
    (void)first_failure;
    l->over++;
    l->failed |= how == RUN_FAILED;
}

/* Carry out all apps' parts at once, as the agent does. False: killed on the way. */
static bool live(struct life *l, const struct plan *p)
{
    l->n_runs = l->over = 0;
    for (size_t i = 0; i < p->n_apps && l->n_runs < ARRAY_LEN(l->runs); i++) {
        struct run_options o = {.id = i + 1, .driver = l->driver, .over = life_run_over, .user = l};

        if (p->apps[i].n_actions > 0)
            l->runs[l->n_runs++] = run_new(&p->apps[i], &o);
    }
    for (size_t i = 0; i < l->n_runs; i++)
        run_start(l->runs[i]);
    for (;;) {
        if (l->kill_at && l->finished == l->kill_at && !l->snapshot)
            l->snapshot = l->driver->ops->observed(l->driver, l->arena);
        if (l->snapshot || (l->leave_at && l->finished == l->leave_at))
            for (size_t i = 0; i < l->n_runs; i++)
                run_supersede(l->runs[i]);
        if (!fake_step(l->driver))
            break;
        l->finished++;
    }
    for (size_t i = 0; i < l->n_runs; i++)
        run_free(l->runs[i]);
    return !l->snapshot;
}

#endif
