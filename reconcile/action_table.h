/* action_table.h: what is fixed about each kind of action: its words, its sign in a printed plan, its operation. */
#ifndef EK_ACTION_TABLE_H
#define EK_ACTION_TABLE_H

#include "reconcile/action.h"

struct action_row {
    const char *name; /* in JSON and the diary; a promise */
    const char *verb; /* for people */
    char sign;        /* + made, - removed, ~ changed, . waited for, ! left alone on purpose */
    enum op_kind op;
};

/* Never NULL. */
const struct action_row *action_row(enum action_kind kind);

#endif
