/* volumes_change.h: may a volume be taken out of quarantine, or deleted; and what record says so. Nothing is written here, and the planner has the last word over what a record says. */
#ifndef EK_VOLUMES_CHANGE_H
#define EK_VOLUMES_CHANGE_H

#include "reconcile/plan.h"

/* ret_app (or NULL): whose override may still ask for its volumes to leave; that wish goes first, else the volume would go straight back. -1: it is not in quarantine. */
int volumes_restore(const struct plan_input *in, const char *volume, const char **ret_app,
                    struct err *e);
/* The record of a volume that is to be deleted with all that is in it, as a file of the quarantine folder. -1: it is not ours, or somebody needs it. */
int volumes_purge(const struct plan_input *in, const char *owner, const char *volume,
                  const char *by, struct str *ret_record, struct err *e);

#endif
