/* detect_write.c: the lines of a Dockerfile that is made here.
 *
 * In: our own formats, and words out of a stranger's files. Out: text that holds no instruction but ours: words are checked against a short
 * alphabet, commands are written as JSON, comments are made printable and kept on one line. */
#include <ctype.h>
#include <jansson.h>
#include <stdarg.h>

#include "spec/base/arena.h"
#include "spec/detect_parts.h"
#include "spec/shell_words.h"

enum { WORD_BYTES = 100, PATH_BYTES = 300, NOTE_BYTES = 160 };

static bool safe_component(const char *s, size_t n, bool may_hide)
{
    if (n == 0 || n > WORD_BYTES || (s[0] == '.' && (!may_hide || n == 1 || s[1] == '.')))
        return false;
    if (s[0] == '-' || s[0] == '+')
        return false;
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)s[i]) && !strchr("._+-", s[i]))
            return false;
    return true;
}

bool detect_safe_word(const char *s)
{
    return safe_component(s, strlen(s), false);
}

bool detect_safe_path(const char *s)
{
    if (strlen(s) > PATH_BYTES)
        return false;
    for (;;) {
        size_t n = strcspn(s, "/");

        if (!safe_component(s, n, true))
            return false;
        if (!s[n])
            return true;
        s += n + 1;
    }
}

void detect_line(struct detect_app *app, const char *fmt, ...)
{
    char line[1024];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    str_addf(&app->out, "%s\n", line);
}

void detect_note(struct detect_app *app, const char *fmt, ...)
{
    CLEANUP(str_release) struct str plain = STR_INIT;
    char text[400];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    /* Cut first: vsnprintf may have cut within a character, which is then shown as bytes. */
    text[NOTE_BYTES] = '\0';
    str_add_escaped(&plain, text);
    str_addf(&app->out, "# %s\n", str_text(&plain));
}

void detect_gap(struct detect_app *app)
{
    str_addc(&app->out, '\n');
}

/* ---- commands ---- */

const char *detect_given_start(struct detect_app *app)
{
    if (app->in->start && *app->in->start)
        return app->in->start;
    const char *s = detect_text(app, "Procfile");

    while (*s) {
        size_t n = strcspn(s, "\r\n");

        if (n > 4 && strncmp(s, "web:", 4) == 0) {
            const char *line = arena_strndup(app->a, s + 4, n - 4);

            return line + strspn(line, " \t");
        }
        s += n;
        s += strspn(s, "\r\n");
    }
    return NULL;
}

int detect_cmd(struct detect_app *app, const struct strv *words)
{
    json_auto_t *list = json_array();
    CLEANUP(str_release) struct str plain = STR_INIT;

    for (size_t i = 0; i < words->n; i++) {
        json_t *word = json_string(words->v[i]);

        if (!word)
            return err_set(app->e, ERR_USER, "the start command is not UTF-8");
        (void)json_array_append_new(list, word);
        str_addf(&plain, "%s%s", i ? " " : "", words->v[i]);
    }
    char *text = json_dumps(list, JSON_ENSURE_ASCII);

    if (!text)
        return err_set(app->e, ERR_BUG, "a command that cannot be written down");
    str_addf(&app->out, "CMD %s\n", text);
    free(text);
    if (!app->start)
        app->start = arena_strdup(app->a, str_text(&plain));
    return 0;
}

int detect_cmd_words(struct detect_app *app, const char *first, ...)
{
    struct strv words = {0};
    va_list args;

    va_start(args, first);
    for (const char *w = first; w; w = va_arg(args, const char *))
        strv_push(app->a, &words, strcmp(w, "%d") == 0 ? arena_printf(app->a, "%d", app->port) : w);
    va_end(args);
    return detect_cmd(app, &words);
}

/* NAME=VALUE in front of a command is a shell's doing. */
static bool begins_with_assignment(const char *s)
{
    size_t n = 0;

    while (isalnum((unsigned char)s[n]) || s[n] == '_')
        n++;
    return n > 0 && s[n] == '=';
}

int detect_cmd_text(struct detect_app *app, const char *text)
{
    struct strv words = {0};

    text += strspn(text, " \t\r\n");
    app->start = arena_strdup(app->a, text);
    if (!*text)
        return err_set(app->e, ERR_USER, "start: names no command");
    bool operators = strpbrk(text, ";&|<>()`\n") != NULL;

    if (operators || strchr(text, '$') || strpbrk(text, "*?~") || begins_with_assignment(text)) {
        /* exec: signals then reach the program, not the shell. */
        bool one = !operators && !begins_with_assignment(text);

        return detect_cmd_words(app, "sh", "-c", one ? arena_printf(app->a, "exec %s", text) : text,
                                NULL);
    }
    const char *complaint = shell_words(text, app->a, &words);

    if (complaint)
        return err_set(app->e, ERR_USER, "start: %s", complaint);
    if (words.n == 0 || !*words.v[0])
        return err_set(app->e, ERR_USER, "start: names no command");
    return detect_cmd(app, &words);
}

/* ---- what all have ---- */

void detect_port(struct detect_app *app)
{
    detect_line(app, "ENV PORT=%d", app->port);
    detect_line(app, "EXPOSE %d", app->port);
}

void detect_user(struct detect_app *app)
{
    detect_line(app, "USER " DETECT_USER);
    detect_line(app, "WORKDIR /app");
}

void detect_copy_assets(struct detect_app *app, const char *from)
{
    static const char *const folders[] = {"assets", "config",    "migrations", "public",
                                          "static", "templates", "views",      "web"};

    for (size_t i = 0; i < ARRAY_LEN(folders); i++)
        if (detect_has_below(app, folders[i]))
            detect_line(app, "COPY --from=%s --chown=" DETECT_USER " /src/%s ./%s", from,
                        folders[i], folders[i]);
}
