/* yaml_events.c: libyaml, fed with clean text and made to speak like the rest of the house.
 *
 * In: the bytes of a file. Out: its events one by one, and diagnostics with place, source line and advice.
 * Whatever libyaml handles badly is stopped before it gets there: characters it could report by offset only, and
 * %TAG directives in masses, for which it takes time quadratic in their number (7 s for 1 MiB).
 * It refuses files over LIMIT_SPEC_BYTES and everything yaml_text_check refuses. */
#include "spec/yaml_events.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spec/base/arena.h"
#include "spec/limits.h"
#include "spec/yaml_text.h"

/* libyaml's commonest words, which are constants of the library, and what to do about them. */
// clang-format off
static const struct {
    const char *problem, *hint;
} advice[] = {
    {"mapping values are not allowed in this context",
     "check the indentation, and quote a value that contains \": \""},
    {"could not find expected ':'", "a key needs a colon and a blank after it"},
    {"did not find expected key", "check the indentation of this line and of those before it"},
    {"did not find expected '-' indicator", "check the indentation of this line and of those before it"},
    {"did not find expected ',' or ']'", "a list that begins with [ ends with ], with commas between"},
    {"did not find expected ',' or '}'", "a mapping that begins with { ends with }, with commas between"},
    {"found unexpected end of stream", "a quotation mark is missing"},
};
// clang-format on

static const char *advice_for(const char *problem, const char *source, int column)
{
    size_t n = (size_t)column;

    /* Blanks and tabs have one byte per column, so up to the culprit columns are bytes. */
    if (source && strspn(source, " \t") >= n && memchr(source, '\t', n))
        return "indent with blanks, not with tabs";
    for (size_t i = 0; i < ARRAY_LEN(advice); i++)
        if (strcmp(problem, advice[i].problem) == 0)
            return advice[i].hint;
    return NULL;
}

static struct place place_of(const struct yaml_events *in, const yaml_mark_t *mark)
{
    return (struct place){in->file.name, (int)mark->line + 1, (int)mark->column + 1};
}

struct place yaml_events_here(const struct yaml_events *in)
{
    return place_of(in, &in->now.start_mark);
}

void yaml_events_complain(struct yaml_events *in, struct place at, const char *hint,
                          const char *fmt, ...)
{
    const char *source = yaml_source_line(&in->file, at.line, in->arena);
    char what[1024];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    diag_add(in->diags, DIAG_ERROR, at, NULL, source, hint, "%s", what);
    in->failed = true;
}

static void complain_of_syntax(struct yaml_events *in)
{
    const yaml_parser_t *p = &in->parser;
    const char *problem = p->problem ? p->problem : "unreadable";
    struct place at = place_of(in, &p->problem_mark);

    if (p->error == YAML_MEMORY_ERROR)
        abort();
    const char *source = yaml_source_line(&in->file, at.line, in->arena);
    const char *hint = advice_for(problem, source, at.column);

    if (p->context && p->context_mark.line < p->problem_mark.line)
        yaml_events_complain(in, at, hint, "not valid YAML: %s %s that begins on line %d", problem,
                             p->context, place_of(in, &p->context_mark).line);
    else
        yaml_events_complain(in, at, hint, "not valid YAML: %s", problem);
}

int yaml_events_next(struct yaml_events *in)
{
    yaml_event_delete(&in->now);
    if (yaml_parser_parse(&in->parser, &in->now))
        return 0;
    memset(&in->now, 0, sizeof(in->now));
    complain_of_syntax(in);
    return -1;
}

/* Where the text holds one %TAG line too many, or NULL. */
static const char *excess_directive(const char *text)
{
    int n = 0;

    for (const char *at = strstr(text, "%TAG"); at; at = strstr(at + 1, "%TAG")) {
        bool begins_line = at == text || (unsigned char)at[-1] < ' ' || (unsigned char)at[-1] > '~';
        if (begins_line && ++n > LIMIT_YAML_DIRECTIVES)
            return at;
    }
    return NULL;
}

/* What is wrong with the text before its syntax is looked at, or NULL. */
static const char *first_trouble(struct yaml_events *in, const char *bytes, size_t n, size_t *ret_n,
                                 struct place *at)
{
    if (n > LIMIT_SPEC_BYTES)
        return "the file is too large";
    in->file.text = yaml_text_utf8(bytes, n, in->arena, ret_n);
    const char *what = yaml_text_check(in->file.text, *ret_n, at);

    if (what)
        return what;
    const char *directive = excess_directive(in->file.text);

    if (!directive)
        return NULL;
    *at = yaml_text_place(in->file.text, *ret_n, (size_t)(directive - in->file.text));
    return "too many %TAG directives";
}

int yaml_events_open(struct yaml_events *in, const char *name, const char *bytes, size_t n,
                     struct arena *a, struct diag_list *diags)
{
    struct place at = {.line = 1, .column = 1};

    *in = (struct yaml_events){.arena = a, .diags = diags};
    in->file.name = name;
    in->file.text = "";
    in->file.lines = ARENA_NEW(a, struct yaml_lines);
    const char *what = first_trouble(in, bytes, n, &n, &at);

    if (what) {
        at.file = name;
        yaml_events_complain(in, at, NULL, "%s", what);
        return -1;
    }
    if (!yaml_parser_initialize(&in->parser))
        abort();
    yaml_parser_set_encoding(&in->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&in->parser, (const unsigned char *)in->file.text, n);
    return 0;
}

void yaml_events_close(struct yaml_events *in)
{
    yaml_event_delete(&in->now);
    yaml_parser_delete(&in->parser);
}
