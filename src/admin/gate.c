/* Who may use the operator API. Password checks cost tens of milliseconds of CPU: a failed one
 * counts against the user and the address, and only half of the pool may be busy with them. The
 * limits are those of sign-in: an address may fail as often as ADDRESS_SHARE users, and whoever
 * proves himself clears his own count, never the address's. */
#include "admin/api_int.h"
#include "base/hash.h"
#include "crypto/password.h"
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    GATE_SLOTS = 1024,
    GATE_PROBES = 8,
    ADDRESS_SHARE = 20, /* users behind one address who may all fail as often as one user may */
};

struct gate_slot {
    uint64_t hash; /* 0: free */
    unsigned failed;
    int64_t last_ms;
};

struct admin_gate {
    pthread_mutex_t lock;
    struct hash_key key;
    struct gate_slot slots[GATE_SLOTS];
    unsigned checking, checking_max;
};

struct admin_gate *admin_gate_new(const struct random_source *random, unsigned pool_threads)
{
    struct admin_gate *g = calloc(1, sizeof *g);
    if (!g) return NULL;
    random_fill(random, &g->key, sizeof g->key);
    pthread_mutex_init(&g->lock, NULL);
    g->checking_max = pool_threads > 3 ? pool_threads / 2 : 1;
    return g;
}

struct admin_gate *admin_gate_free(struct admin_gate *g)
{
    if (g) pthread_mutex_destroy(&g->lock);
    free(g);
    return NULL;
}

/* What is behind the gate: whom it lets in, and what it asks for. */
struct gate_door {
    int roles;            /* one of these */
    struct str challenge; /* WWW-Authenticate */
    const char *from;     /* in the audit */
    const char *nobody, *wrong;
};
static const struct gate_door operators = {
    STORE_ROLE_ADMIN, STR_INIT("Basic realm=\"Bearline operator API\", charset=\"UTF-8\""), "api",
    "nobody is signed in: send the name and password of an administrator (HTTP Basic)",
    "name or password is wrong, or this user is no active administrator: try another"};
static const struct gate_door axl = {
    STORE_ROLE_ADMIN | STORE_ROLE_AXL, STR_INIT("Basic realm=\"Cisco Web Services Realm\""), "axl",
    "nobody is signed in: send the name and password of a user with the role axl (HTTP Basic)",
    "name or password is wrong, or this user is not active: try another"};

static bool refuse(struct admin_call *c, int status, const char *error, const char *text)
{
    api_fail(c, status, error, NULL, "%s", text);
    return false;
}

/* ---- UNIX socket ---- */

static bool let_in_unix(struct admin_call *c)
{
    const struct http_peer *peer = &c->req->peer;
    struct passwd entry, *found = NULL;
    char text[4096];
    if (!peer->is_unix || (peer->uid != 0 && peer->uid != geteuid()))
        return refuse(c, 403, "denied",
                      "this user may not use this socket: be root or the user bearlined runs as");
    getpwuid_r(peer->uid, &entry, text, sizeof text, &found);
    enum rc rc = found ? arena_str_dup(c->arena, str_from(entry.pw_name), &c->by.who)
                       : arena_printf(c->arena, &c->by.who, "uid %u", (unsigned)peer->uid);
    if (rc != RC_OK) return refuse(c, 503, "out-of-memory", "out of memory: try again");
    c->by.from = STR("cli");
    return true;
}

/* ---- throttle ---- */

static bool is_less_guilty(const struct gate_slot *a, const struct gate_slot *b)
{
    return a->failed != b->failed ? a->failed < b->failed : a->last_ms < b->last_ms;
}

/* The one of hash; else the least guilty of its neighbours makes room. */
static struct gate_slot *slot_of(struct admin_gate *g, uint64_t hash)
{
    struct gate_slot *least = NULL;
    for (size_t i = 0; i < GATE_PROBES; i++) {
        struct gate_slot *s = &g->slots[(hash + i) % GATE_SLOTS];
        if (s->hash == hash) return s;
        if (!least || is_less_guilty(s, least)) least = s;
    }
    *least = (struct gate_slot){.hash = hash};
    return least;
}

static void forget_old(struct admin_gate *g, uint64_t hash, int64_t now_ms, int64_t pause_ms)
{
    for (size_t i = 0; i < GATE_PROBES; i++) {
        struct gate_slot *s = &g->slots[(hash + i) % GATE_SLOTS];
        if (now_ms - s->last_ms >= pause_ms) s->failed = 0;
    }
}

enum { WHO, ADDRESS, KEY_COUNT };

struct attempt {
    uint64_t keys[KEY_COUNT];
};

/* A failure is booked before the check and taken back after a right password, so that many at once
 * are no way around. False: not now; *wait_ms is for how long, 0 where too many are being checked. */
static bool attempt_begin(struct admin_call *c, const struct attempt *t, int64_t *wait_ms)
{
    struct admin_gate *g = c->admin->gate;
    int64_t now = clock_mono_ms(&c->admin->clock);
    int64_t tries = directory_param_number(c->admin->directory, STORE_P_SIGNIN_TRIES);
    int64_t pause_ms = directory_param_number(c->admin->directory, STORE_P_SIGNIN_PAUSE_S) * 1000;
    const int64_t most[KEY_COUNT] = {[WHO] = tries, [ADDRESS] = tries * ADDRESS_SHARE};
    bool ok = true;
    *wait_ms = 0;
    pthread_mutex_lock(&g->lock);
    for (int i = 0; i < KEY_COUNT; i++) {
        forget_old(g, t->keys[i], now, pause_ms);
        struct gate_slot *s = slot_of(g, t->keys[i]);
        if (s->failed < most[i]) continue;
        ok = false;
        if (s->last_ms + pause_ms - now > *wait_ms) *wait_ms = s->last_ms + pause_ms - now;
    }
    if (g->checking >= g->checking_max) ok = false;
    for (int i = 0; ok && i < KEY_COUNT; i++) {
        struct gate_slot *s = slot_of(g, t->keys[i]);
        s->failed++;
        s->last_ms = now;
    }
    if (ok) g->checking++;
    pthread_mutex_unlock(&g->lock);
    return ok;
}

/* One good account must not wash the address of the failures of others. */
static void attempt_end(struct admin_call *c, const struct attempt *t, bool right)
{
    struct admin_gate *g = c->admin->gate;
    pthread_mutex_lock(&g->lock);
    g->checking--;
    struct gate_slot *address = slot_of(g, t->keys[ADDRESS]);
    if (right) slot_of(g, t->keys[WHO])->failed = 0;
    if (right && address->failed > 0) address->failed--;
    pthread_mutex_unlock(&g->lock);
}

/* ---- HTTP Basic ---- */

static struct attempt attempt_of(struct admin_call *c, struct str user)
{
    const struct hash_key *key = &c->admin->gate->key;
    bool v6;
    uint64_t source = net_addr_source(&c->req->peer.addr, &v6);
    struct attempt t = {{hash_str_nocase(key, user) | 1,
                         (hash_bytes(key, &source, sizeof source) ^ v6) << 1 | 2 * !source}};
    return t;
}

/* The password is compared whether or not there is such a user: time tells nothing. */
static bool is_known(struct admin_call *c, struct str user, struct str password, int *roles)
{
    struct store_user row = {0};
    enum rc rc = store_user_get(c->admin->store, user, c->arena, &row, NULL);
    if (rc != RC_OK || row.password.n == 0) {
        crypto_password_verify_nobody(password, &crypto_password_cost_default);
        return false;
    }
    bool right = crypto_password_verify(password, row.password) == RC_OK;
    c->by.who = row.id;
    *roles = row.roles;
    return right && row.active;
}

static bool note_refused(struct admin_call *c, struct str user, const char *why)
{
    char peer[NET_ADDR_TEXT_MAX];
    log_warn(c->admin->log, "admin.refused", LOG_STR("user", user),
             LOG_STR("peer", net_addr_text(&c->req->peer.addr, peer)), LOG_CSTR("why", why));
    return false;
}

static bool refuse_stranger(struct admin_call *c, const struct gate_door *door, const char *text)
{
    http_set_header(c->res, "WWW-Authenticate", door->challenge);
    return refuse(c, 401, "unauthenticated", text);
}

static bool let_in_basic(struct admin_call *c, const struct gate_door *door)
{
    int roles = 0;
    struct str user, password;
    int64_t wait_ms;
    if (http_basic(c->req, &user, &password) != RC_OK)
        return refuse_stranger(c, door, door->nobody);
    struct attempt t = attempt_of(c, user);
    if (!attempt_begin(c, &t, &wait_ms)) {
        char seconds[24];
        snprintf(seconds, sizeof seconds, "%lld", (long long)(wait_ms + 999) / 1000);
        http_set_header(c->res, "Retry-After", wait_ms > 0 ? str_from(seconds) : STR("1"));
        if (wait_ms == 0) return refuse(c, 503, "busy", "too many sign-ins at once: try again");
        api_fail(c, 429, "throttled", NULL, "too many failed sign-ins: try again in %s second%s",
                 seconds, strcmp(seconds, "1") == 0 ? "" : "s");
        return note_refused(c, user, "throttled");
    }
    bool known = is_known(c, user, password, &roles);
    bool right = known && (roles & door->roles) != 0;
    attempt_end(c, &t, right);
    if (known && !right && door == &axl) {
        refuse(c, 403, "denied",
               "this user has no role for AXL: user update NAME --role axl on the node");
        return note_refused(c, user, "role");
    }
    if (!right) {
        refuse_stranger(c, door, door->wrong);
        return note_refused(c, user, "credentials");
    }
    char peer[NET_ADDR_TEXT_MAX];
    net_addr_text(&c->req->peer.addr, peer);
    enum rc rc = arena_printf(c->arena, &c->by.from, "%s %s", door->from, peer);
    return rc == RC_OK || refuse(c, 503, "out-of-memory", "out of memory: try again");
}

/* A browser that remembers Basic credentials sends them wherever another site points it. */
static bool is_cross_site(const struct http_request *req)
{
    struct str origin = http_header_find(req, STR("Origin"));
    struct str host = http_header_find(req, STR("Host"));
    if (origin.n == 0 || req->method == HTTP_GET || req->method == HTTP_HEAD) return false;
    if (!str_starts_nocase(origin, STR("https://"))) return true;
    return !str_eq_nocase(str_sub(origin, 8, origin.n), host);
}

bool admin_gate_let_in(struct admin_call *c, bool over_unix)
{
    if (!over_unix && is_cross_site(c->req))
        return refuse(c, 403, "denied",
                      "this request comes from a page of another site: ask from this one");
    return over_unix ? let_in_unix(c) : let_in_basic(c, &operators);
}

bool admin_gate_let_in_axl(struct admin_call *c)
{
    if (is_cross_site(c->req))
        return refuse(c, 403, "denied",
                      "this request comes from a page of another site: ask from this one");
    return let_in_basic(c, &axl);
}
