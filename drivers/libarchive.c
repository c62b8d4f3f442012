/* libarchive.c: loads libarchive once, when it is first asked for.
 *
 * In: nothing. Out: its functions under their own names, without the prefix. It stays loaded to the end; a library that is
 * missing is told to each caller again. */
#include "drivers/libarchive.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "spec/base/attr.h"

#define SONAME "libarchive.so.13" /* of every libarchive 3 */

static struct libarchive functions;
static bool found;

static const struct {
    const char *name;
    size_t offset;
} wanted[] = {
#define WANTED(name) {"archive_" #name, offsetof(struct libarchive, name)},
    LIBARCHIVE_FUNCTIONS(WANTED)
#undef WANTED
};

static void load(void)
{
    void *library = dlopen(SONAME, RTLD_LAZY | RTLD_LOCAL);

    for (size_t i = 0; library && i < ARRAY_LEN(wanted); i++) {
        void *function = dlsym(library, wanted[i].name);

        if (!function)
            return;
        *(void **)((char *)&functions + wanted[i].offset) = function;
    }
    found = library != NULL;
}

const struct libarchive *libarchive_get(struct err *e)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, load);
    if (found)
        return &functions;
    (void)err_set(e, ERR_USER,
                  "cannot read archives: " SONAME
                  " is not installed or too old (Debian, Ubuntu: apt-get install libarchive13)");
    return NULL;
}
