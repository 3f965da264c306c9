/* Any body: what parses is read through, printed without keys, and is the same session then. */
#include "base/check.h"
#include "sip/sdes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_read(const struct sip_sdp_media *m)
{
    struct cur c = cur_of(m->formats);
    struct sip_sdp_rtpmap map;
    struct sip_sdes crypto;
    struct sip_host host;
    uint16_t port;
    unsigned payload;
    while (sip_sdp_payload_next(m, &c, &payload)) {
        if (sip_sdp_rtpmap_find(m, payload, &map) == RC_OK) CHECK(map.clock_hz > 0);
        (void)sip_sdp_fmtp_find(m, payload);
    }
    c = cur_of(m->lines);
    while (sip_sdes_next(&c, &crypto)) {
        CHECK(m->has_crypto && crypto.key_len >= 28 && crypto.key_count > 0);
    }
    (void)sip_sdp_ptime_ms(m);
    if (sip_sdp_rtcp(m, &port, &host)) CHECK(port > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sip_sdp a, b;
    struct buf out;
    if (sip_sdp_parse(bytes_str(bytes_of(data, size)), &a, NULL) != RC_OK) return 0;
    buf_init(&out, 2 * SIP_SDP_BYTES_MAX);
    sip_sdp_print_plain(&out, &a);
    /* LF became CRLF: what was just below the bound may be over it now. */
    if (out.n <= SIP_SDP_BYTES_MAX) {
        CHECK(sip_sdp_parse(buf_str(&out), &b, NULL) == RC_OK);
        CHECK(a.media_count == b.media_count && !sip_sdp_has_keys(&b));
        for (unsigned i = 0; i < a.media_count; i++) {
            const struct sip_sdp_media *x = &a.media[i], *y = &b.media[i];
            CHECK(str_eq(x->formats, y->formats) && x->port == y->port);
            CHECK(x->direction == y->direction && str_eq(x->address.text, y->address.text));
            fuzz_read(x);
        }
    }
    buf_fini(&out);
    return 0;
}
