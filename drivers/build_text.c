/* build_text.c: what processes print, made fit for a log line.
 *
 * In: bytes of a stranger. Out: one line of printable UTF-8. Colours, cursor movements and window titles (ECMA-48 control sequences) are
 * taken out; what a carriage return overwrote is left out; everything else that is not printable is shown as \xNN. */
#include <string.h>

#include "drivers/build_steps.h"

/* The end of the control sequence that begins at s (an ESC); s + 1 for a lone one. */
static const char *skip_sequence(const char *s, const char *end)
{
    const char *at = s + 1;

    if (at == end)
        return at;
    if (*at == '[') {
        for (at++; at < end && (unsigned char)*at >= 0x20 && (unsigned char)*at <= 0x3f; at++)
            ;
        return at < end ? at + 1 : at;
    }
    if (*at == ']') {
        for (at++; at < end && *at != '\a'; at++)
            if (*at == '\033' && at + 1 < end && at[1] == '\\')
                return at + 2;
        return at < end ? at + 1 : at;
    }
    while (at < end && *at >= ' ' && *at <= '/')
        at++;
    return at + (at < end && (unsigned char)*at > ' ');
}

/* A progress bar draws itself anew after each \r: what stands at the end is the last of it. */
static const char *after_returns(const char *text, const char **end)
{
    while (*end > text && (*end)[-1] == '\r')
        (*end)--;
    const char *last = memrchr(text, '\r', (size_t)(*end - text));

    return last ? last + 1 : text;
}

/* Cuts s at max bytes, not within a character. */
static void cut(struct str *s, size_t from, size_t max)
{
    static const char mark[] = "...";
    size_t at = from + max - (sizeof(mark) - 1);

    if (s->len - from <= max)
        return;
    while (at > from && ((unsigned char)s->buf[at] & 0xc0) == 0x80)
        at--;
    s->len = at;
    str_add(s, mark);
}

void build_text_clean(struct str *out, const char *text, size_t n, size_t max)
{
    CLEANUP(str_release) struct str plain = STR_INIT;
    const char *end = text + n;
    size_t from = out->len;

    text = after_returns(text, &end);
    /* What is cut off anyway need not be looked at; each byte becomes four at most, and controls none. */
    while (text < end && plain.len < max + 4) {
        if (*text == '\033') {
            text = skip_sequence(text, end);
        } else if (*text == '\n' || *text == '\t' || *text == ' ') {
            str_addc(&plain, ' ');
            text++;
        } else {
            str_addc(&plain, *text ? *text : '\x01');
            text++;
        }
    }
    str_add_escaped(out, str_text(&plain));
    cut(out, from, max);
}
