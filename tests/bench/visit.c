/* visit.c: one request, as plain as it can be: the figures are of what is asked, not of who asks.
 *
 * In: an address, a port, a path. Out: the status. Waits at most a second for each step and gives no reason for a failure: who asks tries again. */
#include "tests/bench/visit.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "spec/base/attr.h"

static int connect_to(const char *address, int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct timeval patience = {.tv_sec = 1};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    if (inet_pton(AF_INET, address, &to.sin_addr) == 1 &&
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == 0 &&
        connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

int visit(const char *address, int port, const char *path)
{
    char text[512];
    int n = snprintf(text, sizeof(text),
                     "GET %s HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n", path);
    int fd = connect_to(address, port), status = 0;
    size_t got = 0;

    if (fd < 0)
        return 0;
    if (send(fd, text, (size_t)n, MSG_NOSIGNAL) == n) {
        ssize_t more;

        while (got < sizeof(text) - 1 &&
               (more = recv(fd, text + got, sizeof(text) - 1 - got, 0)) > 0)
            got += (size_t)more;
    }
    (void)close(fd);
    text[got] = '\0';
    if (strncmp(text, "HTTP/1.", 7) == 0 && got > 12)
        status = (int)strtol(text + 9, NULL, 10);
    return status;
}
