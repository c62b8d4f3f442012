/* What an upload would do, before it is placed.
 *
 * Comes in: a spec that was checked by itself. Goes out: the plan of its app beside everything that is there, or why it would not be deployed: a route, port or name that another has, or what policy forbids
 * to uploads. Refuses a second one at a time: each reads all files. */
#include "agent/door_parts.h"
#include "agent/trial.h"
#include "spec/base/arena.h"

enum { TURN_S = 20 };

struct planning {
    struct door_call *c;
    const struct spec_file *f;
    const char *app;
    struct trial ret;
    int rc;
    struct err *e;
};

static void plan_it(void *arg)
{
    struct planning *x = arg;

    x->rc = trial_run(x->c->door->o, x->f, x->app, x->c->a, &x->ret, x->e);
}

int door_trial(struct door_call *c, const struct spec_file *f, const char *app,
               struct door_trial *t, struct err *e)
{
    struct err no = {0};
    struct planning x = {.c = c, .f = f, .app = app, .e = &no};

    if (t->skip)
        return 0;
    struct timespec until;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += TURN_S;
    if (pthread_mutex_timedlock(&c->door->trying, &until) != 0)
        return err_set(e, ERR_RETRY, "others are being planned, and it takes long: send it again");
    int rc = door_deep(plan_it, &x, &no) < 0 ? -1 : x.rc;

    (void)pthread_mutex_unlock(&c->door->trying);
    if (rc < 0 && t->dry_run) {
        *e = no;
        return -1;
    }
    if (rc < 0) { /* the engine is away: the file is good all the same, and waits for it */
        t->trouble = arena_strdup(c->a, no.msg);
        return 0;
    }
    if (x.ret.refused) {
        json_decref(x.ret.plan);
        return err_set(e, ERR_CONFLICT, "%s", x.ret.refused);
    }
    t->plan = x.ret.plan;
    return 0;
}

void door_trial_release(struct door_trial *t)
{
    json_decref(t->plan);
    t->plan = NULL;
}

bool door_flag(const struct door_call *c, const char *name)
{
    const char *text = door_form_value(c->r->query, name, c->a);

    return text && (strcmp(text, "1") == 0 || strcmp(text, "true") == 0);
}
