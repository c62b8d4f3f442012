/* router_parts.h: what the rooms of the router share: router.c (the folder), router_api.c (Traefik's API) and router_seen.c (what is told of both).
 * Nobody else includes it. */
#ifndef EK_ROUTER_PARTS_H
#define EK_ROUTER_PARTS_H

#include "drivers/http.h"
#include "drivers/router.h"

struct route_said;
struct router_look;
struct router_seen;

struct route_entry { /* one file; heap */
    char *app;
    char *digest; /* "": unreadable or changed by hand; then it is never live */
    char *error;
    char **servers;
    size_t n_servers;
    enum route_state state;
    bool gone;          /* removed, and Traefik may route by it still: digest is the last one */
    bool scanned;       /* by the scan under way */
    int64_t since_ms;   /* wall clock: of the file, or of the Traefik that is to take it */
    int64_t changed_ms; /* monotonic: when we knew of it */
    int64_t mtime_ns, size, inode;
    struct route_said *said; /* what observers were given of it as it is now; NULL: nothing yet */
};

struct router {
    struct http *http;
    char *dir, *folder, *temp;
    struct route_entry **v; /* sorted by app */
    size_t n, cap;
    uint64_t comings;         /* entries made and forgotten so far */
    struct router_seen *seen; /* what observers were given of all; NULL: nothing yet */
    int64_t folder_mtime_ns;  /* after the last scan or write of ours */
    bool scanned;
    char *instance, *base, *why; /* base: "http://127.0.0.1:32768", NULL: nothing to ask */
    struct router_wait *waits;
    size_t n_waits;
    struct router_look *looks; /* that wait for the answer */
    struct http_call *asking;  /* for all files */
    struct http_timer *soon;   /* looks that end without a question */
    int64_t not_before_ms;     /* no question for all files before this: the last went wrong */
    struct err last;           /* what the API said last, if that was no answer */
    uint64_t calls;
};

/* ---- router.c ---- */

struct route_entry *router_entry(const struct router *r,
                                 const char *app); /* NULL: never heard of */
void router_settle(struct route_entry *f, enum route_state state, const char *error);
/* Removed, and seen to be removed. */
void router_forget(struct router *r, const char *app);
/* Nobody can be asked and it was written a while ago. */
bool router_presumed_live(const struct router *r, const struct route_entry *f);

void router_api_answered(struct router *r); /* every look that waits ends */

/* ---- router_seen.c ---- */

/* Something that observers know of it is about to be another, or is: they get it anew. */
void router_untell(struct route_entry *f);
void router_seen_release(struct router *r);

/* ---- router_api.c ---- */

void router_api_release(struct router *r);
/* One call about all files that are not known to be live, if there are any; then every look that waits ends. */
void router_api_ask(struct router *r);

#endif
