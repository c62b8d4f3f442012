/* dockerfile_ports.c: which ports a stage exposes.
 *
 * In: the lines of a stage and of the stages below it. Out: "8080/tcp", sorted. ENV and ARG are followed, since ports are often written
 * as $PORT; what only the base image sets is not known here, and such a port is left out with a note. */
#include "spec/dockerfile_parts.h"

#include <ctype.h>
#include <strings.h>

#include "spec/base/arena.h"
#include "spec/limits.h"

static bool set_var(struct dockerfile_reader *r, const struct dockerfile_line *l, struct kvs *vars,
                    const char *key, const char *value)
{
    if (vars->n == DOCKERFILE_VARS && !kvs_get(vars, key)) {
        dockerfile_complain(r, l, 0, NULL, "more than %d variables", DOCKERFILE_VARS);
        return false;
    }
    kvs_set(r->a, vars, key, value);
    return true;
}

/* A name's value as `text` spells it; NULL after a complaint. */
static const char *expanded(struct dockerfile_reader *r, const struct dockerfile_line *l,
                            struct dockerfile_vars *vars, const char *text, const char **ret_unset)
{
    CLEANUP(str_release) struct str value = STR_INIT;
    const char *complaint = dockerfile_expand(vars, text, r->a, &value, ret_unset);

    if (!complaint)
        return arena_strndup(r->a, str_text(&value), value.len);
    dockerfile_complain(r, l, l->args_at, NULL, "%s: %s", l->keyword, complaint);
    return NULL;
}

void dockerfile_declare(struct dockerfile_reader *r, const struct dockerfile_line *l,
                        struct dockerfile_vars *vars, const struct kvs *outer)
{
    struct strv words = {0};

    dockerfile_words(l->args, vars->escape, r->a, &words);
    for (size_t i = 0; i < words.n; i++) {
        const char *sign = strchr(words.v[i], '=');
        size_t n = sign ? (size_t)(sign - words.v[i]) : strlen(words.v[i]);
        const char *key = arena_strndup(r->a, words.v[i], n);
        const char *value = kvs_get(r->args, key);

        if (!value && sign) {
            value = expanded(r, l, vars, sign + 1, NULL);
            if (!value)
                return;
        }
        if (!value)
            value = kvs_get(outer, key);
        if (value && !set_var(r, l, &vars->args, key, value))
            return;
    }
}

/* ENV K=V K2=V2, or the old ENV K V. */
static void read_env(struct dockerfile_reader *r, const struct dockerfile_line *l,
                     struct dockerfile_vars *vars)
{
    struct strv words = {0};
    const char *value;

    dockerfile_words(l->args, vars->escape, r->a, &words);
    if (words.n > 0 && !strchr(words.v[0], '=')) {
        const char *rest = l->args + strlen(words.v[0]);

        value = expanded(r, l, vars, rest + strspn(rest, " \t"), NULL);
        if (value)
            (void)set_var(r, l, &vars->env, words.v[0], value);
        return;
    }
    /* One ENV line sees none of its own names: all are expanded before any is set. */
    struct strv fresh = {0};

    for (size_t i = 0; i < words.n; i++) {
        const char *sign = strchr(words.v[i], '=');

        if (!sign) {
            dockerfile_complain(r, l, l->args_at, NULL, "ENV: \"%s\" has no \"=\"", words.v[i]);
            return;
        }
        const char *key = expanded(
            r, l, vars, arena_strndup(r->a, words.v[i], (size_t)(sign - words.v[i])), NULL);

        value = key ? expanded(r, l, vars, sign + 1, NULL) : NULL;
        if (!value)
            return;
        strv_push(r->a, &fresh, key);
        strv_push(r->a, &fresh, value);
    }
    for (size_t i = 0; i < fresh.n; i += 2)
        if (!set_var(r, l, &vars->env, fresh.v[i], fresh.v[i + 1]))
            return;
}

/* ---- ports ---- */

static bool parse_port(const char **s, int *ret)
{
    long port = 0;
    const char *c = *s;

    for (; isdigit((unsigned char)*c) && port <= 65535; c++)
        port = port * 10 + (*c - '0');
    if (c == *s || port > 65535)
        return false;
    *s = c;
    *ret = (int)port;
    return true;
}

/* [[IP:]HOST:]FIRST[-LAST][/PROTOCOL]; the host's side means nothing in a Dockerfile. */
static bool parse_ports(const char *text, int *ret_first, int *ret_last, const char **ret_protocol)
{
    static const char *const protocols[] = {"tcp", "udp", "sctp"};
    const char *colon = strrchr(text, ':'), *s = colon ? colon + 1 : text;

    if (!parse_port(&s, ret_first))
        return false;
    *ret_last = *ret_first;
    if (*s == '-' && (s++, !parse_port(&s, ret_last) || *ret_last < *ret_first))
        return false;
    *ret_protocol = protocols[0];
    if (!*s)
        return true;
    for (size_t i = 0; *s == '/' && i < ARRAY_LEN(protocols); i++)
        if (strcasecmp(s + 1, protocols[i]) == 0) {
            *ret_protocol = protocols[i];
            return true;
        }
    return false;
}

static void expose_word(struct dockerfile_reader *r, const struct dockerfile_line *l,
                        const char *word, struct strv *ret)
{
    int first, last;
    const char *protocol;

    if (!parse_ports(word, &first, &last, &protocol)) {
        dockerfile_complain(r, l, l->args_at,
                            "a port, or a range of them: 8080, 8080/udp, 8000-8010",
                            "EXPOSE: \"%s\" is not a port", word);
        return;
    }
    if (ret->n + (size_t)(last - first) >= DOCKERFILE_PORTS) {
        dockerfile_complain(r, l, l->args_at, NULL, "more than %d ports are exposed",
                            DOCKERFILE_PORTS);
        return;
    }
    /* The engine takes port 0, which nobody can reach. */
    for (int port = first ? first : 1; port <= last; port++)
        strv_push(r->a, ret, arena_printf(r->a, "%d/%s", port, protocol));
}

static void read_expose(struct dockerfile_reader *r, const struct dockerfile_line *l,
                        struct dockerfile_vars *vars, struct strv *ret)
{
    struct strv words = {0};

    dockerfile_words(l->args, vars->escape, r->a, &words);
    for (size_t i = 0; i < words.n; i++) {
        struct strv ports = {0};
        const char *unset = NULL, *value = expanded(r, l, vars, words.v[i], &unset);

        if (!value)
            return;
        if (unset) {
            const char *source;
            struct place place = dockerfile_line_place(l, r->name, l->args_at, r->a, &source);

            diag_add(r->diags, DIAG_NOTE, place, NULL, source,
                     "say which port it is: port:", "EXPOSE %s: nothing here gives %s a value",
                     words.v[i], unset);
            continue;
        }
        /* One variable may hold several. */
        dockerfile_words(value, vars->escape, r->a, &ports);
        for (size_t k = 0; k < ports.n && ret->n < DOCKERFILE_PORTS; k++)
            expose_word(r, l, ports.v[k], ret);
    }
}

static void read_stage(struct dockerfile_reader *r, const struct dockerfile_stage *stage,
                       struct dockerfile_vars *vars, struct strv *ret)
{
    for (size_t i = stage->from + 1; i < stage->end && r->diags->errors < LIMIT_DIAGS; i++) {
        const struct dockerfile_line *l = &r->lines.v[i];

        if (strcmp(l->keyword, "ENV") == 0)
            read_env(r, l, vars);
        else if (strcmp(l->keyword, "ARG") == 0)
            dockerfile_declare(r, l, vars, &r->vars.args);
        else if (strcmp(l->keyword, "EXPOSE") == 0)
            read_expose(r, l, vars, ret);
    }
}

void dockerfile_ports(struct dockerfile_reader *r, size_t stage, struct strv *ret)
{
    size_t chain[DOCKERFILE_STAGES], n = 0;
    struct strv all = {0};
    struct dockerfile_vars vars = {.escape = r->vars.escape, .work = r->vars.work};

    for (int i = (int)stage; i >= 0; i = r->stages[i].parent)
        chain[n++] = (size_t)i;
    while (n > 0)
        read_stage(r, &r->stages[chain[--n]], &vars, &all);
    strv_sort(&all);
    for (size_t i = 0; i < all.n; i++)
        if (i == 0 || strcmp(all.v[i], all.v[i - 1]) != 0)
            strv_push(r->a, ret, all.v[i]);
}
