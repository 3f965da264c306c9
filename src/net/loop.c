/* net/loop.c - the loop over libevent, its wheel, posts and deferred work. */
#include "net/loop.h"
#include "base/check.h"
#include "net/loop_event.h"
#include "net/loop_int.h"
#include "net/stream_int.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

struct loop_block {
    struct loop_block *next;
};

struct loop_signal {
    struct list link;
    struct event *event;
    net_fn *fn;
    void *ctx;
};

static int64_t system_ms(clockid_t id)
{
    struct timespec t;
    CHECK(clock_gettime(id, &t) == 0);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t real_mono_ms(void *ctx)
{
    (void)ctx;
    return system_ms(CLOCK_MONOTONIC);
}

static int64_t real_unix_ms(void *ctx)
{
    (void)ctx;
    return system_ms(CLOCK_REALTIME);
}

struct clock net_clock_real(void)
{
    return (struct clock){real_mono_ms, real_unix_ms, NULL};
}

static int64_t loop_mono_ms(void *ctx)
{
    return (int64_t)net_loop_now_ms(ctx);
}

struct clock net_loop_clock(struct net_loop *loop)
{
    return (struct clock){loop_mono_ms, real_unix_ms, loop};
}

static uint64_t read_clock(const struct net_loop *loop)
{
    if (loop->is_held) return loop->now_ms;
    return (uint64_t)system_ms(CLOCK_MONOTONIC) + loop->skipped_ms;
}

uint64_t net_loop_now_ms(struct net_loop *loop)
{
    if (!loop->now_fresh) loop->now_ms = read_clock(loop);
    loop->now_fresh = true;
    if (!loop->turn_begun) loop->turn_ms = loop->now_ms;
    loop->turn_begun = true;
    return loop->now_ms;
}

uint64_t net_loop_delay_ms(const struct net_loop *loop)
{
    return loop->delay_ms;
}

void net_loop_skip_ms(struct net_loop *loop, uint64_t ms)
{
    loop->skipped_ms += ms;
    if (loop->is_held)
        loop->now_ms += ms;
    else
        loop->now_fresh = false;
}

void net_loop_hold_clock(struct net_loop *loop)
{
    (void)net_loop_now_ms(loop);
    loop->is_held = true;
}

/* Takes all posts, oldest first. Each node is idle again before its fn runs: fn may free it. */
static void run_posts(struct net_loop *loop)
{
    struct net_post *newest = atomic_exchange(&loop->posts, NULL), *oldest = NULL;
    while (newest) {
        struct net_post *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest) {
        struct net_post *post = oldest;
        oldest = post->next;
        net_fn *fn = post->fn;
        void *ctx = post->ctx;
        atomic_exchange(&post->waiting, false); /* reads what the last poster released */
        fn(ctx);
    }
}

static void on_wake(evutil_socket_t fd, short what, void *ctx)
{
    (void)what;
    uint64_t count;
    ssize_t n = read(fd, &count, sizeof count); /* before the take: a later post wakes again */
    (void)n;
    run_posts(ctx);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    struct net_loop *loop = ctx;
    loop->armed_ms = UINT64_MAX; /* the turn advances the wheel */
}

static void wake(struct net_loop *loop)
{
    uint64_t one = 1;
    ssize_t n = write(loop->wake_fd, &one, sizeof one); /* EAGAIN: it is readable already */
    (void)n;
}

void net_loop_post(struct net_loop *loop, struct net_post *post, net_fn *fn, void *ctx)
{
    if (atomic_exchange(&post->waiting, true)) return;
    post->fn = fn;
    post->ctx = ctx;
    struct net_post *head = atomic_load(&loop->posts);
    do
        post->next = head;
    while (!atomic_compare_exchange_weak(&loop->posts, &head, post));
    if (!head) wake(loop); /* whoever posted first has woken it for all */
}

static bool make_events(struct net_loop *loop)
{
    struct event_config *config = event_config_new();
    if (!config) return false;
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    loop->base = event_base_new_with_config(config);
    event_config_free(config);
    if (!loop->base) return false;
    loop->timer = evtimer_new(loop->base, on_timer, loop);
    loop->wake = event_new(loop->base, loop->wake_fd, EV_READ | EV_PERSIST, on_wake, loop);
    return loop->timer && loop->wake && event_add(loop->wake, NULL) == 0;
}

enum rc net_loop_new(struct net_loop **out)
{
    struct net_loop *loop = calloc(1, sizeof *loop);
    if (!loop) return RC_NOMEM;
    loop->armed_ms = UINT64_MAX;
    list_init(&loop->deferred);
    list_init(&loop->signals);
    list_init(&loop->finishing);
    loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    enum rc rc = loop->wake_fd < 0 ? RC_IO : RC_NOMEM;
    if (loop->wake_fd >= 0 && (loop->wheel = wheel_new(net_loop_now_ms(loop))) &&
        (loop->in = malloc(LOOP_IN_BYTES)) && (loop->plain = malloc(LOOP_PLAIN_BYTES)) &&
        (loop->out = malloc(LOOP_OUT_BYTES)) && make_events(loop)) {
        *out = loop;
        return RC_OK;
    }
    net_loop_free(loop);
    return rc;
}

static void run_deferred(struct net_loop *loop)
{
    for (struct list *link; (link = list_first(&loop->deferred));) {
        struct net_deferred *deferred = LIST_OF(link, struct net_deferred, link);
        list_remove(link);
        deferred->fn(deferred->ctx);
    }
}

static void free_signals(struct net_loop *loop)
{
    LIST_FOR_EACH(link, &loop->signals)
    {
        struct loop_signal *s = LIST_OF(link, struct loop_signal, link);
        event_free(s->event);
        free(s);
    }
}

/* What was lent may have held anybody's secrets. */
static void free_lent(uint8_t *p, size_t n)
{
    if (p) explicit_bzero(p, n);
    free(p);
}

struct net_loop *net_loop_free(struct net_loop *loop)
{
    if (!loop) return NULL;
    do {
        run_posts(loop);
        stream_end_finishing(loop);
        run_deferred(loop);
    } while (atomic_load(&loop->posts));
    free_signals(loop);
    if (loop->wake) event_free(loop->wake);
    if (loop->timer) event_free(loop->timer);
    if (loop->base) event_base_free(loop->base);
    if (loop->wake_fd >= 0) close(loop->wake_fd);
    wheel_free(loop->wheel);
    for (struct loop_block *block; (block = loop->blocks);) {
        loop->blocks = block->next;
        free(block);
    }
    free_lent(loop->in, LOOP_IN_BYTES);
    free_lent(loop->plain, LOOP_PLAIN_BYTES);
    free_lent(loop->out, LOOP_OUT_BYTES);
    free(loop);
    return NULL;
}

/* Sets the one libevent timer to the wheel's next need. An earlier one that is set already may stay:
 * it only makes a turn in which nothing is due. */
static void arm(struct net_loop *loop)
{
    uint64_t now_ms = net_loop_now_ms(loop), next_ms = wheel_next_ms(loop->wheel, now_ms);
    if (next_ms == UINT64_MAX) return;
    uint64_t due_ms = now_ms + next_ms;
    if (loop->armed_ms > now_ms && loop->armed_ms <= due_ms) return;
    struct timeval in = {(time_t)(next_ms / 1000), (suseconds_t)(next_ms % 1000 * 1000)};
    if (event_add(loop->timer, &in) == 0) loop->armed_ms = due_ms;
}

void net_loop_turn(struct net_loop *loop, bool wait)
{
    arm(loop);
    bool work = !list_is_empty(&loop->deferred) || atomic_load(&loop->stopping);
    loop->now_fresh = loop->turn_begun = false;
    event_base_loop(loop->base, wait && !work ? EVLOOP_ONCE : EVLOOP_NONBLOCK);
    uint64_t now_ms = net_loop_now_ms(loop);
    if (wheel_next_ms(loop->wheel, now_ms) == 0) wheel_advance(loop->wheel, now_ms);
    run_deferred(loop);
    loop->delay_ms = read_clock(loop) - loop->turn_ms;
}

void net_loop_run(struct net_loop *loop)
{
    do
        net_loop_turn(loop, true);
    while (!atomic_load(&loop->stopping));
    atomic_store(&loop->stopping, false);
}

void net_loop_stop(struct net_loop *loop)
{
    atomic_store(&loop->stopping, true);
    wake(loop);
}

void net_loop_defer(struct net_loop *loop, struct net_deferred *deferred, net_fn *fn, void *ctx)
{
    if (deferred->link.next && deferred->link.next != &deferred->link) return;
    deferred->fn = fn;
    deferred->ctx = ctx;
    list_push_back(&loop->deferred, &deferred->link);
}

void net_loop_defer_cancel(struct net_deferred *deferred)
{
    if (deferred->link.next) list_remove(&deferred->link);
}

static void on_signal(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    struct loop_signal *s = ctx;
    s->fn(s->ctx);
}

enum rc net_loop_on_signal(struct net_loop *loop, int signal_number, net_fn *fn, void *ctx)
{
    struct loop_signal *s = calloc(1, sizeof *s);
    if (!s) return RC_NOMEM;
    s->fn = fn;
    s->ctx = ctx;
    s->event = evsignal_new(loop->base, signal_number, on_signal, s);
    if (!s->event || event_add(s->event, NULL) != 0) {
        enum rc rc = s->event ? RC_IO : RC_NOMEM;
        if (s->event) event_free(s->event);
        free(s);
        return rc;
    }
    list_push_back(&loop->signals, &s->link);
    return RC_OK;
}

void net_timer_start(struct net_loop *loop, struct wheel_timer *timer, uint64_t delay_ms,
                     net_fn *fn, void *ctx)
{
    wheel_start(loop->wheel, timer, net_loop_now_ms(loop), delay_ms, fn, ctx);
}

void net_timer_stop(struct net_loop *loop, struct wheel_timer *timer)
{
    wheel_stop(loop->wheel, timer);
}

struct event_base *net_loop_event_base(struct net_loop *loop)
{
    return loop->base;
}

void *loop_block_take(struct net_loop *loop)
{
    struct loop_block *block = loop->blocks;
    if (!block) return malloc(LOOP_BLOCK_BYTES);
    loop->blocks = block->next;
    loop->block_count--;
    return block;
}

void loop_block_give(struct net_loop *loop, void *memory)
{
    struct loop_block *block = memory;
    if (loop->block_count == LOOP_BLOCKS_MAX) {
        free(block);
        return;
    }
    block->next = loop->blocks;
    loop->blocks = block;
    loop->block_count++;
}
