#include "phone/login.h"

#include "http/client.h"
#include "net/tls.h"
#include "phone/edge.h"
#include "phone/login_int.h"
#include <stdio.h>

enum { LOGIN_ARENA_MAX = 4 << 20, HTTPS_PORT = 8443 };

enum rc phone_server_url(const char *given, char out[PHONE_TEXT_MAX])
{
    struct str s = str_trim(str_from(given));
    if (str_starts_nocase(s, STR("https://"))) s = str_sub(s, 8, s.n);
    while (s.n > 0 && s.p[s.n - 1] == '/')
        s.n--;
    bool bad = s.n == 0 || str_find(s, STR("://")) >= 0;
    for (size_t i = 0; i < s.n; i++)
        bad = bad || (unsigned char)s.p[i] <= 0x20 || strchr("/?#@\"<>\\", s.p[i]);
    if (bad) return RC_INVALID;
    struct str tail = s;
    if (s.p[0] == '[') {
        ptrdiff_t end = str_find_char(s, ']');
        if (end < 0) return RC_INVALID;
        tail = str_sub(s, (size_t)end, s.n);
    }
    bool has_port = str_find_char(tail, ':') >= 0;
    char port[16] = "";
    if (!has_port) snprintf(port, sizeof port, ":%d", HTTPS_PORT);
    int n = snprintf(out, PHONE_TEXT_MAX, "https://%.*s%s", STR_ARG(s), port);
    return n < PHONE_TEXT_MAX ? RC_OK : RC_TOO_BIG;
}

enum rc code_url(const struct code_flow *f, struct str *out)
{
    struct phone_authorize a = {
        .authorize_url = f->metadata->authorize_url,
        .redirect_uri = f->redirect_uri,
        .state = f->state,
        .challenge = f->challenge,
        .device = str_from(f->login->device),
    };
    struct buf b;
    buf_init(&b, 16 * 1024);
    phone_authorize_print(&b, &a);
    enum rc rc = buf_rc(&b);
    if (rc == RC_OK) rc = arena_str_dup(f->arena, buf_str(&b), out);
    buf_fini(&b);
    return rc;
}

static enum phone_exit out_of_memory(struct phone_problem *problem)
{
    return phone_problem_set(problem, PHONE_EXIT_FAILED, "Out of memory while signing in.");
}

/* ---- the server ---- */

static enum phone_exit fetch_metadata(const char *server, const struct phone_login *l,
                                      struct arena *a, struct phone_metadata *out,
                                      struct phone_problem *problem)
{
    struct http_answer answer;
    struct http_call call = {.ca_file = l->ca_file};
    const char *why;
    if (arena_printf(a, &call.url, "%s/.well-known/oauth-authorization-server", server) != RC_OK ||
        phone_edge_route(l->edge, &call, a) != RC_OK)
        return out_of_memory(problem);
    http_fetch(&call, a, &answer);
    if (answer.failure != HTTP_FAIL_NONE)
        return phone_problem_of_http(problem, "Asking the authorization server", &answer);
    if (answer.status != 200)
        return phone_problem_set(problem, PHONE_EXIT_AUTH_SERVER,
                                 "%s is no authorization server: it answers %d where its "
                                 "description should be. Check --server.",
                                 server, answer.status);
    enum rc rc = phone_metadata_parse(answer.body, a, out, &why);
    if (rc == RC_NOMEM) return out_of_memory(problem);
    if (rc != RC_OK)
        return phone_problem_set(problem, PHONE_EXIT_AUTH_SERVER,
                                 "The description of the authorization server %s cannot be used: "
                                 "%s.",
                                 server, why);
    return PHONE_EXIT_OK;
}

static enum phone_exit fetch_tokens(const struct code_flow *f, struct str verifier,
                                    struct phone_token_answer *out, struct phone_problem *problem)
{
    struct buf body;
    struct http_answer answer;
    buf_init(&body, 64 * 1024);
    phone_grant_print_code(&body, f->answer.code, f->redirect_uri, verifier);
    struct http_call call = {
        .method = "POST",
        .url = f->metadata->token_url,
        .body = buf_str(&body),
        .content_type = STR("application/x-www-form-urlencoded"),
        .ca_file = f->ca_file,
    };
    enum rc rc = buf_rc(&body);
    if (rc == RC_OK) rc = phone_edge_route(f->login->edge, &call, f->arena);
    if (rc == RC_OK) http_fetch(&call, f->arena, &answer);
    if (body.p) crypto_wipe(body.p, body.cap);
    buf_fini(&body);
    if (rc != RC_OK) return out_of_memory(problem);
    if (answer.failure != HTTP_FAIL_NONE)
        return phone_problem_of_http(problem, "Exchanging the code for tokens", &answer);
    rc = phone_token_answer_parse(answer.status, answer.body, out);
    struct str secret = answer.body; /* lies in our arena */
    char *p;
    memcpy(&p, &secret.p, sizeof p);
    if (p) crypto_wipe(p, secret.n);
    if (rc != RC_OK)
        return phone_problem_set(problem, PHONE_EXIT_AUTH_SERVER,
                                 "The token address answered with status %d and no tokens.",
                                 answer.status);
    if (out->error[0])
        return phone_problem_set(
            problem, PHONE_EXIT_SIGN_IN, "The server gave no tokens: %s%s%s. Run \"login\" again.",
            out->error, out->error_description[0] ? ", " : "", out->error_description);
    return PHONE_EXIT_OK;
}

/* ---- user and password ---- */

static enum phone_exit by_password(struct code_flow *f, struct phone_problem *problem)
{
    const struct phone_login *l = f->login;
    struct secret password = {0};
    if (!l->user)
        return phone_problem_set(problem, PHONE_EXIT_USAGE,
                                 "--password-file needs --user: whose password is it?");
    enum rc rc = phone_file_read(l->password_file, &password);
    if (rc != RC_OK)
        return phone_problem_set(problem, PHONE_EXIT_USAGE,
                                 "The password file %s cannot be read (%s).", l->password_file,
                                 rc_name(rc));
    struct str line = bytes_str(secret_bytes(&password));
    while (line.n > 0 && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r'))
        line.n--;
    enum phone_exit exit = code_by_password(f, str_from(l->user), line, problem);
    secret_fini(&password);
    return exit;
}

static enum phone_exit get_tokens(struct code_flow *f, struct phone_token_answer *out,
                                  struct phone_problem *problem)
{
    char verifier[PHONE_PKCE_LEN + 1], challenge[PHONE_PKCE_LEN + 1], state[PHONE_PKCE_LEN + 1];
    phone_grant_random(&f->login->random, verifier);
    phone_grant_random(&f->login->random, state);
    if (phone_pkce_challenge(str_from(verifier), challenge) != RC_OK) return out_of_memory(problem);
    f->state = str_from(state);
    f->challenge = str_from(challenge);
    enum phone_exit exit = f->login->password_file ? by_password(f, problem)
                                                   : code_by_browser(f, problem);
    if (exit == PHONE_EXIT_OK) exit = fetch_tokens(f, str_from(verifier), out, problem);
    crypto_wipe(verifier, sizeof verifier);
    return exit;
}

/* ---- storing ---- */

/* A name for this phone that stays: the one it has, else a locally administered MAC address. */
static void take_instance(const struct phone_login *l, const struct phone_state *state,
                          char out[PHONE_INSTANCE_LEN + 1])
{
    struct phone_tokens old = {0};
    uint8_t mac[PHONE_INSTANCE_LEN / 2];
    random_fill(&l->random, mac, sizeof mac);
    mac[0] = (uint8_t)((mac[0] & 0xfc) | 2);
    struct buf b;
    buf_init_fixed(&b, out, PHONE_INSTANCE_LEN);
    buf_put_hex(&b, bytes_of(mac, sizeof mac));
    out[PHONE_INSTANCE_LEN] = '\0';
    if (phone_tokens_load(state, &old) == RC_OK) memcpy(out, old.instance, PHONE_INSTANCE_LEN);
    phone_tokens_fini(&old);
}

static enum rc fill(struct phone_tokens *t, const struct phone_login *l, const char *server,
                    const struct phone_metadata *m)
{
    enum rc rc = str_to_cstr(str_from(server), t->server, sizeof t->server);
    if (rc == RC_OK) rc = str_to_cstr(m->issuer, t->issuer, sizeof t->issuer);
    if (rc == RC_OK) rc = str_to_cstr(m->token_url, t->token_url, sizeof t->token_url);
    if (rc == RC_OK) rc = str_to_cstr(m->revoke_url, t->revoke_url, sizeof t->revoke_url);
    if (rc == RC_OK) rc = str_to_cstr(STR(PHONE_CLIENT_ID), t->client_id, sizeof t->client_id);
    if (rc == RC_OK) rc = str_to_cstr(str_from(l->device), t->device, sizeof t->device);
    if (rc == RC_OK) rc = str_to_cstr(str_from(l->user ? l->user : ""), t->user, sizeof t->user);
    t->has_ca = l->ca_file != NULL;
    return rc;
}

/* The CA first: a sign-in that is there can be used. */
static enum phone_exit store(const struct phone_login *l, const struct phone_state *state,
                             struct phone_tokens *t, struct phone_problem *problem)
{
    struct secret ca = {0};
    enum rc rc = l->ca_file ? phone_file_read(l->ca_file, &ca) : RC_OK;
    if (rc == RC_OK && l->ca_file)
        rc = phone_state_write(state, PHONE_FILE_CA, secret_bytes(&ca), problem);
    secret_fini(&ca);
    if (rc == RC_OK) rc = phone_tokens_save(state, t, problem);
    if (rc == RC_OK && !l->ca_file) rc = phone_state_wipe(state, PHONE_FILE_CA);
    if (rc == RC_OK) rc = phone_state_wipe(state, PHONE_FILE_STATUS); /* of the sign-in before */
    if (rc == RC_OK) return PHONE_EXIT_OK;
    if (problem->code == PHONE_EXIT_OK)
        phone_problem_set(problem, PHONE_EXIT_STATE, "The sign-in cannot be stored in %s (%s).",
                          state->path, rc_name(rc));
    return problem->code;
}

static enum phone_exit sign_in(const struct phone_login *l, const struct phone_state *state,
                               const char *server, struct arena *a, struct phone_problem *problem)
{
    struct phone_metadata metadata;
    struct phone_token_answer answer = {0};
    struct phone_tokens tokens = {0};
    struct code_flow f = {.login = l, .metadata = &metadata, .arena = a, .ca_file = l->ca_file};
    enum phone_exit exit = fetch_metadata(server, l, a, &metadata, problem);
    if (exit == PHONE_EXIT_OK) exit = get_tokens(&f, &answer, problem);
    if (exit != PHONE_EXIT_OK) goto done;
    if (fill(&tokens, l, server, &metadata) != RC_OK) {
        exit = phone_problem_set(problem, PHONE_EXIT_AUTH_SERVER,
                                 "The addresses the server names are longer than any.");
        goto done;
    }
    take_instance(l, state, tokens.instance);
    tokens.signed_in_unix_s = clock_unix_s(&l->clock);
    phone_tokens_take(&tokens, &answer, tokens.signed_in_unix_s);
    exit = store(l, state, &tokens, problem);
    if (exit == PHONE_EXIT_OK && tokens.refresh.n == 0)
        fprintf(stderr,
                "The server gave no refresh token: you will have to sign in again in %d "
                "minutes. The administrator can switch on \"OAuth with Refresh Login "
                "Flow\".\n",
                (int)((tokens.access_until_unix_s - tokens.access_from_unix_s) / 60));
done:
    phone_token_answer_fini(&answer);
    phone_tokens_fini(&tokens);
    return exit;
}

/* A CA file that cannot be used is told before anybody types a password. */
static enum phone_exit check_ca(const char *path, struct phone_problem *problem)
{
    struct secret pem = {0};
    struct net_tls *tls = NULL;
    const char *why = "it cannot be read";
    enum rc rc = phone_file_read(path, &pem);
    if (rc == RC_OK) {
        struct net_tls_client_config config = {.trust_pem = bytes_str(secret_bytes(&pem))};
        why = "it is empty";
        rc = pem.n > 0 ? net_tls_client_new(&config, &tls, &why) : RC_INVALID;
    }
    net_tls_unref(tls);
    secret_fini(&pem);
    if (rc == RC_OK) return PHONE_EXIT_OK;
    return phone_problem_set(problem, PHONE_EXIT_CA_FILE,
                             "The file of trusted CAs %s cannot be used: %s.", path, why);
}

/* From outside nobody needs to know the inside: the edge says where to sign in. */
static enum phone_exit find_server(const struct phone_login *l, struct arena *a,
                                   char out[PHONE_TEXT_MAX], struct phone_problem *problem)
{
    struct str doc, server;
    enum phone_exit exit = phone_edge_discover(l->edge, "get_edge_sso", STR(""), l->ca_file, a,
                                               &doc, problem);
    if (exit != PHONE_EXIT_OK) return exit;
    enum rc rc = phone_edge_read_sso(doc, a, &server);
    if (rc == RC_OK) rc = str_to_cstr(server, out, PHONE_TEXT_MAX);
    return rc == RC_OK ? PHONE_EXIT_OK
                       : phone_problem_set(problem, PHONE_EXIT_AUTH_SERVER,
                                           "The edge %s does not say where to sign in (%s). Give "
                                           "--server too.",
                                           l->edge, rc_name(rc));
}

enum phone_exit phone_login(const struct phone_login *login, const struct phone_state *state,
                            struct phone_problem *problem)
{
    char server[PHONE_TEXT_MAX];
    struct arena a;
    if (login->server && phone_server_url(login->server, server) != RC_OK)
        return phone_problem_set(problem, PHONE_EXIT_USAGE,
                                 "\"%s\" is no server address. Give it as https://host:port.",
                                 login->server);
    if (login->ca_file) {
        enum phone_exit exit = check_ca(login->ca_file, problem);
        if (exit != PHONE_EXIT_OK) return exit;
    }
    problem->code = PHONE_EXIT_OK;
    arena_init(&a, NULL, 0, LOGIN_ARENA_MAX);
    enum phone_exit exit = login->server ? PHONE_EXIT_OK : find_server(login, &a, server, problem);
    if (exit == PHONE_EXIT_OK) exit = sign_in(login, state, server, &a, problem);
    arena_fini(&a);
    return exit;
}
