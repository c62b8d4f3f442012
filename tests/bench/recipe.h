/* recipe.h: the bodies that evenkeel sent for one app, so that direct calls send the very same. */
#ifndef EK_BENCH_RECIPE_H
#define EK_BENCH_RECIPE_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/bench/raw.h"

struct bench;
struct proxy;

/* Specs of the measured apps: one container that ends at once when told to. name has RECIPE_NAME letters. */
enum { RECIPE_NAME = 5 };
const char *recipe_spec(struct bench *b, const char *name, const char *more);

/* From the requests that made app `name` through the proxy. Dies if they are not what was expected. */
void recipe_learn(struct bench *b, struct proxy *p, const char *name);

/* Network, container and start of an app of this name (without the network: container and start), in the subnet of number nth. The objects are
 * not evenkeel's: their labels are called otherwise. */
struct raw_chain recipe_chain(struct bench *b, const char *name, size_t nth, bool with_network);

#endif
