/* decode.c: the engine that walks a mapping along a table of fields.
 *
 * In: a tree of YAML nodes, the tables whose keys it may hold, the structs to fill. Out: filled structs and every
 * mistake as a diagnostic with its place, its path, and the nearest thing that would have been right.
 * It knows rows, not names: what a value means is its form's business. It refuses nothing in silence. */
#include "spec/decode.h"

#include <inttypes.h>
#include <stdarg.h>

#include "spec/base/arena.h"

/* ---- where we are ---- */

static void enter(struct decode_ctx *c, struct path_part part)
{
    if (c->depth < ARRAY_LEN(c->path))
        c->path[c->depth] = part;
    c->depth++;
}

void decode_enter(struct decode_ctx *c, const char *key)
{
    enter(c, (struct path_part){.key = key});
}

void decode_enter_index(struct decode_ctx *c, size_t index)
{
    enter(c, (struct path_part){.index = index});
}

void decode_leave(struct decode_ctx *c)
{
    c->depth--;
}

static void add_path(const struct decode_ctx *c, struct str *out)
{
    for (size_t i = 0; i < c->depth && i < ARRAY_LEN(c->path); i++) {
        if (c->path[i].key)
            str_addf(out, "%s%s", i ? "." : "", c->path[i].key);
        else
            str_addf(out, "[%zu]", c->path[i].index);
    }
}

/* ---- diagnostics ---- */

struct place decode_place(const struct decode_ctx *c, const struct yaml_node *v)
{
    return (struct place){(v->file ? v->file : c->file)->name, v->line, v->column};
}

/* Wherever a value goes, its key goes with it. */
struct place decode_pair_place(const struct decode_ctx *c, const struct yaml_pair *pair)
{
    return (struct place){(pair->value->file ? pair->value->file : c->file)->name, pair->line,
                          pair->column};
}

struct place decode_key_place(const struct decode_ctx *c, const struct yaml_node *map,
                              const char *key)
{
    for (size_t i = 0; map->kind == YAML_MAP && i < map->n; i++)
        if (strcmp(map->pairs[i].key, key) == 0)
            return decode_pair_place(c, &map->pairs[i]);
    return decode_place(c, map);
}

static const struct yaml_file *file_named(const struct decode_ctx *c, const char *name)
{
    if (c->file->name == name)
        return c->file;
    for (size_t i = 0; i < c->n_parts; i++)
        if (c->parts[i]->name == name)
            return c->parts[i];
    return NULL;
}

/* A service that others extend, or a node with aliases, is decoded more than once; what is wrong with it is said once. */
static bool said_before(const struct decode_ctx *c, struct place at, const char *what)
{
    for (size_t i = 0; c->compose && i < c->diags->n; i++) {
        const struct diag *d = &c->diags->v[i];

        if (d->at.line == at.line && d->at.column == at.column && d->at.file == at.file &&
            strcmp(d->what, what) == 0)
            return true;
    }
    return false;
}

static void say(struct decode_ctx *c, enum diag_level level, struct place at, const char *hint,
                const char *what)
{
    CLEANUP(str_release) struct str path = STR_INIT;
    const char *source = NULL;

    if (said_before(c, at, what))
        return;
    /* Finding a line means counting newlines from the top; a list that overflows need not pay for it. */
    if (c->diags->errors < LIMIT_DIAGS)
        add_path(c, &path);
    const struct yaml_file *file = c->diags->errors < LIMIT_DIAGS ? file_named(c, at.file) : NULL;

    if (file) {
        if (c->source_file != file || c->source_line != at.line)
            c->source = yaml_source_line(file, at.line, c->arena);
        c->source_file = file;
        c->source_line = at.line;
        source = c->source;
    }
    diag_add(c->diags, level, at, path.len ? str_text(&path) : NULL, source, hint, "%s", what);
}

void decode_say(struct decode_ctx *c, enum diag_level level, struct place at, const char *hint,
                const char *fmt, ...)
{
    char what[400];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    say(c, level, at, hint, what);
}

void decode_error(struct decode_ctx *c, const struct yaml_node *at, const char *hint,
                  const char *fmt, ...)
{
    char what[400];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    say(c, DIAG_ERROR, decode_place(c, at), hint, what);
}

/* ---- mappings ---- */

const struct field *field_find(const struct table *t, const char *name)
{
    size_t lo = 0, hi = t->n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int order = strcmp(t->fields[mid].name, name);

        if (order == 0)
            return &t->fields[mid];
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

static void unknown_key(struct decode_ctx *c, const struct yaml_pair *pair,
                        const struct decode_target *targets, size_t n)
{
    struct strv known = {0};
    const char *nearest, *hint = NULL;

    /* What will not be shown need not be well worded. */
    for (size_t t = 0; t < n && c->diags->errors < LIMIT_DIAGS; t++)
        for (size_t i = 0; !targets[t].elsewhere && i < targets[t].table->n; i++)
            if (targets[t].table->fields[i].status == FIELD_SUPPORTED)
                strv_push(c->arena, &known, targets[t].table->fields[i].name);
    for (size_t t = 0; t < n && c->diags->errors < LIMIT_DIAGS; t++)
        for (size_t i = 0; !targets[t].elsewhere && i < targets[t].table->n; i++)
            if (targets[t].table->fields[i].status == FIELD_PLANNED)
                strv_push(c->arena, &known, targets[t].table->fields[i].name);
    nearest = str_nearest(pair->key, known.v, known.n);
    if (nearest)
        hint = arena_printf(c->arena, "did you mean \"%s\"?", nearest);
    decode_say(c, DIAG_ERROR, decode_pair_place(c, pair), hint, "unknown key \"%s\"", pair->key);
}

static void decode_pair(struct decode_ctx *c, const struct field *f, const struct yaml_pair *pair,
                        void *base)
{
    struct place at = decode_pair_place(c, pair);

    switch (f->status) {
    case FIELD_SUPPORTED:
        if (pair->value->kind != YAML_NULL && !pair->value->broken)
            f->form->decode(c, f, pair->value, (char *)base + f->offset);
        return;
    case FIELD_PLANNED:
        decode_say(c, DIAG_ERROR, at, NULL, "`%s` is not supported by this version yet", f->name);
        return;
    case FIELD_UNSUPPORTED:
        decode_say(c, DIAG_ERROR, at, f->help, "`%s` is not supported", f->name);
        return;
    case FIELD_IGNORED:
        decode_say(c, DIAG_WARNING, at, f->help, "`%s` has no effect", f->name);
        return;
    case FIELD_REFUSED:
        decode_say(c, DIAG_ERROR, at, f->help, "`%s` has no place here", f->name);
        return;
    }
}

static void check_required(struct decode_ctx *c, const struct yaml_node *v, const struct table *t)
{
    for (size_t i = 0; i < t->n; i++) {
        const struct field *f = &t->fields[i];
        const struct yaml_node *have = f->required ? yaml_get(v, f->name) : NULL;

        if (f->required && (!have || have->kind == YAML_NULL))
            decode_say(c, DIAG_ERROR, decode_key_place(c, v, f->name), f->help, "`%s` is missing",
                       f->name);
    }
}

bool decode_fields(struct decode_ctx *c, const struct yaml_node *v,
                   const struct decode_target *targets, size_t n)
{
    if (!decode_is(c, v, YAML_MAP, "a mapping"))
        return false;
    for (size_t i = 0; i < v->n; i++) {
        const struct yaml_pair *pair = &v->pairs[i];
        const struct field *f = NULL;
        size_t t = 0;

        decode_enter(c, pair->key);
        while (t < n && !(f = field_find(targets[t].table, pair->key)))
            t++;
        if (f && targets[t].elsewhere)
            decode_say(c, DIAG_ERROR, decode_pair_place(c, pair), NULL, "`%s` belongs to %s",
                       pair->key, targets[t].elsewhere);
        else if (f)
            decode_pair(c, f, pair, targets[t].base);
        else if (strncmp(pair->key, "x-", 2) != 0) /* Compose's extension fields: the user's own */
            unknown_key(c, pair, targets, n);
        decode_leave(c);
    }
    for (size_t t = 0; t < n; t++)
        if (!targets[t].elsewhere)
            check_required(c, v, targets[t].table);
    return true;
}

bool decode_table(struct decode_ctx *c, const struct table *t, const struct yaml_node *v,
                  void *base)
{
    return decode_fields(c, v, &(struct decode_target){t, base, NULL}, 1);
}

/* ---- values ---- */

void decode_wrong_kind(struct decode_ctx *c, const struct yaml_node *v, const char *words)
{
    decode_error(c, v, NULL, "must be %s, not %s", words, yaml_kind_name(v->kind));
}

bool decode_is(struct decode_ctx *c, const struct yaml_node *v, enum yaml_kind kind,
               const char *words)
{
    if (v->kind != kind) {
        decode_wrong_kind(c, v, words);
        return false;
    }
    if ((kind == YAML_LIST || kind == YAML_MAP) && v->n > LIMIT_LIST) {
        decode_error(c, v, NULL, "%zu entries; at most %d are allowed", v->n, LIMIT_LIST);
        return false;
    }
    return true;
}

/* Length of a variable that s begins with, as Compose reads them: $NAME, ${...}. 0 for any other dollar sign: $?, $1, $(x). */
static size_t variable_length(const char *s)
{
    static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";

    if (s[1] == '{')
        return strcspn(s, "}") + (s[strcspn(s, "}")] == '}');
    if (!s[1] || !strchr(first, s[1]))
        return 0;
    return 1 + strspn(s + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789");
}

const char *decode_dollars(struct decode_ctx *c, const struct yaml_node *v, const char *text)
{
    if (c->plain_dollars || !strchr(text, '$'))
        return text;
    char *out = arena_strdup(c->arena, text), *to = out;

    for (const char *s = text; *s; s++) {
        size_t n = *s == '$' ? variable_length(s) : 0;

        if (n > 0) {
            decode_error(c, v, "write `$$` for a plain dollar sign",
                         "`%.*s`: variables are not filled in by this version yet", (int)n, s);
            return NULL;
        }
        s += *s == '$' && s[1] == '$';
        *to++ = *s;
    }
    *to = '\0';
    return out;
}

const char *decode_text(struct decode_ctx *c, const struct yaml_node *v, const char *words)
{
    if (v->broken)
        return NULL;
    if (v->kind == YAML_NULL || v->kind == YAML_LIST || v->kind == YAML_MAP) {
        decode_wrong_kind(c, v, words);
        return NULL;
    }
    if (strlen(v->text) > LIMIT_TEXT) {
        decode_error(c, v, NULL, "%zu bytes; at most %d are allowed", strlen(v->text), LIMIT_TEXT);
        return NULL;
    }
    return decode_dollars(c, v, v->text);
}

bool decode_choice(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                   const char *word, int *ret)
{
    CLEANUP(str_release) struct str all = STR_INIT;
    struct strv words = {0};

    for (const struct choice *o = f->choices; o->word; o++) {
        if (strcmp(o->word, word) == 0) {
            *ret = o->value;
            return true;
        }
        strv_push(c->arena, &words, o->word);
        str_addf(&all, "%s\"%s\"", o == f->choices ? "" : o[1].word ? ", " : " or ", o->word);
    }
    const char *nearest = str_nearest(word, words.v, words.n);

    decode_error(c, v, nearest ? arena_printf(c->arena, "did you mean \"%s\"?", nearest) : NULL,
                 words.n == 1 ? "\"%s\" is not %s" : "\"%s\" is not one of %s", word,
                 str_text(&all));
    return false;
}

bool decode_int(struct decode_ctx *c, const struct yaml_node *v, int64_t min, int64_t max,
                int64_t *ret)
{
    const char *text = decode_text(c, v, "a whole number");
    int64_t value;

    if (!text)
        return false;
    const char *digits = text + (*text == '-');

    if (*digits == '0' && digits[1] >= '0' && digits[1] <= '9') {
        decode_error(c, v, "leave the zero out",
                     "\"%s\": a number that begins with 0 is read differently by "
                     "different programs",
                     text);
        return false;
    }
    if (parse_int64(text, INT64_MIN, INT64_MAX, &value) < 0) {
        decode_error(c, v, NULL, "must be a whole number, not \"%s\"", text);
        return false;
    }
    if (value < min || value > max) {
        if (max == INT64_MAX)
            decode_error(c, v, NULL, "%" PRId64 " is too small; the least is %" PRId64, value, min);
        else
            decode_error(c, v, NULL,
                         "%" PRId64 " is out of range; allowed are %" PRId64 " to %" PRId64, value,
                         min, max);
        return false;
    }
    *ret = value;
    return true;
}

static const char *read_port(const char *s, int *ret)
{
    int port = 0, n = 0;

    for (; *s >= '0' && *s <= '9' && n < 6; s++, n++)
        port = port * 10 + (*s - '0');
    if (n == 0 || port < 1 || port > 65535)
        return NULL;
    *ret = port;
    return s;
}

bool decode_port_range(const char *text, int *ret_from, int *ret_to)
{
    int from, to;
    const char *s = read_port(text, &from);

    to = from;
    if (s && *s == '-')
        s = read_port(s + 1, &to);
    if (!s || *s || to < from)
        return false;
    *ret_from = from;
    *ret_to = to;
    return true;
}

const char *decode_path(struct decode_ctx *c, const struct yaml_node *v, const char *path)
{
    return decode_path_in(c, v->file && v->file->dir ? v->file->dir : c->dir, path);
}

const char *decode_path_in(struct decode_ctx *c, const char *dir, const char *path)
{
    CLEANUP(str_release) struct str out = STR_INIT;
    CLEANUP(str_release) struct str both = STR_INIT;

    if (*path != '/')
        str_addf(&both, "%s/", dir);
    str_add(&both, path);
    for (const char *s = str_text(&both); *s;) {
        s += strspn(s, "/");
        size_t n = strcspn(s, "/");

        if (n == 2 && strncmp(s, "..", 2) == 0) {
            while (out.len > 0 && out.buf[--out.len] != '/')
                ;
            if (out.buf)
                out.buf[out.len] = '\0';
        } else if (n > 0 && !(n == 1 && *s == '.')) {
            str_addc(&out, '/');
            str_addn(&out, s, n);
        }
        s += n;
    }
    return arena_strdup(c->arena, out.len ? str_text(&out) : "/");
}
