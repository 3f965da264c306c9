/* call/calls.h - the calls of a node: which are there now, and what is to be remembered of one that
 * has ended. The proxy feeds it with what passes by (an INVITE, its answers, a BYE); it sends
 * nothing itself. One table for all workers; any thread. A call is found by its number, which travels in
 * the tokens of the Record-Route (route.h), and by the tags of a dialog (Replaces). */
#ifndef CALL_CALLS_H
#define CALL_CALLS_H
#include "base/arena.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/str.h"
#include "call/dialog.h"
#include "call/mediarule.h"

enum {
    CALL_NAME_MAX = 64,      /* bytes of a number or device name kept of a call */
    CALL_ID_MAX = 128,       /* of its Call-ID; longer ones are cut */
    CALL_TAG_MAX = 64,       /* of a dialog tag; longer ones are not found by Replaces */
    CALL_CALLS_MAX = 100000, /* calls at once; the next ones are refused with 503 */
    CALL_GRACE_MS = 30000,   /* for a phone that was lost to come back */
};

enum call_state {
    CALL_STATE_CALLING, /* the INVITE is on its way */
    CALL_STATE_RINGING, /* somebody's phone rings */
    CALL_STATE_ANSWERED,
    CALL_STATE_ENDED,
};
const char *call_state_name(enum call_state s); /* "calling" ... */

enum call_side { CALL_CALLER, CALL_CALLEE };
static inline enum call_side call_other_side(enum call_side s)
{
    return s == CALL_CALLER ? CALL_CALLEE : CALL_CALLER;
}

/* Why a call ended. */
enum call_end {
    CALL_END_CALLER, /* the caller hung up */
    CALL_END_CALLEE,
    CALL_END_CANCELLED, /* the caller gave up before an answer */
    CALL_END_REFUSED,   /* a final answer of 300 and above; the status says which */
    CALL_END_VANISHED,  /* a phone's connection was lost and did not come back */
    CALL_END_EXPIRED,   /* its session timer ran out (RFC 4028) */
    CALL_END_OPERATOR,
    CALL_END_STOPPED, /* the node was stopped */
};
const char *call_end_name(enum call_end e);

/* One call as the operator sees it, now or afterwards. Plain memory: copy it. */
struct call_record {
    uint64_t id;
    char call_id[CALL_ID_MAX + 1];
    char from[CALL_NAME_MAX + 1], to[CALL_NAME_MAX + 1]; /* line numbers, or what was dialled */
    char dialled[CALL_NAME_MAX + 1];                     /* what the caller asked for */
    char from_device[CALL_NAME_MAX + 1], to_device[CALL_NAME_MAX + 1]; /* or trunks (trunk.h) */
    enum call_state state;
    int64_t started_unix_ms, answered_unix_ms, ended_unix_ms; /* 0: not yet */
    enum call_end end;                                        /* of an ended one */
    unsigned status; /* last final status of the INVITE, 0 none */
    bool encrypted;  /* both legs' SDP proved it */
};

/* Called once for each call that has ended, on the thread that ended it, no lock held. */
typedef void call_record_fn(void *ctx, const struct call_record *r);

struct call_calls;
MUST_CHECK enum rc call_calls_new(const struct random_source *random, struct clock clock,
                                  call_record_fn *on_end, void *ctx, struct call_calls **out);
/* Calls that go on are not reported. */
struct call_calls *call_calls_free(struct call_calls *c); /* NULL */

/* What is known when an INVITE comes. Texts are copied. */
struct call_start {
    struct str call_id, from, to, from_device, from_tag;
    uint64_t from_flow; /* 0: not a phone's */
    struct call_media_leg media;
    uint32_t cseq;
};
/* A new call, CALLING. RC_NOMEM, RC_BUSY. */
MUST_CHECK enum rc call_calls_start(struct call_calls *c, const struct call_start *s, uint64_t *id);
void call_calls_ringing(struct call_calls *c, uint64_t id);
/* Answered; a second answer (a fork's) changes nothing. */
void call_calls_answer(struct call_calls *c, uint64_t id, struct str to, struct str to_device,
                       struct str to_tag, uint64_t to_flow);
void call_calls_set_encrypted(struct call_calls *c, uint64_t id, bool encrypted);
/* What the side that answered is to the media rule. */
void call_calls_set_media(struct call_calls *c, uint64_t id, const struct call_media_leg *callee);
/* A side as it was when its call began, while it is still at that flow. */
bool call_calls_media(struct call_calls *c, uint64_t id, enum call_side side, uint64_t flow,
                      struct call_media_leg *out);
/* An offer that has gone by in an answer; its own answer is in an ACK or PRACK to come, which takes
 * it away again. False: none. */
void call_calls_set_offer(struct call_calls *c, uint64_t id, const struct call_media_note *offer);
bool call_calls_take_offer(struct call_calls *c, uint64_t id, struct call_media_note *out);
/* A session lives until then unless refreshed (mono ms); 0: no timer. */
void call_calls_set_expiry(struct call_calls *c, uint64_t id, int64_t expires_mono_ms);
/* Ended; told once. An id that is not there (any more): nothing. */
void call_calls_end(struct call_calls *c, uint64_t id, enum call_end why, unsigned status);

/* Ended by this node: whoever can still be reached hears a BYE in the other's name (call_bye_fn).
 * False: no such call, or nobody has answered it yet. */
bool call_calls_hang_up(struct call_calls *c, uint64_t id, enum call_end why, unsigned status);
/* A BYE to be sent over flow: its URI and header lines but Via and Content-Length. On the thread that
 * ended the call, no lock held; borrowed for the call. ctx: that of call_record_fn. */
struct call_bye {
    uint64_t flow;
    struct str uri, lines;
};
typedef void call_bye_fn(void *ctx, const struct call_bye *b);
/* Before calls come. */
void call_calls_on_bye(struct call_calls *c, call_bye_fn *fn);
/* What it takes: the dialog as it was made, each request's CSeq, and a side's new Contact. */
void call_calls_keep(struct call_calls *c, uint64_t id, const struct call_dialog_parts *p);
void call_calls_seen(struct call_calls *c, uint64_t id, enum call_side side, uint32_t cseq);
void call_calls_retarget(struct call_calls *c, uint64_t id, enum call_side side, struct str target);

/* The other end of a request that belongs to a call: where its phone is now. False: no such call. */
struct call_leg {
    uint64_t flow;
    bool is_lost; /* that connection has ended */
    char device[CALL_NAME_MAX + 1], line[CALL_NAME_MAX + 1];
};
bool call_calls_leg(struct call_calls *c, uint64_t id, enum call_side side, struct call_leg *out);
/* Is the dialog with that tag of the callee the one that was answered first, and not another of a
 * fork? True also while nobody has answered. */
bool call_calls_is_main(struct call_calls *c, uint64_t id, struct str callee_tag);
/* A phone came back over another connection. */
void call_calls_move(struct call_calls *c, uint64_t id, enum call_side side, uint64_t flow);
/* The leg that Replaces names (RFC 3891): its own tag is to_tag. RC_NOT_FOUND. */
MUST_CHECK enum rc call_calls_find(struct call_calls *c, struct str call_id, struct str to_tag,
                                   struct str from_tag, uint64_t *id, enum call_side *side);
/* Answered calls and those ringing that the device takes part in. */
unsigned call_calls_busy(struct call_calls *c, struct str device, struct str line);

/* A connection ended, or the registration over it (UDP has no other end): its calls have grace_ms for
 * the phone to come back. A trunk (trunk.h) is not lost with a connection. */
void call_calls_flow_lost(struct call_calls *c, uint64_t flow, int64_t now_ms, int64_t grace_ms);
/* The phone has registered, perhaps over another connection: what was lost with the old one goes on. */
void call_calls_phone_back(struct call_calls *c, struct str device, struct str line, uint64_t flow);
/* Ends what has run out by now; how many. About once a second. */
size_t call_calls_sweep(struct call_calls *c, int64_t now_ms);
/* Ends all that are there: the node stops. How many. */
size_t call_calls_end_all(struct call_calls *c, enum call_end why);

/* Page through calls by rising id: those above after_id, at most max. How many. */
size_t call_calls_list(struct call_calls *c, uint64_t after_id, struct call_record *out,
                       size_t max);
size_t call_calls_count(struct call_calls *c);

#endif
