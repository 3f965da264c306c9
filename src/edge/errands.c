#include "edge/errands.h"

#include "base/list.h"
#include "crypto/secret.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LATELY_S = 60 };

struct errand {
    struct list link;
    uint64_t id;
    struct str request; /* the asker's, who waits */
    char *answer;       /* NULL: none yet */
    size_t answer_n;
    bool is_taken, is_begun;
    int64_t taken_ms;
};

struct edge_errands {
    struct random_source random;
    pthread_mutex_t lock;
    pthread_cond_t waiting, answered;
    struct list all; /* the oldest first */
    size_t count, takers;
    int64_t taken_s; /* when work was last asked for; 0 never */
    uint64_t turn;   /* another one: takers leave */
    bool is_closed;
};

static bool cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    if (pthread_condattr_init(&attr) != 0) return false;
    bool ok = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 &&
              pthread_cond_init(cond, &attr) == 0;
    pthread_condattr_destroy(&attr);
    return ok;
}

enum rc edge_errands_new(const struct random_source *random, struct edge_errands **out)
{
    struct edge_errands *e = calloc(1, sizeof *e);
    if (!e) return RC_NOMEM;
    e->random = *random;
    list_init(&e->all);
    if (pthread_mutex_init(&e->lock, NULL) != 0 || !cond_init(&e->waiting) ||
        !cond_init(&e->answered)) {
        free(e);
        return RC_NOMEM;
    }
    *out = e;
    return RC_OK;
}

struct edge_errands *edge_errands_free(struct edge_errands *e)
{
    if (!e) return NULL;
    pthread_cond_destroy(&e->answered);
    pthread_cond_destroy(&e->waiting);
    pthread_mutex_destroy(&e->lock);
    free(e);
    return NULL;
}

void edge_errands_close(struct edge_errands *e)
{
    pthread_mutex_lock(&e->lock);
    e->is_closed = true;
    pthread_cond_broadcast(&e->waiting);
    pthread_cond_broadcast(&e->answered);
    pthread_mutex_unlock(&e->lock);
}

void edge_errands_renew(struct edge_errands *e)
{
    pthread_mutex_lock(&e->lock);
    e->turn++;
    pthread_cond_broadcast(&e->waiting);
    pthread_mutex_unlock(&e->lock);
}

static struct timespec after_ms(unsigned ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += (long)(ms % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

static int64_t now_ms(void)
{
    struct timespec t = after_ms(0);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static enum rc add(struct edge_errands *e, struct errand *it)
{
    if (e->is_closed) return RC_CLOSED;
    if (e->count >= EDGE_ERRANDS_MAX) return RC_BUSY;
    bool lately = e->taken_s != 0 && after_ms(0).tv_sec - e->taken_s < LATELY_S;
    if (e->takers == 0 && !lately) return RC_NOT_FOUND;
    it->id = random_u64(&e->random);
    list_push_back(&e->all, &it->link);
    e->count++;
    pthread_cond_signal(&e->waiting);
    return RC_OK;
}

/* Waits a while; what was taken without a word is offered again, by another name. ETIMEDOUT: until is
 * over. */
static int wait_for_answer(struct edge_errands *e, struct errand *it, const struct timespec *until)
{
    struct timespec slice = after_ms(EDGE_ERRAND_WORD_MS / 3);
    bool is_last = slice.tv_sec > until->tv_sec ||
                   (slice.tv_sec == until->tv_sec && slice.tv_nsec >= until->tv_nsec);
    int late = pthread_cond_timedwait(&e->answered, &e->lock, is_last ? until : &slice);
    if (it->is_taken && !it->is_begun && now_ms() - it->taken_ms >= EDGE_ERRAND_WORD_MS) {
        it->is_taken = false;
        it->id = random_u64(&e->random);
        pthread_cond_signal(&e->waiting);
    }
    return is_last ? late : 0;
}

enum rc edge_errands_ask(struct edge_errands *e, struct str request, unsigned timeout_ms,
                         struct arena *arena, struct str *answer)
{
    struct errand it = {.request = request};
    struct timespec until = after_ms(timeout_ms);
    int late = 0;
    list_init(&it.link);
    pthread_mutex_lock(&e->lock);
    enum rc rc = add(e, &it);
    if (rc == RC_OK) {
        while (!it.answer && !e->is_closed && late == 0)
            late = wait_for_answer(e, &it, &until);
        list_remove(&it.link);
        e->count--;
        rc = it.answer ? RC_OK : e->is_closed ? RC_CLOSED : RC_TIMEOUT;
    }
    pthread_mutex_unlock(&e->lock);
    if (rc != RC_OK) return rc;
    rc = arena_str_dup(arena, str_of(it.answer, it.answer_n), answer);
    crypto_wipe(it.answer, it.answer_n);
    free(it.answer);
    return rc;
}

static struct errand *next_waiting(struct edge_errands *e)
{
    LIST_FOR_EACH(at, &e->all)
    {
        struct errand *it = LIST_OF(at, struct errand, link);
        if (!it->is_taken) return it;
    }
    return NULL;
}

enum rc edge_errands_take(struct edge_errands *e, unsigned wait_ms, struct arena *arena,
                          struct str *request, uint64_t *id)
{
    struct timespec until = after_ms(wait_ms);
    struct errand *it;
    enum rc rc = RC_TIMEOUT;
    int late = 0;
    pthread_mutex_lock(&e->lock);
    if (e->takers >= EDGE_ERRAND_TAKERS_MAX) {
        pthread_mutex_unlock(&e->lock);
        return RC_BUSY;
    }
    uint64_t turn = e->turn;
    e->takers++;
    while (!(it = next_waiting(e)) && !e->is_closed && e->turn == turn && late == 0)
        late = pthread_cond_timedwait(&e->waiting, &e->lock, &until);
    if (it) {
        rc = arena_str_dup(arena, it->request, request);
        it->is_taken = rc == RC_OK;
        it->taken_ms = now_ms();
        *id = it->id;
    } else if (e->is_closed) {
        rc = RC_CLOSED;
    }
    e->takers--;
    e->taken_s = after_ms(0).tv_sec;
    pthread_mutex_unlock(&e->lock);
    return rc;
}

enum rc edge_errands_begin(struct edge_errands *e, uint64_t id)
{
    enum rc rc = RC_NOT_FOUND;
    pthread_mutex_lock(&e->lock);
    LIST_FOR_EACH(at, &e->all)
    {
        struct errand *it = LIST_OF(at, struct errand, link);
        if (it->id != id || !it->is_taken || it->is_begun) continue;
        it->is_begun = true;
        rc = RC_OK;
    }
    pthread_mutex_unlock(&e->lock);
    return rc;
}

enum rc edge_errands_answer(struct edge_errands *e, uint64_t id, struct str answer)
{
    enum rc rc = RC_NOT_FOUND;
    char *copy = malloc(answer.n + 1);
    if (!copy) return RC_NOMEM;
    memcpy(copy, answer.p, answer.n);
    pthread_mutex_lock(&e->lock);
    LIST_FOR_EACH(at, &e->all)
    {
        struct errand *it = LIST_OF(at, struct errand, link);
        if (it->id != id || !it->is_begun || it->answer || rc == RC_OK) continue;
        it->answer = copy;
        it->answer_n = answer.n;
        rc = RC_OK;
    }
    pthread_cond_broadcast(&e->answered);
    pthread_mutex_unlock(&e->lock);
    if (rc == RC_OK) return rc;
    crypto_wipe(copy, answer.n);
    free(copy);
    return rc;
}
