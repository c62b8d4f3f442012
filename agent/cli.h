/* cli.h: the verbs. Each takes parsed options and returns the exit code that design section 9 promises. */
#ifndef EK_CLI_H
#define EK_CLI_H

#include "agent/options.h"

typedef int verb_fn(const struct options *o);

verb_fn cli_agent, cli_validate, cli_plan, cli_apply, cli_drift, cli_status, cli_logs, cli_history,
    cli_replay, cli_schema, cli_version, cli_stop, cli_start, cli_restart, cli_remove, cli_hold,
    cli_release, cli_convert, cli_deploy, cli_gc, cli_secret, cli_token, cli_audit, cli_volumes,
    cli_stats;

const char *evenkeel_version(void);

/* "evenkeel: TEXT" on standard error, in red on a terminal. Returns 1. */
int cli_fail(const struct err *e);
/* Print diagnostics to standard error; returns how many are errors. */
size_t cli_diags(const struct diag_list *l, bool notes);

#endif
