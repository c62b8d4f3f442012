/* quarantine.h: the record of a volume in quarantine: the volume is where it was, under its name, and waits for its end.
 *
 * One file STATE/quarantine/VOLUME.yaml each. The volume may be deleted when the record's time is over, never without one. A
 * record that cannot be read keeps its volume. */
#ifndef EK_QUARANTINE_H
#define EK_QUARANTINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct err;
struct str;

#define QUARANTINE_SUFFIX ".yaml"
#define QUARANTINE_DEFAULT_MS (INT64_C(7) * 24 * 3600 * 1000)

struct quarantine_record { /* texts borrowed or in an arena */
    const char *volume;
    const char *owner, *app;    /* of its labels when it came in */
    const char *why, *by;       /* in words; by may be NULL */
    int64_t since_ms, until_ms; /* since it is there; when it may be deleted */
    bool purge;                 /* its deletion was asked for in words */
    const char *problem; /* NULL, or why the file cannot be read: only volume is filled in then */
};

/* A name that the engine takes for a volume, and that is a file's name therefore. */
bool quarantine_name_valid(const char *volume);
/* The file of that volume. Returns 0, or -1 with e (ERR_USER: line, key, reason). Texts in the arena; volume is borrowed. */
int quarantine_parse(const char *volume, const char *text, size_t n, struct arena *a,
                     struct quarantine_record *ret, struct err *e);
/* The text of a file: equal records, equal bytes. Times are in whole seconds. */
void quarantine_print(const struct quarantine_record *r, struct str *out);

#endif
