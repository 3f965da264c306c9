/* What the phone says: REGISTER in both dialects, and its bearer credentials. */
#include "phone/register.h"

#include "sip/date.h"
#include "sip/multipart.h"
#include "sip/nameaddr.h"
#include "sip/print.h"

#define PRODUCT "Bearline-Phone/" BEARLINE_VERSION

static void print_host(struct buf *out, struct str host)
{
    struct sip_host h;
    if (sip_host_parse(host, &h) == RC_OK)
        sip_host_print(out, &h);
    else
        buf_put_str(out, host);
}

void phone_register_print_uri(struct buf *out, struct str host)
{
    buf_put_lit(out, "sip:");
    print_host(out, host);
}

/* "sip:1010@ucm1" */
static void print_aor(struct buf *out, const struct phone_register *r)
{
    buf_put_lit(out, "sip:");
    sip_uri_print_user(out, r->number);
    buf_put_char(out, '@');
    print_host(out, r->host);
}

static const char *transport_word(enum phone_transport t)
{
    return t == PHONE_UDP ? "udp" : t == PHONE_TCP ? "tcp" : "tls";
}

void phone_contact_print(struct buf *out, struct str user, const struct net_addr *local,
                         enum phone_transport transport)
{
    buf_put_lit(out, "sip:");
    sip_uri_print_user(out, user);
    buf_put_char(out, '@');
    net_addr_print(out, local);
    buf_printf(out, ";transport=%s", transport_word(transport));
}

/* The numbers the reference gives the products behind the names of devices. */
static const char *model_of(struct str device)
{
    if (str_starts_nocase(device, STR("TCT"))) return "562";
    if (str_starts_nocase(device, STR("BOT"))) return "575";
    if (str_starts_nocase(device, STR("TAB"))) return "652";
    return "503";
}

static void print_contact(struct buf *out, const struct phone_register *r)
{
    buf_put_lit(out, "Contact: <");
    phone_contact_print(out, r->contact, &r->local, r->transport);
    buf_printf(out, ">;+sip.instance=\"<urn:uuid:00000000-0000-0000-0000-%.*s>\"",
               STR_ARG(r->instance));
    if (r->dialect == PHONE_DIALECT_STANDARD) {
        buf_put_lit(out, ";reg-id=1");
    } else {
        buf_put_lit(out, ";+u.sip!devicename.ccm.cisco.com=");
        sip_print_quoted(out, r->device);
        buf_printf(out, ";+u.sip!model.ccm.cisco.com=\"%s\";video", model_of(r->device));
        if (r->is_keepalive) buf_put_lit(out, ";expires=0;cisco-keep-alive");
    }
    buf_put_lit(out, "\r\n");
}

static void print_supported(struct buf *out, enum phone_dialect dialect)
{
    if (dialect == PHONE_DIALECT_STANDARD)
        buf_put_lit(out, "Supported: path,outbound\r\nAllow: "
                         "INVITE,ACK,CANCEL,BYE,UPDATE,REFER,NOTIFY,INFO,OPTIONS\r\n");
    else
        buf_put_lit(out, "Supported: replaces,join,sdp-anat,norefersub,resource-priority,"
                         "extended-refer,X-cisco-callinfo,X-cisco-serviceuri,X-cisco-escapecodes,"
                         "X-cisco-service-control,X-cisco-srtp-fallback,X-cisco-monrec,"
                         "X-cisco-config,X-cisco-sis-7.0.0,X-cisco-xsi-8.5.1,"
                         "X-cisco-graceful-reg,X-cisco-duplicate-reg\r\n");
}

static void print_reason(struct buf *out, const struct phone_register *r)
{
    buf_printf(out,
               "Reason: SIP;cause=200;text=\"cisco-alarm:111 Name=%.*s "
               "ActiveLoad=bearline-phone-%s InactiveLoad=bearline-phone-%s Last=%s\"\r\n",
               STR_ARG(r->device), BEARLINE_VERSION, BEARLINE_VERSION, r->last);
}

void phone_register_print(struct buf *out, const struct phone_register *r)
{
    buf_put_lit(out, "From: <");
    print_aor(out, r);
    buf_printf(out, ">;tag=%.*s\r\nTo: <", STR_ARG(r->from_tag));
    print_aor(out, r);
    buf_printf(out, ">\r\nCall-ID: %.*s\r\nMax-Forwards: 70\r\nDate: ", STR_ARG(r->call_id));
    sip_date_print(out, r->now_unix_s);
    buf_printf(out, "\r\nCSeq: %u REGISTER\r\nUser-Agent: " PRODUCT "\r\n", r->cseq);
    print_contact(out, r);
    print_supported(out, r->dialect);
    buf_put_str(out, r->credentials);
    bool has_body = r->full && r->dialect == PHONE_DIALECT_CISCO;
    if (has_body) print_reason(out, r);
    sip_print_header_u64(out, SIP_HEADER_EXPIRES, r->expires_s);
    if (has_body) buf_put_lit(out, "Mime-Version: 1.0\r\n");
}

void phone_register_print_body(struct buf *out)
{
    static const struct str parts[] = {
        STR_INIT("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                 "<x-cisco-remotecc-request><bulkregisterreq><contact all=\"true\">"
                 "<register></register></contact></bulkregisterreq></x-cisco-remotecc-request>\n"),
        STR_INIT("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                 "<x-cisco-remotecc-request><optionsind>"
                 "<combine max=\"6\"><remotecc><status></status></remotecc>"
                 "<service-control></service-control></combine>"
                 "<dialog usage=\"hook status\"><unot></unot><sub></sub></dialog>"
                 "<dialog usage=\"shared line\"><unot></unot><sub></sub></dialog>"
                 "<presence usage=\"blf speed dial\"><unot></unot><sub></sub></presence>"
                 "<joinreq></joinreq><cfwdall-anyline>No</cfwdall-anyline><coaching></coaching>"
                 "<oosalarm></oosalarm></optionsind></x-cisco-remotecc-request>\n"),
    };
    struct str boundary = STR("uniqueBoundary");
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        sip_multipart_print_part(out, boundary, STR("application/x-cisco-remotecc-request+xml"),
                                 STR("session;handling=optional"), parts[i]);
    sip_multipart_print_end(out, boundary);
}

void phone_bearer_print(struct buf *out, enum phone_dialect dialect, unsigned status,
                        struct str token)
{
    bool cisco = dialect == PHONE_DIALECT_CISCO;
    if (status == 0) status = cisco ? 407 : 401;
    enum sip_header_id id = status == 407 ? SIP_HEADER_PROXY_AUTHORIZATION
                                          : SIP_HEADER_AUTHORIZATION;
    sip_bearer_print(out, id, token, cisco);
}
