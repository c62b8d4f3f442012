/* action.h: the vocabulary of a plan: what will be done, to what, why, and after what. Plain values in an arena. */
#ifndef EK_ACTION_H
#define EK_ACTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/op.h"
#include "spec/base/str.h"

struct arena;

/* One difference between what is wanted and what is. */
struct change {
    const char *field;       /* "environment.TZ", "image", "state" */
    const char *want, *have; /* NULL: absent; already masked if secret */
};

enum action_kind {
    ACT_PULL,
    ACT_BUILD,
    ACT_NETWORK_CREATE,
    ACT_NETWORK_REMOVE,
    ACT_NETWORK_CONNECT,
    ACT_NETWORK_DISCONNECT,
    ACT_VOLUME_CREATE,
    ACT_VOLUME_QUARANTINE, /* its record is written: from now on it may end */
    ACT_VOLUME_RELEASE,    /* its record goes */
    ACT_VOLUME_REMOVE,     /* deleted with all that is in it; only ever by a record */
    ACT_CREATE,
    ACT_START,
    ACT_STOP,
    ACT_RESTART,
    ACT_UNPAUSE,
    ACT_HOOKS, /* post_start, or pre_stop */
    ACT_UPDATE,
    ACT_RENAME,
    ACT_REMOVE,
    ACT_WAIT_RUNNING,
    ACT_WAIT_HEALTHY,
    ACT_WAIT_EXIT,
    ACT_ROUTE_WRITE,
    ACT_ROUTE_SEE,
    ACT_DRAIN,
    ACT_KEEP, /* nothing is done, on purpose: a volume that stays, a step that was refused; always successful */
};

enum action_when {
    WHEN_OK,     /* all prerequisites succeeded */
    WHEN_FAILED, /* once all prerequisites are over, runs only if the first failed, or was skipped although the second was done (the
                      old one was stopped and the new one never got its turn): putting things back; skipped otherwise */
    WHEN_PUT_BACK, /* all prerequisites succeeded, the first of them being a WHEN_FAILED one: what else putting back takes */
};

struct action {
    enum action_kind kind;
    enum action_when when;
    const char *
        subject; /* for people: "container blog-web-1", "network blog_default", "image nginx:1.27-alpine" */
    const char *cause; /* plain words: "blog.yaml:4: image changed", "gone (destroyed by hand)" */
    struct change *changes;
    size_t n_changes;
    uint32_t
        *needs; /* indices of earlier actions of the same app; always smaller than the own index */
    size_t n_needs;
    bool
        optional; /* its failure (or being skipped) is noted, but fails neither the run nor what needs it (removal of an
                        emptied network) */
    struct op op; /* unused by ACT_KEEP */
    const char *reserves; /* subnet that this action will take, or NULL */
};

const char *action_kind_name(enum action_kind kind); /* "pull", "network-create", ... */
/* "create container blog-app-1": verb and subject as a line for people, without cause. */
void action_print(const struct action *a, struct str *out);

#endif
