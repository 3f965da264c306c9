/* call/calls_int.h - what lies in the table of calls; shared by calls.c (what is known of them) and
 * calls_end.c (how they end). */
#ifndef CALL_CALLS_INT_H
#define CALL_CALLS_INT_H
#include "base/list.h"
#include "call/calls.h"

#include <pthread.h>

enum {
    BUCKETS = 16384, /* of each index: about six calls in one when the table is full */
    POOL_MAX = 1024,
    SLICE = 512, /* calls looked at by a sweep while the lock is held */
};

struct side {
    struct list same_device; /* in by_device; by itself while no device is known */
    struct list same_flow;   /* in by_flow; by itself while there is none */
    struct call *call;
    uint64_t flow; /* 0: none known, or lost */
    int64_t lost_ms;
    bool is_lost;
    char tag[CALL_TAG_MAX + 1];
    uint64_t media_flow; /* 0: none */
    struct call_media_leg media;
};

struct call {
    struct list all;          /* by id, oldest first */
    struct list same_call_id; /* in by_call_id */
    struct call *next;        /* in its bucket */
    struct call_record record;
    struct side side[2];
    int64_t expires_ms; /* 0: no session timer */
    struct call_media_note offer;
    struct call_dialog dialog;
};

struct call_calls {
    pthread_mutex_t lock;
    struct clock clock;
    call_record_fn *on_end;
    call_bye_fn *on_bye;
    void *ctx;
    struct hash_key key;
    struct call *buckets[BUCKETS];
    struct list by_device[BUCKETS]; /* sides: of a call from and to one device both */
    struct list by_flow[BUCKETS];   /* sides, likewise */
    struct list by_call_id[BUCKETS];
    struct list all, pool;
    size_t count, pooled;
    uint64_t next_id;
};

/* All with the lock held. */
struct call *call_calls_by_id(struct call_calls *c, uint64_t id); /* NULL */
/* The oldest call above that id, or the head of c->all. */
struct list *call_calls_above(struct call_calls *c, uint64_t id);
void call_calls_drop(struct call_calls *c, struct call *call);

#endif
