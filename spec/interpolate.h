/* interpolate.h: variables in a text, as Compose fills them in.
 *
 * $NAME and ${NAME}; ${NAME:-text} and ${NAME-text} (text where it is empty or unset; unset); ${NAME:?text} and ${NAME?text} (an error then); ${NAME:+text} and
 * ${NAME+text} (text where it is not empty; set). The text behind an operator may hold variables itself and is only read where it counts. $$ is a dollar sign, and so is
 * one that begins no variable. Source: github.com/compose-spec/compose-spec, 12-interpolation.md. */
#ifndef EK_INTERPOLATE_H
#define EK_INTERPOLATE_H

#include "spec/base/str.h"

struct arena;

/* Where variables come from. */
struct interpolate_source {
    /* The value of name, or NULL when it is not set; then the file it came from (may be NULL) in *ret_file. Both live as long as the result. */
    const char *(*lookup)(void *ctx, const char *name, const char **ret_file);
    void *ctx;
};

struct interpolate_result {
    const char
        *text; /* in the arena, or the given one where there was nothing to do; NULL: error */
    const char *error,
        *hint; /* what is wrong and what to write, in the arena; NULL when text is there */
    struct strv
        unset; /* the first 16 variables that are not set where nothing says what holds then: empty */
    struct kvs from; /* variables that were found -> the file they came from, or "" */
};

/* The result is at most LIMIT_TEXT bytes. Returns 0, or -1 with ret->error. */
int interpolate_text(const char *text, const struct interpolate_source *source, struct arena *a,
                     struct interpolate_result *ret);

/* Does text hold anything that interpolate_text would change or refuse? */
bool interpolate_needed(const char *text);

#endif
