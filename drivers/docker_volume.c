/* docker_volume.c: volumes that go into quarantine, come out of it, or end.
 *
 * In: an operation on a volume. Out: its record written or gone, or the volume deleted. Before a deletion that names an owner
 * the record is read once more, and the engine is asked whose the volume is: between the plan and now either may have
 * changed. The engine itself refuses to delete what a container uses; it is never asked to force it. */
#include <string.h>

#include "drivers/docker_parts.h"
#include "drivers/quarantine_folder.h"
#include "spec/base/arena.h"

enum { SIZES_MS = 10 * 60 * 1000 }; /* the engine walks through every file */

static void on_deleted(void *user, const struct http_reply *reply)
{
    struct ticket *t = user;
    struct err e = {0};

    t->call = NULL;
    if (reply->err.kind || (reply->status >= 300 && reply->status != 404))
        (void)docker_failure(reply, &e);
    ticket_end(t, e.kind ? &e : NULL);
}

static void delete_it(struct ticket *t)
{
    ticket_ask(t, "DELETE", docker_path(t->arena, "/volumes/", t->op->object, ""), NULL,
               on_deleted);
}

static void on_volume(void *user, const struct http_reply *reply)
{
    struct ticket *t = user;
    const struct op *op = t->op;
    struct obs_volume v = {0};
    struct err e = {0};

    t->call = NULL;
    if (ticket_stale(t))
        return;
    if (!reply->err.kind && reply->status == 404) {
        ticket_end(t, NULL);
        return;
    }
    if (reply->err.kind || reply->status >= 300)
        (void)docker_failure(reply, &e);
    else if (engine_decode_volume(reply->body, reply->n, t->arena, &v, &e) == 0 &&
             (!v.owner || strcmp(v.owner, op->owner) != 0))
        (void)err_set(&e, ERR_CONFLICT, "volume %s is somebody else's; it stays", op->object);
    if (!e.kind)
        (void)quarantine_folder_check(t->d->quarantine, op->object, op->body, &e);
    if (e.kind)
        ticket_end(t, &e);
    else
        delete_it(t);
}

static void keep_record(void *user)
{
    struct ticket *t = user;
    const struct op *op = t->op;
    struct err e = {0};

    t->timer = NULL;
    if (!t->d->quarantine)
        (void)err_set(&e, ERR_USER, "there is no quarantine here");
    else if (op->kind == OP_VOLUME_QUARANTINE)
        (void)quarantine_folder_put(t->d->quarantine, op->object, op->body, &e);
    else
        (void)quarantine_folder_drop(t->d->quarantine, op->object, &e);
    ticket_end(t, e.kind ? &e : NULL);
}

void docker_volume_begin(struct ticket *t)
{
    const struct op *op = t->op;

    if (op->kind != OP_VOLUME_REMOVE || (op->body && !t->d->quarantine))
        ticket_after(t, 0, keep_record);
    else if (op->body)
        ticket_ask(t, "GET", docker_path(t->arena, "/volumes/", op->object, ""), NULL, on_volume);
    else
        delete_it(t);
}

/* ---- sizes ---- */

struct sizing { /* in its ticket's arena */
    docker_sizes_fn *done;
    void *user;
    struct kvs sizes;
};

static void on_sized(void *user, const struct op_result *result)
{
    struct sizing *s = user;

    s->done(s->user, &s->sizes, &result->err);
}

static void on_usage(void *user, const struct http_reply *reply)
{
    struct ticket *t = user;
    struct sizing *s = t->user;
    struct err e = {0};

    t->call = NULL;
    if (reply->err.kind || reply->status >= 300)
        (void)docker_failure(reply, &e);
    else
        (void)engine_decode_volume_sizes(reply->body, reply->n, t->arena, &s->sizes, &e);
    ticket_end(t, &e);
}

void docker_volume_sizes(struct driver *driver, docker_sizes_fn *done, void *user)
{
    struct ticket *t = ticket_new((struct docker *)driver, LANE_WAIT, on_sized, NULL);
    struct sizing *s = ARENA_NEW(t->arena, struct sizing);

    *s = (struct sizing){.done = done, .user = user};
    t->user = s;
    ticket_begin(t);
    t->call =
        docker_send(t->d, &(struct http_request){
                              .method = "GET",
                              .path = "/system/df?type=volume", /* all of it before API 1.42 */
                              .slow = true,
                              .timeout_ms = SIZES_MS,
                              .done = on_usage,
                              .user = t,
                          });
}

void docker_use_quarantine(struct driver *driver, struct quarantine_folder *folder)
{
    ((struct docker *)driver)->quarantine = folder;
}
