#include "call/trunk.h"

#include "net/tls.h"
#include "sip/uri.h"

static const struct str label_mark = STR_INIT("trunk:");

void call_trunk_label(struct str name, char out[CALL_TRUNK_LABEL_MAX + 1])
{
    size_t n = name.n < CALL_TRUNK_LABEL_MAX - label_mark.n ? name.n
                                                            : CALL_TRUNK_LABEL_MAX - label_mark.n;
    memcpy(out, label_mark.p, label_mark.n);
    if (n > 0) memcpy(out + label_mark.n, name.p, n);
    out[label_mark.n + n] = '\0';
}

bool call_trunk_is_label(struct str label)
{
    return str_starts(label, label_mark);
}

/* ---- who calls ---- */

static bool is_in_network(const struct net_addr *peer, struct str word)
{
    struct net_addr base;
    ptrdiff_t slash = str_find_char(word, '/');
    struct str ip = slash == STR_NPOS ? word : str_sub(word, 0, (size_t)slash);
    if (net_addr_parse_ip(ip, 0, &base) != RC_OK || base.family != peer->family) return false;
    uint64_t bits = base.family == NET_V4 ? 32 : 128;
    if (slash != STR_NPOS &&
        str_to_u64(str_sub(word, (size_t)slash + 1, word.n), bits, &bits) != RC_OK)
        return false;
    size_t whole = (size_t)(bits / 8), rest = (size_t)(bits % 8);
    if (memcmp(base.ip, peer->ip, whole) != 0) return false;
    return rest == 0 || (base.ip[whole] ^ peer->ip[whole]) >> (8 - rest) == 0;
}

bool call_trunk_is_peer(const struct store_trunk *t, const struct siptx_flow *f)
{
    struct str rest = t->peers, word;
    if (!t->enabled || call_trunk_transport(t->transport) != (enum siptx_transport)f->transport)
        return false;
    while (str_split(&rest, ' ', &word)) {
        if (word.n == 0) continue;
        if (is_in_network(&f->peer, word)) return true;
        if (f->tls_peer && net_tls_peer_has_name(f->tls_peer, word)) return true;
    }
    return false;
}

const struct directory_trunk *call_trunk_find(struct directory *d, const struct siptx_flow *f)
{
    const struct directory_trunks *all = directory_trunks_ref(d);
    const struct directory_trunk *found = NULL;
    for (size_t i = 0; all && i < all->count && !found; i++)
        if (call_trunk_is_peer(&all->rows[i], f)) found = directory_trunk_ref(d, all->rows[i].name);
    directory_trunks_unref(all);
    return found;
}

/* ---- what it is asked for ---- */

void call_trunk_print_uri(struct buf *out, const struct directory_trunk *t, struct str number)
{
    bool is_v6 = str_find_char(t->host, ':') != STR_NPOS;
    buf_put_lit(out, "sip:");
    if (number.n > 0) {
        sip_uri_print_user(out, number);
        buf_put_char(out, '@');
    }
    if (is_v6) buf_put_char(out, '[');
    buf_put_str(out, t->host);
    if (is_v6) buf_put_char(out, ']');
    if (t->port > 0) {
        buf_put_char(out, ':');
        buf_put_u64(out, (uint64_t)t->port);
    }
    if (t->transport == STORE_TCP) buf_put_lit(out, ";transport=tcp");
    if (t->transport == STORE_TLS) buf_put_lit(out, ";transport=tls");
}
