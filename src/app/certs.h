/* app/certs.h - the node's certificates: made at the first start by a private CA, renewed before
 * they expire, and turned into the TLS contexts of the listeners.
 *
 *   tomcat, tomcat-ECDSA            OAuth lines, HTTPS, device configuration
 *   CallManager, CallManager-ECDSA  the secure line
 *   tomcat-trust                    who may come to the MRA port
 *   callmanager-trust               whose device certificates count on the secure line */
#ifndef APP_CERTS_H
#define APP_CERTS_H
#include "base/log.h"
#include "net/tls.h"
#include "store/records.h"

struct app_certs;
struct directory;

struct app_certs_config {
    struct store *store;
    struct directory *directory; /* the node's row; trusted edges, for the MRA port. Must outlive
                                    contexts */
    struct clock clock;
    struct random_source random;
    const struct log *log;
    struct str node;            /* the name of this node's row; borrowed for its life, as: */
    struct str host, addresses; /* names for the certificates while there is no such row */
    bool is_edge;               /* tomcat and tomcat-ECDSA alone, trust in tomcat-trust alone */
};

/* Makes what is missing: CA, certificates, trust entries; exports the CA to ca_file (0644). why:
 * a sentence. */
MUST_CHECK enum rc app_certs_new(const struct app_certs_config *config, const char *ca_file,
                                 struct app_certs **out, struct store_why *why);
struct app_certs *app_certs_free(struct app_certs *c); /* NULL */

/* LINK: between edges; shows tomcat, trusts the CAs of the edges it is paired with. */
enum app_tls { APP_TLS_TOMCAT, APP_TLS_SECURE, APP_TLS_MRA, APP_TLS_LINK, APP_TLS_COUNT };
const char *app_tls_name(enum app_tls which); /* "tomcat", for logs */
/* Does this program listen with it? */
bool app_certs_serves(const struct app_certs *c, enum app_tls which);
/* A new context from what the store holds now; the caller owns the reference. RC_NOT_FOUND: no
 * certificate, or nobody to trust; others as net_tls_server_new. Waits for the store: control thread or pool. */
MUST_CHECK enum rc app_certs_tls(struct app_certs *c, enum app_tls which, struct net_tls **out,
                                 struct store_why *why);
/* Likewise, for connections we make. APP_TLS_SECURE, to SIP trunks: shows CallManager, trusts
 * callmanager-trust. APP_TLS_MRA, from an edge to the nodes: shows tomcat, trusts tomcat-trust.
 * APP_TLS_LINK, from an inner edge to outer ones. */
MUST_CHECK enum rc app_certs_client_tls(struct app_certs *c, enum app_tls which,
                                        struct net_tls **out, struct store_why *why);
/* What tomcat shows, for a client of our own: chain and key, a secret, in the arena. */
MUST_CHECK enum rc app_certs_identity(struct app_certs *c, struct arena *a, struct str *chain_pem,
                                      struct str *key_pem);
/* A key made of the CA's own, for label: equal as long as that CA is. */
MUST_CHECK enum rc app_certs_derive(struct app_certs *c, const char *label, uint8_t out[32],
                                    struct store_why *why);
/* May that peer come to the MRA port: its certificate bears a name of a listed edge, or names are not
 * looked at. Any thread. */
bool app_certs_edge_is_listed(struct directory *d, const struct net_tls_peer *peer);
/* What tomcat-trust holds, one PEM text in the arena; may be "". */
MUST_CHECK enum rc app_certs_tomcat_trust(struct app_certs *c, struct arena *a, struct str *out);
/* The names of the tomcat certificate, its CN first, each once, parted by commas without spaces. */
MUST_CHECK enum rc app_certs_tomcat_names(struct app_certs *c, struct arena *a, struct str *out);
/* Issues the unit anew ("tomcat", ...) for this node. RC_NOT_FOUND: no such unit; RC_UNSUPPORTED:
 * the CA's key is not here. */
MUST_CHECK enum rc app_certs_regen(struct app_certs *c, const struct store_by *by, struct str unit,
                                   struct store_why *why);
/* Reissues certificates of our own CA that end within 30 days; how many. On the pool, daily. */
size_t app_certs_renew(struct app_certs *c);
/* Fresh keys for session tickets; hourly. */
void app_certs_rotate_tickets(struct app_certs *c);

#endif
