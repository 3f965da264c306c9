/* siptx/tx.c - what server and client transactions share: lists, the one timer, the last message. */
#include "siptx/stack_int.h"
#include <stdlib.h>

bool siptx_tx_may_begin(struct siptx_stack *s, const struct siptx_flow *f)
{
    uint32_t max = s->limits.transactions_max;
    bool room = f->transport != SIPTX_UDP || s->udp_transaction_count < max - max / 4;
    if (room && s->transaction_count < max) return true;
    siptx_count(&s->counters.refused_transactions);
    return false;
}

bool siptx_tx_may_begin_new(struct siptx_stack *s, const struct siptx_flow *f)
{
    uint32_t max = s->limits.transactions_max;
    if (s->transaction_count < max - max / 8) return siptx_tx_may_begin(s, f);
    siptx_count(&s->counters.refused_transactions);
    return false;
}

void siptx_tx_begin(struct siptx_stack *s, struct siptx_tx *tx, struct siptx_flow *f)
{
    tx->stack = s;
    tx->flow = f;
    tx->is_udp = f->transport == SIPTX_UDP;
    list_push_back(&f->transactions, &tx->on_flow);
    list_push_back(&s->transactions, &tx->all);
    s->transaction_count++;
    s->udp_transaction_count += tx->is_udp;
    siptx_count(&s->counters.transactions);
}

void siptx_tx_end(struct siptx_tx *tx)
{
    struct siptx_stack *s = tx->stack;
    siptx_timer_stop(s, &tx->timer);
    siptx_table_remove(&tx->link);
    list_remove(&tx->on_flow);
    list_remove(&tx->all);
    tx->flow = NULL;
    tx->machine.state = SIPTX_TERMINATED;
    s->transaction_count--;
    s->udp_transaction_count -= tx->is_udp;
    siptx_count_down(&s->counters.transactions);
}

static void tx_timer(void *ctx)
{
    struct siptx_tx *tx = ctx;
    struct siptx_stack *s = tx->stack;
    enum siptx_event e;
    siptx_enter(s);
    if (!siptx_machine_fire(&tx->machine, siptx_now(s), &e)) {
        siptx_tx_arm(tx);
    } else if (tx->is_client) {
        siptx_client_fire(LIST_OF(tx, struct siptx_client, tx), e);
    } else {
        siptx_server_fire(LIST_OF(tx, struct siptx_server, tx), e);
    }
    siptx_leave(s);
}

void siptx_tx_arm(struct siptx_tx *tx)
{
    int64_t due = siptx_machine_due(&tx->machine);
    if (due == INT64_MAX) {
        siptx_timer_stop(tx->stack, &tx->timer);
        return;
    }
    if (wheel_is_running(&tx->timer) && tx->armed_ms == due) return;
    tx->armed_ms = due;
    siptx_timer_start(tx->stack, &tx->timer, due - siptx_now(tx->stack), tx_timer, tx);
}

unsigned siptx_tx_step(struct siptx_tx *tx, enum siptx_event e)
{
    return tx->step(&tx->machine, e, siptx_now(tx->stack));
}

enum rc siptx_tx_keep(struct siptx_tx *tx, struct str bytes)
{
    if (bytes.n > tx->last_cap) {
        size_t cap = (bytes.n + 1023) / 1024 * 1024; /* so that the next one fits too */
        char *p = malloc(cap);
        if (!p) {
            siptx_count(&tx->stack->counters.out_of_memory);
            return RC_NOMEM;
        }
        free(tx->last);
        tx->last = p;
        tx->last_cap = cap;
    }
    memcpy(tx->last, bytes.p, bytes.n);
    tx->last_n = bytes.n;
    return RC_OK;
}

void siptx_tx_reuse(struct siptx_tx *tx)
{
    if (tx->last_cap <= SIPTX_KEPT_MAX) return;
    free(tx->last);
    tx->last = NULL;
    tx->last_cap = 0;
}

enum siptx_event siptx_event_of_status(unsigned status)
{
    if (status == 100) return SIPTX_EV_100;
    if (status < 200) return SIPTX_EV_1XX;
    return status < 300 ? SIPTX_EV_2XX : SIPTX_EV_REFUSAL;
}
