/* Keeps the tokens fresh: at 75 % of their life, and at once when a server refuses one. */
#include "phone/agent_int.h"

#include "phone/edge.h"

#include <stdio.h>

enum { AGAIN_MIN_MS = 10000, AGAIN_MAX_MS = 30000, DELAY_MAX_S = 86400 };

static void on_renew_time(void *ctx)
{
    struct agent *a = ctx;
    if (clock_unix_s(&a->clock) < phone_tokens_renew_unix_s(&a->tokens))
        agent_token_schedule(a); /* a long wait comes in pieces */
    else
        agent_token_renew(a);
}

void agent_token_schedule(struct agent *a)
{
    if (!a->signed_in || a->tokens.refresh.n == 0) return;
    int64_t left_s = phone_tokens_renew_unix_s(&a->tokens) - clock_unix_s(&a->clock);
    if (left_s < 0) left_s = 0;
    if (left_s > DELAY_MAX_S) left_s = DELAY_MAX_S;
    net_timer_start(a->loop, &a->renew_timer, (uint64_t)left_s * 1000, on_renew_time, a);
}

static const char *duration(int64_t s, char out[32])
{
    if (s < 120)
        snprintf(out, 32, "%lld s", (long long)s);
    else
        snprintf(out, 32, "%lld min", (long long)(s / 60));
    return out;
}

static void tell_renewed(struct agent *a, int64_t now_s)
{
    char life[32], next[32];
    agent_say(a, "token renewed for %s, next renewal in %s",
              duration(a->tokens.access_until_unix_s - now_s, life),
              duration(phone_tokens_renew_unix_s(&a->tokens) - now_s, next));
}

static void renewed(struct agent *a, const struct phone_problem *problem)
{
    a->renew_failures = 0;
    if (problem->code == PHONE_EXIT_STATE) agent_note(a, problem);
    int64_t now_s = clock_unix_s(&a->clock);
    tell_renewed(a, now_s);
    agent_token_schedule(a);
    agent_event(a, &(struct phone_line_event){.kind = PHONE_EV_RENEWED});
}

static void not_renewed(struct agent *a, enum phone_exit exit, const struct phone_problem *problem)
{
    agent_note(a, problem);
    if (exit != PHONE_EXIT_SIGN_IN_AGAIN) {
        a->renew_failures++;
        uint64_t wait_ms = AGAIN_MIN_MS +
                           random_below(&a->config->random, AGAIN_MAX_MS - AGAIN_MIN_MS);
        net_timer_start(a->loop, &a->renew_timer, wait_ms, on_renew_time, a);
    }
    agent_event(a, &(struct phone_line_event){.kind = PHONE_EV_RENEW_FAILED, .problem = exit});
}

static void on_answer(void *ctx, const struct http_answer *answer)
{
    struct agent *a = ctx;
    struct phone_problem problem = {0};
    a->renewing = NULL;
    phone_renew_fini(&a->renew);
    enum phone_exit exit = phone_renew_take(a->config->state, &a->tokens, answer,
                                            clock_unix_s(&a->clock), &problem);
    if (exit == PHONE_EXIT_OK)
        renewed(a, &problem);
    else
        not_renewed(a, exit, &problem);
}

void agent_token_renew(struct agent *a)
{
    struct phone_problem problem = {0};
    if (a->renewing) return; /* its answer serves all who ask */
    net_timer_stop(a->loop, &a->renew_timer);
    enum phone_exit exit = phone_renew_init(&a->renew, a->config->state, &a->tokens, &problem);
    if (exit != PHONE_EXIT_OK) {
        not_renewed(a, exit, &problem);
        return;
    }
    struct arena arena; /* what is started is copied */
    arena_init(&arena, NULL, 0, 1 << 20);
    enum rc rc = phone_edge_route(a->config->fetch.edge, &a->renew.call, &arena);
    if (rc == RC_OK) rc = http_client_start(a->http, &a->renew.call, on_answer, a, &a->renewing);
    arena_fini(&arena);
    if (rc == RC_OK) return;
    a->renewing = NULL;
    phone_renew_fini(&a->renew);
    exit = phone_problem_set(&problem, PHONE_EXIT_FAILED, "Out of memory.");
    not_renewed(a, exit, &problem);
}

enum phone_exit agent_token_first(struct agent *a, struct phone_problem *problem)
{
    int64_t now_s = clock_unix_s(&a->clock);
    struct phone_renew r;
    struct http_answer answer;
    struct arena arena;
    if (now_s < phone_tokens_renew_unix_s(&a->tokens)) return PHONE_EXIT_OK;
    if (a->tokens.refresh.n == 0 && now_s < a->tokens.access_until_unix_s) return PHONE_EXIT_OK;
    enum phone_exit exit = phone_renew_init(&r, a->config->state, &a->tokens, problem);
    if (exit != PHONE_EXIT_OK) return exit;
    arena_init(&arena, NULL, 0, 1 << 20);
    r.call.timeout_ms = 10000;
    if (phone_edge_route(a->config->fetch.edge, &r.call, &arena) == RC_OK)
        http_fetch(&r.call, &arena, &answer);
    else
        answer = (struct http_answer){.failure = HTTP_FAIL_NOMEM, .why = "out of memory"};
    exit = phone_renew_take(a->config->state, &a->tokens, &answer, now_s, problem);
    phone_renew_fini(&r);
    arena_fini(&arena);
    if (exit == PHONE_EXIT_SIGN_IN_AGAIN) return exit;
    if (exit == PHONE_EXIT_OK) tell_renewed(a, now_s);
    if (problem->code != PHONE_EXIT_OK) agent_note(a, problem);
    problem->code = PHONE_EXIT_OK;
    return PHONE_EXIT_OK; /* what may pass does not keep the phone from trying */
}
