/* A hunt group is one record with its members: they are read and replaced together. */
#include "store/dialplan.h"
#include "store/record_int.h"

#define F(member, kind, flags, max) RECORD_F(struct store_hunt_group, member, kind, flags, max)
static const struct record_field fields[] = {
    F(number, RECORD_STR, RECORD_KEY | RECORD_REQUIRED, RECORD_NUMBER_MAX),
    F(description, RECORD_STR, 0, 0),
    F(display, RECORD_STR, 0, 128),
    F(algorithm, RECORD_INT, 0, 0),
    F(ring_s, RECORD_INT, 0, 0),
    F(forward_no_answer, RECORD_STR, 0, RECORD_NUMBER_MAX),
};
_Static_assert(sizeof(enum store_hunt) == sizeof(int), "read and written as one");

static enum rc check_shape(const struct store_hunt_group *g, struct store_why *why)
{
    if (g->algorithm < STORE_HUNT_PARALLEL || g->algorithm > STORE_HUNT_LONGEST_IDLE)
        return store_refuse(why, RC_INVALID, "algorithm is parallel, sequential or longest idle");
    if (g->ring_s < 0 || g->ring_s > STORE_RING_MAX_S)
        return store_refuse(why, RC_INVALID, "ring_s is 1 to %d seconds, or 0 for the parameter's",
                            (int)STORE_RING_MAX_S);
    if (g->member_count == 0)
        return store_refuse(why, RC_INVALID, "a hunt group needs members: name at least one line");
    if (g->member_count > STORE_HUNT_MEMBER_MAX)
        return store_refuse(why, RC_INVALID, "a hunt group has at most %d members",
                            (int)STORE_HUNT_MEMBER_MAX);
    if (str_eq_nocase(g->forward_no_answer, g->number))
        return store_refuse(why, RC_INVALID, "forward_no_answer of %.*s leads to itself",
                            STR_ARG(g->number));
    return RC_OK;
}

static enum rc check_member(const struct store_hunt_group *g, size_t at, struct store_tx *tx,
                            struct store_why *why)
{
    char found[STORE_KEY_MAX + 1];
    struct str member = g->members[at];
    for (size_t i = 0; i < at; i++)
        if (str_eq_nocase(g->members[i], member))
            return store_refuse(why, RC_INVALID, "the member %.*s stands twice", STR_ARG(member));
    enum rc rc = record_lookup(tx->db, "SELECT pattern FROM cfg_line WHERE pattern = ?1", member,
                               found, sizeof found, why);
    if (rc == RC_NOT_FOUND)
        return store_refuse(why, RC_INVALID, "there is no line %.*s to be a member: add it first",
                            STR_ARG(member));
    return rc;
}

static enum rc hunt_group_check(const void *row, struct store_tx *tx, struct store_why *why)
{
    const struct store_hunt_group *g = row;
    enum rc rc = record_number_check(g->number, "the number of a hunt group", why);
    if (rc == RC_OK) rc = record_number_check(g->forward_no_answer, "forward_no_answer", why);
    if (rc == RC_OK) rc = check_shape(g, why);
    if (rc == RC_OK) rc = record_number_is_free(g->number, STORE_HUNT_GROUP, tx, why);
    for (size_t i = 0; rc == RC_OK && i < g->member_count; i++)
        rc = check_member(g, i, tx, why);
    return rc;
}

/* As the line spells itself. */
static enum rc put_member(struct str group, size_t at, struct str line, struct store_tx *tx,
                          struct store_why *why)
{
    struct db_stmt *st;
    enum rc rc = db_prepare(tx->db,
                            "INSERT INTO cfg_hunt_member (hunt_group, idx, line) "
                            "SELECT ?1, ?2, pattern FROM cfg_line WHERE pattern = ?3",
                            &st, why);
    if (rc != RC_OK) return rc;
    db_bind_str(st, 1, group);
    db_bind_i64(st, 2, (int64_t)at);
    db_bind_str(st, 3, line);
    return db_run(st, why);
}

static enum rc hunt_group_after_put(const void *row, struct str key, struct store_tx *tx,
                                    struct store_why *why)
{
    const struct store_hunt_group *g = row;
    struct db_stmt *st;
    enum rc rc = db_prepare(tx->db, "DELETE FROM cfg_hunt_member WHERE hunt_group = ?1", &st, why);
    if (rc != RC_OK) return rc;
    db_bind_str(st, 1, key);
    rc = db_run(st, why);
    for (size_t i = 0; rc == RC_OK && i < g->member_count; i++)
        rc = put_member(key, i, g->members[i], tx, why);
    return rc;
}

static enum rc hunt_group_after_read(void *row, struct db *db, struct arena *a,
                                     struct store_why *why)
{
    struct store_hunt_group *g = row;
    struct db_stmt *st;
    struct str members[STORE_HUNT_MEMBER_MAX];
    bool more;
    enum rc rc = db_prepare(
        db, "SELECT line FROM cfg_hunt_member WHERE hunt_group = ?1 ORDER BY idx LIMIT ?2", &st,
        why);
    if (rc != RC_OK) return rc;
    db_bind_str(st, 1, g->number);
    db_bind_i64(st, 2, STORE_HUNT_MEMBER_MAX);
    while ((rc = db_step(st, &more, why)) == RC_OK && more) {
        rc = db_col_dup(st, 0, a, &members[g->member_count++]);
        if (rc == RC_OK) continue;
        db_done(st);
        return store_refuse(why, rc, "out of memory");
    }
    if (rc != RC_OK) return rc;
    g->members = ARENA_ARRAY(a, struct str, g->member_count);
    if (!g->members) return store_refuse(why, RC_NOMEM, "out of memory");
    memcpy(g->members, members, g->member_count * sizeof *members);
    return RC_OK;
}

static enum rc hunt_group_before_remove(struct str key, struct store_tx *tx, struct store_why *why)
{
    static const struct record_use uses[] = {
        {"SELECT pattern FROM cfg_route_pattern WHERE hunt_group = ?1 LIMIT 1",
         "is the target of route pattern", "change or remove that first"}};
    return record_check_unused(tx, STORE_HUNT_GROUP, key, uses, 1, why);
}

static const struct record_table hunt_groups = {
    .kind = STORE_HUNT_GROUP,
    .table = "cfg_hunt_group",
    .match_column = "description",
    .size = sizeof(struct store_hunt_group),
    .fields = fields,
    .field_count = sizeof fields / sizeof fields[0],
    .pkid_offset = offsetof(struct store_hunt_group, pkid),
    .version_offset = offsetof(struct store_hunt_group, version),
    .check = hunt_group_check,
    .after_put = hunt_group_after_put,
    .after_read = hunt_group_after_read,
    .before_remove = hunt_group_before_remove,
};
RECORD_NOUN(hunt_group, hunt_groups)
