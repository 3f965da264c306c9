/* What a request proves: a bearer token (with it, or remembered with its connection) or Digest
 * credentials. */
#include "call/call_int.h"

#include "base/hash.h"
#include "call/digest.h"
#include "sip/auth.h"

static const enum sip_header_id credential_headers[] = {SIP_HEADER_PROXY_AUTHORIZATION,
                                                        SIP_HEADER_AUTHORIZATION};

/* The first credentials of that scheme in either header; RC_NOT_FOUND, RC_MALFORMED. */
static enum rc credentials_find(const struct sip_message *m, enum sip_auth_scheme scheme,
                                struct sip_auth *out)
{
    enum rc result = RC_NOT_FOUND;
    for (size_t i = 0; i < sizeof credential_headers / sizeof *credential_headers; i++) {
        const struct sip_header *h = sip_message_find(m, credential_headers[i]);
        for (; h; h = sip_message_next(m, h)) {
            enum rc rc = sip_auth_parse(h->value, out, NULL);
            if (rc == RC_OK && out->scheme == scheme) return RC_OK;
            if (rc != RC_OK && result == RC_NOT_FOUND && out->scheme == scheme)
                result = RC_MALFORMED;
        }
    }
    return result;
}

static bool remembered_is_good(struct call_visit *v, const struct call_flow *known, int64_t now_s)
{
    struct oauth_verifier *verifier = v->worker->node->verifier;
    struct oauth_claims claims = {
        .user = known->user,
        .subject = known->user,
        .gid = known->gid,
        .issued_unix_s = known->issued_unix_s,
        .expires_unix_s = known->expires_unix_s,
    };
    if (known->key_generation != oauth_verifier_generation(verifier)) {
        v->token_reason = OAUTH_UNKNOWN_KEY;
        return false;
    }
    if (oauth_verify_again(verifier, &claims, now_s, &v->token_reason) != RC_OK) return false;
    /* What the flow remembers may be replaced before this request is through. */
    if (arena_str_dup(v->arena, known->user, &claims.user) != RC_OK ||
        arena_str_dup(v->arena, known->gid, &claims.gid) != RC_OK) {
        v->token_reason = OAUTH_NO_MEMORY;
        return false;
    }
    claims.subject = claims.user;
    v->claims = claims;
    return true;
}

/* A request without token on a flow whose earlier token still holds counts as proved, for the
 * device it was proved for; unless every request must carry its token. */
static void bearer_remembered(struct call_visit *v, int64_t now_s)
{
    const struct call_flow *known = call_visit_known(v);
    v->question.bearer = CALL_PROOF_NONE;
    if (!known || !known->has_token || !str_eq_nocase(known->device, v->claimed)) return;
    if (directory_params_is_on(v->params, STORE_P_STRICT_CREDENTIALS)) return;
    v->has_claims = remembered_is_good(v, known, now_s);
    /* That its time is over, or its key, is no fault of a request that carries none. */
    bool outlived = v->token_reason == OAUTH_EXPIRED || v->token_reason == OAUTH_UNKNOWN_KEY;
    if (v->has_claims)
        v->question.bearer = CALL_PROOF_GOOD;
    else if (!outlived)
        v->question.bearer = CALL_PROOF_BAD;
}

void call_credentials_bearer(struct call_visit *v)
{
    struct sip_auth auth;
    struct str token;
    int64_t now_s = clock_unix_s(&v->worker->node->clock);
    v->token_reason = OAUTH_OK;
    v->key_generation = oauth_verifier_generation(v->worker->node->verifier);
    enum rc rc = credentials_find(v->message, SIP_AUTH_BEARER, &auth);
    if (rc == RC_NOT_FOUND) {
        bearer_remembered(v, now_s);
        return;
    }
    if (rc == RC_OK) rc = sip_auth_bearer(&auth, &token);
    v->question.bearer = CALL_PROOF_BAD;
    v->token_reason = OAUTH_MALFORMED;
    if (rc != RC_OK) return;
    if (oauth_verify(v->worker->node->verifier, token, now_s, v->arena, &v->claims,
                     &v->token_reason) != RC_OK)
        return;
    v->has_claims = v->claims_are_fresh = true;
    v->question.bearer = CALL_PROOF_GOOD;
}

/* ---- Digest ---- */

/* A nonce may be used once for each count: a replay on the same flow is refused. */
static bool nonce_is_replayed(struct call_visit *v, const struct sip_digest *d)
{
    uint32_t nc;
    if (call_digest_nc(d, &nc) != RC_OK) return true;
    struct call_flow *known = call_flow_of(v->request->flow);
    if (nc == 0) return false;
    static const struct hash_key key = {0, 0}; /* nonces are ours: nobody chooses them */
    v->nonce_hash = hash_str(&key, d->nonce);
    v->nonce_count = nc;
    if (!known) return false; /* the flow's first: it remembers once it is registered */
    if (known->nonce_hash == v->nonce_hash && nc <= known->nonce_count) return true;
    known->nonce_hash = v->nonce_hash;
    known->nonce_count = nc;
    return false;
}

static bool uri_fits(const struct call_visit *v, const struct sip_digest *d)
{
    struct sip_uri claimed, asked;
    if (str_eq(d->uri, v->message->uri)) return true;
    return sip_uri_parse(d->uri, &claimed, NULL) == RC_OK &&
           sip_uri_parse(v->message->uri, &asked, NULL) == RC_OK &&
           sip_uri_aor_eq(&claimed, &asked);
}

static enum call_proof digest_judge(struct call_visit *v, const struct sip_digest *d)
{
    struct call_node *n = v->worker->node;
    struct buf source;
    char text[NET_ADDR_TEXT_MAX];
    buf_init_fixed(&source, text, sizeof text);
    if (v->request->flow) net_addr_print_ip(&source, &v->request->flow->peer);
    enum rc age = call_nonce_check(d->nonce, secret_bytes(&n->nonce_key), clock_unix_s(&n->clock),
                                   v->profile->nonce_validity_s, buf_str(&source));
    if (age != RC_OK && age != RC_EXPIRED) return CALL_PROOF_BAD;
    const struct directory_user *owner = directory_user_ref(n->directory, v->device->owner);
    enum rc rc = RC_DENIED;
    if (owner && owner->active && str_eq_nocase(d->username, owner->id) &&
        str_eq(d->realm, owner->digest_realm) && uri_fits(v, d)) {
        struct call_ha1 ha1 = {owner->digest_md5, owner->digest_sha256};
        rc = call_digest_check(d, v->message->method_text, &ha1);
    }
    directory_user_unref(owner);
    if (rc != RC_OK) return CALL_PROOF_BAD;
    /* Only to who knows the password (RFC 7616, 3.3): else it would tell known devices from others. */
    v->nonce_is_stale = age == RC_EXPIRED || nonce_is_replayed(v, d);
    return v->nonce_is_stale ? CALL_PROOF_BAD : CALL_PROOF_GOOD;
}

/* A call over the connection that registered its device needs no second proof. A datagram's source
 * may be forged, so there that counts only for what belongs to a dialog. */
static bool flow_vouches(const struct call_visit *v)
{
    const struct call_flow *known = call_visit_known(v);
    if (!v->is_call || !known || !v->device) return false;
    if (!str_eq_nocase(known->device, v->device->name)) return false;
    return v->in_dialog ||
           siptx_transport_is_reliable((enum siptx_transport)v->request->flow->transport);
}

void call_credentials_digest(struct call_visit *v)
{
    struct sip_auth auth;
    struct sip_digest digest;
    v->question.digest = CALL_PROOF_NONE;
    enum rc rc = credentials_find(v->message, SIP_AUTH_DIGEST, &auth);
    if (rc == RC_NOT_FOUND) {
        if (flow_vouches(v)) v->question.digest = CALL_PROOF_GOOD;
        return;
    }
    v->question.digest = CALL_PROOF_BAD;
    if (rc != RC_OK || !v->device || !v->profile) return;
    if (sip_digest_get(&auth, v->arena, &digest) != RC_OK) return;
    v->question.digest = digest_judge(v, &digest);
}
