/* The host's IPv4 routes from /proc/net/route (source: proc(5)).
 *
 * Comes in: nothing. Goes out: networks in CIDR form, sorted. The routes of the engine's own bridges are among them; that is fine, the engine
 * names these subnets too. Refuses nothing: an unreadable table is an empty one. */
#include "drivers/hostnet.h"

#include <arpa/inet.h>
#include <stdint.h>

#include "spec/base/arena.h"

static void add_route(struct arena *a, struct strv *ret, uint32_t network, uint32_t mask)
{
    if (mask == 0) /* the default route covers everything and claims nothing */
        return;
    struct in_addr at = {.s_addr = network & mask};
    char text[INET_ADDRSTRLEN];
    if (!inet_ntop(AF_INET, &at, text, sizeof(text)))
        return;
    const char *cidr = arena_printf(a, "%s/%d", text, __builtin_popcount(mask));
    if (!strv_has(ret, cidr))
        strv_push(a, ret, cidr);
}

void hostnet_routes(struct arena *a, struct strv *ret)
{
    FILE *f = fopen("/proc/net/route", "re");
    struct strv found = {0};
    if (f) {
        char line[512];
        while (fgets(line, sizeof(line), f)) {
            unsigned network, mask;
            if (sscanf(line, "%*63s %x %*x %*x %*d %*d %*d %x", &network, &mask) == 2)
                add_route(a, &found, network, mask);
        }
        (void)fclose(f);
    }
    strv_sort(&found);
    *ret = found;
}
