/* drift_print.c: what somebody else changed, for a terminal.
 *
 * In: a report. Out: one line a difference, cut so that the table fits a screen; then each in full, with its cause, its time and what becomes of
 * it; then the overrides in force. Texts of strangers are escaped. */
#include "reconcile/drift_report.h"

#include <string.h>

#include "spec/base/str.h"

enum { CELL_MAX = 36 };

#define COLUMNS 6
static const char *const heads[COLUMNS] = {"APP", "OBJECT", "FIELD", "WANT", "HAVE", "SINCE"};

/* "2026-11-22 10:00:03 (update)"; without an event, when nobody knows. */
static void add_since(const struct difference *d, struct str *out)
{
    if (d->when_ms)
        str_add_time(out, d->when_ms);
    if (d->event)
        str_addf(out, "%s%s", d->when_ms ? " " : "", d->event);
    if (!d->when_ms && !d->event)
        str_add(out, "-");
}

static void cell(const struct drift_item *item, int column, struct str *out)
{
    const struct difference *d = item->found;

    switch (column) {
    case 0: str_add_escaped(out, item->app); break;
    case 1: str_add_escaped(out, d->object); break;
    case 2: str_add_escaped(out, d->change.field); break;
    case 3: str_add_escaped(out, d->change.want ? d->change.want : "(none)"); break;
    case 4: str_add_escaped(out, d->change.have ? d->change.have : "(none)"); break;
    default: add_since(d, out); break;
    }
}

/* Characters, not bytes: a cell is as wide as it looks, but for wide scripts. */
static size_t width_of(const char *text)
{
    size_t n = 0;

    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

/* The first characters, and dots where there were more. */
static void cut(const struct str *from, struct str *out)
{
    const char *text = str_text(from);
    size_t n = 0, at = 0;

    if (width_of(text) <= CELL_MAX) {
        str_add(out, text);
        return;
    }
    while (n < CELL_MAX - 3) {
        at++;
        while (((unsigned char)text[at] & 0xc0) == 0x80)
            at++;
        n++;
    }
    str_addn(out, text, at);
    str_add(out, "...");
}

static void cut_cell(const struct drift_item *item, int column, struct str *out)
{
    CLEANUP(str_release) struct str text = STR_INIT;

    cell(item, column, &text);
    if (column == 3 || column == 4)
        cut(&text, out);
    else
        str_add(out, str_text(&text));
}

static void print_row(const struct drift_item *item, const size_t *width, bool colour,
                      struct str *out)
{
    for (int c = 0; c < COLUMNS; c++) {
        CLEANUP(str_release) struct str text = STR_INIT;
        const char *paint = !colour || !item ? "" : c == 3 ? "\033[32m" : c == 4 ? "\033[33m" : "";

        if (item)
            cut_cell(item, c, &text);
        else
            str_add(&text, heads[c]);
        str_addf(out, "%s%s%s%s", c ? "  " : "", paint, str_text(&text), *paint ? "\033[0m" : "");
        if (c + 1 < COLUMNS)
            str_addf(out, "%*s", (int)(width[c] - width_of(str_text(&text))), "");
    }
    if (item && item->found->left == LEFT_IGNORED)
        str_add(out, "  [ignored]");
    str_addc(out, '\n');
}

static void print_table(const struct drift_report *r, bool colour, struct str *out)
{
    size_t width[COLUMNS];

    for (int c = 0; c < COLUMNS; c++) {
        width[c] = strlen(heads[c]);
        for (size_t i = 0; i < r->n; i++) {
            CLEANUP(str_release) struct str text = STR_INIT;

            cut_cell(&r->items[i], c, &text);
            if (width_of(str_text(&text)) > width[c])
                width[c] = width_of(str_text(&text));
        }
    }
    print_row(NULL, width, false, out);
    for (size_t i = 0; i < r->n; i++)
        print_row(&r->items[i], width, colour, out);
}

void drift_add_values(const struct difference *d, struct str *out)
{
    const struct change *c = &d->change;

    if (c->want && c->have && strcmp(c->want, c->have) == 0) { /* masked on both sides */
        str_add_escaped(out, c->want);
        return;
    }
    str_add(out, "want ");
    str_add_escaped(out, c->want ? c->want : "none");
    str_add(out, ", have ");
    str_add_escaped(out, c->have ? c->have : "none");
}

const char *drift_fate(const struct difference *d)
{
    static const char *const rights[] = {
        [REPAIR_NONE] = "nothing is done about it",
        [REPAIR_START] = "put right by a start",
        [REPAIR_UPDATE] = "put right in place, by an update",
        [REPAIR_NETWORK] = "put right in place, on the network",
        [REPAIR_RENAME] = "put right in place, by a rename",
        [REPAIR_REPLACE] = "put right by a new container",
        [REPAIR_CREATE] = "made again",
        [REPAIR_REMOVE] = "removed, being surplus",
        [REPAIR_ROUTE] = "put right by writing the route",
        [REPAIR_WRITE] = "put right in place, by writing it anew",
    };

    switch (d->left) {
    case LEFT_NOT: break;
    case LEFT_REPORT: return "left as it is: drift: report";
    case LEFT_IGNORED: return "left as it is: ignored";
    case LEFT_HELD: return "left as it is: the app is held or frozen";
    case LEFT_FOREIGN: return "left as it is: it is not ours";
    case LEFT_BLOCKED: return "left for now: the app's status says why";
    }
    return (size_t)d->repair < ARRAY_LEN(rights) && rights[d->repair] ? rights[d->repair] : "";
}

static void print_full(const struct drift_item *item, bool colour, struct str *out)
{
    const struct difference *d = item->found;

    str_addf(out, "%s%s%s: ", colour ? "\033[1m" : "", item->app, colour ? "\033[0m" : "");
    str_add_escaped(out, d->object);
    str_add(out, ": ");
    str_add_escaped(out, d->change.field);
    str_add(out, ": ");
    drift_add_values(d, out);
    if (d->cause) {
        str_add(out, "\n  cause: ");
        str_add_escaped(out, d->cause);
    }
    if (item->origin) {
        str_add(out, "\n  file: ");
        str_add_escaped(out, item->origin);
    }
    str_addf(out, "\n  %s\n", drift_fate(d));
}

size_t drift_apps(const struct drift_report *r)
{
    const char *last = NULL;
    size_t n = 0;

    for (size_t i = 0; i < r->n; i++) {
        if (!drift_counts(&r->items[i]) || (last && strcmp(last, r->items[i].app) == 0))
            continue;
        last = r->items[i].app;
        n++;
    }
    return n;
}

void drift_print(const struct drift_report *r, bool colour, struct str *out)
{
    size_t found = drift_count(r->items, r->n), notes = 0, apps = drift_apps(r);

    if (r->n > 0) {
        print_table(r, colour, out);
        str_addc(out, '\n');
        for (size_t i = 0; i < r->n; i++)
            print_full(&r->items[i], colour, out);
        str_addc(out, '\n');
    }
    for (size_t i = 0; i < r->plan->n_apps; i++)
        for (size_t k = 0; k < r->plan->apps[i].notes.n; k++, notes++) {
            str_addf(out, "%s: ", r->plan->apps[i].name);
            str_add_escaped(out, r->plan->apps[i].notes.v[k]);
            str_addc(out, '\n');
        }
    if (notes > 0)
        str_addc(out, '\n');
    if (found == 0)
        str_add(out, "no drift: what runs is what was brought up\n");
    else
        str_addf(out, "%zu difference%s in %zu of %zu app%s\n", found, found == 1 ? "" : "s", apps,
                 r->plan->n_apps, r->plan->n_apps == 1 ? "" : "s");
}
