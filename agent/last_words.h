/* last_words.h: why apps are not well, in the words of their containers, and what to write about it. */
#ifndef EK_LAST_WORDS_H
#define EK_LAST_WORDS_H

#include "agent/core.h"
#include "agent/slot.h"

struct last_words {
    struct core *core;
    struct slots *slots;
    struct conductor *conductor;                        /* whose slots they are */
    void (*heard)(struct conductor *c, struct slot *s); /* the slot's verdict carries them now */
    size_t asked; /* answers that are still to come; this must live until then */
};

/* If the app is Degraded by a container, its last lines are fetched, once for each container. */
void last_words_ask(struct last_words *w, const struct plan_app *pa, const struct observed *o);
/* The run of this slot failed, and the slot knows so: add what to do about it, if its container said or showed it. */
void last_words_of_run(struct last_words *w, struct slot *s, const struct run *r);

#endif
