/* facts_tool.h: sources that are read with a program of the host: nixpacks, or pack of the Cloud Native Buildpacks. A room of facts_read.c. */
#ifndef EK_FACTS_TOOL_H
#define EK_FACTS_TOOL_H

#include "agent/facts_read.h"

struct context;

/* "nixpacks", "buildpacks", or NULL. */
const char *facts_tool(const struct build *b);
/* Its name in the source: what the tool calls it, else what the user does. */
const char *facts_tool_dockerfile(const struct build *b);
/* False, and e says what to install or to write instead. */
bool facts_tool_is_there(const struct build *b, struct err *e);
/* Which program it is, as far as the disk tells. */
void facts_tool_print(const struct build *b, struct str *out);
/* Fills what the tool adds; *ret is the text of the Dockerfile, in the arena. For buildpacks, of which pack makes the image later, that is what is put on top of it. */
int facts_tool_run(const struct facts_order *o, struct context *c, struct arena *a,
                   struct context_facts *f, const char **ret, struct err *e);

#endif
