/* golden.c: the golden plans. golden [--update] [CASE...] | golden --campaign FIRST N
 *
 * Each folder of tests/plan/ is a case (golden_case.h): its plan is compared with plan.txt, and the case is then lived through on the
 * engine in memory: run to the end, the next plan is empty; killed after every single operation, or superseded there, or with
 * that operation failing, hanging, being refused or slow (before or after it took effect), in order and against it, and resumed: always the
 * same end, nothing twice, nothing left over, no volume lost, and what served goes on serving. --campaign: by seed, days of many such
 * faults in a row.
 * Closes with "N passed, N failed". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reconcile/adopt.h"
#include "reconcile/plan_urgent.h"
#include "tests/fake_life.h"
#include "tests/golden_case.h"
#include "tests/schema_check.h"

#define FOLDER "tests/plan"
enum { MAX_ROUNDS = 12, MAX_OPS = 400 };

/* ---- planning ---- */

static struct plan *plan_now(struct golden_case *c, const struct observed *o, struct arena *a)
{
    struct plan_input in = c->input;
    const char *confirm = js_str(c->options, "confirm", NULL);

    bind_images(c->desired, o, c->arena);
    in.observed = o;
    in.confirmed_removals = confirm;
    if (confirm && strcmp(confirm, "held") == 0) {
        in.confirmed_removals = NULL;
        struct plan *held = plan_build(&in, a);
        in.confirmed_removals = held->n_held ? held->held[0].hash : NULL;
    }
    return plan_build(&in, a);
}

static void plan_text(const struct plan *p, struct str *out)
{
    static const struct plan_style style = {.colour = false, .verbose = true};

    plan_print(p, &style, out);
}

/* ---- what a life ended with ---- */

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *join_sorted(struct strv *lines, struct arena *a)
{
    CLEANUP(str_release) struct str s = STR_INIT;

    if (lines->n > 1)
        qsort((void *)lines->v, lines->n, sizeof(lines->v[0]), compare_lines);
    for (size_t i = 0; i < lines->n; i++)
        str_addf(&s, "%s\n", lines->v[i]);
    return arena_strdup(a, str_text(&s));
}

static const char *describe_container(const struct obs_container *c, struct arena *a)
{
    CLEANUP(str_release) struct str s = STR_INIT;
    bool sick = c->health == HEALTH_UNHEALTHY;

    str_addf(&s, "container %s %s/%s/%d %.12s %s%s on", c->name, c->app ? c->app : "-",
             c->service ? c->service : "-", c->index, c->hash ? c->hash : "-",
             container_state_name(c->state), sick ? " unhealthy" : "");
    for (size_t i = 0; i < c->n_networks; i++) {
        str_addf(&s, " %s(", c->networks[i].network_name);
        for (size_t k = 0; k < c->networks[i].aliases.n; k++)
            str_addf(&s, "%s%s", k ? "," : "", c->networks[i].aliases.v[k]);
        str_add(&s, ")");
    }
    return arena_strdup(a, str_text(&s));
}

static const char *describe_route(const struct observed *o, const struct obs_route *r,
                                  struct arena *a)
{
    CLEANUP(str_release) struct str s = STR_INIT;
    struct strv names = {0};

    for (size_t i = 0; i < o->n_containers; i++)
        if (strv_has(&r->servers, container_short_id(o->containers[i].id, a)))
            strv_push(a, &names, o->containers[i].name);
    strv_sort(&names);
    str_addf(&s, "route %s %s%s to", r->app, route_state_name(r->state),
             r->digest[0] ? "" : " (edited)");
    for (size_t i = 0; i < names.n; i++)
        str_addf(&s, " %s", names.v[i]);
    if (names.n < r->servers.n)
        str_addf(&s, " and %zu that are not there", r->servers.n - names.n);
    return arena_strdup(a, str_text(&s));
}

/* Everything but ids, times and subnets, which may differ between two good ways to the same end. */
static const char *describe(const struct observed *o, struct arena *a)
{
    struct strv lines = {0};

    for (size_t i = 0; i < o->n_containers; i++)
        strv_push(a, &lines, describe_container(&o->containers[i], a));
    for (size_t i = 0; i < o->n_networks; i++)
        strv_push(a, &lines,
                  arena_printf(a, "network %s %s %s %d", o->networks[i].name,
                               o->networks[i].owner ? o->networks[i].owner : "-",
                               o->networks[i].driver, o->networks[i].internal));
    for (size_t i = 0; i < o->n_volumes; i++)
        strv_push(a, &lines,
                  arena_printf(a, "volume %s %s", o->volumes[i].name,
                               o->volumes[i].owner ? o->volumes[i].owner : "-"));
    for (size_t i = 0; i < o->n_routes; i++)
        strv_push(a, &lines, describe_route(o, &o->routes[i], a));
    return join_sorted(&lines, a);
}

struct check {
    struct golden_case *c;
    struct arena *arena; /* of this life */
    const char *way;     /* "killed after 3" */
    bool bad;
};

static void complain(struct check *k, const char *what, const char *more)
{
    printf("FAIL %s (%s): %s%s%s\n", k->c->name, k->way, what, more ? "\n" : "", more ? more : "");
    k->bad = true;
}

/* No place is taken twice by us. */
static void check_places(struct check *k, const struct observed *o)
{
    const char *owner = k->c->settings.owner;

    for (size_t i = 1; i < o->n_containers; i++) {
        const struct obs_container *a = &o->containers[i - 1], *b = &o->containers[i];

        if (!k->c->unsettled && a->app && b->app && strcmp(a->app, b->app) == 0 && a->service &&
            b->service && strcmp(a->service, b->service) == 0 && a->index == b->index && a->owner &&
            b->owner && strcmp(a->owner, owner) == 0 && strcmp(b->owner, owner) == 0)
            complain(k, "two containers in one place", describe(o, k->arena));
    }
}

/* The one way for a volume to end: ours by its label, in quarantine, its time over, and nobody there who uses it. */
static bool may_end(const struct golden_case *c, const struct obs_volume *v)
{
    const struct observed *o = c->observed;

    for (size_t i = 0; i < o->n_containers; i++)
        if (strv_has(&o->containers[i].volumes, v->name))
            return false;
    for (size_t i = 0; i < o->n_quarantine; i++) {
        const struct quarantine_record *r = &o->quarantine[i];

        if (strcmp(r->volume, v->name) == 0)
            return !r->problem && v->owner && strcmp(v->owner, c->settings.owner) == 0 &&
                   (r->purge || r->until_ms <= c->input.now_ms);
    }
    return false;
}

/* No volume of the beginning is gone (but those whose time in quarantine was over), and what is not ours is as it was. */
static void check_laws(struct check *k, const struct observed *o)
{
    const char *owner = k->c->settings.owner;

    for (size_t i = 0; i < k->c->observed->n_volumes; i++)
        if (!observed_volume(o, k->c->observed->volumes[i].name) &&
            !may_end(k->c, &k->c->observed->volumes[i]))
            complain(k, "a volume was removed:", k->c->observed->volumes[i].name);
    const struct observed *before = adopt_view(k->c->desired, k->c->observed, k->arena);

    for (size_t i = 0; i < before->n_containers; i++) {
        const struct obs_container *was = &before->containers[i];
        const struct obs_container *is = observed_container(o, was->name);

        if (was->owner && strcmp(was->owner, owner) == 0)
            continue;
        if (!is || strcmp(is->id, was->id) != 0 || is->state != was->state)
            complain(k, "a container that is not ours was touched:", was->name);
    }
}

static bool serves(const struct observed *o, const struct obs_container *place)
{
    for (size_t i = 0; i < o->n_containers; i++) {
        const struct obs_container *c = &o->containers[i];

        if (c->state == CS_RUNNING && c->app && strcmp(c->app, place->app) == 0 && c->service &&
            strcmp(c->service, place->service) == 0 && c->index == place->index)
            return true;
    }
    return false;
}

static bool has_server(const struct observed *o, const struct obs_route *r, struct arena *a)
{
    for (size_t i = 0; r && i < o->n_containers; i++)
        if (o->containers[i].state == CS_RUNNING &&
            strv_has(&r->servers, container_short_id(o->containers[i].id, a)))
            return true;
    return false;
}

/* The same through the router, after what no back-off may delay was done. */
static void check_routes(struct check *k, struct driver *d, const struct observed *end)
{
    const struct observed *was = k->c->observed, *o = d->ops->observed(d, k->arena);
    struct plan *p = plan_now(k->c, o, k->arena), urgent = {0};
    struct life l = {.driver = d, .arena = k->arena};

    if (js_at(k->c->options, "may_interrupt"))
        return;
    urgent.apps = ARENA_ARRAY(k->arena, p->n_apps, struct plan_app);
    for (size_t i = 0; i < p->n_apps; i++) {
        const struct plan_app *part = plan_urgent(&p->apps[i], k->arena);

        if (part)
            urgent.apps[urgent.n_apps++] = *part;
    }
    (void)live(&l, &urgent);
    o = d->ops->observed(d, k->arena);
    for (size_t i = 0; i < was->n_routes; i++) {
        const char *app = was->routes[i].app;

        if (has_server(was, &was->routes[i], k->arena) &&
            has_server(end, observed_route(end, app), k->arena) &&
            !has_server(o, observed_route(o, app), k->arena))
            complain(k, "what was routed is not routed after the failure:", app);
    }
}

/* Whatever ran before and runs at the end was running too when a run gave up in between. */
static void check_serving(struct check *k, const struct observed *o, const struct observed *end)
{
    if (js_at(k->c->options, "may_interrupt"))
        return;
    for (size_t i = 0; i < k->c->observed->n_containers; i++) {
        const struct obs_container *was = &k->c->observed->containers[i];

        if (was->state == CS_RUNNING && was->app && was->service && serves(end, was) &&
            !serves(o, was))
            complain(k, "what served does not serve after the failure:", was->name);
    }
}

/* ---- from a beginning to where nothing is left to be done ---- */

struct ending {
    const char *text; /* what there is */
    const struct observed *seen;
    int ops;             /* of the first round */
    const char *journal; /* of the first round */
};

/* Run, look, plan, until a plan has no actions. */
static void settle(struct check *k, const struct observed *from, const struct fake_faults *faults,
                   int64_t most, struct ending *ret)
{
    struct fake_faults from_now = faults ? *faults : (struct fake_faults){0};

    from_now.now_ms = k->c->input.now_ms;
    struct driver *d = fake_new(from, &from_now);
    struct life l = {.driver = d, .arena = k->arena};
    int64_t round = 0;

    for (;; round++) {
        const struct observed *o = d->ops->observed(d, k->arena);
        struct plan *p = plan_now(k->c, o, k->arena);
        bool idle = true;

        for (size_t i = 0; i < p->n_apps; i++)
            idle &= p->apps[i].n_actions == 0;
        ret->seen = o;
        if (idle)
            break;
        if (round == most) {
            CLEANUP(str_release) struct str text = STR_INIT;
            plan_text(p, &text);
            complain(k, "the plan does not become empty", str_text(&text));
            break;
        }
        (void)live(&l, p);
        if (round == 0) {
            ret->ops = l.finished;
            ret->journal = arena_strdup(k->arena, fake_journal(d));
        }
    }
    ret->text = describe(ret->seen, k->arena);
    check_places(k, ret->seen);
    check_laws(k, ret->seen);
    d->ops->free(d);
}

static void expect_end(struct check *k, const struct ending *want, const struct observed *from)
{
    struct ending got = {0};

    settle(k, from, NULL, MAX_ROUNDS, &got);
    if (!k->bad && strcmp(got.text, want->text) != 0) {
        complain(k, "ends elsewhere; wanted:", want->text);
        printf("have:\n%s", got.text);
    }
}

/* One first round under some disturbance, then on to the end. */
static bool disturbed(struct golden_case *c, const struct ending *want, struct life how,
                      struct fake_faults faults, const char *way)
{
    struct arena *a = arena_new();
    struct check k = {.c = c, .arena = a, .way = way};

    faults.now_ms = c->input.now_ms;
    struct driver *d = fake_new(c->observed, &faults);

    how.driver = d;
    how.arena = a;
    struct plan *p = plan_now(c, d->ops->observed(d, a), a);
    bool whole = live(&how, p);
    const struct observed *after = whole ? d->ops->observed(d, a) : how.snapshot;

    check_laws(&k, after);
    if (faults.fail_at || how.leave_at) {
        check_serving(&k, after, want->seen);
        check_routes(&k, d, want->seen);
    }
    expect_end(&k, want, after);
    if (k.bad)
        printf("  after:\n%s  done:\n%s", describe(after, a), fake_journal(d));
    d->ops->free(d);
    arena_free(a);
    return !k.bad;
}

static const struct {
    const char *says;
    struct fake_faults faults; /* fail_at and reverse are filled in */
    bool kills, leaves;
} ways[] = {
    {.says = "killed after operation", .kills = true},
    {.says = "superseded after operation", .leaves = true},
    {.says = "fails: operation"},
    {.says = "the reply is lost: operation", .faults = {.late = true}},
    {.says = "is a conflict: operation", .faults = {.kind = ERR_CONFLICT}},
    {.says = "hangs: operation", .faults = {.hang = true}},
    {.says = "hangs, and was done: operation", .faults = {.hang = true, .late = true}},
    {.says = "is slow: operation", .faults = {.slow = true}},
};

static bool disturb_at(struct golden_case *c, const struct ending *want, int at, bool reverse)
{
    bool fine = true;

    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        struct fake_faults faults = ways[i].faults;
        const char *says = arena_printf(c->arena, "%s %d%s", ways[i].says, at,
                                        reverse ? ", against the order" : "");

        struct life how = {.kill_at = ways[i].kills ? at : 0, .leave_at = ways[i].leaves ? at : 0};

        faults.fail_at = ways[i].kills || ways[i].leaves ? 0 : at;
        faults.reverse = reverse;
        fine &= disturbed(c, want, how, faults, says);
    }
    return fine;
}

/* Killed, begun again, and killed again. */
static bool killed_twice(struct golden_case *c, const struct ending *want, int first, int second)
{
    struct arena *a = arena_new();
    char way[80];
    struct check k = {.c = c, .arena = a, .way = way};
    const struct observed *o = c->observed;
    const int at[] = {first, second};

    (void)snprintf(way, sizeof(way), "killed after %d, and again after %d", first, second);
    for (size_t i = 0; i < ARRAY_LEN(at); i++) {
        const struct fake_faults faults = {.now_ms = c->input.now_ms};
        struct driver *d = fake_new(o, &faults);
        struct life l = {.driver = d, .kill_at = at[i], .arena = a};
        bool whole = live(&l, plan_now(c, o, a));

        o = whole ? d->ops->observed(d, a) : l.snapshot;
        d->ops->free(d);
    }
    check_laws(&k, o);
    expect_end(&k, want, o);
    arena_free(a);
    return !k.bad;
}

/* Killed in mid-air is not the same as killed before the reply: what the driver had sent may have happened. */
static bool disturb(struct golden_case *c, const struct ending *want)
{
    bool fine = disturbed(c, want, (struct life){0}, (struct fake_faults){.reverse = true},
                          "against the order");

    for (int at = 1; at <= want->ops && at <= MAX_OPS && fine; at++)
        fine = disturb_at(c, want, at, false) && disturb_at(c, want, at, true);
    for (int at = 1; at <= want->ops && at <= MAX_OPS && fine; at++)
        for (int again = 1; again <= want->ops && fine; again++)
            fine = killed_twice(c, want, at, again);
    return fine;
}

/* ---- many days ---- */

/* Some bad days in a row, each with its own weather and perhaps a kill, on whatever the last one left; then a calm one. */
static bool weathered(struct golden_case *c, const struct ending *want, uint32_t seed)
{
    struct arena *a = arena_new();
    const char *way = arena_printf(a, "seed %u", (unsigned)seed);
    struct check k = {.c = c, .arena = a, .way = way};
    const struct observed *o = c->observed;
    uint32_t chance = seed * 2654435761U + 1;
    unsigned days = 1 + (chance >> 8) % 5;
    CLEANUP(str_release) struct str told = STR_INIT;

    for (unsigned day = 0; day < days && !k.bad; day++) {
        chance = chance * 1664525U + 1013904223U;
        struct fake_faults faults = {.now_ms = c->input.now_ms,
                                     .reverse = chance >> 31,
                                     .rain = 2 + (chance >> 8) % 6,
                                     .seed = chance};
        struct driver *d = fake_new(o, &faults);
        int at = (int)((chance >> 16) % (unsigned)(want->ops + 2));
        struct life l = {.driver = d, .arena = a};

        *(chance & 0x800 ? &l.kill_at : &l.leave_at) = chance & 0x1000 ? at : 0;
        bool whole = live(&l, plan_now(c, o, a));

        o = whole ? d->ops->observed(d, a) : l.snapshot;
        str_addf(&told, "day %u:\n%s", day + 1, fake_journal(d));
        d->ops->free(d);
        check_laws(&k, o);
    }
    if (!k.bad)
        expect_end(&k, want, o);
    if (k.bad)
        printf("  done:\n%s", str_text(&told));
    arena_free(a);
    return !k.bad;
}

/* ---- one case ---- */

static const char *first_line(struct golden_case *c)
{
    struct dirent **names = NULL;
    int n = scandir(c->folder, &names, golden_yaml_only, alphasort);
    const char *text = "", *path = NULL;
    size_t len = 0;

    for (int i = 0; i < n; i++) {
        if (!path || strcmp(names[i]->d_name, "desired.yaml") == 0)
            path = arena_printf(c->arena, "%s/%s", c->folder, names[i]->d_name);
        free(names[i]);
    }
    free(names);
    if (path)
        (void)golden_read(path, c->arena, &text, &len);
    return arena_strndup(c->arena, text, strcspn(text, "\n"));
}

static bool compare_text(struct golden_case *c, const char *text, bool update)
{
    const char *path = arena_printf(c->arena, "%s/plan.txt", c->folder), *want = "";
    size_t n = 0;
    int missing = golden_read(path, c->arena, &want, &n);

    if (!missing && strcmp(want, text) == 0)
        return true;
    if (update) {
        FILE *f = fopen(path, "wb");

        if (!f || fputs(text, f) < 0 || fclose(f) != 0) {
            printf("FAIL %s: cannot write %s\n", c->name, path);
            return false;
        }
        printf("updated %s\n", path);
        return true;
    }
    printf("FAIL %s: the plan differs from plan.txt; wanted:\n%shave:\n%s", c->name, want, text);
    return false;
}

/* Nothing can be done, or not all: then the same is said again and again. */
static bool check_unsettled(struct golden_case *c, const struct ending *end)
{
    CLEANUP(str_release) struct str once = STR_INIT, twice = STR_INIT;

    plan_text(plan_now(c, end->seen, c->arena), &once);
    plan_text(plan_now(c, end->seen, c->arena), &twice);
    if (strcmp(str_text(&once), str_text(&twice)) == 0)
        return true;
    printf("FAIL %s: two plans of one world differ:\n%s%s", c->name, str_text(&once),
           str_text(&twice));
    return false;
}

/* The other renderings: JSON by its schema, and a copy that says the same. */
static bool check_renderings(struct golden_case *c)
{
    const struct plan *p = plan_now(c, c->observed, c->arena);
    struct plan copy = *p;
    char why[512];
    json_auto_t *json = plan_to_json(p);

    if (!schema_check_file("schemas/plan.schema.json", json, why)) {
        printf("FAIL %s: the plan is not as its schema says: %s\n", c->name, why);
        return false;
    }
    copy.apps = ARENA_ARRAY(c->arena, p->n_apps, struct plan_app);
    for (size_t i = 0; i < p->n_apps; i++)
        copy.apps[i] = *plan_app_copy(&p->apps[i], c->arena);
    json_auto_t *again = plan_to_json(&copy);

    if (!json_equal(json, again))
        printf("FAIL %s: plan_app_copy changes the plan\n", c->name);
    return json_equal(json, again);
}

static bool run_case(const char *name, bool update)
{
    struct golden_case c;
    bool fine = golden_case_open(&c, FOLDER, name) == 0;
    CLEANUP(str_release) struct str text = STR_INIT;
    struct ending end = {0};

    if (fine) {
        struct check k = {.c = &c, .arena = c.arena, .way = "undisturbed"};
        const char *says = first_line(&c);

        if (says[0] != '#') {
            printf("FAIL %s: the first line of desired.yaml must say what the case shows\n", name);
            k.bad = true;
        }
        plan_text(plan_now(&c, c.observed, c.arena), &text);
        settle(&k, c.observed, NULL, c.rounds, &end);
        str_addf(&text, "--- carried out:\n%s", end.journal ? end.journal : "");
        struct plan *last = plan_now(&c, end.seen, c.arena);

        if (!c.unsettled && !plan_empty(last))
            complain(&k, "something is held in the end; say why in case.json (unsettled)", NULL);
        fine = !k.bad && check_unsettled(&c, &end) && compare_text(&c, str_text(&text), update) &&
               check_renderings(&c) && disturb(&c, &end);
    } else {
        printf("FAIL %s\n", name);
    }
    if (!fine)
        for (size_t i = 0; c.desired && i < c.desired->diags.n; i++) {
            CLEANUP(str_release) struct str s = STR_INIT;
            diag_print(&c.desired->diags.v[i], false, &s);
            printf("  %s", str_text(&s));
        }
    golden_case_close(&c);
    return fine;
}

/* One seed, one case, one life. */
static bool run_seed(const char *name, uint32_t seed)
{
    struct golden_case c;
    struct ending end = {0};
    bool fine = golden_case_open(&c, FOLDER, name) == 0;

    if (fine) {
        struct check k = {.c = &c, .arena = c.arena, .way = "undisturbed"};

        settle(&k, c.observed, NULL, c.rounds, &end);
        fine = !k.bad && weathered(&c, &end, seed);
    }
    if (!fine)
        printf("FAIL seed %u (%s); again: tests/golden --campaign %u 1\n", (unsigned)seed, name,
               (unsigned)seed);
    golden_case_close(&c);
    return fine;
}

static int is_case(const struct dirent *d)
{
    return d->d_name[0] != '.';
}

/* --campaign FIRST N: seeds, each on the case whose turn it is. */
static int campaign(const char *first, const char *n)
{
    struct dirent **names = NULL;
    int passed = 0, failed = 0, cases = scandir(FOLDER, &names, is_case, alphasort);
    uint32_t from = (uint32_t)strtoul(first, NULL, 10), many = (uint32_t)strtoul(n, NULL, 10);

    for (uint32_t seed = from; cases > 0 && seed - from < many; seed++)
        *(run_seed(names[seed % (uint32_t)cases]->d_name, seed) ? &passed : &failed) += 1;
    for (int i = 0; i < cases; i++)
        free(names[i]);
    free(names);
    printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 && passed > 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "--campaign") == 0)
        return campaign(argv[2], argv[3]);
    bool update = argc > 1 && strcmp(argv[1], "--update") == 0;
    struct dirent **names = NULL;
    int passed = 0, failed = 0, first = update ? 2 : 1;
    int n = argc > first ? 0 : scandir(FOLDER, &names, is_case, alphasort);

    for (int i = first; i < argc; i++)
        *(run_case(argv[i], update) ? &passed : &failed) += 1;
    for (int i = 0; i < n; i++) {
        *(run_case(names[i]->d_name, update) ? &passed : &failed) += 1;
        free(names[i]);
    }
    free(names);
    printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 && passed > 0 ? 0 : 1;
}
