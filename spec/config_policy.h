/* config_policy.h: `policy:` of the agent's configuration file. */
#ifndef EK_CONFIG_POLICY_H
#define EK_CONFIG_POLICY_H

#include "spec/fields.h"

extern const struct table fields_config_policy; /* over struct policy */

#endif
