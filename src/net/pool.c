/* net/pool.c - threads that take jobs from one bounded queue. */
#include "net/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

enum { THREADS_MAX = 64 };

struct job {
    struct list link;
    net_fn *work, *done;
    void *ctx;
    struct net_loop *loop;
    struct net_post post;
};

struct net_pool {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a job came, or closing was set */
    struct list jobs;
    size_t waiting, queue_max;
    bool closing;
    unsigned thread_count; /* running */
    pthread_t threads[THREADS_MAX];
};

static void job_done(void *ctx)
{
    struct job *job = ctx;
    net_fn *done = job->done;
    void *done_ctx = job->ctx;
    free(job);
    done(done_ctx);
}

static struct job *next_job(struct net_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    while (list_is_empty(&pool->jobs) && !pool->closing)
        pthread_cond_wait(&pool->changed, &pool->lock);
    struct list *link = list_first(&pool->jobs);
    if (link) {
        list_remove(link);
        pool->waiting--;
    }
    pthread_mutex_unlock(&pool->lock);
    return link ? LIST_OF(link, struct job, link) : NULL;
}

static void *thread_main(void *ctx)
{
    for (struct job *job; (job = next_job(ctx));) {
        job->work(job->ctx);
        if (job->done)
            net_loop_post(job->loop, &job->post, job_done, job);
        else
            free(job);
    }
    return NULL;
}

/* New threads inherit a full mask: signals go to the threads that asked for them. */
static enum rc start_threads(struct net_pool *pool, unsigned thread_count)
{
    sigset_t all, before;
    sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0) return RC_IO;
    while (pool->thread_count < thread_count &&
           pthread_create(&pool->threads[pool->thread_count], NULL, thread_main, pool) == 0)
        pool->thread_count++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return pool->thread_count == thread_count ? RC_OK : RC_IO;
}

enum rc net_pool_new(unsigned thread_count, size_t queue_max, struct net_pool **out)
{
    if (thread_count == 0 || thread_count > THREADS_MAX || queue_max == 0) return RC_INVALID;
    struct net_pool *pool = calloc(1, sizeof *pool);
    if (!pool) return RC_NOMEM;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->changed, NULL);
    list_init(&pool->jobs);
    pool->queue_max = queue_max;
    enum rc rc = start_threads(pool, thread_count);
    if (rc != RC_OK) {
        net_pool_free(pool);
        return rc;
    }
    *out = pool;
    return RC_OK;
}

struct net_pool *net_pool_free(struct net_pool *pool)
{
    if (!pool) return NULL;
    pthread_mutex_lock(&pool->lock);
    pool->closing = true;
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->thread_count; i++)
        pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->changed);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
    return NULL;
}

static enum rc enqueue(struct net_pool *pool, struct job *job)
{
    enum rc rc = RC_OK;
    pthread_mutex_lock(&pool->lock);
    if (pool->closing)
        rc = RC_CLOSED;
    else if (pool->waiting == pool->queue_max)
        rc = RC_BUSY;
    else {
        list_push_back(&pool->jobs, &job->link);
        pool->waiting++;
        pthread_cond_signal(&pool->changed);
    }
    pthread_mutex_unlock(&pool->lock);
    return rc;
}

enum rc net_pool_submit(struct net_pool *pool, net_fn *work, net_fn *done, void *ctx,
                        struct net_loop *loop)
{
    struct job *job = calloc(1, sizeof *job);
    if (!job) return RC_NOMEM;
    job->work = work;
    job->done = done;
    job->ctx = ctx;
    job->loop = loop;
    enum rc rc = enqueue(pool, job);
    if (rc != RC_OK) free(job);
    return rc;
}

size_t net_pool_waiting(struct net_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    size_t waiting = pool->waiting;
    pthread_mutex_unlock(&pool->lock);
    return waiting;
}
