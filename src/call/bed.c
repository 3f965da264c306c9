#include "kit/kit.h"

#include "call/bed.h"

#include "crypto/random.h"

#include <stdio.h>
#include <unistd.h>

#define OAUTH_PROFILE "Cisco Unified Client Services Framework - OAuth auth"
#define OK(call)      assert_rc(RC_OK, (call))

static const struct store_by admin = {.who = STR_INIT("admin"), .from = STR_INIT("test")};
static const struct str issuer = STR_INIT("https://node1.example.com:8443");

static void fill_store(struct bed *b)
{
    struct store_why why = {""};
    struct store_user u = {.id = STR("rado"), .roles = STORE_ROLE_USER, .active = true};
    struct store_user e = {.id = STR("eve"), .roles = STORE_ROLE_USER, .active = true};
    struct store_profile p = store_profile_default();
    struct store_node node = {
        .name = STR("UCM2-PUB"), .host = STR("node1.example.com"), .ports = store_ports_default()};
    struct store_line l1 = {.pattern = STR("1010")}, l2 = {.pattern = STR("1011")};
    struct store_device_line lines[] = {
        {.index = 1, .pattern = STR("1010"), .contact = STR("uuid-1")},
        {.index = 2, .pattern = STR("1011"), .contact = STR("uuid-2")},
    };
    struct store_device d = {.name = STR("CSFrado"),
                             .model = 503,
                             .owner = STR("rado"),
                             .profile = STR(OAUTH_PROFILE),
                             .enabled = true,
                             .lines = lines,
                             .line_count = 2};
    p.name = STR(OAUTH_PROFILE);
    p.security = STORE_ENCRYPTED;
    p.transport = STORE_TLS;
    p.oauth = true;
    OK(store_user_put(b->store, &admin, STORE_ADD, &u, &why));
    OK(store_user_put(b->store, &admin, STORE_ADD, &e, &why));
    OK(store_profile_put(b->store, &admin, STORE_ADD, &p, &why));
    OK(store_node_put(b->store, &admin, STORE_ADD, &node, &why));
    OK(store_line_put(b->store, &admin, STORE_ADD, &l1, &why));
    OK(store_line_put(b->store, &admin, STORE_ADD, &l2, &why));
    OK(store_device_put(b->store, &admin, STORE_ADD, &d, &why));
    OK(store_param_put(b->store, &admin, STR("ClusterSIPOAuthMode"), STR("1"), 0, &why));
}

static struct oauth_keyring *keyring_new(struct bed *b)
{
    struct oauth_keyring *k;
    struct oauth_own_spec own = {.issuer = issuer,
                                 .audience = STR("sip"),
                                 .scope = STR("sip"),
                                 .accept = OAUTH_FORMAT_SIGNED,
                                 .leeway_s = 30,
                                 .longest_token_s = 86400};
    OK(oauth_keyring_new(&own, &k));
    OK(oauth_keyring_add_signing_key(k, STR("k1"), b->key));
    return k;
}

static void open_call(struct bed *b, call_record_fn *fn, void *ctx)
{
    struct clock clock = {
        .mono_ms = b->log.clock.mono_ms, .unix_ms = b->log.clock.unix_ms, .ctx = &b->time};
    struct location_config lc = {0};
    OK(location_new(&lc, &b->random, b->time.mono_ms, &b->location));
    b->stacks = siptx_node_new();
    assert_non_null(b->stacks);
    struct call_node_config nc = {.directory = b->directory,
                                  .location = b->location,
                                  .verifier = b->verifier,
                                  .stacks = b->stacks,
                                  .clock = clock,
                                  .random = b->random,
                                  .log = &b->log,
                                  .node_name = STR("UCM2-PUB"),
                                  .on_call_end = fn,
                                  .on_call_end_ctx = ctx};
    OK(call_node_new(&nc, &b->node));
    OK(call_node_set_authz_server(b->node, issuer));
    OK(call_worker_new(b->node, &b->worker));
    b->wheel = wheel_new((uint64_t)b->time.mono_ms);
    assert_non_null(b->wheel);
    b->trace = siptx_trace_new(0);
    assert_non_null(b->trace);
    struct siptx_config sc = {.clock = clock,
                              .trace = b->trace,
                              .wheel = b->wheel,
                              .random = b->random,
                              .node = b->stacks,
                              .takes_posts = true,
                              .events = call_worker_events(b->worker)};
    OK(siptx_stack_new(&sc, &b->stack));
    call_worker_attach(b->worker, b->stack);
}

struct bed *bed_new(void)
{
    return bed_new_with(NULL, NULL);
}

struct bed *bed_new_with(call_record_fn *fn, void *ctx)
{
    struct bed *b = calloc(1, sizeof *b);
    struct store_why why = {""};
    assert_non_null(b);
    b->log = kit_log(&b->lines);
    b->log.level = LOG_DEBUG;
    b->random = kit_random(&b->seed, 7);
    snprintf(b->folder, sizeof b->folder, "/tmp/bearline-call-XXXXXX");
    assert_non_null(mkdtemp(b->folder));
    struct store_config c = {
        .folder = b->folder, .clock = kit_clock(&b->time), .random = b->random};
    OK(store_open(&c, &b->store, &why));
    fill_store(b);
    OK(directory_new(b->store, &b->random, &b->directory, &why));
    OK(crypto_key_generate(CRYPTO_KEY_EC_P256, &b->key));
    struct oauth_verifier_settings vs = {.cache_capacity = 64, .revoked_capacity = 64};
    OK(oauth_verifier_new(&vs, keyring_new(b), &b->verifier));
    open_call(b, fn, ctx);
    return b;
}

void bed_free(struct bed *b)
{
    char command[128];
    siptx_stack_free(b->stack);
    call_worker_free(b->worker);
    call_node_free(b->node);
    siptx_node_free(b->stacks);
    siptx_trace_free(b->trace);
    wheel_free(b->wheel);
    location_free(b->location);
    oauth_verifier_free(b->verifier);
    crypto_key_unref(b->key);
    directory_free(b->directory);
    store_close(b->store);
    snprintf(command, sizeof command, "rm -rf %s", b->folder);
    assert_int_equal(0, system(command));
    free(b);
}

/* ---- wires ---- */

static enum rc wire_send(const struct siptx_flow *f, const struct net_addr *to, struct str bytes)
{
    (void)to;
    struct bed *b = f->wire;
    b->sent_n = bytes.n < sizeof b->sent ? bytes.n : sizeof b->sent - 1;
    memcpy(b->sent, bytes.p, b->sent_n);
    b->sent[b->sent_n] = '\0';
    return RC_OK;
}

static const struct siptx_wire_ops wire = {.send = wire_send};

struct siptx_flow *bed_flow(struct bed *b, enum siptx_transport t, enum call_listener kind,
                            uint16_t port)
{
    struct siptx_flow *f;
    struct siptx_flow_desc d = {.transport = t,
                                .listener_kind = (int)kind,
                                .local = net_addr_v4(10, 10, 10, 1, 5090),
                                .peer = net_addr_v4(10, 10, 10, 10, port),
                                .ops = &wire,
                                .wire = b};
    OK(siptx_flow_open(b->stack, &d, &f));
    return f;
}

/* ---- tokens ---- */

struct str bed_token(struct bed *b, char text[BED_TOKEN_MAX], const char *user, const char *gid,
                     int64_t life_s)
{
    struct buf out;
    int64_t now = b->time.unix_ms / 1000;
    struct oauth_mint mint = {
        .format = OAUTH_FORMAT_SIGNED,
        .signing = {.kid = STR("k1"), .alg = jose_key_alg(b->key), .key = b->key},
        .random = &b->random,
        .audience = STR("sip"),
    };
    struct oauth_claims claims = {
        .issuer = issuer,
        .subject = str_from(user),
        .client_id = STR("bearline-phone"),
        .scope = STR("sip"),
        .jti = str_from(gid),
        .gid = str_from(gid),
        .issued_unix_s = life_s < 0 ? now + life_s - 60 : now - 60,
        .expires_unix_s = now + life_s,
    };
    buf_init_fixed(&out, text, BED_TOKEN_MAX - 1);
    OK(oauth_mint_print(&out, &mint, &claims));
    text[out.n] = '\0';
    return buf_str(&out);
}

/* ---- requests ---- */

static unsigned status_of(const struct bed *b)
{
    return b->sent_n > 12 && strncmp(b->sent, "SIP/2.0 ", 8) == 0
               ? (unsigned)strtoul(b->sent + 8, NULL, 10)
               : 0;
}

static unsigned feed(struct bed *b, struct siptx_flow *f, const char *text, size_t n)
{
    b->sent_n = 0;
    b->sent[0] = '\0';
    assert_int_equal(n, siptx_flow_input(f, str_of(text, n)));
    return status_of(b);
}

static unsigned send(struct bed *b, struct siptx_flow *f, const char *method, const char *line,
                     const char *contact, const char *more, const char *body)
{
    static const char *const names[] = {"UDP", "TCP", "TLS"};
    char text[16384];
    int n = snprintf(text, sizeof text,
                     "%s sip:10.10.10.1 SIP/2.0\r\n"
                     "Via: SIP/2.0/%s 10.10.10.10:62162;branch=z9hG4bK%08u%s\r\n"
                     "From: <sip:%s@10.10.10.1>;tag=8823\r\nTo: <sip:%s@10.10.10.1>\r\n"
                     "Call-ID: 88232345-%llu-%u@10.10.10.10\r\nMax-Forwards: 70\r\n"
                     "CSeq: %u %s\r\n",
                     method, names[f->transport], ++b->branch, b->via_params ? b->via_params : "",
                     line, line, (unsigned long long)f->id, b->call, ++b->cseq, method);
    if (contact) n += snprintf(text + n, sizeof text - (size_t)n, "Contact: %s\r\n", contact);
    n += snprintf(text + n, sizeof text - (size_t)n, "%sContent-Length: %zu\r\n\r\n%s",
                  more ? more : "", body ? strlen(body) : 0, body ? body : "");
    return feed(b, f, text, (size_t)n);
}

unsigned bed_register(struct bed *b, struct siptx_flow *f, const char *line, const char *contact,
                      const char *more, const char *body)
{
    return send(b, f, "REGISTER", line, contact, more, body);
}

unsigned bed_cisco(struct bed *b, struct siptx_flow *f, const char *device, const char *token,
                   const char *more)
{
    char contact[512], headers[BED_TOKEN_MAX + 512] = "";
    snprintf(contact, sizeof contact,
             "<sip:uuid-1@10.10.10.10:%u;transport=tls>;+sip.instance=\"<urn:uuid:00000000-0000-"
             "0000-0000-%012u>\";+u.sip!devicename.ccm.cisco.com=\"%s\";+u.sip!model.ccm.cisco."
             "com=\"503\";video",
             f->peer.port, f->peer.port / 10, device);
    if (token)
        snprintf(headers, sizeof headers, "Proxy-Authorization: Bearer token=\"%s\"\r\n", token);
    strncat(headers, more ? more : "Expires: 3600\r\n", 500);
    return send(b, f, "REGISTER", "1010", contact, headers, NULL);
}

unsigned bed_request(struct bed *b, struct siptx_flow *f, const char *method, const char *more)
{
    return send(b, f, method, "1010", NULL, more, NULL);
}

bool bed_answer_has(const struct bed *b, const char *needle)
{
    return strstr(b->sent, needle) != NULL;
}

void bed_pass(struct bed *b, int64_t ms)
{
    kit_time_pass(&b->time, ms);
    wheel_advance(b->wheel, (uint64_t)b->time.mono_ms);
    call_node_tick(b->node);
}

size_t bed_count(struct bed *b)
{
    struct location_counts c;
    location_count(b->location, &c);
    return c.bindings;
}

void bed_param(struct bed *b, const char *name, const char *value)
{
    struct store_why why = {""};
    OK(store_param_put(b->store, &admin, str_from(name), str_from(value), 0, &why));
}
