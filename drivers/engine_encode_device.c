/* engine_encode_device.c: block devices and what a driver of the engine hands out.
 *
 * In: `blkio_config`, `gpus`. Out: members of a HostConfig, lists of devices sorted by their path. It judges nothing.
 *
 * Source: Docker Engine API 1.41 .. 1.52, ContainerCreate: Resources, DeviceRequest. */
#include "drivers/engine_encode_device.h"

#include <stdlib.h>
#include <string.h>

#include "drivers/engine_put.h"
#include "spec/base/arena.h"
#include "spec/base/attr.h"

static int compare_devices(const void *va, const void *vb)
{
    return strcmp(((const struct blkio_device *)va)->path, ((const struct blkio_device *)vb)->path);
}

static void put_list(json_t *host, const char *key, const char *what, const struct blkio_list *l,
                     struct arena *a)
{
    struct blkio_device *sorted = ARENA_ARRAY(a, l->n, struct blkio_device);
    json_t *list = json_array();

    for (size_t i = 0; i < l->n; i++)
        sorted[i] = l->v[i];
    if (l->n > 1)
        qsort(sorted, l->n, sizeof(*sorted), compare_devices);
    for (size_t i = 0; i < l->n; i++) {
        json_t *one = json_object();

        engine_put_text(one, "Path", sorted[i].path);
        engine_put_num(one, what, sorted[i].rate);
        (void)json_array_append_new(list, one);
    }
    engine_put_new(host, key, list);
}

void engine_put_blkio(json_t *host, const struct blkio *b, struct arena *a)
{
    engine_put_num(host, "BlkioWeight", b->weight);
    put_list(host, "BlkioWeightDevice", "Weight", &b->weight_device, a);
    put_list(host, "BlkioDeviceReadBps", "Rate", &b->read_bps, a);
    put_list(host, "BlkioDeviceReadIOps", "Rate", &b->read_iops, a);
    put_list(host, "BlkioDeviceWriteBps", "Rate", &b->write_bps, a);
    put_list(host, "BlkioDeviceWriteIOps", "Rate", &b->write_iops, a);
}

json_t *engine_put_gpus(const struct service *spec)
{
    json_t *list = json_array();

    for (size_t i = 0; i < spec->n_gpus; i++) {
        const struct gpu *g = &spec->gpus[i];
        json_t *one = json_object(), *capabilities = json_array(), *all = json_array();

        for (size_t k = 0; k < g->capabilities.n; k++)
            (void)json_array_append_new(all, json_string(g->capabilities.v[k]));
        if (g->capabilities.n)
            (void)json_array_append(capabilities, all);
        json_decref(all);
        engine_put_text(one, "Driver", g->driver);
        engine_put_num(one, "Count", g->count);
        engine_put_list(one, "DeviceIDs", &g->ids);
        engine_put_new(one, "Capabilities", capabilities);
        engine_put_map(one, "Options", &g->options);
        (void)json_array_append_new(list, one);
    }
    return list;
}
