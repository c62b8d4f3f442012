/* test_compose_config.c: what `convert` prints means what it was made of: every good spec of tests/spec is converted, read again as a Compose file, and gives the same desired state. What
 * Docker's own program makes of it is compared by tests/compose-config.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>

#include "spec/base/arena.h"
#include "spec/compose_config.h"
#include "spec/desired.h"
#include "spec/desired_dump.h"
#include "spec/yaml_write.h"

static int load(void *ctx, const char *path, struct arena *a, const char **ret_text, size_t *ret_n,
                struct err *e)
{
    char block[65536];
    FILE *f = strncmp(path, "/apps/", 6) == 0
                  ? fopen(arena_printf(a, "tests/spec/good/%s", path + 6), "r")
                  : NULL;

    (void)ctx;
    if (!f)
        return err_set(e, ERR_MISSING, "no such file");
    *ret_n = fread(block, 1, sizeof(block) - 1, f);
    (void)fclose(f);
    block[*ret_n] = '\0';
    *ret_text = arena_strdup(a, block);
    return 0;
}

static const struct loader loader = {.read = load};

static struct spec_file *parse(const char *path, const char *text, struct arena *a)
{
    struct spec_file *f = ARENA_NEW(a, struct spec_file);

    document_parse("/apps", path, path, "/apps", text, strlen(text), &loader, a, f);
    return f;
}

/* Lines that are about the file and not about what it asks for. */
static bool is_about_the_file(const char *line)
{
    static const char *const words[] = {"  origin ",
                                        "  at ",
                                        "note com.docker.compose.",
                                        "note evenkeel.origin",
                                        "note evenkeel.revision",
                                        "    name: \""};

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strstr(line, words[i]))
            return true;
    return false;
}

static void drop(char *line, const char *words)
{
    for (char *at = strstr(line, words); at; at = strstr(at, words))
        memmove(at, at + strlen(words), strlen(at + strlen(words)) + 1);
}

static const char *meaning(const struct spec_file *f, struct arena *a)
{
    static const struct spec_root root = {"/apps", true};
    struct settings settings = {.owner = "default"};
    const struct spec_file *files[] = {f};
    const struct spec_set set = {.roots = &root, .n_roots = 1, .files = files, .n_files = 1};
    CLEANUP(str_release) struct str out = STR_INIT;
    CLEANUP(str_release) struct str left = STR_INIT;
    char *save = NULL;

    strv_push(a, &settings.build_allow, "/");
    desired_dump(desired_build(&set, &settings, &(struct kvs){0}, INT64_C(1795341600000), a), &out);
    char *text = arena_strdup(a, str_text(&out));

    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        if (!is_about_the_file(line)) {
            /* What holds anyhow may be written down. */
            drop(line, ", required: true");
            drop(line,
                 ", restart: true"); /* Compose says it of links, where it goes without saying */
            drop(line, "dockerfile: \"Dockerfile\", ");
            str_addf(&left, "%s\n", line);
        }
    return arena_strdup(a, str_text(&left));
}

/* One document by itself, so that both sides hold one app. */
static bool check(const char *name, struct spec_file *f, struct document *d, struct arena *a)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    CLEANUP(str_release) struct str said = STR_INIT;
    struct spec_file alone = *f;

    alone.documents = d;
    alone.n_documents = 1;
    yaml_write(compose_config(d, "/apps", a), &text);
    struct spec_file *again =
        parse(arena_printf(a, "%s.compose.yaml", d->app->name), str_text(&text), a);

    for (size_t i = 0; i < again->diags.n; i++)
        diag_print(&again->diags.v[i], true, &said);
    if (again->broken) {
        print_error("%s: what was printed is refused:\n%s", name, str_text(&said));
        return false;
    }
    const char *want = meaning(&alone, a), *have = meaning(again, a);
    const char *line_want = want, *line_have = have;

    if (strcmp(want, have) == 0)
        return true;
    while (*want == *have) {
        if (*want == '\n') {
            line_want = want + 1;
            line_have = have + 1;
        }
        want++;
        have++;
    }
    print_error("%s means something else: wanted \"%.*s\", is \"%.*s\"\n", name,
                (int)strcspn(line_want, "\n"), line_want, (int)strcspn(line_have, "\n"), line_have);
    return false;
}

static int is_spec(const struct dirent *d)
{
    size_t n = strlen(d->d_name);

    return n > 5 && strcmp(d->d_name + n - 5, ".yaml") == 0;
}

static void what_is_printed_means_the_same(void **state)
{
    struct dirent **names = NULL;
    int found = scandir("tests/spec/good", &names, is_spec, alphasort);
    size_t apps = 0, wrong = 0;

    (void)state;
    for (int i = 0; i < found; i++) {
        struct arena *a = arena_new();
        const char *text;
        size_t n;
        struct err e = {0};

        assert_int_equal(
            load(NULL, arena_printf(a, "/apps/%s", names[i]->d_name), a, &text, &n, &e), 0);
        struct spec_file *f = parse(names[i]->d_name, text, a);

        /* Some cases are several files in one. */
        for (size_t k = 0; !strstr(text, "#### ") && k < f->n_documents; k++) {
            if (!f->documents[k].ok || !f->documents[k].app)
                continue;
            wrong += !check(names[i]->d_name, f, &f->documents[k], a);
            apps++;
        }
        arena_free(a);
        free(names[i]);
    }
    free(names);
    assert_true(apps > 20);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_printed_means_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
