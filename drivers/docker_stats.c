/* docker_stats.c: what one container uses.
 *
 * In: an id. Out: its figures, once the engine has taken two samples (one to two seconds). Refuses to stream: who wants to go on asks again. */
#include "drivers/docker_parts.h"

#include "drivers/engine_stats.h"
#include "spec/base/arena.h"

enum { ANSWER_MS = 10 * 1000 };

struct measuring { /* in its ticket's arena */
    docker_stats_fn *done;
    void *user;
    struct engine_stats stats;
};

static void on_over(void *user, const struct op_result *result)
{
    struct measuring *m = user;

    m->done(m->user, &m->stats, &result->err);
}

static void on_answer(void *user, const struct http_reply *reply)
{
    struct ticket *t = user;
    struct measuring *m = t->user;
    struct err e = {0};

    t->call = NULL;
    if (reply->err.kind || reply->status >= 300)
        (void)docker_failure(reply, &e);
    else
        (void)engine_decode_stats(reply->body, reply->n, &m->stats, &e);
    ticket_end(t, &e);
}

void docker_stats(struct driver *driver, const char *id, docker_stats_fn *done, void *user)
{
    struct ticket *t = ticket_new((struct docker *)driver, LANE_WAIT, on_over, NULL);
    struct measuring *m = ARENA_NEW(t->arena, struct measuring);

    *m = (struct measuring){.done = done, .user = user};
    t->user = m;
    ticket_begin(t);
    t->call = docker_send(
        t->d, &(struct http_request){
                  .method = "GET",
                  .path = docker_path(t->arena, "/containers/", id, "/stats?stream=false"),
                  .slow = true,
                  .timeout_ms = ANSWER_MS,
                  .done = on_answer,
                  .user = t,
              });
}
