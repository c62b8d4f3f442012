/* problem.h: what went wrong, for programs and people: RFC 9457 (application/problem+json). */
#ifndef EK_PROBLEM_H
#define EK_PROBLEM_H

struct err;
struct web_reply;

/* One document: status, its title, what happened, and what to do next (NULL: nothing to say). Replaces the body. What is no UTF-8 in them is shown as \xNN. */
void problem_reply(struct web_reply *ret, int status, const char *detail, const char *next);
/* The same of an error: its kind gives the status, and what to do where next is NULL. */
void problem_error(struct web_reply *ret, const struct err *e, const char *next);

#endif
