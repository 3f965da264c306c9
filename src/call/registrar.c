/* The registrar (RFC 3261, 10.3; RFC 3327; RFC 5626, 6) in both dialects. A REGISTER goes through
 * here once its device is known and its line is open to it: the contacts are read, location changes
 * them or none, and the answer says what is registered now. A Cisco phone's one REGISTER may stand
 * for all its lines; the newest registration of a device name wins. */
#include "call/call_int.h"

#include "call/contacts.h"
#include "call/gruu.h"
#include "call/remotecc.h"
#include "sip/number.h"
#include "sip/print.h"

enum {
    CISCO_GRACE_S = 15, /* the reference waits so long beyond the expiry it granted */
    HOLDERS_MAX = 16,   /* flows of one device name looked at when a newer one registers */
};

struct job {
    struct call_visit *v;
    struct call_contacts contacts;
    struct call_remotecc remotecc;
    struct location_binding *bindings;
    struct str call_id, user_agent, path, received;
    uint32_t cseq;
    uint32_t granted_s; /* the Cisco dialect's one expiry */
    int64_t now_mono_ms, now_unix_ms;
    bool is_new;         /* the device had no registration from this phone */
    bool removes;        /* every contact goes */
    bool all_lines;      /* the request is for all lines of the device */
    uint64_t binding_id; /* of the first contact */
    uint64_t claim;   /* its place among the registrations of this device; 0: nothing to settle */
    size_t next_line; /* of the device's other lines, for all_lines */
    uint64_t holders[HOLDERS_MAX]; /* other flows with registrations of this device */
    size_t holder_count;
    bool is_overtaken;  /* one of them came later than this one: */
    bool by_same_phone; /* the same +sip.instance, which has only changed its connection */
};

static void answer_error(struct call_visit *v, unsigned status, const char *reason,
                         const char *headers)
{
    call_answer(v, status, str_from(reason), str_from(headers));
}

/* "sip:" and the directory number: one address of record in every domain of ours. */
static enum rc aor_of(struct arena *a, const struct directory_device_line *line, struct str *out)
{
    char *p = arena_alloc(a, line->pattern.n + 4);
    if (!p) return RC_NOMEM;
    memcpy(p, "sip:", 4);
    memcpy(p + 4, line->pattern.p, line->pattern.n);
    *out = str_of(p, line->pattern.n + 4);
    return RC_OK;
}

/* ---- Require (RFC 3261, 8.2.2.3) ---- */

static bool is_supported_option(struct str tag)
{
    return str_eq_nocase(tag, STR("path")) || str_eq_nocase(tag, STR("outbound")) ||
           str_eq_nocase(tag, STR("gruu"));
}

/* True when all required options are understood; else the request has been answered. */
static bool require_is_met(struct call_visit *v)
{
    struct sip_values values;
    struct str tag;
    struct buf bad;
    char text[512];
    buf_init_fixed(&bad, text, sizeof text);
    sip_values_init(&values, v->message, SIP_HEADER_REQUIRE);
    while (sip_values_next(&values, &tag) == RC_OK)
        if (!is_supported_option(tag)) sip_print_header(&bad, SIP_HEADER_UNSUPPORTED, tag);
    if (bad.n == 0 && buf_rc(&bad) == RC_OK) return true;
    call_answer(v, 420, STR(""), buf_rc(&bad) == RC_OK ? buf_str(&bad) : STR(""));
    return false;
}

/* ---- how long ---- */

static int64_t token_left_s(const struct job *j)
{
    if (!j->v->has_claims) return INT64_MAX;
    return j->v->claims.expires_unix_s - j->now_unix_ms / 1000;
}

/* RC_TOO_BIG stands for 423: the interval is too brief. */
static enum rc grant(const struct job *j, uint32_t asked, uint32_t *granted)
{
    const int64_t *number = j->v->params->number;
    int64_t g;
    if (asked == 0) {
        *granted = 0;
        return RC_OK;
    }
    if (j->v->cisco) {
        g = number[STORE_P_KEEPALIVE_S];
    } else {
        g = asked == (uint32_t)CALL_EXPIRES_NONE ? number[STORE_P_MAX_EXPIRES_S] : (int64_t)asked;
        if (g < number[STORE_P_MIN_EXPIRES_S]) return RC_TOO_BIG;
        if (g > number[STORE_P_MAX_EXPIRES_S]) g = number[STORE_P_MAX_EXPIRES_S];
    }
    if (g > token_left_s(j)) g = token_left_s(j);
    *granted = (uint32_t)g;
    return RC_OK;
}

static int64_t expires_mono_ms(const struct job *j, uint32_t granted_s)
{
    int64_t s = granted_s + (j->v->cisco ? CISCO_GRACE_S : 0);
    if (s > token_left_s(j)) s = token_left_s(j);
    return j->now_mono_ms + s * 1000;
}

/* ---- answers ---- */

static void print_cisco_contacts(const struct job *j, struct buf *out)
{
    for (size_t i = 0; i < j->contacts.count && !j->removes; i++) {
        buf_put_lit(out, "Contact: ");
        sip_print_unfolded(out, j->contacts.list[i].value);
        if (j->is_new && i == 0) buf_put_lit(out, ";x-cisco-newreg");
        buf_put_lit(out, "\r\n");
    }
}

static void answer_cisco(struct job *j)
{
    struct call_visit *v = j->v;
    char body[2048];
    struct buf b;
    buf_init_fixed(&b, body, sizeof body);
    if (j->is_new && !j->removes) call_remotecc_print(&b, &j->remotecc);
    struct buf *out = siptx_answer_begin(v->request, 200, STR(""));
    call_print_common(v, out);
    sip_print_header_u64(out, SIP_HEADER_EXPIRES, j->granted_s);
    print_cisco_contacts(j, out);
    buf_put_lit(out, "Supported: X-cisco-srtp-fallback,X-cisco-sis-9.1.0\r\n");
    siptx_answer_send(v->request, b.n > 0 ? STR(CALL_REMOTECC_RESPONSE_TYPE) : STR(""),
                      buf_str(&b));
}

static void answer_standard(struct job *j, const struct location_binding *const *bindings,
                            size_t count)
{
    struct call_visit *v = j->v;
    bool outbound = false;
    for (size_t i = 0; i < j->contacts.count; i++)
        outbound = outbound || j->contacts.list[i].reg_id > 0;
    outbound = outbound && sip_values_has(v->message, SIP_HEADER_SUPPORTED, STR("outbound"));
    struct buf *out = siptx_answer_begin(v->request, 200, STR(""));
    call_print_common(v, out);
    call_print_registered(v, bindings, count, j->now_mono_ms, out);
    if (outbound) buf_put_lit(out, "Require: outbound\r\nFlow-Timer: 120\r\n");
    buf_put_lit(out, "Supported: path, outbound\r\n");
    siptx_answer_send(v->request, STR(""), STR(""));
}

/* A standby node tells that it is alive, and registers nothing. */
static void answer_standby(struct job *j)
{
    j->granted_s = 0;
    j->is_new = false;
    atomic_fetch_add_explicit(&j->v->worker->node->counters.standby, 1, memory_order_relaxed);
    answer_cisco(j);
}

static void answer_failure(struct job *j, enum rc rc)
{
    switch (rc) {
    case RC_CONFLICT:
        answer_error(j->v, 400, "Bad Request: CSeq is not above the last one", "");
        break;
    case RC_TOO_BIG: answer_error(j->v, 403, "Too Many Registrations for this Line", ""); break;
    case RC_INVALID: answer_error(j->v, 400, "Bad Request: Contact", ""); break;
    case RC_BUSY: answer_error(j->v, 503, "", "Retry-After: 60\r\n"); break;
    case RC_OK:
    case RC_MORE:
    case RC_MALFORMED:
    case RC_NOMEM:
    case RC_NOT_FOUND:
    case RC_EXISTS:
    case RC_DENIED:
    case RC_EXPIRED:
    case RC_UNSUPPORTED:
    case RC_CLOSED:
    case RC_TIMEOUT:
    case RC_IO: answer_error(j->v, 503, "", "Retry-After: 10\r\n"); break;
    }
}

/* ---- who held the name before ---- */

/* Another line that an earlier REGISTER of this Call-ID stood for: an edge's flow does not remember
 * it for each of its phones. */
static bool is_sibling(const struct job *j, const struct location_binding *b)
{
    return !str_eq(b->line, j->v->line->pattern) && str_eq(b->call_id, j->call_id);
}

static void on_holders(void *ctx, enum rc rc, const struct location_binding *const *bindings,
                       size_t count)
{
    struct job *j = ctx;
    uint64_t mine = j->v->request->flow_id;
    j->is_new = true;
    if (rc != RC_OK) return;
    for (size_t i = 0; i < count; i++) {
        const struct location_binding *b = bindings[i];
        bool here = b->flow == mine, same = str_eq_nocase(b->instance, j->v->instance);
        if ((here && b->id != j->binding_id) || (!here && same)) j->is_new = false;
        if ((here || same) && is_sibling(j, b)) j->all_lines = true;
        if (here && b->claim > j->claim) j->claim = b->claim;
    }
}

/* The binding this request made or renewed; NULL: none of the answer. */
static const struct location_binding *own_binding(const struct job *j,
                                                  const struct location_binding *const *bindings,
                                                  size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (bindings[i]->flow == j->v->request->flow_id &&
            str_eq(bindings[i]->contact_key, j->bindings[0].contact_key))
            return bindings[i];
    return NULL;
}

/* A renewal on the flow that made the binding is the common case and needs no second look. */
static void look_for_holders(struct job *j, const struct location_binding *const *bindings,
                             size_t count)
{
    struct call_visit *v = j->v;
    const struct call_flow *known = call_visit_known(v);
    const struct location_binding *own = own_binding(j, bindings, count);
    j->binding_id = own ? own->id : 0;
    if (known && known->binding_id == j->binding_id && j->binding_id != 0) return;
    struct location_key key = {.by = LOCATION_BY_DEVICE, .text = v->device->name};
    location_fetch(v->worker->node->location, &key, j->now_mono_ms, on_holders, j);
}

static void on_replaced(void *ctx, enum rc rc, const struct location_binding *const *bindings,
                        size_t count)
{
    struct job *j = ctx;
    if (rc != RC_OK || count == 0) return;
    bool moved = j->is_overtaken ? j->by_same_phone
                                 : str_eq_nocase(bindings[0]->instance, j->v->instance);
    call_release(j->v->worker->node, bindings[0],
                 moved ? CALL_RELEASE_MOVED : CALL_RELEASE_DUPLICATE);
}

static void on_rivals(void *ctx, enum rc rc, const struct location_binding *const *bindings,
                      size_t count)
{
    struct job *j = ctx;
    for (size_t i = 0; rc == RC_OK && i < count; i++) {
        const struct location_binding *b = bindings[i];
        if (b->flow == j->v->request->flow_id || b->flow == 0) continue;
        if (b->claim > j->claim) {
            j->is_overtaken = true;
            j->by_same_phone = str_eq_nocase(b->instance, j->v->instance);
        }
        if (j->holder_count < HOLDERS_MAX) j->holders[j->holder_count++] = b->flow;
    }
}

static void release_flow(struct job *j, uint64_t flow)
{
    /* Other devices on that flow are an edge's other phones. */
    struct location_key key = {.by = LOCATION_BY_DEVICE, .text = j->v->device->name, .flow = flow};
    location_remove(j->v->worker->node->location, &key, 0, LOCATION_REPLACED, on_replaced, j);
}

/* The newest registration of a device name wins; the phones before are told and let go. All of this
 * one's bindings are in place, so of two phones that register at once on two workers the later look
 * sees both; by their claims both agree who is to go, and one of them always stays. */
static void settle_name(struct job *j)
{
    struct location_key key = {.by = LOCATION_BY_DEVICE, .text = j->v->device->name};
    if (j->claim == 0) return;
    location_fetch(j->v->worker->node->location, &key, j->now_mono_ms, on_rivals, j);
    if (j->is_overtaken) release_flow(j, j->v->request->flow_id);
    for (size_t i = 0; !j->is_overtaken && i < j->holder_count; i++)
        release_flow(j, j->holders[i]);
}

/* ---- changing ---- */

static void log_done(const struct job *j)
{
    const struct call_visit *v = j->v;
    char peer[NET_ADDR_TEXT_MAX];
    const struct log *log = v->worker->node->log;
    bool routine = !j->is_new && !j->removes;
    if (!log || (routine && log->level < LOG_DEBUG)) return;
    LOG_WRITE(
        log, routine ? LOG_DEBUG : LOG_INFO,
        j->removes ? "register.removed"
        : routine  ? "register.refreshed"
                   : "register.accepted",
        LOG_STR("device", v->device->name), LOG_STR("line", v->line->pattern),
        LOG_STR("user", v->has_claims ? v->claims.user : STR("")),
        LOG_CSTR("listener", call_listener_name(v->listener)),
        LOG_STR("peer", v->request->flow ? net_addr_text(&v->request->flow->peer, peer) : STR("-")),
        LOG_INT("contacts", j->contacts.count), LOG_INT("expires_s", j->granted_s));
}

static void count_done(struct job *j)
{
    struct call_node *n = j->v->worker->node;
    _Atomic uint64_t *c = j->removes  ? &n->counters.unregistered
                          : j->is_new ? &n->counters.accepted_new
                                      : &n->counters.accepted_refresh;
    atomic_fetch_add_explicit(c, 1, memory_order_relaxed);
}

static void finish(struct job *j, const struct location_binding *const *bindings, size_t count)
{
    struct call_visit *v = j->v;
    struct call_node *n = v->worker->node;
    if (!j->removes && !call_node_confirm(v, &j->bindings[0])) {
        answer_error(v, 503, "", "Retry-After: 1\r\n"); /* the next one hears the reason */
        return;
    }
    if (v->cisco && !j->removes) settle_name(j);
    if (v->request->flow && !j->removes) {
        if (call_flow_remember(v, v->device->name, v->cisco, v->has_claims ? &v->claims : NULL,
                               v->key_generation) != RC_OK)
            log_warn(n->log, "register.not_remembered", LOG_STR("device", v->device->name));
        struct call_flow *known = call_visit_known(v);
        if (known) known->binding_id = j->binding_id;
        if (known) known->all_lines = j->all_lines;
        if (known && v->nonce_count > 0) {
            known->nonce_hash = v->nonce_hash;
            known->nonce_count = v->nonce_count;
        }
        if (v->request->flow->pin_count == 0) siptx_flow_pin(v->request->flow, true);
    }
    if (!j->removes && (j->is_new || v->claims_are_fresh))
        call_refusals_clear(n->refusals, v->device->name);
    if (!j->is_new && !j->removes) siptx_request_mark_routine(v->request);
    log_done(j);
    count_done(j);
    if (v->cisco)
        answer_cisco(j);
    else
        answer_standard(j, bindings, count);
}

static void on_updated(void *ctx, enum rc rc, const struct location_binding *const *bindings,
                       size_t count);

/* The contact of another line of the device: the same address, the line's own user part. */
static enum rc sibling_contact(struct job *j, const struct directory_device_line *line,
                               struct location_binding *b)
{
    struct sip_uri uri;
    enum rc rc = sip_uri_parse(b->contact, &uri, NULL);
    if (rc != RC_OK || !sip_uri_is_sip(&uri)) return RC_UNSUPPORTED;
    size_t cap = b->contact.n + line->contact.n * 3 + 8;
    char *p = arena_alloc(j->v->arena, cap);
    struct buf text;
    if (!p) return RC_NOMEM;
    buf_init_fixed(&text, p, cap);
    const char *host = uri.has_user ? (const char *)memchr(uri.text.p, '@', uri.text.n) : NULL;
    buf_put_str(&text, uri.scheme_text);
    buf_put_char(&text, ':');
    sip_uri_print_user(&text, line->contact);
    buf_put_char(&text, '@');
    if (host)
        buf_put(&text, host + 1, (size_t)(uri.text.p + uri.text.n - host - 1));
    else
        buf_put_str(&text, str_sub(uri.text, uri.scheme_text.n + 1, uri.text.n));
    if (buf_rc(&text) != RC_OK) return RC_NOMEM;
    b->contact = buf_str(&text);
    return call_contact_key(b->contact, j->v->arena, &b->contact_key);
}

/* One line after the other; true while one more update is under way. */
static bool update_next_line(struct job *j)
{
    struct call_visit *v = j->v;
    while (j->next_line < v->device->line_count) {
        const struct directory_device_line *line = &v->device->lines[j->next_line++];
        if (line == v->line) continue;
        struct location_binding b = j->bindings[0];
        struct str aor;
        if (aor_of(v->arena, line, &aor) != RC_OK || sibling_contact(j, line, &b) != RC_OK)
            continue;
        b.aor = aor;
        b.line = line->pattern;
        b.claim = j->claim;
        struct location_update u = {aor, &b, 1, j->now_mono_ms, j->now_unix_ms};
        location_update(v->worker->node->location, &u, on_updated, j);
        return true;
    }
    return false;
}

static void on_updated(void *ctx, enum rc rc, const struct location_binding *const *bindings,
                       size_t count)
{
    struct job *j = ctx;
    bool first = j->next_line == 0;
    if (first && rc != RC_OK) {
        answer_failure(j, rc);
        return;
    }
    if (first && !j->removes) look_for_holders(j, bindings, count);
    if (!first && rc != RC_OK)
        log_warn(j->v->worker->node->log, "register.line_failed",
                 LOG_STR("device", j->v->device->name), LOG_CSTR("rc", rc_name(rc)));
    if (j->v->cisco && j->all_lines && j->contacts.count > 0 && update_next_line(j)) return;
    finish(j, bindings, count);
}

static void on_star_removed(void *ctx, enum rc rc, const struct location_binding *const *bindings,
                            size_t count)
{
    struct job *j = ctx;
    j->next_line = SIZE_MAX; /* no other lines follow */
    if (rc != RC_OK)
        answer_failure(j, rc);
    else
        finish(j, bindings, count);
}

static void on_fetched(void *ctx, enum rc rc, const struct location_binding *const *bindings,
                       size_t count)
{
    struct job *j = ctx;
    if (rc != RC_OK) {
        answer_failure(j, rc);
        return;
    }
    answer_standard(j, bindings, count);
}

static enum rc binding_fill(struct job *j, const struct call_contact *c,
                            struct location_binding *out)
{
    struct call_visit *v = j->v;
    uint32_t granted;
    enum rc rc = grant(j, c->expires_s, &granted);
    if (rc != RC_OK) return rc;
    if (granted > 0) j->removes = false;
    j->granted_s = granted;
    *out = (struct location_binding){
        .contact = c->uri,
        .contact_key = c->key,
        .params = c->params,
        .call_id = j->call_id,
        .instance = c->instance,
        .path = j->path,
        .device = v->device->name,
        .user = v->has_claims ? v->claims.user : v->device->owner,
        .line = v->line->pattern,
        .grant = v->has_claims ? v->claims.gid : STR(""),
        .token_id = v->has_claims ? v->claims.jti : STR(""),
        .user_agent = j->user_agent,
        .received = j->received,
        .flow = v->request->flow_id,
        .cseq = j->cseq,
        .worker = siptx_stack_worker(v->worker->stack),
        .reg_id = c->reg_id,
        .q_milli = c->q_milli,
        .dialect = v->cisco ? LOCATION_CISCO : LOCATION_STANDARD,
        .listener = (uint8_t)v->listener,
        .newreg_sent = v->cisco,
        .srtp_fallback = sip_values_has(v->message, SIP_HEADER_SUPPORTED, CALL_MEDIA_FALLBACK_TAG),
        .granted_s = granted,
        .expires_mono_ms = expires_mono_ms(j, granted),
        .token_expires_unix_s = v->has_claims ? v->claims.expires_unix_s : 0,
    };
    return RC_OK;
}

static void answer_too_brief(struct job *j)
{
    char text[64];
    struct buf b;
    buf_init_fixed(&b, text, sizeof text);
    sip_print_header_u64(&b, SIP_HEADER_MIN_EXPIRES,
                         (uint64_t)j->v->params->number[STORE_P_MIN_EXPIRES_S]);
    call_answer(j->v, 423, STR(""), buf_str(&b));
}

/* A phone whose Contact leads back here would be called in a circle (RFC 5627, 5.1). */
static bool is_circular(const struct job *j, const struct call_contact *c)
{
    struct call_visit *v = j->v;
    struct sip_uri uri;
    if (v->cisco || c->instance.n == 0 || c->expires_s == 0) return false;
    if (sip_uri_parse(c->uri, &uri, NULL) != RC_OK || !sip_uri_is_sip(&uri)) return true;
    if (sip_uri_eq(&uri, &v->to)) return true;
    return call_gruu_is(&uri) &&
           call_identify_is_our_host(v->worker->node, v->request->flow, &uri.host);
}

static void update(struct job *j, struct str aor)
{
    struct call_visit *v = j->v;
    struct location *l = v->worker->node->location;
    j->bindings = ARENA_ARRAY(v->arena, struct location_binding, j->contacts.count);
    if (!j->bindings) {
        answer_failure(j, RC_NOMEM);
        return;
    }
    j->removes = true;
    for (size_t i = 0; i < j->contacts.count; i++) {
        if (is_circular(j, &j->contacts.list[i])) {
            answer_error(v, 403, "Contact Leads Back Here", "");
            return;
        }
        enum rc rc = binding_fill(j, &j->contacts.list[i], &j->bindings[i]);
        if (rc == RC_TOO_BIG) {
            answer_too_brief(j);
            return;
        }
    }
    struct location_update u = {aor, j->bindings, j->contacts.count, j->now_mono_ms,
                                j->now_unix_ms};
    location_update(l, &u, on_updated, j);
}

/* What a binding keeps of the request apart from its contacts. */
static void job_fill(struct job *j)
{
    struct call_visit *v = j->v;
    struct sip_cseq cseq;
    j->now_mono_ms = clock_mono_ms(&v->worker->node->clock);
    j->now_unix_ms = clock_unix_ms(&v->worker->node->clock);
    j->call_id = sip_message_value(v->message, SIP_HEADER_CALL_ID);
    j->user_agent = str_sub(sip_message_value(v->message, SIP_HEADER_USER_AGENT), 0, 128);
    if (sip_cseq_parse(sip_message_value(v->message, SIP_HEADER_CSEQ), &cseq) == RC_OK)
        j->cseq = cseq.number;
    char peer[NET_ADDR_TEXT_MAX];
    if (v->request->flow && arena_str_dup(v->arena, net_addr_text(&v->request->flow->peer, peer),
                                          &j->received) != RC_OK)
        j->received = STR("");
    call_remotecc_read(sip_message_value(v->message, SIP_HEADER_CONTENT_TYPE), v->message->body,
                       v->arena, &j->remotecc);
    /* The refresh and the end of a bulk registration carry no body that says so again. */
    const struct call_flow *known = call_visit_known(v);
    bool was = known && known->all_lines && str_eq_nocase(known->device, v->device->name);
    j->all_lines = j->remotecc.all_lines || was;
}

/* All Path values as one list (RFC 3327, 5.3). */
static enum rc path_read(struct call_visit *v, struct str *out)
{
    struct sip_values values;
    struct str value;
    struct buf b;
    buf_init(&b, LOCATION_TEXT_MAX);
    sip_values_init(&values, v->message, SIP_HEADER_PATH);
    enum rc rc;
    while ((rc = sip_values_next(&values, &value)) == RC_OK) {
        if (b.n > 0) buf_put_lit(&b, ", ");
        sip_print_unfolded(&b, value);
    }
    rc = rc == RC_NOT_FOUND ? buf_rc(&b) : RC_MALFORMED;
    if (rc == RC_OK) rc = arena_str_dup(v->arena, buf_str(&b), out);
    buf_fini(&b);
    return rc;
}

static void registered_request(struct call_visit *v)
{
    struct location *l = v->worker->node->location;
    struct job *j = ARENA_NEW(v->arena, struct job);
    const char *why = "";
    struct str aor;
    if (!j || aor_of(v->arena, v->line, &aor) != RC_OK) {
        answer_error(v, 503, "", "Retry-After: 10\r\n");
        return;
    }
    j->v = v;
    job_fill(j);
    enum rc rc = call_contacts_read(v->message, v->request->basics,
                                    (size_t)v->params->number[STORE_P_BINDINGS_PER_LINE], v->arena,
                                    &j->contacts, &why);
    if (rc == RC_OK && (rc = path_read(v, &j->path)) != RC_OK) why = "Bad Request: Path malformed";
    if (rc == RC_MALFORMED || rc == RC_TOO_BIG) {
        answer_error(v, rc == RC_MALFORMED ? 400 : 403, why, "");
        return;
    }
    if (rc != RC_OK) {
        answer_failure(j, rc);
        return;
    }
    if (token_left_s(j) <= 0) { /* within the leeway, but nothing can be granted on it */
        v->verdict = (struct call_verdict){CALL_CHALLENGE_BEARER, CALL_WHY_BAD_TOKEN};
        v->token_reason = OAUTH_EXPIRED;
        call_tell_verdict(v);
        call_answer_challenge(v);
        return;
    }
    if (j->contacts.is_star) {
        j->removes = true;
        location_remove_all(l, aor, v->device->name, j->call_id, j->cseq, j->now_mono_ms,
                            on_star_removed, j);
    } else if (j->contacts.count == 0) {
        struct location_key key = {.by = LOCATION_BY_AOR, .text = aor};
        location_fetch(l, &key, j->now_mono_ms, on_fetched, j);
    } else if (v->cisco && j->contacts.list[0].is_keepalive && j->contacts.list[0].expires_s == 0) {
        answer_standby(j);
    } else {
        update(j, aor);
    }
}

void call_register(struct call_visit *v)
{
    if (!require_is_met(v)) return;
    call_identify_claim(v);
    call_decide(v);
    if (v->verdict.action == CALL_ACCEPT && (!call_identify_is_ours(v) || !v->line)) {
        log_warn(v->worker->node->log, "line.refused", LOG_STR("method", STR("REGISTER")),
                 LOG_STR("device", v->device->name), LOG_STR("to", v->to.text),
                 LOG_CSTR("why", "unknown-line"),
                 LOG_CSTR("text", "The To is no line of this device, or its domain is not ours. "
                                  "Give the device that line, or add the domain."));
        answer_error(v, 404, "", "");
    } else if (v->verdict.action == CALL_ACCEPT) {
        registered_request(v);
    } else {
        if (v->verdict.action == CALL_CHALLENGE_BEARER ||
            v->verdict.action == CALL_CHALLENGE_DIGEST)
            call_answer_challenge(v);
        else
            call_answer_refusal(v);
    }
}
