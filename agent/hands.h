/* hands.h: events that are a hand's work, remembered. */
#ifndef EK_HANDS_H
#define EK_HANDS_H

struct happening;
struct memo;
struct store;

/* h has an app, an object and an action. Noted under the object's name, and under that of the container that it happened to. store may be NULL. */
void hands_note(struct memo *m, struct store *s, const struct happening *h);

#endif
