/* deeds.c: sorts the engine's events by what they can have changed.
 *
 * In: the word of an event, or the name of a field, and what history remembers. Out: the key under which an event is kept, and the one
 * event that fits a field. A key without a class may hold an event of any class (diaries of earlier versions do), so its word is read
 * before it is believed. It refuses to guess: an event that cannot have done it is no cause. */
#include "reconcile/deeds.h"

#include <string.h>

#include "drivers/engine_fields.h"
#include "spec/base/attr.h"

enum deed_class { DEED_STATE, DEED_UPDATE, DEED_RENAME, DEED_NETWORK };

static bool first_word_is(const char *text, const char *word)
{
    size_t n = strlen(word);

    return strncmp(text, word, n) == 0 && (!text[n] || text[n] == ' ');
}

static enum deed_class class_of(const char *action)
{
    if (first_word_is(action, "connect") || first_word_is(action, "disconnect"))
        return DEED_NETWORK;
    return first_word_is(action, "update")   ? DEED_UPDATE
           : first_word_is(action, "rename") ? DEED_RENAME
                                             : DEED_STATE;
}

/* "connect to network x at ..." -> "x at ..."; NULL: it does not say which. */
static const char *network_in(const char *action)
{
    const char *rest = strchr(action, ' ');

    if (!rest || (strncmp(rest, " to ", 4) != 0 && strncmp(rest, " from ", 6) != 0))
        return NULL;
    rest = strchr(rest + 1, ' ') + 1;
    return strncmp(rest, "network ", 8) == 0 ? rest + 8 : rest;
}

static bool is_of_network(const char *action, const char *network)
{
    const char *name = network_in(action);

    return !name || first_word_is(name, network);
}

static void add_key(const char *object, enum deed_class class, const char *network, size_t n,
                    struct str *ret)
{
    str_add(ret, object);
    switch (class) {
    case DEED_STATE: return;
    case DEED_UPDATE: str_add(ret, " update"); return;
    case DEED_RENAME: str_add(ret, " rename"); return;
    case DEED_NETWORK:
        str_add(ret, " network ");
        str_addn(ret, network, n);
        return;
    }
}

void deeds_key(const char *object, const char *action, struct str *ret)
{
    bool container = strncmp(object, "container ", 10) == 0;
    enum deed_class class = container ? class_of(action) : DEED_STATE;
    const char *network = class == DEED_NETWORK ? network_in(action) : NULL;

    if (class == DEED_NETWORK && !network)
        class = DEED_STATE; /* of whichever network: is_of_network() */
    add_key(object, class, network, network ? strcspn(network, " ") : 0, ret);
}

static const char *event_of(const struct kvs *handmade, const char *object, enum deed_class class,
                            const char *network)
{
    CLEANUP(str_release) struct str key = STR_INIT;

    add_key(object, class, network, network ? strlen(network) : 0, &key);
    const char *own = kvs_get(handmade, str_text(&key));
    const char *any = own ? own : kvs_get(handmade, object);

    if (!any || class_of(any) != class || (network && !is_of_network(any, network)))
        return NULL;
    return any;
}

const char *deeds_end(const struct kvs *handmade, const char *object)
{
    const char *event = kvs_get(handmade, object);

    return event && first_word_is(event, "destroy") ? event : NULL;
}

const char *deeds_of(const struct kvs *handmade, const char *container, const char *field)
{
    CLEANUP(str_release) struct str object = STR_INIT;
    const char *event = NULL;

    str_addf(&object, "container %s", container);
    if (strcmp(field, "state") == 0)
        return event_of(handmade, str_text(&object), DEED_STATE, NULL);
    if (strcmp(field, "name") == 0)
        event = event_of(handmade, str_text(&object), DEED_RENAME, NULL);
    else if (strncmp(field, "networks.", 9) == 0)
        event = event_of(handmade, str_text(&object), DEED_NETWORK, field + 9);
    else if (engine_field_repair(field) == FIELD_UPDATE)
        event = event_of(handmade, str_text(&object), DEED_UPDATE, NULL);
    return event ? event : deeds_end(handmade, str_text(&object));
}
