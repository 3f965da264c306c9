/* A UNIX socket to accept on. The kernel says who connects. */
#include "base/str.h"
#include "http/server_int.h"
#include "net/loop_event.h"
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { PAUSE_MS = 100 }; /* of accepting, when descriptors or memory have run out */

struct http_unix {
    struct net_loop *loop;
    struct event *event;
    struct wheel_timer pause;
    http_unix_accept_fn *fn;
    void *ctx;
    struct sockaddr_un addr;
    int fd;
    dev_t dev; /* of the socket file, so that on close no other's is removed */
    ino_t ino;
};

static int new_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* RC_OK: nobody is behind that file. A full backlog (EAGAIN) is somebody too. */
static enum rc nobody_listens(const struct sockaddr_un *addr)
{
    int fd = new_socket();
    if (fd < 0) return RC_IO;
    int failed = connect(fd, (const struct sockaddr *)addr, sizeof *addr);
    int error = errno;
    close(fd);
    if (failed && error == ECONNREFUSED) return RC_OK;
    return failed && error == EACCES ? RC_DENIED : RC_EXISTS;
}

static enum rc remove_stale(const struct sockaddr_un *addr)
{
    struct stat st;
    if (lstat(addr->sun_path, &st) != 0) return errno == ENOENT ? RC_OK : RC_IO;
    if (!S_ISSOCK(st.st_mode)) return RC_CONFLICT;
    enum rc rc = nobody_listens(addr);
    if (rc != RC_OK) return rc;
    return unlink(addr->sun_path) == 0 || errno == ENOENT ? RC_OK : RC_IO;
}

/* The mode is set on the socket before bind, where Linux takes the file's mode from, so there is no
 * moment at which others could connect; the umask may have taken bits away, hence again after. */
static enum rc bind_file(struct http_unix *u, unsigned mode)
{
    struct stat st;
    const char *path = u->addr.sun_path;
    if (fchmod(u->fd, mode) != 0) return RC_IO;
    if (bind(u->fd, (struct sockaddr *)&u->addr, sizeof u->addr) != 0) {
        if (errno == EADDRINUSE) return RC_EXISTS;
        return errno == EACCES || errno == EPERM || errno == EROFS ? RC_DENIED : RC_IO;
    }
    if (chmod(path, mode) != 0 || lstat(path, &st) != 0 || listen(u->fd, 128) != 0) {
        unlink(path);
        return RC_IO;
    }
    u->dev = st.st_dev;
    u->ino = st.st_ino;
    return RC_OK;
}

static void accept_one(struct http_unix *u, int fd)
{
    struct ucred who;
    socklen_t n = sizeof who;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) != 0 || n != sizeof who) {
        close(fd);
        return;
    }
    struct http_peer peer = {.is_unix = true, .uid = who.uid, .gid = who.gid, .pid = who.pid};
    u->fn(u->ctx, fd, &peer);
}

static void resume(void *ctx)
{
    struct http_unix *u = ctx;
    event_add(u->event, NULL);
}

/* Whoever waits in the backlog makes the socket ready in every turn. */
static void pause_accepting(struct http_unix *u)
{
    event_del(u->event);
    net_timer_start(u->loop, &u->pause, PAUSE_MS, resume, u);
}

/* One a turn: the event is level-triggered, and fn may have closed u. */
static void on_ready(evutil_socket_t fd, short what, void *ctx)
{
    (void)what;
    int got = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (got >= 0)
        accept_one(ctx, got);
    else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
        pause_accepting(ctx);
}

static bool is_ours(const struct http_unix *u)
{
    struct stat st;
    return u->ino != 0 && lstat(u->addr.sun_path, &st) == 0 && st.st_dev == u->dev &&
           st.st_ino == u->ino;
}

struct http_unix *http_unix_close(struct http_unix *u)
{
    if (!u) return NULL;
    net_timer_stop(u->loop, &u->pause);
    if (u->event) event_free(u->event);
    if (u->fd >= 0) close(u->fd);
    if (is_ours(u)) unlink(u->addr.sun_path);
    free(u);
    return NULL;
}

enum rc http_unix_open(struct net_loop *loop, const char *path, unsigned mode,
                       http_unix_accept_fn *fn, void *ctx, struct http_unix **out)
{
    if (mode != 0600 && mode != 0660) return RC_INVALID;
    struct http_unix *u = calloc(1, sizeof *u);
    if (!u) return RC_NOMEM;
    u->loop = loop;
    u->fn = fn;
    u->ctx = ctx;
    u->addr.sun_family = AF_UNIX;
    u->fd = -1;
    enum rc rc = str_to_cstr(str_from(path), u->addr.sun_path, sizeof u->addr.sun_path);
    if (rc == RC_OK && path[0] == '\0') rc = RC_INVALID;
    if (rc == RC_OK) rc = remove_stale(&u->addr);
    if (rc == RC_OK && (u->fd = new_socket()) < 0) rc = RC_IO;
    if (rc == RC_OK) rc = bind_file(u, mode);
    if (rc != RC_OK) goto done;
    rc = RC_NOMEM;
    u->event = event_new(net_loop_event_base(loop), u->fd, EV_READ | EV_PERSIST, on_ready, u);
    if (!u->event || event_add(u->event, NULL) != 0) goto done;
    *out = u;
    return RC_OK;
done:
    http_unix_close(u);
    return rc;
}
