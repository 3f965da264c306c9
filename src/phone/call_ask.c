/* Requests of ours within a dialog (BYE, PRACK, REFER, NOTIFY): sent, proved when challenged, and told to
 * whoever asked. What cannot be sent is answered 503 by ourselves, silence 408. */
#include "phone/call_int.h"

#include "sip/print.h"
#include <stdlib.h>

struct call_ask {
    struct list link;
    struct phone_call *call;
    struct phone_dialog *own; /* NULL: the call's */
    struct siptx_client *client;
    char *method, *headers, *content_type, *body;
    unsigned attempts;
    struct secret credentials;
    call_asked_fn *done;
};

static struct call_ask *ask_free(struct call_ask *a)
{
    if (!a) return NULL;
    if (a->link.next) {
        list_remove(&a->link);
        a->call->ask_count--;
    }
    secret_fini(&a->credentials);
    free(a->own);
    free(a->method);
    free(a->headers);
    free(a->content_type);
    free(a->body);
    free(a);
    return NULL;
}

void call_asks_forget(struct phone_call *call)
{
    LIST_FOR_EACH(it, &call->asks)
    {
        struct call_ask *a = LIST_OF(it, struct call_ask, link);
        if (a->client) siptx_client_forget(a->client);
        ask_free(a);
    }
}

static void on_ask(void *ctx, struct siptx_client *c, enum siptx_outcome outcome,
                   const struct sip_message *m, struct arena *arena);

static enum rc ask_send(struct call_ask *a)
{
    struct phone_calls *set = a->call->set;
    struct phone_dialog *d = a->own ? a->own : &a->call->dialog;
    struct str method = str_from(a->method);
    if (!set->flow) return RC_CLOSED;
    struct buf *out = siptx_request_begin(set->config.stack, set->flow, method,
                                          phone_dialog_uri(d));
    /* One count for all dialogs of an INVITE: any of them may become the call's. */
    phone_dialog_print(out, d, method, ++a->call->dialog.local_cseq);
    buf_put_lit(out, CALL_PRODUCT);
    buf_put_str(out, str_from(a->headers));
    bool refreshes = str_eq(method, STR("REFER")); /* a target refresh bears a Contact */
    if (refreshes || str_eq(method, STR("NOTIFY"))) call_print_contact(out, set);
    buf_put_str(out, bytes_str(secret_bytes(&a->credentials)));
    return siptx_request_send(set->config.stack, str_from(a->content_type), str_from(a->body),
                              on_ask, a, &a->client);
}

/* The last act: a is no more. */
static void ask_done(struct call_ask *a, unsigned status, const struct sip_message *m)
{
    struct phone_call *call = a->call;
    call_asked_fn *done = a->done;
    ask_free(a);
    if (done) done(call, status, m);
    call_settle(call);
}

static void on_ask(void *ctx, struct siptx_client *c, enum siptx_outcome outcome,
                   const struct sip_message *m, struct arena *arena)
{
    struct call_ask *a = ctx;
    if (outcome == SIPTX_PROVISIONAL || c != a->client) return;
    siptx_client_forget(c);
    a->client = NULL;
    if (outcome != SIPTX_FINAL) {
        ask_done(a, outcome == SIPTX_TIMEOUT ? 408 : 503, NULL);
        return;
    }
    bool challenged = m->status == 401 || m->status == 407;
    if (challenged && ++a->attempts < CALL_ATTEMPTS_MAX &&
        call_prove(a->call, m, arena, str_from(a->method), a->attempts, &a->credentials) == RC_OK &&
        ask_send(a) == RC_OK)
        return;
    ask_done(a, m->status, m);
}

enum rc call_ask(struct phone_call *call, const struct phone_dialog *d, struct str method,
                 struct str headers, struct str content_type, struct str body, call_asked_fn *done)
{
    if (call->ask_count >= CALL_ASKS_MAX) return RC_BUSY;
    struct call_ask *a = calloc(1, sizeof *a);
    if (!a) return RC_NOMEM;
    a->call = call;
    a->done = done;
    a->method = str_dup_cstr(method);
    a->headers = str_dup_cstr(headers);
    a->content_type = str_dup_cstr(content_type);
    a->body = str_dup_cstr(body);
    if (d && (a->own = malloc(sizeof *d)) != NULL) *a->own = *d;
    bool whole = a->method && a->headers && a->content_type && a->body && (!d || a->own);
    enum rc rc = whole ? ask_send(a) : RC_NOMEM;
    if (rc != RC_OK) {
        ask_free(a);
        return rc;
    }
    list_push_back(&call->asks, &a->link);
    call->ask_count++;
    return RC_OK;
}

/* Nothing depends on its answer: whoever does not know the dialog any more has hung up, too. */
void call_send_bye(struct phone_call *call, const struct phone_dialog *d, struct str headers)
{
    (void)call_ask(call, d, STR("BYE"), headers, STR(""), STR(""), NULL);
}
