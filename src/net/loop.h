/* net/loop.h - one thread's loop: readiness of sockets, timers, posts from other threads.
 * A loop belongs to the thread that runs it; only net_loop_post and net_loop_stop are for others.
 * A turn is: wait, run what is ready, run due timers, run what was deferred to its end. Nothing
 * that runs on a loop ever waits. */
#ifndef NET_LOOP_H
#define NET_LOOP_H
#include "base/clock.h"
#include "base/rc.h"
#include "base/wheel.h"
#include <stdatomic.h>
#include <stdbool.h>

struct net_loop;
typedef void net_fn(void *ctx);

MUST_CHECK enum rc net_loop_new(struct net_loop **out);
/* Runs the posts still waiting, frees what closes at the end of the turn, then the loop. Everything
 * opened on it must be closed before; timers still running are forgotten. Returns NULL. */
struct net_loop *net_loop_free(struct net_loop *loop);

/* Turns until net_loop_stop. */
void net_loop_run(struct net_loop *loop);
/* From any thread and from signal callbacks; the loop must outlive the call. The turn under way is finished; a stop before
 * net_loop_run makes that return after one turn. */
void net_loop_stop(struct net_loop *loop);
/* One turn; waits for something to do when wait is set. For tests and for the last turns at exit.
 */
void net_loop_turn(struct net_loop *loop, bool wait);

/* How long the last turn worked, in milliseconds: what became ready in it has waited up to so long.
 * On the loop's own thread. */
uint64_t net_loop_delay_ms(const struct net_loop *loop);

/* Monotonic milliseconds, read once a turn. */
uint64_t net_loop_now_ms(struct net_loop *loop);
/* The same as an interface, with the system's wall clock beside it. Lives as long as the loop. */
struct clock net_loop_clock(struct net_loop *loop);
/* The system's clocks, read at each call; from any thread. */
struct clock net_clock_real(void);
/* For tests: moves the loop's monotonic clock ahead; what becomes due runs in the next turn. */
void net_loop_skip_ms(struct net_loop *loop, uint64_t ms);

/* For tests: the loop's monotonic clock stands still from now on, but for net_loop_skip_ms. */
void net_loop_hold_clock(struct net_loop *loop);

/* Work handed to a loop by any thread. Lies inside its owner, which must outlive the call of fn;
 * zeroed memory is an idle node. */
struct net_post {
    struct net_post *next;
    net_fn *fn;
    void *ctx;
    atomic_bool waiting;
};
/* fn(ctx) runs on the loop's thread in a later turn, posts of one thread in their order. Never
 * fails and never waits. A node that still waits is not queued twice: two posts of "something
 * changed" become one call, which sees what was written before either (fn and ctx must be the
 * same). fn may post the node again or free its owner. The loop must outlive the call. */
void net_loop_post(struct net_loop *loop, struct net_post *post, net_fn *fn, void *ctx);

/* Work for the end of this turn, on the loop's own thread. Zeroed memory is an idle node. */
struct net_deferred {
    struct list link;
    net_fn *fn;
    void *ctx;
};
/* A node that waits already is left as it is. fn may free its owner; what it defers runs in the
 * same end of turn, so it must not defer itself. */
void net_loop_defer(struct net_loop *loop, struct net_deferred *deferred, net_fn *fn, void *ctx);
void net_loop_defer_cancel(struct net_deferred *deferred);

/* fn(ctx) on the loop's thread, outside signal context, for each arrival of signal. One loop of the
 * process may do this. RC_NOMEM, RC_IO. */
MUST_CHECK enum rc net_loop_on_signal(struct net_loop *loop, int signal_number, net_fn *fn,
                                      void *ctx);

/* Timers on the loop's wheel. Zeroed memory is a stopped timer. fn may restart the timer or free
 * its owner. net_timer_start on a running timer moves it. */
void net_timer_start(struct net_loop *loop, struct wheel_timer *timer, uint64_t delay_ms,
                     net_fn *fn, void *ctx);
void net_timer_stop(struct net_loop *loop, struct wheel_timer *timer);

#endif
