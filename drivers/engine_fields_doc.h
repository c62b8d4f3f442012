/* engine_fields_doc.h: the table of fields, for people. */
#ifndef EK_ENGINE_FIELDS_DOC_H
#define EK_ENGINE_FIELDS_DOC_H

struct str;

/* The rows of engine_fields.c and what engine_update.c can do about them, as a table in Markdown. */
void engine_fields_doc(struct str *out);

#endif
