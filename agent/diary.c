/* What runs do, into the store: one row per run, one per action.
 *
 * Comes in: the recorder's calls. Goes out: queued writes. Refuses to wait for the disk and to let its trouble reach a run. */
#include "agent/diary.h"

#include "agent/core.h"
#include "reconcile/build_tag.h"
#include "reconcile/run.h"

static const char *run_cause(const struct plan_app *part)
{
    for (size_t i = 0; i < part->n_actions; i++)
        if (part->actions[i].cause)
            return part->actions[i].cause;
    return part->why ? part->why : "";
}

static unsigned action_seq(const struct run *r, const struct action *a)
{
    return (unsigned)(a - run_part(r)->actions);
}

static void diary_run_started(void *ctx, const struct run *r, const struct plan_app *part)
{
    store_run_started(ctx, run_id(r), core_now_ms(), part->name, part->digest ? part->digest : "",
                      run_cause(part));
}

static void diary_action_started(void *ctx, const struct run *r, const struct action *a)
{
    store_action_started(ctx, run_id(r), action_seq(r, a), core_now_ms(), action_kind_name(a->kind),
                         a->subject, a->cause);
}

/* What was built, or stood on what was built, is in use now. */
static void note_image(struct store *s, const struct action *a)
{
    const char *image = a->kind == ACT_BUILD    ? a->op.object
                        : a->kind == ACT_CREATE ? a->op.image
                                                : NULL;
    if (image && strncmp(image, BUILD_TAG_PREFIX, strlen(BUILD_TAG_PREFIX)) == 0)
        store_image_used(s, core_now_ms(), image);
}

static void diary_action_ended(void *ctx, const struct run *r, const struct action *a,
                               const struct op_result *result, int64_t took_ms)
{
    (void)took_ms;
    const char *word = "ok";
    if (result->err.kind == ERR_STALE)
        word = "skipped";
    else if (result->err.kind != ERR_NONE)
        word = "failed";
    if (result->err.kind == ERR_STALE) /* never started: the row does not exist yet */
        return;
    store_action_ended(ctx, run_id(r), action_seq(r, a), core_now_ms(), word,
                       result->err.kind == ERR_NONE ? NULL : result->err.msg);
    if (result->err.kind == ERR_NONE)
        note_image(ctx, a);
}

static void diary_run_ended(void *ctx, const struct run *r, enum run_end how,
                            const struct err *failure)
{
    static const char *const words[] = {
        [RUN_DONE] = "done", [RUN_FAILED] = "failed", [RUN_SUPERSEDED] = "superseded"};
    store_run_ended(ctx, run_id(r), core_now_ms(), words[how],
                    failure && failure->kind ? failure->msg : NULL);
}

struct recorder diary_recorder(struct store *store)
{
    if (!store)
        return (struct recorder){0};
    return (struct recorder){
        .run_started = diary_run_started,
        .action_started = diary_action_started,
        .action_ended = diary_action_ended,
        .run_ended = diary_run_ended,
        .ctx = store,
    };
}
