/* crypto/password.h - password hashes: Argon2id (RFC 9106) in the PHC string form that other tools
 * read too. Each call takes tens of milliseconds and the memory named in the cost: call it on the
 * pool. Safe from any thread. */
#ifndef CRYPTO_PASSWORD_H
#define CRYPTO_PASSWORD_H
#include "base/clock.h"
#include "base/str.h"

enum { CRYPTO_PASSWORD_MAX = 1024, CRYPTO_PASSWORD_HASH_MAX = 192 };

struct crypto_password_cost {
    uint32_t memory_kib, passes, lanes;
};

/* 19 MiB, 2 passes, 1 lane. */
extern const struct crypto_password_cost crypto_password_cost_default;

/* Writes "$argon2id$v=19$m=...,t=...,p=...$salt$hash" and a NUL. RC_INVALID (empty password, cost
 * out of range), RC_TOO_BIG (over CRYPTO_PASSWORD_MAX), RC_NOMEM. */
MUST_CHECK enum rc crypto_password_hash(struct str password,
                                        const struct crypto_password_cost *cost,
                                        const struct random_source *random,
                                        char out[CRYPTO_PASSWORD_HASH_MAX]);
/* RC_DENIED when it is not the password; RC_MALFORMED for a hash that is not of this form or asks
 * for more than 1 GiB or 64 passes; RC_NOMEM. */
MUST_CHECK enum rc crypto_password_verify(struct str password, struct str hash);
/* Spends the time of a crypto_password_verify: for users that do not exist, so that the time of an
 * answer does not tell. */
void crypto_password_verify_nobody(struct str password, const struct crypto_password_cost *cost);
/* hash is not Argon2id of exactly this cost: hash anew at the next sign-in. */
bool crypto_password_needs_rehash(struct str hash, const struct crypto_password_cost *cost);

#endif
