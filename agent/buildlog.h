/* buildlog.h: a recorder that keeps what each build says: STATE/builds/APP/SERVICE.log (0600), the one before as SERVICE.log.1.
 *
 * A log is at most BUILDLOG_BYTES: what is in the middle of a longer one is left out, and a line says so. It can be read at any
 * moment, also of a build that was cut off; then it lacks its last line. */
#ifndef EK_BUILDLOG_H
#define EK_BUILDLOG_H

#include "reconcile/recorder.h"

#define BUILDLOG_BYTES ((size_t)1024 * 1024)

struct buildlog;

struct buildlog *buildlog_new(const char *state_dir);
void buildlog_free(struct buildlog *b); /* NULL is fine; after the last run has ended */
/* b is borrowed. Trouble with the disk is logged once a build and never reaches the run. */
struct recorder buildlog_recorder(struct buildlog *b);

/* The log of each service of the app that was built (service NULL: all), by name, in the arena; tail < 0: all of it, else the last lines. Returns how many there are, or -1. */
struct buildlog_text {
    const char *service, *text;
    size_t n;
};
int buildlog_read(const char *state_dir, const char *app, const char *service, int tail,
                  struct arena *a, struct buildlog_text **ret, struct err *e);

#endif
