/* bundle_rules.h: what the services of a spec inside an archive are built from. */
#ifndef EK_BUNDLE_RULES_H
#define EK_BUNDLE_RULES_H

struct app_draft;
struct decode_ctx;

/* Services that name no source are built from the archive itself. Before validation. */
void bundle_default_source(const struct decode_ctx *c, struct app_draft *d);

#endif
