/* Who holds a TCP port.
 *
 * Comes in: a port. Goes out: name and pid of the process whose listening socket has it. /proc/net/tcp gives the socket's inode, and whoever has that among its descriptors holds it;
 * another user's descriptors are not ours to read, then it is the user. Also goes out:
 * whether an engine has this network at all. Refuses nothing and changes nothing. */
#include "drivers/hostport.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "spec/base/err.h"
#include "spec/base/str.h"

#define STATE_LISTEN 0x0A

struct listener {
    unsigned long inode;
    unsigned uid;
};

/* One table of the kernel: "sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode". */
static bool find_in(const char *table, int port, struct listener *ret)
{
    FILE *f = fopen(table, "re");
    char line[512];
    bool found = false;

    if (!f)
        return false;
    while (!found && fgets(line, sizeof(line), f)) {
        unsigned local, state, uid;
        unsigned long inode;

        if (sscanf(line, " %*d: %*[0-9A-Fa-f]:%x %*s %x %*s %*s %*s %u %*s %lu", &local, &state,
                   &uid, &inode) == 4 &&
            state == STATE_LISTEN && local == (unsigned)port) {
            *ret = (struct listener){.inode = inode, .uid = uid};
            found = true;
        }
    }
    (void)fclose(f);
    return found;
}

static bool has_socket(const char *pid, const char *socket)
{
    char dir[64], link[128], target[64];
    bool found = false;

    (void)snprintf(dir, sizeof(dir), "/proc/%.20s/fd", pid);
    DIR *d = opendir(dir);
    const struct dirent *entry;

    if (!d)
        return false;
    while (!found && (entry = readdir(d))) {
        (void)snprintf(link, sizeof(link), "%s/%.20s", dir, entry->d_name);
        ssize_t n = readlink(link, target, sizeof(target) - 1);

        if (n > 0) {
            target[n] = '\0';
            found = strcmp(target, socket) == 0;
        }
    }
    (void)closedir(d);
    return found;
}

static void add_process(const char *pid, struct str *out)
{
    char path[64], name[64] = "";

    (void)snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
    FILE *f = fopen(path, "re");

    if (f) {
        if (fgets(name, sizeof(name), f))
            name[strcspn(name, "\n")] = '\0';
        (void)fclose(f);
    }
    str_add_escaped(out, *name ? name : "a process");
    str_addf(out, " (pid %s)", pid);
}

bool hostport_holder(int port, struct str *out)
{
    struct listener l;
    char socket[64];
    bool found = false;

    if (!find_in("/proc/net/tcp", port, &l) && !find_in("/proc/net/tcp6", port, &l))
        return false;
    (void)snprintf(socket, sizeof(socket), "socket:[%lu]", l.inode);
    DIR *d = opendir("/proc");
    const struct dirent *entry;

    while (d && !found && (entry = readdir(d))) {
        if (!isdigit((unsigned char)entry->d_name[0]) || !has_socket(entry->d_name, socket))
            continue;
        add_process(entry->d_name, out);
        found = true;
    }
    if (d)
        (void)closedir(d);
    if (!found)
        str_addf(out, "a process of user %u", l.uid);
    return true;
}

static pid_t peer_of(const char *socket_path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    struct ucred peer = {0};
    socklen_t n = sizeof(peer);

    if (strlen(socket_path) >= sizeof(at.sun_path))
        return 0;
    memcpy(at.sun_path, socket_path, strlen(socket_path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return 0;
    if (connect(fd, (const struct sockaddr *)&at, sizeof(at)) < 0 ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0)
        peer.pid = 0;
    (void)close(fd);
    return peer.pid;
}

bool hostport_shared(const char *socket)
{
    char path[64], theirs[64], ours[64];
    pid_t pid = peer_of(socket);

    if (pid <= 0)
        return false;
    (void)snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
    ssize_t n = readlink(path, theirs, sizeof(theirs));

    return n > 0 && readlink("/proc/self/ns/net", ours, sizeof(ours)) == n &&
           memcmp(theirs, ours, (size_t)n) == 0;
}

int hostport_taken(int port, const char *who, struct err *e)
{
    return err_set(e, ERR_USER, "port %d is already taken by %s, another process of the host", port,
                   who);
}
