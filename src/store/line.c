#include "store/record_int.h"

#define F(member, kind, flags, max) RECORD_F(struct store_line, member, kind, flags, max)
static const struct record_field fields[] = {
    F(pattern, RECORD_STR, RECORD_KEY | RECORD_REQUIRED, 48),
    F(partition, RECORD_STR, 0, 64),
    F(description, RECORD_STR, 0, 0),
    F(alerting_name, RECORD_STR, 0, 128),
    F(display, RECORD_STR, 0, 128),
    F(forward_all, RECORD_STR, 0, 48),
    F(forward_busy, RECORD_STR, 0, 48),
    F(forward_no_answer, RECORD_STR, 0, 48),
    F(ring_s, RECORD_INT, 0, 0),
    F(busy_trigger, RECORD_INT, 0, 0),
};

static enum rc line_check(const void *row, struct store_tx *tx, struct store_why *why)
{
    const struct store_line *l = row;
    (void)tx;
    for (size_t i = 0; i < l->pattern.n; i++) {
        char c = l->pattern.p[i];
        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
            strchr("+*#._-@", c))
            continue;
        return store_refuse(why, RC_INVALID,
                            "a directory number has digits, letters and + * # . _ - @ only");
    }
    if (l->partition.n)
        return store_refuse(why, RC_INVALID, "partitions are not supported: leave it empty");
    return RC_OK;
}

static enum rc line_before_remove(struct str key, struct store_tx *tx, struct store_why *why)
{
    char device[STORE_KEY_MAX + 1];
    enum rc rc = record_lookup(tx->db,
                               "SELECT device FROM cfg_device_line WHERE pattern = ?1 LIMIT 1", key,
                               device, sizeof device, why);
    if (rc == RC_OK)
        return store_refuse(why, RC_CONFLICT,
                            "the line %.*s is on device %s: take it off there first", STR_ARG(key),
                            device);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

static const struct record_table lines = {
    .kind = STORE_LINE,
    .table = "cfg_line",
    .match_column = "description",
    .size = sizeof(struct store_line),
    .fields = fields,
    .field_count = sizeof fields / sizeof fields[0],
    .pkid_offset = offsetof(struct store_line, pkid),
    .version_offset = offsetof(struct store_line, version),
    .check = line_check,
    .before_remove = line_before_remove,
};
RECORD_NOUN(line, lines)

enum rc store_line_devices(struct store *s, struct str pattern, struct arena *a,
                           struct store_names *out, struct store_why *why)
{
    return record_names(
        s, "SELECT DISTINCT device FROM cfg_device_line WHERE pattern = ?1 ORDER BY device",
        pattern, a, out, why);
}
