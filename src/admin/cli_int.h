/* admin/cli_int.h - what the commands share: asking the node, printing, the words behind the
 * command. Everything a command makes lies in cli->arena and goes when it ends. */
#ifndef ADMIN_CLI_INT_H
#define ADMIN_CLI_INT_H
#include "admin/cli.h"
#include "admin/command.h"
#include "admin/noun.h"
#include "base/buf.h"
#include <jansson.h>

struct cli {
    const struct admin_cli_options *o; /* with what the line adds: --json, --yes, --socket */
    struct arena arena;
    bool is_shell; /* the line is as it was typed; else a shell has taken its quotes away */
    bool leave;    /* "quit" */
};

extern const struct command cli_commands[];
extern const size_t cli_command_count;

/* Runs one line. */
int cli_line(struct cli *cli, struct str line);

/* --- asking the node -------------------------------------------------------------------------- */

/* "/api/v1/" then the parts, each percent-encoded; ends with NULL. NULL: out of memory. */
const char *cli_path(struct cli *cli, const char *plural, ...) __attribute__((sentinel));
/* path with one more pair; value "" adds nothing. */
const char *cli_query(struct cli *cli, const char *path, const char *name, struct str value);
/* Takes body's reference. A refusal is printed to err and gives NULL with *status; *refusal (may be
 * NULL) gets a refusal's JSON to look further, then nothing is printed. */
json_t *cli_ask(struct cli *cli, const char *method, const char *path, json_t *body, int *status);
json_t *cli_ask_quiet(struct cli *cli, const char *method, const char *path, json_t *body,
                      int *status, json_t **refusal);
/* Bytes of another type (CSV); allows long answers. */
json_t *cli_send(struct cli *cli, const char *path, struct str body, struct str type, int *status,
                 json_t **refusal);
/* What a refusal says, to err. */
void cli_print_refusal(struct cli *cli, json_t *refusal);
/* All rows of a list, page by page; after: the member of the last row that continues it. */
json_t *cli_ask_all(struct cli *cli, const char *path, const char *plural, const char *after,
                    int *status);

/* --- printing --------------------------------------------------------------------------------- */

/* True when the answer was printed as JSON; takes no reference. */
bool cli_print_json(struct cli *cli, json_t *json);
/* Text to out, made harmless for a terminal. */
void cli_print(struct cli *cli, struct str text);
void cli_say(struct cli *cli, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* To err; gives ADMIN_EXIT_USAGE. All refusals, the node's too, read "what was wrong: what to do", in
 * lower case and without a full stop. */
int cli_usage(struct cli *cli, const char *fmt, ...) PRINTF_LIKE(2, 3);
struct str cli_str(json_t *object, const char *name); /* "" where missing */
int64_t cli_int(json_t *object, const char *name);
bool cli_is_true(json_t *object, const char *name);
/* A member as one cell: lists joined, booleans yes or no. In the arena. */
struct str cli_cell(struct cli *cli, json_t *value);
struct str cli_time(struct cli *cli, int64_t unix_s); /* "-" for 0 */
/* Rows of objects as columns; time_columns are printed as times. */
struct cli_column {
    const char *member, *title;
    bool is_time;
};
void cli_print_rows(struct cli *cli, json_t *rows, const struct cli_column *columns, size_t count);
/* "name: value" line by line. */
void cli_print_pairs(struct cli *cli, json_t *object, const struct cli_column *rows, size_t count);

/* --- words ------------------------------------------------------------------------------------ */

/* Takes --name value or --name=value out of the words; NULL when it is not there. */
struct cli_flags {
    char *words[COMMAND_WORD_MAX + 1]; /* what is left */
    int count;
};
void cli_flags_init(struct cli_flags *f, const struct cli_rest *rest);
bool cli_flag_take(struct cli_flags *f, const char *name);
const char *cli_flag_value(struct cli_flags *f, const char *name);
/* False and said: words are missing behind the command, or too many. */
bool cli_has_words(struct cli *cli, const struct cli_rest *rest, int min, int max);
/* Too many words, or an option nobody took: said, ADMIN_EXIT_USAGE; 0 when all is well. */
int cli_flags_done(struct cli *cli, const struct cli_flags *f, int min, int max, const char *usage);

bool cli_is_terminal(const struct cli *cli);
/* Asks before what cannot be taken back; true also with --yes. Where nobody can be asked it is
 * refused (said). */
bool cli_confirm(struct cli *cli, const char *question);
/* Typed twice without being shown. False: not possible or not equal (said). */
bool cli_ask_password(struct cli *cli, const char *what, struct str *out);
/* Of a new user: his password, where somebody can type it (false: nothing shall be added, said); and
 * afterwards that he has none. Of other nouns nothing. */
bool cli_user_ask_password(struct cli *cli, const struct admin_noun *noun, json_t *body);
void cli_user_tell(struct cli *cli, const struct admin_noun *noun, json_t *row);
/* Removes a row, path as in the API, after having told what goes with it and asked; said names it
 * ("user rado"). The answer is printed. */
int cli_remove(struct cli *cli, const char *path, const char *said);
/* A whole file ("-": standard input) into the arena; false when it cannot be read (said). */
bool cli_read_file(struct cli *cli, const char *path, size_t max, struct str *out);
/* Its first line. */
bool cli_read_secret(struct cli *cli, const char *path, struct str *out);

void cli_print_zones(struct cli *cli, json_t *zones);
void cli_print_ucms(struct cli *cli, json_t *ucms);

/* --- commands --------------------------------------------------------------------------------- */

command_fn cli_noun_add, cli_noun_list, cli_noun_show, cli_noun_update, cli_noun_remove;
command_fn cli_param_list, cli_param_show, cli_param_update;
command_fn cli_device_reset, cli_grant_list, cli_grant_revoke;
command_fn cli_mode_enable, cli_mode_disable, cli_mode_status;
command_fn cli_service_list, cli_service_restart, cli_import;
command_fn cli_run_sql, cli_open_ports_regexp, cli_open_ports_all, cli_registrations, cli_audit;
command_fn cli_counters, cli_status, cli_version, cli_trace, cli_trace_on, cli_trace_off;
command_fn cli_diagnose, cli_calls, cli_call_hangup, cli_cdr_show, cli_cdr_export, cli_trunks;
command_fn cli_handshakes, cli_zones, cli_ucms, cli_ucm_refresh, cli_peer_card, cli_peer_pair;
command_fn cli_cert_list_own, cli_cert_list_trust, cli_cert_show, cli_cert_regen;
command_fn cli_cert_import_trust, cli_cert_import_own, cli_cert_delete_trust;
command_fn cli_key_show_signing, cli_key_show_encryption;
command_fn cli_key_regen_signing, cli_key_regen_encryption;
command_fn cli_key_rotate_signing, cli_key_rotate_encryption;
command_fn cli_help, cli_quit;

#endif
