/* draft.h: an app while it is being decoded: the final structs plus what is needed only until it is validated. */
#ifndef EK_DRAFT_H
#define EK_DRAFT_H

#include "spec/app.h"

struct yaml_node;

struct env_source { /* one entry of `env_file` */
    struct place at;
    const struct yaml_node *node;
    const char *path; /* absolute */
    enum tri required;
    bool raw; /* format: raw */
};

struct secret_use { /* one entry of a service's `configs` or `secrets` */
    struct place at;
    bool secret;
    const char *source, *target; /* target: as written, or NULL */
    struct num uid, gid, mode;
};

struct secret_entry { /* one of the document's */
    struct place at;
    const char *key, *file; /* file: absolute; NULL when it was not given */
    const char *variable, *content, *name;
    enum tri external;
    const char *digest; /* of file, or of what content and variable stand for */
};

struct lender { /* one entry of `volumes_from` */
    struct place at;
    const char *service;
    bool read_only;
};

enum lending { LENDING_NEW = 0, LENDING_OPEN, LENDING_DONE };

struct service_draft {
    struct service s;
    const struct yaml_node *node; /* the mapping it came from, for places */
    struct env_source *env_sources;
    size_t n_env_sources;
    struct env_source *label_sources; /* `label_file` */
    size_t n_label_sources;
    struct lender *lenders;
    size_t n_lenders;
    enum lending lending; /* how far links_join is with its mounts */
    struct secret_use *uses;
    size_t n_uses;
};

struct app_draft {
    struct app a;                 /* services stay empty until draft_finish */
    const struct yaml_node *node; /* the document */
    struct service_draft *services;
    size_t n_services;
    struct secret_entry *configs, *secrets;
    size_t n_configs, n_secrets;
    struct strv profiles; /* of a Compose file; what they leave out is gone already */
};

#endif
