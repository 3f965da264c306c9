/* phone/line.h - the registration of a phone as a machine: which node, when to register, refresh,
 * prove, ask the standby, go to the next node, come back, wait. It knows no sockets, no clock, no
 * message text: events come in with the time, actions go out. So a test runs a day of it at once.
 *
 *                        opened, 200
 *   IDLE --start--> REGISTERING ------> REGISTERED <----------------------------+
 *                      |  ^  failed: next node      | lost, silent, refused     | 200 there
 *                      v  |                         v                           |
 *                     NO_CC <--no node left-- IN_FAILOVER --200--> REGISTERED  POST_FAILOVER
 *                      (back-off, then again)       (on a later node)           ^
 *                                                    preferred node steady -----+
 *   any --stop--> UNREGISTERING --200, silence--> ENDED      any --lasting refusal--> ENDED
 *
 * The names are those of the reference's own register manager where it has one. */
#ifndef PHONE_LINE_H
#define PHONE_LINE_H
#include "base/clock.h"
#include "phone/config.h"
#include "phone/problem.h"

enum phone_line_state {
    PHONE_LINE_IDLE,
    PHONE_LINE_REGISTERING, /* not registered yet in this run */
    PHONE_LINE_REGISTERED,
    PHONE_LINE_IN_FAILOVER,   /* was registered; another node or the same one is being tried */
    PHONE_LINE_POST_FAILOVER, /* registered, and moving back to the preferred node */
    PHONE_LINE_NO_CC,         /* no node would have us: waiting */
    PHONE_LINE_UNREGISTERING,
    PHONE_LINE_ENDED,
};
enum { PHONE_LINE_STATE_COUNT = PHONE_LINE_ENDED + 1, PHONE_NO_NODE = -1 };
const char *phone_line_state_name(enum phone_line_state state); /* "registered" */

enum phone_challenge { PHONE_CHALLENGE_NONE, PHONE_CHALLENGE_BEARER, PHONE_CHALLENGE_DIGEST };

/* What a final answer to a REGISTER says. */
struct phone_answer {
    unsigned status;
    enum phone_challenge challenge; /* 401 and 407 */
    bool stale;  /* Digest: the nonce is too old, the password was not looked at */
    bool is_new; /* x-cisco-newreg */
    uint32_t granted_s, min_expires_s;
    uint32_t retry_after_s; /* 0: none */
};

enum phone_line_event_kind {
    PHONE_EV_START,
    PHONE_EV_STOP,         /* the person wants to end */
    PHONE_EV_TIME,         /* phone_line_due_ms has come */
    PHONE_EV_OPENED,       /* node: the connection asked for is open */
    PHONE_EV_CLOSED,       /* node: it did not open, or it ended; problem */
    PHONE_EV_ANSWERED,     /* node: answer to our last REGISTER; problem where it is a refusal */
    PHONE_EV_SILENT,       /* node: no answer in time; problem */
    PHONE_EV_KEPT,         /* node: the standby answered a keepalive */
    PHONE_EV_RENEWED,      /* a token newer than any used so far is at hand */
    PHONE_EV_RENEW_FAILED, /* not now; problem */
    PHONE_EV_RELEASED,     /* the server let us go, no longer allowed: ask again, it will say why */
};

struct phone_line_event {
    enum phone_line_event_kind kind;
    int node;
    struct phone_answer answer;
    enum phone_exit problem; /* of CLOSED, ANSWERED, SILENT, RENEW_FAILED */
};

enum phone_line_action_kind {
    PHONE_DO_OPEN,       /* connect to node; OPENED or CLOSED follows */
    PHONE_DO_CLOSE,      /* end node's connection; nothing follows */
    PHONE_DO_REGISTER,   /* REGISTER to node; ANSWERED or SILENT (or CLOSED) follows */
    PHONE_DO_KEEPALIVE,  /* ask node whether it is alive; KEPT, or SILENT or CLOSED, follows */
    PHONE_DO_LEAVE,      /* unregister at node and close it; nothing follows */
    PHONE_DO_RENEW,      /* get a token newer than the one just refused; RENEWED, RENEW_FAILED */
    PHONE_DO_REGISTERED, /* tell: registered at node for granted_s, next refresh in wait_ms */
    PHONE_DO_WAIT,       /* tell: nobody had us, next try in wait_ms */
    PHONE_DO_END,        /* over, with exit; nothing follows */
};

struct phone_line_action {
    enum phone_line_action_kind kind;
    int node;
    bool full;                       /* REGISTER: the first one here, with body and reason */
    bool is_first;                   /* REGISTERED: new there; else a refresh */
    enum phone_challenge credential; /* REGISTER: send this kind */
    uint32_t expires_s;              /* REGISTER: to ask for; 0 unregisters */
    uint32_t granted_s;
    uint64_t wait_ms;
    enum phone_exit exit; /* END, WAIT: the last problem's code */
};
enum { PHONE_LINE_ACTION_MAX = 12 };

struct phone_line_config {
    size_t node_count; /* 1..PHONE_NODE_MAX */
    bool has_token, has_password;
    uint32_t register_s, register_delta_s, keepalive_s, monitor_s;
    uint32_t backoff_base_s, backoff_max_s; /* 0: 10 and 300 */
    bool asks_standby;                      /* the Cisco dialect's keepalive to the next node */
    bool keep_trying;                       /* lasting refusals are waited out, too */
    bool give_up;                           /* before the first success, a round without ends it */
    struct random_source random;
};

enum phone_connection { PHONE_CONN_NONE, PHONE_CONN_OPENING, PHONE_CONN_OPEN };

/* What is under way at one node. */
struct phone_line_node {
    enum phone_connection conn;
    bool waits;                     /* for the answer to a REGISTER */
    bool keeps;                     /* for the answer to a keepalive */
    bool full;                      /* the REGISTER under way is a full one */
    bool used_fresh;                /* a token renewed because of a refusal was sent */
    enum phone_challenge sent;      /* credentials of the REGISTER under way */
    enum phone_challenge proactive; /* credentials refreshes need: sent unasked */
    unsigned tries;                 /* REGISTERs of this attempt */
    uint32_t expires_s;             /* to ask for: 423 may raise it */
    int64_t not_before_ms;          /* Retry-After */
    int64_t steady_since_ms;        /* as a standby: alive since then; -1: not */
    enum phone_exit problem;        /* its last one; PHONE_EXIT_OK: none */
};

/* Lives in its owner; no memory of its own. Read as you like. */
struct phone_line {
    struct phone_line_config config;
    enum phone_line_state state;
    int active; /* the node we are registered at, PHONE_NO_NODE: none */
    int trying; /* the node we are trying to register at, PHONE_NO_NODE: none */
    struct phone_line_node nodes[PHONE_NODE_MAX];
    unsigned rounds;         /* without success, in a row */
    unsigned tried;          /* nodes of this round, one bit each */
    bool was_registered;     /* in this run */
    bool token_is_new;       /* goes with the next REGISTER unasked */
    int renew_node;          /* whose refusal PHONE_DO_RENEW answers; PHONE_NO_NODE: none */
    enum phone_exit problem; /* the last one */
    int64_t refresh_ms, keepalive_ms, retry_ms, end_ms; /* due times; -1: none */
    struct phone_line_action actions[PHONE_LINE_ACTION_MAX];
    size_t action_count;
};

void phone_line_init(struct phone_line *l, const struct phone_line_config *config);
/* Advances; what is to be done stands in l->actions[0, action_count) afterwards, in order. */
void phone_line_step(struct phone_line *l, const struct phone_line_event *e, int64_t now_ms);
/* When PHONE_EV_TIME is due next; -1: never. */
int64_t phone_line_due_ms(const struct phone_line *l);

#endif
