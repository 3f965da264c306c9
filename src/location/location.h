/* location/location.h - who is registered where: bindings of addresses of record (RFC 3261, 10.3).
 * Answers come through callbacks, which the memory backend calls before the call returns; a shared
 * backend will call them later, so a caller must not care which. Records handed out are immutable;
 * those in an answer are borrowed for the callback, location_binding_ref keeps one. Safe from any
 * thread. Time is handed in (monotonic milliseconds, one clock for all callers). */
#ifndef LOCATION_LOCATION_H
#define LOCATION_LOCATION_H
#include "base/arena.h"
#include "base/clock.h"
#include "base/rc.h"
#include "base/str.h"

struct location;

struct location_config {
    size_t binding_max;     /* in all; more: RC_BUSY. 0: 1,000,000 */
    size_t aor_binding_max; /* of one address of record; more: RC_TOO_BIG. 0: 100 */
};

enum {
    LOCATION_AOR_MAX = 512,   /* bytes of an address of record */
    LOCATION_TEXT_MAX = 2048, /* bytes of any other text of a binding */
    LOCATION_BATCH_MAX = 200, /* contacts of one update */
};

enum location_dialect { LOCATION_STANDARD, LOCATION_CISCO };

/* What a REGISTER says of one contact; also what is stored. Text of a stored one lies inside it. */
struct location_binding {
    struct str aor;         /* canonical: "sip:1010" or "sip:rado@example.com"; the caller's rule */
    struct str contact;     /* URI text as received, without <> */
    struct str contact_key; /* equal for equivalent URIs (RFC 3261, 19.1.4); the caller's rule */
    struct str params;      /* contact header parameters verbatim, from the first ';' on */
    struct str call_id;
    struct str instance; /* +sip.instance, "" none */
    struct str path;     /* Path header values, comma-separated (RFC 3327) */
    struct str device, user, line;
    struct str grant, token_id; /* "" none */
    struct str user_agent;
    struct str received; /* source address as text */
    uint64_t flow;       /* unique in the node; 0 none */
    uint32_t cseq;
    uint32_t worker;
    uint32_t reg_id;              /* RFC 5626; 0 none */
    uint16_t q_milli;             /* 0..1000 */
    uint8_t dialect;              /* enum location_dialect */
    uint8_t listener;             /* the caller's number of the listener's kind */
    bool newreg_sent;             /* the dialect's first-registration mark was given */
    bool srtp_fallback;           /* it said it can fall back from SRTP to RTP */
    uint32_t granted_s;           /* expiry as answered */
    int64_t expires_mono_ms;      /* registration ends */
    int64_t token_expires_unix_s; /* 0 none */
    int64_t since_unix_ms;        /* first registered; kept over refreshes by the location */
    uint64_t id;                  /* unique; given by the location, kept over refreshes */
    uint64_t
        claim; /* rises with each registration that is new or comes over another flow, kept over
                       other refreshes: who came last has the highest. Given by the location; an
                       update may name one it gave before (the same phone's other lines) */
};

const struct location_binding *location_binding_ref(const struct location_binding *b);
const struct location_binding *location_binding_unref(const struct location_binding *b); /* NULL */

enum location_cause {
    LOCATION_REGISTERED,   /* new binding */
    LOCATION_REFRESHED,    /* same contact, again */
    LOCATION_UNREGISTERED, /* asked for: expires 0 or '*' */
    LOCATION_EXPIRED,      /* not refreshed in time */
    LOCATION_FLOW_LOST,    /* its connection ended */
    LOCATION_REPLACED,     /* a newer registration of the same device took its place */
    LOCATION_REVOKED,      /* token, user, device or profile no longer allow it */
    LOCATION_RESET,        /* an operator's wish */
    LOCATION_CAUSE_COUNT
};
const char *location_cause_name(enum location_cause cause); /* "registered" ... */

/* A binding came, was renewed or went. Called after the change, no lock held, on the changing
 * thread. old is what a refresh replaced, else NULL. */
typedef void location_change_fn(void *ctx, enum location_cause cause,
                                const struct location_binding *binding,
                                const struct location_binding *old);
enum { LOCATION_WATCHER_MAX = 8 };

/* Bindings in no particular order (an AOR's: newest first). rc RC_OK also for none. */
typedef void location_answer_fn(void *ctx, enum rc rc,
                                const struct location_binding *const *bindings, size_t count);

/* The memory backend. mono_now_ms starts its timers. */
MUST_CHECK enum rc location_new(const struct location_config *config,
                                const struct random_source *random, int64_t mono_now_ms,
                                struct location **out);
/* No call may be under way; watchers are not told. NULL is fine; gives NULL. */
struct location *location_free(struct location *l);
/* Before the first update, or while nothing runs. RC_BUSY over LOCATION_WATCHER_MAX. */
MUST_CHECK enum rc location_watch(struct location *l, location_change_fn *fn, void *ctx);
/* While nothing runs; fn is not called any more. */
void location_unwatch(struct location *l, location_change_fn *fn, void *ctx);

/* --- changing -----------------------------------------------------------------------------------
 */

struct location_update {
    struct str aor;
    const struct location_binding
        *contacts; /* aor, id, since_unix_ms ignored, claim 0: anew; granted_s == 0 removes */
    size_t count;
    int64_t mono_now_ms, unix_now_ms;
};
/* Applies all contacts or none (RFC 3261, 10.3 steps 6-8). A contact is the stored one with the
 * same instance and reg-id where both have them (RFC 5626, 6), else the one with the same
 * contact_key; always the same device's: on a shared line nobody's REGISTER renews, moves or removes
 * what another device has registered. A stored contact with the same Call-ID and a CSeq not below: RC_CONFLICT.
 * RC_TOO_BIG, RC_BUSY: bounds; RC_INVALID: a text too long, an empty aor, the same contact twice;
 * RC_NOMEM. Nothing changed then. Answers with the AOR's bindings after it (on RC_OK). */
void location_update(struct location *l, const struct location_update *u, location_answer_fn *fn,
                     void *ctx);
/* Contact: * (RFC 3261, 10.3 step 6) of one device, "" of all: on a shared line others' bindings are
 * not its own to take away. Each of its bindings with this Call-ID must have a smaller CSeq
 * (RC_CONFLICT, nothing changed). Answers with what is left to the AOR by mono_now_ms. */
void location_remove_all(struct location *l, struct str aor, struct str device, struct str call_id,
                         uint32_t cseq, int64_t mono_now_ms, location_answer_fn *fn, void *ctx);

/* What bindings are found by. */
enum location_index {
    LOCATION_BY_AOR,
    LOCATION_BY_DEVICE,
    LOCATION_BY_USER,
    LOCATION_BY_GRANT,
    LOCATION_BY_CONTACT, /* contact_key */
    LOCATION_BY_FLOW,    /* key.flow, the others key.text */
    LOCATION_INDEX_COUNT
};
struct location_key {
    enum location_index by;
    struct str text; /* device and user compare without ASCII case */
    uint64_t flow;   /* with device, user or grant: 0, or only those of this flow */
};
/* Takes out everything found; except: that one binding id stays (0: none). The answer holds those
 * that were taken out. */
void location_remove(struct location *l, const struct location_key *key, uint64_t except_id,
                     enum location_cause cause, location_answer_fn *fn, void *ctx);

/* Takes out this very binding, as a lookup gave it; one that was refreshed since is another and stays.
 * True: it was there. */
bool location_remove_one(struct location *l, const struct location_binding *binding,
                         enum location_cause cause);

/* Takes out what expired by mono_now_ms; how many. Cheap when nothing is due; call it every second.
 */
size_t location_sweep(struct location *l, int64_t mono_now_ms);

/* --- reading ------------------------------------------------------------------------------------
 */

/* Those that have not expired by mono_now_ms. */
void location_fetch(struct location *l, const struct location_key *key, int64_t mono_now_ms,
                    location_answer_fn *fn, void *ctx);

/* Page through all bindings by rising id: those above after_id, at most limit (<= 1000). */
void location_list(struct location *l, uint64_t after_id, size_t limit, location_answer_fn *fn,
                   void *ctx);

struct location_counts {
    size_t bindings, aors;
    uint64_t registered, refreshed, removed[LOCATION_CAUSE_COUNT]; /* since the start, by cause */
};
void location_count(struct location *l, struct location_counts *out);
#endif
