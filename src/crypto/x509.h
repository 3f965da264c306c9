/* crypto/x509.h - certificates: a private CA, the certificates it issues, and reading what an
 * operator brings. Certificates travel as PEM text. Pure functions: time and randomness are
 * arguments. Not for the hot path: libssl checks what comes over a connection. */
#ifndef CRYPTO_X509_H
#define CRYPTO_X509_H
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "crypto/digest.h"
#include "crypto/sign.h"

enum {
    CRYPTO_CERT_NAME_MAX = 32, /* DNS names of a certificate made or read here; as many addresses */
    CRYPTO_CERT_CHAIN_MAX = 256, /* certificates in one PEM text (a trust store) */
    CRYPTO_CERT_PEM_MAX = 1 << 20,
};

struct crypto_cert_ip {
    uint8_t addr[16];
    uint8_t n; /* 4 or 16 */
};

/* What a new certificate shall say. Borrowed for the call. */
struct crypto_cert_spec {
    struct str common_name;  /* 1..64 bytes of UTF-8 */
    struct str organization; /* may be empty */
    const struct str *dns;   /* subjectAltName; "*.example.com" is allowed */
    size_t dns_count;
    const struct crypto_cert_ip *ips;
    size_t ip_count;
    int64_t not_before_unix_s, not_after_unix_s;
    bool server, client; /* extended key usages */
};

/* A self-signed CA certificate (pathlen 0, keyCertSign and cRLSign) for ca_key; of spec only names
 * and times count. Appends PEM to out. RC_INVALID (names, times, a public-only key), RC_NOMEM. */
MUST_CHECK enum rc crypto_ca_issue(struct crypto_key *ca_key, const struct crypto_cert_spec *spec,
                                   const struct random_source *random, struct buf *pem);
/* A leaf certificate for key, signed by the CA. RC_MALFORMED (ca_pem), RC_DENIED (ca_key is not the
 * CA's), RC_INVALID, RC_NOMEM. */
MUST_CHECK enum rc crypto_cert_issue(struct str ca_pem, struct crypto_key *ca_key,
                                     struct crypto_key *key, const struct crypto_cert_spec *spec,
                                     const struct random_source *random, struct buf *pem);

/* What a certificate says. Slices lie in the arena. */
struct crypto_cert_info {
    struct str subject, issuer; /* RFC 2253 form */
    struct str common_name;     /* of several the last, the most specific; "" none */
    struct str serial;          /* hexadecimal, lower case */
    struct str *dns;            /* dNSName entries as written */
    size_t dns_count;
    struct crypto_cert_ip *ips;
    size_t ip_count;
    int64_t not_before_unix_s, not_after_unix_s;
    uint8_t sha256[CRYPTO_SHA256_LEN]; /* of the DER form: the fingerprint */
    const char *key_type;              /* "EC P-256", "RSA", "EC", "Ed25519", "other" */
    int key_bits;
    bool is_ca, is_self_issued;
    struct str pem; /* this certificate alone, printed anew */
};

/* Reads every certificate of a PEM text in order; other PEM blocks and text between are skipped.
 * RC_NOT_FOUND (no certificate), RC_MALFORMED, RC_TOO_BIG, RC_NOMEM. */
MUST_CHECK enum rc crypto_cert_read(struct str pem, struct arena *arena,
                                    struct crypto_cert_info **out, size_t *count);
/* The first certificate of pem belongs to key: RC_OK, RC_DENIED, RC_MALFORMED, RC_NOMEM. */
MUST_CHECK enum rc crypto_cert_check_key(struct str pem, const struct crypto_key *key);

enum crypto_cert_use { CRYPTO_CERT_ANY_USE, CRYPTO_CERT_SERVER, CRYPTO_CERT_CLIENT };

/* Does the first certificate of chain_pem chain (through the others) to one of trust_pem at that
 * time, for that use? RC_DENIED: *why (constant text of libcrypto) says what does not fit;
 * RC_EXPIRED: some certificate is outside its time; RC_MALFORMED, RC_NOT_FOUND, RC_NOMEM. *why is
 * written on RC_DENIED and RC_EXPIRED only. */
MUST_CHECK enum rc crypto_cert_verify(struct str chain_pem, struct str trust_pem,
                                      int64_t now_unix_s, enum crypto_cert_use use,
                                      const char **why);
/* Is host (a DNS name, or an address in text form) a name of the first certificate (RFC 6125, with
 * a wildcard for the whole first label only)? RC_OK, RC_DENIED, RC_MALFORMED, RC_NOMEM. */
MUST_CHECK enum rc crypto_cert_check_host(struct str pem, struct str host);

#endif
