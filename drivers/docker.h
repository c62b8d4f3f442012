/* docker.h: the driver for a plain Docker Engine. */
#ifndef EK_DOCKER_H
#define EK_DOCKER_H

#include "drivers/driver.h"

struct http;

/* Not yet connected: the first look (or follow) negotiates the API version (HEAD /_ping, the engine's own minimum and maximum against
 * 1.41 .. 1.52) and reports an engine that is too old or too new in words. http is borrowed; cores bounds container starts in
 * flight (2 x cores); auth_dir is the folder of Docker's config.json, or NULL. */
struct driver *docker_new(struct http *http, int cores, const char *auth_dir, struct err *e);

#endif
