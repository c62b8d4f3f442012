/* drift_report.h: what somebody else changed, for people, for a browser and for a CI server. Pure; the same values as drift_to_json, so what is
 * secret is masked already. */
#ifndef EK_DRIFT_REPORT_H
#define EK_DRIFT_REPORT_H

#include "reconcile/drift.h"

struct str;

struct drift_report {
    const struct plan *plan; /* for the apps without drift, and for notes */
    const struct drift_item *items;
    size_t n;
    int64_t now_ms;
    const char *owner, *engine; /* engine: version, or NULL */
};

/* A table that is read at a glance, then each difference in full. */
void drift_print(const struct drift_report *r, bool colour, struct str *out);
/* One page by itself: no script, nothing loaded from elsewhere, light and dark. */
void drift_html(const struct drift_report *r, struct str *out);
/* JUnit's XML (as Jenkins and GitLab read it): a suite an app, a failure a difference; ignored ones are skipped. */
void drift_junit(const struct drift_report *r, struct str *out);

/* ---- shared by the three ---- */

size_t drift_apps(const struct drift_report *r); /* apps with drift that counts */
/* "want 512M, have 256M"; "want it, have none" where one is absent. */
void drift_add_values(const struct difference *d, struct str *out);
/* "it is put right: replace", "it stays: drift: report". */
const char *drift_fate(const struct difference *d);

/* Text of strangers inside HTML or XML, attributes included: markup escaped; what is no character of XML 1.0 becomes \xNN. */
void markup_add(struct str *out, const char *text);

#endif
