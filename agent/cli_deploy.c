/* deploy: send an archive or a spec to an agent, and wait until the app is well.
 *
 * Comes in: a file, an address, a token. Goes out: a bar on a terminal while it is sent, then what the agent does, line by line; the exit code tells how it ended. Refuses tokens on the command line, where
 * every user of the machine could read them. */
#include <curl/curl.h>
#include <unistd.h>

#include "agent/cli.h"
#include "agent/deploy_send.h"
#include "agent/progress.h"
#include "agent/upload_spec.h"
#include "drivers/fsx.h"
#include "spec/base/arena.h"
#include "spec/document.h"

enum { BAR = 30, TOKEN_MAX = 4096 };

struct screen {
    bool live;   /* a terminal: the bar is drawn */
    int percent; /* that it shows; -1: it is not there */
    bool colour;
};

/* ---- what is shown ---- */

static void bar_gone(struct screen *s)
{
    if (s->live && s->percent >= 0)
        (void)fputs("\r\033[K", stderr);
    s->percent = -1;
}

static void show_sent(void *ctx, int64_t bytes, int64_t total)
{
    CLEANUP(str_release) struct str line = STR_INIT;
    struct screen *s = ctx;
    int percent = (int)(bytes * 100 / total);

    if (!s->live || percent == s->percent)
        return;
    s->percent = percent;
    str_add(&line, "\r[");
    for (int i = 0; i < BAR; i++)
        str_addc(&line, i * 100 < percent * BAR ? '#' : ' ');
    str_addf(&line, "] %3d %%  ", percent);
    str_add_bytes(&line, bytes);
    str_add(&line, " of ");
    str_add_bytes(&line, total);
    str_add(&line, "\033[K");
    (void)fputs(str_text(&line), stderr);
}

static void show_line(void *ctx, const char *line)
{
    struct screen *s = ctx;
    bool good = strncmp(line, "ok: ", 4) == 0, bad = strncmp(line, "failed: ", 8) == 0;

    bar_gone(s);
    if (bad)
        return; /* told as the error that it is */
    printf("%s%s%s\n", good && s->colour ? "\033[32m" : "", line,
           good && s->colour ? "\033[0m" : "");
    (void)fflush(stdout);
}

/* ---- what is asked ---- */

static bool is_spec(const char *path)
{
    const char *dot = strrchr(path, '.');

    return dot && (strcasecmp(dot, ".yaml") == 0 || strcasecmp(dot, ".yml") == 0);
}

static int app_of(const struct options *o, struct arena *a, const char **ret, struct err *e)
{
    const char *file = o->words.v[0], *slash = strrchr(file, '/');
    char *name = arena_strdup(a, slash ? slash + 1 : file);

    name[strcspn(name, ".")] = '\0';
    *ret = o->app ? o->app : name;
    if (app_name_valid(*ret))
        return 0;
    return err_set(e, ERR_USER, "\"%s\" is no name of an app; give it one with --app", *ret);
}

static int token_of(const struct options *o, struct arena *a, const char **ret, struct err *e)
{
    const char *text = getenv("EVENKEEL_TOKEN");
    size_t n;

    if (o->token_file && fsx_read(o->token_file, TOKEN_MAX, a, &text, &n, NULL, e) < 0)
        return -1;
    if (!text || !*text)
        return err_set(e, ERR_USER,
                       "a token is needed: --token-file FILE, or EVENKEEL_TOKEN. `evenkeel token "
                       "create NAME --scope deploy` makes one where the agent runs");
    char *token = arena_strdup(a, text + strspn(text, " \t\r\n"));

    token[strcspn(token, " \t\r\n")] = '\0';
    *ret = token;
    return 0;
}

static void add_query(struct str *url, const char *name, const char *value)
{
    char *escaped = value ? curl_easy_escape(NULL, value, 0) : NULL;

    if (escaped)
        str_addf(url, "&%s=%s", name, escaped);
    curl_free(escaped);
}

static int url_of(const struct options *o, struct arena *a, const char **ret, struct err *e)
{
    CLEANUP(str_release) struct str url = STR_INIT;
    const char *to = o->to ? o->to : getenv("EVENKEEL_URL"), *app;
    bool spec = is_spec(o->words.v[0]);

    if (!to || (strncmp(to, "http://", 7) != 0 && strncmp(to, "https://", 8) != 0))
        return err_set(e, ERR_USER,
                       "where is the agent? --to https://HOST[:PORT], or EVENKEEL_URL");
    if (spec && o->fields.n > 0)
        return err_set(e, ERR_USER, "--%s goes with an archive; a spec has it in itself",
                       o->fields.v[0]);
    if (app_of(o, a, &app, e) < 0)
        return -1;
    str_addn(&url, to, strlen(to) - (to[strlen(to) - 1] == '/'));
    str_addf(&url, "/api/v1/apps/%s/%s?wait=1", app, spec ? "spec" : "bundle");
    add_query(&url, "timeout", o->timeout);
    *ret = arena_strdup(a, str_text(&url));
    return 0;
}

/* `--env KEY` is the variable of this process, so that its value stands in no argument list. */
static int value_of(const char *name, const char *value, struct arena *a, const char **ret,
                    struct err *e)
{
    const char *here;

    *ret = value;
    if (strcmp(name, "env") != 0 || strchr(value, '='))
        return 0;
    here = getenv(value);
    if (!here)
        return err_set(e, ERR_USER, "--env %s: there is no such variable here; %s=VALUE gives one",
                       value, value);
    *ret = arena_printf(a, "%s=%s", value, here);
    return 0;
}

/* Wrong words are told before anything is sent. */
static int fields_of(const struct options *o, struct arena *a, struct strv *ret, struct err *e)
{
    struct upload_spec checked = {0};
    struct err wrong = {0};

    for (size_t i = 0; i + 1 < o->fields.n; i += 2) {
        const char *name = o->fields.v[i], *value;

        if (value_of(name, o->fields.v[i + 1], a, &value, e) < 0)
            return -1;
        if (strchr(value, '\n') || !*value)
            return err_set(e, ERR_USER, "--%s wants one line of text", name);
        if (upload_spec_take(&checked, name, value, a, &wrong) < 0)
            return err_set(e, ERR_USER, "--%s: %s", name, wrong.msg);
        strv_push(a, ret, name);
        strv_push(a, ret, value);
    }
    return 0;
}

static void warn_of_plain(const char *url)
{
    if (strncmp(url, "http://", 7) == 0 && strncmp(url + 7, "127.", 4) != 0 &&
        strncmp(url + 7, "localhost", 9) != 0)
        (void)fputs(
            "evenkeel: warning: the token goes over the network unencrypted; use https://\n",
            stderr);
}

int cli_deploy(const struct options *o)
{
    struct screen screen = {
        .live = isatty(STDERR_FILENO) == 1, .percent = -1, .colour = terminal_colour(stdout)};
    struct deploy_send d = {
        .path = o->words.v[0], .sent = show_sent, .said = show_line, .ctx = &screen};
    struct arena *a = arena_new();
    struct err e = {0};
    int rc = 0;

    if (url_of(o, a, &d.url, &e) < 0 || fields_of(o, a, &d.fields, &e) < 0 ||
        token_of(o, a, &d.token, &e) < 0) {
        rc = cli_fail(&e);
    } else {
        warn_of_plain(d.url);
        if (deploy_send(&d, &e) < 0) {
            bar_gone(&screen);
            rc = cli_fail(&e);
        }
    }
    arena_free(a);
    return rc;
}
