/* plan_health.c: who judges a container's health, and by when.
 *
 * In: a place, with its spec and what the engine said of its image. Out: whether there is a check, and how long its verdict can take. */
#include "reconcile/plan_health.h"

#include <string.h>

enum { HEALTH_SLACK_MS = 15000 };
#define NS_PER_MS INT64_C(1000000)

const char *health_image_says(const struct app_work *p, const struct replica *r, const char *field)
{
    const struct obs_image *image = observed_image(p->w->seen, r->service->image);

    return image ? kvs_get(&image->fields, field) : NULL;
}

bool health_is_checked(const struct app_work *p, const struct replica *r)
{
    const struct healthcheck *h = &r->service->spec->health;
    bool none = h->test.set && h->test.argv.n > 0 && strcmp(h->test.argv.v[0], "NONE") == 0;

    if (h->set && (h->disable == TRI_YES || none))
        return false;
    return (h->set && h->test.set) || health_image_says(p, r, "healthcheck.test");
}

static int64_t duration_ms(const struct num *own, const char *of_image, int64_t otherwise)
{
    int64_t ns = 0;

    if (own->set)
        return own->v / NS_PER_MS;
    return of_image && parse_duration_ns(of_image, &ns) == 0 ? ns / NS_PER_MS : otherwise;
}

/* The engine's verdict comes at the latest after the start period and so many tries. */
int64_t health_verdict_ms(const struct app_work *p, const struct replica *r)
{
    const struct healthcheck *h = &r->service->spec->health;
    const char *tries = health_image_says(p, r, "healthcheck.retries");
    int64_t interval =
        duration_ms(&h->interval_ns, health_image_says(p, r, "healthcheck.interval"), 30000);
    int64_t timeout =
        duration_ms(&h->timeout_ns, health_image_says(p, r, "healthcheck.timeout"), 30000);
    int64_t start =
        duration_ms(&h->start_period_ns, health_image_says(p, r, "healthcheck.start_period"), 0);
    int64_t retries = 3;

    if (h->retries.set && h->retries.v > 0)
        retries = h->retries.v;
    else if (tries)
        (void)parse_int64(tries, 1, 1000, &retries);
    return start + retries * (interval + timeout) + HEALTH_SLACK_MS;
}
