/* dockerfile_lines.h: a Dockerfile's text as its instructions: directives read, continued lines joined, comments and heredoc bodies left out. Pure.
 *
 * Source: the Dockerfile reference ("Format", "Parser directives", "Here-Documents"); moby/buildkit frontend/dockerfile/parser for the edges. */
#ifndef EK_DOCKERFILE_LINES_H
#define EK_DOCKERFILE_LINES_H

#include "spec/base/err.h"
#include "spec/base/str.h"

struct arena;

/* Where a part of a joined line stood in the file. */
struct dockerfile_piece {
    size_t at; /* offset in dockerfile_line.joined */
    int line, column;
    const char *raw; /* the whole line in the file, raw_n bytes */
    size_t raw_n;
};

struct dockerfile_flag {
    const char *text; /* "--from=build", quotes and escapes taken out */
    size_t at;        /* offset in joined */
};

struct dockerfile_line {
    const char *keyword; /* in capitals; may be one that no Dockerfile knows */
    const char *joined;
    size_t args_at; /* offset in joined of what follows keyword and flags */
    const char *args;
    struct dockerfile_flag *flags;
    size_t n_flags;
    struct dockerfile_piece *pieces;
    size_t n_pieces;
    bool heredoc;
};

struct dockerfile_lines {
    char escape; /* \ or ` */
    struct dockerfile_line *v;
    size_t n;
    bool heredocs;
    /* The directives at the top: what `# syntax=` says, or NULL, and where. */
    const char *syntax;
    struct place syntax_at;
    const char *syntax_raw;
    const char *text; /* with the syntax directive, if any, replaced; see dockerfile.h */
};

/* Errors (a directive twice or with a value it cannot have, a heredoc without its end, a NUL byte)
 * go to diags; returns -1 if there was any. Texts live in the arena; text itself is borrowed. */
int dockerfile_lines_read(const char *name, const char *text, size_t n, struct arena *a,
                          struct diag_list *diags, struct dockerfile_lines *ret);

/* The place of joined[offset]; *ret_source (may be NULL) is the line of the file it is on. */
struct place dockerfile_line_place(const struct dockerfile_line *l, const char *name, size_t offset,
                                   struct arena *a, const char **ret_source);

#endif
