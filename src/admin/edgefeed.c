/* What an inner edge follows of this cluster, in one document: its nodes and ports, the settings both
 * sides must agree on, and the keys by which the edge tells a good token from a bad one.
 *
 * GET /api/v1/edge/cluster[?after=VERSION] by HTTP Basic as for AXL: {"version","pass","cluster"}.
 * Then with "Authorization: Bearer PASS", every other second; cluster is left out while the version
 * is the one named. edge=NAME and refresh=1 or 0 tell who asks and whether it authorizes by token with
 * refresh, so that a difference can be named here too. The document holds the keys that open tokens: it is as secret as they are. */
#include "admin/axl_int.h"
#include "admin/edgetold.h"
#include "admin/pass.h"
#include "admin/wipe.h"
#include "crypto/digest.h"
#include "oauth/keyring.h"

enum { JWKS_MAX = 256 << 10, VERSION_BYTES = 16 };

static json_t *ports_print(const struct store_ports *p)
{
    return json_pack("{s:i, s:i, s:i, s:i, s:i, s:i, s:i}", "sip", p->sip, "sips", p->sips, "oauth",
                     p->oauth, "mra", p->mra, "config_http", p->config_http, "config_https",
                     p->config_https, "https", p->https);
}

static enum rc add_nodes(struct admin_call *c, json_t *to)
{
    struct store_nodes all;
    json_t *array = json_array();
    enum rc rc = store_node_list(c->admin->store, NULL, c->arena, &all, &c->why);
    for (size_t i = 0; rc == RC_OK && i < all.count; i++)
        api_append(&array,
                   json_pack("{s:o, s:o, s:o, s:i, s:o}", "name", api_str(all.rows[i].name), "host",
                             api_str(all.rows[i].host), "addresses", api_str(all.rows[i].addresses),
                             "priority", all.rows[i].priority, "ports",
                             ports_print(&all.rows[i].ports)));
    return json_object_set_new(to, "nodes", array) == 0 ? rc : RC_NOMEM;
}

static enum rc add_settings(struct admin_call *c, json_t *to)
{
    struct directory *d = c->admin->directory;
    bool mode = directory_param_number(d, STORE_P_SIP_OAUTH_MODE) != 0;
    bool refresh = directory_param_number(d, STORE_P_REFRESH_LOGIN) != 0;
    bool ok = json_object_set_new(to, "sip_oauth_mode", json_boolean(mode)) == 0 &&
              json_object_set_new(to, "refresh_login", json_boolean(refresh)) == 0;
    return ok ? RC_OK : RC_NOMEM;
}

/* ---- keys ---- */

static enum rc add_jwks(const struct oauth_keyring *k, json_t *to)
{
    struct buf text;
    buf_init(&text, JWKS_MAX);
    oauth_keyring_print_jwks(&text, k);
    enum rc rc = buf_rc(&text);
    json_t *keys = rc == RC_OK ? json_loadb(text.p, text.n, 0, NULL) : NULL;
    if (rc == RC_OK && json_object_set_new(to, "jwks", keys) != 0) rc = RC_NOMEM;
    buf_fini(&text);
    return rc;
}

static enum rc add_own(struct admin_call *c, json_t *to)
{
    const struct admin_live *live = c->admin->live;
    const struct oauth_keyring *k = live->keyring(live->ctx);
    const struct directory_params *params = directory_params_ref(c->admin->directory);
    struct str scope = params->text[STORE_P_TOKEN_SCOPE];
    json_t *own = json_pack(
        "{s:o, s:o, s:o, s:o, s:I, s:I}", "realm", api_str(params->text[STORE_P_REALM]), "issuer",
        api_str(oauth_keyring_issuer(k)), "audience", api_str(oauth_keyring_audience(k)), "scope",
        api_str(scope), "leeway_s", (json_int_t)oauth_keyring_leeway_s(k), "longest_token_s",
        (json_int_t)oauth_keyring_longest_token_s(k));
    enum rc rc = own ? add_jwks(k, own) : RC_NOMEM;
    directory_params_unref(params);
    oauth_keyring_unref(k);
    return json_object_set_new(to, "tokens", own) == 0 ? rc : RC_NOMEM;
}

static bool is_wanted(const struct admin_call *c, const struct store_key *row)
{
    bool is_over = row->state == STORE_KEY_PREVIOUS &&
                   row->retire_at_s <= clock_unix_s(&c->admin->clock);
    return row->use == STORE_KEY_ENCRYPTION && !is_over;
}

static enum rc add_encryption_keys(struct admin_call *c, json_t *to)
{
    struct store_keys list;
    struct store_key row;
    json_t *array = json_array();
    enum rc rc = store_key_list(c->admin->store, NULL, c->arena, &list, &c->why);
    for (size_t i = 0; rc == RC_OK && i < list.count; i++) {
        if (!is_wanted(c, &list.rows[i])) continue;
        rc = store_key_get(c->admin->store, list.rows[i].kid, c->arena, &row, &c->why);
        if (rc == RC_NOT_FOUND) { /* removed meanwhile */
            rc = RC_OK;
            continue;
        }
        if (rc == RC_OK)
            api_append(&array, json_pack("{s:o, s:o, s:o}", "kid", api_str(row.kid), "enc",
                                         api_str(row.alg), "key", api_str(row.secret_text)));
        if (rc == RC_OK) admin_text_wipe(row.secret_text);
    }
    return json_object_set_new(to, "encryption_keys", array) == 0 ? rc : RC_NOMEM;
}

static enum rc add_issuers(struct admin_call *c, json_t *to)
{
    const struct directory_issuers *all = directory_issuers_ref(c->admin->directory);
    json_t *array = json_array();
    for (size_t i = 0; all && i < all->count; i++) {
        const struct store_issuer *row = &all->rows[i];
        if (!row->enabled) continue;
        api_append(&array, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "issuer", api_str(row->iss),
                                     "audience", api_str(row->audience), "user_claim",
                                     api_str(row->user_claim), "scope", api_str(row->scope), "typ",
                                     api_str(row->typ), "jwks", api_str(row->jwks)));
    }
    directory_issuers_unref(all);
    return json_object_set_new(to, "issuers", array) == 0 ? RC_OK : RC_NOMEM;
}

/* ---- the whole ---- */

static enum rc version_of(json_t *cluster, char out[2 * VERSION_BYTES + 1])
{
    uint8_t digest[CRYPTO_SHA256_LEN];
    struct buf b;
    char *text = json_dumps(cluster, JSON_COMPACT | JSON_SORT_KEYS);
    if (!text) return RC_NOMEM;
    enum rc rc = crypto_sha256(str_bytes(str_from(text)), digest);
    admin_text_wipe(str_from(text));
    free(text);
    buf_init_fixed(&b, out, 2 * VERSION_BYTES + 1);
    buf_put_hex(&b, bytes_of(digest, VERSION_BYTES));
    out[2 * VERSION_BYTES] = '\0';
    return rc;
}

static enum rc cluster_print(struct admin_call *c, json_t *to)
{
    enum rc rc = add_nodes(c, to);
    if (rc == RC_OK) rc = add_settings(c, to);
    if (rc == RC_OK) rc = add_own(c, to);
    if (rc == RC_OK) rc = add_encryption_keys(c, to);
    return rc == RC_OK ? add_issuers(c, to) : rc;
}

static void answer(struct admin_call *c, struct str pass)
{
    char version[2 * VERSION_BYTES + 1];
    json_t *cluster = json_object(), *o = json_object();
    enum rc rc = cluster && o ? cluster_print(c, cluster) : RC_NOMEM;
    if (rc == RC_OK) rc = version_of(cluster, version);
    if (rc == RC_OK) {
        bool is_known = str_eq(form_find(&c->query, STR("after")), str_from(version));
        json_object_set_new(o, "version", json_string(version));
        if (pass.n > 0) json_object_set_new(o, "pass", api_str(pass));
        if (!is_known) json_object_set(o, "cluster", cluster);
        api_reply(c, 200, json_incref(o));
    } else {
        api_fail_rc(c, rc, "cluster", STR(""));
    }
    json_decref(o);
    admin_json_wipe(cluster);
}

static bool let_in(struct admin_call *c, struct str *pass)
{
    struct str shown = http_bearer(c->req);
    *pass = STR("");
    if (shown.n > 0) {
        enum rc rc = pass_check(c, shown, STORE_ROLE_ADMIN | STORE_ROLE_AXL);
        if (rc == RC_DENIED)
            api_fail(c, 401, "unauthenticated", NULL,
                     "this pass is over, or its user has changed: show name and password again");
        else if (rc != RC_OK)
            api_fail_rc(c, rc, "pass", STR(""));
        return rc == RC_OK;
    }
    if (!admin_gate_let_in_axl(c)) return false;
    enum rc rc = pass_issue(c, pass);
    if (rc != RC_OK) api_fail_rc(c, rc, "pass", STR(""));
    return rc == RC_OK;
}

static void on_request(void *ctx, const struct http_request *req, struct http_response *res)
{
    struct str pass;
    struct admin_call *c = arena_zalloc(req->arena, sizeof *c);
    if (!c) {
        res->rc = RC_NOMEM;
        return;
    }
    *c = (struct admin_call){.admin = ctx, .req = req, .res = res, .arena = req->arena};
    if (!let_in(c, &pass)) return;
    if (form_parse(req->query, c->arena, &c->query) == RC_OK) {
        edgetold_keep(c, form_find(&c->query, STR("edge")), form_find(&c->query, STR("refresh")));
        answer(c, pass);
    } else {
        api_fail(c, 400, "malformed", NULL, "the query cannot be read: write after=VERSION");
    }
}

enum rc admin_add_edge_routes(struct admin *admin, struct http_site *site)
{
    struct http_route route = {.methods = HTTP_GET,
                               .path = "/api/v1/edge/cluster",
                               .fn = on_request,
                               .ctx = admin,
                               .is_polled = true};
    return http_site_add(site, &route);
}
