/* Keys for tokens, certificates and trust. Private keys come in and never go out. */
#include "admin/api_int.h"
#include "crypto/x509.h"
#include <stdio.h>

/* ---- keys ---- */

static bool use_of(struct admin_call *c, struct str name, enum store_key_use *out)
{
    *out = str_eq_nocase(name, STR("signing")) ? STORE_KEY_SIGNING : STORE_KEY_ENCRYPTION;
    if (*out == STORE_KEY_SIGNING || str_eq_nocase(name, STR("encryption"))) return true;
    api_fail(c, 404, "not-found", "use", "there is no %.*s key: use signing or encryption",
             STR_ARG(name));
    return false;
}

static enum rc key_print(struct admin_call *c, enum store_key_use use, json_t **out)
{
    const struct admin_live *live = c->admin->live;
    struct admin_key k;
    enum rc rc = live->key_info(live->ctx, use, c->arena, &k);
    if (rc != RC_OK) return rc;
    *out = json_pack("{s:s, s:o, s:o, s:o, s:I, s:i}", "use",
                     use == STORE_KEY_SIGNING ? "signing" : "encryption", "kid", api_str(k.kid),
                     "alg", api_str(k.alg), "checksum", api_str(k.checksum), "created",
                     (json_int_t)k.created_s, "former_count", (int)k.former_count);
    return *out ? RC_OK : RC_NOMEM;
}

void key_list(struct admin_call *c)
{
    json_t *signing = NULL, *encryption = NULL;
    enum rc rc = key_print(c, STORE_KEY_SIGNING, &signing);
    if (rc == RC_OK) rc = key_print(c, STORE_KEY_ENCRYPTION, &encryption);
    if (rc == RC_OK) {
        api_reply(c, 200, json_pack("{s:[o,o]}", "keys", signing, encryption));
        return;
    }
    json_decref(signing);
    api_fail_rc(c, rc, "keys", STR(""));
}

static void reply_key(struct admin_call *c, enum rc rc, enum store_key_use use)
{
    json_t *o = NULL;
    if (rc == RC_OK) rc = key_print(c, use, &o);
    if (rc == RC_OK)
        api_reply(c, 200, o);
    else
        api_fail_rc(c, rc, "key", c->req->params[0]);
}

void key_show(struct admin_call *c)
{
    enum store_key_use use;
    if (use_of(c, c->req->params[0], &use)) reply_key(c, RC_OK, use);
}

void key_regen(struct admin_call *c)
{
    const struct admin_live *live = c->admin->live;
    enum store_key_use use;
    if (use_of(c, c->req->params[0], &use))
        reply_key(c, live->key_regen(live->ctx, &c->by, use, &c->why), use);
}

void key_rotate(struct admin_call *c)
{
    const struct admin_live *live = c->admin->live;
    enum store_key_use use;
    if (use_of(c, c->req->params[0], &use))
        reply_key(c, live->key_rotate(live->ctx, &c->by, use, &c->why), use);
}

/* ---- own certificates ---- */

enum { EDGE_UNITS = 2 }; /* of the following, the first */
static const struct {
    const char *unit;
    enum crypto_key_type type;
} units[] = {
    {"tomcat", CRYPTO_KEY_RSA},
    {"tomcat-ECDSA", CRYPTO_KEY_EC_P256},
    {"CallManager", CRYPTO_KEY_RSA},
    {"CallManager-ECDSA", CRYPTO_KEY_EC_P256},
};

static int unit_of(struct admin_call *c, struct str name)
{
    bool is_edge = c->admin->is_edge;
    for (size_t i = 0; i < (is_edge ? EDGE_UNITS : sizeof units / sizeof *units); i++)
        if (str_eq_nocase(name, str_from(units[i].unit))) return (int)i;
    api_fail(c, 404, "not-found", "unit", "there is no certificate unit %.*s: use %s",
             STR_ARG(name),
             is_edge ? "tomcat or tomcat-ECDSA"
                     : "tomcat, tomcat-ECDSA, CallManager or CallManager-ECDSA");
    return -1;
}

static void reply_cert(struct admin_call *c, enum rc rc, const char *unit)
{
    const struct admin_noun *noun = admin_noun(ADMIN_CERT);
    struct store_cert row;
    struct str key = STR("");
    if (rc == RC_OK)
        rc = arena_printf(c->arena, &key, "%s/%.*s", unit, STR_ARG(c->admin->live->node_name));
    if (rc == RC_OK) rc = store_cert_get(c->admin->store, key, c->arena, &row, &c->why);
    if (rc == RC_OK)
        api_reply(c, 200, row_print(noun, &row, false));
    else
        api_fail_rc(c, rc, "certificate", str_from(unit));
}

void cert_regen(struct admin_call *c)
{
    const struct admin_live *live = c->admin->live;
    int u = unit_of(c, c->req->params[0]);
    if (u >= 0)
        reply_cert(c, live->cert_regen(live->ctx, &c->by, str_from(units[u].unit), &c->why),
                   units[u].unit);
}

/* What speaks against a certificate an operator brings; NULL: nothing. */
static const char *cert_fault(struct admin_call *c, const struct crypto_cert_info *leaf,
                              const struct crypto_key *key, enum crypto_key_type want,
                              struct str chain, struct str host)
{
    int64_t now = clock_unix_s(&c->admin->clock);
    if (!crypto_key_is_private(key)) return "key_pem holds a public key: bring the private one";
    if (crypto_key_type(key) != want)
        return want == CRYPTO_KEY_RSA ? "this is no RSA key: use the unit with -ECDSA for P-256"
                                      : "this is no P-256 key: use the unit without -ECDSA for RSA";
    if (crypto_cert_check_key(chain, key) != RC_OK)
        return "the key is not that certificate's: bring the two that belong together";
    if (leaf->is_ca) return "the first certificate is a CA's: put the server's own first";
    if (now >= leaf->not_after_unix_s) return "the certificate has expired: bring a newer one";
    if (now < leaf->not_before_unix_s)
        return "the certificate is not valid yet: bring one that is, or look at this clock";
    if (leaf->common_name.n == 0 && leaf->dns_count == 0)
        return "the certificate bears no name: bring one that does";
    if (host.n > 0 && crypto_cert_check_host(chain, host) != RC_OK)
        return "the certificate does not carry the host name phones connect to: bring one that "
               "does";
    return NULL;
}

static enum rc cert_put(struct admin_call *c, const char *unit, const struct crypto_cert_info *leaf,
                        struct str chain, struct str key_pem)
{
    struct store_cert row = {
        .unit = str_from(unit),
        .node = c->admin->live->node_name,
        .subject = leaf->subject,
        .chain_pem = chain,
        .key_pem = key_pem,
        .not_before_s = leaf->not_before_unix_s,
        .not_after_s = leaf->not_after_unix_s,
    };
    enum rc rc = arena_printf(c->arena, &row.name, "%s/%.*s", unit, STR_ARG(row.node));
    return rc == RC_OK ? store_cert_put(c->admin->store, &c->by, STORE_PUT, &row, &c->why) : rc;
}

void cert_import(struct admin_call *c)
{
    struct str chain, key_pem;
    struct crypto_cert_info *found;
    struct crypto_key *key = NULL;
    struct store_node own;
    size_t count;
    int u = unit_of(c, c->req->params[0]);
    if (u < 0 || !api_text(c, "chain_pem", true, &chain) || !api_text(c, "key_pem", true, &key_pem))
        return;
    /* Nobody dials an inner edge: the call servers hear of whatever names it bears. */
    own = (struct store_node){.host = STR("")};
    enum rc rc = c->admin->is_edge ? RC_OK : mode_own_node(c, &own);
    if (rc == RC_OK && (rc = crypto_cert_read(chain, c->arena, &found, &count)) != RC_OK) {
        api_fail(
            c, 422, "invalid", "chain_pem",
            "chain_pem holds no certificate that can be read: bring PEM, the server's own first");
        return;
    }
    if (rc == RC_OK && (rc = crypto_key_parse_pem(key_pem, &key)) != RC_OK) {
        api_fail(c, 422, "invalid", "key_pem",
                 "key_pem holds no private key that can be read: bring PEM without password, RSA "
                 "2048 to 4096 or P-256");
        return;
    }
    const char *fault = rc == RC_OK ? cert_fault(c, &found[0], key, units[u].type, chain, own.host)
                                    : NULL;
    crypto_key_unref(key);
    if (fault) {
        api_fail(c, 422, "invalid", "chain_pem", "%s", fault);
        return;
    }
    if (rc == RC_OK) rc = cert_put(c, units[u].unit, &found[0], chain, key_pem);
    reply_cert(c, rc, units[u].unit);
}

/* ---- trust ---- */

static enum rc trust_put(struct admin_call *c, struct str store,
                         const struct crypto_cert_info *cert, json_t *names)
{
    struct buf hex;
    struct store_trust row = {
        .store = store,
        .subject = cert->subject,
        .issuer = cert->issuer,
        .pem = cert->pem,
        .not_after_s = cert->not_after_unix_s,
    };
    buf_init(&hex, 256);
    buf_put_hex(&hex, bytes_of(cert->sha256, sizeof cert->sha256));
    enum rc rc = buf_rc(&hex);
    if (rc == RC_OK) rc = arena_str_dup(c->arena, buf_str(&hex), &row.fingerprint);
    buf_fini(&hex);
    if (rc == RC_OK)
        rc = arena_printf(c->arena, &row.name, "%.*s/%.*s", STR_ARG(store),
                          STR_ARG(row.fingerprint));
    if (rc == RC_OK) rc = store_trust_put(c->admin->store, &c->by, STORE_PUT, &row, &c->why);
    if (rc == RC_OK)
        json_array_append_new(names, json_pack("{s:o, s:o}", "name", api_str(row.name), "subject",
                                               api_str(row.subject)));
    return rc;
}

static enum rc trust_put_all(struct admin_call *c, struct str store,
                             const struct crypto_cert_info *found, size_t count, json_t *names)
{
    enum rc rc = store_batch_begin(c->admin->store, &c->by.batch, &c->why);
    if (rc != RC_OK) return rc;
    for (size_t i = 0; rc == RC_OK && i < count; i++)
        rc = trust_put(c, store, &found[i], names);
    if (rc == RC_OK)
        rc = store_batch_commit(c->by.batch, &c->why);
    else
        store_batch_rollback(c->by.batch);
    c->by.batch = NULL;
    return rc;
}

void trust_import(struct admin_call *c)
{
    struct str store, pem;
    struct crypto_cert_info *found;
    size_t count;
    if (!api_text(c, "store", true, &store) || !api_text(c, "pem", true, &pem)) return;
    if (!str_eq_nocase(store, STR("tomcat-trust")) &&
        !str_eq_nocase(store, STR("callmanager-trust"))) {
        api_fail(
            c, 422, "invalid", "store",
            "there is no trust store %.*s: use tomcat-trust (edges) or callmanager-trust (device "
            "certificates)",
            STR_ARG(store));
        return;
    }
    store = str_eq_nocase(store, STR("tomcat-trust")) ? STR("tomcat-trust")
                                                      : STR("callmanager-trust");
    if (crypto_cert_read(pem, c->arena, &found, &count) != RC_OK) {
        api_fail(c, 422, "invalid", "pem",
                 "the file holds no certificate that can be read: bring PEM");
        return;
    }
    json_t *names = json_array();
    enum rc rc = trust_put_all(c, store, found, count, names);
    if (rc == RC_OK) {
        api_reply(c, 201, json_pack("{s:o}", "trust", names));
        return;
    }
    json_decref(names);
    api_fail_rc(c, rc, "certificate", STR(""));
}
