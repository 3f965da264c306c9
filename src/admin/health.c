/* What ails the node as a whole: ports that are not open, a disk that takes no changes. */
#include "admin/api_int.h"

static enum rc add_port(struct admin_call *c, const struct admin_listener *l, struct health *out)
{
    struct health_problem *p = &out->rows[out->count];
    p->name = "Port";
    p->fix = l->fix.n > 0 ? l->fix : STR("See the line listener.failed in the node's log");
    bool says_how = str_eq(l->name, l->transport);
    enum rc rc = arena_printf(c->arena, &p->text, "%.*s%s%.*s %.*s is not open: %.*s",
                              STR_ARG(l->name), says_how ? "" : " ",
                              STR_ARG(says_how ? STR("") : l->transport), STR_ARG(l->addr),
                              STR_ARG(l->why));
    if (rc == RC_OK) out->count++;
    return rc;
}

static enum rc add_disk(struct admin_call *c, struct health *out)
{
    struct store_disk disk;
    store_disk_look(c->admin->store);
    store_disk(c->admin->store, &disk);
    if (!disk.is_full) return RC_OK;
    struct health_problem *p = &out->rows[out->count];
    int64_t since_s = (clock_unix_ms(&c->admin->clock) - disk.since_unix_ms) / 1000;
    p->name = HEALTH_DISK;
    p->fix = STR("Free some space in the file system of the data folder; calls and registrations "
                 "go on meanwhile");
    enum rc rc = arena_printf(c->arena, &p->text,
                              "full or failing for %llds: sign-ins and changes cannot be stored, "
                              "%llu refused since the start",
                              (long long)since_s, (unsigned long long)disk.refused);
    if (rc == RC_OK) out->count++;
    return rc;
}

enum rc health_look(struct admin_call *c, struct health *out)
{
    const struct admin_live *live = c->admin->live;
    struct admin_listener *rows;
    size_t count;
    *out = (struct health){0};
    enum rc rc = live->listeners(live->ctx, c->arena, &rows, &count);
    if (rc != RC_OK) return rc;
    out->rows = ARENA_ARRAY(c->arena, struct health_problem, count + 1);
    if (!out->rows) return RC_NOMEM;
    for (size_t i = 0; rc == RC_OK && i < count; i++)
        if (str_eq(rows[i].state, STR("failed"))) rc = add_port(c, &rows[i], out);
    return rc == RC_OK ? add_disk(c, out) : rc;
}

json_t *health_print(const struct health *h)
{
    json_t *array = json_array();
    for (size_t i = 0; i < h->count; i++)
        api_append(&array, json_pack("{s:s, s:o, s:o}", "name", h->rows[i].name, "text",
                                     api_str(h->rows[i].text), "fix", api_str(h->rows[i].fix)));
    return array;
}
