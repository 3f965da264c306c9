/* What becomes of a session description at an edge. */
#include "kit/kit.h"

#include "edge/mediasdp.h"

static const char offer[] =
    "v=0\r\no=- 12 3 IN IP4 10.0.0.7\r\ns=-\r\nc=IN IP4 10.0.0.7\r\nt=0 0\r\n"
    "a=ice-options:trickle\r\n"
    "m=audio 40000 RTP/SAVP 0 101\r\n"
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:abc\r\na=rtcp:40001\r\n"
    "a=candidate:1 1 UDP 1 10.0.0.7 40000 typ host\r\na=sendrecv\r\n"
    "m=video 40002 RTP/SAVP 97\r\nc=IN IP4 10.0.0.8\r\na=rtcp-mux\r\n"
    "m=message 9 TCP/MSRP *\r\n";

static struct sip_sdp read_sdp(const char *text)
{
    struct sip_sdp sdp;
    assert_rc(RC_OK, sip_sdp_parse(str_from(text), &sdp, NULL));
    return sdp;
}

static const char *printed(struct buf *b)
{
    buf_put_char(b, '\0');
    assert_rc(RC_OK, buf_rc(b));
    return b->p;
}

static void test_addresses_and_ports_change_and_nothing_else(void **state)
{
    (void)state;
    struct sip_sdp sdp = read_sdp(offer);
    struct net_addr addr = net_addr_v4(203, 0, 113, 5, 0);
    const uint16_t ports[EDGE_STREAMS_MAX] = {36000, 36002};
    struct buf b;
    buf_init(&b, 4096);
    edge_sdp_print(&sdp, &addr, ports, &b);
    assert_string_equal(
        "v=0\r\no=- 12 3 IN IP4 203.0.113.5\r\ns=-\r\nc=IN IP4 203.0.113.5\r\nt=0 0\r\n"
        "m=audio 36000 RTP/SAVP 0 101\r\n"
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:abc\r\na=rtcp:36001\r\n"
        "a=sendrecv\r\n"
        "m=video 36002 RTP/SAVP 97\r\nc=IN IP4 203.0.113.5\r\na=rtcp-mux\r\n"
        "m=message 0 TCP/MSRP *\r\n",
        printed(&b));
    buf_fini(&b);
}

static void test_what_is_relayed_and_where_it_is_taken(void **state)
{
    (void)state;
    struct sip_sdp sdp = read_sdp(offer);
    struct net_addr rtp, rtcp;
    char text[NET_ADDR_TEXT_MAX];
    assert_true(edge_sdp_is_relayed(&sdp, 0) && edge_sdp_is_relayed(&sdp, 1));
    assert_false(edge_sdp_is_relayed(&sdp, 2) || edge_sdp_is_relayed(&sdp, 3));
    assert_rc(RC_OK, edge_sdp_place(&sdp.media[0], &rtp, &rtcp));
    assert_str("10.0.0.7:40000", net_addr_text(&rtp, text));
    assert_str("10.0.0.7:40001", net_addr_text(&rtcp, text));
    assert_rc(RC_OK, edge_sdp_place(&sdp.media[1], &rtp, &rtcp));
    assert_str("10.0.0.8:40002", net_addr_text(&rtp, text));
    assert_int_equal(NET_NONE, rtcp.family);
    sdp = read_sdp("v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\nc=IN IP4 host.example.com\r\nt=0 0\r\n"
                   "m=audio 4 RTP/AVP 0\r\n");
    assert_rc(RC_UNSUPPORTED, edge_sdp_place(&sdp.media[0], &rtp, &rtcp));
}

static void test_a_call_is_named_once_and_read_back(void **state)
{
    (void)state;
    struct sip_sdp sdp = read_sdp(offer), again;
    struct buf b, c;
    buf_init(&b, 4096);
    buf_init(&c, 4096);
    assert_true(edge_sdp_call(&sdp) == 0);
    edge_sdp_print_named(&sdp, 0xabc, &b);
    assert_rc(RC_OK, sip_sdp_parse(buf_str(&b), &again, NULL));
    assert_true(edge_sdp_call(&again) == 0xabc);
    edge_sdp_print_named(&again, 0x1234567890abcdef, &c);
    assert_rc(RC_OK, sip_sdp_parse(buf_str(&c), &again, NULL));
    assert_true(edge_sdp_call(&again) == 0x1234567890abcdef);
    buf_reset(&b);
    edge_sdp_print_named(&again, 0, &b); /* a phone's own word for it does not count */
    assert_string_equal(offer, printed(&b));
    buf_fini(&b);
    buf_fini(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses_and_ports_change_and_nothing_else),
        cmocka_unit_test(test_what_is_relayed_and_where_it_is_taken),
        cmocka_unit_test(test_a_call_is_named_once_and_read_back),
    };
    return cmocka_run_group_tests_name("edge/mediasdp", tests, NULL, NULL);
}
