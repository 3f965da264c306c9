#include "admin/wipe.h"
#include "crypto/secret.h"

void admin_text_wipe(struct str text)
{
    crypto_wipe((void *)(uintptr_t)text.p, text.n); /* const for its readers only */
}

static void wipe(json_t *json)
{
    const char *name;
    json_t *value;
    size_t i;
    if (json_is_string(json))
        admin_text_wipe(str_of(json_string_value(json), json_string_length(json)));
    json_object_foreach(json, name, value) wipe(value);
    json_array_foreach(json, i, value) wipe(value);
}

void admin_json_wipe(json_t *json)
{
    wipe(json);
    json_decref(json);
}
