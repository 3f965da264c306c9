/* store/dialplan.h - where numbers lead besides lines: hunt groups, route patterns and SIP trunks.
 * The calls and rules are those of store/records.h. A number belongs to one line or one group; a
 * pattern that matches a single number may not be a line's or a group's. */
#ifndef STORE_DIALPLAN_H
#define STORE_DIALPLAN_H
#include "store/pattern.h"
#include "store/records.h"

/* --- hunt groups ------------------------------------------------------------------------------ */

enum store_hunt {
    STORE_HUNT_PARALLEL = 1,     /* all members ring together */
    STORE_HUNT_SEQUENTIAL = 2,   /* one after the other, as they stand */
    STORE_HUNT_LONGEST_IDLE = 3, /* one after the other, who has been idle longest first */
};
enum { STORE_HUNT_MEMBER_MAX = 100 };

struct store_hunt_group {
    struct str number; /* key; as a line's pattern */
    struct str description;
    struct str display; /* shown to the called before the caller's name */
    enum store_hunt algorithm;
    int ring_s; /* how long each member rings, or all of a parallel group: 1..300; 0 the parameter */
    /* Where a call goes that no member answered; as a line's forward targets. "": it is refused. */
    struct str forward_no_answer;
    struct str *members; /* numbers of lines, each once, in order; at least one */
    size_t member_count;
    struct str pkid;
    int64_t version;
};
/* A group rings its members' devices: forwards of the members do not apply, do-not-disturb and busy
 * triggers do. A put replaces the whole group. RC_INVALID: a member that is no line, or twice. */
STORE_NOUN(hunt_group);

/* --- SIP trunks ------------------------------------------------------------------------------- */

struct store_trunk {
    struct str name; /* key, 1..64 of A-Za-z0-9 . _ - */
    struct str description;
    struct str host; /* where its calls go: a name or an address, without port; 1..253 bytes */
    int port;        /* 1..65535; 0: found by RFC 3263, the transport's own where nothing is said */
    enum store_transport transport; /* TCP, UDP or TLS */
    bool srtp_allowed; /* crypto lines may pass; TLS only. Off: calls are plain there */
    /* Who calls from it: addresses (192.0.2.7), networks (192.0.2.0/24) and, with TLS, names its
     * certificate carries; separated by spaces. "": nobody, it only takes calls. <= 1024 bytes */
    struct str peers;
    bool enabled; /* false: takes and gives no calls */
    struct str pkid;
    int64_t version;
};
STORE_NOUN(trunk);

/* --- route patterns --------------------------------------------------------------------------- */

enum store_discard { STORE_DISCARD_NONE = 0, STORE_DISCARD_PREDOT = 1 };
struct store_route_pattern {
    struct str pattern; /* key; store/pattern.h. Patterns that match the same are one: RC_INVALID */
    struct str description;
    struct str line, hunt_group, trunk; /* where it leads: exactly one of them, unless blocked */
    bool blocked;                       /* calls are refused */
    enum store_discard discard;         /* PreDot: digits before the '.' go; the pattern has one */
    struct str prefix;                  /* put before the rest; 0-9 A-D * # + */
    struct str pkid;
    int64_t version;
};
/* discard and prefix change what a trunk is asked for; with another target they are refused. */
STORE_NOUN(route_pattern);

#endif
