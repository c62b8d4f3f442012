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
/* The same of those that may be remembered where every user of the engine reads it: NULL too if one has an environment. */
const char *hooks_memo(const struct hooks *h, struct arena *a);
/* Back again; places are empty. 0, or -1 with ERR_USER for what hooks_json does not write. */
int hooks_parse(const char *json, struct arena *a, struct hooks *ret, struct err *e);
/* How long all of them may take. */
int64_t hooks_timeout_ms(const struct hooks *h);
int64_t hook_timeout_ms(const struct exec_hook *h);

#endif
