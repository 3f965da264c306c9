#include "store/record_int.h"

enum { FORWARD_HOPS_MAX = 100 };

#define F(member, kind, flags, max) RECORD_F(struct store_line, member, kind, flags, max)
static const struct record_field fields[] = {
    F(pattern, RECORD_STR, RECORD_KEY | RECORD_REQUIRED, RECORD_NUMBER_MAX),
    F(partition, RECORD_STR, 0, 64),
    F(description, RECORD_STR, 0, 0),
    F(alerting_name, RECORD_STR, 0, 128),
    F(display, RECORD_STR, 0, 128),
    F(forward_all, RECORD_STR, 0, RECORD_NUMBER_MAX),
    F(forward_busy, RECORD_STR, 0, RECORD_NUMBER_MAX),
    F(forward_no_answer, RECORD_STR, 0, RECORD_NUMBER_MAX),
    F(ring_s, RECORD_INT, 0, 0),
    F(busy_trigger, RECORD_INT, 0, 0),
};

enum rc record_number_check(struct str number, const char *what, struct store_why *why)
{
    if (number.n > RECORD_NUMBER_MAX)
        return store_refuse(why, RC_INVALID, "%s has at most %d characters", what,
                            (int)RECORD_NUMBER_MAX);
    for (size_t i = 0; i < number.n; i++) {
        char c = number.p[i];
        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
            (c != '\0' && strchr("+*#._-@", c)))
            continue;
        return store_refuse(why, RC_INVALID, "%s has digits, letters and + * # . _ - @ only", what);
    }
    return RC_OK;
}

/* A number is a line, a group or a pattern of one number, never two of them. */
enum rc record_number_is_free(struct str number, enum store_kind besides, struct store_tx *tx,
                              struct store_why *why)
{
    static const struct {
        enum store_kind kind;
        const char *sql, *noun;
    } others[] = {
        {STORE_LINE, "SELECT pattern FROM cfg_line WHERE pattern = ?1", "line"},
        {STORE_HUNT_GROUP, "SELECT number FROM cfg_hunt_group WHERE number = ?1", "hunt group"},
        {STORE_ROUTE_PATTERN,
         "SELECT pattern FROM cfg_route_pattern WHERE literal = ?1 COLLATE NOCASE",
         "route pattern"}};
    char found[STORE_KEY_MAX + 1];
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (others[i].kind == besides) continue;
        enum rc rc = record_lookup(tx->db, others[i].sql, number, found, sizeof found, why);
        if (rc == RC_OK)
            return store_refuse(why, RC_INVALID, "the number %.*s is taken by the %s %s",
                                STR_ARG(number), others[i].noun, found);
        if (rc != RC_NOT_FOUND) return rc;
    }
    return RC_OK;
}

/* Who is always forwarded to whom must end somewhere. Through patterns a circle can still be made:
 * the parameter ForwardMaximumHopCount ends such a call. */
static enum rc check_circle(const struct store_line *l, struct store_tx *tx, struct store_why *why)
{
    char at[STORE_KEY_MAX + 1], next[STORE_KEY_MAX + 1];
    enum rc rc = str_to_cstr(l->forward_all, at, sizeof at);
    for (int hops = 0; rc == RC_OK && at[0] != '\0'; hops++) {
        if (str_eq_nocase(str_from(at), l->pattern))
            return store_refuse(why, RC_INVALID,
                                hops == 0 ? "forward_all of %.*s leads to itself"
                                          : "forward_all of %.*s to %.*s leads back to it",
                                STR_ARG(l->pattern), STR_ARG(l->forward_all));
        if (hops == FORWARD_HOPS_MAX)
            return store_refuse(why, RC_INVALID, "forward_all of %.*s goes on over %d lines",
                                STR_ARG(l->pattern), (int)FORWARD_HOPS_MAX);
        rc = record_lookup(tx->db, "SELECT forward_all FROM cfg_line WHERE pattern = ?1",
                           str_from(at), next, sizeof next, why);
        if (rc == RC_OK) memcpy(at, next, sizeof at);
    }
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

static enum rc check_forwards(const struct store_line *l, struct store_tx *tx,
                              struct store_why *why)
{
    const struct {
        struct str target;
        const char *name;
    } all[] = {{l->forward_all, "forward_all"},
               {l->forward_busy, "forward_busy"},
               {l->forward_no_answer, "forward_no_answer"}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        enum rc rc = record_number_check(all[i].target, all[i].name, why);
        if (rc != RC_OK) return rc;
        if (i > 0 && str_eq_nocase(all[i].target, l->pattern))
            return store_refuse(why, RC_INVALID, "%s of %.*s leads to itself", all[i].name,
                                STR_ARG(l->pattern));
    }
    return check_circle(l, tx, why);
}

static enum rc line_check(const void *row, struct store_tx *tx, struct store_why *why)
{
    const struct store_line *l = row;
    enum rc rc = record_number_check(l->pattern, "a directory number", why);
    if (rc != RC_OK) return rc;
    if (l->partition.n)
        return store_refuse(why, RC_INVALID, "partitions are not supported: leave it empty");
    if (l->ring_s < 0 || l->ring_s > STORE_RING_MAX_S)
        return store_refuse(why, RC_INVALID, "ring_s is 1 to %d seconds, or 0 for the parameter's",
                            (int)STORE_RING_MAX_S);
    if (l->busy_trigger < 0 || l->busy_trigger > STORE_BUSY_TRIGGER_MAX)
        return store_refuse(why, RC_INVALID, "busy_trigger is 1 to %d, or 0 for the parameter's",
                            (int)STORE_BUSY_TRIGGER_MAX);
    rc = record_number_is_free(l->pattern, STORE_LINE, tx, why);
    return rc == RC_OK ? check_forwards(l, tx, why) : rc;
}

static enum rc line_before_remove(struct str key, struct store_tx *tx, struct store_why *why)
{
    static const struct record_use uses[] = {
        {"SELECT device FROM cfg_device_line WHERE pattern = ?1 LIMIT 1", "is on device",
         "take it off there first"},
        {"SELECT hunt_group FROM cfg_hunt_member WHERE line = ?1 LIMIT 1",
         "is a member of hunt group", "take it off there first"},
        {"SELECT pattern FROM cfg_route_pattern WHERE line = ?1 LIMIT 1",
         "is the target of route pattern", "change or remove that first"}};
    return record_check_unused(tx, STORE_LINE, key, uses, sizeof uses / sizeof uses[0], why);
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
