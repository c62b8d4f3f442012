/* defaults.h: what holds when a service does not say: the table of limits and capabilities. */
#ifndef EK_DEFAULTS_H
#define EK_DEFAULTS_H

#include <stdbool.h>

#include "spec/app.h"

struct arena;
struct settings;

/* What an app document's service gets where neither it nor the agent's settings say otherwise. */
#define DEFAULT_MEMORY_BYTES                                                                       \
    (INT64_C(512) * 1024 * 1024) /* and as much memory and swap together: no swap */
#define DEFAULT_NANO_CPUS INT64_C(500000000)
#define DEFAULT_PIDS 100
#define DEFAULT_COMPOSE_PIDS 512 /* a Compose file's; memory and CPUs are not limited there */
#define DEFAULT_GPU_PIDS 4096    /* a service with GPUs; memory and CPUs are not limited there */
#define DEFAULT_GPU_SHM_BYTES (INT64_C(1024) * 1024 * 1024)
#define DEFAULT_LOG_SIZE "10m"
#define DEFAULT_LOG_FILES "3"

/* Is it one of those that profile `service` has? */
bool defaults_service_cap(const char *cap);

/* A copy of s with every default filled in. Limits that the user switched off (0, or -1 for pids) are unset in it. one_shot: some
 * service waits for this one to complete, so it is not restarted unless it says so. */
void defaults_apply(const struct settings *settings, const struct service *s, bool one_shot,
                    struct arena *a, struct service *ret);

/* The same without anything of ours: what is written, and otherwise the engine's own defaults. */
void defaults_plain(const struct service *s, struct arena *a, struct service *ret);

#endif
