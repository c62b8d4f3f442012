/* plan_file.h: configs and secrets of one app whose files somebody changed. */
#ifndef EK_PLAN_FILE_H
#define EK_PLAN_FILE_H

#include "reconcile/plan_work.h"

/* After judge_app: say what differs, and which containers have read what they should not and must start again. */
void file_judge(struct app_work *p);
/* Before service_plan: the writes. Whatever is made or started with such a file waits for it. */
void file_plan(struct app_work *p);

#endif
