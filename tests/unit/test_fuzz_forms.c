/* test_fuzz_forms.c: the corpus of the fuzz target, as an ordinary test; damaged a little on the way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fuzz/corpus.h"
#include "tests/fuzz/fuzz_forms.c"

static void corpus(void **state)
{
    (void)state;
    assert_true(corpus_run("tests/fuzz/corpus/forms", 40, LLVMFuzzerTestOneInput) >= 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(corpus)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
