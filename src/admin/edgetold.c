#include "admin/edgetold.h"

static bool is_old(const struct edgetold_row *row, int64_t now_ms)
{
    return now_ms - row->last_ms > EDGETOLD_SILENT_MS;
}

/* The row of that name, a free one, or that of who has been silent longest. */
static struct edgetold_row *row_for(struct edgetold *t, struct str name)
{
    struct edgetold_row *oldest = NULL;
    for (size_t i = 0; i < t->count; i++) {
        if (str_eq_nocase(str_from(t->rows[i].name), name)) return &t->rows[i];
        if (!oldest || t->rows[i].last_ms < oldest->last_ms) oldest = &t->rows[i];
    }
    return t->count < EDGETOLD_MAX ? &t->rows[t->count++] : oldest;
}

void edgetold_keep(struct admin_call *c, struct str name, struct str refresh)
{
    struct admin *a = c->admin;
    struct edgetold_row told = {.has_refresh = str_eq(refresh, STR("1")),
                                .last_ms = clock_mono_ms(&a->clock)};
    if (name.n == 0 || str_to_cstr(name, told.name, sizeof told.name) != RC_OK) return;
    pthread_mutex_lock(&a->told_lock);
    *row_for(a->told, name) = told;
    pthread_mutex_unlock(&a->told_lock);
}

static int by_name(const void *a, const void *b)
{
    const struct edgetold_row *x = a, *y = b;
    return strcmp(x->name, y->name);
}

void edgetold_list(struct admin_call *c, struct edgetold *out)
{
    struct admin *a = c->admin;
    int64_t now_ms = clock_mono_ms(&a->clock);
    out->count = 0;
    pthread_mutex_lock(&a->told_lock);
    for (size_t i = 0; i < a->told->count; i++)
        if (!is_old(&a->told->rows[i], now_ms)) out->rows[out->count++] = a->told->rows[i];
    pthread_mutex_unlock(&a->told_lock);
    qsort(out->rows, out->count, sizeof *out->rows, by_name);
}
