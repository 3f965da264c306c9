#include "store/store.h"
#include "base/check.h"
#include "store/store_int.h"
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { READERS_DEFAULT = 4 };

enum rc store_refuse(struct store_why *why, enum rc rc, const char *fmt, ...)
{
    va_list args;
    if (!why) return rc;
    va_start(args, fmt);
    vsnprintf(why->text, sizeof why->text, fmt, args);
    va_end(args);
    return rc;
}

const char *store_kind_name(enum store_kind kind)
{
    static const char *const names[] = {
        "param",      "node",  "user",          "device", "line",   "profile", "edge",
        "cert",       "trust", "key",           "domain", "issuer", "client",  "grant",
        "hunt-group", "trunk", "route-pattern", "ucm",    "peer",   "allow"};
    static_assert(sizeof names / sizeof names[0] == STORE_KIND_COUNT, "a name for each kind");
    return (unsigned)kind < STORE_KIND_COUNT ? names[kind] : "record";
}

void store_uuid(struct store *s, char out[STORE_UUID_LEN + 1])
{
    uint8_t b[16];
    random_fill(&s->random, b, sizeof b);
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40); /* version 4 (RFC 9562, 5.4) */
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    snprintf(out, STORE_UUID_LEN + 1,
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
             b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
             b[15]);
}

/* --- open and close --- */

static struct store *store_new(const struct store_config *config)
{
    pthread_mutexattr_t attr;
    struct store *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    s->clock = config->clock;
    s->random = config->random;
    s->lock_fd = -1;
    /* Error-checking, so that a thread that changes something while its own batch is open is told. */
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&s->writing, &attr);
    pthread_mutexattr_destroy(&attr);
    pthread_mutex_init(&s->reading, NULL);
    pthread_cond_init(&s->reader_free, NULL);
    pthread_mutex_init(&s->querying, NULL);
    pthread_rwlock_init(&s->listening, NULL);
    return s;
}

static enum rc open_connections(struct store *s, const struct store_config *config,
                                struct store_why *why)
{
    char path[4096];
    if (!(s->folder = str_dup_cstr(str_from(config->folder))))
        return store_refuse(why, RC_NOMEM, "out of memory");
    enum rc rc = store_folder_open(config, &s->lock_fd, path, sizeof path, why);
    if (rc != RC_OK) return rc;
    rc = db_open(path, DB_WRITER, config->max_pages, &s->writer, why);
    if (rc != RC_OK) return rc;
    rc = store_migrate(s->writer, clock_unix_ms(&s->clock), why);
    if (rc != RC_OK) return rc;
    int readers = config->readers > 0 ? config->readers : READERS_DEFAULT;
    if (readers > STORE_READERS_MAX) readers = STORE_READERS_MAX;
    for (int i = 0; i < readers && rc == RC_OK; i++) {
        rc = db_open(path, DB_READER, 0, &s->readers[i], why);
        if (rc != RC_OK) return rc;
        s->reader_count++;
        s->free_readers[s->free_count++] = s->readers[i];
    }
    rc = db_open(path, DB_READER, 0, &s->guarded, why);
    return rc == RC_OK ? db_guard(s->guarded, &s->clock, why) : rc;
}

enum rc store_open(const struct store_config *config, struct store **out, struct store_why *why)
{
    struct store *s = store_new(config);
    if (!s) return store_refuse(why, RC_NOMEM, "out of memory");
    enum rc rc = open_connections(s, config, why);
    if (rc == RC_OK) rc = store_seed(s, why);
    if (rc == RC_OK)
        *out = s;
    else
        store_close(s);
    return rc;
}

struct store *store_close(struct store *s)
{
    if (!s) return NULL;
    for (int i = 0; i < s->reader_count; i++)
        db_close(s->readers[i]);
    db_close(s->guarded);
    db_close(s->writer); /* last: it folds the write-ahead log into the database */
    if (s->lock_fd >= 0) close(s->lock_fd);
    free(s->folder);
    pthread_mutex_destroy(&s->writing);
    pthread_mutex_destroy(&s->reading);
    pthread_cond_destroy(&s->reader_free);
    pthread_mutex_destroy(&s->querying);
    pthread_rwlock_destroy(&s->listening);
    free(s);
    return NULL;
}

bool store_is_new(const struct store *s)
{
    return s->is_new;
}

/* --- reading --- */

static struct db *reader_take(struct store *s)
{
    pthread_mutex_lock(&s->reading);
    while (s->free_count == 0)
        pthread_cond_wait(&s->reader_free, &s->reading);
    struct db *db = s->free_readers[--s->free_count];
    pthread_mutex_unlock(&s->reading);
    return db;
}

static void reader_give(struct store *s, struct db *db)
{
    pthread_mutex_lock(&s->reading);
    s->free_readers[s->free_count++] = db;
    pthread_cond_signal(&s->reader_free);
    pthread_mutex_unlock(&s->reading);
}

static enum rc control(struct db *db, const char *sql, struct store_why *why)
{
    struct db_stmt *st;
    enum rc rc = db_prepare(db, sql, &st, why);
    return rc == RC_OK ? db_run(st, why) : rc;
}

enum rc store_read(struct store *s, store_read_fn *body, void *ctx, struct store_why *why)
{
    struct db *db = reader_take(s);
    enum rc rc = control(db, "BEGIN", why);
    if (rc == RC_OK) {
        rc = body(ctx, db, why);
        enum rc end = control(db, "COMMIT", rc == RC_OK ? why : NULL);
        if (rc == RC_OK) rc = end;
    }
    reader_give(s, db);
    return rc;
}

static enum rc check_body(void *ctx, struct db *db, struct store_why *why)
{
    (void)ctx;
    return db_integrity(db, why);
}

enum rc store_check(struct store *s, struct store_why *why)
{
    return store_read(s, check_body, NULL, why);
}

enum rc store_query_readonly(struct store *s, struct str sql, struct arena *a,
                             struct store_table *out, struct store_why *why)
{
    pthread_mutex_lock(&s->querying);
    enum rc rc = db_query(s->guarded, sql, a, out, why);
    pthread_mutex_unlock(&s->querying);
    return rc;
}

/* --- listeners --- */

enum rc store_listen(struct store *s, store_change_fn *fn, void *ctx)
{
    enum rc rc = RC_OK;
    pthread_rwlock_wrlock(&s->listening);
    if (s->listener_count == STORE_LISTENER_MAX)
        rc = RC_BUSY;
    else
        s->listeners[s->listener_count++] = (struct store_listener){fn, ctx};
    pthread_rwlock_unlock(&s->listening);
    return rc;
}

void store_unlisten(struct store *s, store_change_fn *fn, void *ctx)
{
    pthread_rwlock_wrlock(&s->listening);
    for (size_t i = 0; i < s->listener_count; i++) {
        if (s->listeners[i].fn != fn || s->listeners[i].ctx != ctx) continue;
        s->listeners[i] = s->listeners[--s->listener_count];
        break;
    }
    pthread_rwlock_unlock(&s->listening);
}
