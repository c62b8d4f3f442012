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

#include "drivers/hostport.h"
#include "spec/base/arena.h"
#include "spec/labels.h"

enum {
    REMOVAL_POLL_MS = 100,
    PORT_POLL_MS = 100,
    ENDPOINTS_POLL_MS = 200,
    ENDPOINTS_WAIT_MS = 3000,
};

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
    case OP_CONTAINER_UPDATE:
        path = docker_path(t->arena, "/containers/", op->object, "/update");
        body = op->body;
        break;
    case OP_CONTAINER_RENAME: path = rename_path(t); break;
    case OP_CONTAINER_REMOVE:
        method = "DELETE";
        path = docker_path(t->arena, "/containers/", op->object,
                           op->drop_volumes ? "?v=1&force=1" : "?force=1");
        break;
    case OP_NETWORK_REMOVE:
        method = "DELETE";
        path = docker_path(t->arena, "/networks/", op->object, "");
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

/* "Bind for 0.0.0.0:8080 failed: port is already allocated" -> 8080; -1: that is not what it is about. The engine's
 * words are all there is to tell this by; what it answers with is a 500. */
static int taken_port(const char *says)
{
    static const char *const before[] = {"Bind for ", "host port for ", "listen tcp", "listen udp",
                                         "listen sctp"};
    const char *at = NULL;

    if (!strstr(says, "port is already allocated") && !strstr(says, "address already in use"))
        return -1;
    for (size_t i = 0; !at && i < ARRAY_LEN(before); i++)
        at = strstr(says, before[i]);
    if (at && strchr(at, '['))
        at = strchr(at, ']'); /* an IPv6 address has colons of its own */
    for (; at && *at; at++)
        if (at[0] == ':' && isdigit((unsigned char)at[1]))
            return (int)strtol(at + 1, NULL, 10);
    return -1;
}

static void ask_port_holder(struct ticket *t, int port);

static void ask_again(void *user)
{
    struct ticket *t = user;

    t->timer = NULL;
    if (!ticket_stale(t))
        ask_port_holder(t, taken_port(t->result.err.msg));
}

/* A container that is about to end may be waited for; when it has ended the start is tried again. True: the ticket goes on. */
static bool port_is_awaited(struct ticket *t, bool is_held)
{
    bool first = t->until_ms == 0;

    if (first)
        t->until_ms = http_now_ms() + t->op->port_wait_ms;
    if (t->cancelled || (first && !is_held) || http_now_ms() >= t->until_ms)
        return false;
    if (is_held)
        ticket_after(t, PORT_POLL_MS, ask_again);
    else
        docker_act_begin(t);
    return true;
}

/* Who it is can be told of this host only. */
static void port_is_a_programs(struct ticket *t, int port, struct err *e)
{
    CLEANUP(str_release) struct str who = STR_INIT;
    bool here = strncmp(http_where(t->d->http), "unix://", 7) == 0;

    if (here && hostport_holder(port, &who))
        (void)hostport_taken(port, str_text(&who), e);
    else
        (void)err_set(e, ERR_USER, "port %d is already taken by another process of the host", port);
}

/* The engine's own books say "allocated"; "in use" is the kernel's word, and a program of the host is nothing that a later try
 * would find gone. */
static void port_is_taken(struct ticket *t, const struct obs_container *holder, bool by_container)
{
    int port = taken_port(t->result.err.msg);
    struct err e = {0};

    if (holder)
        (void)err_set(&e, ERR_CONFLICT, "port %d is already taken by %s", port,
                      docker_holder(holder, t->arena));
    else if (by_container)
        (void)err_set(&e, ERR_CONFLICT,
                      "port %d is just being taken or given up by another container", port);
    else
        port_is_a_programs(t, port, &e);
    ticket_end(t, &e);
}

static void on_port_holder(void *user, const struct http_reply *reply)
{
    struct ticket *t = user;
    struct err e = t->result.err;
    bool by_container = strstr(e.msg, "already allocated") != NULL;
    struct obs_container *c;
    size_t n = 0;

    t->call = NULL;
    e.kind = ERR_CONFLICT;
    if (reply->err.kind || reply->status >= 300 ||
        engine_decode_container_list(reply->body, reply->n, t->arena, &c, &n, NULL) < 0)
        ticket_end(t, &e);
    else if (!port_is_awaited(t, n > 0 || (by_container && t->until_ms == 0)))
        port_is_taken(t, n > 0 ? &c[0] : NULL, by_container);
}

static void ask_port_holder(struct ticket *t, int port)
{
    CLEANUP(str_release) struct str path = STR_INIT;

    str_add(&path, "/containers/json?filters=");
    docker_escape(&path, arena_printf(t->arena, "{\"publish\":[\"%d\"]}", port));
    ticket_ask(t, "GET", str_text(&path), NULL, on_port_holder);
}

/* ---- networks whose containers have just gone ---- */

static void act_again(void *user)
{
    struct ticket *t = user;

    t->timer = NULL;
    if (!ticket_stale(t))
        docker_act_begin(t);
}

/* The engine forgets the last containers of a network a moment after they are gone: 20.10, when many go at once. True: the ticket
 * goes on. */
static bool endpoints_are_awaited(struct ticket *t)
{
    if (t->until_ms == 0)
        t->until_ms = http_now_ms() + ENDPOINTS_WAIT_MS;
    if (t->cancelled || http_now_ms() >= t->until_ms || ticket_left_ms(t) <= ENDPOINTS_POLL_MS)
        return false;
    ticket_after(t, ENDPOINTS_POLL_MS, act_again);
    return true;
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
    case OP_NETWORK_DISCONNECT: return status == 404;
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
    case OP_CONTAINER_START:
        if (taken_port(e.msg) > 0) {
            ask_port_holder(t, taken_port(e.msg));
            return;
        }
        break;
    case OP_NETWORK_REMOVE: /* 403: it still has containers */
        if (strstr(e.msg, "has active endpoints") && endpoints_are_awaited(t))
            return;
        if (e.kind == ERR_DENIED)
            e.kind = ERR_CONFLICT;
        break;
    default: break;
    }
    ticket_end(t, &e);
}
