/* Tokens: the access token (RFC 9068) in the format and with the algorithm the parameters say, the ID
 * token (OpenID Connect Core, 2), and the answer that carries them (RFC 6749, 5.1). */
#include "auth/auth_int.h"
#include "crypto/secret.h"
#include "jose/jws.h"
#include "jose/object.h"
#include "oauth/mint.h"

enum { ID_TOKEN_MAX = 8192 };

int64_t auth_issue_access_s(const struct auth_visit *v)
{
    return v->params->number[STORE_P_ACCESS_TOKEN_MIN] * 60;
}

/* The choices of the parameters in their order. */
static enum oauth_format format_of(const struct directory_params *p)
{
    static const enum oauth_format formats[] = {OAUTH_FORMAT_NESTED, OAUTH_FORMAT_SIGNED,
                                                OAUTH_FORMAT_PRIVATE};
    return formats[p->number[STORE_P_TOKEN_FORMAT]];
}

static struct jose_key signing_key(const struct auth_visit *v)
{
    bool is_rsa = v->params->number[STORE_P_TOKEN_ALG] == 1;
    const struct auth_ring_key *key = &v->ring->live[is_rsa ? AUTH_RS256 : AUTH_ES256];
    return (struct jose_key){
        .kid = key->kid, .alg = is_rsa ? JOSE_ALG_RS256 : JOSE_ALG_ES256, .key = key->sign};
}

static enum rc print_access(struct auth_visit *v, const struct auth_issue *x, struct buf *out)
{
    enum oauth_format format = format_of(v->params);
    char jti[AUTH_UUID_LEN + 1];
    struct oauth_mint mint = {
        .format = format,
        .signing = signing_key(v),
        .encryption = v->ring
                          ->live[format == OAUTH_FORMAT_PRIVATE ? AUTH_A128CBC_HS256 : AUTH_A256GCM]
                          .encrypt,
        .random = &v->auth->settings.random,
        .audience = oauth_keyring_audience(v->ring->keyring)};
    auth_uuid_make(&v->auth->settings.random, jti);
    struct oauth_claims claims = {.issuer = oauth_keyring_issuer(v->ring->keyring),
                                  .subject = x->user,
                                  .client_id = x->client->client_id,
                                  .scope = x->scope,
                                  .jti = str_from(jti),
                                  .gid = x->grant,
                                  .device = x->device,
                                  .issued_unix_s = v->now_s,
                                  .expires_unix_s = v->now_s + auth_issue_access_s(v)};
    return oauth_mint_print(out, &mint, &claims);
}

static void put_claim(struct buf *out, const char *name, struct str value)
{
    buf_printf(out, "%s\"%s\":", out->n > 1 ? "," : "", name);
    jose_print_string(out, value);
}

static enum rc print_id_token(struct auth_visit *v, const struct auth_issue *x, struct buf *out)
{
    struct jose_key key = signing_key(v);
    struct buf claims;
    buf_init(&claims, ID_TOKEN_MAX / 2);
    buf_put_char(&claims, '{');
    put_claim(&claims, "iss", oauth_keyring_issuer(v->ring->keyring));
    put_claim(&claims, "sub", x->user);
    put_claim(&claims, "aud", x->client->client_id);
    if (x->nonce.n) put_claim(&claims, "nonce", x->nonce);
    buf_printf(&claims, ",\"iat\":%lld,\"exp\":%lld,\"auth_time\":%lld}", (long long)v->now_s,
               (long long)(v->now_s + auth_issue_access_s(v)), (long long)x->auth_time_s);
    enum rc rc = buf_rc(&claims);
    if (rc == RC_OK)
        rc = jose_jws_print(out, &key, STR("JWT"), STR(""), str_bytes(buf_str(&claims)));
    buf_fini(&claims);
    return rc == RC_OK ? buf_rc(out) : rc;
}

static void put_body(struct auth_visit *v, const struct auth_issue *x, struct str access,
                     struct str id_token)
{
    struct buf *b = &v->res->body;
    auth_answer_json(v->res, 200);
    buf_put_char(b, '{');
    put_claim(b, "access_token", access);
    put_claim(b, "token_type", STR("Bearer"));
    buf_printf(b, ",\"expires_in\":%lld", (long long)auth_issue_access_s(v));
    put_claim(b, "scope", x->scope);
    if (x->refresh.n) {
        put_claim(b, "refresh_token", x->refresh);
        buf_printf(b, ",\"refresh_token_expires_in\":%lld",
                   (long long)(x->refresh_expires_s - v->now_s));
    }
    if (id_token.n) put_claim(b, "id_token", id_token);
    buf_put_lit(b, "}\n");
}

void auth_issue_answer(struct auth_visit *v, const struct auth_issue *issue)
{
    char access_text[OAUTH_TOKEN_MAX], id_text[ID_TOKEN_MAX];
    struct buf access, id;
    buf_init_fixed(&access, access_text, sizeof access_text);
    buf_init_fixed(&id, id_text, sizeof id_text);
    enum rc rc = print_access(v, issue, &access);
    if (rc == RC_OK && issue->auth_time_s && oauth_scope_has(issue->scope, STR("openid")))
        rc = print_id_token(v, issue, &id);
    if (rc == RC_OK)
        put_body(v, issue, buf_str(&access), buf_str(&id));
    else
        auth_answer_failed(v, "token", rc);
    crypto_wipe(access_text, access.n);
    crypto_wipe(id_text, id.n);
}
