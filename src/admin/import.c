/* Users, devices and lines by the ten thousand: one CSV file, one transaction. Each column is a
 * field of a user, device or line, found by its name; what a row makes follows from a column "kind"
 * or from which of the columns user, device, line it fills:
 *
 *   device filled: the device, its owner (user) and line; a user or line that does not exist is made
 *   only user: the user             only line: the line
 *
 * Everything is read and passwords are hashed before the store's writer is taken. */
#include "admin/api_int.h"
#include "admin/csv.h"
#include "base/map.h"
#include <stdarg.h>
#include <stdio.h>

enum { IMPORT_ERRORS_MAX = 1000, IMPORT_ARENA_MAX = 1 << 30 };

enum part { PART_USER, PART_DEVICE, PART_LINE, PART_COUNT };
static const char *const part_names[PART_COUNT] = {"user", "device", "line"};

struct column {
    const struct admin_field *field[PART_COUNT]; /* NULL: not of that noun */
    bool is_kind;
};

struct tally {
    size_t added, updated;
};

struct import {
    struct admin_call *c;
    struct arena arena; /* rows of the whole file: keys in the maps lie here */
    struct arena row_arena;
    struct column columns[CSV_FIELD_MAX];
    struct str names[CSV_FIELD_MAX];
    size_t column_count;
    struct map seen[PART_COUNT]; /* key -> line number it was written by */
    struct tally tally[PART_COUNT];
    size_t rows, bad;
    json_t *errors, *warnings;
    size_t line; /* of the present row */
    bool has_password;
};

static void complain(struct import *im, const char *column, const char *fmt, ...) PRINTF_LIKE(3, 4);
static void complain(struct import *im, const char *column, const char *fmt, ...)
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

static enum admin_noun_id part_noun(enum part part)
{
    return part == PART_USER ? ADMIN_USER : part == PART_DEVICE ? ADMIN_DEVICE : ADMIN_LINE;
}

static bool has_field(const struct import *im, enum part part)
{
    const struct admin_field *key = admin_noun_key(admin_noun(part_noun(part)));
    for (size_t i = 0; i < im->column_count; i++)
        if (im->columns[i].field[part] == key) return true;
    return false;
}

/* "user" is a user's key and a device's owner; "line" a line's key and one of a device's lines;
 * "description" belongs to whatever the row makes. "line_description" says whose. */
static void find_column(struct import *im, size_t at)
{
    struct str name = im->names[at];
    struct column *col = &im->columns[at];
    col->is_kind = admin_name_eq(name, STR("kind"));
    for (int part = 0; part < PART_COUNT; part++) {
        struct str own = name, prefix = str_from(part_names[part]);
        const struct admin_noun *noun = admin_noun(part_noun((enum part)part));
        col->field[part] = admin_noun_field(noun, own);
        if (!col->field[part] && str_starts_nocase(own, prefix) && own.n > prefix.n &&
            (own.p[prefix.n] == '_' || own.p[prefix.n] == '.'))
            col->field[part] = admin_noun_field(noun, str_sub(own, prefix.n + 1, own.n));
        if (admin_name_eq(name, STR("name")) && !col->is_kind && part != PART_DEVICE)
            col->field[part] = NULL; /* too vague for the others */
    }
}

static bool column_is_known(const struct column *col)
{
    return col->is_kind || col->field[PART_USER] || col->field[PART_DEVICE] ||
           col->field[PART_LINE];
}

static bool read_header(struct import *im, const struct csv_record *r)
{
    im->line = r->line;
    for (size_t i = 0; i < r->count; i++) {
        im->names[i] = r->fields[i];
        im->column_count = i + 1;
        find_column(im, i);
        if (!column_is_known(&im->columns[i])) {
            complain(im, "", "there is no column \"%.*s\"; see \"help import\"",
                     STR_ARG(r->fields[i]));
            return false;
        }
        const struct admin_field *f = im->columns[i].field[PART_USER];
        if (f && (f->kind == ADMIN_PASSWORD || f->kind == ADMIN_DIGEST_SECRET))
            im->has_password = true;
    }
    if (has_field(im, PART_USER) || has_field(im, PART_DEVICE) || has_field(im, PART_LINE))
        return true;
    complain(im, "", "the first row must name the columns, among them user, device or line");
    return false;
}

/* ---- one row ---- */

static struct str cell_of(const struct import *im, const struct csv_record *r,
                          const struct admin_field *field, enum part part)
{
    for (size_t i = 0; i < im->column_count && i < r->count; i++)
        if (im->columns[i].field[part] == field) return r->fields[i];
    return STR("");
}

static struct str key_cell(const struct import *im, const struct csv_record *r, enum part part)
{
    return cell_of(im, r, admin_noun_key(admin_noun(part_noun(part))), part);
}

/* Which rows were written already: a second one would silently undo the first. */
static bool first_time(struct import *im, enum part part, struct str key)
{
    struct str kept;
    size_t earlier = (size_t)(uintptr_t)map_find(&im->seen[part], key);
    if (earlier > 0) {
        complain(im, part_names[part], "%s %.*s stands in row %zu already", part_names[part],
                 STR_ARG(key), earlier);
        return false;
    }
    if (arena_str_dup(&im->arena, key, &kept) != RC_OK ||
        map_put(&im->seen[part], kept, (void *)(uintptr_t)im->line, NULL) != RC_OK) {
        complain(im, "", "out of memory");
        return false;
    }
    return true;
}

/* Fields a row leaves out or empty stay as they are. */
static bool fill(struct import *im, const struct csv_record *r, enum part part, void *row)
{
    const struct admin_noun *noun = admin_noun(part_noun(part));
    bool key_only = part != PART_DEVICE && key_cell(im, r, PART_DEVICE).n > 0;
    for (size_t i = 0; i < im->column_count && i < r->count; i++) {
        const struct admin_field *f = im->columns[i].field[part];
        struct row_error e = {.field = ""};
        bool is_shared = im->columns[i].field[PART_DEVICE] != NULL &&
                         !(f && f->flags & ADMIN_F_KEY);
        if (!f || r->fields[i].n == 0 || (key_only && is_shared)) continue;
        if (row_apply_text(im->c, noun, f, r->fields[i], row, &e) == RC_OK) continue;
        char column[64] = "";
        if (str_to_cstr(im->names[i], column, sizeof column) != RC_OK) column[0] = '\0';
        complain(im, column, "%s", e.text[0] ? e.text : "out of memory");
        return false;
    }
    return true;
}

static bool put(struct import *im, enum part part, void *row, bool exists)
{
    const struct admin_noun *noun = admin_noun(part_noun(part));
    struct store_why why = {""};
    enum rc rc = noun_store(noun)->put(im->c->admin->store, &im->c->by, STORE_PUT, row, &why);
    if (rc == RC_OK) {
        if (exists)
            im->tally[part].updated++;
        else
            im->tally[part].added++;
        return true;
    }
    complain(im, part_names[part], "%s", why.text[0] ? why.text : rc_name(rc));
    return false;
}

/* Adds or updates the whole record a row speaks of. */
static bool put_part(struct import *im, const struct csv_record *r, enum part part)
{
    const struct admin_noun *noun = admin_noun(part_noun(part));
    struct str key = key_cell(im, r, part);
    void *row = arena_zalloc(im->c->arena, noun->size);
    if (!row || !first_time(im, part, key)) {
        if (!row) complain(im, "", "out of memory");
        return false;
    }
    enum rc rc = noun_store(noun)->get(im->c->admin->store, key, im->c->arena, row, NULL);
    if (rc == RC_NOT_FOUND) noun->defaults(row);
    if (rc != RC_OK && rc != RC_NOT_FOUND) {
        complain(im, part_names[part], "cannot be read: %s", rc_name(rc));
        return false;
    }
    return fill(im, r, part, row) && put(im, part, row, rc == RC_OK);
}

static bool is_known(struct import *im, enum part part, struct str key)
{
    const struct admin_noun *noun = admin_noun(part_noun(part));
    void *row = arena_zalloc(im->c->arena, noun->size);
    return map_find(&im->seen[part], key) != NULL ||
           (row &&
            noun_store(noun)->get(im->c->admin->store, key, im->c->arena, row, NULL) == RC_OK);
}

/* The owner or line a device needs, made where it is missing with what this row says of it. */
static bool need_part(struct import *im, const struct csv_record *r, enum part part, struct str key)
{
    if (key.n == 0 || is_known(im, part, key)) return true;
    const struct admin_noun *noun = admin_noun(part_noun(part));
    void *row = arena_zalloc(im->c->arena, noun->size);
    struct row_error e;
    if (!row || !first_time(im, part, key)) return false;
    noun->defaults(row);
    if (str_eq_nocase(key, key_cell(im, r, part)))
        return fill(im, r, part, row) && put(im, part, row, false);
    return row_apply_text(im->c, noun, admin_noun_key(noun), key, row, &e) == RC_OK &&
           put(im, part, row, false);
}

static bool put_device(struct import *im, const struct csv_record *r)
{
    const struct admin_noun *noun = admin_noun(ADMIN_DEVICE);
    struct str owner = cell_of(im, r, admin_noun_field(noun, STR("owner")), PART_DEVICE);
    struct str lines = cell_of(im, r, admin_noun_field(noun, STR("lines")), PART_DEVICE), line;
    if (!need_part(im, r, PART_USER, owner)) return false;
    while (lines.n > 0 && str_split(&lines, ' ', &line))
        if (!need_part(im, r, PART_LINE, line)) return false;
    return put_part(im, r, PART_DEVICE);
}

static enum part part_of(struct import *im, const struct csv_record *r)
{
    for (size_t i = 0; i < im->column_count && i < r->count; i++) {
        if (!im->columns[i].is_kind || r->fields[i].n == 0) continue;
        for (int part = 0; part < PART_COUNT; part++)
            if (str_starts_nocase(r->fields[i], str_from(part_names[part]))) return (enum part)part;
        complain(im, "kind", "kind must be user, device or line, not %.*s", STR_ARG(r->fields[i]));
        return PART_COUNT;
    }
    if (key_cell(im, r, PART_DEVICE).n > 0) return PART_DEVICE;
    if (key_cell(im, r, PART_USER).n > 0) return PART_USER;
    return PART_LINE;
}

static bool one_row(struct import *im, const struct csv_record *r)
{
    if (r->count > im->column_count) {
        complain(im, "", "it has %zu fields, the first row names %zu", r->count, im->column_count);
        return false;
    }
    enum part part = part_of(im, r);
    if (part == PART_COUNT) return false;
    if (key_cell(im, r, part).n == 0) {
        complain(im, part_names[part], "it names no %s", part_names[part]);
        return false;
    }
    return part == PART_DEVICE ? put_device(im, r) : put_part(im, r, part);
}

/* ---- the file ---- */

/* What a row drew from the arena goes with the row. */
static void run_row(struct import *im, const struct csv_record *r)
{
    struct arena *request = im->c->arena;
    im->c->arena = &im->row_arena;
    im->line = r->line;
    im->rows++;
    if (!one_row(im, r)) im->bad++;
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
        complain(im, "", "%s", why);
    }
    if (!r || rc == RC_NOMEM) {
        complain(im, "", "out of memory");
        im->bad++;
    }
}

static json_t *tally_print(const struct tally *t)
{
    return json_pack("{s:I, s:I}", "added", (json_int_t)t->added, "updated",
                     (json_int_t)t->updated);
}

static void reply_import(struct import *im, bool applied)
{
    struct admin_call *c = im->c;
    if (im->has_password)
        json_array_append_new(im->warnings,
                              json_string("The file holds passwords in the clear: remove it now."));
    bool refused = im->bad > 0 && !applied && !api_flag(c, "skip_bad");
    api_reply(c, refused ? 422 : 200,
              json_pack("{s:b, s:b, s:I, s:I, s:o, s:o, s:o, s:O, s:O}", "applied", applied,
                        "dry_run", api_flag(c, "dry_run"), "rows", (json_int_t)im->rows, "bad",
                        (json_int_t)im->bad, "users", tally_print(&im->tally[PART_USER]), "devices",
                        tally_print(&im->tally[PART_DEVICE]), "lines",
                        tally_print(&im->tally[PART_LINE]), "errors", im->errors, "warnings",
                        im->warnings));
}

/* All rows in one batch; undone unless they are to stay. */
static void run_batch(struct import *im, struct csv *csv)
{
    struct admin_call *c = im->c;
    enum rc rc = store_batch_begin(c->admin->store, &c->by.batch, &c->why);
    if (rc != RC_OK) {
        api_fail_rc(c, rc, "import", STR(""));
        return;
    }
    run_rows(im, csv);
    bool stays = !api_flag(c, "dry_run") && (im->bad == 0 || api_flag(c, "skip_bad"));
    if (stays)
        rc = store_batch_commit(c->by.batch, &c->why);
    else
        store_batch_rollback(c->by.batch);
    c->by.batch = NULL;
    if (rc == RC_OK)
        reply_import(im, stays);
    else
        api_fail_rc(c, rc, "import", STR(""));
}

static void run_file(struct import *im)
{
    struct csv csv;
    struct csv_record *header = ARENA_NEW(im->c->arena, struct csv_record);
    const char *why = "out of memory";
    csv_init(&csv, im->c->req->body);
    enum rc rc = header ? csv_next(&csv, im->c->arena, header, &why) : RC_NOMEM;
    if (rc == RC_NOT_FOUND) why = "the file is empty";
    im->line = header ? header->line : 1;
    if (rc != RC_OK) complain(im, "", "%s", why);
    if (rc != RC_OK || !read_header(im, header)) {
        im->bad++;
        reply_import(im, false);
        return;
    }
    run_batch(im, &csv);
}

void import_csv(struct admin_call *c)
{
    struct import *im = ARENA_NEW(c->arena, struct import);
    struct hash_key key;
    struct str name = form_find(&c->query, STR("name"));
    random_fill(&c->admin->random, &key, sizeof key);
    if (!im || arena_printf(c->arena, &c->by.from, "import %.*s", STR_ARG(name)) != RC_OK) {
        api_fail_rc(c, RC_NOMEM, "import", STR(""));
        return;
    }
    im->c = c;
    arena_init(&im->arena, NULL, 0, IMPORT_ARENA_MAX);
    arena_init(&im->row_arena, NULL, 0, 4 << 20);
    im->errors = json_array();
    im->warnings = json_array();
    for (int part = 0; part < PART_COUNT; part++)
        map_init(&im->seen[part], key, true);
    run_file(im);
    for (int part = 0; part < PART_COUNT; part++)
        map_fini(&im->seen[part]);
    json_decref(im->errors);
    json_decref(im->warnings);
    arena_fini(&im->row_arena);
    arena_fini(&im->arena);
}
