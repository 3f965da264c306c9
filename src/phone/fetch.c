#include "phone/fetch.h"

#include "base/form.h"
#include "http/client.h"
#include "phone/edge.h"
#include "phone/grant.h"
#include "phone/json_int.h"
#include <stdio.h>

/* What came with the copy in PHONE_FILE_CONFIG. */
struct cache {
    char etag[256], url[PHONE_TEXT_MAX];
};

enum rc phone_fetch_url(const struct phone_fetch *fetch, const struct phone_tokens *tokens,
                        struct arena *arena, struct str *out)
{
    struct str host = phone_url_host(str_from(tokens->server));
    bool is_v6 = str_find_char(host, ':') >= 0;
    struct buf device;
    char coded[3 * PHONE_TEXT_MAX];
    if (fetch->url) return arena_str_dup(arena, str_from(fetch->url), out);
    buf_init_fixed(&device, coded, sizeof coded);
    form_print_value(&device, str_from(tokens->device));
    if (buf_rc(&device) != RC_OK) return RC_TOO_BIG;
    return arena_printf(
        arena, out, "%s://%s%.*s%s:%d/%.*s.cnf.xml", fetch->https || fetch->edge ? "https" : "http",
        is_v6 ? "[" : "", STR_ARG(host), is_v6 ? "]" : "",
        fetch->https || fetch->edge ? PHONE_CONFIG_HTTPS_PORT : PHONE_CONFIG_HTTP_PORT,
        STR_ARG(buf_str(&device)));
}

/* ---- the copy ---- */

static void cache_load(const struct phone_state *s, struct str url, struct cache *out)
{
    struct secret text = {0};
    *out = (struct cache){0};
    if (phone_state_read(s, PHONE_FILE_CACHE, &text) != RC_OK) return;
    json_t *o = json_object_parse(bytes_str(secret_bytes(&text)));
    if (!o || json_text_copy(o, "etag", out->etag, sizeof out->etag) != RC_OK ||
        json_text_copy(o, "url", out->url, sizeof out->url) != RC_OK ||
        !str_eq(str_from(out->url), url))
        *out = (struct cache){0};
    json_wipe(o);
    secret_fini(&text);
}

/* The document first: an old tag beside a new document only costs a download. */
static void cache_save(const struct phone_state *s, struct str url, struct str etag, struct str doc)
{
    struct secret text = {0};
    if (phone_state_write(s, PHONE_FILE_CONFIG, str_bytes(doc), NULL) != RC_OK) return;
    json_t *o = json_object();
    int bad = json_object_set_new(o, "etag", json_stringn(etag.n > 0 ? etag.p : "", etag.n));
    bad |= json_object_set_new(o, "url", json_stringn(url.p, url.n));
    enum rc rc = bad ? RC_NOMEM : json_print_secret(o, &text);
    if (rc == RC_OK) rc = phone_state_write(s, PHONE_FILE_CACHE, secret_bytes(&text), NULL);
    if (rc != RC_OK) rc = phone_state_wipe(s, PHONE_FILE_CACHE); /* next time without a tag */
    (void)rc;
    json_wipe(o);
    secret_fini(&text);
}

static enum rc cached_doc(const struct phone_state *s, struct arena *arena, struct str *out)
{
    struct secret text = {0};
    enum rc rc = phone_state_read(s, PHONE_FILE_CONFIG, &text);
    if (rc == RC_OK) rc = arena_str_dup(arena, bytes_str(secret_bytes(&text)), out);
    secret_fini(&text);
    return rc;
}

/* ---- from the server ---- */

static void ask(const struct phone_fetch *fetch, const struct phone_state *state,
                const struct phone_tokens *tokens, struct str url, const struct cache *cache,
                struct arena *arena, struct http_answer *out)
{
    char ca[PHONE_STATE_PATH_MAX];
    struct http_client_header header = {STR("If-None-Match"), str_from(cache->etag)};
    bool secure = str_starts_nocase(url, STR("https://"));
    struct http_call call = {
        .url = url,
        .headers = &header,
        .header_count = cache->etag[0] ? 1 : 0,
        .timeout_ms = fetch->timeout_ms ? fetch->timeout_ms : 10000,
        .connect_timeout_ms = 5000,
        .response_max = PHONE_CONFIG_MAX,
    };
    if (tokens->has_ca && phone_state_path(state, PHONE_FILE_CA, ca) == RC_OK) call.ca_file = ca;
    if (secure && (fetch->https || fetch->edge))
        call.bearer = bytes_str(secret_bytes(&tokens->access));
    enum rc rc = phone_edge_route(fetch->edge, &call, arena);
    if (rc == RC_OK) {
        http_fetch(&call, arena, out);
        return;
    }
    *out = (struct http_answer){.failure = rc == RC_NOMEM ? HTTP_FAIL_NOMEM : HTTP_FAIL_URL};
    snprintf(out->why, sizeof out->why, "%.*s is not https, and through an edge nothing else goes",
             STR_ARG(str_sub(url, 0, 150)));
}

static enum phone_exit refused(const struct http_answer *answer, struct str url,
                               const struct phone_tokens *tokens, struct phone_problem *problem)
{
    struct str said = str_trim(str_sub(answer->body, 0, 200));
    if (answer->status == 404)
        return phone_problem_set(problem, PHONE_EXIT_NO_CONFIG,
                                 "%.*s: the server has no device %s for you: it is not known "
                                 "there, disabled, or another user's. Check --device, or have the "
                                 "administrator ask \"bearline diagnose %s\", which says what to "
                                 "do.",
                                 STR_ARG(url), tokens->device, tokens->device);
    if (answer->status == 401)
        return phone_problem_set(problem, PHONE_EXIT_CONFIG_REFUSED,
                                 "%.*s: the server wants a token and does not accept ours. Use "
                                 "--config-https; if that is so already, sign in again.",
                                 STR_ARG(url));
    if (answer->status == 403)
        return phone_problem_set(problem, PHONE_EXIT_CONFIG_REFUSED,
                                 "%.*s: the server does not give us this configuration: %.*s",
                                 STR_ARG(url), STR_ARG(said));
    return phone_problem_set(problem, PHONE_EXIT_CONFIG_REFUSED,
                             "%.*s: the configuration server answers %d. Check the address.",
                             STR_ARG(url), answer->status);
}

static enum phone_exit parse(struct str doc, struct str where, struct arena *arena,
                             struct phone_config *out, struct phone_problem *problem)
{
    const char *why;
    if (phone_config_parse(doc, arena, out, &why) == RC_OK) return PHONE_EXIT_OK;
    return phone_problem_set(problem, PHONE_EXIT_BAD_CONFIG,
                             "The configuration from %.*s cannot be used: %s.", STR_ARG(where),
                             why);
}

static enum phone_exit from_cache(const struct phone_state *state, struct arena *arena,
                                  struct phone_config *out)
{
    struct str doc;
    if (cached_doc(state, arena, &doc) != RC_OK) return PHONE_EXIT_NO_CONFIG;
    return parse(doc, STR("the copy kept"), arena, out, NULL);
}

enum phone_exit phone_fetch_config(const struct phone_fetch *fetch, const struct phone_state *state,
                                   const struct phone_tokens *tokens, struct arena *arena,
                                   struct phone_config *out, enum phone_config_source *source,
                                   struct phone_problem *problem)
{
    struct str url;
    struct cache cache;
    struct http_answer answer;
    enum rc rc = phone_fetch_url(fetch, tokens, arena, &url);
    if (rc != RC_OK)
        return phone_problem_set(problem, PHONE_EXIT_FAILED, "The configuration's address: %s.",
                                 rc_name(rc));
    cache_load(state, url, &cache);
    ask(fetch, state, tokens, url, &cache, arena, &answer);
    if (answer.failure != HTTP_FAIL_NONE || answer.status >= 500) {
        enum phone_exit exit = answer.failure != HTTP_FAIL_NONE
                                   ? phone_problem_of_http(problem, "Fetching the configuration",
                                                           &answer)
                                   : refused(&answer, url, tokens, problem);
        *source = PHONE_CONFIG_CACHED;
        return cache.url[0] && from_cache(state, arena, out) == PHONE_EXIT_OK ? PHONE_EXIT_OK
                                                                              : exit;
    }
    *source = PHONE_CONFIG_UNCHANGED;
    if (answer.status == 304 && from_cache(state, arena, out) == PHONE_EXIT_OK)
        return PHONE_EXIT_OK;
    if (answer.status == 304) { /* the copy was damaged */
        cache = (struct cache){0};
        ask(fetch, state, tokens, url, &cache, arena, &answer);
        if (answer.failure != HTTP_FAIL_NONE)
            return phone_problem_of_http(problem, "Fetching the configuration", &answer);
    }
    if (answer.status != 200) return refused(&answer, url, tokens, problem);
    enum phone_exit exit = parse(answer.body, url, arena, out, problem);
    *source = PHONE_CONFIG_NEW;
    if (exit == PHONE_EXIT_OK)
        cache_save(state, url, http_answer_header(&answer, STR("ETag")), answer.body);
    return exit;
}
