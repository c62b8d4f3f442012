/* route_parts.h: what every route file has, whoever it is for. */
#ifndef EK_ROUTE_PARTS_H
#define EK_ROUTE_PARTS_H

struct str;

void route_part_heading(const char *app, struct str *out);
/* A middleware that nobody uses, among `middlewares:`; that Traefik's API knows it tells that this very file was read. */
void route_part_marker(const char *app, struct str *out);

#endif
