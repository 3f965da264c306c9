/* Credentials and challenges: parse, print what was understood, parse again: equal. */
#include "base/check.h"
#include "sip/auth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str fuzz_value(struct str line)
{
    ptrdiff_t colon = str_find_char(line, ':');
    CHECK(colon > 0 && str_ends(line, STR("\r\n")));
    return str_sub(line, (size_t)colon + 1, line.n);
}

static void fuzz_bearer(struct str token, bool quoted)
{
    struct sip_auth again;
    struct str same;
    struct buf out;
    buf_init(&out, token.n + 64);
    sip_bearer_print(&out, SIP_HEADER_AUTHORIZATION, token, quoted);
    CHECK(sip_auth_parse(fuzz_value(buf_str(&out)), &again, NULL) == RC_OK);
    CHECK(sip_auth_bearer(&again, &same) == RC_OK && str_eq(token, same));
    buf_fini(&out);
}

static void fuzz_digest(const struct sip_digest *d, size_t size, struct arena *arena)
{
    struct sip_auth again;
    struct sip_digest same;
    struct buf out;
    buf_init(&out, 2 * size + 512);
    sip_digest_print(&out, SIP_HEADER_AUTHORIZATION, d);
    CHECK(buf_rc(&out) == RC_OK);
    if (sip_auth_parse(fuzz_value(buf_str(&out)), &again, NULL) == RC_OK) {
        CHECK(sip_digest_get(&again, arena, &same) == RC_OK);
        CHECK(d->realm.n == same.realm.n && d->nonce.n == same.nonce.n);
    }
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sip_auth auth;
    struct sip_digest digest;
    struct str token;
    struct arena arena;
    if (sip_auth_parse(bytes_str(bytes_of(data, size)), &auth, NULL) != RC_OK) return 0;
    arena_init(&arena, NULL, 0, 1u << 22);
    if (sip_auth_bearer(&auth, &token) == RC_OK) {
        fuzz_bearer(token, true);
        fuzz_bearer(token, false);
    }
    if (sip_digest_get(&auth, &arena, &digest) == RC_OK) fuzz_digest(&digest, size, &arena);
    arena_fini(&arena);
    return 0;
}
