/* Golden Compose files: each folder tests/compose/CASE is a root, /apps. Its *.yaml and *.yml are put through document_parse, what lies in its folders is only read where
 * they name it, and all that comes out stands in CASE/expect: diagnostics, the variables that were used, desired state. The first line of one of its files says in words what
 * the case shows; only cases called bad-* have errors. EVENKEEL_UPDATE=1 writes what comes out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>

#include "spec/base/arena.h"
#include "spec/base/js.h"
#include "spec/desired.h"
#include "spec/desired_dump.h"

struct golden {
    const char *name;
    struct arena *arena;
};

static const char *read_file(const char *path, struct arena *a, size_t *ret_n)
{
    FILE *f = fopen(path, "r");
    CLEANUP(str_release) struct str text = STR_INIT;
    char block[4096];
    size_t n;

    if (!f)
        return NULL;
    while ((n = fread(block, 1, sizeof(block), f)) > 0)
        str_addn(&text, block, n);
    (void)fclose(f);
    *ret_n = text.len;
    return arena_strdup(a, str_text(&text));
}

static int load(void *ctx, const char *path, struct arena *a, const char **ret_text, size_t *ret_n,
                struct err *e)
{
    const struct golden *g = ctx;
    const char *text = NULL;

    if (strncmp(path, "/apps/", 6) != 0)
        fail_msg("%s: asked for %s, which is outside its root", g->name, path);
    text = read_file(arena_printf(a, "tests/compose/%s/%s", g->name, path + 6), a, ret_n);
    if (!text)
        return err_set(e, ERR_MISSING, "no such file");
    *ret_text = text;
    return 0;
}

/* What lies outside of its root is as good as there: its path stands for what it holds. */
static int digest(void *ctx, const char *path, struct arena *a, const char **ret_digest,
                  struct err *e)
{
    const struct golden *g = ctx;
    const char *text = path;
    size_t n = strlen(path);
    char hex[SHA256_HEX];

    if (strncmp(path, "/apps/", 6) == 0)
        text = read_file(arena_printf(a, "tests/compose/%s/%s", g->name, path + 6), a, &n);
    if (!text)
        return err_set(e, ERR_MISSING, "no such file");
    sha256_hex(text, n, hex);
    *ret_digest = arena_strdup(a, hex);
    return 0;
}

static int is_spec(const struct dirent *d)
{
    size_t n = strlen(d->d_name);

    return (n > 5 && strcmp(d->d_name + n - 5, ".yaml") == 0) ||
           (n > 4 && strcmp(d->d_name + n - 4, ".yml") == 0);
}

static size_t parse_all(struct golden *g, const struct spec_file **files, size_t most)
{
    const struct loader loader = {.read = load, .digest = digest, .ctx = g};
    struct dirent **names = NULL;
    bool told = false;
    int found =
        scandir(arena_printf(g->arena, "tests/compose/%s", g->name), &names, is_spec, alphasort);

    assert_true(found > 0 && (size_t)found <= most);
    for (int i = 0; i < found; i++) {
        struct spec_file *f = ARENA_NEW(g->arena, struct spec_file);
        const char *name = arena_strdup(g->arena, names[i]->d_name);
        size_t n = 0;
        const char *text =
            read_file(arena_printf(g->arena, "tests/compose/%s/%s", g->name, name), g->arena, &n);

        assert_non_null(text);
        told |= strncmp(text, "# ", 2) == 0;
        document_parse("/apps", name, arena_printf(g->arena, "apps/%s", name), "/apps", text, n,
                       &loader, g->arena, f);
        files[i] = f;
        free(names[i]);
    }
    free(names);
    if (!told)
        fail_msg("%s: the first line of one of its files must say what the case shows", g->name);
    return (size_t)found;
}

static size_t print(const struct spec_file *const *files, size_t n, struct str *out)
{
    size_t errors = 0;

    for (size_t i = 0; i < n; i++) {
        const struct spec_file *f = files[i];

        for (size_t k = 0; k < f->diags.n; k++)
            diag_print(&f->diags.v[k], true, out);
        errors += f->diags.errors;
        for (size_t k = 0; k < f->n_documents; k++)
            for (size_t v = 0; f->documents[k].app && v < f->documents[k].app->variables.n; v++)
                str_addf(out, "%s: variable %s from %s\n", f->name,
                         f->documents[k].app->variables.v[v].key,
                         f->documents[k].app->variables.v[v].value);
        for (size_t k = 0; k < f->parts.n; k++)
            str_addf(out, "%s: part %s\n", f->name, f->parts.v[k]);
    }
    return errors;
}

static void compare(struct golden *g, const char *got)
{
    const char *path = arena_printf(g->arena, "tests/compose/%s/expect", g->name);
    size_t n;
    const char *want = read_file(path, g->arena, &n);

    if (getenv("EVENKEEL_UPDATE") && (!want || strcmp(want, got) != 0)) {
        FILE *f = fopen(path, "w");

        assert_non_null(f);
        assert_true(fputs(got, f) >= 0);
        assert_int_equal(fclose(f), 0);
        return;
    }
    if (!want)
        fail_msg("%s is missing; EVENKEEL_UPDATE=1 writes it", path);
    if (strcmp(want, got) != 0)
        fail_msg("%s differs.\n---- want\n%s---- got\n%s----", path, want, got);
}

static void test_case(void **state)
{
    enum { MOST = 32 };
    struct golden *g = *state;
    CLEANUP(str_release) struct str out = STR_INIT;
    const struct spec_file *files[MOST];
    const struct spec_root root = {"/apps", true};
    struct settings settings = {.owner = "default"};

    g->arena = arena_new();
    strv_push(g->arena, &settings.build_allow, "/apps");
    size_t n = parse_all(g, files, MOST);
    const struct spec_set set = {.roots = &root, .n_roots = 1, .files = files, .n_files = n};
    const struct desired *d =
        desired_build(&set, &settings, &(struct kvs){0}, INT64_C(1795341600000), g->arena);

    size_t errors = print(d->files, d->n_files, &out);

    desired_dump(d, &out);
    errors += d->diags.errors;
    if ((errors > 0) != (strncmp(g->name, "bad-", 4) == 0))
        fail_msg("%s: %zu errors\n%s", g->name, errors, str_text(&out));
    compare(g, str_text(&out));
    arena_free(g->arena);
}

static int cmp_test(const void *a, const void *b)
{
    return strcmp(((const struct CMUnitTest *)a)->name, ((const struct CMUnitTest *)b)->name);
}

int main(void)
{
    enum { MOST = 256 };
    struct arena *a = arena_new();
    struct CMUnitTest *tests = ARENA_ARRAY(a, MOST, struct CMUnitTest);
    DIR *d = opendir("tests/compose");
    size_t n = 0;

    if (!d)
        return 1;
    for (struct dirent *e; (e = readdir(d)) && n < MOST;) {
        struct golden *g = ARENA_NEW(a, struct golden);

        if (*e->d_name == '.')
            continue;
        g->name = arena_strdup(a, e->d_name);
        tests[n++] = (struct CMUnitTest){g->name, test_case, NULL, NULL, g};
    }
    (void)closedir(d);
    qsort(tests, n, sizeof(tests[0]), cmp_test);
    int failed = _cmocka_run_group_tests("golden Compose files", tests, n, NULL, NULL);

    arena_free(a);
    return failed;
}
