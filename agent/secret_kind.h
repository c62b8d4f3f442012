/* secret_kind.h: what the bytes of a secret are, as far as it matters: a certificate says when it ends. */
#ifndef EK_SECRET_KIND_H
#define EK_SECRET_KIND_H

#include <stddef.h>
#include <stdint.h>

#include "spec/base/js.h"

enum secret_kind { SECRET_TEXT, SECRET_CERTIFICATE, SECRET_KEY };

struct secret_nature {
    enum secret_kind kind;
    int64_t not_after_ms; /* of the first certificate, which is the server's own; 0: none */
    char pair
        [SHA256_HEX]; /* of the public key: equal for a certificate and the key that belongs to it; "": neither */
    char problem[160]; /* PEM that cannot be used as it is; "": nothing to complain about */
};

/* Text that is not PEM is SECRET_TEXT and never a problem. problem quotes nothing of the text. */
struct secret_nature secret_nature_of(const char *text, size_t n);

#endif
