/* siptx/machine.h - what the four transaction machines (ist, nist, ict, nict) share: events,
 * actions and at most two running timers, kept as due times. A machine is a pure function of
 * (state, event, now): it sends nothing and owns nothing; whoever steps it carries out the actions
 * returned. */
#ifndef SIPTX_MACHINE_H
#define SIPTX_MACHINE_H
#include <stdbool.h>
#include <stdint.h>

/* Resolved timing, all in milliseconds, none 0 (RFC 3261, table 4). */
struct siptx_times {
    uint32_t t1_ms, t2_ms, t4_ms, d_ms, trying_ms;
};

enum siptx_state {
    SIPTX_CALLING,    /* ict */
    SIPTX_TRYING,     /* nist, nict */
    SIPTX_PROCEEDING, /* all */
    SIPTX_COMPLETED,  /* all */
    SIPTX_CONFIRMED,  /* ist */
    SIPTX_ACCEPTED,   /* ist, ict (RFC 6026) */
    SIPTX_TERMINATED, /* all */
};
enum { SIPTX_STATE_COUNT = SIPTX_TERMINATED + 1 };

/* What happens to a machine. Messages are those of the wire for a client's responses and a server's
 * requests, and those of the transaction user for a server's responses. */
enum siptx_event {
    SIPTX_EV_REQUEST, /* server: the request came again */
    SIPTX_EV_ACK,     /* ist: the ACK */
    SIPTX_EV_100,     /* a response, by class; 100 apart from other 1xx */
    SIPTX_EV_1XX,
    SIPTX_EV_2XX,
    SIPTX_EV_REFUSAL,         /* 300-699 */
    SIPTX_EV_TRANSPORT_ERROR, /* could not be sent, or the flow is lost */
    SIPTX_EV_CANCEL_TIMEOUT,  /* ict: 64*T1 after its CANCEL (RFC 3261, 9.1) */
    SIPTX_EV_TIMER_A,
    SIPTX_EV_TIMER_B,
    SIPTX_EV_TIMER_D,
    SIPTX_EV_TIMER_E,
    SIPTX_EV_TIMER_F,
    SIPTX_EV_TIMER_G,
    SIPTX_EV_TIMER_H,
    SIPTX_EV_TIMER_I,
    SIPTX_EV_TIMER_J,
    SIPTX_EV_TIMER_K,
    SIPTX_EV_TIMER_L,
    SIPTX_EV_TIMER_M,
    SIPTX_EV_TIMER_TRYING, /* ist: 200 ms without a word from the user */
    SIPTX_EV_TIMER_ANSWER, /* nist: 64*T1 without a final answer; the client has long given up */
};
enum { SIPTX_EVENT_COUNT = SIPTX_EV_TIMER_ANSWER + 1 };

/* What the driver has to do, in this order; a set. */
enum siptx_act {
    SIPTX_ACT_SEND = 1,     /* the message of this event (server) or the first request (client) */
    SIPTX_ACT_RESEND = 2,   /* the last message sent, once more */
    SIPTX_ACT_TRYING = 4,   /* make 100 Trying and send it */
    SIPTX_ACT_ACK = 8,      /* make (once) and send the ACK to this refusal */
    SIPTX_ACT_UP = 16,      /* hand the message to the user */
    SIPTX_ACT_TIMEOUT = 32, /* tell the user */
    SIPTX_ACT_LOST = 64,    /* tell the user */
    SIPTX_ACT_END = 128,    /* terminated: let go */
    SIPTX_ACT_REFUSE = 256, /* the event does not fit the state: a second final answer */
};

struct siptx_slot {
    int64_t due_ms; /* 0: stopped */
    uint8_t event;  /* enum siptx_event */
};

struct siptx_machine {
    uint8_t state;                   /* enum siptx_state */
    bool reliable;                   /* TCP or TLS */
    uint32_t resend_ms;              /* present interval of A, E or G */
    struct siptx_slot resend, limit; /* A E G (and the 100); the others */
    const struct siptx_times *times;
};

/* A machine as it stands when its request has just been received (server) or is sent (client: the
 * caller sends it, the timers run from now). */
void siptx_ist_init(struct siptx_machine *m, const struct siptx_times *t, bool reliable,
                    int64_t now);
void siptx_nist_init(struct siptx_machine *m, const struct siptx_times *t, bool reliable,
                     int64_t now);
void siptx_ict_init(struct siptx_machine *m, const struct siptx_times *t, bool reliable,
                    int64_t now);
void siptx_nict_init(struct siptx_machine *m, const struct siptx_times *t, bool reliable,
                     int64_t now);

/* Advances m; the actions asked for. An event that cannot happen in a state does nothing. */
typedef unsigned siptx_step_fn(struct siptx_machine *m, enum siptx_event e, int64_t now);
siptx_step_fn siptx_ist_step, siptx_nist_step, siptx_ict_step, siptx_nict_step;

/* When the next timer is due; INT64_MAX: none runs. */
int64_t siptx_machine_due(const struct siptx_machine *m);
/* Takes a timer due at or before now (the earlier first); false: none. */
bool siptx_machine_fire(struct siptx_machine *m, int64_t now, enum siptx_event *e);

/* For the machines themselves. */
void siptx_machine_resend_at(struct siptx_machine *m, enum siptx_event e, int64_t now, uint32_t ms);
void siptx_machine_limit_at(struct siptx_machine *m, enum siptx_event e, int64_t now, uint32_t ms);
void siptx_machine_stop(struct siptx_machine *m);
/* Everything stopped, SIPTX_ACT_END and also. */
unsigned siptx_machine_end(struct siptx_machine *m, unsigned also);
/* One of the wait-out-repetitions states: limit timer e after ms, or the end at once when ms is 0.
 */
unsigned siptx_machine_linger(struct siptx_machine *m, enum siptx_state s, enum siptx_event e,
                              int64_t now, uint32_t ms, unsigned also);

#endif
