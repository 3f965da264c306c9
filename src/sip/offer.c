#include "sip/offer.h"
#include "sip/sdp_int.h"

enum {
    OFFER_WARN_PROFILE = 302,
    OFFER_WARN_MEDIA = 304,
    OFFER_WARN_CODEC = 305,
    OFFER_WARN_MISC = 399
};

/* ---- printing ---- */

static void offer_print_address(struct buf *out, struct str address)
{
    buf_put_str(out, str_find_char(address, ':') >= 0 ? STR("IN IP6 ") : STR("IN IP4 "));
    buf_put_str(out, address);
    buf_put_lit(out, "\r\n");
}

static void offer_print_session(struct buf *out, const struct sip_offer *local)
{
    buf_put_lit(out, "v=0\r\no=");
    buf_put_str(out, local->username.n > 0 ? local->username : STR("-"));
    buf_put_char(out, ' ');
    buf_put_u64(out, local->session_id);
    buf_put_char(out, ' ');
    buf_put_u64(out, local->version);
    buf_put_char(out, ' ');
    offer_print_address(out, local->address);
    buf_put_lit(out, "s=-\r\nc=");
    offer_print_address(out, local->address);
    buf_put_lit(out, "t=0 0\r\n");
}

static void offer_print_media_line(struct buf *out, uint16_t port, enum sip_sdp_proto proto)
{
    buf_put_lit(out, "m=audio ");
    buf_put_u64(out, port);
    buf_put_char(out, ' ');
    buf_put_str(out, sip_sdp_proto_name(proto));
}

static void offer_print_rtpmap(struct buf *out, unsigned payload, const struct sip_codec *codec)
{
    buf_printf(out, "a=rtpmap:%u %.*s/%u", payload, STR_ARG(codec->encoding), codec->clock_hz);
    if (codec->channels > 1) buf_printf(out, "/%u", codec->channels);
    buf_put_lit(out, "\r\n");
    if (codec->fmtp.n > 0) buf_printf(out, "a=fmtp:%u %.*s\r\n", payload, STR_ARG(codec->fmtp));
}

static void offer_print_dtmf(struct buf *out, unsigned payload)
{
    if (payload == 0) return;
    buf_printf(out, "a=rtpmap:%u telephone-event/8000\r\na=fmtp:%u 0-16\r\n", payload, payload);
}

static void offer_print_tail(struct buf *out, const struct sip_offer *local,
                             enum sip_sdp_direction direction, bool rtcp_mux)
{
    if (local->ptime_ms > 0) buf_printf(out, "a=ptime:%u\r\n", local->ptime_ms);
    if (rtcp_mux) buf_put_lit(out, "a=rtcp-mux\r\n");
    buf_put_lit(out, "a=");
    buf_put_str(out, sip_sdp_direction_name(direction));
    buf_put_lit(out, "\r\n");
}

/* A stream we take no part in (RFC 3264, 6): the same line, port 0. */
static void offer_print_refused(struct buf *out, const struct sip_sdp_media *m)
{
    buf_put_lit(out, "m=");
    buf_put_str(out, m->kind_text);
    buf_put_lit(out, " 0 ");
    buf_put_str(out, m->proto_text);
    buf_put_char(out, ' ');
    buf_put_str(out, m->formats.n > 0 ? m->formats : STR("0"));
    buf_put_lit(out, "\r\n");
}

static void offer_print_audio(struct buf *out, const struct sip_offer *local)
{
    bool is_secure = local->security >= SIP_OFFER_FALLBACK;
    offer_print_media_line(out, local->port, is_secure ? SIP_SDP_RTP_SAVP : SIP_SDP_RTP_AVP);
    for (unsigned i = 0; i < local->codec_count; i++)
        buf_printf(out, " %u", local->codecs[i].payload);
    if (local->dtmf_payload > 0) buf_printf(out, " %u", local->dtmf_payload);
    buf_put_lit(out, "\r\n");
    for (unsigned i = 0; local->security != SIP_OFFER_PLAIN && i < local->crypto_count; i++)
        sip_sdes_print(out, &local->cryptos[i]);
    for (unsigned i = 0; i < local->codec_count; i++)
        offer_print_rtpmap(out, local->codecs[i].payload, &local->codecs[i]);
    offer_print_dtmf(out, local->dtmf_payload);
    offer_print_tail(out, local, local->direction, local->rtcp_mux);
}

void sip_offer_print(struct buf *out, const struct sip_offer *local, const struct sip_sdp *before,
                     unsigned media_index)
{
    unsigned count = before ? before->media_count : 1;
    offer_print_session(out, local);
    for (unsigned i = 0; i < count; i++) {
        if (i == media_index || !before)
            offer_print_audio(out, local);
        else
            offer_print_refused(out, &before->media[i]);
    }
}

static void offer_print_chosen(struct buf *out, const struct sip_offer *local,
                               const struct sip_session *chosen)
{
    offer_print_media_line(out, local->port, chosen->proto);
    buf_printf(out, " %u", chosen->send_payload);
    if (chosen->send_dtmf_payload > 0) buf_printf(out, " %u", chosen->send_dtmf_payload);
    buf_put_lit(out, "\r\n");
    if (chosen->is_encrypted) {
        struct sip_sdes ours = local->cryptos[chosen->crypto_index];
        ours.tag = chosen->crypto.tag;
        sip_sdes_print(out, &ours);
        explicit_bzero(&ours, sizeof ours);
    }
    offer_print_rtpmap(out, chosen->send_payload, &local->codecs[chosen->codec_index]);
    offer_print_dtmf(out, chosen->send_dtmf_payload);
    offer_print_tail(out, local, chosen->direction, chosen->rtcp_mux);
}

void sip_answer_print(struct buf *out, const struct sip_offer *local, const struct sip_sdp *remote,
                      const struct sip_session *chosen)
{
    offer_print_session(out, local);
    for (unsigned i = 0; i < remote->media_count; i++) {
        if (i == chosen->media_index)
            offer_print_chosen(out, local, chosen);
        else
            offer_print_refused(out, &remote->media[i]);
    }
}

/* ---- choosing ---- */

static bool offer_codec_is(const struct sip_codec *c, const struct sip_sdp_rtpmap *map)
{
    return c->clock_hz == map->clock_hz && c->channels == map->channels &&
           str_eq_nocase(c->encoding, map->encoding);
}

/* The payload m gives to encoding/clock/channels. */
static bool offer_find_payload(const struct sip_sdp_media *m, const struct sip_codec *codec,
                               unsigned *payload)
{
    struct cur c = cur_of(m->formats);
    struct sip_sdp_rtpmap map;
    while (sip_sdp_payload_next(m, &c, payload)) {
        if (sip_sdp_rtpmap_find(m, *payload, &map) == RC_OK && offer_codec_is(codec, &map))
            return true;
    }
    return false;
}

/* The first of the other side's formats that we have: its order counts (RFC 3264, 6.1). */
static bool offer_choose_codec(const struct sip_offer *local, const struct sip_sdp_media *m,
                               struct sip_session *out)
{
    static const struct sip_codec dtmf = {
        .encoding = STR_INIT("telephone-event"), .clock_hz = 8000, .channels = 1};
    struct cur c = cur_of(m->formats);
    struct sip_sdp_rtpmap map;
    unsigned payload, i;
    bool is_found = false;
    while (!is_found && sip_sdp_payload_next(m, &c, &payload)) {
        if (sip_sdp_rtpmap_find(m, payload, &map) != RC_OK) continue;
        for (i = 0; i < local->codec_count && !offer_codec_is(&local->codecs[i], &map); i++)
            ;
        if (i == local->codec_count) continue;
        is_found = true;
        out->codec_index = i;
        out->send_payload = out->receive_payload = payload;
        out->remote_fmtp = sip_sdp_fmtp_find(m, payload);
    }
    if (is_found && local->dtmf_payload > 0 && offer_find_payload(m, &dtmf, &payload))
        out->send_dtmf_payload = out->receive_dtmf_payload = payload;
    return is_found;
}

/* We send no MKI and change no keys in a call, so lines that want either are passed over. */
static bool offer_next_crypto(struct cur *c, struct sip_sdes *out)
{
    while (sip_sdes_next(c, out)) {
        if (out->key_count == 1 && out->mki_len == 0) return true;
    }
    return false;
}

static bool offer_choose_crypto(const struct sip_offer *local, const struct sip_sdp_media *m,
                                struct sip_session *out)
{
    struct cur c = cur_of(m->lines);
    while (offer_next_crypto(&c, &out->crypto)) {
        for (unsigned i = 0; i < local->crypto_count; i++) {
            if (local->cryptos[i].suite != out->crypto.suite) continue;
            out->crypto_index = i;
            out->is_encrypted = true;
            return true;
        }
    }
    explicit_bzero(&out->crypto, sizeof out->crypto);
    return false;
}

/* What of keys and profile fits our security; NULL, or why not. */
static const char *offer_choose_security(const struct sip_offer *local,
                                         const struct sip_sdp_media *m, struct sip_session *out,
                                         unsigned *warn_code)
{
    *warn_code = OFFER_WARN_PROFILE;
    if (sip_sdp_is_dtls(m->proto)) return "Keys by DTLS are not supported";
    *warn_code = OFFER_WARN_MISC;
    if (local->security == SIP_OFFER_PLAIN)
        return sip_sdp_is_secure(m->proto) ? "This line has no encrypted media" : NULL;
    if (offer_choose_crypto(local, m, out)) return NULL;
    if (sip_sdp_is_secure(m->proto)) return "None of the offered SRTP keys can be used";
    return local->security == SIP_OFFER_ENCRYPTED ? "This line takes encrypted media only" : NULL;
}

static void offer_take_remote(const struct sip_offer *local, const struct sip_sdp_media *m,
                              struct sip_session *out)
{
    out->proto = m->proto;
    out->remote = m->address;
    out->remote_port = m->port;
    out->rtcp_mux = local->rtcp_mux && m->rtcp_mux;
    out->ptime_ms = sip_sdp_ptime_ms(m);
    out->direction = sip_sdp_direction_answer(m->direction, local->direction);
    struct sip_sdp_media without_mux = *m;
    without_mux.rtcp_mux = out->rtcp_mux;
    if (!sip_sdp_rtcp(&without_mux, &out->remote_rtcp_port, &out->remote_rtcp))
        out->remote_rtcp_port = 0;
}

/* One stream of an offer; NULL, or why not. */
static const char *offer_choose_stream(const struct sip_offer *local, const struct sip_sdp_media *m,
                                       struct sip_session *out, unsigned *warn_code)
{
    *warn_code = OFFER_WARN_PROFILE;
    if (!sip_sdp_is_rtp(m->proto)) return "Audio comes by RTP only";
    *warn_code = OFFER_WARN_CODEC;
    if (!offer_choose_codec(local, m, out)) return "None of the offered codecs is supported";
    const char *why = offer_choose_security(local, m, out, warn_code);
    if (!why) offer_take_remote(local, m, out);
    return why;
}

enum rc sip_offer_choose(const struct sip_offer *local, const struct sip_sdp *remote,
                         struct sip_session *out, const char **why, unsigned *warn_code)
{
    unsigned code = OFFER_WARN_MEDIA;
    const char *first_why = NULL;
    for (unsigned i = 0; i < remote->media_count; i++) {
        const struct sip_sdp_media *m = &remote->media[i];
        struct sip_session s = {.media_index = i, .media_count = remote->media_count};
        unsigned stream_code;
        if (m->kind != SIP_SDP_AUDIO || m->port == 0) continue;
        const char *stream_why = offer_choose_stream(local, m, &s, &stream_code);
        if (!stream_why) *out = s;
        explicit_bzero(&s.crypto, sizeof s.crypto);
        if (!stream_why) return RC_OK;
        if (first_why) continue;
        first_why = stream_why;
        code = stream_code;
    }
    *why = first_why ? first_why : "No audio is offered";
    *warn_code = code;
    return RC_UNSUPPORTED;
}

/* ---- reading an answer ---- */

/* Its key is for a tag and suite of ours (RFC 4568, 5.1.3). */
static enum rc answer_read_crypto(const struct sip_offer *local, const struct sip_sdp_media *m,
                                  struct sip_session *out)
{
    struct cur c = cur_of(m->lines);
    if (!offer_next_crypto(&c, &out->crypto)) return RC_NOT_FOUND;
    for (unsigned i = 0; i < local->crypto_count; i++) {
        const struct sip_sdes *ours = &local->cryptos[i];
        if (ours->tag != out->crypto.tag || ours->suite != out->crypto.suite) continue;
        out->crypto_index = i;
        out->is_encrypted = true;
        return RC_OK;
    }
    return RC_INVALID;
}

static enum rc answer_read_security(const struct sip_offer *local, const struct sip_sdp_media *m,
                                    struct sip_session *out, const char **why)
{
    enum rc rc = RC_NOT_FOUND;
    if (local->security != SIP_OFFER_PLAIN) rc = answer_read_crypto(local, m, out);
    if (rc == RC_INVALID) *why = "The answer has a key for a suite that was not offered";
    if (rc != RC_NOT_FOUND) return rc;
    if (local->security == SIP_OFFER_ENCRYPTED || sip_sdp_is_secure(m->proto)) {
        *why = "The answer has no key";
        return RC_UNSUPPORTED;
    }
    return RC_OK;
}

/* Ours to receive is what we offered; to send, what the answer names (RFC 3264, 5.1). */
static bool answer_read_codec(const struct sip_offer *local, const struct sip_sdp_media *m,
                              struct sip_session *out)
{
    if (!offer_choose_codec(local, m, out)) return false;
    out->receive_payload = local->codecs[out->codec_index].payload;
    if (out->send_dtmf_payload > 0) out->receive_dtmf_payload = local->dtmf_payload;
    return true;
}

/* The offer's profile. Best effort has two in one, and its answerers name either. */
static bool answer_proto_fits(enum sip_offer_security security, enum sip_sdp_proto proto)
{
    if (proto == SIP_SDP_RTP_SAVP) return security != SIP_OFFER_PLAIN;
    return proto == SIP_SDP_RTP_AVP && security != SIP_OFFER_ENCRYPTED;
}

static enum rc answer_read_stream(const struct sip_offer *local, const struct sip_sdp_media *m,
                                  struct sip_session *out, const char **why)
{
    if (m->kind != SIP_SDP_AUDIO) {
        *why = "The answer's stream is no audio";
        return RC_INVALID;
    }
    if (m->port == 0) {
        *why = "The audio was refused";
        return RC_UNSUPPORTED;
    }
    if (!answer_proto_fits(local->security, m->proto)) {
        *why = "The answer has another profile than the offer";
        return RC_INVALID;
    }
    if (!answer_read_codec(local, m, out)) {
        *why = "The answer has none of the offered codecs";
        return RC_UNSUPPORTED;
    }
    enum rc rc = answer_read_security(local, m, out, why);
    if (rc == RC_OK) offer_take_remote(local, m, out);
    return rc;
}

enum rc sip_answer_read(const struct sip_offer *local, unsigned media_index, unsigned media_count,
                        const struct sip_sdp *remote, struct sip_session *out, const char **why)
{
    struct sip_session s = {.media_index = media_index, .media_count = media_count};
    if (remote->media_count != media_count || media_index >= media_count) {
        *why = "The answer has another number of streams than the offer";
        return RC_INVALID;
    }
    enum rc rc = answer_read_stream(local, &remote->media[media_index], &s, why);
    if (rc == RC_OK) *out = s;
    explicit_bzero(&s.crypto, sizeof s.crypto);
    return rc;
}
