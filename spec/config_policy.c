/* config_policy.c: `policy:` of the agent's configuration file.
 *
 * In: names of apps with the words that each is allowed. Out: rules in the order written, or what is wrong with them. A rule that could never apply is an error: nobody
 * should believe something to be allowed, or refused, that is not. */
#include "spec/config_policy.h"

#include <string.h>

#include "spec/base/arena.h"
#include "spec/decode.h"
#include "spec/document.h"
#include "spec/forms.h"
#include "spec/policy.h"

static void unknown_word(struct decode_ctx *c, const struct yaml_node *v, const char *text,
                         size_t n)
{
    struct strv words = {0};

    for (const struct policy_word *w = policy_words; w->word; w++)
        strv_push(c->arena, &words, w->word);
    const char *word = arena_strndup(c->arena, text, n);
    const char *nearest = str_nearest(word, words.v, words.n);

    decode_error(c, v,
                 nearest ? arena_printf(c->arena, "did you mean \"%s\"?", nearest)
                         : "`evenkeel schema policy` lists the words",
                 "\"%s\" is nothing that can be allowed", word);
}

static bool is_path(const struct policy_word *w)
{
    return w->value && strcmp(w->value, "PATH") == 0;
}

/* WORD or WORD:VALUE */
static void decode_rule(struct decode_ctx *c, const struct yaml_node *v, const char *app,
                        struct policy *out)
{
    const char *text = decode_text(c, v, "a word");
    size_t n = text ? strcspn(text, ":") : 0, cap = out->n;
    const struct policy_word *w = text ? policy_word_find(text, n) : NULL;
    const char *value = text && text[n] ? text + n + 1 : NULL;

    if (!text)
        return;
    if (!w) {
        unknown_word(c, v, text, n);
        return;
    }
    if (value && !w->value) {
        decode_error(c, v, NULL, "`%s` is allowed as a whole: leave `:%s` out", w->word, value);
        return;
    }
    if (value && (!*value || (is_path(w) && *value != '/'))) {
        decode_error(
            c, v, arena_printf(c->arena, "leave the colon out to allow all of `%s`", w->word),
            is_path(w) ? "\"%s\": the path must begin with /" : "\"%s\" ends with a colon", text);
        return;
    }
    out->v = arena_grow(c->arena, out->v, out->n, &cap, sizeof(out->v[0]));
    out->v[out->n++] = (struct policy_rule){
        app, w->word, value && is_path(w) ? decode_path_in(c, "/", value) : value};
}

static void decode_app_rules(struct decode_ctx *c, const struct yaml_pair *pair, struct policy *out)
{
    const struct yaml_node *v = pair->value;

    if (strcmp(pair->key, "*") != 0 && !app_name_valid(pair->key))
        decode_say(c, DIAG_ERROR, decode_pair_place(c, pair), "`\"*\"` stands for every app",
                   "\"%s\" cannot be the name of an app", pair->key);
    if (!decode_is(c, v, YAML_LIST, "a list of words"))
        return;
    for (size_t i = 0; i < v->n; i++) {
        decode_enter_index(c, i);
        decode_rule(c, v->items[i], pair->key, out);
        decode_leave(c);
    }
}

static void decode_allow(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                         void *out)
{
    (void)f;
    if (!decode_is(c, v, YAML_MAP, "a mapping of apps to lists of words"))
        return;
    for (size_t i = 0; i < v->n; i++) {
        decode_enter(c, v->pairs[i].key);
        decode_app_rules(c, &v->pairs[i], out);
        decode_leave(c);
    }
}

static bool show_allow(const struct field *f, const void *value, struct str *out)
{
    const struct policy *p = value;

    (void)f;
    for (size_t i = 0; i < p->n; i++)
        str_addf(out, "%s%s:%s%s%s", i ? " " : "", p->v[i].app, p->v[i].word,
                 p->v[i].value ? ":" : "", p->v[i].value ? p->v[i].value : "");
    return p->n > 0;
}

static const struct form form_allow = {
    "a mapping of apps to lists of words", decode_allow, show_allow,
    "{\"type\": \"object\", \"additionalProperties\": {\"type\": \"array\", \"items\": {\"type\": "
    "\"string\"}}}"};

// clang-format off
static const struct field rows_policy[] = {
    {"allow", &form_allow, 0, .help = "by app, or `*` for every one: WORD or WORD:VALUE, as refusals print them"},
};
const struct table fields_config_policy = {"config_policy", "What apps out of archives and uploads may ask of the host.", rows_policy, ARRAY_LEN(rows_policy)};
// clang-format on
