/* app/diskwatch.h - tells the log when changes stop reaching the disk and when they do again. A pure
 * machine: what the store says of the disk goes in once a second, a line comes out at the first
 * refusal, each minute while there are more, and at the end. */
#ifndef APP_DISKWATCH_H
#define APP_DISKWATCH_H
#include "base/log.h"
#include "store/store.h"

enum {
    APP_DISK_LOG_MS = 60000,      /* between two lines while it is full */
    APP_DISK_LOOK_MS = 60000,     /* between two looks at the disk */
    APP_DISK_LOOK_FULL_MS = 5000, /* while it is full */
};

/* Zeroed memory is a watch that has seen nothing. */
struct app_diskwatch {
    bool is_full;
    uint64_t told; /* refused changes that a line has counted */
    int64_t logged_ms, looked_ms;
};

/* True: store_disk_look is due. */
bool app_diskwatch_tick(struct app_diskwatch *w, const struct store_disk *disk, int64_t mono_now_ms,
                        struct str folder, const struct log *log);

#endif
