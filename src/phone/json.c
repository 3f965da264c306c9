#include "phone/json_int.h"

#include "phone/tokens.h"

struct str json_text(const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);
    if (!json_is_string(v)) return STR("");
    return str_of(json_string_value(v), json_string_length(v));
}

enum rc json_text_copy(const json_t *object, const char *key, char *out, size_t cap)
{
    return str_to_cstr(json_text(object, key), out, cap);
}

enum rc json_secret_copy(const json_t *object, const char *key, size_t max, struct secret *out)
{
    struct str text = json_text(object, key);
    if (text.n > max) return RC_TOO_BIG;
    return text.n > 0 ? secret_init(out, str_bytes(text)) : RC_OK;
}

int64_t json_seconds(const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);
    double d = json_is_real(v) ? json_real_value(v) : 0;
    if (json_is_integer(v)) return json_integer_value(v) > 0 ? json_integer_value(v) : 0;
    return d > 0 && d < 1e15 ? (int64_t)d : 0;
}

json_t *json_object_parse(struct str text)
{
    json_t *root = json_loadb(text.p ? text.p : "", text.n, JSON_REJECT_DUPLICATES, NULL);
    if (root && !json_is_object(root)) {
        json_wipe(root);
        root = NULL;
    }
    return root;
}

enum rc json_print_secret(const json_t *object, struct secret *out)
{
    size_t n = json_dumpb(object, NULL, 0, JSON_COMPACT);
    struct secret s = {0};
    if (n == 0) return RC_NOMEM;
    char *text = calloc(1, n);
    if (!text) return RC_NOMEM;
    enum rc rc = json_dumpb(object, text, n, JSON_COMPACT) == n ? RC_OK : RC_NOMEM;
    if (rc == RC_OK) rc = secret_init(&s, bytes_of(text, n));
    crypto_wipe(text, n);
    free(text);
    if (rc == RC_OK) *out = s;
    return rc;
}

/* jansson hands its texts out as const and frees them without wiping. */
static void wipe_text(const json_t *v)
{
    const char *text = json_string_value(v);
    char *p;
    memcpy(&p, &text, sizeof p);
    crypto_wipe(p, json_string_length(v));
}

static void wipe_tree(json_t *json, int depth)
{
    const char *key;
    json_t *value;
    size_t i;
    if (json_is_string(json)) wipe_text(json);
    if (depth == 0) return;
    if (json_is_object(json)) {
        json_object_foreach(json, key, value) wipe_tree(value, depth - 1);
    } else if (json_is_array(json)) {
        json_array_foreach(json, i, value) wipe_tree(value, depth - 1);
    }
}

void json_wipe(json_t *json)
{
    enum { DEPTH_MAX = 8 }; /* secrets lie at the first level */
    wipe_tree(json, DEPTH_MAX);
    json_decref(json);
}
