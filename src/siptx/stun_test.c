/* STUN binding: the known answer bytes, both families, fingerprints, and what is dropped. */
#include "kit/kit.h"

#include "siptx/stun.h"

static const uint8_t request[20] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1,  2,
                                    3, 4, 5, 6, 7,    8,    9,    10,   11, 12};

static struct bytes answer(struct bytes in, const struct net_addr *peer, enum rc want,
                           uint8_t out[SIPTX_STUN_ANSWER_MAX])
{
    struct buf b;
    struct str guarded = kit_guard(bytes_str(in));
    buf_init_fixed(&b, out, SIPTX_STUN_ANSWER_MAX);
    assert_rc(want, siptx_stun_answer(str_bytes(guarded), peer, &b));
    kit_guard_free(guarded);
    return str_bytes(buf_str(&b));
}

static void test_binding_is_answered_with_the_mapped_address(void **state)
{
    (void)state;
    uint8_t out[SIPTX_STUN_ANSWER_MAX];
    struct net_addr peer = net_addr_v4(192, 0, 2, 1, 32853); /* the address of RFC 5769, 2.2 */
    struct bytes a = answer(bytes_of(request, 20), &peer, RC_OK, out);
    static const uint8_t want[12] = {0, 0x20, 0, 8, 0, 1, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43};
    assert_int_equal(32, a.n);
    assert_memory_equal(want, a.p + 20, 12);
    assert_int_equal(0x01, a.p[0]);
    assert_int_equal(0x01, a.p[1]);
    assert_int_equal(12, a.p[3]);
    assert_memory_equal(request + 4, a.p + 4, 16);
    assert_true(siptx_stun_is_success(a, request + 8));
    assert_false(siptx_stun_is_success(a, request + 7));
    assert_false(siptx_stun_is_success(bytes_of(request, 20), request + 8));
}

static void test_ipv6_is_mixed_with_cookie_and_id(void **state)
{
    (void)state;
    uint8_t out[SIPTX_STUN_ANSWER_MAX];
    struct net_addr peer;
    assert_rc(RC_OK, net_addr_parse(STR("[2001:db8::1]:5060"), &peer));
    struct bytes a = answer(bytes_of(request, 20), &peer, RC_OK, out);
    assert_int_equal(44, a.n);
    assert_int_equal(2, a.p[25]);
    for (int i = 0; i < 16; i++)
        assert_int_equal(peer.ip[i], a.p[28 + i] ^ request[4 + i]);
}

static void test_fingerprint_is_checked_and_given_back(void **state)
{
    (void)state;
    /* The CRC is written down here a second time, after RFC 8489, 14.7. */
    uint8_t in[28], out[SIPTX_STUN_ANSWER_MAX];
    struct net_addr peer = net_addr_v4(192, 0, 2, 1, 5060);
    memcpy(in, request, 20);
    in[3] = 8;
    uint32_t crc = 0xffffffff;
    for (int i = 0; i < 20; i++) {
        crc ^= in[i];
        for (int k = 0; k < 8; k++)
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
    }
    crc = ~crc ^ 0x5354554e;
    const uint8_t fp[8] = {
        0x80,        0x28, 0, 4, (uint8_t)(crc >> 24), (uint8_t)(crc >> 16), (uint8_t)(crc >> 8),
        (uint8_t)crc};
    memcpy(in + 20, fp, 8);
    struct bytes a = answer(bytes_of(in, 28), &peer, RC_OK, out);
    assert_int_equal(40, a.n);
    assert_int_equal(20, a.p[3]);
    assert_true(siptx_stun_is_success(a, request + 8)); /* its fingerprint fits */
    out[39] ^= 1;
    assert_false(siptx_stun_is_success(a, request + 8));
    in[27] ^= 1;
    answer(bytes_of(in, 28), &peer, RC_MALFORMED, out);
}

static void test_unknown_attributes_that_matter_get_420(void **state)
{
    (void)state;
    uint8_t in[32], out[SIPTX_STUN_ANSWER_MAX];
    struct net_addr peer = net_addr_v4(192, 0, 2, 1, 5060);
    static const uint8_t attributes[12] = {0, 6, 0, 3, 'a', 'b', 'c', 0, 0x80, 0x22, 0, 0};
    memcpy(in, request, 20);
    memcpy(in + 20, attributes, 12);
    in[3] = 12;
    struct bytes a = answer(bytes_of(in, 32), &peer, RC_OK, out);
    static const uint8_t want[16] = {0, 9, 0, 4, 0, 0, 4, 20, 0, 10, 0, 2, 0, 6, 0, 0};
    assert_int_equal(36, a.n);
    assert_int_equal(0x11, a.p[1]);
    assert_memory_equal(want, a.p + 20, 16);
    in[20] = 0x80; /* optional: ignored */
    assert_int_equal(32, answer(bytes_of(in, 32), &peer, RC_OK, out).n);
}

static void test_what_is_no_binding_request(void **state)
{
    (void)state;
    uint8_t in[24], out[SIPTX_STUN_ANSWER_MAX];
    struct net_addr peer = net_addr_v4(192, 0, 2, 1, 5060);
    for (size_t n = 0; n < 20; n++) {
        assert_false(siptx_stun_is(bytes_of(request, n)));
        answer(bytes_of(request, n), &peer, RC_MALFORMED, out);
    }
    memcpy(in, request, 20);
    memset(in + 20, 0, 4);
    answer(bytes_of(in, 24), &peer, RC_MALFORMED, out); /* length says 0 */
    in[3] = 4;
    in[23] = 1; /* an attribute of one byte that is not there */
    answer(bytes_of(in, 24), &peer, RC_MALFORMED, out);
    in[3] = 0;
    in[0] = 1; /* an answer, or another method */
    answer(bytes_of(in, 20), &peer, RC_UNSUPPORTED, out);
    assert_false(siptx_stun_is(str_bytes(STR("OPTIONS sip:a@b SIP/2.0"))));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_binding_is_answered_with_the_mapped_address),
        cmocka_unit_test(test_ipv6_is_mixed_with_cookie_and_id),
        cmocka_unit_test(test_fingerprint_is_checked_and_given_back),
        cmocka_unit_test(test_unknown_attributes_that_matter_get_420),
        cmocka_unit_test(test_what_is_no_binding_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
