/* forms_link.c: what a service takes from others: names, volumes, labels that stand in files.
 *
 * In: `links`, `external_links`, `volumes_from`, `label_file`. Out: struct link and texts; the rest is joined into the service before it is validated (links_join). Volumes are taken by
 * their names, as if the service had written them itself, so that nothing hangs on the other container; containers outside of the app are refused as sources.
 * Source: github.com/compose-spec/compose-spec, 05-services.md. */
#include "spec/forms_link.h"

#include "spec/base/arena.h"
#include "spec/decode.h"
#include "spec/draft.h"
#include "spec/forms.h"

/* ---- links ---- */

static bool split_name(struct decode_ctx *c, const struct yaml_node *v, const char *text,
                       const char **ret_name, const char **ret_alias)
{
    size_t n = strcspn(text, ":");
    const char *alias = text[n] ? text + n + 1 : NULL;

    if (n == 0 || (alias && (!*alias || strchr(alias, ':')))) {
        decode_error(c, v, "example: db:database", "\"%s\" is not NAME or NAME:ALIAS", text);
        return false;
    }
    *ret_name = arena_strndup(c->arena, text, n);
    *ret_alias = alias ? alias : *ret_name;
    return true;
}

static void decode_form_links(struct decode_ctx *c, const struct field *f,
                              const struct yaml_node *v, void *out)
{
    struct service *s = out;

    (void)f;
    if (!decode_is(c, v, YAML_LIST, "a list of SERVICE[:ALIAS]"))
        return;
    s->links = ARENA_ARRAY(c->arena, v->n + 1, struct link);
    for (size_t i = 0; i < v->n; i++) {
        struct link l = {.at = decode_place(c, v->items[i])};
        const char *text;

        decode_enter_index(c, i);
        text = decode_text(c, v->items[i], "SERVICE[:ALIAS]");
        if (text && split_name(c, v->items[i], text, &l.service, &l.alias))
            s->links[s->n_links++] = l;
        decode_leave(c);
    }
}

static bool show_form_links(const struct field *f, const void *value, struct str *out)
{
    const struct service *s = value;

    (void)f;
    for (size_t i = 0; i < s->n_links; i++) {
        str_add(out, i ? ", " : "[");
        show_text(s->links[i].service, out);
        str_add(out, " as ");
        show_text(s->links[i].alias, out);
    }
    if (s->n_links)
        str_addc(out, ']');
    return s->n_links;
}

#define LIST_SCHEMA "{\"type\": \"array\", \"items\": {\"type\": \"string\"}}"

const struct form form_links = {"a list of SERVICE[:ALIAS]", decode_form_links, show_form_links,
                                LIST_SCHEMA};

static void decode_form_external(struct decode_ctx *c, const struct field *f,
                                 const struct yaml_node *v, void *out)
{
    (void)f;
    if (!decode_is(c, v, YAML_LIST, "a list of CONTAINER[:ALIAS]"))
        return;
    for (size_t i = 0; i < v->n; i++) {
        const char *text, *name, *alias;

        decode_enter_index(c, i);
        text = decode_text(c, v->items[i], "CONTAINER[:ALIAS]");
        if (text && split_name(c, v->items[i], text, &name, &alias))
            strv_push(c->arena, out, arena_printf(c->arena, "%s:%s", name, alias));
        decode_leave(c);
    }
}

const struct form form_external_links = {"a list of CONTAINER[:ALIAS]", decode_form_external,
                                         show_strv, LIST_SCHEMA};

/* ---- volumes_from ---- */

static void read_lender(struct decode_ctx *c, const struct yaml_node *v, struct service_draft *d)
{
    const char *text = decode_text(c, v, "SERVICE[:ro]"), *colon = text ? strchr(text, ':') : NULL;
    struct lender l = {.at = decode_place(c, v)};

    if (!text)
        return;
    if (strncmp(text, "container:", 10) == 0) {
        decode_error(c, v, "name a volume that both use",
                     "volumes of containers outside of the app are not taken");
        return;
    }
    if (colon && strcmp(colon, ":ro") != 0 && strcmp(colon, ":rw") != 0) {
        decode_error(c, v, "example: data:ro", "\"%s\" is not SERVICE, SERVICE:ro or SERVICE:rw",
                     text);
        return;
    }
    l.read_only = colon && colon[2] == 'o';
    l.service = colon ? arena_strndup(c->arena, text, (size_t)(colon - text)) : text;
    d->lenders[d->n_lenders++] = l;
}

static void decode_form_volumes_from(struct decode_ctx *c, const struct field *f,
                                     const struct yaml_node *v, void *out)
{
    struct service_draft *d = out;

    (void)f;
    if (!decode_is(c, v, YAML_LIST, "a list of SERVICE[:ro]"))
        return;
    d->lenders = ARENA_ARRAY(c->arena, v->n + 1, struct lender);
    for (size_t i = 0; i < v->n; i++) {
        decode_enter_index(c, i);
        read_lender(c, v->items[i], d);
        decode_leave(c);
    }
}

const struct form form_volumes_from = {"a list of SERVICE[:ro]", decode_form_volumes_from, NULL,
                                       LIST_SCHEMA};

static struct service_draft *service_called(struct app_draft *d, const char *name)
{
    for (size_t i = 0; i < d->n_services; i++)
        if (strcmp(d->services[i].s.name, name) == 0)
            return &d->services[i];
    return NULL;
}

static bool has_target(const struct service *s, const char *target)
{
    for (size_t i = 0; i < s->n_mounts; i++)
        if (strcmp(s->mounts[i].target, target) == 0)
            return true;
    return false;
}

static void borrow(struct decode_ctx *c, const struct service *from, const struct lender *l,
                   struct service *to)
{
    struct mount *v = ARENA_ARRAY(c->arena, to->n_mounts + from->n_mounts, struct mount);

    if (to->n_mounts)
        memcpy(v, to->mounts, to->n_mounts * sizeof(*v));
    to->mounts = v;
    for (size_t i = 0; i < from->n_mounts; i++) {
        const struct mount *m = &from->mounts[i];

        if (m->kind == MOUNT_TMPFS || has_target(to, m->target))
            continue;
        if (!m->source) {
            decode_say(c, DIAG_ERROR, l->at,
                       arena_printf(c->arena, "give the volume at %s in line %d a name", m->target,
                                    m->at.line),
                       "a volume without a name cannot be taken over from \"%s\"", l->service);
            continue;
        }
        v[to->n_mounts] = *m;
        v[to->n_mounts].at = l->at;
        if (l->read_only)
            v[to->n_mounts].read_only = TRI_YES;
        to->n_mounts++;
    }
}

/* Lenders first, since they may have borrowed too. */
static void borrow_all(struct decode_ctx *c, struct app_draft *d, struct service_draft *s)
{
    if (s->lending == LENDING_DONE)
        return;
    s->lending = LENDING_OPEN;
    for (size_t i = 0; i < s->n_lenders; i++) {
        const struct lender *l = &s->lenders[i];
        struct service_draft *from = service_called(d, l->service);

        if (!from) {
            decode_say(c, DIAG_ERROR, l->at, NULL, "there is no service \"%s\"", l->service);
        } else if (from->lending == LENDING_OPEN) {
            decode_say(c, DIAG_ERROR, l->at, NULL,
                       "services take volumes from each other in a circle that comes back to "
                       "\"%s\"",
                       l->service);
        } else {
            borrow_all(c, d, from);
            borrow(c, &from->s, l, &s->s);
        }
    }
    s->lending = LENDING_DONE;
}

/* ---- what links imply ---- */

static void depend(struct decode_ctx *c, struct service *s, const struct link *l)
{
    struct dependency *v;

    for (size_t i = 0; i < s->n_depends; i++)
        if (strcmp(s->depends[i].service, l->service) == 0)
            return;
    v = ARENA_ARRAY(c->arena, s->n_depends + 1, struct dependency);
    if (s->n_depends)
        memcpy(v, s->depends, s->n_depends * sizeof(*v));
    v[s->n_depends++] = (struct dependency){.at = l->at, .service = l->service};
    s->depends = v;
}

void links_join(struct decode_ctx *c, struct app_draft *d)
{
    for (size_t i = 0; i < d->n_services; i++) {
        struct service *s = &d->services[i].s;

        for (size_t k = 0; k < s->n_links; k++)
            depend(c, s, &s->links[k]);
        borrow_all(c, d, &d->services[i]);
    }
}

/* ---- label_file ---- */

static void add_label_file(struct decode_ctx *c, const struct yaml_node *v, struct service_draft *d)
{
    const char *text = decode_text(c, v, "a path");

    if (text && !*text)
        decode_error(c, v, NULL, "a path must not be empty");
    else if (text)
        d->label_sources[d->n_label_sources++] = (struct env_source){
            .at = decode_place(c, v), .node = v, .path = decode_path(c, v, text)};
}

static void decode_form_label_file(struct decode_ctx *c, const struct field *f,
                                   const struct yaml_node *v, void *out)
{
    struct service_draft *d = out;

    (void)f;
    if (v->kind == YAML_LIST && !decode_is(c, v, YAML_LIST, "a list of paths"))
        return;
    d->label_sources =
        ARENA_ARRAY(c->arena, v->kind == YAML_LIST ? v->n + 1 : 1, struct env_source);
    if (v->kind != YAML_LIST) {
        add_label_file(c, v, d);
        return;
    }
    for (size_t i = 0; i < v->n; i++) {
        decode_enter_index(c, i);
        add_label_file(c, v->items[i], d);
        decode_leave(c);
    }
}

const struct form form_label_file = {"a path, or a list of paths", decode_form_label_file, NULL,
                                     "{\"anyOf\": [{\"type\": \"string\"}, {\"type\": \"array\", "
                                     "\"items\": {\"type\": \"string\"}}]}"};
