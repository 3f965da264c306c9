#include "edge/admission.h"

#include "base/list.h"
#include "base/map.h"
#include "crypto/digest.h"
#include "crypto/secret.h"
#include "oauth/bearer.h"
#include "sip/auth.h"
#include "sip/values.h"

#include <stdio.h>
#include <stdlib.h>

enum { USER_MAX = 256, KEY_MAX = 16 + 1 + EDGE_ADMISSION_NAME_MAX };

/* One connection that has shown a good token. */
struct known {
    struct list link; /* the one heard least lately first */
    uint64_t over;    /* the link it comes over */
    uint8_t
        token[CRYPTO_SHA256_LEN]; /* of the token it showed: the same one is not verified twice */
    uint8_t keys_id[32];
    int64_t expires_unix_s;
    size_t key_n;
    char key[KEY_MAX + 1]; /* "LINK.NAME" */
    char user[USER_MAX + 1];
};

struct edge_admission {
    struct edge_admission_config config;
    struct edge_cluster *clusters[EDGE_ADMISSION_CLUSTERS];
    size_t cluster_count;
    struct map by_key;
    struct list order;
};

enum rc edge_admission_new(const struct edge_admission_config *config, struct edge_admission **out)
{
    struct edge_admission *a = calloc(1, sizeof *a);
    if (!a) return RC_NOMEM;
    a->config = *config;
    if (a->config.max == 0) a->config.max = EDGE_ADMITTED_MAX;
    struct hash_key key = {random_u64(&config->random), random_u64(&config->random)};
    map_init(&a->by_key, key, false);
    list_init(&a->order);
    *out = a;
    return RC_OK;
}

static void forget(struct edge_admission *a, struct known *k)
{
    map_remove(&a->by_key, str_of(k->key, k->key_n));
    list_remove(&k->link);
    crypto_wipe(k->token, sizeof k->token);
    free(k);
}

static void let_clusters_go(struct edge_admission *a)
{
    for (size_t i = 0; i < a->cluster_count; i++)
        edge_cluster_unref(a->clusters[i]);
    a->cluster_count = 0;
}

struct edge_admission *edge_admission_free(struct edge_admission *a)
{
    if (!a) return NULL;
    LIST_FOR_EACH(it, &a->order)
    {
        forget(a, LIST_OF(it, struct known, link));
    }
    map_fini(&a->by_key);
    let_clusters_go(a);
    free(a);
    return NULL;
}

void edge_admission_set_clusters(struct edge_admission *a, struct edge_cluster *const *clusters,
                                 size_t count)
{
    size_t n = count < EDGE_ADMISSION_CLUSTERS ? count : EDGE_ADMISSION_CLUSTERS;
    for (size_t i = 0; i < n; i++) /* first: some may be those let go */
        (void)edge_cluster_ref(clusters[i]);
    let_clusters_go(a);
    if (n > 0) memcpy(a->clusters, clusters, n * sizeof *clusters);
    a->cluster_count = n;
}

void edge_admission_link_closed(struct edge_admission *a, uint64_t link)
{
    LIST_FOR_EACH(it, &a->order)
    {
        struct known *k = LIST_OF(it, struct known, link);
        if (k->over == link) forget(a, k);
    }
}

size_t edge_admission_count(const struct edge_admission *a)
{
    return a->by_key.count;
}

/* ---- what is known ---- */

static size_t print_key(uint64_t link, struct str name, char key[KEY_MAX + 1])
{
    if (name.n == 0 || name.n > EDGE_ADMISSION_NAME_MAX) return 0;
    return (size_t)snprintf(key, KEY_MAX + 1, "%016llx.%.*s", (unsigned long long)link,
                            STR_ARG(name));
}

/* The cluster whose keys those are; cluster_count: none any more. */
static size_t cluster_of(const struct edge_admission *a, const uint8_t keys_id[32])
{
    size_t i = 0;
    while (i < a->cluster_count && memcmp(a->clusters[i]->keys_id, keys_id, 32) != 0)
        i++;
    return i;
}

/* That connection, if what it showed still holds. */
static struct known *find(struct edge_admission *a, uint64_t link, struct str name)
{
    char key[KEY_MAX + 1];
    size_t n = print_key(link, name, key);
    struct known *k = n > 0 ? map_find(&a->by_key, str_of(key, n)) : NULL;
    if (!k) return NULL;
    if (clock_unix_s(&a->config.clock) >= k->expires_unix_s ||
        cluster_of(a, k->keys_id) == a->cluster_count) {
        forget(a, k);
        return NULL;
    }
    list_remove(&k->link);
    list_push_back(&a->order, &k->link);
    return k;
}

static struct known *known_new(struct edge_admission *a, uint64_t link, struct str name)
{
    char key[KEY_MAX + 1];
    size_t n = print_key(link, name, key);
    if (n == 0) return NULL;
    struct known *k = map_find(&a->by_key, str_of(key, n));
    if (k) return k;
    while (a->by_key.count >= a->config.max)
        forget(a, LIST_OF(list_first(&a->order), struct known, link));
    k = calloc(1, sizeof *k);
    if (!k) return NULL;
    k->over = link;
    k->key_n = n;
    memcpy(k->key, key, n);
    if (map_put(&a->by_key, str_of(k->key, k->key_n), k, NULL) != RC_OK) {
        free(k);
        return NULL;
    }
    list_push_back(&a->order, &k->link);
    return k;
}

/* Where there is no memory for it, it shows its token with the next request again. */
static void remember(struct edge_admission *a, uint64_t link, struct str name,
                     const uint8_t token[CRYPTO_SHA256_LEN], const struct oauth_claims *claims,
                     size_t cluster)
{
    struct known *k = known_new(a, link, name);
    if (!k) return;
    memcpy(k->token, token, sizeof k->token);
    memcpy(k->keys_id, a->clusters[cluster]->keys_id, sizeof k->keys_id);
    k->expires_unix_s = claims->expires_unix_s;
    if (str_to_cstr(claims->user, k->user, sizeof k->user) != RC_OK) forget(a, k);
}

/* ---- tokens ---- */

/* The bearer token of either header; RC_NOT_FOUND, RC_MALFORMED. */
static enum rc find_token(const struct sip_message *m, struct str *token)
{
    static const enum sip_header_id places[] = {SIP_HEADER_PROXY_AUTHORIZATION,
                                                SIP_HEADER_AUTHORIZATION};
    enum rc result = RC_NOT_FOUND;
    for (size_t i = 0; i < 2; i++) {
        const struct sip_header *h = sip_message_find(m, places[i]);
        for (; h; h = sip_message_next(m, h)) {
            struct sip_auth auth;
            enum rc rc = sip_auth_parse(h->value, &auth, NULL);
            if (auth.scheme != SIP_AUTH_BEARER) continue;
            if (rc == RC_OK && sip_auth_bearer(&auth, token) == RC_OK) return RC_OK;
            result = RC_MALFORMED;
        }
    }
    return result;
}

/* Which of two refusals says more: a token of another cluster fails at each for its issuer or key. */
static bool says_more(enum oauth_reason a, enum oauth_reason b)
{
    return b == OAUTH_OK ||
           ((b == OAUTH_BAD_ISSUER || b == OAUTH_UNKNOWN_KEY) && a != OAUTH_BAD_ISSUER);
}

static bool verify(const struct edge_admission *a, struct str token, struct arena *arena,
                   struct oauth_claims *claims, struct edge_admit_decision *d)
{
    int64_t now_s = clock_unix_s(&a->config.clock);
    d->reason = OAUTH_OK;
    for (size_t i = 0; i < a->cluster_count; i++) {
        enum oauth_reason reason;
        if (oauth_bearer_verify(token, a->clusters[i]->keyring, now_s, arena, claims, &reason) ==
            RC_OK) {
            d->cluster = i;
            d->reason = OAUTH_OK;
            return true;
        }
        if (says_more(reason, d->reason)) d->reason = reason;
    }
    if (d->reason == OAUTH_OK) d->reason = OAUTH_UNKNOWN_KEY; /* no cluster is known (yet) */
    return false;
}

static bool take_token(struct edge_admission *a, uint64_t link, struct str name, struct str token,
                       struct arena *arena, struct edge_admit_decision *d)
{
    uint8_t hash[CRYPTO_SHA256_LEN];
    struct oauth_claims claims;
    if (token.n > OAUTH_TOKEN_MAX || crypto_sha256(str_bytes(token), hash) != RC_OK) {
        d->reason = OAUTH_TOO_BIG;
        return false;
    }
    struct known *k = find(a, link, name);
    if (k && crypto_equal(bytes_of(k->token, sizeof hash), bytes_of(hash, sizeof hash))) {
        d->cluster = cluster_of(a, k->keys_id);
        if (arena_str_dup(arena, str_from(k->user), &d->user) == RC_OK) return true;
        d->reason = OAUTH_NO_MEMORY;
        return false;
    }
    if (!verify(a, token, arena, &claims, d)) {
        if (k) forget(a, k); /* it has shown a bad one: what it showed before is over */
        return false;
    }
    d->user = claims.user;
    remember(a, link, name, hash, &claims, d->cluster);
    return true;
}

/* ---- challenges ---- */

static bool is_cisco(const struct sip_basics *b)
{
    return b->has_contact &&
           sip_param_find(b->contact.params, STR("+u.sip!devicename.ccm.cisco.com"),
                          &(struct sip_param){.name = STR("")});
}

static void challenge(const struct edge_admission *a, const struct sip_basics *basics,
                      struct edge_admit_decision *d, struct buf *headers)
{
    bool cisco = is_cisco(basics);
    const struct edge_cluster *c = a->cluster_count > 0 ? a->clusters[0] : NULL;
    struct sip_bearer_challenge text = {.realm = c && c->realm.n > 0 ? c->realm
                                                                     : STR("ccmsipline")};
    if (!cisco) {
        text.scope = c ? c->scope : STR("");
        text.authz_server = a->config.authz_server;
        text.error = str_from(oauth_reason_error(d->reason));
        if (text.error.n > 0) text.error_description = str_from(oauth_reason_text(d->reason));
    }
    d->verdict = EDGE_CHALLENGED;
    d->status = cisco ? 407 : 401;
    sip_bearer_challenge_print(
        headers, cisco ? SIP_HEADER_PROXY_AUTHENTICATE : SIP_HEADER_WWW_AUTHENTICATE, &text);
}

/* RFC 3261, 22.1: neither can be challenged. */
static bool cannot_be_asked(enum sip_method method)
{
    return method == SIP_METHOD_ACK || method == SIP_METHOD_CANCEL;
}

struct edge_admit_decision edge_admission_ask(struct edge_admission *a, uint64_t link,
                                              struct str name, const struct sip_message *m,
                                              const struct sip_basics *basics, struct arena *arena,
                                              struct buf *headers)
{
    struct edge_admit_decision d = {.verdict = EDGE_ADMITTED, .reason = OAUTH_OK};
    struct str token;
    enum rc rc = find_token(m, &token);
    if (rc == RC_OK && take_token(a, link, name, token, arena, &d)) return d;
    if (rc == RC_MALFORMED) d.reason = OAUTH_MALFORMED;
    struct known *k = rc == RC_NOT_FOUND ? find(a, link, name) : NULL;
    if (k && arena_str_dup(arena, str_from(k->user), &d.user) == RC_OK) {
        d.cluster = cluster_of(a, k->keys_id);
        return d;
    }
    if (cannot_be_asked(m->method))
        d.verdict = EDGE_NOT_HEARD;
    else
        challenge(a, basics, &d, headers);
    return d;
}
