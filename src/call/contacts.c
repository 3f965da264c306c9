#include "call/contacts.h"

#include "sip/nameaddr.h"
#include "sip/number.h"
#include "sip/uri.h"

static void print_lower(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        buf_put_char(out, s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] + 32) : s.p[i]);
}

enum rc call_contact_key(struct str text, struct arena *a, struct str *out)
{
    static const struct str telling[] = {STR_INIT("user"), STR_INIT("ttl"), STR_INIT("method"),
                                         STR_INIT("maddr"), STR_INIT("transport")};
    struct sip_uri uri;
    if (sip_uri_parse(text, &uri, NULL) != RC_OK || !sip_uri_is_sip(&uri))
        return arena_str_dup(a, text, out);
    struct str user = uri.user, value;
    if (uri.has_user && sip_percent_decode(uri.user, a, &user) != RC_OK) return RC_NOMEM;
    /* Decoding shrinks; what is added is the scheme, a port and five separators. */
    size_t cap = text.n + 32;
    char *p = arena_alloc(a, cap);
    if (!p) return RC_NOMEM;
    struct buf b;
    buf_init_fixed(&b, p, cap);
    buf_put_str(&b, uri.scheme == SIP_SCHEME_SIPS ? STR("sips:") : STR("sip:"));
    buf_put_str(&b, user);
    buf_put_char(&b, '@');
    print_lower(&b, uri.host.text);
    buf_put_char(&b, ':');
    if (uri.port > 0) buf_put_u64(&b, uri.port);
    for (size_t i = 0; i < sizeof telling / sizeof *telling; i++) {
        buf_put_char(&b, ';');
        if (sip_uri_param(&uri, telling[i], &value)) print_lower(&b, value);
    }
    if (buf_rc(&b) != RC_OK) return RC_NOMEM;
    *out = buf_str(&b);
    return RC_OK;
}

static struct str instance_of(struct str params)
{
    struct str s = sip_param_value(params, STR("+sip.instance"));
    if (s.n >= 2 && s.p[0] == '<' && s.p[s.n - 1] == '>') return str_sub(s, 1, s.n - 1);
    return s;
}

static enum rc contact_read(struct str value, uint32_t header_expires, struct arena *a,
                            struct call_contact *out, const char **why)
{
    struct sip_nameaddr na;
    unsigned q = 1000;
    uint64_t reg_id = 0;
    *why = "Bad Request: Contact malformed";
    if (sip_nameaddr_parse(value, &na, NULL) != RC_OK) return RC_MALFORMED;
    *out = (struct call_contact){.value = value,
                                 .uri = na.uri,
                                 .params = na.params,
                                 .instance = instance_of(na.params),
                                 .expires_s = header_expires};
    enum rc rc = sip_nameaddr_q(&na, &q);
    *why = "Bad Request: Contact q malformed";
    if (rc == RC_MALFORMED) return rc;
    out->q_milli = (uint16_t)q;
    uint32_t expires;
    rc = sip_nameaddr_expires(&na, &expires);
    *why = "Bad Request: Contact expires malformed";
    if (rc == RC_MALFORMED) return rc;
    if (rc == RC_OK) out->expires_s = expires;
    struct str text = sip_param_value(na.params, STR("reg-id"));
    *why = "Bad Request: Contact reg-id malformed";
    if (text.n > 0 && (sip_number_parse(text, INT32_MAX, &reg_id) != RC_OK || reg_id == 0))
        return RC_MALFORMED;
    /* Without an instance a reg-id means nothing (RFC 5626, 6). */
    out->reg_id = out->instance.n > 0 ? (uint32_t)reg_id : 0;
    struct sip_param p;
    out->is_keepalive = sip_param_find(na.params, STR("cisco-keep-alive"), &p);
    return call_contact_key(na.uri, a, &out->key);
}

/* "*" stands alone and only takes away (RFC 3261, 10.2.2). */
static enum rc star_check(const struct sip_message *m, size_t others, uint32_t expires,
                          const char **why)
{
    struct sip_values values;
    struct str value;
    size_t count = 0;
    sip_values_init(&values, m, SIP_HEADER_CONTACT);
    while (sip_values_next(&values, &value) == RC_OK)
        count++;
    *why = "Bad Request: Contact * with other contacts";
    if (others > 0 || count > 1) return RC_MALFORMED;
    *why = "Bad Request: Contact * without Expires: 0";
    return expires == 0 ? RC_OK : RC_MALFORMED;
}

enum rc call_contacts_read(const struct sip_message *m, size_t max, struct arena *a,
                           struct call_contacts *out, const char **why)
{
    struct sip_values values;
    struct str value;
    uint32_t expires;
    enum rc rc = sip_expires(m, &expires);
    *why = "Bad Request: Expires malformed";
    if (rc == RC_MALFORMED) return rc;
    if (rc != RC_OK) expires = (uint32_t)CALL_EXPIRES_NONE;
    *out = (struct call_contacts){.list = ARENA_ARRAY(a, struct call_contact, max)};
    if (!out->list) return RC_NOMEM;
    sip_values_init(&values, m, SIP_HEADER_CONTACT);
    while ((rc = sip_values_next(&values, &value)) == RC_OK) {
        if (str_eq(value, STR("*"))) {
            out->is_star = true;
            return star_check(m, out->count, expires, why);
        }
        *why = "Too many contacts";
        if (out->count == max) return RC_TOO_BIG;
        rc = contact_read(value, expires, a, &out->list[out->count], why);
        if (rc != RC_OK) return rc;
        out->count++;
    }
    *why = "Bad Request: Contact malformed";
    return rc == RC_NOT_FOUND ? RC_OK : RC_MALFORMED;
}

void call_contact_print_params(struct buf *out, struct str params)
{
    struct str rest = params;
    struct sip_param p;
    while (rest.n > 0) {
        const char *from = rest.p;
        if (sip_param_next(&rest, &p) != RC_OK) return;
        if (!str_eq_nocase(p.name, STR("expires")))
            buf_put(out, from, (size_t)(rest.n > 0 ? rest.p - from : params.p + params.n - from));
    }
}
