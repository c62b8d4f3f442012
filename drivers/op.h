/* op.h: one operation on the engine: one call, or one wait with a deadline. Plain values, made by the planner, carried out
 * by a driver. Every operation is idempotent: done twice it succeeds twice (start of a running container, removal of a
 * missing one, creation of what already exists with our labels). */
#ifndef EK_OP_H
#define EK_OP_H

#include <stdint.h>

#include "spec/base/err.h"
#include "spec/app.h"
#include "spec/base/str.h"

struct confined_path;
struct kvs;

enum op_kind {
    OP_PULL,               /* object: image reference */
    OP_BUILD,              /* object: the tag to give it, build */
    OP_NETWORK_CREATE,     /* name, body */
    OP_NETWORK_REMOVE,     /* object: id */
    OP_NETWORK_CONNECT,    /* network: name or id, object: container, body: endpoint settings */
    OP_NETWORK_DISCONNECT, /* network, object */
    OP_VOLUME_CREATE,      /* name, body */
    OP_VOLUME_REMOVE, /* object: name; with body, the record (spec/quarantine.h) that must be in the folder just as it is here (else
                              ERR_STALE), and owner, that its label must name (else ERR_CONFLICT); then it stays */
    OP_VOLUME_QUARANTINE, /* object: name, body: its record */
    OP_VOLUME_RELEASE,    /* object: name; the record goes, the volume stays */
    OP_CONTAINER_CREATE,  /* name, body (canonical, unsealed), image; see engine_encode.h */
    OP_CONTAINER_START,   /* object */
    OP_CONTAINER_STOP,    /* object, grace_s */
    OP_CONTAINER_RESTART, /* object, grace_s */
    OP_CONTAINER_UNPAUSE, /* object */
    OP_CONTAINER_UPDATE,  /* object, body: of ContainerUpdate */
    OP_HOOKS, /* object, name: HOOK_POST_START or HOOK_PRE_STOP, body: hooks_json(); not once more after the same start of the container */
    OP_CONTAINER_RENAME, /* object, name: the new one */
    OP_CONTAINER_REMOVE, /* object; anonymous volumes stay unless drop_volumes, named ones always */
    OP_WAIT_RUNNING,     /* object; still running for settle_ms after its start */
    OP_WAIT_HEALTHY,     /* object */
    OP_WAIT_EXIT,        /* object; exit code 0 is success */
    OP_ROUTE_WRITE, /* name: app, body: its route file, unsealed (spec/route_file.h); NULL or "": the file is removed */
    OP_ROUTE_SEE, /* name: app; the router has taken the file as it is now, or its absence */
    OP_DRAIN,     /* name: app, settle_ms: so long requests under way may take to end */
};

struct build_order {             /* what is sent to a builder, and how */
    const char *path, *sub;      /* the context, as context.h has it */
    const char *dockerfile;      /* its name in the context; NULL: Dockerfile */
    const char *dockerfile_text; /* put in its place; NULL: as it stands */
    const char *digest;          /* of the context */
    const char *fingerprint;     /* that it must still have when it was sent; NULL: not known */
    const char *target, *network;
    const char *
        builder; /* pack makes the image with this builder, and dockerfile_text is what is put on it; NULL: no */
    struct kvs files; /* put into the context: path -> text */
    struct kvs args, labels;
    struct strv cache_from, tags /* beside its own */;
    struct kvs extra_hosts;
    int64_t shm_bytes; /* 0: the builder's */
    const struct ulimit *ulimits;
    size_t n_ulimits;
    bool no_cache;
    struct build_limits limits;
    bool needs_buildkit; /* the classic builder is no way out */
};

struct op {
    enum op_kind kind;
    const char *object, *name, *network, *body, *image,
        *image_id /* known at planning time, or NULL */;
    const char *
        hash; /* create: LABEL_HASH if known at planning time, or NULL: computed from body and image id */
    const struct kvs *birth; /* create: birth notes, or NULL */
    const char *platform;    /* pull, build, create; or NULL */
    const char *owner;       /* volume-remove, with body */
    const char *no_label; /* create: fails if the image carries a label that begins so; or NULL */
    const struct confined_path *confined; /* create: looked at before (confine.h) */
    size_t n_confined;
    bool
        asks_ports; /* create: fails if a program of the host holds one of its host ports: something is to be stopped for it */
    const struct build_order *build;
    int64_t deadline_ms; /* for the whole operation, 0: the driver's default for the kind */
    int64_t settle_ms;
    int64_t
        port_wait_ms; /* start: so long its host ports may still be held by a container that is about to end */
    int grace_s;       /* -1: the container's own */
    bool drop_volumes; /* container-remove: its anonymous volumes go with it */
};

struct op_result {
    struct err err; /* kind ERR_NONE: success */
    const char *
        id; /* creates: the new object's id; pull, build: the image id. Valid during the callback only */
    int exit_code;      /* OP_WAIT_EXIT */
    bool out_of_memory; /* waits that failed: the kernel ended it for what it used */
    bool
        range_refused; /* OP_NETWORK_CREATE that failed: the engine says that the subnet touches another network's */
    const char *
        log_tail; /* waits and starts that failed: the container's last lines, or NULL. Valid during the callback */
};

const char *op_kind_name(enum op_kind kind);

#endif
