/* engine_fields_doc.c: the table that the comparison goes by, written out for people.
 *
 * In: the rows of engine_fields.c and engine_update.c. Out: Markdown, one line per field: its name, where the API has it, how it is made
 * comparable, whose values are no difference, and what puts it right. Nothing is said here that those tables do not do. */
#include "drivers/engine_fields_doc.h"

#include "drivers/engine_field_table.h"
#include "drivers/engine_update.h"
#include "spec/base/attr.h"

/* clang-format off */
static const struct { field_read_fn *read; const char *words; } readers[] = {
    {field_read_text, "text; \"\" is absent"},
    {field_read_path, "path without a slash at its end"},
    {field_read_number, "number; 0 is absent"},
    {field_read_positive, "number; 0 and -1 are absent"},
    {field_read_bytes, "bytes; 0 is absent"},
    {field_read_cpus, "billionths of a CPU; 0 is absent"},
    {field_read_duration, "nanoseconds; 0 is absent"},
    {field_read_seconds, "seconds; 0 counts"},
    {field_read_yes, "true; false is absent"},
    {field_read_tri, "true or false; null is absent"},
    {field_read_list, "list in order"},
    {field_read_addresses, "addresses in order, however spelled"},
    {field_read_json, "value as a whole"},
    {field_read_swap, "bytes; not asked for it is twice the memory"},
    {field_read_restart, "policy and retries"},
    {field_read_network_mode, "mode; `default` is `bridge`"},
    {field_read_mac, "lower case, colons"},
    {field_read_hostname, "text; the short id is absent"},
    {field_read_set, "per element, any order"},
    {field_read_capabilities, "per element, any order, without CAP_"},
    {field_read_security, "per element, any order, `:` is `=`"},
    {field_read_map, "per key"},
    {field_read_labels, "per key, without notes of birth"},
    {field_read_environment, "per variable, the last counts"},
    {field_read_ulimits, "per name"},
    {field_read_devices, "per path; permissions default to rwm"},
    {field_read_extra_hosts, "per name, any order"},
    {field_read_exposed, "per port"},
    {field_read_ports, "per port, any order; 0.0.0.0 is everywhere"},
    {field_read_networks, "per network: aliases without id and hostname, links, fixed addresses, driver options; not its priority and MAC address"},
    {field_read_requests, "requests in order, without empty members"},
    {field_read_swappiness, "number; 0 counts, -1 is absent"},
    {field_read_volumes, "per target: Mounts, Binds, Tmpfs and the image's volumes"},
};
/* clang-format on */

static const char *reader_words(field_read_fn *read)
{
    for (size_t i = 0; i < ARRAY_LEN(readers); i++)
        if (readers[i].read == read)
            return readers[i].words;
    return "";
}

static const char *repair_words(const char *name)
{
    const struct field_difference wanted = {name, "", NULL}, unwanted = {name, NULL, ""};

    switch (engine_field_repair(name)) {
    case FIELD_NETWORK: return "in place: disconnect, connect";
    case FIELD_UPDATE:
        if (engine_update_can(&unwanted))
            return "in place: update";
        return engine_update_can(&wanted) ? "in place: update; to take it away: new container"
                                          : "new container";
    case FIELD_REPLACE: return "new container";
    }
    return "";
}

static void add_exception(struct str *out, const char *words, bool holds, bool *any)
{
    if (!holds)
        return;
    str_addf(out, "%s%s", *any ? "; " : "", words);
    *any = true;
}

static void add_row(const struct field_row *row, struct str *out)
{
    bool any = false;

    str_addf(out, "| `%s` | ", row->name);
    if (row->member)
        str_addf(out, "%s%s", row->where == HOST ? "HostConfig." : "", row->member);
    else
        str_add(out, "several");
    str_addf(out, " | %s | ", reader_words(row->read));
    add_exception(out, "what the image says", row->flags & IMAGE, &any);
    if (row->engine_default) {
        str_addf(out, "%s`%s`", any ? "; " : "", row->engine_default);
        any = true;
    }
    add_exception(out, "anything, if you do not ask for it", row->flags & SILENT, &any);
    add_exception(out, "its absence, where the engine cannot do it", row->flags & UNABLE, &any);
    add_exception(out, "another container's name and its id", row->flags & OTHER, &any);
    str_addf(out, " | %s |\n", repair_words(row->name));
}

void engine_fields_doc(struct str *out)
{
    str_add(out, "| field | create body (inspect: same names, `Config` for those without "
                 "`HostConfig`) | compared as "
                 "| no difference | put right |\n|---|---|---|---|---|\n");
    for (size_t i = 0; engine_field_row(i); i++)
        add_row(engine_field_row(i), out);
}
