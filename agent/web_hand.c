/* Taking a connection away from the HTTP server.
 *
 * Comes in: the two ends of a connection, as a request knows them. Goes out: a descriptor of our own. Refuses to guess: two connections that look alike (of one peer's port to two of our addresses)
 * are left alone. */
#include "agent/web_hand.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "spec/base/str.h"

/* A socket that listens on every address calls a peer by IPv4 all the same: neither listener is an IPv6 one. */
static bool is_end(const struct sockaddr_in *sa, const struct in_addr *address, int port)
{
    return sa->sin_family == AF_INET && ntohs(sa->sin_port) == port &&
           (!address || sa->sin_addr.s_addr == address->s_addr);
}

static bool is_it(int fd, const struct in_addr *peer, int peer_port, int own_port)
{
    struct sockaddr_in there = {.sin_family = AF_UNSPEC}, here = {.sin_family = AF_UNSPEC};
    socklen_t n = sizeof(there), k = sizeof(here);

    return getpeername(fd, (struct sockaddr *)&there, &n) == 0 && is_end(&there, peer, peer_port) &&
           getsockname(fd, (struct sockaddr *)&here, &k) == 0 && is_end(&here, NULL, own_port);
}

int web_hand_find(const char *peer, int peer_port, int own_port)
{
    struct in_addr address;
    DIR *all = inet_pton(AF_INET, peer, &address) == 1 ? opendir("/proc/self/fd") : NULL;
    int found = -1, n = 0;

    if (!all)
        return -1;
    for (struct dirent *x; (x = readdir(all));) {
        int64_t fd;

        if (parse_int64(x->d_name, 0, INT32_MAX, &fd) < 0 ||
            !is_it((int)fd, &address, peer_port, own_port))
            continue;
        found = (int)fd;
        n++;
    }
    (void)closedir(all);
    return n == 1 ? found : -1;
}

int web_hand_take(int fd)
{
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    int nowhere = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool done = own >= 0 && nowhere >= 0 && dup3(nowhere, fd, O_CLOEXEC) >= 0;

    if (nowhere >= 0)
        (void)close(nowhere);
    if (done)
        return own;
    if (own >= 0)
        (void)close(own);
    return -1;
}
