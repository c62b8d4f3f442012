/* table.c: keeps the figures and prints them.
 *
 * In: figures with targets, in the order in which they were measured. Out: one line each, "ok" or "MISSED", and a JSON file
 * with the same. It judges by the numbers as given and rounds only what it prints. */
#include "tests/bench/table.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "spec/base/arena.h"
#include "spec/base/str.h"
#include "tests/bench/bench.h"

enum row_kind { ROW_RATIO, ROW_BOUND, ROW_COMPARE, ROW_NOTE, ROW_SKIP };

struct row {
    enum row_kind kind;
    char *name, *unit; /* unit of what was skipped: the reason */
    double ours, raw, factor, most;
    double extra;
};

struct table {
    struct row *rows;
    size_t n;
};

struct table *table_new(void)
{
    return xcalloc(1, sizeof(struct table));
}

void table_free(struct table *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->n; i++) {
        free(t->rows[i].name);
        free(t->rows[i].unit);
    }
    free(t->rows);
    free(t);
}

static bool row_met(const struct row *r)
{
    return (r->kind != ROW_RATIO && r->kind != ROW_BOUND) || r->ours <= r->most;
}

static void row_print(const struct row *r)
{
    CLEANUP(str_release) struct str raw = STR_INIT, target = STR_INIT;

    if (r->kind == ROW_SKIP) {
        (void)printf("%-58s skipped: %s\n", r->name, r->unit);
        return;
    }
    if (r->kind == ROW_RATIO || r->kind == ROW_COMPARE)
        str_addf(&raw, "%10.1f %6.2f", r->raw, r->raw > 0 ? r->ours / r->raw : 0.0);
    if (r->kind == ROW_RATIO) {
        str_addf(&target, "<= %.2f x raw", r->factor);
        if (r->extra > 0)
            str_addf(&target, " + %.0f %s", r->extra, r->unit);
        str_addf(&target, " = %.1f", r->most);
    } else if (r->kind != ROW_COMPARE) {
        str_addf(&raw, "%10s %6s", "", "");
        if (r->kind == ROW_BOUND)
            str_addf(&target, "<= %.6g", r->most);
    }
    (void)printf("%-58s %10.1f %-5s %s  %-32s %s\n", r->name, r->ours, r->unit, str_text(&raw),
                 str_text(&target),
                 r->kind != ROW_RATIO && r->kind != ROW_BOUND ? ""
                 : row_met(r)                                 ? "ok"
                                                              : "MISSED");
}

static void add(struct table *t, const struct row *r, const char *name, const char *unit)
{
    t->rows = xrealloc(t->rows, (t->n + 1) * sizeof(struct row));
    t->rows[t->n] = *r;
    t->rows[t->n].name = xstrdup(name);
    t->rows[t->n].unit = xstrdup(unit);
    t->n++;
    if (r->kind == ROW_SKIP)
        bench_say("  %s: skipped: %s", name, unit);
    else if (r->raw > 0)
        bench_say("  %s: %.1f %s beside %.1f%s", name, r->ours, unit, r->raw,
                  row_met(r) ? "" : " (target missed)");
    else
        bench_say("  %s: %.1f %s%s", name, r->ours, unit, row_met(r) ? "" : " (target missed)");
}

void table_ratio(struct table *t, const char *name, const char *unit, double ours, double raw,
                 double factor, double extra)
{
    add(t,
        &(struct row){.kind = ROW_RATIO,
                      .ours = ours,
                      .raw = raw,
                      .factor = factor,
                      .extra = extra,
                      .most = factor * raw + extra},
        name, unit);
}

void table_bound(struct table *t, const char *name, const char *unit, double ours, double most)
{
    add(t, &(struct row){.kind = ROW_BOUND, .ours = ours, .most = most}, name, unit);
}

void table_compare(struct table *t, const char *name, const char *unit, double ours, double raw)
{
    add(t, &(struct row){.kind = ROW_COMPARE, .ours = ours, .raw = raw}, name, unit);
}

void table_note(struct table *t, const char *name, const char *unit, double ours)
{
    add(t, &(struct row){.kind = ROW_NOTE, .ours = ours}, name, unit);
}

void table_skip(struct table *t, const char *name, const char *reason)
{
    add(t, &(struct row){.kind = ROW_SKIP}, name, reason);
}

bool table_print(const struct table *t)
{
    bool all = true;

    (void)printf("%-58s %10s %-5s %10s %6s  %s\n", "what", "evenkeel", "", "raw", "ratio",
                 "target");
    for (size_t i = 0; i < t->n; i++) {
        row_print(&t->rows[i]);
        all &= row_met(&t->rows[i]);
    }
    return all;
}

void table_write_json(const struct table *t, const char *path)
{
    json_t *all = json_array();

    for (size_t i = 0; i < t->n; i++) {
        const struct row *r = &t->rows[i];
        json_t *v = r->kind == ROW_SKIP
                        ? json_pack("{s:s, s:s}", "name", r->name, "skipped", r->unit)
                        : json_pack("{s:s, s:s, s:f}", "name", r->name, "unit", r->unit, "evenkeel",
                                    r->ours);

        if (r->kind == ROW_RATIO || r->kind == ROW_COMPARE) {
            (void)json_object_set_new(v, "raw", json_real(r->raw));
            (void)json_object_set_new(v, "ratio", json_real(r->raw > 0 ? r->ours / r->raw : 0));
        }
        if (r->kind == ROW_RATIO || r->kind == ROW_BOUND) {
            (void)json_object_set_new(v, "most", json_real(r->most));
            (void)json_object_set_new(v, "ok", json_boolean(row_met(r)));
        }
        (void)json_array_append_new(all, v);
    }
    if (json_dump_file(all, path, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) < 0)
        bench_die("cannot write %s", path);
    json_decref(all);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double median(double *samples, size_t n)
{
    if (n == 0)
        bench_die("nothing was measured");
    qsort(samples, n, sizeof(double), by_value);
    return n % 2 ? samples[n / 2] : (samples[n / 2 - 1] + samples[n / 2]) / 2;
}
