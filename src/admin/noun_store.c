/* The store's typed calls behind one shape, so that the common handlers serve every noun. */
#include "admin/api_int.h"
#include "base/check.h"

#define WRAP(noun)                                                                                 \
    static enum rc noun##_get(struct store *s, struct str key, struct arena *a, void *out,         \
                              struct store_why *why)                                               \
    {                                                                                              \
        return store_##noun##_get(s, key, a, out, why);                                            \
    }                                                                                              \
    static enum rc noun##_list(struct store *s, const struct store_page *page, struct arena *a,    \
                               void **rows, size_t *count, bool *more, struct store_why *why)      \
    {                                                                                              \
        struct store_##noun##s found;                                                              \
        enum rc rc = store_##noun##_list(s, page, a, &found, why);                                 \
        if (rc != RC_OK) return rc;                                                                \
        *rows = found.rows;                                                                        \
        *count = found.count;                                                                      \
        *more = found.more;                                                                        \
        return RC_OK;                                                                              \
    }                                                                                              \
    static enum rc noun##_put(struct store *s, const struct store_by *by, enum store_put how,      \
                              const void *row, struct store_why *why)                              \
    {                                                                                              \
        return store_##noun##_put(s, by, how, row, why);                                           \
    }                                                                                              \
    static enum rc noun##_remove(struct store *s, const struct store_by *by, struct str key,       \
                                 struct store_why *why)                                            \
    {                                                                                              \
        return store_##noun##_remove(s, by, key, why);                                             \
    }

WRAP(user)
WRAP(device)
WRAP(line)
WRAP(profile)
WRAP(node)
WRAP(issuer)
WRAP(domain)
WRAP(edge)
WRAP(client)
WRAP(cert)
WRAP(trust)
WRAP(hunt_group)
WRAP(trunk)
WRAP(route_pattern)
WRAP(ucm)
WRAP(peer)
WRAP(allow)

#define ROW(id, noun) [id] = {noun##_get, noun##_list, noun##_put, noun##_remove}
static const struct noun_store stores[ADMIN_NOUN_COUNT] = {
    ROW(ADMIN_USER, user),     ROW(ADMIN_DEVICE, device),
    ROW(ADMIN_LINE, line),     ROW(ADMIN_PROFILE, profile),
    ROW(ADMIN_NODE, node),     ROW(ADMIN_ISSUER, issuer),
    ROW(ADMIN_DOMAIN, domain), ROW(ADMIN_EDGE, edge),
    ROW(ADMIN_CLIENT, client), ROW(ADMIN_CERT, cert),
    ROW(ADMIN_TRUST, trust),   ROW(ADMIN_HUNT_GROUP, hunt_group),
    ROW(ADMIN_TRUNK, trunk),   ROW(ADMIN_ROUTE_PATTERN, route_pattern),
    ROW(ADMIN_UCM, ucm),       ROW(ADMIN_PEER, peer),
    ROW(ADMIN_ALLOW, allow),
};

const struct noun_store *noun_store(const struct admin_noun *noun)
{
    for (int i = 0; i < ADMIN_NOUN_COUNT; i++)
        if (admin_noun((enum admin_noun_id)i) == noun) return &stores[i];
    CHECK(!"a noun of the table");
    return NULL;
}
