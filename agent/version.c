/* The version, as `git describe` said when this was built. */
#include "agent/cli.h"

const char *evenkeel_version(void)
{
    return EVENKEEL_VERSION;
}
