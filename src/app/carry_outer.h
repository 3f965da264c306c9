/* app/carry_outer.h - the outer edge on its stack: between phones' connections and the links inner edges
 * have opened. On the SIP thread, but the list of links and the counters. */
#ifndef APP_CARRY_OUTER_H
#define APP_CARRY_OUTER_H
#include "app/carry.h"
#include "edge/links.h"

struct app_carry_outer;

struct app_carry_outer_config {
    const struct edge_seal *seal; /* borrowed for its life */
    struct random_source random;
    struct clock clock;
    const struct log *log;
    struct str host; /* what phones dial; likewise */
    uint16_t port;
};
/* RC_NOMEM and those of edge_outer_new. */
MUST_CHECK enum rc app_carry_outer_new(const struct app_carry_outer_config *config,
                                       struct app_carry_outer **out);
/* Who relays media; borrowed, NULL nobody. address: what parties are told, NET_NONE our own. */
void app_carry_outer_set_media(struct app_carry_outer *c, struct edge_relay *relay,
                               const struct net_addr *address);
struct app_carry_outer *app_carry_outer_free(struct app_carry_outer *c); /* NULL */
void app_carry_outer_attach(struct app_carry_outer *c, struct siptx_stack *stack);

/* The inner edges it is paired with. */
void app_carry_outer_set(struct app_carry_outer *c, const struct str *names, size_t count);
/* The port phones dial is another one. RC_NOMEM: the one before stays in what is written. */
MUST_CHECK enum rc app_carry_outer_move(struct app_carry_outer *c, uint16_t port);

/* What the stack tells. */
void app_carry_outer_open(struct app_carry_outer *c, struct siptx_flow *f);
void app_carry_outer_closed(struct app_carry_outer *c, struct siptx_flow *f);
bool app_carry_outer_message(struct app_carry_outer *c, struct siptx_flow *f,
                             const struct sip_message *m, const struct sip_basics *basics,
                             struct arena *arena);

struct app_carry_guarded {
    _Atomic uint64_t scanners, over_budget, bans, turned_away;
};
const struct app_carry_guarded *app_carry_outer_guarded(const struct app_carry_outer *c);

struct edge_links *app_carry_outer_links(struct app_carry_outer *c);
const struct app_carry_counters *app_carry_outer_counters(const struct app_carry_outer *c);

#endif
