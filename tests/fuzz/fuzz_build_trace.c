/* fuzz_build_trace.c: any bytes as a build's stream, in lines; and as the protobuf of a trace. Lines stay lines, fractions stay below 1. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/build_trace.h"
#include "drivers/engine_stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_line(void *user, const char *line)
{
    (void)user;
    if (strlen(line) > BUILD_LINE || line[0] != '#' || strpbrk(line, "\n\r\033"))
        abort();
}

static int read_line(void *user, const char *line, size_t n)
{
    double fraction;
    struct err e = {0};

    if (build_trace_line(user, line, n, check_line, NULL, &e) < 0) {
        if (e.kind == ERR_NONE || !*e.msg)
            abort();
        return -2;
    }
    if (!build_trace_progress(user, &fraction) || fraction > 1)
        abort();
    return 0;
}

/* The bytes as the engine would wrap them, so that the fuzzer need not learn base64. */
static void read_wrapped(struct build_trace *t, const uint8_t *data, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    CLEANUP(str_release) struct str line = STR_INIT;

    str_add(&line, "{\"id\":\"moby.buildkit.trace\",\"aux\":\"");
    for (size_t i = 0; i < n; i += 3) {
        unsigned long v = (unsigned long)data[i] << 16 | (i + 1 < n ? data[i + 1] : 0UL) << 8 |
                          (i + 2 < n ? data[i + 2] : 0UL);

        str_addc(&line, digits[v >> 18 & 63]);
        str_addc(&line, digits[v >> 12 & 63]);
        str_addc(&line, i + 1 < n ? digits[v >> 6 & 63] : '=');
        str_addc(&line, i + 2 < n ? digits[v & 63] : '=');
    }
    str_add(&line, "\"}");
    (void)read_line(t, str_text(&line), line.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    CLEANUP(line_split_release) struct line_split split = {0};
    CLEANUP(str_release) struct str out = STR_INIT;
    struct build_trace *t = build_trace_new();

    if (n > 0 && data[0] == '{') {
        if (line_split_feed(&split, (const char *)data, n, read_line, t) == 0)
            (void)line_split_end(&split, read_line, t);
    } else {
        read_wrapped(t, data, n);
        read_wrapped(t, data, n);
    }
    build_trace_summary(t, &out);
    build_trace_failure(t, &out);
    build_trace_free(t);
    return 0;
}
