/* plan_quarantine.h: volumes that outlive their app for a while: into quarantine, out of it, and their end. */
#ifndef EK_PLAN_QUARANTINE_H
#define EK_PLAN_QUARANTINE_H

#include <stddef.h>
#include <stdint.h>

struct app_work;
struct plan_work;
struct strv;

/* The volumes of an app that is being removed: recorded after its containers are gone if that was asked for in words, else they stay, and that
 * is said. */
void quarantine_leave(struct app_work *p, const char *cause, const uint32_t *gone, size_t n);
/* What is due for volumes in quarantine, as far as it belongs in this app's plan. */
void quarantine_plan(struct app_work *p);
/* Apps that no file holds, and of which the engine has nothing but volumes, for which there is something to do. Sorted, unique. */
void quarantine_apps(struct plan_work *w, struct strv *ret);

#endif
