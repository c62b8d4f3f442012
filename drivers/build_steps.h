/* build_steps.h: the steps of one build and what they said, whichever builder tells it. Pure.
 *
 * Steps are known by a key and addressed by their index; -1 stands for a step beyond the bound, and is accepted and ignored everywhere. In the
 * log they are numbered as they begin. */
#ifndef EK_BUILD_STEPS_H
#define EK_BUILD_STEPS_H

#include "drivers/build_trace.h"

struct build_steps;

#define BUILD_STEPS 1024    /* kept; more are not shown */
#define BUILD_NAME 1024     /* bytes of a step's name */
#define BUILD_TAIL_LINE 512 /* bytes of a line in the tail of a step's output */

struct build_steps *build_steps_new(void);
void build_steps_free(struct build_steps *s);
/* Where lines go from here on. */
void build_steps_to(struct build_steps *s, build_line_fn *fn, void *user);

int build_steps_find(struct build_steps *s, uint64_t key); /* made when new */
/* All times in ns since 1970; 0: not known. Texts need not be NUL-terminated and may hold anything. */
void build_steps_name(struct build_steps *s, int step, const char *name, size_t n);
void build_steps_begin(struct build_steps *s, int step, int64_t started_ns);
void build_steps_output(struct build_steps *s, int step, int64_t now_ns, const char *bytes,
                        size_t n);
void build_steps_end_line(struct build_steps *s,
                          int step); /* what was said without a line end is a line */
/* A line about the step: "exporting layers 0.1s done". One of the same words is told once. */
void build_steps_note(struct build_steps *s, int step, const char *text, uint64_t once);
/* error: NULL, or why it failed. */
void build_steps_end(struct build_steps *s, int step, int64_t ended_ns, bool cached,
                     const char *error, size_t error_n);

/* The step that failed, or -1; else the last that began and has not ended. */
int build_steps_failed(const struct build_steps *s);
int build_steps_current(const struct build_steps *s);
const char *build_steps_name_of(const struct build_steps *s, int step); /* "" */
/* The last lines of its output, oldest first. */
size_t build_steps_tail(const struct build_steps *s, int step, const char *ret[BUILD_TAIL]);
const char *build_steps_progress(const struct build_steps *s, double *ret_fraction);
void build_steps_summary(const struct build_steps *s, struct str *out);

/* A stranger's text on one line: blanks and line ends become single blanks, colours and cursor movements go, the rest
 * is made printable; at most max bytes, cut where a character ends. */
void build_text_clean(struct str *out, const char *text, size_t n, size_t max);

#endif
