/* directory/directory_int.h - what the files of this room share. */
#ifndef DIRECTORY_DIRECTORY_INT_H
#define DIRECTORY_DIRECTORY_INT_H
#include "base/arena.h"
#include "directory/dialplan.h"
#include "directory/directory.h"
#include "directory/pattern.h"
#include "directory/table_int.h"

/* Small tables kept whole. */
enum snapshot_kind {
    SNAPSHOT_NODES,
    SNAPSHOT_EDGES,
    SNAPSHOT_DOMAINS,
    SNAPSHOT_ISSUERS,
    SNAPSHOT_PARAMS,
    SNAPSHOT_TRUNKS,
    SNAPSHOT_ROUTES,
    SNAPSHOT_COUNT
};

/* Route patterns with the table that finds them. */
struct directory_routes {
    const struct store_route_pattern *rows;
    size_t count;
    const struct pattern_table *table;
};

struct snapshot {
    atomic_uint refs;
    struct arena arena; /* holds everything the public part points to */
    union {
        struct directory_nodes nodes;
        struct directory_edges edges;
        struct directory_domains domains;
        struct directory_issuers issuers;
        struct directory_params params;
        struct directory_trunks trunks;
        struct directory_routes routes;
    } pub;
};

struct directory_subscriber {
    directory_change_fn *fn;
    void *ctx;
};

struct directory {
    struct store *store;
    struct table users, profiles, devices, lines, nodes, hunt_groups, trunks;
    pthread_mutex_t
        applying; /* one change is read and swapped at a time, so that no older one comes last */
    unsigned load;
    pthread_rwlock_t looking; /* guards the snapshot pointers */
    struct snapshot *snapshots[SNAPSHOT_COUNT];
    atomic_uint_fast64_t params_generation, failed;
    pthread_rwlock_t telling;
    struct directory_subscriber subscribers[DIRECTORY_SUBSCRIBER_MAX];
    size_t subscriber_count;
};

/* records.c: a record from a row; NULL: no memory. */
struct record *directory_user_record(const struct store_user *row);
struct record *directory_profile_record(const struct store_profile *row);
struct record *directory_device_record(const struct store_device *row);
struct record *directory_line_record(const struct store_line *row,
                                     const struct store_names *devices);
struct record *directory_node_record(const struct store_node *row);

struct record *directory_hunt_group_record(const struct store_hunt_group *row);
struct record *directory_trunk_record(const struct store_trunk *row);

/* snapshot.c: the route patterns, counted. */
const struct directory_routes *directory_routes_ref(struct directory *d);
const struct directory_routes *directory_routes_unref(const struct directory_routes *r);

/* snapshot.c: reads the table and swaps it in. */
MUST_CHECK enum rc directory_snapshot_load(struct directory *d, enum snapshot_kind kind,
                                           struct store_why *why);
void directory_snapshot_unref(struct snapshot *s);

/* load.c */
MUST_CHECK enum rc directory_load_all(struct directory *d, struct store_why *why);
/* What one key of the store says now; RC_OK also when it is gone. The applying lock is held. */
MUST_CHECK enum rc directory_load_one(struct directory *d, enum store_kind kind, struct str key,
                                      struct store_why *why);

#endif
