/* Requests for one phone rather than for a number: by its GRUU (RFC 5627, 6.1), or by the Contact it
 * registered, as a phone that transfers a call names the other one. */
#include "call/proxy_int.h"

#include "call/contacts.h"
#include "call/gruu.h"

struct exact {
    struct call_worker *worker;
    struct call_gruu_name name;
    uint64_t flow; /* 0 any */
    const struct location_binding *picked[CALL_WAY_MAX];
    size_t count;
};

static void keep(struct exact *e, const struct location_binding *b)
{
    if (e->count < CALL_WAY_MAX) e->picked[e->count++] = location_binding_ref(b);
}

static void let_go(struct exact *e)
{
    while (e->count > 0)
        location_binding_unref(e->picked[--e->count]);
}

/* ---- by GRUU ---- */

static void on_line(void *ctx, enum rc rc, const struct location_binding *const *bindings,
                    size_t count)
{
    struct exact *e = ctx;
    const struct location_binding *found[CALL_WAY_MAX];
    if (rc != RC_OK) return;
    size_t n = call_gruu_pick(e->worker->node->gruu, &e->name, bindings, count, found,
                              CALL_WAY_MAX);
    for (size_t i = 0; i < n; i++)
        if (e->flow == 0 || found[i]->flow == e->flow) keep(e, found[i]);
}

static void find_by_name(struct exact *e)
{
    struct call_node *n = e->worker->node;
    char aor[LOCATION_AOR_MAX];
    struct buf b;
    buf_init_fixed(&b, aor, sizeof aor);
    buf_put_lit(&b, "sip:");
    buf_put_str(&b, e->name.line);
    struct location_key key = {.by = LOCATION_BY_AOR, .text = buf_str(&b)};
    if (buf_rc(&b) == RC_OK)
        location_fetch(n->location, &key, clock_mono_ms(&n->clock), on_line, e);
}

/* A public GRUU stays valid while its phone is away; one that no phone of the line can have never
 * was (RFC 5627, 5.3). */
static bool may_be_away(struct call_node *n, const struct call_gruu_name *name)
{
    const struct directory_line *line = directory_line_ref(n->directory, name->line);
    bool found = false;
    for (size_t i = 0; line && !name->is_temporary && i < line->device_count && !found; i++) {
        const struct directory_device *dev = directory_device_ref(n->directory, line->devices[i]);
        found = dev && (dev->instance.n == 0 || str_eq_nocase(dev->instance, name->instance));
        directory_device_unref(dev);
    }
    directory_line_unref(line);
    return found;
}

/* ---- by Contact ---- */

/* The same Contact may have been registered by others later, for itself or to hear what is not for
 * them: it is the first one's. */
static void on_contact(void *ctx, enum rc rc, const struct location_binding *const *bindings,
                       size_t count)
{
    struct exact *e = ctx;
    const struct location_binding *first = NULL;
    for (size_t i = 0; rc == RC_OK && i < count; i++)
        if (!first || bindings[i]->since_unix_ms < first->since_unix_ms) first = bindings[i];
    for (size_t i = 0; first && i < count; i++)
        if (str_eq_nocase(bindings[i]->device, first->device) &&
            str_eq(bindings[i]->aor, first->aor))
            keep(e, bindings[i]);
}

/* ---- both ---- */

/* Who does not want to be disturbed hears of calls only that replace one of his. */
static bool is_undisturbed(const struct proxy_context *c, const struct location_binding *b)
{
    struct call_node *n = c->proxy->worker->node;
    if (c->method != SIP_METHOD_INVITE) return false;
    if (sip_message_find(c->visit->message, SIP_HEADER_REPLACES)) return false;
    const struct directory_device *dev = directory_device_ref(n->directory, b->device);
    bool dnd = dev && dev->dnd;
    directory_device_unref(dev);
    return dnd;
}

static unsigned aim(struct proxy_context *c, struct exact *e, struct str *number)
{
    unsigned status = 503;
    if (is_undisturbed(c, e->picked[0])) {
        status = 486;
    } else if (arena_str_dup(c->visit->arena, e->picked[0]->line, number) == RC_OK) {
        call_targets_add(&c->targets, e->picked, e->count, STR(""));
        status = 200;
    }
    let_go(e);
    return status;
}

unsigned proxy_exact(struct proxy_context *c, const struct sip_uri *uri, struct str *number)
{
    struct call_worker *w = c->proxy->worker;
    struct proxy_here here = {w->node, c->visit->request->flow};
    struct exact e = {.worker = w};
    if (!sip_uri_is_sip(uri)) return 0;
    if (!proxy_is_our_host(&here, &uri->host)) {
        struct location_key key = {.by = LOCATION_BY_CONTACT};
        if (call_contact_key(uri->text, c->visit->arena, &key.text) != RC_OK) return 503;
        location_fetch(w->node->location, &key, clock_mono_ms(&w->node->clock), on_contact, &e);
        return e.count > 0 ? aim(c, &e, number) : 0;
    }
    if (!call_gruu_is(uri)) return 0;
    enum rc rc = call_gruu_read(w->node->gruu, uri, c->visit->arena, &e.name);
    if (rc != RC_OK) return rc == RC_NOMEM ? 503 : 404;
    find_by_name(&e);
    if (e.count > 0) return aim(c, &e, number);
    return may_be_away(w->node, &e.name) ? 480 : 404;
}

void proxy_exact_contact(struct call_worker *w, const struct siptx_flow *from, uint64_t flow,
                         char text[LOCATION_TEXT_MAX], struct str *uri)
{
    struct proxy_here here = {w->node, from};
    struct exact e = {.worker = w, .flow = flow};
    struct sip_uri parsed;
    char memory[1024];
    struct arena a;
    if (flow == 0 || sip_uri_parse(*uri, &parsed, NULL) != RC_OK || !call_gruu_is(&parsed)) return;
    if (!proxy_is_our_host(&here, &parsed.host)) return;
    arena_init(&a, memory, sizeof memory, 4096);
    if (call_gruu_read(w->node->gruu, &parsed, &a, &e.name) == RC_OK) find_by_name(&e);
    arena_fini(&a);
    if (e.count > 0 && e.picked[0]->contact.n <= LOCATION_TEXT_MAX) {
        *uri = str_of(text, e.picked[0]->contact.n);
        memcpy(text, e.picked[0]->contact.p, uri->n);
    }
    let_go(&e);
}
