/* json_rows.h: structs read from and written as JSON objects, both by one table of their members.
 *
 * Reading is lenient about what is absent and strict about what is there: an unknown member or a value of the wrong type is an error (ERR_USER)
 * that says where. Writing leaves out what is empty. */
#ifndef EK_JSON_ROWS_H
#define EK_JSON_ROWS_H

#include <jansson.h>
#include <stddef.h>

#include "spec/base/err.h"

struct arena;

struct json_reader {
    struct arena *arena;
    struct err *e;
};

/* How one type of member is read and written. write gives a new value, or NULL to leave the member out. */
struct json_type {
    int (*read)(struct json_reader *r, const json_t *v, void *at);
    json_t *(*write)(const void *at);
};

/* One element of a list: its size and how it is read into zeroed memory and written. */
struct json_element {
    size_t size;
    int (*read)(struct json_reader *r, const json_t *v, void *ret);
    json_t *(*write)(const void *from);
};

struct json_member {
    const char *name;
    const struct json_type *type; /* NULL: a list, by the two below */
    size_t offset;
    const struct json_element *of;
    size_t count_offset; /* of the list's length */
};

/* Fills the members that v has; lists and texts are copied into the reader's arena. -1 with e set. */
int json_read_object(struct json_reader *r, const json_t *v, const struct json_member *rows,
                     size_t n_rows, void *ret);
/* New object. */
json_t *json_write_object(const struct json_member *rows, size_t n_rows, const void *from);
/* -1, "must be WANTED". */
int json_refuse(struct json_reader *r, const char *wanted);

/* const char *; or NULL, which is null; int; bool that is left out when it is false, or true; milliseconds since 1970 (int64_t); struct strv; struct kvs. */
extern const struct json_type json_text, json_text_or_null, json_integer_of, json_usually_false,
    json_usually_true, json_time_of, json_texts, json_pairs;

#endif
