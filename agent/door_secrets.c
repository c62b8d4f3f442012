/* Secrets: put, removed, listed by name; never shown.
 *
 * Comes in: a name, and for a put the value as the body's bytes. Goes out: a file in STATE/secrets, as `evenkeel secret` writes it; names, kinds and ends. Refuses to say any value, also in the audit log. */
#include <openssl/crypto.h>

#include "agent/door_parts.h"
#include "agent/problem.h"
#include "agent/secrets.h"
#include "spec/base/arena.h"
#include "spec/limits.h"

/* {name} is the last segment, {app} NULL for the common ones. */
static const char *name_of(const struct door_call *c)
{
    return strrchr(c->r->path, '/') + 1;
}

static const char *app_of(const struct door_call *c)
{
    return *c->v.app ? c->v.app : NULL;
}

void door_secret_put(struct door_call *c, struct web_reply *ret)
{
    struct err e = {0};
    const char *value;
    size_t n;

    if (secrets_check_name(app_of(c), name_of(c), &e) < 0) {
        problem_error(ret, &e, NULL);
        return;
    }
    if (door_body(c, LIMIT_SECRET_BYTES, &value, &n, ret) < 0)
        return;
    const struct secret_nature nature = secret_nature_of(value, n);
    int rc = secrets_set(c->door->o->state, app_of(c), name_of(c), value, n, &e);

    OPENSSL_cleanse((char *)(uintptr_t)value, n);
    if (rc < 0)
        problem_error(ret, &e, "the value is the body, as bytes: curl -T FILE, or --data-binary");
    else
        door_reply_json(ret, 200,
                        json_pack("{s:s, s:s*, s:I, s:s*}", "name", name_of(c), "app", app_of(c),
                                  "bytes", (json_int_t)n, "warning",
                                  *nature.problem ? nature.problem : NULL));
}

void door_secret_delete(struct door_call *c, struct web_reply *ret)
{
    struct err e = {0};

    if (secrets_remove(c->door->o->state, app_of(c), name_of(c), &e) < 0)
        problem_error(ret, &e, NULL);
    else
        door_reply_json(
            ret, 200,
            json_pack("{s:s, s:s*, s:b}", "name", name_of(c), "app", app_of(c), "removed", 1));
}

void door_secrets(struct door_call *c, struct web_reply *ret)
{
    struct secrets *all = secrets_new(c->door->o->state);
    json_t *list = json_array();
    size_t n, app = strlen(c->v.app);

    (void)secrets_scan(all);
    const struct secret *v = secrets_list(all, &n);

    for (size_t i = 0; i < n; i++)
        if (app == 0 || (strncmp(v[i].name, c->v.app, app) == 0 && v[i].name[app] == '/'))
            json_array_append_new(list, secret_to_json(&v[i]));
    if (secrets_trouble(all)) {
        problem_reply(ret, 503, secrets_trouble(all), NULL);
        json_decref(list);
    } else {
        door_reply_json(ret, 200, json_pack("{s:o}", "secrets", list));
    }
    secrets_free(all);
}
