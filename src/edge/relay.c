#include "edge/relay.h"

#include "base/map.h"
#include "media/ports.h"

#include <stdlib.h>
#include <string.h>

enum {
    HEADER_LEN = 9, /* the call's number, then stream * 2, + 1 for RTCP */
    HELLO = 0xff,   /* in its place: here I am */
    HELLO_EVERY_MS = 5000,
    FIRST_HELLO_MS = 20,
    LISTEN_MAX = 16,
};
/* Until the other edge has heard of the call by SIP: then the way is open when the first word is said. */
static const uint16_t first_hellos_ms[] = {50, 100, 200, 500, 1200};
enum { FIRST_HELLOS = sizeof first_hellos_ms / sizeof *first_hellos_ms };

struct call;

struct stream {
    struct call *call;
    struct media_ports ports; /* addr.port 0: none */
    struct net_addr said[2];  /* RTP, RTCP: by description */
    struct net_addr seen[2];  /* by packet; NET_NONE: none yet */
};

struct call {
    struct edge_relay *relay;
    uint64_t owner;
    uint64_t key, number; /* number: on the media link; 0 not known yet */
    struct net_addr party, other;
    struct net_addr mux; /* outer: where the other edge sends from; NET_NONE: not known yet */
    struct net_udp *mux_socket;
    struct stream streams[EDGE_STREAMS_MAX];
    bool is_answered, has_ended;
    int64_t heard_ms;
    unsigned hellos;
    struct wheel_timer end_timer, hello_timer;
};

/* A socket towards other edges. */
struct mux {
    struct edge_relay *relay;
    struct net_udp_port *port;
    struct net_udp *socket;
    uint8_t family;
};

struct edge_relay {
    struct edge_relay_config config;
    struct hash_key hash;
    struct map by_key, by_number; /* inner: by_key alone */
    struct mux muxes[LISTEN_MAX];
    size_t mux_count;
    uint16_t first, last;
    uint32_t idle_s;
    struct edge_relay_counters counters;
};

static void count(_Atomic uint64_t *n)
{
    atomic_fetch_add_explicit(n, 1, memory_order_relaxed);
}

static struct str number_text(const uint64_t *number)
{
    return str_of((const char *)number, sizeof *number);
}

/* ---- life ---- */

enum rc edge_relay_new(const struct edge_relay_config *config, struct edge_relay **out)
{
    struct edge_relay *r = calloc(1, sizeof *r);
    if (!r) return RC_NOMEM;
    r->config = *config;
    r->hash = (struct hash_key){random_u64(&config->random), random_u64(&config->random)};
    map_init(&r->by_key, r->hash, false);
    map_init(&r->by_number, r->hash, false);
    *out = r;
    return RC_OK;
}

static struct map *numbers(struct edge_relay *r)
{
    return r->config.is_inner ? &r->by_key : &r->by_number;
}

static void call_free(struct call *c)
{
    struct edge_relay *r = c->relay;
    map_remove(&r->by_key, number_text(&c->key));
    if (c->number != 0 && !r->config.is_inner) map_remove(&r->by_number, number_text(&c->number));
    net_timer_stop(r->config.loop, &c->end_timer);
    net_timer_stop(r->config.loop, &c->hello_timer);
    for (size_t i = 0; i < EDGE_STREAMS_MAX; i++)
        media_ports_close(&c->streams[i].ports);
    atomic_store_explicit(&r->counters.calls, r->by_key.count, memory_order_relaxed);
    free(c);
}

static void calls_free(struct edge_relay *r)
{
    struct str key;
    void *value;
    size_t at = 0;
    while (map_next(&r->by_key, &at, &key, &value)) {
        call_free(value);
        at = 0;
    }
}

static void muxes_close(struct edge_relay *r)
{
    for (size_t i = 0; i < r->mux_count; i++) {
        net_udp_leave(r->muxes[i].socket);
        net_udp_close(r->muxes[i].port);
    }
    r->mux_count = 0;
}

struct edge_relay *edge_relay_free(struct edge_relay *r)
{
    if (!r) return NULL;
    calls_free(r);
    muxes_close(r);
    map_fini(&r->by_key);
    map_fini(&r->by_number);
    free(r);
    return NULL;
}

void edge_relay_set(struct edge_relay *r, uint16_t first, uint16_t last, uint32_t idle_s)
{
    r->first = first;
    r->last = last;
    r->idle_s = idle_s;
}

uint64_t edge_relay_key(const struct edge_relay *r, uint64_t flow, struct str call_id)
{
    uint64_t parts[2] = {flow, hash_bytes(&r->hash, call_id.p, call_id.n)};
    uint64_t key = hash_bytes(&r->hash, parts, sizeof parts);
    return key != 0 ? key : 1;
}

const struct edge_relay_counters *edge_relay_counters(const struct edge_relay *r)
{
    return &r->counters;
}

/* ---- packets ---- */

static void heard(struct call *c)
{
    c->heard_ms = (int64_t)net_loop_now_ms(c->relay->config.loop);
}

static void send_packet(struct edge_relay *r, struct net_udp *socket, const struct net_addr *to,
                        struct bytes data, _Atomic uint64_t *counter)
{
    if (net_udp_send(socket, to, NULL, data) == RC_OK)
        count(counter);
    else
        count(&r->counters.early);
}

/* Towards the other edge. */
static void send_over(struct call *c, unsigned what, struct bytes data)
{
    struct edge_relay *r = c->relay;
    uint8_t packet[HEADER_LEN + EDGE_RELAY_PACKET_MAX];
    const struct net_addr *to = r->config.is_inner ? &c->other : &c->mux;
    if (to->family == NET_NONE || !c->mux_socket || data.n > EDGE_RELAY_PACKET_MAX) {
        count(&r->counters.early);
        return;
    }
    memcpy(packet, &c->number, sizeof c->number);
    packet[HEADER_LEN - 1] = (uint8_t)what;
    if (data.n > 0) memcpy(packet + HEADER_LEN, data.p, data.n);
    send_packet(r, c->mux_socket, to, bytes_of(packet, HEADER_LEN + data.n),
                &r->counters.packets_out);
}

static void from_party(struct stream *s, unsigned rtcp, const struct net_datagram *d)
{
    struct call *c = s->call;
    struct edge_relay *r = c->relay;
    const struct net_addr *expected = r->config.is_inner ? &s->said[rtcp] : &c->party;
    if (!net_addr_ip_eq(&d->from, expected)) {
        count(&r->counters.strangers);
        return;
    }
    if (!net_addr_eq(&s->seen[rtcp], &d->from)) {
        if (s->seen[rtcp].family != NET_NONE) count(&r->counters.moved);
        s->seen[rtcp] = d->from;
    }
    heard(c);
    send_over(c, (unsigned)(s - c->streams) * 2 + rtcp, d->data);
}

static void on_rtp(void *ctx, const struct net_datagram *d)
{
    from_party(ctx, 0, d);
}

static void on_rtcp(void *ctx, const struct net_datagram *d)
{
    from_party(ctx, 1, d);
}

static void to_party(struct call *c, unsigned what, struct bytes data)
{
    struct edge_relay *r = c->relay;
    struct stream *s = what / 2 < EDGE_STREAMS_MAX ? &c->streams[what / 2] : NULL;
    unsigned rtcp = what % 2;
    if (!s || s->ports.addr.port == 0) {
        count(&r->counters.strangers);
        return;
    }
    const struct net_addr *to = s->seen[rtcp].family != NET_NONE ? &s->seen[rtcp] : &s->said[rtcp];
    if (to->family == NET_NONE) {
        count(&r->counters.early);
        return;
    }
    send_packet(r, rtcp ? s->ports.rtcp_socket : s->ports.rtp_socket, to, data,
                &r->counters.packets_in);
}

/* From another edge: the call it names must be there, and be that edge's. */
static void on_mux(void *ctx, const struct net_datagram *d)
{
    struct mux *m = ctx;
    struct edge_relay *r = m->relay;
    uint64_t number = 0;
    struct call *c = NULL;
    if (d->data.n >= HEADER_LEN) {
        memcpy(&number, d->data.p, sizeof number);
        c = map_find(numbers(r), number_text(&number));
    }
    if (!c || !(r->config.is_inner ? net_addr_eq(&d->from, &c->other)
                                   : net_addr_ip_eq(&d->from, &c->other))) {
        count(&r->counters.strangers);
        return;
    }
    if (!r->config.is_inner) {
        c->mux = d->from;
        c->mux_socket = m->socket;
    }
    unsigned what = d->data.p[HEADER_LEN - 1];
    if (what == HELLO) return;
    heard(c);
    to_party(c, what, bytes_of(d->data.p + HEADER_LEN, d->data.n - HEADER_LEN));
}

/* ---- the media link ---- */

static enum rc mux_open(struct edge_relay *r, const struct net_addr *addr)
{
    struct mux *m = &r->muxes[r->mux_count];
    if (r->mux_count == LISTEN_MAX) return RC_TOO_BIG;
    *m = (struct mux){.relay = r, .family = addr->family};
    enum rc rc = net_udp_open(addr, 1, &m->port, NULL);
    if (rc != RC_OK) return rc;
    rc = net_udp_join(m->port, r->config.loop, on_mux, m, &m->socket);
    if (rc == RC_OK)
        r->mux_count++;
    else
        net_udp_close(m->port);
    return rc;
}

enum rc edge_relay_listen(struct edge_relay *r, const struct net_addr *addrs, size_t n)
{
    enum rc rc = RC_OK;
    calls_free(r);
    muxes_close(r);
    for (size_t i = 0; i < n; i++) {
        enum rc one = mux_open(r, &addrs[i]);
        if (rc == RC_OK) rc = one;
    }
    return rc;
}

/* Inner: the socket for that family; NULL: none can be had. */
static struct net_udp *mux_for(struct edge_relay *r, uint8_t family)
{
    for (size_t i = 0; i < r->mux_count; i++)
        if (r->muxes[i].family == family) return r->muxes[i].socket;
    struct net_addr any = {.family = family};
    return mux_open(r, &any) == RC_OK ? r->muxes[r->mux_count - 1].socket : NULL;
}

static void on_hello_time(void *ctx)
{
    struct call *c = ctx;
    unsigned pause = c->hellos < FIRST_HELLOS ? first_hellos_ms[c->hellos] : HELLO_EVERY_MS;
    if (c->hellos < FIRST_HELLOS) c->hellos++;
    send_over(c, HELLO, bytes_of(NULL, 0));
    net_timer_start(c->relay->config.loop, &c->hello_timer, pause, on_hello_time, c);
}

/* ---- calls ---- */

static void on_end_time(void *ctx)
{
    struct call *c = ctx;
    struct edge_relay *r = c->relay;
    int64_t silent_ms = (int64_t)net_loop_now_ms(r->config.loop) - c->heard_ms;
    int64_t left_ms = (int64_t)r->idle_s * 1000 - silent_ms;
    if (!c->has_ended && left_ms > 0) {
        net_timer_start(r->config.loop, &c->end_timer, (uint64_t)left_ms, on_end_time, c);
        return;
    }
    if (!c->has_ended) {
        count(&r->counters.idle);
        log_info(r->config.log, "media.silent", LOG_INT("seconds", (int64_t)r->idle_s));
    }
    call_free(c);
}

static struct call *call_find(const struct edge_relay *r, uint64_t key)
{
    return map_find(&r->by_key, number_text(&key));
}

/* Has that owner room for one more? */
static bool has_room(const struct edge_relay *r, uint64_t owner)
{
    struct str key;
    void *value;
    size_t at = 0, count = 0;
    while (owner != 0 && map_next(&r->by_key, &at, &key, &value))
        if (((const struct call *)value)->owner == owner) count++;
    return count < EDGE_RELAY_CALLS_OF_ONE;
}

static struct call *call_new(struct edge_relay *r, const struct edge_relay_call *call)
{
    if (!has_room(r, call->owner)) return NULL;
    struct call *c = r->by_key.count < EDGE_RELAY_CALLS_MAX ? calloc(1, sizeof *c) : NULL;
    if (!c) return NULL;
    c->relay = r;
    c->key = call->key;
    c->owner = call->owner;
    c->number = r->config.is_inner ? call->key : 0;
    for (size_t i = 0; i < EDGE_STREAMS_MAX; i++)
        c->streams[i].call = c;
    if (map_put(&r->by_key, number_text(&c->key), c, NULL) != RC_OK) {
        free(c);
        return NULL;
    }
    atomic_store_explicit(&r->counters.calls, r->by_key.count, memory_order_relaxed);
    heard(c);
    net_timer_start(r->config.loop, &c->end_timer, (uint64_t)r->idle_s * 1000, on_end_time, c);
    return c;
}

/* The call with its ways as they are now; NULL: no memory, or too many. */
static struct call *call_get(struct edge_relay *r, const struct edge_relay_call *call)
{
    struct call *c = call_find(r, call->key);
    if (!c) c = call_new(r, call);
    if (!c) return NULL;
    c->party = call->party;
    if (call->other.family != NET_NONE) c->other = call->other;
    if (r->config.is_inner && c->other.family != NET_NONE)
        c->mux_socket = mux_for(r, c->other.family);
    return c;
}

/* Ports for every stream that is to be relayed. */
static bool open_ports(struct call *c, const struct sip_sdp *sdp, const struct net_addr *local)
{
    struct edge_relay *r = c->relay;
    for (unsigned i = 0; i < sdp->media_count && i < EDGE_STREAMS_MAX; i++) {
        struct stream *s = &c->streams[i];
        if (!edge_sdp_is_relayed(sdp, i) || s->ports.addr.port != 0) continue;
        if (media_ports_open(r->config.loop, local, r->first, r->last, &r->config.random, on_rtp,
                             on_rtcp, s, &s->ports) != RC_OK)
            return false;
    }
    return true;
}

static unsigned prepare(struct edge_relay *r, const struct edge_relay_call *call, struct str body,
                        struct sip_sdp *sdp, struct call **out)
{
    if (sip_sdp_parse(body, sdp, NULL) != RC_OK) return 488;
    *out = call_get(r, call);
    if (*out && open_ports(*out, sdp, &call->local)) return 0;
    count(&r->counters.exhausted);
    log_warn(r->config.log, "media.exhausted", LOG_INT("first", r->first), LOG_INT("last", r->last),
             LOG_CSTR("fix", "param set EdgeMediaPortFirst / EdgeMediaPortLast: a wider range"));
    if (*out && !(*out)->is_answered) call_free(*out);
    return 503;
}

/* Where the party takes its streams. */
static void note_places(struct call *c, const struct sip_sdp *sdp)
{
    bool is_inner = c->relay->config.is_inner;
    for (unsigned i = 0; i < sdp->media_count && i < EDGE_STREAMS_MAX; i++) {
        struct stream *s = &c->streams[i];
        struct net_addr said[2];
        if (!edge_sdp_is_relayed(sdp, i)) continue;
        if (edge_sdp_place(&sdp->media[i], &said[0], &said[1]) != RC_OK)
            memset(said, 0, sizeof said); /* a name: packets will show it, at an outer edge */
        for (unsigned k = 0; k < 2; k++) {
            uint16_t port = said[k].port;
            if (!is_inner && port != 0) said[k] = c->party; /* never where a stranger wants it */
            said[k].port = port;
            if (!net_addr_eq(&s->said[k], &said[k])) s->seen[k] = (struct net_addr){0};
            s->said[k] = said[k];
        }
    }
}

static unsigned keep(struct buf *out, struct arena *arena, struct str *body)
{
    enum rc rc = buf_rc(out);
    if (rc == RC_OK) rc = arena_str_dup(arena, buf_str(out), body);
    buf_fini(out);
    return rc == RC_OK ? 0 : 500;
}

unsigned edge_relay_from_party(struct edge_relay *r, const struct edge_relay_call *call,
                               struct arena *arena, struct str *body)
{
    struct sip_sdp sdp;
    struct call *c;
    struct buf out;
    unsigned status = prepare(r, call, *body, &sdp, &c);
    if (status != 0) return status;
    note_places(c, &sdp);
    c->hellos = 0;
    if (r->config.is_inner)
        net_timer_start(r->config.loop, &c->hello_timer, FIRST_HELLO_MS, on_hello_time, c);
    buf_init(&out, SIP_SDP_BYTES_MAX);
    edge_sdp_print_named(&sdp, r->config.is_inner ? c->number : 0, &out);
    return keep(&out, arena, body);
}

/* The inner edge names the call in every description it sends. */
static bool learn_number(struct call *c, uint64_t number)
{
    struct edge_relay *r = c->relay;
    if (number == 0 || number == c->number) return true;
    if (map_find(&r->by_number, number_text(&number))) return false; /* another call's */
    if (c->number != 0) map_remove(&r->by_number, number_text(&c->number));
    c->number = number;
    if (map_put(&r->by_number, number_text(&c->number), c, NULL) == RC_OK) return true;
    c->number = 0;
    return false;
}

unsigned edge_relay_to_party(struct edge_relay *r, const struct edge_relay_call *call,
                             struct arena *arena, struct str *body)
{
    struct sip_sdp sdp;
    struct call *c;
    struct buf out;
    uint16_t ports[EDGE_STREAMS_MAX] = {0};
    unsigned status = prepare(r, call, *body, &sdp, &c);
    if (status != 0) return status;
    if (!r->config.is_inner && !learn_number(c, edge_sdp_call(&sdp))) return 500;
    for (unsigned i = 0; i < EDGE_STREAMS_MAX; i++)
        if (edge_sdp_is_relayed(&sdp, i)) ports[i] = c->streams[i].ports.addr.port;
    buf_init(&out, SIP_SDP_BYTES_MAX);
    edge_sdp_print(&sdp, call->shown.family != NET_NONE ? &call->shown : &call->local, ports, &out);
    return keep(&out, arena, body);
}

void edge_relay_answered(struct edge_relay *r, uint64_t key, unsigned status)
{
    struct call *c = call_find(r, key);
    if (!c) return;
    if (status / 100 == 2) c->is_answered = true;
    if (status != 0 && (status < 300 || c->is_answered)) return;
    c->has_ended = true;
    net_timer_start(r->config.loop, &c->end_timer, EDGE_RELAY_ENDED_MS, on_end_time, c);
}
