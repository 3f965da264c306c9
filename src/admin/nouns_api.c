/* List, add, show, update and remove of every noun. A row carries its version as ETag; an update or
 * removal with If-Match holds only while nobody else changed it. A removal with dry_run tells what
 * would go with it and removes nothing. */
#include "admin/api_int.h"
#include "oauth/keyring.h"
#include "store/remote.h"
#include <stdio.h>

static struct str row_key(const struct admin_noun *noun, const void *row)
{
    struct str key;
    memcpy(&key, (const char *)row + admin_noun_key(noun)->offset, sizeof key);
    return key;
}

static bool page_of(struct admin_call *c, struct store_page *page)
{
    uint64_t limit;
    if (!api_number(c, "limit", ADMIN_PAGE_DEFAULT, STORE_PAGE_MAX, &limit)) return false;
    *page = (struct store_page){.after = form_find(&c->query, STR("after")),
                                .match = form_find(&c->query, STR("match")),
                                .limit = (size_t)limit};
    return true;
}

void noun_list(struct admin_call *c)
{
    const struct admin_noun *noun = c->route->noun();
    struct store_page page;
    void *rows = NULL;
    size_t count = 0;
    bool more = false;
    if (!page_of(c, &page)) return;
    enum rc rc = noun_store(noun)->list(c->admin->store, &page, c->arena, &rows, &count, &more,
                                        &c->why);
    if (rc != RC_OK) {
        api_fail_rc(c, rc, noun->plural, STR(""));
        return;
    }
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        api_append(&array, row_print(noun, (char *)rows + i * noun->size, true));
    api_reply(c, 200, json_pack("{s:o, s:b}", noun->plural, array, "more", more));
}

/* An edge goes by its host name too: its key is a uuid. */
static enum rc find_edge(struct admin_call *c, struct str host, struct store_edge *out)
{
    struct store_edges found;
    struct store_page page = {.match = host};
    enum rc rc = store_edge_list(c->admin->store, &page, c->arena, &found, NULL);
    size_t hits = 0;
    for (size_t i = 0; rc == RC_OK && i < found.count; i++)
        if (str_eq_nocase(found.rows[i].host_or_ip, host)) {
            *out = found.rows[i];
            hits++;
        }
    if (rc == RC_OK && hits > 1)
        snprintf(c->why.text, sizeof c->why.text,
                 "there are %zu edges of that name: say which by its pkid", hits);
    return rc != RC_OK ? rc : hits == 1 ? RC_OK : hits == 0 ? RC_NOT_FOUND : RC_CONFLICT;
}

static enum rc find_row(struct admin_call *c, const struct admin_noun *noun, struct str key,
                        void *row)
{
    enum rc rc = noun_store(noun)->get(c->admin->store, key, c->arena, row, &c->why);
    if (rc == RC_NOT_FOUND && noun->kind == STORE_EDGE) rc = find_edge(c, key, row);
    return rc;
}

/* The row the path names; NULL and answered when there is none. */
static void *get_row(struct admin_call *c, const struct admin_noun *noun)
{
    void *row = arena_zalloc(c->arena, noun->size);
    enum rc rc = row ? find_row(c, noun, c->req->params[0], row) : RC_NOMEM;
    if (rc == RC_OK) return row;
    if (rc == RC_NOT_FOUND && c->why.text[0] == '\0')
        snprintf(c->why.text, sizeof c->why.text, "there is no %s %.*s: see \"%s list\"",
                 noun->name, STR_ARG(c->req->params[0]), noun->name);
    api_fail_rc(c, rc, noun->name, c->req->params[0]);
    return NULL;
}

static void tag(struct admin_call *c, int64_t version)
{
    char text[32];
    snprintf(text, sizeof text, "\"%lld\"", (long long)version);
    http_set_header(c->res, "ETag", str_from(text));
}

static void reply_row(struct admin_call *c, const struct admin_noun *noun, int status, void *row)
{
    tag(c, admin_row_version(noun, row));
    api_reply(c, status, row_print(noun, row, false));
}

void noun_show(struct admin_call *c)
{
    const struct admin_noun *noun = c->route->noun();
    void *row = get_row(c, noun);
    if (row) reply_row(c, noun, 200, row);
}

/* If-Match: the version it names, 0 for none or "*"; false and answered for anything else. */
static bool wanted_version(struct admin_call *c, int64_t *out)
{
    struct str m = http_header_find(c->req, STR("If-Match"));
    *out = 0;
    if (m.n == 0 || str_eq(m, STR("*"))) return true;
    if (m.n > 2 && m.p[0] == '"' && m.p[m.n - 1] == '"') m = str_sub(m, 1, m.n - 1);
    if (str_to_i64(m, out) == RC_OK && *out > 0) return true;
    api_fail(c, 400, "malformed", NULL, "If-Match carries no version: send the ETag of the record");
    return false;
}

static bool apply(struct admin_call *c, const struct admin_noun *noun, bool is_new, void *row)
{
    struct row_error e = {.field = ""};
    enum rc rc = row_apply(c, noun, c->body, is_new, row, &e);
    if (rc == RC_OK) return true;
    if (rc == RC_INVALID)
        api_fail(c, 422, "invalid", e.field, "%s", e.text);
    else
        api_fail_rc(c, rc, noun->name, STR(""));
    return false;
}

/* Ports of this node are looked at before anything changes, and open when the answer leaves. */
static enum rc put_node(struct admin_call *c, enum store_put how, const struct store_node *row,
                        const struct store_ports *old)
{
    bool is_own = str_eq_nocase(row->name, c->admin->live->node_name);
    pthread_mutex_lock(&c->admin->ports);
    enum rc rc = is_own ? ports_check(c, old, &row->ports) : RC_OK;
    if (rc == RC_OK) rc = store_node_put(c->admin->store, &c->by, how, row, &c->why);
    if (rc == RC_OK && is_own) c->admin->live->settle(c->admin->live->ctx);
    pthread_mutex_unlock(&c->admin->ports);
    return rc;
}

/* Keys that no token could be checked with are refused here, not found out by the first phone. */
static enum rc put_issuer(struct admin_call *c, enum store_put how, const struct store_issuer *row)
{
    struct oauth_own_spec own = {.issuer = STR("ours"),
                                 .audience = STR("sip"),
                                 .accept = OAUTH_FORMAT_ANY,
                                 .longest_token_s = 1};
    struct oauth_issuer_spec spec = {.issuer = row->iss,
                                     .audience = row->audience,
                                     .user_claim = row->user_claim,
                                     .scope = row->scope,
                                     .jwks = row->jwks,
                                     .es256 = true,
                                     .rs256 = true};
    struct oauth_keyring *ring;
    size_t skipped;
    if (row->iss.n == 0 || row->audience.n == 0 || row->jwks.n == 0) /* the store says which */
        return store_issuer_put(c->admin->store, &c->by, how, row, &c->why);
    enum rc rc = oauth_keyring_new(&own, &ring);
    if (rc != RC_OK) return rc;
    rc = oauth_keyring_add_issuer(ring, &spec, &skipped);
    (void)oauth_keyring_unref(ring);
    if (rc == RC_NOMEM) return rc;
    if (rc == RC_OK) return store_issuer_put(c->admin->store, &c->by, how, row, &c->why);
    snprintf(
        c->why.text, sizeof c->why.text, "%s",
        rc == RC_MALFORMED
            ? "jwks is no JSON Web Key Set ({\"keys\":[...]}); --jwks-file reads it from a file"
            : "jwks holds no key that can be used: an EC key on P-256 (ES256) or an RSA key of "
              "2048 bits or more (RS256) is wanted");
    return RC_INVALID;
}

/* An entry that would not work is refused with the reason, not found out by the first user. What does
 * not touch the way there (a description, disabled) is not tried. */
static enum rc put_ucm(struct admin_call *c, enum store_put how, const struct store_ucm *row,
                       const struct store_ucm *old)
{
    const struct admin_live *live = c->admin->live;
    struct admin_finding found = {STR(""), STR("")};
    bool is_same = old && old->enabled && old->port == row->port &&
                   old->tls_verify == row->tls_verify && str_eq(old->username, row->username) &&
                   str_eq(old->password, row->password);
    bool is_whole = row->username.n > 0 && row->password.n > 0; /* else the store says what lacks */
    enum rc rc = row->enabled && is_whole && !is_same && live->ucm_try
                     ? live->ucm_try(live->ctx, row, c->arena, &found)
                     : RC_OK;
    if (rc == RC_OK) return store_ucm_put(c->admin->store, &c->by, how, row, &c->why);
    snprintf(c->why.text, sizeof c->why.text, "%.*s: %.*s", STR_ARG(str_sub(found.text, 0, 200)),
             STR_ARG(str_sub(found.fix, 0, 180)));
    return RC_CONFLICT;
}

static enum rc put_row(struct admin_call *c, const struct admin_noun *noun, enum store_put how,
                       const void *row, const void *old)
{
    if (noun->kind == STORE_NODE)
        return put_node(c, how, row, old ? &((const struct store_node *)old)->ports : NULL);
    if (noun->kind == STORE_ISSUER) return put_issuer(c, how, row);
    if (noun->kind == STORE_UCM) return put_ucm(c, how, row, old);
    return noun_store(noun)->put(c->admin->store, &c->by, how, row, &c->why);
}

/* As it stands in the store now, with what the store made itself. */
static void reply_stored(struct admin_call *c, const struct admin_noun *noun, int status,
                         struct str key)
{
    void *row = arena_zalloc(c->arena, noun->size);
    enum rc rc = row ? find_row(c, noun, key, row) : RC_NOMEM;
    if (rc == RC_OK)
        reply_row(c, noun, status, row);
    else
        api_fail_rc(c, rc, noun->name, key);
}

void noun_add(struct admin_call *c)
{
    const struct admin_noun *noun = c->route->noun();
    void *row = arena_zalloc(c->arena, noun->size);
    if (!row) {
        api_fail_rc(c, RC_NOMEM, noun->name, STR(""));
        return;
    }
    noun->defaults(row);
    if (!apply(c, noun, true, row)) return;
    struct str key = row_key(noun, row);
    if (noun->kind == STORE_EDGE) key = ((const struct store_edge *)row)->host_or_ip;
    if (key.n == 0) {
        api_fail(c, 422, "invalid", admin_noun_key(noun)->name, "%s %s needs %s %s: give it one",
                 admin_article(noun->name), noun->name, admin_article(admin_noun_key(noun)->name),
                 admin_noun_key(noun)->name);
        return;
    }
    struct store_client *client = row;
    if (noun->kind == STORE_CLIENT && client->name.n == 0) client->name = key;
    struct store_edge other;
    enum rc rc = noun->kind == STORE_EDGE && find_edge(c, key, &other) != RC_NOT_FOUND
                     ? RC_EXISTS
                     : put_row(c, noun, STORE_ADD, row, NULL);
    if (rc == RC_OK)
        reply_stored(c, noun, 201, key);
    else
        api_fail_rc(c, rc, noun->name, key);
}

void noun_update(struct admin_call *c)
{
    const struct admin_noun *noun = c->route->noun();
    int64_t version, wanted;
    void *row = get_row(c, noun);
    void *old = row ? arena_alloc(c->arena, noun->size) : NULL;
    if (!row) return;
    if (!old) {
        api_fail_rc(c, RC_NOMEM, noun->name, STR(""));
        return;
    }
    memcpy(old, row, noun->size);
    if (!wanted_version(c, &wanted) || !apply(c, noun, false, row)) return;
    version = wanted > 0 ? wanted : admin_row_version(noun, old);
    memcpy((char *)row + noun->fields[noun->field_count - 1].offset, &version, sizeof version);
    enum rc rc = put_row(c, noun, STORE_UPDATE, row, old);
    if (rc == RC_OK)
        reply_stored(c, noun, 200, row_key(noun, row));
    else
        api_fail_rc(c, rc, noun->name, row_key(noun, row));
}

void noun_remove(struct admin_call *c)
{
    const struct admin_noun *noun = c->route->noun();
    int64_t wanted;
    void *row = get_row(c, noun);
    if (!row || !wanted_version(c, &wanted)) return;
    if (wanted > 0 && wanted != admin_row_version(noun, row)) {
        api_fail_rc(c, RC_CONFLICT, noun->name, row_key(noun, row));
        return;
    }
    if (noun->kind == STORE_NODE && str_eq_nocase(row_key(noun, row), c->admin->live->node_name)) {
        api_fail(c, 409, "conflict", NULL,
                 "%.*s is this node and cannot remove itself: do it at another",
                 STR_ARG(row_key(noun, row)));
        return;
    }
    if (api_flag(c, "dry_run")) {
        remove_rehearse(c, noun, row_key(noun, row));
        return;
    }
    enum rc rc = noun_store(noun)->remove(c->admin->store, &c->by, row_key(noun, row), &c->why);
    if (rc == RC_OK)
        api_reply(c, 200, json_pack("{s:o}", "removed", api_str(row_key(noun, row))));
    else
        api_fail_rc(c, rc, noun->name, row_key(noun, row));
}
