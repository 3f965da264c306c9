/* siptx/server.c - received requests: which transaction they belong to (RFC 3261, 17.2.3), new
 * transactions, ACK and CANCEL (9.2). */
#include "siptx/stack_int.h"
#include <stdlib.h>

/* ---- matching ---- */

enum { KEY_BRANCH = 1, KEY_2543, KEY_MERGE }; /* the first part, so that kinds never mix */

/* Where it came from: a connection is nobody else's; over UDP the address. Two phones that count
 * their branches up from the same start do not meet so, and nobody cancels another's call. */
static void put_source(uint64_t parts[2], const struct siptx_flow *f)
{
    static_assert(sizeof f->peer.ip == 2 * sizeof(uint64_t), "an address fills it");
    if (f->transport == SIPTX_UDP)
        memcpy(parts, f->peer.ip, sizeof f->peer.ip);
    else
        parts[0] = f->id;
}

/* Branch, sent-by and method, and the source. */
static uint64_t key_by_branch(const struct siptx_flow *f, const struct sip_basics *b,
                              enum sip_method method, struct str method_text)
{
    const struct hash_key *k = &f->stack->key;
    uint64_t parts[] = {
        KEY_BRANCH,
        hash_str(k, b->via.branch),
        hash_str_nocase(k, b->via.host.text),
        (uint64_t)b->via.port << 32 | method,
        method == SIP_METHOD_OTHER ? hash_str(k, method_text) : 0,
        0,
        0,
    };
    put_source(&parts[5], f);
    return hash_bytes(k, parts, sizeof parts);
}

/* For clients without the magic cookie. INVITE's own To tag (none) and ACK's (ours) are compared
 * apart. */
static uint64_t key_2543(const struct siptx_flow *f, const struct siptx_block *b,
                         enum sip_method method, struct str method_text)
{
    const struct hash_key *k = &f->stack->key;
    uint64_t parts[] = {
        KEY_2543,
        hash_str(k, b->message.uri),
        hash_str(k, b->basics.from_tag),
        hash_str(k, b->basics.call_id),
        (uint64_t)b->basics.cseq.number << 32 | method,
        hash_str(k, b->basics.via_value),
        method == SIP_METHOD_INVITE ? 0 : hash_str(k, b->basics.to_tag),
        method == SIP_METHOD_OTHER ? hash_str(k, method_text) : 0,
        0,
        0,
    };
    put_source(&parts[8], f);
    return hash_bytes(k, parts, sizeof parts);
}

static uint64_t server_key(const struct siptx_flow *f, const struct siptx_block *b,
                           enum sip_method method)
{
    struct str text = b->message.method_text;
    return sip_via_has_branch(&b->basics.via) ? key_by_branch(f, &b->basics, method, text)
                                              : key_2543(f, b, method, text);
}

static uint64_t merge_key(const struct siptx_stack *s, const struct sip_basics *b,
                          enum sip_method method)
{
    uint64_t parts[] = {
        KEY_MERGE,
        hash_str(&s->key, b->from_tag),
        hash_str(&s->key, b->call_id),
        (uint64_t)b->cseq.number << 32 | method,
    };
    return hash_bytes(&s->key, parts, sizeof parts);
}

static struct siptx_server *find(struct siptx_stack *s, uint64_t key)
{
    struct siptx_link *l = siptx_table_find(&s->servers, key, NULL);
    return l ? LIST_OF(l, struct siptx_server, tx.link) : NULL;
}

bool siptx_request_is_merged(const struct siptx_request *r)
{
    const struct siptx_server *v = (const struct siptx_server *)(const void *)r;
    if (r->basics->to_tag.n > 0) return false;
    struct siptx_link *l = NULL;
    while ((l = siptx_table_find(&r->stack->merges, v->merge.key, l)) != NULL) {
        if (l != &v->merge) return true;
    }
    return false;
}

/* ---- new ones ---- */

static struct siptx_server *server_get(struct siptx_stack *s)
{
    struct list *l = list_first(&s->free_servers);
    struct siptx_server *v;
    if (l) {
        list_remove(l);
        s->server_count--;
        v = LIST_OF(l, struct siptx_server, tx.all);
    } else if (!(v = calloc(1, sizeof *v))) {
        siptx_count(&s->counters.out_of_memory);
        return NULL;
    }
    char *last = v->tx.last;
    size_t last_cap = v->tx.last_cap;
    memset(v, 0, sizeof *v);
    v->tx.last = last;
    v->tx.last_cap = last_cap;
    return v;
}

static void set_to_tag(struct siptx_server *v, struct str tag)
{
    v->request.to_tag = tag;
    v->to_tag_key = hash_str(&v->tx.stack->key, tag);
}

/* The transaction of a request just received; the block is its. NULL: out of memory. */
static struct siptx_server *server_new(struct siptx_flow *f, struct siptx_block *b, uint64_t key,
                                       uint64_t trace_seq)
{
    struct siptx_stack *s = f->stack;
    struct siptx_server *v = server_get(s);
    if (!v) return NULL;
    bool reliable = siptx_transport_is_reliable((enum siptx_transport)f->transport);
    v->block = b;
    v->trace_seq = trace_seq;
    v->is_2543 = !sip_via_has_branch(&b->basics.via);
    v->fix = siptx_via_fix(&b->basics.via, f, v->received);
    v->answer_to = siptx_via_answer_to(&b->basics.via, f);
    v->tx.method = b->message.method;
    siptx_tx_begin(s, &v->tx, f);
    if (v->tx.method == SIP_METHOD_INVITE) {
        v->tx.step = siptx_ist_step;
        siptx_ist_init(&v->tx.machine, &s->times, reliable, siptx_now(s));
    } else {
        v->tx.step = siptx_nist_step;
        siptx_nist_init(&v->tx.machine, &s->times, reliable, siptx_now(s));
    }
    siptx_table_put(&s->servers, &v->tx.link, key);
    siptx_table_put(&s->merges, &v->merge, merge_key(s, &b->basics, v->tx.method));
    siptx_hex64(v->tag, hash_bytes(&s->key, &key, sizeof key));
    v->request.message = &b->message;
    v->request.basics = &b->basics;
    v->request.arena = &b->arena;
    v->request.flow = f;
    v->request.flow_id = f->id;
    v->request.stack = s;
    set_to_tag(v, b->basics.to_tag.n > 0 ? b->basics.to_tag : str_from(v->tag));
    return v;
}

static void refuse_busy(struct siptx_flow *f, struct siptx_block *b)
{
    char text[64];
    struct buf header;
    buf_init_fixed(&header, text, sizeof text);
    sip_print_header_u64(&header, SIP_HEADER_RETRY_AFTER, f->stack->limits.retry_after_s);
    siptx_answer_stateless(f, b, 503, STR(""), buf_str(&header));
    siptx_block_put(f->stack, b);
}

static void new_request(struct siptx_flow *f, struct siptx_block *b, uint64_t key,
                        uint64_t trace_seq)
{
    struct siptx_stack *s = f->stack;
    struct siptx_server *v;
    bool is_new = b->basics.to_tag.n == 0;
    bool may = is_new ? siptx_tx_may_begin_new(s, f) : siptx_tx_may_begin(s, f);
    if (!may || !(v = server_new(f, b, key, trace_seq))) {
        refuse_busy(f, b);
        return;
    }
    if (!s->config.events.on_request) {
        siptx_respond(&v->request, 501, STR(""), STR(""));
        return;
    }
    struct siptx_server *outer = s->starting;
    s->starting = v;
    s->config.events.on_request(s->config.events.ctx, &v->request);
    if (s->starting == v) siptx_tx_arm(&v->tx); /* most are over by now and never had a timer */
    s->starting = outer;
}

/* ---- ACK ---- */

static void hand_up_ack(struct siptx_flow *f, struct siptx_block *b, struct siptx_server *invite)
{
    struct siptx_stack *s = f->stack;
    struct siptx_request *r = invite && invite->block ? &invite->request : NULL;
    if (s->config.events.on_ack) s->config.events.on_ack(s->config.events.ctx, f, &b->message, r);
}

/* An ACK to a 2xx is a transaction of its own: found by From tag, Call-ID and CSeq. */
static struct siptx_server *find_accepted(struct siptx_stack *s, const struct siptx_block *b)
{
    struct siptx_link *l = NULL;
    uint64_t key = merge_key(s, &b->basics, SIP_METHOD_INVITE);
    while ((l = siptx_table_find(&s->merges, key, l)) != NULL) {
        struct siptx_server *v = LIST_OF(l, struct siptx_server, merge);
        if (v->tx.machine.state == SIPTX_ACCEPTED) return v;
    }
    return NULL;
}

static bool ack_tag_fits(const struct siptx_server *v, const struct siptx_block *b)
{
    if (!v->is_2543 || v->to_tag_key == 0) return true;
    return v->to_tag_key == hash_str(&v->tx.stack->key, b->basics.to_tag);
}

static void ack_input(struct siptx_flow *f, struct siptx_block *b)
{
    struct siptx_stack *s = f->stack;
    struct siptx_server *v = find(s, server_key(f, b, SIP_METHOD_INVITE));
    if (v && (v->tx.method != SIP_METHOD_INVITE || !ack_tag_fits(v, b))) v = NULL;
    if (!v || v->tx.machine.state == SIPTX_ACCEPTED) {
        hand_up_ack(f, b, v ? v : find_accepted(s, b));
    } else {
        siptx_server_fire(v, SIPTX_EV_ACK);
    }
    siptx_block_put(s, b);
}

/* ---- CANCEL (RFC 3261, 9.2) ---- */

static void cancel_input(struct siptx_flow *f, struct siptx_block *b, uint64_t key,
                         uint64_t trace_seq)
{
    struct siptx_stack *s = f->stack;
    struct siptx_server *invite = find(s, server_key(f, b, SIP_METHOD_INVITE));
    struct siptx_server *v = siptx_tx_may_begin(s, f) ? server_new(f, b, key, trace_seq) : NULL;
    unsigned status = invite ? 200 : 481;
    if (!v) {
        siptx_answer_stateless(f, b, status, STR(""), STR(""));
        siptx_block_put(s, b);
    } else {
        if (invite && b->basics.to_tag.n == 0 && invite->request.to_tag.p == invite->tag) {
            memcpy(v->tag, invite->tag, sizeof v->tag); /* 200 and 487 bear the same tag */
            set_to_tag(v, str_from(v->tag));
        }
        siptx_respond(&v->request, status, STR(""), STR(""));
    }
    if (!invite || invite->is_cancelled || invite->tx.machine.state != SIPTX_PROCEEDING) return;
    invite->is_cancelled = true;
    if (s->config.events.on_cancel)
        s->config.events.on_cancel(s->config.events.ctx, &invite->request);
}

/* ---- the way in ---- */

void siptx_server_input(struct siptx_flow *f, struct siptx_block *b, uint64_t trace_seq)
{
    struct siptx_stack *s = f->stack;
    enum sip_method method = b->message.method;
    siptx_count(&s->counters.requests_in[method]);
    if (method == SIP_METHOD_ACK) {
        ack_input(f, b);
        return;
    }
    uint64_t key = server_key(f, b, method);
    struct siptx_server *v = find(s, key);
    if (v) {
        siptx_count(&s->counters.retransmits_in);
        siptx_block_put(s, b);
        siptx_server_fire(v, SIPTX_EV_REQUEST);
    } else if (method == SIP_METHOD_CANCEL) {
        cancel_input(f, b, key, trace_seq);
    } else {
        new_request(f, b, key, trace_seq);
    }
}
