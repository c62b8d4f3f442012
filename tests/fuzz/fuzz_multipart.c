/* fuzz_multipart.c: any bytes as a form with files. The first byte says in pieces of what size they arrive, the first line is the Content-Type, the rest the body.
 *
 * Beyond not crashing: reading comes to an end, parts give no more bytes than there were, and names keep within their bounds. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "agent/multipart.h"
#include "spec/base/arena.h"
#include "spec/base/str.h"

struct source {
    const uint8_t *bytes;
    size_t n, step;
};

static long give(void *ctx, void *buf, size_t n)
{
    struct source *s = ctx;
    size_t take = s->n < s->step ? s->n : s->step;

    take = take < n ? take : n;
    if (take > 0)
        memcpy(buf, s->bytes, take);
    s->bytes += take;
    s->n -= take;
    return (long)take;
}

static void read_parts(struct multipart *m, size_t most, struct arena *a)
{
    struct multipart_part part;
    struct err e = {0};
    size_t parts = 0, bytes = 0;
    char buf[37];

    while (multipart_next(m, &part, &e) > 0) {
        const char *text = NULL;
        long n;

        assert(++parts <= 64);
        assert(strlen(part.name) < sizeof(part.name) && strlen(part.file) < sizeof(part.file));
        if (parts % 2 == 1 && multipart_text(m, 100, a, &text, &e) == 0) {
            assert(strlen(text) <= 100);
            bytes += strlen(text);
        } else {
            e = (struct err){0};
            while ((n = multipart_bytes(m, buf, sizeof(buf), &e)) > 0)
                bytes += (size_t)n;
            if (n < 0)
                break;
        }
    }
    assert(bytes <= most);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_freep) struct arena *a = arena_new();
    struct err e = {0};
    size_t line = 0;

    if (size < 2)
        return 0;
    while (line < size - 1 && data[1 + line] != '\n')
        line++;
    struct source s = {
        .bytes = data + 1 + line, .n = size - 1 - line, .step = data[0] ? data[0] : 1};

    if (s.n > 0) { /* the line's end */
        s.bytes++;
        s.n--;
    }
    size_t most = s.n;
    struct multipart *m =
        multipart_new(arena_strndup(a, (const char *)data + 1, line), give, &s, &e);

    assert(m || e.kind == ERR_USER);
    if (m)
        read_parts(m, most, a);
    multipart_free(m);
    return 0;
}
