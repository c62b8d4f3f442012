/* docker_create.c: makes containers, networks and volumes, so that making one twice is making it once.
 *
 * In: create operations with their bodies. Out: the new object's id; or, where the name is taken, the id of what holds it if
 * that is the very thing that was to be made (our labels, for a container the same hash), else a conflict naming the holder.
 * It never removes or changes what is in the way. */
#include "drivers/docker_parts.h"

#include <string.h>

#include "drivers/confine.h"
#include "drivers/engine_encode.h"
#include "spec/base/arena.h"
#include "spec/labels.h"

enum { TRIES = 3, TURN_MS = 20 };

static void send_create(struct ticket *t);

static const char *path_of(const struct ticket *t)
{
    switch (t->op->kind) {
    case OP_NETWORK_CREATE: return "/networks/create";
    case OP_VOLUME_CREATE: return "/volumes/create";
    default: break;
    }
    CLEANUP(str_release) struct str s = STR_INIT;

    str_add(&s, "/containers/create?name=");
    docker_escape(&s, t->op->name);
    if (t->op->platform) {
        str_add(&s, "&platform=");
        docker_escape(&s, t->op->platform);
    }
    return arena_strdup(t->arena, str_text(&s));
}

/* ---- names that are taken ---- */

static bool same_label(const struct kvs *a, const struct kvs *b, const char *key)
{
    const char *va = kvs_get(a, key), *vb = kvs_get(b, key);

    return va && vb && strcmp(va, vb) == 0;
}

/* Labels of the body that was sent. */
static struct kvs sent_labels(struct ticket *t)
{
    struct kvs labels = {0};
    json_t *body = js_parse(t->op->body, strlen(t->op->body), NULL);

    js_kvs(body, "Labels", t->arena, &labels);
    json_decref(body);
    return labels;
}

/* The network that apps share has neither app nor key. */
static bool alike(const struct kvs *a, const struct kvs *b, const char *label)
{
    return (!kvs_get(a, label) && !kvs_get(b, label)) || same_label(a, b, label);
}

static bool is_what_we_make(struct ticket *t, const struct kvs *found)
{
    struct kvs sent = sent_labels(t);

    return same_label(&sent, found, LABEL_OWNER) && alike(&sent, found, LABEL_APP) &&
           alike(&sent, found, LABEL_KEY);
}

static const char *whose(const struct kvs *labels, struct arena *a)
{
    const char *app = kvs_get(labels, LABEL_APP), *owner = kvs_get(labels, LABEL_OWNER);

    return app ? arena_printf(a, "belongs to app %s of agent %s", app, owner ? owner : "?")
               : "was not made by evenkeel";
}

const char *docker_holder(const struct obs_container *c, struct arena *a)
{
    const char *app = kvs_get(&c->labels, LABEL_APP);

    if (app)
        return arena_printf(a, "container %s of app %s", c->name, app);
    return arena_printf(a, "container %s (%.12s, image %s), which evenkeel did not make", c->name,
                        c->id, c->image);
}

static int judge_container(struct ticket *t, const struct http_reply *reply, struct err *e)
{
    struct obs_container c;
    const char *hash;

    if (engine_decode_container(reply->body, reply->n, t->arena, &c, e) < 0)
        return -1;
    hash = kvs_get(&c.labels, LABEL_HASH);
    if (!hash || strcmp(hash, t->hash) != 0)
        return err_set(e, ERR_CONFLICT, "the name %s is taken by %s", t->op->name,
                       docker_holder(&c, t->arena));
    t->result.id = c.id;
    return 0;
}

static int judge_network(struct ticket *t, const struct http_reply *reply, struct err *e)
{
    struct obs_network n;

    if (engine_decode_network(reply->body, reply->n, t->arena, &n, e) < 0)
        return -1;
    if (!is_what_we_make(t, &n.labels))
        return err_set(e, ERR_CONFLICT, "there is already a network %s, and it %s", t->op->name,
                       whose(&n.labels, t->arena));
    t->result.id = n.id;
    return 0;
}

static void on_holder(void *user, const struct http_reply *reply)
{
    struct ticket *t = user;
    struct err e = {0};

    t->call = NULL;
    if (reply->err.kind == 0 && reply->status == 404 && ++t->tries < TRIES) {
        if (!ticket_stale(t))
            send_create(t); /* whoever held the name is gone */
        return;
    }
    if (reply->err.kind || reply->status >= 300)
        (void)docker_failure(reply, &e);
    else if (t->op->kind == OP_NETWORK_CREATE)
        (void)judge_network(t, reply, &e);
    else
        (void)judge_container(t, reply, &e);
    ticket_end(t, &e);
}

static void ask_holder(struct ticket *t)
{
    const char *path = t->op->kind == OP_NETWORK_CREATE
                           ? docker_path(t->arena, "/networks/", t->op->name, "")
                           : docker_path(t->arena, "/containers/", t->op->name, "/json");

    ticket_ask(t, "GET", path, NULL, on_holder);
}

/* ---- making ---- */

static int take_volume(struct ticket *t, const struct http_reply *reply, struct err *e)
{
    struct obs_volume v;

    if (engine_decode_volume(reply->body, reply->n, t->arena, &v, e) < 0)
        return -1;
    /* The engine answers 201 for one that was there before. */
    if (!is_what_we_make(t, &v.labels))
        return err_set(e, ERR_CONFLICT,
                       "there is already a volume %s, and it %s; nothing was done to it",
                       t->op->name, whose(&v.labels, t->arena));
    t->result.id = v.name;
    return 0;
}

static int take_id(struct ticket *t, const struct http_reply *reply, struct err *e)
{
    json_t *v = js_parse(reply->body, reply->n, e);
    const char *id = js_str(v, "Id", NULL);

    if (id)
        t->result.id = arena_strdup(t->arena, id);
    else if (v)
        (void)err_set(e, ERR_RETRY, "the engine made %s but did not say its id", t->op->name);
    json_decref(v);
    return t->result.id ? 0 : -1;
}

static void on_created(void *user, const struct http_reply *reply)
{
    struct ticket *t = user;
    struct err e = {0};

    t->call = NULL;
    if (!reply->err.kind && reply->status == 409 && t->op->kind != OP_VOLUME_CREATE) {
        if (!ticket_stale(t))
            ask_holder(t);
        return;
    }
    if (reply->err.kind || reply->status >= 300)
        (void)docker_failure(reply, &e);
    else if (t->op->kind == OP_VOLUME_CREATE)
        (void)take_volume(t, reply, &e);
    else
        (void)take_id(t, reply, &e);
    /* "Pool overlaps with other one" comes as 403, though nobody's permission is in question. */
    if (e.kind == ERR_DENIED && t->op->kind == OP_NETWORK_CREATE) {
        e.kind = ERR_CONFLICT;
        t->result.range_refused = true;
    }
    ticket_end(t, &e);
}

static void send_create(struct ticket *t)
{
    ticket_ask(t, "POST", path_of(t), t->body, on_created);
}

/* ---- containers: sealed with the image's id ---- */

/* image: what it says itself, or NULL: nobody needs to know. */
static void seal(struct ticket *t, const char *image_id, const struct kvs *image)
{
    const struct op *op = t->op;
    static const struct kvs nothing = {0};

    if (op->hash)
        (void)snprintf(t->hash, sizeof(t->hash), "%s", op->hash);
    else
        engine_encode_hash(op->body, image_id, t->hash);
    t->body = engine_encode_seal(op->body, op->image, t->hash, op->birth ? op->birth : &nothing,
                                 t->arena);
    if (t->body) {
        t->body = engine_encode_carry(t->body, op->carried, image ? image : &nothing, t->arena);
        send_create(t);
        return;
    }
    struct err e = {0};

    (void)err_set(&e, ERR_BUG, "the create body of %s is not JSON", op->name);
    ticket_fail(t, &e);
}

/* Pulled just now, so the planner could not look. */
static void refuse_labels(const struct op *op, const struct obs_image *image, struct err *e)
{
    const char *found = op->no_label ? obs_image_label(image, op->no_label) : NULL;

    if (found)
        (void)err_set(e, ERR_USER, IMAGE_LABEL_REFUSED, op->image, found);
}

static void on_image(void *user, const struct http_reply *reply)
{
    struct ticket *t = user;
    struct obs_image image = {0};
    struct err e = {0};

    t->call = NULL;
    if (ticket_stale(t))
        return;
    if (reply->err.kind || reply->status >= 300) {
        (void)docker_failure(reply, &e);
        if (e.kind == ERR_MISSING)
            (void)err_set(&e, ERR_MISSING, "the engine does not have image %s", t->op->image);
    } else {
        (void)engine_decode_image(t->op->image, reply->body, reply->n, t->arena, &image, &e);
        refuse_labels(t->op, &image, &e);
    }
    if (e.kind)
        ticket_end(t, &e);
    else
        seal(t, image.id, &image.fields);
}

static void create_container(struct ticket *t)
{
    struct err e = {0};

    if (confine_check(t->op->confined, t->op->n_confined, http_where(t->d->http), &e) != 0 ||
        (t->op->asks_ports && docker_ports_ask(t->d, t->op->body, &e) < 0)) {
        ticket_fail(t, &e);
        return;
    }
    /* What it carries over hangs on what the image says. */
    if (t->op->image_id && !(t->op->carried && t->op->carried->n > 0))
        seal(t, t->op->image_id, NULL);
    else
        ticket_ask(t, "GET", docker_path(t->arena, "/images/", t->op->image, "/json"), NULL,
                   on_image);
}

/* Somebody else's ticket is making a network of that name just now. */
static bool is_being_made(const struct ticket *t)
{
    for (const struct ticket *other = t->d->first; other && other != t; other = other->next)
        if (other->op && other->flying && other->op->kind == OP_NETWORK_CREATE &&
            strcmp(other->op->name, t->op->name) == 0)
            return true;
    return false;
}

/* Engines before 23 make two networks of one name if both are asked for at once, whatever CheckDuplicate says. */
static void begin_named(void *user)
{
    struct ticket *t = user;

    t->timer = NULL;
    if (ticket_stale(t))
        return;
    if (t->op->kind == OP_NETWORK_CREATE && is_being_made(t))
        ticket_after(t, TURN_MS, begin_named);
    else
        send_create(t);
}

void docker_create_begin(struct ticket *t)
{
    if (t->op->kind == OP_CONTAINER_CREATE) {
        create_container(t);
        return;
    }
    t->body = t->op->body;
    begin_named(t);
}
