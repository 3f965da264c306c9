/* media/offer.c - between sip/offer.h's words and the stream's: codecs, addresses, keys. */
#include "media/offer.h"
#include "crypto/secret.h"

#include <assert.h>
#include <stdlib.h>

enum {
    DTMF_TYPE = 101,
    STATUS_BAD = 400,
    STATUS_NOT_ACCEPTABLE = 488,
    WARN_ADDRESS = 301,
    WARN_MISC = 399
};

static_assert((int)MEDIA_SENDONLY == SIP_SDP_SENDONLY && (int)MEDIA_RECVONLY == SIP_SDP_RECVONLY &&
                  (int)MEDIA_SENDRECV == SIP_SDP_SENDRECV,
              "directions are the same bits");

void media_ability_wipe(struct media_ability *ability)
{
    crypto_wipe(ability->keys, sizeof ability->keys);
}

void media_plan_wipe(struct media_plan *plan)
{
    crypto_wipe(&plan->send, sizeof plan->send);
    crypto_wipe(&plan->receive, sizeof plan->receive);
}

/* ---- to sip's form ---- */

struct words { /* what a sip_offer borrows */
    struct sip_offer offer;
    char address[NET_ADDR_TEXT_MAX];
};

static enum sip_offer_security security_of(enum media_security security)
{
    switch (security) {
    case MEDIA_PLAIN_ONLY: return SIP_OFFER_PLAIN;
    case MEDIA_BEST_EFFORT: return SIP_OFFER_BEST_EFFORT;
    case MEDIA_SRTP_FALLBACK: return SIP_OFFER_FALLBACK;
    case MEDIA_SRTP_ONLY:
    default: return SIP_OFFER_ENCRYPTED;
    }
}

static void put_codecs(struct sip_offer *o, const struct media_ability *ability)
{
    o->codec_count = (unsigned)ability->codec_count;
    for (size_t i = 0; i < ability->codec_count; i++) {
        const struct media_codec_info *info = media_codec_info(ability->codecs[i]);
        o->codecs[i] = (struct sip_codec){
            .encoding = info->name,
            .payload = info->offered_type,
            .clock_hz = info->clock_hz,
            .channels = info->channels,
            .fmtp = ability->codecs[i] == MEDIA_OPUS ? STR("useinbandfec=1") : STR(""),
        };
    }
}

static void put_keys(struct sip_offer *o, const struct media_ability *ability)
{
    o->crypto_count = (unsigned)ability->key_count;
    for (unsigned i = 0; i < o->crypto_count; i++) {
        struct sip_sdes *s = &o->cryptos[i];
        s->tag = i + 1;
        s->suite = (enum sip_sdes_suite)ability->keys[i].suite;
        s->key_len = media_suite_key_len(ability->keys[i].suite);
        memcpy(s->key, ability->keys[i].bytes, s->key_len);
    }
}

static void words_init(struct words *w, const struct media_ability *ability)
{
    struct buf text;
    memset(w, 0, sizeof *w);
    buf_init_fixed(&text, w->address, sizeof w->address);
    net_addr_print_ip(&text, &ability->rtp);
    w->offer = (struct sip_offer){
        .username = STR("bearline"),
        .session_id = ability->session_id,
        .version = ability->version,
        .address = buf_str(&text),
        .port = ability->rtp.port,
        .rtcp_mux = true,
        .direction = (enum sip_sdp_direction)ability->direction,
        .ptime_ms = MEDIA_FRAME_MS,
        .security = security_of(ability->security),
        .dtmf_payload = DTMF_TYPE,
    };
    put_codecs(&w->offer, ability);
    put_keys(&w->offer, ability);
}

static void words_wipe(struct words *w)
{
    crypto_wipe(w, sizeof *w);
}

/* ---- from sip's form ---- */

static struct media_refusal refusal(unsigned status, unsigned warn_code, const char *text)
{
    return (struct media_refusal){status, warn_code, text};
}

/* "Nowhere" is NET_NONE. False: a name, which nobody resolves here. */
static bool addr_of(const struct sip_host *host, uint16_t port, struct net_addr *out)
{
    struct net_addr addr = {.port = port};
    if (port == 0) {
        *out = (struct net_addr){0};
        return true;
    }
    size_t n = sip_host_address(host, addr.ip);
    addr.family = n == 4 ? NET_V4 : NET_V6;
    if (n == 0) return false;
    *out = net_addr_is_any(&addr) ? (struct net_addr){0} : addr;
    return true;
}

static int type_of(unsigned payload)
{
    return payload == 0 ? -1 : (int)payload;
}

static struct media_srtp_key key_of(const struct sip_sdes *s)
{
    struct media_srtp_key key = {.suite = (enum media_suite)s->suite};
    memcpy(key.bytes, s->key, s->key_len);
    return key;
}

/* The stream of remote that both agreed on. */
static enum rc plan_of(const struct media_ability *ability, const struct sip_sdp *remote,
                       const struct sip_session *s, struct media_plan *out,
                       struct media_refusal *why)
{
    struct media_plan plan = {
        .codec = ability->codecs[s->codec_index],
        .send_type = (uint8_t)s->send_payload,
        .receive_type = (uint8_t)s->receive_payload,
        .dtmf_send_type = type_of(s->send_dtmf_payload),
        .dtmf_receive_type = type_of(s->receive_dtmf_payload),
        .direction = (enum media_direction)s->direction,
        .held = sip_sdp_is_hold(&remote->media[s->media_index]),
        .rtcp_mux = s->rtcp_mux,
    };
    if (!addr_of(&s->remote, s->remote_port, &plan.rtp) ||
        !addr_of(&s->remote_rtcp, s->remote_rtcp_port, &plan.rtcp)) {
        *why = refusal(STATUS_NOT_ACCEPTABLE, WARN_ADDRESS, "Media addresses must be numbers");
        return RC_INVALID;
    }
    if (s->is_encrypted) {
        plan.send = ability->keys[s->crypto_index];
        plan.receive = key_of(&s->crypto);
    }
    *out = plan;
    media_plan_wipe(&plan);
    return RC_OK;
}

static enum rc parse(struct str text, struct sip_sdp *out, struct media_refusal *why)
{
    if (text.n > MEDIA_SDP_MAX) {
        *why = refusal(STATUS_NOT_ACCEPTABLE, WARN_MISC, "The session description is too long");
        return RC_INVALID;
    }
    enum rc rc = sip_sdp_parse(text, out, NULL);
    if (rc == RC_OK) return RC_OK;
    bool big = rc == RC_TOO_BIG;
    *why = refusal(big ? STATUS_NOT_ACCEPTABLE : STATUS_BAD, WARN_MISC,
                   big ? "The session description has too many streams"
                       : "The session description cannot be read");
    return big ? RC_INVALID : RC_MALFORMED;
}

/* ---- the three steps ---- */

void media_offer_print(struct buf *out, const struct media_ability *ability,
                       const struct sip_sdp *before, struct media_place place)
{
    struct words w;
    words_init(&w, ability);
    sip_offer_print(out, &w.offer, before, place.index);
    words_wipe(&w);
}

enum rc media_answer_read(const struct media_ability *ability, struct media_place place,
                          struct str answer, struct media_plan *out, struct media_refusal *why)
{
    struct words w;
    struct sip_sdp remote;
    struct sip_session s;
    const char *text = "The answer cannot be used";
    enum rc rc = parse(answer, &remote, why);
    if (rc != RC_OK) return rc;
    words_init(&w, ability);
    rc = sip_answer_read(&w.offer, place.index, place.count, &remote, &s, &text);
    words_wipe(&w);
    if (rc != RC_OK) {
        *why = refusal(STATUS_NOT_ACCEPTABLE, WARN_MISC, text);
        return RC_INVALID;
    }
    rc = plan_of(ability, &remote, &s, out, why);
    crypto_wipe(&s.crypto, sizeof s.crypto);
    return rc;
}

/* What an address of 0.0.0.0 says, the direction says, too: we cannot send there. */
static void mute_if_nowhere(struct sip_session *s, struct media_plan *plan)
{
    if (plan->rtp.family != NET_NONE) return;
    plan->direction = (enum media_direction)((unsigned)plan->direction & MEDIA_RECVONLY);
    s->direction = (enum sip_sdp_direction)plan->direction;
}

enum rc media_answer_make(const struct media_ability *ability, struct str offer,
                          struct media_plan *out, struct media_place *place, struct buf *answer,
                          struct media_refusal *why)
{
    struct words w;
    struct sip_sdp remote;
    struct sip_session s;
    const char *text = NULL;
    unsigned warn_code = WARN_MISC;
    enum rc rc = parse(offer, &remote, why);
    if (rc != RC_OK) return rc;
    words_init(&w, ability);
    if (sip_offer_choose(&w.offer, &remote, &s, &text, &warn_code) != RC_OK) {
        words_wipe(&w);
        *why = refusal(STATUS_NOT_ACCEPTABLE, warn_code, text);
        return RC_INVALID;
    }
    rc = plan_of(ability, &remote, &s, out, why);
    if (rc == RC_OK) {
        mute_if_nowhere(&s, out);
        sip_answer_print(answer, &w.offer, &remote, &s);
        *place = (struct media_place){s.media_index, s.media_count};
        rc = buf_rc(answer);
    }
    words_wipe(&w);
    crypto_wipe(&s.crypto, sizeof s.crypto);
    return rc;
}
