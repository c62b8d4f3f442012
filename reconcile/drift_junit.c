/* drift_junit.c: what somebody else changed, as JUnit's XML.
 *
 * In: a report. Out: a testsuite for each app of the plan: a failure for each difference that counts, a skipped case for each that is ignored, one
 * passed case for an app without any. The attributes are those that the schema of Jenkins' JUnit plugin (jenkins-junit.xsd) requires or
 * allows. */
#include "reconcile/drift_report.h"

#include <string.h>

#include "spec/base/str.h"

static void attribute(struct str *out, const char *name, const char *value)
{
    str_addf(out, " %s=\"", name);
    markup_add(out, value);
    str_addc(out, '"');
}

static void timestamp(struct str *out, int64_t ms)
{
    CLEANUP(str_release) struct str time = STR_INIT;

    str_add_time(&time, ms);
    str_addf(out, " timestamp=\"%.*s\"", (int)(time.len - 1), str_text(&time)); /* without the Z */
}

static void add_case(const struct drift_item *item, struct str *out)
{
    const struct difference *d = item->found;
    CLEANUP(str_release) struct str values = STR_INIT, name = STR_INIT;
    bool counts = drift_counts(item);

    drift_add_values(d, &values);
    str_addf(&name, "%s: %s", d->object, d->change.field);
    str_add(out, "    <testcase");
    attribute(out, "classname", item->app);
    attribute(out, "name", str_text(&name));
    str_add(out, " time=\"0\">\n      ");
    str_add(out, counts ? "<failure" : "<skipped");
    attribute(out, "message", str_text(&values));
    if (!counts) {
        str_add(out, "/>\n    </testcase>\n");
        return;
    }
    attribute(out, "type", d->event ? d->event : "drift");
    str_addc(out, '>');
    markup_add(out, d->cause ? d->cause : "");
    str_add(out, "; ");
    markup_add(out, drift_fate(d));
    if (item->origin) {
        str_add(out, "; ");
        markup_add(out, item->origin);
    }
    str_add(out, "</failure>\n    </testcase>\n");
}

static void add_suite(const struct drift_report *r, const char *app, size_t from, size_t to,
                      struct str *out)
{
    size_t failures = drift_count(r->items + from, to - from), cases = to - from;

    str_add(out, "  <testsuite");
    attribute(out, "name", app);
    str_addf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"%zu\" time=\"0\"",
             cases ? cases : 1, failures, cases - failures);
    timestamp(out, r->now_ms);
    str_add(out, ">\n");
    for (size_t i = from; i < to; i++)
        add_case(&r->items[i], out);
    if (cases == 0) {
        str_add(out, "    <testcase");
        attribute(out, "classname", app);
        str_add(out, " name=\"no drift\" time=\"0\"/>\n");
    }
    str_add(out, "  </testsuite>\n");
}

void drift_junit(const struct drift_report *r, struct str *out)
{
    size_t failures = drift_count(r->items, r->n), tests = 0, at = 0;
    CLEANUP(str_release) struct str suites = STR_INIT;

    for (size_t i = 0; i < r->plan->n_apps; i++) {
        size_t from = at;

        while (at < r->n && strcmp(r->items[at].app, r->plan->apps[i].name) == 0)
            at++;
        add_suite(r, r->plan->apps[i].name, from, at, &suites);
        tests += at > from ? at - from : 1;
    }
    str_addf(out,
             "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"evenkeel drift\" "
             "tests=\"%zu\" failures=\"%zu\" errors=\"0\" time=\"0\">\n%s</testsuites>\n",
             tests, failures, str_text(&suites));
}
