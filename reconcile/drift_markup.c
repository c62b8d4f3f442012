/* drift_markup.c: texts of strangers inside HTML and XML.
 *
 * In: any bytes. Out: text in which nothing is markup, for elements and for attributes in either quotes. Control characters, what is no UTF-8
 * and what turns the direction of writing become \xNN; the two code points that XML excludes beside them likewise. */
#include "reconcile/drift_report.h"

#include <string.h>

#include "spec/base/str.h"

/* The entity of a character of ASCII, or NULL. */
static const char *entity(uint32_t code)
{
    switch (code) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    case '\'': return "&#39;";
    default: return NULL;
    }
}

void markup_add(struct str *out, const char *text)
{
    CLEANUP(str_release) struct str clean = STR_INIT;
    uint32_t code = 0;

    str_add_escaped(&clean, text ? text : "");
    const char *at = str_text(&clean);

    for (size_t left = clean.len, n; left > 0; at += n, left -= n) {
        n = utf8_next(at, left, &code);
        if (n == 0)
            n = 1;
        else if (code == 0xfffe || code == 0xffff)
            str_addf(out, "\\u%04x", (unsigned)code);
        else if (entity(code))
            str_add(out, entity(code));
        else
            str_addn(out, at, n);
    }
}
