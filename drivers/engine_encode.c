/* engine_encode.c: a wanted container into the body of ContainerCreate, its hash, and its seal.
 *
 * In: a want_container whose service has every default applied. Out: canonical JSON that engines of API 1.41 to 1.52 take as
 * it is; the same container gives the same bytes for ever, because the hash of these bytes is how we know that we
 * changed our mind. Image, hash label and notes of birth are put on by the seal. HostConfig is engine_encode_host.c,
 * networks are engine_encode_net.c. It asks nobody and judges nothing.
 *
 * Source: Docker Engine API 1.41 .. 1.52, ContainerCreate. */
#include "drivers/engine_encode.h"

#include <string.h>

#include "drivers/engine_encode_host.h"
#include "drivers/engine_encode_net.h"
#include "drivers/engine_put.h"
#include "spec/base/arena.h"
#include "spec/base/attr.h"
#include "spec/base/js_pool.h"
#include "spec/labels.h"

#define NS_PER_S INT64_C(1000000000)

static const char *canonical(const json_t *v, struct arena *a)
{
    CLEANUP(str_release) struct str s = STR_INIT;

    js_canonical(v, &s);
    return arena_strndup(a, str_text(&s), s.len);
}

/* ---- ContainerConfig ---- */

static void put_environment(json_t *body, const struct kvs *environment, struct arena *a)
{
    struct strv list = {0};

    for (size_t i = 0; i < environment->n; i++)
        strv_push(a, &list,
                  arena_printf(a, "%s=%s", environment->v[i].key, environment->v[i].value));
    engine_put_list(body, "Env", &list);
}

/* An empty list means "the image's" to the engine; for the entrypoint [""] clears it, and with it the image's command. For a
 * command alone there is no such word: one that is cleared beside an entrypoint is simply left out. */
static void put_commands(json_t *body, const struct service *spec)
{
    if (spec->entrypoint.set && spec->entrypoint.argv.n == 0)
        engine_put_new(body, "Entrypoint", json_pack("[s]", ""));
    else if (spec->entrypoint.set)
        engine_put_list(body, "Entrypoint", &spec->entrypoint.argv);
    if (spec->command.set)
        engine_put_list(body, "Cmd", &spec->command.argv);
}

static json_t *healthcheck(const struct healthcheck *h)
{
    json_t *v = json_object();

    if (!h->set)
        return v;
    if (h->disable == TRI_YES) {
        engine_put_new(v, "Test", json_pack("[s]", "NONE"));
        return v;
    }
    if (h->test.set)
        engine_put_list(v, "Test", &h->test.argv);
    engine_put_num(v, "Interval", h->interval_ns);
    engine_put_num(v, "Timeout", h->timeout_ns);
    engine_put_num(v, "StartPeriod", h->start_period_ns);
    engine_put_num(v, "StartInterval",
                   h->start_interval_ns); /* API 1.44; older engines pass it by */
    engine_put_num(v, "Retries", h->retries);
    return v;
}

static void put_stop(json_t *body, const struct service *spec)
{
    engine_put_text(body, "StopSignal", spec->stop_signal);
    /* Whole seconds, rounded up: a grace of 0.5 s must not become none. 0 itself is a wish. */
    if (spec->stop_grace_ns.set)
        engine_put_new(body, "StopTimeout",
                       json_integer(spec->stop_grace_ns.v / NS_PER_S +
                                    (spec->stop_grace_ns.v % NS_PER_S > 0)));
}

/* At the attachment from API 1.44 on, at the container before (and no longer from 1.52 on): said in both places every engine
 * finds it. */
static void put_networking(json_t *body, const struct want_container *c, struct arena *a)
{
    const struct service *spec = c->service->spec;
    const struct attach *first = engine_encode_first_attach(c);
    json_t *endpoints = json_object();

    engine_put_text(body, "MacAddress",
                    first && first->mac_address ? first->mac_address : spec->mac_address);
    if (!first) {
        json_decref(endpoints);
        return;
    }
    engine_put_new(endpoints, engine_encode_network_name(c->app, first),
                   engine_encode_endpoint(c->app, c->service, first, spec->mac_address, a));
    engine_put_new(body, "NetworkingConfig", json_pack("{s:o}", "EndpointsConfig", endpoints));
}

const char *engine_encode_container(const struct want_container *c, struct arena *a)
{
    CLEANUP(js_pool_end) struct js_pool pool = js_pool_begin();
    const struct service *spec = c->service->spec;
    json_t *body = json_object(); /* the pool frees it */

    engine_put_text(body, "Hostname", spec->hostname);
    engine_put_text(body, "Domainname", spec->domainname);
    engine_put_text(body, "User", spec->user);
    engine_put_text(body, "WorkingDir", spec->working_dir);
    engine_put_yes(body, "Tty", spec->tty);
    engine_put_yes(body, "OpenStdin", spec->stdin_open);
    put_environment(body, &spec->environment, a);
    put_commands(body, spec);
    engine_put_new(body, "Healthcheck", healthcheck(&spec->health));
    put_stop(body, spec);
    engine_put_map(body, "Labels", &c->labels);
    /* Beside PortBindings: 20.10 publishes no port that is not exposed too, and does not say so. */
    engine_put_new(body, "ExposedPorts", engine_encode_exposed(spec, a));
    engine_put_new(body, "HostConfig", engine_encode_host(c, a));
    put_networking(body, c, a);
    return canonical(body, a);
}

/* ---- hash and seal ---- */

/* Past a value of canonical text: at the comma or bracket behind it, or at the end of a text that is cut off. */
static const char *value_end(const char *s)
{
    for (size_t depth = 0; *s; s++) {
        if (*s == '"') {
            for (s++; *s && *s != '"'; s++)
                s += *s == '\\' && s[1];
            if (!*s)
                return s;
        } else if (*s == '{' || *s == '[') {
            depth++;
        } else if (depth > 0) {
            depth -= *s == '}' || *s == ']';
        } else if (*s == ',' || *s == '}') {
            return s;
        }
    }
    return s;
}

/* Where a member "Image" belongs in a canonical object: at the first name that sorts behind it, or at the closing brace. NULL: there is one,
 * or this is nothing that js_canonical wrote. */
static const char *image_place(const char *body)
{
    const char *s = body;

    if (*s++ != '{')
        return NULL;
    while (*s == '"') {
        size_t n = strcspn(s + 1, "\"\\");
        int order = strncmp(s + 1, "Image", n);
        if (s[n + 1] != '"' || s[n + 2] != ':' || (order == 0 && n == strlen("Image")))
            return NULL;
        if (order > 0 || (order == 0 && n > strlen("Image")))
            return s;
        s = value_end(s + n + 3);
        s += *s == ',' && s[1] == '"';
    }
    return s[0] == '}' && s[1] == '\0' ? s : NULL;
}

/* What js_canonical writes with the image put in, without reading and writing it all: this is done for every container of
 * a cold look. False: it takes more than putting it in. */
static bool put_image_in(const char *body, const char *image_id, struct str *out)
{
    const char *at = image_place(body);

    if (!at || image_id[strspn(image_id, "abcdefghijklmnopqrstuvwxyz0123456789:")] != '\0')
        return false;
    bool last = *at == '}', only = at == body + 1;

    str_addn(out, body, (size_t)(at - body));
    str_addf(out, "%s\"Image\":\"%s\"%s", last && !only ? "," : "", image_id, last ? "" : ",");
    str_add(out, at);
    return true;
}

void engine_encode_hash(const char *body, const char *image_id, char ret[SHA256_HEX])
{
    CLEANUP(str_release) struct str text = STR_INIT;

    if (!put_image_in(body, image_id, &text)) {
        json_auto_t *v = js_parse(body, strlen(body), NULL);

        if (json_is_object(v)) {
            engine_put_text(v, "Image", image_id);
            js_canonical(v, &text);
        } else {
            str_addf(&text, "%s\n%s", body, image_id);
        }
    }
    sha256_hex(str_text(&text), text.len, ret);
}

const char *engine_encode_seal(const char *body, const char *image_ref, const char *hash,
                               const struct kvs *birth, struct arena *a)
{
    json_auto_t *v = js_parse(body, strlen(body), NULL);

    if (!json_is_object(v))
        return NULL;
    json_t *labels = json_object_get(v, "Labels");

    if (!json_is_object(labels)) {
        labels = json_object();
        (void)json_object_set_new(v, "Labels", labels);
    }
    json_auto_t *notes = js_from_kvs(birth);

    (void)json_object_update(labels, notes);
    engine_put_text(labels, LABEL_HASH, hash);
    engine_put_text(v, "Image", image_ref);
    return canonical(v, a);
}
