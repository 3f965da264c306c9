#include "jose/jws.h"

#include "base/base64.h"

/* header.payload.signature (RFC 7515, 7.1) */
static bool split(struct str token, struct str parts[3])
{
    struct str rest = token;
    return str_split(&rest, '.', &parts[0]) && str_split(&rest, '.', &parts[1]) &&
           str_split(&rest, '.', &parts[2]) && rest.p == NULL;
}

enum rc jose_jws_parse(struct str token, struct arena *arena, struct jose_jws *out)
{
    struct str parts[3];
    struct jose_jws jws = {0};
    enum rc rc;
    if (token.n > JOSE_TOKEN_MAX) return RC_TOO_BIG;
    if (!split(token, parts)) return RC_MALFORMED;
    if ((rc = jose_header_parse(parts[0], arena, &jws.header)) != RC_OK) return rc;
    rc = base64url_decode_arena(parts[1], arena, &jws.unverified_payload);
    if (rc != RC_OK) return rc;
    if ((rc = base64url_decode_arena(parts[2], arena, &jws.signature)) != RC_OK) return rc;
    jws.signing_input = str_sub(token, 0, parts[0].n + 1 + parts[1].n);
    *out = jws;
    return RC_OK;
}

enum rc jose_jws_verify(const struct jose_jws *jws, const struct jose_key *key)
{
    if (jws->header.alg != key->alg) return RC_INVALID;
    return crypto_verify(key->key, str_bytes(jws->signing_input), jws->signature);
}

enum rc jose_jws_print(struct buf *out, const struct jose_key *key, struct str typ, struct str cty,
                       struct bytes payload)
{
    struct jose_header h = {.alg = key->alg, .kid = key->kid, .typ = typ, .cty = cty};
    uint8_t signature[CRYPTO_SIGNATURE_MAX];
    size_t start = out->n, n;
    jose_header_print(out, &h);
    buf_put_char(out, '.');
    base64url_print(out, payload);
    if (buf_rc(out) != RC_OK) return buf_rc(out);
    struct bytes input = bytes_of(out->p + start, out->n - start);
    enum rc rc = crypto_sign(key->key, input, signature, &n);
    if (rc != RC_OK) return rc;
    buf_put_char(out, '.');
    base64url_print(out, bytes_of(signature, n));
    return buf_rc(out);
}
