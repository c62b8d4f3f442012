/* Whom a request was meant for.
 *
 * Comes in: the text of a Host header. Goes out: the host in small letters, and whether it is this machine or one of the names that routes have. Refuses everything that is not letters, digits,
 * `-`, `.`, `_` or an address, so that what is left can be printed anywhere. */
#include "agent/web_host.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <unistd.h>

static bool port_valid(const char *text)
{
    int64_t ignored;

    return *text == '\0' ||
           (*text == ':' && (text[1] == '\0' || parse_int64(text + 1, 0, 65535, &ignored) == 0));
}

static int parse_bracketed(const char *header, char ret[WEB_HOST])
{
    const char *end = strchr(header, ']');
    char inner[INET6_ADDRSTRLEN];
    struct in6_addr address;

    if (!end || (size_t)(end - header) > sizeof(inner) || !port_valid(end + 1))
        return -1;
    (void)snprintf(inner, sizeof(inner), "%.*s", (int)(end - header - 1), header + 1);
    if (inet_pton(AF_INET6, inner, &address) != 1 ||
        !inet_ntop(AF_INET6, &address, inner, sizeof(inner)))
        return -1;
    (void)snprintf(ret, WEB_HOST, "[%s]", inner);
    return 0;
}

int web_host_parse(const char *header, char ret[WEB_HOST])
{
    size_t n = strcspn(header, ":");

    if (header[0] == '[')
        return parse_bracketed(header, ret);
    if (!port_valid(header + n))
        return -1;
    if (n > 0 && header[n - 1] == '.') /* the root's dot */
        n--;
    if (n == 0 || n > 253 || header[0] == '.' || header[n - 1] == '.')
        return -1;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)header[i];

        if (c >= 0x80 || !(isalnum(c) || strchr("-._", c)) || (c == '.' && header[i + 1] == '.'))
            return -1;
    }
    for (size_t i = 0; i < n; i++)
        ret[i] = (char)tolower((unsigned char)header[i]);
    ret[n] = '\0';
    return 0;
}

static bool interface_has(const struct ifaddrs *all, const char *host)
{
    char text[INET6_ADDRSTRLEN + 2];

    for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
        const void *address = NULL;
        int family = i->ifa_addr ? i->ifa_addr->sa_family : AF_UNSPEC;

        if (family == AF_INET)
            address = &((const struct sockaddr_in *)(const void *)i->ifa_addr)->sin_addr;
        else if (family == AF_INET6)
            address = &((const struct sockaddr_in6 *)(const void *)i->ifa_addr)->sin6_addr;
        if (!address || !inet_ntop(family, address, text + 1, INET6_ADDRSTRLEN))
            continue;
        if (family == AF_INET6) {
            text[0] = '[';
            (void)stpcpy(text + strlen(text), "]");
        }
        if (strcmp(family == AF_INET6 ? text : text + 1, host) == 0)
            return true;
    }
    return false;
}

bool web_host_own(const char *host)
{
    struct in_addr v4;
    struct ifaddrs *all = NULL;
    char name[WEB_HOST] = "";
    size_t n = strlen(host);

    if (strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
        return true;
    if (inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127)
        return true;
    if (gethostname(name, sizeof(name) - 1) == 0 && strcasecmp(name, host) == 0)
        return true;
    if (n == 0 || (host[0] != '[' && inet_pton(AF_INET, host, &v4) != 1) || getifaddrs(&all) != 0)
        return false;
    bool own = interface_has(all, host);

    freeifaddrs(all);
    return own;
}

bool web_host_among(const char *host, const struct strv *names)
{
    const char *dot = strchr(host, '.');

    for (size_t i = 0; i < names->n; i++) {
        const char *name = names->v[i];

        if (strcmp(name, host) == 0)
            return true;
        if (name[0] == '*' && dot && dot > host && strcmp(name + 1, dot) == 0)
            return true;
    }
    return false;
}
