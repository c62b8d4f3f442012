/* status: one line per app. Works with and without a running agent: the verdict is the planner's, the agent's own is laid over it when one runs,
 * because it knows what was tried.
 *
 * Comes in: files, engine, diary. Goes out: a table or JSON; exit 0 if every app is well, 2 if not. */
#include "agent/cli.h"
#include "agent/cli_common.h"
#include "agent/ingress_words.h"
#include "agent/lock.h"
#include "agent/progress.h"
#include "agent/store.h"
#include "agent/tail.h"
#include "spec/base/arena.h"

#define TAILS_MAX 10

struct row {
    const char *app, *state, *why, *containers, *address;
    bool well, soon;
};

static bool state_well(const char *state)
{
    static const char *const well[] = {"Synced", "Stopped", "Completed"};
    for (size_t i = 0; i < ARRAY_LEN(well); i++)
        if (strcmp(state, well[i]) == 0)
            return true;
    return false;
}

/* Its routes; else the ports it publishes. */
static const char *address_of(const struct desired *d, const struct observed *o, const char *app,
                              struct arena *a)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    const struct want_app *want = desired_app(d, app);
    const char *routes = want ? ingress_words_addresses(want, a) : NULL;
    size_t from, to;
    if (routes)
        return routes;
    observed_app_range(o, app, &from, &to);
    for (; from < to; from++) {
        const struct obs_container *x = &o->containers[from];
        for (size_t k = 0; k < x->n_ports; k++) {
            const struct obs_port *p = &x->ports[k];
            if (p->host_ip && strchr(p->host_ip, ':')) /* the IPv6 twin of the same port */
                continue;
            if (want && want->builtin && p->target == INGRESS_PORT_API) /* the agent's own way in */
                continue;
            bool any = !p->host_ip || !*p->host_ip || strcmp(p->host_ip, "0.0.0.0") == 0;
            str_addf(&text, "%s%s:%d", text.len ? " " : "", any ? "localhost" : p->host_ip,
                     p->published);
            if (p->protocol && strcmp(p->protocol, "tcp") != 0)
                str_addf(&text, "/%s", p->protocol);
        }
    }
    return arena_strdup(a, str_text(&text));
}

/* What a running agent last told of the app ("Degraded\twhy"), where the plan alone cannot know. */
static void overlay(struct row *r, const struct kvs *told, struct arena *a)
{
    const char *said = kvs_get(told, r->app);
    if (!said || state_well(r->state))
        return;
    size_t n = strcspn(said, "\t");
    if (strncmp(said, "Degraded", n) != 0 && strncmp(said, "Progressing", n) != 0)
        return;
    r->state = arena_strndup(a, said, n);
    if (said[n] && said[n + 1])
        r->why = arena_strdup(a, said + n + 1);
}

static struct row *rows_of(const struct core_pass *p, const struct kvs *told, struct arena *a)
{
    struct row *rows = ARENA_ARRAY(a, p->plan->n_apps + 1, struct row);
    for (size_t i = 0; i < p->plan->n_apps; i++) {
        const struct plan_app *x = &p->plan->apps[i];
        rows[i] = (struct row){
            .app = x->name,
            .state = app_state_name(x->state),
            .why = x->why,
            .containers = arena_printf(a, "%zu/%zu", x->containers_running, x->containers_wanted),
            .address = address_of(p->input.desired, p->input.observed, x->name, a),
        };
        overlay(&rows[i], told, a);
        rows[i].well = state_well(rows[i].state);
        rows[i].soon = strcmp(rows[i].state, "Progressing") == 0;
    }
    return rows;
}

/* ---- last words, when no agent has heard them ---- */

struct heard {
    struct row *row;
    struct arena *arena;
    size_t *open;
};

static void hear(void *user, const char *text)
{
    struct heard *h = user;
    (*h->open)--;
    if (*text)
        h->row->why =
            arena_printf(h->arena, "%s; its last lines: %s", h->row->why ? h->row->why : "", text);
}

static int hear_all(struct core *c, const struct core_pass *p, struct row *rows, struct arena *a,
                    struct err *e)
{
    size_t open = 0;
    for (size_t i = 0; i < p->plan->n_apps && open < TAILS_MAX; i++) {
        if (strcmp(rows[i].state, "Degraded") != 0 ||
            (rows[i].why && strstr(rows[i].why, "; its last lines: ")))
            continue;
        const struct obs_container *x =
            tail_culprit(p->input.observed, c->options->settings.owner, rows[i].app);
        if (!x)
            continue;
        struct heard *h = ARENA_NEW(a, struct heard);
        *h = (struct heard){&rows[i], a, &open};
        open++;
        tail_fetch(c->driver, x->id, 5, hear, h);
    }
    while (open > 0)
        if (http_poll(c->http, NULL, 0, -1, e) < 0)
            return -1;
    return 0;
}

static int column(const struct row *rows, size_t n, const char *head, size_t offset)
{
    size_t width = strlen(head);
    for (size_t i = 0; i < n; i++) {
        const char *cell;
        memcpy(&cell, (const char *)&rows[i] + offset, sizeof(cell));
        if (cell && strlen(cell) > width)
            width = strlen(cell);
    }
    return (int)width;
}

static void print_table(const struct row *rows, size_t n, const struct plan *plan, bool colour)
{
    int app = column(rows, n, "APP", offsetof(struct row, app));
    int state = column(rows, n, "STATE", offsetof(struct row, state));
    int address = column(rows, n, "ADDRESS", offsetof(struct row, address));
    if (n == 0) {
        puts("no apps: neither the roots nor the engine hold any");
        return;
    }
    printf("%-*s  %-*s  RUNNING  %-*s  WHY\n", app, "APP", state, "STATE", address, "ADDRESS");
    for (size_t i = 0; i < n; i++) {
        CLEANUP(str_release) struct str why = STR_INIT;
        const char *paint = rows[i].well ? "\033[32m" : rows[i].soon ? "\033[36m" : "\033[33m";
        if (strcmp(rows[i].state, "Degraded") == 0 || strcmp(rows[i].state, "Refused") == 0)
            paint = "\033[31m";
        str_add_escaped(&why, rows[i].why ? rows[i].why : "");
        for (size_t k = 0; k < plan->apps[i].notes.n; k++) {
            str_add(&why, why.len ? "; " : "");
            str_add_escaped(&why, plan->apps[i].notes.v[k]);
        }
        printf("%-*s  %s%-*s%s  %-7s  %-*s  %s\n", app, rows[i].app, colour ? paint : "", state,
               rows[i].state, colour ? "\033[0m" : "", rows[i].containers, address, rows[i].address,
               str_text(&why));
    }
}

static json_t *addresses_json(const struct desired *d, const char *app)
{
    static const struct strv none;
    const struct want_app *want = desired_app(d, app);
    return js_from_strv(want ? &want->addresses : &none);
}

/* Certificates that routes name: when each ends. */
static json_t *certificates_json(const struct core *c, const struct desired *d, struct arena *a)
{
    json_t *list = json_array();
    struct ingress_certificate *v;
    size_t n;
    ingress_words_certificates(d, c->set, a, &v, &n);
    for (size_t i = 0; i < n; i++) {
        CLEANUP(str_release) struct str end = STR_INIT;
        str_add_time(&end, v[i].not_after_ms);
        json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "app", v[i].app, "secret",
                                              v[i].name, "not_after", str_text(&end)));
    }
    return list;
}

static void print_ingress(const struct core *c, const struct desired *d, struct arena *a)
{
    struct ingress_certificate *v;
    struct strv lines = {0};
    size_t n;
    const char *mode = ingress_words_mode(d, a);
    ingress_words_certificates(d, c->set, a, &v, &n);
    ingress_words_ending(v, n, core_now_ms(), a, &lines);
    if (mode)
        strv_push(a, &lines, mode);
    for (size_t i = 0; i < lines.n; i++)
        printf("%s%s\n", i == 0 ? "\n" : "", lines.v[i]);
}

static json_t *rows_json(const struct row *rows, size_t n, const struct core_pass *p, pid_t agent)
{
    const struct plan *plan = p->plan;
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:s*, s:i, s:i, s:s, s:o, s:s*, s:o}", "app", rows[i].app,
                            "state", rows[i].state, "why", rows[i].why, "containers_wanted",
                            (int)plan->apps[i].containers_wanted, "containers_running",
                            (int)plan->apps[i].containers_running, "address", rows[i].address,
                            "addresses", addresses_json(p->input.desired, rows[i].app), "origin",
                            plan->apps[i].origin, "notes", js_from_strv(&plan->apps[i].notes)));
    return json_pack("{s:o, s:o}", "apps", list, "agent",
                     agent ? json_integer(agent) : json_null());
}

static void print_held(const struct plan *plan)
{
    for (size_t i = 0; i < plan->n_held; i++)
        printf("\n%zu of %zu apps of %s are gone from its files; removing them is held. If that is "
               "what you want:\n"
               "  evenkeel apply --confirm-removals %s\n",
               plan->held[i].apps.n, plan->held[i].of, plan->held[i].root, plan->held[i].hash);
}

int cli_status(const struct options *o)
{
    struct err e = {0};
    struct core c;
    struct arena *a = arena_new();
    struct kvs told = {0};
    int rc = 1;
    if (cli_core_open(&c, o, true, &e) == 0) {
        struct core_pass p;
        pid_t agent = lock_holder(o->state);
        if (agent && store_app_states(o->state, a, &told, &e) < 0)
            told.n = 0;
        (void)cli_core_diags(&c);
        cli_core_plan(&c, a, &p);
        struct row *rows = rows_of(&p, &told, a);
        rc = hear_all(&c, &p, rows, a, &e) < 0 ? cli_fail(&e) : 0;
        for (size_t i = 0; i < p.plan->n_apps; i++)
            if (!rows[i].well)
                rc = 2;
        if (o->json) {
            json_auto_t *v = rows_json(rows, p.plan->n_apps, &p, agent);
            json_object_set_new(v, "certificates", certificates_json(&c, p.input.desired, a));
            cli_put_json(v);
        } else {
            print_table(rows, p.plan->n_apps, p.plan, terminal_colour(stdout));
            print_held(p.plan);
            print_ingress(&c, p.input.desired, a);
        }
    } else {
        (void)cli_fail(&e);
    }
    arena_free(a);
    core_close(&c);
    return rc;
}
