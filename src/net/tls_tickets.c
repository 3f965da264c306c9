/* net/tls_tickets.c - session ticket keys that several contexts share and that turn over.
 * A ticket is AES-256-CBC encrypted, then HMAC-SHA-256 signed, by the library; this file only says
 * with which keys (RFC 5077, 4). */
#include "net/tls_int.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>

enum { NAME_BYTES = 16, IV_BYTES = 16 };

struct ticket_key {
    unsigned char name[NAME_BYTES]; /* goes with the ticket, in clear */
    unsigned char aes[32], mac[32];
};

struct net_tls_tickets {
    atomic_uint refs;
    pthread_rwlock_t lock;
    struct ticket_key keys[NET_TLS_TICKET_KEYS]; /* newest first */
    size_t key_count;
    EVP_CIPHER *cipher; /* fetched once: looking it up costs more than using it */
};

enum rc net_tls_tickets_new(struct net_tls_tickets **out)
{
    struct net_tls_tickets *tickets = calloc(1, sizeof *tickets);
    if (!tickets) return RC_NOMEM;
    atomic_init(&tickets->refs, 1);
    pthread_rwlock_init(&tickets->lock, NULL);
    tickets->cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
    enum rc rc = tickets->cipher ? net_tls_tickets_rotate(tickets) : RC_NOMEM;
    if (rc == RC_OK)
        *out = tickets;
    else
        net_tls_tickets_unref(tickets);
    return rc;
}

struct net_tls_tickets *net_tls_tickets_ref(struct net_tls_tickets *tickets)
{
    if (tickets) atomic_fetch_add(&tickets->refs, 1);
    return tickets;
}

struct net_tls_tickets *net_tls_tickets_unref(struct net_tls_tickets *tickets)
{
    if (!tickets || atomic_fetch_sub(&tickets->refs, 1) != 1) return NULL;
    pthread_rwlock_destroy(&tickets->lock);
    EVP_CIPHER_free(tickets->cipher);
    OPENSSL_cleanse(tickets->keys, sizeof tickets->keys);
    free(tickets);
    return NULL;
}

enum rc net_tls_tickets_rotate(struct net_tls_tickets *tickets)
{
    struct ticket_key key;
    if (RAND_bytes(key.name, sizeof key.name) != 1 ||
        RAND_priv_bytes(key.aes, sizeof key.aes) != 1 ||
        RAND_priv_bytes(key.mac, sizeof key.mac) != 1)
        return RC_IO;
    pthread_rwlock_wrlock(&tickets->lock); /* moving overwrites the oldest key */
    memmove(tickets->keys + 1, tickets->keys, sizeof tickets->keys - sizeof tickets->keys[0]);
    tickets->keys[0] = key;
    if (tickets->key_count < NET_TLS_TICKET_KEYS) tickets->key_count++;
    pthread_rwlock_unlock(&tickets->lock);
    OPENSSL_cleanse(&key, sizeof key);
    return RC_OK;
}

/* The current key (name NULL) or the one called name; how many keys ago it was, or -1. */
static int take_key(struct net_tls_tickets *tickets, const unsigned char *name,
                    struct ticket_key *out)
{
    int age = -1;
    pthread_rwlock_rdlock(&tickets->lock);
    for (size_t i = 0; i < tickets->key_count && age < 0; i++)
        if (!name || memcmp(tickets->keys[i].name, name, NAME_BYTES) == 0) {
            *out = tickets->keys[i];
            age = (int)i;
        }
    pthread_rwlock_unlock(&tickets->lock);
    return age;
}

static bool set_mac(EVP_MAC_CTX *mac, struct ticket_key *key)
{
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac, sizeof key->mac),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_MAC_CTX_set_params(mac, params) == 1;
}

static bool set_keys(const struct net_tls_tickets *tickets, struct ticket_key *key,
                     const unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int enc)
{
    return EVP_CipherInit_ex2(cipher, tickets->cipher, key->aes, iv, enc, NULL) == 1 &&
           set_mac(mac, key);
}

/* SSL_CTX_set_tlsext_ticket_key_evp_cb: <0 error, 0 unknown key, 1 fine, 2 fine but renew. A TLS 1.3
 * client uses a ticket once, so it always gets the next. */
static int on_ticket_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                         EVP_MAC_CTX *mac, int enc)
{
    struct net_tls_tickets *tickets = tls_conn_of(ssl)->tls->tickets;
    struct ticket_key key;
    int age = take_key(tickets, enc ? NULL : name, &key);
    int result = !enc && (age > 0 || SSL_version(ssl) >= TLS1_3_VERSION) ? 2 : 1;
    if (age < 0) return enc ? -1 : 0;
    if (enc && RAND_bytes(iv, IV_BYTES) != 1) result = -1;
    if (enc) memcpy(name, key.name, NAME_BYTES);
    if (result > 0 && !set_keys(tickets, &key, iv, cipher, mac, enc)) result = -1;
    OPENSSL_cleanse(&key, sizeof key);
    return result;
}

bool tls_tickets_use(SSL_CTX *ctx)
{
    return SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket_key) == 1;
}
