/* detect_dotnet.c: .NET applications.
 *
 * In: project files. Out: a Dockerfile that publishes the one project that is a program and runs it on the runtime, ASP.NET's where it is a web
 * project. */
#include "spec/base/arena.h"
#include "spec/detect_parts.h"

enum { DOTNET = 8, OLDEST = 5, NEWEST = 40 };

static bool is_project(const char *path)
{
    size_t n = strlen(path);

    return n > 7 && path[n - 7] == '.' &&
           (path[n - 6] == 'c' || path[n - 6] == 'f' || path[n - 6] == 'v') &&
           strcmp(path + n - 5, "sproj") == 0;
}

static size_t depth_of(const char *path)
{
    size_t n = 0;

    for (; *path; path++)
        n += *path == '/';
    return n;
}

static bool is_web(struct detect_app *app, const char *path)
{
    return strstr(detect_text(app, path), "Microsoft.NET.Sdk.Web") != NULL;
}

static bool is_program(struct detect_app *app, const char *path)
{
    const char *text = detect_text(app, path);

    return is_web(app, path) || strstr(text, "Microsoft.NET.Sdk.Worker") ||
           strstr(text, "<OutputType>Exe</OutputType>");
}

/* The first web project, else the first other program; tests are neither. At most three folders down. */
static const char *find_project(struct detect_app *app)
{
    const char *program = NULL;

    for (size_t i = 0; i < app->in->paths.n; i++) {
        const char *path = app->in->paths.v[i];

        if (!is_project(path) || depth_of(path) > 3)
            continue;
        if (is_web(app, path))
            return path;
        if (!program && is_program(app, path))
            program = path;
    }
    return program;
}

static const char *recognise(struct detect_app *app)
{
    for (size_t i = 0; i < app->in->paths.n; i++)
        if (is_project(app->in->paths.v[i]) && depth_of(app->in->paths.v[i]) <= 3)
            return app->in->paths.v[i];
    return NULL;
}

static int dotnet_version(struct detect_app *app, const char *text)
{
    const char *framework = detect_between(app, text, "<TargetFramework>net", "<");
    int version = framework ? detect_major(framework, 0) : 0;

    return version >= OLDEST && version <= NEWEST ? version : DOTNET;
}

/* The name of the .dll: what the project says, else its file's. */
static const char *assembly_name(struct detect_app *app, const char *path)
{
    const char *name = detect_between(app, detect_text(app, path), "<AssemblyName>", "<"),
               *slash = strrchr(path, '/');

    if (name)
        return name;
    name = slash ? slash + 1 : path;
    return arena_strndup(app->a, name, strlen(name) - 7);
}

static int make(struct detect_app *app)
{
    const char *path = find_project(app), *start = detect_given_start(app);

    if (!path)
        return err_set(app->e, ERR_USER,
                       "no project here is a program (Sdk Web or Worker, or OutputType Exe)");
    const char *name = assembly_name(app, path);
    int version = dotnet_version(app, detect_text(app, path));
    bool web = is_web(app, path);

    app->because = path;
    if (!detect_safe_path(path) || !detect_safe_word(name))
        return err_set(
            app->e, ERR_USER,
            "the project's name has characters that a Dockerfile cannot hold: rename it");
    detect_line(app, "FROM mcr.microsoft.com/dotnet/sdk:%d.0 AS build", version);
    detect_line(app, "WORKDIR /src");
    detect_line(app, "COPY . .");
    detect_line(app, "RUN --mount=type=cache,target=/root/.nuget/packages \\");
    detect_line(app, "    dotnet publish %s -c Release -o /out /p:UseAppHost=false", path);
    detect_gap(app);
    detect_line(app, "FROM mcr.microsoft.com/dotnet/%s:%d.0", web ? "aspnet" : "runtime", version);
    detect_user(app);
    detect_line(app, "COPY --from=build --chown=" DETECT_USER " /out ./");
    if (web)
        detect_line(app, "ENV ASPNETCORE_URLS=http://+:%d", app->port);
    detect_line(app, "ENV HOME=/tmp DOTNET_gcServer=0");
    detect_port(app);
    return start ? detect_cmd_text(app, start)
                 : detect_cmd_words(app, "dotnet", arena_printf(app->a, "%s.dll", name), NULL);
}

const struct detect_language detect_dotnet = {"dotnet", recognise, make, " dotnet "};
