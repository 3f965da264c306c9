/* sip/values.h - the small text shapes header fields are made of: comma lists over several fields,
 * ;parameters, tokens, quoted strings, folds (RFC 3261, 25.1). All slices point into the message;
 * what must be rewritten goes to an arena. No state: safe from any thread. */
#ifndef SIP_VALUES_H
#define SIP_VALUES_H
#include "base/arena.h"
#include "base/cur.h"
#include "sip/message.h"

/* Comma-separated values of all header fields of one id, in order. Commas inside quotes and <> do
 * not separate. */
struct sip_values {
    const struct sip_message *msg;
    const struct sip_header *header; /* the one being read */
    struct str rest;                 /* unread part of it; p == NULL: begin at header's front */
};

void sip_values_init(struct sip_values *v, const struct sip_message *msg, enum sip_header_id id);
/* The next value, trimmed. RC_NOT_FOUND at the end; RC_MALFORMED for an empty element or an
 * unterminated quote or '<' (a wholly empty header field has no values and is fine). */
MUST_CHECK enum rc sip_values_next(struct sip_values *v, struct str *out);
/* The same over one text; *rest is what is left, p == NULL once it is used up. */
MUST_CHECK enum rc sip_value_split(struct str *rest, struct str *out);
/* Is a token in the lists of all header fields of that id? No case. (Supported, Require, Allow ...)
 */
bool sip_values_has(const struct sip_message *msg, enum sip_header_id id, struct str token);

struct sip_param {
    struct str name;
    struct str value; /* as it stands; quotes taken off when quoted (escapes stay) */
    bool has_value;
    bool is_quoted;
};

/* Reads one ";name[=value]" from *rest, which begins at the ';' (or is empty: RC_NOT_FOUND).
 * RC_MALFORMED for an empty name, an empty value after '=', an unterminated quote. */
MUST_CHECK enum rc sip_param_next(struct str *rest, struct sip_param *out);
/* RC_OK when all of params is ";name[=value]" pieces. */
MUST_CHECK enum rc sip_params_check(struct str params, struct parse_at *at);
/* The first parameter of that name, any case. False: not there (or what stands before is
 * malformed). */
bool sip_param_find(struct str params, struct str name, struct sip_param *out);
/* Its value, or an empty slice. */
struct str sip_param_value(struct str params, struct str name);

bool sip_is_token(struct str s);
/* The content of a quoted string (the text between the quotes) without its backslashes; s itself
 * when there are none. RC_NOMEM; RC_MALFORMED for a last lone backslash. */
MUST_CHECK enum rc sip_unescape(struct str content, struct arena *a, struct str *out);
/* Text with each fold (CRLF and white space) made one space; s itself when there is none. RC_NOMEM.
 */
MUST_CHECK enum rc sip_unfold(struct str s, struct arena *a, struct str *out);
/* %HH decoded once; s itself when there is none. RC_MALFORMED, RC_NOMEM. NUL is allowed. */
MUST_CHECK enum rc sip_percent_decode(struct str s, struct arena *a, struct str *out);

#endif
