/* dockerfile_expand.c: variables in a Dockerfile's words.
 *
 * In: a word as it stands, the variables known there. Out: its value, or what is wrong with it. It runs nothing, knows
 * no arrays, no arithmetic and no command substitution: `$(...)` stays as it is, as it does for the engine.
 *
 * Nesting, the length of values and the work of patterns are bounded: all of it is a stranger's text. */
#include "spec/dockerfile_expand.h"

#include <ctype.h>

#include "spec/base/arena.h"

enum { NESTING = 16 };

struct expander {
    const char *s;
    struct dockerfile_vars *vars;
    struct arena *a;
    const char *complaint;
    const char *unset;
    bool raw; /* keep quotes and escapes */
    int depth;
};

static void complain(struct expander *x, const char *what)
{
    if (!x->complaint)
        x->complaint = what;
}

static const char *lookup(struct expander *x, const char *name)
{
    const char *value = kvs_get(&x->vars->env, name);

    return value ? value : kvs_get(&x->vars->args, name);
}

/* ---- patterns of ${V#p} and its kin ---- */

struct pattern {
    char *kind; /* '*', '?', or 'c' for the character itself */
    char *ch;
    char *now, *then; /* which of the n + 1 places are reached: for match_length */
    size_t n;
};

static struct pattern compile_pattern(struct expander *x, const char *text)
{
    size_t n = strlen(text);
    struct pattern p = {.kind = arena_alloc(x->a, n + 1),
                        .ch = arena_alloc(x->a, n + 1),
                        .now = arena_alloc(x->a, n + 1),
                        .then = arena_alloc(x->a, n + 1)};

    for (size_t i = 0; i < n; i++) {
        char kind = text[i] == '*' || text[i] == '?' ? text[i] : 'c';

        if (text[i] == '\\' && i + 1 < n)
            i++;
        p.kind[p.n] = kind;
        p.ch[p.n++] = text[i];
    }
    return p;
}

/* The length of s (walked backwards when step is -1) that p matches from its start; -1 for none. All ways to match go on side by
 * side, so the time is the product of both lengths at worst. */
static long match_length(struct expander *x, const struct pattern *p, const char *s, size_t n,
                         int step, bool longest)
{
    char *now = p->now, *then = p->then;
    long found = -1;

#define PAT(i) (step > 0 ? (i) : p->n - 1 - (i))
    memset(now, 0, p->n + 1);
    now[0] = 1;
    for (size_t at = 0;; at++) {
        bool alive = false;

        for (size_t i = 0; i < p->n; i++)
            if (now[i] && p->kind[PAT(i)] == '*')
                now[i + 1] = 1;
        x->vars->work -= (long)p->n + 1;
        if (now[p->n]) {
            found = (long)at;
            if (!longest)
                break;
        }
        if (at == n || x->vars->work < 0)
            break;
        char c = step > 0 ? s[at] : s[n - 1 - at];

        memset(then, 0, p->n + 1);
        for (size_t i = 0; i < p->n; i++) {
            char kind = p->kind[PAT(i)];

            if (!now[i] || (kind == 'c' && p->ch[PAT(i)] != c))
                continue;
            then[kind == '*' ? i : i + 1] = 1;
            alive = true;
        }
        if (!alive)
            break;
        char *swap = now;

        now = then;
        then = swap;
    }
#undef PAT
    return found;
}

static void trim(struct expander *x, const char *value, const char *pattern, char side,
                 struct str *out)
{
    bool longest = pattern[0] == side;
    struct pattern p = compile_pattern(x, pattern + longest);
    size_t n = strlen(value);
    long cut = match_length(x, &p, value, n, side == '#' ? 1 : -1, longest);

    if (cut < 0)
        cut = 0;
    str_addn(out, side == '#' ? value + cut : value, n - (size_t)cut);
}

static void replace(struct expander *x, const char *value, const char *pattern,
                    const char *replacement, bool all, struct str *out)
{
    struct pattern p = compile_pattern(x, pattern);
    size_t n = strlen(value), i = 0;

    while (i < n && x->vars->work >= 0) {
        long cut = match_length(x, &p, value + i, n - i, 1, true);

        if (cut <= 0) {
            str_addc(out, value[i++]);
            continue;
        }
        str_add(out, replacement);
        i += (size_t)cut;
        if (!all || out->len > DOCKERFILE_VALUE)
            break;
    }
    str_add(out, value + i);
}

/* ---- words ---- */

static void expand_until(struct expander *x, char stop, bool keep_escapes, struct str *out);

static const char *take_name(struct expander *x)
{
    const char *begin = x->s;

    if (isdigit((unsigned char)*x->s)) {
        while (isdigit((unsigned char)*x->s))
            x->s++;
    } else if (*x->s && strchr("@*#?-$!", *x->s)) {
        x->s++;
    } else {
        while (isalnum((unsigned char)*x->s) || *x->s == '_')
            x->s++;
    }
    return arena_strndup(x->a, begin, (size_t)(x->s - begin));
}

/* The text up to `stop`, expanded itself. */
static const char *take_operand(struct expander *x, char stop, bool keep_escapes)
{
    CLEANUP(str_release) struct str s = STR_INIT;

    expand_until(x, stop, keep_escapes, &s);
    return arena_strndup(x->a, str_text(&s), s.len);
}

static void substitute(struct expander *x, const char *name, const char *value, struct str *out)
{
    bool all = *x->s == '/';

    x->s += all;
    const char *pattern = take_operand(x, '/', true);
    const char *replacement = take_operand(x, '}', false);

    if (!x->complaint && value)
        replace(x, value, pattern, replacement, all, out);
    else if (!value && !x->unset)
        x->unset = name;
}

static void require(struct expander *x, const char *name, const char *value, bool empty_counts,
                    const char *message, struct str *out)
{
    if (value && (*value || !empty_counts))
        str_add(out, value);
    else
        complain(x, arena_printf(x->a, "%s: %s", name,
                                 *message ? message
                                 : value  ? "must not be empty"
                                          : "must be set"));
}

static void modify(struct expander *x, const char *name, const char *value, struct str *out)
{
    bool empty_counts = *x->s == ':';

    x->s += empty_counts;
    char op = *x->s ? *x->s++ : '\0';

    if (!op || !strchr("-+?#%", op) || (empty_counts && strchr("#%", op))) {
        complain(x, arena_printf(x->a, "${%s...}: no such modifier", name));
        return;
    }
    const char *word = take_operand(x, '}', op == '#' || op == '%');
    bool given = value && (*value || !empty_counts);

    if (x->complaint)
        return;
    switch (op) {
    case '-': str_add(out, given ? value : word); break;
    case '+': str_add(out, given ? word : ""); break;
    case '?': require(x, name, value, empty_counts, word, out); break;
    default:
        if (value)
            trim(x, value, word, op, out);
        else if (!x->unset)
            x->unset = name;
    }
}

static void expand_braces(struct expander *x, struct str *out)
{
    if (!*x->s || strchr("{}:", *x->s)) {
        complain(x, *x->s ? "${...} without a name" : "${ is never closed");
        return;
    }
    const char *name = take_name(x);
    const char *value = lookup(x, name);

    if (*x->s == '}') {
        x->s++;
        str_add(out, value ? value : "");
        if (!value && !x->unset)
            x->unset = name;
    } else if (*x->s == '/') {
        x->s++;
        substitute(x, name, value, out);
    } else {
        modify(x, name, value, out);
    }
}

static void expand_dollar(struct expander *x, struct str *out)
{
    x->s++;
    if (*x->s == '{') {
        x->s++;
        if (x->depth == NESTING) {
            complain(x, "${...} nested too deep");
            return;
        }
        x->depth++;
        expand_braces(x, out);
        x->depth--;
        return;
    }
    const char *name = take_name(x);

    if (!*name) {
        str_addc(out, '$');
        return;
    }
    const char *value = lookup(x, name);

    str_add(out, value ? value : "");
    if (!value && !x->unset)
        x->unset = name;
}

static void take_single_quoted(struct expander *x, struct str *out)
{
    const char *end = strchr(x->s + 1, '\'');

    if (!end) {
        complain(x, "a single quote is never closed");
        return;
    }
    if (x->raw)
        str_addn(out, x->s, (size_t)(end - x->s) + 1);
    else
        str_addn(out, x->s + 1, (size_t)(end - x->s) - 1);
    x->s = end + 1;
}

static void take_double_quoted(struct expander *x, struct str *out)
{
    char escape = x->vars->escape;

    if (x->raw)
        str_addc(out, '"');
    for (x->s++; *x->s && *x->s != '"' && !x->complaint;) {
        if (out->len > DOCKERFILE_VALUE || x->vars->work < 0) {
            complain(x, "the value grows too long");
            return;
        }
        if (*x->s == '$') {
            expand_dollar(x, out);
            continue;
        }
        if (*x->s == escape && x->s[1] && (strchr("\"$", x->s[1]) || x->s[1] == escape)) {
            if (x->raw)
                str_addc(out, *x->s);
            x->s++;
        }
        str_addc(out, *x->s++);
    }
    if (*x->s != '"') {
        complain(x, "a double quote is never closed");
        return;
    }
    x->s++;
    if (x->raw)
        str_addc(out, '"');
}

/* Up to `stop` (0: to the end), which is taken too. */
static void expand_until(struct expander *x, char stop, bool keep_escapes, struct str *out)
{
    while (*x->s && !x->complaint) {
        if (stop && *x->s == stop) {
            x->s++;
            return;
        }
        if (out->len > DOCKERFILE_VALUE || x->vars->work < 0) {
            complain(x, "the value grows too long");
        } else if (*x->s == '$') {
            expand_dollar(x, out);
        } else if (*x->s == '\'') {
            take_single_quoted(x, out);
        } else if (*x->s == '"') {
            take_double_quoted(x, out);
        } else {
            if (*x->s == x->vars->escape) {
                if (keep_escapes || x->raw)
                    str_addc(out, *x->s);
                if (!*++x->s)
                    break;
            }
            str_addc(out, *x->s++);
        }
    }
    if (stop)
        complain(x, stop == '}' ? "${ is never closed" : "${V/p/r} without its second /");
}

static const char *expand(struct dockerfile_vars *vars, const char *word, bool raw, struct arena *a,
                          struct str *out, const char **ret_unset)
{
    struct expander x = {.s = word, .vars = vars, .a = a, .raw = raw};
    CLEANUP(str_release) struct str s = STR_INIT;

    vars->work -= (long)strlen(word);
    expand_until(&x, 0, raw, &s);
    if (!x.complaint && (s.len > DOCKERFILE_VALUE || vars->work < 0))
        complain(&x, "the value grows too long");
    if (x.complaint)
        return x.complaint;
    str_addn(out, str_text(&s), s.len);
    if (ret_unset)
        *ret_unset = x.unset;
    return NULL;
}

const char *dockerfile_expand(struct dockerfile_vars *vars, const char *word, struct arena *a,
                              struct str *out, const char **ret_unset)
{
    return expand(vars, word, false, a, out, ret_unset);
}

const char *dockerfile_expand_raw(struct dockerfile_vars *vars, const char *word, struct arena *a,
                                  struct str *out, const char **ret_unset)
{
    return expand(vars, word, true, a, out, ret_unset);
}

void dockerfile_words(const char *text, char escape, struct arena *a, struct strv *ret)
{
    const char *s = text;

    for (;;) {
        while (isspace((unsigned char)*s))
            s++;
        if (!*s)
            return;
        const char *begin = s;
        char quote = 0;

        for (; *s && (quote || !isspace((unsigned char)*s)); s++) {
            if (*s == escape && quote != '\'' && s[1])
                s++;
            else if (quote ? *s == quote : *s == '"' || *s == '\'')
                quote = quote ? 0 : *s;
        }
        strv_push(a, ret, arena_strndup(a, begin, (size_t)(s - begin)));
    }
}
