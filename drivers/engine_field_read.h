/* engine_field_read.h: how one kind of field is read from Engine API JSON and spelled for comparing. The rows that use these
 * stand in engine_fields.c. */
#ifndef EK_ENGINE_FIELD_READ_H
#define EK_ENGINE_FIELD_READ_H

#include <jansson.h>

#include "spec/base/str.h"

struct arena;

/* Collects entries in any order; of two with one key the later counts. */
struct field_sink {
    struct arena *arena;
    struct field_entry *v;
    size_t n, cap;
};
struct kvs field_sink_sorted(struct field_sink *s);

/* The places of a create body, an inspect reply or an image where fields stand. */
struct field_view {
    const json_t *config;   /* the body itself; Config of the others */
    const json_t *host;     /* HostConfig; NULL for an image */
    const json_t *networks; /* by name */
    const char *id;         /* of an inspected container, else "" */
};

/* value is the row's member (NULL when absent); "nothing to say" adds nothing. */
typedef void field_read_fn(struct field_sink *s, const struct field_view *v, const char *name,
                           const json_t *value);

/* one value */
field_read_fn field_read_text;
field_read_fn field_read_path;      /* without a slash at its end */
field_read_fn field_read_number;    /* not 0 */
field_read_fn field_read_positive;  /* above 0 */
field_read_fn field_read_bytes;     /* 512M, exact */
field_read_fn field_read_cpus;      /* billionths as "1.5" */
field_read_fn field_read_duration;  /* nanoseconds, exact */
field_read_fn field_read_seconds;   /* seconds, 0 included */
field_read_fn field_read_yes;       /* true only */
field_read_fn field_read_tri;       /* true and false; null is absent */
field_read_fn field_read_list;      /* order counts: ["a","b"] */
field_read_fn field_read_addresses; /* likewise, each in its shortest spelling */
field_read_fn field_read_json;      /* anything that is not empty, canonical */
field_read_fn field_read_swap;      /* -1 is "unlimited" */
field_read_fn field_read_restart;
field_read_fn field_read_network_mode;
field_read_fn field_read_mac;
field_read_fn field_read_hostname; /* not the short id */
/* one entry per element */
field_read_fn field_read_set;
field_read_fn field_read_capabilities;
field_read_fn field_read_security;
field_read_fn field_read_map;
field_read_fn field_read_labels; /* without notes of birth and hash */
field_read_fn field_read_environment;
field_read_fn field_read_ulimits;
field_read_fn field_read_devices;
field_read_fn field_read_extra_hosts;
field_read_fn field_read_exposed;
field_read_fn field_read_ports;
field_read_fn field_read_networks;
field_read_fn field_read_requests;   /* engine_field_device.c */
field_read_fn field_read_swappiness; /* likewise */
field_read_fn field_read_volumes;    /* image volumes, Tmpfs, Binds and Mounts together */

/* for engine_field_volumes.c */
void field_sink_add(struct field_sink *s, const char *name, const char *element, const char *value);

#endif
