/* config_notify.c: `notify:` of the agent's configuration file.
 *
 * In: a mapping, or a list of them. Out: hooks with everything filled in, or what is wrong with them. An address carries no user and
 * password: what must be secret has a name in STATE/secrets. */
#include "spec/config_notify.h"

#include <string.h>

#include "spec/base/arena.h"
#include "spec/decode.h"

#define NS INT64_C(1000000000)

struct hook_draft {
    const char *url, *secret;
    struct strv events;
    struct num timeout_ns;
};

static const struct {
    const char *name;
    enum notify_event event;
} events[] = {{"drift", NOTIFY_DRIFT},
              {"failure", NOTIFY_FAILURE},
              {"recovery", NOTIFY_RECOVERY},
              {"held", NOTIFY_HELD}};

const char *notify_event_name(enum notify_event e)
{
    for (size_t i = 0; i < ARRAY_LEN(events); i++)
        if (events[i].event == e)
            return events[i].name;
    return "unknown";
}

int notify_url_split(const char *url, struct arena *a, const char **ret_base, const char **ret_path,
                     const char **ret_why)
{
    const char *host = strncmp(url, "https://", 8) == 0  ? url + 8
                       : strncmp(url, "http://", 7) == 0 ? url + 7
                                                         : NULL;

    if (!host) {
        *ret_why = "it begins with neither https:// nor http://";
        return -1;
    }
    size_t n = strcspn(host, "/?");

    if (n == 0 || strcspn(host, "#@\\") < strlen(host)) {
        *ret_why = "it wants a host, and no `@` or `#`";
        return -1;
    }
    for (const char *at = url; *at; at++)
        if ((unsigned char)*at <= 0x20 || (unsigned char)*at >= 0x7f) {
            *ret_why = "it has a blank, or a character that must be percent-encoded";
            return -1;
        }
    *ret_base = arena_strndup(a, url, (size_t)(host - url) + n);
    *ret_path = host[n] == '/' ? arena_strdup(a, host + n) : arena_printf(a, "/%s", host + n);
    return 0;
}

static bool check_url(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                      const char *text)
{
    const char *base, *path, *why;

    (void)f;
    if (notify_url_split(text, c->arena, &base, &path, &why) == 0)
        return true;
    decode_error(c, v, "example: https://hooks.example.org/evenkeel",
                 "this is no address of a webhook: %s", why); /* not the text: it may be secret */
    return false;
}

static bool check_secret(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                         const char *text)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

    (void)f;
    if (*text && strlen(text) <= LIMIT_SECRET_NAME && strspn(text, letters) == strlen(text) &&
        !strchr("._-", *text))
        return true;
    decode_error(c, v, "evenkeel secret set NAME keeps one", "this is not the name of a secret");
    return false;
}

// clang-format off
#define H(member) offsetof(struct hook_draft, member)
static const struct field rows_notify[] = {
    {"events", &form_strings, H(events), .help = "what is told: drift, failure, recovery, held", .fallback = "all"},
    {"secret", &form_text, H(secret), .help = "name of a secret; bodies are signed with it (X-Hub-Signature-256)", .check = check_secret},
    {"timeout", &form_duration, H(timeout_ns), .help = "how long an answer is waited for", .min = NS, .max = 60 * NS, .fallback = "10s"},
    {"url", &form_text, H(url), .help = "where a JSON body is posted to", .required = true, .check = check_url},
};
// clang-format on
const struct table fields_config_notify = {"config_notify", "A webhook that is told what happens.",
                                           rows_notify, ARRAY_LEN(rows_notify)};

static unsigned events_of(struct decode_ctx *c, const struct yaml_node *v, const struct strv *words)
{
    const char *known[ARRAY_LEN(events)];
    unsigned all = 0;

    for (size_t i = 0; i < words->n; i++) {
        bool found = false;

        for (size_t k = 0; k < ARRAY_LEN(events); k++) {
            known[k] = events[k].name;
            if (strcmp(words->v[i], events[k].name) == 0) {
                all |= events[k].event;
                found = true;
            }
        }
        const char *near = found ? NULL : str_nearest(words->v[i], known, ARRAY_LEN(known));

        if (!found)
            decode_say(c, DIAG_ERROR, decode_key_place(c, v, "events"),
                       near ? arena_printf(c->arena, "did you mean \"%s\"?", near)
                            : "there are drift, failure, recovery and held",
                       "unknown event \"%s\"", words->v[i]);
    }
    return words->n ? all : NOTIFY_ALL;
}

static void decode_hook(struct decode_ctx *c, const struct yaml_node *v, struct notify_hooks *out)
{
    struct hook_draft d = {0};

    if (out->n == NOTIFY_HOOKS_MAX) {
        decode_error(c, v, NULL, "at most %d webhooks are told", NOTIFY_HOOKS_MAX);
        return;
    }
    if (!decode_table(c, &fields_config_notify, v, &d) || !d.url)
        return;
    out->v[out->n++] = (struct notify_hook){
        .url = d.url,
        .secret = d.secret,
        .events = events_of(c, v, &d.events),
        .timeout_ns = d.timeout_ns.set ? d.timeout_ns.v : 10 * NS,
    };
}

static void decode_notify(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                          void *out)
{
    (void)f;
    if (v->kind != YAML_LIST) {
        decode_hook(c, v, out);
        return;
    }
    for (size_t i = 0; i < v->n; i++) {
        decode_enter_index(c, i);
        decode_hook(c, v->items[i], out);
        decode_leave(c);
    }
}

static bool show_notify(const struct field *f, const void *value, struct str *out)
{
    const struct notify_hooks *hooks = value;

    (void)f;
    for (size_t i = 0; i < hooks->n; i++) {
        str_add(out, i ? ", " : "");
        show_text(hooks->v[i].url, out);
    }
    return hooks->n > 0;
}

const struct form form_notify = {"a mapping, or a list of them", decode_notify, show_notify,
                                 "{\"anyOf\": [{\"$ref\": \"#/$defs/config_notify\"}, {\"type\": "
                                 "\"array\", \"items\": {\"$ref\": \"#/$defs/config_notify\"}}]}"};
