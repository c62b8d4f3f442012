/* detect_static.c: pages without a program.
 *
 * In: where the pages are. Out: a Dockerfile with nginx that runs without any right and listens on the port. Pages that a build makes (Vite and its kin)
 * come through detect_pages from the Node.js room. */
#include "spec/detect_pages.h"

#include "spec/base/arena.h"
#include "spec/detect_parts.h"

static const char *const homes[] = {"",       "public/", "dist/", "site/", "_site/",
                                    "build/", "www/",    "docs/", "out/",  NULL};

static const char *home_of(struct detect_app *app)
{
    for (size_t i = 0; homes[i]; i++)
        if (detect_has(app, arena_printf(app->a, "%sindex.html", homes[i])))
            return homes[i];
    return NULL;
}

static const char *recognise(struct detect_app *app)
{
    const char *home = home_of(app);

    return home ? arena_printf(app->a, "%sindex.html", home) : NULL;
}

void detect_pages(struct detect_app *app, const char *from, const char *folder, bool one_page)
{
    /* nginx's own variables: the single quotes keep them from the shell, and RUN replaces none. */
    const char *otherwise = one_page ? "/index.html" : "$uri.html =404";

    detect_line(app, "FROM nginxinc/nginx-unprivileged:stable-alpine");
    detect_line(app, "RUN printf '%%s\\n' 'server {' '    listen %d;' \\", app->port);
    detect_line(app, "    '    root /usr/share/nginx/html;' '    absolute_redirect off;' \\");
    detect_line(app, "    '    location / { try_files $uri $uri/ %s; }' \\", otherwise);
    /* The context may lie there as it is: what describes it is nobody's business. */
    detect_line(app, "    '    location ~ (^/(Dockerfile|evenkeel\\.yaml)$|/\\.(?!well-known/)) "
                     "{ return 404; }' '}' \\");
    detect_line(app, "    >/etc/nginx/conf.d/default.conf");
    detect_line(app, "COPY %s%s%s /usr/share/nginx/html/", from ? "--from=" : "",
                from ? arena_printf(app->a, "%s ", from) : "", folder);
    detect_line(app, "USER 101");
    detect_port(app);
    app->start = "nginx";
    (void)detect_cmd_words(app, "nginx", "-g", "daemon off;", NULL);
}

static int make(struct detect_app *app)
{
    const char *home = home_of(app);

    if (app->in->start && *app->in->start)
        return err_set(app->e, ERR_USER,
                       "start: pages need no program; leave it out, or write a Dockerfile");
    detect_pages(app, NULL, *home ? home : ".", false);
    return 0;
}

const struct detect_language detect_static = {"static", recognise, make, " nginx "};
