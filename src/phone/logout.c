/* Signing out: the server is told first, the files go in any case. */
#include "phone/grant.h"
#include "phone/login.h"

#include "http/client.h"
#include "phone/edge.h"

static enum phone_exit revoke(const struct phone_tokens *t, const char *edge, const char *ca_file,
                              struct phone_problem *problem)
{
    struct buf body;
    struct arena a;
    struct http_answer answer = {0};
    const struct secret *token = t->refresh.n > 0 ? &t->refresh : &t->access;
    buf_init(&body, 64 * 1024);
    arena_init(&a, NULL, 0, 1 << 20);
    phone_grant_print_revoke(&body, str_from(t->client_id), bytes_str(secret_bytes(token)));
    struct http_call call = {
        .method = "POST",
        .url = str_from(t->revoke_url),
        .body = buf_str(&body),
        .content_type = STR("application/x-www-form-urlencoded"),
        .ca_file = ca_file,
    };
    if (buf_rc(&body) == RC_OK && phone_edge_route(edge, &call, &a) == RC_OK)
        http_fetch(&call, &a, &answer);
    if (body.p) crypto_wipe(body.p, body.cap);
    buf_fini(&body);
    enum phone_exit exit = PHONE_EXIT_OK;
    if (answer.failure != HTTP_FAIL_NONE)
        exit = phone_problem_of_http(problem, "Telling the server", &answer);
    else if (answer.status != 200)
        exit = phone_problem_set(problem, PHONE_EXIT_AUTH_SERVER,
                                 "The revocation address answered %d.", answer.status);
    arena_fini(&a);
    return exit;
}

static enum rc wipe_all(const struct phone_state *state)
{
    static const char *const names[] = {PHONE_FILE_SESSION, PHONE_FILE_CA, PHONE_FILE_CONFIG,
                                        PHONE_FILE_CACHE, PHONE_FILE_STATUS};
    enum rc rc = RC_OK;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (phone_state_wipe(state, names[i]) != RC_OK) rc = RC_IO;
    return rc;
}

enum phone_exit phone_logout(const struct phone_state *state, const char *edge,
                             struct phone_problem *problem)
{
    struct phone_tokens tokens = {0};
    struct phone_problem telling = {0};
    char ca[PHONE_STATE_PATH_MAX];
    enum rc rc = phone_tokens_load(state, &tokens);
    if (rc == RC_NOT_FOUND)
        return phone_problem_set(problem, PHONE_EXIT_NOT_SIGNED_IN, "Nobody is signed in here.");
    bool has_ca = tokens.has_ca && phone_state_path(state, PHONE_FILE_CA, ca) == RC_OK;
    if (rc == RC_OK && tokens.revoke_url[0]) revoke(&tokens, edge, has_ca ? ca : NULL, &telling);
    phone_tokens_fini(&tokens);
    if (wipe_all(state) != RC_OK)
        return phone_problem_set(problem, PHONE_EXIT_STATE,
                                 "Files in %s could not be removed: remove them by hand.",
                                 state->path);
    if (telling.code == PHONE_EXIT_OK) return PHONE_EXIT_OK;
    return phone_problem_set(problem, telling.code,
                             "Signed out here, all files are gone, but the server does not know: "
                             "%.400s The sign-in there ends by itself; an administrator can revoke "
                             "it at once.",
                             telling.text);
}
