/* media/session.h - the sound of one call: SDP offer and answer, a pair of UDP ports, RTP or SRTP
 * sent every 20 ms, what arrives put in order, played, recorded and reported on (RTCP).
 *
 *   media_session_open -> media_session_offer -> (INVITE, 200) -> media_session_take_answer
 *   media_session_open -> media_session_answer(offer) -> (200)
 *   media_session_hold -> media_session_offer -> (re-INVITE, 200) -> media_session_take_answer
 *
 * Sound flows from the moment a take_answer or answer has returned RC_OK until media_session_close;
 * before that (and whenever the direction says so) nothing is sent. The session belongs to the thread
 * of its loop and calls back on it; it may be closed inside any of its callbacks. Keys are wiped with
 * it. A stranger can neither redirect the sound nor end it: see media/latch.h. */
#ifndef MEDIA_SESSION_H
#define MEDIA_SESSION_H
#include "media/codec.h"
#include "media/srtp.h"
#include "net/addr.h"
#include "net/loop.h"

struct media_session;

enum {
    MEDIA_PORT_MIN = 16384, /* the range when none is given */
    MEDIA_PORT_MAX = 32766,
    MEDIA_SDP_MAX = 16384, /* bytes of an SDP text taken */
    MEDIA_DIGITS_MAX = 64, /* DTMF digits waiting to be sent */
};

/* What we offer and take. */
enum media_security {
    MEDIA_PLAIN_ONLY, /* RTP/AVP; SRTP offers are refused */
    MEDIA_BEST_EFFORT, /* RTP/AVP with crypto lines: SRTP if the peer takes one (X-cisco-srtp-fallback);
                          takes plain and SRTP offers, and prefers SRTP */
    MEDIA_SRTP_FALLBACK, /* offers RTP/SAVP, takes a plain offer or answer */
    MEDIA_SRTP_ONLY,     /* RTP/SAVP; a plain offer or answer is refused (488) */
};

/* As seen from our side. */
enum media_direction {
    MEDIA_INACTIVE = 0,
    MEDIA_SENDONLY = 1,
    MEDIA_RECVONLY = 2,
    MEDIA_SENDRECV = 3, /* bit 1: we send, bit 2: we receive */
};

/* Why an offer or answer was not taken. Constant texts, ready for a Warning header (RFC 3261, 20.43);
 * an offer is answered with 488, or 400 when status says so. */
struct media_refusal {
    unsigned status;    /* 488 or 400 */
    unsigned warn_code; /* 304, 305, 399 */
    const char *text;   /* "SRTP is required on this line" */
};

struct media_dtmf {
    char digit;           /* 0-9 * # A-D */
    bool ended;           /* false: the key went down; true: it is up again */
    unsigned duration_ms; /* so far */
};

/* Any may be NULL. */
struct media_session_events {
    void (*on_dtmf)(void *ctx, const struct media_dtmf *dtmf);
    void (*on_first_packet)(void *ctx); /* the peer's sound has begun (again after a new peer) */
    void (*on_played)(void *ctx);       /* the WAV file given to media_session_play is through */
    void (*on_digits_sent)(void *ctx);  /* the queue of media_session_dtmf is empty again */
    void (*on_quiet)(void *ctx, unsigned s); /* nothing received for s seconds though we expect it;
                                                once for each silence */
    void (*on_report)(void *ctx);            /* new numbers of the peer (RTCP) */
    void (*on_bye)(void *ctx);               /* the peer's RTCP BYE: a hint, SIP decides */
};

/* Borrowed for the call; ctx, and the random source's, live as long as the session. */
struct media_session_config {
    struct net_loop *loop;
    struct random_source random;
    struct net_addr local;       /* address to bind; its port is ignored */
    struct net_addr announce;    /* address for SDP; NET_NONE: local (then local is no wildcard) */
    uint16_t port_min, port_max; /* RTP ports tried, even ones; both 0: the range above */
    enum media_security security;
    enum media_codec codecs[MEDIA_CODEC_COUNT]; /* in order of preference */
    size_t codec_count;                         /* 0: Opus, PCMA, PCMU */
    enum media_suite suites[MEDIA_SUITE_COUNT]; /* in order of preference */
    size_t suite_count;                         /* 0: AES_256_GCM, AES_128_GCM, SHA1_80, SHA1_32 */
    unsigned quiet_s;                           /* for on_quiet; 0: 10 */
    const struct media_session_events *events;  /* constant; may be NULL */
    void *ctx;
};

/* Takes a pair of ports. RC_BUSY: no free pair in the range; RC_NOT_FOUND: local is not ours;
 * RC_INVALID: a wildcard without announce, an empty range; RC_NOMEM, RC_IO. */
MUST_CHECK enum rc media_session_open(const struct media_session_config *config,
                                      struct media_session **out);
/* Says BYE to the peer (RTCP), frees the ports, ends the recording. NULL. */
struct media_session *media_session_close(struct media_session *session);

/* ---- SDP: application/sdp, complete bodies ---- */

/* Prints our offer with the present codecs, keys and hold state; origin version rises when it differs
 * from the one before. An offer stays open until its answer or media_session_offer_failed. */
MUST_CHECK enum rc media_session_offer(struct media_session *session, struct buf *sdp);
/* The answer to our offer (of a 18x or 200; again in the 200 is harmless, and another branch's answer
 * takes the place of the first's). RC_INVALID, RC_MALFORMED: *why says; the sound stays as it was.
 * RC_CONFLICT: no offer is open; RC_NOMEM. */
MUST_CHECK enum rc media_session_take_answer(struct media_session *session, struct str answer,
                                             struct media_refusal *why);
/* The offer was refused (4xx, 491, CANCEL): what was agreed before holds again. */
void media_session_offer_failed(struct media_session *session);
/* Takes the peer's offer (INVITE, re-INVITE, UPDATE) and prints our answer. On failure as above,
 * answer with why->status. RC_CONFLICT: our own offer is open (glare: 491). */
MUST_CHECK enum rc media_session_answer(struct media_session *session, struct str offer,
                                        struct buf *sdp, struct media_refusal *why);

/* Holds the peer: at once nothing of theirs is played and they get comfort instead of us; the next
 * offer or answer says sendonly. False resumes. Either needs a re-INVITE by the caller. */
void media_session_hold(struct media_session *session, bool hold);
bool media_session_is_holding(const struct media_session *session);
/* The peer holds us (its last SDP sends or receives less than both). */
bool media_session_is_held(const struct media_session *session);

/* ---- sound in and out ---- */

/* From now on the peer hears this WAV file (PCM 16 bit, mono or stereo, 8..48 kHz), once; then
 * what was before (silence or the device). RC_NOT_FOUND, RC_MALFORMED, RC_UNSUPPORTED, RC_TOO_BIG. */
MUST_CHECK enum rc media_session_play(struct media_session *session, const char *path);
void media_session_play_stop(struct media_session *session);
/* Writes what we hear to a WAV file (mono, 16 bit; rate_hz 8000, 16000 or 48000) beside playing it.
 * The file is valid at any moment. A second call ends the first file. RC_IO; RC_INVALID (rate). */
MUST_CHECK enum rc media_session_record(struct media_session *session, const char *path,
                                        unsigned rate_hz);
/* Ends the recording; RC_IO when not all could be written. */
enum rc media_session_record_stop(struct media_session *session);
/* Microphone and loudspeaker by ALSA ("default", "hw:1,0"). RC_NOT_FOUND: this machine has no such
 * device; *why (may be NULL) gets one sentence for the person; the session stays silent and goes on.
 * A sentence comes with RC_OK, too, where only microphone or loudspeaker is there; else NULL. */
MUST_CHECK enum rc media_session_use_device(struct media_session *session, const char *device,
                                            const char **why);
void media_session_mute(struct media_session *session, bool mute); /* the peer hears silence */

/* Queues digits (0-9 * # A-D a-d; ',' is a pause of half a second). RC_MALFORMED: another letter;
 * RC_BUSY: more than MEDIA_DIGITS_MAX wait; RC_UNSUPPORTED: the peer takes no telephone events. */
MUST_CHECK enum rc media_session_dtmf(struct media_session *session, struct str digits);

/* ---- what there is to see ---- */

struct media_stats {
    bool active; /* agreed with the peer */
    enum media_codec codec;
    enum media_suite suite; /* MEDIA_SUITE_NONE: plain */
    enum media_direction direction;
    struct net_addr local, remote;             /* RTP; remote as latched */
    uint64_t sent_packets, sent_bytes;         /* payload bytes */
    uint64_t received_packets, received_bytes; /* accepted ones */
    uint64_t refused_packets; /* not authentic, replayed, from strangers or broken */
    uint64_t lost_packets;    /* never came (RFC 3550, A.3), at least 0 */
    uint64_t late_packets;    /* came after their time */
    uint64_t concealed_ms;    /* of sound made up */
    double loss_percent;      /* since the call began */
    double jitter_ms;         /* RFC 3550, A.8 */
    unsigned delay_ms;        /* of the jitter buffer now */
    int round_trip_ms;        /* -1: not known yet */
    double peer_loss_percent; /* as the peer last reported; -1: not yet */
    double peer_jitter_ms;    /* likewise */
    uint16_t level;           /* loudest sample received in the last 20 ms */
};
void media_session_stats(const struct media_session *session, struct media_stats *out);
/* One line for a person: "opus, AEAD_AES_256_GCM, loss 0.4 %, jitter 6 ms, round trip 23 ms". */
void media_stats_print(struct buf *out, const struct media_stats *stats);
/* True only when both directions run under SRTP keys of this call. */
bool media_session_is_encrypted(const struct media_session *session);

#endif
