/* compose_config_service.c: the values of a service's keys in Compose's own long forms.
 *
 * In: a key and what stands there. Out: the same at length: lists of pairs as mappings, texts split into words, sizes in bytes, ports and mounts one mapping each. Short forms are read by
 * the decoders that every spec is read by. */
#include "spec/app.h"
#include "spec/base/arena.h"
#include "spec/compose_config_parts.h"
#include "spec/forms.h"

/* ---- ports ---- */

static const struct yaml_node *port(struct config_run *g, const struct port *p)
{
    struct yaml_node *map = config_map(g, 5);

    config_put_text(g, map, "mode", "ingress");
    config_put_text(g, map, "host_ip", p->host_ip);
    config_put(map, "target", config_node(g, YAML_INT, arena_printf(g->c.arena, "%d", p->target)));
    if (p->published)
        config_put_text(g, map, "published", arena_printf(g->c.arena, "%d", p->published));
    config_put_text(g, map, "protocol", p->protocol ? p->protocol : "tcp");
    return map;
}

static const struct yaml_node *ports(struct config_run *g, const struct yaml_node *v)
{
    struct service s = {0};

    if (v->kind != YAML_LIST)
        return v;
    form_ports.decode(&g->c, field_find(&fields_service, "ports"), v, &s);
    struct yaml_node *list = config_list(g, v->n + s.n_ports);

    for (size_t i = 0; i < v->n; i++) {
        const struct yaml_node one = {.kind = YAML_LIST, .items = &v->items[i], .n = 1};

        if (v->items[i]->kind == YAML_MAP) {
            static const struct config_rule rules[] = {{"published", config_text}};
            struct yaml_node *map = config_map(g, v->items[i]->n + 2);

            config_put_text(g, map, "mode", "ingress");
            config_put_text(g, map, "protocol", "tcp");
            const struct yaml_node *own = config_members(g, v->items[i], rules, ARRAY_LEN(rules));

            for (size_t k = 0; k < own->n; k++)
                config_put(map, own->pairs[k].key, own->pairs[k].value);
            config_push(list, map);
            continue;
        }
        s = (struct service){0};
        form_ports.decode(&g->c, field_find(&fields_service, "ports"), &one, &s);
        for (size_t n = 0; n < s.n_ports; n++)
            config_push(list, port(g, &s.ports[n]));
    }
    return list;
}

/* ---- volumes ---- */

static const struct yaml_node *short_mount(struct config_run *g, const struct mount *m)
{
    struct yaml_node *map = config_map(g, 5), *options = config_map(g, 2);
    bool bind = m->kind == MOUNT_BIND;

    config_put_text(g, map, "type", bind ? "bind" : "volume");
    config_put_text(g, map, "source", m->source);
    config_put_text(g, map, "target", m->target);
    config_put_true(g, map, "read_only", m->read_only == TRI_YES);
    config_put_text(g, options, "propagation", m->propagation);
    config_put_true(g, options, "create_host_path", bind && m->create_host_path == TRI_YES);
    config_put_true(g, options, "nocopy", m->nocopy == TRI_YES);
    config_put(map, bind ? "bind" : "volume", options);
    return map;
}

static const struct yaml_node *tmpfs_options(struct config_run *g, const struct yaml_node *v)
{
    static const struct config_rule rules[] = {{"size", config_bytes}};

    return config_members(g, v, rules, ARRAY_LEN(rules));
}

static const struct yaml_node *volumes(struct config_run *g, const struct yaml_node *v)
{
    static const struct config_rule bind[] = {{"source", config_path}, {"tmpfs", tmpfs_options}};

    if (v->kind != YAML_LIST)
        return v;
    struct yaml_node *list = config_list(g, v->n);

    for (size_t i = 0; i < v->n; i++) {
        struct yaml_node *item = v->items[i];
        const struct yaml_node *type = yaml_get(item, "type");
        const struct yaml_node one = {.kind = YAML_LIST, .items = &item, .n = 1};
        struct service s = {0};

        if (item->kind == YAML_MAP) {
            bool of_host = type && strcmp(type->text, "bind") == 0;

            config_push(list, config_members(g, item, of_host ? bind : &bind[1], of_host ? 2 : 1));
            continue;
        }
        form_volumes.decode(&g->c, field_find(&fields_service, "volumes"), &one, &s);
        config_push(list, s.n_mounts == 1 ? short_mount(g, &s.mounts[0]) : item);
    }
    return list;
}

/* ---- configs and secrets ---- */

static const struct yaml_node *uses(struct config_run *g, const struct yaml_node *v)
{
    if (v->kind != YAML_LIST)
        return v;
    struct yaml_node *list = config_list(g, v->n);

    for (size_t i = 0; i < v->n; i++) {
        struct yaml_node *map = config_map(g, 1);

        if (v->items[i]->kind != YAML_MAP)
            config_put_text(g, map, "source", v->items[i]->text);
        config_push(list, v->items[i]->kind == YAML_MAP ? v->items[i] : map);
    }
    return list;
}

static const struct yaml_node *secrets(struct config_run *g, const struct yaml_node *v)
{
    const struct yaml_node *list = uses(g, v);

    for (size_t i = 0; i < list->n && list != v; i++) {
        struct yaml_node *was = list->items[i], *map = config_map(g, was->n + 1);
        const struct yaml_node *source = yaml_get(was, "source");

        if (source)
            config_put_text(g, map, "target",
                            arena_printf(g->c.arena, "/run/secrets/%s", source->text));
        for (size_t k = 0; k < was->n; k++)
            config_put(map, was->pairs[k].key, was->pairs[k].value);
        list->items[i] = map;
    }
    return list;
}

/* ---- build ---- */

static const struct yaml_node *contexts(struct config_run *g, const struct yaml_node *v)
{
    const struct yaml_node *all = config_pairs(g, v);
    struct yaml_node *map = config_map(g, all->n);

    for (size_t i = 0; all->kind == YAML_MAP && i < all->n; i++) {
        const struct yaml_node *value = all->pairs[i].value;

        config_put(map, all->pairs[i].key,
                   value->text && !strstr(value->text, "://") && !strchr(value->text, ':')
                       ? config_path(g, value)
                       : value);
    }
    return map;
}

/* Names without values were given those of .env; what still has none is passed to nothing. */
static const struct yaml_node *arguments(struct config_run *g, const struct yaml_node *v)
{
    const struct yaml_node *all = config_pairs(g, v);
    struct yaml_node *map = config_map(g, all->n);

    for (size_t i = 0; all->kind == YAML_MAP && i < all->n; i++)
        if (all->pairs[i].value->kind != YAML_NULL)
            config_put(map, all->pairs[i].key, all->pairs[i].value);
    return map;
}

static const struct yaml_node *build(struct config_run *g, const struct yaml_node *v)
{
    static const struct config_rule rules[] = {
        {"additional_contexts", contexts}, {"args", arguments},       {"context", config_path},
        {"extra_hosts", config_hosts},     {"labels", config_labels}, {"secrets", uses},
        {"shm_size", config_bytes},        {"ssh", config_texts},
    };
    const struct yaml_node *was =
        v->kind == YAML_MAP ? config_members(g, v, rules, ARRAY_LEN(rules)) : config_map(g, 0);
    struct yaml_node *map = config_map(g, was->n + 2);

    config_put(map, "context",
               v->kind == YAML_MAP ? config_node(g, YAML_STRING, decode_path(&g->c, v, "."))
                                   : config_path(g, v));
    if (!yaml_get(was, "dockerfile_inline"))
        config_put_text(g, map, "dockerfile", "Dockerfile");
    for (size_t i = 0; i < was->n; i++)
        config_put(map, was->pairs[i].key, was->pairs[i].value);
    return map;
}

/* ---- deploy ---- */

static const struct yaml_node *count(struct config_run *g, const struct yaml_node *v)
{
    return v->text && strcmp(v->text, "all") == 0 ? config_node(g, YAML_INT, "-1") : v;
}

static const struct yaml_node *reserved(struct config_run *g, const struct yaml_node *v)
{
    static const struct config_rule rules[] = {{"count", count}};

    if (v->kind != YAML_LIST)
        return v;
    struct yaml_node *list = config_list(g, v->n);

    for (size_t i = 0; i < v->n; i++)
        config_push(list, config_members(g, v->items[i], rules, ARRAY_LEN(rules)));
    return list;
}

static const struct yaml_node *limits(struct config_run *g, const struct yaml_node *v)
{
    static const struct config_rule rules[] = {{"devices", reserved}, {"memory", config_bytes}};

    return config_members(g, v, rules, ARRAY_LEN(rules));
}

static const struct yaml_node *resources(struct config_run *g, const struct yaml_node *v)
{
    static const struct config_rule rules[] = {{"limits", limits}, {"reservations", limits}};

    return config_members(g, v, rules, ARRAY_LEN(rules));
}

static const struct yaml_node *times(struct config_run *g, const struct yaml_node *v)
{
    static const struct config_rule rules[] = {
        {"delay", config_duration}, {"monitor", config_duration}, {"window", config_duration}};

    return config_members(g, v, rules, ARRAY_LEN(rules));
}

static const struct yaml_node *deploy(struct config_run *g, const struct yaml_node *v)
{
    static const struct config_rule rules[] = {
        {"labels", config_labels}, {"resources", resources},   {"restart_policy", times},
        {"update_config", times},  {"rollback_config", times},
    };

    return config_members(g, v, rules, ARRAY_LEN(rules));
}

/* ---- the others ---- */

static const struct yaml_node *develop(struct config_run *g, const struct yaml_node *v)
{
    static const struct config_rule path[] = {{"path", config_path}};
    const struct yaml_node *rows = yaml_get(v, "watch");
    struct yaml_node *map = config_map(g, v->n + 1);

    if (!rows || rows->kind != YAML_LIST)
        return v;
    struct yaml_node *list = config_list(g, rows->n);

    for (size_t i = 0; i < rows->n; i++)
        config_push(list, config_members(g, rows->items[i], path, ARRAY_LEN(path)));
    for (size_t i = 0; i < v->n; i++)
        config_put(map, v->pairs[i].key, v->pairs[i].value);
    config_put(map, "watch", list);
    return map;
}

static const struct yaml_node *test(struct config_run *g, const struct yaml_node *v)
{
    struct yaml_node *list = config_list(g, 2);

    if (v->kind == YAML_LIST)
        return config_texts(g, v);
    config_push(list, config_node(g, YAML_STRING, "CMD-SHELL"));
    config_push(list, config_text(g, v));
    return list;
}

static const struct yaml_node *healthcheck(struct config_run *g, const struct yaml_node *v)
{
    static const struct config_rule rules[] = {
        {"interval", config_duration},     {"start_interval", config_duration},
        {"start_period", config_duration}, {"test", test},
        {"timeout", config_duration},
    };

    return config_members(g, v, rules, ARRAY_LEN(rules));
}

static const struct yaml_node *dependency(struct config_run *g, const struct yaml_node *v)
{
    struct yaml_node *map = config_map(g, 3);

    config_put_text(g, map, "condition", "service_started");
    config_put_true(g, map, "required", true);
    for (size_t i = 0; v && i < v->n; i++)
        config_put(map, v->pairs[i].key, v->pairs[i].value);
    return map;
}

static const struct yaml_node *depends(struct config_run *g, const struct yaml_node *v)
{
    return config_names(g, v, dependency);
}

static void imply(struct config_run *g, const char *name, struct yaml_node *to)
{
    if (!*name || yaml_get(to, name))
        return;
    struct yaml_node *one = config_map(g, 3);

    config_put_text(g, one, "condition", "service_started");
    config_put_true(g, one, "required", true);
    config_put_true(g, one, "restart", true);
    config_put(to, name, one);
}

static void imply_list(struct config_run *g, const struct yaml_node *list, struct yaml_node *to)
{
    for (size_t i = 0; list && list->kind == YAML_LIST && i < list->n; i++) {
        const char *text = list->items[i]->text;

        if (text)
            imply(g, arena_strndup(g->c.arena, text, strcspn(text, ":")), to);
    }
}

void config_implied(struct config_run *g, struct yaml_node *v)
{
    static const char *const modes[] = {"network_mode", "ipc", "pid"};
    const struct yaml_node *links = yaml_get(v, "links");
    const struct yaml_node *was = yaml_get(v, "depends_on");
    struct yaml_node *all =
        config_map(g, (was ? was->n : 0) + (links ? links->n : 0) + ARRAY_LEN(modes));

    for (size_t i = 0; was && was->kind == YAML_MAP && i < was->n; i++)
        config_put(all, was->pairs[i].key, was->pairs[i].value);
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        const struct yaml_node *mode = yaml_get(v, modes[i]);

        if (mode && mode->text && strncmp(mode->text, "service:", 8) == 0)
            imply(g, mode->text + 8, all);
    }
    imply_list(g, links, all);
    if (all->n > 0)
        config_put(v, "depends_on", all);
}

static const struct yaml_node *membership(struct config_run *g, const struct yaml_node *v)
{
    static const struct config_rule rules[] = {{"driver_opts", config_pairs}};

    return v ? config_members(g, v, rules, ARRAY_LEN(rules)) : config_node(g, YAML_NULL, NULL);
}

static const struct yaml_node *networks(struct config_run *g, const struct yaml_node *v)
{
    return config_names(g, v, membership);
}

static const struct yaml_node *logging(struct config_run *g, const struct yaml_node *v)
{
    static const struct config_rule rules[] = {{"options", config_pairs}};

    return config_members(g, v, rules, ARRAY_LEN(rules));
}

static const struct yaml_node *devices(struct config_run *g, const struct yaml_node *v)
{
    struct service s = {0};

    if (v->kind != YAML_LIST)
        return v;
    struct yaml_node *list = config_list(g, v->n);

    for (size_t i = 0; i < v->n; i++) {
        struct yaml_node *item = v->items[i], *map = config_map(g, 3);
        const struct yaml_node one = {.kind = YAML_LIST, .items = &item, .n = 1};

        s = (struct service){0};
        form_devices.decode(&g->c, field_find(&fields_service, "devices"), &one, &s);
        if (item->kind == YAML_MAP || s.n_devices != 1) {
            config_push(list, item);
            continue;
        }
        config_put_text(g, map, "source", s.devices[0].host);
        config_put_text(g, map, "target", s.devices[0].container);
        config_put_text(g, map, "permissions",
                        s.devices[0].permissions ? s.devices[0].permissions : "rwm");
        config_push(list, map);
    }
    return list;
}

static const struct yaml_node *hooks(struct config_run *g, const struct yaml_node *v)
{
    static const struct config_rule rules[] = {{"command", config_words},
                                               {"environment", config_pairs}};

    if (v->kind != YAML_LIST)
        return v;
    struct yaml_node *list = config_list(g, v->n);

    for (size_t i = 0; i < v->n; i++)
        config_push(list, config_members(g, v->items[i], rules, ARRAY_LEN(rules)));
    return list;
}

static const struct yaml_node *pull(struct config_run *g, const struct yaml_node *v)
{
    return v->text && strcmp(v->text, "if_not_present") == 0
               ? config_node(g, YAML_STRING, "missing")
               : v;
}

const struct yaml_node *config_service_value(struct config_run *g, const char *key,
                                             const struct yaml_node *v)
{
    static const struct config_rule rules[] = {
        {"annotations", config_labels},
        {"build", build},
        {"command", config_words},
        {"configs", uses},
        {"depends_on", depends},
        {"deploy", deploy},
        {"develop", develop},
        {"devices", devices},
        {"dns", config_texts},
        {"dns_search", config_texts},
        {"entrypoint", config_words},
        {"expose", config_texts},
        {"extra_hosts", config_hosts},
        {"healthcheck", healthcheck},
        {"labels", config_labels},
        {"logging", logging},
        {"mem_limit", config_bytes},
        {"mem_reservation", config_bytes},
        {"memswap_limit", config_bytes},
        {"networks", networks},
        {"ports", ports},
        {"post_start", hooks},
        {"pre_stop", hooks},
        {"pull_policy", pull},
        {"secrets", secrets},
        {"shm_size", config_bytes},
        {"stop_grace_period", config_duration},
        {"sysctls", config_pairs},
        {"tmpfs", config_texts},
        {"volumes", volumes},
    };

    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        if (strcmp(rules[i].key, key) == 0)
            return rules[i].rewrite(g, v);
    return v;
}
