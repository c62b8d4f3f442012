/* log.h: one line for people and machines per thing worth knowing: time level message key=value... to standard error.
 *
 * Only agent/ logs; lower layers return. Text of strangers is escaped. Coloured and short on a terminal, plain in a pipe; under systemd
 * (JOURNAL_STREAM) without time, with <N> priorities. Thread-safe. */
#ifndef EK_LOG_H
#define EK_LOG_H

#include "spec/base/attr.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

void log_init(enum log_level level);
int log_level_parse(const char *word, enum log_level *ret);
/* app may be NULL. */
void log_line(enum log_level level, const char *app, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
