/* engine_stats.c: what a container uses.
 *
 * In: the body of GET /containers/ID/stats?stream=false, which holds two samples of the CPU a second apart. Out: numbers. Engines under cgroup v1 and v2 name the cache that can be given back
 * differently, and say block devices in capitals or not. Refuses what is no object; what is missing is 0. */
#include "drivers/engine_stats.h"

#include <jansson.h>
#include <strings.h>

#include "spec/base/js.h"

static double number(const json_t *v, const char *key)
{
    const json_t *x = js_at(v, key);

    return json_is_number(x) ? json_number_value(x) : 0;
}

static double cpu_percent(const json_t *v)
{
    const json_t *now = js_at(v, "cpu_stats"), *before = js_at(v, "precpu_stats");
    double used = number(js_at(now, "cpu_usage"), "total_usage") -
                  number(js_at(before, "cpu_usage"), "total_usage");
    double passed = number(now, "system_cpu_usage") - number(before, "system_cpu_usage");
    double cores = number(now, "online_cpus");

    if (cores < 1)
        cores = (double)json_array_size(js_at(js_at(now, "cpu_usage"), "percpu_usage"));
    if (number(before, "system_cpu_usage") <= 0 || used <= 0 || passed <= 0)
        return 0; /* its first second */
    return used / passed * cores * 100;
}

static int64_t memory(const json_t *v)
{
    const json_t *m = js_at(v, "memory_stats"), *parts = js_at(m, "stats");
    int64_t usage = js_int(m, "usage", 0);
    int64_t cache = js_int(parts, "total_inactive_file", js_int(parts, "inactive_file", 0));

    return cache > 0 && cache < usage ? usage - cache : usage;
}

static void add_networks(const json_t *v, struct engine_stats *s)
{
    const char *name;
    const json_t *x;

    json_object_foreach((json_t *)(uintptr_t)js_at(v, "networks"), name, x)
    {
        s->received_bytes += js_int(x, "rx_bytes", 0);
        s->sent_bytes += js_int(x, "tx_bytes", 0);
    }
}

static void add_blocks(const json_t *v, struct engine_stats *s)
{
    const json_t *list = js_at(js_at(v, "blkio_stats"), "io_service_bytes_recursive"), *x;
    size_t i;

    json_array_foreach(list, i, x)
    {
        const char *op = js_str(x, "op", "");

        if (strcasecmp(op, "read") == 0)
            s->read_bytes += js_int(x, "value", 0);
        else if (strcasecmp(op, "write") == 0)
            s->written_bytes += js_int(x, "value", 0);
    }
}

int engine_decode_stats(const char *body, size_t n, struct engine_stats *ret, struct err *e)
{
    json_auto_t *v = js_parse(body, n, e);

    if (!v)
        return err_wrap(e, "stats");
    if (!json_is_object(v))
        return err_set(e, ERR_RETRY, "stats: not an object");
    struct engine_stats s = {
        .cpu_percent = cpu_percent(v),
        .memory_bytes = memory(v),
        .memory_limit_bytes = js_int(js_at(v, "memory_stats"), "limit", 0),
        .pids = js_int(js_at(v, "pids_stats"), "current", 0),
    };

    add_networks(v, &s);
    add_blocks(v, &s);
    *ret = s;
    return 0;
}
