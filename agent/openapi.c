/* The API as an OpenAPI 3.1 document.
 *
 * Comes in: the table of rows with the rights each needs, and what is said of each. Goes out: one JSON document, the same for the same tables. Refuses nothing: what a row lacks, the unit tests find. */
#include "agent/openapi.h"

#include <jansson.h>

#include "spec/base/arena.h"
#include "spec/base/attr.h"
#include "spec/base/js.h"

#define APP_PATTERN "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
#define NAME_PATTERN "^[A-Za-z0-9_@-][A-Za-z0-9._@-]{0,99}$"

/* ---- types ---- */

static json_t *ref(const char *name)
{
    return json_pack("{s:o}", "$ref", json_sprintf("#/components/schemas/%s", name));
}

static json_t *words(const char *type)
{
    json_t *list = json_array();

    while (*type) {
        size_t n = strcspn(type, "|");

        json_array_append_new(list, json_stringn(type, n));
        type += n + (type[n] == '|');
    }
    return json_pack("{s:s, s:o}", "type", "string", "enum", list);
}

static json_t *type_json(const char *type, struct arena *a)
{
    size_t n = strlen(type);

    if (type[0] == '[')
        return json_pack("{s:s, s:o}", "type", "array", "items",
                         type_json(arena_strndup(a, type + 1, n - 2), a));
    if (strchr(type, '|'))
        return words(type);
    if (type[0] >= 'A' && type[0] <= 'Z')
        return ref(type);
    if (strcmp(type, "time") == 0)
        return json_pack("{s:s, s:s}", "type", "string", "format", "date-time");
    if (strcmp(type, "password") == 0)
        return json_pack("{s:s, s:s}", "type", "string", "format", "password");
    if (strcmp(type, "bytes") == 0)
        return json_pack("{s:s, s:s}", "type", "string", "contentMediaType",
                         "application/octet-stream");
    if (strcmp(type, "count") == 0)
        return json_pack("{s:[s,s]}", "type", "integer", "string");
    return json_pack("{s:s}", "type", type);
}

/* "name:type" or "name?:type", and on to the next. False at the end. */
static bool next_field(const char **at, const char **ret_name, bool *ret_optional,
                       const char **ret_type, struct arena *a)
{
    *at += strspn(*at, " ");
    size_t n = strcspn(*at, " "), name = strcspn(*at, ":");

    if (n == 0 || name >= n)
        return false;
    *ret_optional = (*at)[name - 1] == '?';
    *ret_name = arena_strndup(a, *at, name - *ret_optional);
    *ret_type = arena_strndup(a, *at + name + 1, n - name - 1);
    *at += n;
    return true;
}

static json_t *schema_json(const struct openapi_schema *s, struct arena *a)
{
    json_t *properties = json_object(), *required = json_array();
    const char *at = s->fields, *name, *type;
    bool optional;

    while (next_field(&at, &name, &optional, &type, a)) {
        json_object_set_new(properties, name, type_json(type, a));
        if (!optional)
            json_array_append_new(required, json_string(name));
    }
    if (json_array_size(required) == 0) {
        json_decref(required);
        required = NULL;
    }
    json_t *example = s->example ? json_loads(s->example, 0, NULL) : NULL;

    return json_pack("{s:s, s:o, s:o*, s:b, s:o*}", "type", "object", "properties", properties,
                     "required", required, "additionalProperties", (int)s->open, "examples",
                     example ? json_pack("[o]", example) : NULL);
}

/* ---- one operation ---- */

static void add_path_parameters(json_t *list, const char *path, struct arena *a)
{
    for (const char *at = path; (at = strchr(at, '{')); at++) {
        const char *name = arena_strndup(a, at + 1, strcspn(at, "}") - 1);
        const char *pattern = strcmp(name, "app") == 0      ? APP_PATTERN
                              : strcmp(name, "number") == 0 ? "^[0-9]{1,18}$"
                                                            : NAME_PATTERN;

        json_array_append_new(list, json_pack("{s:s, s:s, s:b, s:{s:s, s:s}}", "name", name, "in",
                                              "path", "required", 1, "schema", "type", "string",
                                              "pattern", pattern));
    }
}

/* As a client would write it; words of their own need none. */
static json_t *example_json(const char *type, const char *text)
{
    if (strchr(type, '|'))
        return NULL;
    if (strcmp(type, "integer") == 0)
        return json_integer(strtoll(text, NULL, 10));
    if (strcmp(type, "boolean") == 0)
        return json_true();
    return type[0] == '[' ? json_pack("[s]", text) : json_string(text);
}

static void add_query_parameters(json_t *list, const char *query, struct arena *a)
{
    const char *at = query ? query : "", *name, *type;
    bool optional;
    size_t n;
    const struct openapi_parameter *v = openapi_parameters(&n);

    while (next_field(&at, &name, &optional, &type, a)) {
        bool header = name[0] == '@';
        json_t *x = json_pack("{s:s, s:s, s:o}", "name", name + header, "in",
                              header ? "header" : "query", "schema", type_json(type, a));

        for (size_t i = 0; i < n; i++) {
            json_t *example =
                strcmp(v[i].name, name + header) == 0 ? example_json(type, v[i].example) : NULL;

            if (strcmp(v[i].name, name + header) == 0)
                json_object_set_new(x, "description", json_string(v[i].help));
            if (example)
                json_object_set_new(x, "example", example);
        }
        json_array_append_new(list, x);
    }
}

/* "json App" or "text/html" or "bytes application/zip": what is in a body. NULL: nothing. */
static json_t *content_json(const char *text)
{
    static const struct {
        const char *word, *type;
    } objects[] = {{"json ", "application/json"},
                   {"form ", "application/x-www-form-urlencoded"},
                   {"multipart ", "multipart/form-data"}};

    for (size_t i = 0; i < ARRAY_LEN(objects); i++)
        if (strncmp(text, objects[i].word, strlen(objects[i].word)) == 0)
            return json_pack("{s:{s:o}}", objects[i].type, "schema",
                             ref(text + strlen(objects[i].word)));
    if (strncmp(text, "bytes ", 6) == 0)
        return json_pack("{s:{}}", text + 6); /* 3.1: bytes have no schema */
    return *text ? json_pack("{s:{s:{s:s}}}", text, "schema", "type", "string") : NULL;
}

/* The same of several, with commas between them. */
static json_t *contents_json(const char *text, struct arena *a)
{
    json_t *all = json_object();

    while (*text) {
        size_t n = strcspn(text, ",");
        json_t *one = content_json(arena_strndup(a, text, n));

        json_object_update(all, one);
        json_decref(one);
        text += n + strspn(text + n, ", ");
    }
    return all;
}

static const char *status_words(const char *status)
{
    static const char *const known[] = {"200", "It is so",
                                        "201", "It was made",
                                        "202", "It was taken; it will be so in a while",
                                        "303", "See the address in Location",
                                        "304", "As it was",
                                        "503", "Not now"};

    for (size_t i = 0; i < ARRAY_LEN(known); i += 2)
        if (strcmp(known[i], status) == 0)
            return known[i + 1];
    return "An answer";
}

/* Those that a client should be ready for; each is a Problem. */
static void add_refusals(json_t *all, const struct access_row *row, const struct openapi_row *said)
{
    bool changes = strcmp(row->method, "GET") != 0, body = said && said->body;
    const struct {
        const char *status;
        bool given;
    } v[] = {
        {"400", body},
        {"401", row->need != ROLE_NONE || changes},
        {"403", row->need != ROLE_NONE || changes},
        {"404", strchr(row->path, '{') != NULL},
        {"409", changes && row->need != ROLE_NONE},
        {"413", body},
        {"415", body},
        {"422", body || (said && said->query) || (changes && strchr(row->path, '{'))},
        {"429", strstr(row->path, "/login") && changes},
        {"503", changes},
    };

    for (size_t i = 0; i < ARRAY_LEN(v); i++)
        if (v[i].given && !json_object_get(all, v[i].status))
            json_object_set_new(all, v[i].status,
                                json_pack("{s:s}", "$ref", "#/components/responses/Problem"));
}

static json_t *answers_json(const struct access_row *row, const struct openapi_row *said,
                            struct arena *a)
{
    const char *text = said ? said->answers : "";
    json_t *all = json_object();

    while (*text) {
        size_t n = strcspn(text, ",");
        const char *one = arena_strndup(a, text, n);
        const char *status = arena_strndup(a, one, 3);
        json_t *x = json_object_get(all, status);
        json_t *content = strlen(one) > 4 ? content_json(one + 4) : NULL;

        if (!x) {
            x = json_pack("{s:s}", "description", status_words(status));
            json_object_set_new(all, status, x);
        }
        if (content && json_object_get(x, "content"))
            json_object_update(json_object_get(x, "content"), content);
        else if (content)
            json_object_set(x, "content", content);
        json_decref(content);
        text += n + strspn(text + n, ", ");
    }
    add_refusals(all, row, said);
    json_object_set_new(all, "default",
                        json_pack("{s:s}", "$ref", "#/components/responses/Problem"));
    return all;
}

static json_t *security_json(const struct access_row *row)
{
    json_t *list = json_array();

    if (row->need == ROLE_NONE)
        return list;
    json_array_append_new(list, json_pack("{s:[]}", "session"));
    if (!(row->flags & ACCESS_SESSION))
        json_array_append_new(list, json_pack("{s:[]}", "token"));
    if (row->flags & ACCESS_LOOPBACK)
        json_array_append_new(list, json_object());
    return list;
}

static json_t *id_json(const struct access_row *row)
{
    CLEANUP(str_release) struct str id = STR_INIT;

    for (const char *s = row->method; *s; s++)
        str_addc(&id, (char)(*s | 0x20));
    bool api = strncmp(row->path, "/api/v1", 7) == 0;

    str_add(&id, api ? "" : "_page");
    for (const char *s = api ? row->path + 7 : row->path; *s; s++)
        if (*s == '/' || *s == '-')
            str_addc(&id, '_');
        else if (*s != '{' && *s != '}')
            str_addc(&id, *s);
    return json_string(str_text(&id));
}

static json_t *rights_json(const struct access_row *row)
{
    static const char *const reach[] = {[REACH_WHOLE] = "",
                                        [REACH_APP] = " of the app",
                                        [REACH_FILTER] = " (one sees its own apps)"};

    if (row->need == ROLE_NONE)
        return json_string("Open to everybody.");
    return json_sprintf("For %s %s%s%s%s.", row->need == ROLE_ADMIN ? "an" : "a",
                        role_name(row->need), reach[row->reach],
                        row->flags & ACCESS_SESSION ? "; by session alone, no token" : "",
                        row->flags & ACCESS_LOOPBACK ? "; open to this machine itself" : "");
}

static json_t *operation_json(const struct access_row *row, struct arena *a)
{
    const struct openapi_row *said = openapi_row_of(row);
    json_t *parameters = json_array();

    add_path_parameters(parameters, row->path, a);
    add_query_parameters(parameters, said ? said->query : NULL, a);
    json_t *op = json_pack("{s:o, s:s, s:o, s:o, s:o, s:o}", "operationId", id_json(row), "summary",
                           said ? said->summary : "", "description", rights_json(row), "security",
                           security_json(row), "parameters", parameters, "responses",
                           answers_json(row, said, a));

    if (said && said->body)
        json_object_set_new(
            op, "requestBody",
            json_pack("{s:b, s:o}", "required", 1, "content", contents_json(said->body, a)));
    return op;
}

/* ---- the document ---- */

static json_t *paths_json(struct arena *a)
{
    json_t *paths = json_object();
    size_t n;
    const struct access_row *rows = access_rows(&n);

    for (size_t i = 0; i < n; i++) {
        json_t *x = json_object_get(paths, rows[i].path);
        char method[8] = "";

        for (size_t k = 0; rows[i].method[k] && k + 1 < sizeof(method); k++)
            method[k] = (char)(rows[i].method[k] | 0x20);
        if (!x) {
            x = json_object();
            json_object_set_new(paths, rows[i].path, x);
        }
        json_object_set_new(x, method, operation_json(&rows[i], a));
    }
    return paths;
}

static json_t *components_json(struct arena *a)
{
    json_t *schemas = json_object();
    size_t n;
    const struct openapi_schema *v = openapi_schemas(&n);

    for (size_t i = 0; i < n; i++)
        json_object_set_new(schemas, v[i].name, schema_json(&v[i], a));
    return json_pack(
        "{s:o, s:{s:{s:s, s:{s:{s:o}}}}, s:{s:{s:s, s:s, s:s}, s:{s:s, s:s, s:s, s:s}}}", "schemas",
        schemas, "responses", "Problem", "description",
        "What went wrong, and what to do next (RFC 9457)", "content", "application/problem+json",
        "schema", ref("Problem"), "securitySchemes", "token", "type", "http", "scheme", "bearer",
        "description", "A token made by `evenkeel token create` or POST /api/v1/tokens.", "session",
        "type", "apiKey", "in", "cookie", "name", "evenkeel_session", "description",
        "A browser's session. What changes something also needs the page's Origin and the header "
        "X-CSRF-Token.");
}

void openapi_write(struct str *out)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    json_auto_t *v = json_pack(
        "{s:s, s:{s:s, s:s, s:s, s:{s:s, s:s}}, s:[{s:s}], s:o, s:o}", "openapi", "3.1.0", "info",
        "title", "evenkeel", "version", "1", "description",
        "What the agent takes and tells. Everything that changes something ends in a "
        "file of a root or of the agent's state, and is carried out from there: an answer "
        "of 202 says that the file is in place.",
        "license", "name", "Apache License 2.0", "identifier", "Apache-2.0", "servers", "url", "/",
        "paths", paths_json(a), "components", components_json(a));

    js_pretty(v, out);
}
