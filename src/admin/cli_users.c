/* What adding a user asks, and what it tells. */
#include "admin/cli_int.h"
#include "admin/wipe.h"

/* The fewest characters the node takes; 0: it does not say. */
static int64_t password_length(struct cli *cli)
{
    int status;
    json_t *refusal;
    uint64_t n = 0;
    json_t *p = cli_ask_quiet(cli, "GET", cli_path(cli, "params", "PasswordLength", NULL), NULL,
                              &status, &refusal);
    if (p && str_to_u64(cli_str(p, "value"), 1000, &n) != RC_OK) n = 0;
    json_decref(p);
    json_decref(refusal);
    return (int64_t)n;
}

/* Nobody shall choose and type a password only to hear that there is such a user already. */
static bool is_new(struct cli *cli, const struct admin_noun *noun, json_t *body)
{
    int status;
    json_t *refusal = NULL;
    struct str key = cli_str(body, admin_noun_key(noun)->name);
    char name[STORE_KEY_MAX + 1];
    if (str_to_cstr(key, name, sizeof name) != RC_OK) return true; /* the node will say so */
    json_t *row = cli_ask_quiet(cli, "GET", cli_path(cli, noun->plural, name, NULL), NULL, &status,
                                &refusal);
    bool found = row != NULL;
    if (found)
        fprintf(cli->o->err, "%s %s exists already: change it with %s update\n", noun->name, name,
                noun->name);
    json_decref(row);
    json_decref(refusal);
    return !found;
}

/* A user who cannot sign in yet, where nobody was there to be asked for a password. */
void cli_user_tell(struct cli *cli, const struct admin_noun *noun, json_t *row)
{
    struct str id = cli_str(row, admin_noun_key(noun)->name);
    if (noun->kind != STORE_USER || cli_is_true(row, "has_password")) return;
    fprintf(cli->o->err,
            "%.*s has no password and cannot sign in yet: user update %.*s --password-file FILE\n",
            STR_ARG(id), STR_ARG(id));
}

/* A new user's password is asked for where somebody can type it; the rule stands in the question. */
bool cli_user_ask_password(struct cli *cli, const struct admin_noun *noun, json_t *body)
{
    struct str password, what;
    if (noun->kind != STORE_USER || json_object_get(body, "password") || !cli_is_terminal(cli))
        return true;
    if (!is_new(cli, noun, body)) return false;
    int64_t least = password_length(cli);
    if (arena_printf(&cli->arena, &what, "Password (at least %lld characters; empty: none yet)",
                     (long long)least) != RC_OK ||
        !cli_ask_password(cli, what.p, &password))
        return false;
    if (password.n > 0) json_object_set_new(body, "password", json_stringn(password.p, password.n));
    admin_text_wipe(password);
    return true;
}
