/* dockerignore.h: .dockerignore in full: comments, blank lines, leading slashes, `!` exceptions, `*`, `?`, `[a-z]`, `**`, last match wins. Pure.
 *
 * Source: the Dockerfile reference, ".dockerignore files"; matching as Go's filepath.Match per component, with `**` for any number of components. */
#ifndef EK_DOCKERIGNORE_H
#define EK_DOCKERIGNORE_H

#include <stdbool.h>
#include <stddef.h>

#include "spec/base/err.h"

struct arena;
struct dockerignore;

/* A malformed pattern is an error naming its line. */
struct dockerignore *dockerignore_parse(const char *text, size_t n, struct arena *a, struct err *e);
/* path: relative, no leading "./". An excluded directory excludes what is below it, unless an exception names something in there. */
bool dockerignore_excludes(const struct dockerignore *d, const char *path);
/* False if nothing below this excluded directory can be brought back by an exception: the walk may skip it. */
bool dockerignore_may_return(const struct dockerignore *d, const char *dir);

#endif
