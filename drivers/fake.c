/* fake.c: the contract of driver.h over an engine in memory.
 *
 * In: operations, looks, a follower. Out: their callbacks, one per fake_step, in the order of submission or against it; and
 * whatever fault was asked for. What operations do is fake_world.c's business.
 * It does nothing by itself: no thread, no clock, no descriptor. */
#include "drivers/fake.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/fake_world.h"
#include "spec/base/arena.h"

enum pending_kind { PENDING_OP, PENDING_LOOK, PENDING_FOLLOW, PENDING_LOGS };

struct ticket {
    enum pending_kind kind;
    const struct op *op;
    op_done_fn *done;
    look_done_fn *looked;
    happening_fn *happened;
    void *user;
    bool cancelled;
    struct fate {
        bool known, fails, late, waits;
        enum err_kind kind;
    } fate;
};

struct fake {
    struct driver driver;
    struct arena *arena;
    struct fake_world world;
    struct fake_faults faults;
    struct ticket **pending; /* in the order of submission */
    size_t n_pending, cap_pending;
    int begun; /* operations whose fate is known */
    uint32_t chance;
    struct str journal;
};

static struct fake *fake_of(struct driver *d)
{
    return (struct fake *)(void *)d;
}

static struct ticket *queue(struct fake *f, struct ticket t)
{
    struct ticket *at = ARENA_NEW(f->arena, struct ticket);

    *at = t;
    f->pending =
        arena_grow(f->arena, f->pending, f->n_pending, &f->cap_pending, sizeof(f->pending[0]));
    f->pending[f->n_pending++] = at;
    return at;
}

/* ---- driver_ops ---- */

static struct ticket *fake_submit(struct driver *d, const struct op *op, op_done_fn *done,
                                  op_progress_fn *progress, void *user)
{
    (void)progress;
    return queue(fake_of(d),
                 (struct ticket){.kind = PENDING_OP, .op = op, .done = done, .user = user});
}

static void fake_cancel(struct driver *d, struct ticket *t)
{
    (void)d;
    t->cancelled = true;
}

static void fake_look(struct driver *d, const struct look *scope, look_done_fn *done, void *user)
{
    (void)scope;
    (void)queue(fake_of(d), (struct ticket){.kind = PENDING_LOOK, .looked = done, .user = user});
}

static const struct observed *fake_observed(struct driver *d, struct arena *a)
{
    return fake_world_observed(&fake_of(d)->world, a);
}

static void fake_follow(struct driver *d, happening_fn *happened, void *user)
{
    (void)queue(fake_of(d),
                (struct ticket){.kind = PENDING_FOLLOW, .happened = happened, .user = user});
}

static struct ticket *fake_logs(struct driver *d, const struct logs *want, log_line_fn *line,
                                op_done_fn *done, void *user)
{
    (void)want;
    (void)line;
    return queue(fake_of(d), (struct ticket){.kind = PENDING_LOGS, .done = done, .user = user});
}

static void fake_free(struct driver *d)
{
    struct fake *f = d ? fake_of(d) : NULL;

    if (!f)
        return;
    str_release(&f->journal);
    arena_free(f->arena);
    free(f);
}

static const struct driver_ops fake_ops = {
    .name = "fake",
    .submit = fake_submit,
    .cancel = fake_cancel,
    .look = fake_look,
    .observed = fake_observed,
    .follow = fake_follow,
    .logs = fake_logs,
    .free = fake_free,
};

struct driver *fake_new(const struct observed *start, const struct fake_faults *faults)
{
    struct fake *f = xcalloc(1, sizeof(*f));

    f->driver.ops = &fake_ops;
    f->arena = arena_new();
    if (faults)
        f->faults = *faults;
    f->chance = f->faults.seed;
    fake_world_init(&f->world, start, f->arena);
    f->world.ghost = f->faults.ghost;
    if (f->faults.now_ms > f->world.now_ms)
        f->world.now_ms = f->faults.now_ms;
    return &f->driver;
}

void fake_apply(struct driver *d, const struct op *op, struct op_result *ret)
{
    fake_world_apply(&fake_of(d)->world, op, ret);
}

/* ---- time ---- */

static const char *subject_of(const struct fake *f, const struct op *op)
{
    if (op->kind == OP_CONTAINER_RENAME || op->kind == OP_NETWORK_DISCONNECT ||
        op->kind == OP_NETWORK_CONNECT)
        return fake_world_name(&f->world, op->object);
    return op->name ? op->name : fake_world_name(&f->world, op->object);
}

static unsigned fake_pick(struct fake *f, unsigned n)
{
    f->chance = f->chance * 1664525U + 1013904223U;
    return (f->chance >> 8) % n;
}

static struct fate rained_on(struct fake *f)
{
    static const enum err_kind kinds[] = {ERR_RETRY, ERR_RETRY, ERR_CONFLICT, ERR_MISSING};
    unsigned what = fake_pick(f, 5);

    return (struct fate){.known = true,
                         .fails = what < 4,
                         .late = what == 1 || what == 3,
                         .waits = what >= 2,
                         .kind = kinds[what == 0 ? fake_pick(f, ARRAY_LEN(kinds)) : 0]};
}

/* Decided once, when it is its turn. */
static void decide_fate(struct fake *f, struct ticket *t)
{
    const struct fake_faults *x = &f->faults;

    if (t->fate.known || t->cancelled)
        return;
    t->fate.known = true;
    if (++f->begun == x->fail_at)
        t->fate = (struct fate){.known = true,
                                .fails = !x->slow,
                                .late = x->late,
                                .waits = x->hang || x->slow,
                                .kind = x->kind ? x->kind : ERR_RETRY};
    else if (x->rain && fake_pick(f, x->rain) == 0)
        t->fate = rained_on(f);
}

static void finish_op(struct fake *f, const struct ticket *t)
{
    struct op_result result = {.exit_code = 0};

    str_addf(&f->journal, "%s %s", op_kind_name(t->op->kind), subject_of(f, t->op));
    if (t->cancelled) {
        (void)err_set(&result.err, ERR_STALE, "cancelled");
    } else {
        if (!t->fate.fails || t->fate.late)
            fake_world_apply(&f->world, t->op, &result);
        if (t->fate.fails)
            (void)err_set(&result.err, t->fate.kind, "injected fault");
    }
    str_add(&f->journal, result.err.kind == ERR_NONE    ? "\n"
                         : result.err.kind == ERR_STALE ? ": cancelled\n"
                                                        : ": failed\n");
    t->done(t->user, &result);
}

/* Whose turn it is: the first in order that need not wait for the others. */
static size_t next_pending(struct fake *f)
{
    size_t n = f->n_pending, first = f->faults.reverse ? n - 1 : 0;

    for (size_t i = 0; i < n; i++) {
        size_t at = f->faults.reverse ? n - 1 - i : i;
        struct ticket *t = f->pending[at];

        if (t->kind == PENDING_OP)
            decide_fate(f, t);
        if (t->cancelled || !t->fate.waits)
            return at;
    }
    return first;
}

bool fake_step(struct driver *d)
{
    struct fake *f = fake_of(d);
    static const struct err fine = {.kind = ERR_NONE};
    struct op_result ended = {.exit_code = 0};

    if (f->n_pending == 0)
        return false;
    size_t at = next_pending(f);
    const struct ticket *t = f->pending[at];

    memmove(&f->pending[at], &f->pending[at + 1], (--f->n_pending - at) * sizeof(f->pending[0]));
    switch (t->kind) {
    case PENDING_OP: finish_op(f, t); break;
    case PENDING_LOOK: t->looked(t->user, &fine); break;
    case PENDING_FOLLOW:
        t->happened(t->user, &(struct happening){.what = ENGINE_UP, .time_ms = f->world.now_ms});
        break;
    case PENDING_LOGS: t->done(t->user, &ended); break;
    }
    return true;
}

const char *fake_journal(struct driver *d)
{
    return str_text(&fake_of(d)->journal);
}
