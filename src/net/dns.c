/* net/dns.c - SRV records out of a raw DNS answer, and the order to try them. The resolver library's
 * own parser drops the time to live. */
#include "net/dns_int.h"

#include <stdlib.h>

enum { HEADER_BYTES = 12, TYPE_SRV = 33, CLASS_IN = 1, JUMPS_MAX = 32, LABEL_MAX = 63 };

/* A cursor over the whole message: names point back into it. */
struct reader {
    struct bytes message;
    size_t at;
};

static bool take_u16(struct reader *r, uint16_t *out)
{
    if (r->message.n - r->at < 2) return false;
    const uint8_t *p = r->message.p + r->at;
    *out = (uint16_t)(p[0] << 8 | p[1]);
    r->at += 2;
    return true;
}

static bool take_u32(struct reader *r, uint32_t *out)
{
    uint16_t high, low;
    if (!take_u16(r, &high) || !take_u16(r, &low)) return false;
    *out = (uint32_t)high << 16 | low;
    return true;
}

static bool skip(struct reader *r, size_t n)
{
    if (r->message.n - r->at < n) return false;
    r->at += n;
    return true;
}

/* Letters, digits, '-' and '_' only: a host name that a log or a Via header can carry. */
static bool label_is_plain(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t c = p[i] | 0x20;
        if (!((c >= 'a' && c <= 'z') || (p[i] >= '0' && p[i] <= '9') || p[i] == '-' || p[i] == '_'))
            return false;
    }
    return true;
}

/* name = *label (root / pointer), RFC 1035, 3.1 and 4.1.4; text gets it with dots. A pointer is
 * followed JUMPS_MAX times at most; the cursor stays behind the name's own bytes. */
static bool take_name(struct reader *r, char text[NET_NAME_MAX + 1])
{
    size_t at = r->at, n = 0, after = 0;
    const uint8_t *p = r->message.p;
    for (int jumps = 0; at < r->message.n;) {
        uint8_t length = p[at++];
        if (length == 0) {
            r->at = after ? after : at;
            text[n] = '\0';
            return true;
        }
        if ((length & 0xc0) == 0xc0) {
            if (at == r->message.n || jumps++ == JUMPS_MAX) return false;
            if (!after) after = at + 1;
            at = (size_t)(length & 0x3f) << 8 | p[at];
            continue;
        }
        if (length > LABEL_MAX || r->message.n - at < length ||
            n + length + 1 > NET_NAME_MAX + 1U || !label_is_plain(p + at, length))
            return false;
        if (n > 0) text[n++] = '.';
        if (n + length > NET_NAME_MAX) return false;
        memcpy(text + n, p + at, length);
        n += length;
        at += length;
    }
    return false;
}

/* A name whose text is of no interest: owner names may hold any byte. */
static bool skip_name(struct reader *r)
{
    while (r->at < r->message.n) {
        uint8_t length = r->message.p[r->at++];
        if (length == 0) return true;
        if ((length & 0xc0) == 0xc0) return skip(r, 1);
        if (length > LABEL_MAX || !skip(r, length)) return false;
    }
    return false;
}

static bool take_srv(struct reader *r, struct net_srv *srv)
{
    return take_u16(r, &srv->priority) && take_u16(r, &srv->weight) && take_u16(r, &srv->port) &&
           take_name(r, srv->target);
}

/* One resource record; *is_srv says whether *srv and *ttl_s were read. */
static bool take_record(struct reader *r, struct net_srv *srv, uint32_t *ttl_s, bool *is_srv)
{
    uint16_t type, class, length;
    if (!skip_name(r) || !take_u16(r, &type) || !take_u16(r, &class) || !take_u32(r, ttl_s) ||
        !take_u16(r, &length))
        return false;
    size_t start = r->at;
    if (!skip(r, length)) return false;
    *is_srv = type == TYPE_SRV && class == CLASS_IN;
    if (!*is_srv) return true;
    struct reader data = {r->message, start};
    return take_srv(&data, srv) && data.at == r->at;
}

enum rc dns_srv_parse(struct bytes answer, struct net_srv *out, size_t *count, uint32_t *ttl_s)
{
    struct reader r = {answer, 4};
    uint16_t questions, answers, unused;
    size_t found = 0;
    uint32_t least_s = UINT32_MAX;
    if (answer.n < HEADER_BYTES || !take_u16(&r, &questions) || !take_u16(&r, &answers) ||
        !take_u16(&r, &unused) || !take_u16(&r, &unused))
        return RC_MALFORMED;
    while (questions-- > 0)
        if (!skip_name(&r) || !skip(&r, 4)) return RC_MALFORMED;
    while (answers-- > 0 && found < NET_RESOLVED_MAX) {
        uint32_t record_ttl_s;
        bool is_srv;
        if (!take_record(&r, &out[found], &record_ttl_s, &is_srv)) return RC_MALFORMED;
        if (!is_srv) continue;
        if (record_ttl_s < least_s) least_s = record_ttl_s;
        found++;
    }
    if (found == 0) return RC_NOT_FOUND;
    *count = found;
    *ttl_s = least_s;
    return RC_OK;
}

static int by_priority_then_weight(const void *a, const void *b)
{
    const struct net_srv *x = a, *y = b;
    if (x->priority != y->priority) return x->priority < y->priority ? -1 : 1;
    return (x->weight > y->weight) - (x->weight < y->weight); /* weight 0 first, as the RFC asks */
}

/* Moves the record that the number falls on to the front of srvs, keeping the others' order. */
static void pick_first(struct net_srv *srvs, size_t count, const struct random_source *random)
{
    uint64_t sum = 0, running = 0;
    for (size_t i = 0; i < count; i++)
        sum += srvs[i].weight;
    uint64_t number = random_below(random, sum + 1);
    for (size_t i = 0; i < count; i++) {
        running += srvs[i].weight;
        if (running < number) continue;
        struct net_srv picked = srvs[i];
        memmove(srvs + 1, srvs, i * sizeof *srvs);
        srvs[0] = picked;
        return;
    }
}

void dns_srv_order(struct net_srv *srvs, size_t count, const struct random_source *random)
{
    if (count == 0) return;
    qsort(srvs, count, sizeof *srvs, by_priority_then_weight);
    for (size_t start = 0; start < count; start++) {
        size_t end = start + 1;
        while (end < count && srvs[end].priority == srvs[start].priority)
            end++;
        pick_first(srvs + start, end - start, random);
    }
}
