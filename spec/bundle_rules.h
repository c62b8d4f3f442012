/* bundle_rules.h: what a spec that comes inside an archive may not ask for. */
#ifndef EK_BUNDLE_RULES_H
#define EK_BUNDLE_RULES_H

struct app_draft;
struct decode_ctx;

/* Services that name no source are built from the archive itself. Before validation. */
void bundle_default_source(const struct decode_ctx *c, struct app_draft *d);
/* Nothing in an archive reaches the host: an error for each key that would, with its place. */
void bundle_rules(struct decode_ctx *c, const struct app_draft *d);

#endif
