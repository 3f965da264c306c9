/* Route patterns. What a pattern matches is kept beside it in one spelling (canonical), and the number
 * of one that matches a single one (literal), so that equal ones are found whatever they look like. */
#include "store/dialplan.h"
#include "store/record_int.h"

#define F(member, kind, flags, max) RECORD_F(struct store_route_pattern, member, kind, flags, max)
static const struct record_field fields[] = {
    F(pattern, RECORD_STR, RECORD_KEY | RECORD_REQUIRED, STORE_PATTERN_MAX),
    F(description, RECORD_STR, 0, 0),
    F(line, RECORD_STR, RECORD_NULL, RECORD_NUMBER_MAX),
    F(hunt_group, RECORD_STR, RECORD_NULL, RECORD_NUMBER_MAX),
    F(trunk, RECORD_STR, RECORD_NULL, 64),
    F(blocked, RECORD_BOOL, 0, 0),
    F(discard, RECORD_INT, 0, 0),
    F(prefix, RECORD_STR, 0, STORE_NUMBER_MAX),
};
_Static_assert(sizeof(enum store_discard) == sizeof(int), "read and written as one");

static enum rc parse(struct str text, struct store_pattern *out, struct store_why *why)
{
    const char *reason;
    size_t at;
    enum rc rc = store_pattern_parse(text, out, &at, &reason);
    return rc == RC_OK ? rc
                       : store_refuse(why, RC_INVALID, "the pattern %.*s, character %zu: %s",
                                      STR_ARG(text), at + 1, reason);
}

static enum rc check_alone(const struct store_route_pattern *r, const struct store_pattern *p,
                           struct store_tx *tx, struct store_why *why)
{
    char other[STORE_KEY_MAX + 1];
    struct db_stmt *st;
    bool row;
    enum rc rc = db_prepare(
        tx->db, "SELECT pattern FROM cfg_route_pattern WHERE canonical = ?1 AND pattern <> ?2", &st,
        why);
    if (rc != RC_OK) return rc;
    db_bind_str(st, 1, str_from(p->canonical));
    db_bind_str(st, 2, r->pattern);
    rc = db_step(st, &row, why);
    if (rc != RC_OK) return rc;
    if (row) {
        rc = str_to_cstr(db_col_str(st, 0), other, sizeof other);
        db_done(st);
        if (rc != RC_OK) return rc;
        return store_refuse(why, RC_INVALID,
                            "the pattern %.*s matches the same numbers as %s: change that one",
                            STR_ARG(r->pattern), other);
    }
    return p->literal[0] ? record_number_is_free(str_from(p->literal), STORE_ROUTE_PATTERN, tx, why)
                         : RC_OK;
}

static enum rc check_target(const struct store_route_pattern *r, struct store_tx *tx,
                            struct store_why *why)
{
    const struct {
        struct str key;
        const char *sql, *noun;
    } all[] = {{r->line, "SELECT pattern FROM cfg_line WHERE pattern = ?1", "line"},
               {r->hunt_group, "SELECT number FROM cfg_hunt_group WHERE number = ?1", "hunt group"},
               {r->trunk, "SELECT name FROM cfg_trunk WHERE name = ?1", "trunk"}};
    char found[STORE_KEY_MAX + 1];
    int count = r->blocked;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        count += all[i].key.n > 0;
    if (count != 1)
        return store_refuse(why, RC_INVALID,
                            count == 0 ? "a route pattern leads somewhere: give line, hunt_group "
                                         "or trunk, or set blocked"
                                       : "a route pattern leads to one place: give only one of "
                                         "line, hunt_group and trunk, and not blocked with it");
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (all[i].key.n == 0) continue;
        enum rc rc = record_lookup(tx->db, all[i].sql, all[i].key, found, sizeof found, why);
        if (rc == RC_NOT_FOUND)
            return store_refuse(why, RC_INVALID, "there is no %s %.*s: add it first", all[i].noun,
                                STR_ARG(all[i].key));
        if (rc != RC_OK) return rc;
    }
    return RC_OK;
}

static enum rc check_digits(const struct store_route_pattern *r, const struct store_pattern *p,
                            struct store_why *why)
{
    if (r->discard != STORE_DISCARD_NONE && r->discard != STORE_DISCARD_PREDOT)
        return store_refuse(why, RC_INVALID, "discard is none or PreDot");
    if (r->trunk.n == 0 && (r->discard != STORE_DISCARD_NONE || r->prefix.n > 0))
        return store_refuse(why, RC_INVALID,
                            "discard and prefix change the number for a trunk; this pattern leads "
                            "to none");
    if (r->discard == STORE_DISCARD_PREDOT && p->dot == 0)
        return store_refuse(why, RC_INVALID,
                            "discard PreDot needs a '.' in the pattern, as in 9.%.*s",
                            STR_ARG(r->pattern));
    if (r->discard == STORE_DISCARD_PREDOT && p->dot == p->count && r->prefix.n == 0)
        return store_refuse(why, RC_INVALID, "discard PreDot leaves nothing of this pattern");
    for (size_t i = 0; i < r->prefix.n; i++)
        if (store_pattern_symbol(r->prefix.p[i]) < 0)
            return store_refuse(why, RC_INVALID, "prefix has digits, A-D, *, # and + only");
    return RC_OK;
}

static enum rc route_pattern_check(const void *row, struct store_tx *tx, struct store_why *why)
{
    const struct store_route_pattern *r = row;
    struct store_pattern p;
    enum rc rc = parse(r->pattern, &p, why);
    if (rc == RC_OK) rc = check_target(r, tx, why);
    if (rc == RC_OK) rc = check_digits(r, &p, why);
    return rc == RC_OK ? check_alone(r, &p, tx, why) : rc;
}

static enum rc route_pattern_after_put(const void *row, struct str key, struct store_tx *tx,
                                       struct store_why *why)
{
    const struct store_route_pattern *r = row;
    struct store_pattern p;
    struct db_stmt *st;
    enum rc rc = parse(r->pattern, &p, why);
    if (rc != RC_OK) return rc;
    rc = db_prepare(tx->db,
                    "UPDATE cfg_route_pattern SET canonical = ?2, literal = ?3 WHERE pattern = ?1",
                    &st, why);
    if (rc != RC_OK) return rc;
    db_bind_str(st, 1, key);
    db_bind_str(st, 2, str_from(p.canonical));
    db_bind_str(st, 3, str_from(p.literal));
    return db_run(st, why);
}

static const struct record_table route_patterns = {
    .kind = STORE_ROUTE_PATTERN,
    .table = "cfg_route_pattern",
    .match_column = "description",
    .size = sizeof(struct store_route_pattern),
    .fields = fields,
    .field_count = sizeof fields / sizeof fields[0],
    .pkid_offset = offsetof(struct store_route_pattern, pkid),
    .version_offset = offsetof(struct store_route_pattern, version),
    .check = route_pattern_check,
    .after_put = route_pattern_after_put,
};
RECORD_NOUN(route_pattern, route_patterns)
