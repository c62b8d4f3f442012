/* build_classic.h: the classic builder's stream as steps. Pure.
 *
 * Source: Engine API, POST /build; the words are those of moby's builder/dockerfile ("Step 2/6 : RUN ...", " ---> Using cache"). */
#ifndef EK_BUILD_CLASSIC_H
#define EK_BUILD_CLASSIC_H

#include "drivers/build_steps.h"

struct build_classic {
    int step, of; /* the one that runs, counted from 1; 0 before the first */
    bool cached;
};

/* The text of one "stream" member. */
void build_classic_stream(struct build_classic *c, struct build_steps *s, const char *text);
/* The running step failed, or (error NULL) the last one is done. */
void build_classic_end(struct build_classic *c, struct build_steps *s, const char *error);

#endif
