/* What the phone hears: answers to REGISTER, refusals in words, and the server's push. */
#include "phone/register.h"

#include "sip/nameaddr.h"
#include "sip/number.h"
#include "sip/status.h"
#include "sip/warning.h"

/* ---- answers ---- */

static const enum sip_header_id challenge_headers[] = {SIP_HEADER_PROXY_AUTHENTICATE,
                                                       SIP_HEADER_WWW_AUTHENTICATE};

/* Bearer is preferred where both are offered. */
static void read_challenge(const struct sip_message *m, struct phone_answer *out)
{
    struct sip_auth a;
    for (size_t i = 0; i < sizeof challenge_headers / sizeof *challenge_headers; i++) {
        const struct sip_header *h = sip_message_find(m, challenge_headers[i]);
        for (; h; h = sip_message_next(m, h)) {
            if (sip_auth_parse(h->value, &a, NULL) != RC_OK) continue;
            if (a.scheme == SIP_AUTH_BEARER) out->challenge = PHONE_CHALLENGE_BEARER;
            if (a.scheme != SIP_AUTH_DIGEST) continue;
            if (out->challenge == PHONE_CHALLENGE_NONE) out->challenge = PHONE_CHALLENGE_DIGEST;
            if (str_eq_nocase(sip_auth_value(&a, STR("stale")), STR("true"))) out->stale = true;
        }
    }
}

static bool is_contact(struct str text, struct str our_contact)
{
    struct sip_uri a, b;
    return sip_uri_parse(text, &a, NULL) == RC_OK &&
           sip_uri_parse(our_contact, &b, NULL) == RC_OK && sip_uri_eq(&a, &b);
}

/* Our own contact's expiry, else the header field's, else what was asked for (RFC 3261, 10.2.4). */
static void read_granted(const struct sip_message *m, struct str our_contact, uint32_t asked_s,
                         struct phone_answer *out)
{
    struct sip_values values;
    struct str value;
    struct sip_nameaddr na;
    struct sip_param p;
    uint32_t expires;
    out->granted_s = asked_s;
    if (sip_expires(m, &expires) == RC_OK) out->granted_s = expires;
    sip_values_init(&values, m, SIP_HEADER_CONTACT);
    while (sip_values_next(&values, &value) == RC_OK) {
        if (sip_nameaddr_parse(value, &na, NULL) != RC_OK || !is_contact(na.uri, our_contact))
            continue;
        if (sip_nameaddr_expires(&na, &expires) == RC_OK) out->granted_s = expires;
        if (sip_param_find(na.params, STR("x-cisco-newreg"), &p)) out->is_new = true;
    }
}

static uint32_t seconds_of(const struct sip_message *m, enum sip_header_id id)
{
    uint32_t s;
    return sip_seconds_parse(sip_message_value(m, id), &s) == RC_OK ? s : 0;
}

static void read_why(const struct sip_message *m, struct arena *a, struct phone_refusal *out)
{
    struct sip_values values;
    struct str value;
    struct sip_warning w;
    out->phrase = m->reason.n > 0 ? m->reason : sip_status_reason(m->status);
    out->reason = sip_message_value(m, SIP_HEADER_BEARLINE_REASON);
    sip_values_init(&values, m, SIP_HEADER_WARNING);
    if (sip_values_next(&values, &value) != RC_OK || sip_warning_parse(value, &w) != RC_OK) return;
    out->warning_code = (uint16_t)w.code;
    if (sip_unescape(w.text, a, &out->warning) != RC_OK) out->warning = w.text;
}

void phone_answer_read(const struct sip_message *m, struct str our_contact, uint32_t asked_s,
                       struct arena *a, struct phone_answer *out, struct phone_refusal *why)
{
    enum { RETRY_AFTER_MAX_S = 3600 };
    *out = (struct phone_answer){.status = m->status};
    *why = (struct phone_refusal){0};
    read_challenge(m, out);
    if (m->status >= 200 && m->status < 300) read_granted(m, our_contact, asked_s, out);
    out->min_expires_s = seconds_of(m, SIP_HEADER_MIN_EXPIRES);
    out->retry_after_s = seconds_of(m, SIP_HEADER_RETRY_AFTER);
    if (out->retry_after_s > RETRY_AFTER_MAX_S) out->retry_after_s = RETRY_AFTER_MAX_S;
    read_why(m, a, why);
}

/* ---- refusals in words ---- */

struct words {
    enum phone_exit code;
    const char *advice;
};

/* The server's Bearline-Reason is more telling than its Warning, but it may be switched off. */
static const char *advice_of_reason(struct str reason)
{
    static const struct {
        struct str reason;
        const char *advice;
    } rows[] = {
        {STR_INIT("device-disabled"), "The device is disabled: have the administrator enable it "
                                      "(\"bearline device update DEVICE "
                                      "--enabled yes\")."},
        {STR_INIT("user-unknown"),
         "The user who signed in is disabled or removed: have the administrator activate the user "
         "(\"bearline user update USER --active yes\"), or sign in as the device's owner."},
        {STR_INIT("no-profile"),
         "The device's security profile is gone: have the administrator give it one (\"bearline "
         "device update DEVICE --profile PROFILE\")."},
        {STR_INIT("port-mismatch-mode-off"),
         "SIP OAuth mode is disabled: have the administrator enable it (\"bearline utils "
         "sipOAuth-mode enable\")."},
        {STR_INIT("port-mismatch-profile-without-oauth"),
         "The device's security profile has no OAuth authentication: have the administrator enable "
         "it (\"bearline profile update PROFILE --oauth yes\"), then start the phone again."},
        {STR_INIT("port-mismatch-profile-with-oauth"),
         "The device registers by OAuth now, on another port: sign in and start the phone again, "
         "so "
         "that it fetches its new configuration."},
        {STR_INIT("security-mode"), "The device's security mode is for another port: start the "
                                    "phone again, so that it fetches "
                                    "its new configuration."},
        {STR_INIT("certificate-name"),
         "The certificate (--cert) does not name this device: have one issued whose CN is the "
         "device's name, or have the administrator set the device's client certificate."},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (str_eq_nocase(reason, rows[i].reason)) return rows[i].advice;
    return NULL;
}

static struct words forbidden_words(const struct phone_refusal *why)
{
    const char *advice = advice_of_reason(why->reason);
    if (advice) return (struct words){PHONE_EXIT_FORBIDDEN, advice};
    if (str_eq_nocase(why->warning, STR("SIP OAuth Registration port Mismatch")))
        return (struct words){
            PHONE_EXIT_FORBIDDEN,
            "Have the administrator check that SIP OAuth mode is enabled (\"utils sipOAuth-mode "
            "status\"), that the device's security profile has OAuth authentication on, and that "
            "the phone is meant for this port: the device's configuration says which."};
    if (str_eq_nocase(why->warning, STR("Token user does not own device")))
        return (struct words){PHONE_EXIT_FORBIDDEN,
                              "Sign in as the device's owner, or have the administrator make you "
                              "its owner."};
    return (struct words){PHONE_EXIT_FORBIDDEN,
                          "The server's log names the reason (\"bearline diagnose\" there)."};
}

static struct words words_of(const struct phone_answer *answer, const struct phone_refusal *why,
                             enum phone_challenge sent)
{
    if (answer->challenge == PHONE_CHALLENGE_BEARER && sent != PHONE_CHALLENGE_BEARER)
        return (struct words){PHONE_EXIT_NOT_SIGNED_IN,
                              "The line wants a token: run \"bearline-phone login\" first."};
    if (answer->challenge == PHONE_CHALLENGE_BEARER)
        return (struct words){PHONE_EXIT_TOKEN_REFUSED,
                              "It refuses a fresh token, too: check that phone and server agree on "
                              "the time, and that the server trusts this authorization server."};
    if (answer->challenge == PHONE_CHALLENGE_DIGEST && sent != PHONE_CHALLENGE_DIGEST)
        return (struct words){PHONE_EXIT_SIP_PASSWORD,
                              "The line wants a SIP password: give --sip-password-file FILE."};
    if (answer->challenge == PHONE_CHALLENGE_DIGEST)
        return (struct words){PHONE_EXIT_SIP_PASSWORD,
                              "Check --sip-user and the password in --sip-password-file."};
    switch (answer->status) {
    case 403: return forbidden_words(why);
    case 404:
        return (struct words){PHONE_EXIT_UNKNOWN_LINE,
                              "Have the administrator check that the device exists, has this line, "
                              "and belongs to the user who signed in."};
    case 503: return (struct words){PHONE_EXIT_REFUSED, "The server is not ready or overloaded."};
    default: return (struct words){PHONE_EXIT_REFUSED, "The server's log may tell more."};
    }
}

enum phone_exit phone_refusal_explain(struct phone_problem *p, const struct phone_answer *answer,
                                      const struct phone_refusal *why, struct str where,
                                      struct str device, enum phone_challenge sent)
{
    char warning[160] = "", reason[80] = "";
    struct words w = words_of(answer, why, sent);
    struct buf b;
    buf_init_fixed(&b, warning, sizeof warning - 1);
    if (why->warning.n > 0)
        buf_printf(&b, ", Warning %u \"%.*s\"", why->warning_code,
                   STR_ARG(str_sub(why->warning, 0, 120)));
    warning[b.n] = '\0';
    buf_init_fixed(&b, reason, sizeof reason - 1);
    if (why->reason.n > 0) buf_printf(&b, ", reason %.*s", STR_ARG(str_sub(why->reason, 0, 60)));
    reason[b.n] = '\0';
    return phone_problem_set(p, w.code, "%.*s refused the registration of %.*s: %u %.*s%s%s. %s",
                             STR_ARG(where), STR_ARG(device), answer->status,
                             STR_ARG(str_sub(why->phrase, 0, 60)), warning, reason, w.advice);
}

/* ---- the server's push ---- */

/* "key=value" lines; the value of the first such key. */
static struct str line_value(struct str body, struct str key)
{
    struct str line, name;
    while (str_split(&body, '\n', &line)) {
        struct str value = str_trim(line);
        if (str_split(&value, '=', &name) && value.p && str_eq_nocase(str_trim(name), key))
            return str_trim(value);
    }
    return STR("");
}

enum phone_control phone_control_parse(struct str body, struct str device)
{
    struct str action = line_value(body, STR("action")), reason = line_value(body, STR("reason"));
    struct str name = line_value(body, STR("DeviceName"));
    if (name.n > 0 && !str_eq_nocase(name, device)) return PHONE_CONTROL_NONE;
    if (str_eq_nocase(action, STR("reset")) || str_eq_nocase(action, STR("restart")))
        return PHONE_CONTROL_RESET;
    if (!str_eq_nocase(action, STR("released"))) return PHONE_CONTROL_NONE;
    return str_eq_nocase(reason, STR("duplicate-registration")) ? PHONE_CONTROL_REPLACED
                                                                : PHONE_CONTROL_REVOKED;
}
