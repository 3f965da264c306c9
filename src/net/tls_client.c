/* net/tls_client.c - what a client adds to a context: the wanted name and the sessions it remembers
 * by server, the newest of each (a TLS 1.3 ticket is best used once). */
#include "net/addr.h"
#include "net/tls_int.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

struct tls_session {
    struct tls_session *next;
    SSL_SESSION *session;
    uint16_t port;
    char name[]; /* NUL-terminated */
};

static void session_free(struct tls_session *s)
{
    if (s) SSL_SESSION_free(s->session);
    free(s);
}

/* Under the lock: takes the entry of (name, port) out, or with name NULL the oldest. */
static struct tls_session *session_take(struct net_tls *tls, const char *name, uint16_t port)
{
    for (struct tls_session **at = &tls->sessions; *at; at = &(*at)->next) {
        struct tls_session *s = *at;
        if (name ? s->port == port && strcmp(s->name, name) == 0 : !s->next) {
            *at = s->next;
            return s;
        }
    }
    return NULL;
}

static size_t session_count(const struct net_tls *tls)
{
    size_t count = 0;
    for (const struct tls_session *s = tls->sessions; s; s = s->next)
        count++;
    return count;
}

/* SSL_CTX_sess_set_new_cb: 1 keeps the reference handed in. */
static int on_session(SSL *ssl, SSL_SESSION *session)
{
    struct tls_conn *conn = tls_conn_of(ssl);
    if (!conn->server_name) return 0;
    struct net_tls *tls = conn->tls;
    size_t name_n = strlen(conn->server_name) + 1;
    struct tls_session *s = malloc(sizeof *s + name_n), *old;
    if (!s) return 0;
    s->session = session;
    s->port = conn->port;
    memcpy(s->name, conn->server_name, name_n);
    pthread_mutex_lock(&tls->lock);
    old = session_take(tls, s->name, s->port);
    if (!old && session_count(tls) == NET_TLS_SESSIONS_MAX) old = session_take(tls, NULL, 0);
    s->next = tls->sessions;
    tls->sessions = s;
    pthread_mutex_unlock(&tls->lock);
    session_free(old);
    return 1;
}

/* A renewed ticket of a resumed TLS 1.2 session is not announced by the library. */
void tls_session_remember(SSL *ssl)
{
    if (tls_conn_of(ssl)->tls->server || SSL_version(ssl) >= TLS1_3_VERSION ||
        !SSL_session_reused(ssl))
        return;
    SSL_SESSION *session = SSL_get1_session(ssl);
    if (session && !on_session(ssl, session)) SSL_SESSION_free(session);
}

void tls_sessions_use(struct net_tls *tls)
{
    SSL_CTX_set_session_cache_mode(tls->ctx,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    SSL_CTX_sess_set_new_cb(tls->ctx, on_session);
}

void tls_sessions_drop(struct net_tls *tls)
{
    for (struct tls_session *s; (s = tls->sessions);) {
        tls->sessions = s->next;
        session_free(s);
    }
}

/* A TLS 1.3 ticket is used up; a TLS 1.2 session is put back, as the server may give no new one.
 * Failing to resume only costs a full handshake. */
static void offer_session(SSL *ssl, struct tls_conn *conn)
{
    struct net_tls *tls = conn->tls;
    pthread_mutex_lock(&tls->lock);
    struct tls_session *s = session_take(tls, conn->server_name, conn->port);
    if (s) SSL_set_session(ssl, s->session);
    if (s && SSL_SESSION_get_protocol_version(s->session) < TLS1_3_VERSION) {
        s->next = tls->sessions;
        tls->sessions = s;
        s = NULL;
    }
    pthread_mutex_unlock(&tls->lock);
    session_free(s);
}

/* A name goes out as SNI and must be among the certificate's DNS names (RFC 9525); an address must be
 * among its addresses and is not sent (RFC 6066, 3). */
static bool want_name(SSL *ssl, char *name)
{
    struct net_addr addr;
    if (net_addr_parse_ip(str_from(name), 0, &addr) == RC_OK) {
        size_t n = addr.family == NET_V4 ? 4 : 16;
        return X509_VERIFY_PARAM_set1_ip(SSL_get0_param(ssl), addr.ip, n) == 1;
    }
    SSL_set_hostflags(ssl,
                      X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    return SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
}

enum rc tls_client_prepare(SSL *ssl, struct str server_name, uint16_t port)
{
    struct tls_conn *conn = tls_conn_of(ssl);
    if (str_ends(server_name, STR("."))) server_name.n--;
    if (server_name.n == 0 || memchr(server_name.p, 0, server_name.n)) return RC_INVALID;
    conn->port = port;
    conn->server_name = str_dup_cstr(server_name);
    if (!conn->server_name) return RC_NOMEM;
    bool ok = want_name(ssl, conn->server_name);
    ERR_clear_error();
    if (!ok) return RC_INVALID;
    offer_session(ssl, conn);
    SSL_set_connect_state(ssl);
    return RC_OK;
}
