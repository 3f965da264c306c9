/* media/pipe.c - a resampler and the queue behind it. */
#include "media/pipe.h"

#include <stdlib.h>
#include <string.h>

enum { PUSH_MS = 20 };

struct media_pipe {
    unsigned from_hz, to_hz;
    struct media_resampler *resampler; /* NULL: the rates are equal */
    size_t n, cap;
    size_t push_max; /* samples taken at once */
    int16_t *fresh;  /* what one push makes */
    int16_t *queue;
};

enum rc media_pipe_new(unsigned from_hz, unsigned to_hz, struct media_pipe **out)
{
    struct media_pipe *p = calloc(1, sizeof *p);
    if (!p) return RC_NOMEM;
    enum rc rc = RC_OK;
    *p = (struct media_pipe){.from_hz = from_hz, .to_hz = to_hz};
    p->push_max = from_hz / 1000 * PUSH_MS + PUSH_MS;
    p->cap = (size_t)to_hz / 1000 * MEDIA_PIPE_MS;
    if (from_hz != to_hz) rc = media_resampler_new(from_hz, to_hz, &p->resampler);
    if (rc == RC_OK) {
        size_t bound = p->resampler ? media_resample_bound(p->resampler, p->push_max) : p->push_max;
        p->fresh = malloc(bound * sizeof *p->fresh);
        p->queue = malloc(p->cap * sizeof *p->queue);
        if (!p->fresh || !p->queue) rc = RC_NOMEM;
    }
    if (rc == RC_OK)
        *out = p;
    else
        media_pipe_free(p);
    return rc;
}

struct media_pipe *media_pipe_free(struct media_pipe *p)
{
    if (!p) return NULL;
    media_resampler_free(p->resampler);
    free(p->fresh);
    free(p->queue);
    free(p);
    return NULL;
}

bool media_pipe_fits(const struct media_pipe *p, unsigned from_hz, unsigned to_hz)
{
    return p && p->from_hz == from_hz && p->to_hz == to_hz;
}

static void drop(struct media_pipe *p, size_t count)
{
    memmove(p->queue, p->queue + count, (p->n - count) * sizeof *p->queue);
    p->n -= count;
}

void media_pipe_push(struct media_pipe *p, const int16_t *pcm, size_t count)
{
    if (count > p->push_max) count = p->push_max;
    if (p->resampler) {
        count = media_resample(p->resampler, pcm, count, p->fresh);
        pcm = p->fresh;
    }
    if (count > p->cap) count = p->cap;
    if (p->n + count > p->cap) drop(p, p->n + count - p->cap);
    memcpy(p->queue + p->n, pcm, count * sizeof *pcm);
    p->n += count;
}

size_t media_pipe_ready(const struct media_pipe *p)
{
    return p->n;
}

size_t media_pipe_pop(struct media_pipe *p, int16_t *pcm, size_t count)
{
    size_t n = count < p->n ? count : p->n;
    memcpy(pcm, p->queue, n * sizeof *pcm);
    memset(pcm + n, 0, (count - n) * sizeof *pcm);
    drop(p, n);
    return n;
}
