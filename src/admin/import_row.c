/* One row of an imported file. What it makes follows from a column "kind" or from which of the
 * columns user, device, line it fills:
 *
 *   device filled: the device, its owner (user) and its lines; a user or line that does not exist
 *                  is made, one that does gets what the row's columns say of it
 *   only user: the user             only line: the line
 */
#include "admin/import_int.h"
#include <stdio.h>

const char *const import_part_names[PART_COUNT] = {"user", "device", "line"};

const struct admin_noun *import_noun(enum part part)
{
    return admin_noun(part == PART_USER     ? ADMIN_USER
                      : part == PART_DEVICE ? ADMIN_DEVICE
                                            : ADMIN_LINE);
}

static struct str cell_of(const struct import *im, const struct csv_record *r,
                          const struct admin_field *field, enum part part)
{
    for (size_t i = 0; i < im->column_count && i < r->count; i++)
        if (im->columns[i].field[part] == field) return r->fields[i];
    return STR("");
}

static struct str key_cell(const struct import *im, const struct csv_record *r, enum part part)
{
    return cell_of(im, r, admin_noun_key(import_noun(part)), part);
}

/* ---- what a row says of a user, a device, a line ---- */

/* The field the column fills there; NULL: none, or the cell is empty. In a device's row a column that
 * a device has too is the device's. */
static const struct admin_field *field_at(const struct import *im, const struct csv_record *r,
                                          enum part part, size_t column)
{
    const struct import_column *col = &im->columns[column];
    const struct admin_field *f = col->field[part];
    bool is_side = part != PART_DEVICE && key_cell(im, r, PART_DEVICE).n > 0;
    if (!f || r->fields[column].n == 0) return NULL;
    if (is_side && col->field[PART_DEVICE] && !(f->flags & ADMIN_F_KEY)) return NULL;
    return f;
}

/* The first column besides its name by which the row says something of the part; -1: none. *hash
 * becomes another one when anything it says is another. */
static int own_columns(const struct import *im, const struct csv_record *r, enum part part,
                       uint64_t *hash)
{
    int first = -1;
    *hash = 0;
    for (size_t i = 0; i < im->column_count && i < r->count; i++) {
        const struct admin_field *f = field_at(im, r, part, i);
        if (!f || (f->flags & ADMIN_F_KEY)) continue;
        if (first < 0) first = (int)i;
        *hash = (*hash * 31 + i) ^ hash_str(&im->key, r->fields[i]);
    }
    if (first >= 0 && *hash == 0) *hash = 1;
    return first;
}

static bool note_seen(struct import *im, enum part part, struct str key, uint64_t own)
{
    struct str kept;
    struct import_seen *s = ARENA_NEW(&im->arena, struct import_seen);
    if (s && arena_str_dup(&im->arena, key, &kept) == RC_OK) {
        *s = (struct import_seen){im->line, own};
        if (map_put(&im->seen[part], kept, s, NULL) == RC_OK) return true;
    }
    import_complain(im, "", "out of memory");
    return false;
}

/* The same password is hashed once, before the writer of the store is taken. */
static enum rc take_password(struct import *im, const struct admin_field *f, struct str text,
                             struct str *out, struct row_error *e)
{
    enum rc rc = row_check_password(im->c, f, text, e);
    if (rc != RC_OK) return rc;
    if (!im->is_check) {
        while (im->password_next && im->password_next->line < im->line)
            im->password_next = im->password_next->next;
        if (im->password_next && im->password_next->line == im->line) {
            *out = im->password_next->hash;
            return RC_OK;
        }
        snprintf(e->text, sizeof e->text, "the store has changed meanwhile: import the file again");
        return RC_INVALID;
    }
    if (im->password_count == IMPORT_PASSWORDS_MAX) {
        snprintf(e->text, sizeof e->text, "a file sets at most %d passwords: split it",
                 (int)IMPORT_PASSWORDS_MAX);
        return RC_INVALID;
    }
    struct import_password *p = ARENA_NEW(&im->arena, struct import_password);
    if (!p) return RC_NOMEM;
    *p = (struct import_password){.line = im->line, .text = text};
    *im->password_end = p;
    im->password_end = &p->next;
    im->password_count++;
    *out = STR("checked"); /* goes when the pass is undone */
    return RC_OK;
}

static enum rc fill_field(struct import *im, const struct admin_noun *noun,
                          const struct admin_field *f, struct str text, void *row,
                          struct row_error *e)
{
    struct str hash;
    if (f->kind != ADMIN_PASSWORD) return row_apply_text(im->c, noun, f, text, row, e);
    enum rc rc = take_password(im, f, text, &hash, e);
    if (rc == RC_OK) memcpy((char *)row + f->offset, &hash, sizeof hash);
    return rc;
}

/* Fields a row leaves out or empty stay as they are. */
static bool fill(struct import *im, const struct csv_record *r, enum part part, void *row)
{
    for (size_t i = 0; i < im->column_count && i < r->count; i++) {
        const struct admin_field *f = field_at(im, r, part, i);
        struct row_error e = {.field = ""};
        if (!f || fill_field(im, import_noun(part), f, r->fields[i], row, &e) == RC_OK) continue;
        char column[64] = "";
        if (str_to_cstr(im->names[i], column, sizeof column) != RC_OK) column[0] = '\0';
        import_complain(im, column, "%s", e.text[0] ? e.text : "out of memory");
        return false;
    }
    return true;
}

/* ---- into the store ---- */

static bool put(struct import *im, enum part part, struct str key, uint64_t own, void *row,
                void *old)
{
    struct store_why why = {""};
    struct import_undo *u = ARENA_NEW(im->c->arena, struct import_undo);
    if (!u) {
        import_complain(im, "", "out of memory");
        return false;
    }
    enum rc rc =
        noun_store(import_noun(part))->put(im->c->admin->store, &im->c->by, STORE_PUT, row, &why);
    if (rc != RC_OK) {
        import_complain(im, import_part_names[part], "%s", why.text[0] ? why.text : rc_name(rc));
        return false;
    }
    if (old)
        im->tally[part].updated++;
    else
        im->tally[part].added++;
    *u = (struct import_undo){im->undo, part, key, old};
    im->undo = u;
    return note_seen(im, part, key, own);
}

/* A bad row leaves nothing behind, neither its user nor a line. */
static void take_back(struct import *im)
{
    for (; im->undo; im->undo = im->undo->before) {
        const struct import_undo *u = im->undo;
        const struct admin_noun *noun = import_noun(u->part);
        const struct noun_store *store = noun_store(noun);
        const int64_t any_version = 0;
        if (u->old)
            memcpy((char *)u->old + noun->fields[noun->field_count - 1].offset, &any_version,
                   sizeof any_version);
        enum rc rc = u->old
                         ? store->put(im->c->admin->store, &im->c->by, STORE_UPDATE, u->old, NULL)
                         : store->remove(im->c->admin->store, &im->c->by, u->key, NULL);
        if (u->old)
            im->tally[u->part].updated--;
        else
            im->tally[u->part].added--;
        map_remove(&im->seen[u->part], u->key);
        if (rc == RC_OK) continue;
        im->cannot_undo = true;
        import_complain(im, "", "what it made cannot be taken back (%s): mend it", rc_name(rc));
    }
}

/* The stored record, or a new one with its defaults; NULL: told. *old gets the stored one as it is,
 * NULL for none. */
static void *read_or_make(struct import *im, enum part part, struct str key, void **old)
{
    const struct admin_noun *noun = import_noun(part);
    void *row = arena_zalloc(im->c->arena, noun->size);
    enum rc rc = row ? noun_store(noun)->get(im->c->admin->store, key, im->c->arena, row, NULL)
                     : RC_NOMEM;
    *old = NULL;
    if (rc == RC_OK && (*old = arena_alloc(im->c->arena, noun->size)) == NULL) rc = RC_NOMEM;
    if (rc == RC_OK) memcpy(*old, row, noun->size);
    if (rc == RC_NOT_FOUND) noun->defaults(row);
    if (rc == RC_OK || rc == RC_NOT_FOUND) return row;
    import_complain(im, import_part_names[part], "the one in the store cannot be read: %s",
                    rc_name(rc));
    return NULL;
}

static void note_profile(struct import *im, const struct csv_record *r)
{
    const struct admin_noun *noun = admin_noun(ADMIN_DEVICE);
    if (cell_of(im, r, admin_noun_field(noun, STR("profile")), PART_DEVICE).n > 0) return;
    if (im->unprofiled++ == 0) im->unprofiled_line = im->line;
}

/* Adds or updates the whole record a row speaks of. A second row for it would undo the first. */
static bool put_part(struct import *im, const struct csv_record *r, enum part part)
{
    struct str key = key_cell(im, r, part);
    const struct import_seen *seen = map_find(&im->seen[part], key);
    uint64_t own;
    void *old;
    if (seen) {
        import_complain(im, import_part_names[part],
                        "%s %.*s stands in row %zu already: leave one of them out",
                        import_part_names[part], STR_ARG(key), seen->line);
        return false;
    }
    void *row = read_or_make(im, part, key, &old);
    (void)own_columns(im, r, part, &own);
    if (!row || !fill(im, r, part, row) || !put(im, part, key, own, row, old)) return false;
    if (part == PART_DEVICE && !old) note_profile(im, r);
    return true;
}

/* The owner or a line of a device: made where it is missing, and given what this row says of it. A
 * further row may repeat that, not say something else. */
static bool need_part(struct import *im, const struct csv_record *r, enum part part, struct str key,
                      uint64_t own)
{
    const struct import_seen *seen = map_find(&im->seen[part], key);
    struct row_error e = {.field = ""};
    void *old;
    if (seen && (own == 0 || own == seen->own)) return true;
    if (seen) {
        import_complain(im, import_part_names[part],
                        "%s %.*s stands in row %zu already with other values: give them once",
                        import_part_names[part], STR_ARG(key), seen->line);
        return false;
    }
    void *row = read_or_make(im, part, key, &old);
    if (!row) return false;
    if (old && own == 0) return true;
    if (row_apply_text(im->c, import_noun(part), admin_noun_key(import_noun(part)), key, row, &e) !=
        RC_OK) {
        import_complain(im, import_part_names[part], "%s", e.text[0] ? e.text : "out of memory");
        return false;
    }
    return (own == 0 || fill(im, r, part, row)) && put(im, part, key, own, row, old);
}

/* What the row says of a line must be meant for one. */
static bool need_lines(struct import *im, const struct csv_record *r)
{
    struct str lines = cell_of(im, r, admin_noun_field(admin_noun(ADMIN_DEVICE), STR("lines")),
                               PART_DEVICE),
               line;
    uint64_t own;
    int column = own_columns(im, r, PART_LINE, &own);
    bool is_one = str_find_char(str_trim(lines), ' ') == STR_NPOS && str_trim(lines).n > 0;
    if (column >= 0 && !is_one) {
        import_complain(im, "line",
                        "\"%.*s\" must be said of one line: name one, or give the lines rows of "
                        "their own",
                        STR_ARG(im->names[column]));
        return false;
    }
    while (lines.n > 0 && str_split(&lines, ' ', &line))
        if (line.n > 0 && !need_part(im, r, PART_LINE, line, own)) return false;
    return true;
}

static bool need_owner(struct import *im, const struct csv_record *r)
{
    struct str owner = cell_of(im, r, admin_noun_field(admin_noun(ADMIN_DEVICE), STR("owner")),
                               PART_DEVICE);
    uint64_t own;
    int column = own_columns(im, r, PART_USER, &own);
    if (owner.n > 0) return need_part(im, r, PART_USER, owner, own);
    if (column < 0) return true;
    import_complain(im, "user", "\"%.*s\" is said of nobody: name the user",
                    STR_ARG(im->names[column]));
    return false;
}

/* PART_COUNT: told. */
static enum part part_of(struct import *im, const struct csv_record *r)
{
    for (size_t i = 0; i < im->column_count && i < r->count; i++) {
        if (!im->columns[i].is_kind || r->fields[i].n == 0) continue;
        for (int part = 0; part < PART_COUNT; part++)
            if (str_starts_nocase(r->fields[i], str_from(import_part_names[part])))
                return (enum part)part;
        import_complain(im, "kind", "there is no kind %.*s: use user, device or line",
                        STR_ARG(r->fields[i]));
        return PART_COUNT;
    }
    if (key_cell(im, r, PART_DEVICE).n > 0) return PART_DEVICE;
    if (key_cell(im, r, PART_USER).n > 0) return PART_USER;
    if (key_cell(im, r, PART_LINE).n > 0) return PART_LINE;
    import_complain(im, "", "it names no user, no device and no line: fill one of these columns");
    return PART_COUNT;
}

static bool make_row(struct import *im, const struct csv_record *r)
{
    if (r->count > im->column_count) {
        import_complain(im, "",
                        "it has %zu fields, the first row names %zu: quote those with \",\"",
                        r->count, im->column_count);
        return false;
    }
    enum part part = part_of(im, r);
    if (part == PART_COUNT) return false;
    if (key_cell(im, r, part).n == 0) {
        import_complain(im, import_part_names[part], "it names no %s: fill this column",
                        import_part_names[part]);
        return false;
    }
    if (part == PART_DEVICE && !(need_owner(im, r) && need_lines(im, r))) return false;
    return put_part(im, r, part);
}

bool import_row(struct import *im, const struct csv_record *r)
{
    im->undo = NULL;
    bool ok = make_row(im, r);
    if (!ok) take_back(im);
    return ok;
}
