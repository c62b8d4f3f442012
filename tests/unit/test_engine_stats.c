/* What a container uses, from answers as engines give them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/engine_stats.h"

static const struct engine_stats poison = {-1, -1, -1, -1, -1, -1, -1, -1};

static int read_stats(const char *text, struct engine_stats *ret)
{
    struct err e = {0};

    *ret = poison;
    return engine_decode_stats(text, strlen(text), ret, &e);
}

/* cgroup v1, as 20.10 answers: cores are counted by the list. */
static void test_v1(void **state)
{
    struct engine_stats s;

    (void)state;
    assert_int_equal(
        read_stats("{\"cpu_stats\":{\"cpu_usage\":{\"total_usage\":300,\"percpu_usage\":[1,2]},"
                   "\"system_cpu_usage\":2000},"
                   "\"precpu_stats\":{\"cpu_usage\":{\"total_usage\":100},"
                   "\"system_cpu_usage\":1000},"
                   "\"memory_stats\":{\"usage\":1000,\"limit\":4096,"
                   "\"stats\":{\"total_inactive_file\":400,\"inactive_file\":1}},"
                   "\"networks\":{\"eth0\":{\"rx_bytes\":5,\"tx_bytes\":7},"
                   "\"eth1\":{\"rx_bytes\":10,\"tx_bytes\":20}},"
                   "\"blkio_stats\":{\"io_service_bytes_recursive\":["
                   "{\"op\":\"Read\",\"value\":11},{\"op\":\"Write\",\"value\":22},"
                   "{\"op\":\"Sync\",\"value\":33},{\"op\":\"Read\",\"value\":1}]},"
                   "\"pids_stats\":{\"current\":3}}",
                   &s),
        0);
    assert_true(s.cpu_percent > 39.99 && s.cpu_percent < 40.01); /* 200 of 1000, two cores */
    assert_int_equal(s.memory_bytes, 600);
    assert_int_equal(s.memory_limit_bytes, 4096);
    assert_int_equal(s.received_bytes, 15);
    assert_int_equal(s.sent_bytes, 27);
    assert_int_equal(s.read_bytes, 12);
    assert_int_equal(s.written_bytes, 22);
    assert_int_equal(s.pids, 3);
}

/* cgroup v2: other names, small letters, cores said. */
static void test_v2(void **state)
{
    struct engine_stats s;

    (void)state;
    assert_int_equal(
        read_stats("{\"cpu_stats\":{\"cpu_usage\":{\"total_usage\":200},"
                   "\"system_cpu_usage\":1100,\"online_cpus\":4},"
                   "\"precpu_stats\":{\"cpu_usage\":{\"total_usage\":100},"
                   "\"system_cpu_usage\":1000},"
                   "\"memory_stats\":{\"usage\":1000,\"stats\":{\"inactive_file\":300}},"
                   "\"blkio_stats\":{\"io_service_bytes_recursive\":["
                   "{\"op\":\"read\",\"value\":9}]}}",
                   &s),
        0);
    assert_true(s.cpu_percent > 399.9 && s.cpu_percent < 400.1);
    assert_int_equal(s.memory_bytes, 700);
    assert_int_equal(s.read_bytes, 9);
}

/* Just started, or just gone: nothing is known, and nothing is made up. */
static void test_nothing_known(void **state)
{
    struct engine_stats s;

    (void)state;
    assert_int_equal(read_stats("{}", &s), 0);
    assert_true(s.cpu_percent == 0);
    assert_int_equal(s.memory_bytes, 0);
    assert_int_equal(
        read_stats("{\"cpu_stats\":{\"cpu_usage\":{\"total_usage\":9},\"system_cpu_usage\":99,"
                   "\"online_cpus\":2},\"memory_stats\":{\"usage\":5,\"stats\":"
                   "{\"inactive_file\":50}},\"networks\":null,"
                   "\"blkio_stats\":{\"io_service_bytes_recursive\":null}}",
                   &s),
        0);
    assert_true(s.cpu_percent == 0);     /* no sample before it */
    assert_int_equal(s.memory_bytes, 5); /* more cache than usage is no cache */
}

static void test_refused(void **state)
{
    struct engine_stats s;

    (void)state;
    assert_int_equal(read_stats("[]", &s), -1);
    assert_int_equal(s.pids, -1);
    assert_int_equal(read_stats("{\"cpu_stats\":", &s), -1);
    assert_int_equal(s.pids, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_v1),
        cmocka_unit_test(test_v2),
        cmocka_unit_test(test_nothing_known),
        cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
