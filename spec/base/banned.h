/* banned.h: calls this project does without; each is a compile error (forced in by -include).
 *
 * They overrun, truncate without a word, keep static state, or start a shell. Use struct str (str.h),
 * snprintf into err, gmtime_r/localtime_r, strtok_r, posix_spawn. */
#ifndef EK_BANNED_H
#define EK_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#undef strcpy
#undef strcat
#undef strncpy
#undef strncat
#undef strtok
#undef sprintf
#undef vsprintf
#undef gmtime
#undef localtime
#pragma GCC poison strcpy strcat strncpy strncat strtok sprintf vsprintf gmtime localtime system   \
    popen gets

#endif
