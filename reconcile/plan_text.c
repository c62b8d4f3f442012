/* plan_text.c: a plan for people, and as a graph.
 *
 * In: a plan. Out: text in the manner of Terraform: one line for each step with its reason, the fields that change under it,
 * what is left alone and why, and a last line that counts; or Graphviz. Texts of strangers are escaped, so that no name can
 * steer a terminal. What is secret was masked when the differences were made. */
#include <string.h>

#include "reconcile/action_table.h"
#include "reconcile/plan.h"

enum { VALUE_MAX = 160 }; /* bytes of a value that are shown */

struct ink {
    bool on;
    struct str *out;
};

static void paint(const struct ink *ink, const char *code)
{
    if (ink->on)
        str_addf(ink->out, "\033[%sm", code);
}

static const char *code_of_sign(char sign)
{
    switch (sign) {
    case '+': return "32";
    case '-': return "31";
    case '~': return "33";
    case '!': return "35";
    default: return "2";
    }
}

static void add_sign(const struct ink *ink, char sign)
{
    str_add(ink->out, "  ");
    paint(ink, code_of_sign(sign));
    str_addc(ink->out, sign);
    paint(ink, "0");
    str_addc(ink->out, ' ');
}

static void add_dim(const struct ink *ink, const char *text)
{
    if (!text || !*text)
        return;
    paint(ink, "2");
    str_add(ink->out, "  (");
    str_add_escaped(ink->out, text);
    str_addc(ink->out, ')');
    paint(ink, "0");
}

static void add_value(const struct ink *ink, const char *value)
{
    char cut[VALUE_MAX + 1];
    size_t n = strnlen(value, VALUE_MAX + 1);

    if (n > VALUE_MAX)
        for (n = VALUE_MAX; n > 0 && ((unsigned char)value[n] & 0xc0) == 0x80; n--)
            ;
    memcpy(cut, value, n);
    cut[n] = '\0';
    str_addc(ink->out, '"');
    str_add_escaped(ink->out, cut);
    str_add(ink->out, value[n] ? "...\"" : "\"");
}

/* field: "have" -> "want"; a masked value is the same on both sides. */
static void add_change(const struct ink *ink, const struct change *c)
{
    struct str *out = ink->out;

    str_add_escaped(out, c->field);
    str_add(out, ": ");
    if (c->want && c->have && strcmp(c->want, c->have) == 0) {
        str_add_escaped(out, c->want);
        return;
    }
    if (c->have)
        add_value(ink, c->have);
    else
        str_add(out, "(none)");
    str_add(out, " -> ");
    if (c->want)
        add_value(ink, c->want);
    else
        str_add(out, "(none)");
}

/* What is sent in place of the source's own: one that was made, or changed. */
static void print_dockerfile(const struct ink *ink, const char *text)
{
    for (const char *at = text; *at;) {
        size_t n = strcspn(at, "\n");
        CLEANUP(str_release) struct str line = STR_INIT;

        str_addn(&line, at, n);
        paint(ink, "2");
        str_add(ink->out, "      | ");
        str_add_escaped(ink->out, str_text(&line));
        paint(ink, "0");
        str_addc(ink->out, '\n');
        at += n + (at[n] == '\n');
    }
}

static void print_action(const struct ink *ink, const struct action *a, bool verbose)
{
    add_sign(ink, a->when != WHEN_OK ? '?' : action_row(a->kind)->sign);
    action_print(a, ink->out);
    add_dim(ink, a->cause);
    str_addc(ink->out, '\n');
    for (size_t i = 0; i < a->n_changes; i++) {
        str_add(ink->out, "      ");
        add_change(ink, &a->changes[i]);
        str_addc(ink->out, '\n');
    }
    if (verbose && a->op.build && a->op.build->dockerfile_text)
        print_dockerfile(ink, a->op.build->dockerfile_text);
}

/* Some action of the app is about the object, under its own or its temporary name. */
static bool is_handled(const struct plan_app *app, const char *object)
{
    size_t n = strlen(object);

    for (size_t i = 0; i < app->n_actions; i++) {
        const struct action *a = &app->actions[i];

        if (strncmp(a->subject, object, n) == 0 &&
            (!a->subject[n] || strncmp(a->subject + n, ".next-", 6) == 0))
            return true;
        if (a->kind == ACT_RENAME && n > 10 && strcmp(a->op.name, object + 10) == 0)
            return true; /* "container " */
    }
    return false;
}

static void print_difference(const struct ink *ink, const struct difference *d)
{
    add_sign(ink, '!');
    str_add_escaped(ink->out, d->object);
    str_add(ink->out, " ");
    add_change(ink, &d->change);
    add_dim(ink, d->cause);
    str_addc(ink->out, '\n');
}

static bool is_quiet(const struct plan_app *app)
{
    bool well =
        app->state == APP_SYNCED || app->state == APP_COMPLETED || app->state == APP_STOPPED;

    return well && app->n_actions == 0 && app->n_differences == 0 && app->notes.n == 0;
}

static void print_app(const struct ink *ink, const struct plan_app *app,
                      const struct plan_style *style)
{
    struct str *out = ink->out;

    paint(ink, "1");
    str_add_escaped(out, app->name);
    paint(ink, "0");
    str_addf(out, ": %s", app_state_name(app->state));
    if (app->why) {
        str_add(out, ": ");
        str_add_escaped(out, app->why);
    }
    str_addc(out, '\n');
    for (size_t i = 0; i < app->n_actions; i++)
        if (app->actions[i].when == WHEN_OK || style->verbose)
            print_action(ink, &app->actions[i], style->verbose);
    for (size_t i = 0; i < app->n_differences; i++)
        if (!is_handled(app, app->differences[i].object))
            print_difference(ink, &app->differences[i]);
    for (size_t i = 0; i < app->notes.n; i++) {
        str_add(out, "  note: ");
        str_add_escaped(out, app->notes.v[i]);
        str_addc(out, '\n');
    }
}

static void print_held(const struct ink *ink, const struct held_removals *h)
{
    struct str *out = ink->out;

    paint(ink, "1");
    str_add(out, "held");
    paint(ink, "0");
    str_addf(out, ": removal of %zu of the %zu apps of ", h->apps.n, h->of);
    str_add_escaped(out, h->root);
    str_add(out, ":");
    for (size_t i = 0; i < h->apps.n; i++) {
        str_addc(out, ' ');
        str_add_escaped(out, h->apps.v[i]);
    }
    str_addf(out, "\n  to go on: evenkeel apply --confirm-removals %s\n", h->hash);
}

/* ---- the last line ---- */

struct tally {
    size_t create, change, remove, left, unchanged;
};

static void count_app(const struct plan_app *app, struct tally *t)
{
    if (app->n_actions > 0 && app->removal)
        t->remove++;
    else if (app->n_actions > 0 && app->state == APP_MISSING)
        t->create++;
    else if (app->n_actions > 0)
        t->change++;
    else if (app->state == APP_SYNCED || app->state == APP_COMPLETED || app->state == APP_STOPPED)
        t->unchanged++;
    else
        t->left++;
}

static void add_count(struct str *out, const char **between, size_t n, const char *what)
{
    if (n == 0)
        return;
    str_addf(out, "%s%zu %s", *between, n, what);
    *between = ", ";
}

static void print_tally(const struct plan *p, struct str *out)
{
    struct tally t = {0};
    const char *between = ": ";

    for (size_t i = 0; i < p->n_apps; i++)
        count_app(&p->apps[i], &t);
    str_addf(out, "%zu app%s", p->n_apps, p->n_apps == 1 ? "" : "s");
    add_count(out, &between, t.create, "to create");
    add_count(out, &between, t.change, "to change");
    add_count(out, &between, t.remove, "to remove");
    add_count(out, &between, t.left, "left as it is");
    add_count(out, &between, t.unchanged, "unchanged");
    str_addc(out, '\n');
}

void plan_print(const struct plan *p, const struct plan_style *style, struct str *out)
{
    struct ink ink = {style->colour, out};

    for (size_t i = 0; i < p->n_apps; i++)
        if (style->verbose || !is_quiet(&p->apps[i]))
            print_app(&ink, &p->apps[i], style);
    for (size_t i = 0; i < p->n_held; i++)
        print_held(&ink, &p->held[i]);
    print_tally(p, out);
}

void plan_held_words(const struct plan *p, struct str *out)
{
    for (size_t i = 0; i < p->n_held; i++) {
        const struct held_removals *h = &p->held[i];

        str_addf(out, "%s%zu of %zu apps of %s are gone from its files; removing them is held:",
                 out->len ? ". " : "", h->apps.n, h->of, h->root);
        for (size_t k = 0; k < h->apps.n && k < 10; k++)
            str_addf(out, " %s", h->apps.v[k]);
        if (h->apps.n > 10)
            str_add(out, " ...");
        str_addf(out, "; `evenkeel apply --confirm-removals %s` releases it", h->hash);
    }
}

/* ---- Graphviz ---- */

static void add_quoted(struct str *out, const char *text)
{
    str_addc(out, '"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            str_addc(out, '\\');
        str_addc(out, (unsigned char)*text < 0x20 ? ' ' : *text);
    }
    str_addc(out, '"');
}

static void dot_app(const struct plan_app *app, size_t at, struct str *out)
{
    str_addf(out, "  subgraph cluster_%zu {\n    label=", at);
    add_quoted(out, app->name);
    str_add(out, ";\n");
    for (size_t i = 0; i < app->n_actions; i++) {
        const struct action *a = &app->actions[i];
        CLEANUP(str_release) struct str label = STR_INIT;

        action_print(a, &label);
        str_addf(out, "    a%zu_%zu [label=", at, i);
        add_quoted(out, str_text(&label));
        str_add(out, a->when != WHEN_OK ? ", style=dashed];\n" : "];\n");
    }
    for (size_t i = 0; i < app->n_actions; i++)
        for (size_t n = 0; n < app->actions[i].n_needs; n++)
            str_addf(out, "    a%zu_%u -> a%zu_%zu%s;\n", at, app->actions[i].needs[n], at, i,
                     app->actions[i].when == WHEN_FAILED && n == 0
                         ? " [style=dashed, label=\"failed\"]"
                         : "");
    str_add(out, "  }\n");
}

void plan_to_dot(const struct plan *p, struct str *out)
{
    str_add(out, "digraph plan {\n  rankdir=LR;\n  node [shape=box];\n");
    for (size_t i = 0; i < p->n_apps; i++)
        if (p->apps[i].n_actions > 0)
            dot_app(&p->apps[i], i, out);
    str_add(out, "}\n");
}
