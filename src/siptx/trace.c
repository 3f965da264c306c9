/* siptx/trace.c - two rings of bytes behind one lock. Records lie one behind the other, never
 * broken at the end of the ring (a filler takes what is left there); each knows the length of the
 * one before it, so that marking can walk back from the newest. Places are counted in bytes since
 * the beginning; the byte itself lies at place modulo size. */
#include "siptx/trace.h"
#include "base/check.h"
#include "sip/mask.h"
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum {
    FILLER = 0xff,        /* kind of a record that only fills the end of the ring */
    WALK_BACK_MAX = 1024, /* records looked at when marking */
    RECORD_ALIGN = 8,
    SCRATCH_MAX = SIPTX_TRACE_MESSAGE_MAX + 2048, /* masking may lengthen a little */
};

struct record {
    uint32_t n, prev_n; /* bytes of this one and of the one before, padding counted */
    uint32_t text_n;
    uint8_t kind, transport, label_n;
    bool routine, is_cut;
    uint64_t seq;
    int64_t unix_ms;
    uint64_t flow_id;
    struct net_addr local, peer;
    char label[SIPTX_LABEL_MAX];
    char text[];
};

struct ring {
    char *p;
    uint64_t size, head, tail; /* places: newest end, oldest record */
    uint32_t last_n;           /* length of the newest record */
};

struct siptx_trace {
    pthread_mutex_t lock;
    _Atomic bool on;
    struct ring recent, kept;
    uint64_t seq;
    uint64_t dropped, dropped_routine;
    char scratch[SCRATCH_MAX];
    char memory[];
};

static struct record *record_at(const struct ring *r, uint64_t place)
{
    return (struct record *)(void *)(r->p + place % r->size);
}

static bool has_header(const struct ring *r, uint64_t place)
{
    return r->size - place % r->size >= sizeof(struct record);
}

/* The oldest record, fillers skipped; NULL when the ring is empty. A rest too short for a header
 * counts as filler. */
static struct record *oldest(struct ring *r)
{
    while (r->tail != r->head) {
        if (!has_header(r, r->tail)) {
            r->tail += r->size - r->tail % r->size;
            continue;
        }
        struct record *rec = record_at(r, r->tail);
        if (rec->kind != FILLER) return rec;
        r->tail += rec->n;
    }
    return NULL;
}

typedef void evict_fn(struct siptx_trace *t, const struct record *rec);

static void evict_for_good(struct siptx_trace *t, const struct record *rec)
{
    (void)rec;
    t->dropped++;
}

/* Makes room for n bytes in one piece at the head; what must go passes through evict. */
static struct record *make_room(struct siptx_trace *t, struct ring *r, uint32_t n, evict_fn *evict)
{
    uint64_t to_end = r->size - r->head % r->size;
    uint64_t filler = to_end < n ? to_end : 0;
    struct record *rec;
    while (r->head + filler + n - r->tail > r->size && (rec = oldest(r)) != NULL) {
        evict(t, rec);
        r->tail += rec->n;
    }
    if (r->tail == r->head) r->tail += filler; /* empty: nothing stands before the filler */
    if (filler >= sizeof(struct record)) {
        rec = record_at(r, r->head);
        rec->kind = FILLER;
        rec->n = (uint32_t)filler;
        rec->prev_n = r->last_n;
        r->last_n = (uint32_t)filler;
    } else {
        r->last_n += (uint32_t)filler; /* a rest too short belongs to the record before it */
    }
    r->head += filler;
    rec = record_at(r, r->head);
    return rec;
}

static void put_record(struct siptx_trace *t, struct ring *r, const struct record *head,
                       const char *text, evict_fn *evict)
{
    struct record *rec = make_room(t, r, head->n, evict);
    memcpy(rec, head, sizeof *rec);
    if (head->text_n > 0) memcpy(rec->text, text, head->text_n);
    rec->prev_n = r->last_n;
    r->last_n = rec->n;
    r->head += rec->n;
}

static void evict_to_kept(struct siptx_trace *t, const struct record *rec)
{
    if (rec->routine) {
        t->dropped_routine++;
        return;
    }
    put_record(t, &t->kept, rec, rec->text, evict_for_good);
}

/* The record before the one at *place (the head to begin with), or NULL at the oldest. */
static struct record *before(const struct ring *r, uint64_t *place, uint32_t *prev_n)
{
    for (;;) {
        if (*place == r->tail || *prev_n == 0 || *place - r->tail < *prev_n) return NULL;
        *place -= *prev_n;
        struct record *rec = record_at(r, *place);
        *prev_n = rec->prev_n;
        if (rec->kind != FILLER) return rec;
    }
}

struct siptx_trace *siptx_trace_new(size_t max_bytes)
{
    if (max_bytes < SIPTX_TRACE_BYTES_MIN) max_bytes = SIPTX_TRACE_BYTES_MIN;
    if (max_bytes > SIPTX_TRACE_BYTES_MAX) max_bytes = SIPTX_TRACE_BYTES_MAX;
    size_t half = max_bytes / 2 / RECORD_ALIGN * RECORD_ALIGN;
    struct siptx_trace *t = malloc(sizeof *t + 2 * half + RECORD_ALIGN);
    if (!t) return NULL;
    memset(t, 0, sizeof *t);
    pthread_mutex_init(&t->lock, NULL);
    uintptr_t at = ((uintptr_t)t->memory + RECORD_ALIGN - 1) / RECORD_ALIGN * RECORD_ALIGN;
    t->recent = (struct ring){.p = (char *)at, .size = half};
    t->kept = (struct ring){.p = (char *)at + half, .size = half};
    t->on = true;
    return t;
}

struct siptx_trace *siptx_trace_free(struct siptx_trace *t)
{
    if (!t) return NULL;
    pthread_mutex_destroy(&t->lock);
    free(t);
    return NULL;
}

void siptx_trace_switch(struct siptx_trace *t, bool on)
{
    t->on = on;
}

bool siptx_trace_is_on(const struct siptx_trace *t)
{
    return t && t->on;
}

static void ring_clear(struct ring *r)
{
    r->head = r->tail = 0;
    r->last_n = 0;
}

void siptx_trace_clear(struct siptx_trace *t)
{
    pthread_mutex_lock(&t->lock);
    ring_clear(&t->recent);
    ring_clear(&t->kept);
    pthread_mutex_unlock(&t->lock);
}

/* Masks (or merely copies a note) into the scratch area. */
static struct str make_text(struct siptx_trace *t, enum siptx_trace_kind kind, struct str bytes,
                            bool *is_cut)
{
    struct buf b;
    size_t max = kind == SIPTX_TRACE_NOTE ? SIPTX_TRACE_NOTE_MAX : SIPTX_TRACE_MESSAGE_MAX;
    *is_cut = bytes.n > max;
    buf_init_fixed(&b, t->scratch, sizeof t->scratch);
    if (kind == SIPTX_TRACE_NOTE) {
        buf_put_str(&b, str_sub(bytes, 0, max));
    } else {
        sip_mask_print(&b, str_sub(bytes, 0, max));
    }
    if (buf_rc(&b) != RC_OK) *is_cut = true;
    return buf_str(&b);
}

uint64_t siptx_trace_add_record(struct siptx_trace *t, const struct siptx_trace_record *r)
{
    if (!siptx_trace_is_on(t)) return 0;
    pthread_mutex_lock(&t->lock);
    bool is_cut;
    struct str text = make_text(t, r->kind, r->bytes, &is_cut);
    struct str label = str_sub(r->label, 0, SIPTX_LABEL_MAX);
    struct record head = {
        .n = (uint32_t)((sizeof head + text.n + RECORD_ALIGN - 1) / RECORD_ALIGN * RECORD_ALIGN),
        .text_n = (uint32_t)text.n,
        .kind = (uint8_t)r->kind,
        .transport = (uint8_t)r->transport,
        .label_n = (uint8_t)label.n,
        .routine = r->routine,
        .is_cut = is_cut || r->is_cut,
        .seq = ++t->seq,
        .unix_ms = r->unix_ms,
        .flow_id = r->flow_id,
        .local = r->local,
        .peer = r->peer,
    };
    if (label.n > 0) memcpy(head.label, label.p, label.n);
    put_record(t, &t->recent, &head, text.p, evict_to_kept);
    pthread_mutex_unlock(&t->lock);
    return head.seq;
}

uint64_t siptx_trace_add(struct siptx_trace *t, int64_t unix_ms, const struct siptx_flow *f,
                         enum siptx_trace_kind kind, struct str bytes)
{
    if (!siptx_trace_is_on(t)) return 0;
    struct siptx_trace_record r = {
        .unix_ms = unix_ms,
        .flow_id = f->id,
        .kind = kind,
        .transport = (enum siptx_transport)f->transport,
        .local = f->local,
        .peer = f->peer,
        .label = str_from(f->label),
        .bytes = bytes,
    };
    return siptx_trace_add_record(t, &r);
}

/* "name?" to "name" */
static bool is_doubted(struct str label, struct str name)
{
    return label.n == name.n + 1 && label.p[name.n] == '?' &&
           str_eq_nocase(str_sub(label, 0, name.n), name);
}

static void label_records(struct siptx_trace *t, uint64_t flow_id, uint64_t first_seq,
                          struct str label, bool others_too)
{
    if (!t || first_seq == 0) return;
    label = str_sub(label, 0, SIPTX_LABEL_MAX);
    pthread_mutex_lock(&t->lock);
    uint64_t place = t->recent.head;
    uint32_t prev_n = t->recent.last_n;
    struct record *rec;
    for (int i = 0; i < WALK_BACK_MAX && (rec = before(&t->recent, &place, &prev_n)); i++) {
        if (rec->seq < first_seq) break;
        if (rec->flow_id != flow_id || label.n == 0) continue;
        bool is_anothers = rec->label_n > 0 && !is_doubted(str_of(rec->label, rec->label_n), label);
        if (is_anothers && !others_too) continue;
        memcpy(rec->label, label.p, label.n);
        rec->label_n = (uint8_t)label.n;
    }
    pthread_mutex_unlock(&t->lock);
}

void siptx_trace_label(struct siptx_trace *t, uint64_t flow_id, uint64_t first_seq,
                       struct str label)
{
    label_records(t, flow_id, first_seq, label, false);
}

void siptx_trace_relabel(struct siptx_trace *t, uint64_t flow_id, uint64_t first_seq,
                         struct str label)
{
    label_records(t, flow_id, first_seq, label, true);
}

void siptx_trace_mark_routine(struct siptx_trace *t, uint64_t flow_id, uint64_t from_seq,
                              uint64_t to_seq)
{
    if (!t || from_seq == 0) return;
    pthread_mutex_lock(&t->lock);
    uint64_t place = t->recent.head;
    uint32_t prev_n = t->recent.last_n;
    struct record *rec;
    for (int i = 0; i < WALK_BACK_MAX && (rec = before(&t->recent, &place, &prev_n)); i++) {
        if (rec->seq < from_seq) break;
        if (rec->seq <= to_seq && rec->flow_id == flow_id) rec->routine = true;
    }
    pthread_mutex_unlock(&t->lock);
}

static bool filter_takes(const struct siptx_trace_filter *f, const struct siptx_trace_record *r)
{
    return r->seq > f->after_seq && r->unix_ms >= f->since_unix_ms &&
           (f->flow_id == 0 || f->flow_id == r->flow_id) &&
           (f->label.n == 0 || str_eq_nocase(f->label, r->label) || is_doubted(r->label, f->label));
}

static struct siptx_trace_record view(const struct record *rec)
{
    return (struct siptx_trace_record){
        .seq = rec->seq,
        .unix_ms = rec->unix_ms,
        .flow_id = rec->flow_id,
        .kind = (enum siptx_trace_kind)rec->kind,
        .transport = (enum siptx_transport)rec->transport,
        .routine = rec->routine,
        .is_cut = rec->is_cut,
        .local = rec->local,
        .peer = rec->peer,
        .label = str_of(rec->label, rec->label_n),
        .bytes = str_of(rec->text, rec->text_n),
    };
}

static bool query_ring(const struct ring *from, const struct siptx_trace_filter *filter,
                       siptx_trace_fn *fn, void *ctx)
{
    struct ring r = *from; /* a copy, whose tail may move */
    const struct record *rec;
    while ((rec = oldest(&r)) != NULL) {
        struct siptx_trace_record out = view(rec);
        if (filter_takes(filter, &out) && !fn(ctx, &out)) return false;
        r.tail += rec->n;
    }
    return true;
}

void siptx_trace_query(struct siptx_trace *t, const struct siptx_trace_filter *filter,
                       siptx_trace_fn *fn, void *ctx)
{
    pthread_mutex_lock(&t->lock);
    if (query_ring(&t->kept, filter, fn, ctx)) (void)query_ring(&t->recent, filter, fn, ctx);
    pthread_mutex_unlock(&t->lock);
}

struct collect {
    struct arena *arena;
    struct siptx_trace_record *records;
    size_t count, skip; /* skip: matching records older than those wanted */
    enum rc rc;
};

static bool count_one(void *ctx, const struct siptx_trace_record *r)
{
    (void)r;
    ((struct collect *)ctx)->count++;
    return true;
}

static bool copy_one(void *ctx, const struct siptx_trace_record *r)
{
    struct collect *c = ctx;
    if (c->skip > 0) {
        c->skip--;
        return true;
    }
    struct siptx_trace_record *to = &c->records[c->count];
    *to = *r;
    c->rc = arena_str_dup(c->arena, r->label, &to->label);
    if (c->rc == RC_OK) c->rc = arena_str_dup(c->arena, r->bytes, &to->bytes);
    if (c->rc == RC_OK) c->count++;
    return c->rc == RC_OK;
}

static void query_all(struct siptx_trace *t, const struct siptx_trace_filter *filter,
                      siptx_trace_fn *fn, struct collect *c)
{
    if (query_ring(&t->kept, filter, fn, c)) (void)query_ring(&t->recent, filter, fn, c);
}

enum rc siptx_trace_collect(struct siptx_trace *t, const struct siptx_trace_filter *filter,
                            size_t max, struct arena *a, struct siptx_trace_record **out,
                            size_t *count)
{
    struct collect c = {.arena = a};
    pthread_mutex_lock(&t->lock);
    query_all(t, filter, count_one, &c);
    size_t n = c.count < max ? c.count : max;
    c.skip = c.count - n;
    c.count = 0;
    c.records = ARENA_ARRAY(a, struct siptx_trace_record, n == 0 ? 1 : n);
    if (!c.records) {
        c.rc = RC_NOMEM;
    } else if (n > 0) {
        query_all(t, filter, copy_one, &c);
    }
    pthread_mutex_unlock(&t->lock);
    if (c.rc != RC_OK) return c.rc;
    *out = c.records;
    *count = c.count;
    return RC_OK;
}

void siptx_trace_print(struct buf *out, const struct siptx_trace_record *r)
{
    static const char *const arrows[] = {"<-", "->", "--"};
    char local[NET_ADDR_TEXT_MAX], peer[NET_ADDR_TEXT_MAX];
    time_t s = (time_t)(r->unix_ms / 1000);
    struct tm tm;
    gmtime_r(&s, &tm);
    net_addr_text(&r->local, local);
    net_addr_text(&r->peer, peer);
    buf_printf(out, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ %.*s %s %s %s", tm.tm_year + 1900,
               tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
               (int)(r->unix_ms % 1000), STR_ARG(siptx_transport_name(r->transport)), local,
               arrows[r->kind], peer);
    if (r->label.n > 0) buf_printf(out, " %.*s", STR_ARG(r->label));
    buf_put_lit(out, "\n");
    buf_put_str(out, r->bytes);
    if (!str_ends(r->bytes, STR("\n"))) buf_put_lit(out, "\n");
    if (r->is_cut) buf_put_lit(out, "[cut]\n");
}

void siptx_trace_stats(struct siptx_trace *t, struct siptx_trace_stats *out)
{
    pthread_mutex_lock(&t->lock);
    *out = (struct siptx_trace_stats){
        .bytes_max = t->recent.size + t->kept.size,
        .bytes_used = (t->recent.head - t->recent.tail) + (t->kept.head - t->kept.tail),
        .added = t->seq,
        .dropped_routine = t->dropped_routine,
        .dropped = t->dropped,
    };
    pthread_mutex_unlock(&t->lock);
}
