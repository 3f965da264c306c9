/* The same bytes whole and in splits chosen by their own values must frame alike; what is framed the
 * index must read with the same body length. */
#include "base/check.h"
#include "sip/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FUZZ_MESSAGE_MAX = 4096 };

/* Feeds growing prefixes of data until something is decided. */
static enum rc fuzz_split(struct str data, unsigned step, struct sip_frame f,
                          struct sip_framed *out, size_t *head_n)
{
    enum rc rc = RC_MORE;
    for (size_t n = 0; n < data.n && rc == RC_MORE;) {
        n += 1 + (unsigned char)data.p[n] % step;
        if (n > data.n) n = data.n;
        rc = sip_frame_step(&f, str_sub(data, 0, n), out, NULL);
    }
    *head_n = f.head_n;
    return rc;
}

static void fuzz_framed(struct str bytes)
{
    static struct sip_message m;
    if (sip_message_parse(bytes, SIP_STREAM, &m, NULL) != RC_OK) return;
    CHECK(m.body_state == SIP_BODY_OK || m.fault.rc != RC_OK);
    CHECK(m.head.n + m.body.n == bytes.n || m.fault.rc != RC_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = bytes_str(bytes_of(data, size));
    bool sends_ping = size > 0 && (data[size - 1] & 1) != 0;
    struct sip_frame f;
    sip_frame_init(&f, FUZZ_MESSAGE_MAX, sends_ping);
    while (rest.n > 0) {
        struct sip_framed whole = {SIP_FRAME_PONG, 0}, split = whole;
        struct sip_frame before = f;
        size_t head_n;
        enum rc rc = sip_frame_step(&f, rest, &whole, NULL);
        for (unsigned step = 1; step <= 64; step *= 8) {
            CHECK(fuzz_split(rest, step, before, &split, &head_n) == rc);
            CHECK(head_n == f.head_n && split.n == whole.n && split.kind == whole.kind);
        }
        if (rc != RC_OK) break;
        CHECK(whole.n > 0 && whole.n <= rest.n);
        if (whole.kind == SIP_FRAME_MESSAGE) fuzz_framed(str_sub(rest, 0, whole.n));
        rest = str_sub(rest, whole.n, rest.n);
    }
    return 0;
}
