/* docker_images.c: which images carry our owner label, and the end of one of them.
 *
 * In: an owner, a name or an id. Out: the list, or that it is gone. Parents without a name are never pruned along with an image: some may be
 * another's build cache. Refuses to force anything: what a container has stays. */
#include "drivers/docker_parts.h"

#include "drivers/engine_images.h"
#include "spec/base/arena.h"
#include "spec/labels.h"

enum { ANSWER_MS = 60 * 1000 }; /* sizes of many images, layers of a large one */

struct listing { /* in its ticket's arena */
    docker_images_fn *done;
    void *user;
    struct engine_image *v;
    size_t n;
};

static void on_over(void *user, const struct op_result *result)
{
    struct listing *l = user;

    l->done(l->user, l->v, l->n, &result->err);
}

static void on_list(void *user, const struct http_reply *reply)
{
    struct ticket *t = user;
    struct listing *l = t->user;
    struct err e = {0};

    t->call = NULL;
    if (reply->err.kind || reply->status >= 300)
        (void)docker_failure(reply, &e);
    else
        (void)engine_decode_images(reply->body, reply->n, t->arena, &l->v, &l->n, &e);
    ticket_end(t, &e);
}

static void ask(struct ticket *t, const char *method, const char *path, http_done_fn *done)
{
    ticket_begin(t);
    t->call = docker_send(t->d, &(struct http_request){
                                    .method = method,
                                    .path = path,
                                    .slow = true,
                                    .timeout_ms = ANSWER_MS,
                                    .done = done,
                                    .user = t,
                                });
}

void docker_images(struct driver *driver, const char *owner, docker_images_fn *done, void *user)
{
    struct ticket *t = ticket_new((struct docker *)driver, LANE_WAIT, on_over, NULL);
    struct listing *l = ARENA_NEW(t->arena, struct listing);
    CLEANUP(str_release) struct str filter = STR_INIT, path = STR_INIT;
    json_t *v = json_pack("{s:[o]}", "label", json_sprintf(LABEL_BUILD_OWNER "=%s", owner));

    *l = (struct listing){.done = done, .user = user};
    t->user = l;
    js_canonical(v, &filter);
    json_decref(v);
    str_add(&path, "/images/json?filters=");
    docker_escape(&path, str_text(&filter));
    ask(t, "GET", arena_strdup(t->arena, str_text(&path)), on_list);
}

static void on_removed(void *user, const struct http_reply *reply)
{
    struct ticket *t = user;
    struct err e = {0};

    t->call = NULL;
    if (reply->err.kind || (reply->status >= 300 && reply->status != 404))
        (void)docker_failure(reply, &e);
    ticket_end(t, &e);
}

void docker_image_remove(struct driver *driver, const char *ref, op_done_fn *done, void *user)
{
    struct docker *d = (struct docker *)driver;
    struct ticket *t = ticket_new(d, LANE_WAIT, done, user);

    docker_dirty(d, MIRROR_IMAGE, ref);
    ask(t, "DELETE", docker_path(t->arena, "/images/", ref, "?noprune=1"), on_removed);
}
