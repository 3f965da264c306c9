/* call/mediarule.h - may this offer or answer pass between these two lines, and is the call that
 * comes of it encrypted? One table over what the SDP says and what both legs are. A pure function:
 * nothing kept, no I/O, no log; safe from any thread.
 *
 * A line whose profile is Encrypted has encrypted media; two of them never talk plainly. A call
 * between an encrypted line and one that is not (a mixed call) may fall back to plain RTP if the
 * encrypted phone said it can (X-cisco-srtp-fallback) and, for an OAuth line, the parameter allows
 * it; then the keys are taken out, so that both legs are plain. Keys never go to a hop that is not
 * TLS, nor to a trunk that is not allowed SRTP. */
#ifndef CALL_MEDIARULE_H
#define CALL_MEDIARULE_H
#include "call/linepolicy.h"
#include "sip/sdp.h"

/* Its option tag. */
#define CALL_MEDIA_FALLBACK_TAG STR("X-cisco-srtp-fallback")

/* One side of a call. A trunk is CALL_NON_SECURE; what it may have of SRTP is srtp_allowed. */
struct call_media_leg {
    enum call_security security; /* of the line's profile */
    bool is_oauth;               /* an OAuth line */
    bool is_tls;                 /* its next hop is TLS */
    bool srtp_allowed;           /* a trunk's setting; lines: true */
    bool can_fall_back;          /* X-cisco-srtp-fallback among its Supported */
};

struct call_media_question {
    const struct sip_sdp *sdp;
    bool is_answer; /* else an offer */
    struct call_media_leg from, to;
    bool fallback_allowed; /* the parameter: OAuth lines may fall back in mixed calls */
};

enum call_media_action {
    CALL_MEDIA_PASS,
    CALL_MEDIA_PASS_PLAIN, /* without keys: call_media_print_plain */
    /* An offer in a request: 488 with the Warning. One in a response, or an answer: the call cannot
     * be; whoever has accepted is hung up on. */
    CALL_MEDIA_REFUSE,
};

enum call_media_why {
    CALL_MEDIA_FINE,
    CALL_MEDIA_PLAIN_OFFER,  /* between encrypted lines, and a stream has no usable key */
    CALL_MEDIA_PLAIN_ANSWER, /* likewise, of an answer */
    CALL_MEDIA_NO_TLS,       /* keys would pass a hop that is not TLS */
    CALL_MEDIA_TRUNK,        /* keys would go to a trunk that is not allowed SRTP */
    CALL_MEDIA_MIXED,        /* an encrypted OAuth line and a plain one: the parameter refuses */
    CALL_MEDIA_NO_FALLBACK,  /* a mixed call whose encrypted phone cannot fall back */
    CALL_MEDIA_WHY_COUNT
};
/* "plain-offer": one word for logs and call records; never NULL. */
const char *call_media_why_name(enum call_media_why why);
/* One sentence for the Warning (code CALL_MEDIA_WARN_CODE); never NULL. */
const char *call_media_why_text(enum call_media_why why);
enum { CALL_MEDIA_WARN_CODE = 399 };

struct call_media_verdict {
    enum call_media_action action;
    enum call_media_why why;
};

struct call_media_verdict call_media_decide(const struct call_media_question *q);

/* Do offer and answer prove that every audio and video stream (fax, text ...) that lives is SRTP
 * with a key either side has named over TLS? Streams of kind application do not count; a call
 * without any other stream is not encrypted. */
bool call_media_is_encrypted(const struct sip_sdp *offer, const struct call_media_leg *offerer,
                             const struct sip_sdp *answer, const struct call_media_leg *answerer);

/* As much of an offer as judging its answer needs, for an answer that comes in another message (a
 * 2xx that offers, the ACK to it). No keys, bounded: an offer of more streams, or a stream with more
 * keys, proves nothing. */
enum { CALL_NOTE_STREAMS = 4, CALL_NOTE_KEYS = 6 };
struct call_media_note {
    bool is_there;
    bool carries_keys;    /* the offerer's leg may */
    uint8_t stream_count; /* above CALL_NOTE_STREAMS: too many */
    struct {
        bool is_live, is_keyed;
        uint8_t proto, key_count;
        struct {
            uint32_t tag;
            uint8_t suite;
        } keys[CALL_NOTE_KEYS];
    } streams[CALL_NOTE_STREAMS];
};
void call_media_note(const struct sip_sdp *offer, const struct call_media_leg *offerer,
                     struct call_media_note *out);
/* call_media_is_encrypted by such a note. */
bool call_media_is_encrypted_by(const struct call_media_note *n, const struct sip_sdp *answer,
                                const struct call_media_leg *answerer);

/* The SDP of a message's body, alone or as a part of a multipart body. */
struct call_media_body {
    struct str body, text; /* the whole; its SDP */
    struct sip_sdp sdp;
};
/* content_encoding: the header's value or empty. Slices point into body. at as sip_sdp_parse.
 *   RC_NOT_FOUND    no SDP in it
 *   RC_MALFORMED    answer 400;  RC_TOO_BIG  488
 *   RC_UNSUPPORTED  compressed, in a transfer encoding, or more than one SDP: 415 */
MUST_CHECK enum rc call_media_read(struct str content_type, struct str content_encoding,
                                   struct str body, struct call_media_body *out,
                                   struct parse_at *at);
/* The body with its SDP printed without keys; other parts as they were. */
void call_media_print_plain(struct buf *out, const struct call_media_body *b);

#endif
