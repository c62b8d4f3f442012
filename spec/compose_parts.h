/* compose_parts.h: what the rooms behind compose.h share. Nobody else includes this. */
#ifndef EK_COMPOSE_PARTS_H
#define EK_COMPOSE_PARTS_H

#include "spec/compose.h"
#include "spec/compose_vars.h"

enum service_state { SERVICE_NEW = 0, SERVICE_OPEN, SERVICE_DONE };

/* One file, read for one set of variables. */
struct compose_unit {
    const char *path; /* absolute */
    const struct compose_vars *vars;
    const struct yaml_node *root;     /* filled in */
    const struct yaml_node *services; /* its `services`, a mapping; or NULL */
    const struct yaml_node *
        *extended; /* the same services with `extends` resolved, where state says so */
    enum service_state *state;
};

struct compose_run {
    struct decode_ctx *c;
    struct compose_fill fill;
    const char *root;   /* absolute folder that no path may leave */
    const char *prefix; /* of the root in names for people: "apps/"; NULL: unknown */
    size_t n_files;
    struct compose_unit **bases; /* files that `extends` names, each read once */
    size_t n_bases, cap_bases;
    struct strv *parts;
    int depth; /* of extends */
};

/* What to read, and as what. */
struct compose_file {
    const char *path, *dir;     /* absolute; dir: where its relative paths begin */
    const struct yaml_node *at; /* what names it; place of complaints */
    struct compose_vars *vars;
};

/* NULL after a complaint. */
struct compose_unit *compose_read(struct compose_run *r, const struct compose_file *f);
struct compose_unit *compose_unit_of(struct compose_run *r, const struct compose_file *f,
                                     const struct yaml_file *file, const struct yaml_node *root);
/* The text of a file below the root, or NULL after a complaint; without one where it is missing and need not be there. */
const char *compose_load(struct compose_run *r, const char *path, const struct yaml_node *at,
                         bool required, size_t *ret_n);
/* path as people know it. */
const char *compose_display(const struct compose_run *r, const char *path);

/* The folder of an absolute path. */
const char *compose_folder(struct arena *a, const char *path);

/* ---- compose_name.c ---- */

/* Name and place of ret, from `name:` (may be NULL) or the file's own; complains when there is none. */
void compose_find_name(struct compose_run *r, const struct compose_place *place,
                       const struct yaml_node *name, struct compose_result *ret);
/* Does the text of length n end so? Then its length without that. */
bool compose_ends(const char *s, size_t n, const char *end, size_t *ret_n);
/* Length without ending of a name that Compose reads by itself (compose.yaml, docker-compose.yml, shop.compose.yaml); else 0. */
size_t compose_stem(const char *base);

/* ---- compose_extends.c ---- */

/* The document of u with all `extends` resolved. */
const struct yaml_node *compose_extends(struct compose_run *r, struct compose_unit *u);

/* ---- compose_service.c ---- */

/* root without the services whose profiles are not active. given: names with commas between, or NULL. */
const struct yaml_node *compose_profiles(struct compose_run *r, const struct yaml_node *root,
                                         const char *given);
/* root with each service's `x-evenkeel` folded into it. */
const struct yaml_node *compose_fold(struct compose_run *r, const struct yaml_node *root);
/* root with names of variables that have no value (environment, build.args) given theirs. */
const struct yaml_node *compose_inherit(struct compose_run *r, const struct compose_vars *vars,
                                        const struct yaml_node *root);

#endif
