/* detect.h: what kind of application a context without a Dockerfile is, and the Dockerfile that is made for it. Pure.
 *
 * Knows Node.js, Python, Go, Rust, Ruby, PHP, Java (Maven, Gradle), .NET and static sites. The Dockerfile is small, multi-stage where something is compiled, runs as a user without rights, uses
 * cache mounts for package managers, exposes $PORT (8000 unless the spec says otherwise), and says in its comments why each choice was made. */
#ifndef EK_DETECT_H
#define EK_DETECT_H

#include "spec/base/err.h"
#include "spec/base/str.h"

struct arena;

struct detect_input {
    struct strv paths; /* all files of the context, sorted */
    /* Read a small file of it; NULL when there is none (at most LIMIT_SPEC_BYTES). */
    const char *(*read)(void *ctx, const char *path, struct arena *a, size_t *ret_n);
    void *ctx;
    const char *strategy; /* "auto", or a language's name to force it */
    const char
        *start; /* `start:` of the spec, or NULL: then a Procfile's web line, then what is found */
    const char *requirements; /* `requirements:` of the spec, or NULL */
    int port;                 /* of the spec, or 0 */
};

struct detected {
    const char *language; /* "node", "python", ... */
    const char *because;  /* "package.json with a start script" */
    const char *dockerfile;
    const char *start; /* what runs */
    int port;
};

/* -1: nothing is recognised, or what is needed is missing (a start command): e names what was looked for and what to write. */
int detect_application(const struct detect_input *in, struct arena *a, struct detected *ret,
                       struct err *e);
/* Names for `strategy:`. */
const char *const *detect_languages(size_t *ret_n);

#endif
