/* secret_facts.h: what is known of each secret, as far as desired state needs it: never the secret itself. */
#ifndef EK_SECRET_FACTS_H
#define EK_SECRET_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

struct secret_facts {
    const char *name;    /* "NAME", or "APP/NAME": that app's own, which wins over the common one */
    const char *digest;  /* SHA-256 of the content, 64 hex digits */
    const char *problem; /* why it cannot be used ("it is empty"), or NULL */
    int64_t not_after_ms; /* of a certificate; 0: it is none */
    const char *
        pair; /* equal for a certificate and the key that belongs to it; NULL: neither, or not known */
};

/* The secret that app means by name, in an array sorted by name (strcmp); NULL when neither is there. */
const struct secret_facts *secret_find(const struct secret_facts *v, size_t n, const char *app,
                                       const char *name, struct arena *a);

/* Letters, digits, `_`, `.` and `-`, beginning with a letter or digit, at most 63. */
bool secret_name_valid(const char *name);

#endif
