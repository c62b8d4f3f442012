/* plan_judge.h: the parts of judging one place: which container stays, on which networks and under which name it is, and the words for
 * what differs. */
#ifndef EK_PLAN_JUDGE_H
#define EK_PLAN_JUDGE_H

#include "reconcile/plan_work.h"

/* Fill replicas and leftovers; say what differs and what is to be done, in words and flags. */
void judge_app(struct app_work *p);

/* plan_pick.c: order r->have best first, fill keeper and former. *ret_leaving: one of them is being removed by the engine. */
void pick_container(struct app_work *p, struct replica *r, bool *ret_leaving);
/* The container is just what is wanted, apart from volumes and what it shares. */
/* Why this container can never run again, however right it is; NULL: it can. */
const char *pick_hopeless(const struct obs_container *c);
bool pick_hash_is_wanted(struct app_work *p, const struct replica *r,
                         const struct obs_container *c);
/* Name of a volume that the service mounts and that is gone, or NULL. */
const char *pick_missing_volume(struct app_work *p, const struct want_service *s);

/* plan_attach.c: the keeper's networks and name. */
void attach_judge_networks(struct app_work *p, struct replica *r);
void attach_judge_name(struct app_work *p, struct replica *r);
/* Refuses the app when somebody else's container has the name that is needed here. */
void attach_judge_squatter(struct app_work *p, const struct replica *r);

/* plan_judge.c: note one difference of the place; the first cause stays, pending wins over found. False: a hand's doing that is left,
 * because `drift: {ignore:}` names the field or `drift: report` holds. */
bool judge_differ(struct app_work *p, struct replica *r, enum drift_kind kind, struct change change,
                  const char *cause);
/* `drift: {ignore:}` names the field, or the map or list that it is an element of; of mem_limit and memswap_limit either. */
bool judge_ignores(const struct app_work *p, const char *field);
/* It ran and ended, and its restart policy leaves it so. */
bool judge_ended_for_good(const struct service *spec, const struct obs_container *c);
/* `drift: report` holds for the app. */
bool judge_reports(const struct app_work *p);
/* "gone (destroy at 10:00:03)", or as much of it as is known; the event is one that can change the field. */
const char *judge_by_hand(struct app_work *p, const struct replica *r, const char *field,
                          const char *what, const char *otherwise);
/* What was noted as the cause of this field's difference: of several on one container each repair has its own. */
const char *judge_cause_of(const struct app_work *p, const struct replica *r, const char *field);
const char *judge_cause_of_network(const struct app_work *p, const struct replica *r,
                                   const char *network);
/* The diary says that exactly this was up under this name, and that we did not take it down. */
bool judge_was_up_as(const struct app_work *p, const struct replica *r, const char *name);

#endif
