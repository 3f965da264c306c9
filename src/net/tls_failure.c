/* net/tls_failure.c - why a handshake failed, from the alert, the verifier and the error queue. */
#include "net/tls_int.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

static enum net_tls_cause cause_of_verify(int error)
{
    switch (error) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED: return NET_TLS_CAUSE_UNKNOWN_CA;
    case X509_V_ERR_CERT_HAS_EXPIRED: return NET_TLS_CAUSE_EXPIRED;
    case X509_V_ERR_CERT_NOT_YET_VALID: return NET_TLS_CAUSE_NOT_YET_VALID;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: return NET_TLS_CAUSE_NAME_MISMATCH;
    default: return NET_TLS_CAUSE_BAD_CERTIFICATE;
    }
}

static enum net_tls_cause cause_of_alert(int alert)
{
    switch (alert) {
    case SSL_AD_UNKNOWN_CA: return NET_TLS_CAUSE_UNKNOWN_CA;
    case SSL_AD_CERTIFICATE_EXPIRED: return NET_TLS_CAUSE_EXPIRED;
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_CERTIFICATE_UNKNOWN: return NET_TLS_CAUSE_BAD_CERTIFICATE;
    case SSL_AD_CERTIFICATE_REQUIRED: return NET_TLS_CAUSE_NO_CERTIFICATE;
    case SSL_AD_ACCESS_DENIED: return NET_TLS_CAUSE_NOT_ADMITTED;
    case SSL_AD_HANDSHAKE_FAILURE:
    case SSL_AD_PROTOCOL_VERSION:
    case SSL_AD_INSUFFICIENT_SECURITY: return NET_TLS_CAUSE_NO_COMMON;
    default: return NET_TLS_CAUSE_OTHER;
    }
}

static enum net_tls_cause cause_of_library(unsigned long error)
{
    if (ERR_GET_LIB(error) != ERR_LIB_SSL) return NET_TLS_CAUSE_OTHER;
    switch (ERR_GET_REASON(error)) {
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: return NET_TLS_CAUSE_NO_CERTIFICATE;
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SUITABLE_GROUPS:
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
    case SSL_R_VERSION_TOO_LOW: return NET_TLS_CAUSE_NO_COMMON;
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
    case SSL_R_BAD_RECORD_TYPE:
    case SSL_R_RECORD_LENGTH_MISMATCH: return NET_TLS_CAUSE_NOT_TLS;
    case SSL_R_UNEXPECTED_EOF_WHILE_READING: return NET_TLS_CAUSE_EOF;
    default: return NET_TLS_CAUSE_OTHER;
    }
}

static void set_text(char out[NET_TLS_TEXT_MAX], struct str text)
{
    size_t n = text.n < NET_TLS_TEXT_MAX ? text.n : NET_TLS_TEXT_MAX - 1;
    if (n > 0) memcpy(out, text.p, n);
    out[n] = '\0';
}

static void set_cert(struct net_tls_failure *f, X509 *cert)
{
    struct net_tls_peer *peer = cert ? tls_peer_new(cert) : NULL;
    if (!peer) return;
    struct buf names;
    buf_init_fixed(&names, f->names, sizeof f->names - 1);
    set_text(f->subject, peer->subject);
    set_text(f->issuer, peer->issuer);
    for (size_t i = 0; i < peer->name_count && buf_rc(&names) == RC_OK; i++) {
        if (names.n + peer->names[i].value.n + 2 >= sizeof f->names) break;
        if (i > 0) buf_put_lit(&names, ", ");
        buf_put_str(&names, peer->names[i].value);
    }
    f->names[names.n] = '\0';
    free(peer);
}

static void set_wanted(struct net_tls_failure *f, SSL *ssl, const struct tls_conn *conn)
{
    const char *asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (conn->server_name)
        set_text(f->wanted, str_from(conn->server_name));
    else if (asked)
        set_text(f->wanted, str_from(asked));
}

void tls_failure_read(SSL *ssl, struct net_tls_failure *f)
{
    const struct tls_conn *conn = tls_conn_of(ssl);
    unsigned long error = ERR_peek_error(); /* the first is the cause */
    *f = (struct net_tls_failure){.alert = conn->alert_out, .alert_name = ""};
    set_wanted(f, ssl, conn);
    if (conn->admitted == ADMIT_NO) {
        f->cause = NET_TLS_CAUSE_NOT_ADMITTED;
        set_cert(f, conn->refused);
    } else if (conn->verify_error != X509_V_OK) {
        f->cause = cause_of_verify(conn->verify_error);
        set_text(f->verify, str_from(X509_verify_cert_error_string(conn->verify_error)));
        set_cert(f, conn->refused);
    } else if (conn->alert_in >= 0) {
        f->by_peer = true;
        f->alert = conn->alert_in;
        f->cause = cause_of_alert(conn->alert_in);
        set_cert(f, SSL_get_certificate(ssl));
    } else {
        f->cause = error ? cause_of_library(error) : NET_TLS_CAUSE_EOF;
    }
    if (f->alert >= 0) f->alert_name = SSL_alert_desc_string_long(f->alert);
    const char *words = error ? ERR_reason_error_string(error) : NULL;
    if (words) set_text(f->library, str_from(words));
    ERR_clear_error();
}

const char *net_tls_cause_name(enum net_tls_cause cause)
{
    static const char *const names[] = {
        [NET_TLS_CAUSE_OTHER] = "other",
        [NET_TLS_CAUSE_UNKNOWN_CA] = "unknown-ca",
        [NET_TLS_CAUSE_EXPIRED] = "expired",
        [NET_TLS_CAUSE_NOT_YET_VALID] = "not-yet-valid",
        [NET_TLS_CAUSE_NAME_MISMATCH] = "name-mismatch",
        [NET_TLS_CAUSE_NO_CERTIFICATE] = "no-certificate",
        [NET_TLS_CAUSE_BAD_CERTIFICATE] = "bad-certificate",
        [NET_TLS_CAUSE_NOT_ADMITTED] = "not-admitted",
        [NET_TLS_CAUSE_NO_COMMON] = "nothing-in-common",
        [NET_TLS_CAUSE_NOT_TLS] = "not-tls",
        [NET_TLS_CAUSE_EOF] = "eof",
    };
    return names[cause];
}

/* "the peer's certificate CN=x (names a, b), issued by CN=y" */
static void print_cert(struct buf *out, const struct net_tls_failure *f)
{
    buf_put_str(out, f->by_peer ? STR("our certificate") : STR("the peer's certificate"));
    if (f->subject[0]) buf_printf(out, " %s", f->subject);
    if (f->names[0]) buf_printf(out, " (names %s)", f->names);
    if (f->issuer[0]) buf_printf(out, ", issued by %s", f->issuer);
}

static void print_refusal(struct buf *out, const struct net_tls_failure *f, const char *verb)
{
    buf_printf(out, "%s %s ", f->by_peer ? "the peer" : "we", verb);
    print_cert(out, f);
}

void net_tls_failure_print(struct buf *out, const struct net_tls_failure *f)
{
    switch (f->cause) {
    case NET_TLS_CAUSE_UNKNOWN_CA:
        print_refusal(out, f, f->by_peer ? "does not trust" : "do not trust");
        break;
    case NET_TLS_CAUSE_EXPIRED:
        print_cert(out, f);
        buf_put_lit(out, " has expired");
        break;
    case NET_TLS_CAUSE_NOT_YET_VALID:
        print_cert(out, f);
        buf_put_lit(out, " is not yet valid, or a clock is wrong");
        break;
    case NET_TLS_CAUSE_NAME_MISMATCH:
        print_cert(out, f);
        buf_printf(out, " is not for %s", f->wanted);
        break;
    case NET_TLS_CAUSE_NO_CERTIFICATE:
        buf_printf(out, "%s certificate was asked for and not sent",
                   f->by_peer ? "our" : "the peer's");
        break;
    case NET_TLS_CAUSE_BAD_CERTIFICATE:
        print_refusal(out, f, f->by_peer ? "refuses" : "refuse");
        break;
    case NET_TLS_CAUSE_NOT_ADMITTED:
        print_cert(out, f);
        buf_put_lit(out, " is trusted but not allowed here");
        break;
    case NET_TLS_CAUSE_NO_COMMON:
        buf_put_lit(out, "no TLS version, cipher or signature in common");
        break;
    case NET_TLS_CAUSE_NOT_TLS: buf_put_lit(out, "the peer does not speak TLS here"); break;
    case NET_TLS_CAUSE_EOF: buf_put_lit(out, "the peer closed during the TLS handshake"); break;
    case NET_TLS_CAUSE_OTHER: buf_put_lit(out, "the TLS handshake failed"); break;
    }
    if (f->verify[0])
        buf_printf(out, ": %s", f->verify);
    else if (f->alert_name[0])
        buf_printf(out, ": alert %s", f->alert_name);
    else if (f->library[0])
        buf_printf(out, ": %s", f->library);
}
