/* crypto/secret.h - bytes that are wiped when they go and compared in constant time. The log has no
 * field for them. */
#ifndef CRYPTO_SECRET_H
#define CRYPTO_SECRET_H
#include "base/clock.h"
#include "base/str.h"

/* Owned bytes; zeroed memory is an empty secret. Not copied by assignment. */
struct secret {
    uint8_t *p;
    size_t n; /* bytes; one NUL stands behind them so that text may go to libraries */
};

/* A copy of from, which stays the caller's to wipe. RC_NOMEM. */
MUST_CHECK enum rc secret_init(struct secret *s, struct bytes from);
/* n bytes of randomness. RC_NOMEM. */
MUST_CHECK enum rc secret_init_random(struct secret *s, const struct random_source *random,
                                      size_t n);
/* Wipes and frees; s is empty afterwards and may be finished again. */
void secret_fini(struct secret *s);
static inline struct bytes secret_bytes(const struct secret *s)
{
    return (struct bytes){s->p, s->n};
}

/* Overwrites n bytes in a way no compiler removes. */
void crypto_wipe(void *p, size_t n);
/* Equal contents, in a time that depends on the lengths alone. */
bool crypto_equal(struct bytes a, struct bytes b);

#endif
