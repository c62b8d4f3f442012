/* audit ls | verify: the audit log, read.
 *
 * Comes in: STATE/audit. Goes out: its newest records, or whether it is whole and, if not, the first line that is not. Needs neither agent nor engine and changes nothing. */
#include "agent/audit_verify.h"
#include "agent/cli.h"
#include "agent/cli_common.h"
#include "agent/progress.h"
#include "spec/base/arena.h"

static void add_part(struct str *line, const char *before, const char *part)
{
    if (!*part)
        return;
    str_add(line, before);
    str_add_escaped(line, part); /* the file may have been written by anybody */
}

static void put_line(const struct audit_record *r, bool colour)
{
    CLEANUP(str_release) struct str line = STR_INIT;
    bool bad = strcmp(r->outcome, "failed") == 0 || strcmp(r->outcome, "refused") == 0;

    str_addf(&line, "%6lld  ", (long long)r->seq);
    str_add_time(&line, r->at_ms);
    add_part(&line, "  ", *r->by ? r->by : "-");
    add_part(&line, " from ", r->from);
    add_part(&line, "  ", r->did);
    add_part(&line, " ", r->app);
    add_part(&line, " ", r->what);
    add_part(&line, colour && bad ? "  \033[31m" : "  ", r->outcome);
    if (colour && bad)
        str_add(&line, "\033[0m");
    if (r->re)
        str_addf(&line, " (%lld)", (long long)r->re);
    add_part(&line, ": ", r->detail);
    puts(str_text(&line));
}

static const char *present(const char *s)
{
    return *s ? s : NULL;
}

static json_t *as_json(const struct audit_record *r)
{
    CLEANUP(str_release) struct str at = STR_INIT;

    str_add_time(&at, r->at_ms);
    return json_pack("{s:I, s:s, s:s, s:o*, s:s*, s:s*, s:s*, s:s*, s:s*, s:s*, s:s*}", "seq",
                     (json_int_t)r->seq, "at", str_text(&at), "hash", r->hash, "re",
                     r->re ? json_integer(r->re) : NULL, "by", present(r->by), "from",
                     present(r->from), "did", present(r->did), "app", present(r->app), "what",
                     present(r->what), "outcome", present(r->outcome), "detail",
                     present(r->detail));
}

static int audit_ls(const struct options *o, struct arena *a, struct err *e)
{
    struct audit_wanted w = {.app = o->app, .limit = (size_t)o->limit};
    json_auto_t *list = json_array();
    const struct audit_record *v;
    size_t n;

    if (cli_since_ms(o, &w.since_ms, e) < 0 || audit_read(o->state, &w, a, &v, &n, e) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (o->json)
            (void)json_array_append_new(list, as_json(&v[i]));
        else
            put_line(&v[i], terminal_colour(stdout));
    }
    if (o->json)
        cli_put_json(list);
    else if (n == 0)
        printf("nothing has been recorded%s%s in %s/audit\n", o->app ? " for " : "",
               o->app ? o->app : "", o->state);
    return 0;
}

static json_t *report_json(const struct audit_report *r)
{
    return json_pack(
        "{s:b, s:I, s:I, s:I, s:i, s:s, s:b, s:s*, s:o*, s:s*}", "whole", !r->why, "records",
        (json_int_t)r->records, "first", (json_int_t)r->first_seq, "last", (json_int_t)r->last_seq,
        "files", (int)r->files, "head", r->head, "unfinished", r->unfinished, "file", r->file,
        "line", r->why && r->line > 0 ? json_integer((json_int_t)r->line) : NULL, "why", r->why);
}

static void put_report(const struct audit_report *r)
{
    CLEANUP(str_release) struct str why = STR_INIT;

    if (r->why) {
        str_add_escaped(&why, r->why);
        printf("broken: %s", r->file);
        if (r->line > 0)
            printf(":%zu", r->line);
        printf(": %s\n", str_text(&why));
        printf("%lld record%s before it %s whole", (long long)r->records,
               r->records == 1 ? "" : "s", r->records == 1 ? "is" : "are");
    } else {
        printf("whole: %lld record%s in %zu file%s", (long long)r->records,
               r->records == 1 ? "" : "s", r->files, r->files == 1 ? "" : "s");
    }
    if (r->records > 0)
        printf(", %lld to %lld, head %s", (long long)r->first_seq, (long long)r->last_seq, r->head);
    putchar('\n');
    if (r->first_seq > 1)
        printf("note: it begins with record %lld; older files were taken away\n",
               (long long)r->first_seq);
    if (r->unfinished)
        puts("note: the last line has no end: it is being written, or a crash cut it off; the next "
             "record drops it");
}

static int audit_check(const struct options *o, struct arena *a, bool *ret_whole, struct err *e)
{
    struct audit_report r;

    if (audit_verify(o->state, a, &r, e) < 0)
        return -1;
    if (o->json) {
        json_auto_t *v = report_json(&r);

        cli_put_json(v);
    } else {
        put_report(&r);
    }
    *ret_whole = !r.why;
    return 0;
}

int cli_audit(const struct options *o)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    const char *word = o->words.v[0];
    struct err e = {0};
    bool whole = true;
    int rc;

    if (strcmp(word, "ls") == 0)
        rc = audit_ls(o, a, &e);
    else if (strcmp(word, "verify") == 0)
        rc = audit_check(o, a, &whole, &e);
    else
        rc = err_set(&e, ERR_USER,
                     "there is no `evenkeel audit %s`; it knows ls and verify (see `evenkeel audit "
                     "--help`)",
                     word);
    if (rc < 0)
        return cli_fail(&e);
    return whole ? 0 : 1;
}
