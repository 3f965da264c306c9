/* media/dtmf.c - keys as telephone events (RFC 4733, 2.3 and 2.5).
 *
 *   sender:  IDLE --digit--> TONE --100 ms--> END --three ends--> GAP --60 ms--> IDLE
 *                 \--','--------------------------------500 ms--> GAP */
#include "media/dtmf.h"
#include "media/codec.h"
#include "media/wire_int.h"

enum { VOLUME = 10, LOST_END_MS = 200, END_BIT = 0x80, VOLUME_MASK = 0x3F };

static const char keys[] = "0123456789*#ABCD"; /* in the order of RFC 4733, 3.2 */
enum { KEY_COUNT = sizeof keys - 1 };

enum rc media_event_parse(struct bytes payload, struct media_event *out)
{
    if (payload.n < MEDIA_EVENT_BYTES) return RC_MALFORMED;
    *out = (struct media_event){
        .event = payload.p[0],
        .end = (payload.p[1] & END_BIT) != 0,
        .volume = payload.p[1] & VOLUME_MASK,
        .duration = wire_get16(payload.p + 2),
    };
    return RC_OK;
}

void media_event_print(uint8_t out[MEDIA_EVENT_BYTES], const struct media_event *event)
{
    out[0] = event->event;
    out[1] = (uint8_t)((event->end ? END_BIT : 0) | (event->volume & VOLUME_MASK));
    wire_set16(out + 2, event->duration);
}

char media_event_digit(unsigned event)
{
    return event < KEY_COUNT ? keys[event] : '\0';
}

int media_event_of_digit(char digit)
{
    if (digit >= 'a' && digit <= 'd') digit = (char)(digit - 'a' + 'A');
    const char *at = digit == '\0' ? NULL : strchr(keys, digit);
    return at ? (int)(at - keys) : -1;
}

/* ---- sending ---- */

void media_dtmf_sender_init(struct media_dtmf_sender *s, unsigned clock_hz)
{
    *s = (struct media_dtmf_sender){.clock_hz = clock_hz};
}

enum rc media_dtmf_queue(struct media_dtmf_sender *s, struct str digits)
{
    for (size_t i = 0; i < digits.n; i++)
        if (digits.p[i] != ',' && media_event_of_digit(digits.p[i]) < 0) return RC_MALFORMED;
    if (digits.n > MEDIA_DTMF_QUEUE - s->count) return RC_BUSY;
    if (digits.n > 0) memcpy(s->queue + s->count, digits.p, digits.n);
    s->count += (unsigned)digits.n;
    return RC_OK;
}

static char next_digit(struct media_dtmf_sender *s)
{
    char digit = s->queue[0];
    memmove(s->queue, s->queue + 1, --s->count);
    return digit;
}

static void enter_gap(struct media_dtmf_sender *s, unsigned ms)
{
    s->state = MEDIA_DTMF_GAP;
    s->elapsed_ms = MEDIA_DTMF_PAUSE_MS - ms;
}

static bool enter_tone(struct media_dtmf_sender *s, uint32_t now)
{
    if (s->count == 0) return false;
    char digit = next_digit(s);
    if (digit == ',') {
        enter_gap(s, MEDIA_DTMF_PAUSE_MS);
        return true;
    }
    s->state = MEDIA_DTMF_TONE;
    s->event = (uint8_t)media_event_of_digit(digit);
    s->timestamp = now;
    s->elapsed_ms = 0;
    return true;
}

static void print_event(const struct media_dtmf_sender *s, bool end,
                        uint8_t payload[MEDIA_EVENT_BYTES])
{
    struct media_event event = {
        .event = s->event,
        .end = end,
        .volume = VOLUME,
        .duration = (uint16_t)(s->elapsed_ms * (s->clock_hz / 1000)),
    };
    media_event_print(payload, &event);
}

enum media_dtmf_step media_dtmf_step(struct media_dtmf_sender *s, uint32_t now,
                                     uint8_t payload[MEDIA_EVENT_BYTES], uint32_t *timestamp,
                                     bool *marker, bool *done)
{
    *done = *marker = false;
    if (s->state == MEDIA_DTMF_IDLE && !enter_tone(s, now)) return MEDIA_DTMF_NOTHING;
    *timestamp = s->timestamp;
    switch (s->state) {
    case MEDIA_DTMF_TONE:
        *marker = s->elapsed_ms == 0;
        s->elapsed_ms += MEDIA_FRAME_MS;
        print_event(s, s->elapsed_ms >= MEDIA_DTMF_TONE_MS, payload);
        if (s->elapsed_ms < MEDIA_DTMF_TONE_MS) return MEDIA_DTMF_PACKET;
        s->state = MEDIA_DTMF_END;
        s->copies = 1;
        return MEDIA_DTMF_PACKET;
    case MEDIA_DTMF_END:
        print_event(s, true, payload);
        if (++s->copies == MEDIA_DTMF_END_COPIES) enter_gap(s, MEDIA_DTMF_GAP_MS);
        return MEDIA_DTMF_PACKET;
    case MEDIA_DTMF_GAP:
        s->elapsed_ms += MEDIA_FRAME_MS;
        if (s->elapsed_ms < MEDIA_DTMF_PAUSE_MS) return MEDIA_DTMF_SILENT;
        s->state = MEDIA_DTMF_IDLE;
        *done = s->count == 0;
        return MEDIA_DTMF_SILENT;
    case MEDIA_DTMF_IDLE:
    default: return MEDIA_DTMF_NOTHING;
    }
}

/* ---- receiving ---- */

void media_dtmf_receiver_init(struct media_dtmf_receiver *r, unsigned clock_hz)
{
    *r = (struct media_dtmf_receiver){.clock_hz = clock_hz};
}

static struct media_dtmf_change change_of(const struct media_dtmf_receiver *r, bool ended)
{
    return (struct media_dtmf_change){
        .digit = media_event_digit(r->event),
        .ended = ended,
        .duration_ms = (unsigned)((uint64_t)r->duration * 1000 / r->clock_hz),
    };
}

/* Packets of one event share its timestamp; a new timestamp ahead of it is a new key. */
unsigned media_dtmf_receive(struct media_dtmf_receiver *r, uint32_t timestamp,
                            const struct media_event *event, uint64_t now_ms,
                            struct media_dtmf_change out[3])
{
    unsigned count = 0;
    if (media_event_digit(event->event) == '\0') return 0;
    bool same = r->seen && timestamp == r->timestamp;
    if (r->seen && !same && (int32_t)(timestamp - r->timestamp) < 0) return 0; /* an old one */
    if (same && !r->down) return 0; /* a copy of an end we had */
    if (!same) {
        if (r->down) out[count++] = change_of(r, true);
        r->down = r->seen = true;
        r->timestamp = timestamp;
        r->event = event->event;
        r->duration = event->duration;
        out[count++] = change_of(r, false);
    }
    if (event->duration > r->duration) r->duration = event->duration;
    r->last_ms = now_ms;
    if (!event->end) return count;
    r->down = false;
    out[count++] = change_of(r, true);
    return count;
}

bool media_dtmf_expire(struct media_dtmf_receiver *r, uint64_t now_ms,
                       struct media_dtmf_change *out)
{
    if (!r->down || now_ms - r->last_ms < LOST_END_MS) return false;
    r->down = false;
    *out = change_of(r, true);
    return true;
}
