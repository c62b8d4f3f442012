/* desired.h: files in, the complete desired state out: every name, label, default and network of every object.
 *
 * Nothing behind this header knows what language the files were in. Built anew when a file, an override or a setting changes;
 * borrows from the files' arenas, so it lives no longer than they do. Sorted, so that everything behind it is deterministic. */
#ifndef EK_DESIRED_H
#define EK_DESIRED_H

#include "spec/app.h"
#include "spec/base/js.h"
#include "spec/document.h"
#include "spec/facts.h"
#include "spec/ingress.h"
#include "spec/policy.h"
#include "spec/secret_facts.h"

/* The agent's settings as far as they shape desired state. */
struct settings {
    const char *owner; /* `name:`, default "default" */
    const char *pool;  /* "10.213.0.0/16" */
    int pool_prefix;   /* 26 */
    struct num mem_limit, nano_cpus,
        pids_limit;        /* `defaults:`, override design section 4's table where set */
    enum drift_mode drift; /* `drift:`, default heal */
    struct strv
        build_allow; /* `builds: {allow:}`: folders beside the roots that sources may lie in; absolute */
    int64_t build_timeout_ms;         /* `builds: {timeout:}`; 0: the driver's default */
    struct build_limits build_limits; /* `bundles:` */
    struct ingress_settings ingress;
    struct policy policy;  /* `policy:` */
    int64_t quarantine_ms; /* `volumes: {quarantine:}`; 0: the default (quarantine.h) */
    const char *files_dir; /* STATE/mounts, for configs and secrets; NULL: the default state's */
    const char *files_key; /* what keeps their names from telling what is in them; or NULL */
};

struct spec_root {
    const char *path; /* absolute */
    bool readable;    /* present and listed without an error */
};

struct desired_memo;

/* Everything that was read, as agent/sources (or a test) hands it over. Files in order of root, then path. */
struct spec_set {
    const struct spec_root *roots;
    size_t n_roots;
    const struct spec_file *const *files;
    size_t n_files;
    const struct spec_file *const *overrides;
    size_t n_overrides;
    const struct context_facts *const
        *facts; /* sorted by key; a build without facts counts as FACTS_WORKING */
    size_t n_facts;
    const struct secret_facts *secrets; /* sorted by name */
    size_t n_secrets;
    bool secrets_known; /* false: nobody looked, so none is missed (validation without a state) */
    struct strv routed; /* apps that have a route file (STATE/ingress/routes); sorted */
    struct kvs served;  /* route_key() -> app, out of those files (route_file_claims()) */
    struct desired_memo *memo; /* of apps built before (desired_memo.h); NULL: none */
};

/* One route with everything filled in. */
struct want_route {
    const struct route *spec;
    const char *name; /* APP_SERVICE_N: of its router and service in Traefik */
    const char *rule;
    int priority;
    int port; /* 0: the image's one EXPOSE, else 8000 (route_file.h, route_pool) */
    const char *cert, *key, *users; /* digests of the secrets' contents; NULL: asked for none */
    const char *address;            /* for people: "https://shop.example.com/" */
};

/* Who wrote an app. Whoever can change files of a root is trusted with the host; the others are confined (policy.h). */
enum app_origin { ORIGIN_ROOT = 0, ORIGIN_BUNDLE, ORIGIN_UPLOAD };
#define UPLOADS_FOLDER "uploads" /* of the first root: what is in there came over the network */
/* How an archive is called that was sent for an app, below that folder: this, the app's name, a point, its SHA-256, its ending. */
#define UPLOADED_FOLDER ".bundles/"

/* A file or folder of the host that a confined app mounts, having been allowed `folder`: whoever makes its containers makes sure that no link leads out. */
struct confined_path {
    const char *path, *folder;
    bool engine; /* the engine's socket too */
};

/* A container as it should be. `spec` is the service with every default applied. */
struct want_container {
    const struct want_app *app;
    const struct want_service *service;
    int index;         /* from 1 */
    const char *name;  /* APP-SERVICE-INDEX, or container_name */
    struct kvs labels; /* hashed: identity (without hash) + the user's + Compose's */
    struct kvs birth;  /* never hashed */
    /* Memo of reconcile/bind: canonical create body without image and hash, the image id it was sealed with, and the hash. */
    const char *body;
    const char *sealed_for;
    char hash[SHA256_HEX];
    /* ... and what an inspect of it reports (drivers/engine_fields.h), made from that body and that image. */
    struct kvs fields;
};

struct want_service {
    const char *name;
    const struct service *spec;
    const struct service *
        plain; /* of an app that adopts: without defaults of ours, as Compose would run it; else NULL */
    const char
        *image; /* normalised reference with tag or digest: "nginx:1.27-alpine", "nginx:latest" */
    const struct context_facts *
        facts; /* of what is built; NULL: it is not. Then image is NULL until reconcile/bind names it */
    struct want_container *containers;
    size_t n_containers;
    struct want_route *routes; /* in the order of the file; empty in ingress mode none */
    size_t n_routes;
    struct confined_path *confined;
    size_t n_confined;
    size_t order; /* position in a topological order of depends_on; equal inputs, equal order */
};

struct want_network {
    const char *key, *name;
    const struct network *spec;
    struct kvs labels, birth;
    bool external;
};

struct want_volume {
    const char *key, *name;
    const struct volume *spec;
    struct kvs labels, birth;
    bool external;
};

struct want_file { /* a config or secret that is to be there before a container is */
    const char *
        path; /* absolute; follows from app, content, owner and mode, and gives none of them away */
    const char *secret; /* full name in the store, or NULL */
    const char *digest; /* SHA-256 that the content must have */
    const struct placed_file *spec;
};

struct want_app {
    const char *name;
    struct place at;
    const char *root, *file; /* file is below root */
    const char *origin;      /* ROOT//FILE */
    enum app_origin from;
    const char *trusted; /* of a confined app: what stands in this file is not confined; or NULL */
    const char *
        own; /* of a confined app: the archive that it may read; of an upload, how their names begin */
    enum app_wish state;
    enum drift_mode drift;
    struct strv drift_ignore; /* fields, by their names in the comparison; sorted, unique */
    bool held;                /* hold in force */
    int64_t held_until_ms;    /* 0: until released */
    int64_t restarted_at_ms;
    struct strv
        overrides; /* one line of words for each override in force, for status, plan and drift */
    const char *refused; /* NULL, or why it is not deployed, with the place of who was first */
    char digest
        [SHA256_HEX]; /* of everything above and below that shapes it; equal digest, nothing changed */
    struct want_service *services; /* sorted by name */
    size_t n_services;
    struct want_network *networks; /* sorted by name */
    size_t n_networks;
    struct want_volume *volumes; /* sorted by name */
    size_t n_volumes;
    struct want_file *placed; /* sorted by path, unique */
    size_t n_placed;
    const char *adopt;     /* the Compose project that it takes over; or NULL */
    struct place adopt_at; /* of the word that asks for it */
    bool routed;           /* some service has a route */
    bool builtin;          /* the managed Traefik (desired_ingress.h): no file holds it */
    struct strv addresses; /* of its routes, in the order of services and routes */
    struct strv
        secrets; /* full names ("NAME", "APP/NAME") of those its routes use; sorted, unique */
    struct kvs
        variables; /* of a Compose file: name -> file it came from, "" for what is built in */
    bool
        invalid_input; /* its document is broken: only name, place and origin are filled; verdict Frozen */
};

struct desired {
    const struct settings *settings;
    const struct spec_root *roots;
    size_t n_roots;
    const struct spec_file *const *
        files; /* for law 6: which origins are broken. What is a part of another file has no documents and no complaints here */
    size_t n_files;
    struct want_app
        *apps; /* sorted by name, unique; refused twins are left out and told in diags */
    size_t n_apps;
    struct strv removed; /* names with an override `state: removed` that no file holds */
    struct kvs
        leaving; /* app -> who asked ("": not said), of overrides `state: removed` with `volumes: quarantine` */
    struct diag_list diags; /* across files: duplicates, unknown override names */
    int64_t next_change_ms; /* when a hold ends by itself and this must be built again; 0 never */
};

/* incumbents: app name -> origin, of the apps the engine already runs (who runs keeps a name, port or path claimed twice;
 * else the earlier root, then the path in order). now_ms decides holds. */
struct desired *desired_build(const struct spec_set *set, const struct settings *settings,
                              const struct kvs *incumbents, int64_t now_ms, struct arena *a);

/* The archive or folder of a source of its was not read (yet, or at all), so what it holds - other services, volumes - is not known: what the app has must not be taken for too much. */
bool want_app_unread(const struct want_app *app);
const struct want_app *desired_app(const struct desired *d,
                                   const char *name); /* NULL when not there */

/* "nginx" -> "nginx:latest"; references with a tag or digest stay. NULL if it is not a valid reference. */
const char *image_reference(const char *image, struct arena *a);

#endif
