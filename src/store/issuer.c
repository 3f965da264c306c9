/* SIP domains, foreign issuers and OAuth clients. */
#include "store/record_int.h"

enum { JWKS_MAX = 256 << 10, URIS_MAX = 4096 };

static const struct record_field domain_fields[] = {
    RECORD_F(struct store_domain, name, RECORD_STR, RECORD_KEY | RECORD_REQUIRED, 253),
    RECORD_F(struct store_domain, description, RECORD_STR, 0, 0),
    RECORD_F(struct store_domain, ours, RECORD_BOOL, 0, 0),
};

static enum rc domain_check(const void *row, struct store_tx *tx, struct store_why *why)
{
    const struct store_domain *d = row;
    (void)tx;
    for (size_t i = 0; i < d->name.n; i++) {
        char c = d->name.p[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              strchr(".-_:[]", c)))
            return store_refuse(why, RC_INVALID, "a SIP domain is a host name or an IP address");
    }
    return RC_OK;
}

static const struct record_table domains = {
    .kind = STORE_DOMAIN,
    .table = "cfg_domain",
    .match_column = "description",
    .size = sizeof(struct store_domain),
    .fields = domain_fields,
    .field_count = sizeof domain_fields / sizeof domain_fields[0],
    .pkid_offset = offsetof(struct store_domain, pkid),
    .version_offset = offsetof(struct store_domain, version),
    .check = domain_check,
};
RECORD_NOUN(domain, domains)

static const struct record_field issuer_fields[] = {
    RECORD_F(struct store_issuer, iss, RECORD_STR, RECORD_KEY | RECORD_REQUIRED, STORE_KEY_MAX),
    RECORD_F(struct store_issuer, description, RECORD_STR, 0, 0),
    RECORD_F(struct store_issuer, audience, RECORD_STR, RECORD_REQUIRED, 0),
    RECORD_F(struct store_issuer, user_claim, RECORD_STR, RECORD_REQUIRED, 64),
    RECORD_F(struct store_issuer, scope, RECORD_STR, 0, 128),
    RECORD_F(struct store_issuer, typ, RECORD_STR, 0, 32),
    RECORD_F(struct store_issuer, jwks, RECORD_STR, RECORD_REQUIRED | RECORD_LINES, JWKS_MAX),
    RECORD_F(struct store_issuer, enabled, RECORD_BOOL, 0, 0),
};
static const struct record_table issuers = {
    .kind = STORE_ISSUER,
    .table = "cfg_issuer",
    .match_column = "description",
    .size = sizeof(struct store_issuer),
    .fields = issuer_fields,
    .field_count = sizeof issuer_fields / sizeof issuer_fields[0],
    .pkid_offset = offsetof(struct store_issuer, pkid),
    .version_offset = offsetof(struct store_issuer, version),
};
RECORD_NOUN(issuer, issuers)

static const struct record_field client_fields[] = {
    RECORD_F(struct store_client, client_id, RECORD_STR, RECORD_KEY | RECORD_REQUIRED, 128),
    RECORD_F(struct store_client, name, RECORD_STR, RECORD_REQUIRED, 128),
    RECORD_F(struct store_client, type, RECORD_INT, 0, 0),
    RECORD_F(struct store_client, secret_hash, RECORD_STR, RECORD_SECRET, 512),
    RECORD_F(struct store_client, redirect_uris, RECORD_STR, RECORD_LINES, URIS_MAX),
    RECORD_F(struct store_client, loopback, RECORD_BOOL, 0, 0),
    RECORD_F(struct store_client, scopes, RECORD_STR, 0, 0),
    RECORD_F(struct store_client, enabled, RECORD_BOOL, 0, 0),
};

static enum rc client_check(const void *row, struct store_tx *tx, struct store_why *why)
{
    const struct store_client *c = row;
    (void)tx;
    for (size_t i = 0; i < c->client_id.n; i++)
        if (c->client_id.p[i] <= 0x20 || c->client_id.p[i] == 0x7f)
            return store_refuse(why, RC_INVALID,
                                "a client id is visible ASCII text without spaces");
    if (c->type != STORE_CLIENT_PUBLIC && c->type != STORE_CLIENT_CONFIDENTIAL)
        return store_refuse(why, RC_INVALID, "a client is public or confidential");
    if (c->type == STORE_CLIENT_PUBLIC && c->secret_hash.n && !str_eq(c->secret_hash, STORE_CLEAR))
        return store_refuse(why, RC_INVALID, "a public client has no secret");
    if (!c->loopback && c->redirect_uris.n == 0)
        return store_refuse(why, RC_INVALID,
                            "a client needs a redirect URI, or loopback redirects");
    return RC_OK;
}

static enum rc client_after_put(const void *row, struct str key, struct store_tx *tx,
                                struct store_why *why)
{
    const struct store_client *c = row;
    return c->enabled ? RC_OK : store_tx_revoke(tx, STR(""), key, STR("client disabled"), why);
}

static enum rc client_before_remove(struct str key, struct store_tx *tx, struct store_why *why)
{
    return store_tx_revoke(tx, STR(""), key, STR("client removed"), why);
}

static const struct record_table clients = {
    .kind = STORE_CLIENT,
    .table = "cfg_client",
    .match_column = "name",
    .size = sizeof(struct store_client),
    .fields = client_fields,
    .field_count = sizeof client_fields / sizeof client_fields[0],
    .pkid_offset = offsetof(struct store_client, pkid),
    .version_offset = offsetof(struct store_client, version),
    .check = client_check,
    .after_put = client_after_put,
    .before_remove = client_before_remove,
};
RECORD_NOUN(client, clients)
