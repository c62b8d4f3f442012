/* fuzz_spec.c: any bytes as a spec file, and what is good of them as desired state.
 *
 * A line `#### FILE` ends the spec; what stands behind it is what every env_file reads. Beyond not crashing: a file without an error
 * has a name for each of its apps, and building the same twice gives the same digests. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "spec/base/arena.h"
#include "spec/config.h"
#include "spec/desired.h"
#include "spec/desired_dump.h"

struct rest {
    const char *text;
    size_t n;
};

static int load(void *ctx, const char *path, struct arena *a, const char **ret_text, size_t *ret_n,
                struct err *e)
{
    const struct rest *r = ctx;

    (void)a;
    if (!r->text)
        return err_set(e, ERR_MISSING, "no %s", path);
    *ret_text = r->text;
    *ret_n = r->n;
    return 0;
}

static struct desired *build(const struct spec_file *f, struct arena *a)
{
    static const struct settings settings = {.owner = "fuzz"};
    static const struct spec_root root = {"/r", true};
    const struct spec_file *const files[] = {f};
    const struct spec_set set = {.roots = &root,
                                 .n_roots = 1,
                                 .files = files,
                                 .n_files = 1,
                                 .overrides = files,
                                 .n_overrides = 1};

    return desired_build(&set, &settings, NULL, INT64_C(1800000000000), a);
}

static void check(const struct spec_file *f, const struct desired *d, const struct desired *again)
{
    assert(f->broken == (f->diags.errors > 0));
    for (size_t i = 0; i < f->n_documents; i++)
        assert(!f->documents[i].ok || f->documents[i].name);
    assert(d->n_apps == again->n_apps);
    for (size_t i = 0; i < d->n_apps; i++) {
        assert(d->apps[i].invalid_input || strlen(d->apps[i].digest) == 64);
        assert(strcmp(d->apps[i].digest, again->apps[i].digest) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char mark[] = "\n#### FILE\n";
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(str_release) struct str out = STR_INIT;
    const char *text = (const char *)data;
    const char *cut = size ? memmem(text, size, mark, sizeof(mark) - 1) : NULL;
    size_t n = cut ? (size_t)(cut + 1 - text) : size;
    struct rest rest = {cut ? cut + sizeof(mark) - 1 : NULL,
                        cut ? size - n - (sizeof(mark) - 2) : 0};
    const struct loader loader = {.read = load, .ctx = &rest};
    struct spec_file f;
    struct diag_list diags;
    struct config config;

    document_parse("/r", "x.yaml", "x.yaml", "/r", text, n, &loader, a, &f);
    const struct desired *d = build(&f, a);

    check(&f, d, build(&f, a));
    desired_dump(d, &out);
    for (size_t i = 0; i < f.diags.n; i++)
        diag_print(&f.diags.v[i], true, &out);
    diag_init(&diags, a);
    (void)config_parse("agent.yaml", text, n, a, &diags, &config);
    return 0;
}
