/* door_parts.h: what the rooms of the door share. Nobody else includes it.
 *
 * door.c the way from a request to its handler    door_caller.c who asks: token, session, nobody
 * door_rows.c which handler has which row          door_login.c  logging in and out, passwords
 * door_apps.c apps: list, words, specs             door_place.c  specs and bundles put into a root
 * door_take.c  an archive taken in, and read through
 * door_pages.c plain pages for browsers            door_host.c   probes, metrics, accounts, tokens, audit
 * door_plan.c  plans, drift, held removals          door_trial.c  what an upload would do
 * door_stats.c what containers use                  door_volumes.c volumes and quarantine
 * door_secrets.c secrets, write-only                door_onboard.c a new app from a form
 * door_bundle.c archives with what is said of them
 * door_stream.c what stays open: events, logs, waiting for an app */
#ifndef EK_DOOR_PARTS_H
#define EK_DOOR_PARTS_H

#include <jansson.h>
#include <pthread.h>

#include "agent/access.h"
#include "agent/audit.h"
#include "agent/auth.h"
#include "agent/desk.h"
#include "agent/door.h"
#include "agent/door_facts.h"
#include "agent/figures.h"
#include "agent/limiter.h"
#include "agent/sessions.h"
#include "agent/tokens.h"
#include "agent/upload_spec.h"
#include "agent/web_route.h"

struct multipart;
struct spec_file;

struct door_loop;
struct stream;

struct door {
    const struct options *o;
    struct auth *auth;
    struct sessions *sessions;
    struct tokens *tokens;
    struct limiter *limiter;
    struct audit *audit;
    struct desk *desk;
    struct figures *figures;
    const char *
        uploads; /* folder in the first root that only the agent writes, or NULL: the first root is a file */
    struct arena *arena; /* uploads */
    atomic_int uploading, measuring;
    atomic_int strangers;        /* whose bodies are being read */
    atomic_uint_fast64_t placed; /* how often something was put into the root */
    struct stream *stream;       /* NULL: nothing stays open */
    struct door_loop *loop;      /* NULL: there is no loop yet */
    pthread_mutex_t placing;     /* one file is placed at a time */
    pthread_mutex_t trying;      /* one is planned at a time */
    pthread_mutex_t lock;        /* guards facts */
    struct door_facts *facts;
};

/* One request on its way. */
struct door_call {
    struct door *door;
    const struct web_request *r;
    struct access_verdict v;
    struct access_request caller;
    const char *by; /* "anna", "token:ci"; "" nobody */
    char session_id[CREDENTIAL_TEXT];
    struct session session; /* of CALLER_SESSION */
    struct token token;     /* of CALLER_TOKEN */
    struct door_facts *facts;
    struct arena *a;
    struct multipart *multipart; /* a form with a file, read as far as its csrf field */
    const char *form;            /* the body of a form without one */
    int64_t now_ms, mono_ms;
    bool waits;          /* a place for `?wait=1` is reserved (door_stream_check_wait) */
    uint64_t heard;      /* the number of the last event before this request did anything */
    const char *did_app; /* for the audit log, if it is not the path's */
    const char *detail;  /* likewise; NULL: nothing */
};

typedef void door_handler(struct door_call *c, struct web_reply *ret);

struct door_row {
    const char *method, *path; /* those of a row of access.h, to the byte */
    door_handler *run;
};

/* NULL: there is none, which the unit tests make impossible. */
door_handler *door_handler_of(const struct access_row *row);
const struct door_row *door_rows(size_t *ret_n);

/* ---- door_caller.c ---- */
/* Fills caller, by, session, token. */
void door_identify(struct door_call *c);
/* The session's cookie in a Cookie header, in the arena; NULL: not there, or there twice. */
const char *door_cookie_value(const char *header, struct arena *a);
/* The cookie of a session, or of its end (id NULL). */
void door_set_cookie(const struct door_call *c, const char *id, struct web_reply *ret);

/* ---- reading what was sent ---- */
/* The whole body, at most max bytes, in the arena and NUL-terminated. -1 with ret filled: too large, broken off. */
int door_body(struct door_call *c, size_t max, const char **ret_text, size_t *ret_n,
              struct web_reply *ret);
/* The body as a JSON object, or -1 with ret filled. */
int door_json(struct door_call *c, json_t **ret_json, struct web_reply *ret);
/* A value of a query or form (application/x-www-form-urlencoded), decoded, in the arena; NULL: not there, there twice, or not to be decoded. */
const char *door_form_value(const char *text, const char *name, struct arena *a);

/* One name and value after another. 1, 0: there are no more, -1: one that cannot be decoded. */
int door_form_next(const char **at, struct arena *a, const char **ret_name, const char **ret_value);

/* ---- answering ---- */
void door_reply_json(struct web_reply *ret, int status, json_t *v); /* takes v */
void door_redirect(struct web_reply *ret, const char *path);
/* The {app} of the path as it is known; NULL with ret filled: nobody knows it. */
const struct door_app *door_known(struct door_call *c, struct web_reply *ret);

/* ---- door_place.c ---- */
/* Run it on a thread with room for parsers, and wait. -1: there is no thread to be had. */
int door_deep(void (*run)(void *arg), void *arg, struct err *e);
/* What uploads that were cut off by a kill have left. */
void door_place_sweep(const struct door *d);
/* ---- door_plan.c ---- */
struct core_pass;
/* On the loop. DESK_DONE without e: *ret is planned, of this app, or of none (""), which still tells what is held and what is there. All of it lives in pass, which must be
 * freed on the loop: what is known of the engine is counted there, and by nobody else. */
enum desk_end door_plan_now(const struct desk_world *w, const char *app, struct arena *pass,
                            struct core_pass *ret, struct err *e);

/* ---- door_trial.c ---- */
struct door_trial {
    bool dry_run;        /* only plan */
    bool skip;           /* do not plan at all */
    json_t *plan;        /* ret: or NULL */
    const char *trouble; /* ret: why there is none */
};
/* -1: it would not be deployed; or, with dry_run, it cannot be planned now. */
int door_trial(struct door_call *c, const struct spec_file *f, const char *app,
               struct door_trial *t, struct err *e);
void door_trial_release(struct door_trial *t);
/* Is `name=1` (or true) in the query? */
bool door_flag(const struct door_call *c, const char *name);

/* An archive on its way into the first root. */
struct door_upload {
    const char *app; /* "": not given */
    struct upload_spec spec;
    struct kvs typed; /* of a page: what stood in its fields, good or not */
    long (*read)(void *ctx, void *buf, size_t n); /* as read(2) */
    void *ctx;
    int64_t length;     /* -1: not known */
    const char *sha256; /* ret: of the archive */
    bool unchanged;     /* ret: it was there already */
    bool full;          /* ret: refused because there is no room for it */
    struct door_trial trial;
};
/* ---- door_take.c ---- */
/* A file in the folder of archives that no spec names yet; whose it is to unlink what has a path, whatever was returned. */
struct door_taken {
    const char *path;   /* NULL: none was made */
    const char *ending; /* by its first bytes: "zip", "tar.gz", "tar.zst" */
    int64_t bytes;
};
/* All that is sent, read through once. Fills u->sha256 and u->full. */
int door_take(struct door_call *c, const char *folder, struct door_upload *u,
              struct door_taken *ret, struct err *e);

/* ---- door_place.c ---- */
/* Take it in, check it, put it and the spec that names it in place. -1: no spec names it; what is refused leaves nothing. */
int door_place_bundle(struct door_call *c, struct door_upload *u, struct web_reply *ret,
                      struct err *e);

/* What the sender of an archive or spec is told; followed with `?wait=1`. sha256 NULL: a spec. */
void door_tell_placed(struct door_call *c, const char *app, const char *sha256, bool unchanged,
                      struct door_trial *t, struct web_reply *ret);
/* A form with an archive, the file `bundle`: taken in and placed as door_place_bundle says, with its fields. With page it has `csrf` and, before the archive, `app`, too. */
int door_take_form(struct door_call *c, struct door_upload *u, bool page, struct web_reply *ret,
                   struct err *e);

/* A spec put into uploads/, checked and planned before; ret is what its sender is told. */
void door_place_spec(struct door_call *c, const char *app, const char *text, size_t n,
                     struct web_reply *ret);
/* As YAML and JSON both take it. */
void door_add_quoted(struct str *out, const char *text);
/* ---- door_stream.c ---- */
/* Is this credential (door_stream_credential) good still, for the role it had? As stream_rules.good, ctx being the door. */
bool door_stream_good(void *ctx, const char *credential);
/* As stream_rules.gone. */
void door_stream_gone(void *ctx, uint64_t client);
/* `?wait=1`: what was placed for this app is followed until it is well, or is not. ret, filled before, is what is said where that cannot be. Nobody asked for it: nothing. */
void door_stream_wait(struct door_call *c, const char *app, struct web_reply *ret);
/* Before anything is done: the query's `wait` and `timeout` are good, and there is a place to wait in. -1 with ret filled. */
int door_stream_check_wait(struct door_call *c, struct web_reply *ret);
/* The place that was not used after all. */
void door_stream_leave_wait(struct door_call *c);

/* ---- handlers, by room ---- */
door_handler door_events, door_logs, door_builds;
door_handler door_login_page, door_login_form, door_logout_form;
door_handler door_api_login, door_api_session, door_api_logout, door_api_logout_everywhere,
    door_api_password;
door_handler door_upload_page, door_upload_form;
door_handler door_app_onboard, door_apps_list, door_app_get, door_app_word, door_app_history;
door_handler door_spec_get, door_spec_put, door_spec_delete, door_bundle_put;
door_handler door_app_plan, door_app_drift, door_stats;
door_handler door_volumes, door_volume_restore, door_volume_purge;
door_handler door_secrets, door_secret_put, door_secret_delete;
door_handler door_readyz, door_metrics, door_agent, door_removals, door_removal_confirm,
    door_validate;
door_handler door_accounts, door_account_put, door_account_delete, door_tokens, door_token_create,
    door_token_revoke, door_audit, door_audit_verify;

#endif
