/* docker_act.c: one call that changes something that exists: start, stop, restart, unpause, rename, remove, connect,
 * disconnect.
 *
 * In: an operation. Out: success if the engine did it or it was done already, else the engine's reason.
 * "Done already" has statuses of its own for some (304, 404); for the others the engine's refusal is answered by looking
 * at the container: if it is as it should be, that is success. A removal that is under way already is waited for.
 * A container that did not start never ran, so there is no log to show; whose port it wanted is looked up instead. */
#include "drivers/docker_parts.h"

#include <ctype.h>
#include <string.h>

#include "spec/base/arena.h"
#include "spec/labels.h"

enum { REMOVAL_POLL_MS = 100 };

/* ---- requests ---- */

static const char *with_grace(struct ticket *t, const char *verb)
{
    const struct op *op = t->op;

    if (op->grace_s < 0)
        return docker_path(t->arena, "/containers/", op->object, verb);
    return docker_path(t->arena, "/containers/", op->object,
                       arena_printf(t->arena, "%s?t=%d", verb, op->grace_s));
}

static const char *rename_path(struct ticket *t)
{
    CLEANUP(str_release) struct str s = STR_INIT;

    str_add(&s, docker_path(t->arena, "/containers/", t->op->object, "/rename?name="));
    docker_escape(&s, t->op->name);
    return arena_strdup(t->arena, str_text(&s));
}

static const char *disconnect_body(struct ticket *t)
{
    CLEANUP(str_release) struct str s = STR_INIT;
    json_t *v = json_pack("{s:s, s:b}", "Container", t->op->object, "Force", 0);

    js_canonical(v, &s);
    json_decref(v);
    return arena_strdup(t->arena, str_text(&s));
}

static void on_acted(void *user, const struct http_reply *reply);

void docker_act_begin(struct ticket *t)
{
    const struct op *op = t->op;
    const char *path = NULL, *body = NULL, *method = "POST";

    switch (op->kind) {
    case OP_CONTAINER_START:
        path = docker_path(t->arena, "/containers/", op->object, "/start");
        break;
    case OP_CONTAINER_STOP: path = with_grace(t, "/stop"); break;
    case OP_CONTAINER_RESTART: path = with_grace(t, "/restart"); break;
    case OP_CONTAINER_UNPAUSE:
        path = docker_path(t->arena, "/containers/", op->object, "/unpause");
        break;
    case OP_CONTAINER_RENAME: path = rename_path(t); break;
    case OP_CONTAINER_REMOVE:
        method = "DELETE";
        path = docker_path(t->arena, "/containers/", op->object, "?v=1&force=1");
        break;
    case OP_NETWORK_REMOVE:
        method = "DELETE";
        path = docker_path(t->arena, "/networks/", op->object, "");
        break;
    case OP_VOLUME_REMOVE:
        method = "DELETE";
        path = docker_path(t->arena, "/volumes/", op->object, "");
        break;
    case OP_NETWORK_CONNECT:
        path = docker_path(t->arena, "/networks/", op->network, "/connect");
        body = op->body;
        break;
    case OP_NETWORK_DISCONNECT:
        path = docker_path(t->arena, "/networks/", op->network, "/disconnect");
        body = disconnect_body(t);
        break;
    default: return;
    }
    ticket_ask(t, method, path, body, on_acted);
}

/* ---- refusals that may mean "done already" ---- */

static bool is_attached(const struct obs_container *c, const char *network)
{
    for (size_t i = 0; i < c->n_networks; i++)
        if ((c->networks[i].network_id && strcmp(c->networks[i].network_id, network) == 0) ||
            (c->networks[i].network_name && strcmp(c->networks[i].network_name, network) == 0))
            return true;
    return false;
}

static bool is_object(const struct obs_container *c, const char *object)
{
    return strcmp(c->id, object) == 0 ||
           (strlen(object) >= 12 && strncmp(c->id, object, strlen(object)) == 0);
}

/* Whether the container is as the operation wants it, though the engine refused. */
static bool as_wanted(struct ticket *t, const struct obs_container *c)
{
    const struct op *op = t->op;

    switch (op->kind) {
    case OP_CONTAINER_UNPAUSE: return c->state != CS_PAUSED;
    case OP_NETWORK_CONNECT: return is_attached(c, op->network);
    case OP_NETWORK_DISCONNECT: return !is_attached(c, op->network);
    case OP_CONTAINER_RENAME:
        if (is_object(c, op->object) || strcmp(op->object, op->name) == 0)
            return true;
        /* Known by its old name, which nobody has any more: it was renamed before if the holder is of our making. */
        if (t->result.err.kind == ERR_MISSING)
            return c->labels.n && kvs_get(&c->labels, LABEL_HASH);
        (void)err_set(&t->result.err, ERR_CONFLICT, "the name %s is taken by %s", op->name,
                      docker_holder(c, t->arena));
        return false;
    default: return false;
    }
}

static void on_state(void *user, const struct http_reply *reply)
{
    struct ticket *t = user;
    struct err e = t->result.err;
    struct obs_container c;

    t->call = NULL;
    if (!reply->err.kind && reply->status < 300 &&
        engine_decode_container(reply->body, reply->n, t->arena, &c, NULL) == 0) {
        if (as_wanted(t, &c))
            e = (struct err){0};
        else
            e = t->result.err;
    }
    ticket_end(t, &e);
}

static void ask_state(struct ticket *t, const char *container, http_done_fn *next)
{
    ticket_ask(t, "GET", docker_path(t->arena, "/containers/", container, "/json"), NULL, next);
}

/* ---- removals under way ---- */

static void poll_removal(void *user);

static void on_removal(void *user, const struct http_reply *reply)
{
    struct ticket *t = user;
    struct err e = t->result.err;
    struct obs_container c;

    t->call = NULL;
    if (!reply->err.kind && reply->status == 404) {
        ticket_end(t, &(struct err){0});
        return;
    }
    if (!reply->err.kind && reply->status < 300 &&
        engine_decode_container(reply->body, reply->n, t->arena, &c, NULL) == 0 &&
        (c.state == CS_REMOVING || c.state == CS_DEAD) && ticket_left_ms(t) > REMOVAL_POLL_MS &&
        !t->cancelled) {
        ticket_after(t, REMOVAL_POLL_MS, poll_removal);
        return;
    }
    ticket_end(t, &e);
}

static void poll_removal(void *user)
{
    struct ticket *t = user;

    t->timer = NULL;
    ask_state(t, t->op->object, on_removal);
}

/* ---- starts that fail for a port ---- */

/* The next number after a colon, from *at on; -1 when there is none. */
static int next_port(const char **at)
{
    for (const char *s = *at; *s; s++) {
        if (s[0] != ':' || !isdigit((unsigned char)s[1]))
            continue;
        char *end;
        long port = strtol(s + 1, &end, 10);
        *at = end;
        if (port > 0 && port < 65536)
            return (int)port;
        s = end - 1;
    }
    return -1;
}

static const struct obs_container *who_publishes(const struct docker *d, int port, const char *but)
{
    const struct obs_container *c;

    for (size_t i = 0; (c = mirror_container_at(d->mirror, i)); i++) {
        if (strcmp(c->name, but) == 0 || strcmp(c->id, but) == 0 || c->state == CS_EXITED ||
            c->state == CS_CREATED)
            continue;
        for (size_t k = 0; k < c->n_ports; k++)
            if (c->ports[k].published == port)
                return c;
    }
    return NULL;
}

/* The engine's words are all there is to tell a taken port by; what it answers with is a 500. */
static void explain_port(struct ticket *t, struct err *e)
{
    const char *at = e->msg;
    int first = -1;

    if (!strstr(e->msg, "port is already allocated") && !strstr(e->msg, "address already in use"))
        return;
    for (int port; (port = next_port(&at)) > 0;) {
        const struct obs_container *holder = who_publishes(t->d, port, t->op->object);
        first = first < 0 ? port : first;
        if (!holder)
            continue;
        (void)err_set(e, ERR_CONFLICT, "port %d is already taken by %s", port,
                      docker_holder(holder, t->arena));
        return;
    }
    if (first > 0)
        (void)err_set(e, ERR_CONFLICT, "port %d is already taken by another process of the host",
                      first);
    e->kind = ERR_CONFLICT;
}

/* ---- the answer ---- */

static bool is_done(enum op_kind kind, int status)
{
    if (status < 300)
        return true;
    switch (kind) {
    case OP_CONTAINER_START: return status == 304;
    case OP_CONTAINER_STOP: return status == 304 || status == 404;
    case OP_CONTAINER_REMOVE:
    case OP_NETWORK_REMOVE:
    case OP_NETWORK_DISCONNECT:
    case OP_VOLUME_REMOVE: return status == 404;
    default: return false;
    }
}

static void on_acted(void *user, const struct http_reply *reply)
{
    struct ticket *t = user;
    enum op_kind kind = t->op->kind;
    struct err e = {0};

    t->call = NULL;
    if (!reply->err.kind && is_done(kind, reply->status)) {
        ticket_end(t, NULL);
        return;
    }
    (void)docker_failure(reply, &e);
    t->result.err = e;
    if (reply->err.kind || t->cancelled) {
        ticket_end(t, &e);
        return;
    }
    switch (kind) {
    case OP_CONTAINER_UNPAUSE:
    case OP_NETWORK_CONNECT:
    case OP_NETWORK_DISCONNECT: ask_state(t, t->op->object, on_state); return;
    case OP_CONTAINER_RENAME: ask_state(t, t->op->name, on_state); return;
    case OP_CONTAINER_REMOVE:
        if (reply->status == 409) {
            ask_state(t, t->op->object, on_removal);
            return;
        }
        break;
    case OP_CONTAINER_START: explain_port(t, &e); break;
    case OP_NETWORK_REMOVE: /* 403: it still has containers */
        if (e.kind == ERR_DENIED)
            e.kind = ERR_CONFLICT;
        break;
    default: break;
    }
    ticket_end(t, &e);
}
