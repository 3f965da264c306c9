/* app/carry_inner.h - the inner edge on its stack: from the links of outer edges, through the token check,
 * to the zones of call servers, and back. On the SIP thread, but the counters and the count. */
#ifndef APP_CARRY_INNER_H
#define APP_CARRY_INNER_H
#include "app/carry.h"
#include "edge/admission.h"
#include "edge/zones.h"

struct app_carry_inner;

struct app_carry_inner_config {
    const struct edge_seal *seal; /* borrowed for its life */
    struct random_source random;
    struct clock clock;
    const struct log *log;
    struct edge_zones *zones; /* likewise */
    struct str host;          /* likewise */
};
/* RC_NOMEM and those of edge_inner_new. */
MUST_CHECK enum rc app_carry_inner_new(const struct app_carry_inner_config *config,
                                       struct app_carry_inner **out);
/* Who relays media; borrowed, NULL nobody. address: what parties are told, NET_NONE our own. */
void app_carry_inner_set_media(struct app_carry_inner *c, struct edge_relay *relay,
                               const struct net_addr *address);
struct app_carry_inner *app_carry_inner_free(struct app_carry_inner *c); /* NULL */

/* Whose tokens count; cluster i is followed at addresses[i]. References and copies are taken. */
void app_carry_inner_set(struct app_carry_inner *c, struct edge_cluster *const *clusters,
                         const struct str *addresses, size_t count);
/* siptx on_message. */
bool app_carry_inner_message(struct app_carry_inner *c, struct siptx_flow *f,
                             const struct sip_message *m, const struct sip_basics *basics,
                             struct arena *arena);
/* What edge_zones tells. */
void app_carry_inner_greeted(struct app_carry_inner *c, const struct edge_zone_ref *zone,
                             const struct edge_greeting *g);
struct edge_greeting app_carry_inner_greeting(struct app_carry_inner *c);
/* A call server's bindings over that connection are gone, and the phones do not know it: they are told to
 * register again. */
void app_carry_inner_lost(struct app_carry_inner *c, const struct edge_zone_ref *zone);

const struct app_carry_counters *app_carry_inner_counters(const struct app_carry_inner *c);
/* Phones' connections that have shown a token that holds. Any thread; may be a moment old. */
uint64_t app_carry_inner_admitted(const struct app_carry_inner *c);
/* The clock of an outer edge less ours, in ms, as far apart as the worst; *name in out, which holds
 * EDGE_ZONE_NAME_MAX + 1. Any thread. */
int64_t app_carry_inner_clock(struct app_carry_inner *c, char *name);

#endif
