/* engine_update.c: repairing limits in place.
 *
 * In: a container's create body and the fields in which the container differs from it. Out: the body of ContainerUpdate that makes
 * them equal again, or the answer that this cannot be said: 0 means "as it is", so the engine can be told to lower or raise
 * a limit but, for most, not to drop it. It sends nothing and decides nothing.
 *
 * Source: Docker Engine API 1.41 .. 1.52, ContainerUpdate. */
#include "drivers/engine_update.h"

#include <string.h>

#include "spec/base/arena.h"
#include "spec/base/attr.h"
#include "spec/base/js.h"

#define PERIOD_US 100000 /* the kernel's own */

/* What is sent for a field: members of the create body's HostConfig, and where that is silent the value that means "none", if there is one. */
struct update_row {
    const char *field;
    const char *member, *beside; /* beside: sent along whenever the body has it */
    const char *none;            /* JSON; NULL: cannot be said */
};

/* clang-format off */
static const struct update_row rows[] = {
    {"cpu_period", "CpuPeriod", NULL, "100000"},
    {"cpu_quota", "CpuQuota", NULL, "-1"},
    {"cpu_shares", "CpuShares", NULL, NULL},
    {"cpus", "NanoCpus", NULL, NULL},
    {"cpuset", "CpusetCpus", NULL, NULL},
    {"mem_limit", "Memory", "MemorySwap", NULL},
    {"mem_reservation", "MemoryReservation", NULL, NULL},
    {"memswap_limit", "MemorySwap", "Memory", NULL},
    {"pids_limit", "PidsLimit", NULL, "-1"},
    {"restart", "RestartPolicy", NULL, "{\"Name\":\"no\"}"},
};
/* clang-format on */

static const struct update_row *row_of(const char *field)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (strcmp(rows[i].field, field) == 0)
            return &rows[i];
    return NULL;
}

/* Without a limit of its own, swap is twice the memory; where there is no memory limit, there is nothing to say. */
bool engine_update_can(const struct field_difference *d)
{
    const struct update_row *row = row_of(d->key);

    if (!row || engine_field_repair(d->key) != FIELD_UPDATE)
        return false;
    return d->want || row->none || strcmp(d->key, "memswap_limit") == 0;
}

static void put(json_t *update, const json_t *host, const char *member, const char *none)
{
    const json_t *own = json_object_get(host, member);

    if (own)
        (void)json_object_set(update, member, (json_t *)(uintptr_t)own);
    else if (none)
        (void)json_object_set_new(update, member, json_loads(none, JSON_DECODE_ANY, NULL));
}

/* The swap that a body means which says nothing of it. */
static void put_swap(json_t *update, const json_t *host)
{
    int64_t memory = js_int(host, "Memory", 0);

    if (memory > 0 && !json_object_get(update, "MemorySwap"))
        (void)json_object_set_new(update, "MemorySwap", json_integer(2 * memory));
}

const char *engine_update_body(const char *body, const struct field_difference *d, size_t n,
                               struct arena *a)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    json_auto_t *v = js_parse(body, strlen(body), NULL);
    json_auto_t *update = json_object();
    const json_t *host = js_at(v, "HostConfig");

    if (!json_is_object(v))
        return NULL;
    for (size_t i = 0; i < n; i++) {
        const struct update_row *row = row_of(d[i].key);

        if (!row)
            continue;
        put(update, host, row->member, row->none);
        if (row->beside)
            put(update, host, row->beside, NULL);
        if (strncmp(row->field, "mem", 3) == 0 && strcmp(row->field, "mem_reservation") != 0)
            put_swap(update, host);
    }
    js_canonical(update, &text);
    return arena_strndup(a, str_text(&text), text.len);
}

struct kvs engine_update_applied(const struct kvs *fields, const char *update, struct arena *a)
{
    json_auto_t *v = js_parse(update, strlen(update), NULL);
    json_auto_t *body = json_pack("{s:O}", "HostConfig", v ? v : json_null());
    struct kvs set = engine_fields_of_body(body, a), own = {0}, image = {0};

    for (size_t i = 0; i < fields->n; i++) {
        const struct update_row *row = row_of(fields->v[i].key);

        if (!row || !json_object_get(v, row->member))
            kvs_set(a, &own, fields->v[i].key, fields->v[i].value);
    }
    for (size_t i = 0; i < set.n; i++)
        kvs_set(a, &own, set.v[i].key, set.v[i].value);
    return engine_fields_expected(&own, &image, a);
}
