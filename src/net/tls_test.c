/* net/tls_test.c - handshakes between our own client and server: versions, certificates, trust in both
 * directions, names, admission, resumption, and what is told when it fails. */
#include "kit/kit.h"

#include "net/stream.h"
#include "net/test_tls.h"
#include "net/tls_int.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* One port for all: a client remembers sessions by name and port. */
static int listen_fd;
static struct net_addr listen_addr;
static struct test_cert ca, other_ca, server_cert, server_rsa, client_cert;

static void open_port(void)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof sa;
    listen_fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(0, bind(listen_fd, (struct sockaddr *)&sa, n));
    assert_int_equal(0, listen(listen_fd, 1));
    assert_int_equal(0, getsockname(listen_fd, (struct sockaddr *)&sa, &n));
    listen_addr = net_addr_from_sockaddr((struct sockaddr *)&sa);
}

static int make_certs(void **state)
{
    (void)state;
    open_port();
    ca = test_cert_make(&(struct test_cert_spec){.common_name = "Test CA", .ca = true});
    other_ca = test_cert_make(&(struct test_cert_spec){.common_name = "Other CA", .ca = true});
    server_cert = test_cert_make(
        &(struct test_cert_spec){.common_name = "node",
                                 .alt_names = "DNS:node.example,DNS:*.wild.example,IP:127.0.0.1",
                                 .issuer = &ca});
    server_rsa = test_cert_make(&(struct test_cert_spec){
        .common_name = "node", .alt_names = "DNS:node.example", .issuer = &ca, .rsa = true});
    client_cert = test_cert_make(&(struct test_cert_spec){
        .common_name = "edge",
        .alt_names = "DNS:edge.example,URI:sip:edge.example,IP:192.0.2.7,IP:2001:db8::7",
        .issuer = &ca});
    return 0;
}

static int free_certs(void **state)
{
    (void)state;
    struct test_cert *all[] = {&ca, &other_ca, &server_cert, &server_rsa, &client_cert};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        test_cert_free(all[i]);
    close(listen_fd);
    return 0;
}

/* One side of a handshake and what it came to. */
struct side {
    struct net_stream *stream;
    bool opened, closed, failed;
    size_t got;
    enum net_close_kind kind;
    struct net_tls_failure failure;
};

static size_t on_bytes(void *ctx, struct bytes data)
{
    ((struct side *)ctx)->got += data.n;
    return data.n;
}

static void on_open(void *ctx)
{
    ((struct side *)ctx)->opened = true;
}

static void on_close(void *ctx, const struct net_close *why)
{
    struct side *side = ctx;
    side->closed = true;
    side->stream = NULL;
    side->kind = why->kind;
    side->failed = why->tls != NULL;
    if (why->tls) side->failure = *why->tls;
}

static const struct net_stream_events events = {on_bytes, on_open, on_close, NULL};

struct meeting {
    struct net_loop *loop;
    struct side server, client;
};

static void start(struct meeting *m, struct net_tls *server, struct net_tls *client,
                  const char *name)
{
    struct net_connect_config config = {
        .stream = {.message_max = 4096, .queue_max = 4096},
        .tls = client,
        .server_name = str_from(name),
        .open_ms = 5000,
        .peer = listen_addr,
    };
    *m = (struct meeting){0};
    assert_rc(RC_OK, net_loop_new(&m->loop));
    assert_rc(RC_OK, net_stream_connect(m->loop, &config, &events, &m->client, &m->client.stream));
    int fd = accept(listen_fd, NULL, NULL);
    assert_rc(RC_OK, net_stream_adopt(m->loop, fd, server, 5000, &config.stream, &events,
                                      &m->server, &m->server.stream));
}

/* Until both are open and have exchanged a byte (tickets included), or both are closed. */
static void meet(struct meeting *m, struct net_tls *server, struct net_tls *client,
                 const char *name)
{
    start(m, server, client, name);
    bool greeted = false;
    while (!(m->server.closed && m->client.closed) && m->client.got == 0) {
        net_loop_turn(m->loop, true);
        if (m->server.opened && m->server.stream && !greeted)
            greeted = net_stream_write(m->server.stream, str_bytes(STR("!"))) == RC_OK;
    }
}

static void part(struct meeting *m)
{
    net_stream_close(m->server.stream);
    net_stream_close(m->client.stream);
    net_loop_free(m->loop);
}

static struct net_stream_tls_info info_of(struct meeting *m)
{
    struct net_stream_tls_info info = {0};
    assert_non_null(m->server.stream);
    assert_true(net_stream_tls_info(m->server.stream, &info));
    return info;
}

static struct net_tls *make_server(const struct net_tls_server_config *config)
{
    struct net_tls *tls = NULL;
    const char *why = "";
    enum rc rc = net_tls_server_new(config, &tls, &why);
    if (rc != RC_OK) print_message("%s\n", why);
    assert_rc(RC_OK, rc);
    return tls;
}

/* ---- contexts ---- */

static void test_contexts_say_what_is_wrong_with_their_texts(void **state)
{
    (void)state;
    struct test_cert weak = test_cert_make(&(struct test_cert_spec){.common_name = "x"});
    const struct {
        struct net_tls_cert cert;
        struct str trust;
        enum rc rc;
        const char *why;
    } rows[] = {
        {{STR(""), str_from(weak.key_pem)},
         {0},
         RC_MALFORMED,
         "the certificate text cannot be read"},
        {{STR("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
          str_from(weak.key_pem)},
         {0},
         RC_MALFORMED,
         "the certificate text cannot be read"},
        {{str_from(weak.cert_pem), STR("no key")},
         {0},
         RC_MALFORMED,
         "the key text cannot be read"},
        {{str_from(weak.cert_pem), str_from(server_cert.key_pem)},
         {0},
         RC_INVALID,
         "the key does not belong to the certificate"},
        {test_cert_pair(&weak), STR("nothing"), RC_MALFORMED, "the trust text cannot be read"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct net_tls *tls = NULL;
        const char *why = "";
        struct net_tls_server_config config = {
            .certs = &rows[i].cert, .cert_count = 1, .trust_pem = rows[i].trust};
        assert_rc(rows[i].rc, net_tls_server_new(&config, &tls, &why));
        assert_string_equal(rows[i].why, why);
        assert_null(tls);
    }
    struct net_tls *tls = NULL;
    assert_rc(RC_INVALID, net_tls_server_new(&(struct net_tls_server_config){0}, &tls, NULL));
    test_cert_free(&weak);
}

static void test_versions_and_key_types(void **state)
{
    (void)state;
    static const struct {
        int version;
        const char *algorithms, *expected_version;
        int expected_key;
    } rows[] = {
        {TLS1_3_VERSION, NULL, "TLSv1.3", EVP_PKEY_EC},
        {TLS1_2_VERSION, NULL, "TLSv1.2", EVP_PKEY_EC},
        {TLS1_3_VERSION, "RSA-PSS+SHA256:RSA+SHA256", "TLSv1.3", EVP_PKEY_RSA},
        {TLS1_2_VERSION, "RSA-PSS+SHA256:RSA+SHA256", "TLSv1.2", EVP_PKEY_RSA},
    };
    struct net_tls_cert certs[] = {test_cert_pair(&server_cert), test_cert_pair(&server_rsa)};
    struct net_tls *server = make_server(
        &(struct net_tls_server_config){.certs = certs, .cert_count = 2});
    /* the client trusts the EC leaf's issuer, which signs with ECDSA; an RSA-only client cannot check
     * that signature, so it trusts the RSA leaf itself */
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct net_tls *client = test_client(rows[i].algorithms ? &server_rsa : &ca, NULL);
        struct meeting m;
        SSL_CTX_set_max_proto_version(client->ctx, rows[i].version);
        if (rows[i].algorithms) {
            char *algorithms = str_dup_cstr(str_from(rows[i].algorithms));
            assert_int_equal(1, SSL_CTX_set1_sigalgs_list(client->ctx, algorithms));
            free(algorithms);
        }
        meet(&m, server, client, "node.example");
        assert_string_equal(rows[i].expected_version, info_of(&m).version);
        assert_non_null(strstr(info_of(&m).cipher, "GCM"));
        const struct net_tls_peer *peer = net_stream_tls_peer(m.client.stream);
        assert_non_null(peer);
        assert_str("node", peer->common_name);
        assert_int_equal(rows[i].expected_key == EVP_PKEY_EC ? 3 : 1, peer->name_count);
        part(&m);
        net_tls_unref(client);
    }
    net_tls_unref(server);
}

static void test_old_versions_and_weak_ciphers_find_nothing_in_common(void **state)
{
    (void)state;
    struct net_tls *server = test_server(&server_cert, NULL, NULL);
    for (int i = 0; i < 2; i++) {
        struct net_tls *client = test_client(&ca, NULL);
        struct meeting m;
        SSL_CTX_set_max_proto_version(client->ctx, i == 0 ? TLS1_1_VERSION : TLS1_2_VERSION);
        SSL_CTX_set_min_proto_version(client->ctx, i == 0 ? TLS1_VERSION : TLS1_2_VERSION);
        SSL_CTX_set_security_level(client->ctx, 0);
        assert_int_equal(
            1, SSL_CTX_set_cipher_list(client->ctx,
                                       i == 0 ? "ALL:@SECLEVEL=0" : "ECDHE-ECDSA-AES128-SHA256"));
        meet(&m, server, client, "node.example");
        assert_true(m.server.failed);
        assert_string_equal("nothing-in-common", net_tls_cause_name(m.server.failure.cause));
        assert_false(m.server.failure.by_peer);
        assert_true(m.client.failed);
        assert_true(m.client.failure.by_peer);
        assert_string_equal("nothing-in-common", net_tls_cause_name(m.client.failure.cause));
        part(&m);
        net_tls_unref(client);
    }
    net_tls_unref(server);
}

/* ---- who distrusts whom ---- */

static void assert_story(const struct net_tls_failure *f, const char *expected)
{
    char text[1024];
    struct buf out;
    buf_init_fixed(&out, text, sizeof text - 1);
    net_tls_failure_print(&out, f);
    assert_str(expected, buf_str(&out));
}

static void test_a_client_that_does_not_trust_the_server_says_so_on_both_sides(void **state)
{
    (void)state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct net_tls *server = test_server(&server_cert, NULL, NULL),
                       *client = test_client(&other_ca, NULL);
        struct meeting m;
        SSL_CTX_set_max_proto_version(client->ctx, version);
        meet(&m, server, client, "node.example");
        assert_false(m.client.opened);
        assert_string_equal("unknown-ca", net_tls_cause_name(m.client.failure.cause));
        assert_false(m.client.failure.by_peer);
        assert_story(
            &m.client.failure,
            "we do not trust the peer's certificate CN=node (names node.example, *.wild.example, "
            "127.0.0.1), issued by CN=Test CA: unable to get local issuer certificate");
        assert_string_equal("unknown-ca", net_tls_cause_name(m.server.failure.cause));
        assert_true(m.server.failure.by_peer);
        assert_string_equal("unknown CA", m.server.failure.alert_name);
        assert_string_equal("node.example", m.server.failure.wanted);
        assert_story(&m.server.failure,
                     "the peer does not trust our certificate CN=node (names node.example, "
                     "*.wild.example, 127.0.0.1), issued by CN=Test CA: alert unknown CA");
        part(&m);
        net_tls_unref(server);
        net_tls_unref(client);
    }
}

static void test_names_must_match(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool fits;
    } rows[] = {
        {"node.example", true},
        {"NODE.example.", true},
        {"127.0.0.1", true},
        {"phone.wild.example", true},
        {"a.phone.wild.example", false},
        {"node", false},
        {"127.0.0.2", false},
        {"::1", false},
        {"other.example", false},
    };
    struct net_tls *server = test_server(&server_cert, NULL, NULL),
                   *client = test_client(&ca, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct meeting m;
        meet(&m, server, client, rows[i].name);
        assert_int_equal(rows[i].fits, m.client.opened);
        if (!rows[i].fits) {
            assert_string_equal("name-mismatch", net_tls_cause_name(m.client.failure.cause));
            assert_string_equal(rows[i].name, m.client.failure.wanted);
            assert_true(m.server.failure.by_peer);
        }
        part(&m);
    }
    net_tls_unref(server);
    net_tls_unref(client);
}

static void test_certificates_outside_their_time(void **state)
{
    (void)state;
    static const struct {
        long from_s, to_s;
        const char *cause;
    } rows[] = {{-7200, -3600, "expired"}, {3600, 7200, "not-yet-valid"}};
    struct net_tls *client = test_client(&ca, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct test_cert cert = test_cert_make(
            &(struct test_cert_spec){.common_name = "node",
                                     .alt_names = "DNS:node.example",
                                     .issuer = &ca,
                                     .from_s = rows[i].from_s,
                                     .to_s = rows[i].to_s});
        struct net_tls *server = test_server(&cert, NULL, NULL);
        struct meeting m;
        meet(&m, server, client, "node.example");
        assert_string_equal(rows[i].cause, net_tls_cause_name(m.client.failure.cause));
        part(&m);
        net_tls_unref(server);
        test_cert_free(&cert);
    }
    net_tls_unref(client);
}

/* ---- mutual TLS ---- */

static void test_a_client_certificate_is_shown_to_the_server(void **state)
{
    (void)state;
    struct net_tls *server = test_server(&server_cert, &ca, NULL),
                   *client = test_client(&ca, &client_cert);
    struct meeting m;
    assert_true(net_tls_asks_client_cert(server));
    meet(&m, server, client, "node.example");
    const struct net_tls_peer *peer = net_stream_tls_peer(m.server.stream);
    assert_non_null(peer);
    assert_str("edge", peer->common_name);
    assert_str("CN=edge", peer->subject);
    assert_str("CN=Test CA", peer->issuer);
    assert_int_equal(4, peer->name_count);
    assert_int_equal(NET_TLS_NAME_DNS, peer->names[0].kind);
    assert_str("edge.example", peer->names[0].value);
    assert_int_equal(NET_TLS_NAME_URI, peer->names[1].kind);
    assert_str("sip:edge.example", peer->names[1].value);
    assert_str("192.0.2.7", peer->names[2].value);
    assert_str("2001:db8::7", peer->names[3].value);
    assert_true(peer->not_after_unix_s > 1600000000);
    uint8_t digest[32];
    X509_digest(client_cert.x509, EVP_sha256(), digest, NULL);
    assert_memory_equal(digest, peer->sha256, sizeof digest);
    assert_true(net_tls_peer_has_name(peer, STR("Edge.Example")));
    assert_false(
        net_tls_peer_has_name(peer, STR("edge"))); /* it has DNS names: the CN is no name */
    part(&m);
    net_tls_unref(server);
    net_tls_unref(client);
}

static void test_of_two_common_names_the_last_counts(void **state)
{
    (void)state;
    struct test_cert cert = test_cert_make(
        &(struct test_cert_spec){.first_name = "first", .common_name = "last", .issuer = &ca});
    struct net_tls *server = test_server(&server_cert, &ca, NULL),
                   *client = test_client(&ca, &cert);
    struct meeting m;
    meet(&m, server, client, "node.example");
    const struct net_tls_peer *peer = net_stream_tls_peer(m.server.stream);
    assert_non_null(peer);
    assert_str("last", peer->common_name);
    assert_str("CN=last,CN=first", peer->subject);
    part(&m);
    net_tls_unref(server);
    net_tls_unref(client);
    test_cert_free(&cert);
}

static void test_a_missing_or_foreign_client_certificate_is_refused(void **state)
{
    (void)state;
    struct test_cert foreign = test_cert_make(
        &(struct test_cert_spec){.common_name = "stranger", .issuer = &other_ca});
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++)
        for (int with = 0; with < 2; with++) {
            struct net_tls *server = test_server(&server_cert, &ca, NULL);
            struct net_tls *client = test_client(&ca, with ? &foreign : NULL);
            struct meeting m;
            SSL_CTX_set_max_proto_version(client->ctx, version);
            meet(&m, server, client, "node.example");
            assert_false(m.server.opened);
            assert_false(m.server.failure.by_peer);
            assert_string_equal(with ? "unknown-ca" : "no-certificate",
                                net_tls_cause_name(m.server.failure.cause));
            assert_string_equal(with ? "CN=stranger" : "", m.server.failure.subject);
            assert_int_equal(NET_CLOSE_TLS, m.client.kind);
            assert_true(m.client.failure.by_peer);
            if (with)
                assert_story(&m.client.failure,
                             "the peer does not trust our certificate CN=stranger, "
                             "issued by CN=Other CA: alert unknown CA");
            if (!with && version == TLS1_3_VERSION)
                assert_string_equal("no-certificate", net_tls_cause_name(m.client.failure.cause));
            part(&m);
            net_tls_unref(server);
            net_tls_unref(client);
        }
    test_cert_free(&foreign);
}

struct gate {
    bool open;
    int asked;
};

static bool admit(void *ctx, const struct net_tls_peer *peer)
{
    struct gate *gate = ctx;
    gate->asked++;
    assert_true(net_tls_peer_has_name(peer, STR("edge.example")));
    return gate->open;
}

static struct net_tls *gated_server(struct gate *gate, size_t cache)
{
    struct net_tls_cert pair = test_cert_pair(&server_cert);
    return make_server(&(struct net_tls_server_config){.certs = &pair,
                                                       .cert_count = 1,
                                                       .trust_pem = str_from(ca.cert_pem),
                                                       .admit = admit,
                                                       .admit_ctx = gate,
                                                       .session_cache_max = cache});
}

static void test_a_trusted_client_may_still_not_be_admitted(void **state)
{
    (void)state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct gate gate = {0};
        struct net_tls *server = gated_server(&gate, version == TLS1_3_VERSION ? 0 : 8);
        struct net_tls *client = test_client(&ca, &client_cert);
        struct meeting m;
        SSL_CTX_set_max_proto_version(client->ctx, version);
        meet(&m, server, client, "node.example");
        assert_int_equal(1, gate.asked);
        assert_false(m.server.opened);
        assert_string_equal("not-admitted", net_tls_cause_name(m.server.failure.cause));
        assert_string_equal("CN=edge", m.server.failure.subject);
        assert_true(m.client.failure.by_peer);
        if (version == TLS1_3_VERSION) {
            assert_string_equal("access denied", m.client.failure.alert_name);
            assert_string_equal("not-admitted", net_tls_cause_name(m.client.failure.cause));
        }
        part(&m);
        gate.open = true;
        meet(&m, server, client, "node.example");
        assert_true(m.server.opened && m.client.opened);
        part(&m);
        net_tls_unref(server);
        net_tls_unref(client);
    }
}

static void test_a_resumed_client_is_asked_about_again(void **state)
{
    (void)state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct gate gate = {.open = true};
        struct net_tls *server = gated_server(&gate, 8), *client = test_client(&ca, &client_cert);
        struct meeting m;
        SSL_CTX_set_max_proto_version(client->ctx, version);
        meet(&m, server, client, "node.example");
        part(&m);
        meet(&m, server, client, "node.example");
        assert_true(info_of(&m).resumed);
        assert_int_equal(2, gate.asked);
        assert_str("edge", net_stream_tls_peer(m.server.stream)->common_name);
        part(&m);
        gate.open = false;
        meet(&m, server, client, "node.example");
        assert_false(m.server.opened);
        if (version == TLS1_3_VERSION)
            assert_string_equal("access denied", m.client.failure.alert_name);
        assert_string_equal("not-admitted", net_tls_cause_name(m.server.failure.cause));
        part(&m);
        net_tls_unref(server);
        net_tls_unref(client);
    }
}

/* ---- resumption ---- */

static bool resumes(struct net_tls *server, struct net_tls *client)
{
    struct meeting m;
    meet(&m, server, client, "node.example");
    bool resumed = info_of(&m).resumed;
    part(&m);
    return resumed;
}

static void test_tickets_outlive_a_change_of_certificate_and_of_keys(void **state)
{
    (void)state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct net_tls_tickets *tickets = NULL;
        assert_rc(RC_OK, net_tls_tickets_new(&tickets));
        struct net_tls *before = test_server(&server_cert, NULL, tickets);
        struct net_tls *after = test_server(&server_rsa, NULL, tickets),
                       *client = test_client(&ca, NULL);
        SSL_CTX_set_max_proto_version(client->ctx, version);
        assert_false(resumes(before, client));
        assert_true(resumes(before, client));
        assert_true(resumes(after, client));
        assert_rc(RC_OK, net_tls_tickets_rotate(tickets));
        assert_true(resumes(after, client)); /* and gets a ticket of the new key */
        assert_rc(RC_OK, net_tls_tickets_rotate(tickets));
        assert_rc(RC_OK, net_tls_tickets_rotate(tickets));
        assert_true(resumes(after, client));
        for (int i = 0; i < NET_TLS_TICKET_KEYS; i++)
            assert_rc(RC_OK, net_tls_tickets_rotate(tickets));
        assert_false(resumes(after, client));
        net_tls_tickets_unref(tickets);
        net_tls_unref(before);
        net_tls_unref(after);
        net_tls_unref(client);
    }
}

static void test_without_tickets_nothing_is_resumed(void **state)
{
    (void)state;
    struct net_tls *server = test_server(&server_cert, NULL, NULL),
                   *client = test_client(&ca, NULL);
    assert_false(resumes(server, client));
    assert_false(resumes(server, client));
    net_tls_unref(server);
    net_tls_unref(client);
}

static void test_a_client_remembers_no_more_servers_than_allowed(void **state)
{
    (void)state;
    struct net_tls_tickets *tickets = NULL;
    assert_rc(RC_OK, net_tls_tickets_new(&tickets));
    struct net_tls *server = test_server(&server_cert, NULL, tickets),
                   *client = test_client(&ca, NULL);
    for (int i = 0; i < NET_TLS_SESSIONS_MAX + 4; i++) {
        char name[32];
        struct meeting m;
        snprintf(name, sizeof name, "p%d.wild.example", i);
        meet(&m, server, client, name);
        part(&m);
    }
    size_t count = 0;
    for (const void *const *s = (const void *)client->sessions; s; s = *s)
        count++;
    assert_int_equal(NET_TLS_SESSIONS_MAX, count);
    net_tls_unref(server);
    net_tls_unref(client);
    net_tls_tickets_unref(tickets);
}

static void test_a_slot_hands_out_the_present_context(void **state)
{
    (void)state;
    struct net_tls *a = test_server(&server_cert, NULL, NULL),
                   *b = test_server(&server_rsa, NULL, NULL);
    struct net_tls_slot *slot = NULL;
    assert_rc(RC_OK, net_tls_slot_new(a, &slot));
    struct net_tls *got = net_tls_slot_get(slot);
    assert_ptr_equal(a, got);
    net_tls_unref(got);
    net_tls_slot_set(slot, b);
    net_tls_unref(a);
    got = net_tls_slot_get(slot);
    assert_ptr_equal(b, got);
    net_tls_slot_free(slot);
    net_tls_unref(b);
    net_tls_unref(got); /* the last reference */
}

static void make_both(void *ctx)
{
    (void)ctx;
    struct net_tls_tickets *tickets = NULL;
    struct net_tls *server = NULL, *client = NULL;
    struct net_tls_cert pair = test_cert_pair(&server_cert);
    struct net_tls_server_config config = {.certs = &pair, .cert_count = 1};
    if (net_tls_tickets_new(&tickets) == RC_OK) config.tickets = tickets;
    if (net_tls_server_new(&config, &server, NULL) == RC_OK) net_tls_unref(server);
    struct net_tls_client_config client_config = {.trust_pem = str_from(ca.cert_pem)};
    if (net_tls_client_new(&client_config, &client, NULL) == RC_OK) net_tls_unref(client);
    net_tls_tickets_unref(tickets);
}

static void test_no_memory_makes_no_context(void **state)
{
    (void)state;
    kit_each_alloc_fails(make_both, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contexts_say_what_is_wrong_with_their_texts),
        cmocka_unit_test(test_versions_and_key_types),
        cmocka_unit_test(test_old_versions_and_weak_ciphers_find_nothing_in_common),
        cmocka_unit_test(test_a_client_that_does_not_trust_the_server_says_so_on_both_sides),
        cmocka_unit_test(test_names_must_match),
        cmocka_unit_test(test_certificates_outside_their_time),
        cmocka_unit_test(test_a_client_certificate_is_shown_to_the_server),
        cmocka_unit_test(test_of_two_common_names_the_last_counts),
        cmocka_unit_test(test_a_missing_or_foreign_client_certificate_is_refused),
        cmocka_unit_test(test_a_trusted_client_may_still_not_be_admitted),
        cmocka_unit_test(test_a_resumed_client_is_asked_about_again),
        cmocka_unit_test(test_tickets_outlive_a_change_of_certificate_and_of_keys),
        cmocka_unit_test(test_without_tickets_nothing_is_resumed),
        cmocka_unit_test(test_a_client_remembers_no_more_servers_than_allowed),
        cmocka_unit_test(test_a_slot_hands_out_the_present_context),
        cmocka_unit_test(test_no_memory_makes_no_context),
    };
    return cmocka_run_group_tests_name("net/tls", tests, make_certs, free_certs);
}
