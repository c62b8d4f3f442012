/* fuzz_quarantine.c: any bytes as the record of a volume in quarantine.
 *
 * Beyond not crashing: what is taken for a record names the volume of its file, an owner, an app and an end, and its printed form is a record that says
 * the same. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "spec/base/arena.h"
#include "spec/base/err.h"
#include "spec/base/str.h"
#include "spec/quarantine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    CLEANUP(str_release) struct str text = STR_INIT, again = STR_INIT;
    const char *bytes = arena_strndup(a, (const char *)data, n);
    struct quarantine_record r, back;
    struct err e = {0};

    if (quarantine_parse("v", bytes, n, a, &r, &e) < 0) {
        assert(e.kind == ERR_USER && e.msg[0]);
        return 0;
    }
    assert(strcmp(r.volume, "v") == 0 && r.owner && r.app && r.until_ms && !r.problem);
    quarantine_print(&r, &text);
    assert(quarantine_parse("v", str_text(&text), text.len, a, &back, &e) == 0);
    quarantine_print(&back, &again);
    assert(strcmp(str_text(&text), str_text(&again)) == 0);
    return 0;
}
