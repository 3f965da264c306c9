#include "call/contacts.h"

#include "sip/nameaddr.h"
#include "sip/number.h"
#include "sip/uri.h"

static void print_lower(struct buf *out, struct str s)
{
    char *at = buf_reserve(out, s.n);
    if (!at) return;
    for (size_t i = 0; i < s.n; i++)
        at[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] + 32) : s.p[i];
    buf_add_n(out, s.n);
}

static enum rc key_of(const struct sip_uri *parsed, struct arena *a, struct str *out)
{
    static const struct str telling[] = {STR_INIT("user"), STR_INIT("ttl"), STR_INIT("method"),
                                         STR_INIT("maddr"), STR_INIT("transport")};
    const struct sip_uri uri = *parsed;
    struct str user = uri.user, value;
    if (uri.has_user && sip_percent_decode(uri.user, a, &user) != RC_OK) return RC_NOMEM;
    /* Decoding shrinks; what is added is the scheme, a port and five separators. */
    size_t cap = uri.text.n + 32;
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

enum rc call_contact_key(struct str text, struct arena *a, struct str *out)
{
    struct sip_uri uri;
    if (sip_uri_parse(text, &uri, NULL) != RC_OK || !sip_uri_is_sip(&uri))
        return arena_str_dup(a, text, out);
    return key_of(&uri, a, out);
}

/* The parameters the registrar knows, by their place in `known`. */
enum { PARAM_INSTANCE, PARAM_Q, PARAM_EXPIRES, PARAM_REG_ID, PARAM_KEEPALIVE, PARAM_COUNT };

/* One walk for all of them: a phone's list is long. Of a parameter given twice the first counts. */
static void params_find(struct str params, struct sip_param found[PARAM_COUNT])
{
    static const struct str known[PARAM_COUNT] = {STR_INIT("+sip.instance"), STR_INIT("q"),
                                                  STR_INIT("expires"), STR_INIT("reg-id"),
                                                  STR_INIT("cisco-keep-alive")};
    struct sip_param p;
    while (sip_param_next(&params, &p) == RC_OK)
        for (size_t i = 0; i < PARAM_COUNT; i++)
            if (p.name.n == known[i].n && found[i].name.n == 0 && str_eq_nocase(p.name, known[i]))
                found[i] = p;
}

static struct str instance_of(struct str s)
{
    if (s.n >= 2 && s.p[0] == '<' && s.p[s.n - 1] == '>') return str_sub(s, 1, s.n - 1);
    return s;
}

/* *why goes with RC_MALFORMED. */
static enum rc params_read(struct str params, struct call_contact *out, const char **why)
{
    struct sip_param found[PARAM_COUNT] = {0};
    unsigned q = 1000;
    uint64_t reg_id = 0;
    params_find(params, found);
    out->instance = instance_of(found[PARAM_INSTANCE].value);
    *why = "Bad Request: Contact q malformed";
    if (found[PARAM_Q].name.n > 0 && sip_param_q(&found[PARAM_Q], &q) != RC_OK) return RC_MALFORMED;
    out->q_milli = (uint16_t)q;
    *why = "Bad Request: Contact expires malformed";
    if (found[PARAM_EXPIRES].name.n > 0) {
        uint32_t expires;
        enum rc rc = sip_param_expires(&found[PARAM_EXPIRES], &expires);
        if (rc == RC_MALFORMED) return rc;
        if (rc == RC_OK) out->expires_s = expires;
    }
    struct str text = found[PARAM_REG_ID].value;
    *why = "Bad Request: Contact reg-id malformed";
    if (text.n > 0 && (sip_number_parse(text, INT32_MAX, &reg_id) != RC_OK || reg_id == 0))
        return RC_MALFORMED;
    /* Without an instance a reg-id means nothing (RFC 5626, 6). */
    out->reg_id = out->instance.n > 0 ? (uint32_t)reg_id : 0;
    out->is_keepalive = found[PARAM_KEEPALIVE].name.n > 0;
    return RC_OK;
}

/* parsed: what validation has read of the first value, which is most often the only one. */
static enum rc contact_read(struct str value, const struct sip_basics *parsed,
                            uint32_t header_expires, struct arena *a, struct call_contact *out,
                            const char **why)
{
    struct sip_nameaddr na;
    bool is_parsed = parsed->has_contact && parsed->contact_value.p == value.p;
    *why = "Bad Request: Contact malformed";
    if (is_parsed)
        na = parsed->contact;
    else if (sip_nameaddr_parse(value, &na, NULL) != RC_OK)
        return RC_MALFORMED;
    *out = (struct call_contact){
        .value = value, .uri = na.uri, .params = na.params, .expires_s = header_expires};
    enum rc rc = params_read(na.params, out, why);
    if (rc != RC_OK) return rc;
    if (is_parsed && sip_uri_is_sip(&parsed->contact_uri))
        return key_of(&parsed->contact_uri, a, &out->key);
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

enum rc call_contacts_read(const struct sip_message *m, const struct sip_basics *basics, size_t max,
                           struct arena *a, struct call_contacts *out, const char **why)
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
        rc = contact_read(value, basics, expires, a, &out->list[out->count], why);
        if (rc != RC_OK) return rc;
        out->count++;
    }
    *why = "Bad Request: Contact malformed";
    return rc == RC_NOT_FOUND ? RC_OK : RC_MALFORMED;
}

static bool is_ours_to_say(struct str name)
{
    return str_eq_nocase(name, STR("expires")) || str_eq_nocase(name, STR("pub-gruu")) ||
           str_eq_nocase(name, STR("temp-gruu"));
}

void call_contact_print_params(struct buf *out, struct str params)
{
    struct str rest = params;
    struct sip_param p;
    while (rest.n > 0) {
        const char *from = rest.p;
        if (sip_param_next(&rest, &p) != RC_OK) return;
        if (!is_ours_to_say(p.name))
            buf_put(out, from, (size_t)(rest.n > 0 ? rest.p - from : params.p + params.n - from));
    }
}
