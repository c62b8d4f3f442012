/* hands.c: who did it: the engine's events that change what is ours, kept until all is well again.
 *
 * Comes in: a happening that is not of our own doing. Goes out: notes in the memo, and in the diary, so that a plan made beside the agent, or
 * after it, can name event and time. Refuses events that change nothing we compare. */
#include "agent/hands.h"

#include "agent/core.h"
#include "agent/memo.h"
#include "agent/store.h"
#include "drivers/driver.h"

static bool by_hand(const char *action)
{
    static const char *const words[] = {"destroy", "die",    "stop",    "kill",       "pause",
                                        "rename",  "update", "connect", "disconnect", "oom"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcmp(action, words[i]) == 0)
            return true;
    return false;
}

static void keep_hand(struct memo *m, struct store *s, const char *app, const char *object,
                      const char *what)
{
    memo_hand(m, app, object, what);
    if (s)
        store_hand(s, app, object, what);
}

/* Whoever ends leaves its networks, too: that is no hand's work of its own. */
static bool ended(const char *what)
{
    static const char *const words[] = {"destroy ", "die ", "stop ", "kill ", "oom "};
    for (size_t i = 0; what && i < ARRAY_LEN(words); i++)
        if (strncmp(what, words[i], strlen(words[i])) == 0)
            return true;
    return false;
}

void hands_note(struct memo *m, struct store *s, const struct happening *h)
{
    CLEANUP(str_release) struct str when = STR_INIT, what = STR_INIT, object = STR_INIT;
    if (!by_hand(h->action))
        return;
    bool network = strncmp(h->object, "network ", 8) == 0;
    str_add_time(&when, h->time_ms ? h->time_ms : core_now_ms());
    str_addf(&what, "%s at %s", h->action, str_text(&when));
    if (!h->container || network)
        keep_hand(m, s, h->app, h->object, str_text(&what));
    if (!h->container)
        return;
    if (network) {
        str_clear(&what);
        str_addf(&what, "%s %s %s at %s", h->action,
                 strcmp(h->action, "connect") == 0 ? "to" : "from", h->object, str_text(&when));
    }
    str_addf(&object, "container %s", h->container);
    if (network && ended(memo_hand_of(m, str_text(&object))))
        return;
    keep_hand(m, s, h->app, str_text(&object), str_text(&what));
}
