/* net/close.c - the words for why a stream ended. */
#include "net/stream.h"

const char *net_close_name(enum net_close_kind kind)
{
    static const char *const names[] = {
        [NET_CLOSE_PEER] = "peer",
        [NET_CLOSE_RESET] = "reset",
        [NET_CLOSE_IDLE] = "idle",
        [NET_CLOSE_SLOW] = "slow",
        [NET_CLOSE_EXPECT] = "no-answer",
        [NET_CLOSE_TOO_BIG] = "too-big",
        [NET_CLOSE_QUEUE] = "not-reading",
        [NET_CLOSE_CONNECT] = "connect",
        [NET_CLOSE_TLS_TIMEOUT] = "tls-timeout",
        [NET_CLOSE_TLS] = "tls",
        [NET_CLOSE_NOT_TLS] = "not-tls",
        [NET_CLOSE_SHED] = "shed",
        [NET_CLOSE_LISTENER] = "listener-closed",
        [NET_CLOSE_NOMEM] = "no-memory",
    };
    return names[kind];
}

static const char *sentence(enum net_close_kind kind)
{
    static const char *const sentences[] = {
        [NET_CLOSE_PEER] = "the peer closed the connection",
        [NET_CLOSE_RESET] = "the connection broke",
        [NET_CLOSE_IDLE] = "nothing arrived for too long",
        [NET_CLOSE_SLOW] = "a message was begun and not finished in time",
        [NET_CLOSE_EXPECT] = "what was expected did not arrive in time",
        [NET_CLOSE_TOO_BIG] = "a message is longer than allowed",
        [NET_CLOSE_QUEUE] = "the peer does not read what it is sent",
        [NET_CLOSE_CONNECT] = "connecting failed",
        [NET_CLOSE_TLS_TIMEOUT] = "the TLS handshake was not done in time",
        [NET_CLOSE_TLS] = "TLS failed",
        [NET_CLOSE_NOT_TLS] = "something other than TLS arrived",
        [NET_CLOSE_SHED] = "too many TLS handshakes were under way",
        [NET_CLOSE_LISTENER] = "its listener was closed",
        [NET_CLOSE_NOMEM] = "out of memory",
    };
    return sentences[kind];
}

static void print_first(struct buf *out, const struct net_close *close)
{
    buf_put_lit(out, ": ");
    for (size_t i = 0; i < close->first_n; i++) {
        uint8_t c = close->first[i];
        if (c >= 0x20 && c < 0x7f)
            buf_put_char(out, (char)c);
        else
            buf_printf(out, "\\x%02x", c);
    }
}

void net_close_print(struct buf *out, const struct net_close *close)
{
    if (close->tls) {
        net_tls_failure_print(out, close->tls);
        return;
    }
    buf_put_str(out, str_from(sentence(close->kind)));
    if (close->kind == NET_CLOSE_PEER && !close->tidy) buf_put_lit(out, " without notice");
    if (close->sys_errno) buf_printf(out, ": %s", strerrordesc_np(close->sys_errno));
    if (close->first_n > 0) print_first(out, close);
}
