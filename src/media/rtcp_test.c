/* media/rtcp_test.c - RTCP and what a receiver knows of a source. */
#include "kit/kit.h"

#include "base/base64.h"
#include "media/reception.h"

static enum rc read_hex(const char *hex, struct media_rtcp *last, unsigned *count)
{
    uint8_t bytes[256];
    size_t n = 0;
    struct media_rtcp_reader reader;
    assert_rc(RC_OK, hex_decode(str_from(hex), bytes, sizeof bytes, &n));
    struct str guarded = kit_guard(bytes_str(bytes_of(bytes, n)));
    *count = 0;
    enum rc rc = media_rtcp_begin(str_bytes(guarded), &reader);
    while (rc == RC_OK && (rc = media_rtcp_next(&reader, last)) == RC_OK)
        ++*count;
    kit_guard_free(guarded);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

#define SR     "80c8000600000001" /* empty sender report: 20 bytes follow */
#define ZERO20 "0000000000000000000000000000000000000000"
#define RR     "80c9000100000001"

static void test_rows(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        enum rc rc;
        unsigned count;
    } rows[] = {
        {RR, RC_OK, 1},
        {SR ZERO20, RC_OK, 1},
        {RR "81cb000100000001", RC_OK, 2},
        {RR "81ca00030000000101027878000000"
            "00",
         RC_OK, 2},
        {RR "80cc0003000000014142434400000000", RC_OK, 1}, /* APP is stepped over */
        {RR "80d00001"
            "00000000",
         RC_OK, 1}, /* and what nobody knows */
        {RR "a1cb0002"
            "00000001"
            "00000004",
         RC_OK, 2},                            /* padding in the last */
        {"81cb000100000001", RC_MALFORMED, 0}, /* BYE first */
        {"81c9000100000001", RC_MALFORMED, 0}, /* a block announced */
        {"80c9000200000001", RC_MALFORMED, 0}, /* longer than it is */
        {RR "81cb0001", RC_MALFORMED, 0},
        {RR "41cb000100000001", RC_MALFORMED, 0}, /* version */
        {"a0c9000200000001"
         "00000004" RR,
         RC_MALFORMED, 0},                                /* padding before the last */
        {RR "a1cb000100000005", RC_MALFORMED, 1},         /* more padding than packet */
        {RR "81ca00020000000101ff7878", RC_MALFORMED, 1}, /* an item too long */
        {RR "81ca0002000000010102"
            "7878",
         RC_MALFORMED, 1},                        /* no end of items */
        {RR "82cb000100000001", RC_MALFORMED, 1}, /* two sources, one there */
        {RR "81cb000200000001"
            "05616263",
         RC_MALFORMED, 1},                     /* the reason is cut */
        {"80c8000100000001", RC_MALFORMED, 0}, /* a sender report too short */
        {"80c9", RC_MALFORMED, 0},
        {"", RC_MALFORMED, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct media_rtcp last;
        unsigned count;
        assert_rc(rows[i].rc, read_hex(rows[i].hex, &last, &count));
        assert_int_equal(rows[i].count, count);
    }
}

static void test_print_parses_back(void **state)
{
    (void)state;
    uint8_t bytes[256];
    struct buf out;
    struct media_rtcp_reader reader;
    struct media_rtcp p;
    struct media_rtcp_sender sender = {UINT64_C(0x1122334455667788), 99, 7, 1120};
    struct media_rtcp_block block = {5, 128, -3, 0x10001, 44, 0x33445566, 655360};
    buf_init_fixed(&out, bytes, sizeof bytes);
    media_rtcp_print_report(&out, 42, &sender, &block, 1);
    media_rtcp_print_cname(&out, 42, STR("abc"));
    media_rtcp_print_bye(&out, 42);
    assert_rc(RC_OK, buf_rc(&out));
    assert_rc(RC_OK, media_rtcp_begin(bytes_of(bytes, out.n), &reader));
    assert_rc(RC_OK, media_rtcp_next(&reader, &p));
    assert_int_equal(MEDIA_RTCP_SR, p.kind);
    assert_true(p.sender.ntp == sender.ntp && p.sender.octets == 1120 && p.sender.packets == 7);
    assert_int_equal(1, p.block_count);
    assert_int_equal(-3, p.blocks[0].lost);
    assert_int_equal(128, p.blocks[0].fraction_lost);
    assert_int_equal(655360, p.blocks[0].delay_since_last_sr);
    assert_rc(RC_OK, media_rtcp_next(&reader, &p));
    assert_str("abc", p.cname);
    assert_rc(RC_OK, media_rtcp_next(&reader, &p));
    assert_int_equal(MEDIA_RTCP_BYE, p.kind);
    assert_true(media_rtcp_bye_names(&p, 42));
    assert_false(media_rtcp_bye_names(&p, 43));
    assert_rc(RC_NOT_FOUND, media_rtcp_next(&reader, &p));
}

/* Every length of a name leaves a whole number of words and an end of items. */
static void test_names_of_every_length(void **state)
{
    (void)state;
    char name[300];
    memset(name, 'x', sizeof name);
    for (size_t n = 0; n < sizeof name; n++) {
        uint8_t bytes[512];
        struct buf out;
        struct media_rtcp_reader reader;
        struct media_rtcp p;
        buf_init_fixed(&out, bytes, sizeof bytes);
        media_rtcp_print_report(&out, 1, NULL, NULL, 0);
        media_rtcp_print_cname(&out, 1, str_of(name, n));
        assert_int_equal(0, out.n % 4);
        assert_rc(RC_OK, media_rtcp_begin(bytes_of(bytes, out.n), &reader));
        assert_rc(RC_OK, media_rtcp_next(&reader, &p));
        assert_rc(RC_OK, media_rtcp_next(&reader, &p));
        assert_int_equal(n < 255 ? n : 255, p.cname.n);
    }
}

/* ---- reception ---- */

static void take(struct media_reception *r, uint16_t seq, uint64_t now_ms, bool counts)
{
    assert_int_equal(counts, media_reception_packet(r, seq, (uint32_t)seq * 160, now_ms));
}

static void test_two_packets_in_a_row_begin_a_source(void **state)
{
    (void)state;
    struct media_reception r;
    media_reception_init(&r, 1, 100, 8000, false);
    take(&r, 100, 0, false);
    take(&r, 105, 0, false); /* no neighbour: begins again */
    take(&r, 106, 0, true);
    take(&r, 107, 0, true);
    assert_int_equal(2, media_reception_expected(&r));
    media_reception_init(&r, 1, 100, 8000, true);
    take(&r, 100, 0, true);
    assert_int_equal(1, media_reception_expected(&r));
}

static void test_loss_is_counted_over_the_wrap(void **state)
{
    (void)state;
    struct media_reception r;
    struct media_rtcp_block block;
    media_reception_init(&r, 1, 65530, 8000, true);
    for (uint32_t i = 65530; i < 65550; i++)
        if (i % 4 != 0) take(&r, (uint16_t)i, i, true);
    assert_int_equal(20, media_reception_expected(&r));
    assert_int_equal(5, media_reception_lost(&r));
    media_reception_block(&r, 0, &block);
    assert_int_equal(64, block.fraction_lost);
    assert_int_equal(5, block.lost);
    assert_int_equal(65536 + 13, block.highest_seq);
    media_reception_block(&r, 0, &block);
    assert_int_equal(0, block.fraction_lost); /* nothing since */
}

static void test_a_wild_jump_needs_two(void **state)
{
    (void)state;
    struct media_reception r;
    media_reception_init(&r, 1, 10, 8000, true);
    take(&r, 10, 0, true);
    take(&r, 30000, 0, false);
    take(&r, 11, 0, true);
    take(&r, 40000, 0, false);
    take(&r, 40001, 0, true);
    assert_int_equal(1, media_reception_expected(&r));
    take(&r, 39990, 0, true); /* late, not lost */
}

static void test_jitter_follows_arrivals(void **state)
{
    (void)state;
    struct media_reception r;
    media_reception_init(&r, 1, 0, 8000, true);
    for (uint16_t i = 0; i < 200; i++)
        take(&r, i, 1000 + i * 20u, true);
    assert_true(media_reception_jitter_ms(&r) < 0.01);
    for (uint16_t i = 200; i < 600; i++)
        take(&r, i, 1000 + i * 20u + (i % 2) * 10, true);
    assert_true(media_reception_jitter_ms(&r) > 9 && media_reception_jitter_ms(&r) < 10.5);
}

static void test_round_trip(void **state)
{
    (void)state;
    struct media_rtcp_block block = {.last_sr = 0};
    uint64_t sent = UINT64_C(1000) << 32;
    assert_int_equal(-1, media_round_trip(&block, sent));
    block.last_sr = (uint32_t)(sent >> 16);
    block.delay_since_last_sr = 2 * 65536;
    assert_int_equal(65536 / 2, media_round_trip(&block, sent + (UINT64_C(5) << 31)));
    assert_int_equal(0, media_round_trip(&block, sent + (UINT64_C(2) << 32) - (1 << 20)));
    assert_int_equal(-1, media_round_trip(&block, sent)); /* it cannot have come back before */
}

static void test_the_block_tells_when_the_report_came(void **state)
{
    (void)state;
    struct media_reception r;
    struct media_rtcp_block block;
    media_reception_init(&r, 9, 0, 8000, true);
    take(&r, 0, 0, true);
    media_reception_sender_report(&r, UINT64_C(0xAAAABBBBCCCCDDDD), 5000);
    media_reception_block(&r, 5500, &block);
    assert_true(block.last_sr == 0xBBBBCCCC);
    assert_int_equal(32768, block.delay_since_last_sr);
    assert_int_equal(9, block.ssrc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_print_parses_back),
        cmocka_unit_test(test_names_of_every_length),
        cmocka_unit_test(test_two_packets_in_a_row_begin_a_source),
        cmocka_unit_test(test_loss_is_counted_over_the_wrap),
        cmocka_unit_test(test_a_wild_jump_needs_two),
        cmocka_unit_test(test_jitter_follows_arrivals),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_the_block_tells_when_the_report_came),
    };
    return cmocka_run_group_tests_name("media/rtcp", tests, NULL, NULL);
}
