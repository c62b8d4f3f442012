/* plan_refresh.c: pulls by the clock.
 *
 * In: services with a time in their pull policy, and when their images were pulled. Out: pulls that are due, and the time of the next one. What a pull brings is
 * another matter: an image of another id under the name replaces containers like every change does. A pull that fails
 * disturbs nobody; it is tried again within the hour. */
#include "reconcile/plan_refresh.h"

#include <string.h>

#include "reconcile/plan_infra.h"
#include "spec/base/arena.h"

#define NS_PER_MS INT64_C(1000000)
enum { RETRY_MS = 3600 * 1000 };

/* 0: its image is not there, or has no time. */
static int64_t due_ms(const struct app_work *p, const struct want_service *s)
{
    const struct obs_image *image = s->image ? observed_image(p->w->seen, s->image) : NULL;
    int64_t every = s->spec->pull_every_ns.v / NS_PER_MS;

    if (s->spec->pull != PULL_REFRESH || s->facts || !image || !image->id)
        return 0;
    int64_t again = image->tried_ms > image->pulled_ms
                        ? image->tried_ms + (every < RETRY_MS ? every : RETRY_MS)
                        : image->pulled_ms + every;

    return again > 1 ? again : 1;
}

bool refresh_due(const struct app_work *p, const struct want_service *s)
{
    int64_t due = due_ms(p, s);

    return due > 0 && due <= p->w->in->now_ms;
}

static const char *last_words(struct app_work *p, const struct obs_image *image)
{
    CLEANUP(str_release) struct str s = STR_INIT;

    if (image->pulled_ms == 0)
        return "not known to have been pulled";
    str_add_time(&s, image->pulled_ms);
    return arena_strdup(p->w->arena, str_text(&s));
}

static void pull_again(struct app_work *p, const struct want_service *s)
{
    CLEANUP(str_release) struct str every = STR_INIT;
    size_t before = p->out->n_actions;
    struct arena *a = p->w->arena;

    (void)infra_pull(p, s);
    if (p->out->n_actions == before) /* another service has the same image */
        return;
    str_add_duration(&every, s->spec->pull_every_ns.v);
    const char *want = arena_printf(a, "every %s", str_text(&every));
    const char *have = last_words(p, observed_image(p->w->seen, s->image));

    diff_add(p, DRIFT_PENDING, arena_printf(a, "image %s", s->image),
             (struct change){"pulled", want, have},
             arena_printf(a, "its last pull is too old (%s)", have));
}

void refresh_plan(struct app_work *p)
{
    for (size_t i = 0; i < p->want->n_services; i++) {
        const struct want_service *s = &p->want->services[i];
        int64_t due = s->n_containers ? due_ms(p, s) : 0;

        if (due == 0)
            continue;
        if (due <= p->w->in->now_ms)
            pull_again(p, s);
        else if (p->out->wake_ms == 0 || due < p->out->wake_ms)
            p->out->wake_ms = due;
    }
}
