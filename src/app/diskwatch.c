#include "app/diskwatch.h"

static void tell_full(struct app_diskwatch *w, const struct store_disk *disk, int64_t now_ms,
                      struct str folder, const struct log *log)
{
    log_error(log, "store.disk_full", LOG_STR("folder", folder), LOG_INT("refused", disk->refused),
              LOG_CSTR("text", "Changes and sign-ins cannot be stored: the disk of the data folder "
                               "is full or fails. Free some space there; calls and registrations "
                               "go on."));
    w->told = disk->refused;
    w->logged_ms = now_ms;
}

bool app_diskwatch_tick(struct app_diskwatch *w, const struct store_disk *disk, int64_t mono_now_ms,
                        struct str folder, const struct log *log)
{
    /* A change refused while there was space again at the next look counts, too. */
    bool is_news = (disk->is_full && !w->is_full) || disk->refused > w->told;
    bool may_tell = w->logged_ms == 0 || mono_now_ms - w->logged_ms >= APP_DISK_LOG_MS;
    if (is_news && may_tell) {
        tell_full(w, disk, mono_now_ms, folder, log);
        w->is_full = true;
    } else if (w->is_full && !disk->is_full) {
        w->is_full = false;
        log_info(log, "store.disk_writable", LOG_STR("folder", folder),
                 LOG_INT("refused", disk->refused), LOG_CSTR("text", "Changes are stored again."));
    }
    int64_t every_ms = disk->is_full ? APP_DISK_LOOK_FULL_MS : APP_DISK_LOOK_MS;
    if (w->looked_ms != 0 && mono_now_ms - w->looked_ms < every_ms) return false;
    w->looked_ms = mono_now_ms;
    return true;
}
