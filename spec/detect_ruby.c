/* detect_ruby.c: Ruby applications: Rails, Rack, and plain scripts with a Gemfile.
 *
 * In: the Gemfile and what lies beside it. Out: a Dockerfile that installs the gems in a stage with compilers and runs the application from a slim
 * image. */
#include "spec/base/arena.h"
#include "spec/detect_parts.h"

enum { MINOR = 4, OLDEST = 0, NEWEST = 20 };

static const char *recognise(struct detect_app *app)
{
    return detect_has(app, "Gemfile") ? "Gemfile" : NULL;
}

static bool has_gem(struct detect_app *app, const char *name)
{
    const char *gemfile = detect_text(app, "Gemfile");

    return strstr(gemfile, arena_printf(app->a, "gem \"%s\"", name)) ||
           strstr(gemfile, arena_printf(app->a, "gem '%s'", name)) ||
           strstr(detect_text(app, "Gemfile.lock"), arena_printf(app->a, "\n    %s (", name));
}

static int ruby_minor(struct detect_app *app)
{
    const char *gemfile = detect_text(app, "Gemfile"),
               *line = strncmp(gemfile, "ruby ", 5) == 0 ? gemfile : strstr(gemfile, "\nruby ");
    const char *range = line ? detect_first_line(app, line)
                             : detect_first_line(app, detect_text(app, ".ruby-version"));
    int minor = detect_minor(range, 3, MINOR);

    return *range && minor > OLDEST && minor <= NEWEST ? minor : MINOR;
}

static bool is_rails(struct detect_app *app)
{
    return detect_has(app, "config/application.rb") && has_gem(app, "rails");
}

static void write_build(struct detect_app *app, int minor, bool rails)
{
    detect_line(app, "FROM ruby:3.%d AS build", minor);
    detect_line(app, "WORKDIR /app");
    detect_line(app, "ENV BUNDLE_PATH=/bundle BUNDLE_WITHOUT=development:test%s",
                detect_has(app, "Gemfile.lock") ? " BUNDLE_FROZEN=1" : "");
    if (strstr(detect_text(app, "Gemfile"), "path:") ||
        strstr(detect_text(app, "Gemfile"), "gemspec") ||
        strstr(detect_text(app, "Gemfile"), "file:"))
        detect_line(app, "COPY . .");
    else
        detect_line(app, "COPY Gemfile%s ./",
                    detect_has(app, "Gemfile.lock") ? " Gemfile.lock" : "");
    detect_line(app, "RUN --mount=type=cache,target=/root/.bundle/cache bundle install");
    detect_line(app, "COPY . .");
    if (rails && detect_has_below(app, "app/assets"))
        detect_line(
            app,
            "RUN RAILS_ENV=production SECRET_KEY_BASE_DUMMY=1 bundle exec rails assets:precompile");
}

static int write_start(struct detect_app *app, bool rails)
{
    const char *start = detect_given_start(app);
    static const char *const scripts[] = {"app.rb", "main.rb", "server.rb", NULL};
    const char *script = detect_first(app, scripts);

    if (start)
        return detect_cmd_text(app, start);
    if (has_gem(app, "puma") && detect_has(app, "config/puma.rb"))
        return detect_cmd_words(app, "bundle", "exec", "puma", "-C", "config/puma.rb", NULL);
    if (rails)
        return detect_cmd_words(app, "bundle", "exec", "rails", "server", "-b", "0.0.0.0", "-p",
                                "%d", NULL);
    if (detect_has(app, "config.ru") && has_gem(app, "puma"))
        return detect_cmd_words(app, "bundle", "exec", "puma", "-b",
                                arena_printf(app->a, "tcp://0.0.0.0:%d", app->port), NULL);
    if (detect_has(app, "config.ru"))
        return detect_cmd_words(app, "bundle", "exec", "rackup", "-o", "0.0.0.0", "-p", "%d", NULL);
    if (script && has_gem(app, "sinatra"))
        return detect_cmd_words(app, "bundle", "exec", "ruby", script, "-o", "0.0.0.0", "-p", "%d",
                                NULL);
    if (script)
        return detect_cmd_words(app, "bundle", "exec", "ruby", script, NULL);
    return err_set(app->e, ERR_USER,
                   "nothing says what to start: no config.ru, no Rails, no app.rb; "
                   "write start: bundle exec COMMAND");
}

static int make(struct detect_app *app)
{
    bool rails = is_rails(app);
    int minor = ruby_minor(app);

    if (rails)
        app->because = "Gemfile with Rails";
    write_build(app, minor, rails);
    detect_gap(app);
    detect_line(app, "FROM ruby:3.%d-slim", minor);
    if (has_gem(app, "pg") || has_gem(app, "mysql2"))
        detect_line(app,
                    "RUN apt-get update && apt-get install -y --no-install-recommends%s%s && rm "
                    "-rf /var/lib/apt/lists/*",
                    has_gem(app, "pg") ? " libpq5" : "",
                    has_gem(app, "mysql2") ? " libmariadb3" : "");
    detect_line(app, "COPY --from=build /bundle /bundle");
    detect_line(
        app,
        "ENV BUNDLE_PATH=/bundle BUNDLE_WITHOUT=development:test HOME=/tmp RACK_ENV=production");
    if (rails) {
        detect_note(
            app,
            "Rails wants SECRET_KEY_BASE or RAILS_MASTER_KEY when it runs: give one as a secret.");
        detect_line(app,
                    "ENV RAILS_ENV=production RAILS_LOG_TO_STDOUT=1 RAILS_SERVE_STATIC_FILES=1");
    }
    detect_user(app);
    detect_line(app, "COPY --from=build --chown=" DETECT_USER " /app ./");
    detect_port(app);
    return write_start(app, rails);
}

const struct detect_language detect_ruby = {
    "ruby", recognise, make, " bundle ruby rails rackup puma rake bin/rails ./bin/rails "};
