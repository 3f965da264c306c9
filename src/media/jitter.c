/* media/jitter.c - the adaptive jitter buffer.
 * Time here is counted in samples. A packet's transit is its arrival less its timestamp; the least
 * transit of the last seconds is the network at its best. The player's delay is how long a packet
 * with that transit waits before it is played. The delay wanted is the spread of transits: a packet
 * that took the longest of them still comes in time. */
#include "media/jitter.h"

#include <stdlib.h>

enum {
    MARGIN_MS = 4,      /* above the spread seen */
    OUTLIERS = 2,       /* worst packets of the history that do not count */
    ESTIMATE_EVERY = 8, /* packets */
    TRUST_AFTER = 16,   /* packets before the estimate is used */
    ADJUST_EVERY_MS = 100,
    SLACK_MS = 30,     /* above the delay wanted before sound is shortened */
    STARVED_MS = 1000, /* without a packet, until a new beginning */
    JUMP_MS = 5000,    /* a timestamp this far away is another clock */
};

struct slot {
    bool used;
    uint16_t seq;
    uint8_t type;
    unsigned samples;
    int64_t at; /* extended timestamp */
    size_t n;
    uint8_t data[MEDIA_PAYLOAD_MAX];
};

struct media_jitter {
    unsigned clock_hz;
    bool heard;   /* at least one packet: last_ts and last_at are valid */
    bool playing; /* the player's place moves */
    uint32_t last_ts;
    int64_t last_at;
    int64_t place;    /* what is played next, in extended timestamps */
    unsigned starved; /* samples made up since the buffer was empty */
    uint64_t adjusted_ms;
    int64_t transits[MEDIA_JITTER_HISTORY];
    unsigned transit_n, transit_next, since_estimate;
    int64_t best;   /* least transit */
    int64_t target; /* delay wanted */
    int64_t delay;  /* at the last get */
    unsigned slot_n;
    struct slot slots[MEDIA_JITTER_SLOTS];
};

static int64_t of_ms(const struct media_jitter *j, int64_t ms)
{
    return ms * (j->clock_hz / 1000);
}

void media_jitter_reset(struct media_jitter *j, unsigned clock_hz)
{
    for (unsigned i = 0; i < MEDIA_JITTER_SLOTS; i++)
        j->slots[i].used = false;
    j->clock_hz = clock_hz;
    j->heard = j->playing = false;
    j->slot_n = j->starved = j->transit_n = j->transit_next = j->since_estimate = 0;
    j->adjusted_ms = 0;
    j->best = j->delay = j->place = 0;
    j->target = of_ms(j, MEDIA_JITTER_DELAY_MIN);
}

enum rc media_jitter_new(unsigned clock_hz, struct media_jitter **out)
{
    struct media_jitter *j = malloc(sizeof *j);
    if (!j) return RC_NOMEM;
    media_jitter_reset(j, clock_hz);
    *out = j;
    return RC_OK;
}

struct media_jitter *media_jitter_free(struct media_jitter *j)
{
    free(j);
    return NULL;
}

/* ---- the estimate ---- */

static int by_value(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void estimate(struct media_jitter *j)
{
    int64_t sorted[MEDIA_JITTER_HISTORY];
    unsigned n = j->transit_n;
    memcpy(sorted, j->transits, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_value);
    j->best = sorted[0];
    if (n < TRUST_AFTER) return;
    unsigned outliers = n > MEDIA_JITTER_HISTORY / 2 ? OUTLIERS : OUTLIERS / 2;
    int64_t wanted = sorted[n - 1 - outliers] - sorted[0] + of_ms(j, MARGIN_MS);
    int64_t min = of_ms(j, MEDIA_JITTER_DELAY_MIN), max = of_ms(j, MEDIA_JITTER_DELAY_MAX);
    j->target = wanted < min ? min : wanted > max ? max : wanted;
}

static void take_transit(struct media_jitter *j, int64_t transit)
{
    j->transits[j->transit_next] = transit;
    j->transit_next = (j->transit_next + 1) % MEDIA_JITTER_HISTORY;
    if (j->transit_n < MEDIA_JITTER_HISTORY) j->transit_n++;
    if (j->transit_n == 1 || transit < j->best) j->best = transit;
    if (++j->since_estimate < ESTIMATE_EVERY) return;
    j->since_estimate = 0;
    estimate(j);
}

/* ---- in ---- */

/* Timestamps without their wrap. A jump means the sender's clock began anew, and so does all here. */
static int64_t extend(struct media_jitter *j, uint32_t timestamp)
{
    int64_t at = j->heard ? j->last_at + (int32_t)(timestamp - j->last_ts) : timestamp;
    int64_t jump = j->heard ? at - j->last_at : 0;
    if (jump > of_ms(j, JUMP_MS) || jump < -of_ms(j, JUMP_MS)) media_jitter_reset(j, j->clock_hz);
    if (!j->heard || at > j->last_at) {
        j->last_at = at;
        j->last_ts = timestamp;
    }
    j->heard = true;
    return at;
}

static struct slot *free_slot(struct media_jitter *j)
{
    struct slot *oldest = &j->slots[0];
    for (unsigned i = 0; i < MEDIA_JITTER_SLOTS; i++) {
        struct slot *s = &j->slots[i];
        if (!s->used) return s;
        if (s->at < oldest->at) oldest = s;
    }
    oldest->used = false; /* nobody plays: the newest sound is worth most */
    j->slot_n--;
    return oldest;
}

static bool is_here(const struct media_jitter *j, uint16_t seq)
{
    for (unsigned i = 0; i < MEDIA_JITTER_SLOTS; i++)
        if (j->slots[i].used && j->slots[i].seq == seq) return true;
    return false;
}

/* Where the player stands once a packet at `at` has come. False: it comes too late. */
static bool make_place(struct media_jitter *j, int64_t at, unsigned samples)
{
    if (!j->playing) {
        if (j->slot_n == 0 || at < j->place) j->place = at;
        return true;
    }
    if (at + (int64_t)samples > j->place) return true;
    /* The player starves: better to go back and play this than to wait for what comes after. */
    if (j->slot_n > 0 || j->starved == 0 || j->place - at > (int64_t)j->starved) return false;
    if (j->delay + (j->place - at) > of_ms(j, MEDIA_JITTER_DELAY_MAX)) return false;
    j->place = at;
    return true;
}

enum media_put media_jitter_put(struct media_jitter *j, uint16_t seq, uint32_t timestamp,
                                unsigned samples, uint8_t type, struct bytes payload,
                                uint64_t now_ms)
{
    if (samples == 0 || payload.n == 0 || payload.n > MEDIA_PAYLOAD_MAX) return MEDIA_PUT_BAD;
    int64_t at = extend(j, timestamp);
    if (is_here(j, seq)) return MEDIA_PUT_DUPLICATE;
    take_transit(j, of_ms(j, (int64_t)now_ms) - at);
    if (!make_place(j, at, samples)) return MEDIA_PUT_LATE;
    struct slot *s = free_slot(j);
    s->used = true;
    s->seq = seq;
    s->type = type;
    s->samples = samples;
    s->at = at;
    s->n = payload.n;
    memcpy(s->data, payload.p, payload.n);
    j->slot_n++;
    j->starved = 0;
    return MEDIA_PUT_OK;
}

/* ---- out ---- */

/* The earliest packet; those whose time has passed go. */
static struct slot *first_slot(struct media_jitter *j)
{
    struct slot *first = NULL;
    for (unsigned i = 0; i < MEDIA_JITTER_SLOTS; i++) {
        struct slot *s = &j->slots[i];
        if (!s->used) continue;
        if (s->at + (int64_t)s->samples <= j->place) {
            s->used = false;
            j->slot_n--;
        } else if (!first || s->at < first->at) {
            first = s;
        }
    }
    return first;
}

static bool may_adjust(const struct media_jitter *j, uint64_t now_ms)
{
    return now_ms - j->adjusted_ms >= ADJUST_EVERY_MS;
}

static void hear_packet(struct media_jitter *j, struct slot *s, uint64_t now_ms,
                        struct media_heard *out)
{
    out->got = MEDIA_GOT_PACKET;
    out->samples = s->samples;
    out->type = s->type;
    out->payload = bytes_of(s->data, s->n);
    out->hurry = j->delay > j->target + of_ms(j, SLACK_MS) && may_adjust(j, now_ms);
    j->place = s->at + s->samples;
    s->used = false; /* its bytes stay until the next put */
    j->slot_n--;
}

static void hear_loss(struct media_jitter *j, const struct slot *next, unsigned frame,
                      struct media_heard *out)
{
    int64_t gap = next ? next->at - j->place : frame;
    out->got = MEDIA_GOT_LOST;
    out->samples = gap < (int64_t)frame ? (unsigned)gap : frame;
    if (next && gap == (int64_t)out->samples) {
        out->type = next->type;
        out->payload = bytes_of(next->data, next->n);
    }
    j->place += out->samples;
    if (next) return;
    j->starved += out->samples;
    if (j->starved > of_ms(j, STARVED_MS)) j->playing = false;
}

static bool begin(struct media_jitter *j)
{
    if (j->slot_n > 0 && j->delay >= j->target) j->playing = true;
    return j->playing;
}

void media_jitter_get(struct media_jitter *j, unsigned frame, unsigned played_ahead,
                      uint64_t now_ms, struct media_heard *out)
{
    *out = (struct media_heard){.got = MEDIA_GOT_NOTHING, .samples = frame};
    j->delay = of_ms(j, (int64_t)now_ms) - (j->place - played_ahead) - j->best;
    if (!j->playing && !begin(j)) return;
    struct slot *first = first_slot(j);
    bool here = first && first->at <= j->place;
    bool short_of_delay = j->delay + (here ? (int64_t)frame : 0) < j->target;
    if (short_of_delay && (!here || may_adjust(j, now_ms))) {
        out->got = MEDIA_GOT_WAIT;
        j->adjusted_ms = now_ms;
        return;
    }
    if (here)
        hear_packet(j, first, now_ms, out);
    else
        hear_loss(j, first, frame, out);
}

void media_jitter_skipped(struct media_jitter *j, uint64_t now_ms)
{
    j->adjusted_ms = now_ms;
}

unsigned media_jitter_delay_ms(const struct media_jitter *j)
{
    int64_t per_ms = j->clock_hz / 1000;
    return j->playing && j->delay > 0 ? (unsigned)(j->delay / per_ms) : 0;
}

unsigned media_jitter_target_ms(const struct media_jitter *j)
{
    return (unsigned)(j->target / (j->clock_hz / 1000));
}
