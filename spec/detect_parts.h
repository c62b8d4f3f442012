/* detect_parts.h: what the languages of detection share; nobody else includes it.
 *
 * Everything that comes out of a file is a stranger's. It enters a Dockerfile only as a word that detect_safe_word or detect_safe_path
 * has let through, as JSON (detect_cmd), or in a comment (detect_note); detect_line's format and its other arguments are ours. */
#ifndef EK_DETECT_PARTS_H
#define EK_DETECT_PARTS_H

#include "spec/base/attr.h"
#include "spec/detect.h"

struct detect_app {
    const struct detect_input *in;
    struct arena *a;
    struct err *e;
    struct str out; /* the Dockerfile */
    const char *language, *because;
    const char *start; /* what runs, for people */
    int port;
};

/* A row of the table of languages. */
struct detect_language {
    const char *name;
    /* "package.json", or NULL when this is not such an application. */
    const char *(*recognise)(struct detect_app *app);
    /* Writes the Dockerfile to app->out and fills because and start; -1 with app->e. */
    int (*make)(struct detect_app *app);
    const char *commands; /* first words of `start:` that speak for it, between blanks */
};

extern const struct detect_language detect_node, detect_python, detect_go, detect_rust, detect_ruby,
    detect_php, detect_java, detect_dotnet, detect_static;

/* ---- files ---- */
bool detect_has(const struct detect_app *app, const char *path);
bool detect_has_below(const struct detect_app *app, const char *folder); /* any file in it */
const char *detect_text(const struct detect_app *app, const char *path); /* "" when there is none */
/* The first of the names (ended by NULL) that is there, or NULL. */
const char *detect_first(const struct detect_app *app, const char *const *names);

/* ---- looks into texts ---- */
/* KEY = "VALUE" of a [section] ("" before the first) in something like TOML or an ini file; NULL when absent. */
const char *detect_setting(const struct detect_app *app, const char *text, const char *section,
                           const char *key);
/* What stands between two texts, blanks trimmed; NULL when they are not there. */
const char *detect_between(const struct detect_app *app, const char *text, const char *before,
                           const char *after);
/* The first line, blanks trimmed. */
const char *detect_first_line(const struct detect_app *app, const char *text);
bool detect_has_word(const char *text, const char *word); /* not as part of a longer name */

/* ---- versions ---- */
/* The major version to take for a range like ">=18", "^18.2", "18 || 20", ">=16 <19": the preferred one where the range has it, else the nearest
 * that it names; 0 when it names none. */
int detect_major(const char *range, int preferred);
/* The same for 3.N: the minor version. */
int detect_minor(const char *range, int major, int preferred);

/* ---- writing ---- */
bool detect_safe_word(
    const char *s); /* letters, digits, ". _ + -", not beginning with "-" or "."; at most 100 */
bool detect_safe_path(
    const char *
        s); /* such words joined by "/"; a component may begin with "." but be neither "." nor ".." */
void detect_line(struct detect_app *app, const char *fmt, ...) PRINTF_LIKE(2, 3);
void detect_note(struct detect_app *app, const char *fmt, ...) PRINTF_LIKE(2, 3); /* "# ..." */
void detect_gap(struct detect_app *app); /* between stages */
/* The start command that somebody wrote: the spec's, else Procfile's web line; NULL when none did. */
const char *detect_given_start(struct detect_app *app);
/* CMD from a text as a person would type it: split into words, or given to sh where only a shell can carry it out. Sets start. */
int detect_cmd_text(struct detect_app *app, const char *text);
/* CMD of these words. Sets start. */
int detect_cmd(struct detect_app *app, const struct strv *words);
/* The same, of arguments ended by NULL; "%d" as a word of its own becomes the port. */
int detect_cmd_words(struct detect_app *app, const char *first, ...);
/* ENV PORT and EXPOSE. */
void detect_port(struct detect_app *app);
/* USER and WORKDIR /app, of the last stage; after this the folder is the user's own. */
void detect_user(struct detect_app *app);
/* COPY of those of the folders (ended by NULL) that are there: what programs read beside their binary. */
void detect_copy_assets(struct detect_app *app, const char *from);

#define DETECT_USER "1000:1000"

#endif
