/* detect_php.c: PHP applications, run by Apache.
 *
 * In: composer.json, or pages in PHP. Out: a Dockerfile on the official image with Apache, as a user without rights and on the port; packages by
 * Composer in a stage of their own; the extensions that composer.json asks for, as far as they are known here. */
#include <jansson.h>

#include "spec/base/arena.h"
#include "spec/base/js.h"
#include "spec/detect_parts.h"

enum { MINOR = 4, OLDEST = 1, NEWEST = 20 };

/* Extensions that the official image does not have built in, and the Debian packages their build needs. */
static const struct {
    const char *name, *packages;
} extensions[] = {
    {"bcmath", NULL},
    {"calendar", NULL},
    {"exif", NULL},
    {"gd", "libfreetype-dev libjpeg-dev libpng-dev"},
    {"gettext", NULL},
    {"gmp", "libgmp-dev"},
    {"intl", "libicu-dev"},
    {"mysqli", NULL},
    {"pcntl", NULL},
    {"pdo_mysql", NULL},
    {"pdo_pgsql", "libpq-dev"},
    {"pgsql", "libpq-dev"},
    {"soap", "libxml2-dev"},
    {"sockets", NULL},
    {"xsl", "libxslt1-dev"},
    {"zip", "libzip-dev"},
};

static const char *recognise(struct detect_app *app)
{
    static const char *const files[] = {"composer.json", "index.php", "public/index.php", NULL};

    return detect_first(app, files);
}

static int php_minor(const json_t *composer)
{
    const char *range = js_str(composer, "require.php", NULL);
    int minor = range ? detect_minor(range, 8, MINOR) : 0;

    return minor >= OLDEST && minor <= NEWEST ? minor : MINOR;
}

static bool requires(const json_t *composer, const char *name)
{
    return json_object_get(json_object_get(composer, "require"), name) != NULL;
}

static void write_vendor(struct detect_app *app)
{
    detect_line(app, "FROM composer:2 AS vendor");
    detect_line(app, "WORKDIR /app");
    detect_line(app, "COPY . .");
    detect_line(app, "RUN --mount=type=cache,target=/tmp/cache \\");
    /* The extensions are in the next image, not in Composer's. */
    detect_line(app, "    composer install --no-dev --no-interaction --no-scripts --prefer-dist "
                     "--optimize-autoloader --ignore-platform-reqs");
    detect_gap(app);
}

static void write_extensions(struct detect_app *app, const json_t *composer)
{
    CLEANUP(str_release) struct str packages = STR_INIT, wanted = STR_INIT;
    bool laravel = requires(composer, "laravel/framework");

    for (size_t i = 0; i < ARRAY_LEN(extensions); i++) {
        const char *name = extensions[i].name;

        if (!requires(composer, arena_printf(app->a, "ext-%s", name)) &&
            !(laravel && strcmp(name, "pdo_mysql") == 0) &&
            /* Without a composer.json nobody says; a database is what old pages need most. */
            !(!composer && strcmp(name, "mysqli") == 0) &&
            !(!composer && strcmp(name, "pdo_mysql") == 0))
            continue;
        if (extensions[i].packages && !strstr(str_text(&packages), extensions[i].packages))
            str_addf(&packages, " %s", extensions[i].packages);
        str_addf(&wanted, " %s", name);
    }
    if (packages.len)
        detect_line(app,
                    "RUN apt-get update && apt-get install -y --no-install-recommends%s && rm -rf "
                    "/var/lib/apt/lists/*",
                    str_text(&packages));
    if (wanted.len)
        detect_line(app, "RUN docker-php-ext-install -j2%s", str_text(&wanted));
}

static void write_apache(struct detect_app *app)
{
    const char *home = detect_has(app, "public/index.php") ? "/public"
                       : detect_has(app, "web/index.php")  ? "/web"
                                                           : "";

    detect_note(app, "Apache reads PORT when it starts; a port above 1024 needs no rights.");
    detect_line(
        app,
        "RUN a2enmod rewrite && sed -i 's/^Listen 80$/Listen ${PORT}/' /etc/apache2/ports.conf \\");
    detect_line(app,
                "    && sed -i -e 's/:80>/:${PORT}>/' -e 's#/var/www/html#/app%s#' "
                "/etc/apache2/sites-available/000-default.conf \\",
                home);
    detect_line(
        app,
        "    && printf '<Directory /app>\\nAllowOverride All\\nRequire all "
        "granted\\n</Directory>\\nServerName localhost\\n' >/etc/apache2/conf-enabled/app.conf");
}

static int write_all(struct detect_app *app, const json_t *composer)
{
    const char *start = detect_given_start(app);

    if (composer)
        write_vendor(app);
    detect_line(app, "FROM php:8.%d-apache", php_minor(composer));
    write_extensions(app, composer);
    write_apache(app);
    detect_line(app, "USER www-data");
    detect_line(app, "WORKDIR /app");
    detect_line(app, "COPY %s--chown=www-data:www-data %s ./", composer ? "--from=vendor " : "",
                composer ? "/app" : ".");
    detect_port(app);
    if (start)
        return detect_cmd_text(app, start);
    return detect_cmd_words(app, "apache2-foreground", NULL);
}

static int make(struct detect_app *app)
{
    const char *text = detect_text(app, "composer.json");
    struct err why = {0};

    if (!detect_has(app, "composer.json"))
        return write_all(app, NULL);
    json_auto_t *composer = js_parse(text, strlen(text), &why);

    if (!json_is_object(composer))
        return err_set(app->e, ERR_USER, "not a JSON object%s%s", *why.msg ? ": " : "", why.msg);
    return write_all(app, composer);
}

const struct detect_language detect_php = {"php", recognise, make, " php apache2-foreground "};
