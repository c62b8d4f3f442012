/* diary.h: a recorder that writes what runs do into the store. */
#ifndef EK_DIARY_H
#define EK_DIARY_H

#include "agent/store.h"
#include "reconcile/recorder.h"

/* store is borrowed and may be NULL (then nothing is recorded). */
struct recorder diary_recorder(struct store *store);

#endif
