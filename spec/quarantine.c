/* quarantine.c: records of volumes in quarantine, as YAML and back.
 *
 * In: the text of a file, or a record. Out: the other. What has an unknown key, lacks one, or names another volume than its
 * file does is no record: data hangs on it, so nothing is guessed. */
#include "spec/quarantine.h"

#include <string.h>

#include "spec/base/arena.h"
#include "spec/decode.h"
#include "spec/forms.h"
#include "spec/yaml_write.h"

bool quarantine_name_valid(const char *volume)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
    size_t n = strlen(volume);

    return n > 0 && n <= 200 && !strchr("_.-", *volume) && strspn(volume, letters) == n;
}

// clang-format off
#define Q(member) offsetof(struct quarantine_record, member)
static const struct field rows_quarantine[] = {
    {"app", &form_text, Q(app), .help = "app that it belonged to", .required = true},
    {"by", &form_text, Q(by), .help = "who asked for it"},
    {"owner", &form_text, Q(owner), .help = "agent that made it", .required = true},
    {"purge", &form_flag, Q(purge), .help = "its deletion was asked for", .fallback = "false"},
    {"since", &form_time, Q(since_ms), .help = "when it came in", .required = true},
    {"until", &form_time, Q(until_ms), .help = "when it may be deleted", .required = true},
    {"volume", &form_text, Q(volume), .help = "its name", .required = true},
    {"why", &form_text, Q(why), .help = "what it is here for"},
};
// clang-format on
static const struct table fields_quarantine = {"quarantine", "A volume in quarantine.",
                                               rows_quarantine, ARRAY_LEN(rows_quarantine)};

static int first_problem(const struct diag_list *l, struct err *e)
{
    CLEANUP(str_release) struct str text = STR_INIT;

    for (size_t i = 0; i < l->n; i++)
        if (l->v[i].level == DIAG_ERROR) {
            diag_print(&l->v[i], false, &text);
            return err_set(e, ERR_USER, "%.*s", (int)strcspn(str_text(&text), "\n"),
                           str_text(&text));
        }
    return err_set(e, ERR_USER, "it says nothing");
}

int quarantine_parse(const char *volume, const char *text, size_t n, struct arena *a,
                     struct quarantine_record *ret, struct err *e)
{
    const char *name = arena_printf(a, "quarantine/%s" QUARANTINE_SUFFIX, volume);
    struct quarantine_record r = {0};
    struct diag_list diags;
    struct yaml_file file;

    diag_init(&diags, a);
    if (yaml_parse(name, text, n, a, &diags, &file) < 0)
        return first_problem(&diags, e);
    struct decode_ctx c = {
        .arena = a, .diags = &diags, .file = &file, .dir = "/", .plain_dollars = true};

    if (file.n_documents != 1 || !decode_table(&c, &fields_quarantine, file.documents[0], &r) ||
        diags.errors > 0)
        return first_problem(&diags, e);
    if (strcmp(r.volume, volume) != 0)
        return err_set(e, ERR_USER, "%s: it is about another volume", name);
    if (r.since_ms < 1000 ||
        r.until_ms < 1000) /* the engine's word for "never", and what is printed as 0 */
        return err_set(e, ERR_USER, "%s: it lacks a time", name);
    r.volume = volume;
    *ret = r;
    return 0;
}

static void add_text(struct str *out, const char *key, const char *value)
{
    if (!value)
        return;
    str_addf(out, "%s: ", key);
    yaml_write_quoted(value, out);
    str_addc(out, '\n');
}

static void add_time(struct str *out, const char *key, int64_t ms)
{
    str_addf(out, "%s: ", key);
    str_add_time(out, ms);
    str_addc(out, '\n');
}

void quarantine_print(const struct quarantine_record *r, struct str *out)
{
    add_text(out, "volume", r->volume);
    add_text(out, "owner", r->owner);
    add_text(out, "app", r->app);
    add_time(out, "since", r->since_ms);
    add_time(out, "until", r->until_ms);
    add_text(out, "why", r->why);
    add_text(out, "by", r->by);
    if (r->purge)
        str_add(out, "purge: true\n");
}
