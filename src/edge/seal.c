#include "edge/seal.h"

#include "base/base64.h"
#include "crypto/aead.h"
#include "crypto/digest.h"
#include "crypto/secret.h"

#include <stdlib.h>
#include <string.h>

enum { IV_LEN = 12, OVERHEAD = IV_LEN + CRYPTO_AEAD_TAG_LEN };
_Static_assert(OVERHEAD == 28, "EDGE_SEAL_TEXT_MAX counts it");

struct edge_seal {
    struct crypto_aead *aead;
    struct random_source random;
    uint8_t root[CRYPTO_SHA256_LEN]; /* of derived keys */
};

enum rc edge_seal_new(struct bytes key, const struct random_source *random, struct edge_seal **out)
{
    struct edge_seal *s = calloc(1, sizeof *s);
    if (!s) return RC_NOMEM;
    s->random = *random;
    enum rc rc = crypto_aead_new(CRYPTO_A256GCM, key, &s->aead);
    if (rc == RC_OK) rc = crypto_hmac_sha256(key, str_bytes(STR("bearline edge keys")), s->root);
    if (rc == RC_OK)
        *out = s;
    else
        edge_seal_free(s);
    return rc;
}

struct edge_seal *edge_seal_free(struct edge_seal *s)
{
    if (!s) return NULL;
    crypto_aead_free(s->aead);
    crypto_wipe(s->root, sizeof s->root);
    free(s);
    return NULL;
}

enum rc edge_seal_derive(const struct edge_seal *s, const char *label,
                         uint8_t out[EDGE_SEAL_KEY_LEN])
{
    return crypto_hmac_sha256(bytes_of(s->root, sizeof s->root), str_bytes(str_from(label)), out);
}

/* iv | tag | sealed. The purpose is authenticated with it and not written. */
void edge_seal_print(const struct edge_seal *s, enum edge_seal_purpose purpose, struct str plain,
                     struct buf *out)
{
    uint8_t whole[OVERHEAD + EDGE_SEAL_PLAIN_MAX + CRYPTO_AEAD_PAD_MAX];
    uint8_t aad = (uint8_t)purpose;
    size_t n = 0;
    if (plain.n > EDGE_SEAL_PLAIN_MAX) {
        if (out->rc == RC_OK) out->rc = RC_TOO_BIG;
        return;
    }
    random_fill(&s->random, whole, IV_LEN);
    enum rc rc = crypto_aead_seal(s->aead, bytes_of(whole, IV_LEN), bytes_of(&aad, 1),
                                  str_bytes(plain), whole + OVERHEAD, sizeof whole - OVERHEAD, &n,
                                  whole + IV_LEN);
    if (rc == RC_OK)
        base64url_print(out, bytes_of(whole, OVERHEAD + n));
    else if (out->rc == RC_OK)
        out->rc = rc;
}

enum rc edge_seal_open(const struct edge_seal *s, enum edge_seal_purpose purpose, struct str text,
                       struct arena *a, struct str *plain)
{
    struct bytes whole;
    uint8_t aad = (uint8_t)purpose;
    if (text.n > EDGE_SEAL_TEXT_MAX) return RC_DENIED;
    enum rc rc = base64url_decode_arena(text, a, &whole);
    if (rc != RC_OK) return rc == RC_NOMEM ? rc : RC_DENIED;
    if (whole.n < OVERHEAD) return RC_DENIED;
    size_t n = whole.n - OVERHEAD, open_n = 0;
    char *open = arena_alloc(a, n + 1);
    if (!open) return RC_NOMEM;
    rc = crypto_aead_open(
        s->aead, bytes_of(whole.p, IV_LEN), bytes_of(&aad, 1), bytes_of(whole.p + OVERHEAD, n),
        bytes_of(whole.p + IV_LEN, CRYPTO_AEAD_TAG_LEN), (uint8_t *)open, n + 1, &open_n);
    if (rc != RC_OK) return rc == RC_NOMEM ? rc : RC_DENIED;
    *plain = str_of(open, open_n);
    return RC_OK;
}
