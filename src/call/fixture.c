#include "kit/kit.h"

#include "call/fixture.h"

#include "net/tls.h"

#include <stdio.h>

#define OK(call) assert_rc(RC_OK, (call))
#define PROFILE  "Cisco Unified Client Services Framework - OAuth auth"
#define PLAIN    "Cisco Unified Client Services Framework - Standard SIP Non-Secure Profile"

static const struct store_by admin = {.who = STR_INIT("admin"), .from = STR_INIT("test")};

static void on_call_end(void *ctx, const struct call_record *r)
{
    struct fixture *x = ctx;
    if (x->ended_count < sizeof x->ended / sizeof *x->ended) x->ended[x->ended_count++] = *r;
}

uint32_t fixture_transactions_max;

static void open_worker(struct fixture *x, unsigned i)
{
    struct bed *b = x->b;
    OK(call_worker_new(b->node, &x->workers[i]));
    struct siptx_config sc = {
        .worker = i,
        .clock = {.mono_ms = b->log.clock.mono_ms,
                  .unix_ms = b->log.clock.unix_ms,
                  .ctx = &b->time},
        .wheel = b->wheel,
        .random = b->random,
        .node = b->stacks,
        .takes_posts = true,
        .limits = {.transactions_max = fixture_transactions_max},
        .events = call_worker_events(x->workers[i]),
    };
    OK(siptx_stack_new(&sc, &x->stacks[i]));
    call_worker_attach(x->workers[i], x->stacks[i]);
}

struct fixture *fixture_new(void)
{
    struct fixture *x = calloc(1, sizeof *x);
    assert_non_null(x);
    x->b = bed_new_with(on_call_end, x);
    x->workers[0] = x->b->worker;
    x->stacks[0] = x->b->stack;
    for (unsigned i = 1; i < FIXTURE_WORKERS; i++)
        open_worker(x, i);
    return x;
}

void fixture_free(struct fixture *x)
{
    for (unsigned i = 1; i < FIXTURE_WORKERS; i++)
        siptx_stack_free(x->stacks[i]);
    siptx_stack_free(x->b->stack);
    x->b->stack = NULL;
    for (unsigned i = 1; i < FIXTURE_WORKERS; i++)
        call_worker_free(x->workers[i]);
    bed_free(x->b);
    for (size_t i = 0; i < x->phone_count; i++)
        for (size_t k = 0; k < FIXTURE_INBOX; k++)
            free(x->phones[i].inbox[k]);
    free(x);
}

/* ---- wires ---- */

static enum rc wire_send(const struct siptx_flow *f, const struct net_addr *to, struct str bytes)
{
    (void)to;
    struct phone *p = f->wire;
    size_t at = (p->first + p->count) % FIXTURE_INBOX;
    assert_true(p->count < FIXTURE_INBOX);
    if (!p->inbox[at]) p->inbox[at] = malloc(FIXTURE_TEXT * 2);
    assert_non_null(p->inbox[at]);
    assert_true(bytes.n < FIXTURE_TEXT * 2);
    memcpy(p->inbox[at], bytes.p, bytes.n);
    p->inbox[at][bytes.n] = '\0';
    p->count++;
    return RC_OK;
}

static const struct siptx_wire_ops wire = {.send = wire_send};

void fixture_connect(struct phone *p, enum call_listener listener, enum siptx_transport t)
{
    struct siptx_flow_desc d = {
        .transport = t,
        .listener_kind = (int)listener,
        .local = net_addr_v4(10, 10, 10, 1, listener == CALL_LINE ? 5060 : 5090),
        .peer = net_addr_v4(10, 10, 10, 10, ++p->port),
        .ops = &wire,
        .wire = p};
    OK(siptx_flow_open(p->x->stacks[p->worker], &d, &p->flow));
}

void fixture_cut(struct phone *p)
{
    siptx_flow_gone(p->flow, SIPTX_CLOSE_PEER, STR(""));
    p->flow = NULL;
    fixture_settle(p->x);
}

static struct phone *phone_new(struct fixture *x, unsigned worker)
{
    assert_true(x->phone_count < FIXTURE_PHONES);
    struct phone *p = &x->phones[x->phone_count++];
    p->x = x;
    p->worker = worker;
    p->port = (uint16_t)(20000 + 100 * x->phone_count);
    p->params = "";
    return p;
}

struct phone *fixture_stranger(struct fixture *x, unsigned worker, enum call_listener listener,
                               enum siptx_transport t)
{
    struct phone *p = phone_new(x, worker);
    p->device = "";
    p->line = "6666";
    fixture_connect(p, listener, t);
    return p;
}

/* ---- servers outside ---- */

struct phone *fixture_server(struct fixture *x, unsigned worker)
{
    struct phone *p = phone_new(x, worker);
    p->device = "server";
    p->line = "carrier";
    return p;
}

enum rc fixture_connected(struct phone *p, const struct siptx_target *target, bool is_open,
                          struct siptx_flow **out)
{
    struct siptx_flow_desc d = {.transport = target->transport,
                                .listener_kind = SIPTX_KIND_OUTGOING,
                                .local = net_addr_v4(10, 10, 10, 1, 40000),
                                .peer = target->addr,
                                .ops = &wire,
                                .wire = p,
                                .connecting = !is_open};
    enum rc rc = siptx_flow_open(p->x->stacks[p->worker], &d, &p->flow);
    if (rc == RC_OK) *out = p->flow;
    return rc;
}

void fixture_opened(struct phone *p)
{
    struct net_addr local = p->flow->local;
    siptx_flow_ready(p->flow, &local, NULL);
    fixture_settle(p->x);
}

/* ---- registration ---- */

static void store_device(struct fixture *x, const char *device, const char *owner, const char *line,
                         const char *profile)
{
    struct store_why why = {""};
    struct store_line l = {.pattern = str_from(line)};
    struct store_device_line lines[] = {
        {.index = 1, .pattern = str_from(line), .contact = str_from(device)}};
    char instance[80];
    struct buf text;
    buf_init_fixed(&text, instance, sizeof instance);
    buf_put_lit(&text, "urn:uuid:");
    buf_put_str(&text, str_from(device));
    struct store_device d = {.name = str_from(device),
                             .model = 503,
                             .owner = str_from(owner),
                             .profile = str_from(profile),
                             .instance = buf_str(&text),
                             .enabled = true,
                             .lines = lines,
                             .line_count = 1};
    struct store_user u = {.id = str_from(owner), .roles = STORE_ROLE_USER, .active = true};
    const struct directory_user *known = directory_user_ref(x->b->directory, u.id);
    if (!known) OK(store_user_put(x->b->store, &admin, STORE_ADD, &u, &why));
    directory_user_unref(known);
    const struct directory_line *there = directory_line_ref(x->b->directory, l.pattern);
    if (!there) OK(store_line_put(x->b->store, &admin, STORE_ADD, &l, &why));
    directory_line_unref(there);
    OK(store_device_put(x->b->store, &admin, STORE_ADD, &d, &why));
}

unsigned fixture_register(struct phone *p)
{
    char token[BED_TOKEN_MAX], text[FIXTURE_TEXT];
    bool is_tls = p->flow->transport == SIPTX_TLS;
    const char *transport = is_tls ? "tls" : "tcp";
    bed_token(p->x->b, token, p->owner, "g", 3600);
    snprintf(text, sizeof text,
             "REGISTER sip:10.10.10.1 SIP/2.0\r\n"
             "Via: SIP/2.0/%s 10.10.10.10:%u;branch=z9hG4bKr%u\r\n"
             "From: <sip:%s@10.10.10.1>;tag=r\r\nTo: <sip:%s@10.10.10.1>\r\n"
             "Call-ID: reg-%s-%u\r\nMax-Forwards: 70\r\nCSeq: %u REGISTER\r\n"
             "%s%s%s%sSupported: path, outbound\r\n%s%s%s"
             "Contact: <sip:%s@10.10.10.10:%u;transport=%s>;+sip.instance=\"<urn:uuid:%s>\"%s\r\n"
             "Content-Length: 0\r\n\r\n",
             is_tls ? "TLS" : "TCP", p->port, ++p->x->branch, p->line, p->line, p->device, p->port,
             ++p->cseq, p->more ? p->more : "", is_tls ? "Authorization: Bearer " : "",
             is_tls ? token : "", is_tls ? "\r\n" : "", p->path ? "Path: " : "",
             p->path ? p->path : "", p->path ? "\r\n" : "", p->line, p->port, transport, p->device,
             p->params);
    fixture_send(p, text);
    const char *answer = fixture_expect(p, "SIP/2.0 ");
    return (unsigned)strtoul(answer + 8, NULL, 10);
}

static struct phone *add_phone(struct fixture *x, const char *device, const char *owner,
                               const char *line, unsigned worker, const char *params, bool is_plain)
{
    struct phone *p = phone_new(x, worker);
    assert_true(device && owner && line);
    p->device = device;
    p->owner = owner;
    p->line = line;
    p->params = params;
    fixture_connect(p, is_plain ? CALL_LINE : CALL_OAUTH, is_plain ? SIPTX_TCP : SIPTX_TLS);
    const struct directory_device *dev = directory_device_ref(x->b->directory, str_from(device));
    if (!dev) store_device(x, device, owner, line, is_plain ? PLAIN : PROFILE);
    directory_device_unref(dev);
    assert_int_equal(200, fixture_register(p));
    return p;
}

struct phone *fixture_add(struct fixture *x, const char *device, const char *owner,
                          const char *line, unsigned worker, const char *params)
{
    return add_phone(x, device, owner, line, worker, params, false);
}

struct phone *fixture_plain(struct fixture *x, const char *device, const char *owner,
                            const char *line, unsigned worker)
{
    return add_phone(x, device, owner, line, worker, "", true);
}

struct phone *fixture_phone(struct fixture *x, const char *device, const char *owner,
                            const char *line, unsigned worker)
{
    return fixture_add(x, device, owner, line, worker, "");
}

/* ---- time ---- */

void fixture_settle(struct fixture *x)
{
    size_t moved;
    do {
        moved = 0;
        for (unsigned i = 0; i < FIXTURE_WORKERS; i++)
            moved += siptx_stack_deliver(x->stacks[i]);
    } while (moved > 0);
}

void fixture_pass(struct fixture *x, int64_t ms)
{
    while (ms > 0) {
        int64_t step = ms < 250 ? ms : 250;
        bed_pass(x->b, step);
        fixture_settle(x);
        ms -= step;
    }
}

/* ---- messages ---- */

void fixture_send(struct phone *p, const char *text)
{
    struct str bytes = kit_guard(str_from(text));
    assert_non_null(p->flow);
    assert_int_equal(bytes.n, siptx_flow_input(p->flow, bytes));
    kit_guard_free(bytes);
    fixture_settle(p->x);
}

const char *fixture_expect(struct phone *p, const char *start)
{
    if (p->count == 0) fail_msg("%s received nothing, expected %s", p->device, start);
    const char *text = p->inbox[p->first];
    p->first = (p->first + 1) % FIXTURE_INBOX;
    p->count--;
    if (strncmp(text, start, strlen(start)) != 0)
        fail_msg("%s expected %s, received\n%s", p->device, start, text);
    return text;
}

void fixture_quiet(struct phone *p)
{
    if (p->count > 0) fail_msg("%s received\n%s", p->device, p->inbox[p->first]);
}

bool fixture_has(const char *message, const char *text)
{
    return strstr(message, text) != NULL;
}

/* The nth line that begins with name and a colon; its value's length in *n. */
static const char *find_header(const char *message, const char *name, unsigned nth, size_t *n)
{
    const char *end = strstr(message, "\r\n\r\n");
    size_t len = strlen(name);
    for (const char *at = strstr(message, "\r\n"); at && at < end; at = strstr(at + 2, "\r\n")) {
        const char *line = at + 2;
        if (strncasecmp(line, name, len) != 0 || line[len] != ':') continue;
        if (nth-- > 0) continue;
        line += len + 1;
        while (*line == ' ')
            line++;
        *n = (size_t)(strstr(line, "\r\n") - line);
        return line;
    }
    return NULL;
}

const char *fixture_header(const char *message, const char *name, unsigned nth)
{
    static char texts[8][1024];
    static unsigned next;
    char *out = texts[next++ % 8];
    size_t n = 0;
    const char *value = find_header(message, name, nth, &n);
    out[0] = '\0';
    if (value) snprintf(out, sizeof texts[0], "%.*s", (int)n, value);
    return out;
}

struct text {
    char p[FIXTURE_TEXT];
    size_t n;
};

static struct text *text_next(void)
{
    static struct text texts[128];
    static unsigned next;
    struct text *t = &texts[next++ % 128];
    t->n = 0;
    return t;
}

static void add(struct text *t, const char *format, ...) PRINTF_LIKE(2, 3);
static void add(struct text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    t->n += (size_t)vsnprintf(t->p + t->n, sizeof t->p - t->n, format, args);
    va_end(args);
    assert_true(t->n < sizeof t->p);
}

static void copy_all(struct text *t, const char *from, const char *name)
{
    size_t n;
    const char *value;
    for (unsigned i = 0; (value = find_header(from, name, i, &n)) != NULL; i++)
        add(t, "%s: %.*s\r\n", name, (int)n, value);
}

static const char *end(struct text *t, const char *more, const char *sdp)
{
    add(t, "%s", more ? more : "");
    if (sdp) add(t, "Content-Type: application/sdp\r\n");
    add(t, "Content-Length: %zu\r\n\r\n%s", sdp ? strlen(sdp) : 0, sdp ? sdp : "");
    return t->p;
}

static void add_contact(struct text *t, const struct phone *p)
{
    add(t, "Contact: <sip:%s@10.10.10.10:%u;transport=tls>\r\n", p->line, p->port);
}

static void add_via(struct text *t, struct phone *p)
{
    static const char *const names[] = {"UDP", "TCP", "TLS"};
    add(t, "Via: SIP/2.0/%s 10.10.10.10:%u;branch=z9hG4bKp%u\r\n", names[p->flow->transport],
        p->port, ++p->x->branch);
}

const char *fixture_request(struct phone *p, const char *method, const char *number,
                            const char *more, const char *sdp)
{
    struct text *t = text_next();
    add(t, "%s sip:%s@10.10.10.1 SIP/2.0\r\n", method, number);
    add_via(t, p);
    add(t, "From: \"%s\" <sip:%s@10.10.10.1>;tag=f%u\r\nTo: <sip:%s@10.10.10.1>\r\n", p->line,
        p->line, ++p->x->branch, number);
    add(t, "Call-ID: call-%u\r\nCSeq: %u %s\r\n", ++p->x->branch, ++p->cseq, method);
    if (!more || !strstr(more, "Max-Forwards")) add(t, "Max-Forwards: 70\r\n");
    add_contact(t, p);
    const char *text = end(t, more, sdp);
    fixture_send(p, text);
    return text;
}

const char *fixture_invite(struct phone *p, const char *number, const char *more, const char *sdp)
{
    return fixture_request(p, "INVITE", number, more, sdp);
}

const char *fixture_answer(struct phone *p, const char *request, unsigned status, const char *tag,
                           const char *more, const char *sdp)
{
    struct text *t = text_next();
    const char *to = fixture_header(request, "To", 0);
    add(t, "SIP/2.0 %u Whatever\r\n", status);
    copy_all(t, request, "Via");
    copy_all(t, request, "Record-Route");
    copy_all(t, request, "From");
    if (tag && !strstr(to, ";tag="))
        add(t, "To: %s;tag=%s\r\n", to, tag);
    else
        add(t, "To: %s\r\n", to);
    copy_all(t, request, "Call-ID");
    copy_all(t, request, "CSeq");
    add_contact(t, p);
    const char *text = end(t, more, sdp);
    fixture_send(p, text);
    return text;
}

/* The URI between the brackets of a name-addr. */
static void add_uri(struct text *t, const char *contact)
{
    const char *from = strchr(contact, '<');
    assert_non_null(from);
    add(t, "%.*s", (int)(strchr(from, '>') - from - 1), from + 1);
}

static void add_route(struct text *t, const char *message, bool is_callee)
{
    size_t n;
    unsigned count = 0;
    while (find_header(message, "Record-Route", count, &n))
        count++;
    for (unsigned i = 0; i < count; i++) {
        const char *v = find_header(message, "Record-Route", is_callee ? i : count - 1 - i, &n);
        add(t, "Route: %.*s\r\n", (int)n, v);
    }
}

const char *fixture_in_dialog(struct phone *p, const char *method, const char *request,
                              const char *answer, bool is_callee, const char *more, const char *sdp)
{
    struct text *t = text_next();
    const char *from = fixture_header(is_callee ? request : answer, "From", 0);
    const char *to = fixture_header(answer, "To", 0);
    unsigned cseq = (unsigned)strtoul(fixture_header(request, "CSeq", 0), NULL, 10);
    bool is_ack = strcmp(method, "ACK") == 0;
    add(t, "%s ", method);
    add_uri(t, fixture_header(is_callee ? request : answer, "Contact", 0));
    add(t, " SIP/2.0\r\n");
    add_via(t, p);
    add_route(t, is_callee ? request : answer, is_callee);
    add(t, "From: %s\r\nTo: %s\r\n", is_callee ? to : from, is_callee ? from : to);
    copy_all(t, request, "Call-ID");
    add(t, "CSeq: %u %s\r\nMax-Forwards: 70\r\n", is_ack ? cseq : ++p->cseq + 1000, method);
    add_contact(t, p);
    const char *text = end(t, more, sdp);
    fixture_send(p, text);
    return text;
}

/* Request line, top Via, Route, From, Call-ID of the INVITE; To of to. */
static void follow_up(struct phone *p, const char *method, const char *invite, const char *to)
{
    struct text *t = text_next();
    const char *uri = strchr(invite, ' ') + 1;
    unsigned cseq = (unsigned)strtoul(fixture_header(invite, "CSeq", 0), NULL, 10);
    add(t, "%s %.*s SIP/2.0\r\n", method, (int)(strchr(uri, ' ') - uri), uri);
    add(t, "Via: %s\r\n", fixture_header(invite, "Via", 0));
    copy_all(t, invite, "Route");
    copy_all(t, invite, "From");
    copy_all(t, to, "To");
    copy_all(t, invite, "Call-ID");
    add(t, "CSeq: %u %s\r\nMax-Forwards: 70\r\n", cseq, method);
    fixture_send(p, end(t, NULL, NULL));
}

void fixture_cancel(struct phone *p, const char *invite)
{
    follow_up(p, "CANCEL", invite, invite);
}

void fixture_ack_refusal(struct phone *p, const char *invite, const char *answer)
{
    follow_up(p, "ACK", invite, answer);
}
