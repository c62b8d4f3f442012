/* fuzz_forms.c: any text as one value of a Compose file: interpolation, env files, and the short forms of a service's keys.
 *
 * The first byte says what the rest is; any other than those of the tables counts as a text with variables. What is asked: it ends, within its bounds; what needs no variable stays as it is;
 * names of variables hold nothing that the engine would not take; a service without an error has an app, the same each time. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "spec/base/arena.h"
#include "spec/desired.h"
#include "spec/desired_dump.h"
#include "spec/env_file.h"
#include "spec/interpolate.h"
#include "spec/limits.h"

enum { TEXT_MOST = 4096 };

static const char *look_up(void *ctx, const char *name, const char **ret_file)
{
    (void)ctx;
    *ret_file = ".env";
    return strcmp(name, "A") == 0 ? "one" : strcmp(name, "E") == 0 ? "" : NULL;
}

static const struct interpolate_source variables = {look_up, NULL};

/* ---- texts and files of variables ---- */

static void fill_in(const char *text, struct arena *a)
{
    struct interpolate_result ret = {0};
    bool needed = interpolate_needed(text);

    if (interpolate_text(text, &variables, a, &ret) < 0) {
        assert(needed && ret.error && !ret.text);
        return;
    }
    assert(!ret.error && strlen(ret.text) <= LIMIT_TEXT);
    assert(needed || strcmp(ret.text, text) == 0);
    assert(ret.unset.n <= 16);
}

static void read_variables(const char *text, size_t n, bool raw, bool fill, struct arena *a)
{
    const struct env_text in = {
        .name = "x.env", .text = text, .n = n, .raw = raw, .variables = fill ? &variables : NULL};
    struct diag_list diags;
    struct strv bare = {0};
    struct kvs vars = {0};

    diag_init(&diags, a);
    env_file_parse(&in, a, &diags, &vars, &bare);
    for (size_t i = 0; i < vars.n; i++)
        assert(*vars.v[i].key && !strpbrk(vars.v[i].key, "= \t\r\n\"'$#"));
    for (size_t i = 0; i < bare.n; i++)
        assert(*bare.v[i] && !strpbrk(bare.v[i], "= \t\r\n\"'$#"));
    for (size_t i = 0; i < diags.n; i++)
        assert(diags.v[i].at.line > 0 && diags.v[i].at.column >= 0);
}

/* ---- short forms ---- */

static const struct {
    char sign;
    const char *before, *after; /* of the quoted text */
} forms[] = {
    {'p', "ports: [", "]"},
    {'v', "volumes: [", "]"},
    {'d', "devices: [", "]"},
    {'u', "ulimits: {nofile: ", "}"},
    {'t', "tmpfs: [", "]"},
    {'h', "extra_hosts: [", "]"},
    {'c', "command: ", ""},
    {'m', "mem_limit: ", ""},
    {'g', "stop_grace_period: ", ""},
    {'r', "restart: ", ""},
    {'l', "links: [", "]"},
    {'f', "volumes_from: [", "]"},
    {'y', "sysctls: [", "]"},
    {'n', "environment: [", "]"},
    {'b', "labels: [", "]"},
    {'i', "image: ", ""},
    {'P', "cpus: ", ""},
    {'D', "device_cgroup_rules: [", "]"},
    {'R', "x-evenkeel: {route: ", "}"},
    {'B', "build: {context: ., dockerfile: ", "}"},
    {'G', "gpus: ", ""},
    {'E', "expose: [", "]"},
    {'N', "network_mode: ", ""},
    {'M', "mac_address: ", ""},
    {'S', "secrets: [", "]"},
    {'F', "env_file: [", "]"},
    {'H', "healthcheck: {test: x, interval: ", "}"},
    {'L', "blkio_config: {device_read_bps: [{path: /dev/a, rate: ", "}]}"},
    {'C', "cpuset: ", ""},
    {'K', "user: ", ""},
};

static void add_quoted(struct str *out, const char *text)
{
    str_addc(out, '"');
    for (const char *s = text; *s; s++)
        if (*s >= ' ' && *s < 0x7f && *s != '"' && *s != '\\')
            str_addc(out, *s);
        else
            str_addf(out, "\\x%02x", (unsigned char)*s);
    str_addc(out, '"');
}

static int no_file(void *ctx, const char *path, struct arena *a, const char **ret_text,
                   size_t *ret_n, struct err *e)
{
    (void)ctx, (void)a, (void)ret_text, (void)ret_n;
    return err_set(e, ERR_MISSING, "no %s", path);
}

static void parse(const char *text, struct arena *a, struct str *out)
{
    static const struct settings settings = {.owner = "fuzz"};
    static const struct spec_root root = {"/r", true};
    const struct loader loader = {.read = no_file};
    struct spec_file *f = ARENA_NEW(a, struct spec_file);
    const struct spec_file **list = ARENA_NEW(a, const struct spec_file *);
    struct spec_set *set = ARENA_NEW(a, struct spec_set);

    document_parse("/r", "x.compose.yaml", "x.compose.yaml", "/r", text, strlen(text), &loader, a,
                   f);
    assert(f->broken == (f->diags.errors > 0));
    assert(f->broken || (f->n_documents == 1 && f->documents[0].app));
    for (size_t i = 0; i < f->diags.n; i++) {
        assert(f->diags.v[i].at.line > 0 && f->diags.v[i].at.column > 0);
        diag_print(&f->diags.v[i], true, out);
    }
    *list = f;
    *set = (struct spec_set){.roots = &root, .n_roots = 1, .files = list, .n_files = 1};
    desired_dump(desired_build(set, &settings, NULL, INT64_C(1800000000000), a), out);
}

static void try_form(size_t which, const char *text, struct arena *a)
{
    CLEANUP(str_release) struct str file = STR_INIT, once = STR_INIT, twice = STR_INIT;

    str_add(&file, "services:\n  web:\n");
    if (forms[which].sign != 'i' && forms[which].sign != 'B')
        str_add(&file, "    image: x\n");
    str_addf(&file, "    %s", forms[which].before);
    add_quoted(&file, text);
    str_addf(&file, "%s\n  db: {image: x}\nvolumes: {v: }\nsecrets: {s: {external: true}}\n",
             forms[which].after);
    parse(str_text(&file), a, &once);
    parse(str_text(&file), a, &twice);
    assert(strcmp(str_text(&once), str_text(&twice)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();

    if (size == 0 || size > TEXT_MOST)
        return 0;
    char *text = ARENA_ARRAY(a, size, char);

    memcpy(text, data + 1, size - 1);
    if (*data == 'e' || *data == 'w' || *data == 'x') {
        read_variables(text, size - 1, *data == 'w', *data == 'e', a);
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(forms); i++)
        if (forms[i].sign == *data) {
            try_form(i, text, a);
            return 0;
        }
    fill_in(text, a);
    return 0;
}
