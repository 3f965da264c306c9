#include "call/dial.h"

#include "sip/nameaddr.h"

/* visual-separator = "-" / "." / "(" / ")"; RFC 3966, 3. */
static bool is_separator(char c)
{
    return c == '-' || c == '.' || c == '(' || c == ')';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* phonedigit-hex = HEXDIG / "*" / "#" */
static bool is_local_digit(char c)
{
    return is_digit(c) || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f') || c == '*' || c == '#';
}

/* global-number-digits or local-number-digits, without the separators. */
static enum rc number_read(struct str text, struct arena *a, struct str *out)
{
    char *p = arena_alloc(a, text.n > 0 ? text.n : 1);
    size_t n = 0, digits = 0;
    if (!p) return RC_NOMEM;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool is_global = n > 0 && p[0] == '+';
        if (is_separator(c)) continue;
        if (is_global ? !is_digit(c) : !is_local_digit(c) && (c != '+' || i > 0))
            return RC_MALFORMED;
        p[n++] = c;
        if (c != '+') digits++;
    }
    if (digits == 0) return RC_MALFORMED;
    *out = str_of(p, n);
    return RC_OK;
}

static struct str context_of(struct str params)
{
    return sip_param_value(params, STR("phone-context"));
}

static enum rc subscriber_read(struct str text, struct str params, struct arena *a,
                               struct call_dialled *out)
{
    struct call_dialled d = {.context = context_of(params)};
    struct str plain;
    enum rc rc = sip_percent_decode(text, a, &plain);
    if (rc == RC_OK) rc = number_read(plain, a, &d.number);
    if (rc == RC_OK) *out = d;
    return rc;
}

static bool is_phone(const struct sip_uri *uri)
{
    struct str value;
    return sip_uri_param(uri, STR("user"), &value) && str_eq_nocase(value, STR("phone"));
}

enum rc call_dial_read(const struct sip_uri *uri, struct arena *a, struct call_dialled *out)
{
    struct call_dialled d = {.is_tel = uri->scheme == SIP_SCHEME_TEL};
    enum rc rc;
    if (d.is_tel) {
        rc = subscriber_read(uri->opaque, uri->params, a, &d);
        d.is_tel = true;
    } else if (!sip_uri_is_sip(uri) || !uri->has_user) {
        return RC_NOT_FOUND;
    } else {
        size_t n = 0;
        while (n < uri->user.n && uri->user.p[n] != ';')
            n++;
        rc = is_phone(uri) ? subscriber_read(str_sub(uri->user, 0, n),
                                             str_sub(uri->user, n, uri->user.n), a, &d)
                           : RC_MALFORMED;
        /* Phones say user=phone of names too. */
        if (rc == RC_MALFORMED) rc = sip_percent_decode(uri->user, a, &d.number);
    }
    if (rc == RC_OK) *out = d;
    return rc;
}

bool call_dial_is_local(const struct call_dialled *d, call_is_our_host_fn *is_ours, void *ctx)
{
    struct sip_host host;
    if (d->context.n == 0 || d->number.p[0] == '+') return true;
    return sip_host_parse(d->context, &host) == RC_OK && is_ours(ctx, &host);
}
