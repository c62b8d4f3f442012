/* yaml_write.c: a tree of nodes as YAML or as JSON.
 *
 * In: a tree. Out: text. It knows what a plain scalar may look like and nothing of what the tree means; comments, anchors and styles of the text that a tree came from are gone. */
#include "spec/yaml_write.h"

#include "spec/yaml_node.h"

/* ---- scalars ---- */

/* As JSON has it, too. YAML folds what it takes for a line's end, U+0085 and U+2028 among them. */
void yaml_write_quoted(const char *value, struct str *out)
{
    uint32_t code = 0;

    str_addc(out, '"');
    for (size_t left = strlen(value), n; left > 0; value += n, left -= n) {
        n = utf8_next(value, left, &code);
        if (n == 0) { /* no character: it cannot be written */
            str_addc(out, '?');
            n = 1;
        } else if (code == '"' || code == '\\') {
            str_addf(out, "\\%c", (int)code);
        } else if (code == '\n' || code == '\t') {
            str_add(out, code == '\n' ? "\\n" : "\\t");
        } else if (code < 0x20 || (code >= 0x7f && code <= 0xa0) || code == 0x2028 ||
                   code == 0x2029 || (code >= 0xfff0 && code <= 0xffff) || code == 0xfeff) {
            str_addf(out, "\\u%04x", (unsigned)code);
        } else {
            str_addn(out, value, n);
        }
    }
    str_addc(out, '"');
}

/* Words that some reader of YAML takes for a truth value or for nothing. */
static bool is_word_of_yaml(const char *text)
{
    static const char *const words[] = {"y",   "n",    "yes",  "no",   "on",
                                        "off", "null", "true", "false"};

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcasecmp(text, words[i]) == 0)
            return true;
    return false;
}

static bool is_plain(const char *text)
{
    static const char safe[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-+";

    return *text && strspn(text, safe) == strlen(text) && !strchr("-.+0123456789", *text) &&
           yaml_scalar_kind(text) == YAML_STRING && !is_word_of_yaml(text);
}

static void add_text(const char *text, struct str *out)
{
    if (is_plain(text))
        str_add(out, text);
    else
        yaml_write_quoted(text, out);
}

/* ---- YAML ---- */

static bool is_empty(const struct yaml_node *v)
{
    return v->n == 0;
}

static void indent(int depth, struct str *out)
{
    for (int i = 0; i < depth; i++)
        str_add(out, "  ");
}

static void write_block(const struct yaml_node *v, int depth, struct str *out);

/* What stands behind "key:" or "-", with the end of the line. */
static void write_value(const struct yaml_node *v, int depth, bool in_list, struct str *out)
{
    bool nested = v->kind == YAML_LIST || v->kind == YAML_MAP;

    if (nested && is_empty(v)) {
        str_add(out, v->kind == YAML_LIST ? " []\n" : " {}\n");
    } else if (in_list && v->kind == YAML_MAP) {
        /* The first key stands beside the dash. */
        CLEANUP(str_release) struct str block = STR_INIT;

        write_block(v, depth, &block);
        str_addc(out, ' ');
        str_add(out, str_text(&block) + (size_t)depth * 2);
    } else if (nested) {
        str_addc(out, '\n');
        write_block(v, depth, out);
    } else if (v->kind == YAML_NULL) {
        str_add(out, " null\n");
    } else {
        str_addc(out, ' ');
        if (v->kind == YAML_STRING)
            add_text(v->text, out);
        else
            str_add(out, v->text);
        str_addc(out, '\n');
    }
}

static void write_block(const struct yaml_node *v, int depth, struct str *out)
{
    for (size_t i = 0; i < v->n; i++) {
        indent(depth, out);
        if (v->kind == YAML_LIST) {
            str_addc(out, '-');
            write_value(v->items[i], depth + 1, true, out);
        } else {
            add_text(v->pairs[i].key, out);
            str_addc(out, ':');
            write_value(v->pairs[i].value, depth + 1, false, out);
        }
    }
}

void yaml_write(const struct yaml_node *v, struct str *out)
{
    if ((v->kind == YAML_LIST || v->kind == YAML_MAP) && !is_empty(v))
        write_block(v, 0, out);
    else
        write_value(v, 0, false, out);
}

/* ---- JSON ---- */

static bool is_json_number(const char *text)
{
    const char *s = *text == '-' ? text + 1 : text;
    size_t whole = strspn(s, "0123456789");

    if (whole == 0 || (whole > 1 && *s == '0'))
        return false;
    s += whole;
    if (*s == '.') {
        size_t part = strspn(s + 1, "0123456789");

        if (part == 0)
            return false;
        s += 1 + part;
    }
    return *s == '\0';
}

static void json_scalar(const struct yaml_node *v, struct str *out)
{
    if (v->kind == YAML_NULL)
        str_add(out, "null");
    else if (v->kind == YAML_BOOL)
        str_add(out, v->text);
    else if (v->kind != YAML_STRING && is_json_number(v->text))
        str_add(out, v->text);
    else
        yaml_write_quoted(v->text, out);
}

static void json_write(const struct yaml_node *v, int depth, struct str *out)
{
    bool list = v->kind == YAML_LIST;

    if (!list && v->kind != YAML_MAP) {
        json_scalar(v, out);
        return;
    }
    str_addc(out, list ? '[' : '{');
    for (size_t i = 0; i < v->n; i++) {
        str_add(out, i ? ",\n" : "\n");
        indent(depth + 1, out);
        if (!list) {
            yaml_write_quoted(v->pairs[i].key, out);
            str_add(out, ": ");
        }
        json_write(list ? v->items[i] : v->pairs[i].value, depth + 1, out);
    }
    if (v->n > 0) {
        str_addc(out, '\n');
        indent(depth, out);
    }
    str_addc(out, list ? ']' : '}');
}

void yaml_write_json(const struct yaml_node *v, struct str *out)
{
    json_write(v, 0, out);
    str_addc(out, '\n');
}
