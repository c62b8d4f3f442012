/* web_hand.h: taking a connection away from the HTTP server.
 *
 * civetweb keeps a thread for each connection as long as it lives, and has no call that gives a socket away (its 1.15's civetweb.h). What it keeps of a connection is a number: so the socket is found among
 * our descriptors by its two ends, is given another number, and something that is closed harmlessly is put in its place. */
#ifndef EK_WEB_HAND_H
#define EK_WEB_HAND_H

/* The descriptor of the TCP connection of this peer ("127.0.0.1", port) to our port; -1: it is not to be found, or not for certain. For the thread that answers a request of it, while it does. */
int web_hand_find(const char *peer, int peer_port, int own_port);
/* From now on the connection is the number that is returned, and fd, whoever closes it, a socket that leads nowhere. -1: nothing was done. */
int web_hand_take(int fd);

#endif
