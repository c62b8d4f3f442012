/* What routes depend on, as a part of a saved pass.
 *
 * Comes in: the agent's ingress settings, what is known of secrets, which apps have a route file. Goes out: JSON, and the same back. Of a secret it holds what desired state knows: never its value. */
#include "agent/saved_ingress.h"

#include "spec/base/arena.h"

json_t *saved_ingress_settings(const struct ingress_settings *g)
{
    return json_pack(
        "{s:i, s:i, s:i, s:s*, s:s*, s:s*, s:s*, s:i, s:s*, s:s*, s:s*, s:i, s:s*, s:s*, s:o*}",
        "mode", (int)g->mode, "http", g->http, "https", g->https, "address", g->address, "image",
        g->image, "network", g->network, "resolver", g->resolver, "access_log", (int)g->access_log,
        "acme_email", g->acme.email, "acme_server", g->acme.server, "acme_ca", g->acme.ca,
        "acme_challenge", (int)g->acme.challenge, "dir", g->dir, "acme_dir", g->acme_dir, "hosts",
        g->hosts.n > 0 ? js_from_strv(&g->hosts) : NULL);
}

static const char *text_of(const json_t *v, const char *key, const char *otherwise, struct arena *a)
{
    return arena_strdup(a, js_str(v, key, otherwise));
}

void saved_ingress_settings_from(const json_t *v, struct arena *a, struct ingress_settings *ret)
{
    struct ingress_settings d;

    ingress_defaults(&d);
    *ret = (struct ingress_settings){
        .mode = (enum ingress_mode)js_int(v, "mode", d.mode),
        .http = (int)js_int(v, "http", d.http),
        .https = (int)js_int(v, "https", d.https),
        .address = text_of(v, "address", NULL, a),
        .image = text_of(v, "image", d.image, a),
        .network = text_of(v, "network", d.network, a),
        .resolver = text_of(v, "resolver", NULL, a),
        .access_log = (enum ingress_log)js_int(v, "access_log", d.access_log),
        .acme = {.email = text_of(v, "acme_email", NULL, a),
                 .server = text_of(v, "acme_server", NULL, a),
                 .ca = text_of(v, "acme_ca", NULL, a),
                 .challenge = (enum acme_challenge)js_int(v, "acme_challenge", d.acme.challenge)},
        .dir = text_of(v, "dir", NULL, a),
        .acme_dir = text_of(v, "acme_dir", NULL, a),
    };
    js_strv(v, "hosts", a, &ret->hosts);
}

void saved_ingress_add(const struct spec_set *set, json_t *pass)
{
    json_t *secrets = json_array();

    for (size_t i = 0; i < set->n_secrets; i++) {
        const struct secret_facts *s = &set->secrets[i];

        json_array_append_new(secrets,
                              json_pack("{s:s, s:s*, s:s*, s:s*, s:I}", "name", s->name, "digest",
                                        s->digest, "problem", s->problem, "pair", s->pair,
                                        "not_after", (json_int_t)s->not_after_ms));
    }
    json_object_set_new(pass, "secrets", secrets);
    json_object_set_new(pass, "secrets_known", json_boolean(set->secrets_known));
    json_object_set_new(pass, "routed", js_from_strv(&set->routed));
    json_object_set_new(pass, "served", js_from_kvs(&set->served));
}

void saved_ingress_from(const json_t *pass, struct arena *a, struct spec_set *set)
{
    const json_t *list = json_object_get(pass, "secrets"), *x;
    size_t n = json_array_size(list), i;
    struct secret_facts *v = ARENA_ARRAY(a, n + 1, struct secret_facts);

    json_array_foreach((json_t *)(uintptr_t)list, i, x)
    {
        v[i] = (struct secret_facts){.name = text_of(x, "name", "", a),
                                     .digest = text_of(x, "digest", "", a),
                                     .problem = text_of(x, "problem", NULL, a),
                                     .pair = text_of(x, "pair", NULL, a),
                                     .not_after_ms = js_int(x, "not_after", 0)};
    }
    set->secrets = v;
    set->n_secrets = n;
    set->secrets_known = js_bool(pass, "secrets_known", false);
    js_strv(pass, "routed", a, &set->routed);
    js_kvs(pass, "served", a, &set->served);
}
