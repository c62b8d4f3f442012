/* build_tag.c: names what is built after everything that shapes it.
 *
 * In: the facts of a context, the build as the user wrote it, the ids of the base images the engine has. Out: a reference. Names of
 * app and service are in the repository only, so the same content under another name is the same hash. */
#include "reconcile/build_tag.h"

#include <inttypes.h>

#include "spec/base/arena.h"

#define TAG_FORMAT "1" /* changed when the same input would be sent in another way */
#define HASH_DIGITS 12

/* Repositories are lower case, with '.', '_' and '-' inside only. */
static void add_component(struct str *out, const char *name)
{
    size_t from = out->len;

    for (const char *at = name; *at; at++) {
        char c = *at >= 'A' && *at <= 'Z' ? (char)(*at + 'a' - 'A') : *at;
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        bool may = plain || (out->len > from && out->buf[out->len - 1] != '-');

        if (may)
            str_addc(out, plain ? c : '-');
    }
    while (out->len > from && out->buf[out->len - 1] == '-')
        out->buf[--out->len] = '\0';
    if (out->len == from)
        str_add(out, "service");
}

static void add_repository(const char *app, const char *service, struct str *out)
{
    str_add(out, BUILD_TAG_PREFIX);
    add_component(out, app);
    str_addc(out, '/');
    add_component(out, service);
}

bool build_tag_is(const char *ref, const char *app, const char *service)
{
    CLEANUP(str_release) struct str name = STR_INIT;

    add_repository(app, service, &name);
    str_addc(&name, ':');
    return strncmp(ref, str_text(&name), name.len) == 0 && strlen(ref + name.len) == HASH_DIGITS &&
           strspn(ref + name.len, "0123456789abcdef") == HASH_DIGITS;
}

static void add_text(struct str *s, const char *key, const char *value)
{
    if (value)
        str_addf(s, "%s %zu %s\n", key, strlen(value), value);
}

static void add_kvs(struct str *s, const char *key, const struct kvs *l)
{
    for (size_t i = 0; i < l->n; i++) {
        add_text(s, key, l->v[i].key);
        add_text(s, "is", l->v[i].value);
    }
}

static void add_limits(struct str *s, const struct build *b)
{
    if (b->shm_size.set)
        str_addf(s, "shm %" PRId64 "\n", b->shm_size.v);
    for (size_t i = 0; i < b->n_ulimits; i++)
        str_addf(s, "ulimit %s %" PRId64 " %" PRId64 "\n", b->ulimits[i].name, b->ulimits[i].soft,
                 b->ulimits[i].hard);
}

const char *build_tag(const struct want_app *app, const struct want_service *s,
                      const struct observed *o, struct arena *a)
{
    const struct context_facts *f = s->facts;
    const struct build *b = &s->spec->build;
    CLEANUP(str_release) struct str text = STR_INIT, name = STR_INIT;
    char hash[SHA256_HEX];

    if (f->state != FACTS_READY)
        return NULL;
    add_text(&text, "format", TAG_FORMAT);
    add_text(&text, "content", f->digest);
    add_text(&text, "dockerfile", f->dockerfile);
    add_text(&text, "text", f->dockerfile_text);
    add_text(&text, "target", b->target);
    add_text(&text, "network", b->network);
    add_text(&text, "platform", s->spec->platform);
    add_kvs(&text, "arg", &b->args);
    add_kvs(&text, "label", &b->labels);
    add_kvs(&text, "host", &b->extra_hosts);
    for (size_t i = 0; i < b->tags.n; i++)
        add_text(&text, "tag", b->tags.v[i]);
    add_limits(&text, b);
    add_text(&text, "tool", f->tool);
    add_text(&text, "builder", f->builder);
    add_kvs(&text, "file", &f->files);
    add_kvs(&text, "tool arg", &f->args);
    for (size_t i = 0; i < f->images.n; i++) {
        const struct obs_image *base = observed_image(o, f->images.v[i]);

        if (!base || !base->id)
            return NULL;
        add_text(&text, "from", base->id);
    }
    sha256_hex(str_text(&text), text.len, hash);
    add_repository(app->name, s->name, &name);
    return arena_printf(a, "%s:%.*s", str_text(&name), HASH_DIGITS, hash);
}

const char *build_tag_unknown(const struct want_app *app, const struct want_service *s,
                              struct arena *a)
{
    CLEANUP(str_release) struct str name = STR_INIT;

    add_repository(app->name, s->name, &name);
    return arena_printf(a, "%s:unbuilt", str_text(&name));
}
