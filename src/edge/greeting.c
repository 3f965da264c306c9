#include "edge/greeting.h"

#include "base/cur.h"

#include <inttypes.h>

void edge_greeting_print(const struct edge_greeting *g, struct buf *out)
{
    buf_printf(out, "Bearline-Edge: epoch=%" PRIu64 ", clock=%" PRId64 "\r\n", g->epoch,
               g->clock_ms);
}

/* What stands behind "name=" up to the next comma. */
static struct str part(struct str value, struct str name)
{
    struct str rest = value, item;
    while (str_split(&rest, ',', &item)) {
        item = str_trim(item);
        if (str_starts(item, name)) return str_sub(item, name.n, item.n);
    }
    return STR("");
}

bool edge_greeting_read(const struct sip_message *m, struct edge_greeting *out)
{
    for (unsigned i = 0; i < m->header_count; i++) {
        const struct sip_header *h = &m->headers[i];
        uint64_t clock;
        if (!str_eq_nocase(h->name, STR("Bearline-Edge"))) continue;
        if (str_to_u64(part(h->value, STR("epoch=")), UINT64_MAX, &out->epoch) != RC_OK ||
            str_to_u64(part(h->value, STR("clock=")), INT64_MAX, &clock) != RC_OK)
            return false;
        out->clock_ms = (int64_t)clock;
        return true;
    }
    return false;
}
