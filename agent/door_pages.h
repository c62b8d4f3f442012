/* door_pages.h: the plain pages of the door: no script, nothing loaded from anywhere. */
#ifndef EK_DOOR_PAGES_H
#define EK_DOOR_PAGES_H

struct web_reply;

/* The form for account and password, with what was wrong (NULL: nothing yet). */
void door_page_login(struct web_reply *ret, int status, const char *trouble);

#endif
