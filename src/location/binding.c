#include "location/memory_int.h"
#include <stdlib.h>

const char *location_cause_name(enum location_cause cause)
{
    static const char *const names[LOCATION_CAUSE_COUNT] = {
        "registered", "refreshed", "unregistered", "expired",
        "flow-lost",  "replaced",  "revoked",      "reset"};
    return (unsigned)cause < LOCATION_CAUSE_COUNT ? names[cause] : "unknown";
}

#define AT(name) offsetof(struct location_binding, name)
#define NOWHERE  SIZE_MAX

/* The texts of a binding in the order they are stored; some stand as a rule word for word in an
 * earlier one, where they cost nothing. */
static const struct {
    size_t at, host;
} texts[] = {{AT(aor), NOWHERE},        {AT(contact), NOWHERE},   {AT(contact_key), AT(contact)},
             {AT(params), NOWHERE},     {AT(call_id), NOWHERE},   {AT(instance), AT(params)},
             {AT(path), NOWHERE},       {AT(device), AT(params)}, {AT(user), NOWHERE},
             {AT(line), AT(aor)},       {AT(grant), NOWHERE},     {AT(token_id), NOWHERE},
             {AT(user_agent), NOWHERE}, {AT(received), NOWHERE}};
enum { TEXT_COUNT = sizeof texts / sizeof *texts };

static struct str *text_at(struct location_binding *b, size_t offset)
{
    return (struct str *)(void *)((char *)b + offset);
}

enum rc location_binding_check(const struct location_binding *b)
{
    struct location_binding copy = *b;
    for (size_t i = 1; i < TEXT_COUNT; i++)
        if (text_at(&copy, texts[i].at)->n > LOCATION_TEXT_MAX) return RC_INVALID;
    if (b->contact_key.n == 0 || b->q_milli > 1000) return RC_INVALID;
    return RC_OK;
}

static void pack(struct str *s, char **at)
{
    if (s->n) memcpy(*at, s->p, s->n);
    s->p = *at;
    *at += s->n;
}

/* Where text i stands within its host. */
static size_t place_in_host(struct location_binding *b, size_t i)
{
    if (texts[i].host == NOWHERE) return NOWHERE;
    const struct str *s = text_at(b, texts[i].at), *host = text_at(b, texts[i].host);
    if (s->n == 0 || host->n == 0) return NOWHERE;
    const char *found = memmem(host->p, host->n, s->p, s->n);
    return found ? (size_t)(found - host->p) : NOWHERE;
}

struct stored *location_binding_new(const struct location_binding *from, struct str aor)
{
    struct location_binding pub = *from;
    pub.aor = aor;
    size_t place[TEXT_COUNT], n = 0;
    for (size_t i = 0; i < TEXT_COUNT; i++) {
        place[i] = place_in_host(&pub, i);
        if (place[i] == NOWHERE) n += text_at(&pub, texts[i].at)->n;
    }
    struct stored *b = malloc(sizeof *b + n);
    if (!b) return NULL;
    memset(b, 0, sizeof *b);
    char *at = b->text;
    for (size_t i = 0; i < TEXT_COUNT; i++) {
        struct str *s = text_at(&pub, texts[i].at);
        if (place[i] == NOWHERE)
            pack(s, &at);
        else
            s->p = text_at(&pub, texts[i].host)->p + place[i];
    }
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
