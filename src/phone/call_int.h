/* phone/call_int.h - the inside of the calls of a line, shared by the files that make them up. */
#ifndef PHONE_CALL_INT_H
#define PHONE_CALL_INT_H
#include "base/check.h"
#include "base/list.h"
#include "crypto/secret.h"
#include "phone/dialog.h"
#include "phone/session_timer.h"

enum {
    CALL_T1_MS = 500,
    CALL_T2_MS = 4000,
    CALL_NO_ACK_MS = 64 * CALL_T1_MS,
    CALL_AWAY_MS = 32000,
    CALL_REFER_S = 180,          /* a transfer nobody reports on has failed */
    CALL_RETRY_AFTER_MAX_S = 10, /* a re-INVITE waits that long for the other side at most */
    CALL_ATTEMPTS_MAX = 3,       /* of one request, challenges answered included */
    CALL_SDP_MAX = 16384,        /* bytes of an SDP of ours */
    CALL_CREDENTIALS_MAX = 24576,
    CALL_FORKS_MAX = 8, /* phones ringing for one INVITE whose provisionals we confirm */
    CALL_ASKS_MAX = 16, /* requests of one call under way, without INVITE */
};

#define CALL_ALLOW        "Allow: " PHONE_CALL_METHODS "\r\n"
#define CALL_SUPPORTED    "Supported: replaces, timer, 100rel, X-cisco-srtp-fallback\r\n"
#define CALL_PRODUCT      "User-Agent: Bearline-Phone/" BEARLINE_VERSION "\r\n"
#define CALL_SDP_TYPE     "application/sdp"
#define CALL_SIPFRAG_TYPE "message/sipfrag;version=2.0"

struct phone_calls {
    struct phone_calls_config config;
    char host[PHONE_NAME_MAX * 2], number[PHONE_NAME_MAX], contact[PHONE_NAME_MAX],
        display_name[PHONE_NAME_MAX];
    struct siptx_flow *flow;
    struct list calls; /* in the order they began */
    size_t count;
    unsigned last_number;
};

/* A request of ours in a dialog, other than INVITE and ACK. It proves itself when challenged. */
struct call_ask;
/* status 408: no answer; 503: could not be sent. m is NULL for those. */
typedef void call_asked_fn(struct phone_call *call, unsigned status, const struct sip_message *m);

/* One phone of those an INVITE of ours rings at. */
struct call_fork {
    char tag[PHONE_TAG_MAX];
    uint32_t rseq; /* of the last provisional confirmed */
};

struct phone_call {
    struct list link;
    struct phone_calls *set;
    struct phone_call_info info;
    struct phone_dialog dialog;
    void *media;
    bool told_end;

    /* our INVITE */
    struct siptx_client *invite;
    bool invite_pends;  /* no final answer yet */
    bool was_confirmed; /* the dialog stands: a 2xx went or came */
    uint32_t invite_cseq;
    unsigned attempts;
    struct secret credentials; /* as last sent: the ACK bears them, too (RFC 3261, 22.1) */
    bool was_redirected;       /* a 3xx was followed: no more of them */
    bool early_changed;        /* an UPDATE went over the early answer, which a 2xx may repeat */
    struct call_fork forks[CALL_FORKS_MAX];
    unsigned fork_count;
    char *extra; /* more header lines of the INVITE: Replaces, Referred-By */

    /* our re-INVITE */
    struct siptx_client *reinvite;
    bool reinvite_pends;
    bool is_refresh; /* the session timer's or a new connection's: failure is no news */
    bool held_before;
    uint32_t reinvite_cseq;
    unsigned reinvite_attempts;
    struct wheel_timer retry_timer;

    /* their INVITE or re-INVITE */
    struct siptx_request *request; /* until its transaction ends */
    bool unacked;                  /* our 2xx waits for its ACK */
    bool answer_in_ack;            /* ... which must bring the answer to our offer */
    uint32_t request_cseq;
    char *ok_headers, *ok_sdp; /* the 2xx again, until the ACK */
    uint32_t resend_ms;
    int64_t unacked_until_ms;
    struct wheel_timer resend_timer, ring_timer;
    uint32_t rseq, reliable_cseq; /* of our 180 that asks for a PRACK, and of its INVITE; 0: none */
    uint32_t reliable_ms;         /* until it goes again */
    int64_t reliable_until_ms;
    struct wheel_timer reliable_timer;

    struct phone_session_timer session;
    int64_t session_end_ms; /* unless it is refreshed before */
    struct wheel_timer session_timer, away_timer, refer_timer, gone_timer, check_timer;
    bool away;           /* it talks, but the line has no connection */
    bool is_unreachable; /* the peer's server said so when it was asked for; asked once more */
    bool wants_refresh;  /* as soon as nothing else is under way */

    struct phone_call *referrer; /* the call whose peer made us make this one */
    uint32_t refer_cseq;         /* of that REFER: the subscription's id */
    unsigned referrer_status;    /* last told to it */

    struct list asks;
    unsigned ask_count;
};

/* calls.c */
struct phone_call *call_new(struct phone_calls *set, bool is_outgoing);
void call_free(struct phone_call *call);
void call_tell(struct phone_call *call, enum phone_call_event event);
/* Frees it at the next turn when nothing holds it any more. */
void call_settle(struct phone_call *call);
/* Our INVITE and re-INVITE are nobody's business any more. */
void call_forget_invites(struct phone_call *call);
/* Told as ended, sound closed; state is where the wire stands: CANCELLING, ENDING or ENDED. */
void call_end(struct phone_call *call, enum phone_call_state state, enum phone_call_cause cause);
void call_timer(struct phone_call *call, struct wheel_timer *t, uint64_t ms, wheel_fn *fn);
void call_timer_stop(struct phone_call *call, struct wheel_timer *t);
int64_t call_now_ms(const struct phone_call *call);
void call_set_peer(struct phone_call *call, const struct sip_nameaddr *n);
void call_hold_others(struct phone_call *call);
bool call_is_over(const struct phone_call *call);
/* "Contact: <sip:contact@address;transport=tls>\r\n" */
void call_print_contact(struct buf *out, const struct phone_calls *set);
/* "sip:host" of our address of record, with display name: a name-addr. */
void call_print_self(struct buf *out, const struct phone_calls *set);
/* A number, user@host or URI as a URI. RC_MALFORMED, RC_TOO_BIG. */
MUST_CHECK enum rc call_target(const struct phone_calls *set, struct str target,
                               char out[PHONE_URI_MAX]);
void call_clean(char *out, size_t cap, struct str text); /* for people */

/* call_ask.c */
/* headers and body are copied. d: NULL: the call's own dialog, else copied. done may be NULL. */
enum rc call_ask(struct phone_call *call, const struct phone_dialog *d, struct str method,
                 struct str headers, struct str content_type, struct str body, call_asked_fn *done);
void call_asks_forget(struct phone_call *call);
/* BYE in d or the call's dialog; the state it leaves is ENDING until that is answered. */
void call_send_bye(struct phone_call *call, const struct phone_dialog *d, struct str headers);

/* call_out.c */
enum rc call_start(struct phone_calls *set, struct str uri, struct str extra,
                   struct phone_call **out);
/* The INVITE, or (again) a re-INVITE, with an offer of the present state of things. */
enum rc call_send_invite(struct phone_call *call, bool again);
void call_send_ack(struct phone_call *call, const struct phone_dialog *d, uint32_t cseq);
/* The credentials m asks for are in call->credentials. */
enum rc call_prove(struct phone_call *call, const struct sip_message *m, struct arena *arena,
                   struct str method, unsigned attempt, struct secret *out);
enum phone_call_cause call_cause_of(unsigned status);
void call_read_refusal(struct phone_call *call, const struct sip_message *m, struct arena *arena);

/* call_in.c */
void call_in_invite(struct phone_calls *set, struct siptx_request *r);
void call_in_ack(struct phone_call *call, const struct sip_message *m, uint32_t cseq);
/* Sends the 2xx to call->request and repeats it until the ACK. sdp is copied. */
enum rc call_accept(struct phone_call *call, struct str sdp, bool answer_in_ack);
bool call_body_is_sdp(const struct sip_message *m);
void call_send_180(struct phone_call *call);
void call_refuse_media(struct siptx_request *r, const struct media_refusal *why);

/* reliable.c */
/* A provisional answer to our INVITE: confirmed by PRACK where it asks for that. False: it came
 * before, or another is missing: not to be looked at. */
bool call_reliable_take(struct phone_call *call, const struct sip_message *m);
/* Sends 180, and again until its PRACK comes, to an INVITE that requires it so. */
void call_reliable_ring(struct phone_call *call);
void call_on_prack(struct phone_call *call, struct siptx_request *r);

/* redirect.c */
/* A 3xx: true when the call goes to the number it names now. */
bool call_follow(struct phone_call *call, const struct sip_message *m, struct arena *arena);

/* call_change.c */
void call_change_invite(struct phone_call *call, struct siptx_request *r);
void call_change_update(struct phone_call *call, struct siptx_request *r);
siptx_client_fn call_on_reinvite;
/* A re-INVITE that changes nothing: refreshes session and target. */
void call_refresh(struct phone_call *call);
void call_session_arm(struct phone_call *call);

/* refer.c */
void call_on_refer(struct phone_call *call, struct siptx_request *r);
void call_on_notify(struct phone_call *call, struct siptx_request *r);
/* The new call made on a peer's wish has come so far. */
void call_report(struct phone_call *call, unsigned status);
/* Replaces of an INVITE: RC_OK with the call to replace (NULL: none asked), else answered. */
enum rc call_find_replaced(struct phone_calls *set, struct siptx_request *r,
                           struct phone_call **out);

#endif
