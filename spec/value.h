/* value.h: values that may be absent, so that an absent one is distinguishable from false or zero. */
#ifndef EK_VALUE_H
#define EK_VALUE_H

#include <stdbool.h>
#include <stdint.h>

enum tri { TRI_UNSET = 0, TRI_NO, TRI_YES };

struct num {
    int64_t v;
    bool set;
};

#endif
