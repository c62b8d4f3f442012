/* web_host.h: the Host header: whom a request was meant for.
 *
 * A page that is open in somebody's browser can point a name of its own at our address (DNS rebinding); such a request has that name in it, and is none of ours. */
#ifndef EK_WEB_HOST_H
#define EK_WEB_HOST_H

#include <stdbool.h>

#include "spec/base/str.h"

enum { WEB_HOST = 256 };

/* "Shop.example.org:443" -> "shop.example.org"; an IPv6 address keeps its brackets. Returns 0, or -1 when it is no host (RFC 9110, 7.2; RFC 3986, 3.2.2). */
int web_host_parse(const char *header, char ret[WEB_HOST]);
/* Is a parsed host this machine itself: loopback, its name, or an address of one of its interfaces? */
bool web_host_own(const char *host);
/* Is it one of these names, where "*.example.org" takes exactly one more label? */
bool web_host_among(const char *host, const struct strv *names);

#endif
