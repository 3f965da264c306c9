#include "base/check.h"
#include "oauth/keyring_int.h"

#include <pthread.h>
#include <stdlib.h>

/* Every text of every issuer at its maximum. */
enum { TEXT_MAX = (OAUTH_ISSUER_MAX + 1) * 4 * (OAUTH_NAME_MAX + 64) };

static bool is_name(struct str s)
{
    return s.n > 0 && s.n <= OAUTH_NAME_MAX && str_is_utf8(s);
}

static bool is_scope(struct str s)
{
    return s.n == 0 || (is_name(s) && str_find_char(s, ' ') == STR_NPOS);
}

static bool own_is_sound(const struct oauth_own_spec *own)
{
    return is_name(own->issuer) && is_name(own->audience) && is_scope(own->scope) &&
           own->accept != 0 && (own->accept & ~(unsigned)OAUTH_FORMAT_ANY) == 0 &&
           own->leeway_s >= 0 && own->leeway_s <= OAUTH_LEEWAY_MAX_S && own->longest_token_s > 0 &&
           own->longest_token_s <= INT32_MAX;
}

enum rc oauth_keyring_new(const struct oauth_own_spec *own, struct oauth_keyring **out)
{
    enum rc rc;
    if (!own_is_sound(own)) return RC_INVALID;
    struct oauth_keyring *k = calloc(1, sizeof *k);
    if (!k) return RC_NOMEM;
    k->self = k;
    atomic_init(&k->refs, 1);
    arena_init(&k->text, NULL, 0, TEXT_MAX);
    k->own = *own;
    rc = (k->signing = jose_keyset_new()) ? RC_OK : RC_NOMEM;
    if (rc == RC_OK) rc = arena_str_dup(&k->text, own->issuer, &k->own.issuer);
    if (rc == RC_OK) rc = arena_str_dup(&k->text, own->audience, &k->own.audience);
    if (rc == RC_OK) rc = arena_str_dup(&k->text, own->scope, &k->own.scope);
    if (rc == RC_OK)
        *out = k;
    else
        oauth_keyring_unref(k);
    return rc;
}

enum rc oauth_keyring_add_signing_key(struct oauth_keyring *k, struct str kid,
                                      struct crypto_key *key)
{
    return kid.n ? jose_keyset_add(k->signing, kid, key) : RC_INVALID;
}

enum rc oauth_keyring_add_encryption_key(struct oauth_keyring *k, struct jose_enc_key *key)
{
    if (k->encryption_count == OAUTH_ENCRYPTION_KEY_MAX) return RC_TOO_BIG;
    if (oauth_keyring_find_encryption(k, jose_enc_key_kid(key), jose_enc_key_enc(key)))
        return RC_EXISTS;
    k->encryption[k->encryption_count++] = jose_enc_key_ref(key);
    return RC_OK;
}

static enum rc issuer_check(const struct oauth_keyring *k, const struct oauth_issuer_spec *spec)
{
    if (!is_name(spec->issuer) || !is_name(spec->audience) || !is_name(spec->user_claim) ||
        !is_scope(spec->scope) || !(spec->es256 || spec->rs256))
        return RC_INVALID;
    if (str_eq(spec->issuer, k->own.issuer) || oauth_keyring_find_issuer(k, spec->issuer))
        return RC_EXISTS;
    return k->issuer_count == OAUTH_ISSUER_MAX ? RC_TOO_BIG : RC_OK;
}

static size_t usable_keys(const struct oauth_issuer *issuer)
{
    size_t n = 0;
    for (size_t i = 0; i < jose_keyset_count(issuer->keys); i++)
        n += jose_keyset_at(issuer->keys, i)->alg == JOSE_ALG_ES256 ? issuer->es256 : issuer->rs256;
    return n;
}

enum rc oauth_keyring_add_issuer(struct oauth_keyring *k, const struct oauth_issuer_spec *spec,
                                 size_t *skipped)
{
    struct oauth_issuer issuer = {
        .es256 = spec->es256, .rs256 = spec->rs256, .allow_plain_typ = spec->allow_plain_typ};
    size_t not_used;
    enum rc rc = issuer_check(k, spec);
    if (rc != RC_OK) return rc;
    if (!(issuer.keys = jose_keyset_new())) return RC_NOMEM;
    if ((rc = jose_keyset_parse(issuer.keys, spec->jwks, &not_used)) != RC_OK) goto failed;
    rc = RC_INVALID;
    if (usable_keys(&issuer) == 0) goto failed;
    if ((rc = arena_str_dup(&k->text, spec->issuer, &issuer.issuer)) != RC_OK) goto failed;
    if ((rc = arena_str_dup(&k->text, spec->audience, &issuer.audience)) != RC_OK) goto failed;
    if ((rc = arena_str_dup(&k->text, spec->user_claim, &issuer.user_claim)) != RC_OK) goto failed;
    if ((rc = arena_str_dup(&k->text, spec->scope, &issuer.scope)) != RC_OK) goto failed;
    k->issuers[k->issuer_count++] = issuer;
    *skipped = not_used;
    return RC_OK;
failed:
    jose_keyset_free(issuer.keys);
    return rc;
}

const struct oauth_keyring *oauth_keyring_ref(const struct oauth_keyring *k)
{
    atomic_fetch_add_explicit(&k->self->refs, 1, memory_order_relaxed);
    return k;
}

const struct oauth_keyring *oauth_keyring_unref(const struct oauth_keyring *shared)
{
    if (!shared) return NULL;
    struct oauth_keyring *k = shared->self;
    if (atomic_fetch_sub_explicit(&k->refs, 1, memory_order_acq_rel) > 1) return NULL;
    for (size_t i = 0; i < k->issuer_count; i++)
        jose_keyset_free(k->issuers[i].keys);
    for (size_t i = 0; i < k->encryption_count; i++)
        jose_enc_key_unref(k->encryption[i]);
    jose_keyset_free(k->signing);
    arena_fini(&k->text);
    free(k);
    return NULL;
}

const struct oauth_issuer *oauth_keyring_find_issuer(const struct oauth_keyring *k,
                                                     struct str issuer)
{
    for (size_t i = 0; i < k->issuer_count; i++)
        if (str_eq(k->issuers[i].issuer, issuer)) return &k->issuers[i];
    return NULL;
}

const struct jose_enc_key *oauth_keyring_find_encryption(const struct oauth_keyring *k,
                                                         struct str kid, enum jose_enc enc)
{
    for (size_t i = 0; i < k->encryption_count; i++)
        if (jose_enc_key_enc(k->encryption[i]) == enc &&
            str_eq(jose_enc_key_kid(k->encryption[i]), kid))
            return k->encryption[i];
    return NULL;
}

void oauth_keyring_print_jwks(struct buf *out, const struct oauth_keyring *k)
{
    jose_keyset_print(out, k->signing);
}

struct str oauth_keyring_issuer(const struct oauth_keyring *k)
{
    return k->own.issuer;
}

struct str oauth_keyring_audience(const struct oauth_keyring *k)
{
    return k->own.audience;
}

int64_t oauth_keyring_leeway_s(const struct oauth_keyring *k)
{
    return k->own.leeway_s;
}

int64_t oauth_keyring_longest_token_s(const struct oauth_keyring *k)
{
    return k->own.longest_token_s;
}

uint64_t oauth_keyring_generation(const struct oauth_keyring *k)
{
    return k->generation;
}

/* Taking the pointer and the reference must be one step, hence the lock; the hot path only reads
 * the generation. */
struct oauth_keyring_holder {
    pthread_mutex_t lock;
    const struct oauth_keyring *present;
    _Atomic uint64_t generation;
};

enum rc oauth_keyring_holder_new(struct oauth_keyring *first, struct oauth_keyring_holder **out)
{
    struct oauth_keyring_holder *h = calloc(1, sizeof *h);
    if (!h) return RC_NOMEM;
    pthread_mutex_init(&h->lock, NULL);
    oauth_keyring_holder_swap(h, first);
    *out = h;
    return RC_OK;
}

struct oauth_keyring_holder *oauth_keyring_holder_free(struct oauth_keyring_holder *h)
{
    if (!h) return NULL;
    oauth_keyring_unref(h->present);
    pthread_mutex_destroy(&h->lock);
    free(h);
    return NULL;
}

void oauth_keyring_holder_swap(struct oauth_keyring_holder *h, struct oauth_keyring *next)
{
    CHECK(next->generation == 0);
    pthread_mutex_lock(&h->lock);
    const struct oauth_keyring *old = h->present;
    next->generation = (old ? old->generation : 0) + 1;
    h->present = next;
    atomic_store_explicit(&h->generation, next->generation, memory_order_release);
    pthread_mutex_unlock(&h->lock);
    oauth_keyring_unref(old);
}

const struct oauth_keyring *oauth_keyring_holder_ref(struct oauth_keyring_holder *h)
{
    pthread_mutex_lock(&h->lock);
    const struct oauth_keyring *k = oauth_keyring_ref(h->present);
    pthread_mutex_unlock(&h->lock);
    return k;
}

uint64_t oauth_keyring_holder_generation(const struct oauth_keyring_holder *h)
{
    return atomic_load_explicit(&h->generation, memory_order_acquire);
}
