/* interpolate.c: variables in a text, as Compose fills them in.
 *
 * In: a text, a source of variables. Out: the text with their values, which variables were missed, and which file each came from. Values are never read again,
 * so nothing that a file of variables holds can name another variable here. It refuses what Compose refuses: braces that do not close, names that are none, and
 * results without bound. */
#include "spec/interpolate.h"

#include "spec/base/arena.h"
#include "spec/limits.h"

enum { NESTED_MOST = 32, UNSET_MOST = 16 };

struct reader {
    const struct interpolate_source *source;
    struct arena *arena;
    struct interpolate_result *result;
    int depth;
};

/* One ${...}, cut into its parts. */
struct variable {
    const char *name;
    bool colon;       /* an empty value counts as none */
    char sign;        /* '-', '?', '+', or '\0' for a bare name */
    const char *text; /* behind the sign */
};

static int fail(struct reader *r, const char *hint, const char *what)
{
    r->result->error = what;
    r->result->hint = hint;
    return -1;
}

static size_t name_length(const char *s)
{
    static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";

    if (!*s || !strchr(first, *s))
        return 0;
    return strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789");
}

bool interpolate_needed(const char *text)
{
    for (const char *s = strchr(text, '$'); s; s = strchr(s + 1, '$'))
        if (s[1] == '$' || s[1] == '{' || name_length(s + 1))
            return true;
    return false;
}

/* s stands behind "${"; the length up to its own brace, or SIZE_MAX when it is never closed. */
static size_t braced_length(const char *s)
{
    size_t open = 1;

    for (size_t i = 0; s[i]; i++) {
        if (s[i] == '$' && s[i + 1] == '$') {
            i++;
        } else if (s[i] == '$' && s[i + 1] == '{') {
            open++;
            i++;
        } else if (s[i] == '}' && --open == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

static const char *look_up(struct reader *r, const char *name)
{
    const char *file = NULL, *value = r->source->lookup(r->source->ctx, name, &file);

    if (value)
        kvs_set(r->arena, &r->result->from, name, file ? file : "");
    return value;
}

static int add(struct reader *r, struct str *out, const char *bytes, size_t n)
{
    if (out->len + n > LIMIT_TEXT)
        return fail(r, NULL,
                    arena_printf(r->arena,
                                 "a text of more than %d bytes after its variables are filled in",
                                 LIMIT_TEXT));
    str_addn(out, bytes, n);
    return 0;
}

/* An unset variable without an operator is empty, and worth a word. */
static int add_plain(struct reader *r, const char *name, struct str *out)
{
    const char *value = look_up(r, name);

    if (!value && r->result->unset.n < UNSET_MOST && !strv_has(&r->result->unset, name))
        strv_push(r->arena, &r->result->unset, name);
    return value ? add(r, out, value, strlen(value)) : 0;
}

static int read_braced(struct reader *r, const char *inside, struct variable *ret)
{
    size_t n = name_length(inside);
    const char *s = inside + n;

    *ret = (struct variable){.name = arena_strndup(r->arena, inside, n)};
    if (n > 0 && *s == ':' && s[1] && strchr("-?+", s[1])) {
        ret->colon = true;
        s++;
    }
    if (n > 0 && (!*s || strchr("-?+", *s))) {
        ret->sign = *s;
        ret->text = *s ? s + 1 : s;
        return 0;
    }
    return fail(r, "write ${NAME}, ${NAME:-default} or ${NAME:?message}, and $$ for a dollar sign",
                arena_printf(r->arena, "\"${%.100s}\" is not a variable", inside));
}

static int fill(struct reader *r, const char *text, struct str *out);

static int fill_nested(struct reader *r, const char *text, struct str *out)
{
    if (r->depth >= NESTED_MOST)
        return fail(
            r, NULL,
            arena_printf(r->arena, "variables stand in variables more than %d deep", NESTED_MOST));
    r->depth++;
    int status = fill(r, text, out);

    r->depth--;
    return status;
}

static int required(struct reader *r, const struct variable *v, bool set)
{
    CLEANUP(str_release) struct str message = STR_INIT;

    if (fill_nested(r, v->text, &message) < 0)
        return -1;
    return fail(r, "set it in the file .env beside this one",
                arena_printf(r->arena, "the variable %s is required and %s%s%s", v->name,
                             set ? "empty" : "not set", message.len ? ": " : "",
                             str_text(&message)));
}

static int add_variable(struct reader *r, const struct variable *v, struct str *out)
{
    if (!v->sign)
        return add_plain(r, v->name, out);
    const char *value = look_up(r, v->name);
    bool counts = value && (*value || !v->colon);

    if (v->sign == '+')
        return counts ? fill_nested(r, v->text, out) : 0;
    if (counts)
        return add(r, out, value, strlen(value));
    return v->sign == '-' ? fill_nested(r, v->text, out) : required(r, v, value != NULL);
}

static int fill(struct reader *r, const char *text, struct str *out)
{
    for (const char *s = text; *s;) {
        size_t n = strcspn(s, "$");
        struct variable v;

        if (add(r, out, s, n) < 0)
            return -1;
        s += n;
        if (!*s)
            break;
        if (s[1] == '{') {
            n = braced_length(s + 2);
            if (n == SIZE_MAX)
                return fail(r, "write $$ for a plain dollar sign",
                            arena_printf(r->arena, "\"%.100s\": the brace is never closed", s));
            if (read_braced(r, arena_strndup(r->arena, s + 2, n), &v) < 0 ||
                add_variable(r, &v, out) < 0)
                return -1;
            s += n + 3;
        } else if ((n = name_length(s + 1)) > 0) {
            if (add_plain(r, arena_strndup(r->arena, s + 1, n), out) < 0)
                return -1;
            s += n + 1;
        } else {
            if (add(r, out, "$", 1) < 0)
                return -1;
            s += s[1] == '$' ? 2 : 1;
        }
    }
    return 0;
}

int interpolate_text(const char *text, const struct interpolate_source *source, struct arena *a,
                     struct interpolate_result *ret)
{
    CLEANUP(str_release) struct str out = STR_INIT;
    struct interpolate_result result = {.text = text};
    struct reader r = {.source = source, .arena = a, .result = &result};

    if (interpolate_needed(text)) {
        result.text = NULL;
        if (fill(&r, text, &out) == 0)
            result.text = arena_strdup(a, str_text(&out));
    }
    *ret = result;
    return result.text ? 0 : -1;
}
