/* compose_name.c: what a Compose file and its app are called.
 *
 * In: paths, and the file's `name:`. Out: the name of the app, and which files Compose reads by themselves or as changes of others. It looks at names only; whether a file is
 * there is asked elsewhere. */
#include "spec/base/arena.h"
#include "spec/compose_parts.h"
#include "spec/document.h"

/* ---- names ---- */

/* What Compose makes of a folder's name. */
static const char *project_name(struct arena *a, const char *text)
{
    char *out = arena_strdup(a, text), *to = out;

    for (const char *s = text; *s; s++) {
        char ch = *s >= 'A' && *s <= 'Z' ? (char)(*s - 'A' + 'a') : *s;

        if (strchr("abcdefghijklmnopqrstuvwxyz0123456789_-", ch) &&
            ((ch != '-' && ch != '_') || to > out))
            *to++ = ch;
    }
    *to = '\0';
    return *out ? out : NULL;
}

/* The same with '-' for '_', so that it is a DNS label. */
static const char *folded_name(struct arena *a, const char *text)
{
    char *out = arena_strdup(a, text), *to = out;

    for (const char *s = text; *s; s++) {
        char ch = *s >= 'A' && *s <= 'Z' ? (char)(*s - 'A' + 'a') : *s == '_' ? '-' : *s;

        if (strchr("abcdefghijklmnopqrstuvwxyz0123456789-", ch) && (ch != '-' || to > out))
            *to++ = ch;
    }
    while (to > out && to[-1] == '-')
        to--;
    *to = '\0';
    return app_name_valid(out) ? out : NULL;
}

bool compose_ends(const char *s, size_t n, const char *end, size_t *ret_n)
{
    size_t len = strlen(end);

    if (n < len || strncmp(s + n - len, end, len) != 0)
        return false;
    *ret_n = n - len;
    return true;
}

/* shop.compose.yaml is shop; a bare compose.yaml is called like its folder. */
static void name_of_file(const struct compose_run *r, const char *path, struct compose_result *ret)
{
    struct arena *a = r->c->arena;
    const char *base = strrchr(path, '/') + 1;
    size_t n = strlen(base);

    if (r->c->loader && r->c->loader->bundle) {
        ret->name = folded_name(a, bundle_stem(r->c->loader->bundle, a));
        return;
    }
    if (!compose_ends(base, n, ".yaml", &n))
        (void)compose_ends(base, n, ".yml", &n);
    (void)(compose_ends(base, n, ".docker-compose", &n) || compose_ends(base, n, ".compose", &n));
    base = arena_strndup(a, base, n);
    if (strcmp(base, "compose") == 0 || strcmp(base, "docker-compose") == 0)
        base = strrchr(compose_folder(a, path), '/') + 1;
    ret->name = folded_name(a, base);
    ret->project = project_name(a, base);
}

void compose_find_name(struct compose_run *r, const struct compose_place *place,
                       const struct yaml_node *name, struct compose_result *ret)
{
    static const char project[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";

    if (place->name) {
        ret->name = place->name;
        return;
    }
    if (!name || name->kind == YAML_NULL) {
        name_of_file(r, place->path, ret);
        if (!ret->name)
            decode_say(r->c, DIAG_ERROR, ret->at, "write `name: ...` at the top",
                       "no name for an app can be made of the file's name");
        return;
    }
    ret->at = decode_place(r->c, name);
    const char *text = decode_text(r->c, name, "a text");

    if (!text)
        return;
    if (!*text || strspn(text, project) != strlen(text) || strchr("_-", *text)) {
        decode_error(
            r->c, name, NULL,
            "\"%s\": a name has small letters, digits, `-` and `_`, and begins with a letter "
            "or digit",
            text);
        return;
    }
    ret->name = folded_name(r->c->arena, text);
    ret->project = text;
    if (!ret->name)
        decode_error(r->c, name, NULL, "\"%s\": a name of an app is at most %d long", text,
                     LIMIT_APP_NAME);
    else if (strcmp(ret->name, text) != 0)
        decode_say(r->c, DIAG_NOTE, ret->at, NULL, "the app is called \"%s\"", ret->name);
}

/* ---- overrides ---- */

/* The stem of a name that Compose reads by itself: compose.yaml, docker-compose.yml, shop.compose.yaml. */
size_t compose_stem(const char *base)
{
    static const char *const words[] = {"compose", "docker-compose"};
    size_t n = strlen(base), rest;

    if (!compose_ends(base, n, ".yaml", &n) && !compose_ends(base, n, ".yml", &n))
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (compose_ends(base, n, words[i], &rest) && (rest == 0 || base[rest - 1] == '.'))
            return n;
    return 0;
}

const char *compose_overridden(const char *path, struct arena *a)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    size_t n = strlen(base);

    if ((!compose_ends(base, n, ".yaml", &n) && !compose_ends(base, n, ".yml", &n)) ||
        !compose_ends(base, n, ".override", &n) ||
        !compose_stem(arena_printf(a, "%.*s.yaml", (int)n, base)))
        return NULL;
    return arena_strndup(a, path, (size_t)(base - path) + n);
}
