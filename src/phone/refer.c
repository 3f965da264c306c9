/* Transfers (RFC 3515, 5589, 3892) and calls that take another's place (RFC 3891), on both sides:
 * who asks (REFER, then hears NOTIFYs), and who is asked (202, a new call, NOTIFYs about it). */
#include "phone/call_int.h"

#include "sip/print.h"
#include <stdio.h>

/* ---- asking ---- */

static void transfer_failed(struct phone_call *call, unsigned status)
{
    if (!call->info.transferring) return;
    call->info.transferring = false;
    call->info.status = status;
    call_timer_stop(call, &call->refer_timer);
    call_tell(call, PHONE_CALL_EV_TRANSFER_FAILED);
}

static void on_refer_time(void *ctx)
{
    transfer_failed(ctx, 408);
}

static void on_referred(struct phone_call *call, unsigned status, const struct sip_message *m)
{
    (void)m;
    if (call->told_end || !call->info.transferring) return;
    if (status / 100 == 2)
        call_timer(call, &call->refer_timer, CALL_REFER_S * UINT64_C(1000), on_refer_time);
    else
        transfer_failed(call, status);
}

static enum rc send_refer(struct phone_call *call, struct str refer_to)
{
    struct buf h;
    if (call->info.state != PHONE_CALL_TALKING || call->info.transferring) return RC_CONFLICT;
    if (!call->set->flow) return RC_CLOSED;
    buf_init(&h, 8192);
    buf_printf(&h, "Refer-To: <%.*s>\r\nReferred-By: ", STR_ARG(refer_to));
    call_print_self(&h, call->set);
    buf_put_lit(&h, "\r\n" CALL_SUPPORTED);
    enum rc rc = buf_rc(&h);
    if (rc == RC_OK)
        rc = call_ask(call, NULL, STR("REFER"), buf_str(&h), STR(""), STR(""), on_referred);
    buf_fini(&h);
    if (rc == RC_OK) call->info.transferring = true;
    return rc;
}

enum rc phone_call_transfer(struct phone_call *call, struct str target)
{
    char uri[PHONE_URI_MAX];
    enum rc rc = call_target(call->set, target, uri);
    if (rc == RC_OK) rc = send_refer(call, str_from(uri));
    return rc == RC_TOO_BIG ? RC_MALFORMED : rc;
}

/* A header's value within a URI: all but unreserved escaped (RFC 3261, 25.1: hvalue). */
static void print_hvalue(struct buf *out, const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    for (; *text; text++) {
        if (strchr(plain, *text))
            buf_put_char(out, *text);
        else
            buf_printf(out, "%%%02X", (unsigned char)*text);
    }
}

enum rc phone_call_transfer_to(struct phone_call *call, struct phone_call *other)
{
    const struct phone_dialog *d = &other->dialog;
    struct buf b;
    if (other == call || other->info.state != PHONE_CALL_TALKING) return RC_CONFLICT;
    if (strchr(other->info.peer, '?')) return RC_UNSUPPORTED; /* has headers of its own */
    buf_init(&b, 4096);
    buf_printf(&b, "%s?Replaces=", other->info.peer);
    print_hvalue(&b, d->call_id);
    buf_put_lit(&b, "%3Bto-tag%3D");
    print_hvalue(&b, d->remote_tag);
    buf_put_lit(&b, "%3Bfrom-tag%3D");
    print_hvalue(&b, d->local_tag);
    enum rc rc = buf_rc(&b);
    if (rc == RC_OK) rc = send_refer(call, buf_str(&b));
    buf_fini(&b);
    return rc;
}

/* "SIP/2.0 180 Ringing" -> 180; 0: no status line. */
static unsigned read_sipfrag(struct str body)
{
    uint64_t status;
    struct str prefix = STR("SIP/2.0 ");
    if (!str_starts_nocase(body, prefix) ||
        str_to_u64(str_sub(body, prefix.n, prefix.n + 3), 699, &status) != RC_OK || status < 100)
        return 0;
    return (unsigned)status;
}

void call_on_notify(struct phone_call *call, struct siptx_request *r)
{
    const struct sip_message *m = r->message;
    struct str event = sip_message_value(m, SIP_HEADER_EVENT), word = event;
    ptrdiff_t end = str_find_char(event, ';');
    if (end != STR_NPOS) word = str_trim(str_sub(event, 0, (size_t)end));
    if (!str_eq_nocase(word, STR("refer"))) {
        siptx_respond(r, 489, STR(""), STR("Allow-Events: refer\r\n"));
        return;
    }
    unsigned status = read_sipfrag(m->body);
    bool over = str_starts_nocase(sip_message_value(m, SIP_HEADER_SUBSCRIPTION_STATE),
                                  STR("terminated"));
    bool asked = call->info.transferring;
    siptx_respond(r, asked ? 200 : 481, STR(""), STR(""));
    if (!asked) return;
    if (status / 100 == 2) { /* the two talk: our part is done */
        call->info.transferring = false;
        call->info.status = status;
        call_send_bye(call, NULL, STR(""));
        call_end(call, PHONE_CALL_ENDING, PHONE_CAUSE_TRANSFERRED);
    } else if (status >= 300 || over) {
        transfer_failed(call, status);
    } else if (status != 0) {
        call->info.status = status;
        call_tell(call, PHONE_CALL_EV_TRANSFERRING);
    }
}

/* ---- being asked ---- */

void call_report(struct phone_call *call, unsigned status)
{
    struct phone_call *to = call->referrer;
    char headers[160], body[64];
    bool final = status >= 200;
    if (!to || to->told_end || status == call->referrer_status) return;
    call->referrer_status = status;
    if (final) call->referrer = NULL;
    snprintf(headers, sizeof headers, "Event: refer;id=%u\r\nSubscription-State: %s\r\n" CALL_ALLOW,
             to->refer_cseq, final ? "terminated;reason=noresource" : "active;expires=180");
    snprintf(body, sizeof body, "SIP/2.0 %u %s\r\n", status,
             status == 100       ? "Trying"
             : status < 200      ? "Ringing"
             : status / 100 == 2 ? "OK"
                                 : "Failed");
    (void)call_ask(to, NULL, STR("NOTIFY"), str_from(headers), STR(CALL_SIPFRAG_TYPE),
                   str_from(body), NULL);
}

/* Refer-To as the URI to call and, where it says so, the call to replace: a header line. */
static enum rc read_refer_to(struct siptx_request *r, struct str *uri, struct str *replaces)
{
    struct sip_nameaddr n;
    struct sip_uri u;
    struct str rest, pair, method;
    *replaces = STR("");
    if (sip_message_count(r->message, SIP_HEADER_REFER_TO) != 1 ||
        sip_nameaddr_parse_uri(sip_message_value(r->message, SIP_HEADER_REFER_TO), &n, &u, NULL) !=
            RC_OK ||
        !sip_uri_is_sip(&u))
        return RC_MALFORMED;
    if (sip_uri_param(&u, STR("method"), &method) && !str_eq(method, STR("INVITE")))
        return RC_UNSUPPORTED;
    *uri = u.headers.n > 0 ? str_of(u.text.p, (size_t)(u.headers.p - u.text.p - 1)) : u.text;
    rest = u.headers;
    while (u.headers.n > 0 && str_split(&rest, '&', &pair)) {
        struct str name = STR("Replaces=");
        if (!str_starts_nocase(pair, name)) continue;
        enum rc rc = sip_percent_decode(str_sub(pair, name.n, pair.n), r->arena, replaces);
        if (rc != RC_OK) return rc;
        for (size_t i = 0; i < replaces->n; i++)
            if ((unsigned char)replaces->p[i] < 0x20) return RC_MALFORMED; /* forges no line */
    }
    return uri->n < PHONE_URI_MAX ? RC_OK : RC_TOO_BIG;
}

static enum rc start_referred(struct phone_call *call, struct siptx_request *r, struct str uri,
                              struct str replaces, struct phone_call **out)
{
    struct str by = sip_message_value(r->message, SIP_HEADER_REFERRED_BY);
    struct buf extra;
    buf_init(&extra, 4096);
    if (replaces.n > 0) sip_print_header(&extra, SIP_HEADER_REPLACES, replaces);
    if (by.n > 0) sip_print_header(&extra, SIP_HEADER_REFERRED_BY, by);
    enum rc rc = buf_rc(&extra);
    if (rc == RC_OK) rc = call_start(call->set, uri, buf_str(&extra), out);
    buf_fini(&extra);
    return rc;
}

/* One at a time: who talks with us does not make us call half the world. */
static bool is_referring(const struct phone_call *call)
{
    LIST_FOR_EACH(it, &call->set->calls)
    {
        const struct phone_call *other = LIST_OF(it, struct phone_call, link);
        if (other->referrer == call && !other->told_end) return true;
    }
    return false;
}

void call_on_refer(struct phone_call *call, struct siptx_request *r)
{
    struct str uri, replaces;
    struct phone_call *next;
    bool talks = call->info.state == PHONE_CALL_TALKING;
    enum rc rc = read_refer_to(r, &uri, &replaces);
    if (rc != RC_OK) {
        siptx_respond(r, rc == RC_UNSUPPORTED ? 403 : 400, STR(""), STR(""));
        return;
    }
    uint32_t cseq = r->basics->cseq.number;
    if (!talks || is_referring(call) ||
        (rc = start_referred(call, r, uri, replaces, &next)) != RC_OK) {
        siptx_respond(r, 603, STR(""), STR(""));
        return;
    }
    struct buf *out = siptx_answer_begin(r, 202, STR(""));
    call_print_contact(out, call->set);
    siptx_answer_send(r, STR(""), STR(""));
    call->refer_cseq = cseq;
    next->referrer = call;
    call_report(next, 100);
    call_tell(next, PHONE_CALL_EV_REFERRED);
}

/* ---- taking another's place ---- */

static struct phone_call *find_replaced(struct phone_calls *set, struct str id, struct str params)
{
    struct str to_tag = sip_param_value(params, STR("to-tag")),
               from_tag = sip_param_value(params, STR("from-tag"));
    LIST_FOR_EACH(it, &set->calls)
    {
        struct phone_call *call = LIST_OF(it, struct phone_call, link);
        const struct phone_dialog *d = &call->dialog;
        if (str_eq(id, str_from(d->call_id)) && str_eq(to_tag, str_from(d->local_tag)) &&
            str_eq(from_tag, str_from(d->remote_tag)))
            return call;
    }
    return NULL;
}

enum rc call_find_replaced(struct phone_calls *set, struct siptx_request *r,
                           struct phone_call **out)
{
    struct str value = sip_message_value(r->message, SIP_HEADER_REPLACES), params = STR("");
    struct sip_param early;
    *out = NULL;
    if (value.n == 0) return RC_OK;
    ptrdiff_t semi = str_find_char(value, ';');
    if (semi != STR_NPOS) params = str_sub(value, (size_t)semi, value.n);
    struct str id = str_trim(semi == STR_NPOS ? value : str_sub(value, 0, (size_t)semi));
    bool bad = sip_message_count(r->message, SIP_HEADER_REPLACES) != 1 || id.n == 0 ||
               sip_params_check(params, NULL) != RC_OK;
    struct phone_call *call = bad ? NULL : find_replaced(set, id, params);
    bool early_only = sip_param_find(params, STR("early-only"), &early);
    unsigned status = 0;
    if (bad)
        status = 400;
    else if (!call || call->info.state == PHONE_CALL_INCOMING)
        status = 481; /* also what only rings here: not ours to give away (RFC 3891, 3) */
    else if (call->told_end)
        status = 603;
    else if (early_only && call->info.state != PHONE_CALL_RINGING_OUT)
        status = 486;
    if (status != 0) {
        siptx_respond(r, status, STR(""), STR(""));
        return RC_CONFLICT;
    }
    *out = call;
    return RC_OK;
}
