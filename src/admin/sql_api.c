/* "run sql": one SELECT over the compatible tables. Whoever tries to change something there is told
 * the command that does. */
#include "admin/api_int.h"
#include <stdio.h>

static json_t *table_print(const struct store_table *t)
{
    json_t *columns = json_array(), *rows = json_array();
    for (size_t i = 0; i < t->column_count; i++)
        api_append(&columns, api_str(t->columns[i]));
    for (size_t r = 0; r < t->row_count; r++) {
        json_t *row = json_array();
        for (size_t i = 0; i < t->column_count; i++)
            api_append(&row, api_str(t->cells[r * t->column_count + i]));
        api_append(&rows, row);
    }
    return json_pack("{s:o, s:o, s:b}", "columns", columns, "rows", rows, "truncated",
                     t->truncated);
}

static const struct {
    const char *table, *command;
} changes[] = {
    {"processconfig", "\"param update\""},
    {"expresswaycconfiguration", "\"edge add\", \"edge update\" or \"edge remove\""},
    {"securityprofile", "\"profile add\", \"profile update\" or \"profile remove\""},
    {"enduser", "\"user add\", \"user update\" or \"user remove\""},
    {"device", "\"device add\", \"device update\" or \"device remove\""},
    {"numplan", "\"line add\", \"line update\" or \"line remove\""},
    {"devicenumplanmap", "\"device update NAME --line NUMBER\""},
    {"enduserdevicemap", "\"device update NAME --owner USER\""},
    {"processnode", "\"node add\", \"node update\" or \"node remove\""},
    {"callmanager", "\"node update\""},
    {"refreshtokendetails", "\"grant revoke\""},
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* The next word of letters; false at the end. */
static bool take_word(struct str *rest, struct str *word)
{
    size_t start = 0, end;
    while (start < rest->n && !is_letter(rest->p[start]))
        start++;
    for (end = start; end < rest->n && is_letter(rest->p[end]);)
        end++;
    *word = str_sub(*rest, start, end);
    *rest = str_sub(*rest, end, rest->n);
    return word->n > 0;
}

/* What changes the first table the statement names. */
static const char *command_for(struct str statement)
{
    struct str word;
    while (take_word(&statement, &word))
        for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
            if (str_eq_nocase(word, str_from(changes[i].table))) return changes[i].command;
    return "the commands of \"help\"";
}

static bool is_question(struct str statement)
{
    struct str word;
    return !take_word(&statement, &word) || str_eq_nocase(word, STR("select")) ||
           str_eq_nocase(word, STR("with")) || str_eq_nocase(word, STR("values"));
}

void live_sql(struct admin_call *c)
{
    struct str statement;
    struct store_table t;
    if (!api_text(c, "statement", true, &statement)) return;
    if (!is_question(statement)) {
        api_fail(c, 422, "denied", "statement", "run sql answers SELECT only: change this with %s",
                 command_for(statement));
        return;
    }
    enum rc rc = store_query_readonly(c->admin->store, statement, c->arena, &t, &c->why);
    if (rc == RC_OK)
        api_reply(c, 200, table_print(&t));
    else if (rc == RC_DENIED) /* the caller may do everything; the language may not */
        api_fail(c, 422, "denied", "statement", "%s", c->why.text);
    else
        api_fail_rc(c, rc, "the statement", STR(""));
}
