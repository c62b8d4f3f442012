/* watch.h: says *look again*, nothing more.
 *
 * libinotifytools is global state, so one thread makes every call and sleeps in it without a time-out; it is woken at exit by a file in a doorbell
 * directory that it also watches. A rename into place or a deletion is told at once, bursts of CREATE/MODIFY after 100 ms of quiet (at most 1 s).
 * Overflow, a deleted root, a new directory: all mean look again. Roots that do not exist yet are noticed when they come (their nearest existing parent is watched). */
#ifndef EK_WATCH_H
#define EK_WATCH_H

#include <stddef.h>

#include "spec/base/err.h"

struct watch;

/* Watches the roots recursively; a root that is a file in its folder. doorbell is a directory of ours (made if missing; whatever it holds named
 * bell.* is removed). One per process. When it returns, everything that is there is watched; watch_fd is readable once, for what changed before. */
struct watch *watch_new(const char *const *roots, size_t n_roots, const char *doorbell,
                        struct err *e);
void watch_free(struct watch *w);    /* NULL is fine */
int watch_fd(const struct watch *w); /* readable: look again */
void watch_seen(struct watch *w);    /* call before looking: resets the descriptor */
/* For who looks by the clock: is everything still watched that should be? A file system that was mounted or unmounted sends no event; where one was,
 * all is watched anew, and look again is said. */
void watch_check(struct watch *w);
/* Folders outside the roots that hold files which specs read (env_file); not recursive. Replaces the earlier set; says look again once they are
 * watched. The same set again costs nothing. */
void watch_extra(struct watch *w, const char *const *folders, size_t n);
/* The same for sources of what is built: like roots, wherever they lie (what lies in a root is watched once). */
void watch_trees(struct watch *w, const char *const *paths, size_t n);

#endif
