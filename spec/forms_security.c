/* forms_security.c: `security_opt` of a service.
 *
 * In: a list of the engine's security options. Out: the list as it is written, and of a seccomp profile that is a file what is in it: the engine's API
 * takes the profile itself, and cannot read files of whoever asks. It refuses a file that is no profile; whether it may be asked for is
 * the policy's business. Source: Docker Engine API, HostConfig.SecurityOpt; github.com/opencontainers/runtime-spec, config-linux.md, seccomp. */
#include "spec/forms.h"

#include "spec/app.h"
#include "spec/base/arena.h"
#include "spec/base/js.h"
#include "spec/decode.h"
#include "spec/document.h"

const char *seccomp_file(const char *option)
{
    static const char name[] = "seccomp";
    const size_t n = sizeof(name) - 1;
    const char *value = option + n + 1;

    if (strncmp(option, name, n) != 0 || (option[n] != '=' && option[n] != ':') ||
        strcmp(value, "unconfined") == 0 || strcmp(value, "builtin") == 0)
        return NULL;
    return value;
}

/* Compact and in one order: another way to write the same profile is no change. NULL: the user was told why not. */
static const char *profile_of(struct decode_ctx *c, const struct yaml_node *v, const char *path,
                              const char *text, size_t n)
{
    CLEANUP(str_release) struct str canonical = STR_INIT;
    struct err why = {0};
    json_auto_t *profile = js_parse(text, n, &why);

    if (!profile) {
        decode_error(c, v, NULL, "%s is no seccomp profile: %s", path, why.msg);
        return NULL;
    }
    if (!json_is_string(js_at(profile, "defaultAction"))) {
        decode_error(c, v, "example: {\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [...]}",
                     "%s is no seccomp profile: it has no \"defaultAction\"", path);
        return NULL;
    }
    js_canonical(profile, &canonical);
    return arena_strdup(c->arena, str_text(&canonical));
}

static void read_profile(struct decode_ctx *c, const struct yaml_node *v, const char *value,
                         struct service *s)
{
    const char *path, *text;
    struct err why = {0};
    size_t n;

    if (!*value) {
        decode_error(c, v, "`seccomp=unconfined`, or `seccomp=./profile.json`",
                     "a file, or `unconfined`, is missing");
        return;
    }
    if (s->seccomp) {
        decode_error(c, v, NULL, "there is one seccomp profile already");
        return;
    }
    path = decode_path(c, v, value);
    if (!c->loader)
        return; /* nobody here reads files */
    strv_push(c->arena, c->reads, path);
    if (c->loader->read(c->loader->ctx, path, c->arena, &text, &n, &why) == 0)
        s->seccomp = profile_of(c, v, path, text, n);
    else if (why.kind == ERR_MISSING)
        decode_error(c, v, NULL, "there is no file %s", path);
    else
        decode_error(c, v, NULL, "cannot read %s: %s", path, why.msg);
}

static void decode_form_security_opt(struct decode_ctx *c, const struct field *f,
                                     const struct yaml_node *v, void *out)
{
    struct service *s = out;

    if (!decode_is(c, v, YAML_LIST, "a list"))
        return;
    for (size_t i = 0; i < v->n; i++) {
        decode_enter_index(c, i);
        const char *text = decode_text(c, v->items[i], "a text");
        const char *file = text ? seccomp_file(text) : NULL;

        if (text && (!f->check || f->check(c, f, v->items[i], text)))
            strv_push(c->arena, &s->security_opt, text);
        if (file)
            read_profile(c, v->items[i], file, s);
        decode_leave(c);
    }
}

static bool show_form_security_opt(const struct field *f, const void *value, struct str *out)
{
    return show_strv(f, &((const struct service *)value)->security_opt, out);
}

const struct form form_security_opt = {
    "a list of texts", decode_form_security_opt, show_form_security_opt,
    "{\"type\": \"array\", \"items\": {\"type\": [\"string\", \"number\", \"boolean\"]}}"};
