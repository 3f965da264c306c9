#include "app/chores.h"

enum { HOUR = 60, DAY = 24 * 60 };

void app_chores_minute(struct app_chores *c)
{
    unsigned due = 0;
    c->minutes++;
    if (c->minutes % HOUR == 0) due |= APP_CHORE_TICKETS;
    if (c->minutes % DAY == 1) due |= APP_CHORE_DAILY;
    if (due != 0) atomic_fetch_or(&c->due, due);
}

unsigned app_chores_take(struct app_chores *c)
{
    return atomic_exchange(&c->due, 0);
}
