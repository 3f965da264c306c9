#include "edge/cluster.h"

#include "base/base64.h"
#include "crypto/digest.h"
#include "crypto/secret.h"
#include "jose/jwk.h"
#include "oauth/keyring.h"

#include <jansson.h>
#include <stdlib.h>

enum { TEXT_MAX = 1024, KEY_BYTES = 32, CLUSTER_BYTES_MAX = 1 << 20, JWKS_MAX = 256 << 10 };

struct edge_cluster *edge_cluster_ref(struct edge_cluster *c)
{
    if (c) atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

struct edge_cluster *edge_cluster_unref(struct edge_cluster *c)
{
    if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) > 1) return NULL;
    oauth_keyring_unref(c->keyring);
    arena_fini(&c->text);
    free(c);
    return NULL;
}

/* A document being read. */
struct reading {
    struct edge_cluster *cluster;
    struct oauth_keyring *keyring;
    const char *what; /* the member that cannot be */
};

static enum rc bad(struct reading *r, const char *what)
{
    r->what = what;
    return RC_MALFORMED;
}

static struct str text_of(const json_t *o, const char *name)
{
    const json_t *v = json_object_get(o, name);
    return json_is_string(v) ? str_of(json_string_value(v), json_string_length(v)) : STR("");
}

static enum rc take_text(struct reading *r, const json_t *o, const char *name, struct str *out)
{
    struct str s = text_of(o, name);
    if (s.n > TEXT_MAX || str_find_char(s, '\0') >= 0) return bad(r, name);
    return arena_str_dup(&r->cluster->text, s, out);
}

static enum rc take_port(struct reading *r, const json_t *ports, const char *name, uint16_t *out)
{
    json_int_t port = json_integer_value(json_object_get(ports, name));
    if (port < 0 || port > UINT16_MAX) return bad(r, name);
    *out = (uint16_t)port;
    return RC_OK;
}

/* ---- nodes ---- */

static enum rc read_node(struct reading *r, const json_t *o, struct edge_node *out)
{
    const json_t *ports = json_object_get(o, "ports");
    enum rc rc = take_text(r, o, "name", &out->name);
    if (rc == RC_OK) rc = take_text(r, o, "host", &out->host);
    if (rc == RC_OK) rc = take_text(r, o, "addresses", &out->addresses);
    if (rc == RC_OK) rc = take_port(r, ports, "mra", &out->mra_port);
    if (rc == RC_OK) rc = take_port(r, ports, "https", &out->https_port);
    if (rc == RC_OK) rc = take_port(r, ports, "config_https", &out->config_port);
    if (rc == RC_OK && (out->name.n == 0 || out->host.n == 0)) return bad(r, "nodes");
    out->priority = json_integer_value(json_object_get(o, "priority"));
    return rc;
}

static int by_priority(const void *a, const void *b)
{
    const struct edge_node *x = a, *y = b;
    if (x->priority != y->priority) return x->priority < y->priority ? -1 : 1;
    return str_cmp(x->name, y->name);
}

static enum rc read_nodes(struct reading *r, const json_t *cluster)
{
    const json_t *all = json_object_get(cluster, "nodes");
    size_t count = json_array_size(all);
    if (count == 0) return bad(r, "nodes");
    if (count > EDGE_NODES_MAX) return RC_TOO_BIG;
    struct edge_node *nodes = ARENA_ARRAY(&r->cluster->text, struct edge_node, count);
    enum rc rc = nodes ? RC_OK : RC_NOMEM;
    for (size_t i = 0; rc == RC_OK && i < count; i++)
        rc = read_node(r, json_array_get(all, i), &nodes[i]);
    if (rc != RC_OK) return rc;
    qsort(nodes, count, sizeof *nodes, by_priority);
    r->cluster->nodes = nodes;
    r->cluster->node_count = count;
    return RC_OK;
}

/* ---- keys ---- */

static enum rc begin_keyring(struct reading *r, const json_t *tokens)
{
    struct oauth_own_spec own = {
        .issuer = text_of(tokens, "issuer"),
        .audience = text_of(tokens, "audience"),
        .scope = text_of(tokens, "scope"),
        .accept = OAUTH_FORMAT_ANY,
        .leeway_s = json_integer_value(json_object_get(tokens, "leeway_s")),
        .longest_token_s = json_integer_value(json_object_get(tokens, "longest_token_s")),
    };
    enum rc rc = oauth_keyring_new(&own, &r->keyring);
    return rc == RC_INVALID ? bad(r, "tokens") : rc;
}

static enum rc add_signing_keys(struct reading *r, const json_t *tokens)
{
    struct jose_keyset *set = jose_keyset_new();
    size_t skipped;
    char *text = json_dumps(json_object_get(tokens, "jwks"), JSON_COMPACT);
    enum rc rc = !set ? RC_NOMEM : !text ? RC_MALFORMED : RC_OK;
    if (rc == RC_OK) rc = jose_keyset_parse(set, str_from(text), &skipped);
    for (size_t i = 0; rc == RC_OK && i < jose_keyset_count(set); i++) {
        const struct jose_key *k = jose_keyset_at(set, i);
        rc = oauth_keyring_add_signing_key(r->keyring, k->kid, k->key);
    }
    if (rc == RC_OK && jose_keyset_count(set) == 0) rc = RC_MALFORMED;
    free(text);
    jose_keyset_free(set);
    return rc == RC_OK || rc == RC_NOMEM ? rc : bad(r, "jwks");
}

static enum rc add_encryption_key(struct reading *r, const json_t *o)
{
    uint8_t secret[KEY_BYTES];
    struct jose_enc_key *key = NULL;
    struct str enc = text_of(o, "enc"), text = text_of(o, "key");
    size_t n = 0;
    bool is_gcm = str_eq(enc, STR("A256GCM"));
    if (!is_gcm && !str_eq(enc, STR("A128CBC-HS256"))) return RC_OK; /* of a newer version */
    enum rc rc = base64url_decode(text, secret, sizeof secret, &n);
    if (rc == RC_OK)
        rc = jose_enc_key_new(text_of(o, "kid"), is_gcm ? JOSE_ENC_A256GCM : JOSE_ENC_A128CBC_HS256,
                              bytes_of(secret, n), &key);
    if (rc == RC_OK) rc = oauth_keyring_add_encryption_key(r->keyring, key);
    jose_enc_key_unref(key);
    crypto_wipe(secret, sizeof secret);
    crypto_wipe((void *)(uintptr_t)text.p, text.n);
    return rc == RC_OK || rc == RC_NOMEM ? rc : bad(r, "encryption_keys");
}

static enum rc add_encryption_keys(struct reading *r, const json_t *cluster)
{
    const json_t *all = json_object_get(cluster, "encryption_keys");
    enum rc rc = RC_OK;
    for (size_t i = 0; rc == RC_OK && i < json_array_size(all); i++)
        rc = add_encryption_key(r, json_array_get(all, i));
    return rc;
}

static enum rc add_issuer(struct reading *r, const json_t *o)
{
    struct oauth_issuer_spec spec = {
        .issuer = text_of(o, "issuer"),
        .audience = text_of(o, "audience"),
        .user_claim = text_of(o, "user_claim"),
        .scope = text_of(o, "scope"),
        .jwks = text_of(o, "jwks"),
        .es256 = true,
        .rs256 = true,
        .allow_plain_typ = !str_eq_nocase(text_of(o, "typ"), STR("at+jwt")),
    };
    size_t skipped;
    enum rc rc = oauth_keyring_add_issuer(r->keyring, &spec, &skipped);
    return rc == RC_NOMEM ? rc : RC_OK;
}

/* Before the keys are taken out of the document and wiped there. */
static enum rc name_keys(struct reading *r, const json_t *cluster)
{
    static const char *const members[] = {"tokens", "encryption_keys", "issuers"};
    uint8_t digest[CRYPTO_DIGEST_MAX];
    struct crypto_digest *d = crypto_digest_new(CRYPTO_SHA256);
    enum rc rc = d ? RC_OK : RC_NOMEM;
    for (size_t i = 0; rc == RC_OK && i < sizeof members / sizeof *members; i++) {
        json_t *member = json_object_get(cluster, members[i]);
        char *text = member ? json_dumps(member, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
        if (member && !text) rc = RC_NOMEM;
        if (!text) continue;
        crypto_digest_add(d, str_bytes(str_from(text)));
        crypto_wipe(text, strlen(text));
        free(text);
    }
    if (rc == RC_OK) rc = crypto_digest_finish(d, digest);
    if (rc == RC_OK) memcpy(r->cluster->keys_id, digest, sizeof r->cluster->keys_id);
    crypto_digest_free(d);
    return rc;
}

static enum rc read_keys(struct reading *r, const json_t *cluster)
{
    const json_t *tokens = json_object_get(cluster, "tokens");
    const json_t *issuers = json_object_get(cluster, "issuers");
    enum rc rc = name_keys(r, cluster);
    if (rc == RC_OK) rc = take_text(r, tokens, "realm", &r->cluster->realm);
    if (rc == RC_OK) rc = take_text(r, tokens, "scope", &r->cluster->scope);
    if (rc == RC_OK) rc = begin_keyring(r, tokens);
    if (rc == RC_OK) rc = add_signing_keys(r, tokens);
    if (rc == RC_OK) rc = add_encryption_keys(r, cluster);
    for (size_t i = 0; rc == RC_OK && i < json_array_size(issuers); i++)
        rc = add_issuer(r, json_array_get(issuers, i));
    return rc;
}

/* ---- the whole ---- */

static enum rc read_cluster(struct reading *r, const json_t *o)
{
    r->cluster = calloc(1, sizeof *r->cluster);
    if (!r->cluster) return RC_NOMEM;
    atomic_init(&r->cluster->refs, 1);
    arena_init(&r->cluster->text, NULL, 0, CLUSTER_BYTES_MAX);
    r->cluster->sip_oauth_mode = json_is_true(json_object_get(o, "sip_oauth_mode"));
    r->cluster->refresh_login = json_is_true(json_object_get(o, "refresh_login"));
    enum rc rc = read_nodes(r, o);
    if (rc == RC_OK) rc = read_keys(r, o);
    r->cluster->keyring = r->keyring; /* the cluster's now, also to let go */
    return rc;
}

static enum rc read_feed(struct reading *r, const json_t *o, struct arena *arena,
                         struct edge_feed *out)
{
    const json_t *cluster = json_object_get(o, "cluster");
    struct edge_feed feed = {.version = text_of(o, "version"), .pass = text_of(o, "pass")};
    if (feed.version.n == 0 || feed.version.n > TEXT_MAX) return bad(r, "version");
    if (feed.pass.n > TEXT_MAX) return bad(r, "pass");
    enum rc rc = arena_str_dup(arena, feed.version, &feed.version);
    if (rc == RC_OK) rc = arena_str_dup(arena, feed.pass, &feed.pass);
    if (rc == RC_OK && cluster) rc = read_cluster(r, cluster);
    if (rc != RC_OK) return rc;
    feed.cluster = r->cluster;
    *out = feed;
    return RC_OK;
}

enum rc edge_feed_read(struct str json, struct arena *arena, struct edge_feed *out,
                       const char **what)
{
    struct reading r = {.what = "the document"};
    if (json.n > EDGE_FEED_MAX) return RC_TOO_BIG;
    json_t *o = json_loadb(json.p ? json.p : "", json.n, JSON_REJECT_DUPLICATES, NULL);
    enum rc rc = json_is_object(o) ? read_feed(&r, o, arena, out) : RC_MALFORMED;
    json_decref(o);
    if (rc != RC_OK) edge_cluster_unref(r.cluster);
    if (rc == RC_MALFORMED && what) *what = r.what;
    return rc;
}
