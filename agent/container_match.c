/* Which containers are meant.
 *
 * Comes in: a container as it was seen, and what somebody asked for. Goes out: whether it is one of those. Refuses containers of another owner, whatever they are called. */
#include "agent/container_match.h"

#include "drivers/observed.h"

bool container_match(const struct obs_container *x, const char *owner, const char *app,
                     const char *service, int index)
{
    return x->app && x->owner && strcmp(x->owner, owner) == 0 && strcmp(x->app, app) == 0 &&
           (!service || (x->service && strcmp(x->service, service) == 0)) &&
           (index == 0 || x->index == index);
}
