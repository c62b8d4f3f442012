/* options.h: what the process was told: flags, then EVENKEEL_*, then the configuration file, then defaults (design 9). */
#ifndef EK_OPTIONS_H
#define EK_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/log.h"
#include "spec/config_notify.h"
#include "spec/desired.h"

struct arena;

struct options {
    /* where things are; all absolute after options_resolve */
    struct strv roots;
    const char *state;
    const char *docker;       /* unix:///var/run/docker.sock */
    const char *docker_certs; /* DOCKER_CERT_PATH or NULL */
    bool docker_tls;          /* DOCKER_TLS_VERIFY */
    const char *auth_dir;     /* DOCKER_CONFIG or ~/.docker */
    const char *listen;       /* "127.0.0.1:5001"; "none": no listener */
    const char *config;       /* NULL: none was given and the default one does not exist */
    bool config_given;
    enum log_level log;
    struct settings settings;
    struct notify_hooks notify;

    /* what the verb was asked */
    bool json, dot, verbose, follow, timestamps, simulate, actions, build, dockerfile, dry_run;
    bool volumes, size, delete_data, html, junit, drift;
    bool help;
    int tail; /* -1: all */
    bool tail_given;
    int limit;
    const char *since, *for_time, *confirm, *pass;
    const char *app, *file;                /* of `secret`; app also of `token` and `audit` */
    const char *scope, *expires;           /* of `token` */
    const char *to, *token_file, *timeout; /* of `deploy` */
    struct strv
        fields; /* likewise, what is said beside the archive: a name, its value, and so on (upload_spec.h) */
    struct strv words; /* what is neither a flag nor its value: app names, paths */
};

/* One bit per flag, so that a verb can say which it takes. */
enum option_bit {
    OPT_ROOT = 1 << 0,
    OPT_STATE = 1 << 1,
    OPT_DOCKER = 1 << 2,
    OPT_CONFIG = 1 << 3,
    OPT_JSON = 1 << 4,
    OPT_DOT = 1 << 5,
    OPT_VERBOSE = 1 << 6,
    OPT_FOLLOW = 1 << 7,
    OPT_TAIL = 1 << 8,
    OPT_SINCE = 1 << 9,
    OPT_TIMESTAMPS = 1 << 10,
    OPT_FOR = 1 << 11,
    OPT_CONFIRM = 1 << 12,
    OPT_LIMIT = 1 << 13,
    OPT_PASS = 1 << 14,
    OPT_NAME = 1 << 15,
    OPT_LOG = 1 << 16,
    OPT_ACTIONS = 1 << 17,
    OPT_BUILD = 1 << 18,
    OPT_DOCKERFILE = 1 << 19,
    OPT_DRY_RUN = 1 << 20,
    OPT_APP = 1 << 21,
    OPT_FILE = 1 << 22,
    OPT_LISTEN = 1 << 23,
    OPT_VOLUMES = 1 << 24,
    OPT_SIZE = 1 << 25,
    OPT_DELETE_DATA = 1 << 26,
    OPT_HTML = 1 << 27,
    OPT_JUNIT = 1 << 28,
    OPT_DRIFT = 1 << 29,
    OPT_SCOPE = 1 << 30,
    OPT_PLACES = OPT_ROOT | OPT_STATE | OPT_DOCKER | OPT_CONFIG | OPT_NAME,
};
/* Enumerators are ints, and there are more flags than those have bits. */
#define OPT_EXPIRES (UINT64_C(1) << 31)
#define OPT_TO (UINT64_C(1) << 32)
#define OPT_ROUTE (UINT64_C(1) << 33)
#define OPT_TOKEN_FILE (UINT64_C(1) << 34)
#define OPT_TIMEOUT (UINT64_C(1) << 35)
#define OPT_PORT (UINT64_C(1) << 36)
#define OPT_ENV (UINT64_C(1) << 37)
#define OPT_VOLUME (UINT64_C(1) << 38)
#define OPT_SECRET (UINT64_C(1) << 39)
#define OPT_GPUS (UINT64_C(1) << 40)
#define OPT_RESET (UINT64_C(1) << 41)
#define OPT_UPLOAD (OPT_ROUTE | OPT_PORT | OPT_ENV | OPT_VOLUME | OPT_SECRET | OPT_GPUS | OPT_RESET)

/* Parse argv (argv[0] is the verb), then fill the rest from environment, configuration and defaults. allowed: option_bits. Returns 0, or -1 with what is wrong and
 * what to do; diagnostics of the configuration file go to diags. */
int options_parse(int argc, char **argv, uint64_t allowed, struct arena *a, struct diag_list *diags,
                  struct options *ret, struct err *e);
/* The flags of a verb as help text, one a line. */
void options_help(uint64_t allowed, struct str *out);

#endif
