#include "phone/dialog.h"

#include "sip/print.h"

/* Ends the text; what we repeat to others may not end a header line or a C string early. */
static enum rc finish(const struct buf *b, char *out)
{
    if (buf_rc(b) != RC_OK) return RC_TOO_BIG;
    for (size_t i = 0; i < b->n; i++)
        if ((unsigned char)out[i] < 0x20 && out[i] != '\t') return RC_MALFORMED;
    out[b->n] = '\0';
    return RC_OK;
}

static enum rc put(char *out, size_t cap, struct str s)
{
    struct buf b;
    buf_init_fixed(&b, out, cap - 1);
    sip_print_unfolded(&b, s);
    return finish(&b, out);
}

/* A party without its tag: display name and URI. */
static enum rc put_party(char *out, size_t cap, const struct sip_nameaddr *n)
{
    struct buf b;
    buf_init_fixed(&b, out, cap - 1);
    if (n->display.n > 0) {
        sip_print_unfolded(&b, n->display);
        buf_put_char(&b, ' ');
    }
    buf_put_char(&b, '<');
    buf_put_str(&b, n->uri);
    buf_put_char(&b, '>');
    return finish(&b, out);
}

enum rc phone_dialog_begin(struct phone_dialog *d, struct str local, struct str remote,
                           struct str target, struct str call_id, struct str tag, uint32_t cseq)
{
    *d = (struct phone_dialog){.local_cseq = cseq};
    enum rc rc = put(d->local, sizeof d->local, local);
    if (rc == RC_OK) rc = put(d->remote, sizeof d->remote, remote);
    if (rc == RC_OK) rc = put(d->target, sizeof d->target, target);
    if (rc == RC_OK) rc = put(d->call_id, sizeof d->call_id, call_id);
    if (rc == RC_OK) rc = put(d->local_tag, sizeof d->local_tag, tag);
    return rc;
}

/* ---- route sets ---- */

/* One value in front of (reversed) or behind those there. */
static enum rc add_route(char *routes, size_t *n, struct str value, bool in_front)
{
    char text[PHONE_URI_MAX + PHONE_NAME_MAX];
    enum rc rc = put(text, sizeof text, value);
    if (rc != RC_OK) return rc;
    size_t len = strlen(text);
    if (*n + len + 1 >= PHONE_ROUTES_MAX) return RC_TOO_BIG;
    char *at = in_front ? routes : routes + *n;
    if (in_front) memmove(routes + len + 1, routes, *n);
    memcpy(at, text, len);
    at[len] = '\n';
    *n += len + 1;
    routes[*n] = '\0';
    return RC_OK;
}

static enum rc read_routes(struct phone_dialog *d, const struct sip_message *m, bool reversed)
{
    struct sip_values v;
    struct str value;
    size_t n = 0;
    enum rc rc;
    d->routes[0] = d->strict[0] = '\0';
    sip_values_init(&v, m, SIP_HEADER_RECORD_ROUTE);
    while ((rc = sip_values_next(&v, &value)) == RC_OK)
        if ((rc = add_route(d->routes, &n, value, reversed)) != RC_OK) return rc;
    if (rc != RC_NOT_FOUND) return rc;
    if (n == 0) return RC_OK;
    struct sip_nameaddr first;
    struct sip_uri uri;
    struct str rest = str_of(d->routes, n), line;
    str_split(&rest, '\n', &line);
    rc = sip_nameaddr_parse_uri(line, &first, &uri, NULL);
    if (rc != RC_OK) return RC_MALFORMED;
    return sip_uri_param(&uri, STR("lr"), NULL) ? RC_OK
                                                : put(d->strict, sizeof d->strict, uri.text);
}

/* ---- making one ---- */

static enum rc read_contact(struct phone_dialog *d, const struct sip_message *m)
{
    struct sip_values v;
    struct str value;
    struct sip_nameaddr n;
    struct sip_uri uri;
    sip_values_init(&v, m, SIP_HEADER_CONTACT);
    enum rc rc = sip_values_next(&v, &value);
    if (rc != RC_OK) return rc;
    if (sip_nameaddr_parse_uri(value, &n, &uri, NULL) != RC_OK || !sip_uri_is_sip(&uri))
        return RC_MALFORMED;
    return put(d->target, sizeof d->target, n.uri);
}

enum rc phone_dialog_take_response(struct phone_dialog *d, const struct sip_message *m)
{
    struct phone_dialog next = *d;
    struct sip_nameaddr to;
    enum rc rc = sip_nameaddr_parse(sip_message_value(m, SIP_HEADER_TO), &to, NULL);
    if (rc != RC_OK) return RC_MALFORMED;
    rc = put(next.remote_tag, sizeof next.remote_tag, sip_nameaddr_tag(&to));
    if (rc == RC_OK) rc = read_contact(&next, m);
    if (rc == RC_OK) rc = read_routes(&next, m, true);
    if (rc == RC_NOT_FOUND) return RC_MALFORMED;
    if (rc == RC_OK) *d = next;
    return rc;
}

enum rc phone_dialog_of_request(struct phone_dialog *d, const struct sip_message *m,
                                const struct sip_basics *basics, struct str local_tag)
{
    *d = (struct phone_dialog){.remote_cseq = basics->cseq.number};
    enum rc rc = put(d->call_id, sizeof d->call_id, basics->call_id);
    if (rc == RC_OK) rc = put(d->local_tag, sizeof d->local_tag, local_tag);
    if (rc == RC_OK) rc = put(d->remote_tag, sizeof d->remote_tag, basics->from_tag);
    if (rc == RC_OK) rc = put_party(d->local, sizeof d->local, &basics->to);
    if (rc == RC_OK) rc = put_party(d->remote, sizeof d->remote, &basics->from);
    if (rc == RC_OK) rc = read_contact(d, m);
    if (rc == RC_OK) rc = read_routes(d, m, false);
    return rc == RC_NOT_FOUND ? RC_MALFORMED : rc;
}

enum rc phone_dialog_retarget(struct phone_dialog *d, const struct sip_message *m)
{
    char before[PHONE_URI_MAX];
    memcpy(before, d->target, sizeof before);
    enum rc rc = read_contact(d, m);
    if (rc == RC_OK) return RC_OK;
    memcpy(d->target, before, sizeof before);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

bool phone_dialog_has(const struct phone_dialog *d, const struct sip_basics *basics)
{
    return str_eq(basics->call_id, str_from(d->call_id)) &&
           str_eq(basics->to_tag, str_from(d->local_tag)) &&
           str_eq(basics->from_tag, str_from(d->remote_tag));
}

/* ---- printing ---- */

struct str phone_dialog_uri(const struct phone_dialog *d)
{
    return str_from(d->strict[0] ? d->strict : d->target);
}

static void print_party(struct buf *out, const char *name, const char *party, const char *tag)
{
    buf_printf(out, "%s: %s", name, party);
    if (tag[0]) buf_printf(out, ";tag=%s", tag);
    buf_put_lit(out, "\r\n");
}

void phone_dialog_print(struct buf *out, const struct phone_dialog *d, struct str method,
                        uint32_t cseq)
{
    struct str rest = str_from(d->routes), line;
    print_party(out, "From", d->local, d->local_tag);
    print_party(out, "To", d->remote, d->remote_tag);
    buf_printf(out, "Call-ID: %s\r\nCSeq: %u %.*s\r\nMax-Forwards: 70\r\n", d->call_id, cseq,
               STR_ARG(method));
    if (d->strict[0]) str_split(&rest, '\n', &line); /* it is the Request-URI (12.2.1.1) */
    while (str_split(&rest, '\n', &line))
        if (line.n > 0) sip_print_header(out, SIP_HEADER_ROUTE, line);
    if (d->strict[0]) buf_printf(out, "Route: <%s>\r\n", d->target);
}
