/* Who calls the token endpoints: a public client by its name alone, a confidential one by its secret
 * too, in the Authorization field or in the form (RFC 6749, 2.3.1). */
#include "auth/auth_int.h"

struct credentials {
    struct str id, secret;
    bool is_basic;
};

static void refuse(struct auth_visit *v, const struct credentials *c, const char *why)
{
    auth_count(v->auth, AUTH_C_TOKEN_REFUSED);
    log_info(v->auth->settings.log, "client.refused",
             LOG_STR("client", str_is_utf8(c->id) ? str_sub(c->id, 0, 128) : STR("?")),
             LOG_CSTR("address", v->from), LOG_CSTR("why", why));
    auth_answer_error(v->res, 401, "invalid_client", why);
    if (c->is_basic) http_set_header(v->res, "WWW-Authenticate", STR("Basic realm=\"bearline\""));
}

/* The words in the Authorization field are form-coded once more. */
static enum rc read_basic(const struct auth_visit *v, struct credentials *out)
{
    struct str id, secret;
    enum rc rc = http_basic(v->req, &id, &secret);
    if (rc != RC_OK) return rc;
    rc = percent_decode(id, true, v->req->arena, &out->id);
    if (rc == RC_OK) rc = percent_decode(secret, true, v->req->arena, &out->secret);
    out->is_basic = rc == RC_OK;
    return rc;
}

static bool read_credentials(struct auth_visit *v, const struct form *form, struct credentials *out)
{
    struct str id = form_find(form, STR("client_id"));
    struct str secret = form_find(form, STR("client_secret"));
    const char *why = NULL;
    enum rc rc = read_basic(v, out);
    if (rc == RC_NOT_FOUND)
        *out = (struct credentials){.id = id, .secret = secret};
    else if (rc != RC_OK)
        why = "the Authorization field cannot be read";
    else if (secret.n || (id.n && !str_eq(id, out->id)))
        why = "the client names itself in two ways";
    if (!why && out->id.n == 0) why = "client_id is missing";
    if (!why) return true;
    auth_answer_error(v->res, 400, "invalid_request", why);
    return false;
}

static bool check_secret(struct auth_visit *v, const struct credentials *c,
                         const struct store_client *client)
{
    struct auth_check check;
    auth_check_client(v, client, c->secret, &check);
    if (check.verdict == AUTH_PASSED) return true;
    if (check.verdict == AUTH_WRONG) {
        refuse(v, c, check.why);
    } else if (check.verdict == AUTH_FAILED) {
        auth_answer_failed(v, "client secret", RC_NOMEM);
    } else {
        auth_answer_error(v->res, check.verdict == AUTH_PAUSED ? 429 : 503,
                          "temporarily_unavailable", "too many attempts: try again later");
        auth_answer_retry(v->res, check.wait_ms);
    }
    return false;
}

bool auth_client_identify(struct auth_visit *v, const struct form *form, struct store_client *out)
{
    struct credentials c = {0};
    if (!read_credentials(v, form, &c)) return false;
    enum rc rc = c.id.n > STORE_KEY_MAX || !str_is_utf8(c.id)
                     ? RC_NOT_FOUND
                     : store_client_get(v->auth->settings.store, c.id, v->req->arena, out, &v->why);
    if (rc == RC_NOT_FOUND)
        refuse(v, &c, "unknown client");
    else if (rc != RC_OK)
        auth_answer_failed(v, "client", rc);
    else if (!out->enabled)
        refuse(v, &c, "the client is disabled");
    else if (out->type == STORE_CLIENT_CONFIDENTIAL)
        return check_secret(v, &c, out);
    else if (c.is_basic || c.secret.n)
        refuse(v, &c, "a public client sends client_id and no secret");
    else
        return true;
    return false;
}
