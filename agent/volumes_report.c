/* volumes_report.c: who owns and uses the volumes of an engine.
 *
 * In: the input of a plan: files, engine, records of volumes in quarantine; sizes if somebody asked for them. Out: one row a volume, as text
 * or JSON. It asks nobody anything; what is due for a volume in quarantine is quarantine_due.c's word. */
#include "agent/volumes_report.h"

#include <string.h>

#include "reconcile/quarantine_due.h"
#include "spec/base/arena.h"
#include "spec/base/js.h"

static void add_users(const struct observed *o, struct volume_row *r, struct arena *a)
{
    for (size_t i = 0; i < o->n_containers; i++)
        if (strv_has(&o->by_name[i]->volumes, r->name))
            strv_push(a, &r->users, o->by_name[i]->name);
}

static void judge_record(const struct plan_input *in, const struct quarantine_record *record,
                         struct arena *a, struct volume_row *r)
{
    const struct quarantine_due due = quarantine_due(in, record, a);

    r->state = "quarantine";
    r->since_ms = record->since_ms;
    r->until_ms = record->until_ms;
    r->by = record->by;
    r->why = due.why;
    if (due.step == QUARANTINE_ENDS)
        r->why = arena_printf(a, "to be deleted: %s", due.why);
    else if (due.step == QUARANTINE_RETURNS)
        r->why = arena_printf(a, "returns: app %s declares it", due.app);
    else if (due.step == QUARANTINE_STAYS && due.why && record->until_ms <= in->now_ms)
        r->why = arena_printf(a, "its time is over, but %s", due.why);
}

static void judge_volume(const struct plan_input *in, struct arena *a, struct volume_row *r)
{
    const char *owner = in->desired->settings->owner;
    const struct want_app *declares = quarantine_declarer(in->desired, r->name);
    const struct quarantine_record *record = quarantine_record_of(in->observed, r->name);

    add_users(in->observed, r, a);
    if (record && (!r->owner || strcmp(r->owner, owner) == 0)) {
        judge_record(in, record, a, r);
        return;
    }
    if (declares)
        r->why = arena_printf(a, "of app %s", declares->name);
    if (!r->owner || strcmp(r->owner, owner) != 0) {
        r->state = "foreign";
        return;
    }
    r->state = r->users.n > 0 ? "in use" : declares ? "unused" : "orphan";
    if (!declares && r->users.n > 0)
        r->why = "no app declares it";
}

static void add_row(const struct plan_input *in, const struct kvs *sizes, struct volume_row row,
                    struct arena *a, struct volume_row *at)
{
    const char *size = sizes ? kvs_get(sizes, row.name) : NULL;

    *at = row;
    at->bytes = -1;
    if (size)
        (void)parse_int64(size, 0, INT64_MAX, &at->bytes);
    judge_volume(in, a, at);
}

static int compare_rows(const void *va, const void *vb)
{
    const struct volume_row *a = va, *b = vb;

    return strcmp(a->name, b->name);
}

void volumes_report(const struct plan_input *in, const struct kvs *sizes, bool everything,
                    struct arena *a, struct volume_row **ret, size_t *ret_n)
{
    const struct observed *o = in->observed;
    struct volume_row *rows = ARENA_ARRAY(a, o->n_volumes + o->n_quarantine, struct volume_row);
    size_t n = 0;

    for (size_t i = 0; i < o->n_volumes; i++) {
        const struct obs_volume *v = &o->volumes[i];

        if (everything || v->owner || quarantine_record_of(o, v->name))
            add_row(in, sizes,
                    (struct volume_row){
                        .name = v->name, .driver = v->driver, .owner = v->owner, .app = v->app},
                    a, &rows[n++]);
    }
    for (size_t i = 0; i < o->n_quarantine; i++) {
        const struct quarantine_record *r = &o->quarantine[i];

        if (!observed_volume(o, r->volume))
            add_row(in, sizes,
                    (struct volume_row){.name = r->volume, .owner = r->owner, .app = r->app}, a,
                    &rows[n++]);
    }
    if (n > 1)
        qsort(rows, n, sizeof(rows[0]), compare_rows);
    *ret = rows;
    *ret_n = n;
}

/* ---- text ---- */

#define COLUMNS 6
static const char *const heads[COLUMNS] = {"VOLUME", "APP", "OWNER", "SIZE", "STATE", "USED BY"};

static void cell(const struct volume_row *r, int column, struct str *out)
{
    switch (column) {
    case 0: str_add_escaped(out, r->name); break;
    case 1: str_add_escaped(out, r->app ? r->app : "-"); break;
    case 2: str_add_escaped(out, r->owner ? r->owner : "-"); break;
    case 3:
        if (r->bytes >= 0)
            str_add_bytes(out, r->bytes);
        else
            str_add(out, "-");
        break;
    case 4:
        str_add(out, r->state);
        if (r->until_ms) {
            str_add(out, " until ");
            str_add_time(out, r->until_ms);
        }
        break;
    default:
        for (size_t i = 0; i < r->users.n; i++) {
            str_add(out, i ? ", " : "");
            str_add_escaped(out, r->users.v[i]);
        }
        if (r->users.n == 0)
            str_add(out, "-");
    }
}

static size_t width_of(const struct volume_row *v, size_t n, int column)
{
    size_t width = strlen(heads[column]);

    for (size_t i = 0; i < n; i++) {
        CLEANUP(str_release) struct str text = STR_INIT;

        cell(&v[i], column, &text);
        if (text.len > width)
            width = text.len;
    }
    return width;
}

static const char *paint_of(const struct volume_row *r)
{
    return strcmp(r->state, "in use") == 0       ? "\033[32m"
           : strcmp(r->state, "quarantine") == 0 ? "\033[33m"
           : strcmp(r->state, "orphan") == 0     ? "\033[33m"
                                                 : "";
}

static void print_row(const struct volume_row *r, const size_t *width, bool with_size, bool colour,
                      struct str *out)
{
    for (int c = 0; c < COLUMNS; c++) {
        CLEANUP(str_release) struct str text = STR_INIT;
        const char *paint = colour && r && c == 4 ? paint_of(r) : "";

        if (c == 3 && !with_size)
            continue;
        if (r)
            cell(r, c, &text);
        else
            str_add(&text, heads[c]);
        str_addf(out, "%s%s%s%s", c ? "  " : "", paint, str_text(&text), *paint ? "\033[0m" : "");
        if (c + 1 < COLUMNS)
            str_addf(out, "%*s", (int)(width[c] - text.len), "");
    }
    if (r && r->why) {
        str_add(out, "  (");
        str_add_escaped(out, r->why);
        str_add(out, ")");
    }
    str_addc(out, '\n');
}

void volumes_print(const struct volume_row *v, size_t n, bool with_size, bool colour,
                   struct str *out)
{
    size_t width[COLUMNS];

    if (n == 0) {
        str_add(out, "no volumes: nothing on the engine bears an evenkeel's label\n");
        return;
    }
    for (int c = 0; c < COLUMNS; c++)
        width[c] = width_of(v, n, c);
    print_row(NULL, width, with_size, false, out);
    for (size_t i = 0; i < n; i++)
        print_row(&v[i], width, with_size, colour, out);
}

/* ---- JSON ---- */

static json_t *time_json(int64_t ms)
{
    CLEANUP(str_release) struct str text = STR_INIT;

    if (!ms)
        return NULL;
    str_add_time(&text, ms);
    return json_string(str_text(&text));
}

json_t *volumes_to_json(const struct volume_row *v, size_t n)
{
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++)
        json_array_append_new(
            list,
            json_pack("{s:s, s:s*, s:s*, s:s*, s:s, s:s*, s:o, s:o*, s:o*, s:s*, s:o*}", "name",
                      v[i].name, "driver", v[i].driver, "owner", v[i].owner, "app", v[i].app,
                      "state", v[i].state, "why", v[i].why, "users", js_from_strv(&v[i].users),
                      "since", time_json(v[i].since_ms), "until", time_json(v[i].until_ms), "by",
                      v[i].by, "bytes", v[i].bytes >= 0 ? json_integer(v[i].bytes) : NULL));
    return json_pack("{s:o}", "volumes", list);
}
