/* forms_secret.c: configs and secrets.
 *
 * In: `configs:` and `secrets:` of services and of the whole document. Out: read-only mounts of files that the agent makes of them (desired_files.c). Of a file and of a secret in the store
 * only a digest is known here. It refuses those that only a cluster has. Source: github.com/compose-spec/compose-spec, 05-services.md, 08-configs.md, 09-secrets.md. */
#include "spec/forms_secret.h"

#include "spec/base/arena.h"
#include "spec/base/js.h"
#include "spec/decode.h"
#include "spec/document.h"
#include "spec/draft.h"
#include "spec/interpolate.h"
#include "spec/secret_facts.h"

#define DEFAULT_MODE 0444

/* ---- where they are used ---- */

static void decode_use(struct decode_ctx *c, const struct yaml_node *v, bool secret,
                       struct service_draft *d)
{
    struct secret_use use = {.at = decode_place(c, v), .secret = secret};

    if (v->kind == YAML_MAP)
        (void)decode_table(c, &fields_use, v, &use);
    else
        use.source = decode_text(c, v, "a name, or a mapping");
    if (use.source)
        d->uses[d->n_uses++] = use;
}

static void decode_uses(struct decode_ctx *c, const struct yaml_node *v, bool secret,
                        struct service_draft *d)
{
    struct secret_use *more;

    if (!decode_is(c, v, YAML_LIST, "a list of names, or of mappings"))
        return;
    more = ARENA_ARRAY(c->arena, d->n_uses + v->n, struct secret_use);
    if (d->n_uses)
        memcpy(more, d->uses, d->n_uses * sizeof(*more));
    d->uses = more;
    for (size_t i = 0; i < v->n; i++) {
        decode_enter_index(c, i);
        decode_use(c, v->items[i], secret, d);
        decode_leave(c);
    }
}

static void decode_use_configs(struct decode_ctx *c, const struct field *f,
                               const struct yaml_node *v, void *out)
{
    (void)f;
    decode_uses(c, v, false, out);
}

static void decode_use_secrets(struct decode_ctx *c, const struct field *f,
                               const struct yaml_node *v, void *out)
{
    (void)f;
    decode_uses(c, v, true, out);
}

#define USES_SCHEMA                                                                                \
    "{\"type\": \"array\", \"items\": {\"anyOf\": [{\"type\": \"string\"}, {\"$ref\": "            \
    "\"#/$defs/use\"}]}}"

const struct form form_use_configs = {"a list of names, or of mappings", decode_use_configs, NULL,
                                      USES_SCHEMA};
const struct form form_use_secrets = {"a list of names, or of mappings", decode_use_secrets, NULL,
                                      USES_SCHEMA};

/* ---- where they are declared ---- */

/* What the file holds is looked at where it is needed and nowhere else; a folder is mounted from where it is. */
static void find_file(struct decode_ctx *c, const struct yaml_node *v, struct secret_entry *e)
{
    struct err why = {0};
    size_t n;

    if (!c->loader || (!c->loader->digest && !c->loader->bundle))
        return;
    strv_push(c->arena, c->reads, e->file);
    /* What is in an archive is part of the spec: nobody could look for it later. */
    if (c->loader->bundle
            ? c->loader->read(c->loader->ctx, e->file, c->arena, &e->content, &n, &why) == 0
            : c->loader->digest(c->loader->ctx, e->file, c->arena, &e->digest, &why) == 0)
        return;
    if (why.kind == ERR_MISSING)
        decode_error(c, v, NULL, "there is no file %s", e->file);
    else
        decode_error(c, v, NULL, "cannot read %s: %s", e->file, why.msg);
}

static void find_variable(struct decode_ctx *c, const struct yaml_node *v, struct secret_entry *e)
{
    const struct interpolate_source *from = (v->file ? v->file : c->file)->variables;
    const char *file;

    e->content = from ? from->lookup(from->ctx, e->variable, &file) : NULL;
    if (!from)
        decode_error(c, v, "write `external: true`, and `evenkeel secret set` it",
                     "variables are known to Compose files only");
    else if (!e->content)
        decode_error(c, v, "give it a value in .env", "the variable \"%s\" is not set",
                     e->variable);
}

static void digest_content(struct decode_ctx *c, struct secret_entry *e)
{
    char digest[SHA256_HEX];

    sha256_hex(e->content, strlen(e->content), digest);
    e->digest = arena_strdup(c->arena, digest);
}

static void check_entry(struct decode_ctx *c, const struct yaml_node *v, bool secret,
                        struct secret_entry *e)
{
    bool external = e->external == TRI_YES;
    int ways = (e->file != NULL) + (e->variable != NULL) + (e->content != NULL) + external;

    if (ways != 1) {
        decode_say(c, DIAG_ERROR, e->at, "example: {file: ./password.txt}",
                   ways == 0 ? "`file`, `environment`%s or `external` is missing"
                             : "of `file`, `environment`%s and `external` only one can be given",
                   secret ? "" : ", `content`");
        return;
    }
    if (e->name && !external)
        decode_say(c, DIAG_WARNING, decode_key_place(c, v, "name"), NULL,
                   "`name` has no effect but beside `external: true`");
    if (external && !secret_name_valid(e->name ? e->name : e->key))
        decode_say(c, DIAG_ERROR, e->at, "`evenkeel secret ls` lists them",
                   "\"%s\" cannot be the name of a secret", e->name ? e->name : e->key);
    if (e->file)
        find_file(c, v, e);
    if (e->variable)
        find_variable(c, v, e);
    if (e->content)
        digest_content(c, e);
}

static void decode_entries(struct decode_ctx *c, const struct table *t, const struct yaml_node *v,
                           struct secret_entry **ret, size_t *ret_n)
{
    if (!decode_is(c, v, YAML_MAP, "a mapping NAME: {file: PATH}"))
        return;
    *ret = ARENA_ARRAY(c->arena, v->n, struct secret_entry);
    for (size_t i = 0; i < v->n; i++) {
        const struct yaml_pair *p = &v->pairs[i];
        struct secret_entry e = {.at = decode_pair_place(c, p), .key = p->key};
        size_t before = c->diags->errors;

        decode_enter(c, p->key);
        if (decode_table(c, t, p->value, &e) && c->diags->errors == before)
            check_entry(c, p->value, t == &fields_secret, &e);
        (*ret)[(*ret_n)++] = e;
        decode_leave(c);
    }
}

static void decode_config_map(struct decode_ctx *c, const struct field *f,
                              const struct yaml_node *v, void *out)
{
    struct app_draft *d = out;

    (void)f;
    decode_entries(c, &fields_config_entry, v, &d->configs, &d->n_configs);
}

static void decode_secret_map(struct decode_ctx *c, const struct field *f,
                              const struct yaml_node *v, void *out)
{
    struct app_draft *d = out;

    (void)f;
    decode_entries(c, &fields_secret, v, &d->secrets, &d->n_secrets);
}

const struct form form_config_map = {
    "a mapping NAME: {file: PATH}", decode_config_map, NULL,
    "{\"type\": \"object\", \"additionalProperties\": {\"$ref\": \"#/$defs/config_entry\"}}"};
const struct form form_secret_map = {
    "a mapping NAME: {file: PATH}", decode_secret_map, NULL,
    "{\"type\": \"object\", \"additionalProperties\": {\"$ref\": \"#/$defs/secret\"}}"};

/* ---- both together ---- */

/* In a flat app, which has nowhere to declare one, a secret's name is that of one in the store. */
static const struct secret_entry *find_stored(struct decode_ctx *c, const struct secret_use *use)
{
    struct secret_entry *e = ARENA_NEW(c->arena, struct secret_entry);

    *e = (struct secret_entry){.at = use->at, .key = use->source, .external = TRI_YES};
    if (secret_name_valid(use->source))
        return e;
    decode_say(c, DIAG_ERROR, use->at, "`evenkeel secret ls` lists them",
               "\"%s\" cannot be the name of a secret", use->source);
    return NULL;
}

static const struct secret_entry *find_entry(struct decode_ctx *c, const struct app_draft *d,
                                             const struct secret_use *use)
{
    const struct secret_entry *v = use->secret ? d->secrets : d->configs;
    size_t n = use->secret ? d->n_secrets : d->n_configs;
    const char *what = use->secret ? "secret" : "config", *nearest;
    struct strv names = {0};

    if (d->a.flat && use->secret)
        return find_stored(c, use);

    for (size_t i = 0; i < n; i++) {
        if (strcmp(v[i].key, use->source) == 0)
            return &v[i];
        strv_push(c->arena, &names, v[i].key);
    }
    nearest = str_nearest(use->source, names.v, names.n);
    decode_say(c, DIAG_ERROR, use->at,
               nearest ? arena_printf(c->arena, "did you mean \"%s\"?", nearest)
                       : arena_printf(c->arena, "declare it under the top-level `%ss:`", what),
               "there is no %s \"%s\"", what, use->source);
    return NULL;
}

static const char *target_of(struct decode_ctx *c, const struct secret_use *use)
{
    const char *target = use->target ? use->target : use->source;

    return decode_path_in(c, use->secret ? "/run/secrets" : "/", target);
}

static struct mount mount_of(struct decode_ctx *c, const struct secret_use *use,
                             const struct secret_entry *e)
{
    struct mount m = {.at = use->at,
                      .kind = MOUNT_BIND,
                      .target = target_of(c, use),
                      .read_only = TRI_YES,
                      .create_host_path = TRI_NO};
    struct placed_file *f;

    if (e->file && !e->digest) {
        m.source = e->file;
        return m;
    }
    f = ARENA_NEW(c->arena, struct placed_file);
    *f = (struct placed_file){.key = use->secret ? "secrets" : "configs",
                              .path = e->content ? NULL : e->file,
                              .content = e->content,
                              .digest = e->digest,
                              .uid = use->uid.v,
                              .gid = use->gid.v,
                              .mode = use->mode.set ? use->mode.v : DEFAULT_MODE};
    if (e->external == TRI_YES) {
        f->secret = e->name ? e->name : e->key;
        f->own_only = c->loader && c->loader->bundle;
    }
    m.file = f;
    return m;
}

static bool usable(const struct secret_entry *e)
{
    return e && (e->file || e->content || e->external == TRI_YES);
}

static void join_service(struct decode_ctx *c, struct app_draft *d, struct service_draft *s)
{
    struct mount *mounts = ARENA_ARRAY(c->arena, s->s.n_mounts + s->n_uses, struct mount);

    if (s->s.n_mounts)
        memcpy(mounts, s->s.mounts, s->s.n_mounts * sizeof(*mounts));
    s->s.mounts = mounts;
    for (size_t i = 0; i < s->n_uses; i++) {
        const struct secret_entry *e = find_entry(c, d, &s->uses[i]);

        if (usable(e))
            mounts[s->s.n_mounts++] = mount_of(c, &s->uses[i], e);
    }
}

void secrets_join(struct decode_ctx *c, struct app_draft *d)
{
    for (size_t i = 0; i < d->n_services; i++)
        if (d->services[i].n_uses > 0)
            join_service(c, d, &d->services[i]);
}

/* ---- rows ---- */

// clang-format off
#define TABLE(name, help, rows) {name, help, rows, ARRAY_LEN(rows)}
#define CLUSTER .status = FIELD_UNSUPPORTED, .help = "it is for clusters; write `external: true`, and `evenkeel secret set` it"
#define U(member) offsetof(struct secret_use, member)
#define E(member) offsetof(struct secret_entry, member)

static bool check_target(struct decode_ctx *c, const struct field *f, const struct yaml_node *v, const char *text)
{
    (void)f;
    if (*text)
        return true;
    decode_error(c, v, NULL, "must not be empty");
    return false;
}

static const struct field rows_use[] = {
    {"gid", &form_int, U(gid), .help = "group that the file belongs to", .min = 0, .max = UINT32_MAX - 1, .fallback = "0"},
    {"mode", &form_octal, U(mode), .help = "mode of the file", .max = 0777, .fallback = "0444"},
    {"source", &form_text, offsetof(struct secret_use, source), .help = "its name under the top-level `configs:` or `secrets:`", .required = true},
    {"target", &form_text, offsetof(struct secret_use, target), .help = "path in the container; below /run/secrets for a secret, / for a config, unless it begins with /", .check = check_target, .fallback = "source"},
    {"uid", &form_int, U(uid), .help = "user that the file belongs to", .min = 0, .max = UINT32_MAX - 1, .fallback = "0"},
};
const struct table fields_use = TABLE("use", "A config or secret that a service uses.", rows_use);

static const struct field rows_secret[] = {
    {"driver", CLUSTER},
    {"driver_opts", CLUSTER},
    {"environment", &form_text, E(variable), .help = "variable of the Compose file (.env) that holds it"},
    {"external", &form_bool, E(external), .help = "it is in the store of secrets: `evenkeel secret set NAME`", .fallback = "false"},
    {"file", &form_path, E(file), .help = "path of the file that holds it"},
    {"labels", .status = FIELD_IGNORED, .help = "a file has none"},
    {"name", &form_text, E(name), .help = "its name in the store", .check = check_target, .fallback = "its name here"},
    {"template_driver", CLUSTER},
};
const struct table fields_secret = TABLE("secret", "A secret of the app.", rows_secret);

static const struct field rows_config_entry[] = {
    {"content", &form_text, E(content), .help = "the text itself"},
    {"environment", &form_text, E(variable), .help = "variable of the Compose file (.env) that holds it"},
    {"external", &form_bool, E(external), .help = "it is in the store of secrets: `evenkeel secret set NAME`", .fallback = "false"},
    {"file", &form_path, E(file), .help = "path of the file that holds it"},
    {"labels", .status = FIELD_IGNORED, .help = "a file has none"},
    {"name", &form_text, E(name), .help = "its name in the store", .check = check_target, .fallback = "its name here"},
    {"template_driver", CLUSTER},
};
const struct table fields_config_entry = TABLE("config_entry", "A config of the app.", rows_config_entry);
// clang-format on
