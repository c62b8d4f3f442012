/* door_facts.h: what requests may know of apps: a snapshot that the loop publishes and threads of the listeners read. */
#ifndef EK_DOOR_FACTS_H
#define EK_DOOR_FACTS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "reconcile/plan.h"
#include "spec/base/str.h"

struct conductor;
struct core;
struct door_list;

struct door_app {
    const char *name, *state, *why, *origin /* ROOT//FILE */, *digest;
    struct strv addresses;
    size_t wanted, running;
    bool builtin;
    enum app_state word; /* of state */
    bool settled;        /* nothing of it is under way or about to be looked at */
};

struct door_removals { /* that are held */
    const char *root, *hash;
    struct strv apps;
};

struct door_facts {
    atomic_int refs;
    struct arena *arena;   /* itself included */
    struct door_app *apps; /* by name */
    size_t n;
    const char *engine_trouble;    /* NULL: none */
    const char *engine, *platform; /* its version, "linux/amd64"; NULL: not known yet */
    size_t containers;             /* of ours, running or not */
    bool looked;
    uint64_t read;        /* how much of what was placed (door_placed) the files were read after */
    pthread_mutex_t lock; /* guards list */
    struct door_list *list; /* door_list_of; NULL: nobody asked */
};

/* On the loop's thread. */
struct door_facts *door_facts_new(const struct core *core, const struct conductor *conductor);
/* The last one frees it; NULL is fine. */
void door_facts_drop(struct door_facts *f);
const struct door_app *door_facts_app(const struct door_facts *f, const char *name);

#endif
