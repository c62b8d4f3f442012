/* openapi.h: the API as an OpenAPI 3.1 document (schemas/openapi.json), written from the table of rows (access.h) and what openapi_rows.c says of each. Pure. */
#ifndef EK_OPENAPI_H
#define EK_OPENAPI_H

#include "agent/access.h"

/* What one row is for. Texts in small words:
 *   query   "state:string format:json|text|html"    name, and a type or the words it may be; @Name:string is a header
 *   body    "json Login", "bytes application/zip", "form Login", "multipart Upload", or several with commas; NULL: none
 *   answers "200 json App, 202 json Placed, 303, 200 text/html"; what is none of these is a Problem */
struct openapi_row {
    const char *method, *path; /* those of a row of access.h, to the byte */
    const char *summary;
    const char *query, *body, *answers;
};
const struct openapi_row *openapi_rows(size_t *ret_n);
/* NULL: nothing is said of it, which the unit tests make impossible. */
const struct openapi_row *openapi_row_of(const struct access_row *row);

/* An object that is sent or answered: "app:string why?:string addresses:[string] apps:[App] plan?:object"; a name that begins with a capital is another one. */
struct openapi_schema {
    const char *name, *fields;
    bool open;           /* may hold more than that */
    const char *example; /* JSON, of those that are sent; NULL: none */
};
const struct openapi_schema *openapi_schemas(size_t *ret_n);

/* What a parameter of a query or header is for, the same wherever it is taken. */
struct openapi_parameter {
    const char *name, *help, *example;
};
const struct openapi_parameter *openapi_parameters(size_t *ret_n);

void openapi_write(struct str *out);

#endif
