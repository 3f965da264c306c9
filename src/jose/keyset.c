/* jose/keyset.c - sets of public signing keys, and JWK text both ways. */
#include "base/base64.h"
#include "crypto/digest.h"
#include "jose/json_int.h"
#include "jose/jwk.h"
#include "jose/object.h"

#include <stdlib.h>

enum { KEYSET_DEPTH_MAX = 8 };

struct jose_keyset {
    struct jose_key keys[JOSE_KEYSET_MAX];
    char *kids[JOSE_KEYSET_MAX]; /* what their kid points into */
    size_t count;
};

struct jose_keyset *jose_keyset_new(void)
{
    return calloc(1, sizeof(struct jose_keyset));
}

/* Drops the last keys until count are left. */
static void keyset_cut(struct jose_keyset *set, size_t count)
{
    while (set->count > count) {
        set->count--;
        free(set->kids[set->count]);
        crypto_key_unref(set->keys[set->count].key);
    }
}

struct jose_keyset *jose_keyset_free(struct jose_keyset *set)
{
    if (!set) return NULL;
    keyset_cut(set, 0);
    free(set);
    return NULL;
}

enum jose_alg jose_key_alg(const struct crypto_key *key)
{
    return crypto_key_type(key) == CRYPTO_KEY_RSA ? JOSE_ALG_RS256 : JOSE_ALG_ES256;
}

enum rc jose_keyset_add(struct jose_keyset *set, struct str kid, struct crypto_key *key)
{
    enum jose_alg alg = jose_key_alg(key);
    if (kid.n > JOSE_KID_MAX || set->count == JOSE_KEYSET_MAX) return RC_TOO_BIG;
    for (size_t i = 0; i < set->count; i++)
        if (set->keys[i].alg == alg && str_eq(set->keys[i].kid, kid)) return RC_EXISTS;
    char *copy = str_dup_cstr(kid);
    if (!copy) return RC_NOMEM;
    set->kids[set->count] = copy;
    set->keys[set->count++] = (struct jose_key){
        .kid = str_of(copy, kid.n), .alg = alg, .key = crypto_key_ref(key)};
    return RC_OK;
}

size_t jose_keyset_count(const struct jose_keyset *set)
{
    return set->count;
}

const struct jose_key *jose_keyset_at(const struct jose_keyset *set, size_t index)
{
    return index < set->count ? &set->keys[index] : NULL;
}

const struct jose_key *jose_keyset_find(const struct jose_keyset *set, struct str kid,
                                        enum jose_alg alg)
{
    const struct jose_key *found = NULL;
    for (size_t i = 0; i < set->count; i++) {
        const struct jose_key *k = &set->keys[i];
        if (k->alg != alg) continue;
        if (kid.n && str_eq(k->kid, kid)) return k;
        if (kid.n == 0) {
            if (found) return NULL; /* which of the two? */
            found = k;
        }
    }
    return found;
}

/* A member in base64url without its leading zeros, or exactly exact bytes when exact is not 0. */
static bool read_number(const json_t *jwk, const char *name, uint8_t *out, size_t cap, size_t exact,
                        size_t *out_n)
{
    uint8_t p[CRYPTO_RSA_BITS_MAX / 8 + 8];
    size_t n, zeros = 0;
    const json_t *value = json_object_get(jwk, name);
    if (!json_is_string(value)) return false;
    if (base64url_decode(jose_json_str(value), p, sizeof p, &n) != RC_OK) return false;
    while (exact == 0 && zeros < n && p[zeros] == 0)
        zeros++;
    n -= zeros;
    if (exact ? n != exact : n > cap) return false;
    memcpy(out, p + zeros, n);
    if (out_n) *out_n = n;
    return true;
}

static bool member_is(const json_t *jwk, const char *name, const char *want)
{
    const json_t *value = json_object_get(jwk, name);
    return json_is_string(value) && str_eq(jose_json_str(value), str_from(want));
}

static bool read_public(const json_t *jwk, struct crypto_public *out)
{
    *out = (struct crypto_public){.type = CRYPTO_KEY_EC_P256};
    if (member_is(jwk, "kty", "EC") && member_is(jwk, "crv", "P-256"))
        return read_number(jwk, "x", out->x, sizeof out->x, sizeof out->x, NULL) &&
               read_number(jwk, "y", out->y, sizeof out->y, sizeof out->y, NULL);
    out->type = CRYPTO_KEY_RSA;
    return member_is(jwk, "kty", "RSA") &&
           read_number(jwk, "n", out->n, sizeof out->n, 0, &out->n_len) &&
           read_number(jwk, "e", out->e, sizeof out->e, 0, &out->e_len);
}

/* "use", "key_ops" and "alg" may only narrow what the key is for (RFC 7517, 4.2 to 4.4). */
static bool is_for_verifying(const json_t *jwk, enum crypto_key_type type)
{
    const json_t *ops = json_object_get(jwk, "key_ops"), *op;
    const char *alg = type == CRYPTO_KEY_RSA ? "RS256" : "ES256";
    size_t i;
    bool verifies = ops == NULL;
    json_array_foreach(ops, i, op)
    {
        if (json_is_string(op) && str_eq(jose_json_str(op), STR("verify"))) verifies = true;
    }
    return verifies && (!json_object_get(jwk, "use") || member_is(jwk, "use", "sig")) &&
           (!json_object_get(jwk, "alg") || member_is(jwk, "alg", alg));
}

static enum rc parse_key(struct jose_keyset *set, const json_t *jwk, size_t *skipped)
{
    struct crypto_public numbers;
    struct crypto_key *key = NULL;
    const json_t *kid = json_object_get(jwk, "kid");
    struct str kid_text = json_is_string(kid) ? jose_json_str(kid) : STR("");
    if ((kid && !json_is_string(kid)) || kid_text.n > JOSE_KID_MAX || !read_public(jwk, &numbers) ||
        !is_for_verifying(jwk, numbers.type)) {
        ++*skipped;
        return RC_OK;
    }
    enum rc rc = crypto_key_new_public(&numbers, &key);
    if (rc == RC_INVALID) {
        ++*skipped;
        return RC_OK;
    }
    if (rc == RC_OK) rc = jose_keyset_add(set, kid_text, key);
    crypto_key_unref(key);
    return rc;
}

static enum rc parse_root(struct jose_keyset *set, const json_t *root, size_t *skipped)
{
    const json_t *keys = json_object_get(root, "keys"), *jwk;
    size_t i;
    if (!keys) return json_object_get(root, "kty") ? parse_key(set, root, skipped) : RC_MALFORMED;
    if (!json_is_array(keys)) return RC_MALFORMED;
    json_array_foreach(keys, i, jwk)
    {
        enum rc rc = json_is_object(jwk) ? parse_key(set, jwk, skipped) : RC_MALFORMED;
        if (rc != RC_OK) return rc;
    }
    return RC_OK;
}

enum rc jose_keyset_parse(struct jose_keyset *set, struct str json, size_t *skipped)
{
    json_t *root;
    size_t before = set->count, not_used = 0;
    if (json.n > JOSE_KEYSET_TEXT_MAX) return RC_TOO_BIG;
    enum rc rc = jose_json_load(json, KEYSET_DEPTH_MAX, &root);
    if (rc != RC_OK) return rc;
    rc = parse_root(set, root, &not_used);
    json_decref(root);
    if (rc == RC_OK)
        *skipped = not_used;
    else
        keyset_cut(set, before);
    return rc;
}

static void print_number(struct buf *out, const char *name, const uint8_t *p, size_t n)
{
    buf_printf(out, "\"%s\":\"", name);
    base64url_print(out, bytes_of(p, n));
    buf_put_char(out, '"');
}

/* The required members alone, in the order of their names (RFC 7638, 3.2). */
static void print_required(struct buf *out, const struct crypto_key *key)
{
    struct crypto_public p;
    enum rc rc = crypto_key_get_public(key, &p);
    if (rc != RC_OK) {
        if (buf_rc(out) == RC_OK) out->rc = rc;
        return;
    }
    if (p.type == CRYPTO_KEY_RSA) {
        print_number(out, "e", p.e, p.e_len);
        buf_put_lit(out, ",\"kty\":\"RSA\",");
        print_number(out, "n", p.n, p.n_len);
    } else {
        buf_put_lit(out, "\"crv\":\"P-256\",\"kty\":\"EC\",");
        print_number(out, "x", p.x, sizeof p.x);
        buf_put_char(out, ',');
        print_number(out, "y", p.y, sizeof p.y);
    }
}

void jose_key_print(struct buf *out, const struct jose_key *key)
{
    buf_put_char(out, '{');
    print_required(out, key->key);
    buf_printf(out, ",\"use\":\"sig\",\"alg\":\"%s\"", jose_alg_name(key->alg));
    if (key->kid.n) {
        buf_put_lit(out, ",\"kid\":");
        jose_print_string(out, key->kid);
    }
    buf_put_char(out, '}');
}

void jose_keyset_print(struct buf *out, const struct jose_keyset *set)
{
    buf_put_lit(out, "{\"keys\":[");
    for (size_t i = 0; i < set->count; i++) {
        if (i) buf_put_char(out, ',');
        jose_key_print(out, &set->keys[i]);
    }
    buf_put_lit(out, "]}");
}

enum rc jose_thumbprint(const struct crypto_key *key, char out[JOSE_THUMBPRINT_LEN + 1])
{
    char text[BASE64URL_LEN(CRYPTO_RSA_BITS_MAX / 8) + 64], print[JOSE_THUMBPRINT_LEN];
    uint8_t digest[CRYPTO_SHA256_LEN];
    struct buf json, b;
    enum rc rc;
    buf_init_fixed(&json, text, sizeof text);
    buf_put_char(&json, '{');
    print_required(&json, key);
    buf_put_char(&json, '}');
    if ((rc = buf_rc(&json)) != RC_OK) return rc;
    if ((rc = crypto_sha256(str_bytes(buf_str(&json)), digest)) != RC_OK) return rc;
    buf_init_fixed(&b, print, sizeof print);
    base64url_print(&b, bytes_of(digest, sizeof digest));
    if ((rc = buf_rc(&b)) != RC_OK) return rc;
    memcpy(out, print, sizeof print);
    out[JOSE_THUMBPRINT_LEN] = '\0';
    return RC_OK;
}
