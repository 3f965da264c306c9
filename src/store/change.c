/* One change, many changes: transactions on the writer, their events and audit rows. */
#include "base/check.h"
#include "store/store_int.h"
#include <errno.h>
#include <stdlib.h>

enum { AUDIT_RESULT_MAX = 400, AUDIT_WORD_MAX = 32 };

static enum rc control(struct db *db, const char *sql, struct store_why *why)
{
    struct db_stmt *st;
    enum rc rc = db_prepare(db, sql, &st, why);
    return rc == RC_OK ? db_run(st, why) : rc;
}

static enum rc writer_take(struct store *s, struct store_why *why)
{
    if (pthread_mutex_lock(&s->writing) == EDEADLK)
        return store_refuse(why, RC_BUSY, "a batch of this thread is still open");
    return RC_OK;
}

/* --- events --- */

enum rc store_tx_event(struct store_tx *tx, enum store_kind kind, struct str key, bool removed)
{
    if (tx->event_count == tx->event_cap) {
        size_t cap = tx->event_cap ? tx->event_cap * 2 : 8;
        struct store_event *events = realloc(tx->events, cap * sizeof *events);
        if (!events) return RC_NOMEM;
        tx->events = events;
        tx->event_cap = cap;
    }
    char *copy = str_dup_cstr(key);
    if (!copy) return RC_NOMEM;
    tx->events[tx->event_count++] = (struct store_event){kind, removed, copy, key.n};
    return RC_OK;
}

static void events_drop(struct store_tx *tx, size_t down_to)
{
    while (tx->event_count > down_to)
        free(tx->events[--tx->event_count].key);
}

/* After the commit: tells the listeners, then forgets. No lock of the writer is held. */
static void events_tell(struct store_tx *tx)
{
    struct store *s = tx->s;
    pthread_rwlock_rdlock(&s->listening);
    for (size_t e = 0; e < tx->event_count; e++) {
        const struct store_event *ev = &tx->events[e];
        for (size_t i = 0; i < s->listener_count; i++)
            s->listeners[i].fn(s->listeners[i].ctx, ev->kind, str_of(ev->key, ev->key_n),
                               ev->removed);
    }
    pthread_rwlock_unlock(&s->listening);
}

static void tx_fini(struct store_tx *tx)
{
    events_drop(tx, 0);
    free(tx->events);
    tx->events = NULL;
}

/* --- audit --- */

struct str store_text_cut(struct str s, size_t max)
{
    size_t n = s.n;
    if (n > max)
        for (n = max; n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80;)
            n--; /* not inside a UTF-8 sequence */
    s = str_of(s.p, n);
    return str_is_utf8(s) ? s : STR("(not text)");
}

enum rc store_tx_audit(struct store_tx *tx, struct str action, struct str kind, struct str key,
                       struct str result, struct store_why *why)
{
    struct db_stmt *st;
    enum rc rc = db_prepare(
        tx->db,
        "INSERT INTO audit (at_unix_ms, who, origin, action, kind, key, result) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        &st, why);
    if (rc != RC_OK) return rc;
    db_bind_i64(st, 1, clock_unix_ms(&tx->s->clock));
    db_bind_str(st, 2, store_text_cut(tx->by->who, STORE_KEY_MAX));
    db_bind_str(st, 3, store_text_cut(tx->by->from, STORE_KEY_MAX));
    db_bind_str(st, 4, store_text_cut(action, AUDIT_WORD_MAX));
    db_bind_str(st, 5, store_text_cut(kind, AUDIT_WORD_MAX));
    db_bind_str(st, 6, store_text_cut(key, STORE_KEY_MAX));
    db_bind_str(st, 7, store_text_cut(result, AUDIT_RESULT_MAX));
    return db_run(st, why);
}

/* --- one change --- */

static void roll_back(struct db *db)
{
    /* A full disk may have rolled back already; a failure here leaves nothing more to do: the next BEGIN
     * would say so. */
    if (db_in_transaction(db) && db_exec(db, "ROLLBACK", NULL) != RC_OK) return;
}

static enum rc change_alone(struct store *s, const struct store_by *by, store_change_body *body,
                            void *ctx, struct store_why *why)
{
    enum rc rc = writer_take(s, why);
    if (rc != RC_OK) return rc;
    struct store_tx tx = {.s = s, .db = s->writer, .by = by};
    rc = control(tx.db, "BEGIN IMMEDIATE", why);
    if (rc == RC_OK) rc = body(ctx, &tx, why);
    if (rc == RC_OK) rc = control(tx.db, "COMMIT", why);
    if (rc != RC_OK) roll_back(tx.db);
    store_disk_note(s, db_disk_failed(tx.db) && rc != RC_OK, rc == RC_OK);
    pthread_mutex_unlock(&s->writing);
    if (rc == RC_OK) events_tell(&tx);
    tx_fini(&tx);
    return rc;
}

static enum rc change_in_batch(struct store_batch *b, const struct store_by *by,
                               store_change_body *body, void *ctx, struct store_why *why)
{
    struct store_tx *tx = &b->tx;
    size_t events = tx->event_count;
    if (!pthread_equal(b->owner, pthread_self()))
        return store_refuse(why, RC_INVALID, "the batch belongs to another thread");
    if (!db_in_transaction(tx->db))
        return store_refuse(why, RC_IO, "the batch was undone by a failure of the disk: end it");
    if (tx->rows == STORE_BATCH_MAX)
        return store_refuse(why, RC_TOO_BIG, "a batch has at most %d changes",
                            (int)STORE_BATCH_MAX);
    tx->by = by;
    enum rc rc = control(tx->db, "SAVEPOINT one", why);
    if (rc != RC_OK) return rc;
    rc = body(ctx, tx, why);
    if (rc != RC_OK && db_in_transaction(tx->db)) {
        events_drop(tx, events);
        enum rc undone = control(tx->db, "ROLLBACK TO one", NULL);
        if (undone != RC_OK) rc = undone;
    }
    if (db_in_transaction(tx->db)) {
        enum rc released = control(tx->db, "RELEASE one", rc == RC_OK ? why : NULL);
        if (rc == RC_OK) rc = released;
    }
    if (rc == RC_OK) tx->rows++;
    return rc;
}

enum rc store_change(struct store *s, const struct store_by *by, store_change_body *body, void *ctx,
                     struct store_why *why)
{
    if (by->batch) return change_in_batch(by->batch, by, body, ctx, why);
    return change_alone(s, by, body, ctx, why);
}

/* --- batches --- */

enum rc store_batch_begin(struct store *s, struct store_batch **out, struct store_why *why)
{
    struct store_batch *b = calloc(1, sizeof *b);
    if (!b) return store_refuse(why, RC_NOMEM, "out of memory");
    enum rc rc = writer_take(s, why);
    if (rc != RC_OK) {
        free(b);
        return rc;
    }
    b->owner = pthread_self();
    b->tx = (struct store_tx){.s = s, .db = s->writer};
    rc = control(b->tx.db, "BEGIN IMMEDIATE", why);
    if (rc == RC_OK) {
        *out = b;
        return RC_OK;
    }
    pthread_mutex_unlock(&s->writing);
    free(b);
    return rc;
}

enum rc store_batch_commit(struct store_batch *b, struct store_why *why)
{
    struct store *s = b->tx.s;
    CHECK(pthread_equal(b->owner, pthread_self()));
    enum rc rc = db_in_transaction(b->tx.db)
                     ? control(b->tx.db, "COMMIT", why)
                     : store_refuse(
                           why, RC_IO,
                           "the disk failed during the batch (full?): nothing was changed");
    if (rc != RC_OK) roll_back(b->tx.db);
    store_disk_note(s, db_disk_failed(b->tx.db) && rc != RC_OK, rc == RC_OK);
    pthread_mutex_unlock(&s->writing);
    if (rc == RC_OK) events_tell(&b->tx);
    tx_fini(&b->tx);
    free(b);
    return rc;
}

struct store_batch *store_batch_rollback(struct store_batch *b)
{
    if (!b) return NULL;
    CHECK(pthread_equal(b->owner, pthread_self()));
    roll_back(b->tx.db);
    store_disk_note(b->tx.s, db_disk_failed(b->tx.db), false);
    pthread_mutex_unlock(&b->tx.s->writing);
    tx_fini(&b->tx);
    free(b);
    return NULL;
}
