#include "sip/header.h"

static const struct header_row {
    struct str name, lower;
    bool is_single;
} header_rows[SIP_HEADER_ID_COUNT] = {
    [SIP_HEADER_OTHER] = {STR_INIT(""), STR_INIT(""), false},
    [SIP_HEADER_ALLOW] = {STR_INIT("Allow"), STR_INIT("allow"), false},
    [SIP_HEADER_ACCEPT] = {STR_INIT("Accept"), STR_INIT("accept"), false},
    [SIP_HEADER_ALERT_INFO] = {STR_INIT("Alert-Info"), STR_INIT("alert-info"), false},
    [SIP_HEADER_ALLOW_EVENTS] = {STR_INIT("Allow-Events"), STR_INIT("allow-events"), false},
    [SIP_HEADER_AUTHORIZATION] = {STR_INIT("Authorization"), STR_INIT("authorization"), false},
    [SIP_HEADER_ACCEPT_CONTACT] = {STR_INIT("Accept-Contact"), STR_INIT("accept-contact"), false},
    [SIP_HEADER_ACCEPT_ENCODING] = {STR_INIT("Accept-Encoding"), STR_INIT("accept-encoding"),
                                    false},
    [SIP_HEADER_ACCEPT_LANGUAGE] = {STR_INIT("Accept-Language"), STR_INIT("accept-language"),
                                    false},
    [SIP_HEADER_AUTHENTICATION_INFO] = {STR_INIT("Authentication-Info"),
                                        STR_INIT("authentication-info"), false},
    [SIP_HEADER_ACCEPT_RESOURCE_PRIORITY] = {STR_INIT("Accept-Resource-Priority"),
                                             STR_INIT("accept-resource-priority"), false},
    [SIP_HEADER_BEARLINE_REASON] = {STR_INIT("Bearline-Reason"), STR_INIT("bearline-reason"),
                                    false},
    [SIP_HEADER_CSEQ] = {STR_INIT("CSeq"), STR_INIT("cseq"), true},
    [SIP_HEADER_CALL_ID] = {STR_INIT("Call-ID"), STR_INIT("call-id"), true},
    [SIP_HEADER_CONTACT] = {STR_INIT("Contact"), STR_INIT("contact"), false},
    [SIP_HEADER_CALL_INFO] = {STR_INIT("Call-Info"), STR_INIT("call-info"), false},
    [SIP_HEADER_CONTENT_TYPE] = {STR_INIT("Content-Type"), STR_INIT("content-type"), true},
    [SIP_HEADER_CONTENT_LENGTH] = {STR_INIT("Content-Length"), STR_INIT("content-length"), false},
    [SIP_HEADER_CONTENT_ENCODING] = {STR_INIT("Content-Encoding"), STR_INIT("content-encoding"),
                                     false},
    [SIP_HEADER_CONTENT_LANGUAGE] = {STR_INIT("Content-Language"), STR_INIT("content-language"),
                                     false},
    [SIP_HEADER_CONTENT_DISPOSITION] = {STR_INIT("Content-Disposition"),
                                        STR_INIT("content-disposition"), true},
    [SIP_HEADER_DATE] = {STR_INIT("Date"), STR_INIT("date"), false},
    [SIP_HEADER_DIVERSION] = {STR_INIT("Diversion"), STR_INIT("diversion"), false},
    [SIP_HEADER_EVENT] = {STR_INIT("Event"), STR_INIT("event"), true},
    [SIP_HEADER_EXPIRES] = {STR_INIT("Expires"), STR_INIT("expires"), true},
    [SIP_HEADER_ERROR_INFO] = {STR_INIT("Error-Info"), STR_INIT("error-info"), false},
    [SIP_HEADER_FROM] = {STR_INIT("From"), STR_INIT("from"), true},
    [SIP_HEADER_FLOW_TIMER] = {STR_INIT("Flow-Timer"), STR_INIT("flow-timer"), true},
    [SIP_HEADER_HISTORY_INFO] = {STR_INIT("History-Info"), STR_INIT("history-info"), false},
    [SIP_HEADER_IDENTITY] = {STR_INIT("Identity"), STR_INIT("identity"), false},
    [SIP_HEADER_IN_REPLY_TO] = {STR_INIT("In-Reply-To"), STR_INIT("in-reply-to"), false},
    [SIP_HEADER_INFO_PACKAGE] = {STR_INIT("Info-Package"), STR_INIT("info-package"), false},
    [SIP_HEADER_JOIN] = {STR_INIT("Join"), STR_INIT("join"), true},
    [SIP_HEADER_MIN_SE] = {STR_INIT("Min-SE"), STR_INIT("min-se"), true},
    [SIP_HEADER_MIN_EXPIRES] = {STR_INIT("Min-Expires"), STR_INIT("min-expires"), true},
    [SIP_HEADER_MAX_FORWARDS] = {STR_INIT("Max-Forwards"), STR_INIT("max-forwards"), true},
    [SIP_HEADER_MIME_VERSION] = {STR_INIT("MIME-Version"), STR_INIT("mime-version"), false},
    [SIP_HEADER_ORGANIZATION] = {STR_INIT("Organization"), STR_INIT("organization"), false},
    [SIP_HEADER_PATH] = {STR_INIT("Path"), STR_INIT("path"), false},
    [SIP_HEADER_PRIVACY] = {STR_INIT("Privacy"), STR_INIT("privacy"), false},
    [SIP_HEADER_PRIORITY] = {STR_INIT("Priority"), STR_INIT("priority"), false},
    [SIP_HEADER_PROXY_REQUIRE] = {STR_INIT("Proxy-Require"), STR_INIT("proxy-require"), false},
    [SIP_HEADER_P_ASSOCIATED_URI] = {STR_INIT("P-Associated-URI"), STR_INIT("p-associated-uri"),
                                     false},
    [SIP_HEADER_P_CALLED_PARTY_ID] = {STR_INIT("P-Called-Party-ID"), STR_INIT("p-called-party-id"),
                                      false},
    [SIP_HEADER_PROXY_AUTHENTICATE] = {STR_INIT("Proxy-Authenticate"),
                                       STR_INIT("proxy-authenticate"), false},
    [SIP_HEADER_P_ASSERTED_IDENTITY] = {STR_INIT("P-Asserted-Identity"),
                                        STR_INIT("p-asserted-identity"), false},
    [SIP_HEADER_PROXY_AUTHORIZATION] = {STR_INIT("Proxy-Authorization"),
                                        STR_INIT("proxy-authorization"), false},
    [SIP_HEADER_P_PREFERRED_IDENTITY] = {STR_INIT("P-Preferred-Identity"),
                                         STR_INIT("p-preferred-identity"), false},
    [SIP_HEADER_RACK] = {STR_INIT("RAck"), STR_INIT("rack"), true},
    [SIP_HEADER_RSEQ] = {STR_INIT("RSeq"), STR_INIT("rseq"), true},
    [SIP_HEADER_ROUTE] = {STR_INIT("Route"), STR_INIT("route"), false},
    [SIP_HEADER_REASON] = {STR_INIT("Reason"), STR_INIT("reason"), false},
    [SIP_HEADER_REQUIRE] = {STR_INIT("Require"), STR_INIT("require"), false},
    [SIP_HEADER_REFER_TO] = {STR_INIT("Refer-To"), STR_INIT("refer-to"), true},
    [SIP_HEADER_REPLACES] = {STR_INIT("Replaces"), STR_INIT("replaces"), true},
    [SIP_HEADER_REPLY_TO] = {STR_INIT("Reply-To"), STR_INIT("reply-to"), false},
    [SIP_HEADER_RECV_INFO] = {STR_INIT("Recv-Info"), STR_INIT("recv-info"), false},
    [SIP_HEADER_REFER_SUB] = {STR_INIT("Refer-Sub"), STR_INIT("refer-sub"), true},
    [SIP_HEADER_REFERRED_BY] = {STR_INIT("Referred-By"), STR_INIT("referred-by"), true},
    [SIP_HEADER_RETRY_AFTER] = {STR_INIT("Retry-After"), STR_INIT("retry-after"), true},
    [SIP_HEADER_RECORD_ROUTE] = {STR_INIT("Record-Route"), STR_INIT("record-route"), false},
    [SIP_HEADER_REJECT_CONTACT] = {STR_INIT("Reject-Contact"), STR_INIT("reject-contact"), false},
    [SIP_HEADER_REMOTE_PARTY_ID] = {STR_INIT("Remote-Party-ID"), STR_INIT("remote-party-id"),
                                    false},
    [SIP_HEADER_RESOURCE_PRIORITY] = {STR_INIT("Resource-Priority"), STR_INIT("resource-priority"),
                                      false},
    [SIP_HEADER_REQUEST_DISPOSITION] = {STR_INIT("Request-Disposition"),
                                        STR_INIT("request-disposition"), false},
    [SIP_HEADER_SERVER] = {STR_INIT("Server"), STR_INIT("server"), false},
    [SIP_HEADER_SUBJECT] = {STR_INIT("Subject"), STR_INIT("subject"), false},
    [SIP_HEADER_SIP_ETAG] = {STR_INIT("SIP-ETag"), STR_INIT("sip-etag"), true},
    [SIP_HEADER_SUPPORTED] = {STR_INIT("Supported"), STR_INIT("supported"), false},
    [SIP_HEADER_SIP_IF_MATCH] = {STR_INIT("SIP-If-Match"), STR_INIT("sip-if-match"), true},
    [SIP_HEADER_SERVICE_ROUTE] = {STR_INIT("Service-Route"), STR_INIT("service-route"), false},
    [SIP_HEADER_SESSION_EXPIRES] = {STR_INIT("Session-Expires"), STR_INIT("session-expires"), true},
    [SIP_HEADER_SUBSCRIPTION_STATE] = {STR_INIT("Subscription-State"),
                                       STR_INIT("subscription-state"), true},
    [SIP_HEADER_TO] = {STR_INIT("To"), STR_INIT("to"), true},
    [SIP_HEADER_TIMESTAMP] = {STR_INIT("Timestamp"), STR_INIT("timestamp"), false},
    [SIP_HEADER_TARGET_DIALOG] = {STR_INIT("Target-Dialog"), STR_INIT("target-dialog"), true},
    [SIP_HEADER_USER_AGENT] = {STR_INIT("User-Agent"), STR_INIT("user-agent"), false},
    [SIP_HEADER_UNSUPPORTED] = {STR_INIT("Unsupported"), STR_INIT("unsupported"), false},
    [SIP_HEADER_USER_TO_USER] = {STR_INIT("User-to-User"), STR_INIT("user-to-user"), false},
    [SIP_HEADER_VIA] = {STR_INIT("Via"), STR_INIT("via"), false},
    [SIP_HEADER_WARNING] = {STR_INIT("Warning"), STR_INIT("warning"), false},
    [SIP_HEADER_WWW_AUTHENTICATE] = {STR_INIT("WWW-Authenticate"), STR_INIT("www-authenticate"),
                                     false},
};

/* A header is found by its first letter and its length; the few that share both stand next to one
 * another in the enum, so the slot names the first of them. */
enum { SLOT_LEN_MAX = 32 };
#define SLOT(letter, len) (((letter)&31) * SLOT_LEN_MAX + (len))

static const uint8_t first_of[32 * SLOT_LEN_MAX] = {
    [SLOT('a', 5)] = SIP_HEADER_ALLOW,
    [SLOT('a', 6)] = SIP_HEADER_ACCEPT,
    [SLOT('a', 10)] = SIP_HEADER_ALERT_INFO,
    [SLOT('a', 12)] = SIP_HEADER_ALLOW_EVENTS,
    [SLOT('a', 13)] = SIP_HEADER_AUTHORIZATION,
    [SLOT('a', 14)] = SIP_HEADER_ACCEPT_CONTACT,
    [SLOT('a', 15)] = SIP_HEADER_ACCEPT_ENCODING,
    [SLOT('a', 19)] = SIP_HEADER_AUTHENTICATION_INFO,
    [SLOT('a', 24)] = SIP_HEADER_ACCEPT_RESOURCE_PRIORITY,
    [SLOT('b', 15)] = SIP_HEADER_BEARLINE_REASON,
    [SLOT('c', 4)] = SIP_HEADER_CSEQ,
    [SLOT('c', 7)] = SIP_HEADER_CALL_ID,
    [SLOT('c', 9)] = SIP_HEADER_CALL_INFO,
    [SLOT('c', 12)] = SIP_HEADER_CONTENT_TYPE,
    [SLOT('c', 14)] = SIP_HEADER_CONTENT_LENGTH,
    [SLOT('c', 16)] = SIP_HEADER_CONTENT_ENCODING,
    [SLOT('c', 19)] = SIP_HEADER_CONTENT_DISPOSITION,
    [SLOT('d', 4)] = SIP_HEADER_DATE,
    [SLOT('d', 9)] = SIP_HEADER_DIVERSION,
    [SLOT('e', 5)] = SIP_HEADER_EVENT,
    [SLOT('e', 7)] = SIP_HEADER_EXPIRES,
    [SLOT('e', 10)] = SIP_HEADER_ERROR_INFO,
    [SLOT('f', 4)] = SIP_HEADER_FROM,
    [SLOT('f', 10)] = SIP_HEADER_FLOW_TIMER,
    [SLOT('h', 12)] = SIP_HEADER_HISTORY_INFO,
    [SLOT('i', 8)] = SIP_HEADER_IDENTITY,
    [SLOT('i', 11)] = SIP_HEADER_IN_REPLY_TO,
    [SLOT('i', 12)] = SIP_HEADER_INFO_PACKAGE,
    [SLOT('j', 4)] = SIP_HEADER_JOIN,
    [SLOT('m', 6)] = SIP_HEADER_MIN_SE,
    [SLOT('m', 11)] = SIP_HEADER_MIN_EXPIRES,
    [SLOT('m', 12)] = SIP_HEADER_MAX_FORWARDS,
    [SLOT('o', 12)] = SIP_HEADER_ORGANIZATION,
    [SLOT('p', 4)] = SIP_HEADER_PATH,
    [SLOT('p', 7)] = SIP_HEADER_PRIVACY,
    [SLOT('p', 8)] = SIP_HEADER_PRIORITY,
    [SLOT('p', 13)] = SIP_HEADER_PROXY_REQUIRE,
    [SLOT('p', 16)] = SIP_HEADER_P_ASSOCIATED_URI,
    [SLOT('p', 17)] = SIP_HEADER_P_CALLED_PARTY_ID,
    [SLOT('p', 18)] = SIP_HEADER_PROXY_AUTHENTICATE,
    [SLOT('p', 19)] = SIP_HEADER_P_ASSERTED_IDENTITY,
    [SLOT('p', 20)] = SIP_HEADER_P_PREFERRED_IDENTITY,
    [SLOT('r', 4)] = SIP_HEADER_RACK,
    [SLOT('r', 5)] = SIP_HEADER_ROUTE,
    [SLOT('r', 6)] = SIP_HEADER_REASON,
    [SLOT('r', 7)] = SIP_HEADER_REQUIRE,
    [SLOT('r', 8)] = SIP_HEADER_REFER_TO,
    [SLOT('r', 9)] = SIP_HEADER_RECV_INFO,
    [SLOT('r', 11)] = SIP_HEADER_REFERRED_BY,
    [SLOT('r', 12)] = SIP_HEADER_RECORD_ROUTE,
    [SLOT('r', 14)] = SIP_HEADER_REJECT_CONTACT,
    [SLOT('r', 15)] = SIP_HEADER_REMOTE_PARTY_ID,
    [SLOT('r', 17)] = SIP_HEADER_RESOURCE_PRIORITY,
    [SLOT('r', 19)] = SIP_HEADER_REQUEST_DISPOSITION,
    [SLOT('s', 6)] = SIP_HEADER_SERVER,
    [SLOT('s', 7)] = SIP_HEADER_SUBJECT,
    [SLOT('s', 8)] = SIP_HEADER_SIP_ETAG,
    [SLOT('s', 9)] = SIP_HEADER_SUPPORTED,
    [SLOT('s', 12)] = SIP_HEADER_SIP_IF_MATCH,
    [SLOT('s', 13)] = SIP_HEADER_SERVICE_ROUTE,
    [SLOT('s', 15)] = SIP_HEADER_SESSION_EXPIRES,
    [SLOT('s', 18)] = SIP_HEADER_SUBSCRIPTION_STATE,
    [SLOT('t', 2)] = SIP_HEADER_TO,
    [SLOT('t', 9)] = SIP_HEADER_TIMESTAMP,
    [SLOT('t', 13)] = SIP_HEADER_TARGET_DIALOG,
    [SLOT('u', 10)] = SIP_HEADER_USER_AGENT,
    [SLOT('u', 11)] = SIP_HEADER_UNSUPPORTED,
    [SLOT('u', 12)] = SIP_HEADER_USER_TO_USER,
    [SLOT('v', 3)] = SIP_HEADER_VIA,
    [SLOT('w', 7)] = SIP_HEADER_WARNING,
    [SLOT('w', 16)] = SIP_HEADER_WWW_AUTHENTICATE,
};

/* RFC 3261, 7.3.3 and the registry of compact forms. */
static const uint8_t compact_of[32] = {
    ['a' & 31] = SIP_HEADER_ACCEPT_CONTACT,
    ['b' & 31] = SIP_HEADER_REFERRED_BY,
    ['c' & 31] = SIP_HEADER_CONTENT_TYPE,
    ['d' & 31] = SIP_HEADER_REQUEST_DISPOSITION,
    ['e' & 31] = SIP_HEADER_CONTENT_ENCODING,
    ['f' & 31] = SIP_HEADER_FROM,
    ['i' & 31] = SIP_HEADER_CALL_ID,
    ['j' & 31] = SIP_HEADER_REJECT_CONTACT,
    ['k' & 31] = SIP_HEADER_SUPPORTED,
    ['l' & 31] = SIP_HEADER_CONTENT_LENGTH,
    ['m' & 31] = SIP_HEADER_CONTACT,
    ['o' & 31] = SIP_HEADER_EVENT,
    ['r' & 31] = SIP_HEADER_REFER_TO,
    ['s' & 31] = SIP_HEADER_SUBJECT,
    ['t' & 31] = SIP_HEADER_TO,
    ['u' & 31] = SIP_HEADER_ALLOW_EVENTS,
    ['v' & 31] = SIP_HEADER_VIA,
    ['x' & 31] = SIP_HEADER_SESSION_EXPIRES,
    ['y' & 31] = SIP_HEADER_IDENTITY,
};

static inline uint64_t load8(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

static inline uint32_t load4(const char *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

/* lower is as long as name, in lower case, of letters and '-'. Setting bit 5 makes letters lower and keeps
 * '-'; CR alone would turn into '-', and no name holds one. */
static inline bool name_is(struct str name, struct str lower)
{
    const uint64_t fold = 0x2020202020202020u;
    size_t n = name.n;
    const char *a = name.p, *b = lower.p;
    if (n >= 8) {
        for (size_t i = 0; i + 8 < n; i += 8) {
            if ((load8(a + i) | fold) != load8(b + i)) return false;
        }
        return (load8(a + n - 8) | fold) == load8(b + n - 8);
    }
    if (n >= 4)
        return (load4(a) | (uint32_t)fold) == load4(b) &&
               (load4(a + n - 4) | (uint32_t)fold) == load4(b + n - 4);
    for (size_t i = 0; i < n; i++) {
        if ((a[i] | 0x20) != b[i]) return false;
    }
    return true;
}

enum sip_header_id sip_header_from_name(struct str name)
{
    if (name.n == 0 || name.n >= SLOT_LEN_MAX) return SIP_HEADER_OTHER;
    unsigned letter = (unsigned char)name.p[0] | 0x20u;
    if (letter < 'a' || letter > 'z') return SIP_HEADER_OTHER;
    if (name.n == 1) return (enum sip_header_id)compact_of[letter & 31];
    unsigned id = first_of[SLOT(letter, name.n)];
    if (id == SIP_HEADER_OTHER) return SIP_HEADER_OTHER;
    for (; id < SIP_HEADER_ID_COUNT; id++) {
        struct str lower = header_rows[id].lower;
        if (lower.n != name.n || (unsigned char)lower.p[0] != letter) break;
        if (name_is(name, lower)) return (enum sip_header_id)id;
    }
    return SIP_HEADER_OTHER;
}

struct str sip_header_name(enum sip_header_id id)
{
    return (unsigned)id < SIP_HEADER_ID_COUNT ? header_rows[id].name : STR("");
}

bool sip_header_is_single(enum sip_header_id id)
{
    return (unsigned)id < SIP_HEADER_ID_COUNT && header_rows[id].is_single;
}
