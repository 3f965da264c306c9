/* What the proxy prints: the request as it goes on (RFC 3261, 16.6) and the answer as it goes back
 * (16.7). */
#include "call/proxy_int.h"

#include "call/privacy.h"
#include "sip/auth.h"
#include "sip/print.h"

/* Who speaks, as this server vouches for it (RFC 3325, 9.1); nobody hears it who asked us not to
 * tell. */
static void print_identity(struct buf *out, struct str display, struct str line, struct str host)
{
    buf_put_lit(out, "P-Asserted-Identity: ");
    if (display.n > 0) {
        sip_print_quoted(out, display);
        buf_put_char(out, ' ');
    }
    buf_put_lit(out, "<sip:");
    sip_uri_print_user(out, line);
    buf_put_char(out, '@');
    buf_put_str(out, host);
    buf_put_lit(out, ">\r\n");
}

/* A hunt group's members see which group is called: "Sales: Ann", or "Sales: 1020". */
static struct str name_of_caller(const struct proxy_context *c)
{
    const struct call_visit *v = c->visit;
    const struct directory_hunt_group *group = c->ring ? c->ring->plan.group : NULL;
    struct str name = v->line->display, both;
    if (!group || group->display.n == 0) return name;
    if (name.n == 0) name = v->line->pattern;
    return arena_printf(v->arena, &both, "%.*s: %.*s", (int)group->display.n, group->display.p,
                        (int)name.n, name.p) == RC_OK
               ? both
               : name;
}

static void print_caller(const struct proxy_context *c, struct buf *out)
{
    const struct call_visit *v = c->visit;
    struct call_privacy p;
    if ((!v->line && !v->trunk) || !c->is_initial) return;
    call_privacy_read(v->message, &p);
    if (call_privacy_hides_identity(&p, call_privacy_is_anonymous(&v->request->basics->from_uri)))
        return;
    if (v->trunk) {
        print_identity(out, STR(""), proxy_inward_number(v),
                       call_host_text(v, &v->request->basics->to_uri));
        return;
    }
    print_identity(out, name_of_caller(c), v->line->pattern,
                   call_host_text(v, &v->request->basics->to_uri));
}

/* Credentials that were for us stay here. A bearer token goes nowhere. */
static bool is_for_us(const struct call_visit *v, struct str value)
{
    struct sip_auth auth;
    struct sip_digest digest;
    if (sip_auth_parse(value, &auth, NULL) != RC_OK) return true;
    if (auth.scheme != SIP_AUTH_DIGEST) return true;
    if (sip_digest_get(&auth, v->arena, &digest) != RC_OK) return true;
    return str_eq(digest.realm, v->params->text[STORE_P_REALM]);
}

/* Written anew, or not to be handed on. */
static bool is_dropped(const struct call_visit *v, const struct sip_header *h)
{
    switch ((int)h->id) {
    case SIP_HEADER_VIA:
    case SIP_HEADER_ROUTE:
    case SIP_HEADER_MAX_FORWARDS:
    case SIP_HEADER_CONTENT_LENGTH:
    case SIP_HEADER_P_ASSERTED_IDENTITY:
    case SIP_HEADER_P_PREFERRED_IDENTITY:
    case SIP_HEADER_BEARLINE_REASON: return true;
    case SIP_HEADER_AUTHORIZATION:
    case SIP_HEADER_PROXY_AUTHORIZATION: return is_for_us(v, h->value);
    case SIP_HEADER_OTHER: return str_eq_nocase(h->name, STR("Max-Breadth"));
    default: return false;
    }
}

void proxy_print_request(struct proxy_context *c, const struct call_target *t, struct str *uri,
                         struct buf *out)
{
    const struct call_visit *v = c->visit;
    const struct sip_message *m = v->message;
    struct call_privacy privacy;
    call_privacy_read(m, &privacy);
    siptx_request_print_vias(v->request, out);
    call_route_print(out, m, &c->route, call_target_path(t), uri);
    sip_print_header_u64(out, SIP_HEADER_MAX_FORWARDS, v->request->basics->max_forwards - 1);
    if (c->is_initial) {
        buf_put_lit(out, "Max-Breadth: ");
        buf_put_u64(out, c->breadth);
        buf_put_lit(out, "\r\n");
    }
    print_caller(c, out);
    if (c->ring)
        call_plan_print_diversions(&c->ring->plan, call_host_text(v, &v->request->basics->to_uri),
                                   out);
    proxy_timer_print_request(c, out);
    for (unsigned i = 0; i < m->header_count; i++) {
        const struct sip_header *h = &m->headers[i];
        bool is_left_out = is_dropped(v, h) || call_privacy_drops(&privacy, h->id) ||
                           proxy_timer_drops(c, (enum sip_header_id)h->id);
        if (!is_left_out) sip_print_header_named(out, h->name, h->value);
    }
}

/* ---- answers ---- */

static bool is_challenge(const struct sip_header *h)
{
    return h->id == SIP_HEADER_WWW_AUTHENTICATE || h->id == SIP_HEADER_PROXY_AUTHENTICATE;
}

static void print_callee(const struct proxy_context *c, const struct branch *b,
                         const struct sip_message *m, struct buf *out)
{
    const struct call_target *t = b->target;
    struct call_privacy p;
    if (!c->is_initial || t->way_count == 0 || m->status >= 300) return;
    call_privacy_read(m, &p);
    if (call_privacy_hides_identity(&p, false)) return;
    print_identity(out, STR(""), t->ways[t->way]->line,
                   call_host_text(c->visit, &c->visit->request->basics->from_uri));
}

void proxy_print_answer(struct proxy_context *c, const struct branch *b,
                        const struct sip_message *m, bool without_challenges, struct buf *out)
{
    sip_print_status_line(out, m->status, m->reason);
    siptx_request_print_vias(c->request, out);
    print_callee(c, b, m, out);
    proxy_timer_print_answer(c, m, out);
    struct call_privacy privacy;
    call_privacy_read(m, &privacy);
    for (unsigned i = 0; i < m->header_count; i++) {
        const struct sip_header *h = &m->headers[i];
        bool skip = h->id == SIP_HEADER_VIA || h->id == SIP_HEADER_CONTENT_LENGTH ||
                    h->id == SIP_HEADER_P_ASSERTED_IDENTITY ||
                    (without_challenges && is_challenge(h)) || call_privacy_drops(&privacy, h->id);
        if (!skip) sip_print_header_named(out, h->name, h->value);
    }
}

void proxy_keep_challenges(struct proxy_context *c, const struct sip_message *m)
{
    for (unsigned i = 0; i < m->header_count; i++)
        if (is_challenge(&m->headers[i]))
            sip_print_header_named(&c->challenges, m->headers[i].name, m->headers[i].value);
}
