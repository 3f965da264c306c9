/* Any page: what is found of a form lies within bounds, and asking for its alert agrees. */
#include "base/check.h"
#include "phone/form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct phone_form f;
    struct str alert, page = {(const char *)data, size};
    arena_init(&a, NULL, 0, 4 << 20);
    if (phone_form_parse(page, &a, &f) == RC_OK) {
        CHECK(f.count > 0 && f.count <= PHONE_FORM_FIELD_MAX && f.password_field.n > 0);
        CHECK(phone_form_alert(page, &a, &alert) == RC_OK && str_eq(alert, f.alert));
    }
    arena_fini(&a);
    return 0;
}
