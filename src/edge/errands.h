/* edge/errands.h - requests from outside that wait at the outer edge until an inner edge fetches them, and
 * for its answers. Inner edges ask for work ("long poll"), so that nothing is ever opened inwards, whoever
 * is free takes the next one. Whoever takes one says so before he begins; without that word (an edge that
 * died, a connection that was gone already) it is offered again, so that each is done once at most. Texts are opaque here
 * (edge/errand_text.h). Safe from any thread; asking and taking wait. */
#ifndef EDGE_ERRANDS_H
#define EDGE_ERRANDS_H
#include "base/arena.h"
#include "base/clock.h"
#include "base/rc.h"
#include "base/str.h"

struct edge_errands;

enum {
    EDGE_ERRANDS_MAX = 32, /* waiting or under way */
    EDGE_ERRAND_TAKERS_MAX = 16,
    EDGE_ERRAND_WORD_MS = 1500, /* for the taker's word */
};

/* RC_NOMEM. */
MUST_CHECK enum rc edge_errands_new(const struct random_source *random, struct edge_errands **out);
struct edge_errands *edge_errands_free(struct edge_errands *e); /* nobody waits any more; NULL */
/* Everybody who waits is sent away, now and from now on. */
void edge_errands_close(struct edge_errands *e);

/* Those who wait for work are sent away once: who may ask has changed. */
void edge_errands_renew(struct edge_errands *e);

/* Somebody outside asks: *answer lies in the arena. RC_BUSY: too many wait; RC_TIMEOUT: no answer in
 * time; RC_NOT_FOUND: no inner edge has asked for work lately; RC_CLOSED, RC_NOMEM. */
MUST_CHECK enum rc edge_errands_ask(struct edge_errands *e, struct str request, unsigned timeout_ms,
                                    struct arena *arena, struct str *answer);
/* An inner edge asks for work: the oldest that waits, *id for its answer. RC_TIMEOUT: there was none;
 * RC_BUSY: EDGE_ERRAND_TAKERS_MAX wait already; RC_CLOSED, RC_NOMEM. */
MUST_CHECK enum rc edge_errands_take(struct edge_errands *e, unsigned wait_ms, struct arena *arena,
                                     struct str *request, uint64_t *id);
/* The taker's word: from now on it is his. RC_NOT_FOUND: it has been offered to somebody else, or nobody
 * waits for it any more: he leaves it. */
MUST_CHECK enum rc edge_errands_begin(struct edge_errands *e, uint64_t id);
/* RC_NOT_FOUND: nobody waits for that (any more), or it was not begun. */
MUST_CHECK enum rc edge_errands_answer(struct edge_errands *e, uint64_t id, struct str answer);

#endif
