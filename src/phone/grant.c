#include "phone/grant.h"

#include "base/base64.h"
#include "base/form.h"
#include "crypto/digest.h"
#include "crypto/secret.h"
#include "phone/json_int.h"

/* ---- PKCE ---- */

static void print_32(const uint8_t raw[32], char out[PHONE_PKCE_LEN + 1])
{
    struct buf b;
    buf_init_fixed(&b, out, PHONE_PKCE_LEN);
    base64url_print(&b, bytes_of(raw, 32));
    out[PHONE_PKCE_LEN] = '\0';
}

enum rc phone_pkce_challenge(struct str verifier, char out[PHONE_PKCE_LEN + 1])
{
    uint8_t digest[CRYPTO_SHA256_LEN];
    enum rc rc = crypto_sha256(str_bytes(verifier), digest);
    if (rc == RC_OK) print_32(digest, out);
    return rc;
}

void phone_grant_random(const struct random_source *random, char out[PHONE_PKCE_LEN + 1])
{
    uint8_t raw[32];
    random_fill(random, raw, sizeof raw);
    print_32(raw, out);
    crypto_wipe(raw, sizeof raw);
}

/* ---- the server's metadata ---- */

static bool array_has(const json_t *o, const char *key, const char *want)
{
    size_t i;
    json_t *v;
    json_array_foreach(json_object_get(o, key), i, v)
    {
        if (json_is_string(v) && strcmp(json_string_value(v), want) == 0) return true;
    }
    return false;
}

static enum rc read_url(const json_t *o, const char *key, struct arena *a, struct str *out)
{
    struct str url = json_text(o, key);
    if (url.n > 0 && !str_starts_nocase(url, STR("https://"))) return RC_INVALID;
    return arena_str_dup(a, url, out);
}

static enum rc read_metadata(const json_t *o, struct arena *a, struct phone_metadata *m,
                             const char **why)
{
    *why = "an address in it is not https";
    enum rc rc = read_url(o, "authorization_endpoint", a, &m->authorize_url);
    if (rc == RC_OK) rc = read_url(o, "token_endpoint", a, &m->token_url);
    if (rc == RC_OK) rc = read_url(o, "revocation_endpoint", a, &m->revoke_url);
    if (rc == RC_OK) rc = read_url(o, "issuer", a, &m->issuer);
    if (rc != RC_OK) return rc;
    m->sends_iss = json_is_true(
        json_object_get(o, "authorization_response_iss_parameter_supported"));
    *why = "it names no issuer, authorization or token address";
    if (m->issuer.n == 0 || m->authorize_url.n == 0 || m->token_url.n == 0) return RC_INVALID;
    *why = "it does not offer PKCE with S256";
    return array_has(o, "code_challenge_methods_supported", "S256") ? RC_OK : RC_INVALID;
}

enum rc phone_metadata_parse(struct str json, struct arena *a, struct phone_metadata *out,
                             const char **why)
{
    *why = "it is no JSON object";
    json_t *o = json_object_parse(json);
    if (!o) return RC_MALFORMED;
    struct phone_metadata m = {0};
    enum rc rc = read_metadata(o, a, &m, why);
    json_decref(o);
    if (rc == RC_OK) *out = m;
    return rc;
}

/* ---- asking, and the answer ---- */

void phone_authorize_print(struct buf *out, const struct phone_authorize *a)
{
    buf_put_str(out, a->authorize_url);
    buf_put_char(out, str_find_char(a->authorize_url, '?') < 0 ? '?' : '&');
    buf_put_lit(out, "response_type=code");
    form_print_pair(out, STR("client_id"), STR(PHONE_CLIENT_ID));
    form_print_pair(out, STR("redirect_uri"), a->redirect_uri);
    form_print_pair(out, STR("scope"), STR(PHONE_SCOPE));
    form_print_pair(out, STR("state"), a->state);
    form_print_pair(out, STR("code_challenge"), a->challenge);
    form_print_pair(out, STR("code_challenge_method"), STR("S256"));
    if (a->device.n > 0) form_print_pair(out, STR("device_id"), a->device);
}

enum rc phone_redirect_parse(struct str query, struct arena *a, struct phone_redirect *out)
{
    struct form *f = ARENA_NEW(a, struct form);
    struct phone_redirect r = {0};
    struct {
        struct str name;
        struct str *value;
    } wanted[] = {
        {STR("code"), &r.code},
        {STR("state"), &r.state},
        {STR("iss"), &r.iss},
        {STR("error"), &r.error},
        {STR("error_description"), &r.error_description},
    };
    if (!f) return RC_NOMEM;
    enum rc rc = form_parse(query, a, f);
    if (rc != RC_OK) return rc == RC_NOMEM ? rc : RC_MALFORMED;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (form_get(f, wanted[i].name, wanted[i].value) == RC_INVALID) return RC_MALFORMED;
    if ((r.code.n > 0) == (r.error.n > 0)) return RC_MALFORMED;
    *out = r;
    return RC_OK;
}

enum phone_exit phone_redirect_check(const struct phone_redirect *r, struct str state,
                                     const struct phone_metadata *m, struct phone_problem *problem)
{
    if (!crypto_equal(str_bytes(r->state), str_bytes(state)))
        return phone_problem_set(problem, PHONE_EXIT_SIGN_IN,
                                 "The answer that came back is not to this sign-in (its state does "
                                 "not match). Start \"login\" again and use the newest page.");
    if ((m->sends_iss || r->iss.n > 0) && !str_eq(r->iss, m->issuer))
        return phone_problem_set(problem, PHONE_EXIT_SIGN_IN,
                                 "The answer that came back is from the issuer \"%.*s\", not from "
                                 "%.*s. Nothing was sent to it. Check --server.",
                                 STR_ARG(r->iss), STR_ARG(m->issuer));
    if (r->error.n > 0)
        return phone_problem_set(problem, PHONE_EXIT_SIGN_IN,
                                 "The server refused the sign-in: %.*s%s%.*s.", STR_ARG(r->error),
                                 r->error_description.n > 0 ? ", " : "",
                                 STR_ARG(r->error_description));
    return PHONE_EXIT_OK;
}

void phone_grant_print_code(struct buf *out, struct str code, struct str redirect_uri,
                            struct str verifier)
{
    form_print_pair(out, STR("grant_type"), STR("authorization_code"));
    form_print_pair(out, STR("code"), code);
    form_print_pair(out, STR("redirect_uri"), redirect_uri);
    form_print_pair(out, STR("client_id"), STR(PHONE_CLIENT_ID));
    form_print_pair(out, STR("code_verifier"), verifier);
}

void phone_grant_print_refresh(struct buf *out, struct str client_id, struct str refresh_token)
{
    form_print_pair(out, STR("grant_type"), STR("refresh_token"));
    form_print_pair(out, STR("refresh_token"), refresh_token);
    form_print_pair(out, STR("client_id"), client_id);
}

void phone_grant_print_revoke(struct buf *out, struct str client_id, struct str token)
{
    form_print_pair(out, STR("token"), token);
    form_print_pair(out, STR("token_type_hint"), STR("refresh_token"));
    form_print_pair(out, STR("client_id"), client_id);
}
