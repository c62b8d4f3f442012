/* logs: the output of an app's containers, straight from the engine, each line with the container it came from; or what its last build said.
 *
 * Comes in: APP, APP/SERVICE or APP/SERVICE/INDEX. Goes out: lines; with --follow until Ctrl-C. Control bytes are escaped. */
#include <stdarg.h>

#include "agent/buildlog.h"
#include "agent/cli.h"
#include "agent/cli_common.h"
#include "agent/container_match.h"
#include "agent/progress.h"
#include "spec/base/arena.h"

struct stream {
    const char *label;
    const char *colour;
    int width;
    size_t *open;
    struct err *trouble;
    bool timestamps;
};

static const char *const palette[] = {"\033[36m", "\033[33m", "\033[32m",
                                      "\033[35m", "\033[34m", "\033[96m"};

static void put_line(void *user, bool is_stderr, const char *line, size_t n)
{
    struct stream *s = user;
    CLEANUP(str_release) struct str raw = STR_INIT, text = STR_INIT;
    (void)is_stderr;
    str_addn(&raw, line, n);
    if (s->label)
        str_addf(&text, "%s%-*s |%s ", s->colour, s->width, s->label, *s->colour ? "\033[0m" : "");
    str_add_escaped(&text, str_text(&raw));
    puts(str_text(&text));
    (void)fflush(stdout);
}

static void stream_over(void *user, const struct op_result *result)
{
    struct stream *s = user;
    (*s->open)--;
    if (result->err.kind != ERR_NONE && result->err.kind != ERR_STALE &&
        s->trouble->kind == ERR_NONE)
        *s->trouble = result->err;
}

static int logs_of(struct core *c, const struct options *o, struct arena *a, struct err *e)
{
    char *word = arena_strdup(a, o->words.v[0]), *save = NULL;
    const char *app = strtok_r(word, "/", &save), *service = strtok_r(NULL, "/", &save);
    const char *number = strtok_r(NULL, "/", &save);
    int64_t index = 0, since;
    size_t open = 0, found = 0;
    struct err trouble = {0};
    if (!app || (number && parse_int64(number, 1, 100000, &index) < 0))
        return err_set(e, ERR_USER, "logs wants APP, APP/SERVICE or APP/SERVICE/INDEX, not \"%s\"",
                       o->words.v[0]);
    if (cli_since_ms(o, &since, e) < 0)
        return -1;
    const struct observed *obs = core_observed(c, a);
    int width = 0;
    for (size_t i = 0; i < obs->n_containers; i++)
        if (container_match(&obs->containers[i], o->settings.owner, app, service, (int)index)) {
            found++;
            int w = (int)strlen(obs->containers[i].name);
            width = w > width ? w : width;
        }
    if (found == 0)
        return err_set(e, ERR_MISSING,
                       "no container of \"%s\" exists; `evenkeel status %s` says why",
                       o->words.v[0], app);
    size_t k = 0;
    for (size_t i = 0; i < obs->n_containers; i++) {
        const struct obs_container *x = &obs->containers[i];
        if (!container_match(x, o->settings.owner, app, service, (int)index))
            continue;
        struct stream *s = ARENA_NEW(a, struct stream);
        *s = (struct stream){
            .label = found > 1 ? x->name : NULL,
            .colour = terminal_colour(stdout) ? palette[k++ % ARRAY_LEN(palette)] : "",
            .width = width,
            .open = &open,
            .trouble = &trouble,
        };
        struct logs *want = ARENA_NEW(a, struct logs);
        *want = (struct logs){.container = x->id,
                              .follow = o->follow,
                              .timestamps = o->timestamps,
                              .tail = o->tail,
                              .since_ms = since};
        open++;
        (void)c->driver->ops->logs(c->driver, want, put_line, stream_over, s);
    }
    while (open > 0)
        if (http_poll(c->http, NULL, 0, -1, e) < 0)
            return -1;
    if (trouble.kind != ERR_NONE) {
        *e = trouble;
        return -1;
    }
    return 0;
}

/* ---- builds ---- */

static int build_logs(const struct options *o, struct arena *a, struct err *e)
{
    char *app = arena_strdup(a, o->words.v[0]), *slash = strchr(app, '/');
    struct buildlog_text *v;

    if (o->follow || o->since || o->timestamps)
        return err_set(e, ERR_USER, "--build goes with --tail only");
    if (slash)
        *slash = '\0';
    int n = buildlog_read(o->state, app, slash ? slash + 1 : NULL, o->tail_given ? o->tail : -1, a,
                          &v, e);

    for (int i = 0; i < n; i++) {
        if (n > 1)
            printf("%s==> %s/%s <==\n", i > 0 ? "\n" : "", app, v[i].service);
        (void)fwrite(v[i].text, 1, v[i].n, stdout);
    }
    return n < 0 ? -1 : 0;
}

int cli_logs(const struct options *o)
{
    struct err e = {0};
    struct core c;
    struct arena *a = arena_new();
    int rc = 0;
    if (o->build) {
        rc = build_logs(o, a, &e) < 0 ? cli_fail(&e) : 0;
        arena_free(a);
        return rc;
    }
    if (core_open(&c, o, CORE_ENGINE, &e) < 0 || core_look(&c, false, &e) < 0 ||
        logs_of(&c, o, a, &e) < 0)
        rc = cli_fail(&e);
    core_close(&c);
    arena_free(a);
    return rc;
}
