/* shell_words.c: one text into the words of a command.
 *
 * In: what a user wrote after `command:`. Out: its words. It expands nothing: no variables, no globs, no substitution;
 * and refuses text that only a shell could carry out. */
#include "spec/shell_words.h"

#include <stdbool.h>

#include "spec/base/arena.h"
#include "spec/base/str.h"

struct splitter {
    struct arena *arena;
    struct strv words;
    struct str word;
    bool in_word; /* also true after quotes of nothing */
    char quote;   /* ' or " while inside, else 0 */
};

static void end_word(struct splitter *p)
{
    if (p->in_word)
        strv_push(p->arena, &p->words, arena_strdup(p->arena, str_text(&p->word)));
    str_clear(&p->word);
    p->in_word = false;
}

static void add_char(struct splitter *p, char ch)
{
    str_addc(&p->word, ch);
    p->in_word = true;
}

static const char *split_char(struct splitter *p, char ch)
{
    if (p->quote) {
        if (ch == p->quote)
            p->quote = 0;
        else
            add_char(p, ch);
        return NULL;
    }
    if (ch == '\'' || ch == '"') {
        p->quote = ch;
        p->in_word = true;
    } else if (ch == ' ' || ch == '\t' || ch == '\r' || ch == '\n') {
        end_word(p);
    } else if (strchr(";&|<>()`", ch)) {
        return arena_printf(p->arena, "\"%c\" means nothing here: no shell reads a command", ch);
    } else {
        add_char(p, ch);
    }
    return NULL;
}

static const char *split_text(struct splitter *p, const char *text)
{
    for (const char *s = text; *s; s++) {
        const char *complaint;

        if (*s == '\\' && p->quote != '\'') {
            if (!*++s)
                return "a backslash at the end escapes nothing";
            add_char(p, *s == 'n' ? '\n' : *s == 't' ? '\t' : *s);
        } else if ((complaint = split_char(p, *s))) {
            return complaint;
        }
    }
    if (p->quote)
        return p->quote == '"' ? "a double quote is never closed"
                               : "a single quote is never closed";
    end_word(p);
    return NULL;
}

const char *shell_words(const char *text, struct arena *a, struct strv *ret)
{
    struct splitter p = {.arena = a};
    const char *complaint = split_text(&p, text);

    str_release(&p.word);
    if (!complaint)
        *ret = p.words;
    return complaint;
}
