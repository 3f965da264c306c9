/* phone/tokens.h - a sign-in as the phone keeps it: who and where, and the tokens. Stored as JSON in
 * the state folder; the tokens are secrets: wiped when they go, never printed or logged. The refresh
 * token of a rotation is stored before the access token that came with it is used. */
#ifndef PHONE_TOKENS_H
#define PHONE_TOKENS_H
#include "base/clock.h"
#include "crypto/secret.h"
#include "phone/state.h"

enum {
    PHONE_TOKEN_MAX = 16384, /* bytes of a token taken from a server */
    PHONE_TEXT_MAX = 512,    /* bytes of each text below, its NUL included */
    PHONE_INSTANCE_LEN = 12, /* hex digits */
};

struct phone_tokens {
    char server[PHONE_TEXT_MAX]; /* "https://ucm1.example.com:8443", as given at sign-in */
    char issuer[PHONE_TEXT_MAX]; /* as its metadata say */
    char token_url[PHONE_TEXT_MAX], revoke_url[PHONE_TEXT_MAX]; /* the latter may be "" */
    char client_id[PHONE_TEXT_MAX], device[PHONE_TEXT_MAX];
    char user[PHONE_TEXT_MAX];             /* who signed in, when that is known; else "" */
    char scope[PHONE_TEXT_MAX];            /* granted */
    char instance[PHONE_INSTANCE_LEN + 1]; /* lower-case hex: this phone's own name, like a MAC */
    bool has_ca;                   /* PHONE_FILE_CA holds the trusted CAs; else the system's */
    struct secret access, refresh; /* refresh may be empty */
    int64_t access_from_unix_s, access_until_unix_s;
    int64_t signed_in_unix_s;
};

/* Zeroed memory is an empty one. Wipes. */
void phone_tokens_fini(struct phone_tokens *t);
/* RC_NOT_FOUND: nobody has signed in; RC_MALFORMED, RC_NOMEM, RC_IO. out was empty. */
MUST_CHECK enum rc phone_tokens_load(const struct phone_state *s, struct phone_tokens *out);
MUST_CHECK enum rc phone_tokens_save(const struct phone_state *s, const struct phone_tokens *t,
                                     struct phone_problem *problem);
/* The same as text, for load and save and their tests. out is the caller's secret. */
MUST_CHECK enum rc phone_tokens_parse(struct str json, struct phone_tokens *out);
MUST_CHECK enum rc phone_tokens_print(const struct phone_tokens *t, struct secret *out);
/* When to ask for the next access token: at 75 % of its life. */
int64_t phone_tokens_renew_unix_s(const struct phone_tokens *t);

/* What a token endpoint answers (RFC 6749, 5.1 and 5.2). */
struct phone_token_answer {
    struct secret access, refresh; /* refresh empty: none, or the old one stays */
    int64_t expires_in_s;          /* 0: not told */
    char scope[PHONE_TEXT_MAX];
    char error[64], error_description[256]; /* error "": a good answer */
};
void phone_token_answer_fini(struct phone_token_answer *a);
/* RC_MALFORMED: neither form, or a token type other than Bearer; RC_TOO_BIG, RC_NOMEM. */
MUST_CHECK enum rc phone_token_answer_parse(int status, struct str body,
                                            struct phone_token_answer *out);
/* Moves the answer's tokens into t (a missing refresh token leaves the old one). */
void phone_tokens_take(struct phone_tokens *t, struct phone_token_answer *a, int64_t now_unix_s);

#endif
