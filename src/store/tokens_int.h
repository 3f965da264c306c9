/* store/tokens_int.h - what code.c, grant.c and refresh.c share. */
#ifndef STORE_TOKENS_INT_H
#define STORE_TOKENS_INT_H
#include "store/store_int.h"
#include "store/tokens.h"

/* Revokes one grant (RC_OK when it is revoked or gone already): drops its refresh tokens, marks it, tells the
 * listeners, writes the audit row. */
MUST_CHECK enum rc tokens_revoke(struct store_tx *tx, struct str id, int64_t now_s,
                                 struct str why_text, struct store_why *why);
/* The columns that tokens_read_grant reads, in order. */
#define TOKENS_GRANT_COLUMNS                                                                       \
    "g.id, g.user, g.client_id, g.device, g.scope, g.created_s, g.last_used_s, g.expires_s, "      \
    "g.revoked_s, g.revoked_why"
enum { TOKENS_GRANT_COLUMN_COUNT = 10 };
MUST_CHECK enum rc tokens_read_grant(struct db_stmt *st, struct arena *a, struct store_grant *out);
/* Adds a refresh token of a grant. */
MUST_CHECK enum rc tokens_add_refresh(struct store_tx *tx, const struct store_hash *hash,
                                      struct str grant, int64_t generation, int64_t now_s,
                                      int64_t expires_s, struct store_why *why);
#endif
