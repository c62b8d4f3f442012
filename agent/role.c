/* The ladder of what somebody may do, and its two sets of names.
 *
 * Comes in: a step or a word. Goes out: the other. "none" is printed and never taken: nobody is given it. */
#include "agent/role.h"

#include <string.h>

#include "spec/base/attr.h"

static const struct {
    const char *role, *scope;
} words[] = {
    [ROLE_NONE] = {"none", "none"},
    [ROLE_VIEWER] = {"viewer", "read"},
    [ROLE_DEPLOYER] = {"deployer", "deploy"},
    [ROLE_ADMIN] = {"admin", "admin"},
};

const char *role_name(enum role r)
{
    return words[r].role;
}

const char *role_scope(enum role r)
{
    return words[r].scope;
}

int role_parse(const char *name, enum role *ret)
{
    for (size_t i = ROLE_VIEWER; i < ARRAY_LEN(words); i++)
        if (strcmp(words[i].role, name) == 0) {
            *ret = (enum role)i;
            return 0;
        }
    return -1;
}

int role_parse_scope(const char *scope, enum role *ret)
{
    for (size_t i = ROLE_VIEWER; i < ARRAY_LEN(words); i++)
        if (strcmp(words[i].scope, scope) == 0) {
            *ret = (enum role)i;
            return 0;
        }
    return -1;
}
