#include "phone/problem.h"

#include "base/buf.h"
#include "base/check.h"
#include "http/client.h"
#include "net/stream.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

static const struct phone_exit_row table[] = {
    {PHONE_EXIT_OK, "ok", "done; status: registered"},
    {PHONE_EXIT_FAILED, "failed", "out of memory or descriptors"},
    {PHONE_EXIT_USAGE, "usage", "the command line is wrong"},
    {PHONE_EXIT_NOT_REGISTERED, "not-registered", "status: not registered"},
    {PHONE_EXIT_STATE, "state", "the state folder cannot be used"},
    {PHONE_EXIT_RUNNING, "running", "another run uses this profile"},
    {PHONE_EXIT_NOT_SIGNED_IN, "not-signed-in", "nobody has signed in here"},
    {PHONE_EXIT_SIGN_IN_AGAIN, "sign-in-again", "the sign-in has expired or was revoked"},
    {PHONE_EXIT_PASSWORD, "password", "wrong user or password"},
    {PHONE_EXIT_SIGN_IN, "sign-in", "the sign-in did not complete"},
    {PHONE_EXIT_AUTH_SERVER, "auth-server", "the authorization server's answer makes no sense"},
    {PHONE_EXIT_DNS, "dns", "a server's name has no address"},
    {PHONE_EXIT_UNREACHABLE, "unreachable", "a server refused the connection or has no route"},
    {PHONE_EXIT_TIMEOUT, "timeout", "a server did not answer in time"},
    {PHONE_EXIT_UNTRUSTED, "untrusted", "a server's certificate comes from a CA not trusted here"},
    {PHONE_EXIT_WRONG_NAME, "wrong-name", "a server's certificate is for another name"},
    {PHONE_EXIT_CERT_EXPIRED, "cert-expired", "a server's certificate is expired or not valid yet"},
    {PHONE_EXIT_TLS, "tls", "TLS failed in another way"},
    {PHONE_EXIT_CA_FILE, "ca-file", "the file of trusted CAs, or the phone's certificate, is bad"},
    {PHONE_EXIT_CLOSED, "closed", "the connection was lost"},
    {PHONE_EXIT_NO_CONFIG, "no-config", "the server has no configuration for this device"},
    {PHONE_EXIT_BAD_CONFIG, "bad-config", "the configuration cannot be used"},
    {PHONE_EXIT_CONFIG_REFUSED, "config-refused", "the server does not give us the configuration"},
    {PHONE_EXIT_FORBIDDEN, "forbidden", "the registration was refused (403)"},
    {PHONE_EXIT_UNKNOWN_LINE, "unknown-line", "the server does not know device or line (404)"},
    {PHONE_EXIT_TOKEN_REFUSED, "token-refused", "the server refuses a fresh token, too"},
    {PHONE_EXIT_SIP_PASSWORD, "sip-password", "SIP password missing or refused"},
    {PHONE_EXIT_REPLACED, "replaced", "another phone signed in as this device"},
    {PHONE_EXIT_REFUSED, "refused", "the registration was refused in another way"},
    {PHONE_EXIT_UNPROTECTED, "unprotected", "a token was asked for without TLS"},
    {PHONE_EXIT_BUSY, "busy", "the number called is busy"},
    {PHONE_EXIT_NO_ANSWER, "no-answer", "nobody answered the call"},
    {PHONE_EXIT_DECLINED, "declined", "the other side declined the call"},
    {PHONE_EXIT_NOT_FOUND, "not-found", "there is no such number"},
    {PHONE_EXIT_CALL_FORBIDDEN, "call-forbidden", "the server does not allow the call"},
    {PHONE_EXIT_UNACCEPTABLE, "unacceptable", "no common codec, or no encryption"},
    {PHONE_EXIT_CALL_REFUSED, "call-refused", "the call was refused in another way"},
    {PHONE_EXIT_CALL_LOST, "call-lost", "the call broke off"},
    {PHONE_EXIT_TRANSFER, "transfer", "a transfer, hold or resume failed"},
    {PHONE_EXIT_SCRIPT, "script", "a step of the script cannot be done"},
    {PHONE_EXIT_WAITED, "waited", "what the script waited for did not come in time"},
    {PHONE_EXIT_CALL_ENDED, "call-ended", "the other side hung up before the script was through"},
};

const struct phone_exit_row *phone_exit_table(size_t *count)
{
    *count = sizeof table / sizeof *table;
    return table;
}

const char *phone_exit_name(enum phone_exit code)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].code == code) return table[i].name;
    return "failed";
}

enum phone_exit phone_problem_set(struct phone_problem *p, enum phone_exit code, const char *fmt,
                                  ...)
{
    va_list ap;
    if (!p) return code;
    p->code = code;
    va_start(ap, fmt);
    vsnprintf(p->text, sizeof p->text, fmt, ap);
    va_end(ap);
    for (char *c = p->text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f) *c = '?';
    return code;
}

/* ---- HTTP ---- */

static const char clock_advice[] =
    "Renew the certificate on the server; if it is new, set this machine's clock.";

enum phone_exit phone_problem_of_http(struct phone_problem *p, const char *doing,
                                      const struct http_answer *answer)
{
    static const struct {
        enum http_failure failure;
        enum phone_exit code;
        const char *advice;
    } rows[] = {
        {HTTP_FAIL_URL, PHONE_EXIT_USAGE, "Give the server as https://host:port."},
        {HTTP_FAIL_DNS, PHONE_EXIT_DNS, "Check the server's name and this machine's DNS."},
        {HTTP_FAIL_REFUSED, PHONE_EXIT_UNREACHABLE,
         "Check the port, and that the server runs (\"show open ports\" there)."},
        {HTTP_FAIL_UNREACHABLE, PHONE_EXIT_UNREACHABLE, "Check the network, VPN and routes."},
        {HTTP_FAIL_TLS_UNTRUSTED, PHONE_EXIT_UNTRUSTED,
         "Sign in with --ca FILE, the CA that issued the server's certificate; ask the server's "
         "administrator for it."},
        {HTTP_FAIL_TLS_NAME, PHONE_EXIT_WRONG_NAME,
         "Use the name that stands in the certificate, or have the server's certificate issued for "
         "this one."},
        {HTTP_FAIL_TLS_EXPIRED, PHONE_EXIT_CERT_EXPIRED, clock_advice},
        {HTTP_FAIL_TLS, PHONE_EXIT_TLS, "Check that this port speaks TLS 1.2 or 1.3."},
        {HTTP_FAIL_CA_FILE, PHONE_EXIT_CA_FILE, "It must hold certificates in PEM form."},
        {HTTP_FAIL_TIMEOUT, PHONE_EXIT_TIMEOUT, "Check the network and firewalls on the way."},
        {HTTP_FAIL_TOO_BIG, PHONE_EXIT_AUTH_SERVER, "Check that this is the right server."},
        {HTTP_FAIL_CLOSED, PHONE_EXIT_CLOSED, "Check that the right protocol and port are used."},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].failure == answer->failure)
            return phone_problem_set(p, rows[i].code, "%s failed: %s. %s", doing, answer->why,
                                     rows[i].advice);
    return phone_problem_set(p, PHONE_EXIT_FAILED, "%s failed: %s.", doing, answer->why);
}

/* ---- SIP connections ---- */

struct advice {
    enum phone_exit code;
    const char *text;
};

static struct advice tls_advice(const struct net_tls_failure *f)
{
    if (f->by_peer)
        return (struct advice){PHONE_EXIT_TLS,
                               "The server refuses us: this port may want a client certificate "
                               "(--cert, --key) that it trusts."};
    switch (f->cause) {
    case NET_TLS_CAUSE_UNKNOWN_CA:
        return (struct advice){
            PHONE_EXIT_UNTRUSTED,
            "Sign in again with --ca FILE, the CA that issued this certificate."};
    case NET_TLS_CAUSE_EXPIRED:
    case NET_TLS_CAUSE_NOT_YET_VALID: return (struct advice){PHONE_EXIT_CERT_EXPIRED, clock_advice};
    case NET_TLS_CAUSE_NAME_MISMATCH:
        return (struct advice){PHONE_EXIT_WRONG_NAME,
                               "The configuration names the server differently from its "
                               "certificate: correct one of them."};
    case NET_TLS_CAUSE_NO_COMMON:
    case NET_TLS_CAUSE_NOT_TLS:
    case NET_TLS_CAUSE_EOF:
        return (struct advice){PHONE_EXIT_TLS, "Check that this port is the server's TLS port."};
    case NET_TLS_CAUSE_NO_CERTIFICATE:
    case NET_TLS_CAUSE_BAD_CERTIFICATE:
    case NET_TLS_CAUSE_NOT_ADMITTED:
    case NET_TLS_CAUSE_OTHER: break;
    }
    return (struct advice){PHONE_EXIT_TLS, "Have the server's certificate looked at."};
}

static struct advice close_advice(const struct net_close *why)
{
    if (why->tls) return tls_advice(why->tls);
    bool is_time = why->kind == NET_CLOSE_TLS_TIMEOUT || why->sys_errno == ETIMEDOUT ||
                   why->kind == NET_CLOSE_EXPECT || why->kind == NET_CLOSE_IDLE;
    if (is_time)
        return (struct advice){PHONE_EXIT_TIMEOUT, "Check the network and firewalls on the way."};
    if (why->kind == NET_CLOSE_CONNECT)
        return (struct advice){PHONE_EXIT_UNREACHABLE,
                               "Check that the server listens there (\"show open ports\")."};
    if (why->kind == NET_CLOSE_TLS || why->kind == NET_CLOSE_NOT_TLS)
        return (struct advice){PHONE_EXIT_TLS, "Check that this port is the server's TLS port."};
    if (why->kind == NET_CLOSE_NOMEM)
        return (struct advice){PHONE_EXIT_FAILED, "Free memory on this machine."};
    return (struct advice){PHONE_EXIT_CLOSED, "The phone connects again by itself."};
}

enum phone_exit phone_problem_of_close(struct phone_problem *p, struct str where,
                                       const struct net_close *why, const char *ca)
{
    if (!why)
        return phone_problem_set(p, PHONE_EXIT_CLOSED, "The connection to %.*s was closed.",
                                 STR_ARG(where));
    char text[400];
    struct buf b;
    buf_init_fixed(&b, text, sizeof text);
    net_close_print(&b, why);
    struct advice a = close_advice(why);
    if (a.code == PHONE_EXIT_UNTRUSTED)
        return phone_problem_set(p, a.code, "%.*s: %.*s. Trusted here: %s. %s", STR_ARG(where),
                                 STR_ARG(buf_str(&b)), ca && *ca ? ca : "the system's CAs", a.text);
    return phone_problem_set(p, a.code, "%.*s: %.*s. %s", STR_ARG(where), STR_ARG(buf_str(&b)),
                             a.text);
}

bool phone_problem_is_lasting(enum phone_exit code)
{
    switch (code) {
    case PHONE_EXIT_UNTRUSTED:
    case PHONE_EXIT_WRONG_NAME:
    case PHONE_EXIT_CERT_EXPIRED:
    case PHONE_EXIT_CA_FILE:
    case PHONE_EXIT_FORBIDDEN:
    case PHONE_EXIT_UNKNOWN_LINE:
    case PHONE_EXIT_TOKEN_REFUSED:
    case PHONE_EXIT_SIP_PASSWORD:
    case PHONE_EXIT_SIGN_IN_AGAIN:
    case PHONE_EXIT_UNPROTECTED:
    case PHONE_EXIT_NOT_SIGNED_IN:
    case PHONE_EXIT_REPLACED: return true;
    case PHONE_EXIT_BUSY:
    case PHONE_EXIT_NO_ANSWER:
    case PHONE_EXIT_DECLINED:
    case PHONE_EXIT_NOT_FOUND:
    case PHONE_EXIT_CALL_FORBIDDEN:
    case PHONE_EXIT_UNACCEPTABLE:
    case PHONE_EXIT_CALL_REFUSED:
    case PHONE_EXIT_CALL_LOST:
    case PHONE_EXIT_TRANSFER:
    case PHONE_EXIT_SCRIPT:
    case PHONE_EXIT_WAITED:
    case PHONE_EXIT_CALL_ENDED:
    case PHONE_EXIT_OK:
    case PHONE_EXIT_FAILED:
    case PHONE_EXIT_USAGE:
    case PHONE_EXIT_NOT_REGISTERED:
    case PHONE_EXIT_STATE:
    case PHONE_EXIT_RUNNING:
    case PHONE_EXIT_PASSWORD:
    case PHONE_EXIT_SIGN_IN:
    case PHONE_EXIT_AUTH_SERVER:
    case PHONE_EXIT_DNS:
    case PHONE_EXIT_UNREACHABLE:
    case PHONE_EXIT_TIMEOUT:
    case PHONE_EXIT_TLS:
    case PHONE_EXIT_CLOSED:
    case PHONE_EXIT_NO_CONFIG:
    case PHONE_EXIT_BAD_CONFIG:
    case PHONE_EXIT_CONFIG_REFUSED:
    case PHONE_EXIT_REFUSED: break;
    }
    return false;
}
