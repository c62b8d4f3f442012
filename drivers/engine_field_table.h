/* engine_field_table.h: the rows of engine_fields.c, for those who show them. */
#ifndef EK_ENGINE_FIELD_TABLE_H
#define EK_ENGINE_FIELD_TABLE_H

#include "drivers/engine_field_read.h"

enum field_where { CONFIG, HOST };

enum field_flags {
    IMAGE = 1, /* an image can set it */
    LIVE = 2,  /* the engine can change it in place */
    /* Where the body is silent, somebody else decides: reported only is no difference. */
    SILENT = 4,
    /* A kernel or an older engine that cannot do it leaves it out: asked only is no difference, unless it is LIVE and the engine reports
     * it of some other container. */
    UNABLE = 8,
    /* May name another container, which the engine turns from a name into an id. */
    OTHER = 16,
};

struct field_row { /* sorted by name */
    const char *name;
    enum field_where where;
    const char *member; /* NULL: the reader looks itself */
    field_read_fn *read;
    unsigned flags;
    const char *engine_default; /* its value when nobody says anything; NULL: absent */
    const char *without;        /* UNABLE: what the engine puts in its place; NULL: nothing */
};

/* NULL past the last one. */
const struct field_row *engine_field_row(size_t i);

#endif
