#include "directory/directory_int.h"
#include <stdio.h>
#include <stdlib.h>

enum { SNAPSHOT_BYTES_MAX = 256 << 20, SNAPSHOT_ROWS_MAX = 20000 };

static struct snapshot *snapshot_of(const void *pub)
{
    return (struct snapshot *)((uintptr_t)pub - offsetof(struct snapshot, pub));
}

void directory_snapshot_unref(struct snapshot *s)
{
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1) return;
    arena_fini(&s->arena);
    free(s);
}

static const void *snapshot_ref(struct directory *d, enum snapshot_kind kind)
{
    pthread_rwlock_rdlock(&d->looking);
    struct snapshot *s = d->snapshots[kind];
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    pthread_rwlock_unlock(&d->looking);
    return &s->pub;
}

/* --- reading whole tables: page by page into one array --- */

struct rows {
    void *p;
    size_t count;
};
/* One page; *rows etc. as the store's list calls give them. */
typedef enum rc page_fn(struct store *s, const struct store_page *page, struct arena *a,
                        struct rows *out, bool *more, struct store_why *why);

#define PAGE_FN(noun)                                                                              \
    static enum rc noun##_page(struct store *s, const struct store_page *page, struct arena *a,    \
                               struct rows *out, bool *more, struct store_why *why)                \
    {                                                                                              \
        struct store_##noun##s list;                                                               \
        enum rc rc = store_##noun##_list(s, page, a, &list, why);                                  \
        if (rc != RC_OK) return rc;                                                                \
        *out = (struct rows){list.rows, list.count};                                               \
        *more = list.more;                                                                         \
        return RC_OK;                                                                              \
    }
PAGE_FN(node)
PAGE_FN(edge)
PAGE_FN(domain)
PAGE_FN(issuer)
PAGE_FN(trunk)
PAGE_FN(route_pattern)

/* The key is the first member of each of these structs. */
static enum rc read_rows(struct store *s, page_fn *page_of, size_t size, struct arena *a,
                         struct rows *out, struct store_why *why)
{
    struct store_page page = {0};
    bool more = true;
    *out = (struct rows){0};
    while (more) {
        struct rows one;
        enum rc rc = page_of(s, &page, a, &one, &more, why);
        if (rc != RC_OK) return rc;
        if (out->count + one.count > SNAPSHOT_ROWS_MAX) return RC_TOO_BIG;
        if (out->count == 0) {
            *out = one;
        } else {
            char *all = arena_array_zalloc(a, size, out->count + one.count);
            if (!all) return RC_NOMEM;
            memcpy(all, out->p, out->count * size);
            memcpy(all + out->count * size, one.p, one.count * size);
            *out = (struct rows){all, out->count + one.count};
        }
        if (more)
            page.after = *(const struct str *)(const void *)((char *)out->p +
                                                             (out->count - 1) * size);
    }
    return RC_OK;
}

/* --- nodes, domains, issuers --- */

static int by_priority(const void *a, const void *b)
{
    const struct store_node *x = a, *y = b;
    return x->priority != y->priority ? (x->priority < y->priority ? -1 : 1)
                                      : str_cmp(x->name, y->name);
}

static enum rc build_nodes(struct directory *d, struct snapshot *s, struct store_why *why)
{
    struct rows rows;
    enum rc rc = read_rows(d->store, node_page, sizeof(struct store_node), &s->arena, &rows, why);
    if (rc != RC_OK) return rc;
    if (rows.count) qsort(rows.p, rows.count, sizeof(struct store_node), by_priority);
    s->pub.nodes = (struct directory_nodes){rows.p, rows.count};
    return RC_OK;
}

static enum rc build_domains(struct directory *d, struct snapshot *s, struct store_why *why)
{
    struct rows rows;
    enum rc rc = read_rows(d->store, domain_page, sizeof(struct store_domain), &s->arena, &rows,
                           why);
    if (rc == RC_OK) s->pub.domains = (struct directory_domains){rows.p, rows.count};
    return rc;
}

static enum rc build_issuers(struct directory *d, struct snapshot *s, struct store_why *why)
{
    struct rows rows;
    enum rc rc = read_rows(d->store, issuer_page, sizeof(struct store_issuer), &s->arena, &rows,
                           why);
    if (rc == RC_OK) s->pub.issuers = (struct directory_issuers){rows.p, rows.count};
    return rc;
}

/* --- trunks and route patterns --- */

static enum rc build_trunks(struct directory *d, struct snapshot *s, struct store_why *why)
{
    struct rows rows;
    enum rc rc = read_rows(d->store, trunk_page, sizeof(struct store_trunk), &s->arena, &rows, why);
    if (rc == RC_OK) s->pub.trunks = (struct directory_trunks){rows.p, rows.count};
    return rc;
}

static enum rc build_routes(struct directory *d, struct snapshot *s, struct store_why *why)
{
    struct rows rows;
    struct directory_routes *r = &s->pub.routes;
    size_t bad;
    enum rc rc = read_rows(d->store, route_pattern_page, sizeof(struct store_route_pattern),
                           &s->arena, &rows, why);
    if (rc != RC_OK) return rc;
    r->rows = rows.p;
    r->count = rows.count;
    struct str *texts = ARENA_ARRAY(&s->arena, struct str, r->count);
    if (!texts) return RC_NOMEM;
    for (size_t i = 0; i < r->count; i++)
        texts[i] = r->rows[i].pattern;
    rc = pattern_table_new(texts, r->count, &s->arena, &r->table, &bad);
    if (rc != RC_OK && rc != RC_NOMEM && why)
        snprintf(why->text, sizeof why->text, "the route pattern %.*s cannot be read",
                 STR_ARG(texts[bad]));
    return rc;
}

/* --- trusted edges --- */

static enum rc split_names(struct str text, struct arena *a, struct directory_edge *out)
{
    struct str rest = text, part;
    size_t count = 1;
    for (size_t i = 0; i < text.n; i++)
        count += text.p[i] == ',';
    struct str *names = ARENA_ARRAY(a, struct str, count);
    if (!names) return RC_NOMEM;
    while (str_split(&rest, ',', &part)) {
        part = str_trim(part);
        if (part.n) names[out->name_count++] = part;
    }
    out->names = names;
    return RC_OK;
}

static enum rc build_edges(struct directory *d, struct snapshot *s, struct store_why *why)
{
    struct rows rows;
    enum rc rc = read_rows(d->store, edge_page, sizeof(struct store_edge), &s->arena, &rows, why);
    if (rc != RC_OK) return rc;
    const struct store_edge *from = rows.p;
    struct directory_edge *to = ARENA_ARRAY(&s->arena, struct directory_edge, rows.count);
    if (!to) return RC_NOMEM;
    for (size_t i = 0; rc == RC_OK && i < rows.count; i++) {
        to[i] = (struct directory_edge){.pkid = from[i].pkid,
                                        .host_or_ip = from[i].host_or_ip,
                                        .description = from[i].description};
        rc = split_names(from[i].x509_names, &s->arena, &to[i]);
    }
    s->pub.edges = (struct directory_edges){to, rows.count};
    return rc;
}

static struct str without_dot(struct str name)
{
    return name.n && name.p[name.n - 1] == '.' ? str_sub(name, 0, name.n - 1) : name;
}

const struct directory_edge *directory_edges_find(const struct directory_edges *e, struct str name)
{
    name = without_dot(name);
    for (size_t i = 0; name.n && i < e->count; i++)
        for (size_t j = 0; j < e->rows[i].name_count; j++)
            if (str_eq_nocase(without_dot(e->rows[i].names[j]), name)) return &e->rows[i];
    return NULL;
}

/* --- parameters --- */

static int64_t number_of(const struct store_param_def *def, struct str value)
{
    uint64_t n = 0;
    struct str rest = str_from(def->choices), one;
    if (def->type == STORE_PARAM_BOOL) return str_eq(value, STR("1"));
    if (def->type == STORE_PARAM_INT)
        return str_to_u64(value, INT64_MAX, &n) == RC_OK ? (int64_t)n : 0;
    if (def->type != STORE_PARAM_CHOICE) return 0;
    for (int64_t i = 0; str_split(&rest, '|', &one); i++)
        if (str_eq(value, one)) return i;
    return 0;
}

static enum rc build_params(struct directory *d, struct snapshot *s, struct store_why *why)
{
    struct store_params *stored = ARENA_NEW(&s->arena, struct store_params);
    struct directory_params *p = &s->pub.params;
    if (!stored) return RC_NOMEM;
    enum rc rc = store_param_list(d->store, &s->arena, stored, why);
    if (rc != RC_OK) return rc;
    for (int i = 0; i < STORE_P_COUNT; i++) {
        const struct store_param_def *def = store_param_def((enum store_param_id)i);
        if (store_param_check(def, stored->rows[i].value, &p->text[i], NULL) != RC_OK)
            p->text[i] = str_from(def->def);
        p->number[i] = number_of(def, p->text[i]);
    }
    p->generation = atomic_load(&d->params_generation) + 1;
    return RC_OK;
}

/* --- swapping --- */

enum rc directory_snapshot_load(struct directory *d, enum snapshot_kind kind, struct store_why *why)
{
    typedef enum rc build_fn(struct directory *, struct snapshot *, struct store_why *);
    static build_fn *const build[SNAPSHOT_COUNT] = {build_nodes,   build_edges,  build_domains,
                                                    build_issuers, build_params, build_trunks,
                                                    build_routes};
    struct snapshot *s = calloc(1, sizeof *s), *old;
    if (!s) return RC_NOMEM;
    atomic_init(&s->refs, 1);
    arena_init(&s->arena, NULL, 0, SNAPSHOT_BYTES_MAX);
    enum rc rc = build[kind](d, s, why);
    if (rc != RC_OK) {
        directory_snapshot_unref(s);
        return rc;
    }
    pthread_rwlock_wrlock(&d->looking);
    old = d->snapshots[kind];
    d->snapshots[kind] = s;
    if (kind == SNAPSHOT_PARAMS) atomic_store(&d->params_generation, s->pub.params.generation);
    pthread_rwlock_unlock(&d->looking);
    directory_snapshot_unref(old);
    return RC_OK;
}

/* --- the public side --- */

#define SNAPSHOT(noun, kind)                                                                       \
    const struct directory_##noun *directory_##noun##_ref(struct directory *d)                     \
    {                                                                                              \
        return snapshot_ref(d, kind);                                                              \
    }                                                                                              \
    const struct directory_##noun *directory_##noun##_unref(const struct directory_##noun *x)      \
    {                                                                                              \
        if (x) directory_snapshot_unref(snapshot_of(x));                                           \
        return NULL;                                                                               \
    }
SNAPSHOT(nodes, SNAPSHOT_NODES)
SNAPSHOT(edges, SNAPSHOT_EDGES)
SNAPSHOT(domains, SNAPSHOT_DOMAINS)
SNAPSHOT(issuers, SNAPSHOT_ISSUERS)
SNAPSHOT(params, SNAPSHOT_PARAMS)
SNAPSHOT(trunks, SNAPSHOT_TRUNKS)
SNAPSHOT(routes, SNAPSHOT_ROUTES)

uint64_t directory_params_generation(const struct directory *d)
{
    return atomic_load_explicit(&d->params_generation, memory_order_acquire);
}

int64_t directory_param_number(struct directory *d, enum store_param_id id)
{
    pthread_rwlock_rdlock(&d->looking);
    int64_t n = d->snapshots[SNAPSHOT_PARAMS]->pub.params.number[id];
    pthread_rwlock_unlock(&d->looking);
    return n;
}
