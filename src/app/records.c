#include "app/records.h"

#include "call/cause.h"
#include "call/trunk.h"
#include "sip/status.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct app_records {
    struct app_records_config config;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t woken;
    struct call_record *ring;
    size_t first, count;
    uint64_t written, dropped;
    bool is_stopping;
    /* the thread's own */
    struct timespec next; /* no transaction before, unless a batch is full */
    uint64_t told;        /* dropped ones a log line has counted */
    bool is_failing;
    struct call_record batch[APP_RECORDS_BATCH];
    struct store_cdr rows[APP_RECORDS_BATCH];
    char reasons[APP_RECORDS_BATCH][APP_RECORDS_REASON_MAX];
};

/* ---- what a row says ---- */

struct str app_records_trunk(const char *device)
{
    struct str s = str_from(device);
    return call_trunk_is_label(s) ? str_sub(s, (size_t)str_find_char(s, ':') + 1, s.n) : STR("");
}

struct str app_records_device(const char *device)
{
    struct str s = str_from(device);
    return call_trunk_is_label(s) ? STR("") : s;
}

/* A refusal of which only somebody who was called is the author; others may be the node's. */
static bool is_by_called(unsigned status)
{
    return status == 486 || status == 600 || status == 603;
}

static enum store_cdr_end end_by(const struct call_record *r)
{
    switch (r->end) {
    case CALL_END_CALLER:
    case CALL_END_CANCELLED: return STORE_CDR_BY_CALLER;
    case CALL_END_CALLEE: return STORE_CDR_BY_CALLED;
    case CALL_END_REFUSED: return is_by_called(r->status) ? STORE_CDR_BY_CALLED : STORE_CDR_BY_NODE;
    case CALL_END_VANISHED:
    case CALL_END_EXPIRED:
    case CALL_END_OPERATOR:
    case CALL_END_STOPPED: break;
    }
    return STORE_CDR_BY_NODE;
}

static void print_reason(const struct call_record *r, char out[APP_RECORDS_REASON_MAX])
{
    static const char *const texts[] = {
        [CALL_END_CALLER] = "hung up",
        [CALL_END_CALLEE] = "hung up",
        [CALL_END_CANCELLED] = "given up before an answer",
        [CALL_END_VANISHED] = "a phone's connection was lost",
        [CALL_END_EXPIRED] = "the session timer ran out",
        [CALL_END_OPERATOR] = "ended by an operator",
        [CALL_END_STOPPED] = "the node was stopped",
    };
    if (r->end == CALL_END_REFUSED)
        snprintf(out, APP_RECORDS_REASON_MAX, "%u %.*s", r->status,
                 STR_ARG(sip_status_reason(r->status)));
    else
        snprintf(out, APP_RECORDS_REASON_MAX, "%s", texts[r->end]);
}

void app_records_print(const struct call_record *r, struct str node,
                       char reason[APP_RECORDS_REASON_MAX], struct store_cdr *out)
{
    print_reason(r, reason);
    *out = (struct store_cdr){
        .call = str_from(r->call_id),
        .node = node,
        .caller = str_from(r->from),
        .caller_device = app_records_device(r->from_device),
        .dialled = str_from(r->dialled),
        .called = str_from(r->to),
        .called_device = app_records_device(r->to_device),
        .trunk_in = app_records_trunk(r->from_device),
        .trunk_out = app_records_trunk(r->to_device),
        .start_unix_ms = r->started_unix_ms,
        .answer_unix_ms = r->answered_unix_ms,
        .end_unix_ms = r->ended_unix_ms,
        .status = (int)r->status,
        .cause = (int)call_cause(r->end, r->status),
        .reason = str_from(reason),
        .end_by = end_by(r),
        .encrypted = r->encrypted && r->answered_unix_ms > 0,
    };
}

/* ---- the thread ---- */

/* The oldest ones, which stay in the ring until they are written. Locked. */
static size_t take(struct app_records *r)
{
    size_t n = r->count < APP_RECORDS_BATCH ? r->count : APP_RECORDS_BATCH;
    for (size_t i = 0; i < n; i++)
        r->batch[i] = r->ring[(r->first + i) % r->config.max];
    return n;
}

static void tell_disk(struct app_records *r, enum rc rc, const struct store_why *why)
{
    const struct log *log = r->config.log;
    if (rc != RC_OK && !r->is_failing)
        log_error(log, "cdr.not_written", LOG_CSTR("rc", rc_name(rc)), LOG_CSTR("why", why->text),
                  LOG_CSTR("text", "Call detail records wait and are tried again each second."));
    if (rc == RC_OK && r->is_failing)
        log_info(log, "cdr.written_again", LOG_STR("node", r->config.node));
    r->is_failing = rc != RC_OK;
}

static void tell_dropped(struct app_records *r, uint64_t dropped)
{
    if (dropped == r->told) return;
    log_warn(r->config.log, "cdr.dropped", LOG_INT("count", dropped - r->told),
             LOG_INT("all", dropped),
             LOG_CSTR("why", "the store did not take call detail records fast enough"));
    r->told = dropped;
}

static struct timespec in_ms(long ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += ms % 1000 * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

/* Writes one batch; the lock is let go of meanwhile. */
static enum rc write_some(struct app_records *r)
{
    struct store_why why = {""};
    size_t n = take(r);
    uint64_t dropped = r->dropped;
    pthread_mutex_unlock(&r->lock);
    for (size_t i = 0; i < n; i++)
        app_records_print(&r->batch[i], r->config.node, r->reasons[i], &r->rows[i]);
    enum rc rc = r->config.add(r->config.add_ctx, r->rows, n, &why);
    tell_disk(r, rc, &why);
    tell_dropped(r, dropped);
    pthread_mutex_lock(&r->lock);
    if (rc != RC_OK) return rc;
    r->first = (r->first + n) % r->config.max;
    r->count -= n;
    r->written += n;
    r->next = in_ms(APP_RECORDS_GATHER_MS);
    return RC_OK;
}

/* Until there is something to stop for, at most the time between two tries. */
static void pause_locked(struct app_records *r)
{
    struct timespec until = in_ms(APP_RECORDS_RETRY_MS);
    while (!r->is_stopping && pthread_cond_timedwait(&r->woken, &r->lock, &until) == 0) {}
}

static size_t enough(const struct app_records *r)
{
    return r->config.max < APP_RECORDS_BATCH ? r->config.max : APP_RECORDS_BATCH;
}

/* A transaction waits for the disk: what ends within its time shares one. */
static void gather_locked(struct app_records *r)
{
    while (!r->is_stopping && r->count < enough(r) &&
           pthread_cond_timedwait(&r->woken, &r->lock, &r->next) == 0) {}
}

static void *run(void *ctx)
{
    struct app_records *r = ctx;
    enum rc rc = RC_OK;
    pthread_mutex_lock(&r->lock);
    while (r->count > 0 || !r->is_stopping) {
        if (r->count == 0) {
            pthread_cond_wait(&r->woken, &r->lock);
            continue;
        }
        if (rc != RC_OK) pause_locked(r);
        gather_locked(r);
        bool is_last = r->is_stopping;
        rc = write_some(r);
        if (rc != RC_OK && is_last) {
            r->dropped += r->count;
            r->count = 0;
        }
    }
    uint64_t dropped = r->dropped;
    pthread_mutex_unlock(&r->lock);
    tell_dropped(r, dropped);
    return NULL;
}

/* ---- life ---- */

static bool cond_init(pthread_cond_t *c)
{
    pthread_condattr_t attr;
    if (pthread_condattr_init(&attr) != 0) return false;
    bool ok = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 &&
              pthread_cond_init(c, &attr) == 0;
    pthread_condattr_destroy(&attr);
    return ok;
}

static bool thread_start(struct app_records *r)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    bool ok = pthread_create(&r->thread, NULL, run, r) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return ok;
}

enum rc app_records_new(const struct app_records_config *config, struct app_records **out)
{
    struct app_records *r = calloc(1, sizeof *r);
    if (!r) return RC_NOMEM;
    r->config = *config;
    if (r->config.max == 0) r->config.max = APP_RECORDS_MAX;
    r->ring = calloc(r->config.max, sizeof *r->ring);
    if (r->ring && pthread_mutex_init(&r->lock, NULL) == 0) {
        if (cond_init(&r->woken)) {
            if (thread_start(r)) {
                *out = r;
                return RC_OK;
            }
            pthread_cond_destroy(&r->woken);
        }
        pthread_mutex_destroy(&r->lock);
    }
    free(r->ring);
    free(r);
    return RC_NOMEM;
}

struct app_records *app_records_free(struct app_records *r)
{
    if (!r) return NULL;
    pthread_mutex_lock(&r->lock);
    r->is_stopping = true;
    pthread_cond_signal(&r->woken);
    pthread_mutex_unlock(&r->lock);
    pthread_join(r->thread, NULL);
    pthread_cond_destroy(&r->woken);
    pthread_mutex_destroy(&r->lock);
    free(r->ring);
    free(r);
    return NULL;
}

void app_records_put(void *ctx, const struct call_record *record)
{
    struct app_records *r = ctx;
    pthread_mutex_lock(&r->lock);
    if (r->count < r->config.max)
        r->ring[(r->first + r->count++) % r->config.max] = *record;
    else
        r->dropped++;
    if (r->count == 1 || r->count == enough(r)) pthread_cond_signal(&r->woken);
    pthread_mutex_unlock(&r->lock);
}

void app_records_count(struct app_records *r, struct app_records_counts *out)
{
    pthread_mutex_lock(&r->lock);
    *out = (struct app_records_counts){r->count, r->written, r->dropped};
    pthread_mutex_unlock(&r->lock);
}
