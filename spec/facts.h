/* facts.h: what is known of each build context, as far as planning needs it: read by a worker, an input of desired state like the files themselves. */
#ifndef EK_FACTS_H
#define EK_FACTS_H

#include "spec/app.h"
#include "spec/base/js.h"

enum facts_state { FACTS_WORKING, FACTS_READY, FACTS_FAILED };

struct context_facts {
    const char *key; /* facts_key() */
    enum facts_state state;
    const char *error; /* FACTS_FAILED: one line, naming the file at fault */
    bool
        passing; /* FACTS_FAILED for a reason that passes, such as a full disk: read again at every look */
    const char *digest;      /* of the content */
    const char *fingerprint; /* under which it was read; NULL or "": not known */
    const char *dockerfile;  /* its path in the context */
    const char *
        dockerfile_text; /* sent in its place: generated, inline, or with its syntax line replaced; NULL: as it stands */
    const char
        *made_for; /* "node: package.json with a start script"; NULL: the context brought its own */
    const char
        *tool; /* "nixpacks" or "buildpacks": what of the host it is built with; NULL: nothing */
    const char *
        builder; /* buildpacks: their image, as the user wrote it; there is no Dockerfile then, dockerfile_text is what follows its FROM */
    struct kvs files, args; /* what the tool adds: files of the context, build arguments */
    struct strv images;     /* base images that must be on the engine first */
    struct strv platforms; /* beside them: what FROM --platform says, or "" for the service's own */
    struct strv notes;     /* for people: "the syntax line was replaced" */
    bool needs_buildkit;   /* the classic builder cannot build it */
    bool
        asks_platform; /* its Dockerfile names TARGETARCH or the like where it names its base images */
    int port; /* the one EXPOSE, or what the made Dockerfile listens on; 0: none or several */
    int64_t bytes;
};

/* One text for everything of a service that shapes the facts of its build. In the arena. */
const char *facts_key(const struct service *service, struct arena *a);
/* By key in a sorted array; NULL when it is not there. */
const struct context_facts *facts_find(const struct context_facts *const *v, size_t n,
                                       const char *key);

#endif
