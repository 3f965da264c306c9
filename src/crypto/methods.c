#include "crypto/methods_int.h"

#include "base/check.h"

#include <openssl/err.h>
#include <pthread.h>

static struct crypto_methods methods;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fetch(void)
{
    methods.sha256 = EVP_MD_fetch(NULL, "SHA2-256", NULL);
    methods.md5 = EVP_MD_fetch(NULL, "MD5", NULL);
    methods.aes_256_gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    methods.aes_128_cbc = EVP_CIPHER_fetch(NULL, "AES-128-CBC", NULL);
    methods.hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    ERR_clear_error();
}

const struct crypto_methods *crypto_methods(void)
{
    CHECK(pthread_once(&once, fetch) == 0);
    CHECK(methods.sha256 && methods.aes_256_gcm && methods.aes_128_cbc && methods.hmac);
    return &methods;
}
