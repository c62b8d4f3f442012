/* env_file.c: files of environment variables.
 *
 * In: the text of a file. Out: variables, sorted; every line that is none, with its place. Files come through the loader, so this
 * room opens nothing itself. It refuses bytes that no variable can hold. */
#include "spec/env_file.h"

#include "spec/base/arena.h"
#include "spec/compose.h"
#include "spec/decode.h"
#include "spec/document.h"
#include "spec/draft.h"
#include "spec/forms.h"
#include "spec/interpolate.h"

struct reader {
    const struct env_text *in;
    struct arena *arena;
    struct diag_list *diags;
    const char *at, *end, *line_start;
    int line;
    struct kvs *vars;
    struct strv *inherit;
};

static void env_complain(struct reader *r, enum diag_level level, const char *at, const char *hint,
                         const char *what)
{
    const char *end = memchr(r->line_start, '\n', (size_t)(r->end - r->line_start));
    size_t n = (size_t)((end ? end : r->end) - r->line_start);
    struct place place = {r->in->name, r->line, (int)(at - r->line_start) + 1};

    diag_add(r->diags, level, place, NULL,
             r->diags->n < LIMIT_DIAGS ? arena_strndup(r->arena, r->line_start, n) : NULL, hint,
             "%s", what);
}

static bool env_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static void skip_blanks(struct reader *r)
{
    while (r->at < r->end && env_blank(*r->at))
        r->at++;
}

static void next_line(struct reader *r)
{
    const char *newline = memchr(r->at, '\n', (size_t)(r->end - r->at));

    r->at = newline ? newline + 1 : r->end;
    r->line_start = r->at;
    r->line++;
}

/* Compose would fill in a variable here; we pass the text on, so say so. */
static void warn_dollar(struct reader *r, const char *at, char next)
{
    if (r->in->variables)
        return;
    if (next == '{' || next == '_' || (next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z'))
        env_complain(r, DIAG_WARNING, at, "put the value in single quotes if that is meant",
                     "variables are not filled in; the text is passed on as it stands");
}

static char unescaped(char c)
{
    switch (c) {
    case 'n': return '\n';
    case 't': return '\t';
    case 'r': return '\r';
    default: return c;
    }
}

/* At the opening quote; afterwards behind the closing one. NULL when there is none. */
static const char *read_quoted(struct reader *r)
{
    CLEANUP(str_release) struct str out = STR_INIT;
    const char quote = *r->at++;

    for (; r->at < r->end && *r->at != quote; r->at++) {
        char c = *r->at, next = r->at + 1 < r->end ? r->at[1] : '\0';

        if (c == '\\' && quote == '"' && next && strchr("ntr\"\\$", next)) {
            if (next == '$' && r->in->variables)
                str_addc(&out, '$'); /* two of them are one */
            str_addc(&out, unescaped(next));
            r->at++;
            continue;
        }
        if (c == '\\' && quote == '\'' && next == '\'')
            c = *++r->at;
        else if (c == '$' && quote == '"')
            warn_dollar(r, r->at, next);
        str_addc(&out, c);
        if (c == '\n') {
            r->line++;
            r->line_start = r->at + 1;
        }
    }
    if (r->at == r->end)
        return NULL;
    r->at++;
    return arena_strdup(r->arena, str_text(&out));
}

static const char *read_plain(struct reader *r)
{
    const char *from = r->at, *to = from;

    while (r->at < r->end && *r->at != '\n') {
        if (*r->at == '#' && (r->at == from || env_blank(r->at[-1])))
            break;
        if (*r->at == '$')
            warn_dollar(r, r->at, r->at + 1 < r->end ? r->at[1] : '\0');
        if (!env_blank(*r->at))
            to = r->at + 1;
        r->at++;
    }
    return arena_strndup(r->arena, from, (size_t)(to - from));
}

static const char *read_raw(struct reader *r)
{
    const char *newline = memchr(r->at, '\n', (size_t)(r->end - r->at)),
               *to = newline ? newline : r->end;
    const char *from = r->at;

    if (to > from && to[-1] == '\r')
        to--;
    r->at = to;
    return arena_strndup(r->arena, from, (size_t)(to - from));
}

/* What the caller knows goes before what this file said further up. */
static const char *look_up_here(void *ctx, const char *name, const char **ret_file)
{
    const struct reader *r = ctx;
    const char *value = r->in->variables->lookup(r->in->variables->ctx, name, ret_file);

    if (value)
        return value;
    *ret_file = r->in->name;
    return kvs_get(r->vars, name);
}

/* opening: where the value begins. */
static void set_filled(struct reader *r, const struct reader *opening, const char *key,
                       const char *value)
{
    const struct interpolate_source source = {look_up_here, r};
    struct interpolate_result filled;
    struct reader there = *opening;

    if (!r->in->variables) {
        kvs_set(r->arena, r->vars, key, value);
        return;
    }
    if (interpolate_text(value, &source, r->arena, &filled) < 0) {
        env_complain(&there, DIAG_ERROR, opening->at, filled.hint, filled.error);
        return;
    }
    for (size_t i = 0; i < filled.unset.n; i++)
        env_complain(&there, DIAG_WARNING, opening->at, "single quotes keep a dollar sign",
                     arena_printf(r->arena, "the variable %s is not set and counts as empty",
                                  filled.unset.v[i]));
    kvs_set(r->arena, r->vars, key, filled.text);
}

static void read_value(struct reader *r, const char *key)
{
    const char *value;

    if (r->in->raw) {
        kvs_set(r->arena, r->vars, key, read_raw(r));
        return;
    }
    skip_blanks(r);
    const struct reader opening = *r;

    if (r->at == r->end || (*r->at != '"' && *r->at != '\'')) {
        set_filled(r, &opening, key, read_plain(r));
        return;
    }

    value = read_quoted(r);
    if (!value) {
        struct reader there = opening;

        env_complain(&there, DIAG_ERROR, opening.at, NULL, "a quote is never closed");
        return;
    }
    skip_blanks(r);
    if (r->at < r->end && *r->at != '\n' && *r->at != '#')
        env_complain(r, DIAG_ERROR, r->at, NULL, "text after the closing quote");
    else if (*opening.at == '"')
        set_filled(r, &opening, key, value);
    else
        kvs_set(r->arena, r->vars, key, value);
}

static size_t key_length(const struct reader *r)
{
    const char *s = r->at;

    while (s < r->end && ((*s >= 'A' && *s <= 'Z') || (*s >= 'a' && *s <= 'z') ||
                          (*s >= '0' && *s <= '9') || *s == '_' || *s == '.' || *s == '-'))
        s++;
    return (size_t)(s - r->at);
}

static void env_line(struct reader *r)
{
    static const char export[] = "export";
    const size_t n_export = sizeof(export) - 1;

    skip_blanks(r);
    if (r->at == r->end || *r->at == '\n' || *r->at == '#')
        return;
    if ((size_t)(r->end - r->at) > n_export && strncmp(r->at, export, n_export) == 0 &&
        env_blank(r->at[n_export])) {
        r->at += n_export;
        skip_blanks(r);
    }
    size_t n = key_length(r);
    const char *key = arena_strndup(r->arena, r->at, n), *start = r->at;

    r->at += n;
    skip_blanks(r);
    if (n > 0 && r->at < r->end && (*r->at == '=' || *r->at == ':')) {
        r->at++;
        read_value(r, key);
    } else if (n > 0 && (r->at == r->end || *r->at == '\n' || *r->at == '#')) {
        if (!strv_has(r->inherit, key))
            strv_push(r->arena, r->inherit, key);
    } else {
        env_complain(r, DIAG_ERROR, n ? r->at : start, "write KEY=VALUE, or begin the line with #",
                     n ? "a name of a variable must not hold blanks or signs"
                       : "this is no variable");
    }
}

/* NUL bytes would cut a value short and other bytes the engine's JSON cannot carry. */
static bool text_usable(struct reader *r)
{
    for (const char *s = r->at; s < r->end;) {
        uint32_t ch = 0;
        size_t n = utf8_next(s, (size_t)(r->end - s), &ch);

        if (n == 0 || ch == 0) {
            diag_add(r->diags, DIAG_ERROR, (struct place){r->in->name, r->line, 0}, NULL, NULL,
                     NULL, n == 0 ? "not UTF-8 text" : "holds a NUL byte");
            return false;
        }
        r->line += ch == '\n';
        s += n;
    }
    r->line = 1;
    return true;
}

void env_file_parse(const struct env_text *in, struct arena *a, struct diag_list *diags,
                    struct kvs *ret, struct strv *ret_inherit)
{
    struct reader r = {.in = in,
                       .arena = a,
                       .diags = diags,
                       .at = in->text,
                       .end = in->text + in->n,
                       .line = 1,
                       .vars = ret,
                       .inherit = ret_inherit};

    if (in->n >= 3 && memcmp(in->text, "\xef\xbb\xbf", 3) == 0)
        r.at += 3;
    r.line_start = r.at;
    if (!text_usable(&r))
        return;
    while (r.at < r.end) {
        if (r.vars->n > LIMIT_LIST) {
            env_complain(&r, DIAG_ERROR, r.line_start, NULL, "too many variables");
            return;
        }
        env_line(&r);
        next_line(&r);
    }
}

/* ---- for a service ---- */

/* A name without a value takes the one that the Compose file itself would be given. */
static void inherit_from(const struct interpolate_source *variables, struct arena *a,
                         const struct strv *names, struct kvs *vars)
{
    for (size_t i = 0; variables && i < names->n; i++) {
        const char *file, *value = variables->lookup(variables->ctx, names->v[i], &file);

        if (value)
            kvs_set(a, vars, names->v[i], value);
    }
}

static void env_load(struct decode_ctx *c, const struct env_source *src, struct kvs *vars,
                     struct strv *inherit)
{
    const struct interpolate_source *variables =
        (src->node->file ? src->node->file : c->file)->variables;
    struct env_text in = {.name = src->path, .raw = src->raw, .variables = variables};
    struct err e = {0};

    if (c->within && !compose_is_below(c->within, src->path)) {
        decode_error(c, src->node, "put it there, or write what it holds into the spec",
                     "%s lies outside %s", src->path, c->within);
        return;
    }
    strv_push(c->arena, c->reads, src->path);
    if (!c->loader) {
        decode_error(c, src->node, NULL, "other files cannot be read here");
        return;
    }
    if (c->loader->read(c->loader->ctx, src->path, c->arena, &in.text, &in.n, &e) < 0) {
        if (e.kind == ERR_MISSING && src->required == TRI_NO)
            return;
        if (e.kind == ERR_MISSING)
            decode_error(c, src->node, "`required: false` allows that", "there is no file %s",
                         src->path);
        else
            decode_error(c, src->node, NULL, "cannot read %s: %s", src->path, e.msg);
        return;
    }
    if (c->within && !compose_stays(c, c->within, src->node, src->path))
        return;
    env_file_parse(&in, c->arena, c->diags, vars, inherit);
    inherit_from(variables, c->arena, inherit, vars);
}

void env_file_merge(struct decode_ctx *c, struct service_draft *d)
{
    struct kvs vars = {0};

    if (d->n_env_sources == 0)
        return;
    for (size_t i = 0; i < d->n_env_sources; i++) {
        env_load(c, &d->env_sources[i], &vars, &d->s.environment_inherit);
        strv_push(c->arena, &d->s.env_files, d->env_sources[i].path);
    }
    for (size_t i = 0; i < d->s.environment.n; i++)
        kvs_set(c->arena, &vars, d->s.environment.v[i].key, d->s.environment.v[i].value);
    d->s.environment = vars;
}

void label_file_merge(struct decode_ctx *c, struct service_draft *d)
{
    struct kvs labels = {0}, found = {0};
    struct strv bare = {0};

    for (size_t i = 0; i < d->n_label_sources; i++) {
        const struct env_source *src = &d->label_sources[i];

        found = (struct kvs){0};
        env_load(c, src, &found, &bare);
        for (size_t k = 0; k < found.n; k++)
            if (label_allowed(c, src->node, found.v[k].key))
                kvs_set(c->arena, &labels, found.v[k].key, found.v[k].value);
    }
    for (size_t i = 0; d->n_label_sources && i < d->s.labels.n; i++)
        kvs_set(c->arena, &labels, d->s.labels.v[i].key, d->s.labels.v[i].value);
    if (d->n_label_sources)
        d->s.labels = labels;
}
