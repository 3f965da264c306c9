/* phone/call.h - the calls of one line (RFC 3261, 12-15; 3262; 3264; 3311; 3515; 3891; 4028): a user agent over
 * siptx. It dials, rings, answers, holds, transfers and ends calls, proves itself when challenged,
 * and keeps sessions alive. It knows no sockets and no sound: messages go out on the flow the line
 * is registered over, sound is a table of functions (media/session.h behind it; a fake in tests).
 *
 *                  18x                2xx: ACK
 *   CALLING -----------> RINGING_OUT ----------> TALKING --BYE, hang up--> ENDING --> gone
 *      |   hang up            |                     ^  |
 *      +--> CANCELLING <------+           ACK       |  | Refer: TALKING until the new call stands
 *              | 487, 2xx: ACK, BYE                 |
 *   INCOMING --answer: 2xx--> ANSWERING ------------+      any but the last two --refused, lost--> gone
 *      | CANCEL, reject: gone    | no ACK in 64*T1: BYE
 *
 * A call is told as ended as soon as nobody can talk in it any more; what the wire still needs
 * (CANCELLING, ENDING) goes on behind that. The set and everything in it belong to the stack's
 * thread. Callbacks may call anything here but phone_calls_free. */
#ifndef PHONE_CALL_H
#define PHONE_CALL_H
#include "base/buf.h"
#include "base/clock.h"
#include "base/wheel.h"
#include "media/session.h"
#include "phone/problem.h"
#include "siptx/stack.h"

struct phone_call;
struct phone_calls;

enum {
    PHONE_CALL_MAX = 8,     /* at once, those that are ending included */
    PHONE_URI_MAX = 512,    /* bytes of any URI we keep; a longer one is refused */
    PHONE_RING_S = 180,     /* unanswered here: 480 */
    PHONE_SESSION_S = 1800, /* Session-Expires we ask for */
    PHONE_MIN_SE_S = 90,    /* the shortest we take */
    PHONE_NAME_MAX = 128,   /* bytes of a display name kept */
};

enum phone_call_state {
    PHONE_CALL_CALLING,     /* our INVITE is out */
    PHONE_CALL_RINGING_OUT, /* it rings there, or early sound is heard */
    PHONE_CALL_CANCELLING,  /* told as ended; the INVITE is not over yet */
    PHONE_CALL_INCOMING,    /* it rings here */
    PHONE_CALL_ANSWERING,   /* our 2xx is out, its ACK has not come */
    PHONE_CALL_TALKING,
    PHONE_CALL_ENDING, /* told as ended; our BYE is not answered yet */
    PHONE_CALL_ENDED,
};
const char *phone_call_state_name(enum phone_call_state state); /* "ringing" */

/* Why a call ended. */
enum phone_call_cause {
    PHONE_CAUSE_NONE,         /* it has not */
    PHONE_CAUSE_HUNG_UP,      /* by us */
    PHONE_CAUSE_PEER_HUNG_UP, /* by BYE */
    PHONE_CAUSE_PEER_GAVE_UP, /* an incoming one, by CANCEL */
    PHONE_CAUSE_REJECTED,     /* an incoming one, by us */
    PHONE_CAUSE_UNANSWERED,   /* an incoming one, nobody took it in PHONE_RING_S */
    PHONE_CAUSE_BUSY,         /* 486, 600 */
    PHONE_CAUSE_NO_ANSWER,    /* 408, 480, 487 not asked for: nobody took it there */
    PHONE_CAUSE_DECLINED,     /* 603 */
    PHONE_CAUSE_NOT_FOUND,    /* 404, 410, 484, 604 */
    PHONE_CAUSE_FORBIDDEN,    /* 401, 403, 407 after what we could prove */
    PHONE_CAUSE_UNACCEPTABLE, /* 415, 488, 606: no common codec, or encryption */
    PHONE_CAUSE_MOVED,        /* 3xx: to where we do not follow, or for the second time */
    PHONE_CAUSE_OVERLOADED,   /* 503 */
    PHONE_CAUSE_SERVER,       /* any other refusal */
    PHONE_CAUSE_TIMEOUT,      /* no answer at all in 64*T1 */
    PHONE_CAUSE_LOST,         /* the connection went and did not come back in time */
    PHONE_CAUSE_EXPIRED,      /* the other side stopped refreshing the session */
    PHONE_CAUSE_TRANSFERRED,  /* ours to transfer, and the transfer stands */
    PHONE_CAUSE_REPLACED,     /* another call took its place (Replaces) */
    PHONE_CAUSE_BROKEN,       /* an answer nobody can use, no memory, no ports */
    PHONE_CAUSE_COUNT,
};
struct phone_call_info;
const char *phone_cause_name(enum phone_call_cause cause);     /* "busy": for logs and scripts */
const char *phone_cause_sentence(enum phone_call_cause cause); /* "the other side is busy" */
/* What a person can do about the end of a call, if anything: "try again in 8 s". At most 200 bytes. */
void phone_call_print_advice(struct buf *out, const struct phone_call_info *info);
/* The exit code scripts get for a call they made that ended so: PHONE_EXIT_OK where it was meant. */
enum phone_exit phone_cause_exit(enum phone_call_cause cause);

enum phone_call_event {
    PHONE_CALL_EV_INCOMING, /* a new call rings here; answer, reject, or let it ring */
    PHONE_CALL_EV_RINGING,  /* it rings there */
    PHONE_CALL_EV_EARLY,    /* sound of the way there is heard before the answer */
    PHONE_CALL_EV_ANSWERED, /* TALKING from now on (incoming: the ACK may still be under way) */
    PHONE_CALL_EV_CHANGED,  /* hold on either side, or the peer, is another now */
    PHONE_CALL_EV_CHANGE_FAILED,   /* a hold or resume was refused: status */
    PHONE_CALL_EV_TRANSFERRING,    /* the other side works on our REFER: status it reports */
    PHONE_CALL_EV_TRANSFER_FAILED, /* status; the call goes on */
    PHONE_CALL_EV_REFERRED,        /* a new outgoing call, made because a peer transfers us */
    PHONE_CALL_EV_REPLACES,        /* a new call that took another one's place; it talks already */
    PHONE_CALL_EV_REDIRECTED,      /* it calls another number now, as the server wished (3xx) */
    PHONE_CALL_EV_CONFIRMED,       /* an answered incoming call is TALKING now: its ACK has come */
    PHONE_CALL_EV_ENDED,           /* cause and status say why; the last event of the call */
};

/* Read as you like. Texts are NUL-terminated, control bytes made '?'. */
struct phone_call_info {
    unsigned number; /* 1, 2, 3 ...: for people; never used twice */
    bool is_outgoing;
    enum phone_call_state state;
    enum phone_call_cause cause;
    unsigned status;                         /* the last SIP status of the other side, 0: none */
    char warning[160];                       /* text of a refusal's Warning, "" for none */
    unsigned warn_code;                      /* its code, 0: none */
    uint32_t retry_after_s;                  /* of a refusal's Retry-After, 0: none */
    char peer[PHONE_URI_MAX];                /* URI */
    char peer_number[PHONE_NAME_MAX];        /* its user part, or the whole URI */
    char peer_name[PHONE_NAME_MAX];          /* display name, may be "" */
    bool holding, is_held;                   /* by us, by them */
    bool changing;                           /* a re-INVITE of ours is under way */
    bool transferring;                       /* a REFER of ours is not settled */
    bool early;                              /* early media */
    int64_t began_mono_ms, answered_mono_ms; /* -1: not yet */
};

/* ---- what the owner brings ---- */

/* The sound of one call; the functions of media/session.h of the same names. */
struct phone_media_ops {
    /* RC_BUSY, RC_NOMEM ...: the call cannot be. */
    enum rc (*open)(void *ctx, struct phone_call *call, void **media);
    void (*close)(void *media);
    enum rc (*offer)(void *media, struct buf *sdp);
    enum rc (*take_answer)(void *media, struct str answer, struct media_refusal *why);
    void (*offer_failed)(void *media);
    enum rc (*answer)(void *media, struct str offer, struct buf *sdp, struct media_refusal *why);
    /* Could this offer be answered? Nothing sounds yet. May be NULL: everything rings. */
    enum rc (*check)(void *media, struct str offer, struct media_refusal *why);
    void (*hold)(void *media, bool hold);
    bool (*is_held)(void *media);
};

/* Prints credentials (whole header lines) for a request challenged by m (401, 407) into out; the
 * buffer is wiped after use. attempt counts from 1: what was already refused is not sent again.
 * RC_DENIED: nothing to prove it with. */
typedef enum rc phone_credentials_fn(void *ctx, const struct sip_message *m, struct arena *arena,
                                     struct str method, struct str uri, unsigned attempt,
                                     struct buf *out);

struct phone_calls_config {
    struct siptx_stack *stack;
    struct net_loop *loop; /* timers; or NULL with the next two */
    struct clock clock;
    struct wheel *wheel;
    struct random_source random;
    /* Who we are; borrowed for the set's life. */
    struct str host;            /* of our address of record and of numbers dialled */
    struct str number, contact; /* user parts of our address of record and Contact */
    struct str display_name;    /* may be empty */
    bool call_waiting;          /* a second call rings; else 486 */
    bool do_not_disturb;        /* all calls: 486 */
    uint32_t ring_s, session_s; /* 0: PHONE_RING_S, PHONE_SESSION_S */
    uint32_t away_ms;           /* a call without connection lasts that long; 0: 32 s */
    const struct phone_media_ops *media;
    phone_credentials_fn *credentials;
    /* The last thing done with call; after PHONE_CALL_EV_ENDED it must be forgotten. */
    void (*on_event)(void *ctx, struct phone_call *call, enum phone_call_event event);
    void *ctx; /* of all of them */
};
/* RC_NOMEM, RC_TOO_BIG (number, contact or host; a long display name is cut). */
MUST_CHECK enum rc phone_calls_new(const struct phone_calls_config *config,
                                   struct phone_calls **out);
/* Forgets all calls without a word to anybody; hang up before. Before the stack goes. NULL. */
struct phone_calls *phone_calls_free(struct phone_calls *calls);
/* The connection of the registered line, NULL while there is none. Calls that talk move to a new
 * one and tell their peers; what cannot move ends. transport and local make our Contact. */
void phone_calls_set_flow(struct phone_calls *calls, struct siptx_flow *flow);
/* Of our address and of numbers dialled, from now on; too long a name is ignored. */
void phone_calls_set_host(struct phone_calls *calls, struct str host);
void phone_calls_set_waiting(struct phone_calls *calls, bool call_waiting, bool do_not_disturb);

/* What the stack hands up (siptx_events), for the owner to pass on. */
/* True: taken and answered, or being answered. False: none of ours (REGISTER, NOTIFY outside calls
 * ...), untouched. Only the flow set above may reach a call; INVITEs of others get 403. */
bool phone_calls_request(struct phone_calls *calls, struct siptx_request *r);
void phone_calls_ack(struct phone_calls *calls, struct siptx_flow *flow,
                     const struct sip_message *m);
void phone_calls_cancel(struct phone_calls *calls, struct siptx_request *invite);
void phone_calls_stray(struct phone_calls *calls, struct siptx_flow *flow,
                       const struct sip_message *m);
/* The methods above, for Allow lines: "INVITE, ACK, ...". */
#define PHONE_CALL_METHODS "INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, REFER, NOTIFY, INFO, OPTIONS"

/* ---- the set ---- */

/* Calls that still have anything to do on the wire; 0: all is said. */
size_t phone_calls_count(const struct phone_calls *calls);
/* The at'th call a person knows of (not told as ended), oldest first; NULL: no more. */
struct phone_call *phone_calls_at(struct phone_calls *calls, size_t at);
/* Hangs up whatever there is: the phone stops. */
void phone_calls_hang_up_all(struct phone_calls *calls);

/* ---- one call ---- */

const struct phone_call_info *phone_call_info(const struct phone_call *call);
void *phone_call_media(const struct phone_call *call); /* of ops->open; NULL: none (any more) */

/* target: a number, user@host, or a sip: URI. Other calls that talk are held first. RC_BUSY:
 * PHONE_CALL_MAX, or no media port; RC_CLOSED: the line is not registered; RC_MALFORMED: no number;
 * RC_NOMEM. The rest comes as events. */
MUST_CHECK enum rc phone_call_dial(struct phone_calls *calls, struct str target,
                                   struct phone_call **out);
/* RC_CONFLICT: not INCOMING (any more); RC_INVALID: its offer has nothing for us, 488 was sent and
 * the call ends. Other calls that talk are held. */
MUST_CHECK enum rc phone_call_answer(struct phone_call *call);
/* 486 busy here, 480 temporarily unavailable, 603 decline. RC_CONFLICT. */
MUST_CHECK enum rc phone_call_reject(struct phone_call *call, unsigned status);
/* In any state: CANCEL, BYE or 603 as it needs. */
void phone_call_hang_up(struct phone_call *call);
/* RC_CONFLICT: not TALKING, or a change is under way (also the peer's); it may be tried again.
 * Nothing happens when it is so already. Resuming holds the others. */
MUST_CHECK enum rc phone_call_hold(struct phone_call *call, bool hold);
/* Nothing is heard: asks the peer whether it is still there (OPTIONS). A call whose peer is not ends:
 * PHONE_CAUSE_EXPIRED. RC_CONFLICT: not TALKING; RC_CLOSED, RC_BUSY, RC_NOMEM. */
MUST_CHECK enum rc phone_call_check(struct phone_call *call);
/* Asks the peer to call target instead (RFC 5589, 6.1); RC_CONFLICT, RC_MALFORMED, RC_CLOSED. */
MUST_CHECK enum rc phone_call_transfer(struct phone_call *call, struct str target);
/* Asks the peer of call to take our place in other (RFC 5589, 7): both must talk. */
MUST_CHECK enum rc phone_call_transfer_to(struct phone_call *call, struct phone_call *other);

#endif
