/* Why apps are not well, in the words of their containers.
 *
 * Comes in: plans with their observed state, and runs that failed. Goes out: last lines and advice into the app's slot, which may be gone when they come. Refuses to ask twice, and to ask for more than a
 * few at a time: last words are a courtesy. */
#include "agent/last_words.h"

#include "agent/tail.h"
#include "reconcile/advice.h"
#include "spec/base/arena.h"

#define TAIL_LINES 5
#define ASKED_MAX 4

struct listening { /* the slot may be gone when the words come */
    struct last_words *to;
    char *app, *service;
};

/* NULL also while the files are read anew: who answers late finds nothing wanted yet. */
static const struct want_app *wanted(const struct last_words *w, const char *app)
{
    return w->core->desired ? desired_app(w->core->desired, app) : NULL;
}

static const struct service *service_of(const struct last_words *w, const char *app,
                                        const char *name)
{
    const struct want_app *x = wanted(w, app);
    for (size_t i = 0; x && name && i < x->n_services; i++)
        if (strcmp(x->services[i].name, name) == 0)
            return x->services[i].spec;
    return NULL;
}

/* "container blog-web-1", or "container blog-web-1.next-ab12cd" of one that is to take its place */
static bool is_about(const char *subject, const char *name)
{
    static const char prefix[] = "container ";
    size_t n = strlen(name);
    if (strncmp(subject, prefix, sizeof(prefix) - 1) != 0)
        return false;
    const char *rest = subject + sizeof(prefix) - 1;
    return strncmp(rest, name, n) == 0 && (!rest[n] || strncmp(rest + n, ".next-", 6) == 0);
}

static const struct service *service_of_subject(const struct last_words *w, const char *app,
                                                const char *subject)
{
    const struct want_app *x = wanted(w, app);
    for (size_t i = 0; x && i < x->n_services; i++)
        for (size_t k = 0; k < x->services[i].n_containers; k++)
            if (is_about(subject, x->services[i].containers[k].name))
                return x->services[i].spec;
    return NULL;
}

static void words_heard(void *user, const char *text)
{
    struct listening *l = user;
    struct last_words *w = l->to;
    struct slot *s = slots_find(w->slots, l->app);
    const struct service *spec = service_of(w, l->app, l->service);
    CLEANUP(str_release) struct str advice = STR_INIT;
    w->asked--;
    if (s) {
        s->listening = false;
        if (spec)
            (void)advice_on_words(spec, text, &advice);
        slot_set_tail(s, text, str_text(&advice));
        w->heard(w->conductor, s);
    }
    free(l->app);
    free(l->service);
    free(l);
}

void last_words_ask(struct last_words *w, const struct plan_app *pa, const struct observed *o)
{
    struct slot *s = slots_get(w->slots, w->conductor, pa->name);
    const struct obs_container *x;
    if (pa->state != APP_DEGRADED || s->run || w->asked >= ASKED_MAX)
        return;
    x = tail_culprit(o, w->core->options->settings.owner, pa->name);
    if (!x || (s->tail_of && strcmp(s->tail_of, x->id) == 0))
        return;
    free(s->tail_of);
    s->tail_of = xstrdup(x->id);
    s->listening = true;
    struct listening *l = xcalloc(1, sizeof(*l));
    /* Who ran out of memory has its advice in the verdict already. */
    *l = (struct listening){w, xstrdup(pa->name), x->oom_killed ? NULL : xstrdup(x->service)};
    w->asked++;
    tail_fetch(w->core->driver, x->id, TAIL_LINES, words_heard, l);
}

void last_words_of_run(struct last_words *w, struct slot *s, const struct run *r)
{
    const struct run_failure *f = run_first_failure(r);
    const struct service *spec = f ? service_of_subject(w, run_app(r), f->action->subject) : NULL;
    CLEANUP(str_release) struct str advice = STR_INIT;
    if (!spec)
        return;
    if (f->out_of_memory)
        (void)advice_on_memory(spec, &advice);
    else if (f->words)
        (void)advice_on_words(spec, f->words, &advice);
    slot_advise(s, str_text(&advice));
}
