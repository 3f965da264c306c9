/* Any datagram: answered within bounds or dropped; an answer is itself well formed. */
#include "base/check.h"
#include "siptx/stun.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    uint8_t out[SIPTX_STUN_ANSWER_MAX];
    struct net_addr peer = {.family = n % 2 == 0 ? NET_V4 : NET_V6, .port = 5060};
    struct buf b;
    buf_init_fixed(&b, out, sizeof out);
    if (siptx_stun_answer(bytes_of(data, n), &peer, &b) != RC_OK) return 0;
    CHECK(siptx_stun_is(str_bytes(buf_str(&b))));
    CHECK(out[1] != 0x01 || siptx_stun_is_success(str_bytes(buf_str(&b)), data + 8));
    return 0;
}
