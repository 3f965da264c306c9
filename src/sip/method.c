#include "sip/method.h"

static const struct str method_texts[SIP_METHOD_COUNT] = {
    [SIP_METHOD_OTHER] = STR_INIT(""),
    [SIP_METHOD_ACK] = STR_INIT("ACK"),
    [SIP_METHOD_BYE] = STR_INIT("BYE"),
    [SIP_METHOD_CANCEL] = STR_INIT("CANCEL"),
    [SIP_METHOD_INFO] = STR_INIT("INFO"),
    [SIP_METHOD_INVITE] = STR_INIT("INVITE"),
    [SIP_METHOD_MESSAGE] = STR_INIT("MESSAGE"),
    [SIP_METHOD_NOTIFY] = STR_INIT("NOTIFY"),
    [SIP_METHOD_OPTIONS] = STR_INIT("OPTIONS"),
    [SIP_METHOD_PRACK] = STR_INIT("PRACK"),
    [SIP_METHOD_PUBLISH] = STR_INIT("PUBLISH"),
    [SIP_METHOD_REFER] = STR_INIT("REFER"),
    [SIP_METHOD_REGISTER] = STR_INIT("REGISTER"),
    [SIP_METHOD_SUBSCRIBE] = STR_INIT("SUBSCRIBE"),
    [SIP_METHOD_UPDATE] = STR_INIT("UPDATE"),
};

enum sip_method sip_method_from_text(struct str text)
{
    for (int m = SIP_METHOD_OTHER + 1; m < SIP_METHOD_COUNT; m++) {
        if (str_eq(text, method_texts[m])) return (enum sip_method)m;
    }
    return SIP_METHOD_OTHER;
}

struct str sip_method_text(enum sip_method method)
{
    return (unsigned)method < SIP_METHOD_COUNT ? method_texts[method] : STR("");
}
