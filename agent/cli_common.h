/* cli_common.h: what several verbs share: opening files and engine, planning once, writing to a terminal. */
#ifndef EK_CLI_COMMON_H
#define EK_CLI_COMMON_H

#include "agent/core.h"

/* Open, scan, take history from the diary, look once. Prints the diagnostics of broken files. words of the options become the scope;
 * a word that names no app is an error (with the nearest name). 0, or -1 with e. */
int cli_core_open(struct core *c, const struct options *o, bool inspect, struct err *e);
/* Plan the apps that the options name. */
void cli_core_plan(struct core *c, struct arena *a, struct core_pass *ret);
/* Diagnostics of all files and of what is claimed twice. Returns the errors. */
size_t cli_core_diags(const struct core *c);
/* 0, or -1 when a word names neither a wanted app nor one that the engine has. */
int cli_check_words(const struct core *c, const struct options *o, struct err *e);
/* --since as wall clock ms; 0 when it was not given. */
int cli_since_ms(const struct options *o, int64_t *ret, struct err *e);
void cli_put_json(const json_t *v); /* pretty, to standard output */
void cli_put(const struct str *s);

#endif
