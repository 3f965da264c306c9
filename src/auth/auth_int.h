/* auth/auth_int.h - what the files of this room share: the server itself, the keys it works with now,
 * and one request under way. */
#ifndef AUTH_AUTH_INT_H
#define AUTH_AUTH_INT_H
#include "auth/auth.h"
#include "auth/csrf.h"
#include "auth/refresh.h"
#include "auth/request.h"
#include "auth/throttle.h"
#include "base/form.h"
#include "directory/directory.h"
#include "http/server.h"
#include "store/tokens.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    AUTH_CODE_LIFE_S = 60,        /* RFC 6749, 4.1.2 recommends at most 10 minutes */
    AUTH_FORM_LIFE_S = 900,       /* a sign-in page left open */
    AUTH_KEEP_S = 2 * 86400,      /* ended grants stay so long: longer than any access token */
    AUTH_LONGEST_TOKEN_S = 86400, /* OAuthAccessTokenExpiry at its greatest */
    AUTH_BODY_MAX = 16384,        /* bytes of a form */
    AUTH_ARENA_MAX = 8 << 20,     /* for one page of records and the like */
};

/* --- ring.c: the keys as they are now; immutable, counted ------------------------------------- */

enum auth_alg { AUTH_ES256, AUTH_RS256, AUTH_A256GCM, AUTH_A128CBC_HS256, AUTH_ALG_COUNT };

struct auth_ring_key {
    struct str kid; /* in the ring's text */
    int64_t created_s;
    struct crypto_key *sign; /* of the first two algorithms */
    struct jose_enc_key *encrypt;
};

struct auth_ring {
    atomic_size_t refs;
    struct arena text;
    struct auth_ring_key live[AUTH_ALG_COUNT];
    unsigned former[STORE_KEY_ENCRYPTION + 1]; /* by use */
    uint8_t refresh_key[AUTH_REFRESH_KEY_LEN];
    struct str node_url;                 /* settings' issuer_url */
    const struct oauth_keyring *keyring; /* made from the same rows */
};

/* Of the store's rows and the directory's issuers and parameters. *keyring: the same with a
 * reference for the verifier. */
MUST_CHECK enum rc auth_ring_load(const struct auth_settings *settings, struct auth_ring **out,
                                  struct oauth_keyring **keyring, struct store_why *why);
struct auth_ring *auth_ring_unref(struct auth_ring *ring); /* NULL */

/* --- keys.c: the rows ------------------------------------------------------------------------- */

struct auth_alg_def {
    enum store_key_use use;
    enum store_key_state state; /* of a live key */
    struct str name;
};
extern const struct auth_alg_def auth_algs[AUTH_ALG_COUNT];

/* All rows with their secrets. */
MUST_CHECK enum rc auth_keys_read(struct store *s, struct arena *a, struct store_keys *out,
                                  struct store_why *why);
MUST_CHECK enum rc auth_keys_make_missing(const struct auth_settings *settings,
                                          struct store_why *why);
/* Removes what is past its overlap. */
MUST_CHECK enum rc auth_keys_retire(struct auth *auth, struct store_why *why);

/* --- auth.c ----------------------------------------------------------------------------------- */

enum auth_count {
    AUTH_C_SIGNIN,
    AUTH_C_REFUSED,
    AUTH_C_PAUSED,
    AUTH_C_CODE,
    AUTH_C_GRANT,
    AUTH_C_REFRESH,
    AUTH_C_TOKEN_REFUSED,
    AUTH_C_REVOKED,
    AUTH_C_REUSE,
    AUTH_C_BUSY,
    AUTH_C_COUNT
};

struct auth {
    struct auth_settings settings; /* issuer_url points to url */
    char *url;
    bool is_subscribed;

    pthread_mutex_t loading; /* one load at a time */
    atomic_uint_least64_t changes;
    uint64_t loaded; /* changes that the present ring knows; under loading */
    pthread_mutex_t swapping;
    struct auth_ring *ring;

    pthread_mutex_t rekeying; /* one change of keys at a time */
    atomic_uintptr_t cutter;  /* the thread that regenerates signing keys: of the grants it revokes
                                  no token verifies anyway. 0: none */

    struct auth_throttle *throttle;
    atomic_int hashing; /* password checks under way */
    int hashing_max;
    uint8_t csrf_key[AUTH_CSRF_KEY_LEN];
    atomic_uint_least64_t counts[AUTH_C_COUNT];
};

/* The present ring: unref it. */
struct auth_ring *auth_ring_ref(struct auth *auth);
/* Replaces ring and keyring by what the store says now, unless another thread has just done so. */
MUST_CHECK enum rc auth_reload(struct auth *auth, struct store_why *why);
static inline void auth_count(struct auth *auth, enum auth_count which)
{
    atomic_fetch_add_explicit(&auth->counts[which], 1, memory_order_relaxed);
}

/* --- one request ------------------------------------------------------------------------------ */

struct auth_visit {
    struct auth *auth;
    const struct http_request *req;
    struct http_response *res;
    const struct directory_params *params;
    struct auth_ring *ring;
    char from[NET_ADDR_TEXT_MAX]; /* the peer's address, for logs and audit rows */
    int64_t now_s;
    struct store_why why;
};

/* False: already answered 500. */
bool auth_visit_begin(struct auth_visit *v, struct auth *auth, const struct http_request *req,
                      struct http_response *res);
void auth_visit_end(struct auth_visit *v);
static inline struct store_by auth_by(const struct auth_visit *v, struct str who)
{
    return (struct store_by){.who = who, .from = str_from(v->from)};
}
/* A form of type application/x-www-form-urlencoded whose names come once each; NULL: answered 400. */
struct form *auth_visit_form(struct auth_visit *v);

/* --- answer.c: JSON answers of the token endpoints (RFC 6749, 5.1, 5.2) ------------------------- */

/* No caches, JSON. */
void auth_answer_json(struct http_response *res, int status);
void auth_answer_error(struct http_response *res, int status, const char *code,
                       const char *description);
/* By the store's rc: 503 with Retry-After for RC_BUSY, else 500; logged as an error. */
void auth_answer_failed(struct auth_visit *v, const char *what, enum rc rc);
void auth_answer_retry(struct http_response *res, int64_t wait_ms);

/* --- signin.c: passwords ------------------------------------------------------------------------ */

enum auth_verdict {
    AUTH_PASSED,
    AUTH_WRONG,  /* unknown, inactive or wrong: nobody is told which */
    AUTH_PAUSED, /* too many failures: not looked at */
    AUTH_BUSY,   /* too many passwords at once: not looked at */
    AUTH_FAILED, /* our fault */
};
struct auth_check {
    enum auth_verdict verdict;
    int64_t wait_ms; /* AUTH_PAUSED, AUTH_BUSY */
    const char *why; /* for the log; constant */
    struct store_user user;
};
/* Checks a user's password, with throttle and gate. On AUTH_PASSED user is his row, in the
 * request's arena. Logs and audits refusals; what a sign-in means its caller logs. */
void auth_check_user(struct auth_visit *v, struct str user, struct str password,
                     struct auth_check *out);
/* The same for the secret of a confidential client. */
void auth_check_client(struct auth_visit *v, const struct store_client *client, struct str secret,
                       struct auth_check *out);

/* --- client.c: who calls the token endpoints (RFC 6749, 2.3) ------------------------------------ */

/* False: answered. Slices lie in the request's arena. */
bool auth_client_identify(struct auth_visit *v, const struct form *form, struct store_client *out);

/* --- issue.c: tokens ----------------------------------------------------------------------------- */

struct auth_issue {
    const struct store_client *client;
    struct str user, grant, scope, device;
    struct str nonce;    /* of an ID token */
    int64_t auth_time_s; /* 0: no ID token */
    struct str refresh;  /* "" none */
    int64_t refresh_expires_s;
};
/* Answers 200 with the tokens (RFC 6749, 5.1), or 500. */
void auth_issue_answer(struct auth_visit *v, const struct auth_issue *issue);
int64_t auth_issue_access_s(const struct auth_visit *v);

/* --- handlers ------------------------------------------------------------------------------------ */

http_handler_fn auth_handle_authorize;   /* authorize.c */
http_handler_fn auth_handle_token;       /* token.c */
http_handler_fn auth_handle_revoke;      /* revoke.c */
http_handler_fn auth_handle_user_revoke; /* revoke.c */
http_handler_fn auth_handle_jwks;        /* metadata.c */
http_handler_fn auth_handle_oauth_metadata;
http_handler_fn auth_handle_oidc_metadata;
http_handler_fn auth_handle_single_sign_on;

#endif
