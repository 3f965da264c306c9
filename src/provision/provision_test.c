#include "kit/kit.h"

#include "crypto/random.h"
#include "directory/directory.h"
#include "http/client.h"
#include "http/test_server.h"
#include "oauth/mint.h"
#include "oauth/verify.h"
#include "provision/provision.h"
#include "xml/reader.h"
#include <stdio.h>
#include <unistd.h>

static const int64_t now = 1767225600; /* 2026-01-01, as kit's clock begins */
static const struct store_by admin = {.who = STR_INIT("admin"), .from = STR_INIT("test")};
#define OAUTH_PROFILE STR("CSF - OAuth auth")
#define OPEN_PROFILE                                                                               \
    STR("Cisco Unified Client Services Framework - Standard SIP Non-Secure Profile")
#define OK(call) assert_rc(RC_OK, (call))

struct fixture {
    char folder[64];
    struct kit_time time;
    struct kit_log kept;
    struct log log;
    struct random_source random;
    struct store *store;
    struct store_why why;
    struct directory *directory;
    struct jose_key key;
    struct oauth_verifier *verifier;
    struct provision *provision;
    struct test_server plain, secure;
    struct arena arena;
    struct http_answer answer;
};

static void add_device(struct fixture *f, struct str name, struct str owner, struct str profile,
                       bool enabled)
{
    struct store_device_line line = {
        .index = 1, .pattern = STR("1010"), .label = STR("Rado <1010>")};
    struct store_device d = {.name = name,
                             .description = STR("Rado & friends"),
                             .model = 503,
                             .owner = owner,
                             .profile = profile,
                             .enabled = enabled,
                             .lines = &line,
                             .line_count = 1};
    OK(store_device_put(f->store, &admin, STORE_ADD, &d, &f->why));
}

static void fill_store(struct fixture *f)
{
    struct store_user rado = {.id = STR("rado"), .roles = STORE_ROLE_USER, .active = true};
    struct store_user eve = {.id = STR("eve"), .roles = STORE_ROLE_USER, .active = true};
    struct store_line line = {.pattern = STR("1010"), .display = STR("Rado")};
    struct store_node node = {
        .name = STR("node1"), .host = STR("node1.example.com"), .ports = store_ports_default()};
    struct store_profile profile = store_profile_default();
    profile.name = OAUTH_PROFILE;
    profile.security = STORE_ENCRYPTED;
    profile.transport = STORE_TLS;
    profile.oauth = true;
    node.ports.oauth = 5490;
    node.ports.config_https = 6999;
    OK(store_user_put(f->store, &admin, STORE_ADD, &rado, &f->why));
    OK(store_user_put(f->store, &admin, STORE_ADD, &eve, &f->why));
    OK(store_line_put(f->store, &admin, STORE_ADD, &line, &f->why));
    OK(store_node_put(f->store, &admin, STORE_ADD, &node, &f->why));
    OK(store_profile_put(f->store, &admin, STORE_ADD, &profile, &f->why));
    add_device(f, STR("CSFrado"), STR("rado"), OAUTH_PROFILE, true);
    add_device(f, STR("CSFopen"), STR(""), OPEN_PROFILE, true);
    add_device(f, STR("CSFoff"), STR("rado"), OAUTH_PROFILE, false);
}

static void set_param(struct fixture *f, const char *name, const char *value)
{
    OK(store_param_put(f->store, &admin, str_from(name), str_from(value), 0, &f->why));
}

static void make_verifier(struct fixture *f)
{
    const struct oauth_own_spec own = {.issuer = STR("https://node1.example.com:8443"),
                                       .audience = STR("sip"),
                                       .scope = STR("sip"),
                                       .accept = OAUTH_FORMAT_SIGNED,
                                       .leeway_s = 30,
                                       .longest_token_s = 86400};
    const struct oauth_verifier_settings settings = {0};
    struct oauth_keyring *ring = NULL;
    OK(crypto_key_generate(CRYPTO_KEY_EC_P256, &f->key.key));
    f->key.kid = STR("k1");
    f->key.alg = jose_key_alg(f->key.key);
    OK(oauth_keyring_new(&own, &ring));
    OK(oauth_keyring_add_signing_key(ring, f->key.kid, f->key.key));
    OK(oauth_verifier_new(&settings, ring, &f->verifier));
}

static struct str token(struct fixture *f, const char *user, int64_t expires_unix_s)
{
    const struct oauth_mint mint = {.format = OAUTH_FORMAT_SIGNED,
                                    .signing = f->key,
                                    .random = &f->random,
                                    .audience = STR("sip")};
    const struct oauth_claims claims = {.issuer = STR("https://node1.example.com:8443"),
                                        .subject = str_from(user),
                                        .client_id = STR("bearline-phone"),
                                        .scope = STR("sip"),
                                        .jti = STR("j1"),
                                        .issued_unix_s = expires_unix_s - 3600,
                                        .expires_unix_s = expires_unix_s};
    struct buf out;
    struct str kept;
    buf_init(&out, OAUTH_TOKEN_MAX);
    OK(oauth_mint_print(&out, &mint, &claims));
    OK(arena_str_dup(&f->arena, buf_str(&out), &kept));
    buf_fini(&out);
    return kept;
}

/* Both sites over plain loopback: what differs between them is the handler. */
static void start_site(struct fixture *f, struct test_server *t, bool is_secure)
{
    assert_non_null(t->site = http_site_new(is_secure ? "config" : "config-plain"));
    OK(is_secure ? provision_add_secure_routes(f->provision, t->site)
                 : provision_add_plain_routes(f->provision, t->site));
    test_server_start(t, NULL, 0, NULL, NULL, 2, 16);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    snprintf(f->folder, sizeof f->folder, "/tmp/bearline-provision-XXXXXX");
    if (!mkdtemp(f->folder)) return -1;
    f->random = crypto_random_system();
    f->log = kit_log(&f->kept);
    arena_init(&f->arena, NULL, 0, 16 << 20);
    struct store_config c = {
        .folder = f->folder, .clock = kit_clock(&f->time), .random = f->random};
    OK(store_open(&c, &f->store, &f->why));
    fill_store(f);
    OK(directory_new(f->store, &f->random, &f->directory, &f->why));
    make_verifier(f);
    const struct provision_settings settings = {
        .directory = f->directory, .verifier = f->verifier, .clock = c.clock, .log = &f->log};
    OK(provision_new(&settings, &f->provision));
    start_site(f, &f->plain, false);
    start_site(f, &f->secure, true);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    static const char *const files[] = {"bearline.db", "bearline.db-wal", "bearline.db-shm",
                                        "lock"};
    struct fixture *f = *state;
    test_server_stop(&f->plain);
    test_server_stop(&f->secure);
    provision_free(f->provision);
    oauth_verifier_free(f->verifier);
    crypto_key_unref(f->key.key);
    directory_free(f->directory);
    store_close(f->store);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", f->folder, files[i]);
        unlink(path);
    }
    rmdir(f->folder);
    arena_fini(&f->arena);
    free(f);
    return 0;
}

static int get(struct fixture *f, const struct test_server *t, const char *path, struct str bearer,
               const char *if_none_match)
{
    char url[256];
    const struct http_client_header condition = {STR("If-None-Match"), str_from(if_none_match)};
    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", t->port, path);
    const struct http_call call = {.url = str_from(url),
                                   .bearer = bearer,
                                   .headers = &condition,
                                   .header_count = if_none_match ? 1 : 0};
    http_fetch(&call, &f->arena, &f->answer);
    return f->answer.status;
}

static struct str header(struct fixture *f, const char *name)
{
    return http_answer_header(&f->answer, str_from(name));
}

static const struct xml_node *document(struct fixture *f)
{
    const struct xml_node *root = NULL;
    OK(xml_parse(f->answer.body, NULL, &f->arena, &root, NULL));
    return root;
}

static void test_paths_name_devices(void **state)
{
    (void)state;
    static const struct {
        const char *path, *device;
    } rows[] = {
        {"/CSFrado.cnf.xml", "CSFrado"},
        {"/SEP001122.CNF.XML", "SEP001122"},
        {"/a.b-c_d.cnf.xml", "a.b-c_d"},
        {"/.cnf.xml", NULL},
        {"/x/y.cnf.xml", NULL},
        {"/../etc.cnf.xml", NULL},
        {"/CSFrado.cnf.xml/", NULL},
        {"/CSFrado.xml", NULL},
        {"CSFrado.cnf.xml", NULL},
        {"", NULL},
        {"/a b.cnf.xml", NULL},
        {"/a\\b.cnf.xml", NULL},
        {"/123456789012345678901234567890123456789012345678901.cnf.xml", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct str device = STR(""), path = kit_guard(str_from(rows[i].path));
        assert_rc(rows[i].device ? RC_OK : RC_NOT_FOUND, provision_path_device(path, &device));
        if (rows[i].device) assert_true(str_eq(device, str_from(rows[i].device)));
        kit_guard_free(path);
    }
}

static void test_plain_serves_the_device(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(200, get(f, &f->plain, "/csfRADO.CNF.xml", STR(""), NULL));
    const struct xml_node *root = document(f);
    assert_str("text/xml; charset=utf-8", header(f, "Content-Type"));
    assert_str("0", xml_text(root, "sipOAuthMode")); /* the cluster's mode is off */
    assert_str("3", xml_text(root, "deviceSecurityMode"));
    assert_str("3", xml_text(root, "transportLayerProtocol"));
    const struct xml_node *node = xml_find(
        root, "devicePool/callManagerGroup/members/member/callManager");
    assert_str("node1.example.com", xml_text(node, "name"));
    assert_str("5490", xml_text(node, "ports/sipOAuthPort"));
    assert_str("5091", xml_text(node, "ports/sipMRAOAuthPort"));
    assert_str("1010", xml_text(root, "sipProfile/sipLines/line/name"));
    assert_str("Rado", xml_text(root, "sipProfile/sipLines/line/displayName"));
    assert_str("Rado <1010>", xml_text(root, "sipProfile/sipLines/line/featureLabel"));
    assert_int_equal(36, xml_text(root, "sipProfile/sipLines/line/contact").n);
    assert_str("Rado & friends", xml_text(root, "sipProfile/phoneLabel"));
    assert_str("rado", xml_text(root, "userId"));
    assert_str("120", xml_text(root, "sipProfile/sipStack/timerKeepAliveExpires"));
    set_param(f, "ClusterSIPOAuthMode", "1");
    assert_int_equal(200, get(f, &f->plain, "/CSFrado.cnf.xml", STR(""), NULL));
    assert_str("1", xml_text(document(f), "sipOAuthMode"));
    assert_int_equal(200, get(f, &f->plain, "/CSFopen.cnf.xml", STR(""), NULL));
    root = document(f);
    assert_str("0", xml_text(root, "sipOAuthMode"));
    assert_str("1", xml_text(root, "deviceSecurityMode"));
    assert_str("4", xml_text(root, "transportLayerProtocol"));
}

static void test_a_line_says_when_it_is_busy(void **state)
{
    struct fixture *f = *state;
    struct store_line line = {.pattern = STR("1010"), .busy_trigger = 7};
    assert_int_equal(200, get(f, &f->plain, "/CSFrado.cnf.xml", STR(""), NULL));
    assert_str("2", xml_text(document(f), "sipProfile/sipLines/line/busyTrigger"));
    assert_str("4", xml_text(document(f), "sipProfile/sipLines/line/maxNumCalls"));
    set_param(f, "BusyTrigger", "3");
    assert_int_equal(200, get(f, &f->plain, "/CSFrado.cnf.xml", STR(""), NULL));
    assert_str("3", xml_text(document(f), "sipProfile/sipLines/line/busyTrigger"));
    OK(store_line_put(f->store, &admin, STORE_UPDATE, &line, &f->why));
    assert_int_equal(200, get(f, &f->plain, "/CSFrado.cnf.xml", STR(""), NULL));
    assert_str("7", xml_text(document(f), "sipProfile/sipLines/line/busyTrigger"));
    assert_str("7", xml_text(document(f), "sipProfile/sipLines/line/maxNumCalls"));
}

static void test_unknown_and_disabled_devices_are_not_found(void **state)
{
    struct fixture *f = *state;
    static const char *const paths[] = {"/CSFnone.cnf.xml",
                                        "/CSFoff.cnf.xml",
                                        "/jabber-config.xml",
                                        "/%2e%2e%2fbearline.db",
                                        "/",
                                        "/a/b.cnf.xml",
                                        "/CSFrado.cnf.xml%00"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        int status = get(f, &f->plain, paths[i], STR(""), NULL);
        assert_true(status == 404 || (i == 3 && status == 400) || (i == 6 && status == 400));
    }
}

static void test_unchanged_documents_are_not_sent_again(void **state)
{
    struct fixture *f = *state;
    char tag[128], stamp[128];
    assert_int_equal(200, get(f, &f->plain, "/CSFrado.cnf.xml", STR(""), NULL));
    OK(str_to_cstr(header(f, "ETag"), tag, sizeof tag));
    OK(str_to_cstr(xml_text(document(f), "versionStamp"), stamp, sizeof stamp));
    assert_int_equal(42, strlen(tag));
    assert_int_equal(304, get(f, &f->plain, "/CSFrado.cnf.xml", STR(""), tag));
    assert_int_equal(0, f->answer.body.n);
    assert_str("private, no-cache", header(f, "Cache-Control"));
    set_param(f, "ClusterSIPOAuthMode", "1");
    assert_int_equal(200, get(f, &f->plain, "/CSFrado.cnf.xml", STR(""), tag));
    assert_false(str_eq(str_from(stamp), xml_text(document(f), "versionStamp")));
}

static void test_plain_can_be_closed_to_oauth_devices(void **state)
{
    struct fixture *f = *state;
    const struct store_param_def *def = store_param_def(STORE_P_CONFIG_HTTP_OAUTH);
    set_param(f, def->name, "0");
    assert_int_equal(403, get(f, &f->plain, "/CSFrado.cnf.xml", STR(""), NULL));
    assert_str("Fetch this by HTTPS on port 6999 with your access token.\n", f->answer.body);
    assert_int_equal(403, get(f, &f->plain, "/CSFnone.cnf.xml", STR(""), NULL));
    assert_str("Fetch this by HTTPS on port 6999 with your access token.\n", f->answer.body);
    assert_int_equal(200, get(f, &f->plain, "/CSFopen.cnf.xml", STR(""), NULL));
}

static void test_secure_needs_the_owners_token(void **state)
{
    struct fixture *f = *state;
    struct str mine = token(f, "Rado", now + 3600), other = token(f, "eve", now + 3600);
    char body[256];
    assert_int_equal(401, get(f, &f->secure, "/CSFrado.cnf.xml", STR(""), NULL));
    assert_str("Bearer realm=\"ccmsipline\"", header(f, "WWW-Authenticate"));
    OK(str_to_cstr(f->answer.body, body, sizeof body));
    assert_int_equal(401, get(f, &f->secure, "/CSFnone.cnf.xml", STR(""), NULL));
    assert_true(str_eq(str_from(body), f->answer.body));
    assert_int_equal(200, get(f, &f->secure, "/CSFrado.cnf.xml", mine, NULL));
    assert_str("device", document(f)->name);
    assert_int_equal(404, get(f, &f->secure, "/CSFrado.cnf.xml", other, NULL));
    OK(str_to_cstr(f->answer.body, body, sizeof body));
    assert_int_equal(404, get(f, &f->secure, "/CSFnone.cnf.xml", other, NULL));
    assert_true(str_eq(str_from(body), f->answer.body));
    assert_int_equal(404, get(f, &f->secure, "/CSFoff.cnf.xml", mine, NULL));
    assert_int_equal(404, get(f, &f->secure, "/CSFopen.cnf.xml", mine, NULL));
    set_param(f, store_param_def(STORE_P_OWNER_CHECK)->name, "0");
    assert_int_equal(200, get(f, &f->secure, "/CSFrado.cnf.xml", other, NULL));
    assert_true(kit_log_has(&f->kept, "why=\"token user does not own device\""));
    assert_false(kit_log_has(&f->kept, "eyJ"));
}

static void test_bad_tokens_are_challenged_with_the_reason(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(401, get(f, &f->secure, "/CSFrado.cnf.xml", token(f, "rado", now - 60), NULL));
    struct str challenge = header(f, "WWW-Authenticate");
    assert_true(str_find(challenge, STR("error=\"invalid_token\"")) >= 0);
    assert_true(str_find(challenge, STR("error_description=\"")) >= 0);
    assert_int_equal(401, get(f, &f->secure, "/CSFrado.cnf.xml", STR("no.to.ken"), NULL));
    assert_int_equal(401,
                     get(f, &f->secure, "/CSFrado.cnf.xml", token(f, "nobody", now + 60), NULL));
    struct store_user rado = {.id = STR("rado"), .roles = STORE_ROLE_USER, .active = false};
    OK(store_user_put(f->store, &admin, STORE_PUT, &rado, &f->why));
    assert_int_equal(401, get(f, &f->secure, "/CSFrado.cnf.xml", token(f, "rado", now + 60), NULL));
    assert_true(kit_log_has(&f->kept, "why=\"user not active\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths_name_devices),
        cmocka_unit_test_setup_teardown(test_plain_serves_the_device, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_line_says_when_it_is_busy, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unknown_and_disabled_devices_are_not_found, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_unchanged_documents_are_not_sent_again, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_plain_can_be_closed_to_oauth_devices, setup, teardown),
        cmocka_unit_test_setup_teardown(test_secure_needs_the_owners_token, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_tokens_are_challenged_with_the_reason, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
