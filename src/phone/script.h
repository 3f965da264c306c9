/* phone/script.h - calls by script: "call 1020; wait answered; play hello.wav; hangup". Steps run one
 * after the other; what they wait for comes in as events, what they do goes out through a function.
 * A pure machine: no sockets, no clock.
 *
 *   call TARGET            dials; goes on at once
 *   wait WHAT [SECONDS]    registered, incoming, ringing, answered, held, resumed, ended: until it is
 *                          so, 60 s at most unless said otherwise; "wait digits 12#": until the other
 *                          side has pressed these keys; "wait SECONDS": just that long
 *   answer | reject [busy|declined|unavailable]
 *   play FILE              until it is through    record FILE    from now on, until the call ends
 *   dtmf 12#               until they are sent
 *   hold | resume          until it is done
 *   transfer TARGET        until the other two talk
 *   join                   transfers the call before the last to the last one, likewise
 *   hangup
 *
 * The first step waits until the line is registered; behind the last one all calls are hung up. */
#ifndef PHONE_SCRIPT_H
#define PHONE_SCRIPT_H
#include "phone/problem.h"
#include <stdint.h>

enum {
    PHONE_SCRIPT_STEPS_MAX = 64,
    PHONE_SCRIPT_TEXT_MAX = 4096,
    PHONE_SCRIPT_DIGITS_MAX = 64,
    PHONE_SCRIPT_WAIT_S = 60,
    PHONE_SCRIPT_PATIENCE_MS = 5000,
    PHONE_SCRIPT_RETRY_MS = 50,
};

enum phone_step_kind {
    PHONE_STEP_CALL,
    PHONE_STEP_WAIT,
    PHONE_STEP_ANSWER,
    PHONE_STEP_REJECT,
    PHONE_STEP_PLAY,
    PHONE_STEP_RECORD,
    PHONE_STEP_DTMF,
    PHONE_STEP_HOLD,
    PHONE_STEP_RESUME,
    PHONE_STEP_TRANSFER,
    PHONE_STEP_JOIN,
    PHONE_STEP_HANGUP,
};

enum phone_wait {
    PHONE_WAIT_TIME,
    PHONE_WAIT_REGISTERED,
    PHONE_WAIT_INCOMING,
    PHONE_WAIT_RINGING,
    PHONE_WAIT_ANSWERED,
    PHONE_WAIT_HELD,    /* by the other side */
    PHONE_WAIT_RESUMED, /* likewise */
    PHONE_WAIT_ENDED,
    PHONE_WAIT_DIGITS,
};

struct phone_step {
    enum phone_step_kind kind;
    struct str text; /* as written */
    char word[512];  /* target, file, digits; NUL-terminated */
    enum phone_wait wait;
    uint32_t wait_s;
    unsigned status; /* of a rejection */
};

enum phone_script_event {
    PHONE_SCRIPT_REGISTERED,
    PHONE_SCRIPT_INCOMING,
    PHONE_SCRIPT_RINGING,
    PHONE_SCRIPT_ANSWERED,
    PHONE_SCRIPT_HELD,
    PHONE_SCRIPT_RESUMED,
    PHONE_SCRIPT_PLAYED,
    PHONE_SCRIPT_DIGITS_SENT,
    PHONE_SCRIPT_CHANGED, /* our own hold or resume is done */
    PHONE_SCRIPT_CHANGE_FAILED,
    PHONE_SCRIPT_TRANSFERRED,
    PHONE_SCRIPT_TRANSFER_FAILED,
    PHONE_SCRIPT_DIGIT, /* arg: the key */
    PHONE_SCRIPT_ENDED, /* arg: enum phone_exit of its cause; the call the script is about */
    PHONE_SCRIPT_TIME,
};

/* Does what step says. On failure *why gets a constant sentence. RC_CONFLICT: not just now; it is
 * tried again for PHONE_SCRIPT_PATIENCE_MS. */
typedef enum rc phone_script_fn(void *ctx, const struct phone_step *step, const char **why);

struct phone_script {
    char text[PHONE_SCRIPT_TEXT_MAX];
    struct phone_step steps[PHONE_SCRIPT_STEPS_MAX];
    size_t count, at;
    bool started, acted, over; /* acted: the present step was done and is waited for */
    bool registered, incoming, ringing, answered, held, ended; /* of the present call */
    bool has_call;
    enum phone_exit ended_exit, exit; /* exit: once over */
    char digits[PHONE_SCRIPT_DIGITS_MAX + 1];
    int64_t due_ms;        /* of PHONE_SCRIPT_TIME; -1: none */
    int64_t patient_to_ms; /* a step that conflicts is tried until then; 0: none does */
    char problem[256];
    phone_script_fn *act;
    void *ctx;
};

/* RC_MALFORMED, RC_TOO_BIG: problem says what is wrong with which step. */
MUST_CHECK enum rc phone_script_parse(struct phone_script *s, struct str text);
/* arg: see the events. */
void phone_script_tell(struct phone_script *s, enum phone_script_event event, int arg,
                       int64_t now_ms);

#endif
