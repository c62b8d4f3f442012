/* forms_build.c: what an image is built from: `source:`, and Compose's `build:`, into one struct build.
 *
 * In: a mapping (or for `build:` the text of a folder). Out: absolute paths and plain values. Where a path may point is judged later, on the complete state;
 * whether it exists, when it is read. */
#include "spec/forms.h"

#include "spec/base/arena.h"
#include "spec/decode.h"
#include "spec/desired.h"
#include "spec/detect.h"
#include "spec/document.h"
#include "spec/draft.h"

static bool check_bundle(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                         const char *text)
{
    (void)f;
    if (bundle_name(text))
        return true;
    decode_error(c, v, "known kinds: .zip, .tar.gz, .tgz, .tar.zst, .tar", "\"%s\" is not a bundle",
                 text);
    return false;
}

static bool check_inside(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                         const char *text)
{
    (void)f;
    const char *at = text;

    if (*text == '/') {
        decode_error(c, v, "it is looked up in the source", "\"%s\" must be relative", text);
        return false;
    }
    while (at) {
        if (strncmp(at, "..", 2) == 0 && (at[2] == '/' || at[2] == '\0')) {
            decode_error(c, v, "it is looked up in the source", "\"%s\" leaves the source", text);
            return false;
        }
        at = strchr(at, '/');
        at = at ? at + 1 : NULL;
    }
    return true;
}

static bool check_strategy(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                           const char *text)
{
    static const char *const ways[] = {"auto", "compose", "dockerfile", "nixpacks", "buildpacks"};
    const char *known[32];
    size_t n, languages;
    const char *const *names = detect_languages(&languages);

    (void)f;
    for (n = 0; n < ARRAY_LEN(ways); n++)
        known[n] = ways[n];
    for (size_t i = 0; i < languages && n < ARRAY_LEN(known); i++)
        known[n++] = names[i];
    for (size_t i = 0; i < n; i++)
        if (strcmp(known[i], text) == 0)
            return true;
    const char *nearest = str_nearest(text, known, n);

    decode_error(c, v,
                 nearest ? arena_printf(c->arena, "did you mean \"%s\"?", nearest)
                         : "auto, compose, dockerfile, nixpacks, buildpacks, or a language such as "
                           "node or python",
                 "\"%s\" is not a strategy", text);
    return false;
}

static bool check_build_network(struct decode_ctx *c, const struct field *f,
                                const struct yaml_node *v, const char *text)
{
    (void)f;
    if (strcmp(text, "default") == 0 || strcmp(text, "host") == 0 || strcmp(text, "none") == 0)
        return true;
    decode_error(c, v, "allowed: default, host, none", "a build cannot use the network \"%s\"",
                 text);
    return false;
}

static bool check_one_platform(struct decode_ctx *c, const struct field *f,
                               const struct yaml_node *v, const char *text)
{
    size_t os = strcspn(text, "/");

    (void)f;
    if (os > 0 && text[os] == '/' && text[os + 1])
        return true;
    decode_error(c, v, "example: linux/arm64", "\"%s\" is not a platform", text);
    return false;
}

static bool check_builder(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                          const char *text)
{
    (void)f;
    if (image_reference(text, c->arena))
        return true;
    decode_error(c, v, "example: " BUILDPACKS_BUILDER, "\"%s\" is not the name of an image", text);
    return false;
}

/* ---- source ---- */

static void refuse_beside(struct decode_ctx *c, const struct yaml_node *v, const char *key,
                          const char *strategy)
{
    const struct yaml_node *x = yaml_get(v, key);

    if (x)
        decode_error(c, x, "leave one of them out", "`%s` has no meaning with `strategy: %s`", key,
                     strategy);
}

/* What shapes a Dockerfile says nothing where a tool makes the image, or its own Dockerfile. */
static void check_tool(struct decode_ctx *c, const struct yaml_node *v, const struct build *b)
{
    static const char *const keys[] = {"dockerfile",  "dockerfile_inline", "target",   "cache_from",
                                       "extra_hosts", "no_cache",          "shm_size", "tags",
                                       "ulimits"};
    bool nixpacks = b->strategy && strcmp(b->strategy, "nixpacks") == 0;
    bool buildpacks = b->strategy && strcmp(b->strategy, "buildpacks") == 0;

    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (buildpacks || (nixpacks && i < 3))
            refuse_beside(c, v, keys[i], b->strategy);
    if (!buildpacks)
        refuse_beside(c, v, "builder", b->strategy ? b->strategy : "auto");
}

static void decode_source(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                          void *out)
{
    struct build *b = out;
    size_t before = c->diags->errors;

    (void)f;
    if (!decode_table(c, &fields_source, v, b))
        return;
    b->set = true;
    b->at = decode_place(c, v);
    b->strategy_at = decode_place(c, yaml_get(v, "strategy") ? yaml_get(v, "strategy") : v);
    check_tool(c, v, b);
    if (c->diags->errors > before)
        return;
    if (!b->bundle && !b->path) {
        decode_error(c, v, "example: source: {path: ./app}", "a source is a `bundle` or a `path`");
        return;
    }
    if (b->bundle && b->path)
        (void)check_inside(c, f, yaml_get(v, "path"), b->path);
    if (b->bundle)
        b->bundle = decode_path(c, yaml_get(v, "bundle"), b->bundle);
    else
        b->path = decode_path(c, yaml_get(v, "path"), b->path);
}

static bool show_source(const struct field *f, const void *value, struct str *out)
{
    (void)f;
    return ((const struct build *)value)->set && show_inline(&fields_source, value, out);
}

const struct form form_source = {"a mapping", decode_source, show_source,
                                 "{\"$ref\": \"#/$defs/source\"}"};

/* ---- build ---- */

static void decode_build(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                         void *out)
{
    struct build *b = out;
    const char *folder = ".";

    (void)f;
    if (b->set) {
        decode_error(c, v, "one of them is enough", "both `source` and `build`");
        return;
    }
    if (v->kind == YAML_MAP) {
        if (!decode_table(c, &fields_build, v, b))
            return;
        folder = b->path ? b->path : ".";
    } else {
        folder = decode_text(c, v, "a folder or a mapping");
    }
    if (!folder)
        return;
    if (strstr(folder, "://")) {
        decode_error(c, v, "a folder below the file works",
                     "a build from \"%s\" is not supported by this version", folder);
        return;
    }
    b->set = true;
    b->at = decode_place(c, v);
    b->path = decode_path(c, yaml_get(v, "context") ? yaml_get(v, "context") : v, folder);
    b->strategy = "dockerfile";
}

static bool show_build(const struct field *f, const void *value, struct str *out)
{
    (void)f, (void)value, (void)out;
    return false; /* `source` shows it */
}

const struct form form_build = {
    "a folder or a mapping", decode_build, show_build,
    "{\"anyOf\": [{\"type\": \"string\"}, {\"$ref\": \"#/$defs/build\"}]}"};

/* ---- ulimits: as those of a service ---- */

static void decode_limits(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                          void *out)
{
    struct build *b = out;
    struct service s = {0};

    form_ulimits.decode(c, f, v, &s);
    b->ulimits = s.ulimits;
    b->n_ulimits = s.n_ulimits;
}

static bool show_limits(const struct field *f, const void *value, struct str *out)
{
    const struct build *b = value;
    const struct service s = {.ulimits = b->ulimits, .n_ulimits = b->n_ulimits};

    return form_ulimits.show(f, &s, out);
}

static const struct form form_build_limits = {
    "a mapping NAME: LIMIT, or NAME: {soft: LIMIT, hard: LIMIT}", decode_limits, show_limits,
    "{\"type\": \"object\", \"additionalProperties\": {\"anyOf\": [{\"type\": \"integer\"}, "
    "{\"$ref\": \"#/$defs/ulimit\"}]}}"};

static bool check_tag(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                      const char *text)
{
    (void)f;
    if (!image_reference(text, c->arena) || strchr(text, '@')) {
        decode_error(c, v, "write [REGISTRY/]NAME[:TAG], all lower case before the tag",
                     "\"%s\" is not a name for an image", text);
        return false;
    }
    if (strncmp(text, "evenkeel/", 9) == 0) {
        decode_error(c, v, "use a name of your own",
                     "names that begin with `evenkeel/` are reserved");
        return false;
    }
    return true;
}

/* ---- rows ---- */

// clang-format off
#define TABLE(name, help, rows) {name, help, rows, ARRAY_LEN(rows)}
#define B(member) offsetof(struct build, member)
#define PLANNED .status = FIELD_PLANNED
#define UNSUPPORTED .status = FIELD_UNSUPPORTED, .help =

#define ROW_ARGS {"args", &form_kvs, B(args), .help = "values of ARG in the Dockerfile"}
#define ROW_CACHE_FROM {"cache_from", &form_list, B(cache_from), .help = "images whose layers may serve as cache"}
#define ROWS_DOCKERFILE \
    {"dockerfile", &form_text, B(dockerfile), .help = "its name in the source", .check = check_inside, .fallback = "Dockerfile"}, \
    {"dockerfile_inline", &form_text, B(dockerfile_inline), .help = "its text"}
#define ROW_EXTRA_HOSTS {"extra_hosts", &form_extra_hosts, B(extra_hosts), .help = "further names for /etc/hosts while it is built"}
#define ROW_NO_CACHE {"no_cache", &form_bool, B(no_cache), .help = "when it is built, no step is taken from the cache; an unchanged source is not built again for it", .fallback = "false"}
#define ROW_SHM_SIZE {"shm_size", &form_bytes, B(shm_size), .help = "size of /dev/shm of the build's steps; an engine before API 1.42 does it with its classic builder alone", .min = 1, .max = INT64_MAX, .fallback = "64M"}
#define ROW_TAGS {"tags", &form_list, B(tags), .help = "further names for the image, given when it is built; they stay when the app goes", .check = check_tag}
#define ROW_ULIMITS {"ulimits", &form_build_limits, 0, .help = "limits of the build's processes; an engine before API 1.42 does it with its classic builder alone"}
#define ROW_LABELS {"labels", &form_labels, B(labels), .help = "labels of the image"}
#define ROW_NETWORK {"network", &form_text, B(network), .help = "network of the build's steps", .check = check_build_network, .fallback = "default"}
#define ROW_TARGET {"target", &form_text, B(target), .help = "stage to build", .fallback = "the last"}

static const struct field rows_source[] = {
    ROW_ARGS,
    {"builder", &form_text, B(builder), .help = "builder image of `strategy: buildpacks`", .check = check_builder, .fallback = BUILDPACKS_BUILDER},
    {"bundle", &form_text, B(bundle), .help = "an archive: .zip, .tar.gz, .tar.zst", .check = check_bundle},
    ROW_CACHE_FROM,
    ROWS_DOCKERFILE,
    ROW_EXTRA_HOSTS,
    {"git", PLANNED},
    ROW_LABELS,
    ROW_NETWORK,
    ROW_NO_CACHE,
    {"path", &form_text, B(path), .help = "a folder, relative to the file; with `bundle`, a folder in it"},
    {"ref", PLANNED},
    ROW_SHM_SIZE,
    {"strategy", &form_text, B(strategy), .help = "how it is built: auto (as its Compose file says, else its Dockerfile, else made for its language), compose, dockerfile, nixpacks, buildpacks, or a language", .check = check_strategy, .fallback = "auto"},
    ROW_TAGS,
    ROW_TARGET,
    ROW_ULIMITS,
};
const struct table fields_source = TABLE("source", "What an image is built from.", rows_source);

static const struct field rows_build[] = {
    {"additional_contexts", UNSUPPORTED "the Engine API takes one context; put the folder into it, and `COPY --from=IMAGE` names an image by itself"},
    ROW_ARGS,
    ROW_CACHE_FROM,
    {"cache_to", .status = FIELD_IGNORED, .help = "the engine keeps its own cache; the build argument BUILDKIT_INLINE_CACHE: 1 puts it into the image"},
    {"context", &form_text, B(path), .help = "the folder, relative to the file", .fallback = "."},
    ROWS_DOCKERFILE,
    {"entitlements", UNSUPPORTED "the Engine API grants a build none; `network: host` is the one that there is"},
    ROW_EXTRA_HOSTS,
    {"isolation", .status = FIELD_IGNORED, .help = "it is for Windows containers"},
    ROW_LABELS,
    ROW_NETWORK,
    ROW_NO_CACHE,
    {"no_cache_filter", UNSUPPORTED "the Engine API has it for a whole build alone: `no_cache: true`"},
    {"platforms", &form_list, B(platforms), .help = "the one it is built for, or several with that of `platform` among them: an engine keeps one of an image", .check = check_one_platform, .fallback = "that of `platform`"},
    {"privileged", UNSUPPORTED "the Engine API grants a build no further rights; do at the start of the container what needs them"},
    {"provenance", .status = FIELD_IGNORED, .help = "the Engine API makes none"},
    {"pull", .status = FIELD_IGNORED, .help = "what it is built on is pulled when the engine lacks it, and it is built anew when the engine has another one by that name"},
    {"sbom", .status = FIELD_IGNORED, .help = "the Engine API makes none"},
    {"secrets", UNSUPPORTED "the Engine API hands a build none without a session; mount it with `secrets` of the service and fetch at the start what needs it, or build elsewhere and name the image"},
    ROW_SHM_SIZE,
    {"ssh", UNSUPPORTED "the Engine API hands a build no agent without a session; clone into the context beforehand, or build elsewhere and name the image"},
    ROW_TAGS,
    ROW_TARGET,
    ROW_ULIMITS,
};
const struct table fields_build = TABLE("build", "What Compose builds an image from.", rows_build);
// clang-format on
