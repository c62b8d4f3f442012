/* forms_list.c: lists of texts and KEY=VALUE lists, in the several ways that Compose lets people write them.
 *
 * In: a list, a mapping or a single text. Out: struct strv in the order written, or struct kvs sorted by key.
 * An entry given twice is never dropped without a word. */
#include "spec/forms.h"

#include "spec/app.h"
#include "spec/base/arena.h"
#include "spec/decode.h"
#include "spec/shell_words.h"

#define STRINGS_SCHEMA                                                                             \
    "{\"type\": \"array\", \"items\": {\"type\": [\"string\", \"number\", \"boolean\"]}}"
#define KVS_SCHEMA                                                                                 \
    "{\"anyOf\": [{\"type\": \"object\", \"additionalProperties\": {\"type\": [\"string\", "       \
    "\"number\", "                                                                                 \
    "\"boolean\", \"null\"]}}, {\"type\": \"array\", \"items\": {\"type\": \"string\"}}]}"

/* ---- lists ---- */

static void decode_items(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                         struct strv *out)
{
    for (size_t i = 0; i < v->n; i++) {
        decode_enter_index(c, i);
        const char *text = decode_text(c, v->items[i], "a text");

        if (text && (!f->check || f->check(c, f, v->items[i], text)))
            strv_push(c->arena, out, text);
        decode_leave(c);
    }
}

static void decode_form_list(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                             void *out)
{
    if (decode_is(c, v, YAML_LIST, "a list"))
        decode_items(c, f, v, out);
}

const struct form form_list = {"a list of texts", decode_form_list, show_strv, STRINGS_SCHEMA};

static void decode_form_strings(struct decode_ctx *c, const struct field *f,
                                const struct yaml_node *v, void *out)
{
    if (v->kind == YAML_LIST || v->kind == YAML_MAP) {
        decode_form_list(c, f, v, out);
        return;
    }
    const char *text = decode_text(c, v, "a text or a list of texts");

    if (text && (!f->check || f->check(c, f, v, text)))
        strv_push(c->arena, out, text);
}

const struct form form_strings = {"a text or a list of texts", decode_form_strings, show_strv,
                                  "{\"anyOf\": [{\"type\": \"string\"}, " STRINGS_SCHEMA "]}"};

/* ---- commands ---- */

static void decode_form_command(struct decode_ctx *c, const struct field *f,
                                const struct yaml_node *v, void *out)
{
    struct command *cmd = out, got = {.set = true};
    const char *complaint;

    if (v->kind == YAML_LIST || v->kind == YAML_MAP) {
        decode_form_list(c, f, v, &got.argv);
        *cmd = got;
        return;
    }
    const char *text = decode_text(c, v, "a text or a list of texts");

    if (!text)
        return;
    complaint = shell_words(text, c->arena, &got.argv);
    if (complaint)
        decode_error(c, v, "quote it, or write [\"sh\", \"-c\", \"...\"]", "%s", complaint);
    else
        *cmd = got;
}

static bool show_form_command(const struct field *f, const void *value, struct str *out)
{
    const struct command *cmd = value;

    if (cmd->set && !show_strv(f, &cmd->argv, out))
        str_add(out, "[]");
    return cmd->set;
}

const struct form form_command = {"a command: a text that is split into words, or a list",
                                  decode_form_command, show_form_command,
                                  "{\"anyOf\": [{\"type\": \"string\"}, " STRINGS_SCHEMA "]}"};

/* ---- KEY=VALUE ---- */

/* What to do with one entry; value is NULL where only a key was given. */
typedef void entry_fn(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                      const char *key, const char *value, void *out);

static void decode_entries_map(struct decode_ctx *c, const struct field *f,
                               const struct yaml_node *v, entry_fn *entry, void *out)
{
    for (size_t i = 0; i < v->n; i++) {
        const struct yaml_pair *p = &v->pairs[i];
        struct yaml_node at = *p->value;
        const char *text = NULL;

        /* What an entry complains about is its key. */
        at.line = p->line;
        at.column = p->column;
        decode_enter(c, p->key);
        if (!*p->key)
            decode_error(c, &at, NULL, "a key must not be empty");
        else if (p->value->kind == YAML_NULL || (text = decode_text(c, p->value, "a text")))
            entry(c, f, &at, p->key, text, out);
        decode_leave(c);
    }
}

static void decode_entries_list(struct decode_ctx *c, const struct field *f,
                                const struct yaml_node *v, entry_fn *entry, void *out)
{
    for (size_t i = 0; i < v->n; i++) {
        const struct yaml_node *item = v->items[i];
        const char *text;

        decode_enter_index(c, i);
        if (item->kind == YAML_MAP)
            decode_error(c, item, "write KEY=VALUE in a list, or a mapping without dashes",
                         "must be a text, not a mapping");
        else if ((text = decode_text(c, item, "a text KEY=VALUE"))) {
            const char *sign = strchr(text, '=');

            if (!*text || sign == text)
                decode_error(c, item, NULL, "\"%s\" has no key before the `=`", text);
            else
                entry(c, f, item,
                      sign ? arena_strndup(c->arena, text, (size_t)(sign - text)) : text,
                      sign ? sign + 1 : NULL, out);
        }
        decode_leave(c);
    }
}

static void decode_entries(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                           entry_fn *entry, void *out)
{
    if (v->kind == YAML_LIST) {
        if (decode_is(c, v, YAML_LIST, "a list"))
            decode_entries_list(c, f, v, entry, out);
    } else if (decode_is(c, v, YAML_MAP, "a mapping, or a list of KEY=VALUE")) {
        decode_entries_map(c, f, v, entry, out);
    }
}

static void warn_if_twice(struct decode_ctx *c, const struct yaml_node *v, const struct kvs *l,
                          const char *key)
{
    if (kvs_get(l, key))
        decode_say(c, DIAG_WARNING, decode_place(c, v), "the last one wins",
                   "\"%s\" is given twice", key);
}

static void entry_plain(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                        const char *key, const char *value, void *out)
{
    (void)f;
    warn_if_twice(c, v, out, key);
    kvs_set(c->arena, out, key, value ? value : "");
}

static void decode_form_kvs(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                            void *out)
{
    decode_entries(c, f, v, entry_plain, out);
}

const struct form form_kvs = {"a mapping, or a list of KEY=VALUE", decode_form_kvs, show_kvs,
                              KVS_SCHEMA};

bool label_allowed(struct decode_ctx *c, const struct yaml_node *v, const char *key)
{
    static const char *const reserved[] = {"evenkeel.", "com.docker.compose."};

    if (strncasecmp(key, "traefik.", 8) == 0) {
        decode_error(c, v,
                     c->compose
                         ? "write `x-evenkeel: {route: ...}` at the service"
                         : "write `route:` at the service: {host:, path:, tls:, middlewares:, ...}",
                     "labels that begin with `traefik.` are made from `route:`, so that no app can "
                     "claim what another serves");
        return false;
    }
    /* It is a word to us and never reaches a container (compose_main.h). */
    bool ours = c->compose && strcmp(key, "evenkeel.main") == 0;

    for (size_t i = 0; i < ARRAY_LEN(reserved) && !ours; i++) {
        if (strncmp(key, reserved[i], strlen(reserved[i])) != 0)
            continue;
        decode_error(c, v, "use a prefix of your own", "labels that begin with `%s` are reserved",
                     reserved[i]);
        return false;
    }
    return true;
}

static void entry_label(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                        const char *key, const char *value, void *out)
{
    if (label_allowed(c, v, key))
        entry_plain(c, f, v, key, value, out);
}

static void decode_form_labels(struct decode_ctx *c, const struct field *f,
                               const struct yaml_node *v, void *out)
{
    decode_entries(c, f, v, entry_label, out);
}

const struct form form_labels = {"a mapping, or a list of KEY=VALUE", decode_form_labels, show_kvs,
                                 KVS_SCHEMA};

static void decode_form_options(struct decode_ctx *c, const struct field *f,
                                const struct yaml_node *v, void *out)
{
    if (decode_is(c, v, YAML_MAP, "a mapping"))
        decode_entries_map(c, f, v, entry_plain, out);
}

const struct form form_options = {
    "a mapping", decode_form_options, show_kvs,
    "{\"type\": \"object\", \"additionalProperties\": {\"type\": [\"string\", "
    "\"number\", \"boolean\", \"null\"]}}"};

/* ---- environment ---- */

static void entry_environment(struct decode_ctx *c, const struct field *f,
                              const struct yaml_node *v, const char *key, const char *value,
                              void *out)
{
    struct service *s = out;

    (void)f;
    if (strchr(key, '=')) {
        decode_error(c, v, NULL, "\"%s\": a variable's name must not hold `=`", key);
        return;
    }
    if (value) {
        warn_if_twice(c, v, &s->environment, key);
        kvs_set(c->arena, &s->environment, key, value);
        return;
    }
    decode_say(c, DIAG_WARNING, decode_place(c, v),
               arena_printf(c->arena, "write `%s=` for an empty value", key),
               "\"%s\" has no value and is not passed on: an agent has no user's environment to "
               "take it from",
               key);
    if (!strv_has(&s->environment_inherit, key))
        strv_push(c->arena, &s->environment_inherit, key);
}

static void decode_form_environment(struct decode_ctx *c, const struct field *f,
                                    const struct yaml_node *v, void *out)
{
    decode_entries(c, f, v, entry_environment, out);
}

static bool show_form_environment(const struct field *f, const void *value, struct str *out)
{
    return show_kvs(f, &((const struct service *)value)->environment, out);
}

const struct form form_environment = {"a mapping, or a list of KEY=VALUE", decode_form_environment,
                                      show_form_environment, KVS_SCHEMA};

/* ---- hosts ---- */

static bool looks_like_ip(const char *s)
{
    return strcmp(s, "host-gateway") == 0 ||
           (*s && strspn(s, "0123456789.") == strlen(s) && strchr(s, '.')) ||
           (strchr(s, ':') && strspn(s, "0123456789abcdefABCDEF:.%") == strlen(s));
}

static void add_host(struct decode_ctx *c, const struct yaml_node *v, const char *host,
                     const char *ip, struct kvs *out)
{
    const char *old = kvs_get(out, host);
    size_t n = strlen(ip);

    if (n > 2 && *ip == '[' && ip[n - 1] == ']')
        ip = arena_strndup(c->arena, ip + 1, n - 2);
    if (!looks_like_ip(ip)) {
        decode_error(c, v, "example: \"db:10.0.0.5\"",
                     "\"%s\" is not an address for the host \"%s\"", ip, host);
        return;
    }
    kvs_set(c->arena, out, host, old ? arena_printf(c->arena, "%s,%s", old, ip) : ip);
}

static void decode_host_item(struct decode_ctx *c, const struct yaml_node *v, struct kvs *out)
{
    const char *text = decode_text(c, v, "a text HOST:ADDRESS");
    size_t n = text ? strcspn(text, "=") : 0;

    if (!text)
        return;
    if (!text[n])
        n = strcspn(text, ":");
    if (n == 0 || !text[n])
        decode_error(c, v, "example: \"db:10.0.0.5\"", "\"%s\" is not HOST:ADDRESS", text);
    else
        add_host(c, v, arena_strndup(c->arena, text, n), text + n + 1, out);
}

static void decode_host_pair(struct decode_ctx *c, const struct yaml_pair *p, struct kvs *out)
{
    const char *text;

    if (p->value->kind == YAML_LIST) {
        for (size_t i = 0; i < p->value->n; i++)
            if ((text = decode_text(c, p->value->items[i], "an address")))
                add_host(c, p->value->items[i], p->key, text, out);
    } else if ((text = decode_text(c, p->value, "an address or a list of them"))) {
        add_host(c, p->value, p->key, text, out);
    }
}

static void decode_form_extra_hosts(struct decode_ctx *c, const struct field *f,
                                    const struct yaml_node *v, void *out)
{
    (void)f;
    if (v->kind != YAML_LIST && !decode_is(c, v, YAML_MAP, "a mapping, or a list of HOST:ADDRESS"))
        return;
    if (v->kind == YAML_LIST && !decode_is(c, v, YAML_LIST, "a list"))
        return;
    for (size_t i = 0; i < v->n; i++) {
        if (v->kind == YAML_LIST) {
            decode_enter_index(c, i);
            decode_host_item(c, v->items[i], out);
        } else {
            decode_enter(c, v->pairs[i].key);
            decode_host_pair(c, &v->pairs[i], out);
        }
        decode_leave(c);
    }
}

const struct form form_extra_hosts = {
    "a mapping HOST: ADDRESS, or a list of HOST:ADDRESS", decode_form_extra_hosts, show_kvs,
    "{\"anyOf\": [{\"type\": \"object\", \"additionalProperties\": {\"anyOf\": [{\"type\": "
    "\"string\"}, "
    "{\"type\": \"array\", \"items\": {\"type\": \"string\"}}]}}, {\"type\": \"array\", \"items\": "
    "{\"type\": \"string\"}}]}"};

/* ---- capabilities ---- */

/* Linux 6.x, capability.h; the engine refuses others. */
static const char *const capabilities[] = {
    "ALL",
    "AUDIT_CONTROL",
    "AUDIT_READ",
    "AUDIT_WRITE",
    "BLOCK_SUSPEND",
    "BPF",
    "CHECKPOINT_RESTORE",
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "IPC_LOCK",
    "IPC_OWNER",
    "KILL",
    "LEASE",
    "LINUX_IMMUTABLE",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "MKNOD",
    "NET_ADMIN",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_RAW",
    "PERFMON",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYSLOG",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_CHROOT",
    "SYS_MODULE",
    "SYS_NICE",
    "SYS_PACCT",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "WAKE_ALARM",
};

static const char *capability(struct decode_ctx *c, const struct yaml_node *v, const char *text)
{
    char *name = arena_strdup(c->arena, text);

    for (char *p = name; *p; p++)
        if (*p >= 'a' && *p <= 'z')
            *p = (char)(*p - 'a' + 'A');
    if (strncmp(name, "CAP_", 4) == 0)
        name += 4;
    for (size_t i = 0; i < ARRAY_LEN(capabilities); i++)
        if (strcmp(capabilities[i], name) == 0)
            return capabilities[i];
    const char *nearest = str_nearest(name, capabilities, ARRAY_LEN(capabilities));

    decode_error(c, v, nearest ? arena_printf(c->arena, "did you mean \"%s\"?", nearest) : NULL,
                 "\"%s\" is not a capability", text);
    return NULL;
}

static void decode_form_caps(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                             void *out)
{
    struct strv *caps = out;

    (void)f;
    if (!decode_is(c, v, YAML_LIST, "a list of capabilities"))
        return;
    for (size_t i = 0; i < v->n; i++) {
        decode_enter_index(c, i);
        const char *text = decode_text(c, v->items[i], "a capability");
        const char *name = text ? capability(c, v->items[i], text) : NULL;

        if (name && !strv_has(caps, name))
            strv_push(c->arena, caps, name);
        decode_leave(c);
    }
    strv_sort(caps);
}

const struct form form_caps = {"a list of capabilities", decode_form_caps, show_strv,
                               "{\"type\": \"array\", \"items\": {\"type\": \"string\"}}"};

/* ---- expose ---- */

static void add_exposed(struct decode_ctx *c, const struct yaml_node *v, const char *text,
                        struct strv *out)
{
    const char *slash = strchr(text, '/');
    const char *protocol = slash ? slash + 1 : "tcp";
    int from, to;

    if (!decode_port_range(slash ? arena_strndup(c->arena, text, (size_t)(slash - text)) : text,
                           &from, &to) ||
        (strcmp(protocol, "tcp") != 0 && strcmp(protocol, "udp") != 0 &&
         strcmp(protocol, "sctp") != 0)) {
        decode_error(c, v, "examples: 80, 53/udp, 8000-8010", "\"%s\" is not a port", text);
        return;
    }
    if (to - from >= LIMIT_LIST) {
        decode_error(c, v, NULL, "%d ports in one range; at most %d are allowed", to - from + 1,
                     LIMIT_LIST);
        return;
    }
    for (int p = from; p <= to; p++)
        strv_push(c->arena, out, arena_printf(c->arena, "%d/%s", p, protocol));
}

static void decode_form_expose(struct decode_ctx *c, const struct field *f,
                               const struct yaml_node *v, void *out)
{
    const char *text;

    (void)f;
    if (!decode_is(c, v, YAML_LIST, "a list of ports"))
        return;
    for (size_t i = 0; i < v->n; i++) {
        decode_enter_index(c, i);
        if ((text = decode_text(c, v->items[i], "a port")))
            add_exposed(c, v->items[i], text, out);
        decode_leave(c);
    }
}

const struct form form_expose = {
    "a list of ports", decode_form_expose, show_strv,
    "{\"type\": \"array\", \"items\": {\"type\": [\"integer\", \"string\"]}}"};
