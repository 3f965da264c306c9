/* Trusted edges, certificates and keys. */
#include "store/record_int.h"

enum { PEM_MAX = 16 << 10, CHAIN_MAX = 64 << 10, NAMES_TEXT_MAX = 4096 };

/* --- trusted edges --- */

static const struct record_field edge_fields[] = {
    RECORD_F(struct store_edge, pkid, RECORD_STR, RECORD_KEY | RECORD_REQUIRED, 64),
    RECORD_F(struct store_edge, host_or_ip, RECORD_STR, RECORD_REQUIRED, 253),
    RECORD_F(struct store_edge, description, RECORD_STR, 0, 0),
    RECORD_F(struct store_edge, x509_names, RECORD_STR, 0, NAMES_TEXT_MAX),
};
static const struct record_table edges = {
    .kind = STORE_EDGE,
    .table = "cfg_edge",
    .match_column = "host_or_ip",
    .size = sizeof(struct store_edge),
    .fields = edge_fields,
    .field_count = sizeof edge_fields / sizeof edge_fields[0],
    .pkid_offset = SIZE_MAX,
    .version_offset = offsetof(struct store_edge, version),
};

enum rc store_edge_get(struct store *s, struct str key, struct arena *a, struct store_edge *out,
                       struct store_why *why)
{
    return record_get(s, &edges, key, a, out, why);
}

enum rc store_edge_list(struct store *s, const struct store_page *page, struct arena *a,
                        struct store_edges *out, struct store_why *why)
{
    void *rows = NULL;
    enum rc rc = record_list(s, &edges, page, a, &rows, &out->count, &out->more, why);
    out->rows = rows;
    return rc;
}

enum rc store_edge_put(struct store *s, const struct store_by *by, enum store_put how,
                       const struct store_edge *row, struct store_why *why)
{
    char pkid[STORE_UUID_LEN + 1];
    struct store_edge edge = *row;
    if (how == STORE_ADD && edge.pkid.n == 0) {
        store_uuid(s, pkid);
        edge.pkid = str_from(pkid);
    }
    return record_put(s, &edges, by, how, &edge, why);
}

enum rc store_edge_remove(struct store *s, const struct store_by *by, struct str key,
                          struct store_why *why)
{
    return record_remove(s, &edges, by, key, why);
}

/* --- own certificates --- */

static const struct record_field cert_fields[] = {
    RECORD_F(struct store_cert, name, RECORD_STR, RECORD_KEY | RECORD_REQUIRED, 128),
    RECORD_F(struct store_cert, unit, RECORD_STR, RECORD_REQUIRED, 32),
    RECORD_F(struct store_cert, node, RECORD_STR, 0, 63),
    RECORD_F(struct store_cert, subject, RECORD_STR, 0, 0),
    RECORD_F(struct store_cert, chain_pem, RECORD_STR, RECORD_REQUIRED | RECORD_LINES, CHAIN_MAX),
    RECORD_F(struct store_cert, key_pem, RECORD_STR, RECORD_SECRET | RECORD_LINES, PEM_MAX),
    RECORD_F(struct store_cert, not_before_s, RECORD_I64, 0, 0),
    RECORD_F(struct store_cert, not_after_s, RECORD_I64, 0, 0),
};

/* name is what the other two fields make it. */
static bool is_joined(struct str name, struct str head, struct str tail)
{
    if (tail.n == 0) return str_eq_nocase(name, head);
    return name.n == head.n + 1 + tail.n && str_starts_nocase(name, head) &&
           name.p[head.n] == '/' && str_eq_nocase(str_sub(name, head.n + 1, name.n), tail);
}

static enum rc cert_check(const void *row, struct store_tx *tx, struct store_why *why)
{
    const struct store_cert *c = row;
    (void)tx;
    if (!is_joined(c->name, c->unit, c->node))
        return store_refuse(why, RC_INVALID,
                            "a certificate's name is its unit, then '/' and its node");
    return RC_OK;
}

static const struct record_table certs = {
    .kind = STORE_CERT,
    .table = "cfg_cert",
    .match_column = "subject",
    .size = sizeof(struct store_cert),
    .fields = cert_fields,
    .field_count = sizeof cert_fields / sizeof cert_fields[0],
    .pkid_offset = offsetof(struct store_cert, pkid),
    .version_offset = offsetof(struct store_cert, version),
    .check = cert_check,
};
RECORD_NOUN(cert, certs)

/* --- trusted certificates --- */

static const struct record_field trust_fields[] = {
    RECORD_F(struct store_trust, name, RECORD_STR, RECORD_KEY | RECORD_REQUIRED, 128),
    RECORD_F(struct store_trust, store, RECORD_STR, RECORD_REQUIRED, 48),
    RECORD_F(struct store_trust, fingerprint, RECORD_STR, RECORD_REQUIRED, 64),
    RECORD_F(struct store_trust, subject, RECORD_STR, 0, 0),
    RECORD_F(struct store_trust, issuer, RECORD_STR, 0, 0),
    RECORD_F(struct store_trust, pem, RECORD_STR, RECORD_REQUIRED | RECORD_LINES, PEM_MAX),
    RECORD_F(struct store_trust, not_after_s, RECORD_I64, 0, 0),
};

static enum rc trust_check(const void *row, struct store_tx *tx, struct store_why *why)
{
    const struct store_trust *t = row;
    (void)tx;
    if (!is_joined(t->name, t->store, t->fingerprint))
        return store_refuse(
            why, RC_INVALID,
            "a trusted certificate's name is its store, then '/' and its fingerprint");
    return RC_OK;
}

static const struct record_table trusts = {
    .kind = STORE_TRUST,
    .table = "cfg_trust",
    .match_column = "subject",
    .size = sizeof(struct store_trust),
    .fields = trust_fields,
    .field_count = sizeof trust_fields / sizeof trust_fields[0],
    .pkid_offset = offsetof(struct store_trust, pkid),
    .version_offset = offsetof(struct store_trust, version),
    .check = trust_check,
};
RECORD_NOUN(trust, trusts)

/* --- authz keys --- */

static const struct record_field key_fields[] = {
    RECORD_F(struct store_key, kid, RECORD_STR, RECORD_KEY | RECORD_REQUIRED, 200),
    RECORD_F(struct store_key, use, RECORD_INT, 0, 0),
    RECORD_F(struct store_key, state, RECORD_INT, 0, 0),
    RECORD_F(struct store_key, alg, RECORD_STR, RECORD_REQUIRED, 32),
    RECORD_F(struct store_key, public_text, RECORD_STR, RECORD_LINES, PEM_MAX),
    RECORD_F(struct store_key, secret_text, RECORD_STR, RECORD_SECRET | RECORD_LINES, PEM_MAX),
    RECORD_F(struct store_key, created_s, RECORD_I64, 0, 0),
    RECORD_F(struct store_key, retire_at_s, RECORD_I64, 0, 0),
};

static enum rc key_check(const void *row, struct store_tx *tx, struct store_why *why)
{
    const struct store_key *k = row;
    char other[STORE_KEY_MAX + 1];
    if ((k->use != STORE_KEY_SIGNING && k->use != STORE_KEY_ENCRYPTION) ||
        k->state < STORE_KEY_NEXT || k->state > STORE_KEY_PREVIOUS)
        return store_refuse(why, RC_INVALID,
                            "a key is for signing or encryption, and next, current or previous");
    if (k->state != STORE_KEY_CURRENT) return RC_OK;
    enum rc rc = record_lookup(
        tx->db,
        k->use == STORE_KEY_SIGNING
            ? "SELECT kid FROM cfg_key WHERE use = 1 AND state = 2 AND kid <> ?1"
            : "SELECT kid FROM cfg_key WHERE use = 2 AND state = 2 AND kid <> ?1",
        k->kid, other, sizeof other, why);
    if (rc == RC_OK)
        return store_refuse(why, RC_EXISTS,
                            "the key %s is the current one: retire it in the same batch first",
                            other);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

static const struct record_table keys = {
    .kind = STORE_KEY,
    .table = "cfg_key",
    .match_column = "alg",
    .size = sizeof(struct store_key),
    .fields = key_fields,
    .field_count = sizeof key_fields / sizeof key_fields[0],
    .pkid_offset = offsetof(struct store_key, pkid),
    .version_offset = offsetof(struct store_key, version),
    .check = key_check,
};
RECORD_NOUN(key, keys)
