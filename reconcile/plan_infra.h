/* plan_infra.h: networks, volumes and images of one app. judge comes first; infra_network, infra_volume and infra_pull add what is missing
 * on demand and return the action after which it is there (NO_ACTION: it is there). */
#ifndef EK_PLAN_INFRA_H
#define EK_PLAN_INFRA_H

#include "reconcile/plan_work.h"

void infra_judge(struct app_work *p);
void infra_replace_networks(struct app_work *p);
uint32_t infra_network(struct app_work *p, struct network_work *n);
uint32_t infra_volume(struct app_work *p, struct volume_work *v);
uint32_t infra_pull(struct app_work *p, const struct want_service *s);
/* What is built stands on base images. They are pulled first; only then can its tag be told, and the next plan goes on. */
bool infra_bases_missing(const struct app_work *p, const struct want_service *s);
void infra_pull_bases(struct app_work *p, const struct want_service *s);
void infra_sweep_networks(struct app_work *p);
/* Remove a network of ours once these are done; a KEEP and a note if strangers are on it. */
void infra_remove_network(struct app_work *p, const struct obs_network *n, const char *cause,
                          const uint32_t *after, size_t n_after);

#endif
