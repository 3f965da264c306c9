/* phone/renew.h - the refresh grant (RFC 6749, 6) as a question and what its answer does to the
 * tokens: a rotated refresh token is on the disk before the new access token is used. The exchange
 * itself is the caller's, on a loop or blocking. */
#ifndef PHONE_RENEW_H
#define PHONE_RENEW_H
#include "http/client.h"
#include "phone/state.h"
#include "phone/tokens.h"

/* A question under way: its texts live here until renew_question_fini. */
struct phone_renew {
    struct http_call call;
    struct secret body;
    char ca[PHONE_STATE_PATH_MAX];
};
/* PHONE_EXIT_OK, or PHONE_EXIT_SIGN_IN_AGAIN: there is no refresh token; PHONE_EXIT_FAILED. */
enum phone_exit phone_renew_init(struct phone_renew *r, const struct phone_state *state,
                                 const struct phone_tokens *tokens, struct phone_problem *problem);
/* Wipes. */
void phone_renew_fini(struct phone_renew *r);
/* Takes and stores what the server gave. PHONE_EXIT_SIGN_IN_AGAIN: only signing in helps; anything
 * else may pass. PHONE_EXIT_OK with problem->code PHONE_EXIT_STATE: the tokens are good but could
 * not be stored. */
enum phone_exit phone_renew_take(const struct phone_state *state, struct phone_tokens *tokens,
                                 const struct http_answer *answer, int64_t now_unix_s,
                                 struct phone_problem *problem);
/* Why, and the command that signs in again; where why speaks of the administrator, only after him. */
enum phone_exit phone_sign_in_again(struct phone_problem *problem, const struct phone_state *state,
                                    const struct phone_tokens *tokens, const char *why);

#endif
