/* sip/auth_print.c - challenges and credentials as header lines. */
#include "sip/auth.h"
#include "sip/print.h"
#include "sip/values.h"

static void auth_begin(struct buf *out, enum sip_header_id id, struct str scheme)
{
    buf_put_str(out, sip_header_name(id));
    buf_put_lit(out, ": ");
    buf_put_str(out, scheme);
}

/* Empty values are left out. One that is to stand without quotes and is no token gets them all the
 * same: a peer's words cannot begin a parameter, or a line, of their own. */
static void auth_put(struct buf *out, bool *first, struct str name, struct str value, bool quoted)
{
    if (value.n == 0) return;
    buf_put(out, *first ? " " : ", ", *first ? 1 : 2);
    *first = false;
    buf_put_str(out, name);
    buf_put_char(out, '=');
    if (quoted || !sip_is_token(value))
        sip_print_quoted(out, value);
    else
        buf_put_str(out, value);
}

void sip_bearer_challenge_print(struct buf *out, enum sip_header_id id,
                                const struct sip_bearer_challenge *c)
{
    bool first = true;
    auth_begin(out, id, STR("Bearer"));
    auth_put(out, &first, STR("realm"), c->realm, true);
    auth_put(out, &first, STR("scope"), c->scope, true);
    auth_put(out, &first, STR("authz_server"), c->authz_server, true);
    auth_put(out, &first, STR("error"), c->error, true);
    auth_put(out, &first, STR("error_description"), c->error_description, true);
    buf_put_lit(out, "\r\n");
}

void sip_digest_challenge_print(struct buf *out, enum sip_header_id id, const struct sip_digest *d)
{
    bool first = true;
    auth_begin(out, id, STR("Digest"));
    auth_put(out, &first, STR("realm"), d->realm, true);
    auth_put(out, &first, STR("domain"), d->domain, true);
    auth_put(out, &first, STR("nonce"), d->nonce, true);
    auth_put(out, &first, STR("opaque"), d->opaque, true);
    if (d->stale) auth_put(out, &first, STR("stale"), STR("true"), false);
    auth_put(out, &first, STR("algorithm"), d->algorithm, false);
    auth_put(out, &first, STR("qop"), d->qop, true);
    buf_put_lit(out, "\r\n");
}

void sip_bearer_print(struct buf *out, enum sip_header_id id, struct str token, bool quoted_param)
{
    auth_begin(out, id, STR("Bearer"));
    if (quoted_param)
        buf_put_lit(out, " token=\"");
    else
        buf_put_char(out, ' ');
    buf_put_str(out, token);
    if (quoted_param) buf_put_char(out, '"');
    buf_put_lit(out, "\r\n");
}

/* In credentials qop and nc stand without quotes, in a challenge qop has them (RFC 3261, 25.1). */
void sip_digest_print(struct buf *out, enum sip_header_id id, const struct sip_digest *d)
{
    bool first = true;
    auth_begin(out, id, STR("Digest"));
    auth_put(out, &first, STR("username"), d->username, true);
    auth_put(out, &first, STR("realm"), d->realm, true);
    auth_put(out, &first, STR("nonce"), d->nonce, true);
    auth_put(out, &first, STR("uri"), d->uri, true);
    auth_put(out, &first, STR("response"), d->response, true);
    auth_put(out, &first, STR("algorithm"), d->algorithm, false);
    auth_put(out, &first, STR("cnonce"), d->cnonce, true);
    auth_put(out, &first, STR("opaque"), d->opaque, true);
    auth_put(out, &first, STR("qop"), d->qop, false);
    auth_put(out, &first, STR("nc"), d->nc, false);
    buf_put_lit(out, "\r\n");
}
