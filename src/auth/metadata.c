/* What anyone may know: the server's metadata (RFC 8414, OpenID Connect Discovery), its public keys, and
 * the reference's word on single sign-on. Only what exists is claimed. */
#include "auth/auth_int.h"
#include "jose/object.h"

static void begin(struct auth_visit *v)
{
    http_reply(v->res, 200, "application/json", STR(""));
    http_set_header(v->res, "Cache-Control", STR("public, max-age=60"));
    http_set_header(v->res, "Access-Control-Allow-Origin", STR("*"));
}

static void put_string(struct buf *b, const char *name, struct str base, const char *path)
{
    struct buf value;
    buf_init(&value, OAUTH_NAME_MAX + 256);
    buf_put_str(&value, base);
    buf_put_str(&value, str_from(path));
    buf_printf(b, "%s\"%s\":", b->n > 1 ? "," : "", name);
    jose_print_string(b, buf_str(&value));
    buf_fini(&value);
}

/* An issuer that is an https URL is where the server is found, from outside too; else this node. */
static struct str base_url(const struct auth_visit *v)
{
    struct str issuer = oauth_keyring_issuer(v->ring->keyring);
    if (!str_starts_nocase(issuer, STR("https://"))) issuer = v->ring->node_url;
    return str_ends(issuer, STR("/")) ? str_sub(issuer, 0, issuer.n - 1) : issuer;
}

static void put_common(struct auth_visit *v)
{
    struct buf *b = &v->res->body;
    struct str base = base_url(v);
    put_string(b, "issuer", oauth_keyring_issuer(v->ring->keyring), "");
    put_string(b, "authorization_endpoint", base, "/ssosp/oauth/authorize");
    put_string(b, "token_endpoint", base, "/ssosp/oauth/token");
    put_string(b, "revocation_endpoint", base, "/ssosp/oauth/revoke");
    put_string(b, "jwks_uri", base, "/ssosp/oauth/jwks");
    buf_put_lit(b, ",\"scopes_supported\":[\"openid\",\"offline_access\",");
    jose_print_string(b, v->params->text[STORE_P_TOKEN_SCOPE]);
    buf_put_lit(
        b, "],\"response_types_supported\":[\"code\"],\"response_modes_supported\":[\"query\"],"
           "\"grant_types_supported\":[\"authorization_code\"");
    if (directory_params_is_on(v->params, STORE_P_REFRESH_LOGIN))
        buf_put_lit(b, ",\"refresh_token\"");
    buf_put_lit(b,
                "],\"token_endpoint_auth_methods_supported\":[\"none\",\"client_secret_basic\","
                "\"client_secret_post\"],\"revocation_endpoint_auth_methods_supported\":[\"none\","
                "\"client_secret_basic\",\"client_secret_post\"],"
                "\"code_challenge_methods_supported\":[\"S256\"],"
                "\"authorization_response_iss_parameter_supported\":true");
}

void auth_handle_oauth_metadata(void *ctx, const struct http_request *req,
                                struct http_response *res)
{
    struct auth_visit v;
    if (!auth_visit_begin(&v, ctx, req, res)) return;
    begin(&v);
    buf_put_char(&res->body, '{');
    put_common(&v);
    buf_put_lit(&res->body, "}\n");
    auth_visit_end(&v);
}

void auth_handle_oidc_metadata(void *ctx, const struct http_request *req, struct http_response *res)
{
    struct auth_visit v;
    if (!auth_visit_begin(&v, ctx, req, res)) return;
    begin(&v);
    buf_put_char(&res->body, '{');
    put_common(&v);
    buf_put_lit(&res->body, ",\"subject_types_supported\":[\"public\"],"
                            "\"id_token_signing_alg_values_supported\":[\"ES256\",\"RS256\"],"
                            "\"prompt_values_supported\":[\"none\",\"login\"],"
                            "\"claims_supported\":[\"iss\",\"sub\",\"aud\",\"exp\",\"iat\","
                            "\"auth_time\",\"nonce\"],\"claims_parameter_supported\":false,"
                            "\"request_parameter_supported\":false,"
                            "\"request_uri_parameter_supported\":false}\n");
    auth_visit_end(&v);
}

void auth_handle_jwks(void *ctx, const struct http_request *req, struct http_response *res)
{
    struct auth_visit v;
    if (!auth_visit_begin(&v, ctx, req, res)) return;
    begin(&v);
    oauth_keyring_print_jwks(&res->body, v.ring->keyring);
    auth_visit_end(&v);
}

/* There is no SAML here, and that is what the document is about. */
void auth_handle_single_sign_on(void *ctx, const struct http_request *req,
                                struct http_response *res)
{
    (void)ctx;
    (void)req;
    http_reply(res, 200, "application/xml; charset=utf-8",
               STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<SSOResult><Response><SingleSignOn "
                   "version=\"1.0\"><Status enabled=\"false\"/></SingleSignOn></Response>"
                   "</SSOResult>\n"));
}
