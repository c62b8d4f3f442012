/* yaml.h: bytes in, a tree of nodes out, each node carrying the place it came from.
 *
 * libyaml's event interface with the parts that YAML leaves to its user done here: depth, size and node bounds
 * (limits.h), aliases expanded by reference (an alias to an anchor that is still open is a cycle and refused),
 * merge keys (`<<`), duplicate keys refused, complex keys refused. UTF-8, and UTF-16 with a byte order mark. Custom
 * tags (!reset, !override) are kept on the node for Compose, YAML's own (!!str, !!int, ...) are obeyed; all others
 * are refused. */
#ifndef EK_YAML_H
#define EK_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "spec/base/err.h"

struct arena;
struct interpolate_source;
struct yaml_file;

enum yaml_kind { YAML_NULL, YAML_BOOL, YAML_INT, YAML_FLOAT, YAML_STRING, YAML_LIST, YAML_MAP };

struct yaml_pair;

/* Scalars keep their text as written in `text` whatever their kind; kind follows YAML 1.2's core schema with
 * Compose's habits: quoted scalars are strings; ~, null, empty are YAML_NULL (text ""); true/True/TRUE and their
 * opposites are YAML_BOOL (text "true" or "false"), yes/no/on/off are strings; 010, 0o10 and 0x10 are YAML_INT with
 * their text kept; 12:30 is a string. Nodes reached through several aliases are one node. */
struct yaml_node {
    enum yaml_kind kind;
    bool broken;      /* somebody complained about it: not worth another word */
    int line, column; /* from 1 */
    const char *tag;  /* "!reset", "!override" or NULL */
    const char *text; /* scalars */
    struct yaml_node **items;
    struct yaml_pair *pairs; /* in the order of the file; merged keys after the own ones */
    size_t n;                /* of items or pairs */
    const struct yaml_file *
        file; /* it came from; NULL: the one that is read (only Compose documents are made of several) */
};

struct yaml_pair {
    const char *key;
    int line, column; /* of the key */
    struct yaml_node *value;
};

struct yaml_lines;

/* One parsed file. Everything lives in the arena given to yaml_parse; text is a NUL-terminated copy of the input, in
 * UTF-8 without byte order mark. */
struct yaml_file {
    const char *name; /* for diagnostics; borrowed */
    const char *text;
    struct yaml_lines *lines;     /* behind yaml_source_line */
    struct yaml_node **documents; /* one root per document; empty documents are left out */
    size_t n_documents;
    const char *dir; /* absolute folder that its paths begin at; NULL: its reader's */
    const struct interpolate_source *variables; /* what variables mean in it; NULL: nothing */
};

/* Returns 0, or -1 when the text is not YAML we can read at all; then at least one error is in diags (with line and
 * column, also for reader errors, where libyaml gives only an offset). ret is filled only on 0. */
int yaml_parse(const char *name, const char *text, size_t n, struct arena *a,
               struct diag_list *diags, struct yaml_file *ret);

/* NULL when map is not a map or lacks key. */
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);
const char *yaml_kind_name(enum yaml_kind kind); /* "a list", "a number", ... for messages */
/* The text of line (from 1) of the file without its newline; NULL beyond the end. The first call splits the file into
 * lines, in an arena that must live as long as the file's. */
const char *yaml_source_line(const struct yaml_file *f, int line, struct arena *a);

#endif
