/* Reading from the store: everything at the start, one record after a change. */
#include "directory/directory_int.h"

enum { PAGE_BYTES_MAX = 64 << 20 };

static enum rc put(struct directory *d, struct table *t, struct record *r)
{
    if (!r) return RC_NOMEM;
    r->load = d->load;
    return table_put(t, r);
}

static enum rc put_line(struct directory *d, const struct store_line *row, struct arena *a,
                        struct store_why *why)
{
    struct store_names devices;
    enum rc rc = store_line_devices(d->store, row->pattern, a, &devices, why);
    return rc == RC_OK ? put(d, &d->lines, directory_line_record(row, &devices)) : rc;
}

/* --- all of it --- */

/* Walks one noun's pages; body is run for each row. */
#define LOAD_ALL(noun, body)                                                                       \
    static enum rc load_##noun##s(struct directory *d, struct store_why *why)                      \
    {                                                                                              \
        struct arena pages[2];                                                                     \
        struct store_page page = {0};                                                              \
        bool more = true;                                                                          \
        enum rc rc = RC_OK;                                                                        \
        arena_init(&pages[0], NULL, 0, PAGE_BYTES_MAX);                                            \
        arena_init(&pages[1], NULL, 0, PAGE_BYTES_MAX);                                            \
        for (unsigned turn = 0; rc == RC_OK && more; turn ^= 1) {                                  \
            struct arena *a = &pages[turn]; /* page.after lies in the other one */                 \
            struct store_##noun##s list;                                                           \
            arena_reset(a);                                                                        \
            rc = store_##noun##_list(d->store, &page, a, &list, why);                              \
            for (size_t i = 0; rc == RC_OK && i < list.count; i++) {                               \
                const struct store_##noun *row = &list.rows[i];                                    \
                rc = (body);                                                                       \
            }                                                                                      \
            if (rc != RC_OK) break;                                                                \
            more = list.more;                                                                      \
            if (more) page.after = *(const struct str *)(const void *)&list.rows[list.count - 1];  \
        }                                                                                          \
        arena_fini(&pages[0]);                                                                     \
        arena_fini(&pages[1]);                                                                     \
        return rc;                                                                                 \
    }
LOAD_ALL(user, put(d, &d->users, directory_user_record(row)))
LOAD_ALL(profile, put(d, &d->profiles, directory_profile_record(row)))
LOAD_ALL(node, put(d, &d->nodes, directory_node_record(row)))
LOAD_ALL(device, put(d, &d->devices, directory_device_record(row)))
LOAD_ALL(line, put_line(d, row, a, why))
LOAD_ALL(hunt_group, put(d, &d->hunt_groups, directory_hunt_group_record(row)))
LOAD_ALL(trunk, put(d, &d->trunks, directory_trunk_record(row)))

enum rc directory_load_all(struct directory *d, struct store_why *why)
{
    typedef enum rc load_fn(struct directory *, struct store_why *);
    static load_fn *const loads[] = {load_users, load_profiles,    load_nodes, load_devices,
                                     load_lines, load_hunt_groups, load_trunks};
    struct table *const tables[] = {&d->users, &d->profiles,    &d->nodes, &d->devices,
                                    &d->lines, &d->hunt_groups, &d->trunks};
    enum rc rc = RC_OK;
    d->load++;
    for (size_t i = 0; rc == RC_OK && i < sizeof loads / sizeof loads[0]; i++)
        rc = loads[i](d, why);
    for (int kind = 0; rc == RC_OK && kind < SNAPSHOT_COUNT; kind++)
        rc = directory_snapshot_load(d, (enum snapshot_kind)kind, why);
    for (size_t i = 0; rc == RC_OK && i < sizeof tables / sizeof tables[0]; i++)
        table_sweep(tables[i], d->load);
    return rc;
}

/* --- one record --- */

static enum rc load_user(struct directory *d, struct str key, struct arena *a,
                         struct store_why *why)
{
    struct store_user row;
    enum rc rc = store_user_get(d->store, key, a, &row, why);
    if (rc == RC_NOT_FOUND) table_remove(&d->users, key);
    return rc == RC_OK ? put(d, &d->users, directory_user_record(&row)) : rc;
}

static enum rc load_profile(struct directory *d, struct str key, struct arena *a,
                            struct store_why *why)
{
    struct store_profile row;
    enum rc rc = store_profile_get(d->store, key, a, &row, why);
    if (rc == RC_NOT_FOUND) table_remove(&d->profiles, key);
    return rc == RC_OK ? put(d, &d->profiles, directory_profile_record(&row)) : rc;
}

static enum rc load_line(struct directory *d, struct str key, struct arena *a,
                         struct store_why *why)
{
    struct store_line row;
    enum rc rc = store_line_get(d->store, key, a, &row, why);
    if (rc == RC_NOT_FOUND) table_remove(&d->lines, key);
    return rc == RC_OK ? put_line(d, &row, a, why) : rc;
}

static enum rc load_node(struct directory *d, struct str key, struct arena *a,
                         struct store_why *why)
{
    struct store_node row;
    enum rc rc = store_node_get(d->store, key, a, &row, why);
    if (rc == RC_NOT_FOUND) table_remove(&d->nodes, key);
    if (rc == RC_OK) rc = put(d, &d->nodes, directory_node_record(&row));
    return rc == RC_OK || rc == RC_NOT_FOUND ? directory_snapshot_load(d, SNAPSHOT_NODES, why) : rc;
}

static enum rc load_hunt_group(struct directory *d, struct str key, struct arena *a,
                               struct store_why *why)
{
    struct store_hunt_group row;
    enum rc rc = store_hunt_group_get(d->store, key, a, &row, why);
    if (rc == RC_NOT_FOUND) table_remove(&d->hunt_groups, key);
    return rc == RC_OK ? put(d, &d->hunt_groups, directory_hunt_group_record(&row)) : rc;
}

static enum rc load_trunk(struct directory *d, struct str key, struct arena *a,
                          struct store_why *why)
{
    struct store_trunk row;
    enum rc rc = store_trunk_get(d->store, key, a, &row, why);
    if (rc == RC_NOT_FOUND) table_remove(&d->trunks, key);
    if (rc == RC_OK) rc = put(d, &d->trunks, directory_trunk_record(&row));
    return rc == RC_OK || rc == RC_NOT_FOUND ? directory_snapshot_load(d, SNAPSHOT_TRUNKS, why)
                                             : rc;
}

/* Lines name the devices that carry them: those it had and those it has now. */
static enum rc load_lines_of(struct directory *d, const struct directory_device *dev,
                             struct arena *a, struct store_why *why)
{
    enum rc rc = RC_OK;
    for (size_t i = 0; dev && (rc == RC_OK || rc == RC_NOT_FOUND) && i < dev->line_count; i++)
        rc = load_line(d, dev->lines[i].pattern, a, why);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

static enum rc load_device(struct directory *d, struct str key, struct arena *a,
                           struct store_why *why)
{
    struct store_device row;
    const struct directory_device *old = directory_device_ref(d, key), *now = NULL;
    enum rc rc = store_device_get(d->store, key, a, &row, why);
    if (rc == RC_NOT_FOUND) {
        table_remove(&d->devices, key);
        rc = RC_OK;
    } else if (rc == RC_OK) {
        rc = put(d, &d->devices, directory_device_record(&row));
        now = directory_device_ref(d, key);
    }
    if (rc == RC_OK) rc = load_lines_of(d, old, a, why);
    if (rc == RC_OK) rc = load_lines_of(d, now, a, why);
    directory_device_unref(old);
    directory_device_unref(now);
    return rc;
}

enum rc directory_load_one(struct directory *d, enum store_kind kind, struct str key,
                           struct store_why *why)
{
    struct arena a;
    enum rc rc = RC_OK;
    arena_init(&a, NULL, 0, PAGE_BYTES_MAX);
    switch (kind) {
    case STORE_USER: rc = load_user(d, key, &a, why); break;
    case STORE_PROFILE: rc = load_profile(d, key, &a, why); break;
    case STORE_LINE: rc = load_line(d, key, &a, why); break;
    case STORE_DEVICE: rc = load_device(d, key, &a, why); break;
    case STORE_NODE: rc = load_node(d, key, &a, why); break;
    case STORE_PARAM: rc = directory_snapshot_load(d, SNAPSHOT_PARAMS, why); break;
    case STORE_EDGE: rc = directory_snapshot_load(d, SNAPSHOT_EDGES, why); break;
    case STORE_DOMAIN: rc = directory_snapshot_load(d, SNAPSHOT_DOMAINS, why); break;
    case STORE_ISSUER: rc = directory_snapshot_load(d, SNAPSHOT_ISSUERS, why); break;
    case STORE_HUNT_GROUP: rc = load_hunt_group(d, key, &a, why); break;
    case STORE_TRUNK: rc = load_trunk(d, key, &a, why); break;
    case STORE_ROUTE_PATTERN: rc = directory_snapshot_load(d, SNAPSHOT_ROUTES, why); break;
    case STORE_CERT:
    case STORE_TRUST:
    case STORE_KEY:
    case STORE_CLIENT:
    case STORE_GRANT:
    case STORE_UCM:
    case STORE_PEER:
    case STORE_ALLOW:
    case STORE_KIND_COUNT: break; /* others read these themselves */
    }
    arena_fini(&a);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}
