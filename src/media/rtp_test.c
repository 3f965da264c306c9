/* media/rtp_test.c */
#include "kit/kit.h"

#include "base/base64.h"
#include "media/rtp.h"

static enum rc parse_hex(const char *hex, struct media_rtp *out)
{
    uint8_t bytes[256];
    size_t n = 0;
    assert_rc(RC_OK, hex_decode(str_from(hex), bytes, sizeof bytes, &n));
    struct str guarded = kit_guard(bytes_str(bytes_of(bytes, n)));
    enum rc rc = media_rtp_parse(str_bytes(guarded), out);
    kit_guard_free(guarded);
    return rc;
}

static void test_rows(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        enum rc rc;
        unsigned type, csrc, extension, payload; /* bytes */
        bool marker;
    } rows[] = {
        {"8008000100000002000000030a0b", RC_OK, 8, 0, 0, 2, false},
        {"80e5ffff0000000200000003", RC_OK, 101, 0, 0, 0, true},
        {"820000010000000200000003000000040000000501", RC_OK, 0, 2, 0, 1, false},
        {"9000000100000002000000031234000211111111222222220102", RC_OK, 0, 0, 8, 2, false},
        {"900000010000000200000003123400000102", RC_OK, 0, 0, 0, 2, false},
        {"a000000100000002000000030102000003", RC_OK, 0, 0, 0, 2, false},
        {"a0000001000000020000000302", RC_MALFORMED, 0, 0, 0, 0, false}, /* padding over all */
        {"a00000010000000200000003010200", RC_MALFORMED, 0, 0, 0, 0, false},
        {"a00000010000000200000003", RC_MALFORMED, 0, 0, 0, 0, false},
        {"400800010000000200000003", RC_MALFORMED, 0, 0, 0, 0, false},   /* version 1 */
        {"8008000100000002000000", RC_MALFORMED, 0, 0, 0, 0, false},     /* 11 bytes */
        {"81080001000000020000000300", RC_MALFORMED, 0, 0, 0, 0, false}, /* a CSRC cut */
        {"90080001000000020000000312340002111111", RC_MALFORMED, 0, 0, 0, 0, false},
        {"900800010000000200000003123400", RC_MALFORMED, 0, 0, 0, 0, false},
        {"", RC_MALFORMED, 0, 0, 0, 0, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct media_rtp p;
        assert_rc(rows[i].rc, parse_hex(rows[i].hex, &p));
        if (rows[i].rc != RC_OK) continue;
        assert_int_equal(rows[i].type, p.payload_type);
        assert_int_equal(rows[i].csrc, p.csrc_count);
        assert_int_equal(rows[i].extension, p.extension.n);
        assert_int_equal(rows[i].payload, p.payload.n);
        assert_int_equal(rows[i].marker, p.marker);
        assert_int_equal(2, p.timestamp);
        assert_int_equal(3, p.ssrc);
    }
}

static void test_print_parses_back(void **state)
{
    (void)state;
    static const uint8_t extension[4] = {1, 2, 3, 4}, payload[3] = {9, 8, 7};
    struct media_rtp p = {.payload_type = 96,
                          .marker = true,
                          .seq = 65535,
                          .timestamp = 1u << 31,
                          .ssrc = 0xFFFFFFFF,
                          .csrc_count = 2,
                          .csrc = {5, 6},
                          .has_extension = true,
                          .extension_profile = 0xBEDE,
                          .extension = bytes_of(extension, 4),
                          .payload = bytes_of(payload, 3)};
    struct media_rtp q;
    uint8_t bytes[64];
    struct buf out;
    buf_init_fixed(&out, bytes, sizeof bytes);
    media_rtp_print(&out, &p);
    assert_rc(RC_OK, buf_rc(&out));
    assert_rc(RC_OK, media_rtp_parse(bytes_of(bytes, out.n), &q));
    assert_int_equal(p.seq, q.seq);
    assert_int_equal(p.timestamp, q.timestamp);
    assert_int_equal(p.ssrc, q.ssrc);
    assert_int_equal(6, q.csrc[1]);
    assert_int_equal(0xBEDE, q.extension_profile);
    assert_memory_equal(extension, q.extension.p, 4);
    assert_memory_equal(payload, q.payload.p, 3);
}

static void test_rtcp_on_the_same_port_is_told_apart(void **state)
{
    (void)state;
    for (unsigned second = 0; second < 256; second++) {
        uint8_t bytes[2] = {0x80, (uint8_t)second};
        assert_int_equal(second >= 192 && second <= 223, media_is_rtcp(bytes_of(bytes, 2)));
    }
    assert_false(media_is_rtcp(bytes_of("\x80", 1)));
}

static void test_differences_wrap(void **state)
{
    (void)state;
    assert_int_equal(1, media_seq_diff(0, 65535));
    assert_int_equal(-1, media_seq_diff(65535, 0));
    assert_int_equal(160, media_ts_diff(100, 0xFFFFFFFF - 59));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_print_parses_back),
        cmocka_unit_test(test_rtcp_on_the_same_port_is_told_apart),
        cmocka_unit_test(test_differences_wrap),
    };
    return cmocka_run_group_tests_name("media/rtp", tests, NULL, NULL);
}
