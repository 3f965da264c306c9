/* The ports as an operator sees them, and whether another one could be opened. */
#include "app/listeners_int.h"

#include "base/buf.h"
#include "base/check.h"
#include "directory/directory.h"
#include "net/udp.h"

#include <stdio.h>

static struct app_listener_info info_of(enum door_kind kind, const struct net_addr *addr,
                                        enum app_listener_state state, const char *why,
                                        const char *fix)
{
    struct app_listener_info info = {.addr = *addr, .state = state};
    snprintf(info.name, sizeof info.name, "%s", door_defs[kind].name);
    snprintf(info.transport, sizeof info.transport, "%s", door_defs[kind].transport);
    snprintf(info.why, sizeof info.why, "%s", why);
    snprintf(info.fix, sizeof info.fix, "%s", fix);
    return info;
}

size_t app_listeners_list(struct app_listeners *l, struct app_listener_info *out, size_t max)
{
    size_t n = 0;
    pthread_mutex_lock(&l->lock);
    for (; n < l->door_count && n < max; n++) {
        const struct door *d = &l->doors[n];
        out[n] = info_of(d->kind, &d->addr, d->state, d->why, d->fix);
    }
    for (struct list *it = l->leaving.next; it != &l->leaving && n < max; it = it->next) {
        const struct leave *v = LIST_OF(it, struct leave, link);
        out[n++] = info_of(v->kind, &v->addr, APP_LISTENER_CLOSING, "Its workers let go of it.",
                           "");
    }
    pthread_mutex_unlock(&l->lock);
    return n;
}

size_t app_listeners_failed(struct app_listeners *l, char *out, size_t cap)
{
    char addr[NET_ADDR_TEXT_MAX];
    struct buf names;
    size_t n = 0;
    CHECK(cap > 0);
    buf_init_fixed(&names, out, cap - 1);
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; i < l->door_count; i++) {
        const struct door *d = &l->doors[i];
        if (d->state != APP_LISTENER_FAILED || d->is_waiting) continue;
        const struct door_def *def = &door_defs[d->kind];
        bool says_how = strcmp(def->name, def->transport) == 0;
        buf_printf(&names, "%s%s%s%s %.*s", n > 0 ? "; " : "", def->name, says_how ? "" : " ",
                   says_how ? "" : def->transport, STR_ARG(net_addr_text(&d->addr, addr)));
        n++;
    }
    pthread_mutex_unlock(&l->lock);
    out[names.n] = '\0';
    return n;
}

static bool is_ours(struct app_listeners *l, uint16_t port)
{
    bool ours = false;
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; i < l->door_count; i++)
        ours = ours || (l->doors[i].addr.port == port && l->doors[i].state == APP_LISTENER_OPEN);
    pthread_mutex_unlock(&l->lock);
    return ours;
}

/* The surest way to know is to open it. */
static bool can_open(struct app_listeners *l, const struct net_addr *addr, bool udp_too,
                     struct net_holder *holder)
{
    struct net_listener *tcp;
    struct net_udp_port *udp;
    struct net_listener_config c = {.addr = *addr,
                                    .stream = siptx_stream_config(&l->config.sip_limits)};
    enum rc rc = net_listener_open(&c, &tcp, holder);
    if (rc == RC_OK) (void)net_listener_close(tcp, false, NULL, NULL);
    if (rc == RC_OK && udp_too) {
        rc = net_udp_open(addr, 1, &udp, holder);
        if (rc == RC_OK) (void)net_udp_close(udp);
    }
    return rc != RC_EXISTS && rc != RC_DENIED;
}

bool app_listeners_port_is_free(struct app_listeners *l, uint16_t port, bool udp_too,
                                struct net_holder *holder)
{
    struct net_addr addrs[APP_LISTENER_ADDRESSES_MAX];
    *holder = (struct net_holder){0};
    if (is_ours(l, port)) return true;
    const struct directory_node *node = directory_node_ref(l->config.directory, l->config.node);
    size_t n = node ? app_listener_addresses(node->addresses, addrs) : 0;
    directory_node_unref(node);
    for (size_t i = 0; i < n; i++) {
        addrs[i].port = port;
        if (!can_open(l, &addrs[i], udp_too, holder)) return false;
    }
    return true;
}
