/* app/outside.h - how the workers find and trust servers outside (SIP trunks): a resolver for each
 * worker's loop, and one TLS client context for all, made anew when certificates change. It shows the
 * CallManager certificate and trusts callmanager-trust. */
#ifndef APP_OUTSIDE_H
#define APP_OUTSIDE_H
#include "app/certs.h"
#include "call/reach.h"

enum { APP_OUTSIDE_WORKERS = 64 };

struct app_outside {
    struct app_certs *certs;
    const struct log *log;
    struct random_source random;
    struct net_tls_slot *tls; /* NULL: none could be made at the start */
    struct app_outside_worker {
        struct app_outside *outside;
        struct net_resolver *resolver;
    } workers[APP_OUTSIDE_WORKERS];
};

/* o is the caller's memory, zeroed. Without a certificate or trust: RC_OK, nobody over TLS. */
MUST_CHECK enum rc app_outside_init(struct app_outside *o, struct app_certs *certs,
                                    const struct random_source *random, const struct log *log);
/* After the workers, before their loops. */
void app_outside_fini(struct app_outside *o);
/* What worker i (below APP_OUTSIDE_WORKERS) reaches others by; before its loop runs. */
MUST_CHECK enum rc app_outside_ops(struct app_outside *o, unsigned i, struct net_loop *loop,
                                   struct call_reach_ops *out);
/* Certificates have changed: new connections go by the new ones. Waits for the store. */
void app_outside_renew(struct app_outside *o);

#endif
