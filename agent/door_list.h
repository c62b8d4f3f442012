/* door_list.h: the apps of a snapshot as JSON: made once for each snapshot, however often it is asked for. */
#ifndef EK_DOOR_LIST_H
#define EK_DOOR_LIST_H

#include <jansson.h>
#include <stddef.h>

#include "spec/base/str.h"

struct door_app;
struct door_facts;

#define DOOR_ETAG 20

struct door_list {
    char etag[DOOR_ETAG]; /* quoted; of everything that the list shows */
    struct str apps;      /* their objects, with a comma between each two */
    size_t *at; /* where each begins; one more: behind the end of the last, as if it had a comma */
    struct str tail; /* what comes behind the list of them */
};

/* Of these facts, which own it. The first one who asks makes it, on its own thread; the others wait for that. */
const struct door_list *door_list_of(struct door_facts *f);
void door_list_free(struct door_list *l); /* NULL is fine */
/* One of them; new reference. */
json_t *door_list_app(const struct door_app *x);

#endif
