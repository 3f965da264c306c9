/* What a phone that is no Cisco phone hears of its line's registrations: the Contacts that are there,
 * with the GRUUs of each (RFC 5627, 5.2), the Path (RFC 3327) and the Service-Route (RFC 3608). */
#include "call/call_int.h"

#include "call/contacts.h"
#include "call/gruu.h"
#include "call/route.h"
#include "sip/print.h"

static void print_gruus(const struct call_visit *v, const struct location_binding *b,
                        struct buf *out)
{
    struct call_node *n = v->worker->node;
    struct str host = call_host_text(v, &v->to);
    char text[512];
    struct buf temporary;
    buf_put_lit(out, ";pub-gruu=\"");
    call_gruu_print_public(out, b->line, host, b->instance);
    buf_put_char(out, '"');
    buf_init_fixed(&temporary, text, sizeof text);
    if (call_gruu_print_temporary(n->gruu, &n->random, b, host, &temporary) != RC_OK) return;
    if (buf_rc(&temporary) != RC_OK) return;
    buf_put_lit(out, ";temp-gruu=\"");
    buf_put_str(out, buf_str(&temporary));
    buf_put_char(out, '"');
}

static void print_contact(const struct call_visit *v, const struct location_binding *b,
                          int64_t left_ms, bool gruu, struct buf *out)
{
    buf_put_lit(out, "Contact: <");
    buf_put_str(out, b->contact);
    buf_put_char(out, '>');
    call_contact_print_params(out, b->params);
    if (gruu && b->instance.n > 0) print_gruus(v, b, out);
    buf_printf(out, ";expires=%lld\r\n", (long long)((left_ms + 999) / 1000));
}

void call_print_registered(const struct call_visit *v,
                           const struct location_binding *const *bindings, size_t count,
                           int64_t now_mono_ms, struct buf *out)
{
    const struct siptx_flow *f = v->request->flow;
    bool gruu = sip_values_has(v->message, SIP_HEADER_SUPPORTED, STR("gruu"));
    for (size_t i = 0; i < count; i++) {
        int64_t left_ms = bindings[i]->expires_mono_ms - now_mono_ms;
        if (left_ms > 0) print_contact(v, bindings[i], left_ms, gruu, out);
    }
    if (sip_values_has(v->message, SIP_HEADER_SUPPORTED, STR("path")))
        sip_print_copies(out, v->message, SIP_HEADER_PATH);
    if (count == 0 || !f) return;
    struct call_hop hop = {f->local, (enum siptx_transport)f->transport};
    call_route_print_service(out, &hop);
}
