/* Build logs: bounded without losing beginning or end, the one before kept, read as they stand, private. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/buildlog.h"
#include "agent/log.h"
#include "drivers/driver.h"
#include "reconcile/run.h"
#include "spec/base/arena.h"
#include "spec/labels.h"
#include "tests/unit/scratch.h"

struct world {
    char *dir;
    struct arena *a;
    struct buildlog *log;
    struct recorder to;
    struct run *run;
    const struct action *build, *other;
};

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    struct build_order *order;
    struct action *v;
    struct plan_app part = {.name = "blog", .digest = "d", .n_actions = 2};

    void *dir = NULL;

    if (scratch_setup(&dir) != 0)
        return -1;
    w->dir = dir;
    w->a = arena_new();
    order = ARENA_NEW(w->a, struct build_order);
    kvs_set(w->a, &order->labels, LABEL_BUILD_SERVICE, "web");
    v = ARENA_ARRAY(w->a, 2, struct action);
    v[0] =
        (struct action){.kind = ACT_BUILD,
                        .subject = "image x",
                        .op = {.kind = OP_BUILD, .object = "evenkeel/blog/web:1", .build = order}};
    v[1] = (struct action){
        .kind = ACT_PULL, .subject = "image y", .op = {.kind = OP_PULL, .object = "y"}};
    part.actions = v;
    w->run = run_new(&part, &(struct run_options){.id = 1});
    w->build = &run_part(w->run)->actions[0];
    w->other = &run_part(w->run)->actions[1];
    w->log = buildlog_new(w->dir);
    w->to = buildlog_recorder(w->log);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    buildlog_free(w->log);
    run_free(w->run);
    arena_free(w->a);
    void *dir = w->dir;

    free(w);
    return scratch_teardown(&dir);
}

static void begin(struct world *w, const struct action *a)
{
    w->to.action_started(w->to.ctx, w->run, a);
}

static void say(struct world *w, const struct action *a, const char *line, double fraction)
{
    w->to.action_progress(w->to.ctx, w->run, a, line, fraction);
}

static void end(struct world *w, const struct action *a, enum err_kind kind, const char *why)
{
    struct op_result r = {.exit_code = 0};

    if (kind)
        (void)err_set(&r.err, kind, "%s", why);
    w->to.action_ended(w->to.ctx, w->run, a, &r, 1500);
}

static const char *text_of(struct world *w, int tail)
{
    struct buildlog_text *v = NULL;
    struct err e = {0};

    assert_int_equal(buildlog_read(w->dir, "blog", NULL, tail, w->a, &v, &e), 1);
    assert_string_equal(v[0].service, "web");
    assert_int_equal(strlen(v[0].text), v[0].n);
    return v[0].text;
}

static void test_a_build(void **state)
{
    struct world *w = *state;
    struct stat st;

    begin(w, w->build);
    begin(w, w->other);
    say(w, w->build, "#1 [1/2] FROM x", OP_PROGRESS_LOG);
    say(w, w->build, "[1/2] FROM x", 0.5);
    say(w, w->build, "unknown", -1);
    say(w, w->other, "not of a build", OP_PROGRESS_LOG);
    assert_non_null(strstr(text_of(w, -1), "#1 [1/2] FROM x\n")); /* readable while it goes on */
    end(w, w->other, ERR_NONE, NULL);
    end(w, w->build, ERR_NONE, NULL);
    const char *text = text_of(w, -1);

    assert_int_equal(strncmp(text, "# 20", 4), 0);
    assert_non_null(
        strstr(text, "Z building evenkeel/blog/web:1\n#1 [1/2] FROM x\n# done in 1.5 s\n"));
    assert_null(strstr(text, "unknown"));
    assert_string_equal(text_of(w, 1), "# done in 1.5 s\n");
    assert_string_equal(text_of(w, 2), "#1 [1/2] FROM x\n# done in 1.5 s\n");
    assert_string_equal(text_of(w, 0), "");
    assert_string_equal(text_of(w, 99), text);
    assert_int_equal(stat(arena_printf(w->a, "%s/builds/blog/web.log", w->dir), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void test_failure_and_the_one_before(void **state)
{
    struct world *w = *state;
    char line[256] = "";

    begin(w, w->build);
    say(w, w->build, "first", OP_PROGRESS_LOG);
    end(w, w->build, ERR_USER, "exit code: 3\nand \033[31mmore");
    assert_non_null(strstr(text_of(w, -1),
                           "first\n# failed after 1.5 s: exit code: 3\\x0aand \\x1b[31mmore\n"));
    begin(w, w->build);
    end(w, w->build, ERR_STALE, "superseded");
    assert_null(strstr(text_of(w, -1), "first"));
    assert_non_null(strstr(text_of(w, -1), "# cancelled after 1.5 s\n"));
    FILE *f = fopen(arena_printf(w->a, "%s/builds/blog/web.log.1", w->dir), "re");

    assert_non_null(f);
    assert_non_null(fgets(line, sizeof(line), f));
    assert_non_null(fgets(line, sizeof(line), f));
    (void)fclose(f);
    assert_string_equal(line, "first\n");
}

static void test_the_middle_is_left_out(void **state)
{
    struct world *w = *state;
    char line[200];
    enum { LINES = 60000 };
    size_t seen = 0, left = 0;
    int last = -1;

    begin(w, w->build);
    for (int i = 0; i < LINES; i++) {
        (void)snprintf(line, sizeof(line), "#5 1.00 %d %.*s", i, i % 97,
                       "..........................................................................."
                       ".....................");
        say(w, w->build, line, OP_PROGRESS_LOG);
    }
    end(w, w->build, ERR_NONE, NULL);
    const char *text = text_of(w, -1);

    assert_true(strlen(text) <= BUILDLOG_BYTES);
    assert_true(strlen(text) > BUILDLOG_BYTES / 2);
    assert_non_null(strstr(text, "building evenkeel/blog/web:1\n#5 1.00 0 \n#5 1.00 1 .\n"));
    for (const char *at = text; *at; at = strchr(at, '\n') + 1) {
        int n;

        if (strncmp(at, "# ... ", 6) == 0) {
            assert_int_equal(left, 0); /* one line says it */
            assert_int_equal(sscanf(at, "# ... %zu lines", &left), 1);
            last = -1;
        } else if (sscanf(at, "#5 1.00 %d ", &n) == 1) {
            if (last >= 0)
                assert_int_equal(n, last + 1); /* whole lines, in order */
            last = n;
            seen++;
        }
    }
    assert_int_equal(last, LINES - 1);
    assert_int_equal(seen + left, LINES);
    assert_string_equal(text_of(w, 1), "# done in 1.5 s\n");
}

static void test_reading_what_is_not_there(void **state)
{
    struct world *w = *state;
    struct buildlog_text *v = (void *)w;
    struct err e = {0};

    assert_int_equal(buildlog_read(w->dir, "blog", NULL, -1, w->a, &v, &e), -1);
    assert_int_equal(e.kind, ERR_MISSING);
    assert_int_equal(buildlog_read(w->dir, "../etc", NULL, -1, w->a, &v, &e), -1);
    assert_int_equal(e.kind, ERR_USER);
    begin(w, w->build);
    end(w, w->build, ERR_NONE, NULL);
    assert_int_equal(buildlog_read(w->dir, "blog", "../blog/web", -1, w->a, &v, &e), -1);
    assert_int_equal(buildlog_read(w->dir, "blog", "other", -1, w->a, &v, &e), -1);
    assert_int_equal(e.kind, ERR_MISSING);
    assert_ptr_equal(v, w);
    assert_int_equal(buildlog_read(w->dir, "blog", "web", -1, w->a, &v, &e), 1);
}

static void test_no_place_for_it(void **state)
{
    struct world *w = *state;
    FILE *f = fopen(arena_printf(w->a, "%s/builds", w->dir),
                    "we"); /* a file where the folder should be */

    assert_non_null(f);
    (void)fclose(f);
    begin(w, w->build);
    say(w, w->build, "lost", OP_PROGRESS_LOG);
    end(w, w->build, ERR_NONE, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_build, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failure_and_the_one_before, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_middle_is_left_out, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reading_what_is_not_there, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_place_for_it, setup, teardown),
    };

    log_init(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
