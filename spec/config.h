/* config.h: the agent's configuration file, decoded. */
#ifndef EK_CONFIG_H
#define EK_CONFIG_H

#include <stddef.h>

#include "spec/app.h"
#include "spec/config_notify.h"
#include "spec/ingress.h" /* its hosts are those of `http:` */
#include "spec/policy.h"

struct arena;
struct diag_list;

/* Absent values are NULL, 0, unset or empty: flags and environment are asked first, and who reads this has the defaults. Texts live in the
 * arena. */
struct config {
    const char *name;   /* owner label of everything this agent makes */
    struct strv roots;  /* absolute */
    const char *state;  /* absolute */
    const char *docker; /* URL of the engine */
    const char *listen; /* "ADDR:PORT" or "none" */
    const char *pool;   /* network: {pool:}, "10.213.0.0/16" */
    int pool_prefix;    /* network: {prefix:}, longer than the pool's; 0: not given */
    struct num mem_limit, nano_cpus, pids_limit; /* defaults: */
    enum drift_mode drift;
    const char *log_level;                      /* log: {level:}: error, warning, info or debug */
    struct num max_size, max_file, max_entries; /* bundles: bytes, bytes, a count */
    struct num max_path, max_depth, max_ratio,
        read_timeout_ns;         /* likewise: bytes, folders, times */
    struct strv build_allow;     /* builds: {allow:}, absolute */
    struct num build_timeout_ns; /* builds: {timeout:} */
    struct policy policy;        /* policy: */
    struct notify_hooks notify;
    struct num quarantine_ns; /* volumes: {quarantine:} */
    struct ingress_settings
        ingress; /* complete but for dir and acme_dir: here, what is absent has its default already */
};

/* Returns 0, or -1 with at least one error in diags. ret is filled only on 0. name is for diagnostics and must outlive them. An empty file, or one
 * of comments alone, is a configuration that says nothing. `$` has no special meaning here. */
int config_parse(const char *name, const char *text, size_t n, struct arena *a,
                 struct diag_list *diags, struct config *ret);

/* "127.0.0.1:5001" in two parts, the address in the arena. Returns 0, or -1 with ret_why, one clause; the others may be NULL and are untouched then. */
int listen_parse(const char *text, struct arena *a, const char **ret_address, int *ret_port,
                 const char **ret_why);

#endif
