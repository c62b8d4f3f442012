/* desired_claims.h: the last step of desired state: what two apps cannot both have. */
#ifndef EK_DESIRED_CLAIMS_H
#define EK_DESIRED_CLAIMS_H

#include <stddef.h>

struct arena;
struct desired;
struct kvs;
struct spec_set;

/* Fills refused of d's apps and adds diagnostics. rank: order of the files that hold the apps, beside d->apps. */
void desired_claims_settle(const struct spec_set *set, const struct kvs *incumbents,
                           const size_t *rank, struct desired *d, struct arena *a);

#endif
