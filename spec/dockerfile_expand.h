/* dockerfile_expand.h: variables in a Dockerfile's words. Pure.
 *
 * Source: the Dockerfile reference ("Environment replacement"): $V, ${V}, ${V:-d}, ${V-d}, ${V:+r}, ${V+r}, ${V:?m}, ${V?m}, ${V#p},
 * ${V##p}, ${V%p}, ${V%%p}, ${V/p/r}, ${V//p/r}, with `*` and `?` in p; quotes and the escape character. */
#ifndef EK_DOCKERFILE_EXPAND_H
#define EK_DOCKERFILE_EXPAND_H

#include "spec/base/str.h"

struct arena;

struct dockerfile_vars {
    struct kvs env, args; /* env goes before args */
    char escape;
    long
        work; /* steps left for all expansions of one file, so that no text makes us count for ever */
};

#define DOCKERFILE_WORK 20000000L
#define DOCKERFILE_VALUE 4096 /* bytes of one value */

/* Appends word with variables replaced and quotes and escapes taken out. *ret_unset (may be NULL) becomes the first name that had no
 * value and no default. Returns NULL, or what is wrong. */
const char *dockerfile_expand(struct dockerfile_vars *vars, const char *word, struct arena *a,
                              struct str *out, const char **ret_unset);
/* The same, with quotes and escapes left as they stand: for what is split into words afterwards. */
const char *dockerfile_expand_raw(struct dockerfile_vars *vars, const char *word, struct arena *a,
                                  struct str *out, const char **ret_unset);
/* Splits at blanks outside quotes; quotes and escapes stay in the words. */
void dockerfile_words(const char *text, char escape, struct arena *a, struct strv *ret);

#endif
