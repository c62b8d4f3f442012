/* override.h: the files of STATE/overrides, as the command line and the API write them: one per app, replaced atomically, gone when nothing is left to override. No spec is ever edited. */
#ifndef EK_OVERRIDE_H
#define EK_OVERRIDE_H

#include "spec/app.h"
#include "spec/base/err.h"

struct arena;

enum override_word {
    OVERRIDE_STOP,
    OVERRIDE_START, /* undoes stop and remove */
    OVERRIDE_RESTART,
    OVERRIDE_REMOVE,
    OVERRIDE_REMOVE_VOLUMES, /* they go into quarantine */
    OVERRIDE_KEEP_VOLUMES,   /* removed, but they stay after all */
    OVERRIDE_HOLD,
    OVERRIDE_RELEASE,
};

/* What the app's file says, in the arena; NULL when there is none. -1: it cannot be read or is broken (`evenkeel validate` says how). */
int override_read(const char *state_dir, const char *app, struct arena *a,
                  const struct override **ret, struct err *e);
/* One more word to what the file says, which is read and written under a lock: words of several processes are all kept. for_ms: how long to hold, 0: until it is released. by: who asked.
 * -1: as override_read, or another process keeps the lock (ERR_RETRY). Its reading needs the stack of a parser. */
int override_change(const char *state_dir, const char *app, enum override_word word, int64_t now_ms,
                    int64_t for_ms, const char *by, struct err *e);

#endif
