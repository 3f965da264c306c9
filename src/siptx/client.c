/* siptx/client.c - our requests: the Via and branch they get, their transactions, and which one a
 * response belongs to (RFC 3261, 17.1.3 and 18.1.2). ACK and CANCEL are printed in followup.c. */
#include "siptx/stack_int.h"
#include <stdlib.h>

/* ---- printing ---- */

static void make_branch(struct siptx_stack *s)
{
    static const char prefix[] = SIPTX_BRANCH_PREFIX;
    uint64_t r = random_u64(&s->config.random);
    char *p = s->out_branch;
    memcpy(p, prefix, sizeof prefix - 1);
    p += sizeof prefix - 1;
    *p++ = "0123456789abcdef"[s->config.worker >> 4 & 15];
    *p++ = "0123456789abcdef"[s->config.worker & 15];
    siptx_hex64(p, r);
}
static_assert(sizeof(SIPTX_BRANCH_PREFIX) - 1 + 2 + SIPTX_TAG_LEN == SIPTX_BRANCH_LEN, "branch");
static_assert(SIPTX_WORKER_MAX <= 256, "two hex digits in the branch");

static void put_via(struct siptx_stack *s, const struct siptx_flow *f, struct str params)
{
    buf_put_lit(&s->out, "Via: SIP/2.0/");
    buf_put_str(&s->out, siptx_transport_name((enum siptx_transport)f->transport));
    buf_put_char(&s->out, ' ');
    if (s->config.sent_by.n > 0) {
        buf_put_str(&s->out, s->config.sent_by);
    } else {
        net_addr_print(&s->out, &f->local);
    }
    buf_put_lit(&s->out, ";branch=");
    buf_put_str(&s->out, str_from(s->out_branch));
    buf_put_lit(&s->out, ";rport");
    buf_put_str(&s->out, params);
    buf_put_lit(&s->out, "\r\n");
}

struct buf *siptx_request_begin(struct siptx_stack *s, struct siptx_flow *f, struct str method,
                                struct str uri)
{
    return siptx_request_begin_via(s, f, method, uri, STR(""));
}

struct buf *siptx_request_begin_via(struct siptx_stack *s, struct siptx_flow *f, struct str method,
                                    struct str uri, struct str via_params)
{
    buf_reset(&s->out);
    s->out_for = f;
    s->out_flow = f;
    s->out_method = sip_method_from_text(method);
    make_branch(s);
    if (f->closing) {
        s->out.rc = RC_CLOSED;
    } else if (!f->ready) {
        s->out.rc = RC_BUSY;
    }
    sip_print_request_line(&s->out, method, uri);
    put_via(s, f, via_params);
    return &s->out;
}

/* What the owner wrote must be a request: it is read as a peer would. */
static enum rc check_request(struct siptx_stack *s, struct str bytes)
{
    struct siptx_block *b = siptx_block_get(s);
    if (!b) return RC_NOMEM;
    struct sip_verdict verdict;
    enum rc rc = sip_message_parse(bytes, SIP_STREAM, &b->message, NULL);
    if (rc == RC_OK) {
        sip_validate(&b->message, SIP_STREAM, &b->basics, &verdict);
        if (verdict.action != SIP_ACCEPT || !b->message.is_request) rc = RC_INVALID;
    } else {
        rc = RC_INVALID;
    }
    siptx_block_put(s, b);
    return rc;
}

/* Ends the message in s->out. The flow, or NULL with *rc. */
static struct siptx_flow *finish_request(struct siptx_stack *s, struct str content_type,
                                         struct str body, enum rc *rc)
{
    struct siptx_flow *f = s->out_flow;
    CHECK(f && s->out_for == f);
    s->out_for = NULL;
    s->out_flow = NULL;
    sip_print_body(&s->out, content_type, body);
    *rc = buf_rc(&s->out);
    if (*rc == RC_OK) *rc = check_request(s, buf_str(&s->out));
    return *rc == RC_OK ? f : NULL;
}

/* ---- transactions ---- */

static uint64_t client_key(const struct siptx_stack *s, struct str branch, enum sip_method method)
{
    uint64_t parts[] = {hash_str(&s->key, branch), method};
    return hash_bytes(&s->key, parts, sizeof parts);
}

static struct siptx_client *client_get(struct siptx_stack *s)
{
    struct list *l = list_first(&s->free_clients);
    struct siptx_client *c;
    if (l) {
        list_remove(l);
        s->client_count--;
        c = LIST_OF(l, struct siptx_client, tx.all);
    } else if (!(c = calloc(1, sizeof *c))) {
        siptx_count(&s->counters.out_of_memory);
        return NULL;
    }
    char *last = c->tx.last;
    size_t last_cap = c->tx.last_cap;
    memset(c, 0, sizeof *c);
    c->tx.last = last;
    c->tx.last_cap = last_cap;
    return c;
}

static void client_put(struct siptx_client *c)
{
    struct siptx_stack *s = c->tx.stack;
    free(c->ack);
    free(c->cancel_headers);
    if (s->client_count >= s->limits.pool_count) {
        free(c->tx.last);
        free(c);
        return;
    }
    siptx_tx_reuse(&c->tx);
    list_push_front(&s->free_clients, &c->tx.all);
    s->client_count++;
}

enum rc siptx_client_new(struct siptx_flow *f, enum sip_method method, const char *branch,
                         struct str bytes, struct siptx_client **out)
{
    struct siptx_stack *s = f->stack;
    if (f->closing) return RC_CLOSED;
    if (!siptx_tx_may_begin(s, f)) return RC_BUSY;
    struct siptx_client *c = client_get(s);
    if (!c) return RC_NOMEM;
    bool reliable = siptx_transport_is_reliable((enum siptx_transport)f->transport);
    c->tx.is_client = true;
    c->tx.method = method;
    c->tx.stack = s;
    c->flow_id = f->id;
    memcpy(c->branch, branch, SIPTX_BRANCH_LEN);
    if (method == SIP_METHOD_INVITE || !reliable) {
        enum rc rc = siptx_tx_keep(&c->tx, bytes);
        if (rc != RC_OK) {
            client_put(c);
            return rc;
        }
    }
    siptx_tx_begin(s, &c->tx, f);
    siptx_table_put(&s->clients, &c->tx.link, client_key(s, str_from(c->branch), method));
    c->tx.step = method == SIP_METHOD_INVITE ? siptx_ict_step : siptx_nict_step;
    (method == SIP_METHOD_INVITE ? siptx_ict_init : siptx_nict_init)(&c->tx.machine, &s->times,
                                                                     reliable, siptx_now(s));
    siptx_count(&s->counters.requests_out[method]);
    enum rc rc = siptx_flow_send(f, bytes);
    if (rc != RC_OK && !(rc == RC_BUSY && !reliable)) {
        siptx_tx_end(&c->tx);
        client_put(c);
        return rc;
    }
    siptx_tx_arm(&c->tx);
    *out = c;
    return RC_OK;
}

enum rc siptx_request_send(struct siptx_stack *s, struct str content_type, struct str body,
                           siptx_client_fn *fn, void *ctx, struct siptx_client **out)
{
    enum rc rc;
    struct siptx_client *c;
    struct siptx_flow *f = finish_request(s, content_type, body, &rc);
    if (!f) return rc;
    rc = siptx_client_new(f, s->out_method, s->out_branch, buf_str(&s->out), &c);
    if (rc != RC_OK) return rc;
    c->fn = fn;
    c->ctx = ctx;
    if (out) *out = c;
    return RC_OK;
}

enum rc siptx_request_send_once(struct siptx_stack *s, struct str content_type, struct str body)
{
    enum rc rc;
    struct siptx_flow *f = finish_request(s, content_type, body, &rc);
    if (!f) return rc;
    siptx_count(&s->counters.requests_out[s->out_method]);
    return siptx_flow_send(f, buf_str(&s->out));
}

void siptx_client_forget(struct siptx_client *c)
{
    c->fn = NULL;
}

uint64_t siptx_client_flow_id(const struct siptx_client *c)
{
    return c->flow_id;
}

/* ---- the machine's wishes ---- */

static void tell(struct siptx_client *c, enum siptx_outcome outcome, struct siptx_block *b)
{
    if (c->fn) c->fn(c->ctx, c, outcome, b ? &b->message : NULL, b ? &b->arena : NULL);
}

/* Tells the owner what the actions say; the last that is done with c. */
static void client_finish(struct siptx_client *c, unsigned acts, struct siptx_block *b)
{
    bool ended = (acts & SIPTX_ACT_END) != 0;
    if (ended) {
        siptx_tx_end(&c->tx);
    } else {
        siptx_tx_arm(&c->tx);
    }
    if (acts & SIPTX_ACT_UP) tell(c, b->message.status < 200 ? SIPTX_PROVISIONAL : SIPTX_FINAL, b);
    if (acts & SIPTX_ACT_TIMEOUT) tell(c, SIPTX_TIMEOUT, NULL);
    if (acts & SIPTX_ACT_LOST) tell(c, SIPTX_LOST, NULL);
    if (!ended) return;
    tell(c, SIPTX_GONE, NULL);
    client_put(c);
}

void siptx_client_fire(struct siptx_client *c, enum siptx_event e)
{
    unsigned acts = siptx_tx_step(&c->tx, e);
    if ((acts & SIPTX_ACT_RESEND) && c->tx.last_n > 0 && c->tx.flow) {
        siptx_count(&c->tx.stack->counters.retransmits_out);
        enum rc rc = siptx_flow_send(c->tx.flow, str_of(c->tx.last, c->tx.last_n));
        if (rc != RC_OK && rc != RC_BUSY) acts |= siptx_tx_step(&c->tx, SIPTX_EV_TRANSPORT_ERROR);
    }
    client_finish(c, acts, NULL);
}

void siptx_client_flow_lost(struct siptx_client *c)
{
    siptx_client_fire(c, SIPTX_EV_TRANSPORT_ERROR);
}

void siptx_client_drop(struct siptx_client *c)
{
    bool over = c->tx.machine.state == SIPTX_COMPLETED || c->tx.machine.state == SIPTX_ACCEPTED;
    client_finish(c, SIPTX_ACT_END | (over ? 0 : SIPTX_ACT_LOST), NULL);
}

/* ---- responses ---- */

/* False: not a branch of ours. */
static bool branch_worker(struct str branch, unsigned *worker)
{
    struct str prefix = STR(SIPTX_BRANCH_PREFIX);
    if (branch.n != SIPTX_BRANCH_LEN || !str_starts(branch, prefix)) return false;
    unsigned v = 0;
    for (size_t i = prefix.n; i < prefix.n + 2; i++) {
        char ch = branch.p[i];
        if (ch >= '0' && ch <= '9') {
            v = v * 16 + (unsigned)(ch - '0');
        } else if (ch >= 'a' && ch <= 'f') {
            v = v * 16 + (unsigned)(ch - 'a' + 10);
        } else {
            return false;
        }
    }
    *worker = v;
    return true;
}

static void stray(struct siptx_flow *f, const struct siptx_block *b)
{
    struct siptx_stack *s = f->stack;
    siptx_count(&s->counters.dropped_responses);
    if (s->config.events.on_stray_response)
        s->config.events.on_stray_response(s->config.events.ctx, f, &b->message);
}

static void client_response(struct siptx_client *c, struct siptx_block *b)
{
    unsigned acts = siptx_tx_step(&c->tx, siptx_event_of_status(b->message.status));
    if (acts & SIPTX_ACT_ACK) siptx_client_send_ack(c, b);
    if (c->tx.machine.state == SIPTX_PROCEEDING && c->cancel_wanted && !c->cancel_sent &&
        siptx_client_send_cancel(c) != RC_OK)
        siptx_count(&c->tx.stack->counters.send_failures); /* again with the next provisional one */
    client_finish(c, acts, b);
}

bool siptx_client_take(struct siptx_stack *s, const struct siptx_flow *f, struct siptx_block *b)
{
    uint64_t key = client_key(s, b->basics.via.branch, b->basics.cseq.method);
    struct siptx_link *l = siptx_table_find(&s->clients, key, NULL);
    if (!l) return false;
    struct siptx_client *c = LIST_OF(l, struct siptx_client, tx.link);
    if (!c->tx.is_udp && (!f || f->id != c->flow_id)) return false;
    client_response(c, b);
    return true;
}

void siptx_client_input(struct siptx_flow *f, struct siptx_block *b)
{
    struct siptx_stack *s = f->stack;
    unsigned worker;
    siptx_count(&s->counters.responses_in[b->message.status / 100 % 7]);
    if (!branch_worker(b->basics.via.branch, &worker)) {
        if (!siptx_offer(f, b)) siptx_count(&s->counters.dropped_responses);
    } else if (worker != s->config.worker) {
        siptx_node_hand_over(s, worker, b->message.bytes);
    } else if (!siptx_client_take(s, f, b)) {
        stray(f, b);
    }
}
