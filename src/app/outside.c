#include "app/outside.h"

#include "base/check.h"

/* A context that cannot be made leaves the one before it. */
static struct net_tls *make(struct app_outside *o)
{
    struct store_why why = {""};
    struct net_tls *tls = NULL;
    if (app_certs_client_tls(o->certs, APP_TLS_SECURE, &tls, &why) == RC_OK) return tls;
    log_warn(o->log, "trunk.no_tls", LOG_CSTR("text", why.text));
    return NULL;
}

enum rc app_outside_init(struct app_outside *o, struct app_certs *certs,
                         const struct random_source *random, const struct log *log)
{
    o->certs = certs;
    o->log = log;
    o->random = *random;
    struct net_tls *tls = make(o);
    enum rc rc = tls ? net_tls_slot_new(tls, &o->tls) : RC_OK;
    net_tls_unref(tls);
    return rc;
}

void app_outside_fini(struct app_outside *o)
{
    for (unsigned i = 0; i < APP_OUTSIDE_WORKERS; i++)
        o->workers[i].resolver = net_resolver_free(o->workers[i].resolver);
    o->tls = net_tls_slot_free(o->tls);
}

void app_outside_renew(struct app_outside *o)
{
    struct net_tls *tls = o->tls ? make(o) : NULL;
    if (tls) net_tls_slot_set(o->tls, tls);
    net_tls_unref(tls);
}

static enum rc find_addrs(void *ctx, struct str name, uint16_t port, net_addrs_fn *fn, void *fn_ctx,
                          struct net_query **out)
{
    struct app_outside_worker *w = ctx;
    return net_resolver_addrs(w->resolver, name, port, NET_NONE, fn, fn_ctx, out);
}

static enum rc find_srv(void *ctx, struct str name, net_srvs_fn *fn, void *fn_ctx,
                        struct net_query **out)
{
    struct app_outside_worker *w = ctx;
    return net_resolver_srv(w->resolver, name, fn, fn_ctx, out);
}

static struct net_tls *get_tls(void *ctx)
{
    struct app_outside_worker *w = ctx;
    return w->outside->tls ? net_tls_slot_get(w->outside->tls) : NULL;
}

enum rc app_outside_ops(struct app_outside *o, unsigned i, struct net_loop *loop,
                        struct call_reach_ops *out)
{
    CHECK(i < APP_OUTSIDE_WORKERS && !o->workers[i].resolver);
    struct net_resolver_config config = {.random = o->random};
    struct app_outside_worker *w = &o->workers[i];
    enum rc rc = net_resolver_new(loop, &config, &w->resolver);
    if (rc != RC_OK) return rc;
    w->outside = o;
    *out = (struct call_reach_ops){
        .ctx = w,
        .connect = siptx_connect,
        .addrs = find_addrs,
        .srv = find_srv,
        .tls = get_tls,
    };
    return RC_OK;
}
