/* net/tls.h - TLS contexts, who the peer is, and why a handshake failed.
 * A context is immutable and counted: a new certificate is a new context that takes its place in a
 * slot or listener; connections keep the one they began with. TLS 1.2 and 1.3, ECDHE key exchange
 * and AEAD ciphers only, groups X25519 and P-256; no renegotiation, no compression, no early data.
 * Contexts, tickets and slots are safe from any thread. */
#ifndef NET_TLS_H
#define NET_TLS_H
#include "base/buf.h"
#include "base/rc.h"
#include "base/str.h"

struct net_tls;
struct net_tls_tickets;

enum {
    NET_TLS_NAMES_MAX = 128,   /* alternative names kept of a certificate */
    NET_TLS_TEXT_MAX = 256,    /* bytes of each text in a failure, its NUL included */
    NET_TLS_CERTS_MAX = 4,     /* certificates of one context */
    NET_TLS_SESSIONS_MAX = 64, /* servers a client context remembers a session of */
};

enum net_tls_name_kind { NET_TLS_NAME_DNS, NET_TLS_NAME_IP, NET_TLS_NAME_URI };

struct net_tls_name {
    enum net_tls_name_kind kind;
    struct str value; /* text; an IP address as net_addr_print_ip writes it */
};

/* A verified certificate. Owned by the connection (or the call that shows it); immutable. */
struct net_tls_peer {
    struct str common_name; /* the subject's last CN, the most specific; may be empty */
    struct str subject;     /* one line: CN=...,O=... (RFC 2253 order and escapes) */
    struct str issuer;      /* likewise */
    const struct net_tls_name *names;
    size_t name_count;  /* at most NET_TLS_NAMES_MAX */
    uint8_t sha256[32]; /* of the DER certificate */
    int64_t not_after_unix_s;
};
/* True when a DNS name of the peer (or its common name, when it has no DNS name at all) is name.
 * ASCII case is ignored; a wildcard in the certificate matches nothing here. */
bool net_tls_peer_has_name(const struct net_tls_peer *peer, struct str name);

/* Decides about a client whose certificate chain has been verified. Runs during the handshake on
 * the connection's loop, and again when a session is resumed; must be quick and safe from every
 * thread that serves the context. False refuses: TLS 1.3 peers get the alert access_denied, TLS 1.2
 * peers handshake_failure. */
typedef bool net_tls_admit_fn(void *ctx, const struct net_tls_peer *peer);

struct net_tls_cert {
    struct str chain_pem; /* the leaf first, then its intermediates */
    struct str key_pem;   /* PKCS#8 or traditional, unencrypted */
};

/* Borrowed for the call; admit_ctx and tickets live as the context says. */
struct net_tls_server_config {
    const struct net_tls_cert *certs; /* 1..NET_TLS_CERTS_MAX of different key types; a peer that */
    size_t cert_count;                /* can use ECDSA gets the EC one */
    struct str trust_pem;             /* non-empty: a client certificate is required and must chain
                                         to one of these (an intermediate or a leaf counts) */
    net_tls_admit_fn *admit;          /* may be NULL; only with trust_pem */
    void *admit_ctx;                  /* must outlive the context */
    struct net_tls_tickets *tickets;  /* a reference is taken; NULL: no resumption. Not used with
                                         trust_pem, where sessions are kept in a bounded cache */
    size_t session_cache_max;         /* with trust_pem: sessions kept, 0: no resumption */
};

/* Borrowed for the call. */
struct net_tls_client_config {
    struct str trust_pem;            /* the only anchors; empty: the system's */
    const struct net_tls_cert *cert; /* NULL: no client certificate */
};

/* RC_MALFORMED: a PEM text cannot be read; RC_INVALID: key and certificate do not belong together,
 * or the key is too weak or of a kind not used here; RC_NOMEM. On failure *why (may be NULL) gets a
 * constant sentence: "the key does not belong to the certificate". */
MUST_CHECK enum rc net_tls_server_new(const struct net_tls_server_config *config,
                                      struct net_tls **out, const char **why);
MUST_CHECK enum rc net_tls_client_new(const struct net_tls_client_config *config,
                                      struct net_tls **out, const char **why);
struct net_tls *net_tls_ref(struct net_tls *tls);
struct net_tls *net_tls_unref(struct net_tls *tls); /* NULL */
bool net_tls_asks_client_cert(const struct net_tls *tls);

/* Session ticket keys, shared by contexts so that a session outlives a change of certificate.
 * Counted; keys are wiped when they are dropped. */
enum { NET_TLS_TICKET_KEYS = 3 }; /* the current key and the ones before it */
MUST_CHECK enum rc net_tls_tickets_new(struct net_tls_tickets **out);
struct net_tls_tickets *net_tls_tickets_ref(struct net_tls_tickets *tickets);
struct net_tls_tickets *net_tls_tickets_unref(struct net_tls_tickets *tickets); /* NULL */
/* New tickets are made with a fresh key from now on; those of the NET_TLS_TICKET_KEYS - 1 keys
 * before it are still taken (and renewed), older ones lead to a full handshake. RC_IO: no
 * randomness, nothing changed. */
MUST_CHECK enum rc net_tls_tickets_rotate(struct net_tls_tickets *tickets);

/* A place that holds the context new connections get. */
struct net_tls_slot;
MUST_CHECK enum rc net_tls_slot_new(struct net_tls *tls,
                                    struct net_tls_slot **out);        /* takes a ref */
struct net_tls_slot *net_tls_slot_free(struct net_tls_slot *slot);     /* NULL */
void net_tls_slot_set(struct net_tls_slot *slot, struct net_tls *tls); /* takes a ref */
struct net_tls *net_tls_slot_get(struct net_tls_slot *slot);           /* a ref for the caller */

/* Why a handshake failed, told so that a person can act on it. */
enum net_tls_cause {
    NET_TLS_CAUSE_OTHER,           /* see library */
    NET_TLS_CAUSE_UNKNOWN_CA,      /* the chain ends at no trusted certificate */
    NET_TLS_CAUSE_EXPIRED,         /* over */
    NET_TLS_CAUSE_NOT_YET_VALID,   /* or a clock is wrong */
    NET_TLS_CAUSE_NAME_MISMATCH,   /* trusted, but for other names than the one wanted */
    NET_TLS_CAUSE_NO_CERTIFICATE,  /* one was required and none was sent */
    NET_TLS_CAUSE_BAD_CERTIFICATE, /* broken, revoked, too weak or for another purpose */
    NET_TLS_CAUSE_NOT_ADMITTED,    /* trusted, but refused by net_tls_admit_fn (or access_denied) */
    NET_TLS_CAUSE_NO_COMMON,       /* no common version, cipher, group or signature */
    NET_TLS_CAUSE_NOT_TLS,         /* the bytes were no TLS */
    NET_TLS_CAUSE_EOF,             /* the peer closed without a word */
};

struct net_tls_failure {
    enum net_tls_cause cause;
    bool by_peer;           /* the peer refused us; otherwise we refused the peer */
    int alert;              /* the fatal alert received (by_peer) or sent; -1: none */
    const char *alert_name; /* "unknown ca"; "" when none. Constant. */
    /* The certificate that was refused, where one is known: the peer's, or with by_peer our own. */
    char subject[NET_TLS_TEXT_MAX];
    char issuer[NET_TLS_TEXT_MAX];
    char names[NET_TLS_TEXT_MAX];   /* alternative names, comma-separated */
    char wanted[NET_TLS_TEXT_MAX];  /* the name we asked for (client) or were asked for (server) */
    char verify[NET_TLS_TEXT_MAX];  /* the verifier's words; "" when verification was not the matter
                                     */
    char library[NET_TLS_TEXT_MAX]; /* the TLS library's words */
};
const char *net_tls_cause_name(enum net_tls_cause cause); /* "unknown-ca": for logs */
/* One sentence: "we do not trust the peer's certificate CN=x, issued by CN=y: unable to get ..." */
void net_tls_failure_print(struct buf *out, const struct net_tls_failure *failure);

#endif
