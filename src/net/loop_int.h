/* net/loop_int.h - what the files of net share of a loop: buffers lent for the length of a callback,
 * spare output blocks, and the streams nobody else remembers. */
#ifndef NET_LOOP_INT_H
#define NET_LOOP_INT_H
#include "net/loop.h"

enum {
    LOOP_IN_BYTES = 64 * 1024,    /* one recv */
    LOOP_PLAIN_BYTES = 64 * 1024, /* what a record layer makes of it */
    LOOP_OUT_BYTES = 64 * 1024,   /* one send */
    LOOP_BLOCK_BYTES = 4096,      /* first block of a stream's output queue */
    LOOP_BLOCKS_MAX = 256,        /* spare ones kept */
};

struct event_base;
struct event;
struct loop_block;

struct net_loop {
    struct event_base *base;
    struct wheel *wheel;
    struct event *timer; /* fires when the wheel next wants to be advanced */
    uint64_t armed_ms;   /* when that is; UINT64_MAX: not armed */
    struct event *wake;  /* readable eventfd: posts wait, or stop */
    int wake_fd;
    _Atomic(struct net_post *) posts; /* newest first */
    atomic_bool stopping;
    struct list deferred;
    struct list signals;   /* struct loop_signal */
    struct list finishing; /* streams left by net_stream_finish, see stream.c */
    uint64_t now_ms;
    bool turn_begun;         /* the clock was read in this turn: */
    uint64_t turn_ms;        /* when first */
    uint64_t delay_ms;       /* how long the last turn worked */
    bool now_fresh, is_held; /* is_held: net_loop_hold_clock */
    uint64_t skipped_ms;     /* net_loop_skip_ms */

    /* Lent: valid inside one callback of this loop. */
    uint8_t *in;          /* LOOP_IN_BYTES */
    uint8_t *plain;       /* LOOP_PLAIN_BYTES */
    uint8_t *out;         /* LOOP_OUT_BYTES */
    size_t out_n;         /* bytes of out that wait for the send */
    const void *in_owner; /* the stream whose record layer may read in */
    size_t in_at, in_n;   /* what it has not read yet */
    struct loop_block *blocks;
    size_t block_count;
};

/* LOOP_BLOCK_BYTES from malloc or from the spare ones; given back to either. */
void *loop_block_take(struct net_loop *loop);
void loop_block_give(struct net_loop *loop, void *block);

#endif
