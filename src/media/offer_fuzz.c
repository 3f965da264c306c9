/* Any body as a peer's offer and as its answer to ours: what is taken leads to a plan that a stream
 * can follow, and our answer to it can be read again. */
#include "base/check.h"
#include "media/offer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct media_ability ability_of(enum media_security security)
{
    struct media_ability a = {
        .security = security,
        .codecs = {MEDIA_OPUS, MEDIA_PCMA, MEDIA_PCMU},
        .codec_count = MEDIA_CODEC_COUNT,
        .rtp = net_addr_v4(192, 0, 2, 1, 16384),
        .session_id = 1,
        .version = 1,
        .direction = MEDIA_SENDRECV,
    };
    for (int i = MEDIA_SUITE_NONE + 1; i < MEDIA_SUITE_COUNT; i++)
        a.keys[a.key_count++] = (struct media_srtp_key){.suite = (enum media_suite)i, .bytes = {7}};
    return a;
}

static void check_plan(const struct media_ability *a, const struct media_plan *p)
{
    bool encrypted = p->send.suite != MEDIA_SUITE_NONE;
    CHECK((unsigned)p->codec < MEDIA_CODEC_COUNT && p->send_type < 128 && p->receive_type < 128);
    CHECK(p->dtmf_send_type < 128 && (unsigned)p->direction <= MEDIA_SENDRECV);
    CHECK(encrypted == (p->receive.suite != MEDIA_SUITE_NONE));
    CHECK(!encrypted || p->send.suite == p->receive.suite);
    CHECK(a->security != MEDIA_SRTP_ONLY || encrypted);
    CHECK(a->security != MEDIA_PLAIN_ONLY || !encrypted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = bytes_str(bytes_of(data, size));
    for (unsigned s = MEDIA_PLAIN_ONLY; s <= MEDIA_SRTP_ONLY; s++) {
        struct media_ability a = ability_of((enum media_security)s);
        struct media_refusal why = {0};
        struct media_place place = {0, 1};
        struct media_plan plan;
        struct sip_sdp again;
        struct buf out;
        buf_init(&out, 2 * MEDIA_SDP_MAX);
        enum rc rc = media_answer_make(&a, text, &plan, &place, &out, &why);
        CHECK(rc != RC_INVALID || (why.status == 488 && why.text));
        CHECK(rc != RC_MALFORMED || (why.status == 400 && why.text));
        if (rc == RC_OK) {
            check_plan(&a, &plan);
            CHECK(place.index < place.count);
            CHECK(sip_sdp_parse(buf_str(&out), &again, NULL) == RC_OK);
            CHECK(again.media_count == place.count);
        }
        buf_fini(&out);
        if (media_answer_read(&a, (struct media_place){0, 1}, text, &plan, &why) == RC_OK)
            check_plan(&a, &plan);
    }
    return 0;
}
