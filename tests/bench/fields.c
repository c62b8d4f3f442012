/* fields.c: what comparing 300 containers field by field costs beyond asking for them.
 *
 * In: one container made on the engine from the body that evenkeel sends, its inspect reply and that of its image. Out: CPU time of reading
 * 300 such replies' fields and comparing each with what its body asks for. Parsing JSON is the inspect's part and is done before. */
#include <jansson.h>
#include <time.h>

#include "drivers/engine_fields.h"
#include "spec/base/arena.h"
#include "spec/base/js.h"
#include "tests/bench/bench.h"
#include "tests/bench/raw.h"
#include "tests/bench/recipe.h"
#include "tests/bench/table.h"

enum { CONTAINERS = 300, ROUNDS = 21 };

static double cpu_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static json_t *ask(struct bench *b, const char *path)
{
    CLEANUP(str_release) struct str text = STR_INIT;

    if (raw_call(b->http, "GET", path, NULL, &text) != 200)
        bench_die("GET %s failed", path);
    json_t *v = js_parse(text.buf, text.len, NULL);

    return v ? v : (bench_die("GET %s: not JSON", path), NULL);
}

static double compare_all(const json_t *body, const json_t *inspect, const json_t *image)
{
    struct arena *a = arena_new();
    struct field_difference *found;
    struct kvs inherited = engine_fields_of_image(image, a);
    double from = cpu_ms();

    for (size_t i = 0; i < CONTAINERS; i++) {
        struct kvs asked = engine_fields_of_body(body, a);
        struct kvs have = engine_fields_of_inspect(inspect, a);

        if (engine_fields_differ(&asked, &inherited, &have, a, &found) > 0)
            bench_die("%s differs on a container just made", found->key);
    }
    double took = cpu_ms() - from;

    arena_free(a);
    return took;
}

void measure_fields(struct bench *b)
{
    struct raw_chain made = recipe_chain(b, "field", 0, true);
    double samples[ROUNDS];

    raw_run(b->http, &made, 1, 1);
    json_auto_t *inspect = ask(b, "/containers/field-app-1/json");
    json_auto_t *image = ask(b, "/images/" BENCH_IMAGE "/json");
    const char *text = made.steps[1].body;
    json_auto_t *body = js_parse(text, strlen(text), NULL);

    for (size_t i = 0; i < ROUNDS; i++)
        samples[i] = compare_all(body, inspect, image);
    table_bound(b->table, "300 containers compared field by field: CPU", "ms",
                median(samples, ROUNDS), 5);
}
