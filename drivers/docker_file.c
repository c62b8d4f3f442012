/* docker_file.c: files of the agent's state that containers mount.
 *
 * In: an operation that names such a file. Out: it is as it should be, or why not. What stands in it - often a secret - is fetched and
 * written by who keeps it (docker_use_files); nothing of it passes through here, and the engine is not asked. */
#include "drivers/docker_parts.h"

static void put(void *user)
{
    struct ticket *t = user;
    struct err e = {0};

    t->timer = NULL;
    if (!t->d->put_file || !t->op->file)
        (void)err_set(&e, ERR_USER, "nobody keeps files here");
    else
        (void)t->d->put_file(t->d->put_file_ctx, t->op->file, &e);
    ticket_end(t, e.kind ? &e : NULL);
}

void docker_file_begin(struct ticket *t)
{
    ticket_after(t, 0, put);
}

void docker_use_files(struct driver *driver, file_put_fn *put_file, void *ctx)
{
    struct docker *d = (struct docker *)driver;

    d->put_file = put_file;
    d->put_file_ctx = ctx;
}
