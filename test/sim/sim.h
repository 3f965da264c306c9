/* sim/sim.h - a node and its phones in one thread, without sockets and in simulated time: stacks of
 * siptx joined by a network that loses, doubles, reorders and cuts. One number, the seed, decides
 * everything, so a run that fails can be looked at again. Not part of any program.
 *
 *   script.c  what happens: who calls whom, who answers, hangs up, loses the network (from the seed)
 *   phone.c   registrations of the phones;  dialog.c  their calls
 *   wire.c    the network;  node.c  the server under test;  check.c  what must hold */
#ifndef SIM_SIM_H
#define SIM_SIM_H
#include "kit/kit.h"

#include "base/list.h"
#include "base/wheel.h"
#include "call/call.h"
#include "siptx/stack.h"

enum {
    SIM_PHONE_MAX = 8,
    SIM_CALL_MAX = 6,
    SIM_DIALOG_MAX = 24, /* of one phone in one run */
    SIM_WORKER_COUNT = 3,
    SIM_TEXT_MAX = 512,
};

struct sim;
struct sim_phone;

/* ---- the network ---- */

struct sim_end {
    struct sim_link *link;
    struct siptx_flow *flow; /* NULL: this end is closed */
    struct buf in;           /* a stream's bytes not consumed yet */
    int64_t last_due_ms;     /* a stream keeps its order */
};
enum { SIM_AT_PHONE, SIM_AT_NODE };

/* A connection, or the path of datagrams between two sockets. */
struct sim_link {
    struct list link;
    struct sim *sim;
    struct sim_end ends[2];
    bool is_stream, is_cut;
    unsigned loss_permille, double_permille;
    uint32_t delay_min_ms, delay_max_ms;
};
/* Opens a connection from phone to the node; the node's end is a flow of one of its workers. */
struct sim_link *sim_link_open(struct sim *s, struct sim_phone *p);
/* Nothing passes any more; each end hears of it so much later (SIM_NEVER: not at all). */
void sim_link_cut(struct sim_link *l, int64_t phone_hears_ms, int64_t node_hears_ms);
enum { SIM_NEVER = -1 };
void sim_network_free(struct sim *s);

/* ---- the server ---- */

/* What all runs share: making it is slow. */
struct sim_site {
    struct kit_time time; /* begins anew with each run */
    struct clock clock;
    struct kit_random seed;
    struct random_source random;
    char folder[64];
    struct store *store;
    struct directory *directory;
    struct crypto_key *key;
    struct oauth_verifier *verifier;
    char token[4096]; /* of the user all OAuth phones belong to */
};
struct sim_site *sim_site_new(void);
struct sim_site *sim_site_free(struct sim_site *site);

struct sim_node {
    struct location *location;
    struct siptx_node *stacks;
    struct call_node *node;
    struct call_worker *workers[SIM_WORKER_COUNT];
    struct siptx_stack *stack[SIM_WORKER_COUNT];
    struct wheel_timer tick;
    unsigned next_worker;
};
void sim_node_open(struct sim *s);
void sim_node_close(struct sim *s);

/* ---- phones ---- */

/* A phone as the site knows it. */
struct sim_device {
    const char *name, *line;
    bool is_oauth;
    enum siptx_transport transport;
};
extern const struct sim_device sim_devices[SIM_PHONE_MAX];

/* A number that is no phone's line: the dial plan leads from it to phones (bits), or to nobody. */
struct sim_number {
    const char *number;
    unsigned leads_to;
};
enum { SIM_NUMBER_COUNT = 6 };
extern const struct sim_number sim_numbers[SIM_NUMBER_COUNT];
/* NULL: it is a line, or nothing at all. */
const struct sim_number *sim_number_find(const char *number);
/* May a call to that number ring the phone of that index? */
bool sim_number_rings(const char *number, unsigned phone);
extern const struct siptx_wire_ops sim_wire_ops;

enum sim_dialog_state {
    SIM_FREE,
    SIM_CALLING, /* our INVITE is out */
    SIM_INCOMING,
    SIM_ACCEPTED, /* our 2xx is out, its ACK has not come */
    SIM_TALKING,
    SIM_ENDING, /* our BYE is out */
    SIM_OVER,
};

struct sim_dialog {
    enum sim_dialog_state state;
    struct sim_phone *phone;
    unsigned call;            /* in sim->calls */
    bool is_caller, is_extra; /* extra: of a second fork, only to be ended */
    bool is_cancelled, wants_bye, awaits_ack, is_disturbed;
    char call_id[64], local_tag[32], remote_tag[64], uri[SIM_TEXT_MAX], target[SIM_TEXT_MAX];
    char route[2 * SIM_TEXT_MAX]; /* Route lines of our requests in it */
    uint32_t local_cseq, remote_cseq, ack_cseq;
    struct siptx_client *client;   /* our INVITE, re-INVITE, BYE ... */
    struct siptx_client *reinvite; /* while it lives */
    struct siptx_request *invite;  /* theirs, while its transaction lives */
    uint32_t resend_ms;            /* of our 2xx (RFC 3261, 13.3.1.4) */
    bool is_busy;                  /* a request of ours is under way inside it */
    unsigned acts;                 /* what we still mean to do in it: re-INVITE, UPDATE, INFO */
    struct wheel_timer timer, resend, act;
};

struct sim_phone {
    struct sim *sim;
    const struct sim_device *device;
    unsigned index;
    struct siptx_stack *stack;
    struct siptx_config config;
    struct sim_link *link;
    bool is_registered; /* the node said so over this connection */
    bool is_gone;       /* does not come back */
    int64_t away_ms;    /* until it connects again */
    uint32_t reg_cseq, reg_life;
    unsigned tag_count, dialog_count;
    struct wheel_timer timer, cut;
    struct sim_dialog dialogs[SIM_DIALOG_MAX];
};
MUST_CHECK enum rc sim_phone_open(struct sim *s, unsigned index);
void sim_phone_close(struct sim_phone *p);
/* Connects and registers, at once and from then on. */
void sim_phone_connect(struct sim_phone *p);
/* Loses the network for away_ms (SIM_NEVER: for good). */
void sim_phone_cut(struct sim_phone *p, int64_t node_hears_ms, int64_t away_ms);
/* The phone's flow, or NULL while it has none. */
struct siptx_flow *sim_phone_flow(const struct sim_phone *p);
/* What becomes of a call is not foretold any more: calls to or from the phone that are under way. */
void sim_phone_disturb(struct sim_phone *p);

/* ---- calls ---- */

/* What a phone that is called does. */
enum sim_deed { SIM_ANSWER, SIM_REJECT, SIM_IGNORE };

/* What the caller's INVITE says; all but the first must be refused before it rings anywhere. */
enum sim_offer {
    SIM_OFFER_FITS,
    SIM_OFFER_WRONG,   /* plain from an OAuth line, keys over a transport without TLS: 488 */
    SIM_OFFER_HURRIED, /* a session timer below the node's least: 422 */
};

struct sim_call {
    struct sim *sim;
    unsigned index;
    unsigned caller; /* phone */
    char number[16]; /* dialled */
    enum sim_offer offer;
    int64_t start_ms;  /* after the run began */
    int64_t cancel_ms; /* the caller gives up; SIM_NEVER: waits */
    int64_t talk_ms;   /* from the answer to the end */
    unsigned hangs_up; /* bit 0: the caller, bit 1: the callee; both: glare */
    struct {
        enum sim_deed deed;
        unsigned status;            /* of SIM_REJECT */
        int64_t ring_ms, decide_ms; /* 18x, then the deed */
    } callees[SIM_PHONE_MAX];

    /* what became of it */
    bool has_begun;
    bool is_done;                 /* the caller has a final answer, or none will come */
    unsigned status;              /* at the caller */
    unsigned rang, answered;      /* bits of phones */
    unsigned sent[SIM_PHONE_MAX]; /* final status of each */
    unsigned expected_phones;     /* bits: registered when it began */
    bool was_cancelled, is_disturbed;
    struct wheel_timer start, cancel;
};
void sim_dialog_call(struct sim *s, unsigned call);
void sim_dialog_cancel(struct sim *s, unsigned call);
void sim_dialogs_give_up(struct sim_phone *p);
void sim_dialogs_stop(struct sim_phone *p); /* timers only */
/* What the phone's stack hands up, for phone.c. */
void sim_dialog_request(struct sim_phone *p, struct siptx_request *r);
void sim_dialog_ack(struct sim_phone *p, const struct sip_message *m);
void sim_dialog_cancelled(struct sim_phone *p, struct siptx_request *invite);
void sim_dialog_stray(struct sim_phone *p, const struct sip_message *m);

/* ---- a run ---- */

struct sim_counts {
    uint64_t runs, phones, calls, answered, cancelled, refused, unanswered, disturbed, cuts, forks,
        planned, wrong_offers, reinvites, glares, messages, bytes, lost, doubled, timeouts,
        registers;
};

struct sim {
    struct sim_site *site;
    uint64_t seed;
    struct kit_random dice;
    struct random_source random; /* of the network and the script */
    struct wheel *wheel;
    int64_t began_ms;
    struct list links, packets;
    struct sim_node node;
    unsigned phone_count, call_count;
    struct sim_phone phones[SIM_PHONE_MAX];
    struct sim_call calls[SIM_CALL_MAX];
    unsigned weather; /* per mille of what goes wrong on the network */
    int64_t last_cut_ms;
    bool is_ending; /* no more refreshes: what is left must come to rest */
    struct sim_counts *counts;
    bool is_told;         /* prints what passes */
    uint64_t fingerprint; /* of all that passed: equal runs have equal ones */
    char failure[1024];   /* the first; "" none */
};

/* True: nothing was wrong. told: prints all that passes. */
bool sim_run(struct sim_site *site, uint64_t seed, bool told, struct sim_counts *counts,
             uint64_t *fingerprint, char failure[1024]);
/* Phones that are there are registered, and the node knows each over its present connection. */
void sim_check_bindings(struct sim *s);
/* Nothing is left of any call, here or at the node. */
void sim_check_quiet(struct sim *s);
/* The caller has got its final answer: could it be that one? */
void sim_check_outcome(struct sim *s, const struct sim_call *c);
/* What the call will find, noted as it begins. */
void sim_check_begin(struct sim *s, struct sim_call *c);

static inline int64_t sim_now_ms(const struct sim *s)
{
    return s->site->time.mono_ms - s->began_ms;
}
static inline int64_t sim_between(struct sim *s, int64_t low, int64_t high)
{
    return low + (int64_t)random_below(&s->random, (uint64_t)(high - low + 1));
}
static inline bool sim_chance(struct sim *s, unsigned permille)
{
    return random_below(&s->random, 1000) < permille;
}
void sim_start(struct sim *s, struct wheel_timer *t, int64_t delay_ms, wheel_fn *fn, void *ctx);
void sim_fail(struct sim *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
void sim_tell(struct sim *s, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
