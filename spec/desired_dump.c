/* desired_dump.c: every object that is wanted, one line per fact, sorted as it is.
 *
 * In: desired state. Out: text. It interprets nothing. */
#include "spec/desired_dump.h"

#include "spec/desired.h"
#include "spec/forms.h"

static void dump_kvs(const char *what, const struct kvs *l, struct str *out)
{
    for (size_t i = 0; i < l->n; i++) {
        str_addf(out, "%s %s: ", what, l->v[i].key);
        show_text(l->v[i].value, out);
        str_addc(out, '\n');
    }
}

/* Revisions and Compose's hash follow from everything else, like the digest. */
static void dump_birth(const struct kvs *l, struct str *out)
{
    for (size_t i = 0; i < l->n; i++) {
        bool hash = strstr(l->v[i].key, "config-hash") || strstr(l->v[i].key, ".revision");

        str_addf(out, "      note %s: ", l->v[i].key);
        show_text(hash ? "..." : l->v[i].value, out);
        str_addc(out, '\n');
    }
}

static void dump_service(const struct want_service *s, struct str *out)
{
    str_addf(out, "  service %s (%zu)\n    image %s\n", s->name, s->order + 1, s->image);
    show_table(&fields_service, s->spec, "    ", out);
    for (size_t i = 0; i < s->n_containers; i++) {
        str_addf(out, "    container %s\n", s->containers[i].name);
        dump_kvs("      label", &s->containers[i].labels, out);
        dump_birth(&s->containers[i].birth, out);
    }
}

static void dump_network(const struct want_network *n, struct str *out)
{
    str_addf(out, "  network %s (%s)%s\n", n->name, n->key, n->external ? " external" : "");
    show_table(&fields_network, n->spec, "    ", out);
    dump_kvs("      label", &n->labels, out);
    dump_birth(&n->birth, out);
}

static void dump_volume(const struct want_volume *v, struct str *out)
{
    str_addf(out, "  volume %s (%s)%s\n", v->name, v->key, v->external ? " external" : "");
    show_table(&fields_volume, v->spec, "    ", out);
    dump_kvs("      label", &v->labels, out);
    dump_birth(&v->birth, out);
}

static void dump_time(const char *what, int64_t ms, struct str *out)
{
    if (!ms)
        return;
    str_addf(out, "  %s ", what);
    str_add_time(out, ms);
    str_addc(out, '\n');
}

static void dump_app(const struct want_app *app, struct str *out)
{
    static const char *const states[] = {"running", "stopped", "removed"};
    static const char *const drifts[] = {"unset", "heal", "report"};

    str_addf(out, "app %s\n  origin %s\n", app->name, app->origin);
    str_addf(out, "  at %s:%d:%d\n", app->at.file, app->at.line, app->at.column);
    str_addf(out, "  state %s\n", states[app->state]);
    for (size_t i = 0; i < app->overrides.n; i++)
        str_addf(out, "  override %s\n", app->overrides.v[i]);
    if (app->held)
        str_add(out, "  held\n");
    dump_time("held until", app->held_until_ms, out);
    if (app->invalid_input) {
        str_add(out, "  frozen: its document is broken\n");
        return;
    }
    str_addf(out, "  drift %s\n", drifts[app->drift]);
    for (size_t i = 0; i < app->drift_ignore.n; i++)
        str_addf(out, "  drift ignores %s\n", app->drift_ignore.v[i]);
    dump_time("restarted at", app->restarted_at_ms, out);
    if (app->refused)
        str_addf(out, "  refused: %s\n", app->refused);
    for (size_t i = 0; i < app->n_services; i++)
        dump_service(&app->services[i], out);
    for (size_t i = 0; i < app->n_networks; i++)
        dump_network(&app->networks[i], out);
    for (size_t i = 0; i < app->n_volumes; i++)
        dump_volume(&app->volumes[i], out);
}

void desired_dump(const struct desired *d, struct str *out)
{
    for (size_t i = 0; i < d->n_apps; i++)
        dump_app(&d->apps[i], out);
    for (size_t i = 0; i < d->removed.n; i++)
        str_addf(out, "removed %s\n", d->removed.v[i]);
    for (size_t i = 0; i < d->leaving.n; i++)
        str_addf(out, "volumes of %s go into quarantine\n", d->leaving.v[i].key);
    dump_time("changes by itself at", d->next_change_ms, out);
    for (size_t i = 0; i < d->diags.n; i++)
        diag_print(&d->diags.v[i], false, out);
}
