/* crypto/x509_read.c - reading certificates from PEM text. */
#include "crypto/x509.h"
#include "crypto/x509_int.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <time.h>

/* libcrypto would ask the terminal about an encrypted block otherwise. */
static int no_password(char *p, int n, int writing, void *ctx)
{
    (void)p, (void)n, (void)writing, (void)ctx;
    return -1;
}

/* The next CERTIFICATE block of bio. RC_NOT_FOUND at the end. */
static enum rc parse_next(BIO *bio, X509 **out)
{
    *out = PEM_read_bio_X509(bio, NULL, no_password, NULL);
    if (*out) return RC_OK;
    int reason = ERR_GET_REASON(ERR_peek_last_error());
    ERR_clear_error();
    return reason == PEM_R_NO_START_LINE ? RC_NOT_FOUND : RC_MALFORMED;
}

static enum rc bio_open(struct str pem, BIO **out)
{
    if (pem.n > CRYPTO_CERT_PEM_MAX) return RC_TOO_BIG;
    *out = BIO_new_mem_buf(pem.n ? pem.p : "", (int)pem.n);
    return *out ? RC_OK : RC_NOMEM;
}

enum rc crypto_x509_parse_first(struct str pem, X509 **out)
{
    BIO *bio;
    enum rc rc = bio_open(pem, &bio);
    if (rc != RC_OK) return rc;
    rc = parse_next(bio, out);
    BIO_free(bio);
    return rc;
}

enum rc crypto_x509_parse_all(struct str pem, STACK_OF(X509) * *out)
{
    BIO *bio;
    X509 *x = NULL;
    enum rc rc = bio_open(pem, &bio);
    if (rc != RC_OK) return rc;
    STACK_OF(X509) *all = sk_X509_new_null();
    if (!all) rc = RC_NOMEM;
    while (rc == RC_OK && (rc = parse_next(bio, &x)) == RC_OK) {
        if (sk_X509_num(all) == CRYPTO_CERT_CHAIN_MAX)
            rc = RC_TOO_BIG;
        else if (sk_X509_push(all, x) <= 0)
            rc = RC_NOMEM;
        if (rc != RC_OK) X509_free(x);
    }
    if (rc == RC_NOT_FOUND && sk_X509_num(all) > 0) rc = RC_OK;
    BIO_free(bio);
    if (rc == RC_OK)
        *out = all;
    else
        sk_X509_pop_free(all, X509_free);
    return rc;
}

enum rc crypto_x509_print_pem(X509 *x, struct buf *out)
{
    char *p = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    bool ok = bio && PEM_write_bio_X509(bio, x) == 1;
    if (ok) {
        long n = BIO_get_mem_data(bio, &p);
        buf_put(out, p, (size_t)n);
    }
    BIO_free(bio);
    ERR_clear_error();
    return ok ? buf_rc(out) : RC_NOMEM;
}

static enum rc bio_take(BIO *bio, struct arena *arena, struct str *out)
{
    char *p = NULL;
    long n = BIO_get_mem_data(bio, &p);
    return arena_str_dup(arena, str_of(p, (size_t)n), out);
}

static enum rc read_name(X509_NAME *name, struct arena *arena, struct str *out)
{
    enum rc rc = RC_NOMEM;
    BIO *bio = BIO_new(BIO_s_mem());
    if (bio && X509_NAME_print_ex(bio, name, 0,
                                  XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) >= 0)
        rc = bio_take(bio, arena, out);
    BIO_free(bio);
    return rc;
}

/* The last CN, the most specific one: RDNs run from the root down (RFC 4514, 2.1, prints them the other
 * way round). One with a NUL inside is a trick and counts as none. As net/tls_peer.c. */
static enum rc read_common_name(X509_NAME *name, struct arena *arena, struct str *out)
{
    unsigned char *utf8 = NULL;
    int last = -1;
    *out = (struct str){0};
    for (int i; (i = X509_NAME_get_index_by_NID(name, NID_commonName, last)) >= 0;)
        last = i;
    if (last < 0) return RC_OK;
    int n = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, last)));
    if (n < 0) return RC_MALFORMED;
    enum rc rc = RC_OK;
    if (!memchr(utf8, 0, (size_t)n))
        rc = arena_str_dup(arena, str_of((char *)utf8, (size_t)n), out);
    OPENSSL_free(utf8);
    return rc;
}

static enum rc read_serial(const X509 *x, struct arena *arena, struct str *out)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(x);
    size_t n = (size_t)ASN1_STRING_length(serial);
    const unsigned char *p = ASN1_STRING_get0_data(serial);
    char *text = arena_alloc(arena, 2 * n + 1);
    if (!text) return RC_NOMEM;
    struct buf b;
    buf_init_fixed(&b, text, 2 * n);
    buf_put_hex(&b, bytes_of(p, n));
    *out = str_of(text, 2 * n);
    return buf_rc(&b);
}

/* A name with a NUL or a control byte inside was made to be read as another one. */
static bool dns_is_plain(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] <= ' ' || p[i] > '~') return false;
    return n > 0;
}

static enum rc read_alt_name(const GENERAL_NAME *name, struct arena *arena,
                             struct crypto_cert_info *out)
{
    int type;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);
    if (type != GEN_DNS && type != GEN_IPADD) return RC_OK;
    size_t n = (size_t)ASN1_STRING_length(value);
    const unsigned char *p = ASN1_STRING_get0_data(value);
    if (type == GEN_DNS) {
        if (!dns_is_plain(p, n)) return RC_MALFORMED;
        return arena_str_dup(arena, str_of((const char *)p, n), &out->dns[out->dns_count++]);
    }
    if (n != 4 && n != 16) return RC_MALFORMED;
    struct crypto_cert_ip *ip = &out->ips[out->ip_count++];
    ip->n = (uint8_t)n;
    memcpy(ip->addr, p, n);
    return RC_OK;
}

static enum rc read_alt_names(const X509 *x, struct arena *arena, struct crypto_cert_info *out)
{
    enum rc rc = RC_OK;
    GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    if (!names) return RC_OK;
    size_t n = (size_t)sk_GENERAL_NAME_num(names);
    out->dns = ARENA_ARRAY(arena, struct str, n);
    out->ips = ARENA_ARRAY(arena, struct crypto_cert_ip, n);
    if (!out->dns || !out->ips) rc = RC_NOMEM;
    for (size_t i = 0; rc == RC_OK && i < n; i++)
        rc = read_alt_name(sk_GENERAL_NAME_value(names, (int)i), arena, out);
    GENERAL_NAMES_free(names);
    return rc;
}

static enum rc read_time(const ASN1_TIME *t, int64_t *out)
{
    struct tm tm;
    if (ASN1_TIME_to_tm(t, &tm) != 1) return RC_MALFORMED;
    *out = timegm(&tm);
    return RC_OK;
}

static void read_key(X509 *x, struct crypto_cert_info *out)
{
    char group[32] = "";
    EVP_PKEY *pkey = X509_get0_pubkey(x);
    out->key_type = "other";
    if (!pkey) return;
    out->key_bits = EVP_PKEY_get_bits(pkey);
    if (EVP_PKEY_is_a(pkey, "RSA")) out->key_type = "RSA";
    if (EVP_PKEY_is_a(pkey, "ED25519")) out->key_type = "Ed25519";
    if (!EVP_PKEY_is_a(pkey, "EC")) return;
    bool named = EVP_PKEY_get_group_name(pkey, group, sizeof group, NULL) == 1;
    out->key_type = named && strcmp(group, "prime256v1") == 0 ? "EC P-256" : "EC";
}

static enum rc read_fingerprint(X509 *x, uint8_t out[CRYPTO_SHA256_LEN])
{
    unsigned char *der = NULL;
    int n = i2d_X509(x, &der);
    if (n < 0) return RC_NOMEM;
    enum rc rc = crypto_sha256(bytes_of(der, (size_t)n), out);
    OPENSSL_free(der);
    return rc;
}

static enum rc read_pem(X509 *x, struct arena *arena, struct str *out)
{
    enum rc rc = RC_NOMEM;
    BIO *bio = BIO_new(BIO_s_mem());
    if (bio && PEM_write_bio_X509(bio, x) == 1) rc = bio_take(bio, arena, out);
    BIO_free(bio);
    return rc;
}

static enum rc read_one(X509 *x, struct arena *arena, struct crypto_cert_info *out)
{
    enum rc rc;
    if ((rc = read_name(X509_get_subject_name(x), arena, &out->subject)) != RC_OK) return rc;
    if ((rc = read_name(X509_get_issuer_name(x), arena, &out->issuer)) != RC_OK) return rc;
    if ((rc = read_common_name(X509_get_subject_name(x), arena, &out->common_name)) != RC_OK)
        return rc;
    if ((rc = read_serial(x, arena, &out->serial)) != RC_OK) return rc;
    if ((rc = read_alt_names(x, arena, out)) != RC_OK) return rc;
    if ((rc = read_time(X509_get0_notBefore(x), &out->not_before_unix_s)) != RC_OK) return rc;
    if ((rc = read_time(X509_get0_notAfter(x), &out->not_after_unix_s)) != RC_OK) return rc;
    if ((rc = read_fingerprint(x, out->sha256)) != RC_OK) return rc;
    if ((rc = read_pem(x, arena, &out->pem)) != RC_OK) return rc;
    read_key(x, out);
    out->is_ca = X509_check_ca(x) == 1;
    out->is_self_issued = X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(x)) == 0;
    return RC_OK;
}

enum rc crypto_cert_read(struct str pem, struct arena *arena, struct crypto_cert_info **out,
                         size_t *count)
{
    STACK_OF(X509) * all;
    enum rc rc = crypto_x509_parse_all(pem, &all);
    if (rc != RC_OK) return rc;
    size_t n = (size_t)sk_X509_num(all);
    struct crypto_cert_info *infos = ARENA_ARRAY(arena, struct crypto_cert_info, n);
    if (!infos) rc = RC_NOMEM;
    for (size_t i = 0; rc == RC_OK && i < n; i++)
        rc = read_one(sk_X509_value(all, (int)i), arena, &infos[i]);
    sk_X509_pop_free(all, X509_free);
    ERR_clear_error();
    if (rc != RC_OK) return rc;
    *out = infos;
    *count = n;
    return RC_OK;
}
