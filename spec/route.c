/* route.c: what a host and a path may be, and the rule and priority that follow from them.
 *
 * In: texts of users. Out: a normal form in an alphabet that cannot mean anything to Traefik's rule language, to Go's templates, to YAML or to a
 * label; or what is wrong with them. What a router and an app could read differently (percent-encodings, dots, empty segments) is refused rather than
 * normalised, so that what was claimed here is what is matched there. */
#include "spec/route.h"

#include "spec/base/arena.h"
#include "spec/limits.h"

static const char host_letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
static const char path_letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~@:+,=/";

/* ---- saying what is wrong ---- */

/* The character that text begins with, for a message. */
static const char *first_character(const char *text, struct arena *a)
{
    CLEANUP(str_release) struct str out = STR_INIT;
    uint32_t code;
    size_t n = utf8_next(text, strlen(text), &code);

    if (*text == ' ')
        return "\" \"";
    str_add_escaped(&out, arena_strndup(a, text, n ? n : 1));
    return arena_strdup(a, str_text(&out));
}

static const char *fault(struct route_fault *ret, const char *hint, const char *what)
{
    *ret = (struct route_fault){what, hint};
    return NULL;
}

/* ---- hosts ---- */

static const char *check_label(const char *label, size_t n, struct arena *a,
                               struct route_fault *ret)
{
    if (n == 0)
        return fault(ret, "example: shop.example.com",
                     "a host has no dot at its beginning or end, and no two in a row");
    if (n > 63)
        return fault(
            ret, NULL,
            arena_printf(a, "\"%.*s\": a part of a host has at most 63 letters", (int)n, label));
    if (label[0] == '-' || label[n - 1] == '-')
        return fault(ret, NULL,
                     arena_printf(a, "\"%.*s\": a part of a host neither begins nor ends with `-`",
                                  (int)n, label));
    return label;
}

static const char *check_labels(const char *host, struct arena *a, struct route_fault *ret)
{
    const char *last = host;

    for (const char *s = host;; s++) {
        size_t n = strcspn(s, ".");

        if (!check_label(s, n, a, ret))
            return NULL;
        last = s;
        s += n;
        if (!*s)
            break;
    }
    if (strspn(last, "0123456789") == strlen(last))
        return fault(ret, "leave `host` out: a route without one answers on every address",
                     arena_printf(a, "\"%s\" is an address, not a name", host));
    return host;
}

static const char *bad_host(const char *text, const char *at, struct arena *a,
                            struct route_fault *ret)
{
    const char *hint = "a host has letters, digits, `-` and dots; example: shop.example.com";

    if (strstr(text, "://"))
        hint = "write the name alone, without http://";
    else if (*at == ':')
        hint = "leave the port out: the ports are the agent's (`ingress:` in its configuration)";
    else if (*at == '/')
        hint = "put what stands behind the host into `path`";
    else if (*at == '*')
        hint = "`*.` stands at the beginning only and means one name: *.example.com";
    else if ((unsigned char)*at >= 0x80)
        hint = "write the name in its ASCII form, which begins with xn--";
    return fault(ret, hint,
                 arena_printf(a, "\"%s\" is not a host: the character %s cannot be in one", text,
                              first_character(at, a)));
}

const char *route_host(const char *text, struct arena *a, struct route_fault *ret)
{
    bool wildcard = strncmp(text, "*.", 2) == 0;
    char *host = arena_strdup(a, text);

    if (!*text)
        return fault(ret, "leave `host` out for a route on every host", "a host must not be empty");
    if (strlen(text) > LIMIT_ROUTE_HOST)
        return fault(ret, NULL, arena_printf(a, "a host has at most %d letters", LIMIT_ROUTE_HOST));
    for (char *s = host; *s; s++)
        if (*s >= 'A' && *s <= 'Z')
            *s = (char)(*s - 'A' + 'a');
    char *name = host + (wildcard ? 2 : 0);

    for (const char *s = name; *s; s++)
        if (*s != '.' && !strchr(host_letters, *s))
            return bad_host(text, s, a, ret);
    return check_labels(name, a, ret) ? host : NULL;
}

/* ---- paths ---- */

static const char *bad_path(const char *text, const char *at, struct arena *a,
                            struct route_fault *ret)
{
    const char *hint = "a path has letters, digits and -._~@:+,= in it; example: /shop";

    if (*at == '%')
        hint = "write the letters themselves; encoded ones are read differently by different "
               "programs";
    else if (*at == '?' || *at == '#')
        hint = "a route is a host and a path; queries are the app's";
    else if (strchr("*^$()[]{}|\\", *at))
        hint = "a path is a plain text and covers everything below it; there are no patterns";
    return fault(ret, hint,
                 arena_printf(a, "\"%s\" is not a path: the character %s cannot be in one", text,
                              first_character(at, a)));
}

static const char *check_segments(const char *path, struct arena *a, struct route_fault *ret)
{
    for (const char *s = path; *s;) {
        size_t n = strcspn(++s, "/");

        if (n == 0 && (*s || s > path + 1))
            return fault(ret, "write single slashes",
                         arena_printf(a, "\"%s\" has two slashes in a row", path));
        if ((n == 1 && *s == '.') || (n == 2 && s[0] == '.' && s[1] == '.'))
            return fault(ret, "write the path that is meant",
                         arena_printf(a, "\"%s\" has a part that is `%.*s`", path, (int)n, s));
        s += n;
    }
    return path;
}

const char *route_path(const char *text, struct arena *a, struct route_fault *ret)
{
    size_t n = strlen(text);

    if (*text != '/')
        return fault(ret, arena_printf(a, "write /%.40s", *text ? text : "blog"),
                     arena_printf(a, "\"%s\": a path begins with /", text));
    if (n > LIMIT_ROUTE_PATH)
        return fault(ret, NULL, arena_printf(a, "a path has at most %d letters", LIMIT_ROUTE_PATH));
    if (strspn(text, path_letters) < n)
        return bad_path(text, text + strspn(text, path_letters), a, ret);
    if (n > 1 && text[n - 1] == '/' && text[n - 2] != '/')
        n--;
    return check_segments(arena_strndup(a, text, n), a, ret);
}

/* ---- what is not for apps ---- */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

const char *route_reserved(const char *path)
{
    /* The last is how certificates are proved to be ours: no app may answer there for hosts that are not its own. */
    static const char *const reserved[] = {
        "admin",  "api",     "hooks",  "login",
        "logout", "traefik", "upload", ".well-known/acme-challenge"};

    for (size_t i = 0; i < ARRAY_LEN(reserved); i++) {
        size_t n = 0;

        while (reserved[i][n] && lower(path[1 + n]) == reserved[i][n])
            n++;
        if (!reserved[i][n] && (path[1 + n] == '/' || !path[1 + n]))
            return reserved[i];
    }
    return NULL;
}

/* ---- rules ---- */

static bool is_wildcard(const char *host)
{
    return host && strncmp(host, "*.", 2) == 0;
}

static void add_host_rule(const char *host, struct str *out)
{
    if (!is_wildcard(host)) {
        str_addf(out, "Host(`%s`)", host);
        return;
    }
    str_add(out, "HostRegexp(`^[a-z0-9-]+");
    for (const char *s = host + 1; *s; s++)
        str_addf(out, *s == '.' ? "\\%c" : "%c", *s);
    str_add(out, "$`)");
}

const char *route_rule(const char *host, const char *path, struct arena *a)
{
    CLEANUP(str_release) struct str out = STR_INIT;
    bool root = strcmp(path, "/") == 0;

    if (host)
        add_host_rule(host, &out);
    if (!root)
        str_addf(&out,
                 host ? " && (Path(`%s`) || PathPrefix(`%s/`))" : "Path(`%s`) || PathPrefix(`%s/`)",
                 path, path);
    else if (!host)
        str_add(&out, "PathPrefix(`/`)");
    return arena_strdup(a, str_text(&out));
}

int route_priority(const char *host, const char *path)
{
    int length = (int)strlen(path);

    if (host)
        return (is_wildcard(host) ? ROUTE_PRIORITY_WILDCARD : ROUTE_PRIORITY_HOST) + length;
    return length == 1 ? ROUTE_PRIORITY_ROOT : ROUTE_PRIORITY_PATH + length;
}

/* ---- comparing ---- */

static bool hosts_meet(const char *x, const char *y)
{
    if (!x || !y || strcmp(x, y) == 0)
        return true;
    if (is_wildcard(x) == is_wildcard(y))
        return false;
    const char *star = is_wildcard(x) ? x : y, *name = is_wildcard(x) ? y : x;

    return strcmp(name + strcspn(name, "."), star + 1) == 0;
}

/* Does everything below `below` lie below `path`? */
static bool covers(const char *path, const char *below)
{
    size_t n = strlen(path);

    return n == 1 || (strncmp(path, below, n) == 0 && (below[n] == '/' || !below[n]));
}

bool route_meet(const struct route *x, const struct route *y)
{
    return hosts_meet(x->host, y->host) && (covers(x->path, y->path) || covers(y->path, x->path));
}

const char *route_key(const struct route *r, struct arena *a)
{
    return arena_printf(a, "%s%s", r->host ? r->host : "", r->path);
}
