/* store/records.h - the records of the configuration and the calls that read and change them.
 * Rows read lie in the caller's arena. Keys and names compare without ASCII case and are kept as
 * written. "get only" fields are secrets: "" in lists; in a put "" keeps what is stored and STORE_CLEAR
 * empties it. A text field not said otherwise holds at most STORE_TEXT_MAX bytes of UTF-8 without
 * control characters. Every record ends with pkid (given by the store at its first put; ignored on
 * later puts) and version (see store.h). */
#ifndef STORE_RECORDS_H
#define STORE_RECORDS_H
#include "store/store.h"

#define STORE_CLEAR STR("-")

/* Which rows a list call gives: ascending keys. */
struct store_page {
    struct str after; /* keys above this one; "" from the start */
    struct str match; /* part of the key or description, without case; "" all */
    size_t limit;     /* 1..STORE_PAGE_MAX; 0: STORE_PAGE_MAX */
};

/* Each noun has the same calls; what differs stands at its struct. get: RC_NOT_FOUND. list: page
 * NULL is the first STORE_PAGE_MAX rows; more follow where out->more. Fields marked "get only" are
 * "" in lists. put: RC_INVALID with the sentence when a field or a combination is refused, else as
 * in store.h. remove: RC_NOT_FOUND; RC_CONFLICT when something still uses it (said by name). */
#define STORE_NOUN(noun)                                                                           \
    struct store_##noun##s {                                                                       \
        struct store_##noun *rows;                                                                 \
        size_t count;                                                                              \
        bool more;                                                                                 \
    };                                                                                             \
    MUST_CHECK enum rc store_##noun##_get(struct store *s, struct str key, struct arena *a,        \
                                          struct store_##noun *out, struct store_why *why);        \
    MUST_CHECK enum rc store_##noun##_list(struct store *s, const struct store_page *page,         \
                                           struct arena *a, struct store_##noun##s *out,           \
                                           struct store_why *why);                                 \
    MUST_CHECK enum rc store_##noun##_put(struct store *s, const struct store_by *by,              \
                                          enum store_put how, const struct store_##noun *row,      \
                                          struct store_why *why);                                  \
    MUST_CHECK enum rc store_##noun##_remove(struct store *s, const struct store_by *by,           \
                                             struct str key, struct store_why *why)

/* How many records there are. */
MUST_CHECK enum rc store_count(struct store *s, enum store_kind kind, int64_t *out,
                               struct store_why *why);

/* --- users ------------------------------------------------------------------------------------ */

/* AXL: "Standard AXL API Access", what an edge signs in with; administrators may, too. */
enum { STORE_ROLE_USER = 1, STORE_ROLE_ADMIN = 2, STORE_ROLE_AXL = 4 };
struct store_user {
    struct str id; /* key, 1..128 bytes, no space */
    struct str first_name, last_name, display_name, email;
    struct str password;      /* PHC string, "" none; get only */
    struct str digest_realm;  /* of the two below */
    struct str digest_md5;    /* HA1 as 32 lower-case hex digits, "" none */
    struct str digest_sha256; /* HA1 as 64 hex digits, "" none */
    int roles;                /* STORE_ROLE_* together */
    bool active;              /* false: no sign-in, tokens refused */
    struct str pkid;
    int64_t version;
};
/* Removing a user leaves his devices without owner and revokes his grants; making one inactive
 * revokes his grants. Listeners hear of all of them. */
STORE_NOUN(user);

/* --- security profiles ------------------------------------------------------------------------ */

enum store_security { STORE_NON_SECURE = 1, STORE_AUTHENTICATED = 2, STORE_ENCRYPTED = 3 };
enum store_transport { STORE_TCP_UDP = 0, STORE_TCP = 1, STORE_UDP = 2, STORE_TLS = 3 };
struct store_profile {
    struct str name; /* key */
    struct str description;
    struct str phone_type;          /* "Cisco Unified Client Services Framework"; "" any */
    enum store_security security;   /* deviceSecurityMode */
    struct str authentication_mode; /* default "By Null String" */
    int key_size;                   /* 512, 1024, 2048, 3072, 4096 */
    struct str key_order;           /* "RSA Only", "EC Only", "EC Preferred, RSA Backup" */
    int ec_key_size;                /* 0, 256, 384, 521 */
    bool tftp_encrypted;            /* tftpEncryptedConfig */
    bool oauth;                     /* EnableOAuthAuthentication */
    int nonce_validity_s;           /* 1..86400, default 600 */
    enum store_transport transport;
    int sip_phone_port; /* 1024..49151, default 5060; shown only */
    bool digest;        /* enableDigestAuthentication */
    bool exclude_digest_credentials;
    struct str pkid;
    int64_t version;
};
/* Refused with RC_INVALID: oauth without TLS and Encrypted, oauth together with digest or
 * tftp_encrypted, Authenticated or Encrypted without TLS, Non Secure with TLS. */
STORE_NOUN(profile);
/* Fields at their defaults (Non Secure, TCP+UDP); name and phone_type "". */
struct store_profile store_profile_default(void);

/* --- lines and devices ------------------------------------------------------------------------ */

enum { STORE_RING_MAX_S = 300, STORE_BUSY_TRIGGER_MAX = 200 };
struct store_line {
    struct str pattern;   /* key: directory number, 1..48 of 0-9 A-Za-z + * # . _ - @ */
    struct str partition; /* "" */
    struct str description, alerting_name, display;
    /* Call forwarding: the number dialled in this line's place, written as a line's pattern; it need
     * not be a line. "" none. Forward-alls that lead in a circle are refused. */
    struct str forward_all;       /* always */
    struct str forward_busy;      /* every device is busy, or does not want to be disturbed */
    struct str forward_no_answer; /* nobody answered in ring_s, or no device is registered */
    int ring_s;                   /* 1..STORE_RING_MAX_S; 0: the parameter */
    int busy_trigger;             /* calls on the line from which on it is busy; 0: the parameter */
    struct str pkid;
    int64_t version;
};
STORE_NOUN(line);

struct store_device_line {
    int index;          /* 1..STORE_DEVICE_LINE_MAX, each once */
    struct str pattern; /* an existing line */
    struct str label, display;
    struct str contact; /* uuid: user part of the REGISTER Contact; "" makes one */
};
enum { STORE_DEVICE_LINE_MAX = 200 };
struct store_device {
    struct str name; /* key, 1..15 of A-Za-z0-9 . _ - */
    struct str description;
    struct str product;     /* "Cisco Unified Client Services Framework" */
    int model;              /* 503 ... */
    struct str owner;       /* user id, "" none */
    struct str profile;     /* security profile name */
    struct str mac;         /* 12 hex digits, "" none */
    struct str instance;    /* urn:uuid:..., "" any */
    struct str client_cert; /* name its client certificate must carry; "" the device name */
    bool enabled;
    bool dnd;                        /* do not disturb: calls do not ring it, it counts as busy */
    struct store_device_line *lines; /* by index */
    size_t line_count;
    struct str pkid;
    int64_t version;
};
/* A put replaces the whole device with its lines. */
STORE_NOUN(device);

struct store_names {
    struct str *rows;
    size_t count;
};
/* Names of the devices that carry the line / belong to the user / use the profile. */
MUST_CHECK enum rc store_line_devices(struct store *s, struct str pattern, struct arena *a,
                                      struct store_names *out, struct store_why *why);
MUST_CHECK enum rc store_user_devices(struct store *s, struct str user, struct arena *a,
                                      struct store_names *out, struct store_why *why);
MUST_CHECK enum rc store_profile_devices(struct store *s, struct str profile, struct arena *a,
                                         struct store_names *out, struct store_why *why);

/* --- nodes ------------------------------------------------------------------------------------ */

enum { STORE_PORT_MIN = 1024, STORE_PORT_MAX = 49151 };
/* Ports are STORE_PORT_MIN..STORE_PORT_MAX and those that are opened all different within a
 * node; sip, sips and config_http may be 0: not opened. */
struct store_ports {
    int sip;          /* 5060 UDP and TCP */
    int sips;         /* 5061 mutual TLS */
    int oauth;        /* 5090 TLS */
    int mra;          /* 5091 mutual TLS */
    int wss;          /* 7443; kept for compatibility, nothing opens it */
    int config_http;  /* 6970 */
    int config_https; /* 6972 */
    int https;        /* 8443 */
    int ethernet, mgcp_listen,
        mgcp_keepalive; /* 2000, 2427, 2428: printed in configurations only */
};
struct store_node {
    struct str name;      /* key: host name without domain, as in Warning headers */
    struct str host;      /* name phones connect to; must be in the certificate */
    struct str addresses; /* IP addresses, separated by spaces; "" any */
    struct str description;
    int priority; /* 0 first; order of the members in a configuration */
    struct store_ports ports;
    struct str pkid;
    int64_t version;
};
STORE_NOUN(node);
struct store_ports store_ports_default(void);

/* --- trusted edges, certificates, keys -------------------------------------------------------- */

struct store_edge {
    struct str pkid; /* key; "" on STORE_ADD: the store makes one */
    struct str host_or_ip;
    struct str description;
    struct str x509_names; /* subject or alternative names, separated by commas; <= 4096 bytes */
    int64_t version;
};
STORE_NOUN(edge);

struct store_cert {
    struct str name;      /* key: "<unit>/<node>", or "<unit>" for all nodes ("CA") */
    struct str unit;      /* "tomcat", "tomcat-ECDSA", "CallManager", "CallManager-ECDSA", "CA" */
    struct str node;      /* "" all */
    struct str subject;   /* printed name */
    struct str chain_pem; /* leaf first; <= 64 kB */
    struct str key_pem;   /* private key; get only; <= 16 kB */
    int64_t not_before_s, not_after_s;
    struct str pkid;
    int64_t version;
};
STORE_NOUN(cert);

struct store_trust {
    struct str name;        /* key: "<store>/<fingerprint>" */
    struct str store;       /* "tomcat-trust", "callmanager-trust", ... */
    struct str fingerprint; /* SHA-256, 64 hex digits */
    struct str subject, issuer;
    struct str pem; /* <= 16 kB */
    int64_t not_after_s;
    struct str pkid;
    int64_t version;
};
STORE_NOUN(trust);

enum store_key_use { STORE_KEY_SIGNING = 1, STORE_KEY_ENCRYPTION = 2 };
enum store_key_state { STORE_KEY_NEXT = 1, STORE_KEY_CURRENT = 2, STORE_KEY_PREVIOUS = 3 };
struct store_key {
    struct str kid; /* key */
    enum store_key_use use;
    enum store_key_state state;     /* at most one current of each use: RC_EXISTS */
    struct str alg;                 /* "ES256", "RS256", "A256GCM" ... */
    struct str public_text;         /* JWK or PEM, "" for secrets; <= 16 kB */
    struct str secret_text;         /* PEM or JWK; get only; <= 16 kB */
    int64_t created_s, retire_at_s; /* 0: not yet */
    struct str pkid;
    int64_t version;
};
/* A change of keys is a batch: the current one put as previous, then the next as current. */
STORE_NOUN(key);

/* --- domains, issuers, clients ---------------------------------------------------------------- */

struct store_domain {
    struct str name; /* key */
    struct str description;
    bool ours; /* requests for it are answered here */
    struct str pkid;
    int64_t version;
};
STORE_NOUN(domain);

struct store_issuer {
    struct str iss; /* key; compares byte for byte in tokens */
    struct str description;
    struct str audience;   /* must be among "aud" */
    struct str user_claim; /* claim that gives the user id; default "sub" */
    struct str scope;      /* scope-token required, "" none */
    struct str typ;        /* required "typ" header: "at+jwt", "JWT"; "" any of the two or none */
    struct str jwks;       /* JSON text; <= 256 kB */
    bool enabled;
    struct str pkid;
    int64_t version;
};
STORE_NOUN(issuer);

enum store_client_type { STORE_CLIENT_PUBLIC = 1, STORE_CLIENT_CONFIDENTIAL = 2 };
struct store_client {
    struct str client_id; /* key, 1..128 visible ASCII */
    struct str name;      /* shown on the sign-in page */
    enum store_client_type type;
    struct str secret_hash;   /* PHC string of a confidential client; get only */
    struct str redirect_uris; /* separated by newlines; <= 4096 bytes */
    bool loopback;     /* native: http://127.0.0.1:<any port>/... and [::1] (RFC 8252, 7.3) */
    struct str scopes; /* separated by spaces */
    bool enabled;
    struct str pkid;
    int64_t version;
};
STORE_NOUN(client);
/* The softphone's client, made at first start: public, loopback. */
#define STORE_CLIENT_PHONE "bearline-phone"

#endif
