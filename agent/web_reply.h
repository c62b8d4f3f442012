/* web_reply.h: the head of a reply, as it goes out. */
#ifndef EK_WEB_REPLY_H
#define EK_WEB_REPLY_H

struct str;
struct web_reply;

/* Status line, headers and the empty line behind them. framing: the header that says how long the body is, ended; "" where the end of the connection says it. */
void web_reply_head(const struct web_reply *r, const char *framing, struct str *out);

#endif
