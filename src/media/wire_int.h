/* media/wire_int.h - whole numbers in network order. */
#ifndef MEDIA_WIRE_INT_H
#define MEDIA_WIRE_INT_H
#include "base/buf.h"

static inline uint16_t wire_get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}
static inline uint32_t wire_get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}
static inline void wire_set16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}
static inline void wire_set32(uint8_t *p, uint32_t v)
{
    wire_set16(p, (uint16_t)(v >> 16));
    wire_set16(p + 2, (uint16_t)v);
}
static inline void wire_put8(struct buf *out, unsigned v)
{
    buf_put_char(out, (char)(uint8_t)v);
}
static inline void wire_put16(struct buf *out, uint16_t v)
{
    uint8_t b[2];
    wire_set16(b, v);
    buf_put(out, b, sizeof b);
}
static inline void wire_put32(struct buf *out, uint32_t v)
{
    uint8_t b[4];
    wire_set32(b, v);
    buf_put(out, b, sizeof b);
}

#endif
