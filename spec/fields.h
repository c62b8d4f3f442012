/* fields.h: every key that a user can write, one row each.
 *
 * Four readers share the rows: decode (decode.h), validation of values (the row's bounds, choices and check), the JSON
 * Schemas and the reference page (schema.h), and the canonical rendering behind digests and dumps (show.h). A row that
 * needs a special case gets a form of its own or a check, never a comparison of names in one of the readers.
 * Rows of a table are sorted by name. */
#ifndef EK_FIELDS_H
#define EK_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct decode_ctx;
struct field;
struct str;
struct table;
struct yaml_node;

/* How a value is written. decode stores it at out (complaining into the context where it cannot); show writes a value canonically
 * on one line, or returns false when it is absent. */
struct form {
    const char *words; /* "a list of strings", for messages and the reference */
    void (*decode)(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                   void *out);
    bool (*show)(const struct field *f, const void *value, struct str *out);
    const char *schema; /* JSON text; NULL: a reference to the row's table, or its choices */
};

struct choice {
    const char *word; /* NULL ends the list */
    int value;
};

enum field_status {
    FIELD_SUPPORTED = 0,
    FIELD_PLANNED, /* a known name, refused by this version */
    FIELD_IGNORED, /* a known name without effect here: a warning, help says why */
    FIELD_UNSUPPORTED, /* a known name that will not be: an error, help says why and what to do instead */
    FIELD_REFUSED, /* a known name that has no place here: an error, help says what to write */
};

struct field {
    const char *name;
    const struct form *form; /* NULL unless FIELD_SUPPORTED */
    size_t offset;           /* of the value in the struct that the table describes */
    const char *help;
    enum field_status status;
    bool required;
    int64_t min, max;             /* both 0: unbounded; in the unit of the form */
    const struct choice *choices; /* allowed words */
    const char *fallback;         /* what holds when the key is absent, in words */
    const char *compose_fallback; /* the same in a Compose file, where that differs */
    const char *alias_of;         /* another spelling of that key: both store in one place */
    const struct table *table;    /* rows of a nested mapping */
    /* May complain about text, which is v's after `$$` was resolved; true when it is fine. */
    bool (*check)(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                  const char *text);
    const char *since; /* version; NULL: the first */
    bool
        platform; /* a key of a service that Compose does not have: in its files it stands under x-evenkeel */
};

struct table {
    const char *name; /* in the schemas: "#/$defs/NAME" */
    const char *help;
    const struct field *fields;
    size_t n;
};

/* NULL when the table has no such row. */
const struct field *field_find(const struct table *t, const char *name);

/* ---- documents ---- */
extern const struct table fields_app; /* `app:` with `services:`, over struct app_draft */
extern const struct table
    fields_app_flat; /* the app's own keys of a flat document, over struct app_draft */
extern const struct table fields_compose;     /* a Compose file, over struct app_draft */
extern const struct table fields_compose_app; /* its top-level x-evenkeel, over struct app_draft */
extern const struct table fields_override;    /* over struct override */
extern const struct table fields_config; /* the agent's configuration file, over struct config */

/* ---- parts of an app ---- */
extern const struct table fields_service; /* over struct service_draft */
extern const struct table fields_network; /* top-level networks, over struct network */
extern const struct table fields_volume;  /* top-level volumes, over struct volume */

/* Every table that documents of a root, or the configuration file, are made of; for the schemas. NULL-terminated. */
extern const struct table *const fields_all_app[];
extern const struct table *const fields_all_config[];
/* Those of Compose files beside fields_all_app's. */
extern const struct table *const fields_all_compose[];

#endif
