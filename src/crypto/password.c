#include "crypto/password.h"

#include "crypto/secret.h"

#include <argon2.h>

enum { SALT_LEN = 16, HASH_LEN = 32, MEMORY_MAX_KIB = 1 << 20, PASSES_MAX = 64, LANES_MAX = 16 };

const struct crypto_password_cost crypto_password_cost_default = {
    .memory_kib = 19456, .passes = 2, .lanes = 1};

static bool cost_is_sound(const struct crypto_password_cost *c)
{
    return c->lanes >= 1 && c->lanes <= LANES_MAX && c->passes >= 1 && c->passes <= PASSES_MAX &&
           c->memory_kib >= 8 * c->lanes && c->memory_kib <= MEMORY_MAX_KIB;
}

static enum rc rc_of_argon2(int result)
{
    if (result == ARGON2_OK) return RC_OK;
    return result == ARGON2_MEMORY_ALLOCATION_ERROR || result == ARGON2_THREAD_FAIL ? RC_NOMEM
                                                                                    : RC_INVALID;
}

enum rc crypto_password_hash(struct str password, const struct crypto_password_cost *cost,
                             const struct random_source *random, char out[CRYPTO_PASSWORD_HASH_MAX])
{
    uint8_t salt[SALT_LEN];
    if (password.n == 0 || !cost_is_sound(cost)) return RC_INVALID;
    if (password.n > CRYPTO_PASSWORD_MAX) return RC_TOO_BIG;
    random_fill(random, salt, sizeof salt);
    return rc_of_argon2(argon2id_hash_encoded(cost->passes, cost->memory_kib, cost->lanes,
                                              password.p, password.n, salt, sizeof salt, HASH_LEN,
                                              out, CRYPTO_PASSWORD_HASH_MAX));
}

/* One "name=number" of the parameter list. */
static bool parameter_parse(struct str part, struct str name, uint32_t *out)
{
    uint64_t v;
    if (!str_starts(part, name) ||
        str_to_u64(str_sub(part, name.n, part.n), UINT32_MAX, &v) != RC_OK)
        return false;
    *out = (uint32_t)v;
    return true;
}

/* $argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash> */
static bool cost_parse(struct str hash, struct crypto_password_cost *out)
{
    struct str rest = hash, part, list, m, t, p;
    struct crypto_password_cost c;
    if (!str_split(&rest, '$', &part) || part.n != 0) return false;
    if (!str_split(&rest, '$', &part) || !str_eq(part, STR("argon2id"))) return false;
    if (!str_split(&rest, '$', &part) || !str_eq(part, STR("v=19"))) return false;
    if (!str_split(&rest, '$', &list) || rest.p == NULL) return false;
    if (!str_split(&list, ',', &m) || !str_split(&list, ',', &t) || !str_split(&list, ',', &p) ||
        list.p != NULL)
        return false;
    if (!parameter_parse(m, STR("m="), &c.memory_kib) ||
        !parameter_parse(t, STR("t="), &c.passes) || !parameter_parse(p, STR("p="), &c.lanes) ||
        !cost_is_sound(&c))
        return false;
    *out = c;
    return true;
}

enum rc crypto_password_verify(struct str password, struct str hash)
{
    char text[CRYPTO_PASSWORD_HASH_MAX];
    struct crypto_password_cost cost;
    if (!cost_parse(hash, &cost) || str_to_cstr(hash, text, sizeof text) != RC_OK)
        return RC_MALFORMED;
    if (password.n > CRYPTO_PASSWORD_MAX) return RC_DENIED;
    int result = argon2id_verify(text, password.n ? password.p : "", password.n);
    crypto_wipe(text, sizeof text);
    if (result == ARGON2_VERIFY_MISMATCH) return RC_DENIED;
    enum rc rc = rc_of_argon2(result);
    return rc == RC_INVALID ? RC_MALFORMED : rc;
}

void crypto_password_verify_nobody(struct str password, const struct crypto_password_cost *cost)
{
    static const uint8_t salt[SALT_LEN] = "nobody's salt..";
    uint8_t hash[HASH_LEN];
    if (!cost_is_sound(cost) || password.n > CRYPTO_PASSWORD_MAX) return;
    /* Only its time is wanted. */
    (void)argon2id_hash_raw(cost->passes, cost->memory_kib, cost->lanes,
                            password.n ? password.p : "", password.n, salt, sizeof salt, hash,
                            sizeof hash);
    crypto_wipe(hash, sizeof hash);
}

bool crypto_password_needs_rehash(struct str hash, const struct crypto_password_cost *cost)
{
    struct crypto_password_cost c;
    return !cost_parse(hash, &c) || c.memory_kib != cost->memory_kib || c.passes != cost->passes ||
           c.lanes != cost->lanes;
}
