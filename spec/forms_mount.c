/* forms_mount.c: volumes and tmpfs, short and long.
 *
 * In: `volumes:` and `tmpfs:` as Compose has them. Out: struct mount, host paths absolute against the file's folder.
 * It refuses `~` (an agent has no home) and options this version cannot carry out. */
#include "spec/forms.h"

#include "spec/app.h"
#include "spec/base/arena.h"
#include "spec/decode.h"

static void push_mount(struct decode_ctx *c, struct service *s, const struct mount *m)
{
    if ((s->n_mounts & (s->n_mounts - 1)) == 0) {
        struct mount *more = ARENA_ARRAY(c->arena, s->n_mounts ? 2 * s->n_mounts : 1, struct mount);

        if (s->n_mounts)
            memcpy(more, s->mounts, s->n_mounts * sizeof(*more));
        s->mounts = more;
    }
    s->mounts[s->n_mounts++] = *m;
}

/* /data//x/ and /data/x are one place in the container. */
static bool set_target(struct decode_ctx *c, const struct yaml_node *v, const char *text,
                       struct mount *m)
{
    if (!text || *text != '/') {
        decode_error(c, v, "example: data:/srv/data",
                     "\"%s\": the path in the container must begin with /", text ? text : "");
        return false;
    }
    m->target = decode_path(c, v, text);
    if (strcmp(m->target, "/") != 0)
        return true;
    decode_error(c, v, NULL, "nothing can be mounted over / itself");
    return false;
}

static bool volume_key_valid(const char *key)
{
    static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    return *key && strchr(first, *key) &&
           key[strspn(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                           "0123456789_.-")] == '\0';
}

static bool set_source(struct decode_ctx *c, const struct yaml_node *v, const char *text,
                       struct mount *m)
{
    if (*text == '~') {
        decode_error(c, v, "write the whole path", "\"%s\": an agent has no home folder", text);
        return false;
    }
    if (m->kind == MOUNT_BIND) {
        m->source = decode_path(c, yaml_get(v, "source") ? yaml_get(v, "source") : v, text);
        return true;
    }
    if (!volume_key_valid(text)) {
        decode_error(c, v, "a path of the host begins with / or ./",
                     "\"%s\" is not a name for a volume", text);
        return false;
    }
    m->source = text;
    return true;
}

/* ---- short: [SOURCE:]TARGET[:OPTION,...] ---- */

static bool short_option(struct decode_ctx *c, const struct yaml_node *v, const char *word,
                         struct mount *m)
{
    static const char *const propagation[] = {"shared", "rshared", "slave",
                                              "rslave", "private", "rprivate"};

    if (strcmp(word, "ro") == 0 || strcmp(word, "rw") == 0) {
        m->read_only = word[1] == 'o' ? TRI_YES : TRI_NO;
        return true;
    }
    if (strcmp(word, "nocopy") == 0 && m->kind == MOUNT_VOLUME) {
        m->nocopy = TRI_YES;
        return true;
    }
    for (size_t i = 0; m->kind == MOUNT_BIND && i < ARRAY_LEN(propagation); i++) {
        if (strcmp(word, propagation[i]) != 0)
            continue;
        m->propagation = propagation[i];
        return true;
    }
    if (strcmp(word, "cached") == 0 || strcmp(word, "delegated") == 0 ||
        strcmp(word, "consistent") == 0)
        return true; /* speak of Docker Desktop's file sharing; no difference on Linux */
    if (strcmp(word, "z") == 0 || strcmp(word, "Z") == 0)
        decode_error(c, v, NULL, "`%s` (SELinux labels) is not supported by this version yet",
                     word);
    else
        decode_error(c, v,
                     m->kind == MOUNT_BIND
                         ? "known are ro, rw, shared, rshared, slave, rslave, private, rprivate"
                         : "known are ro, rw, nocopy",
                     "\"%s\" is not an option of a mount", word);
    return false;
}

static bool short_options(struct decode_ctx *c, const struct yaml_node *v, char *words,
                          struct mount *m)
{
    char *save = NULL;
    bool ok = true;

    for (char *word = strtok_r(words, ",", &save); word; word = strtok_r(NULL, ",", &save))
        ok &= short_option(c, v, word, m);
    return ok;
}

static void decode_short_mount(struct decode_ctx *c, const struct yaml_node *v, const char *text,
                               struct service *s)
{
    struct mount m = {.at = decode_place(c, v)};
    char *source = arena_strdup(c->arena, text), *target = strchr(source, ':'), *options = NULL;

    if (target) {
        *target++ = '\0';
        options = strchr(target, ':');
        if (options)
            *options++ = '\0';
    } else {
        target = source;
        source = NULL;
    }
    if (source && !*source) {
        decode_error(c, v, "example: data:/srv/data", "\"%s\" has no source before the colon",
                     text);
        return;
    }
    if (source && (*source == '/' || *source == '.')) {
        m.kind = MOUNT_BIND;
        m.create_host_path = TRI_YES;
    }
    if (set_target(c, v, target, &m) && (!source || set_source(c, v, source, &m)) &&
        (!options || short_options(c, v, options, &m)))
        push_mount(c, s, &m);
}

/* ---- long ---- */

struct mount_draft {
    struct mount m;
    const char *source, *target;
};

/* What Compose has and we do not is told from what nobody has. */
static void decode_kind(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                        void *out)
{
    static const char *const others[][2] = {
        {"image", "build FROM the image that has the files, or copy them into a volume"},
        {"cluster", "there is one host; a volume of a plugin is of type `volume` with a `driver`"},
        {"npipe", "it is for Windows containers"},
    };

    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        if (v->text && strcmp(v->text, others[i][0]) == 0) {
            decode_error(c, v, others[i][1], "a mount of `type: %s` is not supported", v->text);
            return;
        }
    form_choice.decode(c, f, v, out);
}

static bool show_kind(const struct field *f, const void *value, struct str *out)
{
    return form_choice.show(f, value, out);
}

static const struct form form_kind = {"volume, bind or tmpfs", decode_kind, show_kind, NULL};

#define OFF(member) offsetof(struct mount_draft, m.member)
// clang-format off
static const struct choice kinds[] = {{"volume", MOUNT_VOLUME}, {"bind", MOUNT_BIND}, {"tmpfs", MOUNT_TMPFS}, {NULL, 0}};
static const struct choice propagations[] = {{"shared", 0}, {"rshared", 0}, {"slave", 0}, {"rslave", 0}, {"private", 0}, {"rprivate", 0}, {NULL, 0}};

static bool check_propagation(struct decode_ctx *c, const struct field *f, const struct yaml_node *v, const char *text)
{
    int ignored;

    return decode_choice(c, f, v, text, &ignored);
}

static const struct field rows_mount_bind[] = {
    {"create_host_path", &form_bool, OFF(create_host_path), .help = "make a missing folder of the host", .fallback = "false"},
    {"propagation", &form_text, OFF(propagation), .help = "mount propagation", .choices = propagations, .check = check_propagation},
    {"recursive", .status = FIELD_UNSUPPORTED, .help = "what is mounted below the folder is mounted with it, as the engine does by default"},
    {"selinux", .status = FIELD_UNSUPPORTED, .help = "label the folder on the host: chcon -Rt container_file_t FOLDER"},
};
static const struct field rows_mount_volume[] = {
    {"labels", .status = FIELD_UNSUPPORTED, .help = "they stand at the volume, under the top-level `volumes:`"},
    {"nocopy", &form_bool, OFF(nocopy), .help = "do not fill a new volume with what the image has there", .fallback = "false"},
    {"subpath", &form_text, OFF(subpath), .help = "folder of the volume to mount"},
};
static const struct field rows_mount_tmpfs[] = {
    {"mode", &form_octal, OFF(tmpfs_mode), .help = "mode of the folder", .max = 07777},
    {"size", &form_bytes, OFF(tmpfs_bytes), .help = "size limit", .fallback = "none"},
};
const struct table fields_mount_bind = {"mount_bind", "Options of a bind mount.", rows_mount_bind, ARRAY_LEN(rows_mount_bind)};
const struct table fields_mount_volume = {"mount_volume", "Options of a volume.", rows_mount_volume, ARRAY_LEN(rows_mount_volume)};
const struct table fields_mount_tmpfs = {"mount_tmpfs", "Options of a tmpfs.", rows_mount_tmpfs, ARRAY_LEN(rows_mount_tmpfs)};
static const struct field rows_mount[] = {
    {"bind", &form_table, 0, .help = "options of a bind mount", .table = &fields_mount_bind},
    {"consistency", .status = FIELD_IGNORED, .help = "it makes no difference on Linux"},
    {"image", .status = FIELD_UNSUPPORTED, .help = "images are not mounted; build FROM the one that has the files, or copy them into a volume"},
    {"read_only", &form_bool, OFF(read_only), .help = "mount it read-only", .fallback = "false"},
    {"source", &form_text, offsetof(struct mount_draft, source), .help = "name of a volume, or path of the host"},
    {"target", &form_text, offsetof(struct mount_draft, target), .help = "path in the container", .required = true},
    {"tmpfs", &form_table, 0, .help = "options of a tmpfs", .table = &fields_mount_tmpfs},
    {"type", &form_kind, OFF(kind), .help = "what is mounted", .choices = kinds, .required = true},
    {"volume", &form_table, 0, .help = "options of a volume", .table = &fields_mount_volume},
};
const struct table fields_mount = {"mount", "A mount, written at length.", rows_mount, ARRAY_LEN(rows_mount)};
// clang-format on

/* Options of another kind of mount would be dropped by the engine without a word. */
static bool options_fit(struct decode_ctx *c, const struct yaml_node *v, enum mount_kind kind)
{
    bool ok = true;

    for (const struct choice *k = kinds; k->word; k++) {
        if (k->value == (int)kind || !yaml_get(v, k->word))
            continue;
        decode_say(c, DIAG_ERROR, decode_key_place(c, v, k->word), NULL,
                   "`%s` has no meaning for a mount of another type", k->word);
        ok = false;
    }
    return ok;
}

static void decode_long_mount(struct decode_ctx *c, const struct yaml_node *v, struct service *s)
{
    struct mount_draft d = {.m.at = decode_place(c, v)};
    size_t before = c->diags->errors;

    if (!decode_table(c, &fields_mount, v, &d) || c->diags->errors > before ||
        !options_fit(c, v, d.m.kind) || !set_target(c, v, d.target, &d.m))
        return;
    if (d.m.kind == MOUNT_BIND && !d.source) {
        decode_error(c, v, NULL, "a bind mount needs a `source`");
        return;
    }
    if (d.m.kind == MOUNT_TMPFS && d.source) {
        decode_error(c, v, NULL, "a tmpfs has no `source`");
        return;
    }
    if (!d.source || set_source(c, v, d.source, &d.m))
        push_mount(c, s, &d.m);
}

static void decode_form_volumes(struct decode_ctx *c, const struct field *f,
                                const struct yaml_node *v, void *out)
{
    const char *text;

    (void)f;
    if (!decode_is(c, v, YAML_LIST, "a list of volumes"))
        return;
    for (size_t i = 0; i < v->n; i++) {
        const struct yaml_node *item = v->items[i];

        decode_enter_index(c, i);
        if (item->kind == YAML_MAP)
            decode_long_mount(c, item, out);
        else if ((text = decode_text(c, item, "a text such as \"data:/srv/data\", or a mapping")))
            decode_short_mount(c, item, text, out);
        decode_leave(c);
    }
}

/* ---- tmpfs: PATH[:OPTION,...] ---- */

/* Options that are more than size and mode: mount(8) options as the engine takes them. */
static void keep_option(struct decode_ctx *c, const char *word, struct mount *m)
{
    m->tmpfs_options =
        m->tmpfs_options ? arena_printf(c->arena, "%s,%s", m->tmpfs_options, word) : word;
}

static bool tmpfs_option(struct decode_ctx *c, const struct yaml_node *v, char *word,
                         struct mount *m)
{
    static const char *const flags[] = {"exec",  "noexec", "suid", "nosuid",  "dev",
                                        "nodev", "ro",     "rw",   "noatime", "nr_inodes",
                                        "uid",   "gid",    "sync"};
    char *value = strchr(word, '=');
    size_t n = value ? (size_t)(value - word) : strlen(word);

    if (n == 4 && strncmp(word, "size", 4) == 0 && value &&
        parse_bytes(value + 1, &m->tmpfs_bytes.v) == 0 && m->tmpfs_bytes.v > 0) {
        m->tmpfs_bytes.set = true;
        return true;
    }
    if (n == 4 && strncmp(word, "mode", 4) == 0 && value) {
        char *end = value + 1;

        m->tmpfs_mode.v = strtol(value + 1, &end, 8);
        m->tmpfs_mode.set =
            !*end && end > value + 1 && m->tmpfs_mode.v >= 0 && m->tmpfs_mode.v <= 07777;
        if (m->tmpfs_mode.set)
            return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        if (strlen(flags[i]) != n || strncmp(flags[i], word, n) != 0)
            continue;
        keep_option(c, word, m);
        return true;
    }
    decode_error(
        c, v, "known are size=, mode=, uid=, gid=, exec, noexec, suid, nosuid, dev, nodev, ro, rw",
        "\"%s\" is not an option of a tmpfs", word);
    return false;
}

static void decode_tmpfs_item(struct decode_ctx *c, const struct yaml_node *v, struct service *s)
{
    struct mount m = {.at = decode_place(c, v), .kind = MOUNT_TMPFS};
    const char *text = decode_text(c, v, "a path in the container");
    char *path = arena_strdup(c->arena, text), *options = path ? strchr(path, ':') : NULL,
         *save = NULL;
    bool ok = true;

    if (!text)
        return;
    if (options)
        *options++ = '\0';
    for (char *word = options ? strtok_r(options, ",", &save) : NULL; word;
         word = strtok_r(NULL, ",", &save))
        ok &= tmpfs_option(c, v, word, &m);
    if (set_target(c, v, path, &m) && ok)
        push_mount(c, s, &m);
}

static void decode_form_tmpfs(struct decode_ctx *c, const struct field *f,
                              const struct yaml_node *v, void *out)
{
    (void)f;
    if (v->kind != YAML_LIST) {
        decode_tmpfs_item(c, v, out);
        return;
    }
    for (size_t i = 0; decode_is(c, v, YAML_LIST, "a list") && i < v->n; i++) {
        decode_enter_index(c, i);
        decode_tmpfs_item(c, v->items[i], out);
        decode_leave(c);
    }
}

const struct form form_tmpfs = {
    "a path or a list of PATH[:OPTIONS]", decode_form_tmpfs, NULL,
    "{\"anyOf\": [{\"type\": \"string\"}, {\"type\": \"array\", \"items\": "
    "{\"type\": \"string\"}}]}"};

/* ---- both, shown as one list ---- */

static bool show_form_volumes(const struct field *f, const void *value, struct str *out)
{
    const struct service *s = value;

    (void)f;
    for (size_t i = 0; i < s->n_mounts; i++) {
        const struct mount *m = &s->mounts[i];

        str_addf(out, "%s%s ", i ? ", " : "[", kinds[m->kind].word);
        if (m->source) {
            show_text(m->source, out);
            str_add(out, " at ");
        }
        show_text(m->target, out);
        if (m->read_only == TRI_YES)
            str_add(out, " ro");
        if (m->tmpfs_options)
            str_addf(out, " %s", m->tmpfs_options);
        str_addc(out, ' ');
        bool more = show_inline(&fields_mount_bind, m, out);
        more |= show_inline(&fields_mount_volume, m, out);
        more |= show_inline(&fields_mount_tmpfs, m, out);
        if (!more)
            out->buf[--out->len] = '\0';
    }
    if (s->n_mounts)
        str_addc(out, ']');
    return s->n_mounts;
}

const struct form form_volumes = {"a list of [SOURCE:]TARGET[:OPTIONS], or of mappings",
                                  decode_form_volumes, show_form_volumes,
                                  "{\"type\": \"array\", \"items\": {\"anyOf\": [{\"type\": "
                                  "\"string\"}, {\"$ref\": \"#/$defs/mount\"}]}}"};
