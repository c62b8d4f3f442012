/* fuzz_compose.c: any bytes as a Compose file with all the files it names.
 *
 * A line `#### NAME` begins another file, which is found under that name in whatever folder: .env, what env_file, extends, include and secrets name, the override. What is asked of the loader: it
 * ends, within its bounds, and the same files give the same desired state; a file without an error has a name for its app. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "spec/base/arena.h"
#include "spec/base/js.h"
#include "spec/desired.h"
#include "spec/desired_dump.h"

enum { FILES = 16 };

struct files {
    struct {
        const char *name, *text;
        size_t name_n, n;
    } v[FILES];
    size_t n, asked;
};

static void split(const char *text, size_t size, struct files *ret)
{
    static const char mark[] = "\n#### ";
    const char *end = text + size;

    ret->v[0].text = text;
    for (ret->n = 1;; ret->n++) {
        const char *cut = memmem(text, (size_t)(end - text), mark, sizeof(mark) - 1), *line;

        ret->v[ret->n - 1].n = (size_t)((cut ? cut + 1 : end) - ret->v[ret->n - 1].text);
        if (!cut || ret->n == FILES)
            return;
        cut += sizeof(mark) - 1;
        line = memchr(cut, '\n', (size_t)(end - cut));
        if (!line)
            return;
        ret->v[ret->n].name = cut;
        ret->v[ret->n].name_n = (size_t)(line - cut);
        ret->v[ret->n].text = text = line + 1;
    }
}

static int load(void *ctx, const char *path, struct arena *a, const char **ret_text, size_t *ret_n,
                struct err *e)
{
    struct files *f = ctx;
    const char *base = strrchr(path, '/') + 1;
    size_t n = strlen(base);

    /* Bounded by LIMIT_COMPOSE_FILES and the lists that name them. */
    assert(++f->asked < 2000000);
    for (size_t i = 1; i < f->n; i++)
        if (f->v[i].name_n == n && memcmp(f->v[i].name, base, n) == 0) {
            *ret_text = arena_strndup(a, f->v[i].text, f->v[i].n);
            *ret_n = f->v[i].n;
            return 0;
        }
    return err_set(e, ERR_MISSING, "no %s", base);
}

static int digest(void *ctx, const char *path, struct arena *a, const char **ret_digest,
                  struct err *e)
{
    const char *text;
    char hex[SHA256_HEX];
    size_t n;

    if (load(ctx, path, a, &text, &n, e) < 0)
        return -1;
    sha256_hex(text, n, hex);
    *ret_digest = n ? arena_strdup(a, hex) : NULL;
    return 0;
}

static const struct desired *build(struct files *files, struct arena *a, struct str *out)
{
    static const struct settings settings = {.owner = "fuzz"};
    static const struct spec_root root = {"/r", true};
    const struct loader loader = {.read = load, .digest = digest, .ctx = files};
    struct spec_file *f = ARENA_NEW(a, struct spec_file);
    const struct spec_file **list = ARENA_NEW(a, const struct spec_file *);
    struct spec_set *set = ARENA_NEW(a, struct spec_set);

    document_parse("/r", "x.compose.yaml", "x.compose.yaml", "/r", files->v[0].text, files->v[0].n,
                   &loader, a, f);
    assert(f->broken == (f->diags.errors > 0));
    for (size_t i = 0; i < f->n_documents; i++)
        assert(!f->documents[i].ok || f->documents[i].name || !f->documents[i].app);
    *list = f;
    *set = (struct spec_set){.roots = &root, .n_roots = 1, .files = list, .n_files = 1};
    for (size_t i = 0; i < f->diags.n; i++)
        diag_print(&f->diags.v[i], true, out);
    return desired_build(set, &settings, NULL, INT64_C(1800000000000), a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(str_release) struct str once = STR_INIT, twice = STR_INIT;
    struct files files = {0};

    split((const char *)data, size, &files);
    desired_dump(build(&files, a, &once), &once);
    desired_dump(build(&files, a, &twice), &twice);
    assert(strcmp(str_text(&once), str_text(&twice)) == 0);
    return 0;
}
