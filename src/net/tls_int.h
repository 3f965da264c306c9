/* net/tls_int.h - what the TLS files and streams of net share: the context's inside and the record
 * that accompanies each SSL. */
#ifndef NET_TLS_INT_H
#define NET_TLS_INT_H
#include "net/tls.h"

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>

struct tls_session; /* tls_client.c: a session and whose it is */

struct net_tls {
    atomic_uint refs;
    SSL_CTX *ctx;
    bool server, mutual;
    net_tls_admit_fn *admit;
    void *admit_ctx;
    struct net_tls_tickets *tickets;
    pthread_mutex_t lock;         /* of the client's sessions */
    struct tls_session *sessions; /* client: newest first, NET_TLS_SESSIONS_MAX at most */
};

/* Accompanies one SSL, in the connection's own memory (ex_data would cost two blocks more): the data
 * of the SSL's BIO. */
struct tls_conn {
    struct net_tls *tls; /* a reference; NULL: no TLS */
    struct net_tls_peer *peer;
    char *server_name; /* client: the name wanted */
    uint16_t port;
    int16_t alert_in, alert_out; /* the last fatal ones, -1: none */
    int verify_error;            /* X509_V_ERR_..., 0: none */
    X509 *refused;               /* the certificate it was about */
    enum { ADMIT_UNASKED, ADMIT_YES, ADMIT_NO } admitted;
};

/* tls_conn.c */
bool tls_conn_setup(SSL_CTX *ctx); /* callbacks every context has */
/* An SSL of conn->tls over bio, which it takes over; NULL: no memory, and bio is still the caller's.
 * conn may not move from now on. */
SSL *tls_conn_start(struct tls_conn *conn, BIO *bio);
void tls_conn_fini(struct tls_conn *conn); /* after SSL_free */
struct tls_conn *tls_conn_of(const SSL *ssl);
/* After the handshake: may this peer stay? It must have been verified, now or when its session began,
 * where that is wanted, and be admitted (a resumed session is asked about again). */
bool tls_conn_admit(SSL *ssl);
/* The verified peer, made at the first call; NULL: none, or no memory. */
const struct net_tls_peer *tls_conn_peer(SSL *ssl);

/* tls_peer.c */
struct net_tls_peer *tls_peer_new(X509 *cert); /* free() it; NULL: no memory */
void tls_peer_line(X509_NAME *name, struct buf *out);

/* tls_failure.c: right after the failing call. Clears the thread's error queue. */
void tls_failure_read(SSL *ssl, struct net_tls_failure *out);

/* tls_tickets.c */
bool tls_tickets_use(SSL_CTX *ctx); /* keys of the context's tickets */

/* tls_client.c */
void tls_sessions_use(struct net_tls *tls);
void tls_session_remember(SSL *ssl); /* after each handshake */
void tls_sessions_drop(struct net_tls *tls);
/* Sets name, verification and a remembered session on a client's SSL. */
enum rc tls_client_prepare(SSL *ssl, struct str server_name, uint16_t port);

#endif
