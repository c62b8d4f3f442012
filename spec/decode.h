/* decode.h: a tree of YAML and a table of fields in, a filled struct and all diagnostics out.
 *
 * Never stops at the first mistake. A value that cannot be read is left absent, so the struct is safe to look at afterwards. */
#ifndef EK_DECODE_H
#define EK_DECODE_H

#include <stdbool.h>

#include "spec/base/attr.h"
#include "spec/base/err.h"
#include "spec/base/str.h"
#include "spec/fields.h"
#include "spec/limits.h"
#include "spec/yaml.h"

struct app;
struct arena;
struct loader;

struct path_part {
    const char *key; /* NULL: index */
    size_t index;
};

/* Everything a decoder needs besides its row, value and destination. */
struct decode_ctx {
    struct arena *arena;
    struct diag_list *diags;
    const struct yaml_file *file;
    const char *dir;             /* absolute folder of the file, for relative paths */
    const struct loader *loader; /* may be NULL: env_file is then an error */
    struct strv *reads;          /* other files it was made from */
    bool
        plain_dollars; /* `$` means nothing: the agent's configuration; Compose files, whose variables are filled in before */
    bool compose;      /* platform keys stand under x-evenkeel */
    const char *within; /* absolute folder that no file it is made of may lie outside of; or NULL */
    const struct yaml_file **parts; /* the further files of a Compose document, for their lines */
    size_t n_parts, cap_parts;
    const struct app *over; /* the app whose source this Compose file is (struct loader); or NULL */
    struct path_part path[2 * LIMIT_YAML_DEPTH];
    size_t depth;
    const struct yaml_file *source_file; /* memo of the line shown last */
    int source_line;
    const char *source;
};

/* One of the tables that the keys of a mapping may come from, and the struct it fills. With elsewhere (and no base) the table's keys
 * are known but belong to another place, which it names: "a service: put it under `services: NAME:`". */
struct decode_target {
    const struct table *table;
    void *base;
    const char *elsewhere;
};

/* ---- where we are: "services.web.ports[0]" ---- */
void decode_enter(struct decode_ctx *c, const char *key);
void decode_enter_index(struct decode_ctx *c, size_t index);
void decode_leave(struct decode_ctx *c);

/* ---- diagnostics with place, path and source line ---- */
struct place decode_place(const struct decode_ctx *c, const struct yaml_node *v);
struct place decode_pair_place(const struct decode_ctx *c,
                               const struct yaml_pair *pair); /* of its key */
/* Place of a key of map, or of map itself when it has no such key. */
struct place decode_key_place(const struct decode_ctx *c, const struct yaml_node *map,
                              const char *key);
void decode_say(struct decode_ctx *c, enum diag_level level, struct place at, const char *hint,
                const char *fmt, ...) PRINTF_LIKE(5, 6);
void decode_error(struct decode_ctx *c, const struct yaml_node *at, const char *hint,
                  const char *fmt, ...) PRINTF_LIKE(4, 5);

/* ---- values ---- */

/* Fill the structs of the targets from a mapping; each key goes to the first table that has it. NULL values leave their fields
 * absent. Returns whether v is a mapping (complaining if not). */
bool decode_fields(struct decode_ctx *c, const struct yaml_node *v,
                   const struct decode_target *targets, size_t n);
bool decode_table(struct decode_ctx *c, const struct table *t, const struct yaml_node *v,
                  void *base);

/* The text of a scalar with `$$` read as `$`. NULL after a complaint when it is no scalar, too long, or asks for a variable, and without one when it is broken. words says
 * what was expected. A YAML null counts as no scalar. */
const char *decode_text(struct decode_ctx *c, const struct yaml_node *v, const char *words);
/* The same for a text that is part of v. */
const char *decode_dollars(struct decode_ctx *c, const struct yaml_node *v, const char *text);
/* Complains unless v is of that kind, and when it has more than LIMIT_LIST entries. */
bool decode_is(struct decode_ctx *c, const struct yaml_node *v, enum yaml_kind kind,
               const char *words);
/* "must be WORDS, not KIND" */
void decode_wrong_kind(struct decode_ctx *c, const struct yaml_node *v, const char *words);
/* The value of word among the choices; complains with the nearest and all allowed words. */
bool decode_choice(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                   const char *word, int *ret);
/* A whole number within bounds, from a number or a quoted number. */
bool decode_int(struct decode_ctx *c, const struct yaml_node *v, int64_t min, int64_t max,
                int64_t *ret);
/* text "PORT" or "FROM-TO", 1..65535. */
bool decode_port_range(const char *text, int *ret_from, int *ret_to);
/* path, which stands at v, made absolute against the folder of v's file, "." and ".." and double slashes resolved by the letters alone. */
const char *decode_path(struct decode_ctx *c, const struct yaml_node *v, const char *path);
/* The same for a path and the folder it begins at. */
const char *decode_path_in(struct decode_ctx *c, const char *dir, const char *path);

#endif
