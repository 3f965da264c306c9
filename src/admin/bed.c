#include "admin/bed.h"
#include "base/base64.h"
#include "base/buf.h"
#include "crypto/x509.h"
#include "oauth/keyring.h"
#include <stdio.h>
#include <unistd.h>

#define OK(call) assert_rc(RC_OK, (call))
static const struct store_by setup_by = {.who = STR_INIT("system"), .from = STR_INIT("test")};

/* ---- the live node ---- */

static enum rc registrations(void *ctx, struct str device, uint64_t after_id, size_t limit,
                             struct arena *a, struct admin_registration **out, size_t *count)
{
    struct bed *b = ctx;
    (void)limit;
    *out = ARENA_NEW(a, struct admin_registration);
    *count = 0;
    if (!*out) return RC_NOMEM;
    if (!b->is_registered || after_id >= 5 || (device.n > 0 && !str_eq(device, STR("CSFrado"))))
        return RC_OK;
    **out = (struct admin_registration){.id = 5,
                                        .device = STR("CSFrado"),
                                        .line = STR("1010"),
                                        .user = STR("rado"),
                                        .peer = STR("127.0.0.1:41000"),
                                        .user_agent = STR("evil\x1b[2J"),
                                        .listener = STR("OAuth line"),
                                        .dialect = STR("cisco"),
                                        .expires_in_s = 99};
    *count = 1;
    return RC_OK;
}

static enum rc trace(void *ctx, struct str device, uint64_t after_seq, size_t max, struct arena *a,
                     struct admin_trace_record **out, size_t *count)
{
    (void)ctx, (void)after_seq, (void)max;
    *out = ARENA_NEW(a, struct admin_trace_record);
    *count = str_eq(device, STR("CSFrado"));
    if (!*out) return RC_NOMEM;
    **out = (struct admin_trace_record){
        .seq = 1,
        .flow_id = 0x8000000000000001,
        .unix_ms = 1585566199200,
        .kind = ADMIN_TRACE_OUT,
        .transport = STR("TLS"),
        .local = STR("127.0.0.1:5090"),
        .peer = STR("127.0.0.1:41000"),
        .label = STR("CSFrado"),
        .text = STR("SIP/2.0 403 Forbidden\r\nRetry-After: 35\r\nWarning: 399 ucm1 \"SIP OAuth "
                    "Registration port Mismatch\"\r\n\r\n")};
    return RC_OK;
}

static void trace_switch(void *ctx, bool on)
{
    (void)ctx, (void)on;
}

static enum rc last_refusal(void *ctx, struct str device, struct arena *a,
                            struct admin_refusal *out)
{
    struct bed *b = ctx;
    (void)device, (void)a;
    if (!b->is_refused) return RC_NOT_FOUND;
    *out = (struct admin_refusal){.at_unix_ms = b->now.unix_ms - 3000,
                                  .why = STR("not-owner"),
                                  .text = STR("The token is another user's: sign in as the owner."),
                                  .listener = STR("OAuth line"),
                                  .peer = STR("127.0.0.1:41000"),
                                  .count = 2};
    return RC_OK;
}

static size_t reset_device(void *ctx, struct str device)
{
    struct bed *b = ctx;
    (void)device;
    return b->is_registered ? 1 : 0;
}

static size_t registration_count(void *ctx)
{
    struct bed *b = ctx;
    return b->is_registered ? 1 : 0;
}

static enum rc calls(void *ctx, struct str number, uint64_t after_id, size_t limit, struct arena *a,
                     struct admin_live_call **out, size_t *count)
{
    struct bed *b = ctx;
    (void)limit;
    *out = ARENA_NEW(a, struct admin_live_call);
    *count = 0;
    if (!*out) return RC_NOMEM;
    if (!b->has_call || after_id >= 9 || (number.n > 0 && !str_eq(number, STR("1010"))))
        return RC_OK;
    **out = (struct admin_live_call){.id = 9,
                                     .call = STR("c9"),
                                     .caller = STR("1010"),
                                     .caller_device = STR("CSFrado"),
                                     .dialled = STR("2000"),
                                     .called = STR("1011\x1b[2J"),
                                     .called_device = STR("CSFada"),
                                     .state = STR("answered"),
                                     .start_unix_ms = 1774868611000,
                                     .answer_unix_ms = 1774868613000,
                                     .encrypted = true};
    *count = 1;
    return RC_OK;
}

static enum rc hang_up(void *ctx, uint64_t id, struct arena *a, struct admin_live_call *out)
{
    struct bed *b = ctx;
    struct admin_live_call *found;
    size_t count;
    if (id == 8) return RC_CONFLICT; /* rings */
    enum rc rc = calls(ctx, STR(""), 0, 1, a, &found, &count);
    if (rc != RC_OK || count == 0 || id != found->id) return rc != RC_OK ? rc : RC_NOT_FOUND;
    b->has_call = false;
    *out = *found;
    return RC_OK;
}

static size_t call_count(void *ctx)
{
    struct bed *b = ctx;
    return b->has_call ? 1 : 0;
}

static enum rc trunks(void *ctx, struct arena *a, struct admin_trunk_state **out, size_t *count)
{
    (void)ctx;
    *out = ARENA_NEW(a, struct admin_trunk_state);
    *count = 1;
    if (!*out) return RC_NOMEM;
    **out = (struct admin_trunk_state){
        .name = STR("carrier"), .status = 503, .since_unix_ms = 1774868611000};
    return RC_OK;
}

static enum rc handshakes(void *ctx, struct arena *a, struct admin_handshake **out, size_t *count)
{
    struct bed *b = ctx;
    *count = b->handshake.count > 0;
    *out = ARENA_NEW(a, struct admin_handshake);
    if (!*out) return RC_NOMEM;
    **out = b->handshake;
    return RC_OK;
}

static enum rc listeners(void *ctx, struct arena *a, struct admin_listener **out, size_t *count)
{
    struct bed *b = ctx;
    struct store_node own;
    struct admin_listener *rows = ARENA_ARRAY(a, struct admin_listener, 3);
    if (!rows) return RC_NOMEM;
    enum rc rc = store_node_get(b->store, STR("ucm1"), a, &own, NULL);
    int ports[] = {own.ports.https, own.ports.oauth, own.ports.mra};
    const char *names[] = {"HTTPS", "SIP OAuth", "SIP OAuth MRA"};
    bool mode = directory_param_number(b->directory, STORE_P_SIP_OAUTH_MODE) != 0;
    *count = mode ? 3 : 1;
    for (size_t i = 0; rc == RC_OK && i < *count; i++) {
        rows[i] = (struct admin_listener){
            .name = str_from(names[i]), .transport = STR("TLS"), .state = STR("open")};
        rc = arena_printf(a, &rows[i].addr, "127.0.0.1:%d", ports[i]);
    }
    *out = rows;
    return rc;
}

static bool port_is_free(void *ctx, uint16_t port, bool udp_too, struct arena *a,
                         struct str *holder)
{
    struct bed *b = ctx;
    (void)udp_too, (void)a;
    *holder = STR("nginx (process 4711)");
    return port != b->held_port;
}

static void settle(void *ctx)
{
    struct bed *b = ctx;
    b->settled++;
}

static enum rc numbers(void *ctx, struct arena *a, struct admin_number **out, size_t *count)
{
    (void)ctx;
    struct admin_number rows[] = {{STR("registrations"), 7},
                                  {STR("calls.refused_overload"), 12},
                                  {STR("calls.overloaded_workers"), 1}};
    *count = sizeof rows / sizeof *rows;
    *out = ARENA_ARRAY(a, struct admin_number, *count);
    if (!*out) return RC_NOMEM;
    memcpy(*out, rows, sizeof rows);
    return RC_OK;
}

static enum rc key_info(void *ctx, enum store_key_use use, struct arena *a, struct admin_key *out)
{
    struct bed *b = ctx;
    (void)a;
    *out = (struct admin_key){.kid = use == STORE_KEY_SIGNING ? STR("kid-s") : STR("kid-e"),
                              .alg = STR("ES256"),
                              .checksum = STR("abc"),
                              .former_count = b->regens};
    return RC_OK;
}

static const struct oauth_keyring *keyring(void *ctx)
{
    struct bed *b = ctx;
    return oauth_keyring_ref(b->keyring);
}

static enum rc key_change(void *ctx, const struct store_by *by, enum store_key_use use,
                          struct store_why *why)
{
    struct bed *b = ctx;
    (void)by, (void)use, (void)why;
    b->regens++;
    return RC_OK;
}

static enum rc cert_regen(void *ctx, const struct store_by *by, struct str unit,
                          struct store_why *why)
{
    struct bed *b = ctx;
    (void)by, (void)unit, (void)why;
    b->regens++;
    return RC_OK;
}

/* ---- set up ---- */

static void open_control(void *ctx)
{
    struct bed *b = ctx;
    OK(http_listen_unix(b->server.server, b->control_site, b->socket, 0600, &b->control));
}

static void open_node(struct bed *b)
{
    struct store_config c = {.folder = b->folder, .clock = b->clock, .random = b->random};
    struct store_node own = {
        .name = STR("ucm1"), .host = STR("ucm1.example.com"), .ports = store_ports_default()};
    OK(store_open(&c, &b->store, &b->why));
    OK(store_node_put(b->store, &setup_by, STORE_ADD, &own, &b->why));
    OK(directory_new(b->store, &b->random, &b->directory, &b->why));
}

static struct oauth_keyring *make_keyring(void)
{
    struct oauth_own_spec own = {.issuer = STR("https://ucm1.example.com"),
                                 .audience = STR("sip"),
                                 .accept = OAUTH_FORMAT_ANY,
                                 .leeway_s = 5,
                                 .longest_token_s = 86400};
    struct oauth_keyring *k;
    struct crypto_key *key;
    OK(oauth_keyring_new(&own, &k));
    OK(crypto_key_generate(CRYPTO_KEY_EC_P256, &key));
    OK(oauth_keyring_add_signing_key(k, STR("kid-s"), key));
    crypto_key_unref(key);
    return k;
}

static int setup(void **state, bool is_edge)
{
    struct bed *b = calloc(1, sizeof *b);
    snprintf(b->folder, sizeof b->folder, "/tmp/bearline-admin-XXXXXX");
    if (!mkdtemp(b->folder)) return -1;
    snprintf(b->socket, sizeof b->socket, "%s/control.sock", b->folder);
    b->random = kit_random(&b->dice, 5);
    b->clock = kit_clock(&b->now);
    b->keyring = make_keyring();
    open_node(b);
    b->live = (struct admin_live){.ctx = b,
                                  .node_name = STR("ucm1"),
                                  .version = STR("1.2.3"),
                                  .registrations = registrations,
                                  .trace = trace,
                                  .trace_switch = trace_switch,
                                  .last_refusal = last_refusal,
                                  .reset_device = reset_device,
                                  .registration_count = registration_count,
                                  .calls = calls,
                                  .call_count = call_count,
                                  .hang_up = hang_up,
                                  .trunks = trunks,
                                  .handshakes = handshakes,
                                  .listeners = listeners,
                                  .port_is_free = port_is_free,
                                  .settle = settle,
                                  .numbers = numbers,
                                  .keyring = keyring,
                                  .key_info = key_info,
                                  .key_rotate = key_change,
                                  .key_regen = key_change,
                                  .cert_regen = cert_regen};
    if (is_edge) {
        b->live.role = STR("inner");
        b->live.host = STR("exp-c.example.com");
        b->live.node_name = STR("exp-c");
    }
    struct admin_settings s = {.store = b->store,
                               .directory = b->directory,
                               .live = &b->live,
                               .clock = b->clock,
                               .random = b->random,
                               .is_edge = is_edge,
                               .pool_threads = 4};
    OK(admin_new(&s, &b->admin));
    b->server.site = http_site_new("https");
    b->control_site = http_site_new("control");
    OK(admin_add_api_routes(b->admin, b->server.site, false));
    OK(admin_add_axl_routes(b->admin, b->server.site));
    OK(admin_add_edge_routes(b->admin, b->server.site));
    OK(admin_add_api_routes(b->admin, b->control_site, true));
    test_server_start(&b->server, NULL, 0, NULL, NULL, 2, 64);
    test_on_loop(&b->server, open_control, b);
    arena_init(&b->arena, NULL, 0, 256 << 20);
    *state = b;
    return 0;
}

int bed_setup(void **state)
{
    return setup(state, false);
}

int bed_setup_edge(void **state)
{
    return setup(state, true);
}

int bed_teardown(void **state)
{
    static const char *const files[] = {"bearline.db", "bearline.db-wal", "bearline.db-shm", "lock",
                                        "file"};
    struct bed *b = *state;
    test_server_stop(&b->server);
    http_site_free(b->control_site);
    admin_free(b->admin);
    directory_free(b->directory);
    store_close(b->store);
    oauth_keyring_unref(b->keyring);
    arena_fini(&b->arena);
    free(b->out);
    free(b->err);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", b->folder, files[i]);
        unlink(path);
    }
    rmdir(b->folder);
    free(b);
    return 0;
}

/* ---- asking ---- */

static int ask(struct bed *b, const char *method, const char *url, const char *body,
               const struct http_client_header *header, bool over_unix, struct str *answer)
{
    struct http_answer a;
    struct http_call call = {.method = method,
                             .url = str_from(url),
                             .headers = header,
                             .header_count = header ? 1 : 0,
                             .unix_path = over_unix ? b->socket : NULL,
                             .response_max = 64 << 20};
    if (body[0] != '\0') {
        call.body = str_from(body);
        call.content_type = STR("application/json");
    }
    http_fetch(&call, &b->arena, &a);
    if (a.failure != HTTP_FAIL_NONE) fail_msg("%s %s: %s", method, url, a.why);
    *answer = a.body;
    return a.status;
}

int bed_ask_with(struct bed *b, const char *method, const char *path, const char *body,
                 const char *name, const char *value, struct str *answer)
{
    char url[512];
    struct http_client_header header = {str_from(name), str_from(value)};
    snprintf(url, sizeof url, "http://bearline/api/v1/%s", path);
    return ask(b, method, url, body, name ? &header : NULL, true, answer);
}

int bed_ask(struct bed *b, const char *method, const char *path, const char *body,
            struct str *answer)
{
    return bed_ask_with(b, method, path, body, NULL, NULL, answer);
}

static int ask_basic(struct bed *b, const char *method, const char *url, const char *body,
                     const char *user_and_password, struct str *answer)
{
    char value[256];
    struct buf coded;
    if (!user_and_password) return ask(b, method, url, body, NULL, false, answer);
    buf_init(&coded, 256);
    base64_print(&coded, str_bytes(str_from(user_and_password)));
    snprintf(value, sizeof value, "Basic %s", buf_cstr(&coded));
    buf_fini(&coded);
    struct http_client_header header = {STR("Authorization"), str_from(value)};
    return ask(b, method, url, body, &header, false, answer);
}

int bed_ask_as(struct bed *b, const char *method, const char *path, const char *user_and_password,
               struct str *answer)
{
    char url[512];
    snprintf(url, sizeof url, "http://127.0.0.1:%u/api/v1/%s", b->server.port, path);
    return ask_basic(b, method, url, "", user_and_password, answer);
}

int bed_ask_axl(struct bed *b, const char *user_and_password, const char *envelope,
                struct str *answer)
{
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%u/axl/", b->server.port);
    return ask_basic(b, "POST", url, envelope, user_and_password, answer);
}

int bed_ask_basic(struct bed *b, const char *path, const char *user_and_password,
                  struct str *answer)
{
    return bed_ask_as(b, "GET", path, user_and_password, answer);
}

/* ---- the command line ---- */

static int run_cli(struct bed *b, FILE *in, int argc, char *const *argv)
{
    free(b->out);
    free(b->err);
    b->out = b->err = NULL;
    struct admin_cli_options o = {.socket = b->socket,
                                  .in = in,
                                  .out = open_memstream(&b->out, &b->out_n),
                                  .err = open_memstream(&b->err, &b->err_n)};
    int status = admin_cli_run(&o, argc, argv);
    fclose(o.out);
    fclose(o.err);
    return status;
}

int bed_cli_words(struct bed *b, int argc, char *const *argv)
{
    FILE *nothing = fopen("/dev/null", "re");
    int status = run_cli(b, nothing, argc, argv);
    fclose(nothing);
    return status;
}

int bed_cli_from(struct bed *b, FILE *in, const char *line)
{
    char text[2048];
    char *words[] = {text, NULL};
    snprintf(text, sizeof text, "%s ", line); /* a blank makes it a line */
    return run_cli(b, in, 1, words);
}

int bed_cli(struct bed *b, const char *line)
{
    FILE *nothing = fopen("/dev/null", "re");
    int status = bed_cli_from(b, nothing, line);
    fclose(nothing);
    return status;
}

void bed_put_file(struct bed *b, const char *text, char path[128])
{
    snprintf(path, 128, "%s/file", b->folder);
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

void bed_make_ready(struct bed *b)
{
    static const char *const units[] = {"tomcat", "tomcat-ECDSA"};
    const struct str host = STR("ucm1.example.com");
    struct crypto_cert_spec spec = {.common_name = host,
                                    .dns = &host,
                                    .dns_count = 1,
                                    .not_before_unix_s = b->now.unix_ms / 1000 - 60,
                                    .not_after_unix_s = b->now.unix_ms / 1000 + 86400,
                                    .server = true};
    struct store_profile profile = store_profile_default();
    struct crypto_key *key;
    struct buf pem;
    buf_init(&pem, 65536);
    OK(crypto_key_generate(CRYPTO_KEY_EC_P256, &key));
    OK(crypto_ca_issue(key, &spec, &b->random, &pem));
    struct str ca = {0};
    OK(arena_str_dup(&b->arena, buf_str(&pem), &ca));
    buf_reset(&pem);
    OK(crypto_cert_issue(ca, key, key, &spec, &b->random, &pem));
    for (size_t i = 0; i < 2; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s/ucm1", units[i]);
        struct store_cert cert = {.name = str_from(name),
                                  .unit = str_from(units[i]),
                                  .node = STR("ucm1"),
                                  .subject = STR("CN=ucm1.example.com"),
                                  .chain_pem = buf_str(&pem),
                                  .key_pem = STR("secret"),
                                  .not_before_s = spec.not_before_unix_s,
                                  .not_after_s = spec.not_after_unix_s};
        OK(store_cert_put(b->store, &setup_by, STORE_PUT, &cert, &b->why));
    }
    profile.name = STR("Cisco Unified Client Services Framework - OAuth auth");
    profile.security = STORE_ENCRYPTED;
    profile.transport = STORE_TLS;
    profile.oauth = true;
    OK(store_profile_put(b->store, &setup_by, STORE_PUT, &profile, &b->why));
    OK(store_param_put(b->store, &setup_by, STR("OAuthRefreshLoginFlow"), STR("1"), 0, &b->why));
    crypto_key_unref(key);
    buf_fini(&pem);
}
