#include "jose/json_int.h"

/* The parser of jansson recurses up to 2048 deep: a stranger's text gets fewer levels of our stack.
 * Brackets inside strings do not count; whether they match is the parser's business. */
static bool depth_is_within(struct str text, size_t max)
{
    size_t depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '{' || c == '[') && ++depth > max)
            return false;
        else if (!quoted && (c == '}' || c == ']') && depth > 0)
            depth--;
    }
    return true;
}

enum rc jose_json_load(struct str text, size_t depth_max, json_t **out)
{
    json_error_t error;
    if (text.n == 0 || !depth_is_within(text, depth_max)) return RC_MALFORMED;
    json_t *root = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, &error);
    if (!root) return json_error_code(&error) == json_error_out_of_memory ? RC_NOMEM : RC_MALFORMED;
    if (!json_is_object(root)) {
        json_decref(root);
        return RC_MALFORMED;
    }
    *out = root;
    return RC_OK;
}
