/* protobuf.h: reads a protobuf message field by field; the schema is the caller's. Pure; every byte is a stranger's.
 *
 * Source: protobuf.dev, "Encoding". */
#ifndef EK_PROTOBUF_H
#define EK_PROTOBUF_H

#include <stddef.h>
#include <stdint.h>

struct protobuf {
    const unsigned char *at, *end;
};

struct protobuf_field {
    uint32_t number;
    uint64_t value;        /* varints and fixed-width numbers, else 0 */
    struct protobuf bytes; /* strings, bytes and messages inside, else empty */
};

/* 1 with the next field in ret, 0 at the end, -1 where the bytes are no message (groups included, which nobody sends). */
int protobuf_next(struct protobuf *m, struct protobuf_field *ret);

#endif
