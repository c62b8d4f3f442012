/* fuzz_engine_decode.c: bytes as an engine might send them. The first byte says which reply or stream they pretend to be.
 *
 * What decodes must also survive being sealed, written as JSON and read again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/engine_decode.h"
#include "drivers/engine_fields.h"
#include "drivers/engine_update.h"
#include "spec/base/arena.h"
#include "spec/base/err.h"
#include "spec/base/js.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void round_trip(struct observed *o, struct arena *a)
{
    struct err e = {0};

    observed_seal(o, a);
    json_auto_t *v = observed_to_json(o);

    if (!observed_from_json(v, a, &e))
        abort();
}

static int line_of_pull(void *user, const char *line, size_t n)
{
    struct err e = {0};

    return pull_progress_line(user, line, n, &e);
}

static void line_of_log(void *user, bool is_stderr, const char *line, size_t n)
{
    (void)is_stderr;
    if (strlen(line) > n)
        abort();
    *(size_t *)user += n;
}

static void try_objects(int which, const char *text, size_t n, struct arena *a)
{
    struct observed o = {0};
    struct obs_container c;
    struct obs_network net;
    struct obs_volume volume;
    struct obs_image image;
    struct err e = {0};

    if (which == 0 &&
        engine_decode_container_list(text, n, a, &o.containers, &o.n_containers, &e) == 0)
        round_trip(&o, a);
    if (which == 1 && engine_decode_container(text, n, a, &c, &e) == 0) {
        o.containers = &c;
        o.n_containers = 1;
        round_trip(&o, a);
    }
    if (which == 2 && engine_decode_network_list(text, n, a, &o.networks, &o.n_networks, &e) == 0)
        round_trip(&o, a);
    if (which == 2)
        (void)engine_decode_network(text, n, a, &net, &e);
    if (which == 3 && engine_decode_volume_list(text, n, a, &o.volumes, &o.n_volumes, &e) == 0)
        round_trip(&o, a);
    if (which == 3)
        (void)engine_decode_volume(text, n, a, &volume, &e);
    if (which == 4 && engine_decode_image("r:1", text, n, a, &image, &e) == 0) {
        o.images = &image;
        o.n_images = 1;
        round_trip(&o, a);
    }
}

static void try_streams(int which, const char *text, size_t n, struct arena *a)
{
    struct line_split lines = {0};
    struct log_frames frames = {.tty = which == 7};
    struct pull_progress *pull = pull_progress_new(a);
    double fraction = 0;
    size_t total = 0, step = n / 3 + 1;

    for (size_t i = 0; i < n; i += step) {
        size_t part = step < n - i ? step : n - i;

        (void)line_split_feed(&lines, text + i, part, line_of_pull, pull);
        log_frames_feed(&frames, text + i, part, line_of_log, &total);
    }
    (void)line_split_end(&lines, line_of_pull, pull);
    log_frames_end(&frames, line_of_log, &total);
    (void)pull_progress_text(pull, a, &fraction);
    if (fraction > 1 || total > n)
        abort();
    line_split_release(&lines);
    log_frames_release(&frames);
}

/* What the engine can repair in place is repaired by what it is sent. */
static void try_update(const char *text, const struct kvs *have, struct arena *a)
{
    json_auto_t *v = js_parse(text, strlen(text), NULL);
    struct kvs body = engine_fields_of_body(v, a), nothing = {0};
    struct kvs want = engine_fields_expected(&body, &nothing, a);
    struct field_difference *found = NULL, *left = NULL;
    size_t n = engine_fields_join(&want, have, UINT64_MAX, a, &found), can = 0;

    for (size_t i = 0; i < n; i++)
        if (engine_update_can(&found[i]))
            found[can++] = found[i];
    const char *update = engine_update_body(text, found, can, a);

    if (!update)
        return;
    struct kvs now = engine_update_applied(have, update, a);

    n = engine_fields_join(&want, &now, UINT64_MAX, a, &left);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < can; k++)
            if (strcmp(left[i].key, found[k].key) == 0)
                abort();
}

/* Anything compared with itself is no difference, as body and as inspect reply alike. */
static void try_fields(const char *text, size_t n, struct arena *a)
{
    struct err e = {0};
    json_auto_t *v = js_parse(text, n, &e);
    struct kvs body = engine_fields_of_body(v, a), have = engine_fields_of_inspect(v, a);
    struct kvs image = engine_fields_of_image(v, a), nothing = {0};
    struct kvs expected = engine_fields_expected(&body, &nothing, a);
    struct field_difference *found = NULL;
    struct observed *saved = observed_from_json(v, a, &e);

    if (saved)
        round_trip(saved, a);
    (void)engine_fields_differ(&body, &image, &have, a, &found);
    if (engine_fields_differ(&body, &nothing, &expected, a, &found))
        abort();
    if (engine_fields_join(&have, &have, UINT64_MAX, a, &found))
        abort();
    (void)engine_fields_able(&have);
    try_update(arena_strndup(a, text, n), &have, a);
    try_update("{\"HostConfig\":{\"Memory\":536870912,\"NanoCpus\":500000000,\"PidsLimit\":100}}",
               &have, a);
    for (size_t i = 0; i < have.n; i++)
        (void)engine_field_secret(have.v[i].key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct engine_event ev;
    struct err e = {0};

    if (size == 0)
        return 0;
    struct arena *a = arena_new();
    const char *text = (const char *)data + 1;
    int which = data[0] % 10;

    if (which < 5)
        try_objects(which, text, size - 1, a);
    if (which == 5)
        (void)engine_decode_event(text, size - 1, a, &ev, &e);
    if (which == 5)
        (void)engine_decode_message(text, size - 1, a);
    if (which >= 6 && which <= 8)
        try_streams(which, text, size - 1, a);
    if (which == 9)
        try_fields(text, size - 1, a);
    arena_free(a);
    return 0;
}
