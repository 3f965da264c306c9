/* crypto/x509_verify.c - does a certificate fit a key, a name, a trust store? */
#include "crypto/key_int.h"
#include "crypto/x509.h"
#include "crypto/x509_int.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

enum { HOST_MAX = 255 };

enum rc crypto_cert_check_key(struct str pem, const struct crypto_key *key)
{
    X509 *x;
    enum rc rc = crypto_x509_parse_first(pem, &x);
    if (rc != RC_OK) return rc == RC_NOT_FOUND ? RC_MALFORMED : rc;
    EVP_PKEY *pkey = X509_get0_pubkey(x);
    rc = pkey && EVP_PKEY_eq(pkey, crypto_key_pkey(key)) == 1 ? RC_OK : RC_DENIED;
    X509_free(x);
    ERR_clear_error();
    return rc;
}

enum rc crypto_cert_check_host(struct str pem, struct str host)
{
    char name[HOST_MAX + 1];
    X509 *x;
    if (host.n == 0 || str_to_cstr(host, name, sizeof name) != RC_OK) return RC_DENIED;
    enum rc rc = crypto_x509_parse_first(pem, &x);
    if (rc != RC_OK) return rc == RC_NOT_FOUND ? RC_MALFORMED : rc;
    bool ok = X509_check_ip_asc(x, name, 0) == 1 ||
              X509_check_host(x, name, host.n,
                              X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                  X509_CHECK_FLAG_NEVER_CHECK_SUBJECT,
                              NULL) == 1;
    X509_free(x);
    ERR_clear_error();
    return ok ? RC_OK : RC_DENIED;
}

static X509_STORE *store_from(STACK_OF(X509) * trust)
{
    X509_STORE *store = X509_STORE_new();
    bool ok = store != NULL;
    for (int i = 0; ok && i < sk_X509_num(trust); i++)
        ok = X509_STORE_add_cert(store, sk_X509_value(trust, i)) == 1;
    if (ok) return store;
    X509_STORE_free(store);
    return NULL;
}

static bool context_init(X509_STORE_CTX *ctx, X509_STORE *store, STACK_OF(X509) * chain,
                         int64_t now_unix_s, enum crypto_cert_use use)
{
    if (X509_STORE_CTX_init(ctx, store, sk_X509_value(chain, 0), chain) != 1) return false;
    X509_STORE_CTX_set_time(ctx, 0, now_unix_s);
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
    /* A trusted intermediate or leaf is trust enough: operators upload what they have. */
    if (X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN) != 1) return false;
    if (use == CRYPTO_CERT_ANY_USE) return true;
    int purpose = use == CRYPTO_CERT_SERVER ? X509_PURPOSE_SSL_SERVER : X509_PURPOSE_SSL_CLIENT;
    return X509_STORE_CTX_set_purpose(ctx, purpose) == 1;
}

static enum rc rc_of_error(int error, const char **why)
{
    if (error == X509_V_OK) return RC_OK;
    if (error == X509_V_ERR_OUT_OF_MEM) return RC_NOMEM;
    *why = X509_verify_cert_error_string(error);
    bool time = error == X509_V_ERR_CERT_HAS_EXPIRED || error == X509_V_ERR_CERT_NOT_YET_VALID;
    return time ? RC_EXPIRED : RC_DENIED;
}

enum rc crypto_cert_verify(struct str chain_pem, struct str trust_pem, int64_t now_unix_s,
                           enum crypto_cert_use use, const char **why)
{
    STACK_OF(X509) *chain = NULL, *trust = NULL;
    X509_STORE *store = NULL;
    X509_STORE_CTX *ctx = NULL;
    enum rc rc = crypto_x509_parse_all(chain_pem, &chain);
    if (rc == RC_OK) rc = crypto_x509_parse_all(trust_pem, &trust);
    if (rc != RC_OK) goto done;
    rc = RC_NOMEM;
    if (!(store = store_from(trust)) || !(ctx = X509_STORE_CTX_new()) ||
        !context_init(ctx, store, chain, now_unix_s, use))
        goto done;
    int error = X509_verify_cert(ctx) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(ctx);
    rc = rc_of_error(error, why);
done:
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    sk_X509_pop_free(chain, X509_free);
    sk_X509_pop_free(trust, X509_free);
    ERR_clear_error();
    return rc;
}
