/* admin/wipe.h - passwords and keys pass through JSON on their way; this wipes them there. */
#ifndef ADMIN_WIPE_H
#define ADMIN_WIPE_H
#include "base/str.h"
#include <jansson.h>

/* Overwrites every text of the object and of arrays in it, then lets go of it. */
void admin_json_wipe(json_t *json);
/* Overwrites text of our own, in an arena. */
void admin_text_wipe(struct str text);

#endif
