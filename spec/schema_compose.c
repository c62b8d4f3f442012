/* schema_compose.c: every key of Compose, and what happens to it.
 *
 * In: the tables of fields. Out: a page in Markdown for people who come with Compose files, the same bytes every time. It adds nothing but where a table stands in a file. */
#include "spec/schema.h"

#include "spec/base/str.h"
#include "spec/forms_secret.h"

/* Where the rows of a table stand; what a row's own table holds follows it. */
static const struct section {
    const char *title, *prefix;
    const struct table *table;
} sections[] = {
    {"The file", "", &fields_compose},
    {"Services", "", &fields_service},
    {NULL, "configs[], secrets[]: ", &fields_use},
    {NULL, "depends_on.", &fields_depend},
    {NULL, "devices[].", &fields_device},
    {NULL, "env_file[].", &fields_env_file},
    {NULL, "healthcheck.", &fields_healthcheck},
    {NULL, "logging.", &fields_logging},
    {NULL, "networks.", &fields_attach},
    {NULL, "ports[].", &fields_port},
    {NULL, "ulimits.", &fields_ulimit},
    {NULL, "volumes[].", &fields_mount},
    {"Networks", "", &fields_network},
    {NULL, "ipam.config[].", &fields_ipam_config},
    {"Volumes", "", &fields_volume},
    {"Configs", "", &fields_config_entry},
    {"Secrets", "", &fields_secret},
};

static void add_text(const char *text, struct str *out)
{
    for (; *text; text++) {
        if (*text == '|')
            str_addc(out, '\\');
        str_addc(out, *text);
    }
}

static void add_verdict(const struct field *f, struct str *out)
{
    switch (f->status) {
    case FIELD_SUPPORTED: break;
    case FIELD_PLANNED:
        if (!f->help)
            str_add(out, "**refused**, not supported yet");
        break;
    case FIELD_IGNORED: str_add(out, "*warning*, no effect: "); break;
    case FIELD_UNSUPPORTED:
    case FIELD_REFUSED: str_add(out, "**refused**: "); break;
    }
    if (f->help)
        add_text(f->help, out);
    if (f->status == FIELD_SUPPORTED && f->fallback) {
        str_add(out, "; default: ");
        add_text(f->compose_fallback ? f->compose_fallback : f->fallback, out);
    }
}

static void add_rows(const struct table *t, const char *prefix, struct str *out)
{
    for (size_t i = 0; i < t->n; i++) {
        const struct field *f = &t->fields[i];
        CLEANUP(str_release) struct str deeper = STR_INIT;

        if (f->platform || f->table == &fields_compose_app || f->status == FIELD_REFUSED)
            continue;
        str_addf(out, "| `%s%s` | ", prefix, f->name);
        add_verdict(f, out);
        str_add(out, " |\n");
        str_addf(&deeper, "%s%s.", prefix, f->name);
        if (f->table)
            add_rows(f->table, str_text(&deeper), out);
    }
}

void schema_compose(struct str *out)
{
    str_add(out, "# Coming from Compose\n\n"
                 "Every key of the Compose Specification and what evenkeel makes of it. Written by "
                 "`evenkeel schema compose` from the tables\nthat the program itself reads files "
                 "with. Keys that are not here are errors; those that begin with `x-` are yours, "
                 "and\n`x-evenkeel` holds what Compose does not have (`evenkeel schema "
                 "reference`).\n");
    for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
        if (sections[i].title)
            str_addf(out, "\n## %s\n\n| Key | |\n|---|---|\n", sections[i].title);
        add_rows(sections[i].table, sections[i].prefix, out);
    }
}
