/* test_engine_update.c: which differences an update in place can repair, and what is sent for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/engine_update.h"
#include "spec/base/arena.h"

static void what_can_be_said(void **state)
{
    static const struct {
        struct field_difference d;
        bool can;
    } rows[] = {
        {{"mem_limit", "512M", "1G"}, true},     {{"mem_limit", "512M", NULL}, true},
        {{"mem_limit", NULL, "1G"}, false},      {{"memswap_limit", NULL, "1G"}, true},
        {{"cpus", "0.5", NULL}, true},           {{"cpus", NULL, "1"}, false},
        {{"pids_limit", NULL, "7"}, true},       {{"restart", NULL, "always"}, true},
        {{"cpu_quota", NULL, "1000"}, true},     {{"cpu_shares", NULL, "2"}, false},
        {{"labels.x", "a", "b"}, false},         {{"environment.A", "a", "b"}, false},
        {{"networks.blog_x", "a", "b"}, false},  {{"cpu_rt_period", "1", "2"}, false},
        {{"blkio_weight", "100", "200"}, false}, {{"no_such", "a", "b"}, false},
    };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (engine_update_can(&rows[i].d) != rows[i].can)
            fail_msg("%s, %s -> %s", rows[i].d.key, rows[i].d.have, rows[i].d.want);
}

static void what_is_sent(void **state)
{
    static const struct {
        const char *body;
        struct field_difference d[2];
        const char *sent;
    } rows[] = {
        {"{\"HostConfig\":{\"Memory\":9,\"MemorySwap\":9,\"NanoCpus\":5}}",
         {{"mem_limit", "9B", "8B"}},
         "{\"Memory\":9,\"MemorySwap\":9}"},
        {"{\"HostConfig\":{\"Memory\":9}}",
         {{"memswap_limit", NULL, "unlimited"}},
         "{\"Memory\":9,\"MemorySwap\":18}"},
        {"{\"HostConfig\":{}}", {{"memswap_limit", NULL, "9B"}}, "{}"},
        {"{\"HostConfig\":{\"MemoryReservation\":7}}",
         {{"mem_reservation", "7B", "8B"}},
         "{\"MemoryReservation\":7}"},
        {"{\"HostConfig\":{\"NanoCpus\":5}}",
         {{"cpus", "0.5", "1"}, {"pids_limit", NULL, "7"}},
         "{\"NanoCpus\":5,\"PidsLimit\":-1}"},
        {"{}",
         {{"restart", NULL, "always"}, {"cpu_period", NULL, "5000"}},
         "{\"CpuPeriod\":100000,\"RestartPolicy\":{\"Name\":\"no\"}}"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_string_equal(
            engine_update_body(rows[i].body, rows[i].d, rows[i].d[1].key ? 2 : 1, *state),
            rows[i].sent);
    assert_null(engine_update_body("no JSON", rows[0].d, 1, *state));
}

static int set_up(void **state)
{
    *state = arena_new();
    return 0;
}

static int tear_down(void **state)
{
    arena_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_can_be_said),
        cmocka_unit_test_setup_teardown(what_is_sent, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
