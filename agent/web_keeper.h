/* web_keeper.h: keeps the agent's listeners open: tries again while a port is taken, says so once, and never keeps the agent from its work. */
#ifndef EK_WEB_KEEPER_H
#define EK_WEB_KEEPER_H

struct http;
struct web_keeper;

/* listen: "ADDR:PORT" or "none", as options_parse let it pass. Opens what can be opened now; the rest when it can be. */
struct web_keeper *web_keeper_new(struct http *http, const char *listen);
void web_keeper_free(
    struct web_keeper *k); /* NULL is fine; at most some 6 s after web_keeper_leave */
/* New requests are refused from now on, those in hand go on. */
void web_keeper_leave(struct web_keeper *k);

#endif
