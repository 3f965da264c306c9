/* libcurl's multi interface on a loop: it says which sockets and what time-out it waits for, the
 * loop tells it when they are due. */
#include "base/check.h"
#include "base/list.h"
#include "http/exchange_int.h"
#include "net/loop.h"
#include "net/loop_event.h"
#include <event2/event.h>
#include <stdlib.h>

struct http_client {
    struct net_loop *loop;
    CURLM *multi;
    struct list exchanges;
    unsigned count;
    struct wheel_timer timer;
    struct wheel_timer sweep; /* hands out what is finished, outside libcurl's callbacks */
};

struct http_exchange {
    struct list link;
    struct http_client *client; /* NULL: its callback runs */
    http_answer_fn *fn;
    void *ctx;
    CURLcode code;
    bool is_done, is_added;
    struct exchange x;
};

/* --- blocking -----------------------------------------------------------------------------------
 */

/* Everything but headers is a slice of x: copied, for x goes. */
static void keep(struct arena *arena, struct http_answer *answer)
{
    struct http_client_header *headers = ARENA_ARRAY(arena, struct http_client_header,
                                                     answer->header_count);
    bool is_good = headers && arena_str_dup(arena, answer->body, &answer->body) == RC_OK;
    for (size_t i = 0; is_good && i < answer->header_count; i++) {
        is_good = arena_str_dup(arena, answer->headers[i].name, &headers[i].name) == RC_OK &&
                  arena_str_dup(arena, answer->headers[i].value, &headers[i].value) == RC_OK;
    }
    if (is_good) {
        answer->headers = headers;
        return;
    }
    *answer = (struct http_answer){.failure = HTTP_FAIL_NOMEM, .why = "out of memory"};
}

void http_fetch(const struct http_call *call, struct arena *arena, struct http_answer *answer)
{
    struct exchange *x = calloc(1, sizeof *x);
    *answer = (struct http_answer){.failure = HTTP_FAIL_NOMEM, .why = "out of memory"};
    if (x && exchange_init(x, call) == RC_OK) {
        CURLcode code = x->failed_early ? CURLE_OK : curl_easy_perform(x->easy);
        exchange_answer(x, code, answer);
        keep(arena, answer);
        exchange_fini(x);
    }
    free(x);
}

/* --- on a loop ----------------------------------------------------------------------------------
 */

/* Out of libcurl's and the client's hands. */
static void detach(struct http_exchange *ex)
{
    struct http_client *client = ex->client;
    if (ex->is_added) curl_multi_remove_handle(client->multi, ex->x.easy);
    list_remove(&ex->link);
    client->count--;
    ex->client = NULL;
}

static void exchange_free(struct http_exchange *ex)
{
    exchange_fini(&ex->x);
    free(ex);
}

static struct http_exchange *next_done(struct http_client *client)
{
    LIST_FOR_EACH(it, &client->exchanges)
    {
        struct http_exchange *ex = LIST_OF(it, struct http_exchange, link);
        if (ex->is_done) return ex;
    }
    return NULL;
}

static void mark_done(struct http_client *client)
{
    int left;
    for (CURLMsg *m; (m = curl_multi_info_read(client->multi, &left));) {
        char *private_data = NULL;
        if (m->msg != CURLMSG_DONE) continue;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &private_data);
        struct http_exchange *ex = (void *)private_data;
        ex->code = m->data.result;
        ex->is_done = true;
    }
}

/* One exchange a call: fn may cancel others, start new ones or free the client, so whatever is left
 * has a sweep of its own, begun before fn. */
static void on_sweep(void *ctx)
{
    struct http_client *client = ctx;
    struct http_answer answer;
    mark_done(client);
    struct http_exchange *ex = next_done(client);
    if (!ex) return;
    net_timer_start(client->loop, &client->sweep, 0, on_sweep, client);
    exchange_answer(&ex->x, ex->code, &answer);
    detach(ex);
    ex->fn(ex->ctx, &answer);
    exchange_free(ex);
}

static void sweep_soon(struct http_client *client)
{
    net_timer_start(client->loop, &client->sweep, 0, on_sweep, client);
}

static void on_time(void *ctx)
{
    struct http_client *client = ctx;
    int running;
    curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    sweep_soon(client);
}

static int set_time(CURLM *multi, long ms, void *ctx)
{
    (void)multi;
    struct http_client *client = ctx;
    if (ms < 0)
        net_timer_stop(client->loop, &client->timer);
    else
        net_timer_start(client->loop, &client->timer, (uint64_t)ms, on_time, client);
    return 0;
}

static void on_socket(evutil_socket_t fd, short what, void *ctx)
{
    struct http_client *client = ctx;
    int running,
        ready = (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0);
    curl_multi_socket_action(client->multi, fd, ready, &running);
    sweep_soon(client);
}

/* A socket's event is what libcurl remembers with it (curl_multi_assign). */
static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *assigned)
{
    (void)easy;
    struct http_client *client = ctx;
    struct event *event = assigned;
    if (event) event_free(event);
    curl_multi_assign(client->multi, fd, NULL);
    if (what == CURL_POLL_REMOVE || what == CURL_POLL_NONE) return 0;
    short wanted = (short)(EV_PERSIST | (what & CURL_POLL_IN ? EV_READ : 0) |
                           (what & CURL_POLL_OUT ? EV_WRITE : 0));
    event = event_new(net_loop_event_base(client->loop), fd, wanted, on_socket, client);
    if (!event) return -1;
    if (event_add(event, NULL) != 0) {
        event_free(event);
        return -1;
    }
    curl_multi_assign(client->multi, fd, event);
    return 0;
}

struct http_client *http_client_new(struct net_loop *loop)
{
    struct http_client *client = calloc(1, sizeof *client);
    if (!client) return NULL;
    client->loop = loop;
    list_init(&client->exchanges);
    exchange_library_init();
    client->multi = curl_multi_init();
    if (!client->multi) {
        free(client);
        return NULL;
    }
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, set_time);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
    return client;
}

struct http_client *http_client_free(struct http_client *client)
{
    if (!client) return NULL;
    LIST_FOR_EACH(it, &client->exchanges)
    http_exchange_cancel(LIST_OF(it, struct http_exchange, link));
    curl_multi_cleanup(client->multi);
    net_timer_stop(client->loop, &client->timer);
    net_timer_stop(client->loop, &client->sweep);
    free(client);
    return NULL;
}

void http_exchange_cancel(struct http_exchange *exchange)
{
    if (!exchange || !exchange->client) return;
    detach(exchange);
    exchange_free(exchange);
}

enum rc http_client_start(struct http_client *client, const struct http_call *call,
                          http_answer_fn *fn, void *ctx, struct http_exchange **out)
{
    if (client->count >= HTTP_CLIENT_EXCHANGE_MAX) return RC_BUSY;
    struct http_exchange *ex = calloc(1, sizeof *ex);
    if (!ex) return RC_NOMEM;
    if (exchange_init(&ex->x, call) != RC_OK) {
        free(ex);
        return RC_NOMEM;
    }
    ex->client = client;
    ex->fn = fn;
    ex->ctx = ctx;
    list_push_back(&client->exchanges, &ex->link);
    client->count++;
    if (ex->x.failed_early) {
        ex->is_done = true;
        sweep_soon(client);
    } else {
        curl_easy_setopt(ex->x.easy, CURLOPT_PRIVATE, ex);
        if (curl_multi_add_handle(client->multi, ex->x.easy) != CURLM_OK) {
            http_exchange_cancel(ex);
            return RC_NOMEM;
        }
        ex->is_added = true;
    }
    if (out) *out = ex;
    return RC_OK;
}
