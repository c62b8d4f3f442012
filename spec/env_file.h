/* env_file.h: files of environment variables, in the syntax of Compose's env_file.
 *
 * KEY=VALUE lines; `export ` in front is allowed; `#` begins a comment at the start of a line or after a blank; values may be in single
 * quotes (as they stand) or double quotes (\n \t \r \" \\ \$ are read), both over several lines. For Compose files, variables in values without
 * quotes and in double quotes are filled in, also with what stands further up in the same file; for others a `$` that Compose would read is passed as it
 * stands, with a warning.
 * Source: github.com/compose-spec/compose-spec, 05-services.md, "Env_file format". */
#ifndef EK_ENV_FILE_H
#define EK_ENV_FILE_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct decode_ctx;
struct diag_list;
struct interpolate_source;
struct kvs;
struct service_draft;
struct strv;

struct env_text {
    const char *name; /* of the file, for diagnostics; must outlive the diags */
    const char *text;
    size_t n;
    bool raw; /* the value is all that stands behind the first `=` */
    const struct interpolate_source *variables; /* NULL: they are not filled in */
};

/* Adds to ret, later lines winning; keys without a value go to ret_inherit. Complains into diags; what can be read is read. */
void env_file_parse(const struct env_text *in, struct arena *a, struct diag_list *diags,
                    struct kvs *ret, struct strv *ret_inherit);

/* The same for label_file and `labels`. */
void label_file_merge(struct decode_ctx *c, struct service_draft *d);

/* Reads the env_sources of a service through the context's loader and puts what they hold under its `environment`, which wins. */
void env_file_merge(struct decode_ctx *c, struct service_draft *d);

#endif
