/* shell_words.h: a command written as one text, split into words. */
#ifndef EK_SHELL_WORDS_H
#define EK_SHELL_WORDS_H

struct arena;
struct strv;

/* Quotes, double quotes and backslashes as in Compose (which uses mattn/go-shellwords): a backslash outside single quotes takes the next
 * character as it is, but \n and \t mean newline and tab; quotes of nothing are an empty word; `#` begins no comment.
 * Unquoted operators of a shell (; & | < > ( ) and backquotes) are refused where Compose drops the rest of the line or
 * fails: no shell reads a command.
 * Returns NULL and fills ret, or returns what is wrong. */
const char *shell_words(const char *text, struct arena *a, struct strv *ret);

#endif
