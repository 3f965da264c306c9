/* crypto/x509_issue.c - making certificates (RFC 5280). */
#include "crypto/key_int.h"
#include "crypto/methods_int.h"
#include "crypto/x509.h"
#include "crypto/x509_int.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

enum { SERIAL_LEN = 16, COMMON_NAME_MAX = 64, DNS_NAME_MAX = 253 };

static bool dns_is_sound(struct str name)
{
    struct str rest = name;
    if (str_starts(rest, STR("*."))) rest = str_sub(rest, 2, rest.n);
    if (rest.n == 0 || name.n > DNS_NAME_MAX) return false;
    for (size_t i = 0; i < rest.n; i++) {
        char c = rest.p[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_' || c == '.';
        if (!ok) return false;
    }
    return true;
}

static bool spec_is_sound(const struct crypto_cert_spec *s)
{
    if (s->common_name.n == 0 || s->common_name.n > COMMON_NAME_MAX ||
        !str_is_utf8(s->common_name) || s->organization.n > COMMON_NAME_MAX ||
        !str_is_utf8(s->organization))
        return false;
    if (s->not_before_unix_s < 0 || s->not_after_unix_s <= s->not_before_unix_s) return false;
    if (s->dns_count > CRYPTO_CERT_NAME_MAX || s->ip_count > CRYPTO_CERT_NAME_MAX) return false;
    for (size_t i = 0; i < s->dns_count; i++)
        if (!dns_is_sound(s->dns[i])) return false;
    for (size_t i = 0; i < s->ip_count; i++)
        if (s->ips[i].n != 4 && s->ips[i].n != 16) return false;
    return true;
}

/* 127 random bits: positive, and never 0 (RFC 5280, 4.1.2.2). */
static bool set_serial(X509 *x, const struct random_source *random)
{
    uint8_t p[SERIAL_LEN];
    random_fill(random, p, sizeof p);
    p[0] = (uint8_t)((p[0] & 0x7f) | 0x40);
    BIGNUM *bn = BN_bin2bn(p, sizeof p, NULL);
    bool ok = bn && BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x)) != NULL;
    BN_free(bn);
    return ok;
}

static bool name_add(X509_NAME *name, const char *field, struct str value)
{
    return value.n == 0 ||
           X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, (const unsigned char *)value.p,
                                      (int)value.n, -1, 0) == 1;
}

static bool set_subject(X509 *x, const struct crypto_cert_spec *spec)
{
    X509_NAME *name = X509_NAME_new();
    bool ok = name && name_add(name, "O", spec->organization) &&
              name_add(name, "CN", spec->common_name) && X509_set_subject_name(x, name) == 1;
    X509_NAME_free(name);
    return ok;
}

static bool add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    bool ok = ext && X509_add_ext(x, ext, -1) == 1;
    X509_EXTENSION_free(ext);
    return ok;
}

static bool alt_name_add(GENERAL_NAMES *names, int type, const void *p, size_t n)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_STRING *value = type == GEN_DNS ? ASN1_IA5STRING_new() : ASN1_OCTET_STRING_new();
    if (!name || !value || ASN1_STRING_set(value, p, (int)n) != 1) {
        ASN1_STRING_free(value);
        GENERAL_NAME_free(name);
        return false;
    }
    GENERAL_NAME_set0_value(name, type, value);
    if (sk_GENERAL_NAME_push(names, name) > 0) return true;
    GENERAL_NAME_free(name);
    return false;
}

static bool add_alt_names(X509 *x, const struct crypto_cert_spec *spec)
{
    if (spec->dns_count + spec->ip_count == 0) return true;
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    bool ok = names != NULL;
    for (size_t i = 0; ok && i < spec->dns_count; i++)
        ok = alt_name_add(names, GEN_DNS, spec->dns[i].p, spec->dns[i].n);
    for (size_t i = 0; ok && i < spec->ip_count; i++)
        ok = alt_name_add(names, GEN_IPADD, spec->ips[i].addr, spec->ips[i].n);
    ok = ok && X509_add1_ext_i2d(x, NID_subject_alt_name, names, 0, 0) == 1;
    GENERAL_NAMES_free(names);
    return ok;
}

/* All but issuer, usages and signature. */
static X509 *cert_begin(const struct crypto_key *key, const struct crypto_cert_spec *spec,
                        const struct random_source *random)
{
    X509 *x = X509_new();
    if (x && X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x, random) &&
        set_subject(x, spec) && ASN1_TIME_set(X509_getm_notBefore(x), spec->not_before_unix_s) &&
        ASN1_TIME_set(X509_getm_notAfter(x), spec->not_after_unix_s) &&
        X509_set_pubkey(x, crypto_key_pkey(key)) == 1)
        return x;
    X509_free(x);
    return NULL;
}

static enum rc cert_sign_and_print(X509 *x, const struct crypto_key *ca_key, struct buf *pem)
{
    enum rc rc = RC_NOMEM;
    if (X509_sign(x, crypto_key_pkey(ca_key), crypto_methods()->sha256) > 0)
        rc = crypto_x509_print_pem(x, pem);
    return rc;
}

enum rc crypto_ca_issue(struct crypto_key *ca_key, const struct crypto_cert_spec *spec,
                        const struct random_source *random, struct buf *pem)
{
    enum rc rc = RC_NOMEM;
    if (!crypto_key_is_private(ca_key) || !spec_is_sound(spec)) return RC_INVALID;
    X509 *x = cert_begin(ca_key, spec, random);
    if (x && X509_set_issuer_name(x, X509_get_subject_name(x)) == 1 &&
        add_extension(x, x, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
        add_extension(x, x, NID_key_usage, "critical,keyCertSign,cRLSign") &&
        add_extension(x, x, NID_subject_key_identifier, "hash"))
        rc = cert_sign_and_print(x, ca_key, pem);
    X509_free(x);
    ERR_clear_error();
    return rc;
}

static const char *extended_usage(const struct crypto_cert_spec *spec)
{
    if (spec->server && spec->client) return "serverAuth,clientAuth";
    return spec->server ? "serverAuth" : "clientAuth";
}

static bool leaf_extensions(X509 *x, X509 *ca, const struct crypto_key *key,
                            const struct crypto_cert_spec *spec)
{
    const char *usage = crypto_key_type(key) == CRYPTO_KEY_RSA
                            ? "critical,digitalSignature,keyEncipherment"
                            : "critical,digitalSignature";
    return add_extension(x, ca, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(x, ca, NID_key_usage, usage) &&
           (!(spec->server || spec->client) ||
            add_extension(x, ca, NID_ext_key_usage, extended_usage(spec))) &&
           add_extension(x, ca, NID_subject_key_identifier, "hash") &&
           add_extension(x, ca, NID_authority_key_identifier, "keyid") && add_alt_names(x, spec);
}

enum rc crypto_cert_issue(struct str ca_pem, struct crypto_key *ca_key, struct crypto_key *key,
                          const struct crypto_cert_spec *spec, const struct random_source *random,
                          struct buf *pem)
{
    X509 *ca = NULL, *x = NULL;
    if (!crypto_key_is_private(ca_key) || !spec_is_sound(spec)) return RC_INVALID;
    enum rc rc = crypto_x509_parse_first(ca_pem, &ca);
    if (rc != RC_OK) return rc == RC_NOT_FOUND ? RC_MALFORMED : rc;
    if (X509_check_private_key(ca, crypto_key_pkey(ca_key)) != 1 || X509_check_ca(ca) == 0) {
        rc = RC_DENIED;
        goto done;
    }
    rc = RC_NOMEM;
    x = cert_begin(key, spec, random);
    if (x && X509_set_issuer_name(x, X509_get_subject_name(ca)) == 1 &&
        leaf_extensions(x, ca, key, spec))
        rc = cert_sign_and_print(x, ca_key, pem);
done:
    X509_free(x);
    X509_free(ca);
    ERR_clear_error();
    return rc;
}
