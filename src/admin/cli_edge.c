/* Commands for an edge: its zones, the call servers it follows, "Refresh servers", pairing. */
#include "admin/cli_int.h"

enum { CARD_MAX = 65536 };

static const struct cli_column zone_columns[] = {
    {"name", "Zone", false}, {"type", "Type", false}, {"sip_status", "SIP status", false},
    {"host", "Host", false}, {"port", "Port", false}, {"priority", "Priority", false},
    {"since", "Since", true}};
static const struct cli_column ucm_columns[] = {{"address", "Publisher address", false},
                                                {"state", "State", false},
                                                {"nodes", "Nodes", false},
                                                {"release", "Release", false},
                                                {"read", "Last read", true}};
#define COUNT(a) (sizeof(a) / sizeof *(a))

/* What keeps a row from being well, below the table. */
static void print_causes(struct cli *cli, json_t *rows, const char *name)
{
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        struct str text = cli_str(row, "text"), fix = cli_str(row, "fix");
        if (text.n == 0) continue;
        cli_say(cli, "%.*s: %.*s", STR_ARG(cli_str(row, name)), STR_ARG(text));
        if (fix.n > 0) cli_say(cli, "   -> %.*s", STR_ARG(fix));
    }
}

void cli_print_zones(struct cli *cli, json_t *zones)
{
    if (json_array_size(zones) == 0) {
        cli_say(cli, "There is no zone: see \"diagnose\".");
        return;
    }
    cli_print_rows(cli, zones, zone_columns, COUNT(zone_columns));
}

void cli_print_ucms(struct cli *cli, json_t *ucms)
{
    if (json_array_size(ucms) == 0) {
        cli_say(cli, "No call server is known: ucm add HOST --username NAME --password-file FILE");
        return;
    }
    cli_print_rows(cli, ucms, ucm_columns, COUNT(ucm_columns));
}

int cli_zones(struct cli *cli, const struct cli_rest *rest)
{
    int status;
    if (!cli_has_words(cli, rest, 0, 0)) return ADMIN_EXIT_USAGE;
    json_t *o = cli_ask(cli, "GET", cli_path(cli, "zones", NULL), NULL, &status);
    if (o && !cli_print_json(cli, o)) {
        cli_print_zones(cli, json_object_get(o, "zones"));
        print_causes(cli, json_object_get(o, "zones"), "name");
    }
    json_decref(o);
    return status;
}

int cli_ucms(struct cli *cli, const struct cli_rest *rest)
{
    int status;
    if (!cli_has_words(cli, rest, 0, 0)) return ADMIN_EXIT_USAGE;
    json_t *o = cli_ask(cli, "GET", cli_path(cli, "ucm-states", NULL), NULL, &status);
    if (o && !cli_print_json(cli, o)) {
        cli_print_ucms(cli, json_object_get(o, "ucms"));
        print_causes(cli, json_object_get(o, "ucms"), "address");
    }
    json_decref(o);
    return status;
}

int cli_ucm_refresh(struct cli *cli, const struct cli_rest *rest)
{
    int status;
    if (!cli_has_words(cli, rest, 0, 1)) return ADMIN_EXIT_USAGE;
    const char *path = cli_path(cli, "ucm-states", "refresh", NULL);
    if (path && rest->argc == 1) path = cli_query(cli, path, "address", str_from(rest->argv[0]));
    json_t *o = cli_ask(cli, "POST", path, NULL, &status);
    if (o && !cli_print_json(cli, o))
        cli_say(cli,
                "%lld call server%s will be read anew and failed zones tried at once; nobody is "
                "cut. See \"show ucms\".",
                (long long)cli_int(o, "refreshed"), cli_int(o, "refreshed") == 1 ? "" : "s");
    json_decref(o);
    return status;
}

/* The card goes to stdout, so that "> card.json" takes it; what an operator compares to stderr. */
int cli_peer_card(struct cli *cli, const struct cli_rest *rest)
{
    int status;
    if (!cli_has_words(cli, rest, 0, 0)) return ADMIN_EXIT_USAGE;
    json_t *o = cli_ask(cli, "GET", cli_path(cli, "card", NULL), NULL, &status);
    char *text = o ? json_dumps(o, JSON_INDENT(1)) : NULL;
    if (text) {
        cli_say(cli, "%s", text);
        fprintf(
            cli->o->err,
            "On the other edge: bearline --edge peer pair FILE. It will show this fingerprint:\n"
            "%.*s\n",
            STR_ARG(cli_str(o, "fingerprint")));
    }
    free(text);
    json_decref(o);
    return status;
}

int cli_peer_pair(struct cli *cli, const struct cli_rest *rest)
{
    struct str text;
    int status;
    if (!cli_has_words(cli, rest, 1, 1)) return ADMIN_EXIT_USAGE;
    if (!cli_read_file(cli, rest->argv[0], CARD_MAX, &text)) return ADMIN_EXIT_REFUSED;
    json_t *card = json_loadb(text.p, text.n, 0, NULL);
    if (!json_is_object(card)) {
        json_decref(card);
        return cli_usage(cli, "%s is no card: make one on the other edge with \"peer card\"",
                         rest->argv[0]);
    }
    json_t *o = cli_ask(cli, "POST", cli_path(cli, "pairings", NULL), card, &status);
    if (o && !cli_print_json(cli, o))
        cli_say(cli,
                "Paired with the %.*s edge %.*s. Compare: the other edge must have shown the "
                "fingerprint %.*s",
                STR_ARG(cli_str(o, "role")), STR_ARG(cli_str(o, "paired")),
                STR_ARG(cli_str(o, "fingerprint")));
    json_decref(o);
    return status;
}
