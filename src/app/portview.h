/* app/portview.h - the open ports as the operator API shows them. */
#ifndef APP_PORTVIEW_H
#define APP_PORTVIEW_H
#include "admin/live.h"

struct app_listeners;

/* As admin_live.listeners. */
MUST_CHECK enum rc app_port_rows(struct app_listeners *l, struct arena *a,
                                 struct admin_listener **out, size_t *count);

#endif
