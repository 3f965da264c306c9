#include "sip/status.h"

static const struct {
    unsigned status;
    struct str reason;
} status_reasons[] = {
    {100, STR_INIT("Trying")},
    {180, STR_INIT("Ringing")},
    {181, STR_INIT("Call Is Being Forwarded")},
    {182, STR_INIT("Queued")},
    {183, STR_INIT("Session Progress")},
    {199, STR_INIT("Early Dialog Terminated")},
    {200, STR_INIT("OK")},
    {202, STR_INIT("Accepted")},
    {204, STR_INIT("No Notification")},
    {300, STR_INIT("Multiple Choices")},
    {301, STR_INIT("Moved Permanently")},
    {302, STR_INIT("Moved Temporarily")},
    {305, STR_INIT("Use Proxy")},
    {380, STR_INIT("Alternative Service")},
    {400, STR_INIT("Bad Request")},
    {401, STR_INIT("Unauthorized")},
    {402, STR_INIT("Payment Required")},
    {403, STR_INIT("Forbidden")},
    {404, STR_INIT("Not Found")},
    {405, STR_INIT("Method Not Allowed")},
    {406, STR_INIT("Not Acceptable")},
    {407, STR_INIT("Proxy Authentication Required")},
    {408, STR_INIT("Request Timeout")},
    {410, STR_INIT("Gone")},
    {412, STR_INIT("Conditional Request Failed")},
    {413, STR_INIT("Request Entity Too Large")},
    {414, STR_INIT("Request-URI Too Long")},
    {415, STR_INIT("Unsupported Media Type")},
    {416, STR_INIT("Unsupported URI Scheme")},
    {417, STR_INIT("Unknown Resource-Priority")},
    {420, STR_INIT("Bad Extension")},
    {421, STR_INIT("Extension Required")},
    {422, STR_INIT("Session Interval Too Small")},
    {423, STR_INIT("Interval Too Brief")},
    {428, STR_INIT("Use Identity Header")},
    {429, STR_INIT("Provide Referrer Identity")},
    {430, STR_INIT("Flow Failed")},
    {433, STR_INIT("Anonymity Disallowed")},
    {439, STR_INIT("First Hop Lacks Outbound Support")},
    {440, STR_INIT("Max-Breadth Exceeded")},
    {469, STR_INIT("Bad Info Package")},
    {470, STR_INIT("Consent Needed")},
    {480, STR_INIT("Temporarily Unavailable")},
    {481, STR_INIT("Call/Transaction Does Not Exist")},
    {482, STR_INIT("Loop Detected")},
    {483, STR_INIT("Too Many Hops")},
    {484, STR_INIT("Address Incomplete")},
    {485, STR_INIT("Ambiguous")},
    {486, STR_INIT("Busy Here")},
    {487, STR_INIT("Request Terminated")},
    {488, STR_INIT("Not Acceptable Here")},
    {489, STR_INIT("Bad Event")},
    {491, STR_INIT("Request Pending")},
    {493, STR_INIT("Undecipherable")},
    {494, STR_INIT("Security Agreement Required")},
    {500, STR_INIT("Server Internal Error")},
    {501, STR_INIT("Not Implemented")},
    {502, STR_INIT("Bad Gateway")},
    {503, STR_INIT("Service Unavailable")},
    {504, STR_INIT("Server Time-out")},
    {505, STR_INIT("Version Not Supported")},
    {513, STR_INIT("Message Too Large")},
    {580, STR_INIT("Precondition Failure")},
    {600, STR_INIT("Busy Everywhere")},
    {603, STR_INIT("Decline")},
    {604, STR_INIT("Does Not Exist Anywhere")},
    {606, STR_INIT("Not Acceptable")},
};

static const struct str class_reasons[] = {
    STR_INIT("Unknown"),        STR_INIT("Progress"),      STR_INIT("Success"),
    STR_INIT("Redirection"),    STR_INIT("Request Error"), STR_INIT("Server Error"),
    STR_INIT("Global Failure"),
};

struct str sip_status_reason(unsigned status)
{
    for (size_t i = 0; i < sizeof(status_reasons) / sizeof(status_reasons[0]); i++) {
        if (status_reasons[i].status == status) return status_reasons[i].reason;
    }
    return class_reasons[status >= 100 && status < 700 ? status / 100 : 0];
}
