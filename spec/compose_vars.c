/* compose_vars.c: the variables of a Compose file, and a tree with them filled in.
 *
 * In: the texts of .env files, a tree as it was parsed. Out: a copy of the tree in which every value stands as it will be decoded, each node knowing its file. It counts what
 * it makes, because aliases and variables multiply what a small file says. It reads no environment. */
#include "spec/compose_vars.h"

#include "spec/base/arena.h"
#include "spec/env_file.h"

static const char *look_up(void *ctx, const char *name, const char **ret_file)
{
    const struct compose_vars *v = ctx;
    const char *value = v->outer ? look_up((void *)v->outer, name, ret_file) : NULL;

    if (value)
        return value;
    *ret_file = kvs_get(&v->files, name);
    return kvs_get(&v->values, name);
}

void compose_vars_init(struct compose_vars *ret, const struct compose_vars *outer)
{
    *ret = (struct compose_vars){.outer = outer, .source = {look_up, ret}};
}

void compose_vars_set(struct compose_vars *v, struct arena *a, const char *name, const char *value,
                      const char *file)
{
    kvs_set(a, &v->values, name, value);
    kvs_set(a, &v->files, name, file);
}

void compose_vars_parse(struct compose_vars *v, const char *file, const char *text, size_t n,
                        struct arena *a, struct diag_list *diags)
{
    const struct env_text in = {.name = file, .text = text, .n = n, .variables = &v->source};
    struct kvs values = {0};
    struct strv bare = {
        0}; /* a name without a value is taken from a user's shell: here from none */

    env_file_parse(&in, a, diags, &values, &bare);
    for (size_t i = 0; i < values.n; i++)
        compose_vars_set(v, a, values.v[i].key, values.v[i].value, file);
}

/* ---- filling in ---- */

bool compose_room(struct compose_fill *f, const struct yaml_node *at, size_t nodes, size_t bytes)
{
    f->nodes += nodes;
    f->bytes += bytes;
    if (!f->full && (f->nodes > LIMIT_COMPOSE_NODES || f->bytes > LIMIT_COMPOSE_BYTES)) {
        f->full = true;
        decode_error(f->c, at,
                     "variables, aliases, `extends` and `include` multiply what they name",
                     f->nodes > LIMIT_COMPOSE_NODES ? "more than %d values in all files of one app"
                                                    : "more than %d bytes in all texts of one app",
                     f->nodes > LIMIT_COMPOSE_NODES ? LIMIT_COMPOSE_NODES : LIMIT_COMPOSE_BYTES);
    }
    return !f->full;
}

static void fill_scalar(struct compose_fill *f, struct yaml_node *v)
{
    struct decode_ctx *c = f->c;
    struct interpolate_result r;

    if (interpolate_text(v->text, v->file->variables, c->arena, &r) < 0) {
        decode_error(c, v, r.hint, "%s", r.error);
        v->broken = true;
        return;
    }
    for (size_t i = 0; i < r.unset.n; i++)
        decode_say(c, DIAG_WARNING, decode_place(c, v),
                   arena_printf(c->arena, "set it in .env, or write ${%s:-} if that is meant",
                                r.unset.v[i]),
                   "the variable %s is not set and counts as empty", r.unset.v[i]);
    for (size_t i = 0; i < r.from.n; i++)
        kvs_set(c->arena, &f->from, r.from.v[i].key, r.from.v[i].value);
    v->text = r.text;
}

struct yaml_node *compose_fill(struct compose_fill *f, const struct yaml_file *file,
                               const struct yaml_node *v)
{
    struct decode_ctx *c = f->c;
    struct yaml_node *copy = ARENA_NEW(c->arena, struct yaml_node);

    *copy = *v;
    copy->file = file;
    if (v->kind == YAML_LIST) {
        copy->items = ARENA_ARRAY(c->arena, v->n, struct yaml_node *);
        copy->n = 0;
        for (size_t i = 0; i < v->n && compose_room(f, copy, 1, 0); i++) {
            decode_enter_index(c, i);
            copy->items[copy->n++] = compose_fill(f, file, v->items[i]);
            decode_leave(c);
        }
    } else if (v->kind == YAML_MAP) {
        copy->pairs = ARENA_ARRAY(c->arena, v->n, struct yaml_pair);
        copy->n = 0;
        for (size_t i = 0; i < v->n && compose_room(f, copy, 1, 0); i++) {
            decode_enter(c, v->pairs[i].key);
            copy->pairs[copy->n] = v->pairs[i];
            copy->pairs[copy->n++].value = compose_fill(f, file, v->pairs[i].value);
            decode_leave(c);
        }
    } else if (v->kind == YAML_STRING && strchr(v->text, '$')) {
        if (compose_room(f, copy, 0, strlen(v->text)))
            fill_scalar(f, copy);
        (void)compose_room(f, copy, 0, strlen(copy->text));
    }
    return copy;
}
