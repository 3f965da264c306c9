#include "call/gruu.h"

#include "base/base64.h"
#include "base/hash.h"
#include "crypto/aead.h"
#include "crypto/secret.h"
#include "sip/values.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* token = iv, sealed(phone, mark, line), tag */
enum {
    LINE_MAX = 64, /* bytes of a line that fit a token */
    IV_LEN = 12,
    HEAD_LEN = 16,
    SEALED_MAX = HEAD_LEN + LINE_MAX,
    TOKEN_MAX = IV_LEN + SEALED_MAX + CRYPTO_AEAD_TAG_LEN,
};
static const struct str prefix = STR_INIT("tgruu.");

struct call_gruu {
    struct crypto_aead *aead;
    struct hash_key hash;
};

enum rc call_gruu_new(const struct random_source *random, struct call_gruu **out)
{
    struct call_gruu *g = calloc(1, sizeof *g);
    struct secret key = {0};
    if (!g) return RC_NOMEM;
    random_fill(random, &g->hash, sizeof g->hash);
    enum rc rc = secret_init_random(&key, random, CRYPTO_AEAD_KEY_LEN);
    if (rc == RC_OK) rc = crypto_aead_new(CRYPTO_A256GCM, secret_bytes(&key), &g->aead);
    secret_fini(&key);
    if (rc == RC_OK)
        *out = g;
    else
        call_gruu_free(g);
    return rc;
}

struct call_gruu *call_gruu_free(struct call_gruu *g)
{
    if (!g) return NULL;
    crypto_aead_free(g->aead);
    free(g);
    return NULL;
}

/* ---- printing ---- */

/* What may stand in a URI parameter stays (RFC 3261, 25.1: paramchar). */
static void print_param(struct buf *out, struct str s)
{
    static const char hex[] = "0123456789ABCDEF", fine[] = "[]/:&+$-_.!~*'()";
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool alnum = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
        if (alnum || memchr(fine, c, sizeof fine - 1)) {
            buf_put_char(out, (char)c);
        } else {
            buf_put_char(out, '%');
            buf_put_char(out, hex[c >> 4]);
            buf_put_char(out, hex[c & 15]);
        }
    }
}

void call_gruu_print_public(struct buf *out, struct str line, struct str host, struct str instance)
{
    buf_put_lit(out, "sip:");
    sip_uri_print_user(out, line);
    buf_put_char(out, '@');
    buf_put_str(out, host);
    buf_put_lit(out, ";gr=");
    print_param(out, instance);
}

/* Flows of one phone share a Call-ID only if it says so; one without flows is known by its binding
 * too, so that what expired does not come back to life. */
static uint64_t mark_of(const struct call_gruu *g, const struct location_binding *b)
{
    uint64_t parts[] = {hash_str(&g->hash, b->call_id), b->reg_id > 0 ? 0 : b->id};
    return hash_bytes(&g->hash, parts, sizeof parts);
}

enum rc call_gruu_print_temporary(const struct call_gruu *g, const struct random_source *random,
                                  const struct location_binding *b, struct str host,
                                  struct buf *out)
{
    uint8_t plain[SEALED_MAX], token[TOKEN_MAX + CRYPTO_AEAD_PAD_MAX], tag[CRYPTO_AEAD_TAG_LEN];
    uint64_t head[2] = {hash_str_nocase(&g->hash, b->instance), mark_of(g, b)};
    size_t n;
    static_assert(sizeof head == HEAD_LEN, "two hashes");
    if (b->line.n > LINE_MAX) return RC_TOO_BIG;
    memcpy(plain, head, sizeof head);
    if (b->line.n > 0) memcpy(plain + HEAD_LEN, b->line.p, b->line.n);
    random_fill(random, token, IV_LEN);
    enum rc rc = crypto_aead_seal(g->aead, bytes_of(token, IV_LEN), bytes_of(NULL, 0),
                                  bytes_of(plain, HEAD_LEN + b->line.n), token + IV_LEN,
                                  sizeof token - IV_LEN, &n, tag);
    if (rc != RC_OK) return rc;
    memcpy(token + IV_LEN + n, tag, sizeof tag);
    buf_put_lit(out, "sip:");
    buf_put_str(out, prefix);
    base64url_print(out, bytes_of(token, IV_LEN + n + sizeof tag));
    buf_put_char(out, '@');
    buf_put_str(out, host);
    buf_put_lit(out, ";gr");
    return RC_OK;
}

/* ---- reading ---- */

static enum rc open_token(const struct call_gruu *g, struct str text, struct arena *a,
                          struct call_gruu_name *out)
{
    uint8_t token[TOKEN_MAX];
    char plain[TOKEN_MAX];
    uint64_t head[2];
    size_t n, plain_n;
    if (base64url_decode(text, token, sizeof token, &n) != RC_OK) return RC_DENIED;
    if (n < IV_LEN + HEAD_LEN + CRYPTO_AEAD_TAG_LEN) return RC_DENIED;
    size_t sealed_n = n - IV_LEN - CRYPTO_AEAD_TAG_LEN;
    if (crypto_aead_open(g->aead, bytes_of(token, IV_LEN), bytes_of(NULL, 0),
                         bytes_of(token + IV_LEN, sealed_n),
                         bytes_of(token + IV_LEN + sealed_n, CRYPTO_AEAD_TAG_LEN), (uint8_t *)plain,
                         sizeof plain, &plain_n) != RC_OK ||
        plain_n < HEAD_LEN)
        return RC_DENIED;
    memcpy(head, plain, sizeof head);
    out->phone = head[0];
    out->mark = head[1];
    out->is_temporary = true;
    return arena_str_dup(a, str_of(plain + HEAD_LEN, plain_n - HEAD_LEN), &out->line);
}

enum rc call_gruu_read(const struct call_gruu *g, const struct sip_uri *uri, struct arena *a,
                       struct call_gruu_name *out)
{
    struct call_gruu_name name = {.is_temporary = false};
    struct str value;
    enum rc rc;
    if (sip_uri_param(uri, STR("gr"), &value) && value.n > 0) {
        rc = sip_percent_decode(value, a, &name.instance);
        if (rc == RC_OK) rc = sip_percent_decode(uri->user, a, &name.line);
    } else if (str_starts(uri->user, prefix)) {
        rc = open_token(g, str_sub(uri->user, prefix.n, uri->user.n), a, &name);
    } else {
        rc = RC_DENIED;
    }
    if (rc == RC_OK) *out = name;
    return rc;
}

static bool is_meant(const struct call_gruu *g, const struct call_gruu_name *name,
                     const struct location_binding *b)
{
    if (b->instance.n == 0) return false;
    if (!name->is_temporary) return str_eq_nocase(b->instance, name->instance);
    return hash_str_nocase(&g->hash, b->instance) == name->phone;
}

/* The newest registration says which Call-ID holds; flows have one each (RFC 5627, 5.1). */
static bool is_valid(const struct call_gruu *g, const struct call_gruu_name *name,
                     const struct location_binding *const *bindings, size_t count)
{
    if (!name->is_temporary) return true;
    for (size_t i = 0; i < count; i++) {
        if (!is_meant(g, name, bindings[i])) continue;
        if (mark_of(g, bindings[i]) == name->mark) return true;
        if (bindings[i]->reg_id == 0) return false;
    }
    return false;
}

size_t call_gruu_pick(const struct call_gruu *g, const struct call_gruu_name *name,
                      const struct location_binding *const *bindings, size_t count,
                      const struct location_binding **picked, size_t max)
{
    size_t n = 0;
    if (!is_valid(g, name, bindings, count)) return 0;
    for (size_t i = 0; i < count && n < max; i++)
        if (is_meant(g, name, bindings[i])) picked[n++] = bindings[i];
    return n;
}
