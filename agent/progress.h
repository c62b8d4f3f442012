/* progress.h: a recorder that shows a person what is being done: on a terminal one live line per running app under the finished ones, in a pipe one plain line per
 * action that ends. */
#ifndef EK_PROGRESS_H
#define EK_PROGRESS_H

#include <stdbool.h>
#include <stdio.h>

#include "reconcile/recorder.h"

struct progress;

/* colour and live follow from the stream and NO_COLOR. */
struct progress *progress_new(FILE *out);
void progress_free(struct progress *p); /* takes live lines off the screen first */
struct recorder progress_recorder(struct progress *p);
/* A line of text above the live lines. */
void progress_say(struct progress *p, const char *text);

bool terminal_colour(FILE *out); /* a terminal, and neither NO_COLOR nor TERM=dumb */

#endif
