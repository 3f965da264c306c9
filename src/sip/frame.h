/* sip/frame.h - where does a message end on a stream (RFC 3261, 7.5 and 18.3), and what is a
 * keepalive (RFC 5626, 3.5.1 and 4.4.1). The caller keeps the unconsumed bytes and shows them
 * again, grown; a small state sees to it that no byte is scanned twice. Nothing is copied or kept
 * but offsets. One state per stream; one thread at a time. */
#ifndef SIP_FRAME_H
#define SIP_FRAME_H
#include "base/cur.h"
#include "base/rc.h"

enum {
    SIP_MESSAGE_MAX = 65536,   /* bytes of a message; the usual max for sip_frame_init */
    SIP_START_LINE_MAX = 8192, /* bytes */
    SIP_HEADER_MAX = 128,      /* header fields of a message */
};

enum sip_frame_kind {
    SIP_FRAME_MESSAGE,
    SIP_FRAME_PING, /* the second CRLF of CRLFCRLF: answer with CRLF */
    SIP_FRAME_PONG, /* CRLF: the answer to our ping, half a ping of the peer's, or a blank line before
                       a message: nothing to do */
};

struct sip_frame {
    size_t max;        /* bytes of a message */
    bool sends_ping;   /* this side sends the pings: every CRLF between messages is a pong */
    bool half_ping;    /* a CRLF was framed last: one more makes a ping, however late it comes */
    size_t scanned;    /* bytes that hold no unseen line end */
    size_t line;       /* where the line being read begins */
    size_t start_n;    /* length of the start line; 0: not complete yet */
    size_t length_at;  /* value of a Content-Length whose end is not seen yet; 0: none */
    bool has_length;   /* a whole Content-Length was read */
    uint64_t length;   /* its value */
    enum rc length_rc; /* RC_MALFORMED: not a number, or two that differ; RC_TOO_BIG */
    size_t head_n;     /* through the empty line; 0: not complete yet */
};

/* What stands at the front of the bytes. */
struct sip_framed {
    enum sip_frame_kind kind;
    size_t n; /* bytes it takes */
};

void sip_frame_init(struct sip_frame *f, size_t max, bool sends_ping);

/* data: the stream from the first unconsumed byte. Between two calls that did not end in RC_OK it
 * may only grow. On RC_OK the caller consumes out->n bytes and calls again with the rest (f is
 * ready). RC_MORE       not whole yet: come back with more bytes RC_MALFORMED  framing is lost: no
 * start line, Content-Length missing, contradictory or no number. RC_TOO_BIG    over max, or the
 * start line over SIP_START_LINE_MAX After the last two the stream must be closed; when f->head_n >
 * 0 the head alone, data[0, head_n), can still be parsed (sip_message_parse, SIP_STREAM) to answer
 * 400 or 513 first. at (may be NULL) is written on those two only. */
MUST_CHECK enum rc sip_frame_step(struct sip_frame *f, struct str data, struct sip_framed *out,
                                  struct parse_at *at);

#endif
