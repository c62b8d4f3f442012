/* dockerfile_lines.c: a Dockerfile's text as its instructions.
 *
 * In: the bytes of a Dockerfile. Out: one entry per instruction: keyword, flags, arguments, and where each part stood; and the text with a
 * `# syntax=` line made harmless. It knows how lines are put together, not what instructions mean. Bodies of heredocs are
 * skipped, never read as instructions.
 *
 * The edges follow moby/buildkit frontend/dockerfile/parser: a blank line or a plain comment ends the directives, a
 * doubled escape character at the end of a line continues nothing, empty lines inside an instruction are tolerated. */
#include "spec/dockerfile_lines.h"

#include <ctype.h>
#include <strings.h>

#include "spec/base/arena.h"
#include "spec/base/js.h"

#define BLANKS " \t\n\v\f\r"

struct raw_line {
    const char *s;
    size_t n; /* without its line end */
};

struct line_reader {
    const char *name;
    const char *text, *end, *next;
    int line; /* number of the line last taken */
    struct arena *a;
    struct diag_list *diags;
    struct dockerfile_lines *out;
    size_t cap;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\r';
}

static bool take_raw(struct line_reader *r, struct raw_line *ret)
{
    if (r->next >= r->end)
        return false;
    const char *stop = memchr(r->next, '\n', (size_t)(r->end - r->next));
    const char *after = stop ? stop + 1 : r->end;

    if (!stop)
        stop = r->end;
    while (stop > r->next && stop[-1] == '\r')
        stop--;
    *ret = (struct raw_line){r->next, (size_t)(stop - r->next)};
    r->next = after;
    r->line++;
    return true;
}

static size_t leading_blanks(struct raw_line l)
{
    size_t i = 0;

    while (i < l.n && is_blank(l.s[i]))
        i++;
    return i;
}

static bool is_comment(struct raw_line l)
{
    size_t i = leading_blanks(l);

    return i < l.n && l.s[i] == '#';
}

/* Takes the escape character off the end, if it continues the line. */
static bool take_continuation(struct raw_line *l, char escape)
{
    size_t n = l->n;

    while (n > 0 && (l->s[n - 1] == ' ' || l->s[n - 1] == '\t'))
        n--;
    if (n == 0 || l->s[n - 1] != escape || (n > 1 && l->s[n - 2] == escape))
        return false;
    l->n = n - 1;
    return true;
}

/* ---- directives ---- */

struct directive {
    struct raw_line raw;
    int line;
    const char *key, *value;
};

/* `# key = value`; false for anything else. */
static bool parse_directive(struct raw_line l, struct arena *a, struct directive *ret)
{
    size_t i = leading_blanks(l), begin;

    if (i == l.n || l.s[i] != '#')
        return false;
    for (i++; i < l.n && is_blank(l.s[i]); i++)
        ;
    begin = i;
    while (i < l.n && isalnum((unsigned char)l.s[i]))
        i++;
    if (i == begin || isdigit((unsigned char)l.s[begin]))
        return false;
    size_t key_n = i - begin;

    while (i < l.n && is_blank(l.s[i]))
        i++;
    if (i == l.n || l.s[i] != '=')
        return false;
    for (i++; i < l.n && is_blank(l.s[i]); i++)
        ;
    size_t stop = l.n;

    while (stop > i && is_blank(l.s[stop - 1]))
        stop--;
    if (stop == i)
        return false;
    ret->raw = l;
    ret->key = arena_strndup(a, l.s + begin, key_n);
    ret->value = arena_strndup(a, l.s + i, stop - i);
    return true;
}

static void complain_line(struct line_reader *r, struct raw_line l, const char *what,
                          const char *hint)
{
    diag_add(r->diags, DIAG_ERROR,
             (struct place){.file = r->name, .line = r->line, .column = (int)leading_blanks(l) + 1},
             NULL, arena_strndup(r->a, l.s, l.n), hint, "%s", what);
}

static void read_directive(struct line_reader *r, struct directive *d, bool *seen_escape)
{
    struct dockerfile_lines *out = r->out;

    if (strcasecmp(d->key, "syntax") == 0) {
        if (out->syntax) {
            complain_line(r, d->raw, "a second `# syntax=` line", NULL);
            return;
        }
        out->syntax = d->value;
        out->syntax_at = (struct place){r->name, r->line, (int)leading_blanks(d->raw) + 1};
        out->syntax_raw = arena_strndup(r->a, d->raw.s, d->raw.n);
    } else if (strcasecmp(d->key, "escape") == 0) {
        if (*seen_escape)
            complain_line(r, d->raw, "a second `# escape=` line", NULL);
        else if (strcmp(d->value, "\\") != 0 && strcmp(d->value, "`") != 0)
            complain_line(r, d->raw, "`# escape=` can only be \\ or `", NULL);
        else
            out->escape = d->value[0];
        *seen_escape = true;
    }
}

/* A comment as long as the line it stands for, and never a directive: it has no "=". */
static void add_harmless_comment(struct str *out, size_t n)
{
    static const char words[] = "# a frontend stood here ";

    for (size_t i = 0; i < n; i++)
        str_addc(out, i < sizeof(words) - 1 ? words[i] : '-');
}

/* A plain comment would end the directives, and an `# escape=` after it would count no more. So the comment
 * goes behind the other directives: the length stays, and so does every line below them. */
static const char *replace_syntax(struct line_reader *r, const struct directive *v, size_t n,
                                  size_t syntax, const char *top, const char *below)
{
    CLEANUP(str_release) struct str s = STR_INIT;
    const struct directive *d = &v[syntax];
    const char *line_end = d->raw.s + d->raw.n,
               *after = syntax + 1 < n ? v[syntax + 1].raw.s : below;

    str_addn(&s, r->text, (size_t)(top - r->text));
    str_addn(&s, top, (size_t)(d->raw.s - top));
    str_addn(&s, after, (size_t)(below - after));
    if (s.len > 0 && below > after && below[-1] != '\n') {
        /* The last directive had no line end; the comment gives it its own. */
        str_addn(&s, line_end, (size_t)(after - line_end));
        add_harmless_comment(&s, d->raw.n);
    } else {
        add_harmless_comment(&s, d->raw.n);
        str_addn(&s, line_end, (size_t)(after - line_end));
    }
    str_addn(&s, below, (size_t)(r->end - below));
    return arena_strndup(r->a, str_text(&s), s.len);
}

enum { DIRECTIVES = 16 };

/* The run of `# key=value` lines at the top. Older engines look for the syntax in all of it, newer ones stop
 * at the first key they do not know: a syntax line is found wherever either would. */
static void read_directives(struct line_reader *r)
{
    struct directive v[DIRECTIVES];
    size_t n = 0, syntax = DIRECTIVES;
    bool seen_escape = false, known = true;
    const char *top = r->next;
    struct raw_line l;

    for (;;) {
        const char *before = r->next;

        if (n == DIRECTIVES || !take_raw(r, &l))
            break;
        if (!parse_directive(l, r->a, &v[n])) {
            r->next = before;
            r->line--;
            break;
        }
        bool is_syntax = strcasecmp(v[n].key, "syntax") == 0;

        known = known && (is_syntax || strcasecmp(v[n].key, "escape") == 0 ||
                          strcasecmp(v[n].key, "check") == 0);
        if (is_syntax && syntax == DIRECTIVES)
            syntax = n;
        if (known || is_syntax)
            read_directive(r, &v[n], &seen_escape);
        n++;
    }
    if (syntax < n)
        r->out->text = replace_syntax(r, v, n, syntax, top, r->next);
}

/* ---- one instruction ---- */

static void take_flag(struct dockerfile_line *l, size_t *cap, struct arena *a, struct str *word,
                      size_t at)
{
    l->flags = arena_grow(a, l->flags, l->n_flags, cap, sizeof(*l->flags));
    l->flags[l->n_flags++] = (struct dockerfile_flag){arena_strdup(a, str_text(word)), at};
    str_clear(word);
}

/* Words that begin with "--" up to the first that does not, or to a bare "--". Returns where the arguments begin. */
static size_t take_flags(struct dockerfile_line *l, size_t i, struct arena *a)
{
    CLEANUP(str_release) struct str word = STR_INIT;
    const char *s = l->joined;
    size_t cap = 0;

    for (;;) {
        while (isspace((unsigned char)s[i]))
            i++;
        if (s[i] != '-' || s[i + 1] != '-')
            return i;
        size_t at = i;
        char quote = 0;

        for (; s[i] && (quote || !isspace((unsigned char)s[i])); i++) {
            if (quote ? s[i] == quote : s[i] == '"' || s[i] == '\'') {
                quote = quote ? 0 : s[i];
                continue;
            }
            if (s[i] == '\\' && !s[++i])
                break;
            str_addc(&word, s[i]);
        }
        if (strcmp(str_text(&word), "--") == 0) {
            while (isspace((unsigned char)s[i]))
                i++;
            return i;
        }
        take_flag(l, &cap, a, &word, at);
    }
}

static void split_instruction(struct dockerfile_line *l, struct arena *a)
{
    const char *s = l->joined;
    size_t i = 0, begin;

    while (isspace((unsigned char)s[i]))
        i++;
    begin = i;
    while (s[i] && !isspace((unsigned char)s[i]))
        i++;
    char *keyword = arena_strndup(a, s + begin, i - begin);

    for (char *c = keyword; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    l->keyword = keyword;
    l->args_at = take_flags(l, i, a);
    size_t stop = strlen(s);

    while (stop > l->args_at && isspace((unsigned char)s[stop - 1]))
        stop--;
    l->args = arena_strndup(a, s + l->args_at, stop - l->args_at);
}

static bool is_json_list(const char *args)
{
    if (args[0] != '[')
        return false;
    json_auto_t *v = js_parse(args, strlen(args), NULL);
    size_t i;
    json_t *item;

    if (!json_is_array(v))
        return false;
    json_array_foreach(v, i, item) if (!json_is_string(item)) return false;
    return true;
}

static bool may_have_heredoc(const struct dockerfile_line *l)
{
    static const char *const keywords[] = {"RUN", "COPY", "ADD"};
    const char *keyword = l->keyword, *args = l->args;
    size_t n = strlen(keyword);

    if (strcmp(keyword, "ONBUILD") == 0) {
        keyword = args;
        n = strcspn(args, " \t");
        args += n + strspn(args + n, " \t");
    }
    for (size_t i = 0; i < ARRAY_LEN(keywords); i++)
        if (n == strlen(keywords[i]) && strncasecmp(keyword, keywords[i], n) == 0)
            return !is_json_list(args);
    return false;
}

/* ---- heredocs ---- */

/* The end of the shell word that begins at s, quotes and escapes minded; NULL when a quote is never closed. */
static const char *word_end(const char *s)
{
    for (; *s && !isspace((unsigned char)*s); s++) {
        if (*s == '\\' && s[1]) {
            s++;
        } else if (*s == '\'' || *s == '"') {
            char quote = *s++;

            for (; *s && *s != quote; s++)
                if (quote == '"' && *s == '\\' && s[1])
                    s++;
            if (!*s)
                return NULL;
        }
    }
    return s;
}

/* `<<NAME`, `3<<-"NAME"`: its end marker in *ret, unquoted. */
static bool heredoc_marker(const char *s, size_t n, struct str *ret, bool *ret_tabs)
{
    size_t i = 0;

    while (i < n && isdigit((unsigned char)s[i]))
        i++;
    if (i + 2 > n || s[i] != '<' || s[i + 1] != '<')
        return false;
    i += 2;
    *ret_tabs = i < n && s[i] == '-';
    i += *ret_tabs;
    if (memchr(s + i, '<', n - i))
        return false;
    str_clear(ret);
    char quote = 0;

    for (; i < n; i++) {
        if (quote ? s[i] == quote : s[i] == '"' || s[i] == '\'') {
            quote = quote ? 0 : s[i];
            continue;
        }
        if (s[i] == '\\' && quote != '\'' && i + 1 < n)
            i++;
        str_addc(ret, s[i]);
    }
    return ret->len > 0;
}

static bool skip_body(struct line_reader *r, const struct str *marker, bool tabs)
{
    struct raw_line l;

    while (take_raw(r, &l)) {
        while (tabs && l.n > 0 && l.s[0] == '\t') {
            l.s++;
            l.n--;
        }
        if (l.n == marker->len && memcmp(l.s, marker->buf, l.n) == 0)
            return true;
    }
    return false;
}

static void complain_heredoc(struct line_reader *r, const struct dockerfile_line *l, size_t at,
                             const char *marker)
{
    const char *source;
    struct place place = dockerfile_line_place(l, r->name, at, r->a, &source);

    diag_add(r->diags, DIAG_ERROR, place, NULL, source, NULL, "no line ends this heredoc: %.80s",
             marker);
}

/* With a quote that is never closed there are no words, and so no heredocs: "RUN echo it's <<EOF" is one line. */
static bool has_whole_words(const char *s)
{
    while (*s) {
        s += strspn(s, BLANKS);
        s = word_end(s);
        if (!s)
            return false;
    }
    return true;
}

static void skip_heredocs(struct line_reader *r, struct dockerfile_line *l)
{
    CLEANUP(str_release) struct str marker = STR_INIT;
    const char *s = l->joined, *end;
    bool tabs;

    if (!has_whole_words(s))
        return;
    for (; *s; s = end) {
        s += strspn(s, BLANKS);
        end = word_end(s);
        if (!heredoc_marker(s, (size_t)(end - s), &marker, &tabs))
            continue;
        l->heredoc = r->out->heredocs = true;
        if (!skip_body(r, &marker, tabs)) {
            complain_heredoc(r, l, (size_t)(s - l->joined), str_text(&marker));
            return;
        }
    }
}

/* ---- all ---- */

static void add_piece(struct line_reader *r, struct dockerfile_line *l, size_t *cap, size_t at,
                      size_t skipped, struct raw_line raw)
{
    l->pieces = arena_grow(r->a, l->pieces, l->n_pieces, cap, sizeof(*l->pieces));
    l->pieces[l->n_pieces++] =
        (struct dockerfile_piece){at, r->line, (int)skipped + 1, raw.s, raw.n};
}

/* Joins the instruction that begins with this line with those that continue it. */
static void read_instruction(struct line_reader *r, struct raw_line first)
{
    CLEANUP(str_release) struct str joined = STR_INIT;
    struct dockerfile_line l = {0};
    size_t cap = 0, skip = leading_blanks(first);
    struct raw_line raw = first, part = {first.s + skip, first.n - skip};
    bool more = take_continuation(&part, r->out->escape);

    add_piece(r, &l, &cap, 0, skip, raw);
    str_addn(&joined, part.s, part.n);
    while (more && take_raw(r, &raw)) {
        if (is_comment(raw) || leading_blanks(raw) == raw.n)
            continue;
        part = raw;
        more = take_continuation(&part, r->out->escape);
        add_piece(r, &l, &cap, joined.len, 0, raw);
        str_addn(&joined, part.s, part.n);
    }
    l.joined = arena_strndup(r->a, str_text(&joined), joined.len);
    if (strspn(l.joined, " \t\v\f\r") == joined.len)
        return;
    split_instruction(&l, r->a);
    if (strstr(l.joined, "<<") && may_have_heredoc(&l))
        skip_heredocs(r, &l);
    r->out->v = arena_grow(r->a, r->out->v, r->out->n, &r->cap, sizeof(*r->out->v));
    r->out->v[r->out->n++] = l;
}

int dockerfile_lines_read(const char *name, const char *text, size_t n, struct arena *a,
                          struct diag_list *diags, struct dockerfile_lines *ret)
{
    struct dockerfile_lines out = {.escape = '\\'};
    struct line_reader r = {.name = name,
                            .text = text,
                            .end = text + n,
                            .next = text,
                            .a = a,
                            .diags = diags,
                            .out = &out};
    size_t errors = diags->errors;
    struct raw_line l;

    if (memchr(text, '\0', n)) {
        diag_add(diags, DIAG_ERROR, (struct place){.file = name}, NULL, NULL, NULL,
                 "a NUL byte: this is not a Dockerfile");
        return -1;
    }
    if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        r.next += 3;
    if (r.end - r.next >= 2 && memcmp(r.next, "#!", 2) == 0)
        (void)take_raw(&r, &l);
    read_directives(&r);
    while (take_raw(&r, &l))
        if (leading_blanks(l) < l.n && !is_comment(l))
            read_instruction(&r, l);
    if (diags->errors > errors)
        return -1;
    if (!out.text)
        out.text = arena_strndup(a, text, n);
    *ret = out;
    return 0;
}

struct place dockerfile_line_place(const struct dockerfile_line *l, const char *name, size_t offset,
                                   struct arena *a, const char **ret_source)
{
    const struct dockerfile_piece *p = l->pieces;

    for (size_t i = 1; i < l->n_pieces && l->pieces[i].at <= offset; i++)
        p = &l->pieces[i];
    if (ret_source)
        *ret_source = arena_strndup(a, p->raw, p->raw_n);
    return (struct place){name, p->line, p->column + (int)(offset - p->at)};
}
