#include "call/handshakes.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

struct call_handshakes {
    pthread_mutex_t lock;
    _Atomic size_t count; /* read without the lock: mostly there is nothing to strike off */
    struct call_handshake rows[CALL_HANDSHAKES_MAX]; /* the newest first */
};

struct call_handshakes *call_handshakes_new(void)
{
    struct call_handshakes *h = calloc(1, sizeof *h);
    if (!h) return NULL;
    if (pthread_mutex_init(&h->lock, NULL) == 0) return h;
    free(h);
    return NULL;
}

struct call_handshakes *call_handshakes_free(struct call_handshakes *h)
{
    if (h) pthread_mutex_destroy(&h->lock);
    free(h);
    return NULL;
}

static void host_of(const struct net_addr *peer, char out[NET_ADDR_TEXT_MAX])
{
    struct buf b;
    buf_init_fixed(&b, out, NET_ADDR_TEXT_MAX - 1);
    net_addr_print_ip(&b, peer);
    out[b.n] = '\0';
}

static bool is_same(const struct call_handshake *a, const struct call_handshake *b)
{
    return a->listener == b->listener && a->cause == b->cause && a->by_peer == b->by_peer &&
           strcmp(a->peer, b->peer) == 0 && strcmp(a->subject, b->subject) == 0 &&
           strcmp(a->issuer, b->issuer) == 0;
}

/* Row at goes; those before it move down by one, so that the first is free. */
static void make_room(struct call_handshakes *h, size_t at)
{
    memmove(&h->rows[1], &h->rows[0], at * sizeof h->rows[0]);
}

void call_handshakes_note(struct call_handshakes *h, enum call_listener listener,
                          const struct net_addr *peer, const struct net_tls_failure *f,
                          int64_t now_unix_ms)
{
    struct call_handshake row = {.listener = listener,
                                 .cause = f->cause,
                                 .by_peer = f->by_peer,
                                 .count = 1,
                                 .first_unix_ms = now_unix_ms,
                                 .last_unix_ms = now_unix_ms};
    host_of(peer, row.peer);
    memcpy(row.subject, f->subject, sizeof row.subject);
    memcpy(row.issuer, f->issuer, sizeof row.issuer);
    memcpy(row.names, f->names, sizeof row.names);
    snprintf(row.alert, sizeof row.alert, "%s", f->alert_name ? f->alert_name : "");
    pthread_mutex_lock(&h->lock);
    size_t count = atomic_load(&h->count), at = 0;
    while (at < count && !is_same(&h->rows[at], &row))
        at++;
    if (at < count) {
        row.count = h->rows[at].count + 1;
        row.first_unix_ms = h->rows[at].first_unix_ms;
    } else if (count < CALL_HANDSHAKES_MAX) {
        atomic_store(&h->count, count + 1);
    } else {
        at = CALL_HANDSHAKES_MAX - 1;
    }
    make_room(h, at);
    h->rows[0] = row;
    pthread_mutex_unlock(&h->lock);
}

void call_handshakes_clear(struct call_handshakes *h, enum call_listener listener,
                           const struct net_addr *peer)
{
    char host[NET_ADDR_TEXT_MAX];
    if (atomic_load(&h->count) == 0) return;
    host_of(peer, host);
    pthread_mutex_lock(&h->lock);
    size_t count = atomic_load(&h->count), left = 0;
    for (size_t i = 0; i < count; i++)
        if (h->rows[i].listener != listener || strcmp(h->rows[i].peer, host) != 0)
            h->rows[left++] = h->rows[i];
    atomic_store(&h->count, left);
    pthread_mutex_unlock(&h->lock);
}

size_t call_handshakes_list(struct call_handshakes *h, struct call_handshake *out, size_t max)
{
    pthread_mutex_lock(&h->lock);
    size_t count = atomic_load(&h->count), n = count < max ? count : max;
    memcpy(out, h->rows, n * sizeof *out);
    pthread_mutex_unlock(&h->lock);
    return n;
}
