#include "call/privacy.h"

static void read_value(struct str value, struct call_privacy *p)
{
    const struct {
        struct str name;
        bool *flag;
    } rows[] = {{STR("id"), &p->id},         {STR("user"), &p->user},
                {STR("header"), &p->header}, {STR("session"), &p->session},
                {STR("none"), &p->none},     {STR("critical"), &p->critical}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (str_eq_nocase(value, rows[i].name)) *rows[i].flag = true;
}

void call_privacy_read(const struct sip_message *m, struct call_privacy *out)
{
    const struct sip_header *h = sip_message_find(m, SIP_HEADER_PRIVACY);
    *out = (struct call_privacy){.id = false};
    for (; h; h = sip_message_next(m, h)) {
        struct str rest = h->value, part;
        while (str_split(&rest, ';', &part))
            read_value(str_trim(part), out);
    }
    /* None and something else: the careful reading holds. */
    if (out->id || out->user || out->header || out->session) out->none = false;
}

bool call_privacy_is_anonymous(const struct sip_uri *from)
{
    if (!sip_uri_is_sip(from)) return false;
    return str_eq_nocase(from->host.text, STR("anonymous.invalid")) ||
           str_eq_nocase(from->user, STR("anonymous"));
}

bool call_privacy_hides_identity(const struct call_privacy *p, bool is_anonymous)
{
    return p->id || p->user || (is_anonymous && !p->none);
}

bool call_privacy_drops(const struct call_privacy *p, enum sip_header_id id)
{
    switch ((int)id) {
    case SIP_HEADER_REMOTE_PARTY_ID: return p->id || p->user;
    case SIP_HEADER_SUBJECT: /* RFC 3323, 5.3 */
    case SIP_HEADER_CALL_INFO:
    case SIP_HEADER_ORGANIZATION:
    case SIP_HEADER_USER_AGENT:
    case SIP_HEADER_SERVER:
    case SIP_HEADER_REPLY_TO:
    case SIP_HEADER_IN_REPLY_TO: return p->user;
    default: return false;
    }
}

bool call_privacy_fails(const struct call_privacy *p, bool is_anonymous, struct buf *out)
{
    bool user = p->user && !is_anonymous;
    if (!p->critical || p->none || (!p->header && !p->session && !user)) return false;
    buf_put_lit(out, "Privacy Not Possible:");
    if (p->header) buf_put_lit(out, " header");
    if (p->session) buf_put_lit(out, " session");
    if (user) buf_put_lit(out, " user");
    return true;
}
