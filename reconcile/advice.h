/* advice.h: what to write where, when a container died of what it is not given: memory, capabilities, a file system to write to, processes. Pure. */
#ifndef EK_ADVICE_H
#define EK_ADVICE_H

#include <stdbool.h>

struct service;
struct str;

/* One sentence for a container of this service (with its defaults filled in), without a full stop; nothing, and false, if neither fits. */
bool advice_on_memory(const struct service *s, struct str *out);
/* error: of the engine, which did not start it. For profiles of AppArmor and seccomp that it names. */
bool advice_on_refusal(const struct service *s, const char *error, struct str *out);
/* words: its last lines, in any case and spelling that programs use for EPERM, EACCES, EROFS, EAGAIN of fork and ENOMEM; of several kinds the first of
 * read-only, not permitted, too many processes, memory. What the service may do anyway is no advice. */
bool advice_on_words(const struct service *s, const char *words, struct str *out);

#endif
