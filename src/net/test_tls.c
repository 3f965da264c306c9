/* net/test_tls.c - certificates made on the spot. */
#include "kit/kit.h"

#include "net/test_tls.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

static char *take_text(BIO *bio)
{
    char *data;
    long n = BIO_get_mem_data(bio, &data);
    char *text = str_dup_cstr(str_of(data, (size_t)n));
    assert_non_null(text);
    BIO_free(bio);
    return text;
}

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    assert_non_null(extension);
    assert_int_equal(1, X509_add_ext(cert, extension, -1));
    X509_EXTENSION_free(extension);
}

static void add_name(X509 *cert, const char *name)
{
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_UTF8,
                               (const unsigned char *)name, -1, -1, 0);
}

static X509 *new_cert(const struct test_cert_spec *spec, EVP_PKEY *key)
{
    static long serial;
    X509 *cert = X509_new();
    X509 *issuer = spec->issuer ? spec->issuer->x509 : cert;
    bool times = spec->from_s || spec->to_s;
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(cert), times ? spec->from_s : -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), times ? spec->to_s : 3600);
    if (spec->first_name) add_name(cert, spec->first_name);
    add_name(cert, spec->common_name);
    X509_set_issuer_name(cert, X509_get_subject_name(issuer));
    X509_set_pubkey(cert, key);
    add_extension(cert, issuer, NID_basic_constraints, spec->ca ? "critical,CA:TRUE" : "CA:FALSE");
    if (spec->alt_names) add_extension(cert, issuer, NID_subject_alt_name, spec->alt_names);
    EVP_PKEY *signer = spec->issuer ? spec->issuer->key : key;
    assert_true(X509_sign(cert, signer, EVP_sha256()) > 0);
    return cert;
}

struct test_cert test_cert_make(const struct test_cert_spec *spec)
{
    struct test_cert out;
    EVP_PKEY *key = spec->rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
    assert_non_null(key);
    X509 *cert = new_cert(spec, key);
    BIO *cert_bio = BIO_new(BIO_s_mem()), *key_bio = BIO_new(BIO_s_mem());
    assert_int_equal(1, PEM_write_bio_X509(cert_bio, cert));
    assert_int_equal(1, PEM_write_bio_PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL));
    out.cert_pem = take_text(cert_bio);
    out.key_pem = take_text(key_bio);
    out.x509 = cert;
    out.key = key;
    return out;
}

void test_cert_free(struct test_cert *cert)
{
    X509_free(cert->x509);
    EVP_PKEY_free(cert->key);
    free(cert->cert_pem);
    free(cert->key_pem);
}

struct net_tls_cert test_cert_pair(const struct test_cert *cert)
{
    return (struct net_tls_cert){str_from(cert->cert_pem), str_from(cert->key_pem)};
}

struct net_tls *test_server(const struct test_cert *cert, const struct test_cert *trust,
                            struct net_tls_tickets *tickets)
{
    struct net_tls_cert pair = test_cert_pair(cert);
    struct net_tls_server_config config = {
        .certs = &pair,
        .cert_count = 1,
        .trust_pem = trust ? str_from(trust->cert_pem) : (struct str){0},
        .session_cache_max = trust ? 16 : 0,
        .tickets = tickets,
    };
    struct net_tls *tls = NULL;
    assert_rc(RC_OK, net_tls_server_new(&config, &tls, NULL));
    return tls;
}

struct net_tls *test_client(const struct test_cert *trust, const struct test_cert *cert)
{
    struct net_tls_cert pair = cert ? test_cert_pair(cert) : (struct net_tls_cert){0};
    struct net_tls_client_config config = {
        .trust_pem = str_from(trust->cert_pem),
        .cert = cert ? &pair : NULL,
    };
    struct net_tls *tls = NULL;
    assert_rc(RC_OK, net_tls_client_new(&config, &tls, NULL));
    return tls;
}
