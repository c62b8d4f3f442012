/* planner.h: engines made up for measuring the planner. */
#ifndef EK_BENCH_PLANNER_H
#define EK_BENCH_PLANNER_H

#include <stdbool.h>

struct arena;
struct desired;
struct observed;

/* An engine that has the image, and, if all, whatever d wants, made from it. */
const struct observed *planner_observed(const struct desired *d, bool all, struct arena *a);

#endif
