/* The last words of a container that is not well.
 *
 * Comes in: a container, or an app to find the culprit of. Goes out: a few escaped lines, through a callback. Refuses to retry: last words are a courtesy. */
#include "agent/tail.h"

#include "spec/base/arena.h"

#define LINE_MAX_BYTES 300

struct tail {
    char *container;
    struct logs want;
    struct str text;
    tail_done_fn *done;
    void *user;
};

static void tail_line(void *user, bool is_stderr, const char *line, size_t n)
{
    struct tail *t = user;
    CLEANUP(str_release) struct str raw = STR_INIT;
    (void)is_stderr;
    str_addn(&raw, line, n < LINE_MAX_BYTES ? n : LINE_MAX_BYTES);
    if (t->text.len > 0)
        str_add(&t->text, " | ");
    str_add_escaped(&t->text, str_text(&raw));
}

static void tail_over(void *user, const struct op_result *result)
{
    struct tail *t = user;
    (void)result;
    t->done(t->user, str_text(&t->text));
    str_release(&t->text);
    free(t->container);
    free(t);
}

void tail_fetch(struct driver *d, const char *container, int lines, tail_done_fn *done, void *user)
{
    struct tail *t = xcalloc(1, sizeof(*t));
    t->container = xstrdup(container);
    t->want = (struct logs){.container = t->container, .tail = lines};
    t->done = done;
    t->user = user;
    (void)d->ops->logs(d, &t->want, tail_line, tail_over, t);
}

static bool is_ill(const struct obs_container *c)
{
    return c->state == CS_RESTARTING || c->state == CS_DEAD || c->health == HEALTH_UNHEALTHY ||
           (c->state == CS_EXITED && c->exit_code != 0);
}

const struct obs_container *tail_culprit(const struct observed *o, const char *owner,
                                         const char *app)
{
    size_t from, to;
    observed_app_range(o, app, &from, &to);
    for (; from < to; from++) {
        const struct obs_container *c = &o->containers[from];
        if (c->owner && strcmp(c->owner, owner) == 0 && is_ill(c))
            return c;
    }
    return NULL;
}
