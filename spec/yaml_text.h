/* yaml_text.h: what the reading of YAML needs to know about the text itself: encoding, lines, and where in it we are.
 *
 * Only yaml_events.c includes this; yaml_source_line in yaml.h is the public part. */
#ifndef EK_YAML_TEXT_H
#define EK_YAML_TEXT_H

#include <stddef.h>

#include "spec/base/err.h"

struct arena;

/* The lines of a file, each NUL-terminated; made at the first question, since most files have no mistakes. */
struct yaml_lines {
    const char **v;
    size_t n;
};

/* A NUL-terminated copy without byte order mark; UTF-16 (known by its mark) becomes UTF-8. Bytes that make no
 * character stay, or become, invalid UTF-8 for yaml_text_check to find. */
const char *yaml_text_utf8(const char *bytes, size_t n, struct arena *a, size_t *ret_n);

/* NULL when YAML allows every character of text; else what is wrong, a constant, and where. */
const char *yaml_text_check(const char *text, size_t n, struct place *ret_at);

/* Line and column of a byte. Columns count characters; lines end where libyaml ends them. */
struct place yaml_text_place(const char *text, size_t n, size_t offset);

#endif
