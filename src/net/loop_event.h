/* net/loop_event.h - the libevent and libssl objects beneath net, for the one other room that needs
 * them: http, which hands them to evhttp. */
#ifndef NET_LOOP_EVENT_H
#define NET_LOOP_EVENT_H
struct event_base;
struct net_listener;
struct net_loop;
struct net_tls;
struct net_tls_failure;
struct ssl_st;

/* Lives as long as the loop; never dispatched by anyone but the loop. */
struct event_base *net_loop_event_base(struct net_loop *loop);

/* The listening socket, non-blocking, for evhttp_accept_socket on a duplicate (dup) of it. The
 * listener must not be joined as well. */
int net_listener_fd(const struct net_listener *listener);

/* A new SSL for one accepted connection; it keeps the context alive. NULL when out of memory.
 * SSL_free it (bufferevent_openssl does).
 */
struct ssl_st *net_tls_ssl_new(struct net_tls *tls);
/* Why the handshake of such an SSL failed: call it right after the failing call, on its thread. */
void net_tls_ssl_failure(struct ssl_st *ssl, struct net_tls_failure *out);

#endif
