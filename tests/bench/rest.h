/* rest.h: the agent when nothing happens, and over many passes. Called by looks.c, which has the engine filled. */
#ifndef EK_BENCH_REST_H
#define EK_BENCH_REST_H

#include <stddef.h>

struct bench;
struct proxy;

void measure_rest(struct bench *b, struct proxy *p, const char *root, const char *state,
                  const char *docker, size_t apps);

#endif
