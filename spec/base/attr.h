/* attr.h: the three macros of the house, and nothing else.
 *
 * CLEANUP(fn) runs fn(&variable) when the variable leaves its scope (which is use enough), TAKE hands the value out of such a
 * variable, ARRAY_LEN counts a real array. */
#ifndef EK_ATTR_H
#define EK_ATTR_H

#include <stddef.h>

#define CLEANUP(fn) __attribute__((cleanup(fn), unused))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define TAKE(p)                                                                                    \
    __extension__({                                                                                \
        __typeof__(p) taken_ = (p);                                                                \
        (p) = NULL;                                                                                \
        taken_;                                                                                    \
    })

#endif
