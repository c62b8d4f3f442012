/* detect_node.c: Node.js (and Bun) applications.
 *
 * In: package.json and which files lie beside it. Out: a Dockerfile that installs with the package manager whose lock file is there, runs the build
 * script if there is one, and starts what `start:`, a Procfile, the start script or "main" name; pages that a build makes are served by
 * nginx. Dependencies of development are left out where nothing but node is started. */
#include <jansson.h>

#include "spec/base/arena.h"
#include "spec/base/js.h"
#include "spec/detect_pages.h"
#include "spec/detect_parts.h"

enum { NODE = 24, OLDEST = 12, NEWEST = 99, LAST_WITH_COREPACK = 24 };

enum manager { NPM, YARN, YARN_BERRY, PNPM, BUN };

struct node {
    struct detect_app *app;
    const json_t *package;
    enum manager manager;
    const char *lock; /* NULL without one */
    const char *image;
    int version; /* of Node.js */
    bool has_packages;
    bool needs_sources; /* to install */
    bool keeps_dev;     /* what is started may be a dependency of development */
};

static const char *recognise(struct detect_app *app)
{
    return detect_has(app, "package.json") ? "package.json" : NULL;
}

/* ---- looks into package.json ---- */

static const char *script(const struct node *n, const char *name)
{
    const char *s =
        json_string_value(json_object_get(json_object_get(n->package, "scripts"), name));

    return s && *s ? s : NULL;
}

static bool depends_in(const struct node *n, const char *list, const char *name)
{
    return json_object_get(json_object_get(n->package, list), name) != NULL;
}

static bool depends(const struct node *n, const char *name)
{
    return depends_in(n, "dependencies", name) || depends_in(n, "devDependencies", name);
}

static bool is_filled(const struct node *n, const char *list)
{
    return json_object_size(json_object_get(n->package, list)) > 0;
}

/* ---- which Node.js, which package manager ---- */

static int node_version(const struct node *n)
{
    static const char *const files[] = {".nvmrc", ".node-version", NULL};
    const char *file = detect_first(n->app, files);
    const char *range = js_str(n->package, "engines.node", NULL);

    if (!range && file)
        range = detect_first_line(n->app, detect_text(n->app, file));
    int version = range ? detect_major(range, NODE) : 0;

    return version >= OLDEST && version <= NEWEST ? version : NODE;
}

static void choose_manager(struct node *n)
{
    static const struct {
        const char *lock;
        enum manager manager;
    } locks[] = {
        {"pnpm-lock.yaml", PNPM}, {"bun.lock", BUN},          {"bun.lockb", BUN},
        {"yarn.lock", YARN},      {"package-lock.json", NPM}, {"npm-shrinkwrap.json", NPM},
    };
    const char *wanted = js_str(n->package, "packageManager", "");

    n->manager = strncmp(wanted, "pnpm@", 5) == 0   ? PNPM
                 : strncmp(wanted, "yarn@", 5) == 0 ? YARN
                 : strncmp(wanted, "bun@", 4) == 0  ? BUN
                                                    : NPM;
    for (size_t i = 0; i < ARRAY_LEN(locks); i++)
        if (detect_has(n->app, locks[i].lock)) {
            n->manager = locks[i].manager;
            n->lock = locks[i].lock;
            break;
        }
    if (n->manager == YARN &&
        (detect_has(n->app, ".yarnrc.yml") ||
         strstr(detect_text(n->app, "yarn.lock"), "__metadata:") ||
         (strncmp(wanted, "yarn@", 5) == 0 && detect_major(wanted + 5, 0) >= 2)))
        n->manager = YARN_BERRY;
}

/* "pnpm@9.1.0+sha512..." -> "9.1.0", checked. */
static const char *manager_version(const struct node *n, const char *otherwise)
{
    const char *wanted = js_str(n->package, "packageManager", ""), *at = strchr(wanted, '@');

    if (!at)
        return otherwise;
    const char *version = arena_strndup(n->app->a, at + 1, strcspn(at + 1, "+ "));

    return detect_safe_word(version) && version[0] >= '0' && version[0] <= '9' ? version
                                                                               : otherwise;
}

static const char *pnpm_version(const struct node *n)
{
    const char *lock =
        detect_between(n->app, detect_text(n->app, "pnpm-lock.yaml"), "lockfileVersion:", "\n");
    int major = lock ? detect_major(lock, 0) : 0;

    return manager_version(n, major == 6 ? "8" : major == 5 ? "7" : "10");
}

/* Packages that are compiled when no ready-made binary fits. */
static bool compiles(const struct node *n)
{
    static const char *const names[] = {"argon2",    "bcrypt",   "better-sqlite3", "bufferutil",
                                        "canvas",    "node-gyp", "node-pty",       "node-sass",
                                        "pg-native", "re2",      "serialport",     "sqlite3",
                                        "usb",       "zeromq"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (depends(n, names[i]))
            return true;
    return false;
}

/* ---- the build stage ---- */

static void copy_manifests(const struct node *n)
{
    static const char *const beside[] = {".npmrc", ".yarnrc", ".yarnrc.yml", "bunfig.toml", NULL};

    if (n->needs_sources) {
        detect_note(n->app, "Everything at once: workspaces and install scripts want the sources.");
        detect_line(n->app, "COPY . .");
        return;
    }
    str_add(&n->app->out, "COPY package.json");
    if (n->lock)
        str_addf(&n->app->out, " %s", n->lock);
    for (size_t i = 0; beside[i]; i++)
        if (detect_has(n->app, beside[i]))
            str_addf(&n->app->out, " %s", beside[i]);
    str_add(&n->app->out, " ./\n");
}

static void install(const struct node *n)
{
    struct detect_app *app = n->app;

    switch (n->manager) {
    case NPM:
        detect_line(app, "RUN --mount=type=cache,target=/root/.npm npm %s --no-audit --no-fund",
                    n->lock ? "ci" : "install");
        break;
    case YARN:
        detect_line(app, "RUN --mount=type=cache,target=/usr/local/share/.cache/yarn \\");
        detect_line(app, "    yarn install%s --production=false --non-interactive",
                    n->lock ? " --frozen-lockfile" : "");
        break;
    case YARN_BERRY:
        detect_line(app, "ENV YARN_NODE_LINKER=node-modules");
        detect_line(app, "RUN --mount=type=cache,target=/root/.yarn/berry/cache \\");
        detect_line(app, "    %scorepack enable && yarn install%s",
                    n->version > LAST_WITH_COREPACK ? "npm install -g corepack && " : "",
                    n->lock ? " --immutable" : "");
        break;
    case PNPM:
        detect_line(app, "RUN --mount=type=cache,target=/root/.npm npm install -g pnpm@%s",
                    pnpm_version(n));
        detect_line(app, "RUN --mount=type=cache,target=/root/.local/share/pnpm/store \\");
        detect_line(app, "    pnpm install%s --prod=false", n->lock ? " --frozen-lockfile" : "");
        break;
    case BUN:
        detect_line(app, "RUN --mount=type=cache,target=/root/.bun/install/cache bun install%s",
                    n->lock ? " --frozen-lockfile" : "");
        break;
    }
}

static const char *run_command(const struct node *n)
{
    switch (n->manager) {
    case NPM: return "npm run";
    case YARN:
    case YARN_BERRY: return "yarn run";
    case PNPM: return "pnpm run";
    case BUN: return "bun run";
    }
    return NULL;
}

static void prune(const struct node *n)
{
    switch (n->manager) {
    case NPM: detect_line(n->app, "RUN npm prune --omit=dev --no-audit --no-fund"); break;
    case YARN:
        detect_line(n->app, "RUN yarn install --production --ignore-scripts --prefer-offline "
                            "--non-interactive");
        break;
    case PNPM: detect_line(n->app, "RUN CI=true pnpm prune --prod --ignore-scripts"); break;
    case YARN_BERRY:
    case BUN: break; /* neither has a way that works everywhere */
    }
}

static void write_build(const struct node *n)
{
    struct detect_app *app = n->app;

    detect_line(app, "FROM %s AS build", n->image);
    detect_line(app, "WORKDIR /app");
    if (compiles(n) && n->manager != BUN)
        detect_line(app, "RUN apk add --no-cache g++ make python3");
    if (n->has_packages) {
        copy_manifests(n);
        install(n);
    }
    if (!n->has_packages || !n->needs_sources)
        detect_line(app, "COPY . .");
    if (script(n, "build")) {
        if (n->manager == PNPM && !n->has_packages)
            detect_line(app, "RUN npm install -g pnpm@%s", pnpm_version(n));
        detect_line(app, "RUN %s build", run_command(n));
    }
    if (n->has_packages && !n->keeps_dev && is_filled(n, "devDependencies"))
        prune(n);
}

/* ---- pages that a build makes ---- */

/* A start script that only shows pages while they are being written says nothing about a program. */
static bool starts_program(const struct node *n)
{
    static const char tools[] =
        " react-scripts vite ng vue-cli-service parcel astro gatsby webpack "
        "docusaurus eleventy vitepress serve http-server ";
    const char *text = script(n, "start");

    if (!text)
        return false;
    return !strstr(tools, arena_printf(n->app->a, " %.*s ", (int)strcspn(text, " "), text));
}

/* next.config with output: 'export'. */
static bool next_exports(const struct node *n)
{
    static const char *const files[] = {"next.config.js", "next.config.mjs", "next.config.ts",
                                        NULL};
    const char *file = detect_first(n->app, files);
    const char *text = file ? detect_text(n->app, file) : "";

    return detect_has_word(text, "output") &&
           (strstr(text, "'export'") || strstr(text, "\"export\""));
}

/* Where the build puts pages that need no program, or NULL. */
static const char *pages_folder(const struct node *n)
{
    static const struct {
        const char *package, *folder;
    } tools[] = {
        {"react-scripts", "build"}, {"@vue/cli-service", "dist"},
        {"gatsby", "public"},       {"@docusaurus/core", "build"},
        {"parcel", "dist"},         {"@11ty/eleventy", "_site"},
        {"@sveltejs/kit", "build"}, {"vitepress", ".vitepress/dist"},
        {"astro", "dist"},          {"vite", "dist"},
    };
    static const char *const servers[] = {"express",
                                          "fastify",
                                          "koa",
                                          "@nestjs/core",
                                          "@hapi/hapi",
                                          "@sveltejs/adapter-node",
                                          "hono",
                                          "nuxt",
                                          "@astrojs/node",
                                          "@remix-run/serve",
                                          "@react-router/serve"};

    if (!script(n, "build"))
        return NULL;
    if (depends(n, "next"))
        return next_exports(n) ? "out" : NULL;
    if (starts_program(n))
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(servers); i++)
        if (depends(n, servers[i]))
            return NULL;
    if (depends(n, "@angular/cli")) {
        const char *range = js_str(n->package, "dependencies.@angular/core", "");

        /* The folder is called like the project. */
        return detect_major(range, 20) >= 17 ? "dist/*/browser" : "dist/*";
    }
    for (size_t i = 0; i < ARRAY_LEN(tools); i++)
        if (depends(n, tools[i].package))
            return tools[i].folder;
    return NULL;
}

/* ---- what runs ---- */

/* A start script that is nothing but "node FILE ...": started without npm between, so that signals reach it. */
static bool is_plain_node(const char *text)
{
    return strncmp(text, "node ", 5) == 0 && !strpbrk(text, ";&|<>()`$*?~\"'\\\n");
}

static const char *main_file(const struct node *n)
{
    static const char *const usual[] = {
        "server.js",  "index.js",    "app.js",     "main.js",   "src/index.js",  "src/server.js",
        "src/app.js", "src/main.js", "server.mjs", "index.mjs", "dist/index.js", NULL};
    const char *file = js_str(n->package, "main", NULL);

    if (file && strncmp(file, "./", 2) == 0)
        file += 2;
    if (file && *file && detect_has(n->app, file))
        return file;
    /* Made by the build: nothing here to see, but the package says so. */
    if (file && *file && script(n, "build") && detect_safe_path(file))
        return file;
    return detect_first(n->app, usual);
}

/* The script to start with: frameworks whose "start" is for development have another. */
static const char *start_script(const struct node *n)
{
    if (depends(n, "@nestjs/core") && script(n, "start:prod"))
        return "start:prod";
    return script(n, "start") ? "start" : NULL;
}

static int write_start(struct node *n)
{
    struct detect_app *app = n->app;
    const char *given = detect_given_start(app), *name = start_script(n);
    const char *text = name ? script(n, name) : NULL, *file = main_file(n);

    if (given)
        return detect_cmd_text(app, given);
    if (text && is_plain_node(text) && !script(n, "prestart") && n->manager != BUN)
        return detect_cmd_text(app, text);
    if (text)
        return detect_cmd_words(app, n->manager == BUN ? "bun" : "npm", "run", name, NULL);
    if (depends(n, "next"))
        return detect_cmd_words(app, "node_modules/.bin/next", "start", "-p", "%d", NULL);
    if (depends(n, "nuxt"))
        return detect_cmd_words(app, "node", ".output/server/index.mjs", NULL);
    if (file)
        return detect_cmd_words(app, n->manager == BUN ? "bun" : "node", file, NULL);
    return err_set(app->e, ERR_USER,
                   "nothing says what to start: no start script, no \"main\", no server.js, "
                   "index.js or app.js; write start: node FILE");
}

/* What node itself starts, or a package that is no dependency of development, surely needs none of those. */
static bool may_start_dev_tool(const struct node *n)
{
    const char *given = detect_given_start(n->app), *name = start_script(n);
    const char *text = given ? given : name ? script(n, name) : "node";
    const char *word = arena_strndup(n->app->a, text, strcspn(text, " "));

    return strpbrk(text, ";&|") ||
           (strcmp(word, "node") != 0 && !depends_in(n, "dependencies", word));
}

static int write_server(struct node *n)
{
    struct detect_app *app = n->app;

    bool builds = n->has_packages || script(n, "build");

    n->keeps_dev = may_start_dev_tool(n);
    if (builds) {
        write_build(n);
        detect_gap(app);
    }
    detect_line(app, "FROM %s", n->image);
    detect_line(app, "ENV NODE_ENV=production HOST=0.0.0.0 HOSTNAME=0.0.0.0");
    detect_user(app);
    if (builds)
        detect_line(app, "COPY --from=build --chown=" DETECT_USER " /app ./");
    else
        detect_line(app, "COPY --chown=" DETECT_USER " . .");
    detect_line(app, "ENV PATH=/app/node_modules/.bin:$PATH");
    detect_port(app);
    return write_start(n);
}

static int write_all(struct node *n)
{
    struct detect_app *app = n->app;
    static const char *const hooks[] = {"preinstall", "install", "postinstall", "prepare"};
    const char *pages = pages_folder(n);

    choose_manager(n);
    n->version = node_version(n);
    n->image = n->manager == BUN ? "oven/bun:1-alpine"
                                 : arena_printf(app->a, "node:%d-alpine", n->version);
    n->has_packages = is_filled(n, "dependencies") || is_filled(n, "devDependencies") || n->lock;
    n->needs_sources = json_object_get(n->package, "workspaces") ||
                       detect_has(app, "pnpm-workspace.yaml") || detect_has_below(app, ".yarn") ||
                       detect_has_below(app, "patches") || detect_has_below(app, "prisma");
    for (size_t i = 0; i < ARRAY_LEN(hooks); i++)
        n->needs_sources |= script(n, hooks[i]) != NULL;
    if (!pages || detect_given_start(app))
        return write_server(n);
    app->because = "package.json with a build of pages";
    n->keeps_dev = true;
    write_build(n);
    detect_gap(app);
    detect_pages(app, "build", arena_printf(app->a, "/app/%s/", pages), true);
    return 0;
}

static int make(struct detect_app *app)
{
    const char *text = detect_text(app, "package.json");
    struct err why = {0};
    json_auto_t *package = js_parse(text, strlen(text), &why);
    struct node n = {.app = app, .package = package};

    if (!json_is_object(package))
        return err_set(app->e, ERR_USER, "not a JSON object%s%s", *why.msg ? ": " : "", why.msg);
    return write_all(&n);
}

const struct detect_language detect_node = {"node", recognise, make,
                                            " node npm npx yarn pnpm bun next nuxt ts-node tsx "};
