/* fuzz_route.c: any bytes as host, path and text of a route, one a line.
 *
 * Beyond not crashing: a normal form is its own normal form, nothing in a rule can leave its quotes, priorities stay in their bands, and a text that is
 * written into a route file is read back as it was, without a brace that Traefik's templates could see. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "spec/base/arena.h"
#include "spec/limits.h"
#include "spec/route.h"
#include "spec/route_yaml.h"
#include "spec/yaml.h"

static const char rule_letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~@:+,=/";

static void check_path(const char *text, struct arena *a)
{
    struct route_fault fault = {0};
    const char *path = route_path(text, a, &fault);

    if (!path) {
        assert(fault.what);
        return;
    }
    assert(path[0] == '/' && strspn(path, rule_letters) == strlen(path));
    assert(!strstr(path, "//") && !strstr(path, "/../"));
    assert(path[1] == '\0' || path[strlen(path) - 1] != '/');
    assert(strcmp(route_path(path, a, &fault), path) == 0);
    int priority = route_priority(NULL, path);

    assert(path[1] ? priority > ROUTE_PRIORITY_PATH && priority < ROUTE_PRIORITY_WILDCARD
                   : priority == ROUTE_PRIORITY_ROOT);
}

static void check_host(const char *text, struct arena *a)
{
    struct route_fault fault = {0};
    const char *host = route_host(text, a, &fault);

    if (!host) {
        assert(fault.what);
        return;
    }
    const char *name = host + (host[0] == '*' ? 2 : 0);

    assert(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-.") == strlen(name));
    assert(*name && *name != '.' && name[strlen(name) - 1] != '.' && !strstr(name, ".."));
    assert(strcmp(route_host(host, a, &fault), host) == 0);
    assert(strlen(host) <= LIMIT_ROUTE_HOST);
    assert(route_priority(host, "/") >
           (host[0] == '*' ? ROUTE_PRIORITY_WILDCARD : ROUTE_PRIORITY_HOST));
}

static bool is_text(const char *text)
{
    for (size_t left = strlen(text), n; left > 0; text += n, left -= n) {
        uint32_t code;

        n = utf8_next(text, left, &code);
        if (n == 0)
            return false;
    }
    return true;
}

static void check_quote(const char *text, struct arena *a)
{
    CLEANUP(str_release) struct str out = STR_INIT;
    struct diag_list diags;
    struct yaml_file file;

    str_add(&out, "x: ");
    route_yaml_quote(text, &out);
    assert(!strpbrk(out.buf, "{}\n\r"));
    for (const char *s = out.buf; *s; s++)
        assert(*s >= 0x20 && *s < 0x7f);
    str_addc(&out, '\n');
    diag_init(&diags, a);
    assert(yaml_parse("x.yaml", out.buf, out.len, a, &diags, &file) == 0);
    assert(!is_text(text) || strcmp(yaml_get(file.documents[0], "x")->text, text) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *text = arena_strndup(a, (const char *)data, size), *parts[3] = {"", "", ""};

    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        size_t n = i + 1 < ARRAY_LEN(parts) ? strcspn(text, "\n") : strlen(text);

        parts[i] = arena_strndup(a, text, n);
        text += n + (text[n] == '\n');
    }
    check_host(parts[0], a);
    check_path(parts[1], a);
    check_quote(parts[2], a);
    return 0;
}
