#include "sip/host.h"
#include "sip/lex_int.h"

enum { IPV4_N = 4, IPV6_N = 16, IPV6_TEXT_MAX = 45 };

/* IPv4address = 1*3DIGIT "." ... with each part at most 255; *c behind it on success. */
static bool host_ipv4(struct cur *c, uint8_t out[IPV4_N])
{
    struct cur t = *c;
    for (int part = 0; part < IPV4_N; part++) {
        if (part > 0 && !cur_char(&t, '.')) return false;
        unsigned value = 0, digits = 0;
        for (; t.p < t.end && lex_is2(*t.p, LEX_DIGIT) && digits < 3; digits++)
            value = value * 10 + (unsigned)(*t.p++ - '0');
        if (digits == 0 || value > 255) return false;
        out[part] = (uint8_t)value;
    }
    *c = t;
    return true;
}

static bool host_hex_group(struct cur *c, uint8_t out[2])
{
    unsigned value = 0, digits = 0;
    for (; c->p < c->end && digits < 4 && lex_hex(*c->p) >= 0; digits++)
        value = value << 4 | (unsigned)lex_hex(*c->p++);
    out[0] = (uint8_t)(value >> 8);
    out[1] = (uint8_t)value;
    return digits > 0;
}

/* Two colons, or three before an embedded IPv4 address as the grammar of RFC 3261 has it (RFC 5118,
 * 4.10). */
static bool host_double_colon(struct cur *c)
{
    if (cur_left(c) < 2 || c->p[0] != ':' || c->p[1] != ':') return false;
    c->p += 2;
    (void)cur_char(c, ':');
    return true;
}

/* IPv6address without brackets; all of text. RFC 4291, 2.2 */
static bool host_ipv6(struct str text, uint8_t out[IPV6_N])
{
    struct cur c = cur_of(text);
    uint8_t groups[IPV6_N] = {0};
    size_t n = 0;
    ptrdiff_t gap = -1;
    if (text.n > IPV6_TEXT_MAX) return false;
    if (host_double_colon(&c)) gap = 0;
    while (!cur_at_end(&c)) {
        struct cur before = c;
        if (n + IPV4_N <= IPV6_N && host_ipv4(&c, groups + n)) {
            n += IPV4_N;
            break;
        }
        c = before;
        if (n == IPV6_N || !host_hex_group(&c, groups + n)) return false;
        n += 2;
        if (cur_at_end(&c)) break;
        if (host_double_colon(&c)) {
            if (gap >= 0) return false;
            gap = (ptrdiff_t)n;
        } else if (!cur_char(&c, ':') || cur_at_end(&c)) {
            return false;
        }
    }
    if (!cur_at_end(&c) || (gap < 0 ? n != IPV6_N : n >= IPV6_N)) return false;
    size_t head = gap < 0 ? n : (size_t)gap;
    memset(out, 0, IPV6_N);
    memcpy(out, groups, head);
    memcpy(out + IPV6_N - (n - head), groups + head, n - head);
    return true;
}

/* Labels of letters, digits, '-' and '_' between single dots, a final dot allowed; the last label
 * not all digits (that would be a broken address). */
static bool host_is_name(struct str text)
{
    struct str rest = text, label;
    if (text.p[text.n - 1] == '.') rest.n--;
    bool digits_only = true;
    while (str_split(&rest, '.', &label)) {
        if (label.n == 0 || label.p[0] == '-' || label.p[label.n - 1] == '-') return false;
        digits_only = true;
        for (size_t i = 0; i < label.n; i++)
            digits_only = digits_only && lex_is2(label.p[i], LEX_DIGIT);
    }
    return !digits_only;
}

static enum rc host_read_ipv6(struct cur *c, struct sip_host *out)
{
    uint8_t address[IPV6_N];
    const char *close = memchr(c->p, ']', cur_left(c));
    if (!close) return RC_MALFORMED;
    struct str text = str_of(c->p + 1, (size_t)(close - c->p) - 1);
    if (!host_ipv6(text, address)) return RC_MALFORMED;
    *out = (struct sip_host){text, SIP_HOST_IPV6};
    c->p = close + 1;
    return RC_OK;
}

enum rc sip_host_read(struct cur *c, struct sip_host *out)
{
    uint8_t address[IPV4_N];
    if (cur_peek(c) == '[') return host_read_ipv6(c, out);
    struct cur t = *c;
    struct str text = lex_run(&t, LEX_HOST);
    if (text.n == 0) return RC_MALFORMED;
    struct cur v4 = cur_of(text);
    if (lex_is2(text.p[0], LEX_DIGIT) && host_ipv4(&v4, address) && cur_at_end(&v4))
        *out = (struct sip_host){text, SIP_HOST_IPV4};
    else if (host_is_name(text))
        *out = (struct sip_host){text, SIP_HOST_NAME};
    else
        return RC_MALFORMED;
    *c = t;
    return RC_OK;
}

enum rc sip_host_parse(struct str text, struct sip_host *out)
{
    uint8_t address[IPV6_N];
    if (str_find_char(text, ':') >= 0 && text.p[0] != '[') {
        if (!host_ipv6(text, address)) return RC_MALFORMED;
        *out = (struct sip_host){text, SIP_HOST_IPV6};
        return RC_OK;
    }
    struct cur c = cur_of(text);
    struct sip_host host;
    enum rc rc = sip_host_read(&c, &host);
    if (rc != RC_OK) return rc;
    if (!cur_at_end(&c)) return RC_MALFORMED;
    *out = host;
    return RC_OK;
}

enum rc sip_port_read(struct cur *c, uint16_t *out)
{
    struct cur t = *c;
    unsigned port = 0;
    while (t.p < t.end && lex_is2(*t.p, LEX_DIGIT)) {
        port = port * 10 + (unsigned)(*t.p++ - '0');
        if (port > UINT16_MAX) return RC_MALFORMED;
    }
    if (port == 0) return RC_MALFORMED;
    *c = t;
    *out = (uint16_t)port;
    return RC_OK;
}

size_t sip_host_address(const struct sip_host *h, uint8_t out[16])
{
    struct cur c = cur_of(h->text);
    if (h->kind == SIP_HOST_IPV4) return host_ipv4(&c, out) ? IPV4_N : 0;
    if (h->kind == SIP_HOST_IPV6) return host_ipv6(h->text, out) ? IPV6_N : 0;
    return 0;
}

static struct str host_undotted(struct str name)
{
    return name.n > 1 && name.p[name.n - 1] == '.' ? str_sub(name, 0, name.n - 1) : name;
}

bool sip_host_eq(const struct sip_host *a, const struct sip_host *b)
{
    uint8_t address_a[16], address_b[16];
    if (a->kind != b->kind) return false;
    if (a->kind == SIP_HOST_NAME)
        return str_eq_nocase(host_undotted(a->text), host_undotted(b->text));
    size_t n = sip_host_address(a, address_a);
    return n == sip_host_address(b, address_b) && memcmp(address_a, address_b, n) == 0;
}

void sip_host_print(struct buf *out, const struct sip_host *h)
{
    if (h->kind == SIP_HOST_IPV6) buf_put_char(out, '[');
    buf_put_str(out, h->text);
    if (h->kind == SIP_HOST_IPV6) buf_put_char(out, ']');
}
