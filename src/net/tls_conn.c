/* net/tls_conn.c - the record beside each SSL: verification, admission, alerts.
 *
 * How a trusted but unwanted client is refused: the library has no alert access_denied for its
 * verification results. In TLS 1.3 the server's ticket message comes after the client's
 * certificate, and an extension of ours in it may fail with any alert: that is where the client
 * learns it. In TLS 1.2 verification itself fails (handshake_failure). tls_conn_admit is asked after
 * every handshake as well, so nobody enters if neither place was reached. */
#include "net/tls_int.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>

enum { ADMIT_EXTENSION = 0xff5a }; /* private use (RFC 8446, 11); never sent */

struct tls_conn *tls_conn_of(const SSL *ssl)
{
    return BIO_get_data(SSL_get_rbio(ssl));
}

SSL *tls_conn_start(struct tls_conn *conn, BIO *bio)
{
    SSL *ssl = SSL_new(conn->tls->ctx);
    if (!ssl) {
        ERR_clear_error();
        return NULL;
    }
    conn->alert_in = conn->alert_out = -1;
    BIO_set_data(bio, conn);
    SSL_set_bio(ssl, bio, bio);
    if (conn->tls->server) SSL_set_accept_state(ssl);
    return ssl;
}

void tls_conn_fini(struct tls_conn *conn)
{
    free(conn->peer);
    free(conn->server_name);
    X509_free(conn->refused);
    net_tls_unref(conn->tls);
    *conn = (struct tls_conn){0};
}

const struct net_tls_peer *tls_conn_peer(SSL *ssl)
{
    struct tls_conn *conn = tls_conn_of(ssl);
    if (conn->peer) return conn->peer;
    X509 *cert = SSL_get0_peer_certificate(ssl);
    if (cert && SSL_get_verify_result(ssl) == X509_V_OK) conn->peer = tls_peer_new(cert);
    return conn->peer;
}

static void ask(struct tls_conn *conn, X509 *cert)
{
    if (!conn->peer) conn->peer = tls_peer_new(cert);
    bool yes = conn->peer && conn->tls->admit(conn->tls->admit_ctx, conn->peer);
    conn->admitted = yes ? ADMIT_YES : ADMIT_NO;
    if (yes || conn->refused) return;
    X509_up_ref(cert);
    conn->refused = cert;
}

bool tls_conn_admit(SSL *ssl)
{
    struct tls_conn *conn = tls_conn_of(ssl);
    if (conn->tls->server && !conn->tls->mutual) return true;
    X509 *cert = SSL_get0_peer_certificate(ssl);
    /* Verified, or there would be no handshake; should a session ever say otherwise, it ends here. */
    if (!cert || SSL_get_verify_result(ssl) != X509_V_OK) return false;
    if (!conn->tls->admit) return true;
    if (conn->admitted == ADMIT_UNASKED) ask(conn, cert);
    return conn->admitted == ADMIT_YES;
}

/* In place of the library's own call of X509_verify_cert: verify, remember why not, then ask. */
static int on_verify(X509_STORE_CTX *store, void *ctx)
{
    (void)ctx;
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct tls_conn *conn = tls_conn_of(ssl);
    X509 *leaf = X509_STORE_CTX_get0_cert(store);
    if (X509_verify_cert(store) != 1) {
        conn->verify_error = X509_STORE_CTX_get_error(store);
        if (conn->verify_error == X509_V_OK) conn->verify_error = X509_V_ERR_UNSPECIFIED;
        if (leaf && !conn->refused && X509_up_ref(leaf) == 1) conn->refused = leaf;
        X509_STORE_CTX_set_error(store, conn->verify_error);
        return 0;
    }
    if (!conn->tls->admit) return 1;
    ask(conn, leaf);
    if (conn->admitted == ADMIT_YES || SSL_version(ssl) >= TLS1_3_VERSION) return 1;
    X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
    return 0;
}

/* The ticket message's extension: 0 adds none, -1 fails the handshake with *alert. */
static int on_ticket_extension(SSL *ssl, unsigned int type, unsigned int context,
                               const unsigned char **out, size_t *out_n, X509 *cert, size_t index,
                               int *alert, void *ctx)
{
    (void)type, (void)context, (void)out, (void)out_n, (void)cert, (void)index, (void)ctx;
    struct tls_conn *conn = tls_conn_of(ssl);
    if (!conn->tls->server || tls_conn_admit(ssl)) return 0;
    *alert = SSL_AD_ACCESS_DENIED;
    return -1;
}

static void on_info(const SSL *ssl, int where, int value)
{
    if (!(where & SSL_CB_ALERT) || value >> 8 != SSL3_AL_FATAL) return;
    struct tls_conn *conn = tls_conn_of(ssl);
    if (where & SSL_CB_READ)
        conn->alert_in = (int16_t)(value & 0xff);
    else
        conn->alert_out = (int16_t)(value & 0xff);
}

bool tls_conn_setup(SSL_CTX *ctx)
{
    SSL_CTX_set_cert_verify_callback(ctx, on_verify, NULL);
    SSL_CTX_set_info_callback(ctx, on_info);
    return SSL_CTX_add_custom_ext(ctx, ADMIT_EXTENSION, SSL_EXT_TLS1_3_NEW_SESSION_TICKET,
                                  on_ticket_extension, NULL, NULL, NULL, NULL) == 1;
}
