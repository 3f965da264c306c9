/* media/session_sdp.c - offer and answer of a session: which SDP stands, which is open. Both bodies are
 * kept, for they decide what the next ones must look like; both hold keys and are wiped. */
#include "crypto/secret.h"
#include "media/session_int.h"

static void wipe(struct buf *b)
{
    if (b->p) crypto_wipe(b->p, b->cap);
    buf_reset(b);
}

enum rc session_sdp_init(struct media_session *s)
{
    const struct media_session_config *c = &s->config;
    struct media_ability *a = &s->sdp.ability;
    *a = (struct media_ability){
        .security = c->security,
        .codec_count = c->codec_count,
        .key_count = c->suite_count,
        .rtp = c->announce.family == NET_NONE ? s->ports.addr : c->announce,
        .session_id = random_u64(&c->random) >> 2,
        .version = 1,
        .direction = MEDIA_SENDRECV,
    };
    a->rtp.port = s->ports.addr.port;
    memcpy(a->codecs, c->codecs, sizeof a->codecs);
    for (size_t i = 0; i < c->suite_count; i++)
        media_srtp_key_make(&a->keys[i], c->suites[i], &c->random);
    s->sdp.place = (struct media_place){0, 1};
    buf_init(&s->sdp.remote, MEDIA_SDP_MAX + 1);
    buf_init(&s->sdp.local, MEDIA_SDP_MAX);
    /* Whole at once, so that no copy with a key is left behind as they grow. */
    if (!buf_reserve(&s->sdp.remote, MEDIA_SDP_MAX) ||
        !buf_reserve(&s->sdp.local, SESSION_OFFER_MAX))
        return RC_NOMEM;
    return RC_OK;
}

void session_sdp_fini(struct media_session *s)
{
    wipe(&s->sdp.remote);
    wipe(&s->sdp.local);
    buf_fini(&s->sdp.remote);
    buf_fini(&s->sdp.local);
    media_ability_wipe(&s->sdp.ability);
}

static void keep(struct buf *to, struct str text)
{
    wipe(to);
    buf_put_str(to, text);
}

static enum media_direction wanted(const struct media_session *s)
{
    return s->hold ? MEDIA_SENDONLY : MEDIA_SENDRECV;
}

typedef enum rc print_fn(struct media_session *s, struct buf *out, void *ctx);

/* Prints into the caller's buffer; if it is not what we said last, it says so by a higher version
 * (RFC 3264, 8). */
static enum rc print_next(struct media_session *s, struct buf *sdp, print_fn *print, void *ctx)
{
    struct buf text;
    buf_init(&text, MEDIA_SDP_MAX);
    if (!buf_reserve(&text, SESSION_OFFER_MAX)) return RC_NOMEM;
    enum rc rc = print(s, &text, ctx);
    if (rc == RC_OK && s->sdp.local.n > 0 && !str_eq(buf_str(&text), buf_str(&s->sdp.local))) {
        s->sdp.ability.version++;
        wipe(&text);
        rc = print(s, &text, ctx);
    }
    if (rc == RC_OK) {
        keep(&s->sdp.local, buf_str(&text));
        buf_put_str(sdp, buf_str(&text));
        rc = buf_rc(&s->sdp.local) != RC_OK ? buf_rc(&s->sdp.local) : buf_rc(sdp);
    }
    wipe(&text);
    buf_fini(&text);
    return rc;
}

/* ---- our offer ---- */

static enum rc print_offer(struct media_session *s, struct buf *out, void *ctx)
{
    struct sip_sdp before;
    bool has_before = s->sdp.remote.n > 0 &&
                      sip_sdp_parse(buf_str(&s->sdp.remote), &before, NULL) == RC_OK;
    (void)ctx;
    media_offer_print(out, &s->sdp.ability, has_before ? &before : NULL, s->sdp.place);
    return buf_rc(out);
}

enum rc media_session_offer(struct media_session *s, struct buf *sdp)
{
    s->sdp.ability.direction = wanted(s);
    enum rc rc = print_next(s, sdp, print_offer, NULL);
    if (rc != RC_OK) return rc;
    s->sdp.offer_open = true;
    s->sdp.answered = false;
    return RC_OK;
}

void media_session_offer_failed(struct media_session *s)
{
    s->sdp.offer_open = false;
}

/* An offer stays open to answers of other branches until the peer or we describe something new. */
enum rc media_session_take_answer(struct media_session *s, struct str answer,
                                  struct media_refusal *why)
{
    struct media_plan plan;
    if (!s->sdp.offer_open) return RC_CONFLICT;
    enum rc rc = media_answer_read(&s->sdp.ability, s->sdp.place, answer, &plan, why);
    if (rc != RC_OK) return rc;
    rc = session_use_plan(s, &plan);
    media_plan_wipe(&plan);
    if (rc == RC_OK) {
        s->sdp.answered = true;
        keep(&s->sdp.remote, answer);
    }
    return rc;
}

/* ---- the peer's offer ---- */

struct answering {
    struct str offer;
    struct media_plan plan;
    struct media_place place;
    struct media_refusal *why;
};

static enum rc print_answer(struct media_session *s, struct buf *out, void *ctx)
{
    struct answering *a = ctx;
    return media_answer_make(&s->sdp.ability, a->offer, &a->plan, &a->place, out, a->why);
}

/* An offer of ours whose answer has come is closed by the next one of theirs. */
enum rc media_session_answer(struct media_session *s, struct str offer, struct buf *sdp,
                             struct media_refusal *why)
{
    struct answering a = {.offer = offer, .why = why};
    size_t printed = sdp->n;
    if (s->sdp.offer_open && !s->sdp.answered) return RC_CONFLICT;
    s->sdp.ability.direction = wanted(s);
    enum rc rc = print_next(s, sdp, print_answer, &a);
    if (rc == RC_OK) rc = session_use_plan(s, &a.plan);
    media_plan_wipe(&a.plan);
    if (rc != RC_OK) {
        if (sdp->p) crypto_wipe(sdp->p + printed, sdp->n - printed);
        sdp->n = printed;
        return rc;
    }
    s->sdp.offer_open = false;
    s->sdp.place = a.place;
    keep(&s->sdp.remote, offer);
    return RC_OK;
}
