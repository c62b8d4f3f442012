/* hands.h: events that are a hand's work, remembered. */
#ifndef EK_HANDS_H
#define EK_HANDS_H

#include <stdbool.h>

struct arena;
struct desired;
struct happening;
struct memo;
struct observed;
struct plan_app;
struct run;
struct store;

/* h has an app, an object and an action. Noted under the object's name, and under that of the container that it happened to. During a run (NULL: there is
 * none) only what goes on with a deed that was noted before it, and that the run does not do itself. store may be NULL. */
void hands_note(struct memo *m, struct store *s, const struct happening *h, const struct run *run);
/* Forget what was done to apps that nobody wants and of which no container is there any more, and what was up in places that are no more:
 * an app that comes by the name later begins anew. Nothing is forgotten while a file or root cannot be read. store may be NULL. */
void hands_forget(struct memo *m, struct store *s, const struct desired *d,
                  const struct observed *o, struct arena *a);
/* Something that a hand did is still there. */
bool hands_left_any(const struct plan_app *pa);

#endif
