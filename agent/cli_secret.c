/* secret set | ls | rm: the store of secrets, by hand.
 *
 * Comes in: a name, and for `set` the value from standard input or a file; from a terminal it is asked for without being shown. Goes out: a file in STATE/secrets that a running agent
 * sees by itself. Refuses a value on the command line, which every user of the machine could read, and prints none. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <termios.h>
#include <unistd.h>

#include "agent/cli.h"
#include "agent/cli_common.h"
#include "agent/lock.h"
#include "agent/secrets.h"
#include "drivers/fsx.h"
#include "spec/base/arena.h"
#include "spec/limits.h"

#define DAY_MS INT64_C(86400000)

struct value {
    char *bytes; /* LIMIT_SECRET_BYTES + 1 */
    size_t n;
};

static void wipe(struct value *v)
{
    if (v->bytes)
        OPENSSL_cleanse(v->bytes, LIMIT_SECRET_BYTES + 1);
    free(v->bytes);
}

/* ---- where a value comes from ---- */

static int read_all(int fd, struct value *v, struct err *e)
{
    v->n = 0;
    while (v->n <= LIMIT_SECRET_BYTES) {
        ssize_t got = read(fd, v->bytes + v->n, LIMIT_SECRET_BYTES + 1 - v->n);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_errno(e, errno, "cannot read the value");
        if (got == 0)
            return 0;
        v->n += (size_t)got;
    }
    return err_set(e, ERR_USER, "a secret has at most %d bytes; nothing was changed",
                   LIMIT_SECRET_BYTES);
}

static int read_file(const char *path, struct value *v, struct err *e)
{
    struct arena *a = arena_new();
    const char *text;
    int rc = fsx_read(path, LIMIT_SECRET_BYTES, a, &text, &v->n, NULL, e);

    if (rc == 0) {
        memcpy(v->bytes, text, v->n);
        OPENSSL_cleanse((char *)(uintptr_t)text, v->n);
    }
    arena_free(a);
    return rc;
}

/* One line, not shown, without its end. */
static int ask(const char *name, struct value *v, struct err *e)
{
    struct termios before, silent;

    if (tcgetattr(STDIN_FILENO, &before) != 0)
        return err_errno(e, errno, "cannot ask for the value");
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    (void)fprintf(stderr, "Value of %s (one line, not shown): ", name);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    ssize_t got = read(STDIN_FILENO, v->bytes, LIMIT_SECRET_BYTES);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    (void)fputc('\n', stderr);
    if (got < 0)
        return err_errno(e, errno, "cannot read the value");
    v->n = (size_t)got;
    if (v->n > 0 && v->bytes[v->n - 1] == '\n')
        v->n--;
    return 0;
}

/* `echo value | ...` adds a line's end that the value most likely should not have. */
static void note_line_end(const struct value *v)
{
    const char *end = memchr(v->bytes, '\n', v->n);

    if (end && end + 1 == v->bytes + v->n && v->n > 1)
        (void)fputs(
            "note: the value ends with a line break, which is part of it now; `printf %s` adds "
            "none\n",
            stderr);
}

static int take_value(const struct options *o, const char *name, struct value *v, struct err *e)
{
    if (o->file && strcmp(o->file, "-") != 0)
        return read_file(o->file, v, e);
    if (!o->file && isatty(STDIN_FILENO))
        return ask(name, v, e);
    if (read_all(STDIN_FILENO, v, e) != 0)
        return -1;
    note_line_end(v);
    return 0;
}

/* ---- verbs ---- */

static void say_who_acts(const struct options *o)
{
    pid_t agent = lock_holder(o->state);

    if (agent)
        printf("the agent (pid %d) sees it by itself\n", (int)agent);
    else
        printf("no agent is running on %s: `evenkeel apply` makes use of it\n", o->state);
}

static int secret_set(const struct options *o, struct err *e)
{
    CLEANUP(wipe) struct value v = {.bytes = xcalloc(LIMIT_SECRET_BYTES + 1, 1)};
    const char *name = o->words.v[1];

    if (secrets_check_name(o->app, name, e) != 0 || take_value(o, name, &v, e) != 0 ||
        secrets_set(o->state, o->app, name, v.bytes, v.n, e) != 0)
        return -1;
    struct secret_nature nature = secret_nature_of(v.bytes, v.n);

    if (*nature.problem)
        (void)fprintf(stderr, "warning: %s\n", nature.problem);
    printf("secret %s%s%s is set (%zu bytes); ", o->app ? o->app : "", o->app ? "/" : "", name,
           v.n);
    say_who_acts(o);
    return 0;
}

static int secret_rm(const struct options *o, struct err *e)
{
    for (size_t i = 1; i < o->words.n; i++) {
        if (secrets_remove(o->state, o->app, o->words.v[i], e) != 0)
            return -1;
        printf("secret %s%s%s is removed; ", o->app ? o->app : "", o->app ? "/" : "",
               o->words.v[i]);
        say_who_acts(o);
    }
    return 0;
}

static void add_end(struct str *out, const struct secret *s, int64_t now_ms)
{
    int64_t days = (s->not_after_ms - now_ms) / DAY_MS;

    if (s->not_after_ms == 0)
        return;
    str_add(out, s->not_after_ms <= now_ms ? "  EXPIRED " : "  until ");
    str_add_time(out, s->not_after_ms);
    if (s->not_after_ms > now_ms)
        str_addf(out, " (%lld day%s)", (long long)days, days == 1 ? "" : "s");
}

static void put_line(const struct secret *s, int64_t now_ms)
{
    CLEANUP(str_release) struct str line = STR_INIT;

    str_addf(&line, "%-30s %-11s ", s->name, secret_kind_word(s));
    str_add_time(&line, (int64_t)s->st.st_mtim.tv_sec * 1000);
    add_end(&line, s, now_ms);
    if (s->problem) {
        str_add(&line, "  cannot be used: ");
        str_add_escaped(&line, s->problem);
    } else if (s->st.st_mode & 077) {
        str_addf(&line, "  mode %04o: others may read it; chmod 600", s->st.st_mode & 07777);
    }
    puts(str_text(&line));
}

/* With --app its own and nothing else. */
static bool listed(const struct options *o, const struct secret *s)
{
    size_t n = o->app ? strlen(o->app) : 0;

    return !o->app || (strncmp(s->name, o->app, n) == 0 && s->name[n] == '/');
}

static int secret_ls(const struct options *o, struct err *e)
{
    struct secrets *all = secrets_new(o->state);
    json_auto_t *list = json_array();
    size_t n = 0, shown = 0;
    int rc = 0;

    (void)secrets_scan(all);
    const struct secret *v = secrets_list(all, &n);

    if (secrets_trouble(all))
        rc = err_set(e, ERR_DENIED, "%s", secrets_trouble(all));
    for (size_t i = 0; i < n && rc == 0; i++) {
        if (!listed(o, &v[i]))
            continue;
        shown++;
        if (o->json)
            json_array_append_new(list, secret_to_json(&v[i]));
        else
            put_line(&v[i], core_now_ms());
    }
    if (o->json && rc == 0)
        cli_put_json(list);
    else if (rc == 0 && shown == 0)
        printf("there are no secrets%s%s in %s; `evenkeel secret set NAME` makes one\n",
               o->app ? " of " : "", o->app ? o->app : "", o->state);
    secrets_free(all);
    return rc;
}

int cli_secret(const struct options *o)
{
    static const struct {
        const char *word;
        size_t min, max;
        int (*run)(const struct options *o, struct err *e);
    } rows[] = {{"set", 2, 2, secret_set}, {"ls", 1, 1, secret_ls}, {"rm", 2, 1000, secret_rm}};
    struct err e = {0};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (strcmp(o->words.v[0], rows[i].word) != 0)
            continue;
        if (o->words.n > rows[i].max && rows[i].run == secret_set)
            (void)err_set(&e, ERR_USER,
                          "a value is never given on the command line, where everybody can read "
                          "it; pipe it in, or use --file");
        else if (o->words.n < rows[i].min || o->words.n > rows[i].max)
            (void)err_set(&e, ERR_USER, "usage: evenkeel secret set NAME | ls | rm NAME...");
        else if (rows[i].run(o, &e) == 0)
            return 0;
        return cli_fail(&e);
    }
    (void)err_set(&e, ERR_USER,
                  "there is no `evenkeel secret %s`; it knows set, ls and rm (see `evenkeel secret "
                  "--help`)",
                  o->words.v[0]);
    return cli_fail(&e);
}
