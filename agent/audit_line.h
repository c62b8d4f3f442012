/* audit_line.h: one record of the audit log as a line of text, and back. Pure.
 *
 * A line is `HASH JSON`: the JSON object on one line, keys sorted, with the hash of the record before it as `prev`; HASH is the SHA-256 of its bytes. So each line vouches for all before it, and
 * `cut -c66- LINE | sha256sum` (without the line's end) is all it takes to check one. */
#ifndef EK_AUDIT_LINE_H
#define EK_AUDIT_LINE_H

#include <stddef.h>
#include <stdint.h>

#include "spec/base/js.h"

struct arena;
struct str;

#define AUDIT_NO_HASH "0000000000000000000000000000000000000000000000000000000000000000"

struct audit_record {
    int64_t seq;   /* from 1, without gaps */
    int64_t at_ms; /* wall clock, kept to the second */
    int64_t re;    /* seq of the record that this one is the outcome of, or 0 */
    char hash[SHA256_HEX], prev[SHA256_HEX];
    /* "" where there is none; each at most LIMIT_AUDIT_TEXT bytes, longer ones are cut, and what no terminal should get is escaped */
    const char *by;   /* account, token, "cli:root", "agent" */
    const char *from; /* address */
    const char *did;  /* what was asked: "app.deploy" */
    const char *app;
    const char *what;    /* another object: a secret, a token, an account */
    const char *outcome; /* "asked", "done", "refused", "failed" */
    const char *detail;  /* one line of words */
};

/* The line with its end; fills r->hash. All texts must be set. */
void audit_line_write(struct audit_record *r, struct str *out);
/* line: n bytes without the end. 0, or -1 with *ret_why a literal. Texts in the arena. */
int audit_line_read(const char *line, size_t n, struct arena *a, struct audit_record *ret,
                    const char **ret_why);

#endif
