/* How calls end: by what has passed, by time, or by this node, which then has something to say to
 * the phones that do not know it yet. */
#include "call/calls_int.h"

/* The BYEs of one call, printed while it is still there. */
struct byes {
    unsigned count;
    struct call_bye list[2];
    char text[2][2 * CALL_DIALOG_MAX];
};

static struct str reason_of(enum call_end why)
{
    switch (why) {
    case CALL_END_VANISHED:
        return STR("Reason: SIP;cause=480;text=\"The other phone is gone\"\r\n");
    case CALL_END_EXPIRED: return STR("Reason: SIP;cause=408;text=\"Session timer expired\"\r\n");
    case CALL_END_REFUSED: return STR("Reason: SIP;cause=488;text=\"Not Acceptable Here\"\r\n");
    case CALL_END_OPERATOR:
    case CALL_END_STOPPED:
    case CALL_END_CALLER:
    case CALL_END_CALLEE:
    case CALL_END_CANCELLED: break;
    }
    return STR("");
}

/* Whoever can still be reached hears it. Locked. */
static void print_byes(struct call *call, enum call_end why, struct byes *out)
{
    out->count = 0;
    for (unsigned side = 0; side < 2; side++) {
        struct call_bye *bye = &out->list[out->count];
        char *text = out->text[out->count];
        struct buf lines;
        if (call->side[side].is_lost || call->side[side].flow == 0) continue;
        buf_init_fixed(&lines, text, 2 * CALL_DIALOG_MAX - CALL_DIALOG_MAX / 2);
        if (!call_dialog_print_bye(&call->dialog, side, reason_of(why), &bye->uri, &lines))
            continue;
        if (bye->uri.n > CALL_DIALOG_MAX / 2) continue;
        char *uri = text + 2 * CALL_DIALOG_MAX - CALL_DIALOG_MAX / 2;
        memcpy(uri, bye->uri.p, bye->uri.n);
        bye->uri.p = uri;
        bye->lines = buf_str(&lines);
        bye->flow = call->side[side].flow;
        out->count++;
    }
}

static void say_byes(struct call_calls *c, const struct byes *b)
{
    for (unsigned i = 0; c->on_bye && i < b->count; i++)
        c->on_bye(c->ctx, &b->list[i]);
}

/* Takes the call out; its record is *out. Locked. */
static void finish(struct call_calls *c, struct call *call, enum call_end why, unsigned status,
                   struct call_record *out)
{
    call->record.state = CALL_STATE_ENDED;
    call->record.ended_unix_ms = clock_unix_ms(&c->clock);
    call->record.end = why;
    if (status != 0) call->record.status = status;
    *out = call->record;
    call_calls_drop(c, call);
}

void call_calls_end(struct call_calls *c, uint64_t id, enum call_end why, unsigned status)
{
    struct call_record record;
    pthread_mutex_lock(&c->lock);
    struct call *call = call_calls_by_id(c, id);
    if (call) finish(c, call, why, status, &record);
    pthread_mutex_unlock(&c->lock);
    if (call && c->on_end) c->on_end(c->ctx, &record);
}

bool call_calls_hang_up(struct call_calls *c, uint64_t id, enum call_end why, unsigned status)
{
    struct call_record record;
    struct byes byes = {.count = 0};
    pthread_mutex_lock(&c->lock);
    struct call *call = call_calls_by_id(c, id);
    if (call && call->record.state != CALL_STATE_ANSWERED) call = NULL;
    if (call) {
        print_byes(call, why, &byes);
        finish(c, call, why, status, &record);
    }
    pthread_mutex_unlock(&c->lock);
    say_byes(c, &byes);
    if (call && c->on_end) c->on_end(c->ctx, &record);
    return call != NULL;
}

static bool has_run_out(const struct call *call, int64_t now_ms, enum call_end *why)
{
    for (int i = 0; i < 2; i++) {
        *why = CALL_END_VANISHED;
        if (call->side[i].is_lost && now_ms >= call->side[i].lost_ms) return true;
    }
    *why = CALL_END_EXPIRED;
    return call->expires_ms > 0 && now_ms >= call->expires_ms;
}

/* The oldest call above that id, or the list's head. Ids are given in their order, so the one asked
 * for or one of the next is mostly there. */
struct list *call_calls_above(struct call_calls *c, uint64_t id)
{
    struct list *l = list_first(&c->all);
    if (!l || LIST_OF(l, struct call, all)->record.id > id) return c->all.next;
    for (uint64_t i = 0; i < SLICE && id + i < c->next_id; i++) {
        struct call *call = call_calls_by_id(c, id + i);
        if (call) return i == 0 ? call->all.next : &call->all;
    }
    while (l != &c->all && LIST_OF(l, struct call, all)->record.id <= id)
        l = l->next;
    return l;
}

/* The first one above *after that has run out, of the next SLICE; *after goes where it came to. */
static bool sweep_one(struct call_calls *c, int64_t now_ms, uint64_t *after, bool *is_end,
                      struct call_record *out, struct byes *byes)
{
    struct list *l = call_calls_above(c, *after);
    for (int i = 0; i < SLICE && l != &c->all; i++) {
        struct call *call = LIST_OF(l, struct call, all);
        enum call_end why;
        l = l->next;
        *after = call->record.id;
        if (!has_run_out(call, now_ms, &why)) continue;
        print_byes(call, why, byes);
        finish(c, call, why, 0, out);
        return true;
    }
    *is_end = l == &c->all;
    return false;
}

size_t call_calls_sweep(struct call_calls *c, int64_t now_ms)
{
    size_t count = 0;
    uint64_t after = 0;
    bool is_end = false;
    struct call_record record;
    struct byes byes;
    while (!is_end) {
        pthread_mutex_lock(&c->lock);
        bool found = sweep_one(c, now_ms, &after, &is_end, &record, &byes);
        pthread_mutex_unlock(&c->lock);
        if (!found) continue;
        count++;
        say_byes(c, &byes);
        if (c->on_end) c->on_end(c->ctx, &record);
    }
    return count;
}

size_t call_calls_end_all(struct call_calls *c, enum call_end why)
{
    struct call_record record;
    for (size_t count = 0;; count++) {
        pthread_mutex_lock(&c->lock);
        struct list *l = list_first(&c->all);
        if (l) finish(c, LIST_OF(l, struct call, all), why, 0, &record);
        pthread_mutex_unlock(&c->lock);
        if (!l) return count;
        if (c->on_end) c->on_end(c->ctx, &record);
    }
}

/* ---- what is kept for the BYEs of calls that end here ---- */

void call_calls_on_bye(struct call_calls *c, call_bye_fn *fn)
{
    c->on_bye = fn;
}

void call_calls_keep(struct call_calls *c, uint64_t id, const struct call_dialog_parts *p)
{
    pthread_mutex_lock(&c->lock);
    struct call *call = call_calls_by_id(c, id);
    if (call) call_dialog_set(&call->dialog, p);
    pthread_mutex_unlock(&c->lock);
}

void call_calls_seen(struct call_calls *c, uint64_t id, enum call_side side, uint32_t cseq)
{
    pthread_mutex_lock(&c->lock);
    struct call *call = call_calls_by_id(c, id);
    if (call && cseq > call->dialog.cseq[side]) call->dialog.cseq[side] = cseq;
    pthread_mutex_unlock(&c->lock);
}

void call_calls_retarget(struct call_calls *c, uint64_t id, enum call_side side, struct str target)
{
    pthread_mutex_lock(&c->lock);
    struct call *call = call_calls_by_id(c, id);
    if (call) call_dialog_retarget(&call->dialog, side, target);
    pthread_mutex_unlock(&c->lock);
}
