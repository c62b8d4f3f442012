/* Desired state that remembers apps is the one that is built from nothing: over thousands of changes of files, with files that are really freed when they are
 * replaced, so that whatever still borrowed from them would be found (SAN=address). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "spec/base/arena.h"
#include "spec/desired_dump.h"
#include "spec/desired_memo.h"
#include "spec/document.h"

enum { APPS = 12, STEPS = 1500 };

struct file {
    struct arena *arena; /* NULL: there is none */
    struct spec_file spec;
};

struct world {
    struct file files[APPS], overrides[APPS];
    struct settings settings;
    uint64_t serial;
    uint32_t random;
};

static unsigned pick(struct world *w, unsigned n)
{
    w->random = w->random * 1664525U + 1013904223U;
    return (w->random >> 8) % n;
}

static const char *app_text(struct world *w, unsigned i, struct arena *a)
{
    const char *head = arena_printf(a, "app: a%u\nimage: img%u\n", i, pick(w, 3));

    switch (pick(w, 9)) {
    case 0: return arena_printf(a, "%sroute: /p%u\n", head, pick(w, 6));
    case 1: return arena_printf(a, "%sroute: {host: h%u.test, tls: {cert: c, key: k}}\n", head, i);
    case 2: return arena_printf(a, "%sports: [\"80%u:80\"]\n", head, pick(w, 4));
    case 3:
        return arena_printf(a, "app: a%u\nsource: {path: ./src}\nport: %u\n", i, 1 + pick(w, 3));
    case 4: return arena_printf(a, "app: a%u\nimag: x\n", i);
    case 5:
        return arena_printf(a, "%s---\napp: b%u\nimage: other\nvolumes: [data:/d]\n", head, i % 4);
    case 6:
        return arena_printf(a,
                            "name: a%u\nservices:\n  s: {image: i, scale: %u, networks: [n]}\n"
                            "networks: {n: {}}\n",
                            i, pick(w, 4));
    default: return arena_printf(a, "%senvironment: {A: \"%u\"}\n", head, pick(w, 5));
    }
}

static const char *override_text(struct world *w, unsigned i, struct arena *a)
{
    static const char *const what[] = {"state: stopped", "drift: report", "hold: true",
                                       "restarted-at: 2026-11-20T08:00:00Z"};

    return arena_printf(a, "override: a%u\n%s\n", i, what[pick(w, ARRAY_LEN(what))]);
}

static void replace(struct world *w, unsigned i, bool override)
{
    struct file *f = override ? &w->overrides[i] : &w->files[i];

    arena_free(f->arena);
    *f = (struct file){0};
    if (pick(w, 4) == 0)
        return;
    f->arena = arena_new();
    const char *text = override ? override_text(w, i, f->arena) : app_text(w, i, f->arena);
    const char *name = arena_printf(f->arena, "f%u.yaml", i);

    document_parse(override ? "/o" : "/apps", name, name, "/apps", text, strlen(text), NULL,
                   f->arena, &f->spec);
    f->spec.serial = ++w->serial;
}

static size_t list(struct file *files, const struct spec_file **ret)
{
    size_t n = 0;

    for (unsigned i = 0; i < APPS; i++)
        if (files[i].arena)
            ret[n++] = &files[i].spec;
    return n;
}

static struct desired *desire(struct world *w, struct desired_memo *memo, struct arena *a)
{
    static const struct spec_root root = {"/apps", true};
    static const struct secret_facts secrets[] = {{.name = "c", .digest = "01"},
                                                  {.name = "k", .digest = "02"}};
    const struct spec_file **files = ARENA_ARRAY(a, APPS, const struct spec_file *);
    const struct spec_file **overrides = ARENA_ARRAY(a, APPS, const struct spec_file *);
    struct spec_set *set = ARENA_NEW(a, struct spec_set);

    *set = (struct spec_set){.roots = &root,
                             .n_roots = 1,
                             .files = files,
                             .n_files = list(w->files, files),
                             .overrides = overrides,
                             .n_overrides = list(w->overrides, overrides),
                             .secrets = secrets,
                             .n_secrets = ARRAY_LEN(secrets),
                             .secrets_known = true,
                             .memo = memo};
    return desired_build(set, &w->settings, NULL, 5, a);
}

static void check_containers(struct desired *d)
{
    for (size_t i = 0; i < d->n_apps; i++)
        for (size_t s = 0; s < d->apps[i].n_services; s++)
            for (size_t k = 0; k < d->apps[i].services[s].n_containers; k++) {
                struct want_container *c = &d->apps[i].services[s].containers[k];

                assert_ptr_equal(c->app, &d->apps[i]);
                assert_ptr_equal(c->service, &d->apps[i].services[s]);
                assert_null(c->body);
                assert_null(c->sealed_for);
                assert_string_equal(c->hash, "");
                c->body = c->sealed_for = "bound";
                (void)snprintf(c->hash, sizeof(c->hash), "bound");
            }
}

static void check_same(const struct desired *is, const struct desired *should)
{
    CLEANUP(str_release) struct str a = STR_INIT, b = STR_INIT;

    desired_dump(is, &a);
    desired_dump(should, &b);
    assert_string_equal(str_text(&a), str_text(&b));
    for (size_t i = 0; i < is->n_apps; i++)
        assert_string_equal(is->apps[i].digest, should->apps[i].digest);
}

static void test_same_as_from_nothing(void **state)
{
    struct world w = {.random = 7, .settings = {.owner = "default", .pool_prefix = 26}};
    struct desired_memo *memo = desired_memo_new();
    struct arena *mine = arena_new(), *other = arena_new();

    (void)state;
    w.settings.pool = "10.0.0.0/8";
    ingress_defaults(&w.settings.ingress);
    w.settings.ingress.dir = "/state/ingress";
    for (unsigned i = 0; i < APPS; i++)
        replace(&w, i, false);
    for (int step = 0; step < STEPS; step++) {
        for (unsigned n = pick(&w, 3); n > 0; n--)
            replace(&w, pick(&w, APPS), pick(&w, 3) == 0);
        arena_clear(mine);
        arena_clear(other);
        struct desired *d = desire(&w, memo, mine);

        check_same(d, desire(&w, NULL, other));
        check_containers(d);
    }
    for (unsigned i = 0; i < APPS; i++) {
        arena_free(w.files[i].arena);
        arena_free(w.overrides[i].arena);
    }
    desired_memo_free(memo);
    arena_free(mine);
    arena_free(other);
}

/* The content of a secret is no part of any document. */
static void test_a_secret_is_read_each_time(void **state)
{
    struct world w = {.settings = {.owner = "default", .pool = "10.0.0.0/8", .pool_prefix = 26}};
    struct desired_memo *memo = desired_memo_new();
    struct secret_facts secrets[] = {{.name = "c", .digest = "01"}, {.name = "k", .digest = "02"}};
    static const char text[] = "app: a\nimage: i\nroute: {host: a.test, tls: {cert: c, key: k}}\n";
    struct arena *a = arena_new();
    struct spec_file file;
    const struct spec_file *files[] = {&file};
    const struct spec_root root = {"/apps", true};

    (void)state;
    ingress_defaults(&w.settings.ingress);
    document_parse("/apps", "a.yaml", "a.yaml", "/apps", text, strlen(text), NULL, a, &file);
    file.serial = 1;
    const struct spec_set set = {.roots = &root,
                                 .n_roots = 1,
                                 .files = files,
                                 .n_files = 1,
                                 .secrets = secrets,
                                 .n_secrets = 2,
                                 .secrets_known = true,
                                 .memo = memo};
    char before[SHA256_HEX];
    const struct desired *d = desired_build(&set, &w.settings, NULL, 5, a);

    assert_int_equal(d->n_apps, 1);
    memcpy(before, d->apps[0].digest, sizeof(before));
    secrets[0].digest = "03";
    d = desired_build(&set, &w.settings, NULL, 5, a);
    assert_string_not_equal(d->apps[0].digest, before);
    desired_memo_free(memo);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_as_from_nothing),
        cmocka_unit_test(test_a_secret_is_read_each_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
