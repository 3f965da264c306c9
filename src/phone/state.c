#include "phone/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum rc phone_state_default(const char *profile, char out[PHONE_STATE_PATH_MAX])
{
    const char *base = getenv("XDG_STATE_HOME"), *home = getenv("HOME"), *middle = "";
    if (!profile || !*profile || strchr(profile, '/') || profile[0] == '.') return RC_INVALID;
    if (!base || base[0] != '/') {
        base = home;
        middle = "/.local/state";
    }
    if (!base || base[0] != '/') return RC_INVALID;
    int n = snprintf(out, PHONE_STATE_PATH_MAX, "%s%s/bearline-phone/%s", base, middle, profile);
    return n < PHONE_STATE_PATH_MAX ? RC_OK : RC_TOO_BIG;
}

/* ---- the folder ---- */

/* Each missing folder of path; new ones are ours alone. */
static enum rc make_folders(const char *path)
{
    char part[PHONE_STATE_PATH_MAX];
    if (str_to_cstr(str_from(path), part, sizeof part) != RC_OK) return RC_TOO_BIG;
    for (char *at = part + 1; *at; at++) {
        if (*at != '/') continue;
        *at = '\0';
        if (mkdir(part, 0700) != 0 && errno != EEXIST) return RC_IO;
        *at = '/';
    }
    return mkdir(part, 0700) == 0 || errno == EEXIST ? RC_OK : RC_IO;
}

static enum rc check_folder(int fd, const char *path, struct phone_problem *problem)
{
    struct stat st;
    if (fstat(fd, &st) != 0) return RC_IO;
    if (st.st_uid != geteuid()) {
        phone_problem_set(problem, PHONE_EXIT_STATE,
                          "The state folder %s belongs to another user. Use a folder of your own.",
                          path);
        return RC_DENIED;
    }
    if ((st.st_mode & 077) != 0 && fchmod(fd, 0700) != 0) {
        phone_problem_set(problem, PHONE_EXIT_STATE,
                          "Others may read the state folder %s. Run: chmod 700 %s", path, path);
        return RC_DENIED;
    }
    return RC_OK;
}

enum rc phone_state_open(struct phone_state *s, const char *path, bool create,
                         struct phone_problem *problem)
{
    *s = (struct phone_state){.fd = -1, .lock_fd = -1};
    enum rc rc = str_to_cstr(str_from(path), s->path, sizeof s->path);
    if (rc == RC_OK && *path && create) rc = make_folders(path);
    if (rc == RC_OK) s->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (rc != RC_OK || s->fd < 0) {
        bool missing = rc == RC_OK && errno == ENOENT;
        phone_problem_set(problem, PHONE_EXIT_STATE, "The state folder %s cannot be used: %s.",
                          path, strerrordesc_np(errno));
        return missing ? RC_NOT_FOUND : RC_IO;
    }
    rc = check_folder(s->fd, path, problem);
    if (rc != RC_OK) phone_state_close(s);
    return rc;
}

void phone_state_close(struct phone_state *s)
{
    if (s->fd >= 0) close(s->fd);
    if (s->lock_fd >= 0) close(s->lock_fd);
    s->fd = s->lock_fd = -1;
}

enum rc phone_state_path(const struct phone_state *s, const char *name,
                         char out[PHONE_STATE_PATH_MAX])
{
    int n = snprintf(out, PHONE_STATE_PATH_MAX, "%s/%s", s->path, name);
    return n < PHONE_STATE_PATH_MAX ? RC_OK : RC_TOO_BIG;
}

/* ---- reading ---- */

/* Reads to the end; a file longer than PHONE_STATE_FILE_MAX is none of ours. */
static enum rc read_all(int fd, struct secret *out)
{
    size_t cap = 4096, n = 0;
    enum rc rc = RC_OK;
    uint8_t *p = malloc(cap);
    if (!p) return RC_NOMEM;
    for (;;) {
        ssize_t got = read(fd, p + n, cap - n);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) rc = RC_IO;
        if (got <= 0) break;
        n += (size_t)got;
        if (n < cap) continue;
        uint8_t *bigger = n < PHONE_STATE_FILE_MAX ? malloc(cap * 2) : NULL;
        if (!bigger) {
            rc = n < PHONE_STATE_FILE_MAX ? RC_NOMEM : RC_TOO_BIG;
            break;
        }
        memcpy(bigger, p, n);
        crypto_wipe(p, n);
        free(p);
        p = bigger;
        cap *= 2;
    }
    if (rc == RC_OK) rc = secret_init(out, bytes_of(p, n));
    crypto_wipe(p, n);
    free(p);
    return rc;
}

static enum rc read_at(int folder, const char *name, struct secret *out)
{
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return errno == ENOENT || errno == ENOTDIR ? RC_NOT_FOUND : RC_IO;
    enum rc rc = read_all(fd, out);
    close(fd);
    return rc;
}

enum rc phone_state_read(const struct phone_state *s, const char *name, struct secret *out)
{
    return read_at(s->fd, name, out);
}

enum rc phone_file_read(const char *path, struct secret *out)
{
    if (strcmp(path, "-") == 0) return read_all(STDIN_FILENO, out);
    return read_at(AT_FDCWD, path, out);
}

/* ---- writing ---- */

static enum rc write_all(int fd, struct bytes content)
{
    while (content.n > 0) {
        ssize_t n = write(fd, content.p, content.n);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return RC_IO;
        content.p += n;
        content.n -= (size_t)n;
    }
    return RC_OK;
}

/* The new contents beside the old, on the disk before they take its name. */
static enum rc write_beside(const struct phone_state *s, const char *temporary,
                            struct bytes content)
{
    int fd = openat(s->fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return RC_IO;
    enum rc rc = fchmod(fd, 0600) == 0 ? write_all(fd, content) : RC_IO;
    if (rc == RC_OK && fsync(fd) != 0) rc = RC_IO;
    if (close(fd) != 0) rc = RC_IO;
    return rc;
}

enum rc phone_state_write(const struct phone_state *s, const char *name, struct bytes content,
                          struct phone_problem *problem)
{
    char temporary[64];
    int n = snprintf(temporary, sizeof temporary, ".%s.new", name);
    if (n >= (int)sizeof temporary) return RC_TOO_BIG;
    enum rc rc = write_beside(s, temporary, content);
    if (rc == RC_OK && renameat(s->fd, temporary, s->fd, name) != 0) rc = RC_IO;
    if (rc == RC_OK && fsync(s->fd) != 0) rc = RC_IO;
    if (rc == RC_OK) return RC_OK;
    int error = errno;
    unlinkat(s->fd, temporary, 0);
    phone_problem_set(problem, PHONE_EXIT_STATE, "%s/%s cannot be written: %s.", s->path, name,
                      strerrordesc_np(error));
    return rc;
}

enum rc phone_state_wipe(const struct phone_state *s, const char *name)
{
    static const uint8_t zeros[4096];
    struct stat st;
    int fd = openat(s->fd, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return errno == ENOENT ? RC_OK : RC_IO;
    enum rc rc = fstat(fd, &st) == 0 ? RC_OK : RC_IO;
    for (off_t left = rc == RC_OK ? st.st_size : 0; left > 0 && rc == RC_OK;) {
        size_t n = left < (off_t)sizeof zeros ? (size_t)left : sizeof zeros;
        rc = write_all(fd, bytes_of(zeros, n));
        left -= (off_t)n;
    }
    fsync(fd);
    close(fd);
    return unlinkat(s->fd, name, 0) == 0 && rc == RC_OK ? RC_OK : RC_IO;
}

/* ---- one run a profile ---- */

enum rc phone_state_lock(struct phone_state *s)
{
    int fd = openat(s->fd, PHONE_FILE_LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return RC_IO;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        enum rc rc = errno == EWOULDBLOCK ? RC_EXISTS : RC_IO;
        close(fd);
        return rc;
    }
    s->lock_fd = fd;
    return RC_OK;
}

bool phone_state_is_locked(const struct phone_state *s)
{
    int fd = openat(s->fd, PHONE_FILE_LOCK, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return false;
    bool held = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    close(fd);
    return held;
}
