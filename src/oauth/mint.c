#include "oauth/mint.h"

#include "crypto/secret.h"
#include "jose/jws.h"
#include "oauth/claims_int.h"

enum { STEP_MAX = 2 * OAUTH_TOKEN_MAX };

static const struct str at_jwt = STR_INIT("at+jwt"), jwt = STR_INIT("JWT"), none = STR_INIT("");

static bool keys_fit(const struct oauth_mint *m)
{
    if (!m->signing.key || !crypto_key_is_private(m->signing.key) || m->signing.kid.n == 0 ||
        m->signing.alg != jose_key_alg(m->signing.key))
        return false;
    if (m->format == OAUTH_FORMAT_SIGNED) return true;
    enum jose_enc want = m->format == OAUTH_FORMAT_NESTED ? JOSE_ENC_A256GCM
                                                          : JOSE_ENC_A128CBC_HS256;
    return m->encryption && jose_enc_key_enc(m->encryption) == want;
}

static enum rc print_nested(struct buf *out, const struct oauth_mint *m, struct str claims,
                            struct buf *step)
{
    enum rc rc = jose_jws_print(step, &m->signing, at_jwt, none, str_bytes(claims));
    if (rc != RC_OK) return rc;
    return jose_jwe_print(out, m->encryption, none, jwt, m->random, str_bytes(buf_str(step)));
}

static enum rc print_private(struct buf *out, const struct oauth_mint *m, struct str claims,
                             struct buf *step)
{
    buf_put_lit(step, "{\"private\":\"");
    enum rc rc = jose_jwe_print(step, m->encryption, none, jwt, m->random, str_bytes(claims));
    if (rc != RC_OK) return rc;
    buf_put_lit(step, "\"}");
    if (buf_rc(step) != RC_OK) return buf_rc(step);
    return jose_jws_print(out, &m->signing, jwt, none, str_bytes(buf_str(step)));
}

static enum rc print_format(struct buf *out, const struct oauth_mint *m, struct str claims,
                            struct buf *step)
{
    if (m->format == OAUTH_FORMAT_NESTED) return print_nested(out, m, claims, step);
    if (m->format == OAUTH_FORMAT_PRIVATE) return print_private(out, m, claims, step);
    return jose_jws_print(out, &m->signing, at_jwt, none, str_bytes(claims));
}

/* What is inside an envelope may open a line too. */
static void wipe(struct buf *b)
{
    if (b->n) crypto_wipe(b->p, b->n);
    buf_fini(b);
}

enum rc oauth_mint_print(struct buf *out, const struct oauth_mint *mint,
                         const struct oauth_claims *claims)
{
    struct buf text, step;
    size_t start = out->n;
    if (!keys_fit(mint) || !oauth_claims_are_whole(claims) || mint->audience.n == 0)
        return RC_INVALID;
    buf_init(&text, STEP_MAX);
    buf_init(&step, STEP_MAX);
    oauth_claims_print(&text, claims, mint->audience,
                       mint->format == OAUTH_FORMAT_PRIVATE ? &oauth_claim_names_private
                                                            : &oauth_claim_names_plain);
    enum rc rc = buf_rc(&text);
    if (rc == RC_OK) rc = print_format(out, mint, buf_str(&text), &step);
    if (rc == RC_OK && out->n - start > OAUTH_TOKEN_MAX) rc = RC_TOO_BIG;
    wipe(&text);
    wipe(&step);
    return rc;
}
