/* net/tls.c - building contexts, counting them, and the slot that holds the present one. */
#include "net/tls.h"
#include "net/tls_int.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>

enum {
    RSA_BITS_MIN = 2048,
    CHAIN_MAX = 8,
    TRUST_MAX = 1024,  /* certificates of one trust text */
    CA_NAMES_MAX = 64, /* more are not sent to clients as a hint */
    PEER_CHAIN_BYTES = 65536,
    SESSION_LIFE_S = 6 * 3600,
};

static const char ciphers_12[] = "ECDHE+AESGCM:ECDHE+CHACHA20:!DHE:!PSK:!SRP:!aNULL";
static const char ciphers_13[] =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

/* The reason goes to *why as a constant; rc is what the caller returns. */
struct outcome {
    enum rc rc;
    const char *why;
};
static const struct outcome fine = {RC_OK, ""};
static const struct outcome no_memory = {RC_NOMEM, "out of memory"};

static BIO *pem_open(struct str pem)
{
    return pem.n > 0 && pem.n < INT32_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
}

/* An encrypted key must not make the library ask on the terminal. */
static int no_password(char *out, int size, int writing, void *ctx)
{
    (void)out, (void)size, (void)writing, (void)ctx;
    return 0;
}

/* Every certificate of pem, in order; NULL when one cannot be read, there is none, or too many. */
static STACK_OF(X509) * read_certs(struct str pem, int max)
{
    STACK_OF(X509) *certs = sk_X509_new_null();
    BIO *bio = pem_open(pem);
    X509 *cert = NULL;
    bool ok = certs && bio;
    while (ok && (cert = PEM_read_bio_X509(bio, NULL, no_password, NULL)))
        if (!(ok = sk_X509_num(certs) < max && sk_X509_push(certs, cert) > 0)) X509_free(cert);
    if (ok)
        ok = sk_X509_num(certs) > 0 && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error(); /* the end of the text is an error to the reader */
    BIO_free(bio);
    if (!ok) {
        sk_X509_pop_free(certs, X509_free);
        return NULL;
    }
    return certs;
}

static EVP_PKEY *read_key(struct str pem)
{
    BIO *bio = pem_open(pem);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
    ERR_clear_error();
    BIO_free(bio);
    return key;
}

static struct outcome check_key(EVP_PKEY *key)
{
    char group[32] = "";
    if (EVP_PKEY_is_a(key, "RSA"))
        return EVP_PKEY_get_bits(key) >= RSA_BITS_MIN
                   ? fine
                   : (struct outcome){RC_INVALID, "the RSA key is shorter than 2048 bits"};
    if (EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1 &&
        strcmp(group, "prime256v1") == 0)
        return fine;
    return (struct outcome){RC_INVALID, "the key is neither RSA nor on the curve P-256"};
}

static struct outcome install(SSL_CTX *ctx, STACK_OF(X509) * chain, EVP_PKEY *key)
{
    X509 *leaf = sk_X509_shift(chain);
    /* Even an empty list would be copied into every connection: 270 bytes. */
    STACK_OF(X509) *above = sk_X509_num(chain) > 0 ? chain : NULL;
    struct outcome o = check_key(key);
    if (o.rc == RC_OK && X509_check_private_key(leaf, key) != 1)
        o = (struct outcome){RC_INVALID, "the key does not belong to the certificate"};
    if (o.rc == RC_OK && SSL_CTX_use_cert_and_key(ctx, leaf, key, above, 1) != 1)
        o = (struct outcome){RC_INVALID, "the certificate is too weak or not for TLS"};
    ERR_clear_error();
    X509_free(leaf);
    return o;
}

static struct outcome add_cert(SSL_CTX *ctx, const struct net_tls_cert *cert)
{
    struct outcome o;
    STACK_OF(X509) *chain = read_certs(cert->chain_pem, CHAIN_MAX);
    EVP_PKEY *key = read_key(cert->key_pem);
    if (!chain)
        o = (struct outcome){RC_MALFORMED, "the certificate text cannot be read"};
    else if (!key)
        o = (struct outcome){RC_MALFORMED, "the key text cannot be read"};
    else
        o = install(ctx, chain, key);
    sk_X509_pop_free(chain, X509_free);
    EVP_PKEY_free(key);
    return o;
}

/* A certificate of the trust text is an anchor whether it signed itself or not. */
static struct outcome set_trust(SSL_CTX *ctx, struct str pem)
{
    STACK_OF(X509) *certs = read_certs(pem, TRUST_MAX);
    if (!certs) return (struct outcome){RC_MALFORMED, "the trust text cannot be read"};
    X509_STORE *store = SSL_CTX_get_cert_store(ctx);
    bool ok = X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) == 1;
    for (int i = 0; ok && i < sk_X509_num(certs); i++) {
        ok = X509_STORE_add_cert(store, sk_X509_value(certs, i)) == 1;
        if (ok && sk_X509_num(certs) <= CA_NAMES_MAX)
            ok = SSL_CTX_add_client_CA(ctx, sk_X509_value(certs, i)) == 1;
    }
    sk_X509_pop_free(certs, X509_free);
    return ok ? fine : no_memory;
}

static bool set_common(SSL_CTX *ctx)
{
    char groups[] = "X25519:P-256"; /* P-256 also for TLS 1.2 with an EC leaf */
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_timeout(ctx, SESSION_LIFE_S);
    SSL_CTX_set_max_cert_list(ctx, PEER_CHAIN_BYTES);
    SSL_CTX_set_verify_depth(ctx, CHAIN_MAX);
    return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(ctx, ciphers_12) == 1 &&
           SSL_CTX_set_ciphersuites(ctx, ciphers_13) == 1 &&
           SSL_CTX_set1_groups_list(ctx, groups) == 1 && tls_conn_setup(ctx);
}

static struct outcome make(bool server, struct net_tls **out)
{
    struct net_tls *tls = calloc(1, sizeof *tls);
    if (!tls) return no_memory;
    atomic_init(&tls->refs, 1);
    pthread_mutex_init(&tls->lock, NULL);
    tls->server = server;
    *out = tls;
    tls->ctx = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
    return tls->ctx && set_common(tls->ctx) ? fine : no_memory;
}

/* Sessions of mutual TLS stay here, bounded: a ticket would carry the client's certificate, whose
 * decoding costs more than the handshake it saves. A ticket message is sent in any case where
 * admission is asked: its extension is where a TLS 1.3 client is refused (tls_conn.c). */
static struct outcome set_mutual(struct net_tls *tls, const struct net_tls_server_config *config)
{
    SSL_CTX *ctx = tls->ctx;
    bool cached = config->session_cache_max > 0;
    tls->mutual = true;
    tls->admit = config->admit;
    tls->admit_ctx = config->admit_ctx;
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(ctx, cached ? SSL_SESS_CACHE_SERVER : SSL_SESS_CACHE_OFF);
    SSL_CTX_sess_set_cache_size(ctx, (long)config->session_cache_max);
    SSL_CTX_set_num_tickets(ctx, cached || config->admit ? 1 : 0);
    return set_trust(ctx, config->trust_pem);
}

static struct outcome set_resumption(struct net_tls *tls, struct net_tls_tickets *tickets)
{
    SSL_CTX_set_session_cache_mode(tls->ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(tls->ctx, tickets ? 1 : 0);
    if (!tickets) {
        SSL_CTX_set_options(tls->ctx, SSL_OP_NO_TICKET);
        return fine;
    }
    tls->tickets = net_tls_tickets_ref(tickets);
    return tls_tickets_use(tls->ctx) ? fine : no_memory;
}

static enum rc finish(struct net_tls *tls, struct outcome o, struct net_tls **out, const char **why)
{
    ERR_clear_error();
    if (o.rc == RC_OK)
        *out = tls;
    else
        net_tls_unref(tls);
    if (o.rc != RC_OK && why) *why = o.why;
    return o.rc;
}

enum rc net_tls_server_new(const struct net_tls_server_config *config, struct net_tls **out,
                           const char **why)
{
    static const unsigned char session_context[] = "bearline";
    struct net_tls *tls = NULL;
    struct outcome o = make(true, &tls);
    if (o.rc == RC_OK && (config->cert_count == 0 || config->cert_count > NET_TLS_CERTS_MAX))
        o = (struct outcome){RC_INVALID, "a server needs one to four certificates"};
    for (size_t i = 0; o.rc == RC_OK && i < config->cert_count; i++)
        o = add_cert(tls->ctx, &config->certs[i]);
    if (o.rc == RC_OK &&
        SSL_CTX_set_session_id_context(tls->ctx, session_context, sizeof session_context) != 1)
        o = no_memory;
    if (o.rc == RC_OK)
        o = config->trust_pem.n > 0 ? set_mutual(tls, config)
                                    : set_resumption(tls, config->tickets);
    return finish(tls, o, out, why);
}

enum rc net_tls_client_new(const struct net_tls_client_config *config, struct net_tls **out,
                           const char **why)
{
    struct net_tls *tls = NULL;
    struct outcome o = make(false, &tls);
    if (o.rc == RC_OK && config->trust_pem.n > 0)
        o = set_trust(tls->ctx, config->trust_pem);
    else if (o.rc == RC_OK && SSL_CTX_set_default_verify_paths(tls->ctx) != 1)
        o = (struct outcome){RC_IO, "the system's trusted certificates cannot be read"};
    if (o.rc == RC_OK && config->cert) o = add_cert(tls->ctx, config->cert);
    if (o.rc == RC_OK) {
        SSL_CTX_set_verify(tls->ctx, SSL_VERIFY_PEER, NULL);
        tls_sessions_use(tls);
    }
    return finish(tls, o, out, why);
}

struct net_tls *net_tls_ref(struct net_tls *tls)
{
    if (tls) atomic_fetch_add(&tls->refs, 1);
    return tls;
}

struct net_tls *net_tls_unref(struct net_tls *tls)
{
    if (!tls || atomic_fetch_sub(&tls->refs, 1) != 1) return NULL;
    tls_sessions_drop(tls);
    SSL_CTX_free(tls->ctx);
    net_tls_tickets_unref(tls->tickets);
    pthread_mutex_destroy(&tls->lock);
    free(tls);
    return NULL;
}

bool net_tls_asks_client_cert(const struct net_tls *tls)
{
    return tls->mutual;
}

struct net_tls_slot {
    pthread_mutex_t lock;
    struct net_tls *tls;
};

enum rc net_tls_slot_new(struct net_tls *tls, struct net_tls_slot **out)
{
    struct net_tls_slot *slot = calloc(1, sizeof *slot);
    if (!slot) return RC_NOMEM;
    pthread_mutex_init(&slot->lock, NULL);
    slot->tls = net_tls_ref(tls);
    *out = slot;
    return RC_OK;
}

struct net_tls_slot *net_tls_slot_free(struct net_tls_slot *slot)
{
    if (!slot) return NULL;
    net_tls_unref(slot->tls);
    pthread_mutex_destroy(&slot->lock);
    free(slot);
    return NULL;
}

void net_tls_slot_set(struct net_tls_slot *slot, struct net_tls *tls)
{
    net_tls_ref(tls);
    pthread_mutex_lock(&slot->lock);
    struct net_tls *before = slot->tls;
    slot->tls = tls;
    pthread_mutex_unlock(&slot->lock);
    net_tls_unref(before);
}

struct net_tls *net_tls_slot_get(struct net_tls_slot *slot)
{
    pthread_mutex_lock(&slot->lock);
    struct net_tls *tls = net_tls_ref(slot->tls);
    pthread_mutex_unlock(&slot->lock);
    return tls;
}
