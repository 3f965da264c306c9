#include "admin/bed.h"
#include "crypto/sign.h"
#include "crypto/x509.h"

#include "admin/api_int.h"
#include "base/buf.h"
#include "store/cdr.h"
#include <stdio.h>

/* ---- every noun: add, show, change, list, remove ---- */

struct noun_case {
    const char *plural, *key, *add, *shown, *change, *changed;
};
static const struct noun_case nouns[] = {
    {"users", "eva",
     "{\"id\":\"eva\",\"first_name\":\"Eva\",\"roles\":[\"user\",\"administrator\"],"
     "\"password\":\"geheim 123\",\"digest_password\":\"geheim 456\"}",
     "\"has_password\":true,\"has_digest_password\":true,\"digest_realm\":\"ccmsipline\"",
     "{\"active\":false,\"password\":\"\"}", "\"active\":false,\"has_password\":false"},
    {"lines", "2020", "{\"pattern\":\"2020\",\"display\":\"Eva\"}", "\"display\":\"Eva\"",
     "{\"description\":\"x\"}", "\"display\":\"Eva\""},
    {"devices", "CSFeva", "{\"name\":\"CSFeva\",\"lines\":[\"1010\"]}",
     "\"index\":1,\"pattern\":\"1010\"", "{\"lines\":[],\"enabled\":false}", "\"lines\":[]"},
    {"profiles", "a/b c",
     "{\"name\":\"a/b c\",\"security\":\"encrypted\",\"transport\":\"TLS\",\"oauth\":true}",
     "\"security\":\"Encrypted\"", "{\"oauth\":\"no\"}", "\"oauth\":false"},
    {"nodes", "ucm2", "{\"name\":\"ucm2\",\"host\":\"ucm2.example.com\",\"sipMRAOAuthPort\":5191}",
     "\"sip_mra_oauth_port\":5191",
     "{\"sip-oauth-mra-port\":\"5291\",\"addresses\":[\"192.0.2.1\"]}",
     "\"addresses\":[\"192.0.2.1\"]"},
    {"issuers", "https://idp.example.com/x",
     "{\"iss\":\"https://idp.example.com/x\",\"audience\":\"sip\",\"jwks\":\"{\\\"keys\\\":[{"
     "\\\"kty\\\":\\\"EC\\\",\\\"kid\\\":\\\"1\\\",\\\"crv\\\":\\\"P-256\\\","
     "\\\"x\\\":\\\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\\\","
     "\\\"y\\\":\\\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\\\"}]}\"}",
     "\"user_claim\":\"sub\"", "{\"enabled\":false}", "\"enabled\":false"},
    {"domains", "example.com", "{\"name\":\"example.com\"}", "\"ours\":true", "{\"ours\":\"off\"}",
     "\"ours\":false"},
    {"edges", "exp-c", "{\"host_or_ip\":\"exp-c\",\"x509_names\":[\"a.example.com\",\"b\"]}",
     "\"x509_names\":[\"a.example.com\",\"b\"]", "{\"description\":\"d\"}",
     "\"description\":\"d\""},
    {"clients", "app",
     "{\"client_id\":\"app\",\"redirect_uris\":[\"https://a/x\"],\"loopback\":true}",
     "\"scopes\":[\"openid\",\"offline_access\",\"sip\"]", "{\"enabled\":false}",
     "\"enabled\":false"},
    {"hunt-groups", "2000",
     "{\"number\":\"2000\",\"algorithm\":\"Top Down\",\"members\":[\"1010\"]}",
     "\"algorithm\":\"sequential\",\"members\":[\"1010\"]", "{\"algorithm\":\"longest-idle\"}",
     "\"algorithm\":\"longest idle\",\"members\":[\"1010\"]"},
    {"trunks", "lab", "{\"name\":\"lab\",\"host\":\"192.0.2.1\",\"srtp_allowed\":true}",
     "\"transport\":\"TLS\",\"srtp_allowed\":true,\"peers\":[],\"enabled\":true",
     "{\"peers\":[\"192.0.2.0/24\",\"sbc.example.com\"],\"port\":5061}",
     "\"peers\":[\"192.0.2.0/24\",\"sbc.example.com\"]"},
    {"route-patterns", "[^1]*\\+#X?!", "{\"pattern\":\"[^1]*\\\\+#X?!\",\"line\":\"1010\"}",
     "\"line\":\"1010\"", "{\"line\":\"\",\"blocked\":true}", "\"blocked\":true"},
};

#define PEM "-----BEGIN CERTIFICATE-----\\nMIIB\\n-----END CERTIFICATE-----\\n"
static const struct noun_case edge_nouns[] = {
    {"ucms", "ucm1.example.com",
     "{\"address\":\"ucm1.example.com\",\"user\":\"axl\",\"password\":\"short\"}",
     "\"username\":\"axl\",\"has_password\":true,\"tls_verify\":true", "{\"verify\":\"no\"}",
     "\"has_password\":true,\"tls_verify\":false"},
    {"peers", "exp-e", "{\"name\":\"exp-e\",\"host\":\"edge.example.com\",\"ca_pem\":\"" PEM "\"}",
     "\"role\":\"outer\",\"host\":\"edge.example.com\",\"sip_port\":7001", "{\"sip_port\":7002}",
     "\"sip_port\":7002"},
    {"allows", "photos", "{\"name\":\"photos\",\"url\":\"https://h/p/\",\"prefix\":true}",
     "\"is_prefix\":true,\"methods\":[\"GET\"]", "{\"methods\":[\"GET\",\"HEAD\"]}",
     "\"methods\":[\"GET\",\"HEAD\"]"},
};

static void add_line(struct bed *b)
{
    struct str answer;
    assert_int_equal(201, bed_ask(b, "POST", "lines", "{\"pattern\":\"1010\"}", &answer));
}

static void come_change_and_go(struct bed *b, const struct noun_case *n)
{
    struct str answer;
    struct buf path;
    buf_init(&path, 512);
    buf_printf(&path, "%s/", n->plural);
    form_print_value(&path, str_from(n->key));
    const char *one = buf_cstr(&path);
    assert_int_equal(404, bed_ask(b, "GET", one, "", &answer));
    if (bed_ask(b, "POST", n->plural, n->add, &answer) != 201)
        fail_msg("%s: %.*s", n->plural, STR_ARG(answer));
    assert_has(answer.p, n->shown);
    assert_has(answer.p, "\"version\":1");
    assert_int_equal(409, bed_ask(b, "POST", n->plural, n->add, &answer));
    assert_int_equal(200, bed_ask(b, "PATCH", one, n->change, &answer));
    assert_has(answer.p, n->changed);
    assert_has(answer.p, "\"version\":2");
    assert_int_equal(200, bed_ask(b, "GET", n->plural, "", &answer));
    assert_has(answer.p, "\"more\":");
    assert_int_equal(200, bed_ask(b, "DELETE", one, "", &answer));
    assert_int_equal(404, bed_ask(b, "GET", one, "", &answer));
    assert_int_equal(404, bed_ask(b, "DELETE", one, "", &answer));
    buf_fini(&path);
}

static void test_every_noun_comes_changes_and_goes(void **state)
{
    struct bed *b = *state;
    add_line(b);
    for (size_t i = 0; i < sizeof nouns / sizeof *nouns; i++)
        come_change_and_go(b, &nouns[i]);
}

static void test_every_noun_of_an_edge_comes_changes_and_goes(void **state)
{
    struct bed *b = *state;
    for (size_t i = 0; i < sizeof edge_nouns / sizeof *edge_nouns; i++)
        come_change_and_go(b, &edge_nouns[i]);
}

/* A real certificate, its line ends as JSON writes them. */
static const char *make_card(struct bed *b, const char *name, const char *role, const char *host)
{
    static char card[8192];
    struct crypto_key *key;
    struct buf pem;
    struct crypto_cert_spec spec = {.common_name = str_from(name),
                                    .not_before_unix_s = clock_unix_s(&b->clock) - 60,
                                    .not_after_unix_s = clock_unix_s(&b->clock) + 86400};
    buf_init(&pem, 16384);
    assert_rc(RC_OK, crypto_key_generate(CRYPTO_KEY_EC_P256, &key));
    assert_rc(RC_OK, crypto_ca_issue(key, &spec, &b->random, &pem));
    size_t n = (size_t)snprintf(card, sizeof card,
                                "{\"bearline_edge_card\":1,\"name\":\"%s\",\"role\":\"%s\","
                                "\"host\":\"%s\",\"sip_port\":7001,\"tunnel_port\":2222,"
                                "\"media_port\":2776,\"ca_pem\":\"",
                                name, role, host);
    for (size_t i = 0; i < pem.n; i++) {
        if (pem.p[i] == '\n') card[n++] = '\\';
        card[n++] = pem.p[i] == '\n' ? 'n' : pem.p[i];
    }
    snprintf(card + n, sizeof card - n, "\"}");
    crypto_key_unref(key);
    buf_fini(&pem);
    return card;
}

static void test_edges_are_paired_by_cards(void **state)
{
    struct bed *b = *state;
    struct str answer;
    assert_int_equal(404, bed_ask(b, "GET", "card", "", &answer)); /* no CA yet */
    assert_int_equal(200, bed_ask(b, "POST", "pairings",
                                  make_card(b, "exp-e", "outer", "edge.example.com"), &answer));
    assert_has(answer.p, "\"paired\":\"exp-e\",\"role\":\"outer\",\"fingerprint\":\"");
    assert_int_equal(200, bed_ask(b, "GET", "peers/exp-e", "", &answer));
    assert_has(answer.p, "\"host\":\"edge.example.com\",\"sip_port\":7001");
    /* Again: another CA takes its place. */
    assert_int_equal(200, bed_ask(b, "POST", "pairings",
                                  make_card(b, "exp-e", "outer", "edge2.example.com"), &answer));
    assert_int_equal(200, bed_ask(b, "GET", "peers/exp-e", "", &answer));
    assert_has(answer.p, "edge2.example.com");
    assert_int_equal(422, bed_ask(b, "POST", "pairings",
                                  make_card(b, "exp-d", "inner", "d.example.com"), &answer));
    assert_has(answer.p, "that card is of another inner edge");
    assert_int_equal(422, bed_ask(b, "POST", "pairings", "{\"name\":\"x\"}", &answer));
    assert_has(answer.p, "no card of an edge");
    assert_int_equal(422, bed_ask(b, "POST", "pairings",
                                  "{\"bearline_edge_card\":1,\"name\":\"x\",\"role\":\"outer\","
                                  "\"host\":\"h\",\"ca_pem\":\"" PEM "\"}",
                                  &answer));
    assert_has(answer.p, "no certificate that can be read");
}

static void test_a_node_sends_you_to_an_edge_for_what_is_its(void **state)
{
    struct bed *b = *state;
    struct str answer;
    assert_int_equal(404, bed_ask(b, "GET", "ucms", "", &answer));
    assert_has(answer.p, "this is a call server: ask an edge, with --edge");
    assert_int_equal(404, bed_ask(b, "GET", "params/EdgeSIPPort", "", &answer));
}

static void test_an_edge_sends_you_to_a_node_for_what_is_its(void **state)
{
    struct bed *b = *state;
    struct str answer;
    assert_int_equal(404, bed_ask(b, "GET", "lines", "", &answer));
    assert_has(answer.p, "this is an edge: ask a call server, without --edge");
    assert_int_equal(404, bed_ask(b, "GET", "params/SIPRealmStation", "", &answer));
    assert_int_equal(200, bed_ask(b, "GET", "params", "", &answer));
    assert_has(answer.p, "EdgeUnifiedCommunicationsMode");
    assert_has(answer.p, "PasswordLength");
    assert_null(strstr(answer.p, "SIPRealmStation"));
    assert_int_equal(200, bed_ask(b, "PATCH", "params/EdgeUnifiedCommunicationsMode",
                                  "{\"value\":\"mra\"}", &answer));
}

static void test_call_settings_of_lines_and_devices(void **state)
{
    struct bed *b = *state;
    struct str answer;
    add_line(b);
    assert_int_equal(200, bed_ask(b, "PATCH", "lines/1010",
                                  "{\"forward_all\":\"2000\",\"cfna\":\"1011\",\"ring_s\":30,"
                                  "\"busy_trigger\":\"4\"}",
                                  &answer));
    assert_has(answer.p, "\"forward_all\":\"2000\",\"forward_busy\":\"\",\"forward_no_answer\":"
                         "\"1011\",\"ring_s\":30,\"busy_trigger\":4");
    assert_int_equal(422, bed_ask(b, "PATCH", "lines/1010", "{\"ring_s\":301}", &answer));
    assert_has(answer.p, "1 to 300");
    assert_int_equal(422, bed_ask(b, "PATCH", "lines/1010", "{\"forward_all\":\"1010\"}", &answer));
    assert_has(answer.p, "leads to itself");
    bed_ask(b, "POST", "devices", "{\"name\":\"CSFeva\",\"dnd\":true}", &answer);
    assert_has(answer.p, "\"dnd\":true");
}

static void test_members_and_patterns_are_refused_with_the_reason(void **state)
{
    struct bed *b = *state;
    static const struct {
        const char *plural, *body, *why;
    } refused[] = {
        {"hunt-groups", "{\"number\":\"2000\"}", "needs members"},
        {"hunt-groups", "{\"number\":\"2000\",\"members\":[\"1999\"]}", "no line 1999"},
        {"hunt-groups", "{\"number\":\"2000\",\"members\":[1010]}", "list of texts"},
        {"hunt-groups", "{\"number\":\"2000\",\"members\":\"1010 1010\"}", "stands twice"},
        {"hunt-groups", "{\"number\":\"2000\",\"algorithm\":\"random\",\"members\":\"1010\"}",
         "parallel, sequential, longest idle"},
        {"hunt-groups", "{\"number\":\"1010\",\"members\":\"1010\"}", "taken by the line"},
        {"trunks", "{\"name\":\"a\",\"host\":\"h\",\"transport\":\"UDP\",\"srtp\":true}",
         "needs transport TLS"},
        {"route-patterns", "{\"pattern\":\"9.@\",\"line\":\"1010\"}", "numbering plan"},
        {"route-patterns", "{\"pattern\":\"!.#\",\"line\":\"1010\"}", "one digit each"},
        {"route-patterns", "{\"pattern\":\"9X\"}", "leads somewhere"},
    };
    struct str answer;
    add_line(b);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        if (bed_ask(b, "POST", refused[i].plural, refused[i].body, &answer) != 422)
            fail_msg("%s: %.*s", refused[i].body, STR_ARG(answer));
        assert_has(answer.p, refused[i].why);
    }
}

static void add_cdr(struct bed *b, const char *caller, int64_t start_ms)
{
    struct store_cdr r = {.call = STR("c1"),
                          .node = STR("ucm1"),
                          .caller = str_from(caller),
                          .dialled = STR("1011"),
                          .called = STR("1011"),
                          .start_unix_ms = start_ms,
                          .answer_unix_ms = start_ms + 2000,
                          .end_unix_ms = start_ms + 63500,
                          .status = 200,
                          .cause = 16,
                          .reason = STR("hung up"),
                          .end_by = STORE_CDR_BY_CALLED,
                          .encrypted = true};
    assert_rc(RC_OK, store_cdr_add(b->store, &r, 1, &b->why));
}

static void test_records_of_calls(void **state)
{
    struct bed *b = *state;
    struct str answer;
    add_cdr(b, "1010", 1774868611000);
    add_cdr(b, "1012", 1774868612000);
    assert_int_equal(200, bed_ask(b, "GET", "cdrs?number=1010", "", &answer));
    assert_has(answer.p, "\"caller\":\"1010\"");
    assert_has(answer.p, "\"start_ms\":1774868611000,\"answer_ms\":1774868613000,"
                         "\"end_ms\":1774868674500,\"duration_s\":61,\"status\":200,\"cause\":16,"
                         "\"reason\":\"hung up\",\"ended_by\":\"called\",\"encrypted\":true}]");
    assert_has(answer.p, "\"more\":false");
    assert_int_equal(200, bed_ask(b, "GET", "cdrs?limit=1", "", &answer));
    assert_has(answer.p, "\"caller\":\"1012\"");
    assert_has(answer.p, "\"more\":true");
    assert_int_equal(200, bed_ask(b, "GET", "cdrs?until=1774868612000", "", &answer));
    assert_null(strstr(answer.p, "1012"));
    assert_int_equal(400, bed_ask(b, "GET", "cdrs?since=yesterday", "", &answer));
}

static void test_calls_under_way(void **state)
{
    struct bed *b = *state;
    struct str answer;
    assert_int_equal(200, bed_ask(b, "GET", "calls", "", &answer));
    assert_has(answer.p, "{\"calls\":[],\"more\":false}");
    b->has_call = true;
    assert_int_equal(200, bed_ask(b, "GET", "calls?number=1010", "", &answer));
    assert_has(answer.p, "\"caller\":\"1010\"");
    assert_has(answer.p, "\"state\":\"answered\"");
    assert_has(answer.p, "\"encrypted\":true");
    assert_int_equal(200, bed_ask(b, "GET", "calls?number=1999", "", &answer));
    assert_has(answer.p, "\"calls\":[]");
    assert_int_equal(200, bed_ask(b, "GET", "status", "", &answer));
    assert_has(answer.p, "\"calls\":1");
    b->live.calls = NULL; /* a node that handles none */
    b->live.call_count = NULL;
    assert_int_equal(200, bed_ask(b, "GET", "calls", "", &answer));
    assert_has(answer.p, "\"calls\":[]");
    assert_int_equal(200, bed_ask(b, "GET", "status", "", &answer));
    assert_has(answer.p, "\"calls\":0");
}

static void test_an_administrator_ends_a_call(void **state)
{
    struct bed *b = *state;
    struct str answer;
    bed_ask(b, "POST", "users",
            "{\"id\":\"admin\",\"roles\":[\"administrator\"],\"password\":\"password\"}", &answer);
    bed_ask(b, "POST", "users", "{\"id\":\"rado\",\"password\":\"password\"}", &answer);
    b->has_call = true;
    assert_int_equal(401, bed_ask_as(b, "DELETE", "calls/9", NULL, &answer));
    assert_int_equal(401, bed_ask_as(b, "DELETE", "calls/9", "rado:password", &answer));
    assert_true(b->has_call);
    assert_int_equal(200, bed_ask_as(b, "DELETE", "calls/9", "admin:password", &answer));
    assert_has(answer.p, "{\"id\":9,\"call\":\"c9\",\"caller\":\"1010\"");
    assert_false(b->has_call);
    assert_int_equal(200, bed_ask(b, "GET", "audit?limit=1", "", &answer));
    assert_has(answer.p, "\"who\":\"admin\",\"from\":\"api 127.0.0.1");
    assert_has(answer.p,
               "\"action\":\"hangup\",\"kind\":\"call\",\"key\":\"c9\",\"result\":\"ok\"");
}

static void test_what_is_no_answered_call_is_not_ended(void **state)
{
    struct bed *b = *state;
    struct str answer;
    b->has_call = true;
    assert_int_equal(404, bed_ask(b, "DELETE", "calls/10", "", &answer));
    assert_has(answer.p, "there is no call 10: see \\\"show calls\\\"");
    assert_int_equal(409, bed_ask(b, "DELETE", "calls/8", "", &answer));
    assert_has(answer.p, "nobody has answered call 8 yet");
    assert_int_equal(400, bed_ask(b, "DELETE", "calls/0", "", &answer));
    assert_int_equal(400, bed_ask(b, "DELETE", "calls/1010x", "", &answer));
    assert_int_equal(400, bed_ask(b, "DELETE", "calls/99999999999999999999", "", &answer));
    assert_has(answer.p, "is no call's id");
    assert_true(b->has_call);
    assert_int_equal(200, bed_ask(b, "GET", "audit", "", &answer));
    assert_null(strstr(answer.p, "hangup"));
    b->live.hang_up = NULL; /* a node that handles none */
    assert_int_equal(404, bed_ask(b, "DELETE", "calls/9", "", &answer));
}

static void test_no_secret_comes_back(void **state)
{
    struct bed *b = *state;
    struct str answer;
    bed_make_ready(b);
    bed_ask(b, "POST", "users",
            "{\"id\":\"eva\",\"password\":\"geheim 123\",\"digest_password\":\"geheim 456\"}",
            &answer);
    bed_ask(b, "GET", "users/eva", "", &answer);
    assert_null(strstr(answer.p, "argon2"));
    assert_null(strstr(answer.p, "geheim"));
    bed_ask(b, "GET", "certs/tomcat/ucm1", "", &answer);
    assert_has(answer.p, "BEGIN CERTIFICATE");
    assert_null(strstr(answer.p, "secret"));
}

/* ---- what is refused, and how ---- */

static const struct {
    const char *method, *path, *body;
    int status;
    const char *says;
} refusals[] = {
    {"POST", "users", "[1]", 400, "no JSON object: send one"},
    {"POST", "users", "{", 400, "no JSON"},
    {"POST", "users", "{\"id\":\"a\",\"id\":\"b\"}", 400, "no JSON"},
    {"POST", "users", "{}", 422, "\"field\":\"id\""},
    {"POST", "users", "{\"id\":\"a\",\"colour\":\"red\"}", 422, "nothing called colour"},
    {"POST", "users", "{\"id\":\"a\",\"roles\":[\"king\"]}", 422, "no role king"},
    {"POST", "users", "{\"id\":\"a\",\"active\":\"perhaps\"}", 422,
     "cannot be perhaps: use yes or no"},
    {"POST", "users", "{\"id\":\"a b\"}", 422, "\"message\":"},
    {"POST", "users", "{\"id\":7}", 422, "another kind: use a text"},
    {"POST", "issuers", "{\"iss\":\"https://i\",\"audience\":\"sip\",\"jwks\":\"/tmp/jwks.json\"}",
     422, "no JSON Web Key Set"},
    {"POST", "issuers",
     "{\"iss\":\"https://i\",\"audience\":\"sip\",\"jwks\":\"{\\\"keys\\\":[]}\"}", 422,
     "no key that can"},
    {"POST", "devices", "{\"name\":\"CSFx\",\"lines\":[\"4711\"]}", 422, "4711"},
    {"POST", "devices", "{\"name\":\"CSFx\",\"lines\":[{\"label\":\"x\"}]}", 422,
     "directory number"},
    {"POST", "devices", "{\"name\":\"CSFx\",\"owner\":\"nobody\"}", 422, "nobody"},
    {"POST", "devices", "{\"name\":\"much-too-long-a-name\"}", 422, "\"message\":"},
    {"POST", "profiles",
     "{\"name\":\"p\",\"security\":\"Encrypted\",\"transport\":\"TLS\","
     "\"oauth\":true,\"digest\":true}",
     422, "exclude each other"},
    {"POST", "profiles",
     "{\"name\":\"p\",\"security\":\"Encrypted\",\"transport\":\"TLS\","
     "\"oauth\":true,\"tftp_encrypted\":true}",
     422, "\"message\":"},
    {"POST", "profiles", "{\"name\":\"p\",\"security\":\"Strong\"}", 422, "Non Secure"},
    {"POST", "nodes", "{\"name\":\"u\",\"host\":\"u\",\"sip_oauth_port\":80}", 422, "1024"},
    {"PATCH", "nodes/ucm1", "{\"sip_oauth_port\":5091}", 422, "cannot both be 5091"},
    {"PATCH", "nodes/ucm1", "{\"sip_oauth_port\":5999}", 409, "nginx (process 4711)"},
    {"PATCH", "nodes/ucm1", "{\"name\":\"other\"}", 422, "cannot be renamed"},
    {"DELETE", "nodes/ucm1", "", 409, "this node"},
    {"PATCH", "params/ClusterSIPOAuthMode", "{\"value\":1}", 409, "utils sipOAuth-mode"},
    {"PATCH", "params/OAuthAccessTokenExpiry", "{\"value\":\"99999\"}", 422, "1440"},
    {"PATCH", "params/Nonsense", "{\"value\":\"1\"}", 404, "param list"},
    {"PATCH", "params/SignInTries", "{}", 422, "\"field\":\"value\""},
    {"GET", "users?limit=many", "", 400, "\"field\":\"limit\""},
    {"GET", "keys/other", "", 404, "use signing or encryption"},
    {"POST", "certs/apache/regen", "", 404, "tomcat"},
    {"POST", "trust", "{\"store\":\"my-trust\",\"pem\":\"x\"}", 422, "tomcat-trust"},
    {"POST", "trust", "{\"store\":\"tomcat-trust\",\"pem\":\"x\"}", 422, "no certificate"},
    {"PUT", "certs/tomcat", "{\"chain_pem\":\"x\",\"key_pem\":\"y\"}", 422, "no certificate"},
    {"POST", "sql", "{\"statement\":\"delete from device\"}", 422,
     "run sql answers SELECT only: change this with \\\"device add\\\", \\\"device update"},
    {"POST", "sql", "{\"statement\":\"Update  ProcessConfig set a=1\"}", 422, "param update"},
    {"POST", "sql", "{\"statement\":\"vacuum\"}", 422, "the commands of"},
    {"POST", "sql", "{\"statement\":\"select * from cfg_user\"}", 422, "ask enduser, device"},
    {"POST", "sql", "{\"statement\":\"select * from devise\"}", 400, "no such table: devise"},
    {"POST", "sql", "{}", 422, "statement"},
    {"DELETE", "grants", "", 400, "not said whose"},
    {"DELETE", "grants/nothing", "", 404, "\"message\":"},
    {"DELETE", "registrations/CSFx", "", 404, "no device"},
    {"GET", "ports/99999", "", 400, "no port"},
    {"PUT", "traces/switch", "{\"on\":1}", 422, "use true or false"},
};

static void test_refusals_say_what_was_wrong(void **state)
{
    struct bed *b = *state;
    b->held_port = 5999;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct str answer;
        int status = bed_ask(b, refusals[i].method, refusals[i].path, refusals[i].body, &answer);
        if (status != refusals[i].status)
            fail_msg("%s %s %s: %d %.*s", refusals[i].method, refusals[i].path, refusals[i].body,
                     status, STR_ARG(answer));
        assert_has(answer.p, refusals[i].says);
        assert_has(answer.p, "\"error\":");
    }
    assert_int_equal(0, b->settled); /* no port was touched */
}

static void test_only_the_version_one_saw_is_changed(void **state)
{
    struct bed *b = *state;
    struct str answer;
    add_line(b);
    const char *change = "{\"description\":\"x\"}";
    assert_int_equal(200,
                     bed_ask_with(b, "PATCH", "lines/1010", change, "If-Match", "\"1\"", &answer));
    assert_int_equal(412,
                     bed_ask_with(b, "PATCH", "lines/1010", change, "If-Match", "\"1\"", &answer));
    assert_int_equal(412,
                     bed_ask_with(b, "DELETE", "lines/1010", "", "If-Match", "\"1\"", &answer));
    assert_int_equal(400, bed_ask_with(b, "DELETE", "lines/1010", "", "If-Match", "x", &answer));
    assert_int_equal(200,
                     bed_ask_with(b, "DELETE", "lines/1010", "", "If-Match", "\"2\"", &answer));
}

static void test_a_changed_port_is_open_when_the_answer_comes(void **state)
{
    struct bed *b = *state;
    struct str answer;
    b->held_port = 5090; /* held by ourselves as it were: unchanged ports are not looked at */
    assert_int_equal(200,
                     bed_ask(b, "PATCH", "nodes/ucm1", "{\"sip_mra_oauth_port\":5191}", &answer));
    assert_int_equal(1, b->settled);
}

/* ---- who may ---- */

static void test_over_the_network_an_administrator_signs_in(void **state)
{
    struct bed *b = *state;
    struct str answer;
    bed_ask(b, "POST", "users",
            "{\"id\":\"admin\",\"roles\":[\"administrator\"],\"password\":\"password\"}", &answer);
    bed_ask(b, "POST", "users", "{\"id\":\"rado\",\"password\":\"password\"}", &answer);
    assert_int_equal(401, bed_ask_basic(b, "status", NULL, &answer));
    assert_int_equal(200, bed_ask_basic(b, "status", "admin:password", &answer));
    assert_int_equal(401, bed_ask_basic(b, "status", "rado:password", &answer));
    assert_int_equal(401, bed_ask_basic(b, "status", "nobody:password", &answer));
    assert_int_equal(401, bed_ask_basic(b, "status", "admin:", &answer));
    bed_ask(b, "PATCH", "users/admin", "{\"active\":false}", &answer);
    assert_int_equal(401, bed_ask_basic(b, "status", "admin:password", &answer));
    assert_has(answer.p, "unauthenticated");
}

/* Over the network a body is read before it is known who sends it: a large one is not. */
static void test_only_the_socket_takes_large_files(void **state)
{
    struct bed *b = *state;
    struct http_answer answer;
    char url[96];
    struct str csv = str_of(arena_zalloc(&b->arena, 2 << 20), 2 << 20);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/api/v1/import", b->server.port);
    struct http_call call = {.method = "POST",
                             .url = str_from(url),
                             .body = csv,
                             .content_type = STR("text/csv"),
                             .response_max = 1 << 20};
    http_fetch(&call, &b->arena, &answer);
    assert_int_equal(413, answer.status);
    call.unix_path = b->socket;
    http_fetch(&call, &b->arena, &answer);
    assert_int_equal(422, answer.status); /* read, and found to be no CSV */
}

static void test_who_fails_too_often_waits(void **state)
{
    struct bed *b = *state;
    struct str answer;
    bed_ask(b, "POST", "users",
            "{\"id\":\"admin\",\"roles\":[\"administrator\"],\"password\":\"password\"}", &answer);
    for (int i = 0; i < 5; i++)
        assert_int_equal(401, bed_ask_basic(b, "status", "admin:no", &answer));
    assert_int_equal(429, bed_ask_basic(b, "status", "admin:password", &answer));
    kit_time_pass(&b->now, 60000);
    assert_int_equal(200, bed_ask_basic(b, "status", "admin:password", &answer));
}

/* A whole office can stand behind one address: it may fail twenty times as often as a user, and one
 * good account does not wash it clean. */
static void test_an_address_may_fail_more_often_than_a_user(void **state)
{
    struct bed *b = *state;
    struct str answer;
    char who[32];
    bed_ask(b, "POST", "users",
            "{\"id\":\"admin\",\"roles\":[\"administrator\"],\"password\":\"correct 7\"}", &answer);
    bed_ask(b, "PATCH", "params/SignInTries", "{\"value\":\"1\"}", &answer);
    for (int i = 0; i < 19; i++) {
        snprintf(who, sizeof who, "user%d:no", i);
        assert_int_equal(401, bed_ask_basic(b, "status", who, &answer));
    }
    for (int i = 0; i < 3; i++) /* what is right never counts, and clears nobody else */
        assert_int_equal(200, bed_ask_basic(b, "status", "admin:correct 7", &answer));
    assert_int_equal(401, bed_ask_basic(b, "status", "another:no", &answer));
    assert_int_equal(429, bed_ask_basic(b, "status", "admin:correct 7", &answer));
    assert_has(answer.p, "try again in 60 seconds");
    kit_time_pass(&b->now, 59000);
    assert_int_equal(429, bed_ask_basic(b, "status", "admin:correct 7", &answer));
    assert_has(answer.p, "try again in 1 second");
    kit_time_pass(&b->now, 1000);
    assert_int_equal(200, bed_ask_basic(b, "status", "admin:correct 7", &answer));
}

/* ---- the document ---- */

static void test_openapi_names_every_route(void **state)
{
    struct bed *b = *state;
    struct str answer;
    json_error_t e;
    assert_int_equal(200, bed_ask(b, "GET", "openapi.json", "", &answer));
    json_t *doc = json_loadb(answer.p, answer.n, 0, &e);
    json_t *paths = json_object_get(doc, "paths");
    assert_non_null(paths);
    size_t operations = 0;
    const char *path;
    json_t *item;
    json_object_foreach(paths, path, item)
    {
        assert_null(strchr(path, '*'));
        operations += json_object_size(item);
    }
    size_t here = 0;
    for (size_t i = 0; i < api_route_count; i++)
        here += api_is_here(b->admin, &api_routes[i]);
    assert_int_equal(here, operations);
    json_t *properties = json_object_get(
        json_object_get(
            json_object_get(json_object_get(json_object_get(doc, "components"), "schemas"), "node"),
            "properties"),
        "sip_oauth_port");
    assert_non_null(properties);
    json_decref(doc);
}

static void test_views_answer(void **state)
{
    static const char *const paths[] = {
        "status",        "counters",
        "registrations", "traces",
        "ports",         "ports/5090",
        "keys",          "keys/signing",
        "grants",        "audit",
        "certs",         "trust",
        "params",        "sip-oauth-mode",
        "diagnose",      "params/OAuth%20with%20Refresh%20Login%20Flow"};
    struct bed *b = *state;
    struct str answer;
    b->is_registered = true;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        int status = bed_ask(b, "GET", paths[i], "", &answer);
        if (status != 200) fail_msg("%s: %d %.*s", paths[i], status, STR_ARG(answer));
    }
    assert_int_equal(200, bed_ask(b, "POST", "keys/signing/regen", "", &answer));
    assert_int_equal(200, bed_ask(b, "POST", "keys/encryption/rotate", "", &answer));
    assert_int_equal(2, b->regens);
}

#define T(name)      cmocka_unit_test_setup_teardown(name, bed_setup, bed_teardown)
#define T_EDGE(name) cmocka_unit_test_setup_teardown(name, bed_setup_edge, bed_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_every_noun_comes_changes_and_goes),
        T_EDGE(test_every_noun_of_an_edge_comes_changes_and_goes),
        T_EDGE(test_edges_are_paired_by_cards),
        T(test_a_node_sends_you_to_an_edge_for_what_is_its),
        T_EDGE(test_an_edge_sends_you_to_a_node_for_what_is_its),
        T(test_call_settings_of_lines_and_devices),
        T(test_members_and_patterns_are_refused_with_the_reason),
        T(test_records_of_calls),
        T(test_calls_under_way),
        T(test_an_administrator_ends_a_call),
        T(test_what_is_no_answered_call_is_not_ended),
        T(test_no_secret_comes_back),
        T(test_refusals_say_what_was_wrong),
        T(test_only_the_version_one_saw_is_changed),
        T(test_a_changed_port_is_open_when_the_answer_comes),
        T(test_over_the_network_an_administrator_signs_in),
        T(test_only_the_socket_takes_large_files),
        T(test_who_fails_too_often_waits),
        T(test_an_address_may_fail_more_often_than_a_user),
        T(test_openapi_names_every_route),
        T(test_views_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
