/* protobuf.c: reads a protobuf message field by field.
 *
 * In: bytes. Out: numbers and pieces of those bytes; nothing is copied or kept. Fields that the caller does not know are
 * given to it all the same and cost nothing. */
#include "drivers/protobuf.h"

enum { VARINT = 0, FIXED64 = 1, LENGTH = 2, FIXED32 = 5 };

static int take_varint(struct protobuf *m, uint64_t *ret)
{
    uint64_t v = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (m->at == m->end)
            return -1;
        unsigned char c = *m->at++;

        v |= (uint64_t)(c & 0x7f) << shift;
        if (!(c & 0x80)) {
            *ret = v;
            return 0;
        }
    }
    return -1;
}

static int take_fixed(struct protobuf *m, size_t n, uint64_t *ret)
{
    uint64_t v = 0;

    if ((size_t)(m->end - m->at) < n)
        return -1;
    for (size_t i = 0; i < n; i++)
        v |= (uint64_t)m->at[i] << (8 * i);
    m->at += n;
    *ret = v;
    return 0;
}

static int take_bytes(struct protobuf *m, struct protobuf *ret)
{
    uint64_t n;

    if (take_varint(m, &n) < 0 || n > (uint64_t)(m->end - m->at))
        return -1;
    ret->at = m->at;
    m->at += n;
    ret->end = m->at;
    return 0;
}

int protobuf_next(struct protobuf *m, struct protobuf_field *ret)
{
    struct protobuf_field f = {0};
    uint64_t tag;
    int failed;

    if (m->at == m->end)
        return 0;
    if (take_varint(m, &tag) < 0 || tag >> 3 == 0 || tag >> 3 > UINT32_MAX)
        return -1;
    f.number = (uint32_t)(tag >> 3);
    switch (tag & 7) {
    case VARINT: failed = take_varint(m, &f.value); break;
    case FIXED64: failed = take_fixed(m, 8, &f.value); break;
    case FIXED32: failed = take_fixed(m, 4, &f.value); break;
    case LENGTH: failed = take_bytes(m, &f.bytes); break;
    default: return -1;
    }
    if (failed)
        return -1;
    *ret = f;
    return 1;
}
