/* packing.h: images that pack is making: its own name for one (REPOSITORY:packing) can carry no label of ours, so that name is written down before pack begins.
 *
 * STATE/packing/APP.SERVICE (0600) holds the name, locked by flock(2) as long as its builder lives. What is there without a lock was left by an agent that was killed, or by a build of ours that failed after
 * pack's: it is for the collection (gc.h). */
#ifndef EK_PACKING_H
#define EK_PACKING_H

#include "reconcile/recorder.h"

struct arena;
struct err;

struct packing;

struct packing *packing_new(const char *state_dir);
void packing_free(struct packing *p); /* NULL is fine; after the last run has ended */
/* p is borrowed. Trouble with the disk is logged and never reaches the run. */
struct recorder packing_recorder(struct packing *p);

/* What nobody works on any more. */
struct packing_left {
    const char *image, *app, *service;
    const char *path;
    int fd; /* while it is taken, else -1 */
};
/* Sorted by name, in the arena. Returns how many, 0 also where the folder cannot be read. */
int packing_find_left(const char *state_dir, struct arena *a, struct packing_left **ret);
/* Directly before the image is removed. False: somebody works on it again, so it stays. */
bool packing_left_take(struct packing_left *x);
/* After packing_left_take; done: the image is gone, and so is the record. */
void packing_left_over(struct packing_left *x, bool done);

#endif
