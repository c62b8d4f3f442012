/* The apps of a snapshot as JSON.
 *
 * Comes in: a snapshot. Goes out: the text of each app and of the whole list, with its ETag. A list of 300 apps costs a millisecond or two of a processor to make, and a dashboard asks again and again
 * for what did not change: so it belongs to the snapshot, and dies with it. It refuses to be made before somebody asks: most snapshots are never read. */
#include "agent/door_list.h"

#include "agent/door_facts.h"
#include "spec/base/arena.h"
#include "spec/base/js.h"

json_t *door_list_app(const struct door_app *x)
{
    return json_pack("{s:s, s:s, s:s*, s:I, s:I, s:o, s:s, s:s, s:b}", "app", x->name, "state",
                     x->state, "why", *x->why ? x->why : NULL, "containers_wanted",
                     (json_int_t)x->wanted, "containers_running", (json_int_t)x->running,
                     "addresses", js_from_strv(&x->addresses), "origin", x->origin, "revision",
                     x->digest, "builtin", x->builtin);
}

static void add_json(struct str *out, json_t *v)
{
    char *text = v ? json_dumps(v, JSON_COMPACT) : NULL;

    str_add(out, text ? text : "null");
    free(text);
    json_decref(v);
}

static void add_tail(const struct door_facts *f, struct str *out)
{
    CLEANUP(str_release) struct str rest = STR_INIT;

    add_json(&rest,
             json_pack("{s:b, s:s*}", "looked", f->looked, "engine_trouble", f->engine_trouble));
    str_addf(out, "],%s\n", str_text(&rest) + 1); /* without its brace */
}

static struct door_list *make(const struct door_facts *f)
{
    CLEANUP(str_release) struct str all = STR_INIT;
    struct door_list *l = xcalloc(1, sizeof(*l));
    char sum[SHA256_HEX];

    l->at = xcalloc(f->n + 1, sizeof(*l->at));
    for (size_t i = 0; i < f->n; i++) {
        if (i > 0)
            str_addc(&l->apps, ',');
        l->at[i] = l->apps.len;
        add_json(&l->apps, door_list_app(&f->apps[i]));
    }
    l->at[f->n] = l->apps.len + 1;
    add_tail(f, &l->tail);
    str_addn(&all, str_text(&l->apps), l->apps.len);
    str_add(&all, str_text(&l->tail));
    sha256_hex(all.buf, all.len, sum);
    (void)snprintf(l->etag, sizeof(l->etag), "\"%.16s\"", sum);
    return l;
}

const struct door_list *door_list_of(struct door_facts *f)
{
    (void)pthread_mutex_lock(&f->lock);
    if (!f->list)
        f->list = make(f);
    const struct door_list *l = f->list;

    (void)pthread_mutex_unlock(&f->lock);
    return l;
}

void door_list_free(struct door_list *l)
{
    if (!l)
        return;
    str_release(&l->apps);
    str_release(&l->tail);
    free(l->at);
    free(l);
}
