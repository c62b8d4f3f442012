/* config_notify.h: `notify:` of the agent's configuration file: whom to tell, and what. */
#ifndef EK_CONFIG_NOTIFY_H
#define EK_CONFIG_NOTIFY_H

#include <stddef.h>
#include <stdint.h>

#include "spec/app.h"
#include "spec/forms.h"

struct arena;

enum notify_event {
    NOTIFY_DRIFT = 1 << 0,    /* somebody else changed something */
    NOTIFY_FAILURE = 1 << 1,  /* an app is Degraded or Refused */
    NOTIFY_RECOVERY = 1 << 2, /* ... and is well again */
    NOTIFY_HELD = 1 << 3,     /* removals are held */
};
#define NOTIFY_ALL (NOTIFY_DRIFT | NOTIFY_FAILURE | NOTIFY_RECOVERY | NOTIFY_HELD)

struct notify_hook {
    const char *url;    /* "https://hooks.example.org/x"; its path may be a secret */
    const char *secret; /* name of a secret that bodies are signed with, or NULL */
    unsigned events;    /* of enum notify_event */
    int64_t timeout_ns;
};

#define NOTIFY_HOOKS_MAX 16

struct notify_hooks { /* in the order of the file */
    struct notify_hook v[NOTIFY_HOOKS_MAX];
    size_t n;
};

/* "https://host:8443/path?q" as base "https://host:8443" and path "/path?q", in the arena. Returns 0, or -1 with ret_why, one clause. */
int notify_url_split(const char *url, struct arena *a, const char **ret_base, const char **ret_path,
                     const char **ret_why);

const char *notify_event_name(enum notify_event e); /* "drift", "failure", "recovery", "held" */

extern const struct form form_notify; /* struct notify_hooks */
extern const struct table fields_config_notify;

#endif
