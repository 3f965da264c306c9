/* jose/json_int.h - one strict way from text to a jansson value, for objects and key sets. */
#ifndef JOSE_JSON_INT_H
#define JOSE_JSON_INT_H
#include "base/str.h"

#include <jansson.h>

/* A JSON object and nothing behind it, no name twice, at most depth brackets inside one another.
 * json_decref it. RC_MALFORMED, RC_NOMEM. */
MUST_CHECK enum rc jose_json_load(struct str text, size_t depth_max, json_t **out);

static inline struct str jose_json_str(const json_t *string)
{
    return (struct str){json_string_value(string), json_string_length(string)};
}

#endif
