/* What people are told of the way to their apps.
 *
 * Comes in: desired state and what is known of secrets. Goes out: addresses and lines of words for `status` and `plan`. */
#include "agent/ingress_words.h"

#include "spec/base/arena.h"

#define DAY_MS INT64_C(86400000)
#define SOON_DAYS 21
#define SHOWN 3

const char *ingress_words_addresses(const struct want_app *app, struct arena *a)
{
    CLEANUP(str_release) struct str text = STR_INIT;

    for (size_t i = 0; i < app->addresses.n && i < SHOWN; i++)
        str_addf(&text, "%s%s", i ? " " : "", app->addresses.v[i]);
    if (app->addresses.n > SHOWN)
        str_addf(&text, " +%zu", app->addresses.n - SHOWN);
    return text.len > 0 ? arena_strdup(a, str_text(&text)) : NULL;
}

static int64_t end_of(const struct spec_set *set, const char *name)
{
    for (size_t i = 0; i < set->n_secrets; i++)
        if (strcmp(set->secrets[i].name, name) == 0)
            return set->secrets[i].not_after_ms;
    return 0;
}

void ingress_words_certificates(const struct desired *d, const struct spec_set *set,
                                struct arena *a, struct ingress_certificate **ret, size_t *ret_n)
{
    struct ingress_certificate *v = NULL;
    size_t n = 0, cap = 0;

    for (size_t i = 0; i < d->n_apps; i++)
        for (size_t k = 0; k < d->apps[i].secrets.n; k++) {
            const char *name = d->apps[i].secrets.v[k];
            int64_t end = end_of(set, name);

            if (end <= 0)
                continue;
            v = arena_grow(a, v, n, &cap, sizeof(*v));
            v[n++] = (struct ingress_certificate){d->apps[i].name, name, end};
        }
    *ret = v;
    *ret_n = n;
}

static const char *line_of(const struct ingress_certificate *c, int64_t now_ms, struct arena *a)
{
    CLEANUP(str_release) struct str end = STR_INIT, hint = STR_INIT;
    const char *slash = strchr(c->name, '/');
    long long days = (long long)((c->not_after_ms - now_ms) / DAY_MS);

    str_add_time(&end, c->not_after_ms);
    if (slash)
        str_addf(&hint, "evenkeel secret set --app %.*s %s --file NEW", (int)(slash - c->name),
                 c->name, slash + 1);
    else
        str_addf(&hint, "evenkeel secret set %s --file NEW", c->name);
    if (c->not_after_ms <= now_ms)
        return arena_printf(a, "the certificate %s of %s ended at %s; once it is renewed: %s",
                            c->name, c->app, str_text(&end), str_text(&hint));
    return arena_printf(
        a, "the certificate %s of %s ends at %s (%lld day%s); once it is renewed: %s", c->name,
        c->app, str_text(&end), days, days == 1 ? "" : "s", str_text(&hint));
}

void ingress_words_ending(const struct ingress_certificate *v, size_t n, int64_t now_ms,
                          struct arena *a, struct strv *ret)
{
    for (size_t i = 0; i < n; i++)
        if (v[i].not_after_ms - now_ms < SOON_DAYS * DAY_MS)
            strv_push(a, ret, line_of(&v[i], now_ms, a));
}

const char *ingress_words_mode(const struct desired *d, struct arena *a)
{
    const struct ingress_settings *g = &d->settings->ingress;
    bool routed = false;

    for (size_t i = 0; i < d->n_apps; i++)
        routed |= d->apps[i].routed;
    if (!routed || g->mode != INGRESS_EXTERNAL)
        return NULL;
    return arena_printf(a, "apps with routes share the network %s and can reach each other there",
                        g->network);
}
