/* compose_extends.c: services that begin as copies of others.
 *
 * In: one file as it was read. Out: its document, each service merged over the one that it extends. The other one may stand in another file, which is read once, and may extend
 * a third. It refuses circles, and services that are not there. */
#include "spec/base/arena.h"
#include "spec/compose_merge.h"
#include "spec/compose_parts.h"
#include "spec/forms.h"

struct extends {
    const char *service, *file;
};

// clang-format off
static const struct field rows_extends[] = {
    {"file", &form_text, offsetof(struct extends, file), .help = "file that has it", .fallback = "this one"},
    {"service", &form_text, offsetof(struct extends, service), .help = "name of a service", .required = true},
};
static const struct table fields_extends = {"extends", "The service that this one begins as.", rows_extends, ARRAY_LEN(rows_extends)};
// clang-format on

static size_t service_index(const struct compose_unit *u, const char *name)
{
    size_t i = 0;

    while (u->services && i < u->services->n && strcmp(u->services->pairs[i].key, name) != 0)
        i++;
    return i;
}

static const char *nearest_service(struct compose_run *r, const struct compose_unit *u,
                                   const char *name)
{
    struct strv names = {0};

    for (size_t i = 0; u->services && i < u->services->n; i++)
        strv_push(r->c->arena, &names, u->services->pairs[i].key);
    const char *nearest = str_nearest(name, names.v, names.n);

    return nearest ? arena_printf(r->c->arena, "did you mean \"%s\"?", nearest) : NULL;
}

/* The file of that path, from what was read before or now. */
static struct compose_unit *base_file(struct compose_run *r, const struct compose_unit *u,
                                      const struct yaml_node *at, const char *path)
{
    struct arena *a = r->c->arena;
    const char *whole = decode_path(r->c, at, path);
    const struct compose_file f = {whole, compose_folder(a, whole), at,
                                   (struct compose_vars *)u->vars};

    for (size_t i = 0; i < r->n_bases; i++)
        if (strcmp(r->bases[i]->path, whole) == 0 && r->bases[i]->vars == u->vars)
            return r->bases[i];
    struct compose_unit *base = compose_read(r, &f);

    if (!base)
        return NULL;
    r->bases = arena_grow(a, (void *)r->bases, r->n_bases, &r->cap_bases, sizeof(r->bases[0]));
    r->bases[r->n_bases++] = base;
    return base;
}

static const struct yaml_node *extended(struct compose_run *r, struct compose_unit *u, size_t i);

/* What the service begins as; NULL after a complaint. */
static const struct yaml_node *base_of(struct compose_run *r, struct compose_unit *u,
                                       const struct yaml_node *at)
{
    struct decode_ctx *c = r->c;
    struct extends e = {0};
    const struct yaml_node *file = yaml_get(at, "file"), *service = yaml_get(at, "service");

    if (at->kind == YAML_MAP)
        (void)decode_table(c, &fields_extends, at, &e);
    else
        e.service = decode_text(c, at, "the name of a service, or a mapping");
    if (!e.service)
        return NULL;
    struct compose_unit *from = e.file ? base_file(r, u, file, e.file) : u;

    if (!from)
        return NULL;
    size_t i = service_index(from, e.service);

    if (!from->services || i == from->services->n) {
        decode_error(c, service ? service : at, nearest_service(r, from, e.service),
                     "there is no service \"%s\" in %s", e.service, compose_display(r, from->path));
        return NULL;
    }
    if (from->state[i] == SERVICE_OPEN) {
        decode_error(c, at, NULL,
                     "services extend each other in a circle that comes back to \"%s\"", e.service);
        return NULL;
    }
    if (r->depth >= LIMIT_COMPOSE_DEPTH) {
        decode_error(c, at, NULL, "more than %d services extend one another", LIMIT_COMPOSE_DEPTH);
        return NULL;
    }
    return extended(r, from, i);
}

static const struct yaml_node *extended(struct compose_run *r, struct compose_unit *u, size_t i)
{
    const struct yaml_pair *p = &u->services->pairs[i];
    const struct yaml_node *ret = p->value, *at = yaml_get(ret, "extends"), *base;
    struct yaml_node *half;

    if (u->state[i] == SERVICE_DONE)
        return u->extended[i];
    u->state[i] = SERVICE_OPEN;
    if (at && !r->fill.full) {
        decode_enter(r->c, "services");
        decode_enter(r->c, p->key);
        decode_enter(r->c, "extends");
        r->depth++;
        base = base_of(r, u, at);
        r->depth--;
        decode_leave(r->c);
        half = ARENA_NEW(r->c->arena, struct yaml_node);
        *half = *compose_without(&r->fill, ret, "extends");
        half->broken = !base; /* what it lacks is not its own fault */
        ret = half;
        if (base && base->kind == YAML_MAP)
            ret = compose_merge_service(&r->fill, p->key, compose_strip(&r->fill, base), ret);
        decode_leave(r->c);
        decode_leave(r->c);
    }
    u->state[i] = SERVICE_DONE;
    u->extended[i] = ret;
    return ret;
}

const struct yaml_node *compose_extends(struct compose_run *r, struct compose_unit *u)
{
    bool any = false;

    for (size_t i = 0; u->services && i < u->services->n; i++)
        any |= yaml_get(u->services->pairs[i].value, "extends") != NULL;
    if (!any)
        return u->root;
    struct yaml_node *services = compose_map_like(&r->fill, u->services, u->services->n);

    for (size_t i = 0; i < u->services->n; i++) {
        services->pairs[services->n] = u->services->pairs[i];
        services->pairs[services->n++].value = (struct yaml_node *)extended(r, u, i);
    }
    return compose_with(&r->fill, u->root, "services", services);
}
