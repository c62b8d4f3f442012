/* platform.c: platforms as engines write them, and the build arguments that follow from them.
 *
 * In: the engine's platform and the one that is built for. Out: BuildKit's predefined arguments, with the values that BuildKit will give them. It does not
 * ask whether the engine can run what it builds. */
#include "spec/platform.h"

#include <ctype.h>

#include "spec/base/arena.h"

static const struct alias {
    const char *name, *arch, *variant; /* variant NULL: as it stands */
} aliases[] = {
    {"i386", "386", ""},        {"x86_64", "amd64", NULL}, {"x86-64", "amd64", NULL},
    {"aarch64", "arm64", NULL}, {"armhf", "arm", "v7"},    {"armel", "arm", "v6"},
};

static const char *small(struct arena *a, const char *text, size_t n)
{
    char *copy = arena_strndup(a, text, n);

    for (char *c = copy; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return copy;
}

static void fold(struct platform *p, struct arena *a)
{
    for (size_t i = 0; i < ARRAY_LEN(aliases); i++)
        if (strcmp(p->arch, aliases[i].name) == 0) {
            p->arch = aliases[i].arch;
            p->variant = aliases[i].variant ? aliases[i].variant : p->variant;
            break;
        }
    bool arm = strcmp(p->arch, "arm") == 0;

    if (arm && isdigit((unsigned char)p->variant[0]))
        p->variant = arena_printf(a, "v%s", p->variant);
    if (arm && !*p->variant)
        p->variant = "v7";
    /* The first of its kind is the one that is meant without a variant. */
    if ((strcmp(p->arch, "arm64") == 0 &&
         (strcmp(p->variant, "v8") == 0 || strcmp(p->variant, "8") == 0)) ||
        (strcmp(p->arch, "amd64") == 0 && strcmp(p->variant, "v1") == 0))
        p->variant = "";
}

int platform_read(const char *text, struct arena *a, struct platform *ret)
{
    size_t os = strcspn(text, "/");
    size_t arch = text[os] ? strcspn(text + os + 1, "/") : 0;
    const char *rest = text + os + (arch ? 1 + arch : 0);

    if (os == 0 || arch == 0 || (*rest && (!rest[1] || strchr(rest + 1, '/'))))
        return -1;
    *ret = (struct platform){
        .os = small(a, text, os),
        .arch = small(a, text + os + 1, arch),
        .variant = *rest ? small(a, rest + 1, strlen(rest + 1)) : "",
    };
    fold(ret, a);
    return 0;
}

const char *platform_text(const struct platform *p, struct arena *a)
{
    return arena_printf(a, "%s/%s%s%s", p->os, p->arch, *p->variant ? "/" : "", p->variant);
}

static void give(struct arena *a, struct kvs *to, const char *key, const char *value)
{
    if (!kvs_get(to, key))
        kvs_set(a, to, key, value);
}

bool platform_args(const char *engine, const char *target, struct arena *a, struct kvs *to)
{
    struct platform from, on;

    if (platform_read(engine, a, &from) < 0 || platform_read(target ? target : engine, a, &on) < 0)
        return false;
    give(a, to, "BUILDPLATFORM", platform_text(&from, a));
    give(a, to, "BUILDOS", from.os);
    give(a, to, "BUILDARCH", from.arch);
    give(a, to, "BUILDVARIANT", from.variant);
    give(a, to, "TARGETPLATFORM", platform_text(&on, a));
    give(a, to, "TARGETOS", on.os);
    give(a, to, "TARGETARCH", on.arch);
    give(a, to, "TARGETVARIANT", on.variant);
    return true;
}
