/* compose.c: a Compose file, and all that it is made of, as one tree.
 *
 * In: a parsed document, the loader, the root. Out: the tree that the tables of fields decode, and the name of the app. This room reads files, in the order in which the
 * Compose Specification has it: variables, then `extends`, then `include`, then one file over the other; what a service becomes is decided next door. It refuses to read
 * anything outside the root, and to read without end. */
#include "spec/compose.h"

#include "spec/base/arena.h"
#include "spec/compose_merge.h"
#include "spec/compose_parts.h"
#include "spec/document.h"
#include "spec/forms.h"

/* ---- files ---- */

bool compose_is_below(const char *folder, const char *path)
{
    size_t n = strlen(folder);

    while (n > 0 && folder[n - 1] == '/')
        n--;
    return strncmp(folder, path, n) == 0 && path[n] == '/';
}

const char *compose_display(const struct compose_run *r, const char *path)
{
    size_t n = strlen(r->root);

    while (n > 0 && r->root[n - 1] == '/')
        n--;
    return r->prefix && compose_is_below(r->root, path)
               ? arena_printf(r->c->arena, "%s%s", r->prefix, path + n + 1)
               : path;
}

bool compose_stays(struct decode_ctx *c, const char *root, const struct yaml_node *at,
                   const char *path)
{
    const struct loader *l = c->loader;
    const char *real = l && l->leads ? l->leads(l->ctx, root, path, c->arena) : NULL;

    if (real)
        decode_error(c, at, "put a copy there", "a link leads from %s to %s, outside %s", path,
                     real, root);
    return !real;
}

const char *compose_load(struct compose_run *r, const char *path, const struct yaml_node *at,
                         bool required, size_t *ret_n)
{
    struct decode_ctx *c = r->c;
    const char *text = NULL;
    struct err e = {0};

    if (!compose_is_below(r->root, path)) {
        if (required && c->loader && c->loader->bundle)
            decode_error(c, at, "put it into the archive", "%s lies outside the archive", path);
        else if (required)
            decode_error(c, at, "move it there", "%s lies outside %s", path, r->root);
        return NULL;
    }
    if (++r->n_files > LIMIT_COMPOSE_FILES) {
        if (r->n_files == LIMIT_COMPOSE_FILES + 1)
            decode_error(c, at, NULL, "an app is made of more than %d files", LIMIT_COMPOSE_FILES);
        return NULL;
    }
    if (!strv_has(c->reads, path))
        strv_push(c->arena, c->reads, path);
    if (!c->loader) {
        if (required)
            decode_error(c, at, NULL, "other files cannot be read here");
        return NULL;
    }
    if (c->loader->read(c->loader->ctx, path, c->arena, &text, ret_n, &e) == 0)
        return compose_stays(c, r->root, at, path) ? text : NULL;
    if (e.kind == ERR_MISSING && required)
        decode_error(c, at, NULL, "there is no file %s", compose_display(r, path));
    else if (e.kind != ERR_MISSING && (required || !c->loader->bundle))
        decode_error(c, at, NULL, "cannot read %s: %s", compose_display(r, path), e.msg);
    return NULL;
}

struct compose_unit *compose_unit_of(struct compose_run *r, const struct compose_file *f,
                                     const struct yaml_file *file, const struct yaml_node *root)
{
    struct arena *a = r->c->arena;
    struct yaml_file *own = ARENA_NEW(a, struct yaml_file);
    struct compose_unit *u = ARENA_NEW(a, struct compose_unit);

    *own = *file;
    own->dir = f->dir;
    own->variables = &f->vars->source;
    *u = (struct compose_unit){.path = f->path, .vars = f->vars};
    u->root = compose_inherit(r, f->vars, compose_fill(&r->fill, own, root));
    u->services = yaml_get(u->root, "services");
    if (u->services && u->services->kind != YAML_MAP)
        u->services = NULL;
    if (u->services) {
        u->state = ARENA_ARRAY(a, u->services->n, enum service_state);
        u->extended =
            (const struct yaml_node **)arena_array(a, u->services->n, sizeof(u->extended[0]));
    }
    return u;
}

static void add_part(struct compose_run *r, const struct yaml_file *file, const char *path)
{
    struct decode_ctx *c = r->c;

    c->parts =
        arena_grow(c->arena, (void *)c->parts, c->n_parts, &c->cap_parts, sizeof(c->parts[0]));
    c->parts[c->n_parts++] = file;
    if (!strv_has(r->parts, path))
        strv_push(c->arena, r->parts, path);
}

struct compose_unit *compose_read(struct compose_run *r, const struct compose_file *f)
{
    struct decode_ctx *c = r->c;
    struct yaml_file *file = ARENA_NEW(c->arena, struct yaml_file);
    size_t n = 0;
    const char *text = compose_load(r, f->path, f->at, true, &n);

    if (!text)
        return NULL;
    if (n > LIMIT_SPEC_BYTES) {
        decode_error(c, f->at, "split it into several files", "%s is larger than 1 MiB",
                     compose_display(r, f->path));
        return NULL;
    }
    if (!compose_room(&r->fill, f->at, 0, n) ||
        yaml_parse(compose_display(r, f->path), text, n, c->arena, c->diags, file) < 0)
        return NULL;
    add_part(r, file, f->path);
    if (file->n_documents != 1) {
        decode_error(c, f->at, NULL, "%s must hold exactly one document", file->name);
        return NULL;
    }
    if (file->documents[0]->kind != YAML_MAP) {
        decode_error(c, f->at, NULL, "%s must hold a mapping, not %s", file->name,
                     yaml_kind_name(file->documents[0]->kind));
        return NULL;
    }
    return compose_unit_of(r, f, file, file->documents[0]);
}

/* ---- variables ---- */

static void load_vars(struct compose_run *r, const char *path, const struct yaml_node *at,
                      bool required, struct compose_vars *to)
{
    size_t n = 0;
    const char *text = compose_load(r, path, at, required, &n);

    if (text) {
        compose_vars_parse(to, compose_display(r, path), text, n, r->c->arena, r->c->diags);
        if (!strv_has(r->parts, path))
            strv_push(r->c->arena, r->parts, path);
    }
}

/* ---- include ---- */

struct include {
    struct strv paths, env_files;
    const char *folder;
};

// clang-format off
static const struct field rows_include[] = {
    {"env_file", &form_strings, offsetof(struct include, env_files), .help = "where its variables come from", .fallback = ".env in its folder"},
    {"path", &form_strings, offsetof(struct include, paths), .help = "file to include; the further ones of a list are merged over the first", .required = true},
    {"project_directory", &form_text, offsetof(struct include, folder), .help = "folder that its paths begin at", .fallback = "the folder of the file"},
};
static const struct table fields_include = {"include", "A Compose file that becomes part of this one.", rows_include, ARRAY_LEN(rows_include)};
// clang-format on

/* The files that are being included, outermost first. */
struct chain {
    const struct chain *up;
    const char *path;
    int depth;
};

/* Several files that make one model. root: the first one, where it is read already. */
struct model {
    struct strv paths;
    const char *dir;
    const struct yaml_node *at;
    struct compose_vars *vars;
    struct compose_unit *first; /* NULL: paths.v[0] is to be read */
};

static const struct yaml_node *read_model(struct compose_run *r, const struct model *m,
                                          const struct chain *up);

static bool in_chain(const struct chain *up, const char *path)
{
    for (; up; up = up->up)
        if (strcmp(up->path, path) == 0)
            return true;
    return false;
}

const char *compose_folder(struct arena *a, const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash > path ? arena_strndup(a, path, (size_t)(slash - path)) : "/";
}

static const struct yaml_node *read_included(struct compose_run *r, const struct compose_unit *u,
                                             const struct yaml_node *at, const struct chain *up)
{
    struct decode_ctx *c = r->c;
    struct compose_vars *vars = ARENA_NEW(c->arena, struct compose_vars);
    struct include inc = {0};
    struct model m = {.at = at, .vars = vars};

    if (at->kind == YAML_MAP)
        (void)decode_table(c, &fields_include, at, &inc);
    else
        form_strings.decode(c, &rows_include[1], at, &inc.paths);
    for (size_t i = 0; i < inc.paths.n; i++)
        strv_push(c->arena, &m.paths, decode_path(c, at, inc.paths.v[i]));
    if (m.paths.n == 0)
        return NULL;
    if (in_chain(up, m.paths.v[0])) {
        decode_error(c, at, NULL, "files include each other in a circle that comes back to %s",
                     compose_display(r, m.paths.v[0]));
        return NULL;
    }
    if (up->depth >= LIMIT_COMPOSE_DEPTH) {
        decode_error(c, at, NULL, "more than %d files include one another", LIMIT_COMPOSE_DEPTH);
        return NULL;
    }
    if (inc.folder &&
        !compose_is_below(r->root, arena_printf(c->arena, "%s/", decode_path(c, at, inc.folder)))) {
        decode_error(c, at, NULL, "%s lies outside %s", inc.folder,
                     c->loader && c->loader->bundle ? "the archive" : r->root);
        return NULL;
    }
    m.dir = inc.folder ? decode_path(c, at, inc.folder) : compose_folder(c->arena, m.paths.v[0]);
    compose_vars_init(vars, u->vars);
    if (inc.env_files.n == 0)
        load_vars(r, arena_printf(c->arena, "%s/.env", m.dir), at, false, vars);
    for (size_t i = 0; i < inc.env_files.n; i++)
        load_vars(r, decode_path(c, at, inc.env_files.v[i]), at, true, vars);
    return read_model(r, &m, up);
}

static bool equal_trees(const struct yaml_node *a, const struct yaml_node *b)
{
    if (a == b)
        return true;
    if (a->kind != b->kind || a->n != b->n || (a->text && strcmp(a->text, b->text) != 0))
        return false;
    for (size_t i = 0; i < a->n; i++) {
        const struct yaml_node *x =
            a->kind == YAML_LIST ? b->items[i] : yaml_get(b, a->pairs[i].key);

        if (!x || !equal_trees(a->kind == YAML_LIST ? a->items[i] : a->pairs[i].value, x))
            return false;
    }
    return true;
}

/* What both have must be the same. */
static const struct yaml_node *import_section(struct compose_run *r, const char *section,
                                              const struct yaml_node *to,
                                              const struct yaml_node *from)
{
    struct yaml_node *map = compose_map_like(&r->fill, to, to->n + from->n);

    for (size_t i = 0; i < to->n; i++)
        map->pairs[map->n++] = to->pairs[i];
    for (size_t i = 0; i < from->n; i++) {
        const struct yaml_pair *p = &from->pairs[i];
        const struct yaml_node *mine = yaml_get(to, p->key);

        if (!mine) {
            map->pairs[map->n++] = *p;
        } else if (!equal_trees(mine, p->value)) {
            const struct place at = decode_key_place(r->c, to, p->key);

            decode_say(r->c, DIAG_ERROR, decode_pair_place(r->c, p),
                       "give it another name, or change it in a compose.override.yaml",
                       "`%s.%s` is defined in %s:%d too, differently", section, p->key, at.file,
                       at.line);
        }
    }
    return map;
}

static const struct yaml_node *import(struct compose_run *r, const struct yaml_node *root,
                                      const struct yaml_node *from)
{
    static const char *const sections[] = {"services", "networks", "volumes", "secrets", "configs"};

    for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
        const struct yaml_node *to = yaml_get(root, sections[i]),
                               *more = yaml_get(from, sections[i]);

        if (!more || more->kind == YAML_NULL)
            continue;
        if (more->kind != YAML_MAP)
            (void)decode_is(r->c, more, YAML_MAP, "a mapping");
        else if (!to || to->kind == YAML_NULL)
            root = compose_with(&r->fill, root, sections[i], more);
        else if (to->kind == YAML_MAP)
            root =
                compose_with(&r->fill, root, sections[i], import_section(r, sections[i], to, more));
    }
    return root;
}

static const struct yaml_node *include_all(struct compose_run *r, const struct compose_unit *u,
                                           const struct yaml_node *root, const struct chain *up)
{
    const struct yaml_node *list = yaml_get(root, "include");

    if (!list)
        return root;
    root = compose_without(&r->fill, root, "include");
    if (list->kind == YAML_NULL)
        return root;
    decode_enter(r->c, "include");
    for (size_t i = 0; decode_is(r->c, list, YAML_LIST, "a list of files") && i < list->n &&
                       !r->fill.full && r->n_files <= LIMIT_COMPOSE_FILES;
         i++) {
        decode_enter_index(r->c, i);
        const struct yaml_node *from = read_included(r, u, list->items[i], up);

        if (from)
            root = import(r, root, from);
        decode_leave(r->c);
    }
    decode_leave(r->c);
    return root;
}

static const struct yaml_node *read_model(struct compose_run *r, const struct model *m,
                                          const struct chain *up)
{
    const struct chain here = {up, m->paths.v[0], up ? up->depth + 1 : 0};
    const struct yaml_node *model = NULL;

    for (size_t i = 0; i < m->paths.n; i++) {
        const struct compose_file f = {m->paths.v[i], m->dir, m->at, m->vars};
        struct compose_unit *u = i == 0 && m->first ? m->first : compose_read(r, &f);

        if (!u)
            return model;
        const struct yaml_node *root = include_all(r, u, compose_extends(r, u), &here);

        model = model ? compose_merge(&r->fill, model, root) : root;
    }
    return model;
}

/* ---- the whole ---- */

/* The first of the override's two names that is there. */
static void find_override(struct compose_run *r, const char *path, struct model *m)
{
    static const char *const ends[] = {"yaml", "yml"};
    const char *base = strrchr(path, '/') + 1;
    size_t stem = compose_stem(base);
    struct err e;

    for (size_t i = 0; stem && r->c->loader && i < ARRAY_LEN(ends); i++) {
        const char *text, *other = arena_printf(r->c->arena, "%.*s%.*s.override.%s",
                                                (int)(base - path), path, (int)stem, base, ends[i]);
        size_t n;

        strv_push(r->c->arena, r->c->reads, other);
        if (r->c->loader->read(r->c->loader->ctx, other, r->c->arena, &text, &n, &e) == 0) {
            strv_push(r->c->arena, &m->paths, other);
            return;
        }
    }
}

static const char *prefix_of(const struct decode_ctx *c, const struct compose_place *place)
{
    size_t root = strlen(place->root), n = strlen(c->file->name), rest;

    while (root > 0 && place->root[root - 1] == '/')
        root--;
    return compose_is_below(place->root, place->path) &&
                   compose_ends(c->file->name, n, place->path + root + 1, &rest)
               ? arena_strndup(c->arena, c->file->name, rest)
               : NULL;
}

const char *compose_shown(const struct decode_ctx *c, const struct compose_place *place,
                          const char *path)
{
    const struct compose_run r = {
        .c = (struct decode_ctx *)c, .root = place->root, .prefix = prefix_of(c, place)};

    return compose_display(&r, path);
}

void compose_resolve(struct decode_ctx *c, const struct compose_place *place,
                     const struct yaml_node *v, struct compose_result *ret)
{
    struct compose_vars *vars = ARENA_NEW(c->arena, struct compose_vars);
    struct compose_run r = {.c = c, .fill = {.c = c}, .root = place->root, .parts = &ret->parts};
    const struct compose_file f = {place->path, c->dir, v, vars};
    struct model m = {.dir = c->dir, .at = v, .vars = vars};
    struct yaml_file file = *c->file;
    const struct yaml_node *name = yaml_get(v, "name");

    *ret = (struct compose_result){.at = decode_place(c, v)};
    c->plain_dollars = true;
    r.prefix = prefix_of(c, place);
    compose_vars_init(vars, NULL);
    load_vars(&r, arena_printf(c->arena, "%s/.env", c->dir), v, false, vars);
    file.variables = &vars->source;
    compose_find_name(&r, place, name ? compose_fill(&r.fill, &file, name) : NULL, ret);
    if (ret->name)
        compose_vars_set(vars, c->arena, "COMPOSE_PROJECT_NAME", ret->name, "");
    strv_push(c->arena, &m.paths, place->path);
    find_override(&r, place->path, &m);
    m.first = compose_unit_of(&r, &f, c->file, v);
    const struct yaml_node *tree = compose_strip(&r.fill, read_model(&r, &m, NULL));

    tree = compose_profiles(&r, tree, kvs_get(&vars->values, "COMPOSE_PROFILES"));
    ret->tree = compose_without(&r.fill, compose_fold(&r, tree), "name");
    ret->variables = r.fill.from;
}
