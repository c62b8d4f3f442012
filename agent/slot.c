/* One app's memory between passes.
 *
 * Comes in: fresh plans, runs that start and end. Goes out: the verdict, and whether it is time to try (again). A plan that comes back after it was carried out, twice, is
 * blocked with the field that will not settle: repeating it would only shake what runs. */
#include "agent/slot.h"

#include "agent/conductor.h"
#include "reconcile/backoff.h"
#include "reconcile/plan_scope.h"
#include "spec/base/arena.h"
#include "spec/base/js.h"

#define SECOND_CHANCE_MS 3000
#define REPEATS_MAX 2
#define REPEATS_BY_HAND_MAX                                                                        \
    10 /* the same was done to it again, event by event: somebody is at it, or another controller */
#define FIELDS_MAX 3

static size_t slots_at(const struct slots *l, const char *app, bool *found)
{
    size_t lo = 0, hi = l->n;
    *found = false;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int order = strcmp(l->v[mid]->app, app);
        if (order == 0) {
            *found = true;
            return mid;
        }
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

struct slot *slots_find(const struct slots *l, const char *app)
{
    bool found;
    size_t at = slots_at(l, app, &found);
    return found ? l->v[at] : NULL;
}

struct slot *slots_get(struct slots *l, struct conductor *c, const char *app)
{
    bool found;
    size_t at = slots_at(l, app, &found);
    if (found)
        return l->v[at];
    if (l->n == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 16;
        l->v = xrealloc(l->v, l->cap * sizeof(struct slot *));
    }
    memmove(&l->v[at + 1], &l->v[at], (l->n - at) * sizeof(struct slot *));
    l->n++;
    struct slot *s = xcalloc(1, sizeof(*s));
    s->app = xstrdup(app);
    s->conductor = c;
    l->v[at] = s;
    return s;
}

static void slot_free(struct slot *s, struct http *http)
{
    http_timer_cancel(http, s->timer);
    free(s->app);
    free(s->planned_why);
    free(s->failure);
    free(s->told_why);
    free(s->tail);
    free(s->tail_of);
    free(s->tail_advice);
    free(s->whole_why);
    free(s);
}

void slots_sweep(struct slots *l, struct http *http, const struct plan *plan,
                 const struct strv *scope)
{
    size_t kept = 0;
    for (size_t i = 0; i < l->n; i++) {
        struct slot *s = l->v[i];
        if (!s->run && !s->dirty && !plan_app(plan, s->app) &&
            (scope->n == 0 || strv_has(scope, s->app)))
            slot_free(s, http);
        else
            l->v[kept++] = s;
    }
    l->n = kept;
}

void slots_release(struct slots *l, struct http *http)
{
    for (size_t i = 0; i < l->n; i++)
        slot_free(l->v[i], http);
    free(l->v);
    *l = (struct slots){0};
}

void slots_wake_refused(struct slots *l, const struct slot *by, bool done)
{
    for (size_t i = 0; i < l->n; i++) {
        struct slot *s = l->v[i];
        bool lost = done && s != by && s->failure && s->conflict;
        if (s->run || !s->planned || (s->planned_state != APP_REFUSED && !lost) ||
            (s->blocked && !lost))
            continue;
        if (lost) {
            s->not_before_ms = 0;
            s->blocked = false;
        }
        s->dirty = true;
    }
}

void slots_reserved(const struct slots *l, struct arena *a, struct strv *ret)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->v[i]->run)
            run_reserved(l->v[i]->run, a, ret);
}

bool slots_overtaken(const struct slots *l, const char *app)
{
    const struct slot *s = slots_find(l, app);
    return s && s->overtaken;
}

int64_t slots_second_chance(struct slots *l, int64_t now_ms)
{
    int64_t soonest = 0;

    for (size_t i = 0; i < l->n; i++) {
        struct slot *s = l->v[i];
        bool stuck =
            s->failure || s->planned_state == APP_REFUSED || s->planned_state == APP_DEGRADED;
        int64_t last = s->tried_ms > s->chance_ms ? s->tried_ms : s->chance_ms;
        int64_t left = last > 0 ? last + SECOND_CHANCE_MS - now_ms : 0;

        if (!stuck || s->run || s->blocked)
            continue;
        if (left > 0) {
            soonest = soonest == 0 || left < soonest ? left : soonest;
            continue;
        }
        s->not_before_ms = 0;
        s->chance_ms = now_ms;
        s->dirty = true;
    }
    return soonest;
}

void slots_mark_restless(struct slots *l)
{
    for (size_t i = 0; i < l->n; i++)
        l->v[i]->dirty |= !l->v[i]->at_rest || l->v[i]->run || l->v[i]->failure;
}

bool slots_would_start(const struct slots *l, const struct plan_app *pa)
{
    const struct slot *s = slots_find(l, pa->name);
    return !s || (!s->run && !s->blocked);
}

static void replace(char **old, const char *text)
{
    char *copy = xstrdup(text);
    free(*old);
    *old = copy;
}

static void slot_join_why(struct slot *s)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    str_add(&text, s->planned_why ? s->planned_why : "");
    if (s->tail && *s->tail)
        str_addf(&text, "; its last lines: %s", s->tail);
    if (s->tail && s->tail_advice && *s->tail_advice)
        str_addf(&text, "; %s", s->tail_advice);
    replace(&s->whole_why, str_text(&text));
}

void slot_set_tail(struct slot *s, const char *text, const char *advice)
{
    replace(&s->tail, text);
    replace(&s->tail_advice, advice);
    slot_join_why(s);
}

void slot_advise(struct slot *s, const char *advice)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    if (!s->failure || !*advice)
        return;
    str_addf(&text, "%s; %s", s->failure, advice);
    replace(&s->failure, str_text(&text));
}

/* What a plan would do, without causes: causes name times and differ when nothing else does. */
static void plan_sign(const struct plan_app *pa, char ret[SHA256_HEX])
{
    CLEANUP(str_release) struct str text = STR_INIT;
    for (size_t i = 0; i < pa->n_actions; i++) {
        const struct action *x = &pa->actions[i];
        str_addf(&text, "%d %s %s\n", (int)x->kind, x->subject, x->op.hash ? x->op.hash : "");
        if ((x->kind == ACT_ROUTE_WRITE || x->kind == ACT_UPDATE) && x->op.body)
            str_add(&text, x->op.body);
    }
    sha256_hex(text.buf, text.len, ret);
}

static void slot_block(struct slot *s, const char *why)
{
    s->blocked = true;
    memcpy(s->block_sign, s->sign, sizeof(s->sign));
    replace(&s->failure, why);
}

/* " (container blog-app-1: mem_limit, cpus)": of the first object that is not left as it is. */
static void add_fields(const struct plan_app *pa, struct str *text)
{
    const char *object = NULL;
    size_t n = 0;
    for (size_t i = 0; i < pa->n_differences; i++) {
        const struct difference *d = &pa->differences[i];
        if (d->left != LEFT_NOT || (object && strcmp(object, d->object) != 0))
            continue;
        if (!object)
            str_addf(text, " (%s: ", d->object);
        object = d->object;
        if (n < FIELDS_MAX)
            str_addf(text, "%s%s", n > 0 ? ", " : "", d->change.field);
        n++;
    }
    if (n > FIELDS_MAX)
        str_addf(text, " and %zu more", n - FIELDS_MAX);
    if (object)
        str_addc(text, ')');
}

static void slot_block_repeating(struct slot *s, const struct plan_app *pa)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    str_addf(&text, "it does not settle: the same plan came back %u times after it was carried out",
             s->repeats);
    add_fields(pa, &text);
    str_add(&text, "; left alone until its file or settings change");
    slot_block(s, str_text(&text));
}

/* Everything that differs was seen to be done by somebody: the repair had held until then. */
static bool done_by_hand(const struct plan_app *pa)
{
    for (size_t i = 0; i < pa->n_differences; i++)
        if (!pa->differences[i].event)
            return false;
    return pa->n_differences > 0;
}

void slot_planned(struct slot *s, const struct plan_app *pa)
{
    const char *digest = pa->digest ? pa->digest : "";
    s->planned = true;
    s->at_rest = plan_at_rest(pa);
    s->planned_state = pa->state;
    replace(&s->planned_why, pa->why);
    if (pa->state != APP_DEGRADED) {
        replace(&s->tail, NULL);
        replace(&s->tail_of, NULL);
    }
    slot_join_why(s);
    if (strcmp(s->digest, digest) != 0) {
        (void)snprintf(s->digest, sizeof(s->digest), "%s", digest);
        s->failures = 0;
        s->repeats = 0;
        s->blocked = false;
        s->not_before_ms = 0;
        s->done_sign[0] = '\0';
        replace(&s->failure, NULL);
    }
    if (s->run)
        return;
    if (pa->n_actions == 0) {
        s->done_sign[0] = '\0';
        s->repeats = 0;
        s->failures = 0;
        s->blocked = false;
        replace(&s->failure, NULL);
        return;
    }
    plan_sign(pa, s->sign);
    /* Why it failed stays true, and how often counts, until it is tried again: what was put back may be on other networks than
     * before, and that alone must not take it down every few seconds. */
    if (s->blocked && strcmp(s->sign, s->block_sign) != 0)
        s->blocked = false;
    if (s->done_sign[0] && strcmp(s->sign, s->done_sign) == 0 && !s->blocked) {
        if (++s->repeats >= (done_by_hand(pa) ? REPEATS_BY_HAND_MAX : REPEATS_MAX))
            slot_block_repeating(s, pa);
        s->done_sign[0] = '\0';
    }
}

/* A replacement that failed and was undone: trying it again would only take the service down again. */
static bool run_put_back(const struct run *r)
{
    const struct plan_app *part = run_part(r);
    for (size_t i = 0; i < part->n_actions; i++)
        if (part->actions[i].when == WHEN_FAILED && run_action_done(r, i))
            return true;
    return false;
}

void slot_run_over(struct slot *s, const struct run *r, enum run_end how, const struct err *failure,
                   int64_t now_ms)
{
    s->tried_ms = now_ms;
    switch (how) {
    case RUN_DONE:
        memcpy(s->done_sign, s->sign, sizeof(s->sign));
        s->failures = 0;
        replace(&s->failure, NULL);
        return;
    case RUN_SUPERSEDED: return;
    case RUN_FAILED:
        s->failures++;
        s->engine_failure = failure->kind == ERR_RETRY;
        replace(&s->failure, failure->msg);
        s->not_before_ms = now_ms + backoff_ms(s->failures, (uint32_t)(uintptr_t)s);
        s->conflict = failure->kind == ERR_CONFLICT;
        /* What another container held may have been given up since; but each try takes the old one down. */
        if (run_put_back(r) && (!s->conflict || s->failures > 1)) {
            CLEANUP(str_release) struct str text = STR_INIT;
            str_addf(&text,
                     "%s; what ran before was put back; not tried again until something changes",
                     failure->msg);
            slot_block(s, str_text(&text));
        }
        return;
    }
}

/* A file that breaks in the middle of a run says nothing about what it should be instead: the run is finished. */
bool slot_run_is_stale(const struct slot *s, const struct plan_app *pa)
{
    const char *now = pa->digest ? pa->digest : "", *then = run_part(s->run)->digest;
    if (pa->state == APP_FROZEN)
        return false;
    return strcmp(now, then ? then : "") != 0 || pa->state == APP_HELD;
}

void slot_forgive(struct slot *s)
{
    if (!s->failure || !s->engine_failure || s->blocked)
        return;
    s->failures = 0;
    s->not_before_ms = 0;
}

enum app_state slot_verdict(const struct slot *s, const char **ret_why)
{
    if (s->run && !s->mending) {
        *ret_why = s->planned_why;
        return APP_PROGRESSING;
    }
    if (s->failure && (s->planned_state == APP_OUT_OF_SYNC || s->planned_state == APP_MISSING ||
                       s->planned_state == APP_PROGRESSING || s->planned_state == APP_DEGRADED)) {
        *ret_why = s->failure;
        return APP_DEGRADED;
    }
    *ret_why = s->tail ? s->whole_why : s->planned_why;
    return s->planned_state;
}

/* Equal but for their digits. */
static bool same_words(const char *a, const char *b)
{
    for (;;) {
        a += strspn(a, "0123456789");
        b += strspn(b, "0123456789");
        if (*a != *b)
            return false;
        if (!*a)
            return true;
        a++;
        b++;
    }
}

bool slot_told(struct slot *s, enum app_state state, const char *why)
{
    const char *before = s->told_why ? s->told_why : "", *now = why ? why : "";
    if (s->told && s->told_state == state &&
        (state == APP_DEGRADED ? same_words(before, now) : strcmp(before, now) == 0))
        return false;
    s->told = true;
    s->told_state = state;
    replace(&s->told_why, why);
    return true;
}

bool slot_settled(const struct slot *s, bool looking)
{
    return s->planned && !s->run && !s->overtaken && !s->listening && !s->dirty &&
           !(looking && s->due);
}

static void count_verdict(const struct slot *s, struct conductor_summary *sum)
{
    const char *why;
    sum->apps++;
    switch (slot_verdict(s, &why)) {
    case APP_SYNCED:
    case APP_COMPLETED:
    case APP_STOPPED: sum->synced++; break;
    case APP_DEGRADED:
    case APP_REFUSED:
    case APP_MISSING:
    case APP_OUT_OF_SYNC: sum->failed++; break;
    case APP_PROGRESSING: sum->progressing++; break;
    case APP_HELD: sum->held++; break;
    case APP_FROZEN: sum->other++; break;
    }
}

void slots_sum(const struct slots *l, struct conductor_summary *sum)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->v[i]->planned)
            count_verdict(l->v[i], sum);
}
