/* The part of the contract that an edge needs: call servers, paired edges, rules of the allow list. */
#include "kit/kit.h"

#include "store/contract.h"
#include "store/remote.h"

static const struct store_backend *backend;
static const struct store_by admin = {.who = STR_INIT("admin"), .from = STR_INIT("test")};
enum { ARENA_MAX = 16 << 20 };
#define PEM "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"

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
    assert_rc(RC_OK, backend->open(backend->ctx, &f->s, &f->why));
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    store_close(f->s);
    arena_fini(&f->a);
    free(f);
    return 0;
}

#define OK(call) assert_rc(RC_OK, (call))
#define REFUSED(rc_, call, part)                                                                   \
    do {                                                                                           \
        assert_rc((rc_), (call));                                                                  \
        if (!strstr(f->why.text, (part))) fail_msg("%s", f->why.text);                             \
    } while (0)

/* --- call servers --- */

static struct store_ucm ucm(void)
{
    return (struct store_ucm){.address = STR("ucm1.example.com"),
                              .port = 8443,
                              .username = STR("axl"),
                              .password = STR("s3cret"),
                              .tls_verify = true,
                              .enabled = true};
}

static enum rc put_ucm(struct fixture *f, const struct store_ucm *u)
{
    return store_ucm_put(f->s, &admin, STORE_PUT, u, &f->why);
}

static void test_ucm_keeps_its_password_for_the_edge_alone(void **state)
{
    struct fixture *f = *state;
    struct store_ucm u = ucm(), got;
    struct store_ucms list;
    OK(put_ucm(f, &u));
    OK(store_ucm_get(f->s, STR("UCM1.example.com"), &f->a, &got, &f->why));
    assert_str("s3cret", got.password);
    assert_int_equal(8443, got.port);
    assert_true(got.tls_verify);
    OK(store_ucm_list(f->s, NULL, &f->a, &list, &f->why));
    assert_int_equal(1, list.count);
    assert_str("", list.rows[0].password);
    u.password = STR(""); /* unchanged */
    u.port = 443;
    OK(put_ucm(f, &u));
    OK(store_ucm_get(f->s, u.address, &f->a, &got, &f->why));
    assert_str("s3cret", got.password);
    assert_int_equal(443, got.port);
}

static void test_ucm_refuses_what_makes_no_sense(void **state)
{
    struct fixture *f = *state;
    struct store_ucm u = ucm();
    u.address = STR("https://ucm1");
    REFUSED(RC_INVALID, put_ucm(f, &u), "no host name");
    u = ucm();
    u.port = 0;
    REFUSED(RC_INVALID, put_ucm(f, &u), "1 to 65535");
    u = ucm();
    u.username = STR("a:b");
    REFUSED(RC_INVALID, put_ucm(f, &u), "':'");
    u = ucm();
    u.password = STORE_CLEAR;
    REFUSED(RC_INVALID, put_ucm(f, &u), "password");
}

/* --- paired edges --- */

static struct store_peer outer(void)
{
    return (struct store_peer){.name = STR("exp-e"),
                               .role = STORE_EDGE_OUTER,
                               .host = STR("edge.example.com"),
                               .sip_port = 7001,
                               .tunnel_port = 2222,
                               .media_port = 2776,
                               .ca_pem = STR(PEM),
                               .enabled = true};
}

static enum rc put_peer(struct fixture *f, const struct store_peer *p)
{
    return store_peer_put(f->s, &admin, STORE_PUT, p, &f->why);
}

static void test_peer_keeps_what_was_put(void **state)
{
    struct fixture *f = *state;
    struct store_peer p = outer(), got;
    OK(put_peer(f, &p));
    OK(store_peer_get(f->s, STR("exp-e"), &f->a, &got, &f->why));
    assert_str(PEM, got.ca_pem);
    assert_int_equal(STORE_EDGE_OUTER, got.role);
    assert_int_equal(2776, got.media_port);
    OK(store_peer_remove(f->s, &admin, STR("exp-e"), &f->why));
    assert_rc(RC_NOT_FOUND, store_peer_get(f->s, STR("exp-e"), &f->a, &got, &f->why));
}

static void test_peer_refuses_what_makes_no_sense(void **state)
{
    struct fixture *f = *state;
    struct store_peer p = outer();
    p.name = STR("a b");
    REFUSED(RC_INVALID, put_peer(f, &p), "letters, digits");
    p = outer();
    p.host = STR("");
    REFUSED(RC_INVALID, put_peer(f, &p), "where is the outer edge");
    p = outer();
    p.media_port = 70000;
    REFUSED(RC_INVALID, put_peer(f, &p), "1 to 65535");
    p = outer();
    p.ca_pem = STR("hello");
    REFUSED(RC_INVALID, put_peer(f, &p), "no certificate");
    p = outer();
    p.role = (enum store_edge_role)7;
    REFUSED(RC_INVALID, put_peer(f, &p), "inner or outer");
    p = outer(); /* an inner edge is never dialled */
    p.role = STORE_EDGE_INNER;
    p.host = STR("");
    p.sip_port = p.tunnel_port = p.media_port = 0;
    OK(put_peer(f, &p));
}

/* --- rules --- */

static void test_rule_refuses_what_could_mean_more_than_it_says(void **state)
{
    static const struct {
        const char *url, *methods, *why;
    } bad[] = {
        {"ftp://h/x", "GET", "begins with"},      {"https://h", "GET", "host and a path"},
        {"https:///x", "GET", "host and a path"}, {"https://h/x?y=1", "GET", "no query"},
        {"https://u@h/x", "GET", "no user"},      {"https://h/a/../b", "GET", "no \"..\""},
        {"https://h/x", "GET TRACE", "TRACE is"},
    };
    struct fixture *f = *state;
    struct store_allow r = {.name = STR("photos"), .is_prefix = true}, got;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        r.url = str_from(bad[i].url);
        r.methods = str_from(bad[i].methods);
        REFUSED(RC_INVALID, store_allow_put(f->s, &admin, STORE_PUT, &r, &f->why), bad[i].why);
    }
    r.url = STR("https://photos.example.com:8443/p/");
    r.methods = STR("GET HEAD");
    OK(store_allow_put(f->s, &admin, STORE_PUT, &r, &f->why));
    OK(store_allow_get(f->s, STR("photos"), &f->a, &got, &f->why));
    assert_true(got.is_prefix);
    assert_str("GET HEAD", got.methods);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int store_remote_contract_run(const struct store_backend *b)
{
    backend = b;
    const struct CMUnitTest tests[] = {
        T(test_ucm_keeps_its_password_for_the_edge_alone),
        T(test_ucm_refuses_what_makes_no_sense),
        T(test_peer_keeps_what_was_put),
        T(test_peer_refuses_what_makes_no_sense),
        T(test_rule_refuses_what_could_mean_more_than_it_says),
    };
    return cmocka_run_group_tests_name(b->name, tests, NULL, NULL);
}
