/* quarantine_due.h: what is due for a volume in quarantine. Pure. */
#ifndef EK_QUARANTINE_DUE_H
#define EK_QUARANTINE_DUE_H

#include "reconcile/plan.h"

enum quarantine_step {
    QUARANTINE_STAYS,   /* as it is */
    QUARANTINE_RETURNS, /* an app declares the volume: the record goes */
    QUARANTINE_LAPSES, /* there is no such volume any more, or it is somebody else's: the record goes */
    QUARANTINE_ENDS, /* the volume is deleted, and after it the record */
};

struct quarantine_due {
    enum quarantine_step step;
    const char *app; /* in whose plan the step belongs */
    const char *why; /* in words; with STAYS: what it waits for besides its time, or NULL */
};

/* A volume ends only when its time is over (or its deletion was asked for in words), it is ours, no container of anybody uses it, no wanted app
 * declares it, and (but for words) every file was read, since any that was not may declare it. */
struct quarantine_due quarantine_due(const struct plan_input *in, const struct quarantine_record *r,
                                     struct arena *a);

/* The app that declares the volume and is not to be removed, or NULL. */
const struct want_app *quarantine_declarer(const struct desired *d, const char *volume);
/* NULL: it is not in quarantine. */
const struct quarantine_record *quarantine_record_of(const struct observed *o, const char *volume);
/* The first container that uses it, whoever's it is, or NULL. */
const struct obs_container *quarantine_user(const struct observed *o, const char *volume);

#endif
