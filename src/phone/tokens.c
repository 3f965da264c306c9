#include "phone/tokens.h"

#include "base/check.h"
#include "phone/json_int.h"

void phone_tokens_fini(struct phone_tokens *t)
{
    secret_fini(&t->access);
    secret_fini(&t->refresh);
    *t = (struct phone_tokens){0};
}

int64_t phone_tokens_renew_unix_s(const struct phone_tokens *t)
{
    int64_t life_s = t->access_until_unix_s - t->access_from_unix_s;
    return life_s <= 0 ? t->access_until_unix_s : t->access_from_unix_s + life_s * 3 / 4;
}

/* ---- at rest ---- */

struct text_field {
    const char *key;
    size_t offset, cap;
};
#define TEXT(k)                                                                                    \
    {                                                                                              \
#k, offsetof(struct phone_tokens, k), sizeof(((struct phone_tokens *)0)->k)                \
    }
static const struct text_field texts[] = {
    TEXT(server), TEXT(issuer), TEXT(token_url), TEXT(revoke_url), TEXT(client_id),
    TEXT(device), TEXT(user),   TEXT(scope),     TEXT(instance),
};

static enum rc read_texts(const json_t *o, struct phone_tokens *t)
{
    enum rc rc = RC_OK;
    for (size_t i = 0; rc == RC_OK && i < sizeof texts / sizeof *texts; i++)
        rc = json_text_copy(o, texts[i].key, (char *)t + texts[i].offset, texts[i].cap);
    return rc == RC_TOO_BIG ? RC_MALFORMED : rc;
}

enum rc phone_tokens_parse(struct str json, struct phone_tokens *out)
{
    json_t *o = json_object_parse(json);
    if (!o) return RC_MALFORMED;
    struct phone_tokens t = {0};
    enum rc rc = read_texts(o, &t);
    if (rc == RC_OK) rc = json_secret_copy(o, "access", PHONE_TOKEN_MAX, &t.access);
    if (rc == RC_OK) rc = json_secret_copy(o, "refresh", PHONE_TOKEN_MAX, &t.refresh);
    t.has_ca = json_is_true(json_object_get(o, "has_ca"));
    t.access_from_unix_s = json_seconds(o, "access_from");
    t.access_until_unix_s = json_seconds(o, "access_until");
    t.signed_in_unix_s = json_seconds(o, "signed_in");
    bool whole = t.device[0] && t.token_url[0] && t.client_id[0] && t.access.n > 0 &&
                 strlen(t.instance) == PHONE_INSTANCE_LEN;
    if (rc == RC_OK && !whole) rc = RC_MALFORMED;
    json_wipe(o);
    if (rc == RC_OK)
        *out = t;
    else
        phone_tokens_fini(&t);
    return rc;
}

static int set_secret(json_t *o, const char *key, const struct secret *s)
{
    return json_object_set_new(o, key, json_stringn(s->n > 0 ? (const char *)s->p : "", s->n));
}

enum rc phone_tokens_print(const struct phone_tokens *t, struct secret *out)
{
    json_t *o = json_object();
    if (!o) return RC_NOMEM;
    int bad = 0;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        bad |= json_object_set_new(o, texts[i].key, json_string((const char *)t + texts[i].offset));
    bad |= json_object_set_new(o, "has_ca", json_boolean(t->has_ca));
    bad |= json_object_set_new(o, "access_from", json_integer(t->access_from_unix_s));
    bad |= json_object_set_new(o, "access_until", json_integer(t->access_until_unix_s));
    bad |= json_object_set_new(o, "signed_in", json_integer(t->signed_in_unix_s));
    bad |= set_secret(o, "access", &t->access);
    bad |= set_secret(o, "refresh", &t->refresh);
    enum rc rc = bad ? RC_NOMEM : json_print_secret(o, out);
    json_wipe(o);
    return rc;
}

enum rc phone_tokens_load(const struct phone_state *s, struct phone_tokens *out)
{
    struct secret text = {0};
    enum rc rc = phone_state_read(s, PHONE_FILE_SESSION, &text);
    if (rc == RC_OK) rc = phone_tokens_parse(bytes_str(secret_bytes(&text)), out);
    secret_fini(&text);
    return rc;
}

enum rc phone_tokens_save(const struct phone_state *s, const struct phone_tokens *t,
                          struct phone_problem *problem)
{
    struct secret text = {0};
    enum rc rc = phone_tokens_print(t, &text);
    if (rc == RC_OK) rc = phone_state_write(s, PHONE_FILE_SESSION, secret_bytes(&text), problem);
    if (rc == RC_NOMEM)
        phone_problem_set(problem, PHONE_EXIT_FAILED, "Out of memory while storing the sign-in.");
    secret_fini(&text);
    return rc;
}

/* ---- what a token endpoint says ---- */

void phone_token_answer_fini(struct phone_token_answer *a)
{
    secret_fini(&a->access);
    secret_fini(&a->refresh);
    *a = (struct phone_token_answer){0};
}

/* Error texts are for people: what is longer than we show is cut. */
static void copy_cut(struct str s, char *out, size_t cap)
{
    if (str_to_cstr(str_sub(s, 0, cap - 1), out, cap) != RC_OK) out[0] = '\0';
}

static enum rc read_good(const json_t *o, struct phone_token_answer *a)
{
    if (!str_eq_nocase(json_text(o, "token_type"), STR("Bearer"))) return RC_MALFORMED;
    enum rc rc = json_secret_copy(o, "access_token", PHONE_TOKEN_MAX, &a->access);
    if (rc == RC_OK) rc = json_secret_copy(o, "refresh_token", PHONE_TOKEN_MAX, &a->refresh);
    if (rc == RC_OK && a->access.n == 0) rc = RC_MALFORMED;
    a->expires_in_s = json_seconds(o, "expires_in");
    copy_cut(json_text(o, "scope"), a->scope, sizeof a->scope);
    return rc;
}

enum rc phone_token_answer_parse(int status, struct str body, struct phone_token_answer *out)
{
    json_t *o = json_object_parse(body);
    if (!o) return RC_MALFORMED;
    struct phone_token_answer a = {0};
    enum rc rc = RC_OK;
    if (status == 200) {
        rc = read_good(o, &a);
    } else {
        copy_cut(json_text(o, "error"), a.error, sizeof a.error);
        copy_cut(json_text(o, "error_description"), a.error_description,
                 sizeof a.error_description);
        if (!a.error[0]) rc = RC_MALFORMED;
    }
    json_wipe(o);
    if (rc == RC_OK)
        *out = a;
    else
        phone_token_answer_fini(&a);
    return rc;
}

void phone_tokens_take(struct phone_tokens *t, struct phone_token_answer *a, int64_t now_unix_s)
{
    enum { LIFE_UNTOLD_S = 3600 };
    CHECK(a->access.n > 0);
    secret_fini(&t->access);
    t->access = a->access;
    a->access = (struct secret){0};
    if (a->refresh.n > 0) {
        secret_fini(&t->refresh);
        t->refresh = a->refresh;
        a->refresh = (struct secret){0};
    }
    t->access_from_unix_s = now_unix_s;
    t->access_until_unix_s = now_unix_s + (a->expires_in_s > 0 ? a->expires_in_s : LIFE_UNTOLD_S);
    if (a->scope[0]) memcpy(t->scope, a->scope, sizeof t->scope);
}
