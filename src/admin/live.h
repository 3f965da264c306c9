/* admin/live.h - what the operator API needs of the running node and may not reach by itself:
 * registrations, traces, ports, keys. app fills the functions; all may be called from any pool
 * thread and may wait. Rows lie in the caller's arena. */
#ifndef ADMIN_LIVE_H
#define ADMIN_LIVE_H
#include "base/arena.h"
#include "store/records.h"

struct oauth_keyring;
struct store_ucm;

struct admin_registration {
    uint64_t id; /* for paging, rising */
    struct str device, line, user, contact, peer, user_agent;
    struct str listener;                                       /* "OAuth line" ... */
    struct str dialect;                                        /* "cisco", "standard" */
    int64_t since_unix_ms, expires_in_s, token_expires_unix_s; /* the last: 0 none */
};

/* One call under way. */
struct admin_live_call {
    uint64_t id;     /* for paging, rising */
    struct str call; /* its name, as in the call detail record it ends in */
    struct str caller, caller_device, dialled, called, called_device, trunk_in, trunk_out;
    struct str state;                      /* "ringing", "answered", "held" ... */
    int64_t start_unix_ms, answer_unix_ms; /* the last: 0 not yet */
    bool encrypted;                        /* both legs prove it now */
};

enum admin_trace_kind { ADMIN_TRACE_IN, ADMIN_TRACE_OUT, ADMIN_TRACE_NOTE };
struct admin_trace_record {
    uint64_t seq, flow_id;
    int64_t unix_ms;
    enum admin_trace_kind kind;
    struct str transport, local, peer, label;
    struct str text; /* the message with its secrets masked, or the note */
};

struct admin_listener {
    struct str name, transport, addr;
    struct str state; /* "open", "failed", "closing" */
    struct str why;   /* failed: a sentence */
    struct str fix;   /* failed: what to do; "" unknown */
};

struct admin_refusal {
    int64_t at_unix_ms;
    struct str why;    /* one word: "not-owner" */
    struct str text;   /* what happened and what to do */
    struct str detail; /* "expired" ...; "" none */
    struct str listener, peer, user;
    uint32_t count; /* in a row */
};

/* A TLS handshake that failed at a SIP port. */
enum admin_handshake_cause {
    ADMIN_HANDSHAKE_OTHER,
    ADMIN_HANDSHAKE_UNKNOWN_CA,
    ADMIN_HANDSHAKE_EXPIRED,
    ADMIN_HANDSHAKE_NO_CERTIFICATE,
    ADMIN_HANDSHAKE_NOT_LISTED, /* trusted, but its names are on no list */
};
enum admin_door { ADMIN_DOOR_SECURE, ADMIN_DOOR_OAUTH, ADMIN_DOOR_MRA };
struct admin_handshake {
    enum admin_door door;
    enum admin_handshake_cause cause;
    bool by_peer;                      /* it refused our certificate; else we refused its */
    struct str listener, peer;         /* "OAuth line over MRA", address without port */
    struct str subject, issuer, names; /* of the certificate that was refused; "" none came */
    struct str alert;                  /* "unknown CA"; "" none */
    uint32_t count;                    /* of its kind, in a row */
    int64_t first_unix_ms, last_unix_ms;
};

/* A trunk as this node found it when it last asked. */
struct admin_trunk_state {
    struct str name;
    bool is_up;
    unsigned status; /* of its answer; 0: none came */
    int64_t since_unix_ms;
};

/* ---- of an edge ---- */

struct admin_zone {
    struct str type;                  /* "Neighbor" ... */
    struct str name, ucm, host, peer; /* peer: address and port; "" not known yet */
    struct str state;                 /* "Active" ... */
    bool is_active;
    uint16_t port;
    int64_t since_unix_ms;
    struct str text, fix; /* what keeps it from being Active; "" nothing */
};
struct admin_ucm_state {
    struct str address, state; /* "Followed" ... */
    bool is_followed;
    struct str release; /* as it calls itself; "" unknown */
    size_t node_count;
    int64_t since_unix_ms, read_unix_ms; /* the last: its last good answer, 0 none */
    struct str text, fix;                /* as above */
};
struct admin_finding {
    struct str text, fix;
};

struct admin_number {
    struct str name; /* "registrations", "requests.REGISTER" ... */
    int64_t value;
};

struct admin_key {
    struct str kid, alg, checksum;
    int64_t created_s;
    unsigned former_count;
};

struct admin_live {
    void *ctx;
    struct str node_name, version; /* live as long as the node */
    int64_t started_unix_ms;

    /* Those of device ("" all) with id above after_id, at most limit. */
    enum rc (*registrations)(void *ctx, struct str device, uint64_t after_id, size_t limit,
                             struct arena *a, struct admin_registration **out, size_t *count);
    /* Calls that number ("" all) has a part in, as caller, dialled or called. Both NULL: this node
     * handles no calls. */
    enum rc (*calls)(void *ctx, struct str number, uint64_t after_id, size_t limit, struct arena *a,
                     struct admin_live_call **out, size_t *count);
    size_t (*call_count)(void *ctx);
    /* Ends the call of that id; both phones hear a BYE, *out tells what it was. RC_NOT_FOUND,
     * RC_CONFLICT: nobody has answered it yet. NULL: as calls. */
    enum rc (*hang_up)(void *ctx, uint64_t id, struct arena *a, struct admin_live_call *out);
    /* NULL: this node knows no trunks. */
    enum rc (*trunks)(void *ctx, struct arena *a, struct admin_trunk_state **out, size_t *count);
    /* The newest max records of a device ("" all), oldest first, after after_seq. */
    enum rc (*trace)(void *ctx, struct str device, uint64_t after_seq, size_t max, struct arena *a,
                     struct admin_trace_record **out, size_t *count);
    void (*trace_switch)(void *ctx, bool on);
    /* RC_NOT_FOUND: none since its last registration. */
    enum rc (*last_refusal)(void *ctx, struct str device, struct arena *a,
                            struct admin_refusal *out);
    /* Lets a device's registrations go; how many. */
    size_t (*reset_device)(void *ctx, struct str device);
    size_t (*registration_count)(void *ctx);

    /* The newest first; whoever gets in later is struck off. NULL: nothing of the kind here. */
    enum rc (*handshakes)(void *ctx, struct arena *a, struct admin_handshake **out, size_t *count);
    enum rc (*listeners)(void *ctx, struct arena *a, struct admin_listener **out, size_t *count);
    /* Could this node open that port now (its own open ports count as free)? false: holder says
     * "nginx (process 4711)". */
    bool (*port_is_free)(void *ctx, uint16_t port, bool udp_too, struct arena *a,
                         struct str *holder);
    /* After a change of ports or mode: waits until the open ports follow it. */
    void (*settle)(void *ctx);

    /* Of an edge, NULL on a call server: its role ("inner"), the name it is reached by, its zones, the clusters it follows, settings
     * that do not go together with theirs. */
    struct str role, host;
    enum rc (*zones)(void *ctx, struct arena *a, struct admin_zone **out, size_t *count);
    enum rc (*ucms)(void *ctx, struct arena *a, struct admin_ucm_state **out, size_t *count);
    enum rc (*findings)(void *ctx, struct arena *a, struct admin_finding **out, size_t *count);
    /* "Refresh servers": reads them anew, address "" all; how many. */
    size_t (*ucm_refresh)(void *ctx, struct str address);
    /* Would it work? Asks the call server; else *out says why not. */
    enum rc (*ucm_try)(void *ctx, const struct store_ucm *row, struct arena *a,
                       struct admin_finding *out);

    enum rc (*numbers)(void *ctx, struct arena *a, struct admin_number **out, size_t *count);

    /* Whose tokens count here; a reference for the caller. NULL on an edge. */
    const struct oauth_keyring *(*keyring)(void *ctx);
    enum rc (*key_info)(void *ctx, enum store_key_use use, struct arena *a, struct admin_key *out);
    enum rc (*key_rotate)(void *ctx, const struct store_by *by, enum store_key_use use,
                          struct store_why *why);
    enum rc (*key_regen)(void *ctx, const struct store_by *by, enum store_key_use use,
                         struct store_why *why);
    /* Issues one of the node's certificates anew by the private CA. */
    enum rc (*cert_regen)(void *ctx, const struct store_by *by, struct str unit,
                          struct store_why *why);
};

#endif
