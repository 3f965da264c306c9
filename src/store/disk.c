/* Whether changes reach the disk. The writer notes what became of each; a look writes a little file,
 * so that it is known when there is space again before anybody tries in vain. */
#include "store/store_int.h"
#include <fcntl.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { PROBE_BYTES = 64 * 1024, LOW_BYTES = 1024 * 1024 };

static bool is_full(struct store *s)
{
    return atomic_load(&s->disk_failed) || atomic_load(&s->disk_is_low);
}

static void set(struct store *s, atomic_bool *what, bool to)
{
    if (to && !is_full(s)) atomic_store(&s->disk_full_since_ms, clock_unix_ms(&s->clock));
    atomic_store(what, to);
}

void store_disk_note(struct store *s, bool failed, bool committed)
{
    if (failed) atomic_fetch_add(&s->disk_refused, 1);
    if (failed || committed) set(s, &s->disk_failed, failed);
}

void store_disk(struct store *s, struct store_disk *out)
{
    *out = (struct store_disk){
        .is_full = is_full(s),
        .refused = atomic_load(&s->disk_refused),
        .since_unix_ms = atomic_load(&s->disk_full_since_ms),
    };
}

/* Free blocks tell of a quota nothing, a file written does. */
static bool can_write(const char *path)
{
    static const char zeros[4096];
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool ok = fd >= 0;
    for (size_t n = 0; ok && n < PROBE_BYTES; n += sizeof zeros)
        ok = write(fd, zeros, sizeof zeros) == (ssize_t)sizeof zeros;
    if (fd >= 0) close(fd);
    (void)unlink(path);
    return ok;
}

static bool is_low(const char *folder)
{
    struct statvfs v;
    return statvfs(folder, &v) == 0 && (uint64_t)v.f_bavail * v.f_frsize < LOW_BYTES;
}

void store_disk_look(struct store *s)
{
    char path[4096 + 16];
    snprintf(path, sizeof path, "%s/space-probe", s->folder);
    set(s, &s->disk_is_low, is_low(s->folder));
    if (atomic_load(&s->disk_failed) && can_write(path)) set(s, &s->disk_failed, false);
}
