/* test_arena.c: memory is zeroed, aligned, apart, and gone in one call. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "spec/base/arena.h"

static void assert_zero(const void *p, size_t n)
{
    const unsigned char *u = p;

    for (size_t i = 0; i < n; i++)
        assert_int_equal(u[i], 0);
}

static void zeroed_aligned_and_apart(void **state)
{
    static const size_t sizes[] = {1, 3, 16, 17, 100, 0, 4000, 4096, 5000, 70000, 1, 1200000, 8};
    enum { N = 400 };
    CLEANUP(arena_freep) struct arena *a = arena_new();
    unsigned char *p[N];
    size_t total = 0;

    (void)state;
    for (size_t i = 0; i < N; i++) {
        size_t n = sizes[i % ARRAY_LEN(sizes)];
        (void)arena_strdup(a, "odd"); /* pushes the next one off its alignment */
        p[i] = arena_alloc(a, n);
        assert_non_null(p[i]);
        assert_int_equal((uintptr_t)p[i] % _Alignof(max_align_t), 0);
        assert_zero(p[i], n);
        memset(p[i], (int)(i & 0xff), n);
        total += n;
    }
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < sizes[i % ARRAY_LEN(sizes)]; j += 7)
            assert_int_equal(p[i][j], i & 0xff);
    assert_true(arena_used(a) >= total);
}

static void empty_ones_differ(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();

    (void)state;
    assert_ptr_not_equal(arena_alloc(a, 0), arena_alloc(a, 0));
}

static void clear_forgets_everything(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();

    (void)state;
    assert_int_equal(arena_used(a), 0);
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 300; i++) {
            char *p = arena_alloc(a, 1000);
            assert_zero(p, 1000);
            memset(p, 0xee, 1000);
        }
        assert_true(arena_used(a) >= 300000);
        arena_clear(a);
        assert_int_equal(arena_used(a), 0);
    }
}

static void texts(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    char from[] = "harbour";

    (void)state;
    char *copy = arena_strdup(a, from);
    from[0] = 'X';
    assert_string_equal(copy, "harbour");
    assert_string_equal(arena_strndup(a, "harbour", 4), "harb");
    assert_string_equal(arena_strndup(a, "harbour", 40), "harbour");
    assert_string_equal(arena_strndup(a, "harbour", 0), "");
    assert_null(arena_strdup(a, NULL));
    assert_null(arena_strndup(a, NULL, 5));
    assert_string_equal(arena_printf(a, "%s-%d", "web", 3), "web-3");
    /* Around the size up to which one formatting suffices. */
    for (int n = 250; n < 262; n++) {
        char *text = arena_printf(a, "%*d", n, 7);
        assert_int_equal(strlen(text), n);
        assert_int_equal(text[n - 1], '7');
    }
}

static void growing(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    size_t n = 0, cap = 0, moves = 0;
    int *v = NULL;

    (void)state;
    for (int i = 0; i < 5000; i++) {
        int *before = v;
        v = arena_grow(a, v, n, &cap, sizeof(*v));
        moves += v != before;
        assert_true(cap > n);
        v[n++] = i;
    }
    for (int i = 0; i < 5000; i++)
        assert_int_equal(v[i], i);
    assert_true(moves <= 13);
}

static void arrays(void **state)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();

    (void)state;
    uint64_t *v = ARENA_ARRAY(a, 100, uint64_t);
    assert_zero(v, 100 * sizeof(*v));
    assert_non_null(ARENA_ARRAY(a, 0, uint64_t));
}

static void freeing_nothing(void **state)
{
    struct arena *a = NULL;

    (void)state;
    arena_free(NULL);
    arena_freep(&a);
    a = arena_new();
    arena_freep(&a);
    assert_null(a);
}

/* Notes the order in which it was let go, and that what lies in the arena is still there. */
struct guest {
    char *order;
    const char *name, *text;
};

static void let_go(void *what)
{
    struct guest *g = what;

    assert_string_equal(g->text, "here");
    g->order[strlen(g->order)] = g->name[0];
}

static void keeping(void **state)
{
    char order[8] = "";
    struct arena *a = arena_new();
    struct guest g[3];

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        g[i] = (struct guest){order, i == 0 ? "a" : i == 1 ? "b" : "c", arena_strdup(a, "here")};
        arena_keep(a, let_go, &g[i]);
    }
    assert_string_equal(order, "");
    arena_clear(a);
    assert_string_equal(order, "cba");
    arena_clear(a);
    assert_string_equal(order, "cba"); /* once */
    g[0].text = arena_strdup(a, "here");
    arena_keep(a, let_go, &g[0]);
    (void)arena_alloc(a, 1 << 20);
    arena_free(a);
    assert_string_equal(order, "cbaa");
}

static void heap_twins(void **state)
{
    (void)state;
    assert_null(xstrdup(NULL));
    CLEANUP(xfreep) char *text = xstrdup("abc");
    assert_string_equal(text, "abc");
    text = xrealloc(text, 100);
    assert_string_equal(text, "abc");
    CLEANUP(xfreep) int *v = xcalloc(10, sizeof(*v));
    assert_zero(v, 10 * sizeof(*v));
    CLEANUP(xfreep) void *nothing = xcalloc(0, 0);
    assert_non_null(nothing);
    xfreep(&v);
    assert_null(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zeroed_aligned_and_apart),
        cmocka_unit_test(empty_ones_differ),
        cmocka_unit_test(clear_forgets_everything),
        cmocka_unit_test(texts),
        cmocka_unit_test(growing),
        cmocka_unit_test(arrays),
        cmocka_unit_test(freeing_nothing),
        cmocka_unit_test(keeping),
        cmocka_unit_test(heap_twins),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
