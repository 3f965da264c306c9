#include "sip/auth.h"
#include "sip/multipart.h"
#include "sip/print.h"
#include "sip/sample_int.h"

static const char request_type[] = "application/x-cisco-remotecc-request+xml";
static const char request_disposition[] = "session;handling=optional";

static const char bulk_part[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<x-cisco-remotecc-request><bulkregisterreq>"
    "<contact "
    "all=\"true\"><register></register></contact></bulkregisterreq></x-cisco-remotecc-request>\r\n";

static const char options_part[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<x-cisco-remotecc-request><optionsind>"
    "<combine "
    "max=\"6\"><remotecc><status></status></remotecc><service-control></service-control></combine>"
    "<dialog usage=\"hook status\"><unot></unot><sub></sub></dialog>"
    "<dialog usage=\"shared line\"><unot></unot><sub></sub></dialog>"
    "<presence usage=\"blf speed dial\"><unot></unot><sub></sub></presence>"
    "<joinreq></joinreq><cfwdall-anyline>No</cfwdall-anyline><coaching></coaching><oosalarm></"
    "oosalarm>"
    "</optionsind></x-cisco-remotecc-request>\r\n";

/* The two parts, the second one filled with blanks so that the body is as long as the one on record. */
static void sample_body(struct buf *out)
{
    const struct str boundary = STR("uniqueBoundary");
    char options[SAMPLE_BODY_N];
    struct buf probe;
    size_t options_n = sizeof(options_part) - 1;
    memset(options, ' ', sizeof(options));
    memcpy(options, options_part, options_n);
    for (int pass = 0; pass < 2; pass++) {
        buf_init(&probe, 4096);
        sip_multipart_print_part(&probe, boundary, str_from(request_type),
                                 str_from(request_disposition), str_from(bulk_part));
        sip_multipart_print_part(&probe, boundary, str_from(request_type),
                                 str_from(request_disposition), str_of(options, options_n));
        sip_multipart_print_end(&probe, boundary);
        if (pass == 0)
            options_n += SAMPLE_BODY_N - probe.n;
        else
            sip_print_body(out, STR("multipart/mixed; boundary=uniqueBoundary"), buf_str(&probe));
        buf_fini(&probe);
    }
}

static void sample_token(char token[SAMPLE_TOKEN_N])
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (int i = 0; i < SAMPLE_TOKEN_N; i++)
        token[i] = letters[(i * 37 + i / 64) % 64];
    memcpy(token, "eyJ", 3);
    token[60] = token[SAMPLE_TOKEN_N - 90] = '.';
}

void sample_register(struct buf *out)
{
    char token[SAMPLE_TOKEN_N];
    sample_token(token);
    buf_put_lit(
        out,
        "REGISTER sip:10.10.10.1 SIP/2.0\r\n"
        "Via: SIP/2.0/TLS 10.10.10.10:62162;branch=z9hG4bK0000118a\r\n"
        "From: <sip:1010@10.10.10.1>;tag=882323451234089000003bdd-00005eff\r\n"
        "To: <sip:1010@10.10.10.1>\r\n"
        "Call-ID: 88232345-12340017-00001c0b-00000cfa@10.10.10.10\r\n"
        "Max-Forwards: 70\r\n"
        "Date: Mon, 30 Mar 2020 11:03:19 GMT\r\n"
        "CSeq: 2271 REGISTER\r\n"
        "User-Agent: Cisco-CSF\r\n"
        "Contact: <sip:8d1ec2a1-7a3b-4c5d-9e6f-0a1b2c3d4e5f@10.10.10.10:62162;transport=tls>;"
        "+sip.instance=\"<urn:uuid:00000000-0000-0000-0000-882323451234>\";"
        "+u.sip!devicename.ccm.cisco.com=\"CSFrado\";+u.sip!model.ccm.cisco.com=\"503\";video\r\n");
    sip_bearer_print(out, SIP_HEADER_PROXY_AUTHORIZATION, str_of(token, sizeof(token)), true);
    buf_put_lit(
        out,
        "Supported: "
        "replaces,join,sdp-anat,norefersub,resource-priority,extended-refer,X-cisco-callinfo,"
        "X-cisco-serviceuri,X-cisco-escapecodes,X-cisco-service-control,X-cisco-srtp-fallback,"
        "X-cisco-monrec,X-cisco-config,X-cisco-sis-7.0.0,X-cisco-xsi-8.5.1,X-cisco-graceful-reg,"
        "X-cisco-duplicate-reg\r\n"
        "Reason: SIP;cause=200;text=\"cisco-alarm:111 Name=CSFrado "
        "ActiveLoad=Jabber_for_Windows-12.8.0.51973 InactiveLoad=Jabber_for_Windows-12.8.0.51973 "
        "Last=Application-Requested-Destroy\"\r\n"
        "Expires: 3600\r\n"
        "Mime-Version: 1.0\r\n");
    sample_body(out);
}

void sample_invite(struct buf *out)
{
    static const char sdp[] = "v=0\r\n"
                              "o=Cisco-SIPUA 16230 0 IN IP4 10.10.10.10\r\n"
                              "s=SIP Call\r\n"
                              "b=AS:4064\r\n"
                              "t=0 0\r\n"
                              "m=audio 21480 RTP/SAVP 114 9 104 0 8 18 101\r\n"
                              "c=IN IP4 10.10.10.10\r\n"
                              "a=crypto:1 AEAD_AES_256_GCM inline:"
                              "c2FtcGxlLWtleS1mb3ItYS1iZW5jaC1ub3QtYS1zZWNyZXQtYXQtYWxs\r\n"
                              "a=rtpmap:114 opus/48000/2\r\n"
                              "a=fmtp:114 maxplaybackrate=16000;sprop-maxcapturerate=16000\r\n"
                              "a=rtpmap:9 G722/8000\r\n"
                              "a=rtpmap:104 G7221/16000\r\n"
                              "a=fmtp:104 bitrate=32000\r\n"
                              "a=rtpmap:0 PCMU/8000\r\n"
                              "a=rtpmap:8 PCMA/8000\r\n"
                              "a=rtpmap:18 G729/8000\r\n"
                              "a=fmtp:18 annexb=no\r\n"
                              "a=rtpmap:101 telephone-event/8000\r\n"
                              "a=fmtp:101 0-15\r\n"
                              "a=sendrecv\r\n";
    buf_put_lit(
        out, "INVITE sip:1020@10.10.10.1;user=phone SIP/2.0\r\n"
             "Via: SIP/2.0/TLS 10.10.10.10:62162;branch=z9hG4bK00001b2f\r\n"
             "From: \"Rado\" <sip:1010@10.10.10.1>;tag=88232345123408a200006db1-000058c5\r\n"
             "To: <sip:1020@10.10.10.1>\r\n"
             "Call-ID: 88232345-12340023-000055c7-00004a1e@10.10.10.10\r\n"
             "Max-Forwards: 70\r\n"
             "Date: Mon, 30 Mar 2020 11:10:02 GMT\r\n"
             "CSeq: 101 INVITE\r\n"
             "User-Agent: Cisco-CSF\r\n"
             "Contact: <sip:8d1ec2a1-7a3b-4c5d-9e6f-0a1b2c3d4e5f@10.10.10.10:62162;transport=tls>;"
             "+u.sip!devicename.ccm.cisco.com=\"CSFrado\";video\r\n"
             "Expires: 180\r\n"
             "Accept: application/sdp\r\n"
             "Allow: ACK,BYE,CANCEL,INVITE,NOTIFY,OPTIONS,REFER,REGISTER,UPDATE,SUBSCRIBE,INFO\r\n"
             "Remote-Party-ID: \"Rado\" "
             "<sip:1010@10.10.10.1>;party=calling;id-type=subscriber;privacy=off\r\n"
             "Supported: replaces,join,sdp-anat,norefersub,resource-priority,extended-refer\r\n"
             "Allow-Events: kpml,dialog\r\n"
             "Content-Disposition: session;handling=optional\r\n");
    sip_print_body(out, STR("application/sdp"), str_of(sdp, sizeof(sdp) - 1));
}
