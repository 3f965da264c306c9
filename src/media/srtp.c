/* media/srtp.c - SRTP and SRTCP over libsrtp2.
 * The library's own set-up is the one thing here that a process has once: pthread_once guards it. */
#include "media/srtp.h"
#include "crypto/secret.h"
#include "media/rtp.h"
#include "media/wire_int.h"
#include "sip/sdes.h"

#include <assert.h>
#include <pthread.h>
#include <srtp2/srtp.h>
#include <stdlib.h>

enum { REPLAY_WINDOW = 1024, RTCP_MIN = 8 }; /* window: 20 s of packets */

static_assert((int)MEDIA_SUITE_COUNT == SIP_SDES_SUITE_COUNT &&
                  (int)MEDIA_AEAD_AES_256_GCM == SIP_SDES_AEAD_AES_256_GCM &&
                  (int)MEDIA_SRTP_KEY_MAX == SIP_SDES_KEY_MAX,
              "the suites are those of sip/sdes.h");

struct suite {
    void (*rtp)(srtp_crypto_policy_t *policy);
    void (*rtcp)(srtp_crypto_policy_t *policy);
};

/* RFC 4568, 6.2: the 32-bit tag is for RTP alone; RTCP keeps 80 bits. */
static const struct suite suites[MEDIA_SUITE_COUNT] = {
    [MEDIA_AES_CM_128_HMAC_SHA1_80] = {srtp_crypto_policy_set_rtp_default,
                                       srtp_crypto_policy_set_rtp_default},
    [MEDIA_AES_CM_128_HMAC_SHA1_32] = {srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32,
                                       srtp_crypto_policy_set_rtp_default},
    [MEDIA_AEAD_AES_128_GCM] = {srtp_crypto_policy_set_aes_gcm_128_16_auth,
                                srtp_crypto_policy_set_aes_gcm_128_16_auth},
    [MEDIA_AEAD_AES_256_GCM] = {srtp_crypto_policy_set_aes_gcm_256_16_auth,
                                srtp_crypto_policy_set_aes_gcm_256_16_auth},
};

struct media_srtp {
    srtp_t session;
    bool sends;
    unsigned source_count; /* receiver: SSRCs proven under the key */
    uint32_t sources[MEDIA_SRTP_SOURCES_MAX];
};

struct str media_suite_name(enum media_suite suite)
{
    return sip_sdes_suite_name((enum sip_sdes_suite)suite);
}

size_t media_suite_key_len(enum media_suite suite)
{
    enum sip_sdes_suite sdes = (enum sip_sdes_suite)suite;
    return sip_sdes_key_len(sdes) + sip_sdes_salt_len(sdes);
}

/* ---- keys ---- */

void media_srtp_key_make(struct media_srtp_key *key, enum media_suite suite,
                         const struct random_source *random)
{
    *key = (struct media_srtp_key){.suite = suite};
    random_fill(random, key->bytes, media_suite_key_len(suite));
}

void media_srtp_key_wipe(struct media_srtp_key *key)
{
    crypto_wipe(key, sizeof *key);
}

bool media_srtp_key_eq(const struct media_srtp_key *a, const struct media_srtp_key *b)
{
    size_t n = media_suite_key_len(a->suite);
    return a->suite == b->suite && crypto_equal(bytes_of(a->bytes, n), bytes_of(b->bytes, n));
}

/* ---- sessions ---- */

static pthread_once_t library_once = PTHREAD_ONCE_INIT;
static srtp_err_status_t library_status;

/* The library would print such events; what matters of them comes back as a status, too. */
static void ignore_event(srtp_event_data_t *event)
{
    (void)event;
}

static void library_init(void)
{
    library_status = srtp_init();
    if (library_status == srtp_err_status_ok)
        library_status = srtp_install_event_handler(ignore_event);
}

static enum rc rc_of_status(srtp_err_status_t status)
{
    switch ((int)status) {
    case srtp_err_status_ok: return RC_OK;
    case srtp_err_status_alloc_fail: return RC_NOMEM;
    case srtp_err_status_auth_fail:
    case srtp_err_status_cipher_fail: return RC_DENIED;
    case srtp_err_status_replay_fail:
    case srtp_err_status_replay_old: return RC_EXISTS;
    case srtp_err_status_key_expired: return RC_EXPIRED;
    case srtp_err_status_bad_param:
    case srtp_err_status_parse_err: return RC_MALFORMED;
    default: return RC_IO;
    }
}

static enum rc create(const struct media_srtp_key *key, bool sends, srtp_t *out)
{
    uint8_t bytes[MEDIA_SRTP_KEY_MAX];
    srtp_policy_t policy = {
        .ssrc = {.type = sends ? ssrc_any_outbound : ssrc_any_inbound},
        .key = bytes,
        .window_size = REPLAY_WINDOW,
    };
    memcpy(bytes, key->bytes, sizeof bytes);
    suites[key->suite].rtp(&policy.rtp);
    suites[key->suite].rtcp(&policy.rtcp);
    srtp_err_status_t status = srtp_create(out, &policy);
    crypto_wipe(bytes, sizeof bytes);
    return rc_of_status(status);
}

static enum rc srtp_new(const struct media_srtp_key *key, bool sends, struct media_srtp **out)
{
    if (key->suite == MEDIA_SUITE_NONE) return RC_INVALID;
    pthread_once(&library_once, library_init);
    if (library_status != srtp_err_status_ok) return RC_IO;
    struct media_srtp *srtp = calloc(1, sizeof *srtp);
    if (!srtp) return RC_NOMEM;
    srtp->sends = sends;
    enum rc rc = create(key, sends, &srtp->session);
    if (rc == RC_OK)
        *out = srtp;
    else
        free(srtp);
    return rc;
}

enum rc media_srtp_sender_new(const struct media_srtp_key *key, struct media_srtp **out)
{
    return srtp_new(key, true, out);
}

enum rc media_srtp_receiver_new(const struct media_srtp_key *key, struct media_srtp **out)
{
    return srtp_new(key, false, out);
}

/* The library wipes the keys it derived as it frees them. */
struct media_srtp *media_srtp_free(struct media_srtp *srtp)
{
    if (!srtp) return NULL;
    srtp_dealloc(srtp->session);
    free(srtp);
    return NULL;
}

/* ---- packets ---- */

enum rc media_srtp_protect(struct media_srtp *srtp, uint8_t *packet, size_t *n)
{
    int len = (int)*n;
    enum rc rc = rc_of_status(srtp_protect(srtp->session, packet, &len));
    if (rc == RC_OK) *n = (size_t)len;
    return rc;
}

enum rc media_srtcp_protect(struct media_srtp *srtp, uint8_t *packet, size_t *n)
{
    int len = (int)*n;
    enum rc rc = rc_of_status(srtp_protect_rtcp(srtp->session, packet, &len));
    if (rc == RC_OK) *n = (size_t)len;
    return rc;
}

static bool source_known(const struct media_srtp *srtp, uint32_t ssrc)
{
    for (unsigned i = 0; i < srtp->source_count; i++)
        if (srtp->sources[i] == ssrc) return true;
    return false;
}

/* The library keeps state for each source that proved the key, and forgetting one would let its old
 * packets be played again. So there are only so many under one key. */
static enum rc unprotect(struct media_srtp *srtp, uint32_t ssrc, uint8_t *packet, size_t *n,
                         srtp_err_status_t (*step)(srtp_t, void *, int *))
{
    bool known = source_known(srtp, ssrc);
    if (!known && srtp->source_count == MEDIA_SRTP_SOURCES_MAX) return RC_BUSY;
    int len = (int)*n;
    enum rc rc = rc_of_status(step(srtp->session, packet, &len));
    if (rc != RC_OK) return rc;
    if (!known) srtp->sources[srtp->source_count++] = ssrc;
    *n = (size_t)len;
    return RC_OK;
}

enum rc media_srtp_unprotect(struct media_srtp *srtp, uint8_t *packet, size_t *n)
{
    struct media_rtp rtp; /* the library reads the header's lengths; they are right from here on */
    if (*n > MEDIA_RTP_MAX) return RC_MALFORMED;
    uint8_t first = *n > 0 ? packet[0] : 0;
    if (*n > 0) packet[0] &= (uint8_t)~0x20; /* padding is encrypted still */
    enum rc rc = media_rtp_parse(bytes_of(packet, *n), &rtp);
    if (*n > 0) packet[0] = first;
    if (rc != RC_OK) return rc;
    return unprotect(srtp, rtp.ssrc, packet, n, srtp_unprotect);
}

enum rc media_srtcp_unprotect(struct media_srtp *srtp, uint8_t *packet, size_t *n)
{
    if (*n > MEDIA_RTP_MAX || *n < RTCP_MIN) return RC_MALFORMED;
    return unprotect(srtp, wire_get32(packet + 4), packet, n, srtp_unprotect_rtcp);
}
