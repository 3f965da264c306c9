/* app/listeners_int.h - what listeners.c and its parts share: a door is one port on one address that
 * should be open. */
#ifndef APP_LISTENERS_INT_H
#define APP_LISTENERS_INT_H
#include "app/listeners.h"
#include "base/list.h"

#include <pthread.h>
#include <stdatomic.h>

enum { DOORS_MAX = 128, RETRY_MS = 5000, SETTLE_S = 5 };

enum door_kind {
    DOOR_SIP_UDP,
    DOOR_SIP_TCP,
    DOOR_SIPS,
    DOOR_OAUTH,
    DOOR_MRA,
    DOOR_CONFIG_HTTP,
    DOOR_CONFIG_HTTPS,
    DOOR_HTTPS,
    DOOR_EDGE_SIP,  /* of an outer edge, from here on: phones */
    DOOR_EDGE_LINK, /* inner edges */
    DOOR_EDGE_HTTPS,
    DOOR_EDGE_TUNNEL,
    DOOR_COUNT
};

struct door_def {
    const char *name, *transport;
    int kind; /* SIP only: enum call_listener, enum app_edge_listener */
    int tls;  /* enum app_tls; -1: none */
    bool is_http, oauth_only;
    size_t port;        /* offset in struct store_ports; of an edge's: enum store_param_id */
    const char *option; /* of "node update", that moves it; of an edge's: the parameter */
};
extern const struct door_def door_defs[DOOR_COUNT];

struct leave;

struct door {
    enum door_kind kind;
    struct net_addr addr;
    enum app_listener_state state;
    struct net_listener *listener;
    struct net_udp_port *udp;
    struct leave *leave; /* made with the port, so that closing cannot fail */
    struct http_listener *http;
    bool is_waiting; /* failed, but only until a port of our own is let go of */
    char why[APP_LISTENER_TEXT_MAX], fix[APP_LISTENER_TEXT_MAX];
};

/* A port is closed when every worker has let go of it. Made when the port opens: without memory it
 * could not be closed otherwise. */
struct leave {
    struct list link, retry; /* in leaving and untold */
    struct app_listeners *l;
    enum door_kind kind;
    struct net_addr addr;
    struct net_listener *listener;
    struct net_udp_port *udp;
    unsigned told;    /* workers posted to, in their order; the control thread's */
    atomic_uint left; /* workers, and the control thread until it has told them all */
};

struct app_listeners {
    struct app_listeners_config config;
    pthread_mutex_t building; /* of TLS contexts, one thread at a time; taken before lock */
    pthread_mutex_t lock;     /* of all below but the timer and posts */
    pthread_cond_t settled;
    struct door doors[DOORS_MAX];
    size_t door_count;
    struct net_tls *tls[APP_TLS_COUNT];
    bool tls_is_new[APP_TLS_COUNT];
    uint64_t asked, done; /* syncs */
    struct list leaving;  /* ports workers are still letting go of */
    bool is_stopped;
    struct list untold; /* of those, with workers that could not be told yet; control thread only */
    struct net_post sync_post;
    struct wheel_timer retry;
};

/* doors.c: what should be open now, at most DOORS_MAX. */
size_t doors_wanted(struct app_listeners *l, struct door *out);

/* doorkeepers.c, on the control thread. */
void door_join(struct app_listeners *l, const struct door *d);
struct leave *door_leave_new(struct app_listeners *l, const struct door *d);
/* Lets go of the lock meanwhile. */
void door_leave(struct app_listeners *l, struct door *d);
/* Workers that could not be told for want of memory; the lock is not held. */
void doors_leave_again(struct app_listeners *l);
/* Does a port of our own, on its way out, stand where the door should be? Then it waits its turn,
 * and that is no failure. */
bool door_is_in_the_way(const struct app_listeners *l, const struct door *d);

#endif
