/* route_platform.c: the routes that are nobody's app's: the platform's pages, what nobody claims, and Traefik's own API.
 *
 * In: where the agent listens, digests of the files it made for Traefik. Out: one route file like an app's. */
#include "spec/route_file.h"

#include "spec/base/arena.h"
#include "spec/ingress.h"
#include "spec/route.h"
#include "spec/route_parts.h"
#include "spec/route_yaml.h"

void route_part_heading(const char *app, struct str *out)
{
    str_addf(out, "# Made by evenkeel for the app %s; what is changed here by hand is lost.\n",
             app);
}

void route_part_marker(const char *app, struct str *out)
{
    str_addf(out, "    \"%s_seen_{{DIGEST}}\":\n", app);
    route_yaml_open(out, 3, "headers");
    route_yaml_open(out, 4, "customResponseHeaders");
    route_yaml_text(out, 5, "X-Evenkeel-Seen", "1");
}

/* Like an app's: once without and once with TLS, since a host may be asked for by either. */
static void platform_router(const struct route_platform *p, const char *part, const char *rule,
                            int priority, const char *const rest[2], struct str *out)
{
    static const char *const points[] = {"web", "websecure"};
    CLEANUP(arena_freep) struct arena *a = arena_new();

    for (size_t i = 0; i < ARRAY_LEN(points); i++) {
        const char *name = arena_printf(a, "%s_%s_%s", p->name, part, points[i]);

        route_yaml_object(out, 2, name);
        route_yaml_word(out, 3, "entryPoints", points[i]);
        route_yaml_text(out, 3, "rule", rule);
        route_yaml_int(out, 3, "priority", priority);
        if (rest[0])
            route_yaml_word(out, 3, "middlewares", arena_printf(a, "%s_%s", p->name, rest[0]));
        route_yaml_text(out, 3, "service", rest[1]);
        if (i == 1)
            route_yaml_plain(out, 3, "tls", "{}");
    }
}

/* A rule for the platform's hosts alone, if it has any of its own. In the arena. */
static const char *on_hosts(const struct strv *hosts, const char *rule, struct arena *a)
{
    CLEANUP(str_release) struct str out = STR_INIT;

    if (hosts->n == 0)
        return rule;
    for (size_t i = 0; i < hosts->n; i++)
        str_addf(&out, "%sHost(`%s`)", i ? " || " : "(", hosts->v[i]);
    str_addf(&out, ") && (%s)", rule);
    return arena_strdup(a, str_text(&out));
}

static void platform_routers(const struct route_platform *p, const struct strv *hosts,
                             struct str *out)
{
    static const char *const pages[] = {"admin", "api", "hooks", "login", "logout", "upload"};
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(str_release) struct str rule = STR_INIT;
    const char *const agent[] = {NULL, arena_printf(a, "%s_agent", p->name)};
    const char *const nobody[] = {"blocked", "noop@internal"};

    for (size_t i = 0; i < ARRAY_LEN(pages); i++)
        str_addf(&rule, "%sPath(`/%s`) || PathPrefix(`/%s/`)", i ? " || " : "", pages[i], pages[i]);
    route_yaml_open(out, 1, "routers");
    platform_router(p, "blocked", "Path(`/traefik`) || PathPrefix(`/traefik/`)",
                    ROUTE_PRIORITY_BLOCKED, nobody, out);
    platform_router(p, "pages", on_hosts(hosts, str_text(&rule), a), ROUTE_PRIORITY_PAGES, agent,
                    out);
    platform_router(p, "rest", on_hosts(hosts, "PathPrefix(`/`)", a), ROUTE_PRIORITY_CATCH_ALL,
                    agent, out);
    if (!p->api_users)
        return;
    route_yaml_object(out, 2, arena_printf(a, "%s_api", p->name));
    route_yaml_word(out, 3, "entryPoints", "api");
    route_yaml_text(out, 3, "rule", "PathPrefix(`/api/`)");
    route_yaml_int(out, 3, "priority", ROUTE_PRIORITY_CATCH_ALL);
    route_yaml_word(out, 3, "middlewares", arena_printf(a, "%s_users", p->name));
    route_yaml_text(out, 3, "service", "api@internal");
}

static void platform_middlewares(const struct route_platform *p, struct str *out)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();

    route_yaml_open(out, 1, "middlewares");
    route_part_marker(p->name, out);
    /* An address that nobody has: whoever asks gets 403. */
    route_yaml_object(out, 2, arena_printf(a, "%s_blocked", p->name));
    route_yaml_open(out, 3, "ipAllowList");
    route_yaml_word(out, 4, "sourceRange", "255.255.255.255/32");
    if (!p->api_users)
        return;
    route_yaml_object(out, 2, arena_printf(a, "%s_users", p->name));
    route_yaml_open(out, 3, "basicAuth");
    route_yaml_text(out, 4, "usersFile", arena_printf(a, INGRESS_FILES_DIR "/%s", p->api_users));
}

static void platform_tls(const struct route_platform *p, struct str *out)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();

    route_yaml_open(out, 0, "tls");
    route_yaml_open(out, 1, "options");
    route_yaml_open(out, 2, "default");
    route_yaml_text(out, 3, "minVersion", "VersionTLS12");
    if (!p->cert || !p->key)
        return;
    route_yaml_open(out, 1, "stores");
    route_yaml_open(out, 2, "default");
    route_yaml_open(out, 3, "defaultCertificate");
    route_yaml_text(out, 4, "certFile", arena_printf(a, INGRESS_FILES_DIR "/%s", p->cert));
    route_yaml_text(out, 4, "keyFile", arena_printf(a, INGRESS_FILES_DIR "/%s", p->key));
}

void route_file_platform(const struct route_platform *p, const struct ingress_settings *g,
                         struct str *out)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();

    route_part_heading(p->name, out);
    route_yaml_open(out, 0, "http");
    platform_routers(p, &g->hosts, out);
    platform_middlewares(p, out);
    route_yaml_open(out, 1, "services");
    route_yaml_object(out, 2, arena_printf(a, "%s_agent", p->name));
    route_yaml_open(out, 3, "loadBalancer");
    route_yaml_plain(out, 4, "passHostHeader", "true");
    if (p->agent_url) {
        route_yaml_open(out, 4, "servers");
        str_add(out, "          - url: ");
        route_yaml_quote(p->agent_url, out);
        str_addc(out, '\n');
    } else {
        route_yaml_plain(out, 4, "servers", "[]");
    }
    platform_tls(p, out);
}
