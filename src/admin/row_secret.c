/* Passwords into rows: long enough, then as a hash that does not give them back. */
#include "admin/api_int.h"
#include "base/base64.h"
#include "crypto/digest.h"
#include "crypto/password.h"
#include "crypto/secret.h"
#include <stdio.h>

/* Code points of UTF-8 text. */
static size_t count_characters(struct str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        if (((unsigned char)s.p[i] & 0xC0) != 0x80) n++;
    return n;
}

enum rc row_check_password(struct admin_call *c, const struct admin_field *f, struct str password,
                           struct row_error *e)
{
    const struct store_param_def *def = store_param_def(STORE_P_PASSWORD_LENGTH);
    int64_t least = directory_param_number(c->admin->directory, STORE_P_PASSWORD_LENGTH);
    size_t n = count_characters(password);
    e->field = f->name;
    if (password.n > CRYPTO_PASSWORD_MAX)
        snprintf(e->text, sizeof e->text, "%s is too long: it may have at most %d bytes", f->name,
                 (int)CRYPTO_PASSWORD_MAX);
    else if ((int64_t)n < least)
        snprintf(e->text, sizeof e->text,
                 "%s is too short: it has %zu character%s and needs at least %lld (parameter %s)",
                 f->name, n, n == 1 ? "" : "s", (long long)least, def->name);
    else
        return RC_OK;
    return RC_INVALID;
}

enum rc row_hash_password(struct admin_call *c, struct str password, struct str *out)
{
    char hash[CRYPTO_PASSWORD_HASH_MAX];
    enum rc rc = crypto_password_hash(password, &crypto_password_cost_default, &c->admin->random,
                                      hash);
    return rc == RC_OK ? arena_str_dup(c->arena, str_from(hash), out) : rc;
}

/* HA1 = H(user ":" realm ":" password), RFC 7616, 3.4.2 */
static enum rc ha1(struct admin_call *c, bool md5, struct str user, struct str realm,
                   struct str password, struct str *out)
{
    uint8_t digest[CRYPTO_DIGEST_MAX];
    size_t n = md5 ? CRYPTO_MD5_LEN : CRYPTO_SHA256_LEN;
    struct buf text, hex;
    buf_init(&text, 4096);
    buf_init(&hex, 256);
    buf_printf(&text, "%.*s:%.*s:", STR_ARG(user), STR_ARG(realm));
    buf_put_str(&text, password);
    enum rc rc = buf_rc(&text);
    if (rc == RC_OK)
        rc = md5 ? crypto_md5(str_bytes(buf_str(&text)), digest)
                 : crypto_sha256(str_bytes(buf_str(&text)), digest);
    if (rc == RC_OK) {
        buf_put_hex(&hex, bytes_of(digest, n));
        rc = buf_rc(&hex);
    }
    if (rc == RC_OK) rc = arena_str_dup(c->arena, buf_str(&hex), out);
    if (text.p) crypto_wipe(text.p, text.cap);
    buf_fini(&text);
    buf_fini(&hex);
    crypto_wipe(digest, sizeof digest);
    return rc;
}

static enum rc set_digest(struct admin_call *c, struct str password, struct store_user *u)
{
    struct str realm = STR("");
    const struct directory_params *p = directory_params_ref(c->admin->directory);
    enum rc rc = arena_str_dup(c->arena, p->text[STORE_P_REALM], &realm);
    directory_params_unref(p);
    if (rc == RC_OK) rc = ha1(c, true, u->id, realm, password, &u->digest_md5);
    if (rc == RC_UNSUPPORTED) rc = RC_OK; /* no MD5 in this libcrypto: SHA-256 alone */
    if (rc == RC_OK) rc = ha1(c, false, u->id, realm, password, &u->digest_sha256);
    if (rc == RC_OK) u->digest_realm = realm;
    return rc;
}

static void clear(const struct admin_field *f, void *row)
{
    struct store_user *u = row;
    const struct str nothing = STORE_CLEAR;
    if (f->kind == ADMIN_DIGEST_SECRET)
        u->digest_realm = u->digest_md5 = u->digest_sha256 = STR("");
    else
        memcpy((char *)row + f->offset, &nothing, sizeof nothing);
}

enum rc row_apply_secret(struct admin_call *c, const struct admin_field *f, struct str text,
                         void *row, struct row_error *e)
{
    struct str hash;
    if (text.n == 0) {
        clear(f, row);
        return RC_OK;
    }
    if (f->kind == ADMIN_SECRET) { /* another server's: its rules, not ours */
        memcpy((char *)row + f->offset, &text, sizeof text);
        return RC_OK;
    }
    enum rc rc = row_check_password(c, f, text, e);
    if (rc != RC_OK) return rc;
    if (f->kind == ADMIN_DIGEST_SECRET) return set_digest(c, text, row);
    rc = row_hash_password(c, text, &hash);
    if (rc == RC_OK) memcpy((char *)row + f->offset, &hash, sizeof hash);
    return rc;
}
