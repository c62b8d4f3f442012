/* hook_folder.h: what became of lifecycle hooks, one file a container and kind of hook: STATE/hooks/CONTAINER.post_start.
 *
 * Hooks must not run a second time because an agent was ended in the middle, and the engine forgets what was run in a container
 * minutes later. A record is of one start of one container; a later start makes it void. Loop thread only. */
#ifndef EK_HOOK_FOLDER_H
#define EK_HOOK_FOLDER_H

#include "drivers/observed.h"

struct hook_folder;

struct hook_record {    /* texts borrowed or in an arena */
    int64_t started_ms; /* of the start it is about */
    enum hook_state state;
    size_t step;        /* RUNNING: which of the hooks, from 0 */
    const char *exec;   /* RUNNING: the engine's id of it */
    const char *error;  /* FAILED: why, in words */
    int64_t written_ms; /* when; filled in by hook_folder_get */
};

/* dir: STATE/hooks; it need not exist. Nothing is read yet. */
struct hook_folder *hook_folder_new(const char *dir);
void hook_folder_free(struct hook_folder *h); /* NULL is fine */

/* The records of post_start, read at the first call and known from then on, sorted by container. Copied to the arena. */
void hook_folder_observed(struct hook_folder *h, struct arena *a, struct obs_hook **ret,
                          size_t *ret_n);
/* False: there is none, or it cannot be read. */
bool hook_folder_get(const struct hook_folder *h, const char *container, const char *kind,
                     struct arena *a, struct hook_record *ret);
/* Whole and durable before it returns. */
int hook_folder_put(struct hook_folder *h, const char *container, const char *kind,
                    const struct hook_record *r, struct err *e);
/* The container is gone. */
void hook_folder_drop(struct hook_folder *h, const char *container);
/* Drop what was there before this process and is of containers that nobody knows. */
typedef bool hook_known_fn(void *user, const char *container);
void hook_folder_sweep(struct hook_folder *h, hook_known_fn *known, void *user);

#endif
