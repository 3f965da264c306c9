/* app/control.h - the UNIX socket an operator reaches the daemon by. */
#ifndef APP_CONTROL_H
#define APP_CONTROL_H
#include "http/server.h"
#include "store/store.h"

/* Looks at the socket's folder before anything else is made: a slip in an option leaves no half of a
 * first start. standard is the socket's usual path, whose folder is made where it is missing (/run is
 * empty after a boot). RC_NOT_FOUND with a sentence. */
MUST_CHECK enum rc app_control_folder_ready(const char *path, const char *standard,
                                            struct store_why *why);
/* As http_listen_unix, and why it was not possible. */
MUST_CHECK enum rc app_control_listen(struct http_server *http, struct http_site *site,
                                      const char *path, struct store_why *why);

#endif
