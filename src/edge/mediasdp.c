#include "edge/mediasdp.h"

#include "edge/hop.h"

static const struct str call_name = STR_INIT("bearline-call");

bool edge_sdp_is_relayed(const struct sip_sdp *sdp, unsigned index)
{
    if (index >= sdp->media_count || index >= EDGE_STREAMS_MAX) return false;
    const struct sip_sdp_media *m = &sdp->media[index];
    return m->port != 0 && (sip_sdp_is_rtp(m->proto) || str_eq_nocase(m->proto_text, STR("udptl")));
}

enum rc edge_sdp_place(const struct sip_sdp_media *m, struct net_addr *rtp, struct net_addr *rtcp)
{
    struct sip_host host;
    uint16_t port;
    *rtcp = (struct net_addr){.family = NET_NONE};
    if (net_addr_parse_ip(m->address.text, m->port, rtp) != RC_OK) return RC_UNSUPPORTED;
    if (!sip_sdp_rtcp(m, &port, &host) || (port == m->port && m->rtcp_mux)) return RC_OK;
    if (net_addr_parse_ip(host.text, port, rtcp) != RC_OK) *rtcp = (struct net_addr){0};
    return RC_OK;
}

/* ---- lines ---- */

/* One line with its end; false: no more. */
static bool next_line(struct str *rest, struct str *line)
{
    if (rest->n == 0) return false;
    ptrdiff_t end = str_find_char(*rest, '\n');
    size_t n = end < 0 ? rest->n : (size_t)end + 1;
    *line = str_sub(*rest, 0, n);
    *rest = str_sub(*rest, n, rest->n);
    return true;
}

/* "a=NAME" or "a=NAME:...", any case. */
static bool is_attr(struct str line, struct str name)
{
    if (!str_starts(line, STR("a=")) || line.n < 2 + name.n) return false;
    if (!str_eq_nocase(str_sub(line, 2, 2 + name.n), name)) return false;
    char after = line.n > 2 + name.n ? line.p[2 + name.n] : '\n';
    return after == ':' || after == '\r' || after == '\n';
}

static bool is_left_out(struct str line)
{
    static const struct str names[] = {
        STR_INIT("candidate"),   STR_INIT("remote-candidates"), STR_INIT("end-of-candidates"),
        STR_INIT("ice-ufrag"),   STR_INIT("ice-pwd"),           STR_INIT("ice-lite"),
        STR_INIT("ice-options"), STR_INIT("ice-mismatch"),      STR_INIT("ice-pacing"),
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (is_attr(line, names[i])) return true;
    return is_attr(line, call_name);
}

static void put_ip(const struct net_addr *addr, struct buf *out)
{
    buf_put_str(out, addr->family == NET_V6 ? STR("IN IP6 ") : STR("IN IP4 "));
    net_addr_print_ip(out, addr);
    buf_put_lit(out, "\r\n");
}

/* o=name id version IN IP4 address: the first three stay. */
static void put_origin(struct str line, const struct net_addr *addr, struct buf *out)
{
    struct str rest = str_trim(line), word;
    for (int i = 0; i < 3 && str_split(&rest, ' ', &word); i++) {
        buf_put_str(out, word);
        buf_put_char(out, ' ');
    }
    put_ip(addr, out);
}

/* m=kind port[/count] proto formats: the port changes. */
static void put_media(const struct sip_sdp_media *m, uint16_t port, struct buf *out)
{
    buf_put_lit(out, "m=");
    buf_put_str(out, m->kind_text);
    buf_printf(out, " %u ", (unsigned)port);
    buf_put_str(out, m->proto_text);
    if (m->formats.n > 0) buf_put_char(out, ' ');
    buf_put_str(out, m->formats);
    buf_put_lit(out, "\r\n");
}

static void put_lines(struct str lines, const struct net_addr *addr, uint16_t port, bool rtcp_mux,
                      struct buf *out)
{
    struct str line;
    while (next_line(&lines, &line)) {
        if (is_left_out(line) || str_starts(line, STR("m="))) continue;
        if (str_starts(line, STR("o=")))
            put_origin(line, addr, out);
        else if (str_starts(line, STR("c="))) {
            buf_put_lit(out, "c=");
            put_ip(addr, out);
        } else if (is_attr(line, STR("rtcp"))) {
            if (port != 0) buf_printf(out, "a=rtcp:%u\r\n", port + (rtcp_mux ? 0u : 1u));
        } else {
            buf_put_str(out, line);
        }
    }
}

void edge_sdp_print(const struct sip_sdp *sdp, const struct net_addr *addr,
                    const uint16_t ports[EDGE_STREAMS_MAX], struct buf *out)
{
    put_lines(sdp->session, addr, 0, false, out);
    for (unsigned i = 0; i < sdp->media_count; i++) {
        const struct sip_sdp_media *m = &sdp->media[i];
        uint16_t port = i < EDGE_STREAMS_MAX ? ports[i] : 0;
        put_media(m, port, out);
        put_lines(m->lines, addr, port, m->rtcp_mux, out);
    }
}

void edge_sdp_print_named(const struct sip_sdp *sdp, uint64_t call, struct buf *out)
{
    struct str rest = sdp->bytes, line;
    bool is_named = call == 0;
    while (next_line(&rest, &line)) {
        if (is_attr(line, call_name)) continue;
        if (!is_named && str_starts(line, STR("m="))) {
            buf_printf(out, "a=bearline-call:%016llx\r\n", (unsigned long long)call);
            is_named = true;
        }
        buf_put_str(out, line);
    }
}

uint64_t edge_sdp_call(const struct sip_sdp *sdp)
{
    struct sip_sdp_attr attr;
    uint64_t call;
    if (!sip_sdp_attr_find(sdp->session, call_name, &attr)) return 0;
    return edge_call_read(str_trim(attr.value), &call) ? call : 0;
}
