/* cli_convert_compose.h: an app as one Compose file that needs no other. */
#ifndef EK_CLI_CONVERT_COMPOSE_H
#define EK_CLI_CONVERT_COMPOSE_H

#include "spec/desired.h"

struct options;

/* The app that the file, the folder or the archive at path (absolute) holds, on standard output; its complaints on standard error. */
int convert_compose_path(const char *path, const struct options *o, struct arena *a, struct err *e);
/* One of the set's. */
int convert_compose_app(const struct spec_set *set, const char *app, const struct options *o,
                        struct arena *a, struct err *e);

#endif
