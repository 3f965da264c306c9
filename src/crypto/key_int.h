/* crypto/key_int.h - what a key is made of; for key.c, sign.c and the certificates of this room. */
#ifndef CRYPTO_KEY_INT_H
#define CRYPTO_KEY_INT_H
#include "crypto/sign.h"

#include <openssl/evp.h>
#include <stdatomic.h>

struct crypto_key {
    atomic_size_t refs;
    enum crypto_key_type type;
    EVP_PKEY *pkey;
    EVP_PKEY_CTX *verify; /* prepared, only ever duplicated */
    EVP_PKEY_CTX *sign;   /* as above; NULL: a public key */
};

/* Borrowed; lives as long as key. */
EVP_PKEY *crypto_key_pkey(const struct crypto_key *key);

#endif
