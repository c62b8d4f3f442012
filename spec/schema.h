/* schema.h: the tables of fields as JSON Schema (2020-12) and as a reference page.
 *
 * schemas/ holds the first three, generated and committed, so that editors can complete and check specs. The schemas tell keys, kinds, words and
 * bounds; the rules across fields are the decoder's alone. Keys that are planned are left out. */
#ifndef EK_SCHEMA_H
#define EK_SCHEMA_H

struct str;

void schema_app(struct str *out);       /* documents of a root: apps and overrides */
void schema_config(struct str *out);    /* the agent's configuration file */
void schema_compose(struct str *out);   /* every key of Compose and what happens to it, as Markdown */
void schema_reference(struct str *out); /* every key in words, as plain text */

#endif
