#include "auth/request.h"

#include "base/base64.h"
#include "base/form.h"
#include "crypto/digest.h"
#include "crypto/secret.h"
#include "oauth/bearer.h"

struct field {
    struct str name;
    size_t offset;
};
#define FIELD(member)                                                                              \
    {                                                                                              \
        STR_INIT(#member), offsetof(struct auth_request, member)                                   \
    }
static const struct field fields[] = {
    FIELD(client_id), FIELD(redirect_uri), FIELD(response_type),  FIELD(response_mode),
    FIELD(scope),     FIELD(state),        FIELD(code_challenge), FIELD(code_challenge_method),
    FIELD(nonce),     FIELD(device_id),    FIELD(prompt),         FIELD(login_hint),
    FIELD(request),   FIELD(request_uri),
};
enum { FIELD_COUNT = sizeof fields / sizeof fields[0] };

static struct str *member(struct auth_request *r, const struct field *f)
{
    return (struct str *)(void *)((char *)r + f->offset);
}

enum rc auth_request_parse(struct str query, struct arena *a, struct auth_request *out)
{
    struct form *form = arena_alloc(a, sizeof *form);
    if (!form) return RC_NOMEM;
    enum rc rc = form_parse(query, a, form);
    if (rc != RC_OK) return rc;
    *out = (struct auth_request){0};
    for (size_t i = 0; i < FIELD_COUNT; i++)
        if (form_get(form, fields[i].name, member(out, &fields[i])) == RC_INVALID)
            out->doubled = fields[i].name.p;
    return RC_OK;
}

void auth_request_print(struct buf *out, const struct auth_request *r)
{
    struct auth_request copy = *r;
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        struct str value = *member(&copy, &fields[i]);
        if (value.n) form_print_pair(out, fields[i].name, value);
    }
}

enum rc auth_request_check_redirect(const struct auth_request *r, const struct store_client *client,
                                    struct str everywhere, const char **why)
{
    if (r->redirect_uri.n == 0) {
        *why = "The request names no address to send the answer to (redirect_uri).";
        return RC_DENIED;
    }
    if (!auth_redirect_fits(r->redirect_uri, client->redirect_uris, everywhere, client->loopback)) {
        *why = "The address to send the answer to (redirect_uri) is not registered for this "
               "program.";
        return RC_DENIED;
    }
    return RC_OK;
}

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

static bool is_plain_text(struct str s, size_t max)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f) return false;
    return s.n <= max && str_is_utf8(s);
}

static struct auth_error check_pkce(const struct auth_request *r, const struct store_client *client)
{
    uint8_t digest[CRYPTO_SHA256_LEN];
    size_t n;
    if (r->code_challenge.n == 0) {
        if (client->type != STORE_CLIENT_PUBLIC && r->code_challenge_method.n == 0)
            return (struct auth_error){0};
        return (struct auth_error){"invalid_request",
                                   "code_challenge is missing: PKCE is required"};
    }
    if (!str_eq(r->code_challenge_method, STR("S256")))
        return (struct auth_error){"invalid_request", "code_challenge_method must be S256"};
    if (base64url_decode(r->code_challenge, digest, sizeof digest, &n) != RC_OK ||
        n != sizeof digest)
        return (struct auth_error){"invalid_request",
                                   "code_challenge must be 43 letters of base64url"};
    return (struct auth_error){0};
}

struct auth_error auth_request_check(const struct auth_request *r,
                                     const struct store_client *client)
{
    if (r->doubled) return (struct auth_error){"invalid_request", "a parameter came twice"};
    if (r->state.n > AUTH_STATE_MAX)
        return (struct auth_error){"invalid_request", "state is too long"};
    if (r->request.n)
        return (struct auth_error){"request_not_supported", "request objects are not used here"};
    if (r->request_uri.n)
        return (struct auth_error){"request_uri_not_supported", "request_uri is not used here"};
    if (r->response_type.n == 0)
        return (struct auth_error){"invalid_request", "response_type is missing"};
    if (!str_eq(r->response_type, STR("code")))
        return (struct auth_error){"unsupported_response_type", "response_type must be code"};
    if (r->response_mode.n && !str_eq(r->response_mode, STR("query")))
        return (struct auth_error){"invalid_request", "response_mode must be query"};
    if (!is_plain_text(r->nonce, AUTH_TEXT_MAX) || !is_plain_text(r->device_id, AUTH_TEXT_MAX) ||
        !is_plain_text(r->login_hint, AUTH_TEXT_MAX))
        return (struct auth_error){"invalid_request",
                                   "nonce, device_id or login_hint is too long or no plain text"};
    if (oauth_scope_has(r->prompt, STR("none")))
        return (struct auth_error){"login_required", "the user must sign in"};
    return check_pkce(r, client);
}

/* scope-token = 1*( %x21 / %x23-5B / %x5D-7E )  RFC 6749, 3.3 */
static bool is_scope_token(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= 0x20 || s.p[i] == 0x7f || (unsigned char)s.p[i] >= 0x80 || s.p[i] == '"' ||
            s.p[i] == '\\')
            return false;
    return s.n > 0;
}

enum rc auth_scope_grant(struct str asked, struct str allowed, struct arena *a, struct str *out)
{
    struct str rest = str_trim(asked), part;
    struct buf b;
    if (rest.n == 0) rest = str_trim(allowed);
    if (rest.n > AUTH_TEXT_MAX) return RC_TOO_BIG;
    char *p = arena_alloc(a, rest.n + 1);
    if (!p) return RC_NOMEM;
    buf_init_fixed(&b, p, rest.n + 1);
    while (rest.n && str_split(&rest, ' ', &part)) {
        if (!is_scope_token(part)) return RC_MALFORMED;
        if (!oauth_scope_has(allowed, part) || oauth_scope_has(buf_str(&b), part)) continue;
        if (b.n) buf_put_char(&b, ' ');
        buf_put_str(&b, part);
    }
    if (b.n == 0) return RC_DENIED;
    *out = buf_str(&b);
    return buf_rc(&b);
}

enum rc auth_pkce_check(struct str verifier, struct str challenge)
{
    uint8_t digest[CRYPTO_SHA256_LEN];
    char made[AUTH_CHALLENGE_LEN];
    struct buf b;
    if (verifier.n < AUTH_VERIFIER_MIN || verifier.n > AUTH_VERIFIER_MAX) return RC_MALFORMED;
    for (size_t i = 0; i < verifier.n; i++)
        if (!is_unreserved(verifier.p[i])) return RC_MALFORMED;
    enum rc rc = crypto_sha256(str_bytes(verifier), digest);
    if (rc != RC_OK) return rc;
    buf_init_fixed(&b, made, sizeof made);
    base64url_print(&b, bytes_of(digest, sizeof digest));
    return crypto_equal(str_bytes(buf_str(&b)), str_bytes(challenge)) ? RC_OK : RC_DENIED;
}
