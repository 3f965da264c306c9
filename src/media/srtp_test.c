/* media/srtp_test.c - the four suites. The packets expected were made by an independent program from
 * RFC 3711 and RFC 7714 (its key derivation gives RFC 3711, B.3). */
#include "kit/kit.h"

#include "base/base64.h"
#include "media/srtp.h"
#include "media/wire_int.h"

#include <pthread.h>
#include <stdalign.h>

struct packet {
    alignas(uint32_t) uint8_t bytes[64 + MEDIA_SRTP_ROOM];
    size_t n;
};

static struct packet of_hex(const char *hex)
{
    struct packet p = {.n = 0};
    assert_rc(RC_OK, hex_decode(str_from(hex), p.bytes, sizeof p.bytes, &p.n));
    return p;
}

static const char plain_rtp[] = "80081234decafbadcafebabeabababababababababababababababab";
static const char plain_rtcp[] = "80c90001cafebabe81cb0001cafebabe";

static const struct {
    enum media_suite suite;
    const char *name, *key, *rtp, *rtcp;
} rows[] = {
    {MEDIA_AES_CM_128_HMAC_SHA1_80, "AES_CM_128_HMAC_SHA1_80",
     "e1f97a0d3e018be0d64fa32c06de41390ec675ad498afeebb6960b3aabe6",
     "80081234decafbadcafebabe4e55dc4ce79978d88ca4d215949d240222dda409e31c141f31cc",
     "80c90001cafebabe5b48a8f185d2a8a88000000149eb80cd1409a3eea91d"},
    {MEDIA_AES_CM_128_HMAC_SHA1_32, "AES_CM_128_HMAC_SHA1_32",
     "e1f97a0d3e018be0d64fa32c06de41390ec675ad498afeebb6960b3aabe6",
     "80081234decafbadcafebabe4e55dc4ce79978d88ca4d215949d240222dda409",
     "80c90001cafebabe5b48a8f185d2a8a88000000149eb80cd1409a3eea91d"},
    {MEDIA_AEAD_AES_128_GCM, "AEAD_AES_128_GCM",
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b",
     "80081234decafbadcafebabe4ad7d8a55fb3fd902db557c94b415ecdaeba29d5a1e6c491786b4993d671d70e",
     "80c90001cafebabe4ad627131055f535680e55ee86dd7768c05f45a4a9405c5080000001"},
    {MEDIA_AEAD_AES_256_GCM, "AEAD_AES_256_GCM",
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b",
     "80081234decafbadcafebabed54ed632a76bff3fa2efbb5597a5d5e870d71778f0fcbf3561198c84def6ea80",
     "80c90001cafebabe38b53d64009194f26ffc54af469f21baa80ab2dadc56bd1880000001"},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static struct media_srtp_key key_of(size_t row)
{
    struct media_srtp_key key = {.suite = rows[row].suite};
    size_t n = 0;
    assert_rc(RC_OK, hex_decode(str_from(rows[row].key), key.bytes, sizeof key.bytes, &n));
    assert_int_equal(n, media_suite_key_len(rows[row].suite));
    return key;
}

struct pair {
    struct media_srtp *out, *in;
};

static struct pair pair_of(size_t row)
{
    struct pair p = {NULL, NULL};
    struct media_srtp_key key = key_of(row);
    assert_rc(RC_OK, media_srtp_sender_new(&key, &p.out));
    assert_rc(RC_OK, media_srtp_receiver_new(&key, &p.in));
    return p;
}

static void pair_free(struct pair p)
{
    media_srtp_free(p.out);
    media_srtp_free(p.in);
}

static void assert_packet(const char *hex, const struct packet *p)
{
    struct packet expected = of_hex(hex);
    assert_int_equal(expected.n, p->n);
    assert_memory_equal(expected.bytes, p->bytes, p->n);
}

static void test_packets_are_those_of_the_standard(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        struct pair pair = pair_of(i);
        struct packet p = of_hex(plain_rtp), c = of_hex(plain_rtcp);
        assert_str(rows[i].name, media_suite_name(rows[i].suite));
        assert_rc(RC_OK, media_srtp_protect(pair.out, p.bytes, &p.n));
        assert_packet(rows[i].rtp, &p);
        assert_rc(RC_OK, media_srtcp_protect(pair.out, c.bytes, &c.n));
        assert_packet(rows[i].rtcp, &c);
        assert_rc(RC_OK, media_srtp_unprotect(pair.in, p.bytes, &p.n));
        assert_packet(plain_rtp, &p);
        assert_rc(RC_OK, media_srtcp_unprotect(pair.in, c.bytes, &c.n));
        assert_packet(plain_rtcp, &c);
        pair_free(pair);
    }
}

static void test_every_flipped_bit_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        struct pair pair = pair_of(i);
        size_t bits = of_hex(rows[i].rtp).n * 8;
        for (size_t bit = 0; bit < bits; bit++) {
            struct packet p = of_hex(rows[i].rtp);
            p.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_true(media_srtp_unprotect(pair.in, p.bytes, &p.n) != RC_OK);
        }
        bits = of_hex(rows[i].rtcp).n * 8;
        for (size_t bit = 0; bit < bits; bit++) {
            struct packet c = of_hex(rows[i].rtcp);
            c.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_true(media_srtcp_unprotect(pair.in, c.bytes, &c.n) != RC_OK);
        }
        pair_free(pair);
    }
}

static void test_a_packet_is_taken_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        struct pair pair = pair_of(i);
        for (int again = 0; again < 2; again++) {
            struct packet p = of_hex(rows[i].rtp), c = of_hex(rows[i].rtcp);
            enum rc expected = again ? RC_EXISTS : RC_OK;
            assert_rc(expected, media_srtp_unprotect(pair.in, p.bytes, &p.n));
            assert_rc(expected, media_srtcp_unprotect(pair.in, c.bytes, &c.n));
        }
        pair_free(pair);
    }
}

static void test_another_key_opens_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        struct media_srtp_key key = key_of(i);
        struct media_srtp *in = NULL;
        struct packet p = of_hex(rows[i].rtp), c = of_hex(rows[i].rtcp);
        key.bytes[3] ^= 1;
        assert_rc(RC_OK, media_srtp_receiver_new(&key, &in));
        assert_rc(RC_DENIED, media_srtp_unprotect(in, p.bytes, &p.n));
        assert_rc(RC_DENIED, media_srtcp_unprotect(in, c.bytes, &c.n));
        media_srtp_free(in);
    }
}

static void protect(struct pair pair, uint16_t seq, uint32_t ssrc, struct packet *out)
{
    *out = of_hex(plain_rtp);
    wire_set16(out->bytes + 2, seq);
    wire_set32(out->bytes + 8, ssrc);
    assert_rc(RC_OK, media_srtp_protect(pair.out, out->bytes, &out->n));
}

static void test_sequence_numbers_wrap_into_the_next_round(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        struct pair pair = pair_of(i);
        for (uint32_t n = 65000; n < 66100; n++) {
            struct packet p;
            protect(pair, (uint16_t)n, 7, &p);
            assert_rc(RC_OK, media_srtp_unprotect(pair.in, p.bytes, &p.n));
        }
        pair_free(pair);
    }
}

static void test_old_packets_beyond_the_window_are_refused(void **state)
{
    (void)state;
    struct pair pair = pair_of(3);
    struct packet old, p;
    protect(pair, 100, 7, &old);
    for (uint16_t seq = 101; seq < 1300; seq++) {
        protect(pair, seq, 7, &p);
        assert_rc(RC_OK, media_srtp_unprotect(pair.in, p.bytes, &p.n));
    }
    assert_rc(RC_EXISTS, media_srtp_unprotect(pair.in, old.bytes, &old.n));
    pair_free(pair);
}

static void test_sources_under_one_key_are_bounded(void **state)
{
    (void)state;
    struct pair pair = pair_of(0);
    struct packet p;
    for (uint32_t ssrc = 1; ssrc <= MEDIA_SRTP_SOURCES_MAX; ssrc++) {
        protect(pair, 5, ssrc, &p);
        assert_rc(RC_OK, media_srtp_unprotect(pair.in, p.bytes, &p.n));
    }
    protect(pair, 5, 99, &p);
    assert_rc(RC_BUSY, media_srtp_unprotect(pair.in, p.bytes, &p.n));
    protect(pair, 6, 1, &p); /* those known go on */
    assert_rc(RC_OK, media_srtp_unprotect(pair.in, p.bytes, &p.n));
    pair_free(pair);
}

static void test_forged_sources_take_no_place(void **state)
{
    (void)state;
    struct pair pair = pair_of(2);
    struct packet p;
    for (uint32_t ssrc = 1; ssrc <= 2 * MEDIA_SRTP_SOURCES_MAX; ssrc++) {
        protect(pair, 5, 3, &p);
        wire_set32(p.bytes + 8, 1000 + ssrc);
        assert_true(media_srtp_unprotect(pair.in, p.bytes, &p.n) != RC_OK);
        struct media_srtp *fresh = pair.out; /* seq 5 again needs a new sender */
        struct media_srtp_key key = key_of(2);
        assert_rc(RC_OK, media_srtp_sender_new(&key, &pair.out));
        media_srtp_free(fresh);
    }
    protect(pair, 5, 3, &p);
    assert_rc(RC_OK, media_srtp_unprotect(pair.in, p.bytes, &p.n));
    pair_free(pair);
}

static void test_short_and_broken_packets(void **state)
{
    (void)state;
    struct pair pair = pair_of(3);
    struct packet whole = of_hex(rows[3].rtp), rtcp = of_hex(rows[3].rtcp);
    for (size_t n = 0; n < whole.n; n++) {
        struct packet p = whole;
        p.n = n;
        assert_true(media_srtp_unprotect(pair.in, p.bytes, &p.n) != RC_OK);
    }
    for (size_t n = 0; n < rtcp.n; n++) {
        struct packet p = rtcp;
        p.n = n;
        assert_true(media_srtcp_unprotect(pair.in, p.bytes, &p.n) != RC_OK);
    }
    pair_free(pair);
}

static void test_keys(void **state)
{
    (void)state;
    struct kit_random r;
    struct random_source random = kit_random(&r, 5);
    struct media_srtp_key a, b;
    media_srtp_key_make(&a, MEDIA_AEAD_AES_256_GCM, &random);
    media_srtp_key_make(&b, MEDIA_AEAD_AES_256_GCM, &random);
    assert_false(media_srtp_key_eq(&a, &b));
    b = a;
    assert_true(media_srtp_key_eq(&a, &b));
    b.suite = MEDIA_AEAD_AES_128_GCM;
    assert_false(media_srtp_key_eq(&a, &b));
    media_srtp_key_wipe(&a);
    for (size_t i = 0; i < sizeof a.bytes; i++)
        assert_int_equal(0, a.bytes[i]);
    struct media_srtp *srtp = NULL;
    assert_rc(RC_INVALID, media_srtp_sender_new(&a, &srtp));
}

static void *make_one(void *ctx)
{
    (void)ctx;
    pair_free(pair_of(3));
    return NULL;
}

static void test_threads_may_begin_together(void **state)
{
    (void)state;
    pthread_t threads[8];
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(0, pthread_create(&threads[i], NULL, make_one, NULL));
    for (size_t i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
}

static void make_both(void *ctx)
{
    struct media_srtp_key key = key_of(0);
    struct media_srtp *out = NULL, *in = NULL;
    (void)ctx;
    (void)!media_srtp_sender_new(&key, &out);
    (void)!media_srtp_receiver_new(&key, &in);
    media_srtp_free(out);
    media_srtp_free(in);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    kit_each_alloc_fails(make_both, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads_may_begin_together),
        cmocka_unit_test(test_packets_are_those_of_the_standard),
        cmocka_unit_test(test_every_flipped_bit_is_refused),
        cmocka_unit_test(test_a_packet_is_taken_once),
        cmocka_unit_test(test_another_key_opens_nothing),
        cmocka_unit_test(test_sequence_numbers_wrap_into_the_next_round),
        cmocka_unit_test(test_old_packets_beyond_the_window_are_refused),
        cmocka_unit_test(test_sources_under_one_key_are_bounded),
        cmocka_unit_test(test_forged_sources_take_no_place),
        cmocka_unit_test(test_short_and_broken_packets),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests_name("media/srtp", tests, NULL, NULL);
}
