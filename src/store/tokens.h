/* store/tokens.h - sign-in state: one-time codes, grants, refresh tokens.
 * Secrets never come here: a code or token is known by its SHA-256 (32 bytes, made by the caller).
 * Each call is one transaction, so a crash at any instant leaves nothing acknowledged lost and
 * nothing spent valid again, and of two racing callers exactly one wins. Opening and revoking a
 * grant leave audit rows; codes and ordinary refreshes do not. Listeners hear (STORE_GRANT, id)
 * when one is opened, and removed = true when it is revoked. Times are Unix seconds, handed in. */
#ifndef STORE_TOKENS_H
#define STORE_TOKENS_H
#include "store/store.h"

enum { STORE_HASH_LEN = 32, STORE_CODE_MAX = 100000 /* codes outstanding */, STORE_SPENT_MAX = 8 };

struct store_hash {
    uint8_t p[STORE_HASH_LEN];
};

/* --- authorization codes (RFC 6749, 4.1.2) ---------------------------------------------------- */

struct store_code {
    struct store_hash hash;
    struct str client_id, user;
    struct str redirect_uri;  /* as in the request; the token request must repeat it; <= 2048 */
    struct str challenge;     /* PKCE S256 value */
    struct str scope, device; /* device: name the client gave, "" none */
    struct str nonce;         /* OIDC, "" none */
    int64_t auth_time_s;      /* when the user proved himself */
    int64_t expires_s;
};
/* RC_EXISTS, RC_BUSY (STORE_CODE_MAX). */
MUST_CHECK enum rc store_code_add(struct store *s, const struct store_code *code,
                                  struct store_why *why);
/* Takes the code: it is spent whatever the caller decides next.
 *   RC_NOT_FOUND  no such code     RC_EXPIRED  its time is over
 *   RC_CONFLICT   it was spent before: the grant made from it is revoked now */
MUST_CHECK enum rc store_code_spend(struct store *s, const struct store_by *by,
                                    const struct store_hash *hash, int64_t now_s, struct arena *a,
                                    struct store_code *out, struct store_why *why);

/* --- grants and refresh tokens ---------------------------------------------------------------- */

struct store_grant {
    struct str id;                      /* uuid, made by store_grant_open */
    struct str user, client_id, device; /* device "" none */
    struct str scope;
    int64_t created_s, last_used_s;
    int64_t expires_s; /* of the newest refresh token */
    int64_t revoked_s; /* 0: alive */
    struct str revoked_why;
};
struct store_grants {
    struct store_grant *rows;
    size_t count;
    bool more;
};
/* Opens a grant with its first refresh token, from code (NULL: none) which must be spent and not
 * yet used for a grant (RC_CONFLICT). grant: id, *_s ignored. RC_NOT_FOUND: user or client is gone;
 * RC_DENIED: user inactive or client disabled. *id lies in a. */
MUST_CHECK enum rc store_grant_open(struct store *s, const struct store_by *by,
                                    const struct store_grant *grant, const struct store_hash *code,
                                    const struct store_hash *refresh, int64_t now_s,
                                    int64_t expires_s, struct arena *a, struct str *id,
                                    struct store_why *why);

/* The caller's own conditions; runs inside the transaction, so it must not call the store. */
typedef enum rc store_refresh_check_fn(void *ctx, const struct store_grant *grant);

struct store_refresh {
    struct store_hash old_hash;  /* the token presented */
    struct store_hash next_hash; /* its successor; unused where rotate is false */
    bool rotate;
    struct str
        grant_hint; /* grant id that the token's text carries, "" none. With it a token that is no
                              longer known counts as reuse; without it only the newest
                              STORE_SPENT_MAX spent tokens of a grant are told from unknown ones */
    struct str client_id; /* who presents it */
    int64_t now_s;
    int64_t expires_s; /* of the successor; without rotation the old one keeps its own */
    int64_t grace_s;   /* a token rotated this short ago, whose successor nobody has used, may come
                          once   more (its answer was lost); 0: never */
    /* NULL: none. Asked where the use would succeed, and nowhere else: what it refuses leaves all as
       it was, but reuse has been found out before. */
    store_refresh_check_fn *check;
    void *check_ctx;
};
/* Uses a refresh token. On RC_OK *out is its grant.
 *   RC_NOT_FOUND  no such token        RC_EXPIRED  its time is over
 *   RC_DENIED     another client's, or the grant is revoked, or the user is gone or inactive
 *   RC_CONFLICT   it was rotated before: reuse; the whole grant is revoked now
 *   what check gave, where that was not RC_OK */
MUST_CHECK enum rc store_refresh_use(struct store *s, const struct store_by *by,
                                     const struct store_refresh *r, struct arena *a,
                                     struct store_grant *out, struct store_why *why);
/* The grant of a refresh token without using it (introspection, revocation). RC_NOT_FOUND. */
MUST_CHECK enum rc store_refresh_find(struct store *s, const struct store_hash *hash,
                                      struct arena *a, struct store_grant *out,
                                      struct store_why *why);

MUST_CHECK enum rc store_grant_get(struct store *s, struct str id, struct arena *a,
                                   struct store_grant *out, struct store_why *why);
/* Which grants; empty fields fit all. */
struct store_grant_filter {
    struct str user, client_id, device;
    bool alive_only;
    struct str after; /* ids above this one */
    size_t limit;     /* as in struct store_page */
};
MUST_CHECK enum rc store_grant_list(struct store *s, const struct store_grant_filter *f,
                                    struct arena *a, struct store_grants *out,
                                    struct store_why *why);
/* RC_NOT_FOUND; revoking twice is RC_OK. why_text goes to the row ("user request"). */
MUST_CHECK enum rc store_grant_revoke(struct store *s, const struct store_by *by, struct str id,
                                      int64_t now_s, struct str why_text, struct store_why *why);
/* All living grants that fit (after, limit and alive_only do not count); *out (may be NULL) counts.
 */
MUST_CHECK enum rc store_grant_revoke_all(struct store *s, const struct store_by *by,
                                          const struct store_grant_filter *f, int64_t now_s,
                                          struct str why_text, int64_t *out, struct store_why *why);
/* Forgets codes, refresh tokens and grants that ended before keep_since_s, at most limit of each;
 * *out (may be NULL) counts them. Call it often with a small limit. */
MUST_CHECK enum rc store_tokens_purge(struct store *s, int64_t now_s, int64_t keep_since_s,
                                      int64_t limit, int64_t *out, struct store_why *why);
#endif
