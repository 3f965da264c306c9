/* crypto/methods_int.h - the methods of libcrypto this room uses, fetched once. OpenSSL 3 searches
 * its providers under a lock whenever a method is named instead of handed in; these pointers are
 * the only process-wide state of the room and never change after the first call. */
#ifndef CRYPTO_METHODS_INT_H
#define CRYPTO_METHODS_INT_H
#include <openssl/evp.h>

struct crypto_methods {
    EVP_MD *sha256, *md5; /* md5 may be NULL (FIPS) */
    EVP_CIPHER *aes_256_gcm, *aes_128_cbc;
    EVP_MAC *hmac;
};

/* Never NULL; a libcrypto without these methods ends the program. */
const struct crypto_methods *crypto_methods(void);

#endif
