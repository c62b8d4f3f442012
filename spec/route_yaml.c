/* route_yaml.c: texts into YAML that says exactly them.
 *
 * In: keys and values. Out: lines of block YAML. It knows nothing of routes. */
#include "spec/route_yaml.h"

#include <inttypes.h>

#include "spec/base/str.h"

void route_yaml_quote(const char *text, struct str *out)
{
    size_t left = strlen(text);

    str_addc(out, '"');
    while (left > 0) {
        uint32_t code = 0xfffd; /* what is no UTF-8 */
        size_t n = utf8_next(text, left, &code);

        if (n == 0)
            n = 1;
        if (code == '"' || code == '\\')
            str_addf(out, "\\%c", (int)code);
        else if (code >= 0x20 && code < 0x7f && code != '{' && code != '}')
            str_addc(out, (char)code);
        else
            str_addf(out, code > 0xffff ? "\\U%08" PRIx32 : "\\u%04" PRIx32, code);
        text += n;
        left -= n;
    }
    str_addc(out, '"');
}

static void begin(struct str *out, int depth, const char *key)
{
    str_addf(out, "%*s%s:", 2 * depth, "", key);
}

void route_yaml_open(struct str *out, int depth, const char *key)
{
    begin(out, depth, key);
    str_addc(out, '\n');
}

void route_yaml_object(struct str *out, int depth, const char *key)
{
    str_addf(out, "%*s", 2 * depth, "");
    route_yaml_quote(key, out);
    str_add(out, ":\n");
}

void route_yaml_text(struct str *out, int depth, const char *key, const char *value)
{
    begin(out, depth, key);
    str_addc(out, ' ');
    route_yaml_quote(value, out);
    str_addc(out, '\n');
}

void route_yaml_plain(struct str *out, int depth, const char *key, const char *value)
{
    begin(out, depth, key);
    str_addf(out, " %s\n", value);
}

void route_yaml_int(struct str *out, int depth, const char *key, int64_t value)
{
    begin(out, depth, key);
    str_addf(out, " %" PRId64 "\n", value);
}

void route_yaml_list(struct str *out, int depth, const char *key, const struct strv *values)
{
    begin(out, depth, key);
    str_add(out, " [");
    for (size_t i = 0; i < values->n; i++) {
        str_add(out, i ? ", " : "");
        route_yaml_quote(values->v[i], out);
    }
    str_add(out, "]\n");
}

void route_yaml_word(struct str *out, int depth, const char *key, const char *word)
{
    const struct strv one = {.v = &word, .n = 1};

    route_yaml_list(out, depth, key, &one);
}

void route_yaml_duration(struct str *out, int depth, const char *key, int64_t ns)
{
    begin(out, depth, key);
    str_addf(out, " \"%" PRId64 "ns\"\n", ns);
}
