/* detect_go.c: Go programs.
 *
 * In: go.mod and where "package main" lies. Out: a Dockerfile that builds one static binary and runs it on a bare Alpine, with the folders
 * beside it that programs like to read. */
#include <ctype.h>

#include "spec/base/arena.h"
#include "spec/detect_parts.h"

enum { GO_MINOR = 25, OLDEST = 18, NEWEST = 99 };

static const char *recognise(struct detect_app *app)
{
    return detect_has(app, "go.mod") ? "go.mod" : NULL;
}

static bool ends_with(const char *s, const char *tail)
{
    size_t n = strlen(s), k = strlen(tail);

    return n >= k && strcmp(s + n - k, tail) == 0;
}

static bool is_main(struct detect_app *app, const char *path)
{
    const char *text = detect_text(app, path);

    return strncmp(text, "package main", 12) == 0 || strstr(text, "\npackage main");
}

/* The folder of each package main: the top one as ".", those below cmd/, each once. */
static struct strv main_packages(struct detect_app *app)
{
    struct strv found = {0};

    for (size_t i = 0; i < app->in->paths.n; i++) {
        const char *path = app->in->paths.v[i], *slash = strrchr(path, '/');

        if (!ends_with(path, ".go") || ends_with(path, "_test.go") ||
            (slash && strncmp(path, "cmd/", 4) != 0))
            continue;
        const char *folder = slash ? arena_strndup(app->a, path, (size_t)(slash - path)) : ".";

        if (!strv_has(&found, folder) && is_main(app, path))
            strv_push(app->a, &found, folder);
    }
    return found;
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static const char *module_name(struct detect_app *app)
{
    const char *text = detect_text(app, "go.mod");
    const char *line = strncmp(text, "module", 6) == 0 ? text : strstr(text, "\nmodule");

    if (!line)
        return "app";
    line += (*line == '\n') + 6;
    const char *name = last_part(detect_first_line(app, line));

    /* example.com/shop/v2 is called shop. */
    return detect_safe_word(name) && !(name[0] == 'v' && isdigit((unsigned char)name[1])) ? name
                                                                                          : "app";
}

/* Of several programs: the one that `start:` names, or that is called like the module or like a server. */
static const char *choose_package(struct detect_app *app, const struct strv *found)
{
    static const char *const usual[] = {"server", "web", "app", "api", "main"};
    const char *start = detect_given_start(app);

    if (strv_has(found, "."))
        return ".";
    if (found->n == 1)
        return found->v[0];
    for (size_t i = 0; start && i < found->n; i++)
        if (strcmp(last_part(found->v[i]),
                   last_part(arena_strndup(app->a, start, strcspn(start, " \t")))) == 0)
            return found->v[i];
    for (size_t i = 0; i < found->n; i++)
        if (strcmp(last_part(found->v[i]), module_name(app)) == 0)
            return found->v[i];
    for (size_t k = 0; k < ARRAY_LEN(usual); k++)
        for (size_t i = 0; i < found->n; i++)
            if (strcmp(last_part(found->v[i]), usual[k]) == 0)
                return found->v[i];
    return NULL;
}

static int go_version(struct detect_app *app)
{
    const char *version = detect_between(app, detect_text(app, "go.mod"), "\ngo 1.", "\n");
    int minor = version ? detect_major(version, 0) : 0;

    /* An older language is built by the newer compiler; a newer one cannot be built by an older. */
    return minor > GO_MINOR && minor <= NEWEST ? minor : GO_MINOR;
}

static bool needs_c(struct detect_app *app)
{
    return strstr(detect_text(app, "go.mod"), "github.com/mattn/go-sqlite3") ||
           strstr(detect_text(app, "go.mod"), "github.com/confluentinc/confluent-kafka-go");
}

static void write_build(struct detect_app *app, const char *package, const char *name, bool c)
{
    bool vendored = detect_has(app, "vendor/modules.txt"), workspace = detect_has(app, "go.work");

    detect_line(app, "FROM golang:1.%d-alpine AS build", go_version(app));
    detect_line(app, "WORKDIR /src");
    if (c)
        detect_line(app, "RUN apk add --no-cache gcc musl-dev");
    if (!vendored && !workspace && !strstr(detect_text(app, "go.mod"), "replace ")) {
        detect_line(app, "COPY go.mod%s ./", detect_has(app, "go.sum") ? " go.sum" : "");
        detect_line(app, "RUN --mount=type=cache,target=/go/pkg/mod go mod download");
    }
    detect_line(app, "COPY . .");
    detect_line(app, "RUN --mount=type=cache,target=/go/pkg/mod "
                     "--mount=type=cache,target=/root/.cache/go-build \\");
    detect_line(app, "    CGO_ENABLED=%d go build -trimpath -ldflags='-s -w' -o /out/%s ./%s", c,
                name, strcmp(package, ".") == 0 ? "" : package);
}

static int make(struct detect_app *app)
{
    struct strv found = main_packages(app);
    const char *package = choose_package(app, &found), *start = detect_given_start(app);

    if (!package)
        return err_set(app->e, ERR_USER,
                       found.n
                           ? "several programs below cmd/: name one of them in start:"
                           : "no \"package main\" at the top or below cmd/: write a Dockerfile");
    const char *name = strcmp(package, ".") == 0 ? module_name(app) : last_part(package);

    if (!detect_safe_path(package) && strcmp(package, ".") != 0)
        return err_set(app->e, ERR_USER,
                       "cmd/: a folder's name has characters that no package has");
    write_build(app, package, name, needs_c(app));
    detect_gap(app);
    detect_line(app, "FROM alpine:3.22");
    detect_user(app);
    detect_line(app, "COPY --from=build /out/%s ./", name);
    detect_copy_assets(app, "build");
    detect_line(app, "ENV PATH=/app:$PATH");
    detect_port(app);
    return start ? detect_cmd_text(app, start)
                 : detect_cmd_words(app, arena_printf(app->a, "/app/%s", name), NULL);
}

const struct detect_language detect_go = {"go", recognise, make, " go "};
