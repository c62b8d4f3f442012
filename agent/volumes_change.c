/* May a volume be taken out of quarantine, or deleted?
 *
 * Comes in: what is wanted and what is there, a volume's name. Goes out: a record's text, or whose wish is in the way. Refuses what is not ours, what a container uses and what an app declares. */
#include "agent/volumes_change.h"

#include "reconcile/quarantine_due.h"
#include "spec/document.h"
#include "spec/quarantine.h"

static int check_name(const char *volume, struct err *e)
{
    return quarantine_name_valid(volume)
               ? 0
               : err_set(e, ERR_USER, "\"%s\" is not the name of a volume", volume);
}

int volumes_restore(const struct plan_input *in, const char *volume, const char **ret_app,
                    struct err *e)
{
    if (check_name(volume, e) < 0)
        return -1;
    const struct quarantine_record *r = quarantine_record_of(in->observed, volume);

    if (!r)
        return err_set(e, ERR_USER, "%s is not in quarantine; `evenkeel volumes` lists what is",
                       volume);
    *ret_app = r->app && app_name_valid(r->app) ? r->app : NULL;
    return 0;
}

/* What is there may be purged if it is ours and nobody needs it. */
static int check_purge(const struct plan_input *in, const char *owner, const char *volume,
                       const struct obs_volume *v, struct err *e)
{
    const struct obs_container *user = quarantine_user(in->observed, volume);
    const struct want_app *declares = quarantine_declarer(in->desired, volume);

    if (!v)
        return err_set(e, ERR_USER, "there is no volume %s; `evenkeel volumes` lists them", volume);
    if (!v->owner || !v->app || strcmp(v->owner, owner) != 0)
        return err_set(e, ERR_DENIED, "volume %s was not made by the agent \"%s\"; it stays",
                       volume, owner);
    if (user)
        return err_set(e, ERR_CONFLICT,
                       "container %s uses volume %s; it stays (remove the app first)", user->name,
                       volume);
    if (declares)
        return err_set(e, ERR_CONFLICT,
                       "app %s declares volume %s; it stays (remove the app first)", declares->name,
                       volume);
    return 0;
}

int volumes_purge(const struct plan_input *in, const char *owner, const char *volume,
                  const char *by, struct str *ret_record, struct err *e)
{
    const struct quarantine_record *there = quarantine_record_of(in->observed, volume);
    const struct obs_volume *v = observed_volume(in->observed, volume);

    if (check_name(volume, e) < 0 || check_purge(in, owner, volume, v, e) < 0)
        return -1;
    const struct quarantine_record r = {
        .volume = volume,
        .owner = v->owner,
        .app = v->app,
        .why = "purge asked for",
        .by = by,
        .since_ms = there && !there->problem ? there->since_ms : in->now_ms,
        .until_ms = in->now_ms,
        .purge = true,
    };

    quarantine_print(&r, ret_record);
    return 0;
}
