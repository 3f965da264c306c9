#include "call/edgeflows.h"

#include "base/list.h"
#include "base/map.h"
#include "sip/values.h"

#include <stdlib.h>
#include <string.h>

struct entry {
    struct list link; /* the one heard least lately first */
    void *what;
    size_t name_n;
    char name[CALL_EDGE_FLOW_LEN_MAX];
};

struct edge_flows {
    struct map by_name;
    struct list order;
};

static bool is_good(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_' || c == '.';
}

struct str call_edge_flow_read(struct str via_params)
{
    struct sip_param p;
    if (!sip_param_find(via_params, STR("edge-flow"), &p)) return STR("");
    if (p.value.n > CALL_EDGE_FLOW_LEN_MAX) return STR("");
    for (size_t i = 0; i < p.value.n; i++)
        if (!is_good(p.value.p[i])) return STR("");
    return p.value;
}

static void entry_drop(struct edge_flows *e, struct entry *x)
{
    map_remove(&e->by_name, str_of(x->name, x->name_n));
    list_remove(&x->link);
    free(x->what);
    free(x);
}

static void flows_free(void *user)
{
    struct edge_flows *e = user;
    struct list *first;
    if (!e) return;
    while ((first = list_first(&e->order)) != NULL)
        entry_drop(e, LIST_OF(first, struct entry, link));
    map_fini(&e->by_name);
    free(e);
}

static struct edge_flows *flows_new(struct siptx_flow *f, const struct random_source *random)
{
    struct edge_flows *e = calloc(1, sizeof *e);
    if (!e) return NULL;
    /* Names are the edges' own, but a phone may have chosen what an edge made one of. */
    map_init(&e->by_name, (struct hash_key){random_u64(random), random_u64(random)}, false);
    list_init(&e->order);
    siptx_flow_set_user(f, e, flows_free);
    return e;
}

void *call_edge_flows_find(const struct siptx_flow *f, struct str name)
{
    struct edge_flows *e = f->user;
    struct entry *x = e && name.n > 0 ? map_find(&e->by_name, name) : NULL;
    if (!x) return NULL;
    list_remove(&x->link);
    list_push_back(&e->order, &x->link);
    return x->what;
}

static struct entry *entry_new(struct edge_flows *e, struct str name)
{
    struct entry *x = calloc(1, sizeof *x);
    if (!x) return NULL;
    x->name_n = name.n;
    memcpy(x->name, name.p, name.n);
    if (e->by_name.count >= CALL_EDGE_FLOWS_MAX)
        entry_drop(e, LIST_OF(list_first(&e->order), struct entry, link));
    if (map_put(&e->by_name, str_of(x->name, x->name_n), x, NULL) != RC_OK) {
        free(x);
        return NULL;
    }
    list_push_back(&e->order, &x->link);
    return x;
}

enum rc call_edge_flows_put(struct siptx_flow *f, struct str name, void *what,
                            const struct random_source *random)
{
    struct edge_flows *e = f->user ? f->user : flows_new(f, random);
    if (name.n == 0 || name.n > CALL_EDGE_FLOW_LEN_MAX) return RC_INVALID;
    struct entry *x = e ? map_find(&e->by_name, name) : NULL;
    if (!x && e) x = entry_new(e, name);
    if (!x) return RC_NOMEM;
    free(x->what);
    x->what = what;
    return RC_OK;
}

size_t call_edge_flows_count(const struct siptx_flow *f)
{
    const struct edge_flows *e = f->user;
    return e ? e->by_name.count : 0;
}
