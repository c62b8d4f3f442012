/* gc.h: images of old builds, collected: the engine is asked what carries our label, gc_due.h decides, and what is due is removed one after another. */
#ifndef EK_GC_H
#define EK_GC_H

#include "agent/core.h"
#include "reconcile/gc_due.h"

struct gc;
struct store;

struct gc_report {
    size_t removed, in_use /* by now, so they stayed */, kept;
    int64_t bytes; /* what the removed ones free at most */
};
/* Each that is due: e->kind ERR_NONE: it is gone, or would be; ERR_CONFLICT: it is in use after all. */
typedef void gc_each_fn(void *user, const struct gc_item *item, const struct err *e);
/* Once, at the end; the collection is over and freed after it. e: why it could not be finished. */
typedef void gc_over_fn(void *user, const struct gc_report *r, const struct err *e);

struct gc_options {
    struct core *core;   /* with a real engine, looked at; desired state is built if it is stale */
    struct store *store; /* remembers what is in use now; NULL: nothing is remembered */
    bool dry_run;
    gc_each_fn *each;
    gc_over_fn *over;
    void *user;
};

/* Never calls back before it returns. */
struct gc *gc_begin(const struct gc_options *o);
void gc_free(struct gc *g); /* one that is not over, after its driver was freed; NULL is fine */

#endif
