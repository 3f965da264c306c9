/* provision/provision.h - serves device configuration: GET or HEAD /<device>.cnf.xml. Its handlers
 * run on the pool, read the directory and keep nothing between requests.
 *
 *   secure site (6972, HTTPS)  bearer token of the device's owner
 *     no or no good token      401, WWW-Authenticate: Bearer …
 *     good, another's device   404 } the same answer, so that nobody finds out names of devices by
 *     good, no such device     404 } asking; the log tells them apart
 *   plain site (6970, HTTP)    200 to anyone, as the reference does, 404 for no such device. With
 *                              the parameter that keeps OAuth devices off plain HTTP: 403 and a
 *                              sentence that names the HTTPS port, for those and for any name
 *                              that is no device
 *
 * A device that is not enabled is none. The ETag is of the document's contents. */
#ifndef PROVISION_PROVISION_H
#define PROVISION_PROVISION_H
#include "base/log.h"
#include "http/server.h"

struct directory;
struct oauth_verifier;
struct provision;

struct provision_settings {
    struct directory *directory;
    struct oauth_verifier *verifier;
    struct clock clock;
    const struct log *log; /* may be NULL */
    struct str node;       /* this node's name, for its HTTPS port in sentences; "": the first's */
};

/* What settings point to must outlive it. RC_NOMEM. */
MUST_CHECK enum rc provision_new(const struct provision_settings *settings, struct provision **out);
/* After the pool runs none of its handlers any more. NULL. */
struct provision *provision_free(struct provision *p);

/* As http_site_add. */
MUST_CHECK enum rc provision_add_plain_routes(struct provision *p, struct http_site *site);
MUST_CHECK enum rc provision_add_secure_routes(struct provision *p, struct http_site *site);

/* The device a request path names: "/CSFrado.cnf.xml" gives "CSFrado" (the suffix in any case),
 * RC_NOT_FOUND for any other path. A device name is 1 to 50 of letters, digits, '-', '_' and '.':
 * nothing in it can leave a folder. */
MUST_CHECK enum rc provision_path_device(struct str path, struct str *device);

#endif
