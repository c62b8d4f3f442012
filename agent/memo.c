/* What the planner may know of the past, kept in two small sorted tables on the heap.
 *
 * Comes in: the diary at start, finished passes, the engine's events. Goes out: struct history. Refuses to decide anything. */
#include "agent/memo.h"

#include "agent/store.h"
#include "reconcile/deeds.h"
#include "reconcile/run.h"
#include "spec/base/arena.h"

#define TOGETHER_MS                                                                                \
    5000 /* events of one deed come within; the grace of a stop lies between others */

struct entry {
    char *key, *value, *app;
    int strength; /* of a hand's deed */
    int64_t at_ms;
};

struct table {
    struct entry *v;
    size_t n, cap;
};

struct memo {
    struct table hashes, hands;
    bool watched;
};

static size_t table_at(const struct table *t, const char *key, bool *found)
{
    size_t lo = 0, hi = t->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int order = strcmp(t->v[mid].key, key);
        if (order == 0) {
            *found = true;
            return mid;
        }
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    *found = false;
    return lo;
}

static void entry_release(struct entry *x)
{
    free(x->key);
    free(x->value);
    free(x->app);
}

static void table_drop(struct table *t, size_t at)
{
    entry_release(&t->v[at]);
    memmove(&t->v[at], &t->v[at + 1], (t->n - at - 1) * sizeof(t->v[0]));
    t->n--;
}

static bool table_set(struct table *t, const char *app, const char *key, const char *value)
{
    bool found;
    size_t at = table_at(t, key, &found);
    if (found) {
        if (strcmp(t->v[at].value, value) == 0)
            return false;
        free(t->v[at].value);
        t->v[at].value = xstrdup(value);
        return true;
    }
    if (t->n == t->cap) {
        t->cap = t->cap ? t->cap * 2 : 16;
        t->v = xrealloc(t->v, t->cap * sizeof(t->v[0]));
    }
    memmove(&t->v[at + 1], &t->v[at], (t->n - at) * sizeof(t->v[0]));
    t->v[at] = (struct entry){.key = xstrdup(key), .value = xstrdup(value), .app = xstrdup(app)};
    t->n++;
    return true;
}

static void table_release(struct table *t)
{
    for (size_t i = 0; i < t->n; i++)
        entry_release(&t->v[i]);
    free(t->v);
}

struct memo *memo_new(void)
{
    return xcalloc(1, sizeof(struct memo));
}

void memo_free(struct memo *m)
{
    if (!m)
        return;
    table_release(&m->hashes);
    table_release(&m->hands);
    free(m);
}

void memo_load(struct memo *m, const struct kvs *last_hash)
{
    for (size_t i = 0; i < last_hash->n; i++)
        (void)table_set(&m->hashes, NULL, last_hash->v[i].key, last_hash->v[i].value);
}

bool memo_hash(struct memo *m, const char *container, const char *hash)
{
    bool found;
    if (hash)
        return table_set(&m->hashes, NULL, container, hash);
    size_t at = table_at(&m->hashes, container, &found);
    if (found)
        table_drop(&m->hashes, at);
    return found;
}

/* 0: not what a hand does. The end of a thing says more than the way to it. */
static int strength_of(const char *action)
{
    static const char *const words[] = {"connect", "disconnect", "update", "rename", "pause",
                                        "kill",    "die",        "stop",   "oom",    "destroy"};
    size_t n = strcspn(action, " ");
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strlen(words[i]) == n && strncmp(action, words[i], n) == 0)
            return i < 2 ? 1 : (int)i; /* off and on again: the last counts */
    return 0;
}

static bool is_near(const struct entry *x, int64_t time_ms)
{
    int64_t apart = time_ms - x->at_ms;
    return apart < TOGETHER_MS && apart > -TOGETHER_MS;
}

static const struct entry *hand_at(const struct memo *m, const char *key, int64_t time_ms)
{
    bool found;
    size_t at = table_at(&m->hands, key, &found);
    return found && is_near(&m->hands.v[at], time_ms) ? &m->hands.v[at] : NULL;
}

/* A space sorts before all that a name is made of, so the keys of one object stand together. */
bool memo_touched(const struct memo *m, const char *object, int64_t time_ms)
{
    size_t n = strlen(object);
    bool found;
    for (size_t i = table_at(&m->hands, object, &found); i < m->hands.n; i++) {
        const char *key = m->hands.v[i].key;
        if (strncmp(key, object, n) != 0 || (key[n] && key[n] != ' '))
            return false;
        if (is_near(&m->hands.v[i], time_ms))
            return true;
    }
    return false;
}

void memo_run_over(struct memo *m, const struct run *r, struct store *s)
{
    static const char prefix[] = "container ";
    const struct plan_app *part = run_part(r);

    for (size_t i = 0; i < part->n_actions; i++) {
        const struct action *x = &part->actions[i];

        if ((x->kind != ACT_REMOVE && x->kind != ACT_STOP) || !run_action_done(r, i) ||
            strncmp(x->subject, prefix, sizeof(prefix) - 1) != 0)
            continue;
        const char *name = x->subject + sizeof(prefix) - 1;
        if (memo_hash(m, name, NULL))
            store_last_hash(s, name, NULL);
    }
}

void memo_hand(struct memo *m, const char *app, const char *object, const char *action,
               int64_t time_ms)
{
    CLEANUP(str_release) struct str what = STR_INIT, key = STR_INIT;
    deeds_key(object, action, &key);
    const struct entry *before = hand_at(m, str_text(&key), time_ms);
    int strength = strength_of(action);
    bool found;
    if (strength == 0 || (before && before->strength > strength))
        return;
    str_addf(&what, "%s at ", action);
    str_add_time(&what, time_ms);
    (void)table_set(&m->hands, app, str_text(&key), str_text(&what));
    struct entry *now = &m->hands.v[table_at(&m->hands, str_text(&key), &found)];
    now->strength = strength;
    now->at_ms = time_ms;
}

bool memo_settled(struct memo *m, const char *app)
{
    bool any = false;
    for (size_t i = m->hands.n; i-- > 0;)
        if (m->hands.v[i].app && strcmp(m->hands.v[i].app, app) == 0) {
            table_drop(&m->hands, i);
            any = true;
        }
    return any;
}

void memo_hand_apps(const struct memo *m, struct arena *a, struct strv *ret)
{
    for (size_t i = 0; i < m->hands.n; i++)
        if (m->hands.v[i].app && !strv_has(ret, m->hands.v[i].app))
            strv_push(a, ret, arena_strdup(a, m->hands.v[i].app));
}

void memo_containers(const struct memo *m, struct arena *a, struct strv *ret)
{
    for (size_t i = 0; i < m->hashes.n; i++)
        strv_push(a, ret, arena_strdup(a, m->hashes.v[i].key));
}

void memo_load_hands(struct memo *m, const struct kvs *what, const struct kvs *apps)
{
    for (size_t i = 0; i < what->n; i++)
        (void)table_set(&m->hands, kvs_get(apps, what->v[i].key), what->v[i].key, what->v[i].value);
}

const char *memo_hand_of(const struct memo *m, const char *key)
{
    bool found;
    size_t at = table_at(&m->hands, key, &found);
    return found ? m->hands.v[at].value : NULL;
}

void memo_watch(struct memo *m)
{
    m->watched = true;
}

static struct kvs table_view(const struct table *t, struct arena *a)
{
    struct kvs l = {.v = ARENA_ARRAY(a, t->n ? t->n : 1, struct kv), .n = t->n};
    for (size_t i = 0; i < t->n; i++)
        l.v[i] = (struct kv){arena_strdup(a, t->v[i].key), arena_strdup(a, t->v[i].value)};
    return l;
}

struct history memo_history(const struct memo *m, struct arena *a)
{
    return (struct history){.last_hash = table_view(&m->hashes, a),
                            .handmade = table_view(&m->hands, a),
                            .watched = m->watched};
}
