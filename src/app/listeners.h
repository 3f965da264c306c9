/* app/listeners.h - keeps the node's open ports equal to what its row and the mode say: a port that
 * should be open is opened, one that should not is closed, at once and without touching the others.
 * A port that cannot be opened is tried again until it can, and says meanwhile who holds it. */
#ifndef APP_LISTENERS_H
#define APP_LISTENERS_H
#include "app/certs.h"
#include "call/linepolicy.h"
#include "net/listener.h"
#include "siptx/stack.h"

struct app_listeners;
struct directory;
struct http_server;
struct http_site;
struct net_loop;

struct app_listeners_config {
    struct net_loop *loop; /* the control thread's */
    struct directory *directory;
    struct app_certs *certs;
    struct siptx_node *stacks;
    unsigned workers;
    struct net_limits *limits;
    struct siptx_limits sip_limits;
    struct http_server *http;
    struct http_site *https_site, *config_site, *config_plain_site, *tunnel_site;
    const struct log *log;
    struct str node;              /* the name of this node's row; borrowed for its life */
    struct str addresses;         /* of an outer edge, which has no such row; borrowed likewise */
    bool is_edge;                 /* an outer edge's ports, as its parameters say */
    void (*on_synced)(void *ctx); /* may be NULL; on the control thread, after each sync */
    void *ctx;
};

/* RC_NOMEM. Opens nothing yet. A TLS context that cannot be made is logged; its ports fail until it
 * can. */
MUST_CHECK enum rc app_listeners_new(const struct app_listeners_config *config,
                                     struct app_listeners **out);
/* All must be closed (app_listeners_close_all) and the workers gone. NULL. */
struct app_listeners *app_listeners_free(struct app_listeners *l);

/* On the control thread. Makes the open ports what they should be. */
void app_listeners_sync(struct app_listeners *l);
/* From any thread: the same, soon. */
void app_listeners_changed(struct app_listeners *l);
/* From any thread but a loop's: certificates or trust have changed; new connections get the new
 * ones. */
void app_listeners_reload_tls(struct app_listeners *l);
/* From the pool, after a change was committed: waits until the ports are what it asks for (at most
 * some seconds). */
void app_listeners_settle(struct app_listeners *l);
/* On the control thread: closes everything; connections end. */
void app_listeners_close_all(struct app_listeners *l);
/* After that, while the workers still run: until they have let go of every port. */
void app_listeners_wait_closed(struct app_listeners *l);

/* What the flows of an outer edge's ports bear as listener_kind. */
enum app_edge_listener { APP_EDGE_PHONES = 100, APP_EDGE_LINKS };

enum app_listener_state { APP_LISTENER_OPEN, APP_LISTENER_FAILED, APP_LISTENER_CLOSING };
enum { APP_LISTENER_TEXT_MAX = 400 };
struct app_listener_info {
    char name[32];     /* "SIP OAuth", "HTTPS" ... */
    char transport[8]; /* "UDP", "TCP", "TLS", "HTTP", "HTTPS" */
    struct net_addr addr;
    enum app_listener_state state;
    char why[APP_LISTENER_TEXT_MAX]; /* failed or closing: a sentence */
    char fix[APP_LISTENER_TEXT_MAX]; /* failed: what to do, a sentence; "" where nothing is */
};
/* From any thread; at most max. */
size_t app_listeners_list(struct app_listeners *l, struct app_listener_info *out, size_t max);
/* The addresses a text names ("" all: the two wildcards); how many, at most APP_LISTENER_ADDRESSES_MAX. */
enum { APP_LISTENER_ADDRESSES_MAX = 16 };
size_t app_listener_addresses(struct str addresses, struct net_addr *out);
/* From any thread: how many ports should be open and are not (one of our own that is only on its way
 * out aside); names and addresses of the first of them in out, "; " between. */
size_t app_listeners_failed(struct app_listeners *l, char *out, size_t cap);
/* From any thread (it waits for the system, so not from a loop): could this node open a TCP (and
 * UDP) port now? Ours already: yes. Else *holder says who has it. */
bool app_listeners_port_is_free(struct app_listeners *l, uint16_t port, bool udp_too,
                                struct net_holder *holder);

#endif
