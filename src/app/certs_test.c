#include "kit/kit.h"

#include "app/certs.h"

#include "crypto/random.h"
#include "crypto/x509.h"
#include "directory/directory.h"
#include "store/remote.h"

#include <stdio.h>

static const struct store_by admin = {.who = STR_INIT("admin"), .from = STR_INIT("test")};

struct fixture {
    char folder[64], ca_file[96];
    struct kit_time time;
    struct kit_log lines;
    struct log log;
    struct store *store;
    struct directory *directory;
    struct app_certs *certs;
    struct app_certs_config config;
};

static int setup_as(void **state, bool is_edge)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct store_why why = {""};
    struct random_source random = crypto_random_system();
    assert_non_null(f);
    f->log = kit_log(&f->lines);
    snprintf(f->folder, sizeof f->folder, "/tmp/bearline-certs-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->ca_file, sizeof f->ca_file, "%s/ca.pem", f->folder);
    struct store_config c = {.folder = f->folder, .clock = kit_clock(&f->time), .random = random};
    assert_rc(RC_OK, store_open(&c, &f->store, &why));
    assert_rc(RC_OK, directory_new(f->store, &random, &f->directory, &why));
    f->config = (struct app_certs_config){
        .store = f->store,
        .directory = f->directory,
        .clock = c.clock,
        .random = random,
        .log = &f->log,
        .node = STR("ucm1"),
        .host = STR("ucm1.example.com"),
        .addresses = STR("192.0.2.10 2001:db8::10"),
        .is_edge = is_edge,
    };
    assert_rc(RC_OK, app_certs_new(&f->config, f->ca_file, &f->certs, &why));
    *state = f;
    return 0;
}

static int setup(void **state)
{
    return setup_as(state, false);
}

static int setup_edge(void **state)
{
    return setup_as(state, true);
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    char command[128];
    app_certs_free(f->certs);
    directory_free(f->directory);
    store_close(f->store);
    snprintf(command, sizeof command, "rm -rf %s", f->folder);
    assert_int_equal(0, system(command));
    free(f);
    return 0;
}

static void test_first_start_makes_certificates_that_hold(void **state)
{
    static const char *const names[] = {"tomcat/ucm1", "tomcat-ECDSA/ucm1", "CallManager/ucm1",
                                        "CallManager-ECDSA/ucm1"};
    struct fixture *f = *state;
    struct arena a;
    struct store_cert ca, row;
    struct store_why why = {""};
    const char *text = "";
    arena_init(&a, NULL, 0, 1 << 20);
    assert_rc(RC_OK, store_cert_get(f->store, STR("CA"), &a, &ca, &why));
    for (size_t i = 0; i < 4; i++) {
        assert_rc(RC_OK, store_cert_get(f->store, str_from(names[i]), &a, &row, &why));
        assert_rc(RC_OK, crypto_cert_verify(row.chain_pem, ca.chain_pem, f->time.unix_ms / 1000,
                                            CRYPTO_CERT_SERVER, &text));
        assert_rc(RC_OK, crypto_cert_check_host(row.chain_pem, STR("ucm1.example.com")));
        assert_rc(RC_OK, crypto_cert_check_host(row.chain_pem, STR("ucm1")));
        assert_rc(RC_OK, crypto_cert_check_host(row.chain_pem, STR("192.0.2.10")));
        assert_rc(RC_OK, crypto_cert_check_host(row.chain_pem, STR("2001:db8::10")));
        assert_rc(RC_DENIED, crypto_cert_check_host(row.chain_pem, STR("other.example.com")));
    }
    arena_fini(&a);
}

static void test_every_context_can_be_made_and_asks_whom_it_must(void **state)
{
    struct fixture *f = *state;
    struct store_why why = {""};
    for (int i = 0; i < APP_TLS_COUNT; i++) {
        struct net_tls *tls;
        if (!app_certs_serves(f->certs, (enum app_tls)i)) {
            assert_int_equal(APP_TLS_LINK, i);
            continue;
        }
        assert_rc(RC_OK, app_certs_tls(f->certs, (enum app_tls)i, &tls, &why));
        assert_int_equal(i != APP_TLS_TOMCAT, net_tls_asks_client_cert(tls));
        net_tls_unref(tls);
    }
    struct net_tls *client;
    assert_rc(RC_OK, app_certs_client_tls(f->certs, APP_TLS_SECURE, &client, &why));
    net_tls_unref(client);
}

static void test_an_edge_has_tomcat_alone_and_tells_its_names(void **state)
{
    struct fixture *f = *state;
    struct arena a;
    struct store_certs rows;
    struct store_trusts trusts;
    struct store_why why = {""};
    struct store_by by = {.who = STR("test"), .from = STR("test")};
    struct str names, trust;
    struct net_tls *client;
    arena_init(&a, NULL, 0, 1 << 20);
    assert_rc(RC_OK, store_cert_list(f->store, NULL, &a, &rows, &why));
    assert_int_equal(3, rows.count); /* the CA, tomcat, tomcat-ECDSA */
    assert_rc(RC_OK, store_trust_list(f->store, NULL, &a, &trusts, &why));
    assert_int_equal(1, trusts.count);
    assert_rc(RC_OK, app_certs_tomcat_names(f->certs, &a, &names));
    assert_true(str_eq(names, STR("ucm1.example.com,ucm1,192.0.2.10,2001:db8::10")));
    assert_rc(RC_OK, app_certs_tomcat_trust(f->certs, &a, &trust));
    assert_true(str_starts(trust, STR("-----BEGIN CERTIFICATE-----")));
    assert_rc(RC_OK, app_certs_client_tls(f->certs, APP_TLS_MRA, &client, &why));
    net_tls_unref(client);
    assert_rc(RC_NOT_FOUND, app_certs_regen(f->certs, &by, STR("CallManager"), &why));
    assert_non_null(strstr(why.text, "Units: tomcat, tomcat-ECDSA."));
    arena_fini(&a);
}

/* Between edges the CA of the paired one alone counts, and only of the other role. */
static void test_links_trust_paired_edges_alone(void **state)
{
    struct fixture *f = *state;
    struct store_why why = {""};
    struct arena a;
    struct str pem;
    struct net_tls *tls;
    uint8_t key[2][32];
    arena_init(&a, NULL, 0, 1 << 20);
    assert_true(app_certs_serves(f->certs, APP_TLS_LINK) &&
                !app_certs_serves(f->certs, APP_TLS_MRA));
    assert_rc(RC_NOT_FOUND, app_certs_tls(f->certs, APP_TLS_LINK, &tls, &why));
    assert_rc(RC_OK, app_certs_tomcat_trust(f->certs, &a, &pem)); /* any certificate does */
    struct store_peer peer = {
        .name = STR("exp-c"), .role = STORE_EDGE_INNER, .ca_pem = pem, .enabled = true};
    assert_rc(RC_OK, store_peer_put(f->store, &admin, STORE_ADD, &peer, &why));
    assert_rc(RC_OK, app_certs_tls(f->certs, APP_TLS_LINK, &tls, &why));
    assert_true(net_tls_asks_client_cert(tls));
    net_tls_unref(tls);
    assert_rc(RC_NOT_FOUND, app_certs_client_tls(f->certs, APP_TLS_LINK, &tls, &why));
    peer.enabled = false;
    assert_rc(RC_OK, store_peer_put(f->store, &admin, STORE_PUT, &peer, &why));
    assert_rc(RC_NOT_FOUND, app_certs_tls(f->certs, APP_TLS_LINK, &tls, &why));
    assert_rc(RC_OK, app_certs_derive(f->certs, "one", key[0], &why));
    assert_rc(RC_OK, app_certs_derive(f->certs, "one", key[1], &why));
    assert_memory_equal(key[0], key[1], sizeof key[0]);
    assert_rc(RC_OK, app_certs_derive(f->certs, "two", key[1], &why));
    assert_memory_not_equal(key[0], key[1], sizeof key[0]);
    arena_fini(&a);
}

static void test_a_second_start_keeps_what_is_there(void **state)
{
    struct fixture *f = *state;
    struct arena a;
    struct store_cert before, after;
    struct store_why why = {""};
    struct app_certs *again;
    arena_init(&a, NULL, 0, 1 << 20);
    assert_rc(RC_OK, store_cert_get(f->store, STR("tomcat/ucm1"), &a, &before, &why));
    assert_rc(RC_OK, app_certs_new(&f->config, f->ca_file, &again, &why));
    assert_rc(RC_OK, store_cert_get(f->store, STR("tomcat/ucm1"), &a, &after, &why));
    assert_true(str_eq(before.chain_pem, after.chain_pem));
    app_certs_free(again);
    arena_fini(&a);
}

static void test_certificates_are_renewed_a_month_before_they_end(void **state)
{
    struct fixture *f = *state;
    const int64_t day_ms = 86400000;
    assert_int_equal(0, app_certs_renew(f->certs));
    kit_time_pass(&f->time, 790 * day_ms);
    assert_int_equal(0, app_certs_renew(f->certs));
    kit_time_pass(&f->time, 10 * day_ms);
    assert_int_equal(4, app_certs_renew(f->certs));
    assert_int_equal(0, app_certs_renew(f->certs));
}

static void test_regen_names_the_units_there_are(void **state)
{
    struct fixture *f = *state;
    struct store_why why = {""};
    assert_rc(RC_OK, app_certs_regen(f->certs, &admin, STR("tomcat"), &why));
    assert_rc(RC_NOT_FOUND, app_certs_regen(f->certs, &admin, STR("TVS"), &why));
    assert_non_null(strstr(why.text, "CallManager-ECDSA"));
}

static void test_a_new_certificate_bears_the_names_the_node_has_now(void **state)
{
    struct fixture *f = *state;
    struct arena a;
    struct store_cert row;
    struct store_why why = {""};
    struct store_node node = {.name = STR("ucm1"),
                              .host = STR("pub.moved.example.net"),
                              .addresses = STR("198.51.100.7"),
                              .ports = store_ports_default()};
    arena_init(&a, NULL, 0, 1 << 20);
    assert_rc(RC_OK, store_node_put(f->store, &admin, STORE_PUT, &node, &why));
    assert_rc(RC_OK, app_certs_regen(f->certs, &admin, STR("tomcat"), &why));
    kit_time_pass(&f->time, (int64_t)800 * 86400000);
    assert_int_equal(4, app_certs_renew(f->certs));
    static const char *const names[] = {"tomcat/ucm1", "CallManager-ECDSA/ucm1"};
    for (size_t i = 0; i < 2; i++) {
        assert_rc(RC_OK, store_cert_get(f->store, str_from(names[i]), &a, &row, &why));
        assert_rc(RC_OK, crypto_cert_check_host(row.chain_pem, node.host));
        assert_rc(RC_OK, crypto_cert_check_host(row.chain_pem, node.addresses));
        assert_rc(RC_OK, crypto_cert_check_host(row.chain_pem, STR("ucm1")));
        assert_rc(RC_DENIED, crypto_cert_check_host(row.chain_pem, STR("ucm1.example.com")));
        assert_rc(RC_DENIED, crypto_cert_check_host(row.chain_pem, STR("192.0.2.10")));
    }
    arena_fini(&a);
}

static void test_an_unwritable_place_for_the_ca_is_said(void **state)
{
    struct fixture *f = *state;
    struct store_why why = {""};
    struct app_certs *c;
    assert_rc(RC_IO, app_certs_new(&f->config, "/nonexistent/ca.pem", &c, &why));
    assert_non_null(strstr(why.text, "/nonexistent/ca.pem"));
}

/* How many trust entries there are at the moment the CA is. */
struct heard {
    struct store *store;
    size_t trusts;
};
static void on_ca(void *ctx, enum store_kind kind, struct str key, bool removed)
{
    struct heard *h = ctx;
    struct arena a;
    struct store_trusts rows;
    struct store_page page = {0};
    if (kind != STORE_CERT || removed || !str_eq(key, STR("CA"))) return;
    arena_init(&a, NULL, 0, 1 << 20);
    assert_rc(RC_OK, store_trust_list(h->store, &page, &a, &rows, NULL));
    h->trusts = rows.count;
    arena_fini(&a);
}

static void test_a_start_cut_off_leaves_no_ca_that_nobody_trusts(void **state)
{
    struct fixture *f = *state;
    struct store_config c = {
        .clock = f->config.clock, .random = f->config.random, .create_folder = true};
    char folder[80], ca_file[96];
    struct app_certs_config config = f->config;
    struct app_certs *certs;
    struct heard heard = {0};
    struct store_why why = {""};
    snprintf(folder, sizeof folder, "%s/second", f->folder);
    snprintf(ca_file, sizeof ca_file, "%s/ca.pem", folder);
    c.folder = folder;
    assert_rc(RC_OK, store_open(&c, &heard.store, &why));
    config.store = heard.store;
    assert_rc(RC_OK, store_listen(heard.store, on_ca, &heard));
    assert_rc(RC_OK, app_certs_new(&config, ca_file, &certs, &why));
    assert_int_equal(2, heard.trusts);
    store_unlisten(heard.store, on_ca, &heard);
    app_certs_free(certs);
    store_close(heard.store);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_first_start_makes_certificates_that_hold),
        T(test_every_context_can_be_made_and_asks_whom_it_must),
        cmocka_unit_test_setup_teardown(test_an_edge_has_tomcat_alone_and_tells_its_names,
                                        setup_edge, teardown),
        cmocka_unit_test_setup_teardown(test_links_trust_paired_edges_alone, setup_edge, teardown),
        T(test_a_second_start_keeps_what_is_there),
        T(test_certificates_are_renewed_a_month_before_they_end),
        T(test_regen_names_the_units_there_are),
        T(test_a_new_certificate_bears_the_names_the_node_has_now),
        T(test_an_unwritable_place_for_the_ca_is_said),
        T(test_a_start_cut_off_leaves_no_ca_that_nobody_trusts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
