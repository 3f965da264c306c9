/* net/loop_event.h - the libevent object beneath a loop, for the one other room that has descriptors
 * of its own to watch: http (libcurl's, and its UNIX socket). */
#ifndef NET_LOOP_EVENT_H
#define NET_LOOP_EVENT_H
struct event_base;
struct net_loop;

/* Lives as long as the loop; never dispatched by anyone but the loop. */
struct event_base *net_loop_event_base(struct net_loop *loop);

#endif
