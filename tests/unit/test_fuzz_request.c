/* test_fuzz_request.c: the corpus of the fuzz target, as an ordinary test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fuzz/fuzz_request.c"

#include "fuzz_corpus.h"

static void corpus(void **state)
{
    (void)state;
    fuzz_corpus_flipped("tests/fuzz/corpus/request", 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(corpus)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
