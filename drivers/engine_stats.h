/* engine_stats.h: what a container uses, decoded from one answer of the engine. Pure.
 *
 * Source: Engine API 1.41 .. 1.52, ContainerStats; the sums are those of `docker stats` (docker/cli, stats_helpers.go). */
#ifndef EK_ENGINE_STATS_H
#define EK_ENGINE_STATS_H

#include <stddef.h>
#include <stdint.h>

#include "spec/base/err.h"

struct engine_stats {
    double cpu_percent;                 /* 100: one core, over the last second */
    int64_t memory_bytes;               /* without cache that can be given back */
    int64_t memory_limit_bytes;         /* 0: not said */
    int64_t received_bytes, sent_bytes; /* over all networks; 0 with the host's */
    int64_t read_bytes, written_bytes;  /* on block devices */
    int64_t pids;
};

int engine_decode_stats(const char *body, size_t n, struct engine_stats *ret, struct err *e);

#endif
