/* engine_decode.h: Engine replies into observed objects. Pure; every byte is a stranger's.
 *
 * The decode functions fill one object in the arena and return 0, or -1 (ERR_RETRY, naming the member but never its content) when
 * the reply is not what the API promises. Members that some API version from 1.41 to 1.52 lacks may be absent; identity
 * is read off the labels. */
#ifndef EK_ENGINE_DECODE_H
#define EK_ENGINE_DECODE_H

#include "drivers/engine_stream.h"
#include "drivers/observed.h"

struct err;

/* GET /containers/json: `inspected` is false. */
int engine_decode_container_list(const char *text, size_t n, struct arena *a,
                                 struct obs_container **ret, size_t *ret_n, struct err *e);
/* GET /containers/ID/json, fields included. */
int engine_decode_container(const char *text, size_t n, struct arena *a, struct obs_container *ret,
                            struct err *e);
int engine_decode_network_list(const char *text, size_t n, struct arena *a,
                               struct obs_network **ret, size_t *ret_n, struct err *e);
int engine_decode_network(const char *text, size_t n, struct arena *a, struct obs_network *ret,
                          struct err *e);
int engine_decode_volume_list(const char *text, size_t n, struct arena *a, struct obs_volume **ret,
                              size_t *ret_n, struct err *e);
/* Name -> bytes, of a SystemDataUsage reply; volumes of unknown size (-1: not of driver local) are left out. */
int engine_decode_volume_sizes(const char *text, size_t n, struct arena *a, struct kvs *ret,
                               struct err *e);
int engine_decode_volume(const char *text, size_t n, struct arena *a, struct obs_volume *ret,
                         struct err *e);
int engine_decode_image(const char *ref, const char *text, size_t n, struct arena *a,
                        struct obs_image *ret, struct err *e);

/* The "message" of an error reply, or the start of the body if it has none. Control bytes escaped; never empty. */
const char *engine_decode_message(const char *text, size_t n, struct arena *a);

struct engine_event {
    const char *type, *action; /* "container", "die" (health_status and exec_* cut at the colon) */
    const char *id, *name, *app, *owner; /* of the actor; NULL when absent */
    const char *project;                 /* of Compose */
    const char *container;               /* network events: the container's id */
    int64_t time_ns;
};
/* One line of GET /events. ret's texts are in the arena. */
int engine_decode_event(const char *line, size_t n, struct arena *a, struct engine_event *ret,
                        struct err *e);

#endif
