/* forms_hook.c: `post_start` and `pre_stop`: commands that are run in the container.
 *
 * In: a list of mappings. Out: struct hooks. Whether a hook may be privileged is judged later, on the complete state.
 * Source: github.com/compose-spec/compose-spec, 05-services.md, post_start and pre_stop. */
#include "spec/forms.h"

#include "spec/app.h"
#include "spec/base/arena.h"
#include "spec/decode.h"

static void decode_hooks(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                         void *out)
{
    struct hooks *h = out;

    if (!decode_is(c, v, YAML_LIST, "a list of mappings with a `command`"))
        return;
    if (v->n > LIMIT_HOOKS) {
        decode_error(c, v, NULL, "more than %d hooks", LIMIT_HOOKS);
        return;
    }
    h->v = ARENA_ARRAY(c->arena, v->n, struct exec_hook);
    for (size_t i = 0; i < v->n; i++) {
        struct exec_hook one = {.at = decode_place(c, v->items[i])};
        size_t before = c->diags->errors;

        decode_enter_index(c, i);
        if (decode_table(c, f->table, v->items[i], &one) && c->diags->errors == before) {
            if (one.command.argv.n == 0)
                decode_error(c, v->items[i], "example: {command: ./warm-up.sh}",
                             "`command` is empty");
            else
                h->v[h->n++] = one;
        }
        decode_leave(c);
    }
}

static bool show_hooks(const struct field *f, const void *value, struct str *out)
{
    const struct hooks *h = value;

    for (size_t i = 0; i < h->n; i++) {
        str_add(out, i ? ", " : "[");
        (void)show_inline(f->table, &h->v[i], out);
    }
    if (h->n)
        str_addc(out, ']');
    return h->n > 0;
}

const struct form form_hooks = {"a list of mappings with a `command`", decode_hooks, show_hooks,
                                "{\"type\": \"array\", \"items\": {\"$ref\": \"#/$defs/hook\"}}"};

static bool check_absolute(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                           const char *text)
{
    (void)f;
    if (*text == '/')
        return true;
    decode_error(c, v, NULL, "\"%s\": the path must begin with /", text);
    return false;
}

// clang-format off
#define H(member) offsetof(struct exec_hook, member)
static const struct field rows_hook[] = {
    {"command", &form_command, H(command), .help = "what is run; exit code 0 is success", .required = true},
    {"environment", &form_kvs, H(environment), .help = "variables beside those of the container"},
    {"privileged", &form_bool, H(privileged), .help = "with all capabilities", .fallback = "false"},
    {"user", &form_text, H(user), .help = "user to run it as", .fallback = "the container's"},
    {"working_dir", &form_text, H(working_dir), .help = "folder it starts in", .check = check_absolute, .fallback = "the container's"},
    {"x-timeout", &form_duration, H(timeout_ns), .help = "time after which it counts as failed; not of Compose, which waits for ever", .min = 1000000, .max = INT64_C(86400000000000), .fallback = "5m"},
};
// clang-format on
const struct table fields_hook = {"hook", "A command that is run in the container.", rows_hook,
                                  ARRAY_LEN(rows_hook)};
