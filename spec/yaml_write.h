/* yaml_write.h: a tree of nodes as text. */
#ifndef EK_YAML_WRITE_H
#define EK_YAML_WRITE_H

#include "spec/base/str.h"
#include "spec/yaml.h"

/* Block style, two spaces a level, strings quoted wherever a reader could take them for something else. What yaml_parse makes of the text is the same tree. */
void yaml_write(const struct yaml_node *v, struct str *out);
/* One JSON document on several lines. Numbers that JSON has no form for (octal, hexadecimal) are written as strings. */
void yaml_write_json(const struct yaml_node *v, struct str *out);
/* One text in double quotes, on one line, which reads back as what it was; a byte that is of no character becomes '?'. */
void yaml_write_quoted(const char *value, struct str *out);

#endif
