/* deploy_send.h: one file to an agent, by its HTTP API, and what the agent says of it. */
#ifndef EK_DEPLOY_SEND_H
#define EK_DEPLOY_SEND_H

#include <stdbool.h>
#include <stdint.h>

#include "spec/base/err.h"
#include "spec/base/str.h"

struct deploy_send {
    const char *url; /* whole, with its query */
    const char *path;
    const char *token;
    struct strv
        fields; /* a name, its value, and so on: then it goes as a form with the file `bundle` */
    /* So much of the file is on its way. May be NULL. */
    void (*sent)(void *ctx, int64_t bytes, int64_t total);
    /* One line of what the agent does, without its end; signs of life are left out. */
    void (*said)(void *ctx, const char *line);
    void *ctx;
};

/* 0: the agent said that the app is well. -1: ERR_USER what was refused, or is not well; ERR_DENIED; ERR_RETRY when it cannot be reached or breaks off. */
int deploy_send(const struct deploy_send *d, struct err *e);

#endif
