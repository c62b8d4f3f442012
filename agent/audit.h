/* audit.h: who asked for what, from where, and what was done: a log that is only ever appended to, in which each record vouches for all before it (audit_line.h).
 *
 * The agent and the command line write the same log, one record at a time. A record that was cut off by a crash was never acknowledged; the next one to write drops it and says so in the log. A log
 * whose end is missing or is not what was written is never continued in silence: a record says so, and audit_verify finds it. Nothing here removes records; the oldest files may be taken away by hand.
 *
 * What this can show: any record that was changed, removed from the middle, put in or cut from the end. What it cannot: that somebody who may write STATE has made the whole log anew; for that, keep
 * the head that `evenkeel audit verify` prints somewhere else. Any thread. */
#ifndef EK_AUDIT_H
#define EK_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/audit_line.h"
#include "spec/base/err.h"

struct audit;

struct audit_rules {
    int64_t file_bytes; /* a file that has so many is followed by another */
};
#define AUDIT_RULES ((struct audit_rules){.file_bytes = 16 << 20})

struct audit_entry {                                             /* NULL is "" */
    const char *by, *from, *did, *app, *what, *outcome, *detail; /* as in audit_record */
    int64_t re;
    bool
        lazy; /* kill -9 cannot lose it, a power cut may until the next one that is not lazy: for what strangers can cause at will */
};

/* state and rules are copied. What a crash has left is repaired by the next record. */
int audit_open(const char *state, const struct audit_rules *rules, struct audit **ret,
               struct err *e);
void audit_free(struct audit *a); /* NULL is fine */
/* On disk when it returns 0 (unless lazy). -1: the record is not there, or not for certain; what was asked should then not be done. ret_seq may be NULL. */
int audit_append(struct audit *a, const struct audit_entry *x, int64_t now_ms, int64_t *ret_seq,
                 struct err *e);
/* Everything appended so far is on disk. */
int audit_sync(struct audit *a, struct err *e);

#endif
