#include "edge/guard.h"

#include "base/list.h"
#include "base/map.h"

#include <stdlib.h>
#include <string.h>

struct source {
    struct list link; /* the one struck least lately first; registered ones are not in it */
    uint64_t key[2];
    unsigned strikes, phones;
    int64_t first_s, banned_until_s;
};

struct edge_guard {
    struct clock clock;
    struct map by_key;
    struct list idle; /* those without phones */
};

enum rc edge_guard_new(const struct clock *clock, const struct random_source *random,
                       struct edge_guard **out)
{
    struct edge_guard *g = calloc(1, sizeof *g);
    if (!g) return RC_NOMEM;
    g->clock = *clock;
    map_init(&g->by_key, (struct hash_key){random_u64(random), random_u64(random)}, false);
    list_init(&g->idle);
    *out = g;
    return RC_OK;
}

static struct str key_text(const uint64_t key[2])
{
    return str_of((const char *)key, 2 * sizeof *key);
}

struct edge_guard *edge_guard_free(struct edge_guard *g)
{
    struct str key;
    void *value;
    size_t at = 0;
    if (!g) return NULL;
    while (map_next(&g->by_key, &at, &key, &value))
        free(value);
    map_fini(&g->by_key);
    free(g);
    return NULL;
}

/* ---- who it is ---- */

bool edge_guard_is_scanner(struct str user_agent)
{
    static const struct str names[] = {
        STR_INIT("friendly-scanner"),
        STR_INIT("friendly-request"),
        STR_INIT("sipvicious"),
        STR_INIT("sipsak"),
        STR_INIT("sip-scan"),
        STR_INIT("sipcli"),
        STR_INIT("sipptk"),
        STR_INIT("sundayddr"),
        STR_INIT("iwar"),
        STR_INIT("siparmyknife"),
        STR_INIT("vaxsipuseragent"),
        STR_INIT("pplsip"),
        STR_INIT("nm@nmap"),
        STR_INIT("smap"),
        STR_INIT("voipscan"),
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_starts_nocase(user_agent, names[i])) return true;
    return false;
}

static void key_of(const struct net_addr *addr, uint64_t key[2])
{
    bool v6;
    key[0] = net_addr_source(addr, &v6);
    key[1] = v6;
}

static struct source *find(struct edge_guard *g, const struct net_addr *addr)
{
    uint64_t key[2];
    key_of(addr, key);
    return map_find(&g->by_key, key_text(key));
}

static void forget(struct edge_guard *g, struct source *s)
{
    map_remove(&g->by_key, key_text(s->key));
    list_remove(&s->link);
    free(s);
}

static struct source *get(struct edge_guard *g, const struct net_addr *addr)
{
    struct source *s = find(g, addr);
    struct list *oldest;
    if (s) return s;
    while (g->by_key.count >= EDGE_GUARD_ADDRESSES_MAX && (oldest = list_first(&g->idle)) != NULL)
        forget(g, LIST_OF(oldest, struct source, link));
    s = calloc(1, sizeof *s);
    if (!s) return NULL;
    key_of(addr, s->key);
    list_init(&s->link);
    if (map_put(&g->by_key, key_text(s->key), s, NULL) != RC_OK) {
        free(s);
        return NULL;
    }
    list_push_back(&g->idle, &s->link);
    return s;
}

/* ---- strikes ---- */

bool edge_guard_strike(struct edge_guard *g, const struct net_addr *addr)
{
    int64_t now_s = clock_mono_ms(&g->clock) / 1000;
    struct source *s = get(g, addr);
    if (!s || s->phones > 0) return false;
    list_remove(&s->link);
    list_push_back(&g->idle, &s->link);
    if (s->strikes == 0 || now_s - s->first_s > EDGE_GUARD_WINDOW_S) {
        s->strikes = 0;
        s->first_s = now_s;
    }
    if (++s->strikes < EDGE_GUARD_STRIKES) return false;
    s->strikes = 0;
    s->banned_until_s = now_s + EDGE_GUARD_BAN_S;
    return true;
}

bool edge_guard_is_banned(struct edge_guard *g, const struct net_addr *addr)
{
    const struct source *s = find(g, addr);
    return s && s->phones == 0 && s->banned_until_s > clock_mono_ms(&g->clock) / 1000;
}

void edge_guard_registered(struct edge_guard *g, const struct net_addr *addr, bool is_registered)
{
    struct source *s = is_registered ? get(g, addr) : find(g, addr);
    if (!s) return;
    if (is_registered) {
        if (s->phones++ == 0) list_remove(&s->link);
    } else if (s->phones > 0 && --s->phones == 0) {
        list_push_back(&g->idle, &s->link);
    }
}

size_t edge_guard_bans(struct edge_guard *g)
{
    int64_t now_s = clock_mono_ms(&g->clock) / 1000;
    size_t count = 0;
    LIST_FOR_EACH(at, &g->idle)
    {
        if (LIST_OF(at, struct source, link)->banned_until_s > now_s) count++;
    }
    return count;
}
