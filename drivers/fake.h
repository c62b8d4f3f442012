/* fake.h: an engine in memory with the contract of driver.h, for planner and fault tests and `plan --simulate`.
 *
 * Time stands still except through fake_step. Never proof that a feature works. */
#ifndef EK_FAKE_H
#define EK_FAKE_H

#include "drivers/driver.h"

struct fake_faults {
    int fail_at;        /* the n-th operation (from 1) fails; 0: none */
    bool late;          /* ... after it took effect: the reply was lost, not the request */
    bool hang;          /* ... when all else that is pending has ended: at its deadline */
    bool slow;          /* it does not fail, but ends only when all else that is pending has */
    enum err_kind kind; /* with what it fails; ERR_NONE: ERR_RETRY */
    unsigned
        rain; /* one in so many operations fails besides, before or after it took effect, or ends late; 0: none */
    uint32_t seed; /* which */
    const char *
        ghost; /* a subnet that is refused though no network has it, as after an engine that was killed; or NULL */
    int64_t
        now_ms;   /* when time begins; 0: a second after the last thing that happened in `start` */
    bool reverse; /* finish what is pending in the opposite order */
};

struct driver *fake_new(const struct observed *start, const struct fake_faults *faults);
/* What a hand does: carry out one operation at once, beside the driver's queue, journal and faults. */
void fake_apply(struct driver *d, const struct op *op, struct op_result *ret);
/* Finish one pending operation (its callback runs inside). False: nothing is pending. */
bool fake_step(struct driver *d);
/* Operations finished so far, one line each ("start blog-app-1", "pull nginx:latest: failed"). */
const char *fake_journal(struct driver *d);

#endif
