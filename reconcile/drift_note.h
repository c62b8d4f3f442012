/* drift_note.h: the last touch to the differences of an app. */
#ifndef EK_DRIFT_NOTE_H
#define EK_DRIFT_NOTE_H

struct app_work;

/* Once everything of the app is judged and its verdict spoken: fill service, event, time, repair and left of each difference. */
void drift_note(struct app_work *p);

#endif
