#include "admin/ports.h"
#include "base/cur.h"
#include <dirent.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PROC_FILE_MAX = 16 << 20, TCP_ESTABLISHED = 1, TCP_LISTEN = 10 };

/* ---- the kernel's tables ---- */

static bool word(struct cur *c, struct str *out)
{
    while (cur_char(c, ' ')) {}
    const char *start = c->p;
    while (!cur_at_end(c) && *c->p != ' ')
        c->p++;
    *out = cur_since(c, start);
    return out->n > 0;
}

static bool hex(struct str s, unsigned long *out)
{
    char text[20], *end;
    if (s.n == 0 || str_to_cstr(s, text, sizeof text) != RC_OK) return false;
    *out = strtoul(text, &end, 16);
    return *end == '\0' && end != text;
}

/* "0100007F:13E2": words of the machine's order, each printed as a number. */
static bool addr(struct str s, bool v6, struct net_addr *out)
{
    size_t digits = v6 ? 32 : 8;
    unsigned long value;
    uint8_t ip[16] = {0};
    if (s.n != digits + 5 || s.p[digits] != ':') return false;
    for (size_t i = 0; i < digits / 8; i++) {
        if (!hex(str_sub(s, i * 8, i * 8 + 8), &value)) return false;
        uint32_t w = (uint32_t)value;
        memcpy(ip + i * 4, &w, 4);
    }
    if (!hex(str_sub(s, digits + 1, s.n), &value)) return false;
    *out = (struct net_addr){.family = v6 ? NET_V6 : NET_V4, .port = (uint16_t)value};
    memcpy(out->ip, ip, v6 ? 16 : 4);
    return true;
}

/* sl local rem st tx:rx tr:when retrnsmt uid timeout inode ... */
static bool line(struct str text, bool v6, bool udp, struct port_socket *out)
{
    struct cur c = cur_of(text);
    struct str w[10];
    unsigned long state;
    uint64_t uid, inode;
    for (size_t i = 0; i < 10; i++)
        if (!word(&c, &w[i])) return false;
    *out = (struct port_socket){.udp = udp};
    if (!addr(w[1], v6, &out->local) || !addr(w[2], v6, &out->peer) || !hex(w[3], &state) ||
        str_to_u64(w[7], UINT32_MAX, &uid) != RC_OK ||
        str_to_u64(w[9], UINT64_MAX, &inode) != RC_OK)
        return false;
    out->state = (unsigned)state;
    out->uid = (unsigned)uid;
    out->inode = inode;
    return true;
}

static enum rc add(struct arena *a, struct port_sockets *out, const struct port_socket *row)
{
    if (out->count == PORTS_MAX) return RC_TOO_BIG;
    if (out->count == out->cap) {
        size_t cap = out->cap > 0 ? out->cap * 2 : 64;
        struct port_socket *rows = ARENA_ARRAY(a, struct port_socket, cap);
        if (!rows) return RC_NOMEM;
        if (out->count > 0) memcpy(rows, out->rows, out->count * sizeof *rows);
        out->rows = rows;
        out->cap = cap;
    }
    out->rows[out->count++] = *row;
    return RC_OK;
}

/* What has no inode is no open file any more (TIME_WAIT): lsof does not show it either. */
enum rc ports_parse(struct str text, bool v6, bool udp, struct arena *a, struct port_sockets *out)
{
    struct str one;
    struct port_socket row;
    enum rc rc = RC_OK;
    while (rc == RC_OK && text.p && str_split(&text, '\n', &one))
        if (line(one, v6, udp, &row) && row.inode != 0) rc = add(a, out, &row);
    return rc;
}

/* ---- printing ---- */

static const char *state_name(const struct port_socket *s)
{
    static const char *const names[] = {"",           "ESTABLISHED", "SYN_SENT",  "SYN_RECV",
                                        "FIN_WAIT1",  "FIN_WAIT2",   "TIME_WAIT", "CLOSE",
                                        "CLOSE_WAIT", "LAST_ACK",    "LISTEN",    "CLOSING"};
    if (s->udp || s->state >= sizeof names / sizeof *names) return "";
    return names[s->state];
}

static void put_name(struct buf *out, const struct net_addr *a)
{
    if (net_addr_is_any(a))
        buf_printf(out, "*:%u", (unsigned)a->port);
    else
        net_addr_print(out, a);
}

void ports_print_line(struct buf *out, const struct port_socket *s, const struct port_owner *o)
{
    char pid[16] = "-", fd[16] = "-";
    const char *state = state_name(s);
    if (o->pid > 0) {
        snprintf(pid, sizeof pid, "%d", o->pid);
        snprintf(fd, sizeof fd, "%du", o->fd);
    }
    buf_printf(out, "%-8.15s %5s %12.*s %5s %5s %7llu %8s %4s ", o->command.p ? o->command.p : "-",
               pid, STR_ARG(o->user), fd, s->local.family == NET_V6 ? "IPv6" : "IPv4",
               (unsigned long long)s->inode, "0t0", s->udp ? "UDP" : "TCP");
    put_name(out, &s->local);
    if (s->peer.port != 0) {
        buf_put_lit(out, "->");
        put_name(out, &s->peer);
    }
    if (state[0] != '\0') buf_printf(out, " (%s)", state);
}

/* ---- this machine ---- */

static enum rc read_file(const char *path, struct arena *a, struct str *out)
{
    struct buf b;
    size_t n;
    char *at;
    FILE *f = fopen(path, "re");
    if (!f) return RC_NOT_FOUND;
    buf_init(&b, PROC_FILE_MAX);
    do {
        at = buf_reserve(&b, 65536);
        n = at ? fread(at, 1, 65536, f) : 0;
        buf_add_n(&b, n);
    } while (n > 0);
    fclose(f);
    enum rc rc = buf_rc(&b);
    if (rc == RC_OK) rc = arena_str_dup(a, buf_str(&b), out);
    buf_fini(&b);
    return rc;
}

static enum rc read_tables(struct arena *a, struct port_sockets *out)
{
    static const struct {
        const char *path;
        bool v6, udp;
    } tables[] = {{"/proc/net/tcp", false, false},
                  {"/proc/net/tcp6", true, false},
                  {"/proc/net/udp", false, true},
                  {"/proc/net/udp6", true, true}};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        struct str text;
        enum rc rc = read_file(tables[i].path, a, &text);
        if (rc == RC_OK) rc = ports_parse(text, tables[i].v6, tables[i].udp, a, out);
        if (rc != RC_OK && rc != RC_NOT_FOUND) return rc; /* no IPv6: no table */
    }
    return RC_OK;
}

static int by_inode(const void *x, const void *y)
{
    const struct port_socket *a = x, *b = y;
    return a->inode < b->inode ? -1 : a->inode > b->inode;
}

struct listing {
    struct arena *arena;
    struct port_sockets sockets; /* by inode */
    struct port_owner *owners;   /* beside them */
};

static struct str user_name(struct arena *a, unsigned uid)
{
    struct passwd *p = getpwuid((uid_t)uid);
    struct str out = STR("?");
    enum rc rc = p ? arena_str_dup(a, str_from(p->pw_name), &out)
                   : arena_printf(a, &out, "%u", uid);
    return rc == RC_OK ? out : STR("?");
}

static struct str command_of(struct arena *a, const char *pid)
{
    char path[600];
    struct str text;
    snprintf(path, sizeof path, "/proc/%s/comm", pid);
    return read_file(path, a, &text) == RC_OK ? str_trim(text) : STR("?");
}

static void look_at_fd(struct listing *g, const char *pid, const char *fd, struct str *command)
{
    char path[600], target[64];
    unsigned long long inode;
    snprintf(path, sizeof path, "/proc/%s/fd/%s", pid, fd);
    ssize_t n = readlink(path, target, sizeof target - 1);
    if (n <= 0) return;
    target[n] = '\0';
    if (sscanf(target, "socket:[%llu]", &inode) != 1) return;
    struct port_socket key = {.inode = inode};
    struct port_socket *found = bsearch(&key, g->sockets.rows, g->sockets.count, sizeof key,
                                        by_inode);
    if (!found) return;
    struct port_owner *o = &g->owners[found - g->sockets.rows];
    if (o->pid > 0) return;
    if (!command->p) *command = command_of(g->arena, pid);
    struct str copy;
    if (arena_printf(g->arena, &copy, "%.*s", STR_ARG(*command)) == RC_OK) o->command = copy;
    o->pid = atoi(pid);
    o->fd = atoi(fd);
}

static void look_at_process(struct listing *g, const char *pid)
{
    char path[600];
    struct str command = {0};
    snprintf(path, sizeof path, "/proc/%s/fd", pid);
    DIR *d = opendir(path);
    if (!d) return; /* not ours to see */
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        if (e->d_name[0] != '.') look_at_fd(g, pid, e->d_name, &command);
    closedir(d);
}

static void look_at_processes(struct listing *g)
{
    DIR *d = opendir("/proc");
    if (!d) return;
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        if (e->d_name[0] >= '0' && e->d_name[0] <= '9') look_at_process(g, e->d_name);
    closedir(d);
}

struct port_line {
    const struct port_socket *socket;
    struct str text;
};

static int by_port(const void *x, const void *y)
{
    const struct port_line *a = x, *b = y;
    int d = (int)a->socket->local.port - (int)b->socket->local.port;
    if (d == 0) d = (int)b->socket->state - (int)a->socket->state; /* listeners first */
    return d != 0 ? d : str_cmp(a->text, b->text);
}

static enum rc print_lines(struct listing *g, struct str **lines, size_t *count)
{
    size_t n = g->sockets.count;
    struct port_line *rows = ARENA_ARRAY(g->arena, struct port_line, n);
    struct str *out = ARENA_ARRAY(g->arena, struct str, n);
    enum rc rc = rows && out ? RC_OK : RC_NOMEM;
    struct buf b;
    buf_init(&b, 4096);
    for (size_t i = 0; rc == RC_OK && i < n; i++) {
        buf_reset(&b);
        g->owners[i].user = user_name(g->arena, g->sockets.rows[i].uid);
        ports_print_line(&b, &g->sockets.rows[i], &g->owners[i]);
        rows[i].socket = &g->sockets.rows[i];
        rc = buf_rc(&b);
        if (rc == RC_OK) rc = arena_str_dup(g->arena, buf_str(&b), &rows[i].text);
    }
    buf_fini(&b);
    if (rc != RC_OK) return rc;
    if (n > 0) qsort(rows, n, sizeof *rows, by_port);
    for (size_t i = 0; i < n; i++)
        out[i] = rows[i].text;
    *lines = out;
    *count = n;
    return RC_OK;
}

enum rc ports_list(struct arena *a, struct str **lines, size_t *count)
{
    struct listing g = {.arena = a};
    enum rc rc = read_tables(a, &g.sockets);
    if (rc != RC_OK) return rc;
    if (g.sockets.count > 0)
        qsort(g.sockets.rows, g.sockets.count, sizeof *g.sockets.rows, by_inode);
    g.owners = ARENA_ARRAY(a, struct port_owner, g.sockets.count);
    if (!g.owners) return RC_NOMEM;
    look_at_processes(&g);
    return print_lines(&g, lines, count);
}
