/* yaml_node.c: what kind of thing a node is.
 *
 * In: the text of an unquoted scalar, tags as libyaml spells them, finished maps. Out: kinds after YAML 1.2's core
 * schema, names of kinds for messages, the value of a key.
 * The older habits of YAML 1.1 are no more: yes and off are strings, and so are 12:30 (not 750) and dates.
 * It refuses tags that are neither YAML's own nor Compose's. */
#include "spec/yaml_node.h"

#include <string.h>

#include "spec/base/attr.h"

static bool one_of(const char *text, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(text, words[i]) == 0)
            return true;
    return false;
}

static const char *const null_words[] = {"", "~", "null", "Null", "NULL"};
static const char *const true_words[] = {"true", "True", "TRUE"};
static const char *const false_words[] = {"false", "False", "FALSE"};
static const char *const float_words[] = {
    ".inf",  ".Inf",  ".INF",  "+.inf", "+.Inf", "+.INF",
    "-.inf", "-.Inf", "-.INF", ".nan",  ".NaN",  ".NAN",
};

static size_t digits(const char *s)
{
    return strspn(s, "0123456789");
}

/* 0o17 and 0x1f; a sign is not allowed with them. */
static bool is_based_int(const char *s)
{
    if (s[0] != '0' || !s[1] || !s[2])
        return false;
    const char *of_base = s[1] == 'o' ? "01234567" : s[1] == 'x' ? "0123456789abcdefABCDEF" : "";

    return s[2 + strspn(s + 2, of_base)] == '\0';
}

/* Sign, digits, and perhaps a fraction and an exponent. */
static enum yaml_kind number_kind(const char *s)
{
    s += *s == '-' || *s == '+';
    size_t whole = digits(s), fraction = 0;

    s += whole;
    if (whole && !*s)
        return YAML_INT;
    if (*s == '.') {
        s++;
        fraction = digits(s);
        s += fraction;
    }
    if (whole + fraction == 0)
        return YAML_STRING;
    if (*s == 'e' || *s == 'E') {
        s++;
        s += *s == '-' || *s == '+';
        size_t exponent = digits(s);
        if (exponent == 0)
            return YAML_STRING;
        s += exponent;
    }
    return *s ? YAML_STRING : YAML_FLOAT;
}

enum yaml_kind yaml_scalar_kind(const char *text)
{
    if (one_of(text, null_words, ARRAY_LEN(null_words)))
        return YAML_NULL;
    if (one_of(text, true_words, ARRAY_LEN(true_words)) ||
        one_of(text, false_words, ARRAY_LEN(false_words)))
        return YAML_BOOL;
    if (one_of(text, float_words, ARRAY_LEN(float_words)))
        return YAML_FLOAT;
    return is_based_int(text) ? YAML_INT : number_kind(text);
}

void yaml_scalar_settle(struct yaml_node *node)
{
    if (node->kind == YAML_NULL)
        node->text = "";
    else if (node->kind == YAML_BOOL)
        node->text = one_of(node->text, true_words, ARRAY_LEN(true_words)) ? "true" : "false";
}

/* ---- tags ---- */

static const char *const compose_tags[] = {"!reset", "!override"};

// clang-format off
static const struct {
    const char *tag;
    enum yaml_kind kind;
} core_tags[] = {
    {"!", YAML_STRING}, /* "not a plain scalar": as good as quotes */
    {"tag:yaml.org,2002:str", YAML_STRING},
    {"tag:yaml.org,2002:null", YAML_NULL},
    {"tag:yaml.org,2002:bool", YAML_BOOL},
    {"tag:yaml.org,2002:int", YAML_INT},
    {"tag:yaml.org,2002:float", YAML_FLOAT},
    {"tag:yaml.org,2002:seq", YAML_LIST},
    {"tag:yaml.org,2002:map", YAML_MAP},
};
// clang-format on

/* A tag of YAML's own says what the node must be; a scalar may then be quoted and still be a number. */
static int set_core_kind(struct yaml_node *node, enum yaml_kind want)
{
    if (node->kind == want)
        return 0;
    if (!node->text)
        return -1;
    enum yaml_kind plain = yaml_scalar_kind(node->text);

    if (want != YAML_STRING && want != plain && !(want == YAML_FLOAT && plain == YAML_INT))
        return -1;
    node->kind = want;
    return 0;
}

int yaml_node_set_tag(struct yaml_node *node, const char *tag)
{
    for (size_t i = 0; i < ARRAY_LEN(compose_tags); i++)
        if (strcmp(tag, compose_tags[i]) == 0) {
            node->tag = compose_tags[i];
            return 0;
        }
    for (size_t i = 0; i < ARRAY_LEN(core_tags); i++)
        if (strcmp(tag, core_tags[i].tag) == 0)
            return set_core_kind(node, core_tags[i].kind);
    return -1;
}

/* ---- for everyone ---- */

const char *yaml_kind_name(enum yaml_kind kind)
{
    switch (kind) {
    case YAML_NULL: return "nothing";
    case YAML_BOOL: return "true or false";
    case YAML_INT: return "a whole number";
    case YAML_FLOAT: return "a number";
    case YAML_STRING: return "a text";
    case YAML_LIST: return "a list";
    case YAML_MAP: return "a mapping";
    }
    return "unknown";
}

const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
    if (!map || map->kind != YAML_MAP)
        return NULL;
    for (size_t i = 0; i < map->n; i++)
        if (strcmp(map->pairs[i].key, key) == 0)
            return map->pairs[i].value;
    return NULL;
}
