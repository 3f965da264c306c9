#include "location/memory_int.h"
#include <stdlib.h>

const char *location_cause_name(enum location_cause cause)
{
    static const char *const names[LOCATION_CAUSE_COUNT] = {
        "registered", "refreshed", "unregistered", "expired",
        "flow-lost",  "replaced",  "revoked",      "reset"};
    return (unsigned)cause < LOCATION_CAUSE_COUNT ? names[cause] : "unknown";
}

/* The texts of a binding, aor first. */
enum { TEXT_COUNT = 13 };
static const size_t texts[TEXT_COUNT] = {
    offsetof(struct location_binding, aor),         offsetof(struct location_binding, contact),
    offsetof(struct location_binding, contact_key), offsetof(struct location_binding, params),
    offsetof(struct location_binding, call_id),     offsetof(struct location_binding, instance),
    offsetof(struct location_binding, path),        offsetof(struct location_binding, device),
    offsetof(struct location_binding, user),        offsetof(struct location_binding, line),
    offsetof(struct location_binding, grant),       offsetof(struct location_binding, token_id),
    offsetof(struct location_binding, user_agent)};

static struct str *text_at(struct location_binding *b, size_t i)
{
    return (struct str *)(void *)((char *)b + texts[i]);
}

enum rc location_binding_check(const struct location_binding *b)
{
    struct location_binding copy = *b;
    for (size_t i = 1; i < TEXT_COUNT; i++)
        if (text_at(&copy, i)->n > LOCATION_TEXT_MAX) return RC_INVALID;
    if (b->received.n > LOCATION_TEXT_MAX || b->contact_key.n == 0 || b->q_milli > 1000)
        return RC_INVALID;
    return RC_OK;
}

static void pack(struct str *s, char **at)
{
    if (s->n) memcpy(*at, s->p, s->n);
    s->p = *at;
    *at += s->n;
}

struct stored *location_binding_new(const struct location_binding *from, struct str aor)
{
    struct location_binding pub = *from;
    pub.aor = aor;
    bool plain_key = str_eq(pub.contact, pub.contact_key); /* the usual case costs its text once */
    size_t n = pub.received.n;
    for (size_t i = 0; i < TEXT_COUNT; i++)
        n += text_at(&pub, i)->n;
    if (plain_key) n -= pub.contact_key.n;
    struct stored *b = malloc(sizeof *b + n);
    if (!b) return NULL;
    memset(b, 0, sizeof *b);
    char *at = b->text;
    for (size_t i = 0; i < TEXT_COUNT; i++) {
        struct str *s = text_at(&pub, i);
        if (s == &pub.contact_key && plain_key)
            *s = pub.contact;
        else
            pack(s, &at);
    }
    pack(&pub.received, &at);
    b->pub = pub;
    atomic_init(&b->refs, 1);
    list_init(&b->in_aor);
    for (size_t i = 0; i < LOCATION_LINKS; i++)
        list_init(&b->links[i]);
    return b;
}

const struct location_binding *location_binding_ref(const struct location_binding *b)
{
    atomic_fetch_add_explicit(&stored_of(b)->refs, 1, memory_order_relaxed);
    return b;
}

const struct location_binding *location_binding_unref(const struct location_binding *b)
{
    if (b && atomic_fetch_sub_explicit(&stored_of(b)->refs, 1, memory_order_acq_rel) == 1)
        free(stored_of(b));
    return NULL;
}

bool location_binding_same(const struct location_binding *a, const struct location_binding *b)
{
    if (!str_eq_nocase(a->device, b->device)) return false;
    if (a->instance.n && b->instance.n && a->reg_id && b->reg_id)
        return a->reg_id == b->reg_id && str_eq(a->instance, b->instance);
    return str_eq(a->contact_key, b->contact_key);
}
