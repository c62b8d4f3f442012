/* spec_case.h: one golden case: a text that holds one or several files, put through document_parse and desired_build.
 *
 * A line `#### NAME` begins a file of that name: `overrides/...` is an override, `*.yaml` a spec, `incumbents` a list of lines "APP
 * ORIGIN" of what runs already, `agent` the agent's configuration (for `ingress:`), `secrets` lines "NAME [what is wrong with it]", `served` lines
 * "HOST/PATH APP", `routed` lines "APP", everything else a file for the loader (env_file). Without such a line the whole text is one spec named
 * after the case. The root is /apps. */
#ifndef EK_TEST_SPEC_CASE_H
#define EK_TEST_SPEC_CASE_H

#include <assert.h>
#include <stdio.h>

#include "spec/base/arena.h"
#include "spec/config.h"
#include "spec/desired.h"

#define CASE_NOW_MS INT64_C(1795341600000) /* 2026-11-22T10:00:00Z */
enum { CASE_FILES = 16 };

struct case_part {
    const char *name, *text;
    size_t n;
};

struct spec_case {
    struct arena *arena;
    struct case_part parts[CASE_FILES];
    size_t n_parts;
    const struct spec_file *files[CASE_FILES], *overrides[CASE_FILES];
    size_t n_files, n_overrides;
    struct kvs incumbents, served;
    struct strv routed;
    struct secret_facts secrets[CASE_FILES];
    size_t n_secrets;
    struct settings settings;
    struct spec_root root;
    struct loader loader;
    struct desired *desired;
};

static int case_load(void *ctx, const char *path, struct arena *a, const char **ret_text,
                     size_t *ret_n, struct err *e)
{
    const struct spec_case *c = ctx;

    (void)a;
    for (size_t i = 0; i < c->n_parts; i++) {
        if (strncmp(path, "/apps/", 6) != 0 || strcmp(c->parts[i].name, path + 6) != 0)
            continue;
        *ret_text = c->parts[i].text;
        *ret_n = c->parts[i].n;
        return 0;
    }
    return err_set(e, ERR_MISSING, "no such file");
}

static void case_split(struct spec_case *c, const char *name, const char *text)
{
    const char *mark = strncmp(text, "#### ", 5) == 0 ? text : strstr(text, "\n#### ");

    if (!mark) {
        c->parts[c->n_parts++] = (struct case_part){name, text, strlen(text)};
        return;
    }
    while (mark) {
        const char *from = strchr(mark, ' ') + 1, *body = strchr(from, '\n') + 1;

        mark = strstr(body - 1, "\n#### ");
        size_t n = mark ? (size_t)(mark + 1 - body) : strlen(body);

        assert(c->n_parts < CASE_FILES);
        c->parts[c->n_parts++] =
            (struct case_part){arena_strndup(c->arena, from, (size_t)(body - 1 - from)),
                               arena_strndup(c->arena, body, n), n};
    }
}

static void case_pairs(struct arena *a, const char *text, struct kvs *ret)
{
    char *copy = arena_strdup(a, text), *save = NULL;

    for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char *blank = line + strcspn(line, " ");

        kvs_set(a, ret, arena_strndup(a, line, (size_t)(blank - line)), *blank ? blank + 1 : NULL);
    }
}

static void case_words(struct arena *a, const char *text, struct strv *ret)
{
    struct kvs l = {0};

    case_pairs(a, text, &l);
    for (size_t i = 0; i < l.n; i++)
        strv_push(a, ret, l.v[i].key);
}

static void case_agent(struct spec_case *c, const char *text)
{
    struct diag_list diags;
    struct config config = {0};

    diag_init(&diags, c->arena);
    assert(config_parse("agent.yaml", text, strlen(text), c->arena, &diags, &config) == 0);
    c->settings.ingress = config.ingress;
    c->settings.ingress.dir = "/state/ingress";
    c->settings.ingress.acme_dir = "/state/ingress-acme";
    c->settings.policy = config.policy;
}

/* The digest of a secret is that of its name. */
static void case_secrets(struct spec_case *c, const char *text)
{
    struct kvs l = {0};

    case_pairs(c->arena, text, &l);
    assert(l.n <= CASE_FILES);
    for (size_t i = 0; i < l.n; i++) {
        char *hex = arena_alloc(c->arena, SHA256_HEX);

        sha256_hex(l.v[i].key, strlen(l.v[i].key), hex);
        c->secrets[c->n_secrets++] =
            (struct secret_facts){.name = l.v[i].key, .digest = hex, .problem = l.v[i].value};
    }
}

static const struct spec_file *case_parse(struct spec_case *c, const struct case_part *p,
                                          const char *root)
{
    struct spec_file *f = ARENA_NEW(c->arena, struct spec_file);

    document_parse(root, p->name, arena_printf(c->arena, "apps/%s", p->name), root, p->text, p->n,
                   &c->loader, c->arena, f);
    return f;
}

/* c must be zeroed but for settings; everything lives in the arena. */
static inline void case_run(struct spec_case *c, struct arena *a, const char *name,
                            const char *text)
{
    struct settings settings = c->settings;

    *c = (struct spec_case){.arena = a, .settings = settings, .root = {"/apps", true}};
    c->loader = (struct loader){.read = case_load, .ctx = c};
    if (!c->settings.owner)
        c->settings.owner = "default";
    if (c->settings.build_allow.n == 0) { /* what the configuration allows beside the root */
        strv_push(a, &c->settings.build_allow, "/code/");
        strv_push(a, &c->settings.build_allow, "/srv/code");
    }
    case_split(c, name, text);
    for (size_t i = 0; i < c->n_parts; i++) {
        const struct case_part *p = &c->parts[i];
        size_t n = strlen(p->name);

        if (strcmp(p->name, "incumbents") == 0)
            case_pairs(a, p->text, &c->incumbents);
        else if (strcmp(p->name, "served") == 0)
            case_pairs(a, p->text, &c->served);
        else if (strcmp(p->name, "routed") == 0)
            case_words(a, p->text, &c->routed);
        else if (strcmp(p->name, "secrets") == 0)
            case_secrets(c, p->text);
        else if (strcmp(p->name, "agent") == 0)
            case_agent(c, p->text);
        else if (strncmp(p->name, "overrides/", 10) == 0)
            c->overrides[c->n_overrides++] = case_parse(c, p, "/state");
        else if (n > 5 && strcmp(p->name + n - 5, ".yaml") == 0)
            c->files[c->n_files++] = case_parse(c, p, "/apps");
    }
    const struct spec_set set = {.roots = &c->root,
                                 .n_roots = 1,
                                 .files = c->files,
                                 .n_files = c->n_files,
                                 .overrides = c->overrides,
                                 .n_overrides = c->n_overrides,
                                 .secrets = c->secrets,
                                 .n_secrets = c->n_secrets,
                                 .secrets_known = true,
                                 .routed = c->routed,
                                 .served = c->served};

    c->desired = desired_build(&set, &c->settings, &c->incumbents, CASE_NOW_MS, a);
}

/* The whole file in the arena; NULL when it cannot be opened. */
static inline char *case_read(const char *path, struct arena *a)
{
    FILE *f = fopen(path, "r");
    struct str text = STR_INIT;
    char block[4096];
    size_t n;

    if (!f)
        return NULL;
    while ((n = fread(block, 1, sizeof(block), f)) > 0)
        str_addn(&text, block, n);
    (void)fclose(f);
    char *copy = arena_strdup(a, str_text(&text));

    str_release(&text);
    return copy;
}

#endif
