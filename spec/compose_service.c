/* compose_service.c: what is done to each service of a Compose file before it is decoded like any other.
 *
 * In: the merged document. Out: the same without services whose profiles are not active, with values for variables that only have a name, and with the platform keys
 * where an `app:` document has them. It decodes nothing. */
#include "spec/base/arena.h"
#include "spec/compose_list.h"
#include "spec/compose_merge.h"
#include "spec/compose_parts.h"

/* Calls one for each service that is a mapping; root with what it returns, services it returns NULL for left out. */
static const struct yaml_node *each_service(
    struct compose_run *r, const struct yaml_node *root, const void *ctx,
    const struct yaml_node *(*one)(struct compose_run *r, const void *ctx,
                                   const struct yaml_node *v))
{
    const struct yaml_node *services = yaml_get(root, "services");
    bool changed = false;

    if (!services || services->kind != YAML_MAP)
        return root;
    struct yaml_node *map = compose_map_like(&r->fill, services, services->n);

    decode_enter(r->c, "services");
    for (size_t i = 0; i < services->n; i++) {
        const struct yaml_node *was = services->pairs[i].value, *now = was;

        decode_enter(r->c, services->pairs[i].key);
        if (was->kind == YAML_MAP)
            now = one(r, ctx, was);
        decode_leave(r->c);
        changed |= now != was;
        map->pairs[map->n] = services->pairs[i];
        if (now)
            map->pairs[map->n++].value = (struct yaml_node *)now;
    }
    decode_leave(r->c);
    return changed ? compose_with(&r->fill, root, "services", map) : root;
}

/* ---- profiles ---- */

static bool is_active(struct compose_run *r, const struct strv *active, const struct yaml_node *v)
{
    bool said = false;

    v = compose_texts(&r->fill, v);
    if (v->kind != YAML_LIST) {
        if (v->kind != YAML_NULL)
            decode_wrong_kind(r->c, v, "a list of profiles");
        return true;
    }
    for (size_t i = 0; i < v->n; i++) {
        const char *profile = decode_text(r->c, v->items[i], "the name of a profile");

        said |= !profile || strv_has(active, profile) || strv_has(active, "*");
    }
    return said || v->n == 0;
}

static const struct yaml_node *in_profile(struct compose_run *r, const void *ctx,
                                          const struct yaml_node *v)
{
    const struct yaml_node *profiles = yaml_get(v, "profiles");

    if (!profiles)
        return v;
    decode_enter(r->c, "profiles");
    bool active = is_active(r, ctx, profiles);

    decode_leave(r->c);
    return active ? compose_without(&r->fill, v, "profiles") : NULL;
}

/* A service that stays and needs one that is gone: that there is none is said where dependencies are checked, why is said here. */
static void check_needed(struct compose_run *r, const struct yaml_node *all,
                         const struct yaml_node *left)
{
    for (size_t i = 0; i < left->n; i++) {
        const struct yaml_node *needs = yaml_get(left->pairs[i].value, "depends_on");

        for (size_t k = 0; needs && k < needs->n; k++) {
            bool map = needs->kind == YAML_MAP;
            const struct yaml_node *value = map ? needs->pairs[k].value : needs->items[k];
            const char *name = map ? needs->pairs[k].key : value->text;
            const struct yaml_node *required = map ? yaml_get(value, "required") : NULL;

            if (!name || !yaml_get(all, name) || yaml_get(left, name) ||
                (required && required->text && strcmp(required->text, "false") == 0))
                continue;
            decode_say(r->c, DIAG_NOTE,
                       map ? decode_pair_place(r->c, &needs->pairs[k]) : decode_place(r->c, value),
                       "add its profile to COMPOSE_PROFILES in .env, or to `x-evenkeel: {profiles: "
                       "[...]}` at the top",
                       "\"%s\" is left out: none of its profiles is active", name);
        }
    }
}

const struct yaml_node *compose_profiles(struct compose_run *r, const struct yaml_node *root,
                                         const char *given)
{
    const struct yaml_node *own = yaml_get(yaml_get(root, "x-evenkeel"), "profiles");
    struct strv active = {0};
    char *names = arena_strdup(r->c->arena, given), *save = NULL;

    for (char *name = names ? strtok_r(names, ", ", &save) : NULL; name;
         name = strtok_r(NULL, ", ", &save))
        strv_push(r->c->arena, &active, name);
    own = own ? compose_texts(&r->fill, own) : NULL;
    for (size_t i = 0; own && own->kind == YAML_LIST && i < own->n; i++)
        if (own->items[i]->text)
            strv_push(r->c->arena, &active, own->items[i]->text);
    const struct yaml_node *ret = each_service(r, root, &active, in_profile);
    const struct yaml_node *all = yaml_get(root, "services"), *left = yaml_get(ret, "services");

    if (left && left->n > 0 && left->n != all->n)
        check_needed(r, all, left);
    if (left && left->n == 0 && all->n > 0)
        decode_error(
            r->c, all,
            "add a profile to COMPOSE_PROFILES in .env, or to `x-evenkeel: {profiles: [...]}` "
            "at the top",
            "all services have profiles, and none of them is active");
    return ret;
}

/* ---- x-evenkeel ---- */

static const char *nearest_platform(struct compose_run *r, const char *key)
{
    struct strv names = {0};

    for (size_t i = 0; i < fields_service.n; i++)
        if (fields_service.fields[i].platform)
            strv_push(r->c->arena, &names, fields_service.fields[i].name);
    const char *nearest = str_nearest(key, names.v, names.n);

    return nearest ? arena_printf(r->c->arena, "did you mean \"%s\"?", nearest) : NULL;
}

static void add_platform(struct compose_run *r, const struct yaml_pair *p, struct yaml_node *map)
{
    const struct field *f = field_find(&fields_service, p->key);

    decode_enter(r->c, p->key);
    if (f && f->platform)
        map->pairs[map->n++] = *p;
    else if (f)
        decode_say(r->c, DIAG_ERROR, decode_pair_place(r->c, p), NULL,
                   "`%s` is a key of Compose and belongs to the service itself", p->key);
    else if (strncmp(p->key, "x-", 2) != 0)
        decode_say(r->c, DIAG_ERROR, decode_pair_place(r->c, p), nearest_platform(r, p->key),
                   "unknown key \"%s\"", p->key);
    decode_leave(r->c);
}

static const struct yaml_node *folded(struct compose_run *r, const void *ctx,
                                      const struct yaml_node *v)
{
    const struct yaml_node *own = yaml_get(v, "x-evenkeel");
    struct yaml_node *map = compose_map_like(&r->fill, v, v->n + (own ? own->n : 0));

    (void)ctx;
    for (size_t i = 0; i < v->n; i++) {
        const struct field *f = field_find(&fields_service, v->pairs[i].key);

        if (f && f->platform)
            decode_say(r->c, DIAG_ERROR, decode_pair_place(r->c, &v->pairs[i]),
                       arena_printf(r->c->arena, "write `x-evenkeel: {%s: ...}` at the service",
                                    v->pairs[i].key),
                       "`%s` is no key of Compose", v->pairs[i].key);
        else if (v->pairs[i].value != own)
            map->pairs[map->n++] = v->pairs[i];
    }
    if (!own || own->kind == YAML_NULL)
        return map;
    decode_enter(r->c, "x-evenkeel");
    if (decode_is(r->c, own, YAML_MAP, "a mapping"))
        for (size_t i = 0; i < own->n; i++)
            add_platform(r, &own->pairs[i], map);
    decode_leave(r->c);
    return map;
}

const struct yaml_node *compose_fold(struct compose_run *r, const struct yaml_node *root)
{
    return each_service(r, root, NULL, folded);
}

/* ---- names without values ---- */

static const struct yaml_node *with_values(struct compose_run *r, const struct compose_vars *vars,
                                           const struct yaml_node *v)
{
    bool bare = false;

    for (size_t i = 0; i < v->n; i++)
        bare |= v->kind == YAML_MAP ? v->pairs[i].value->kind == YAML_NULL
                                    : v->items[i]->text && !strchr(v->items[i]->text, '=');
    if (!bare)
        return v;
    v = compose_pairs(&r->fill, v);
    if (v->kind != YAML_MAP)
        return v;
    struct yaml_node *map = compose_map_like(&r->fill, v, v->n);

    for (size_t i = 0; i < v->n; i++) {
        struct yaml_pair p = v->pairs[i];
        const char *file = NULL, *value = vars->source.lookup(vars->source.ctx, p.key, &file);

        if (p.value->kind == YAML_NULL && value && !p.value->tag) {
            struct yaml_node *text = ARENA_NEW(r->c->arena, struct yaml_node);

            *text = *p.value;
            text->kind = YAML_STRING;
            text->text = value;
            p.value = text;
            kvs_set(r->c->arena, &r->fill.from, p.key, file ? file : "");
        }
        map->pairs[map->n++] = p;
    }
    return map;
}

static const struct yaml_node *inherited(struct compose_run *r, const void *ctx,
                                         const struct yaml_node *v)
{
    const struct yaml_node *env = yaml_get(v, "environment"), *build = yaml_get(v, "build"), *now;
    const struct yaml_node *args = build ? yaml_get(build, "args") : NULL;

    if (env && (now = with_values(r, ctx, env)) != env)
        v = compose_with(&r->fill, v, "environment", now);
    if (args && (now = with_values(r, ctx, args)) != args)
        v = compose_with(&r->fill, v, "build", compose_with(&r->fill, build, "args", now));
    return v;
}

const struct yaml_node *compose_inherit(struct compose_run *r, const struct compose_vars *vars,
                                        const struct yaml_node *root)
{
    return each_service(r, root, vars, inherited);
}
