/* desired_dump.h: desired state as canonical readable text, for golden tests and for people who debug.
 *
 * It shows everything, environment variables included: never for a log, a report or an answer of the API. */
#ifndef EK_DESIRED_DUMP_H
#define EK_DESIRED_DUMP_H

struct desired;
struct str;

/* Equal desired states give equal text. Digests are left out: they are functions of the rest, and would change every golden file
 * whenever a field is added. */
void desired_dump(const struct desired *d, struct str *out);

#endif
