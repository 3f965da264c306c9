/* A device is one record with its lines: they are read and replaced together. */
#include "store/record_int.h"

enum { DEVICE_NAME_MAX = 15, MODEL_MAX = 1000000 };

#define F(member, kind, flags, max) RECORD_F(struct store_device, member, kind, flags, max)
static const struct record_field fields[] = {
    F(name, RECORD_STR, RECORD_KEY | RECORD_REQUIRED, DEVICE_NAME_MAX),
    F(description, RECORD_STR, 0, 0),
    F(product, RECORD_STR, 0, 128),
    F(model, RECORD_INT, 0, 0),
    F(owner, RECORD_STR, RECORD_NULL, 128),
    F(profile, RECORD_STR, RECORD_REQUIRED, 128),
    F(mac, RECORD_STR, 0, 12),
    F(instance, RECORD_STR, 0, 128),
    F(client_cert, RECORD_STR, 0, 255),
    F(enabled, RECORD_BOOL, 0, 0),
    F(dnd, RECORD_BOOL, 0, 0),
};

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static enum rc check_shape(const struct store_device *d, struct store_why *why)
{
    for (size_t i = 0; i < d->name.n; i++) {
        char c = d->name.p[i];
        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
            strchr("._-", c))
            continue;
        return store_refuse(why, RC_INVALID,
                            "a device name has letters, digits, '.', '_' and '-' only");
    }
    if (d->mac.n != 0 && d->mac.n != 12)
        return store_refuse(why, RC_INVALID, "a MAC address is 12 hex digits");
    for (size_t i = 0; i < d->mac.n; i++)
        if (!is_hex(d->mac.p[i]))
            return store_refuse(why, RC_INVALID, "a MAC address is 12 hex digits");
    if (d->model < 0 || d->model > MODEL_MAX)
        return store_refuse(why, RC_INVALID, "the model number is 0 to %d", (int)MODEL_MAX);
    if (d->line_count > STORE_DEVICE_LINE_MAX)
        return store_refuse(why, RC_INVALID, "a device has at most %d lines",
                            (int)STORE_DEVICE_LINE_MAX);
    return RC_OK;
}

static bool is_text(struct str s, size_t max)
{
    if (s.n > max || !str_is_utf8(s)) return false;
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f) return false;
    return true;
}

static enum rc check_line(const struct store_device *d, size_t at, struct store_tx *tx,
                          struct store_why *why)
{
    const struct store_device_line *l = &d->lines[at];
    char found[STORE_KEY_MAX + 1];
    if (l->index < 1 || l->index > STORE_DEVICE_LINE_MAX)
        return store_refuse(why, RC_INVALID, "a line index is 1 to %d", (int)STORE_DEVICE_LINE_MAX);
    for (size_t i = 0; i < at; i++)
        if (d->lines[i].index == l->index)
            return store_refuse(why, RC_INVALID, "line index %d stands twice", l->index);
    if (!is_text(l->label, 128) || !is_text(l->display, 128) || !is_text(l->contact, 64))
        return store_refuse(why, RC_INVALID,
                            "label, display or contact of line %d is too long or no plain text",
                            l->index);
    enum rc rc = record_lookup(tx->db, "SELECT pattern FROM cfg_line WHERE pattern = ?1",
                               l->pattern, found, sizeof found, why);
    if (rc == RC_NOT_FOUND)
        return store_refuse(why, RC_INVALID, "there is no line %.*s: add it first",
                            STR_ARG(l->pattern));
    return rc;
}

static enum rc device_check(const void *row, struct store_tx *tx, struct store_why *why)
{
    const struct store_device *d = row;
    char found[STORE_KEY_MAX + 1];
    enum rc rc = check_shape(d, why);
    if (rc != RC_OK) return rc;
    rc = record_lookup(tx->db, "SELECT name FROM cfg_profile WHERE name = ?1", d->profile, found,
                       sizeof found, why);
    if (rc == RC_NOT_FOUND)
        return store_refuse(why, RC_INVALID, "there is no security profile %.*s",
                            STR_ARG(d->profile));
    if (rc == RC_OK && d->owner.n) {
        rc = record_lookup(tx->db, "SELECT id FROM cfg_user WHERE id = ?1", d->owner, found,
                           sizeof found, why);
        if (rc == RC_NOT_FOUND)
            return store_refuse(why, RC_INVALID, "there is no user %.*s to own the device",
                                STR_ARG(d->owner));
    }
    for (size_t i = 0; rc == RC_OK && i < d->line_count; i++)
        rc = check_line(d, i, tx, why);
    return rc;
}

static enum rc put_line(const struct store_device_line *l, struct str device, struct store_tx *tx,
                        struct store_why *why)
{
    char contact[STORE_UUID_LEN + 1];
    struct db_stmt *st;
    enum rc rc = db_prepare(
        tx->db,
        "INSERT INTO cfg_device_line (device, idx, pattern, label, display, contact) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        &st, why);
    if (rc != RC_OK) return rc;
    store_uuid(tx->s, contact);
    db_bind_str(st, 1, device);
    db_bind_i64(st, 2, l->index);
    db_bind_str(st, 3, l->pattern);
    db_bind_str(st, 4, l->label);
    db_bind_str(st, 5, l->display);
    db_bind_str(st, 6, l->contact.n ? l->contact : str_from(contact));
    return db_run(st, why);
}

static enum rc device_after_put(const void *row, struct str key, struct store_tx *tx,
                                struct store_why *why)
{
    const struct store_device *d = row;
    struct db_stmt *st;
    enum rc rc = db_prepare(tx->db, "DELETE FROM cfg_device_line WHERE device = ?1", &st, why);
    if (rc != RC_OK) return rc;
    db_bind_str(st, 1, key);
    rc = db_run(st, why);
    for (size_t i = 0; rc == RC_OK && i < d->line_count; i++)
        rc = put_line(&d->lines[i], key, tx, why);
    return rc;
}

static enum rc read_line(struct db_stmt *st, struct arena *a, struct store_device_line *l)
{
    enum rc rc;
    l->index = (int)db_col_i64(st, 0);
    if ((rc = db_col_dup(st, 1, a, &l->pattern)) != RC_OK) return rc;
    if ((rc = db_col_dup(st, 2, a, &l->label)) != RC_OK) return rc;
    if ((rc = db_col_dup(st, 3, a, &l->display)) != RC_OK) return rc;
    return db_col_dup(st, 4, a, &l->contact);
}

static enum rc device_after_read(void *row, struct db *db, struct arena *a, struct store_why *why)
{
    struct store_device *d = row;
    struct db_stmt *st;
    size_t room = 0;
    bool more;
    enum rc rc = db_prepare(db,
                            "SELECT idx, pattern, label, display, contact FROM cfg_device_line "
                            "WHERE device = ?1 ORDER BY idx",
                            &st, why);
    if (rc != RC_OK) return rc;
    db_bind_str(st, 1, d->name);
    while ((rc = db_step(st, &more, why)) == RC_OK && more) {
        if (d->line_count == room) {
            size_t grown = room ? room * 4 : 2;
            struct store_device_line *lines = ARENA_ARRAY(a, struct store_device_line, grown);
            if (lines && room) memcpy(lines, d->lines, room * sizeof *lines);
            if (lines)
                d->lines = lines, room = grown;
            else
                rc = RC_NOMEM;
        }
        if (rc == RC_OK) rc = read_line(st, a, &d->lines[d->line_count++]);
        if (rc == RC_OK) continue;
        db_done(st);
        return store_refuse(why, rc, "out of memory");
    }
    return rc;
}

static const struct record_table devices = {
    .kind = STORE_DEVICE,
    .table = "cfg_device",
    .match_column = "description",
    .size = sizeof(struct store_device),
    .fields = fields,
    .field_count = sizeof fields / sizeof fields[0],
    .pkid_offset = offsetof(struct store_device, pkid),
    .version_offset = offsetof(struct store_device, version),
    .check = device_check,
    .after_put = device_after_put,
    .after_read = device_after_read,
};
RECORD_NOUN(device, devices)
