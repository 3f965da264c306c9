#include "phone/line.h"

#include "base/check.h"

enum {
    BACKOFF_BASE_S = 10,
    BACKOFF_MAX_S = 300,
    UNREGISTER_MS = 3000,
    LOST_JITTER_MS = 2000, /* so that all phones of a lost node do not come at once */
    TRIES_MAX = 6,         /* REGISTERs of one attempt: challenge, fresh token, 423, stale nonce */
};

const char *phone_line_state_name(enum phone_line_state state)
{
    static const char *const names[PHONE_LINE_STATE_COUNT] = {
        [PHONE_LINE_IDLE] = "idle",
        [PHONE_LINE_REGISTERING] = "registering",
        [PHONE_LINE_REGISTERED] = "registered",
        [PHONE_LINE_IN_FAILOVER] = "in failover",
        [PHONE_LINE_POST_FAILOVER] = "falling back",
        [PHONE_LINE_NO_CC] = "no server, waiting",
        [PHONE_LINE_UNREGISTERING] = "unregistering",
        [PHONE_LINE_ENDED] = "ended",
    };
    return (int)state < PHONE_LINE_STATE_COUNT ? names[state] : "unknown";
}

void phone_line_init(struct phone_line *l, const struct phone_line_config *config)
{
    CHECK(config->node_count >= 1 && config->node_count <= PHONE_NODE_MAX);
    *l = (struct phone_line){
        .config = *config,
        .active = PHONE_NO_NODE,
        .trying = PHONE_NO_NODE,
        .renew_node = PHONE_NO_NODE,
        .refresh_ms = -1,
        .keepalive_ms = -1,
        .retry_ms = -1,
        .end_ms = -1,
    };
    if (l->config.backoff_base_s == 0) l->config.backoff_base_s = BACKOFF_BASE_S;
    if (l->config.backoff_max_s == 0) l->config.backoff_max_s = BACKOFF_MAX_S;
    for (size_t i = 0; i < PHONE_NODE_MAX; i++) {
        l->nodes[i].expires_s = config->register_s;
        l->nodes[i].steady_since_ms = -1;
    }
}

/* ---- actions ---- */

static struct phone_line_action *act(struct phone_line *l, enum phone_line_action_kind kind,
                                     int node)
{
    CHECK(l->action_count < PHONE_LINE_ACTION_MAX);
    struct phone_line_action *a = &l->actions[l->action_count++];
    *a = (struct phone_line_action){.kind = kind, .node = node};
    return a;
}

static void end(struct phone_line *l, enum phone_exit exit)
{
    l->state = PHONE_LINE_ENDED;
    l->active = l->trying = l->renew_node = PHONE_NO_NODE;
    l->refresh_ms = l->keepalive_ms = l->retry_ms = l->end_ms = -1;
    act(l, PHONE_DO_END, PHONE_NO_NODE)->exit = exit;
}

static void node_close(struct phone_line *l, int node)
{
    struct phone_line_node *n = &l->nodes[node];
    if (n->conn != PHONE_CONN_NONE) act(l, PHONE_DO_CLOSE, node);
    n->conn = PHONE_CONN_NONE;
    n->waits = n->keeps = false;
    n->steady_since_ms = -1;
}

static void send_register(struct phone_line *l, int node, bool full,
                          enum phone_challenge credential)
{
    struct phone_line_node *n = &l->nodes[node];
    n->waits = true;
    n->full = full;
    n->sent = credential;
    n->tries++;
    if (credential == PHONE_CHALLENGE_BEARER) l->token_is_new = false;
    struct phone_line_action *a = act(l, PHONE_DO_REGISTER, node);
    a->full = full;
    a->credential = credential;
    a->expires_s = l->state == PHONE_LINE_UNREGISTERING ? 0 : n->expires_s;
}

static uint64_t random_between(const struct phone_line *l, uint64_t low, uint64_t high)
{
    return low + random_below(&l->config.random, high - low + 1);
}

/* ---- trying nodes in turn ---- */

static void attempt(struct phone_line *l, int node)
{
    struct phone_line_node *n = &l->nodes[node];
    l->trying = node;
    n->tries = 0;
    n->used_fresh = false;
    n->problem = PHONE_EXIT_OK;
    n->proactive = PHONE_CHALLENGE_NONE;
    if (n->conn == PHONE_CONN_OPEN) {
        send_register(l, node, true, PHONE_CHALLENGE_NONE);
    } else if (n->conn == PHONE_CONN_NONE) {
        n->conn = PHONE_CONN_OPENING;
        act(l, PHONE_DO_OPEN, node);
    }
}

/* The lasting problem that all nodes have; the preferred node's. PHONE_EXIT_OK: there is hope.
 * After a registration that stood, only the line's own refusals count: certificates get renewed. */
static enum phone_exit hopeless(const struct phone_line *l)
{
    for (size_t i = 0; i < l->config.node_count; i++) {
        enum phone_exit p = l->nodes[i].problem;
        bool line = p >= PHONE_EXIT_FORBIDDEN || p == PHONE_EXIT_NOT_SIGNED_IN;
        if (!phone_problem_is_lasting(p) || (l->was_registered && !line)) return PHONE_EXIT_OK;
    }
    return l->nodes[0].problem;
}

/* 50 to 100 % of base * 2^n (RFC 5626, 4.5), and no node before it wants to be asked again. */
static int64_t backoff_ms(struct phone_line *l, int64_t now_ms)
{
    uint64_t max_ms = l->config.backoff_max_s * UINT64_C(1000);
    unsigned doublings = l->rounds > 16 ? 16 : l->rounds;
    uint64_t wait_ms = (l->config.backoff_base_s * UINT64_C(1000)) << doublings;
    if (wait_ms > max_ms) wait_ms = max_ms;
    int64_t wait = (int64_t)random_between(l, wait_ms / 2, wait_ms), first = INT64_MAX;
    for (size_t i = 0; i < l->config.node_count; i++) {
        int64_t left = l->nodes[i].not_before_ms - now_ms;
        if (left < first) first = left;
    }
    return first > wait ? first : wait;
}

static void round_over(struct phone_line *l, int64_t now_ms)
{
    enum phone_exit lasting = hopeless(l);
    if (lasting != PHONE_EXIT_OK && !l->config.keep_trying) {
        end(l, lasting);
        return;
    }
    if (l->config.give_up && !l->was_registered) {
        end(l, l->nodes[0].problem != PHONE_EXIT_OK ? l->nodes[0].problem : l->problem);
        return;
    }
    int64_t wait_ms = backoff_ms(l, now_ms);
    l->rounds++;
    l->state = PHONE_LINE_NO_CC;
    l->retry_ms = now_ms + wait_ms;
    struct phone_line_action *a = act(l, PHONE_DO_WAIT, PHONE_NO_NODE);
    a->wait_ms = (uint64_t)wait_ms;
    a->exit = l->problem;
}

static void try_next(struct phone_line *l, int64_t now_ms)
{
    for (size_t i = 0; i < l->config.node_count; i++) {
        if ((l->tried & 1U << i) || l->nodes[i].not_before_ms > now_ms) continue;
        attempt(l, (int)i);
        return;
    }
    round_over(l, now_ms);
}

static void begin_round(struct phone_line *l, int64_t now_ms)
{
    l->retry_ms = -1;
    if (l->state == PHONE_LINE_NO_CC) l->tried = 0;
    l->state = l->was_registered ? PHONE_LINE_IN_FAILOVER : PHONE_LINE_REGISTERING;
    try_next(l, now_ms);
}

/* ---- losing what we had ---- */

static void lose_active(struct phone_line *l, int node, int64_t now_ms)
{
    l->active = PHONE_NO_NODE;
    l->refresh_ms = l->keepalive_ms = -1;
    l->state = PHONE_LINE_IN_FAILOVER;
    if (l->trying != PHONE_NO_NODE) return; /* the way back is under way already */
    l->tried = l->config.node_count > 1 ? 1U << node : 0;
    l->retry_ms = now_ms + (int64_t)random_between(l, LOST_JITTER_MS / 10, LOST_JITTER_MS);
}

/* This node does not have us, whatever we wanted of it. */
static void fail(struct phone_line *l, int node, enum phone_exit problem, uint32_t retry_after_s,
                 int64_t now_ms)
{
    struct phone_line_node *n = &l->nodes[node];
    n->problem = problem;
    if (retry_after_s > 0) n->not_before_ms = now_ms + (int64_t)retry_after_s * 1000;
    if (l->renew_node == node) l->renew_node = PHONE_NO_NODE;
    node_close(l, node);
    if (l->state == PHONE_LINE_UNREGISTERING) {
        if (node == l->active) end(l, PHONE_EXIT_OK);
        return;
    }
    if (node == l->trying) {
        l->problem = problem;
        l->trying = PHONE_NO_NODE;
        l->tried |= 1U << node;
        if (l->active != PHONE_NO_NODE)
            l->state = PHONE_LINE_REGISTERED; /* the way back did not work: stay */
        else
            try_next(l, now_ms);
    } else if (node == l->active) {
        l->problem = problem;
        lose_active(l, node, now_ms);
    }
}

/* ---- registered ---- */

/* Whom to ask whether it is alive: the best node we are not registered at. */
static int standby_of(const struct phone_line *l)
{
    if (!l->config.asks_standby || l->config.node_count < 2) return PHONE_NO_NODE;
    return l->active == 0 ? 1 : 0;
}

static uint64_t refresh_wait_ms(const struct phone_line *l, uint32_t granted_s)
{
    uint32_t delta_s = l->config.register_delta_s;
    if (granted_s > 2 * delta_s) return (granted_s - delta_s) * UINT64_C(1000);
    uint64_t half_ms = granted_s * UINT64_C(500);
    return half_ms > 1000 ? half_ms : 1000;
}

static void move_to(struct phone_line *l, int node, int64_t now_ms)
{
    int old = l->active;
    if (old != PHONE_NO_NODE && old != node) {
        act(l, PHONE_DO_LEAVE, old);
        l->nodes[old].conn = PHONE_CONN_NONE;
        l->nodes[old].waits = false;
    }
    l->active = node;
    l->trying = PHONE_NO_NODE;
    l->rounds = l->tried = 0;
    l->was_registered = true;
    l->nodes[node].steady_since_ms = -1;
    l->keepalive_ms = standby_of(l) == PHONE_NO_NODE ? -1 : now_ms;
}

static void succeed(struct phone_line *l, int node, const struct phone_answer *answer,
                    int64_t now_ms)
{
    struct phone_line_node *n = &l->nodes[node];
    bool first = node == l->trying, restarted = !first && answer->is_new && !n->full;
    bool asked = n->tries > 1 && n->sent != PHONE_CHALLENGE_NONE;
    if (n->sent == PHONE_CHALLENGE_DIGEST || (asked && !n->full)) n->proactive = n->sent;
    n->tries = 0;
    n->used_fresh = false;
    n->problem = PHONE_EXIT_OK;
    n->not_before_ms = 0;
    if (first) move_to(l, node, now_ms);
    l->state = l->trying == PHONE_NO_NODE ? PHONE_LINE_REGISTERED : PHONE_LINE_POST_FAILOVER;
    uint64_t wait_ms = refresh_wait_ms(l, answer->granted_s);
    l->refresh_ms = now_ms + (int64_t)wait_ms;
    struct phone_line_action *a = act(l, PHONE_DO_REGISTERED, node);
    a->is_first = first;
    a->granted_s = answer->granted_s;
    a->wait_ms = wait_ms;
    /* The server has forgotten us between two refreshes: tell it everything again. */
    if (restarted) send_register(l, node, true, n->proactive);
}

/* ---- challenges ---- */

static void bearer_challenged(struct phone_line *l, int node, int64_t now_ms)
{
    struct phone_line_node *n = &l->nodes[node];
    if (!l->config.has_token) {
        fail(l, node, PHONE_EXIT_NOT_SIGNED_IN, 0, now_ms);
    } else if (n->sent != PHONE_CHALLENGE_BEARER) {
        send_register(l, node, n->full, PHONE_CHALLENGE_BEARER);
    } else if (l->token_is_new) { /* one came while the answer was under way */
        send_register(l, node, n->full, PHONE_CHALLENGE_BEARER);
    } else if (!n->used_fresh && l->state != PHONE_LINE_UNREGISTERING) {
        n->used_fresh = true;
        l->renew_node = node;
        act(l, PHONE_DO_RENEW, node);
    } else {
        fail(l, node, PHONE_EXIT_TOKEN_REFUSED, 0, now_ms);
    }
}

static void challenged(struct phone_line *l, int node, const struct phone_answer *answer,
                       int64_t now_ms)
{
    struct phone_line_node *n = &l->nodes[node];
    bool again = n->sent != PHONE_CHALLENGE_DIGEST || answer->stale;
    if (n->tries >= TRIES_MAX)
        fail(l, node, PHONE_EXIT_REFUSED, 0, now_ms);
    else if (answer->challenge == PHONE_CHALLENGE_BEARER)
        bearer_challenged(l, node, now_ms);
    else if (answer->challenge == PHONE_CHALLENGE_DIGEST && l->config.has_password && again)
        send_register(l, node, n->full, PHONE_CHALLENGE_DIGEST);
    else
        fail(l, node,
             answer->challenge == PHONE_CHALLENGE_DIGEST ? PHONE_EXIT_SIP_PASSWORD
                                                         : PHONE_EXIT_REFUSED,
             0, now_ms);
}

static void answered(struct phone_line *l, const struct phone_line_event *e, int64_t now_ms)
{
    int node = e->node;
    struct phone_line_node *n = &l->nodes[node];
    unsigned status = e->answer.status;
    if (!n->waits) return;
    n->waits = false;
    if (status == 401 || status == 407) {
        challenged(l, node, &e->answer, now_ms);
    } else if (l->state == PHONE_LINE_UNREGISTERING) {
        if (node == l->active) end(l, PHONE_EXIT_OK);
    } else if (status >= 200 && status < 300 && e->answer.granted_s > 0) {
        succeed(l, node, &e->answer, now_ms);
    } else if (status == 423 && e->answer.min_expires_s > n->expires_s && n->tries < TRIES_MAX) {
        n->expires_s = e->answer.min_expires_s;
        send_register(l, node, n->full, n->sent);
    } else {
        fail(l, node, e->problem != PHONE_EXIT_OK ? e->problem : PHONE_EXIT_REFUSED,
             e->answer.retry_after_s, now_ms);
    }
}

/* ---- tokens ---- */

static void renewed(struct phone_line *l)
{
    int node = l->renew_node;
    l->token_is_new = true;
    l->renew_node = PHONE_NO_NODE;
    if (node != PHONE_NO_NODE && l->nodes[node].conn == PHONE_CONN_OPEN)
        send_register(l, node, l->nodes[node].full, PHONE_CHALLENGE_BEARER);
}

static void renew_failed(struct phone_line *l, enum phone_exit problem, int64_t now_ms)
{
    int node = l->renew_node;
    if (problem == PHONE_EXIT_SIGN_IN_AGAIN) {
        end(l, problem);
    } else if (node != PHONE_NO_NODE) {
        l->renew_node = PHONE_NO_NODE;
        fail(l, node, problem, 0, now_ms);
    }
}

/* ---- time ---- */

static void refresh(struct phone_line *l)
{
    struct phone_line_node *n = &l->nodes[l->active];
    l->refresh_ms = -1;
    if (n->waits || l->renew_node == l->active) return;
    n->tries = 0;
    send_register(l, l->active, false, l->token_is_new ? PHONE_CHALLENGE_BEARER : n->proactive);
}

static void ask_standby(struct phone_line *l, int64_t now_ms)
{
    int node = standby_of(l);
    l->keepalive_ms = -1;
    if (node == PHONE_NO_NODE || l->active == PHONE_NO_NODE) return;
    struct phone_line_node *n = &l->nodes[node];
    l->keepalive_ms = now_ms + (int64_t)l->config.keepalive_s * 1000;
    if (n->not_before_ms > now_ms || node == l->trying) return;
    if (n->conn == PHONE_CONN_NONE) {
        n->conn = PHONE_CONN_OPENING;
        act(l, PHONE_DO_OPEN, node);
    } else if (n->conn == PHONE_CONN_OPEN && !n->keeps) {
        n->keeps = true;
        act(l, PHONE_DO_KEEPALIVE, node);
    }
}

/* When a better node has been alive long enough to go back to it; -1: never. */
static int64_t fallback_ms(const struct phone_line *l)
{
    int node = l->state == PHONE_LINE_REGISTERED ? standby_of(l) : PHONE_NO_NODE;
    if (node == PHONE_NO_NODE || node > l->active || l->nodes[node].steady_since_ms < 0) return -1;
    int64_t steady_ms = l->nodes[node].steady_since_ms + (int64_t)l->config.monitor_s * 1000;
    return steady_ms > l->nodes[node].not_before_ms ? steady_ms : l->nodes[node].not_before_ms;
}

static bool is_due(int64_t due_ms, int64_t now_ms)
{
    return due_ms >= 0 && due_ms <= now_ms;
}

static void on_time(struct phone_line *l, int64_t now_ms)
{
    if (is_due(l->end_ms, now_ms)) {
        end(l, PHONE_EXIT_OK);
        return;
    }
    if (is_due(l->retry_ms, now_ms)) begin_round(l, now_ms);
    if (is_due(l->refresh_ms, now_ms)) refresh(l);
    if (is_due(l->keepalive_ms, now_ms)) ask_standby(l, now_ms);
    if (is_due(fallback_ms(l), now_ms)) {
        l->state = PHONE_LINE_POST_FAILOVER;
        attempt(l, standby_of(l));
    }
}

int64_t phone_line_due_ms(const struct phone_line *l)
{
    int64_t times[] = {l->refresh_ms, l->keepalive_ms, l->retry_ms, l->end_ms, fallback_ms(l)};
    int64_t first = -1;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        if (times[i] >= 0 && (first < 0 || times[i] < first)) first = times[i];
    return first;
}

/* ---- the rest ---- */

static void opened(struct phone_line *l, int node)
{
    struct phone_line_node *n = &l->nodes[node];
    if (n->conn != PHONE_CONN_OPENING) return;
    n->conn = PHONE_CONN_OPEN;
    if (node == l->trying) {
        send_register(l, node, true, PHONE_CHALLENGE_NONE);
    } else {
        n->keeps = true;
        act(l, PHONE_DO_KEEPALIVE, node);
    }
}

static void closed(struct phone_line *l, const struct phone_line_event *e, int64_t now_ms)
{
    struct phone_line_node *n = &l->nodes[e->node];
    if (n->conn == PHONE_CONN_NONE) return;
    n->conn = PHONE_CONN_NONE;
    fail(l, e->node, e->problem, 0, now_ms);
}

static void stop(struct phone_line *l, int64_t now_ms)
{
    int node = l->active;
    if (l->state == PHONE_LINE_UNREGISTERING || node == PHONE_NO_NODE ||
        l->nodes[node].conn != PHONE_CONN_OPEN) {
        end(l, PHONE_EXIT_OK);
        return;
    }
    struct phone_line_node *n = &l->nodes[node];
    l->state = PHONE_LINE_UNREGISTERING;
    l->trying = l->renew_node = PHONE_NO_NODE;
    l->refresh_ms = l->keepalive_ms = l->retry_ms = -1;
    l->end_ms = now_ms + UNREGISTER_MS;
    n->tries = 0;
    send_register(l, node, false, l->token_is_new ? PHONE_CHALLENGE_BEARER : n->proactive);
}

static void released(struct phone_line *l, int node, int64_t now_ms)
{
    if (node != l->active) return;
    node_close(l, node);
    lose_active(l, node, now_ms);
    l->tried = 0;
}

void phone_line_step(struct phone_line *l, const struct phone_line_event *e, int64_t now_ms)
{
    l->action_count = 0;
    if (l->state == PHONE_LINE_ENDED) return;
    switch (e->kind) {
    case PHONE_EV_START:
        l->state = PHONE_LINE_REGISTERING;
        try_next(l, now_ms);
        break;
    case PHONE_EV_STOP: stop(l, now_ms); break;
    case PHONE_EV_TIME: on_time(l, now_ms); break;
    case PHONE_EV_OPENED: opened(l, e->node); break;
    case PHONE_EV_CLOSED: closed(l, e, now_ms); break;
    case PHONE_EV_ANSWERED: answered(l, e, now_ms); break;
    case PHONE_EV_SILENT:
        if (l->nodes[e->node].waits || l->nodes[e->node].keeps)
            fail(l, e->node, e->problem, 0, now_ms);
        break;
    case PHONE_EV_KEPT:
        l->nodes[e->node].keeps = false;
        if (l->nodes[e->node].steady_since_ms < 0) l->nodes[e->node].steady_since_ms = now_ms;
        break;
    case PHONE_EV_RENEWED: renewed(l); break;
    case PHONE_EV_RENEW_FAILED: renew_failed(l, e->problem, now_ms); break;
    case PHONE_EV_RELEASED: released(l, e->node, now_ms); break;
    }
}
