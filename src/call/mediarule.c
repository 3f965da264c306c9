#include "call/mediarule.h"

#include "base/check.h"
#include "sip/multipart.h"
#include "sip/sdes.h"

enum { BODY_DEPTH_MAX = 3 };

/* ---- what an SDP says ---- */

/* Is the stream protected, by the keys it names or by DTLS? */
static bool stream_is_keyed(const struct sip_sdp_media *m)
{
    if (sip_sdp_is_dtls(m->proto)) return m->has_fingerprint;
    return sip_sdp_is_rtp(m->proto) && sip_sdes_is_keyed(m);
}

/* Streams that carry what people say, show or send; application is control (iX). */
static bool stream_counts(const struct sip_sdp_media *m)
{
    return m->port != 0 && m->kind != SIP_SDP_APPLICATION;
}

struct contents {
    bool has_streams;  /* any that counts */
    bool is_keyed;     /* all of them */
    bool has_keys;     /* key lines anywhere */
    bool demands_keys; /* a live stream is RTP/SAVP(F): it cannot do without */
};

static struct contents read_contents(const struct sip_sdp *s)
{
    struct contents c = {.is_keyed = true, .has_keys = sip_sdp_has_keys(s)};
    for (unsigned i = 0; i < s->media_count; i++) {
        const struct sip_sdp_media *m = &s->media[i];
        if (!stream_counts(m)) continue;
        c.has_streams = true;
        if (!stream_is_keyed(m)) c.is_keyed = false;
        if (sip_sdp_is_secure(m->proto) && !sip_sdp_is_dtls(m->proto)) c.demands_keys = true;
    }
    return c;
}

/* ---- the table ---- */

static bool must_encrypt(const struct call_media_leg *l)
{
    return l->security == CALL_ENCRYPTED;
}

static bool may_carry_keys(const struct call_media_leg *l)
{
    return l->is_tls && l->srtp_allowed;
}

static struct call_media_verdict refuse(enum call_media_why why)
{
    return (struct call_media_verdict){CALL_MEDIA_REFUSE, why};
}

static struct call_media_verdict pass(bool without_keys)
{
    return (struct call_media_verdict){without_keys ? CALL_MEDIA_PASS_PLAIN : CALL_MEDIA_PASS,
                                       CALL_MEDIA_FINE};
}

static enum call_media_why why_no_keys(const struct call_media_question *q)
{
    if (!q->from.is_tls || !q->to.is_tls) return CALL_MEDIA_NO_TLS;
    return CALL_MEDIA_TRUNK;
}

/* Two encrypted lines, and the media would not be. */
static struct call_media_verdict both_encrypted(const struct call_media_question *q,
                                                const struct contents *c)
{
    if (!c->is_keyed)
        return refuse(q->is_answer ? CALL_MEDIA_PLAIN_ANSWER : CALL_MEDIA_PLAIN_OFFER);
    return refuse(why_no_keys(q));
}

/* An encrypted line and one that is not: both plain, or no call. */
static struct call_media_verdict mixed(const struct call_media_question *q,
                                       const struct contents *c)
{
    const struct call_media_leg *encrypted = must_encrypt(&q->from) ? &q->from : &q->to;
    if (encrypted->is_oauth && !q->fallback_allowed) return refuse(CALL_MEDIA_MIXED);
    if (!encrypted->can_fall_back) return refuse(CALL_MEDIA_NO_FALLBACK);
    return pass(c->has_keys || c->demands_keys);
}

/* Neither line must be encrypted. Best effort loses its keys where they, or those of the answer, may
 * not go; what demands SRTP is not made something else behind the offerer's back. */
static struct call_media_verdict none_encrypted(const struct call_media_question *q,
                                                const struct contents *c)
{
    if (may_carry_keys(&q->from) && may_carry_keys(&q->to)) return pass(false);
    if (c->demands_keys) return refuse(why_no_keys(q));
    return pass(c->has_keys);
}

struct call_media_verdict call_media_decide(const struct call_media_question *q)
{
    struct contents c = read_contents(q->sdp);
    bool may_carry = may_carry_keys(&q->from) && may_carry_keys(&q->to);
    if (!c.has_streams) return pass(c.has_keys && !may_carry_keys(&q->to));
    if (may_carry && c.is_keyed) return pass(false);
    if (must_encrypt(&q->from) && must_encrypt(&q->to)) return both_encrypted(q, &c);
    if (must_encrypt(&q->from) || must_encrypt(&q->to)) return mixed(q, &c);
    return none_encrypted(q, &c);
}

/* ---- is the call encrypted? ---- */

/* The answer's key is for a tag and suite of the offer (RFC 4568, 5.1.3). */
static bool is_offered(const struct sip_sdp_media *offer, const struct sip_sdes *answered)
{
    struct cur c = cur_of(offer->lines);
    struct sip_sdes s;
    bool is_found = false;
    while (!is_found && sip_sdes_next(&c, &s))
        is_found = s.tag == answered->tag && s.suite == answered->suite;
    explicit_bzero(&s, sizeof s);
    return is_found;
}

static bool stream_is_encrypted(const struct sip_sdp_media *offer,
                                const struct sip_sdp_media *answer)
{
    struct cur c = cur_of(answer->lines);
    struct sip_sdes key;
    if (!stream_is_keyed(offer) || !stream_is_keyed(answer)) return false;
    if (sip_sdp_is_dtls(offer->proto) || sip_sdp_is_dtls(answer->proto))
        return offer->proto == answer->proto;
    bool is_encrypted = sip_sdes_next(&c, &key) && is_offered(offer, &key);
    explicit_bzero(&key, sizeof key);
    return is_encrypted;
}

bool call_media_is_encrypted(const struct sip_sdp *offer, const struct call_media_leg *offerer,
                             const struct sip_sdp *answer, const struct call_media_leg *answerer)
{
    unsigned live = 0;
    if (!may_carry_keys(offerer) || !may_carry_keys(answerer)) return false;
    if (offer->media_count != answer->media_count) return false;
    for (unsigned i = 0; i < answer->media_count; i++) {
        if (!stream_counts(&answer->media[i]) || offer->media[i].port == 0) continue;
        if (!stream_is_encrypted(&offer->media[i], &answer->media[i])) return false;
        live++;
    }
    return live > 0;
}

/* ---- the same with an offer that has gone by ---- */

void call_media_note(const struct sip_sdp *offer, const struct call_media_leg *offerer,
                     struct call_media_note *out)
{
    *out = (struct call_media_note){.is_there = true, .carries_keys = may_carry_keys(offerer)};
    out->stream_count = (uint8_t)offer->media_count;
    for (unsigned i = 0; i < offer->media_count && i < CALL_NOTE_STREAMS; i++) {
        const struct sip_sdp_media *m = &offer->media[i];
        struct cur c = cur_of(m->lines);
        struct sip_sdes s;
        out->streams[i].is_live = m->port != 0;
        out->streams[i].is_keyed = stream_is_keyed(m);
        out->streams[i].proto = (uint8_t)m->proto;
        while (out->streams[i].key_count < CALL_NOTE_KEYS && sip_sdes_next(&c, &s)) {
            unsigned k = out->streams[i].key_count++;
            out->streams[i].keys[k].tag = s.tag;
            out->streams[i].keys[k].suite = (uint8_t)s.suite;
        }
        explicit_bzero(&s, sizeof s);
    }
}

static bool is_noted(const struct call_media_note *n, unsigned i, const struct sip_sdp_media *m)
{
    struct cur c = cur_of(m->lines);
    struct sip_sdes key;
    bool is_found = false;
    if (!n->streams[i].is_keyed || !stream_is_keyed(m)) return false;
    if (sip_sdp_is_dtls((enum sip_sdp_proto)n->streams[i].proto) || sip_sdp_is_dtls(m->proto))
        return n->streams[i].proto == m->proto;
    if (!sip_sdes_next(&c, &key)) return false;
    for (unsigned k = 0; k < n->streams[i].key_count && !is_found; k++)
        is_found = n->streams[i].keys[k].tag == key.tag &&
                   n->streams[i].keys[k].suite == (uint8_t)key.suite;
    explicit_bzero(&key, sizeof key);
    return is_found;
}

bool call_media_is_encrypted_by(const struct call_media_note *n, const struct sip_sdp *answer,
                                const struct call_media_leg *answerer)
{
    unsigned live = 0;
    if (!n->is_there || !n->carries_keys || !may_carry_keys(answerer)) return false;
    if (n->stream_count > CALL_NOTE_STREAMS || n->stream_count != answer->media_count) return false;
    for (unsigned i = 0; i < answer->media_count; i++) {
        if (!stream_counts(&answer->media[i]) || !n->streams[i].is_live) continue;
        if (!is_noted(n, i, &answer->media[i])) return false;
        live++;
    }
    return live > 0;
}

/* ---- bodies ---- */

/* Encodings that change nothing (RFC 2045, 6.2). */
static bool is_identity(struct str encoding)
{
    static const struct str same[] = {STR_INIT("7bit"), STR_INIT("8bit"), STR_INIT("binary"),
                                      STR_INIT("identity")};
    encoding = str_trim(encoding);
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        if (str_eq_nocase(encoding, same[i])) return true;
    }
    return encoding.n == 0;
}

/* Adds the SDPs of one body, and of its parts, to *count; the last one is *text. */
static enum rc find_sdp(struct str content_type, struct str body, unsigned depth, unsigned *count,
                        struct str *text)
{
    struct sip_content_type type;
    struct sip_multipart parts;
    struct sip_part part;
    if (sip_content_type_parse(content_type, &type) != RC_OK) return RC_MALFORMED;
    if (sip_content_type_is(&type, STR("application"), STR("sdp"))) {
        *text = body;
        (*count)++;
        return RC_OK;
    }
    if (!str_eq_nocase(type.type, STR("multipart"))) return RC_OK;
    if (depth == BODY_DEPTH_MAX) return RC_UNSUPPORTED;
    enum rc rc = sip_multipart_begin(&parts, content_type, body);
    while (rc == RC_OK && (rc = sip_multipart_next(&parts, &part)) == RC_OK) {
        unsigned before = *count;
        if (part.content_type.n == 0) continue; /* text/plain */
        rc = find_sdp(part.content_type, part.body, depth + 1, count, text);
        if (rc == RC_OK && *count > before && !is_identity(part.transfer_encoding))
            rc = RC_UNSUPPORTED;
    }
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

enum rc call_media_read(struct str content_type, struct str content_encoding, struct str body,
                        struct call_media_body *out, struct parse_at *at)
{
    unsigned count = 0;
    struct str text = {body.p, 0};
    if (at) *at = (struct parse_at){.expected = "a body of its Content-Type"};
    if (str_trim(content_type).n == 0) return RC_NOT_FOUND;
    enum rc rc = find_sdp(content_type, body, 0, &count, &text);
    if (rc == RC_OK && count == 0) rc = RC_NOT_FOUND;
    if (rc == RC_OK && (count > 1 || !is_identity(content_encoding))) rc = RC_UNSUPPORTED;
    if (rc == RC_OK) rc = sip_sdp_parse(text, &out->sdp, at);
    if (rc == RC_OK) {
        out->body = body;
        out->text = text;
    }
    return rc;
}

void call_media_print_plain(struct buf *out, const struct call_media_body *b)
{
    size_t at = (size_t)(b->text.p - b->body.p);
    buf_put_str(out, str_sub(b->body, 0, at));
    sip_sdp_print_plain(out, &b->sdp);
    buf_put_str(out, str_sub(b->body, at + b->text.n, b->body.n));
}

/* ---- names ---- */

static const struct {
    const char *name, *text;
} whys[CALL_MEDIA_WHY_COUNT] = {
    [CALL_MEDIA_FINE] = {"fine", "Nothing stands in the way"},
    [CALL_MEDIA_PLAIN_OFFER] = {"plain-offer",
                                "Both lines are encrypted and the offer has a stream "
                                "without a usable SRTP key"},
    [CALL_MEDIA_PLAIN_ANSWER] = {"plain-answer", "Both lines are encrypted and the answer has a "
                                                 "stream without a usable SRTP key"},
    [CALL_MEDIA_NO_TLS] = {"no-tls", "SRTP keys would pass a connection that is not TLS"},
    [CALL_MEDIA_TRUNK] = {"srtp-not-allowed", "SRTP is not allowed on the trunk"},
    [CALL_MEDIA_MIXED] = {"mixed-call", "An encrypted OAuth line does not talk to a line that is "
                                        "not encrypted"},
    [CALL_MEDIA_NO_FALLBACK] = {"no-fallback", "The encrypted phone cannot fall back to plain RTP"},
};

const char *call_media_why_name(enum call_media_why why)
{
    CHECK((unsigned)why < CALL_MEDIA_WHY_COUNT);
    return whys[why].name;
}

const char *call_media_why_text(enum call_media_why why)
{
    CHECK((unsigned)why < CALL_MEDIA_WHY_COUNT);
    return whys[why].text;
}
