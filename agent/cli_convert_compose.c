/* convert: an app as one Compose file that needs no other, the way `docker compose config` prints one.
 *
 * Comes in: an app of the roots, or the path of a file, a folder or an archive. Goes out: YAML or JSON on standard output, what is wrong with it on standard error. Like that program it prints what is in env
 * files and .env, passwords too. Writes no file, asks no engine. */
#include "agent/cli_convert_compose.h"

#include <sys/stat.h>

#include "agent/bundle_open.h"
#include "agent/cli.h"
#include "agent/cli_common.h"
#include "agent/options.h"
#include "agent/sources.h"
#include "drivers/fsx.h"
#include "spec/base/arena.h"
#include "spec/compose_config.h"
#include "spec/yaml_write.h"

static const char *folder_of(const char *path, struct arena *a)
{
    const char *slash = strrchr(path, '/');

    return slash && slash != path ? arena_strndup(a, path, (size_t)(slash - path)) : "/";
}

static int print(const struct spec_file *f, const struct document *d, const struct options *o,
                 struct arena *a)
{
    CLEANUP(str_release) struct str out = STR_INIT;
    struct stat st;
    bool alone = stat(f->root, &st) == 0 && !S_ISDIR(st.st_mode); /* the root is the file itself */
    const char *path = alone ? f->root : fsx_join(f->root, f->path, a);
    const struct yaml_node *v = compose_config(d, folder_of(path, a), a);

    if (o->json)
        yaml_write_json(v, &out);
    else
        yaml_write(v, &out);
    cli_put(&out);
    return 0;
}

static bool is_app(const struct document *d)
{
    return d->ok && d->app && d->tree;
}

int convert_compose_app(const struct spec_set *set, const char *app, const struct options *o,
                        struct arena *a, struct err *e)
{
    for (size_t i = 0; i < set->n_files; i++)
        for (size_t k = 0; k < set->files[i]->n_documents; k++) {
            const struct document *d = &set->files[i]->documents[k];

            if (is_app(d) && strcmp(d->app->name, app) == 0)
                return print(set->files[i], d, o, a);
        }
    return err_set(e, ERR_USER, "%s has no spec that can be converted", app);
}

/* The one app of these files. */
static int only_app(const struct spec_set *set, const char *path, const struct options *o,
                    struct arena *a, struct err *e)
{
    CLEANUP(str_release) struct str names = STR_INIT;
    const char *app = NULL;
    size_t n = 0, errors = 0;

    for (size_t i = 0; i < set->n_files; i++) {
        (void)cli_diags(&set->files[i]->diags, true);
        errors += set->files[i]->diags.errors;
        for (size_t k = 0; k < set->files[i]->n_documents; k++) {
            if (!is_app(&set->files[i]->documents[k]))
                continue;
            app = set->files[i]->documents[k].app->name;
            str_addf(&names, "%s%s", n++ ? ", " : "", app);
        }
    }
    if (n > 1)
        return err_set(e, ERR_USER, "%s holds several apps: %s; name the file of one", path,
                       str_text(&names));
    if (!app)
        return err_set(e, ERR_USER,
                       errors ? "%s has errors, which are told above" : "%s holds no app", path);
    return convert_compose_app(set, app, o, a, e);
}

static int archive(const char *path, const struct options *o, struct arena *a, struct err *e)
{
    const char *error;
    bool passing;
    const struct bundle_spec *spec =
        bundle_read(path, &o->settings.build_limits, a, &error, &passing);
    const struct spec_file f = {
        .root = folder_of(path, a), .path = strrchr(path, '/') + 1, .name = path, .bundle = path};
    const struct spec_file *files[] = {&f};

    if (error)
        return err_set(e, ERR_USER, "%s", error);
    if (!*spec->name)
        return err_set(e, ERR_USER,
                       "%s brings neither evenkeel.yaml nor a Compose file along; see its "
                       "Dockerfile with --dockerfile",
                       path);
    files[0] = bundle_open(&f, spec, NULL, a);
    return only_app(&(struct spec_set){.files = files, .n_files = 1}, path, o, a, e);
}

int convert_compose_path(const char *path, const struct options *o, struct arena *a, struct err *e)
{
    if (bundle_name(path))
        return archive(path, o, a, e);
    struct sources *s = sources_new(&path, 1, NULL);

    (void)sources_scan(s, NULL);
    struct settings settings = o->settings;
    const struct kvs nobody = {0};

    strv_push(a, &settings.build_allow, "/");
    const struct desired *d = desired_build(sources_set(s), &settings, &nobody, 0, a);
    /* Without those that are parts of others. */
    const struct spec_set whole = {.files = d->files, .n_files = d->n_files};
    int rc = only_app(&whole, path, o, a, e);

    sources_free(s);
    return rc;
}
