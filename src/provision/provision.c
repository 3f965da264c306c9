#include "provision/provision.h"
#include "provision/build_int.h"

#include "crypto/digest.h"
#include "directory/directory.h"
#include "oauth/verify.h"
#include <stdio.h>
#include <stdlib.h>

enum { DEVICE_NAME_MAX = 50 };

#define SUFFIX ".cnf.xml"

struct provision {
    struct provision_settings settings;
};

/* What a request came to, for the answer and the log. */
struct outcome {
    struct str device, user;
    const char *why;
};

enum rc provision_new(const struct provision_settings *settings, struct provision **out)
{
    struct provision *p = calloc(1, sizeof *p);
    if (!p) return RC_NOMEM;
    p->settings = *settings;
    *out = p;
    return RC_OK;
}

struct provision *provision_free(struct provision *p)
{
    free(p);
    return NULL;
}

static bool is_device_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
           c == '_' || c == '.';
}

enum rc provision_path_device(struct str path, struct str *device)
{
    const struct str suffix = STR(SUFFIX);
    if (path.n <= suffix.n + 1 || path.p[0] != '/') return RC_NOT_FOUND;
    struct str name = str_sub(path, 1, path.n - suffix.n);
    if (!str_eq_nocase(str_sub(path, path.n - suffix.n, path.n), suffix)) return RC_NOT_FOUND;
    if (name.n > DEVICE_NAME_MAX) return RC_NOT_FOUND;
    for (size_t i = 0; i < name.n; i++) {
        if (!is_device_char(name.p[i])) return RC_NOT_FOUND;
    }
    *device = name;
    return RC_OK;
}

/* --- answers --------------------------------------------------------------------------------------
 */

static void log_outcome(const struct provision *p, const struct http_request *req,
                        const struct http_response *res, const struct outcome *o)
{
    log_info(p->settings.log, res->status < 400 ? "provision.served" : "provision.refused",
             LOG_STR("device", o->device), LOG_STR("user", o->user), LOG_INT("status", res->status),
             LOG_CSTR("why", o->why), LOG_CSTR("over", req->peer.is_tls ? "https" : "http"));
}

/* realm="…" of a quoted string (RFC 9110, 5.6.4). */
static void put_quoted(struct buf *out, struct str s)
{
    buf_put_char(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"' || s.p[i] == '\\') buf_put_char(out, '\\');
        buf_put_char(out, s.p[i]);
    }
    buf_put_char(out, '"');
}

/* RFC 6750, 3: without a token only the scheme is named, with a bad one also why. */
static void challenge(const struct provision *p, struct http_response *res, const char *error,
                      const char *text)
{
    char line[1024];
    struct buf out;
    const struct directory_params *params = directory_params_ref(p->settings.directory);
    buf_init_fixed(&out, line, sizeof line);
    buf_put_lit(&out, "Bearer realm=");
    put_quoted(&out, params ? params->text[STORE_P_REALM] : STR("bearline"));
    directory_params_unref(params);
    if (error[0]) {
        buf_put_lit(&out, ", error=");
        put_quoted(&out, str_from(error));
        buf_put_lit(&out, ", error_description=");
        put_quoted(&out, str_from(text));
    }
    http_set_header(res, "WWW-Authenticate", buf_str(&out));
    http_reply_text(res, 401,
                    error[0] ? text : "A device's configuration needs its owner's token.");
}

static void answer_none(struct http_response *res)
{
    http_reply_text(res, 404, "There is no configuration for you under this name.");
}

/* --- a document ------------------------------------------------------------------------------------
 */

static bool is_oauth_device(const struct provision *p, const struct directory_device *dev)
{
    const struct directory_profile *profile = directory_profile_ref(p->settings.directory,
                                                                    dev->profile);
    bool is_oauth = profile && profile->oauth;
    directory_profile_unref(profile);
    return is_oauth;
}

/* The version stamp is made of the contents, so it changes when they do and only then. */
static enum rc print_stamped(struct arena *arena, struct provision_document *doc, int64_t version,
                             struct buf *out, struct str *tag)
{
    uint8_t hash[CRYPTO_SHA256_LEN];
    char hex[2 * CRYPTO_SHA256_LEN + 1];
    struct buf plain, text;
    doc->version_stamp = STR("");
    buf_init(&plain, PROVISION_DOCUMENT_MAX);
    enum rc rc = provision_print(&plain, doc);
    if (rc == RC_OK) rc = crypto_sha256(str_bytes(buf_str(&plain)), hash);
    buf_fini(&plain);
    if (rc != RC_OK) return rc;
    buf_init_fixed(&text, hex, sizeof hex);
    buf_put_hex(&text, bytes_of(hash, sizeof hash));
    rc = arena_str_dup(arena, str_sub(buf_str(&text), 0, 40), tag);
    if (rc == RC_OK)
        rc = arena_printf(arena, &doc->version_stamp, "%lld-%.8s-%.4s-%.4s-%.4s-%.12s",
                          (long long)version, hex, hex + 8, hex + 12, hex + 16, hex + 20);
    return rc == RC_OK ? provision_print(out, doc) : rc;
}

static void serve(const struct provision *p, const struct http_request *req,
                  struct http_response *res, const struct directory_device *dev, struct outcome *o)
{
    struct provision_document doc;
    struct str tag = STR("");
    http_reply(res, 200, "text/xml; charset=utf-8", STR(""));
    http_set_header(res, "Cache-Control", STR("private, no-cache"));
    enum rc rc = provision_build(p->settings.directory, dev, req->arena, &doc);
    if (rc == RC_OK) rc = print_stamped(req->arena, &doc, dev->version, &res->body, &tag);
    if (rc != RC_OK) {
        o->why = rc_name(rc);
        http_set_header(res, "Retry-After", STR("5"));
        http_reply_text(res, 503, "The configuration could not be made. Try again later.");
        return;
    }
    o->why = http_is_unchanged(req, res, tag, 0) ? "unchanged" : "served";
}

/* A reference to the enabled device of that name, or NULL. */
static const struct directory_device *find_device(const struct provision *p,
                                                  const struct http_request *req, struct outcome *o)
{
    if (provision_path_device(req->path, &o->device) != RC_OK) return NULL;
    const struct directory_device *dev = directory_device_ref(p->settings.directory, o->device);
    return dev && !dev->enabled ? directory_device_unref(dev) : dev;
}

/* --- 6970 ------------------------------------------------------------------------------------------
 */

static unsigned https_port(const struct provision *p)
{
    const struct directory_nodes *nodes = directory_nodes_ref(p->settings.directory);
    int port = 6972;
    for (size_t i = nodes ? nodes->count : 0; i-- > 0;) { /* the first counts unless one is ours */
        const struct store_node *n = &nodes->rows[i];
        port = n->ports.config_https;
        if (p->settings.node.n > 0 && str_eq_nocase(n->name, p->settings.node)) break;
    }
    directory_nodes_unref(nodes);
    return (unsigned)port;
}

static void refuse_plain(const struct provision *p, struct http_response *res)
{
    char text[128];
    snprintf(text, sizeof text, "Fetch this by HTTPS on port %u with your access token.",
             https_port(p));
    http_reply_text(res, 403, text);
}

static void handle_plain(void *ctx, const struct http_request *req, struct http_response *res)
{
    const struct provision *p = ctx;
    struct outcome o = {.device = STR(""), .user = STR(""), .why = "no such device"};
    bool serves_oauth = directory_param_number(p->settings.directory, STORE_P_CONFIG_HTTP_OAUTH);
    const struct directory_device *dev = find_device(p, req, &o);
    if (!serves_oauth && (!dev || is_oauth_device(p, dev))) {
        o.why = "not over plain HTTP";
        refuse_plain(p, res);
    } else if (!dev) {
        answer_none(res);
    } else {
        serve(p, req, res, dev, &o);
    }
    directory_device_unref(dev);
    log_outcome(p, req, res, &o);
}

/* --- 6972 ------------------------------------------------------------------------------------------
 */

static bool is_active_user(const struct provision *p, struct str id)
{
    const struct directory_user *user = directory_user_ref(p->settings.directory, id);
    bool is_active = user && user->active;
    directory_user_unref(user);
    return is_active;
}

/* Whose token it is; otherwise the challenge stands in res. */
static bool admit(const struct provision *p, const struct http_request *req,
                  struct http_response *res, struct outcome *o)
{
    struct oauth_claims claims;
    enum oauth_reason reason;
    struct str token = http_bearer(req);
    if (token.n == 0) {
        o->why = "no token";
        challenge(p, res, "", "");
        return false;
    }
    if (oauth_verify(p->settings.verifier, token, clock_unix_s(&p->settings.clock), req->arena,
                     &claims, &reason) != RC_OK) {
        o->why = oauth_reason_name(reason);
        if (reason == OAUTH_NO_MEMORY) {
            http_set_header(res, "Retry-After", STR("5"));
            http_reply_text(res, 503, "The server is out of memory. Try again later.");
        } else {
            challenge(p, res, oauth_reason_error(reason), oauth_reason_text(reason));
        }
        return false;
    }
    o->user = claims.user;
    if (is_active_user(p, claims.user)) return true;
    o->why = "user not active";
    challenge(p, res, "invalid_token", "The token's user is not active here.");
    return false;
}

static bool owns(const struct provision *p, struct str user, const struct directory_device *dev)
{
    return str_eq_nocase(user, dev->owner) ||
           directory_param_number(p->settings.directory, STORE_P_OWNER_CHECK) == 0;
}

static void handle_secure(void *ctx, const struct http_request *req, struct http_response *res)
{
    const struct provision *p = ctx;
    struct outcome o = {.device = STR(""), .user = STR(""), .why = "no such device"};
    const struct directory_device *dev = NULL;
    if (admit(p, req, res, &o)) {
        dev = find_device(p, req, &o);
        if (!dev) {
            answer_none(res);
        } else if (!owns(p, o.user, dev)) {
            o.why = "token user does not own device";
            answer_none(res); /* the same: else who has signed in could find out names */
        } else {
            serve(p, req, res, dev, &o);
        }
    }
    directory_device_unref(dev);
    log_outcome(p, req, res, &o);
}

static enum rc add_routes(struct provision *p, struct http_site *site, http_handler_fn *fn)
{
    const struct http_route route = {
        .methods = HTTP_GET, .path = "/{file}", .fn = fn, .ctx = p, .body_max = 1};
    return http_site_add(site, &route);
}

enum rc provision_add_plain_routes(struct provision *p, struct http_site *site)
{
    return add_routes(p, site, handle_plain);
}

enum rc provision_add_secure_routes(struct provision *p, struct http_site *site)
{
    return add_routes(p, site, handle_secure);
}
