/* Users, devices and lines by the ten thousand: one CSV file, one transaction. Each column is a
 * field of a user, device or line, found by its name; import_row.c says what a row makes.
 *
 * The writer of the store is held for rows, never for password hashes: a file with passwords is first
 * checked in a batch that is undone, then its passwords are hashed while nobody waits, then it is
 * applied. */
#include "admin/import_int.h"
#include <stdarg.h>
#include <stdio.h>

void import_complain(struct import *im, const char *column, const char *fmt, ...)
{
    char text[500];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (json_array_size(im->errors) < IMPORT_ERRORS_MAX)
        json_array_append_new(im->errors,
                              json_pack("{s:I, s:s, s:o}", "row", (json_int_t)im->line, "column",
                                        column, "message", api_str(str_from(text))));
}

/* ---- header ---- */

static bool has_key(const struct import *im, enum part part)
{
    const struct admin_field *key = admin_noun_key(import_noun(part));
    for (size_t i = 0; i < im->column_count; i++)
        if (im->columns[i].field[part] == key) return true;
    return false;
}

/* "user" is a user's key and a device's owner; "line" a line's key and one of a device's lines;
 * "description" belongs to whatever the row makes. "line_description" says whose. */
static void find_column(struct import *im, size_t at)
{
    struct str name = im->names[at];
    struct import_column *col = &im->columns[at];
    col->is_kind = admin_name_eq(name, STR("kind"));
    for (int part = 0; part < PART_COUNT; part++) {
        struct str own = name, prefix = str_from(import_part_names[part]);
        const struct admin_noun *noun = import_noun((enum part)part);
        col->field[part] = admin_noun_field(noun, own);
        if (!col->field[part] && str_starts_nocase(own, prefix) && own.n > prefix.n &&
            (own.p[prefix.n] == '_' || own.p[prefix.n] == '.'))
            col->field[part] = admin_noun_field(noun, str_sub(own, prefix.n + 1, own.n));
        if (admin_name_eq(name, STR("name")) && !col->is_kind && part != PART_DEVICE)
            col->field[part] = NULL; /* too vague for the others */
    }
}

static bool column_is_known(const struct import_column *col)
{
    return col->is_kind || col->field[PART_USER] || col->field[PART_DEVICE] ||
           col->field[PART_LINE];
}

/* The earlier column that means the same; -1: none. */
static int same_column(const struct import *im, size_t at)
{
    for (size_t i = 0; i < at; i++) {
        bool same = im->columns[i].is_kind == im->columns[at].is_kind;
        for (int part = 0; part < PART_COUNT && same; part++)
            same = im->columns[i].field[part] == im->columns[at].field[part];
        if (same) return (int)i;
    }
    return -1;
}

static bool read_column(struct import *im, size_t at)
{
    struct str name = im->names[at];
    find_column(im, at);
    const struct import_column *col = &im->columns[at];
    int same = column_is_known(col) ? same_column(im, at) : -1;
    const struct admin_field *f = col->field[PART_USER];
    if (f && f->kind == ADMIN_PASSWORD) im->has_password = true;
    if (name.n == 0)
        import_complain(im, "", "column %zu has no name: give it one or leave it out", at + 1);
    else if (!column_is_known(col))
        import_complain(im, "", "there is no column \"%.*s\": see \"help import\"", STR_ARG(name));
    else if (same >= 0)
        import_complain(im, "", "columns \"%.*s\" and \"%.*s\" mean the same: leave one out",
                        STR_ARG(im->names[same]), STR_ARG(name));
    return name.n > 0 && column_is_known(col) && same < 0;
}

static bool read_header(struct import *im, const struct csv_record *r)
{
    bool ok = true;
    im->line = r->line;
    for (size_t i = 0; i < r->count; i++) {
        im->names[i] = r->fields[i];
        im->column_count = i + 1;
        if (!read_column(im, i)) ok = false;
    }
    if (!ok || has_key(im, PART_USER) || has_key(im, PART_DEVICE) || has_key(im, PART_LINE))
        return ok;
    import_complain(im, "",
                    "none of the columns is user, device or line: the first row must name them");
    return false;
}

/* ---- the rows ---- */

/* What a row drew from the arena goes with the row. */
static void run_row(struct import *im, const struct csv_record *r)
{
    struct arena *request = im->c->arena;
    im->c->arena = &im->row_arena;
    im->line = r->line;
    im->rows++;
    if (!import_row(im, r)) im->bad++;
    arena_reset(&im->row_arena);
    im->c->arena = request;
}

static void run_rows(struct import *im, struct csv *csv)
{
    struct csv_record *r = ARENA_NEW(im->c->arena, struct csv_record);
    const char *why = NULL;
    enum rc rc = RC_NOMEM;
    while (r && (rc = csv_next(csv, &im->arena, r, &why)) != RC_NOT_FOUND && rc != RC_NOMEM) {
        if (rc == RC_OK) {
            run_row(im, r);
            continue;
        }
        im->line = r->line;
        im->rows++;
        im->bad++;
        import_complain(im, "", "%s", why);
    }
    if (!r || rc == RC_NOMEM) {
        import_complain(im, "", "out of memory");
        im->bad++;
    }
}

static bool is_good_enough(const struct import *im)
{
    return im->bad == 0 || (api_flag(im->c, "skip_bad") && !im->cannot_undo);
}

/* All rows in one batch, which stays when stays is wanted and the rows are good; *stayed says. */
static enum rc run_pass(struct import *im, struct csv csv, bool stays, bool *stayed)
{
    struct admin_call *c = im->c;
    enum rc rc = store_batch_begin(c->admin->store, &c->by.batch, &c->why);
    if (rc != RC_OK) return rc;
    run_rows(im, &csv);
    *stayed = stays && is_good_enough(im);
    if (*stayed)
        rc = store_batch_commit(c->by.batch, &c->why);
    else
        store_batch_rollback(c->by.batch);
    c->by.batch = NULL;
    return rc;
}

/* ---- passwords ---- */

static enum rc hash_passwords(struct import *im)
{
    struct arena *request = im->c->arena;
    enum rc rc = RC_OK;
    im->c->arena = &im->arena;
    for (struct import_password *p = im->passwords; rc == RC_OK && p; p = p->next)
        rc = row_hash_password(im->c, p->text, &p->hash);
    im->c->arena = request;
    im->password_next = im->passwords;
    return rc;
}

static void seen_init(struct import *im)
{
    for (int part = 0; part < PART_COUNT; part++)
        map_init(&im->seen[part], im->key, true);
}

static void seen_fini(struct import *im)
{
    for (int part = 0; part < PART_COUNT; part++)
        map_fini(&im->seen[part]);
}

/* Forgets what the pass before counted and told. */
static void start_again(struct import *im)
{
    seen_fini(im);
    seen_init(im);
    memset(im->tally, 0, sizeof im->tally);
    json_array_clear(im->errors);
    im->rows = im->bad = im->unprofiled = 0;
    im->cannot_undo = false;
}

/* Checked first: nobody waits for the hashes of a file that is refused. */
static enum rc run_with_passwords(struct import *im, struct csv csv, bool *stayed)
{
    im->is_check = true;
    enum rc rc = run_pass(im, csv, false, stayed);
    im->is_check = false;
    if (rc != RC_OK || api_flag(im->c, "dry_run") || !is_good_enough(im)) return rc;
    rc = hash_passwords(im);
    if (rc != RC_OK) return rc;
    start_again(im);
    return run_pass(im, csv, true, stayed);
}

/* ---- the file ---- */

static json_t *tally_print(const struct import_tally *t)
{
    return json_pack("{s:I, s:I}", "added", (json_int_t)t->added, "updated",
                     (json_int_t)t->updated);
}

static void warn(struct import *im, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void warn(struct import *im, const char *fmt, ...)
{
    char text[400];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    json_array_append_new(im->warnings, api_str(str_from(text)));
}

static void warn_all(struct import *im)
{
    struct store_device fresh;
    admin_noun(ADMIN_DEVICE)->defaults(&fresh);
    if (im->unprofiled > 0)
        warn(
            im,
            "%zu new device%s no profile (the first in row %zu) and so \"%.*s\": no encryption, no "
            "token. Name another in a column \"profile\" where that is not meant.",
            im->unprofiled, im->unprofiled == 1 ? " names" : "s name", im->unprofiled_line,
            STR_ARG(fresh.profile));
    if (im->has_password) warn(im, "The file holds passwords in the clear: remove it now.");
}

static void reply_import(struct import *im, int status, bool applied)
{
    warn_all(im);
    api_reply(im->c, status,
              json_pack("{s:b, s:b, s:I, s:I, s:o, s:o, s:o, s:O, s:O}", "applied", applied,
                        "dry_run", api_flag(im->c, "dry_run"), "rows", (json_int_t)im->rows, "bad",
                        (json_int_t)im->bad, "users", tally_print(&im->tally[PART_USER]), "devices",
                        tally_print(&im->tally[PART_DEVICE]), "lines",
                        tally_print(&im->tally[PART_LINE]), "errors", im->errors, "warnings",
                        im->warnings));
}

static void run_file(struct import *im)
{
    struct csv csv;
    struct csv_record *header = ARENA_NEW(im->c->arena, struct csv_record);
    const char *why = "out of memory";
    bool stayed = false;
    csv_init(&csv, im->c->req->body);
    enum rc rc = header ? csv_next(&csv, im->c->arena, header, &why) : RC_NOMEM;
    if (rc == RC_NOT_FOUND) why = "the file is empty: its first row must name the columns";
    im->line = rc == RC_NOT_FOUND || !header ? 0 : header->line;
    if (rc != RC_OK) import_complain(im, "", "%s", why);
    if (rc != RC_OK || !read_header(im, header)) {
        reply_import(im, 422, false);
        return;
    }
    rc = im->has_password ? run_with_passwords(im, csv, &stayed)
                          : run_pass(im, csv, !api_flag(im->c, "dry_run"), &stayed);
    if (rc == RC_OK)
        reply_import(im, stayed || is_good_enough(im) ? 200 : 422, stayed);
    else
        api_fail_rc(im->c, rc, "import", STR(""));
}

void import_csv(struct admin_call *c)
{
    struct import *im = ARENA_NEW(c->arena, struct import);
    struct str name = form_find(&c->query, STR("name"));
    if (!im || arena_printf(c->arena, &c->by.from, "import %.*s", STR_ARG(name)) != RC_OK) {
        api_fail_rc(c, RC_NOMEM, "import", STR(""));
        return;
    }
    im->c = c;
    im->password_end = &im->passwords;
    random_fill(&c->admin->random, &im->key, sizeof im->key);
    arena_init(&im->arena, NULL, 0, IMPORT_ARENA_MAX);
    arena_init(&im->row_arena, NULL, 0, 4 << 20);
    im->errors = json_array();
    im->warnings = json_array();
    seen_init(im);
    run_file(im);
    seen_fini(im);
    json_decref(im->errors);
    json_decref(im->warnings);
    arena_fini(&im->row_arena);
    arena_fini(&im->arena);
}
