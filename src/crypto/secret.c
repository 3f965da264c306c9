#include "crypto/secret.h"

#include <openssl/crypto.h>
#include <stdlib.h>

static enum rc reserve(struct secret *s, size_t n)
{
    uint8_t *p = n < SIZE_MAX ? malloc(n + 1) : NULL;
    if (!p) return RC_NOMEM;
    p[n] = 0;
    *s = (struct secret){.p = p, .n = n};
    return RC_OK;
}

enum rc secret_init(struct secret *s, struct bytes from)
{
    enum rc rc = reserve(s, from.n);
    if (rc == RC_OK && from.n) memcpy(s->p, from.p, from.n);
    return rc;
}

enum rc secret_init_random(struct secret *s, const struct random_source *random, size_t n)
{
    enum rc rc = reserve(s, n);
    if (rc == RC_OK) random_fill(random, s->p, n);
    return rc;
}

void secret_fini(struct secret *s)
{
    if (s->p) crypto_wipe(s->p, s->n);
    free(s->p);
    *s = (struct secret){0};
}

void crypto_wipe(void *p, size_t n)
{
    OPENSSL_cleanse(p, n);
}

bool crypto_equal(struct bytes a, struct bytes b)
{
    return a.n == b.n && (a.n == 0 || CRYPTO_memcmp(a.p, b.p, a.n) == 0);
}
