/* app/chores.h - what the node does by the hour and by the day, remembered until it is done: a pool
 * that is full at the minute delays a chore, it does not skip it. */
#ifndef APP_CHORES_H
#define APP_CHORES_H
#include <stdatomic.h>
#include <stdint.h>

enum {
    APP_CHORE_TICKETS = 1, /* fresh session ticket keys: each hour */
    APP_CHORE_DAILY =
        2, /* certificates renewed, the audit log and old call records pruned: a minute after the start, each day */
};

struct app_chores {
    uint64_t minutes; /* since the start; the timer's thread */
    atomic_uint due;
};

/* Once a minute, from one thread. */
void app_chores_minute(struct app_chores *c);
/* Whoever does them takes them; each is taken once. Any thread. */
unsigned app_chores_take(struct app_chores *c);

#endif
