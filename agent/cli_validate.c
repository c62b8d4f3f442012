/* validate, schema and version: the verbs that need neither engine nor state.
 *
 * Comes in: paths of files and directories. Goes out: every problem in all of them in one run, with its place; exit 1 if there is an error. */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/cli.h"
#include "agent/cli_common.h"
#include "agent/openapi.h"
#include "drivers/engine_fields_doc.h"
#include "drivers/fsx.h"
#include "spec/base/arena.h"
#include "spec/policy.h"
#include "spec/schema.h"

struct tally {
    size_t files, apps, errors, warnings;
    bool json;
    json_t *list;
};

static void tally_diags(struct tally *t, const struct diag_list *l)
{
    static const char *const levels[] = {
        [DIAG_ERROR] = "error", [DIAG_WARNING] = "warning", [DIAG_NOTE] = "note"};
    t->errors += l->errors;
    t->warnings += l->warnings;
    if (!t->json) {
        (void)cli_diags(l, true);
        return;
    }
    for (size_t i = 0; i < l->n; i++) {
        const struct diag *d = &l->v[i];
        json_array_append_new(t->list, json_pack("{s:s, s:s?, s:i, s:i, s:s*, s:s, s:s*}", "level",
                                                 levels[d->level], "file", d->at.file, "line",
                                                 d->at.line, "column", d->at.column, "path",
                                                 d->path, "what", d->what, "hint", d->hint));
    }
}

static void tally_file(struct tally *t, const struct spec_file *f)
{
    t->files++;
    tally_diags(t, &f->diags);
}

static void validate_roots(const char *const *roots, size_t n, const struct options *o,
                           struct tally *t)
{
    struct sources *s = sources_new(roots, n, NULL);
    struct arena *a = arena_new();
    struct kvs nobody = {0};
    (void)sources_scan(s, NULL);
    const struct spec_set *set = sources_set(s);
    struct settings settings = o->settings;
    if (o->words.n > 0) /* which roots they are meant for is not known */
        strv_push(a, &settings.build_allow, "/");
    const struct desired *d = desired_build(set, &settings, &nobody, core_now_ms(), a);
    for (size_t i = 0; i < d->n_files; i++) /* parts of others were told with those */
        tally_file(t, d->files[i]);
    tally_diags(t, &d->diags); /* refusals are among them */
    for (size_t i = 0; i < d->n_apps; i++)
        t->apps += !d->apps[i].invalid_input && !d->apps[i].builtin;
    arena_free(a);
    sources_free(s);
}

int cli_validate(const struct options *o)
{
    struct tally t = {.json = o->json, .list = json_array()};
    const struct strv *paths = o->words.n ? &o->words : &o->roots;
    validate_roots(paths->v, paths->n, o, &t);
    if (o->json)
        cli_put_json(t.list);
    else
        printf("%zu file%s, %zu app%s: %zu error%s, %zu warning%s\n", t.files,
               t.files == 1 ? "" : "s", t.apps, t.apps == 1 ? "" : "s", t.errors,
               t.errors == 1 ? "" : "s", t.warnings, t.warnings == 1 ? "" : "s");
    json_decref(t.list);
    return t.errors > 0 ? 1 : 0;
}

int cli_schema(const struct options *o)
{
    static const struct {
        const char *name;
        void (*write)(struct str *out);
    } kinds[] = {{"app", schema_app},         {"config", schema_config},
                 {"compose", schema_compose}, {"reference", schema_reference},
                 {"policy", policy_page},     {"drift", engine_fields_doc},
                 {"openapi", openapi_write}};
    CLEANUP(str_release) struct str text = STR_INIT;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(kinds[i].name, o->words.v[0]) == 0) {
            kinds[i].write(&text);
            cli_put(&text);
            return 0;
        }
    (void)fprintf(
        stderr,
        "evenkeel: schema wants app, config, compose, openapi, policy, reference or drift, not "
        "\"%s\"\n",
        o->words.v[0]);
    return 1;
}

int cli_version(const struct options *o)
{
    (void)o;
    printf("evenkeel %s\n", evenkeel_version());
    return 0;
}
