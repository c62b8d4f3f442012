/* secrets.h: STATE/secrets/NAME and STATE/secrets/APP/NAME: one file per secret, 0600 in folders of 0700, the file's bytes being the value.
 *
 * An app's own secret wins over the common one of the same name. What a spec may know of a secret is its name, a digest and why it cannot be used; the value goes only where it is
 * needed (secrets_read), never into a log, a plan, a label or the diary. */
#ifndef EK_SECRETS_H
#define EK_SECRETS_H

#include <stdbool.h>
#include <sys/stat.h>

#include "agent/secret_kind.h"
#include "spec/base/err.h"
#include "spec/base/js.h"

struct arena;

struct secret {
    const char *name;    /* "NAME" or "APP/NAME" */
    const char *problem; /* one line, naming the file; NULL: it can be used */
    char digest[SHA256_HEX];
    enum secret_kind kind;
    int64_t not_after_ms;  /* certificates; else 0 */
    char pair[SHA256_HEX]; /* secret_nature */
    struct stat st;        /* of the file when it was read */
};

/* ---- one secret ---- */

/* app NULL: for all apps. Names: A-Z a-z 0-9 and inner . _ -, at most 100 long. All of them: 0, or -1 with what to do. */
int secrets_check_name(const char *app, const char *name, struct err *e);
/* Written beside it and renamed: readers see the old value or the new one. An empty value is refused, and more than LIMIT_SECRET_BYTES. */
int secrets_set(const char *state, const char *app, const char *name, const void *value, size_t n,
                struct err *e);
/* ERR_MISSING when there is none. */
int secrets_remove(const char *state, const char *app, const char *name, struct err *e);
/* The value of "NAME" or "APP/NAME", NUL-terminated in the arena. */
int secrets_read(const char *state, const char *name, struct arena *a, const char **ret_value,
                 size_t *ret_n, struct err *e);

/* "text", "certificate" or "private key". */
const char *secret_kind_word(const struct secret *s);
/* What may be told of one: name, app, kind, times and trouble, never its value. New reference. */
json_t *secret_to_json(const struct secret *s);

/* ---- all of them ---- */
struct secrets;

struct secrets *secrets_new(const char *state);
void secrets_free(struct secrets *s); /* NULL is fine */
/* Look at the folder; reads only files whose stat differs from last time. True if anything that secrets_list says differs from before. */
bool secrets_scan(struct secrets *s);
/* Sorted by name; valid until the next scan that returns true. */
const struct secret *secrets_list(const struct secrets *s, size_t *ret_n);
/* Why the folder itself cannot be read (then the list is empty), or NULL. */
const char *secrets_trouble(const struct secrets *s);

#endif
