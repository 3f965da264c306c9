/* provision/build_int.h - a device's document gathered from the directory's records. */
#ifndef PROVISION_BUILD_INT_H
#define PROVISION_BUILD_INT_H
#include "base/arena.h"
#include "directory/directory.h"
#include "provision/document.h"

/* All text of *out lies in the arena; no reference is kept. version_stamp is left empty.
 * RC_NOT_FOUND: the device's profile is gone; RC_NOMEM. */
MUST_CHECK enum rc provision_build(struct directory *d, const struct directory_device *dev,
                                   struct arena *arena, struct provision_document *out);

#endif
