/* narrate.h: a recorder that logs what runs do, one line per run that starts or ends and per action that fails. */
#ifndef EK_NARRATE_H
#define EK_NARRATE_H

#include "reconcile/recorder.h"

struct recorder narrate_recorder(void);

#endif
