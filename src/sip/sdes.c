#include "sip/sdes.h"
#include "base/base64.h"
#include "sip/sdp_int.h"

enum {
    SDES_TAG_MAX = 999999999,
    SDES_KDR_MAX = 24,
    SDES_WSH_MIN = 64,
    SDES_LIFETIME_LOG2 = 48, /* SRTP packets, all four suites (RFC 4568, 6.2; RFC 7714, 12) */
};

static const struct {
    struct str name;
    size_t key_len, salt_len; /* bytes */
} sdes_suites[] = {
    [SIP_SDES_AES_CM_128_HMAC_SHA1_80] = {STR_INIT("AES_CM_128_HMAC_SHA1_80"), 16, 14},
    [SIP_SDES_AES_CM_128_HMAC_SHA1_32] = {STR_INIT("AES_CM_128_HMAC_SHA1_32"), 16, 14},
    [SIP_SDES_AEAD_AES_128_GCM] = {STR_INIT("AEAD_AES_128_GCM"), 16, 12},
    [SIP_SDES_AEAD_AES_256_GCM] = {STR_INIT("AEAD_AES_256_GCM"), 32, 12},
};
_Static_assert(sizeof sdes_suites / sizeof sdes_suites[0] == SIP_SDES_SUITE_COUNT, "a row each");

struct str sip_sdes_suite_name(enum sip_sdes_suite s)
{
    return (unsigned)s < SIP_SDES_SUITE_COUNT ? sdes_suites[s].name : STR("");
}

enum sip_sdes_suite sip_sdes_suite_from_name(struct str name)
{
    for (int s = SIP_SDES_NONE + 1; s < SIP_SDES_SUITE_COUNT; s++) {
        if (str_eq(sdes_suites[s].name, name)) return (enum sip_sdes_suite)s;
    }
    return SIP_SDES_NONE;
}

size_t sip_sdes_key_len(enum sip_sdes_suite s)
{
    return (unsigned)s < SIP_SDES_SUITE_COUNT ? sdes_suites[s].key_len : 0;
}

size_t sip_sdes_salt_len(enum sip_sdes_suite s)
{
    return (unsigned)s < SIP_SDES_SUITE_COUNT ? sdes_suites[s].salt_len : 0;
}

/* key-salt: base64, its padding perhaps left out. */
static enum rc sdes_key(struct str text, size_t want, uint8_t out[SIP_SDES_KEY_MAX])
{
    char padded[BASE64_LEN(SIP_SDES_KEY_MAX)];
    uint8_t key[SIP_SDES_KEY_MAX];
    size_t key_len = 0, padded_n = BASE64_LEN(want);
    while (text.n > 0 && text.p[text.n - 1] == '=')
        text.n--;
    if (text.n != (want * 4 + 2) / 3) return RC_INVALID;
    memset(padded, '=', sizeof padded);
    memcpy(padded, text.p, text.n);
    enum rc rc = base64_decode(str_of(padded, padded_n), key, sizeof key, &key_len);
    if (rc == RC_OK && key_len != want) rc = RC_INVALID;
    if (rc == RC_OK) memcpy(out, key, want);
    explicit_bzero(key, sizeof key);
    explicit_bzero(padded, sizeof padded);
    return rc == RC_TOO_BIG ? RC_INVALID : rc;
}

/* lifetime = ["2^"] 1*DIGIT, not over what the suite allows. RFC 4568, 6.1 */
static enum rc sdes_lifetime(struct str text, uint64_t *out)
{
    const uint64_t max = UINT64_C(1) << SDES_LIFETIME_LOG2;
    bool is_power = str_starts(text, STR("2^"));
    uint64_t value;
    if (is_power) text = str_sub(text, 2, text.n);
    enum rc rc = text.n == 0 ? RC_MALFORMED
                             : str_to_u64(text, is_power ? SDES_LIFETIME_LOG2 : max, &value);
    if (rc != RC_OK) return rc == RC_TOO_BIG ? RC_INVALID : rc;
    if (!is_power && value == 0) return RC_INVALID;
    *out = is_power ? UINT64_C(1) << value : value;
    return RC_OK;
}

/* mki = mki-value ":" mki-length; a value that fits into so many bytes. */
static enum rc sdes_mki(struct str text, uint64_t *mki, unsigned *mki_len)
{
    struct str part;
    uint64_t value, len;
    if (!str_split(&text, ':', &part) || !text.p) return RC_MALFORMED;
    enum rc rc = part.n == 0 ? RC_MALFORMED : str_to_u64(part, UINT64_MAX, &value);
    if (rc != RC_OK) return rc == RC_TOO_BIG ? RC_UNSUPPORTED : rc;
    if (!sdp_number(text, SIP_SDES_MKI_MAX, &len) || len == 0) return RC_INVALID;
    if (len < sizeof value && value >> (8 * len) != 0) return RC_INVALID;
    *mki = value;
    *mki_len = (unsigned)len;
    return RC_OK;
}

/* srtp-key-info = key-salt ["|" lifetime] ["|" mki] */
static enum rc sdes_key_info(struct str info, struct sip_sdes *out)
{
    struct str part;
    enum rc rc;
    size_t want = sip_sdes_key_len(out->suite) + sip_sdes_salt_len(out->suite);
    if (!str_split(&info, '|', &part) || part.n == 0) return RC_MALFORMED;
    if ((rc = sdes_key(part, want, out->key)) != RC_OK) return rc;
    out->key_len = want;
    bool may_be_lifetime = true;
    while (str_split(&info, '|', &part)) {
        bool is_mki = str_find_char(part, ':') >= 0;
        if ((!is_mki && !may_be_lifetime) || out->mki_len != 0) return RC_MALFORMED;
        rc = is_mki ? sdes_mki(part, &out->mki, &out->mki_len)
                    : sdes_lifetime(part, &out->lifetime_packets);
        if (rc != RC_OK) return rc;
        may_be_lifetime = false;
    }
    return RC_OK;
}

/* key-params = key-param *(";" key-param): the first is kept, all are checked; with several each
 * has an MKI of the same length (RFC 4568, 6.1). */
static enum rc sdes_key_params(struct str params, struct sip_sdes *out)
{
    struct str param;
    enum rc rc = RC_OK;
    while (rc == RC_OK && str_split(&params, ';', &param)) {
        struct sip_sdes one = {.suite = out->suite};
        if (out->key_count == SIP_SDES_KEYS_MAX) return RC_UNSUPPORTED;
        if (!str_starts_nocase(param, STR("inline:")))
            return str_find_char(param, ':') > 0 ? RC_UNSUPPORTED : RC_MALFORMED;
        rc = sdes_key_info(str_sub(param, sizeof("inline:") - 1, param.n), &one);
        if (rc == RC_OK && out->key_count == 0) {
            memcpy(out->key, one.key, one.key_len);
            out->key_len = one.key_len;
            out->lifetime_packets = one.lifetime_packets;
            out->mki = one.mki;
            out->mki_len = one.mki_len;
        } else if (rc == RC_OK && (one.mki_len == 0 || one.mki_len != out->mki_len)) {
            rc = RC_INVALID;
        }
        out->key_count++;
        explicit_bzero(one.key, sizeof one.key);
    }
    return rc;
}

/* srtp-session-param. RFC 4568, 6.3 */
static enum rc sdes_session_param(struct str p, struct sip_sdes *out)
{
    uint64_t value;
    if (p.p[0] == '-') return RC_OK;
    if (str_eq_nocase(p, STR("UNENCRYPTED_SRTP")))
        out->plain_srtp = true;
    else if (str_eq_nocase(p, STR("UNENCRYPTED_SRTCP")))
        out->plain_srtcp = true;
    else if (str_eq_nocase(p, STR("UNAUTHENTICATED_SRTP")))
        out->unauthenticated_srtp = true;
    else if (str_starts_nocase(p, STR("WSH="))) /* a hint to the receiver */
        return sdp_number(str_sub(p, 4, p.n), UINT32_MAX, &value) && value >= SDES_WSH_MIN
                   ? RC_OK
                   : RC_INVALID;
    else if (str_starts_nocase(p, STR("KDR="))) /* 2^0 .. 2^24 packets; we derive once only */
        return sdp_number(str_sub(p, 4, p.n), SDES_KDR_MAX, &value) ? RC_UNSUPPORTED : RC_INVALID;
    else
        return RC_UNSUPPORTED;
    return RC_OK;
}

/* "a=crypto:" tag 1*WSP crypto-suite 1*WSP key-params *(1*WSP session-param). RFC 4568, 9.1 */
enum rc sip_sdes_parse(struct str value, struct sip_sdes *out)
{
    struct cur c = cur_of(value);
    struct sip_sdes s = {0};
    uint64_t tag;
    enum rc rc;
    if (!sdp_number(sdp_word(&c), SDES_TAG_MAX, &tag)) return RC_MALFORMED;
    s.tag = (uint32_t)tag;
    s.suite_text = sdp_word(&c);
    struct str key_params = sdp_word(&c);
    s.session_params = cur_rest(&c);
    if (s.suite_text.n == 0 || key_params.n == 0) return RC_MALFORMED;
    s.suite = sip_sdes_suite_from_name(s.suite_text);
    if (s.suite == SIP_SDES_NONE) return RC_UNSUPPORTED;
    rc = sdes_key_params(key_params, &s);
    while (rc == RC_OK && !cur_at_end(&c))
        rc = sdes_session_param(sdp_word(&c), &s);
    if (rc == RC_OK) *out = s;
    explicit_bzero(s.key, sizeof s.key);
    return rc;
}

bool sip_sdes_next(struct cur *c, struct sip_sdes *out)
{
    struct sip_sdp_attr a;
    while (sip_sdp_attr_next(c, &a)) {
        if (!str_eq_nocase(a.name, STR("crypto"))) continue;
        if (sip_sdes_parse(a.value, out) != RC_OK) continue;
        if (!out->plain_srtp && !out->plain_srtcp && !out->unauthenticated_srtp) return true;
    }
    return false;
}

bool sip_sdes_is_keyed(const struct sip_sdp_media *m)
{
    struct cur c = cur_of(m->lines);
    struct sip_sdes s;
    bool is_keyed = m->has_crypto && sip_sdes_next(&c, &s);
    explicit_bzero(&s, sizeof s);
    return is_keyed;
}

void sip_sdes_print(struct buf *out, const struct sip_sdes *s)
{
    buf_put_lit(out, "a=crypto:");
    buf_put_u64(out, s->tag);
    buf_put_char(out, ' ');
    buf_put_str(out, sip_sdes_suite_name(s->suite));
    buf_put_lit(out, " inline:");
    base64_print(out, bytes_of(s->key, s->key_len));
    buf_put_lit(out, "\r\n");
}
