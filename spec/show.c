/* show.c: values as canonical text, along the same rows that decode them.
 *
 * In: a filled struct and its table. Out: lines that are equal exactly when the values are; digests hash them, dumps
 * print them. It shows everything, secrets too, so it is never for a log or a report. */
#include "spec/forms.h"

#include "spec/base/str.h"

void show_text(const char *text, struct str *out)
{
    str_addc(out, '"');
    for (; *text; text++) {
        size_t plain =
            strcspn(text, "\"\\\n\t\r\x01\x02\x03\x04\x05\x06\x07\x08\x0b\x0c\x0e\x0f\x1b\x7f");

        str_addn(out, text, plain);
        text += plain;
        if (!*text)
            break;
        if (*text == '"' || *text == '\\')
            str_addf(out, "\\%c", *text);
        else if (*text == '\n')
            str_add(out, "\\n");
        else
            str_addf(out, "\\x%02x", (unsigned char)*text);
    }
    str_addc(out, '"');
}

bool show_strv(const struct field *f, const void *value, struct str *out)
{
    const struct strv *l = value;

    (void)f;
    if (l->n == 0)
        return false;
    for (size_t i = 0; i < l->n; i++) {
        str_add(out, i ? ", " : "[");
        show_text(l->v[i], out);
    }
    str_addc(out, ']');
    return true;
}

bool show_kvs(const struct field *f, const void *value, struct str *out)
{
    const struct kvs *l = value;

    (void)f;
    if (l->n == 0)
        return false;
    for (size_t i = 0; i < l->n; i++) {
        str_add(out, i ? ", " : "{");
        show_text(l->v[i].key, out);
        str_add(out, ": ");
        show_text(l->v[i].value ? l->v[i].value : "", out);
    }
    str_addc(out, '}');
    return true;
}

static bool shown(const struct field *f)
{
    return f->status == FIELD_SUPPORTED && !f->alias_of && f->form->show;
}

/* before + "NAME: " + value, or nothing. */
static bool show_row(const struct field *f, const void *base, const char *before, struct str *out)
{
    size_t mark = out->len;

    str_add(out, before);
    str_add(out, f->name);
    str_add(out, ": ");
    if (f->form->show(f, (const char *)base + f->offset, out))
        return true;
    out->len = mark;
    out->buf[mark] = '\0';
    return false;
}

void show_table(const struct table *t, const void *base, const char *prefix, struct str *out)
{
    for (size_t i = 0; i < t->n; i++)
        if (shown(&t->fields[i]) && show_row(&t->fields[i], base, prefix, out))
            str_addc(out, '\n');
}

bool show_inline(const struct table *t, const void *base, struct str *out)
{
    size_t mark = out->len;
    bool any = false;

    str_addc(out, '{');
    for (size_t i = 0; i < t->n; i++)
        if (shown(&t->fields[i]))
            any |= show_row(&t->fields[i], base, any ? ", " : "", out);
    if (any) {
        str_addc(out, '}');
        return true;
    }
    out->len = mark;
    out->buf[mark] = '\0';
    return false;
}
