/* store/remote.h - what an edge of Mobile and Remote Access remembers besides its certificates: the
 * call servers it serves (inner role), the edges it is paired with, and the HTTP paths its operator
 * lets in beside the automatic ones. The calls and rules are those of store/records.h. */
#ifndef STORE_REMOTE_H
#define STORE_REMOTE_H
#include "store/records.h"

/* --- call servers ----------------------------------------------------------------------------- */

/* One cluster, named by its publisher; its other nodes are discovered. */
struct store_ucm {
    struct str address; /* key: host name of the publisher; with tls_verify it must be in the
                           certificate that it shows. A name or an address, 1..253 bytes */
    struct str description;
    int port;            /* HTTPS of the publisher, 1..65535, default 8443 */
    struct str username; /* who may use AXL there, 1..128 bytes */
    struct str password; /* his password; get only. Never "" after a put */
    bool tls_verify;     /* default true: its certificate must chain to tomcat-trust */
    bool enabled;
    struct str pkid;
    int64_t version;
};
STORE_NOUN(ucm);

/* --- paired edges ----------------------------------------------------------------------------- */

enum store_edge_role { STORE_EDGE_INNER = 1, STORE_EDGE_OUTER = 2 };
struct store_peer {
    struct str name; /* key: the name its certificate carries, 1..63 of a-z A-Z 0-9 . - _ */
    struct str description;
    enum store_edge_role role;             /* the peer's */
    struct str host;                       /* of an outer edge: where it is reached; else "" */
    int sip_port, tunnel_port, media_port; /* of an outer edge, 1..65535; 7001, 2222, 2776 */
    struct str ca_pem; /* the CA that edge made for itself: what it shows must chain to it */
    bool enabled;
    struct str pkid;
    int64_t version;
};
STORE_NOUN(peer);

/* --- manual rules of the HTTP allow list ------------------------------------------------------- */

struct store_allow {
    struct str name; /* key, 1..64 bytes */
    struct str description;
    struct str url;     /* "https://host[:port]/path"; 1..1024 bytes */
    bool is_prefix;     /* all paths below it too; false: exactly that one */
    struct str methods; /* "GET POST"; of GET HEAD POST PUT DELETE OPTIONS; default GET */
    struct str pkid;
    int64_t version;
};
STORE_NOUN(allow);

#endif
