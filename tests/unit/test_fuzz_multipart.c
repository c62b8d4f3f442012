/* test_fuzz_multipart.c: the corpus of the fuzz target, as an ordinary test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fuzz/fuzz_multipart.c"

#include "fuzz_corpus.h"

static void corpus(void **state)
{
    (void)state;
    fuzz_corpus_flipped("tests/fuzz/corpus/multipart", 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(corpus)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
