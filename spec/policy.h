/* policy.h: what an app may ask of the host that its author is not trusted with.
 *
 * Files of a root are the operator's and may ask for anything. Apps out of archives and uploads are confined: whatever of theirs reaches the host is refused unless the
 * agent's configuration allows it by name: `policy: {allow: {APP: [WORD, WORD:VALUE]}}`, `"*"` for every app. Judged once, on the resolved services, so that
 * it does not matter in which language, spelling or place something was written. Pure. */
#ifndef EK_POLICY_H
#define EK_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "spec/base/err.h"

struct arena;
struct settings;
struct str;
struct want_app;

struct policy_rule {
    const char *app;   /* or "*" */
    const char *word;  /* one of policy_words */
    const char *value; /* what of it; a folder stands for all below it; NULL: all */
};

struct policy {
    struct policy_rule *v;
    size_t n;
};

/* One way to reach the host, and its name in the configuration. */
struct policy_word {
    const char *word;
    const char *value; /* what may stand behind the colon, in words; NULL: nothing */
    const char *reach; /* why it is refused: "it ..." */
};
extern const struct policy_word policy_words[]; /* sorted; ends with word NULL */
const struct policy_word *policy_word_find(const char *word, size_t n); /* NULL: no such word */

/* What is decided about a key that a user can write. */
struct policy_field {
    const char *table, *field;
    const char *word; /* judged under this word; NULL: whoever writes it stays inside its own app */
    const char *why;  /* of word NULL: what keeps it there */
};
extern const struct policy_field policy_fields[]; /* ends with table NULL */
extern const size_t n_policy_fields;

/* Adds an error to diags for everything of app that is refused to it, and returns the first as one sentence in the arena; NULL when nothing is. Folders of the
 * host that a confined app was allowed are noted in the services' `confined` for who makes the containers: links in them are seen only there. */
const char *policy_refused(const struct settings *settings, struct want_app *app, struct arena *a,
                           struct diag_list *diags);

/* path is folder or lies below it, by the letters alone. */
bool path_within(const char *folder, const char *path);

/* The words as a table in Markdown, for the README. */
void policy_page(struct str *out);

#endif
