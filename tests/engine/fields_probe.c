/* fields_probe.c: what differs between a container and the body it was made from, by engine_fields.
 *
 *   fields_probe BODY IMAGE INSPECT     files of JSON; prints one line per difference, and exits 1 if there is one
 *
 * For test_fields.sh, which gets the files from a real engine. */
#include <stdio.h>

#include "drivers/engine_fields.h"
#include "spec/base/arena.h"

static json_t *read_json(const char *path)
{
    json_error_t why;
    json_t *v = json_load_file(path, 0, &why);

    if (!v)
        (void)fprintf(stderr, "%s: %s\n", path, why.text);
    return v;
}

int main(int argc, char **argv)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct field_difference *found = NULL;

    if (argc != 4)
        return 2;
    json_auto_t *body = read_json(argv[1]);
    json_auto_t *image = read_json(argv[2]);
    json_auto_t *inspect = read_json(argv[3]);

    if (!body || !image || !inspect)
        return 2;
    struct kvs asked = engine_fields_of_body(body, a);
    struct kvs inherited = engine_fields_of_image(image, a);
    struct kvs reported = engine_fields_of_inspect(inspect, a);
    size_t n = engine_fields_differ(&asked, &inherited, &reported, a, &found);

    for (size_t i = 0; i < n; i++)
        printf("%s: want %s, have %s\n", found[i].key, found[i].want ? found[i].want : "nothing",
               found[i].have ? found[i].have : "nothing");
    return n > 0;
}
