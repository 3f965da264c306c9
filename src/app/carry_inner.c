#include "app/carry_inner.h"

#include "edge/inner.h"
#include "sip/auth.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { SIP_PORT = 5061, ADDRESS_MAX = 253, LINKS_KEPT = 64 };

struct app_carry_inner {
    struct app_carry base;
    struct app_carry_inner_config config;
    struct edge_inner *inner;
    struct edge_media media;
    struct edge_admission *admission;
    char addresses[EDGE_ADMISSION_CLUSTERS][ADDRESS_MAX + 1];
    uint64_t epoch;
    /* what the other ends of links have said */
    struct {
        uint64_t id, epoch;
        int64_t off_ms;
        char name[EDGE_ZONE_NAME_MAX + 1];
    } links[LINKS_KEPT];
    size_t link_count;
    pthread_mutex_t lock; /* of links, against app_carry_inner_clock */
    _Atomic uint64_t admitted;
};

/* The party is inside: a zone; the other edge is at the end of a link. */
static unsigned pass_media(void *ctx, const struct edge_arrival *a, uint64_t key, uint64_t to,
                           bool to_party, struct str *body)
{
    struct app_carry_inner *c = ctx;
    uint64_t link_id = to_party ? a->flow : to;
    struct edge_relay_call call = {.key = key};
    struct edge_zone_ref link;
    struct siptx_flow *zone = edge_zones_flow(c->config.zones, to_party ? to : a->flow);
    struct siptx_flow *over = edge_zones_flow(c->config.zones, link_id);
    if (zone) call.local = zone->local;
    if (over && edge_zones_get(c->config.zones, link_id, &link)) {
        call.other = over->peer;
        call.other.port = link.media_port;
    }
    return app_carry_media(&c->base, a, &call, to_party, body);
}

void app_carry_inner_set_media(struct app_carry_inner *c, struct edge_relay *relay,
                               const struct net_addr *address)
{
    c->base.relay = relay;
    c->base.media_address = *address;
}

enum rc app_carry_inner_new(const struct app_carry_inner_config *config,
                            struct app_carry_inner **out)
{
    struct app_carry_inner *c = calloc(1, sizeof *c);
    if (!c || pthread_mutex_init(&c->lock, NULL) != 0) {
        free(c);
        return RC_NOMEM;
    }
    c->config = *config;
    c->epoch = random_u64(&config->random) | 1;
    c->media = (struct edge_media){.ctx = c, .pass = pass_media};
    app_carry_init(&c->base, config->log);
    struct edge_inner_config ic = {.seal = config->seal, .host = config->host, .port = SIP_PORT};
    struct edge_admission_config ac = {.clock = config->clock, .random = config->random};
    enum rc rc = edge_inner_new(&ic, &c->inner);
    if (rc == RC_OK) rc = edge_admission_new(&ac, &c->admission);
    if (rc == RC_OK)
        *out = c;
    else
        app_carry_inner_free(c);
    return rc;
}

struct app_carry_inner *app_carry_inner_free(struct app_carry_inner *c)
{
    if (!c) return NULL;
    edge_admission_free(c->admission);
    edge_inner_free(c->inner);
    app_carry_fini(&c->base);
    pthread_mutex_destroy(&c->lock);
    free(c);
    return NULL;
}

void app_carry_inner_set(struct app_carry_inner *c, struct edge_cluster *const *clusters,
                         const struct str *addresses, size_t count)
{
    if (count > EDGE_ADMISSION_CLUSTERS) count = EDGE_ADMISSION_CLUSTERS;
    for (size_t i = 0; i < count; i++)
        if (str_to_cstr(addresses[i], c->addresses[i], sizeof c->addresses[i]) != RC_OK)
            c->addresses[i][0] = '\0';
    edge_admission_set_clusters(c->admission, clusters, count);
}

/* ---- messages ---- */

static struct siptx_flow *way_out(struct app_carry_inner *c, const struct edge_decision *d)
{
    return d->verdict == EDGE_FORWARD ? edge_zones_flow(c->config.zones, d->to) : NULL;
}

/* "GROUP NODE", neither has a blank: what is sealed into a dialog's routes. */
static struct str zone_text(const struct edge_zone_ref *zone, struct arena *arena)
{
    struct str text = STR("");
    return arena_printf(arena, &text, "%.*s %.*s", STR_ARG(zone->group), STR_ARG(zone->node)) ==
                   RC_OK
               ? text
               : STR("");
}

/* The zone a request goes to: its dialog's, else one of the cluster whose token it came with. 0: none. */
static uint64_t zone_for(struct app_carry_inner *c, struct str named, size_t cluster)
{
    struct edge_zone_ref zone;
    ptrdiff_t end = str_find_char(named, ' ');
    if (end > 0)
        return edge_zone_number(EDGE_ZONE_NODE, str_sub(named, 0, (size_t)end),
                                str_sub(named, (size_t)end + 1, named.n));
    if (!edge_zones_pick(c->config.zones, str_from(c->addresses[cluster]), &zone)) return 0;
    return zone.id;
}

static void note_refusal(struct app_carry_inner *c, const struct edge_arrival *a,
                         const struct edge_admit_decision *d)
{
    if (d->reason == OAUTH_OK) return; /* it showed none: everybody's first request */
    log_info(c->base.log, "admission.refused", LOG_STR("from", a->basics->from.uri),
             LOG_STR("call_id", a->basics->call_id),
             LOG_CSTR("reason", oauth_reason_name(d->reason)),
             LOG_CSTR("text", oauth_reason_text(d->reason)));
}

static void request_from_link(struct app_carry_inner *c, struct siptx_flow *f,
                              const struct edge_arrival *a)
{
    struct str named;
    buf_reset(&c->base.headers);
    struct edge_admit_decision admit = edge_admission_ask(c->admission, a->flow,
                                                          edge_inner_flow_name(a), a->message,
                                                          a->basics, a->arena, &c->base.headers);
    atomic_store_explicit(&c->admitted, edge_admission_count(c->admission), memory_order_relaxed);
    if (admit.verdict != EDGE_ADMITTED) {
        struct edge_decision d = edge_drop("nobody who has shown a token");
        note_refusal(c, a, &admit);
        if (admit.verdict == EDGE_CHALLENGED)
            app_carry_answer(&c->base, f, a, admit.status, "", buf_str(&c->base.headers));
        else
            app_carry_out(&c->base, f, a, &d, NULL, 0);
        return;
    }
    enum rc rc = edge_inner_zone_of(c->inner, a, &named);
    if (rc != RC_OK) {
        app_carry_answer(&c->base, f, a, rc == RC_DENIED ? 403 : 500,
                         rc == RC_DENIED ? "A Route that was not made here" : "", STR(""));
        return;
    }
    uint64_t zone = zone_for(c, named, admit.cluster);
    struct edge_decision d = edge_inner_from_link(c->inner, a, zone, &c->base.out);
    app_carry_out(&c->base, f, a, &d, way_out(c, &d), 503);
}

bool app_carry_inner_message(struct app_carry_inner *c, struct siptx_flow *f,
                             const struct sip_message *m, const struct sip_basics *basics,
                             struct arena *arena)
{
    struct edge_zone_ref zone;
    if (!edge_zones_of_flow(c->config.zones, f, &zone)) return false;
    struct edge_arrival a = app_carry_arrival(f, m, basics, arena, zone.id);
    struct edge_decision d;
    a.media = &c->media;
    buf_reset(&c->base.out);
    if (zone.kind == EDGE_ZONE_NODE && app_carry_is_to_us(&a)) {
        siptx_flow_answer(f, m, 200, STR(""), STR(""));
        return true;
    }
    if (zone.kind == EDGE_ZONE_LINK && m->is_request) {
        request_from_link(c, f, &a);
        return true;
    }
    d = zone.kind == EDGE_ZONE_LINK
            ? edge_inner_from_link(c->inner, &a, 0, &c->base.out)
            : edge_inner_from_zone(c->inner, &a, zone_text(&zone, arena), &c->base.out);
    app_carry_out(&c->base, f, &a, &d, way_out(c, &d), 430);
    return true;
}

/* ---- links ---- */

static size_t link_find(const struct app_carry_inner *c, uint64_t id)
{
    size_t i = 0;
    while (i < c->link_count && c->links[i].id != id)
        i++;
    return i;
}

void app_carry_inner_greeted(struct app_carry_inner *c, const struct edge_zone_ref *zone,
                             const struct edge_greeting *g)
{
    size_t i = link_find(c, zone->id);
    if (i == LINKS_KEPT) return;
    bool is_another = i < c->link_count && c->links[i].epoch != g->epoch;
    pthread_mutex_lock(&c->lock);
    if (i == c->link_count) c->link_count++;
    c->links[i].id = zone->id;
    c->links[i].epoch = g->epoch;
    c->links[i].off_ms = g->clock_ms - clock_unix_ms(&c->config.clock);
    snprintf(c->links[i].name, sizeof c->links[i].name, "%.*s", STR_ARG(zone->node));
    pthread_mutex_unlock(&c->lock);
    if (is_another) edge_admission_link_closed(c->admission, zone->id);
}

struct edge_greeting app_carry_inner_greeting(struct app_carry_inner *c)
{
    return (struct edge_greeting){.epoch = c->epoch, .clock_ms = clock_unix_ms(&c->config.clock)};
}

void app_carry_inner_lost(struct app_carry_inner *c, const struct edge_zone_ref *zone)
{
    if (zone->kind != EDGE_ZONE_NODE) return;
    c->epoch += 2;
    edge_zones_greet(c->config.zones);
}

/* ---- shown ---- */

const struct app_carry_counters *app_carry_inner_counters(const struct app_carry_inner *c)
{
    return &c->base.counters;
}

uint64_t app_carry_inner_admitted(const struct app_carry_inner *c)
{
    return atomic_load_explicit(&c->admitted, memory_order_relaxed);
}

int64_t app_carry_inner_clock(struct app_carry_inner *c, char *name)
{
    int64_t worst = 0;
    name[0] = '\0';
    pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < c->link_count; i++) {
        if (llabs(c->links[i].off_ms) <= llabs(worst)) continue;
        worst = c->links[i].off_ms;
        memcpy(name, c->links[i].name, sizeof c->links[i].name);
    }
    pthread_mutex_unlock(&c->lock);
    return worst;
}
