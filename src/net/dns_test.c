/* net/dns_test.c - SRV records out of raw answers, and the order to try them (RFC 2782). */
#include "kit/kit.h"

#include "net/dns_int.h"

#define HEADER(questions, answers)                                                                 \
    "\x12\x34\x81\x80\x00" questions "\x00" answers "\x00\x00\x00\x00"
#define QUESTION    "\x04_sip\x04_tcp\x01x\x00\x00\x21\x00\x01"
#define TO_QUESTION "\xc0\x0c" /* a pointer to the question's name */
#define SRV_CLASS   "\x00\x21\x00\x01"

static enum rc parse(const char *p, size_t n, struct net_srv *srvs, size_t *count, uint32_t *ttl_s)
{
    struct str guarded = kit_guard(str_of(p, n));
    enum rc rc = dns_srv_parse(str_bytes(guarded), srvs, count, ttl_s);
    kit_guard_free(guarded);
    return rc;
}

static const char two_records[] = HEADER("\x01", "\x03") QUESTION
    /* a CNAME first: skipped */
    TO_QUESTION
    "\x00\x05\x00\x01\x00\x00\x00\x05\x00\x02\xc0\x0c" TO_QUESTION SRV_CLASS
    "\x00\x00\x01\x2c\x00\x0b\x00\x0a\x00\x3c\x13\xc4\x02n1\xc0\x16" TO_QUESTION SRV_CLASS
    "\x00\x00\x00\x3c\x00\x10\x00\x14\x00\x00\x13\xc5\x02n2\x01y\x03org\x00";

static void test_records_with_compressed_and_whole_names(void **state)
{
    (void)state;
    struct net_srv srvs[NET_RESOLVED_MAX];
    size_t count;
    uint32_t ttl_s;
    assert_rc(RC_OK, parse(two_records, sizeof two_records - 1, srvs, &count, &ttl_s));
    assert_int_equal(2, count);
    assert_int_equal(60, ttl_s);
    assert_string_equal("n1.x", srvs[0].target);
    assert_int_equal(10, srvs[0].priority);
    assert_int_equal(60, srvs[0].weight);
    assert_int_equal(5060, srvs[0].port);
    assert_string_equal("n2.y.org", srvs[1].target);
}

static void test_every_cut_of_an_answer_is_malformed(void **state)
{
    (void)state;
    struct net_srv srvs[NET_RESOLVED_MAX];
    size_t count;
    uint32_t ttl_s;
    for (size_t n = 0; n < sizeof two_records - 1; n++)
        assert_rc(RC_MALFORMED, parse(two_records, n, srvs, &count, &ttl_s));
}

static void test_answers_that_do_not_hold(void **state)
{
    (void)state;
#define ROW(text)                                                                                  \
    {                                                                                              \
        text, sizeof text - 1                                                                      \
    }
    static const struct str rows[] = {
        /* a target that points to itself */
        ROW(HEADER("\x00", "\x01") "\x00" SRV_CLASS
                                   "\x00\x00\x00\x01\x00\x08\x00\x00\x00\x00\x13\xc4\xc0\x1d"),
        /* a label with a space in the target */
        ROW(HEADER("\x00", "\x01") "\x00" SRV_CLASS
                                   "\x00\x00\x00\x01\x00\x0b\x00\x00\x00\x00\x13\xc4\x03"
                                   "a b\x00"),
        /* a reserved label type */
        ROW(HEADER("\x00", "\x01") "\x00" SRV_CLASS
                                   "\x00\x00\x00\x01\x00\x08\x00\x00\x00\x00\x13\xc4\x40\x00"),
        /* data longer than the record needs */
        ROW(HEADER("\x00", "\x01") "\x00" SRV_CLASS
                                   "\x00\x00\x00\x01\x00\x0a\x00\x00\x00\x00\x13\xc4\x01"
                                   "a\x00\x00"),
        /* data shorter than the record needs */
        ROW(HEADER("\x00", "\x01") "\x00" SRV_CLASS "\x00\x00\x00\x01\x00\x03\x00\x00\x00"),
    };
    struct net_srv srvs[NET_RESOLVED_MAX];
    size_t count;
    uint32_t ttl_s;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum rc rc = parse(rows[i].p, rows[i].n, srvs, &count, &ttl_s);
        assert_rc(RC_MALFORMED, rc);
    }
    static const char none[] = HEADER("\x01", "\x00") QUESTION;
    assert_rc(RC_NOT_FOUND, parse(none, sizeof none - 1, srvs, &count, &ttl_s));
}

static void test_more_records_than_wanted_are_dropped(void **state)
{
    (void)state;
    static const char record[] = "\x00" SRV_CLASS
                                 "\x00\x00\x00\x01\x00\x09\x00\x00\x00\x00\x13\xc4\x01"
                                 "a\x00";
    char answer[12 + 40 * (sizeof record - 1)] = {[7] = 40};
    for (size_t i = 0; i < 40; i++)
        memcpy(answer + 12 + i * (sizeof record - 1), record, sizeof record - 1);
    struct net_srv srvs[NET_RESOLVED_MAX];
    size_t count;
    uint32_t ttl_s;
    assert_rc(RC_OK, parse(answer, sizeof answer, srvs, &count, &ttl_s));
    assert_int_equal(NET_RESOLVED_MAX, count);
}

static void test_priorities_stand_in_order(void **state)
{
    (void)state;
    struct kit_random seed;
    struct random_source random = kit_random(&seed, 1);
    struct net_srv srvs[] = {{.target = "c", .priority = 30},
                             {.target = "a", .priority = 10},
                             {.target = "b", .priority = 20, .weight = 500}};
    dns_srv_order(srvs, 3, &random);
    assert_string_equal("a", srvs[0].target);
    assert_string_equal("b", srvs[1].target);
    assert_string_equal("c", srvs[2].target);
    dns_srv_order(srvs, 0, &random);
}

/* Weight 3 against 1: first about three times out of four, yet never always. */
static void test_weights_share_the_first_place(void **state)
{
    (void)state;
    enum { ROUNDS = 4000 };
    struct kit_random seed;
    struct random_source random = kit_random(&seed, 7);
    int heavy_first = 0, zero_first = 0;
    for (int i = 0; i < ROUNDS; i++) {
        struct net_srv srvs[] = {{.target = "light", .weight = 100},
                                 {.target = "zero", .weight = 0},
                                 {.target = "heavy", .weight = 300}};
        dns_srv_order(srvs, 3, &random);
        heavy_first += strcmp(srvs[0].target, "heavy") == 0;
        zero_first += strcmp(srvs[0].target, "zero") == 0;
    }
    assert_in_range(heavy_first, ROUNDS * 70 / 100, ROUNDS * 80 / 100);
    assert_in_range(zero_first, 1, ROUNDS / 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_with_compressed_and_whole_names),
        cmocka_unit_test(test_every_cut_of_an_answer_is_malformed),
        cmocka_unit_test(test_answers_that_do_not_hold),
        cmocka_unit_test(test_more_records_than_wanted_are_dropped),
        cmocka_unit_test(test_priorities_stand_in_order),
        cmocka_unit_test(test_weights_share_the_first_place),
    };
    return cmocka_run_group_tests_name("net/dns", tests, NULL, NULL);
}
