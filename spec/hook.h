/* hook.h: the lifecycle hooks of a service as one line of JSON: what a driver is handed, and what a container's label remembers.
 *
 * [{"command":["sh","-c","..."],"environment":["A=b"],"privileged":true,"timeout_ms":300000,"user":"0","working_dir":"/srv"}];
 * what is not given is left out. Equal hooks, equal bytes.
 * Source: github.com/compose-spec/compose-spec, 05-services.md, post_start and pre_stop. */
#ifndef EK_HOOK_H
#define EK_HOOK_H

#include "spec/app.h"

struct arena;

#define HOOK_TIMEOUT_MS (INT64_C(5) * 60 * 1000)
#define HOOK_POST_START "post_start"
#define HOOK_PRE_STOP "pre_stop"

/* NULL for none. In the arena. */
const char *hooks_json(const struct hooks *h, struct arena *a);

/* What a container's label remembers, for when no file tells any more: "SEAL {"post_start":[...],"pre_stop":[...]}". A container inherits labels of its image, so
 * the seal is made with a key that no image knows. Hooks with an environment are left out: every user of the engine reads labels. NULL: there is no key, or
 * nothing to remember. */
struct hooks_of {
    const char *app, *service, *key;
};
const char *hooks_note(const struct hooks_of *of, const struct hooks *post_start,
                       const struct hooks *pre_stop, struct arena *a);
/* What hooks_json said of that kind; NULL: nothing, or the note is not ours. */
const char *hooks_noted(const struct hooks_of *of, const char *note, const char *kind,
                        struct arena *a);

/* Back again; places are empty. 0, or -1 with ERR_USER for what hooks_json does not write. */
int hooks_parse(const char *json, struct arena *a, struct hooks *ret, struct err *e);
/* How long all of them may take. */
int64_t hooks_timeout_ms(const struct hooks *h);
int64_t hook_timeout_ms(const struct exec_hook *h);

#endif
