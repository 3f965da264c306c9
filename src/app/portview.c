#include "app/portview.h"

#include "app/listeners.h"

enum { LISTENERS_MAX = 128 };

enum rc app_port_rows(struct app_listeners *l, struct arena *a, struct admin_listener **out,
                      size_t *count)
{
    static const char *const states[] = {"open", "failed", "closing"};
    struct app_listener_info *info = ARENA_ARRAY(a, struct app_listener_info, LISTENERS_MAX);
    struct admin_listener *rows = ARENA_ARRAY(a, struct admin_listener, LISTENERS_MAX);
    if (!info || !rows) return RC_NOMEM;
    size_t n = app_listeners_list(l, info, LISTENERS_MAX);
    for (size_t i = 0; i < n; i++) {
        rows[i] = (struct admin_listener){.name = str_from(info[i].name),
                                          .transport = str_from(info[i].transport),
                                          .state = str_from(states[info[i].state]),
                                          .why = str_from(info[i].why),
                                          .fix = str_from(info[i].fix)};
        char addr[NET_ADDR_TEXT_MAX];
        enum rc rc = arena_str_dup(a, net_addr_text(&info[i].addr, addr), &rows[i].addr);
        if (rc != RC_OK) return rc;
    }
    *out = rows;
    *count = n;
    return RC_OK;
}
