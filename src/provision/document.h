/* provision/document.h - prints a device's configuration document, /<device>.cnf.xml, in the
 * structure and order Unified CM emits it. A pure function of what it is given: where the values
 * come from is provision.h's business. Valid XML whatever stands in a name or description. */
#ifndef PROVISION_DOCUMENT_H
#define PROVISION_DOCUMENT_H
#include "base/buf.h"

enum {
    PROVISION_NODE_MAX = 3,
    PROVISION_LINE_MAX = 200, /* as many as a device may have */
    PROVISION_DOCUMENT_MAX = 4 << 20,
};

/* A call server node the phone may register with. */
struct provision_node {
    struct str name; /* host name as in its certificate; what the phone dials */
    struct str description;
    uint16_t sip_port, secure_port, oauth_port, mra_oauth_port;
    uint16_t ethernet_port, mgcp_listen_port, mgcp_keepalive_port; /* printed; nobody listens */
};

struct provision_line {
    unsigned index;           /* from 1: the number of its button; there may be gaps */
    struct str number;        /* the directory number: the user part of From and To */
    struct str display_name;  /* shown to the called party; may be empty */
    struct str label;         /* beside the button; number when empty */
    struct str contact;       /* uuid: the user part of the REGISTER's Contact */
    struct str external_mask; /* may be empty */
    uint64_t busy_trigger;    /* calls from which on the line is busy; 0: 2 */
};

enum provision_security { /* the document's own numbers */
                          PROVISION_NON_SECURE = 1,
                          PROVISION_AUTHENTICATED = 2,
                          PROVISION_ENCRYPTED = 3,
};
enum provision_transport { PROVISION_UDP = 2, PROVISION_TLS = 3, PROVISION_TCP = 4 };

struct provision_document {
    struct str device_uuid; /* lower-case uuid without braces */
    uint64_t ctiid;         /* a number of the device's own */
    struct str description;
    struct str pool_name, pool_uuid, group_name; /* pool_uuid may be empty */
    const struct provision_node
        *nodes; /* in order of priority; the first PROVISION_NODE_MAX count */
    size_t node_count;
    const struct provision_line *lines; /* the first PROVISION_LINE_MAX count */
    size_t line_count;
    enum provision_security security;
    enum provision_transport transport;
    bool is_oauth; /* sipOAuthMode 1: register on the OAuth ports with a token */
    uint64_t register_s, register_delta_s, keepalive_s, monitor_s; /* 3600, 5, 120, 120 */
    struct str user;          /* owner's user id; may be empty */
    struct str version_stamp; /* changes whenever the document does */
};

/* Appends the document. The buf's verdict: RC_NOMEM, RC_TOO_BIG. */
MUST_CHECK enum rc provision_print(struct buf *out, const struct provision_document *doc);

#endif
