/* hands.h: events that are a hand's work, remembered. */
#ifndef EK_HANDS_H
#define EK_HANDS_H

#include <stdbool.h>

struct happening;
struct memo;
struct plan_app;
struct run;
struct store;

/* h has an app, an object and an action. Noted under the object's name, and under that of the container that it happened to. During a run (NULL: there is
 * none) only what goes on with a deed that was noted before it, and that the run does not do itself. store may be NULL. */
void hands_note(struct memo *m, struct store *s, const struct happening *h, const struct run *run);
/* Something that a hand did is still there. */
bool hands_left_any(const struct plan_app *pa);

#endif
