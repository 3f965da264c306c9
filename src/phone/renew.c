#include "phone/renew.h"

#include "phone/grant.h"
#include <stdio.h>

enum phone_exit phone_sign_in_again(struct phone_problem *problem, const struct phone_state *state,
                                    const struct phone_tokens *tokens, const char *why)
{
    return phone_problem_set(
        problem, PHONE_EXIT_SIGN_IN_AGAIN,
        "%s. %s: bearline-phone login --server %s --device %s --state "
        "%s%s%s%s",
        why, strstr(why, "administrator") ? "Then sign in again" : "Sign in again", tokens->server,
        tokens->device, state->path, tokens->has_ca ? " --ca " : "",
        tokens->has_ca ? state->path : "", tokens->has_ca ? "/" PHONE_FILE_CA : "");
}

enum phone_exit phone_renew_init(struct phone_renew *r, const struct phone_state *state,
                                 const struct phone_tokens *tokens, struct phone_problem *problem)
{
    struct buf body;
    *r = (struct phone_renew){0};
    if (tokens->refresh.n == 0)
        return phone_sign_in_again(problem, state, tokens,
                                   "The access token is over and there is no refresh token");
    buf_init(&body, 64 * 1024);
    phone_grant_print_refresh(&body, str_from(tokens->client_id),
                              bytes_str(secret_bytes(&tokens->refresh)));
    enum rc rc = buf_rc(&body);
    if (rc == RC_OK) rc = secret_init(&r->body, str_bytes(buf_str(&body)));
    if (body.p) crypto_wipe(body.p, body.cap);
    buf_fini(&body);
    if (rc == RC_OK && tokens->has_ca) rc = phone_state_path(state, PHONE_FILE_CA, r->ca);
    if (rc != RC_OK) {
        phone_renew_fini(r);
        return phone_problem_set(problem, PHONE_EXIT_FAILED, "Out of memory.");
    }
    r->call = (struct http_call){
        .method = "POST",
        .url = str_from(tokens->token_url),
        .body = bytes_str(secret_bytes(&r->body)),
        .content_type = STR("application/x-www-form-urlencoded"),
        .ca_file = tokens->has_ca ? r->ca : NULL,
    };
    return PHONE_EXIT_OK;
}

void phone_renew_fini(struct phone_renew *r)
{
    secret_fini(&r->body);
}

static enum phone_exit refused(const struct phone_state *state, const struct phone_tokens *tokens,
                               const struct phone_token_answer *a, struct phone_problem *problem)
{
    char why[400];
    static const char *const lasting[] = {"invalid_grant", "invalid_client", "unauthorized_client"};
    for (size_t i = 0; i < sizeof lasting / sizeof *lasting; i++) {
        if (strcmp(a->error, lasting[i]) != 0) continue;
        snprintf(why, sizeof why,
                 "The sign-in of %.60s is over: the server refuses its refresh token "
                 "(%s%s%.150s)",
                 tokens->device, a->error, a->error_description[0] ? ", " : "",
                 a->error_description);
        return phone_sign_in_again(problem, state, tokens, why);
    }
    return phone_problem_set(problem, PHONE_EXIT_AUTH_SERVER,
                             "The server does not renew the token now: %s%s%s.", a->error,
                             a->error_description[0] ? ", " : "", a->error_description);
}

enum phone_exit phone_renew_take(const struct phone_state *state, struct phone_tokens *tokens,
                                 const struct http_answer *answer, int64_t now_unix_s,
                                 struct phone_problem *problem)
{
    struct phone_token_answer a = {0};
    enum phone_exit exit = PHONE_EXIT_OK;
    if (answer->failure != HTTP_FAIL_NONE)
        return phone_problem_of_http(problem, "Renewing the token", answer);
    if (phone_token_answer_parse(answer->status, answer->body, &a) != RC_OK)
        return phone_problem_set(problem, PHONE_EXIT_AUTH_SERVER,
                                 "Renewing the token: %s answers %d and no tokens.",
                                 tokens->token_url, answer->status);
    if (a.error[0]) {
        exit = refused(state, tokens, &a, problem);
    } else {
        phone_tokens_take(tokens, &a, now_unix_s);
        problem->code = PHONE_EXIT_OK;
        if (phone_tokens_save(state, tokens, problem) != RC_OK) problem->code = PHONE_EXIT_STATE;
    }
    phone_token_answer_fini(&a);
    return exit;
}
