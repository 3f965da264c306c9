/* phone/agent_int.h - the parts of a phone at work and what they share. One thread, one loop. */
#ifndef PHONE_AGENT_INT_H
#define PHONE_AGENT_INT_H
#include "http/client.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "net/udp.h"
#include "phone/agent.h"
#include "phone/call.h"
#include "phone/renew.h"
#include "phone/script.h"
#include "phone/status.h"
#include "siptx/stack.h"
#include "siptx/trace.h"

enum { AGENT_EVENT_MAX = 32, AGENT_WHERE_MAX = 280 };

struct agent;
struct agent_terminal;

/* A server node and the connection to it. */
struct path {
    struct agent *agent;
    int index;
    struct phone_route route;
    char where[AGENT_WHERE_MAX]; /* "ucm1:5090" */
    struct net_query *query;
    struct net_addr addrs[NET_RESOLVED_MAX];
    size_t addr_count, addr_at;
    struct siptx_flow *flow;
    struct siptx_client *registering, *keeping;
    enum phone_challenge sent; /* with the REGISTER under way */
    uint32_t asked_s;
    unsigned challenge_status;  /* of its last challenge; 0: none */
    struct phone_digest digest; /* its last Digest challenge; nonce "": none */
    struct phone_problem problem;
};

struct agent {
    const struct phone_agent_config *config;
    struct net_loop *loop;
    struct clock clock;
    struct net_resolver *resolver;
    struct http_client *http;
    struct siptx_trace *trace;
    struct siptx_stack *stack;
    struct net_udp_port *udp;
    struct net_tls *tls;
    struct arena arena; /* the configuration */
    struct phone_config phone;
    struct phone_tokens tokens;
    bool signed_in;
    struct secret sip_password;
    char ca_name[PHONE_STATE_PATH_MAX]; /* the trust in use; "": the system's */

    struct phone_line line;
    struct phone_line_event events[AGENT_EVENT_MAX];
    size_t event_count;
    bool stepping;
    struct path paths[PHONE_NODE_MAX];
    struct wheel_timer line_timer, renew_timer, ping_timer, end_timer;
    bool ping_waits;
    uint32_t flow_timer_s; /* of the active registration (RFC 5626, 4.4.1); 0: none */

    char call_id[48], keep_call_id[48], from_tag[24];
    uint32_t cseq;
    const char *last; /* why the phone was out of service, for the alarm text */

    struct http_exchange *renewing;
    struct phone_renew renew;
    unsigned renew_failures;

    struct phone_calls *calls;
    struct siptx_flow *call_flow; /* where calls go: of the active registration, or NULL */
    struct wheel_timer stop_timer;
    int64_t stop_until_ms;
    bool restart_waits; /* for the last call's end */

    struct phone_script *script; /* NULL: none */
    struct wheel_timer script_timer;
    struct phone_call *script_call, *script_before; /* the one it is about; the one before */
    struct phone_call *script_referred;             /* made because its peer was transferred */
    bool script_joins, script_told;

    struct agent_terminal *terminal; /* NULL: none */
    struct net_post keys_post;       /* outlives the terminal */

    struct phone_status status, saved;
    struct phone_problem problem; /* the last one told */
    uint64_t traced_seq;
    bool is_over, restarts;
    enum phone_exit exit;
    unsigned signals;
};

/* agent.c */
void agent_event(struct agent *a, const struct phone_line_event *e);
/* The phone ends; problem stands in a->problem unless exit is OK. */
void agent_end(struct agent *a, enum phone_exit exit);
/* Ends this session and begins another, the configuration fetched anew. */
void agent_restart_now(struct agent *a);
/* The problem a person should know of; also for the status. */
void agent_note(struct agent *a, const struct phone_problem *p);

/* agent_node.c: carries out actions on nodes */
void path_open(struct path *p);
void path_close(struct path *p);
void path_leave(struct path *p);
void path_register(struct path *p, const struct phone_line_action *act);
void path_keepalive(struct path *p);
struct siptx_events path_events(struct agent *a);
/* Pings as the server asked for; none when seconds is 0. */
void path_ping_start(struct agent *a);

/* Digest credentials: a whole header line. */
enum rc agent_digest_print(struct agent *a, struct phone_digest *d, struct str method,
                           struct str uri, struct buf *out);

/* agent_call.c */
enum rc agent_calls_open(struct agent *a);
void agent_calls_close(struct agent *a);
/* The active registration may be another one now. */
void agent_calls_follow(struct agent *a);
/* Ends all calls, then the registration. */
void agent_stop(struct agent *a);
/* agent_restart_now once nobody talks. */
void agent_restart(struct agent *a);
/* NULL: none (any more). */
struct media_session *agent_call_session(const struct phone_call *call);
bool agent_call_is_muted(const struct phone_call *call);
void agent_call_mute(struct phone_call *call, bool mute);

/* agent_script.c */
enum phone_exit agent_script_open(struct agent *a, struct phone_problem *problem);
void agent_script_close(struct agent *a);
/* call: NULL: whichever; else only if the script is about it. */
void agent_script_tell(struct agent *a, const struct phone_call *call,
                       enum phone_script_event event, int arg);
void agent_script_call(struct agent *a, struct phone_call *call, enum phone_call_event event);

/* agent_terminal.c; without --interactive all of them do nothing. */
enum rc agent_terminal_open(struct agent *a);
void agent_terminal_close(struct agent *a);
void agent_terminal_clear(struct agent *a); /* before something else is written */
void agent_terminal_draw(struct agent *a);
void agent_terminal_select(struct agent *a, const struct phone_call *call);

/* agent_token.c */
/* Before the first question to a server: a token that is over is renewed at once. Blocking. */
enum phone_exit agent_token_first(struct agent *a, struct phone_problem *problem);
void agent_token_schedule(struct agent *a);
void agent_token_renew(struct agent *a);

/* agent_log.c */
void agent_say(struct agent *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
void agent_trace_flush(struct agent *a);

#endif
