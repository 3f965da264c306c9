#include "kit/kit.h"

#include "store/contract.h"
#include "store/params.h"
#include "store/records.h"
#include "store/tokens.h"
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct store_backend *backend; /* of the suite under way */
static const struct store_by admin = {.who = STR_INIT("admin"), .from = STR_INIT("test")};
enum { NOW_S = 1767225600, ARENA_MAX = 64 << 20 };

struct fixture {
    struct store *s;
    struct arena a;
    struct store_why why;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    arena_init(&f->a, NULL, 0, ARENA_MAX);
    backend->wipe(backend->ctx);
    if (backend->open(backend->ctx, &f->s, &f->why) != RC_OK)
        fprintf(stderr, "open: %s\n", f->why.text);
    *state = f;
    return f->s ? 0 : -1;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    store_close(f->s);
    arena_fini(&f->a);
    free(f);
    return 0;
}

static void reopen(struct fixture *f)
{
    f->s = store_close(f->s);
    assert_rc(RC_OK, backend->open(backend->ctx, &f->s, &f->why));
}

#define OK(call) assert_rc(RC_OK, (call))

static struct str text(struct fixture *f, const char *fmt, int n)
{
    char out[64];
    struct str copy;
    switch (fmt[0]) {
    case 'u': snprintf(out, sizeof out, "user%05d", n); break;
    case 'd': snprintf(out, sizeof out, "CSF%05d", n); break;
    default: snprintf(out, sizeof out, "%d", 1000 + n); break;
    }
    OK(arena_str_dup(&f->a, str_from(out), &copy));
    return copy;
}

static struct store_user user(struct str id)
{
    return (struct store_user){
        .id = id, .display_name = STR("A User"), .roles = STORE_ROLE_USER, .active = true};
}

#define CSF_PROFILE STR("Cisco Unified Client Services Framework - Standard SIP Non-Secure Profile")

static void add_user(struct fixture *f, const char *id)
{
    struct store_user u = user(str_from(id));
    OK(store_user_put(f->s, &admin, STORE_ADD, &u, &f->why));
}

/* User rado with device CSFrado and line 1010. */
static void add_rado(struct fixture *f)
{
    struct store_line line = {.pattern = STR("1010"), .description = STR("Rado")};
    struct store_device_line dl = {.index = 1, .pattern = STR("1010"), .label = STR("Rado - 1010")};
    struct store_device d = {.name = STR("CSFrado"),
                             .model = 503,
                             .owner = STR("rado"),
                             .profile = CSF_PROFILE,
                             .enabled = true,
                             .lines = &dl,
                             .line_count = 1};
    add_user(f, "rado");
    OK(store_line_put(f->s, &admin, STORE_ADD, &line, &f->why));
    OK(store_device_put(f->s, &admin, STORE_ADD, &d, &f->why));
}

/* --- records --- */

static void test_new_store_has_defaults(void **state)
{
    struct fixture *f = *state;
    struct store_params params;
    struct store_profiles profiles;
    struct store_client client;
    assert_true(store_is_new(f->s));
    OK(store_param_list(f->s, &f->a, &params, &f->why));
    for (int i = 0; i < STORE_P_COUNT; i++) {
        const struct store_param_def *def = store_param_def((enum store_param_id)i);
        struct str stored;
        assert_non_null(def->name);
        OK(store_param_check(def, str_from(def->def), &stored, &f->why));
        assert_true(str_eq(stored, params.rows[i].value));
        assert_int_equal(1, params.rows[i].version);
    }
    OK(store_profile_list(f->s, NULL, &f->a, &profiles, &f->why));
    assert_int_equal(5, profiles.count);
    OK(store_client_get(f->s, STR(STORE_CLIENT_PHONE), &f->a, &client, &f->why));
    assert_true(client.loopback && client.enabled);
    reopen(f);
    assert_false(store_is_new(f->s));
}

static void test_user_keeps_what_was_put(void **state)
{
    struct fixture *f = *state;
    struct store_user u = user(STR("rado")), got;
    u.password = STR("$argon2id$x");
    u.email = STR("rado@example.com");
    u.display_name = STR("R\xc3\xa4"
                         "do <&>\"'; DROP TABLE cfg_user; --");
    OK(store_user_put(f->s, &admin, STORE_ADD, &u, &f->why));
    reopen(f);
    OK(store_user_get(f->s, STR("RADO"), &f->a, &got, &f->why));
    assert_str("rado", got.id);
    assert_true(str_eq(u.display_name, got.display_name));
    assert_str("$argon2id$x", got.password);
    assert_int_equal(36, got.pkid.n);
    assert_int_equal(1, got.version);
    assert_true(got.active);
}

static void test_put_modes_and_versions(void **state)
{
    struct fixture *f = *state;
    struct store_user u = user(STR("rado")), got;
    assert_rc(RC_NOT_FOUND, store_user_put(f->s, &admin, STORE_UPDATE, &u, &f->why));
    OK(store_user_put(f->s, &admin, STORE_PUT, &u, &f->why));
    assert_rc(RC_EXISTS, store_user_put(f->s, &admin, STORE_ADD, &u, &f->why));
    u.version = 1;
    u.email = STR("a@b");
    OK(store_user_put(f->s, &admin, STORE_UPDATE, &u, &f->why));
    assert_rc(RC_CONFLICT, store_user_put(f->s, &admin, STORE_UPDATE, &u, &f->why));
    OK(store_user_get(f->s, STR("rado"), &f->a, &got, &f->why));
    assert_int_equal(2, got.version);
    OK(store_user_remove(f->s, &admin, STR("rado"), &f->why));
    assert_rc(RC_NOT_FOUND, store_user_remove(f->s, &admin, STR("rado"), &f->why));
    assert_rc(RC_NOT_FOUND, store_user_get(f->s, STR("rado"), &f->a, &got, &f->why));
    assert_string_equal("there is no user rado", f->why.text);
}

static void test_lists_hide_secrets_and_updates_keep_them(void **state)
{
    struct fixture *f = *state;
    struct store_user u = user(STR("rado")), got;
    struct store_users list;
    u.password = STR("$argon2id$x");
    OK(store_user_put(f->s, &admin, STORE_ADD, &u, &f->why));
    OK(store_user_list(f->s, NULL, &f->a, &list, &f->why));
    assert_int_equal(1, list.count);
    assert_int_equal(0, list.rows[0].password.n);
    OK(store_user_put(f->s, &admin, STORE_UPDATE, &list.rows[0], &f->why));
    OK(store_user_get(f->s, STR("rado"), &f->a, &got, &f->why));
    assert_str("$argon2id$x", got.password);
    got.password = STORE_CLEAR;
    OK(store_user_put(f->s, &admin, STORE_UPDATE, &got, &f->why));
    OK(store_user_get(f->s, STR("rado"), &f->a, &got, &f->why));
    assert_str("", got.password);
}

static void test_texts_are_checked(void **state)
{
    struct fixture *f = *state;
    static char big[4097];
    memset(big, 'x', sizeof big);
    const struct str bad[] = {STR(""),     STR("a b"),  STR("a\nb"),
                              STR("a\0b"), STR("\xff"), str_of(big, 129)};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct store_user u = user(bad[i]);
        assert_rc(RC_INVALID, store_user_put(f->s, &admin, STORE_ADD, &u, &f->why));
        assert_true(f->why.text[0] != 0);
    }
    struct store_user u = user(str_of(big, 128));
    OK(store_user_put(f->s, &admin, STORE_ADD, &u, &f->why));
}

static void test_oauth_profile_rules(void **state)
{
    struct fixture *f = *state;
    struct store_profile p = store_profile_default();
    p.name = STR("Cisco Unified Client Services Framework - OAuth auth");
    p.oauth = true;
    assert_rc(RC_INVALID, store_profile_put(f->s, &admin, STORE_ADD, &p, &f->why));
    p.transport = STORE_TLS;
    p.security = STORE_AUTHENTICATED;
    assert_rc(RC_INVALID, store_profile_put(f->s, &admin, STORE_ADD, &p, &f->why));
    p.security = STORE_ENCRYPTED;
    OK(store_profile_put(f->s, &admin, STORE_ADD, &p, &f->why));
    p.digest = true;
    assert_rc(RC_INVALID, store_profile_put(f->s, &admin, STORE_UPDATE, &p, &f->why));
    assert_non_null(strstr(f->why.text, "digest"));
    p.digest = false;
    p.tftp_encrypted = true;
    assert_rc(RC_INVALID, store_profile_put(f->s, &admin, STORE_UPDATE, &p, &f->why));
    assert_non_null(strstr(f->why.text, "TFTP"));
    p.oauth = false;
    p.digest = true;
    OK(store_profile_put(f->s, &admin, STORE_UPDATE, &p, &f->why));
    p.oauth = true;
    assert_rc(RC_INVALID, store_profile_put(f->s, &admin, STORE_UPDATE, &p, &f->why));
}

static void test_ports_are_checked(void **state)
{
    struct fixture *f = *state;
    static const struct {
        int oauth, mra;
        enum rc rc;
    } rows[] = {{5090, 5091, RC_OK},      {1023, 5091, RC_INVALID}, {49152, 5091, RC_INVALID},
                {1024, 49151, RC_OK},     {5091, 5091, RC_INVALID}, {5060, 5091, RC_INVALID},
                {8443, 5091, RC_INVALID}, {0, 5091, RC_INVALID},    {-1, 5091, RC_INVALID}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct store_node n = {
            .name = STR("ucm1"), .host = STR("ucm1.example.com"), .ports = store_ports_default()};
        n.ports.oauth = rows[i].oauth;
        n.ports.mra = rows[i].mra;
        assert_rc(rows[i].rc, store_node_put(f->s, &admin, STORE_PUT, &n, &f->why));
    }
    struct store_node n = {
        .name = STR("ucm1"), .host = STR("ucm1.example.com"), .ports = store_ports_default()};
    n.ports.sip = n.ports.sips = n.ports.wss = n.ports.config_http = 0;
    OK(store_node_put(f->s, &admin, STORE_PUT, &n, &f->why));
}

static void test_device_is_read_with_its_lines(void **state)
{
    struct fixture *f = *state;
    struct store_device d;
    struct store_devices list;
    struct store_names names;
    add_rado(f);
    reopen(f);
    OK(store_device_get(f->s, STR("csfRADO"), &f->a, &d, &f->why));
    assert_str("CSFrado", d.name);
    assert_int_equal(1, d.line_count);
    assert_str("1010", d.lines[0].pattern);
    assert_int_equal(36, d.lines[0].contact.n);
    OK(store_device_list(f->s, NULL, &f->a, &list, &f->why));
    assert_int_equal(1, list.count);
    assert_int_equal(1, list.rows[0].line_count);
    OK(store_line_devices(f->s, STR("1010"), &f->a, &names, &f->why));
    assert_int_equal(1, names.count);
    OK(store_user_devices(f->s, STR("rado"), &f->a, &names, &f->why));
    assert_str("CSFrado", names.rows[0]);
    /* putting back what was read changes nothing but the version */
    OK(store_device_put(f->s, &admin, STORE_UPDATE, &d, &f->why));
    struct str contact = d.lines[0].contact;
    OK(store_device_get(f->s, STR("CSFrado"), &f->a, &d, &f->why));
    assert_true(str_eq(contact, d.lines[0].contact));
    assert_int_equal(2, d.version);
}

static void test_device_refuses_what_does_not_exist(void **state)
{
    struct fixture *f = *state;
    struct store_device_line dl = {.index = 1, .pattern = STR("1010")};
    struct store_device d = {.name = STR("CSFx"), .profile = STR("nope"), .enabled = true};
    assert_rc(RC_INVALID, store_device_put(f->s, &admin, STORE_ADD, &d, &f->why));
    d.profile = CSF_PROFILE;
    d.owner = STR("nobody");
    assert_rc(RC_INVALID, store_device_put(f->s, &admin, STORE_ADD, &d, &f->why));
    assert_string_equal("there is no user nobody to own the device", f->why.text);
    d.owner = STR("");
    d.lines = &dl;
    d.line_count = 1;
    assert_rc(RC_INVALID, store_device_put(f->s, &admin, STORE_ADD, &d, &f->why));
    d.line_count = 0;
    d.name = STR("CSF0123456789012"); /* 16 */
    assert_rc(RC_INVALID, store_device_put(f->s, &admin, STORE_ADD, &d, &f->why));
    d.name = STR("../etc/passwd");
    assert_rc(RC_INVALID, store_device_put(f->s, &admin, STORE_ADD, &d, &f->why));
}

static void test_what_is_used_stays(void **state)
{
    struct fixture *f = *state;
    struct store_device d;
    add_rado(f);
    assert_rc(RC_CONFLICT, store_line_remove(f->s, &admin, STR("1010"), &f->why));
    assert_rc(RC_CONFLICT, store_profile_remove(f->s, &admin, CSF_PROFILE, &f->why));
    assert_non_null(strstr(f->why.text, "CSFrado"));
    OK(store_user_remove(f->s, &admin, STR("rado"), &f->why));
    OK(store_device_get(f->s, STR("CSFrado"), &f->a, &d, &f->why));
    assert_str("", d.owner);
    OK(store_device_remove(f->s, &admin, STR("CSFrado"), &f->why));
    OK(store_line_remove(f->s, &admin, STR("1010"), &f->why));
    OK(store_profile_remove(f->s, &admin, CSF_PROFILE, &f->why));
}

static void test_pages_and_matches(void **state)
{
    struct fixture *f = *state;
    struct store_page page = {.limit = 2};
    struct store_users list;
    size_t seen = 0;
    for (int i = 0; i < 5; i++) {
        struct store_user u = user(text(f, "u", i));
        OK(store_user_put(f->s, &admin, STORE_ADD, &u, &f->why));
    }
    do {
        OK(store_user_list(f->s, &page, &f->a, &list, &f->why));
        for (size_t i = 0; i < list.count; i++)
            assert_true(str_eq(list.rows[i].id, text(f, "u", (int)seen++)));
        page.after = list.rows[list.count - 1].id;
    } while (list.more);
    assert_int_equal(5, seen);
    page = (struct store_page){.match = STR("R0000")};
    OK(store_user_list(f->s, &page, &f->a, &list, &f->why));
    assert_int_equal(5, list.count);
    page.match = STR("00003");
    OK(store_user_list(f->s, &page, &f->a, &list, &f->why));
    assert_int_equal(1, list.count);
    int64_t n;
    OK(store_count(f->s, STORE_USER, &n, &f->why));
    assert_int_equal(5, n);
}

static void test_params_have_ranges(void **state)
{
    struct fixture *f = *state;
    struct store_param p;
    static const struct {
        const char *name, *value, *stored;
    } rows[] = {{"ClusterSIPOAuthMode", "1", "1"},
                {"cluster sipoauth mode", "Disabled", "0"},
                {"ClusterSIPOAuthMode", "2", NULL},
                {"OAuthAccessTokenExpiry", "1440", "1440"},
                {"OAuthAccessTokenExpiry", "1441", NULL},
                {"OAuthAccessTokenExpiry", "0", NULL},
                {"OAuthAccessTokenExpiry", "060", NULL},
                {"OAuthAccessTokenExpiry", "-1", NULL},
                {"OAuthAccessTokenExpiry", "", NULL},
                {"OAuthTokenAlgorithm", "rs256", "RS256"},
                {"OAuthTokenAlgorithm", "none", NULL},
                {"SIPRealmStation", "example", "example"},
                {"SIPRealmStation", "a\r\nb", NULL},
                {"SIPRealmStation", "a\"b", NULL},
                {"SIPRealmStation", "", NULL}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum rc want = rows[i].stored ? RC_OK : RC_INVALID;
        assert_rc(want, store_param_put(f->s, &admin, str_from(rows[i].name),
                                        str_from(rows[i].value), 0, &f->why));
        if (want != RC_OK) continue;
        OK(store_param_get(f->s, str_from(rows[i].name), &f->a, &p, &f->why));
        assert_true(str_eq(p.value, str_from(rows[i].stored)));
    }
    assert_rc(RC_NOT_FOUND, store_param_put(f->s, &admin, STR("NoSuch"), STR("1"), 0, &f->why));
    assert_rc(RC_CONFLICT,
              store_param_put(f->s, &admin, STR("SIPRealmStation"), STR("x"), 77, &f->why));
    OK(store_param_get(f->s, STR("SIPRealmStation"), &f->a, &p, &f->why));
    OK(store_param_put(f->s, &admin, STR("SIPRealmStation"), STR("x"), p.version, &f->why));
}

static void test_certificates_keys_and_the_rest(void **state)
{
    struct fixture *f = *state;
    struct store_cert c = {.name = STR("tomcat/ucm1"),
                           .unit = STR("tomcat"),
                           .node = STR("ucm1"),
                           .chain_pem = STR("-----BEGIN\nx\n"),
                           .key_pem = STR("-----KEY\n")};
    struct store_certs certs;
    struct store_key k1 = {.kid = STR("k1"),
                           .use = STORE_KEY_SIGNING,
                           .state = STORE_KEY_CURRENT,
                           .alg = STR("ES256"),
                           .secret_text = STR("secret")};
    struct store_key k2 = k1, got;
    struct store_edge e = {.host_or_ip = STR("exp-c"),
                           .x509_names = STR("exp-c.example.com,domain-1.com")};
    struct store_edges edges;
    struct store_trust t = {.name = STR("tomcat-trust/00ff"),
                            .store = STR("tomcat-trust"),
                            .fingerprint = STR("00ff"),
                            .pem = STR("x")};
    struct store_domain d = {.name = STR("example.com"), .ours = true};
    struct store_issuer i = {.iss = STR("https://idp.example.com"),
                             .audience = STR("sip"),
                             .user_claim = STR("sub"),
                             .jwks = STR("{\"keys\":[]}"),
                             .enabled = true};
    OK(store_cert_put(f->s, &admin, STORE_ADD, &c, &f->why));
    OK(store_cert_list(f->s, NULL, &f->a, &certs, &f->why));
    assert_str("", certs.rows[0].key_pem);
    c.name = STR("tomcat");
    assert_rc(RC_INVALID, store_cert_put(f->s, &admin, STORE_ADD, &c, &f->why));
    OK(store_key_put(f->s, &admin, STORE_ADD, &k1, &f->why));
    k2.kid = STR("k2");
    assert_rc(RC_EXISTS, store_key_put(f->s, &admin, STORE_ADD, &k2, &f->why));
    k2.use = STORE_KEY_ENCRYPTION;
    OK(store_key_put(f->s, &admin, STORE_ADD, &k2, &f->why));
    OK(store_key_get(f->s, STR("k1"), &f->a, &got, &f->why));
    assert_str("secret", got.secret_text);
    OK(store_edge_put(f->s, &admin, STORE_ADD, &e, &f->why));
    OK(store_edge_list(f->s, NULL, &f->a, &edges, &f->why));
    assert_int_equal(36, edges.rows[0].pkid.n);
    OK(store_edge_remove(f->s, &admin, edges.rows[0].pkid, &f->why));
    OK(store_trust_put(f->s, &admin, STORE_ADD, &t, &f->why));
    OK(store_domain_put(f->s, &admin, STORE_ADD, &d, &f->why));
    OK(store_issuer_put(f->s, &admin, STORE_ADD, &i, &f->why));
}

static void test_changes_leave_audit_rows(void **state)
{
    struct fixture *f = *state;
    struct store_audits rows;
    int64_t dropped;
    add_user(f, "rado");
    OK(store_audit_add(f->s, &admin, STR("signin"), STR("user"), STR("rado"), STR("wrong password"),
                       &f->why));
    OK(store_audit_list(f->s, 0, 2, &f->a, &rows, &f->why));
    assert_int_equal(2, rows.count);
    assert_str("signin", rows.rows[0].action);
    assert_str("wrong password", rows.rows[0].result);
    assert_str("add", rows.rows[1].action);
    assert_str("user", rows.rows[1].kind);
    assert_str("rado", rows.rows[1].key);
    assert_str("admin", rows.rows[1].who);
    OK(store_audit_prune(f->s, INT64_MAX, &dropped, &f->why));
    assert_true(dropped >= 2);
}

/* --- listeners and batches --- */

struct heard {
    struct store *s;
    char text[512];
    int count;
};

static void hear(void *ctx, enum store_kind kind, struct str key, bool removed)
{
    struct heard *h = ctx;
    size_t n = strlen(h->text);
    h->count++;
    snprintf(h->text + n, sizeof h->text - n, "%s%s:%.*s ", removed ? "-" : "",
             store_kind_name(kind), STR_ARG(key));
}

static void test_listeners_hear_of_commits_only(void **state)
{
    struct fixture *f = *state;
    struct heard h = {.s = f->s};
    struct store_user bad = user(STR("a b"));
    OK(store_listen(f->s, hear, &h));
    add_rado(f);
    assert_rc(RC_INVALID, store_user_put(f->s, &admin, STORE_ADD, &bad, &f->why));
    OK(store_user_remove(f->s, &admin, STR("RADO"), &f->why));
    assert_string_equal("user:rado line:1010 device:CSFrado device:CSFrado -user:rado ", h.text);
    store_unlisten(f->s, hear, &h);
    add_user(f, "other");
    assert_int_equal(5, h.count);
}

static void test_batch_is_all_or_nothing(void **state)
{
    struct fixture *f = *state;
    struct store_by by = admin;
    struct heard h = {.s = f->s};
    struct store_user u, got;
    int64_t n;
    OK(store_listen(f->s, hear, &h));
    for (int round = 0; round < 2; round++) {
        OK(store_batch_begin(f->s, &by.batch, &f->why));
        for (int i = 0; i < 200; i++) {
            u = user(text(f, "u", i));
            OK(store_user_put(f->s, &by, STORE_ADD, &u, &f->why));
            u = user(STR("bad id"));
            assert_rc(RC_INVALID, store_user_put(f->s, &by, STORE_ADD, &u, &f->why));
            u = user(text(f, "u", i));
            assert_rc(RC_EXISTS, store_user_put(f->s, &by, STORE_ADD, &u, &f->why));
        }
        assert_rc(RC_BUSY, store_user_put(f->s, &admin, STORE_PUT, &u, &f->why));
        assert_rc(RC_NOT_FOUND, store_user_get(f->s, STR("user00000"), &f->a, &got, &f->why));
        assert_int_equal(0, h.count);
        if (round == 0)
            store_batch_rollback(by.batch);
        else
            OK(store_batch_commit(by.batch, &f->why));
        OK(store_count(f->s, STORE_USER, &n, &f->why));
        assert_int_equal(round == 0 ? 0 : 200, n);
    }
    assert_int_equal(200, h.count);
    store_unlisten(f->s, hear, &h);
}

/* --- tokens --- */

static struct store_hash hash(int n)
{
    struct store_hash h = {{0}};
    memcpy(h.p, &n, sizeof n);
    return h;
}

static struct store_code code(int n)
{
    return (struct store_code){.hash = hash(n),
                               .client_id = STR(STORE_CLIENT_PHONE),
                               .user = STR("rado"),
                               .redirect_uri = STR("http://127.0.0.1:1/"),
                               .challenge = STR("c"),
                               .scope = STR("sip"),
                               .auth_time_s = NOW_S,
                               .expires_s = NOW_S + 60};
}

static struct str open_grant(struct fixture *f, const struct store_hash *from_code, int refresh)
{
    struct store_grant g = {.user = STR("rado"),
                            .client_id = STR(STORE_CLIENT_PHONE),
                            .device = STR("CSFrado"),
                            .scope = STR("sip")};
    struct store_hash r = hash(refresh);
    struct str id;
    OK(store_grant_open(f->s, &admin, &g, from_code, &r, NOW_S, NOW_S + 1000, &f->a, &id, &f->why));
    return id;
}

static enum rc use(struct fixture *f, int old, int next, int64_t now_s, int64_t grace_s,
                   struct store_grant *out)
{
    struct store_refresh r = {.old_hash = hash(old),
                              .next_hash = hash(next),
                              .rotate = next != 0,
                              .client_id = STR(STORE_CLIENT_PHONE),
                              .now_s = now_s,
                              .expires_s = now_s + 1000,
                              .grace_s = grace_s};
    return store_refresh_use(f->s, &admin, &r, &f->a, out, &f->why);
}

static void test_code_works_once(void **state)
{
    struct fixture *f = *state;
    struct store_code c = code(1), got;
    struct store_grant g;
    add_user(f, "rado");
    OK(store_code_add(f->s, &c, &f->why));
    assert_rc(RC_EXISTS, store_code_add(f->s, &c, &f->why));
    struct store_hash h = hash(2);
    assert_rc(RC_NOT_FOUND, store_code_spend(f->s, &admin, &h, NOW_S, &f->a, &got, &f->why));
    h = hash(1);
    OK(store_code_spend(f->s, &admin, &h, NOW_S + 59, &f->a, &got, &f->why));
    assert_str("rado", got.user);
    struct str id = open_grant(f, &h, 10);
    OK(store_grant_get(f->s, id, &f->a, &g, &f->why));
    assert_int_equal(0, g.revoked_s);
    reopen(f);
    assert_rc(RC_CONFLICT, store_code_spend(f->s, &admin, &h, NOW_S, &f->a, &got, &f->why));
    OK(store_grant_get(f->s, id, &f->a, &g, &f->why));
    assert_true(g.revoked_s != 0);
    assert_rc(RC_NOT_FOUND, use(f, 10, 11, NOW_S, 0, &g));
}

static void test_code_expires_and_binds_one_grant(void **state)
{
    struct fixture *f = *state;
    struct store_code c = code(1), got;
    struct store_hash h = hash(1), r = hash(5);
    struct store_grant g = {.user = STR("rado"), .client_id = STR(STORE_CLIENT_PHONE)};
    struct str id;
    add_user(f, "rado");
    OK(store_code_add(f->s, &c, &f->why));
    /* not spent: no grant */
    assert_rc(RC_CONFLICT,
              store_grant_open(f->s, &admin, &g, &h, &r, NOW_S, NOW_S + 9, &f->a, &id, &f->why));
    assert_rc(RC_EXPIRED, store_code_spend(f->s, &admin, &h, NOW_S + 60, &f->a, &got, &f->why));
    assert_rc(RC_CONFLICT, store_code_spend(f->s, &admin, &h, NOW_S, &f->a, &got, &f->why));
    g.user = STR("nobody");
    assert_rc(RC_NOT_FOUND,
              store_grant_open(f->s, &admin, &g, NULL, &r, NOW_S, NOW_S + 9, &f->a, &id, &f->why));
}

static void test_refresh_rotates_and_reuse_revokes(void **state)
{
    struct fixture *f = *state;
    struct store_grant g;
    struct heard h = {0};
    add_user(f, "rado");
    struct str id = open_grant(f, NULL, 1);
    OK(store_listen(f->s, hear, &h));
    OK(use(f, 1, 2, NOW_S + 10, 0, &g));
    assert_true(str_eq(id, g.id));
    assert_int_equal(NOW_S + 1010, g.expires_s);
    OK(use(f, 2, 3, NOW_S + 20, 0, &g));
    assert_int_equal(0, h.count);
    assert_rc(RC_CONFLICT, use(f, 1, 4, NOW_S + 30, 0, &g));
    assert_int_equal(1, h.count);
    assert_rc(RC_NOT_FOUND, use(f, 3, 5, NOW_S + 31, 0, &g));
    OK(store_grant_get(f->s, id, &f->a, &g, &f->why));
    assert_int_equal(NOW_S + 30, g.revoked_s);
    assert_str("refresh token used twice", g.revoked_why);
    store_unlisten(f->s, hear, &h);
}

static void test_refresh_refusals(void **state)
{
    struct fixture *f = *state;
    struct store_grant g;
    struct store_refresh r = {.old_hash = hash(1),
                              .next_hash = hash(2),
                              .rotate = true,
                              .client_id = STR("other"),
                              .now_s = NOW_S,
                              .expires_s = NOW_S + 10};
    add_user(f, "rado");
    open_grant(f, NULL, 1);
    assert_rc(RC_DENIED, store_refresh_use(f->s, &admin, &r, &f->a, &g, &f->why));
    assert_rc(RC_EXPIRED, use(f, 1, 2, NOW_S + 1000, 0, &g));
    assert_rc(RC_NOT_FOUND, use(f, 9, 2, NOW_S, 0, &g));
    OK(use(f, 1, 0, NOW_S + 5, 0, &g)); /* without rotation, again and again */
    OK(use(f, 1, 0, NOW_S + 6, 0, &g));
    assert_int_equal(NOW_S + 6, g.last_used_s);
    struct store_user u = user(STR("rado"));
    u.active = false;
    OK(store_user_put(f->s, &admin, STORE_UPDATE, &u, &f->why));
    assert_rc(RC_NOT_FOUND, use(f, 1, 0, NOW_S + 6, 0, &g));
}

static enum rc refuse_use(void *ctx, const struct store_grant *grant)
{
    int *asked = ctx;
    assert_str("rado", grant->user);
    ++*asked;
    return RC_INVALID;
}

/* A caller that refuses spends nothing, and hides no reuse. */
static void test_refresh_is_not_spent_when_the_caller_refuses(void **state)
{
    struct fixture *f = *state;
    struct store_grant g;
    int asked = 0;
    add_user(f, "rado");
    struct str id = open_grant(f, NULL, 1);
    struct store_refresh r = {.old_hash = hash(1),
                              .next_hash = hash(2),
                              .rotate = true,
                              .client_id = STR(STORE_CLIENT_PHONE),
                              .now_s = NOW_S + 1,
                              .expires_s = NOW_S + 500,
                              .grace_s = 10,
                              .check = refuse_use,
                              .check_ctx = &asked};
    assert_rc(RC_INVALID, store_refresh_use(f->s, &admin, &r, &f->a, &g, &f->why));
    r.rotate = false;
    assert_rc(RC_INVALID, store_refresh_use(f->s, &admin, &r, &f->a, &g, &f->why));
    r.rotate = true;
    OK(use(f, 1, 2, NOW_S + 2, 10, &g)); /* it was not spent */
    assert_rc(RC_INVALID, store_refresh_use(f->s, &admin, &r, &f->a, &g, &f->why)); /* in grace */
    assert_int_equal(3, asked);
    OK(use(f, 2, 3, NOW_S + 3, 10, &g)); /* its successor was not taken away */
    r.client_id = STR("other");
    assert_rc(RC_DENIED, store_refresh_use(f->s, &admin, &r, &f->a, &g, &f->why));
    r.client_id = STR(STORE_CLIENT_PHONE);
    assert_rc(RC_CONFLICT, store_refresh_use(f->s, &admin, &r, &f->a, &g, &f->why));
    assert_int_equal(3, asked);
    OK(store_grant_get(f->s, id, &f->a, &g, &f->why));
    assert_str("refresh token used twice", g.revoked_why);
}

static void test_lost_answer_within_grace(void **state)
{
    struct fixture *f = *state;
    struct store_grant g;
    add_user(f, "rado");
    open_grant(f, NULL, 1);
    OK(use(f, 1, 2, NOW_S, 10, &g));
    OK(use(f, 1, 3, NOW_S + 10, 10, &g)); /* 2 never arrived */
    assert_rc(RC_NOT_FOUND, use(f, 2, 4, NOW_S + 10, 10, &g));
    OK(use(f, 3, 4, NOW_S + 11, 10, &g));
    assert_rc(RC_CONFLICT, use(f, 1, 5, NOW_S + 11, 20, &g)); /* its successor was used */
    add_user(f, "other");
}

static void test_old_refresh_tokens_are_bounded_and_still_found_out(void **state)
{
    struct fixture *f = *state;
    struct store_grant g;
    add_user(f, "rado");
    struct str id = open_grant(f, NULL, 1);
    for (int i = 1; i <= 30; i++)
        OK(use(f, i, i + 1, NOW_S + i, 0, &g));
    assert_rc(RC_NOT_FOUND, use(f, 1, 99, NOW_S + 40, 0, &g));
    struct store_refresh r = {.old_hash = hash(1),
                              .next_hash = hash(99),
                              .rotate = true,
                              .grant_hint = id,
                              .client_id = STR(STORE_CLIENT_PHONE),
                              .now_s = NOW_S + 50,
                              .expires_s = NOW_S + 60};
    assert_rc(RC_CONFLICT, store_refresh_use(f->s, &admin, &r, &f->a, &g, &f->why));
    assert_rc(RC_NOT_FOUND, use(f, 31, 100, NOW_S + 51, 0, &g));
}

static void test_grants_are_listed_revoked_and_purged(void **state)
{
    struct fixture *f = *state;
    struct store_grant_filter all = {.user = STR("rado")},
                              none = {.user = STR("rado"), .device = STR("TCTx")};
    struct store_grants list;
    int64_t n;
    add_user(f, "rado");
    for (int i = 0; i < 150; i++)
        open_grant(f, NULL, 1 + i);
    OK(store_grant_list(f->s, &all, &f->a, &list, &f->why));
    assert_int_equal(150, list.count);
    OK(store_grant_revoke_all(f->s, &admin, &none, NOW_S, STR("x"), &n, &f->why));
    assert_int_equal(0, n);
    OK(store_grant_revoke(f->s, &admin, list.rows[0].id, NOW_S, STR("x"), &f->why));
    OK(store_grant_revoke(f->s, &admin, list.rows[0].id, NOW_S, STR("x"), &f->why));
    assert_rc(RC_NOT_FOUND,
              store_grant_revoke(f->s, &admin, STR("nope"), NOW_S, STR("x"), &f->why));
    OK(store_grant_revoke_all(f->s, &admin, &all, NOW_S, STR("x"), &n, &f->why));
    assert_int_equal(149, n);
    OK(store_tokens_purge(f->s, NOW_S + 2000, NOW_S + 999, 1000, &n, &f->why));
    assert_int_equal(0, n);
    OK(store_tokens_purge(f->s, NOW_S + 2000, NOW_S + 1001, 100, &n, &f->why));
    assert_int_equal(100, n);
    OK(store_count(f->s, STORE_GRANT, &n, &f->why));
    assert_int_equal(50, n);
}

/* --- threads --- */

struct racer {
    struct store *s;
    int number;
    atomic_int *wins, *conflicts, *go;
};
enum { RACERS = 4, RACES = 12 };

static void *race_code(void *ctx)
{
    struct racer *r = ctx;
    for (int i = 0; i < RACES; i++) {
        struct arena a;
        struct store_code got;
        struct store_hash h = hash(1000 + i);
        arena_init(&a, NULL, 0, 1 << 20);
        enum rc rc = store_code_spend(r->s, &admin, &h, NOW_S, &a, &got, NULL);
        atomic_fetch_add(rc == RC_OK ? r->wins : r->conflicts, rc == RC_OK || rc == RC_CONFLICT);
        arena_fini(&a);
    }
    return NULL;
}

static void *race_refresh(void *ctx)
{
    struct racer *r = ctx;
    struct arena a;
    struct store_grant g;
    struct store_refresh use_it = {.old_hash = hash(1),
                                   .next_hash = hash(100 + r->number),
                                   .rotate = true,
                                   .client_id = STR(STORE_CLIENT_PHONE),
                                   .now_s = NOW_S,
                                   .expires_s = NOW_S + 9};
    arena_init(&a, NULL, 0, 1 << 20);
    if (store_refresh_use(r->s, &admin, &use_it, &a, &g, NULL) == RC_OK)
        atomic_fetch_add(r->wins, 1);
    arena_fini(&a);
    return NULL;
}

static void *write_and_read(void *ctx)
{
    struct racer *r = ctx;
    for (int i = 0; i < RACES; i++) {
        char id[32];
        struct arena a;
        struct store_user got, u;
        arena_init(&a, NULL, 0, 4 << 20);
        snprintf(id, sizeof id, "t%d-%d", r->number, i);
        u = user(str_from(id));
        if (store_user_put(r->s, &admin, STORE_ADD, &u, NULL) == RC_OK &&
            store_user_get(r->s, u.id, &a, &got, NULL) == RC_OK)
            atomic_fetch_add(r->wins, 1);
        arena_fini(&a);
    }
    return NULL;
}

static int run_race(struct fixture *f, void *(*body)(void *), int *conflicts)
{
    pthread_t threads[RACERS];
    struct racer racers[RACERS];
    atomic_int wins = 0, lost = 0;
    for (int i = 0; i < RACERS; i++) {
        racers[i] = (struct racer){f->s, i, &wins, &lost, NULL};
        assert_int_equal(0, pthread_create(&threads[i], NULL, body, &racers[i]));
    }
    for (int i = 0; i < RACERS; i++)
        pthread_join(threads[i], NULL);
    if (conflicts) *conflicts = atomic_load(&lost);
    return atomic_load(&wins);
}

static void test_threads_race_for_codes_and_tokens(void **state)
{
    struct fixture *f = *state;
    struct store_grant g;
    int lost;
    add_user(f, "rado");
    for (int i = 0; i < RACES; i++) {
        struct store_code c = code(1000 + i);
        OK(store_code_add(f->s, &c, &f->why));
    }
    assert_int_equal(RACES, run_race(f, race_code, &lost));
    assert_int_equal(RACES * (RACERS - 1), lost);
    struct str id = open_grant(f, NULL, 1);
    assert_int_equal(1, run_race(f, race_refresh, NULL));
    OK(store_grant_get(f->s, id, &f->a, &g, &f->why));
    assert_true(g.revoked_s != 0); /* the losers' reuse was noticed */
}

static void test_threads_write_and_read_their_own(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(RACERS * RACES, run_race(f, write_and_read, NULL));
    OK(store_check(f->s, &f->why));
}

/* --- kill -9 --- */

/* The child reports each acknowledged write; it never returns. */
static void child_writes(int fd)
{
    struct store *s;
    if (backend->open(backend->ctx, &s, NULL) != RC_OK) _exit(1);
    for (int i = 0;; i++) {
        char id[32];
        snprintf(id, sizeof id, "k%d-%d", (int)getpid(), i);
        struct store_user u = user(str_from(id));
        if (store_user_put(s, &admin, STORE_ADD, &u, NULL) != RC_OK) _exit(2);
        if (write(fd, &i, sizeof i) != sizeof i) _exit(3);
    }
}

static void test_killed_writer_loses_nothing_acknowledged(void **state)
{
    struct fixture *f = *state;
    for (int round = 0; round < 6; round++) {
        int fds[2], last = -1, got;
        f->s = store_close(f->s);
        assert_int_equal(0, pipe(fds));
        pid_t pid = fork();
        if (pid == 0) child_writes(fds[1]);
        close(fds[1]);
        /* killed while it is in the midst of write number 3 + 7 * round or soon after */
        while (last < 3 + 7 * round && read(fds[0], &got, sizeof got) == sizeof got)
            last = got;
        kill(pid, SIGKILL);
        while (read(fds[0], &got, sizeof got) == sizeof got)
            last = got;
        waitpid(pid, NULL, 0);
        close(fds[0]);
        OK(backend->open(backend->ctx, &f->s, &f->why));
        OK(store_check(f->s, &f->why));
        assert_true(last >= 3 + 7 * round);
        for (int i = 0; i <= last; i++) {
            char id[32];
            struct store_user u;
            snprintf(id, sizeof id, "k%d-%d", (int)pid, i);
            OK(store_user_get(f->s, str_from(id), &f->a, &u, &f->why));
        }
    }
}

/* --- memory --- */

static void put_and_get(void *ctx)
{
    struct fixture *f = ctx;
    struct store_user u = user(STR("rado")), got;
    struct store_users list;
    struct arena a;
    arena_init(&a, NULL, 0, ARENA_MAX);
    enum rc rc = store_user_put(f->s, &admin, STORE_PUT, &u, NULL);
    assert_true(rc == RC_OK || rc == RC_NOMEM);
    rc = store_user_get(f->s, STR("rado"), &a, &got, NULL);
    assert_true(rc == RC_OK || rc == RC_NOMEM || rc == RC_NOT_FOUND);
    rc = store_user_list(f->s, NULL, &a, &list, NULL);
    assert_true(rc == RC_OK || rc == RC_NOMEM);
    arena_fini(&a);
}

static void test_failing_allocations_leave_the_store_usable(void **state)
{
    struct fixture *f = *state;
    kit_each_alloc_fails(put_and_get, f);
    add_user(f, "after");
    OK(store_check(f->s, &f->why));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int store_contract_run(const struct store_backend *b)
{
    backend = b;
    const struct CMUnitTest tests[] = {
        T(test_new_store_has_defaults),
        T(test_user_keeps_what_was_put),
        T(test_put_modes_and_versions),
        T(test_lists_hide_secrets_and_updates_keep_them),
        T(test_texts_are_checked),
        T(test_oauth_profile_rules),
        T(test_ports_are_checked),
        T(test_device_is_read_with_its_lines),
        T(test_device_refuses_what_does_not_exist),
        T(test_what_is_used_stays),
        T(test_pages_and_matches),
        T(test_params_have_ranges),
        T(test_certificates_keys_and_the_rest),
        T(test_changes_leave_audit_rows),
        T(test_listeners_hear_of_commits_only),
        T(test_batch_is_all_or_nothing),
        T(test_code_works_once),
        T(test_code_expires_and_binds_one_grant),
        T(test_refresh_rotates_and_reuse_revokes),
        T(test_refresh_refusals),
        T(test_refresh_is_not_spent_when_the_caller_refuses),
        T(test_lost_answer_within_grace),
        T(test_old_refresh_tokens_are_bounded_and_still_found_out),
        T(test_grants_are_listed_revoked_and_purged),
        T(test_threads_race_for_codes_and_tokens),
        T(test_threads_write_and_read_their_own),
        T(test_killed_writer_loses_nothing_acknowledged),
        T(test_failing_allocations_leave_the_store_usable),
    };
    return cmocka_run_group_tests_name(b->name, tests, NULL, NULL);
}
