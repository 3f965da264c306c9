/* The data folder: there, ours, private, and held by one daemon. */
#include "store/store_int.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static enum rc refuse_errno(const char *what, const char *path, struct store_why *why)
{
    switch (errno) {
    case ENOENT:
        return store_refuse(why, RC_NOT_FOUND,
                            "%s %s does not exist: create it or name another data folder", what,
                            path);
    case ENOSPC:
    case EDQUOT:
        return store_refuse(
            why, RC_IO, "the disk is full: %s %s cannot be written; free some space and try again",
            what, path);
    case EACCES:
    case EPERM:
        return store_refuse(
            why, RC_DENIED,
            "no right to write %s %s: change its owner or run as the user it belongs to", what,
            path);
    case EROFS:
        return store_refuse(
            why, RC_DENIED,
            "%s %s is on a read-only file system: remount it writable or name another data folder",
            what, path);
    case ENOTDIR: return store_refuse(why, RC_INVALID, "%s %s is not a folder", what, path);
    default:
        return store_refuse(why, RC_IO, "%s %s cannot be opened: %s", what, path, strerror(errno));
    }
}

static enum rc folder_ready(const struct store_config *config, struct store_why *why)
{
    struct stat st;
    const char *path = config->folder;
    if (config->create_folder && mkdir(path, 0700) != 0 && errno != EEXIST)
        return refuse_errno("the data folder", path, why);
    if (stat(path, &st) != 0) return refuse_errno("the data folder", path, why);
    if (!S_ISDIR(st.st_mode)) return store_refuse(why, RC_INVALID, "%s is not a folder", path);
    /* Keys lie in it: others must not look in, whatever umask or an unpacked backup left behind. */
    if ((st.st_mode & 077) != 0 && chmod(path, st.st_mode & 0700) != 0)
        return store_refuse(
            why, RC_DENIED,
            "the data folder %s is open to others and belongs to someone else: chown it", path);
    return RC_OK;
}

static enum rc file_ready(const char *path, int flags, int *fd, struct store_why *why)
{
    struct stat st;
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
    if (*fd < 0) return refuse_errno("the file", path, why);
    if (fstat(*fd, &st) == 0 && S_ISREG(st.st_mode) &&
        ((st.st_mode & 077) == 0 || fchmod(*fd, 0600) == 0))
        return RC_OK;
    close(*fd);
    return store_refuse(why, RC_DENIED, "the file %s must be a plain file of mode 0600", path);
}

static enum rc folder_lock(const char *folder, int *lock_fd, struct store_why *why)
{
    char path[4096];
    int fd;
    if ((size_t)snprintf(path, sizeof path, "%s/lock", folder) >= sizeof path)
        return store_refuse(why, RC_TOO_BIG, "the data folder's name is too long");
    enum rc rc = file_ready(path, 0, &fd, why);
    if (rc != RC_OK) return rc;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        *lock_fd = fd;
        return RC_OK;
    }
    close(fd);
    return store_refuse(
        why, RC_BUSY,
        "another bearlined uses the data folder %s: stop it first, or give this one its own folder",
        folder);
}

enum rc store_folder_open(const struct store_config *config, int *lock_fd, char *db_path,
                          size_t db_path_cap, struct store_why *why)
{
    int lock = -1, fd;
    if ((size_t)snprintf(db_path, db_path_cap, "%s/bearline.db", config->folder) >= db_path_cap)
        return store_refuse(why, RC_TOO_BIG, "the data folder's name is too long");
    enum rc rc = folder_ready(config, why);
    if (rc == RC_OK) rc = folder_lock(config->folder, &lock, why);
    if (rc != RC_OK) return rc;
    rc = file_ready(db_path, 0, &fd, why); /* SQLite gives its side files the mode of this one */
    if (rc != RC_OK) {
        close(lock);
        return rc;
    }
    close(fd);
    *lock_fd = lock;
    return RC_OK;
}
