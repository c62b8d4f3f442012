/* yaml_events.h: one YAML file as a stream of libyaml's events, and the means to complain about it.
 *
 * Only yaml.c includes this. */
#ifndef EK_YAML_EVENTS_H
#define EK_YAML_EVENTS_H

#include <yaml.h>

#include "spec/base/err.h"
#include "spec/yaml.h"

struct yaml_events {
    yaml_event_t now;      /* valid until the next one is fetched */
    struct yaml_file file; /* name, text and lines */
    struct arena *arena;
    struct diag_list *diags;
    bool failed; /* something was complained about */
    yaml_parser_t parser;
};

/* 0, or -1 when the bytes are no text that YAML allows (complained about; nothing to close then). */
int yaml_events_open(struct yaml_events *in, const char *name, const char *bytes, size_t n,
                     struct arena *a, struct diag_list *diags);
void yaml_events_close(struct yaml_events *in);
/* Fetch the next event; -1 on a syntax error (complained about). */
int yaml_events_next(struct yaml_events *in);
/* Where the current event begins. */
struct place yaml_events_here(const struct yaml_events *in);
/* An error at a place of this file, shown with its line. hint may be NULL. */
void yaml_events_complain(struct yaml_events *in, struct place at, const char *hint,
                          const char *fmt, ...) PRINTF_LIKE(4, 5);

#endif
