/* net/holder.c - which program holds a port, as /proc tells: the socket's inode from the table of
 * sockets, then the process that has it open. */
#include "net/listener.h"

#include <dirent.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { STATE_LISTEN = 0x0a };

/* The kernel prints addresses as 32-bit words in host order. */
static struct net_addr from_hex(const char *hex, unsigned port)
{
    size_t words = strlen(hex) / 8;
    struct net_addr addr = {.family = words == 1 ? NET_V4 : NET_V6, .port = (uint16_t)port};
    for (size_t i = 0; i < words && i < 4; i++) {
        char word[9] = {0};
        memcpy(word, hex + i * 8, 8);
        uint32_t value = (uint32_t)strtoul(word, NULL, 16);
        memcpy(addr.ip + i * 4, &value, 4);
    }
    return addr;
}

/* A wildcard stands in the way of every address, and every address in the way of a wildcard. */
static bool clashes(const struct net_addr *held, const struct net_addr *wanted)
{
    return held->port == wanted->port && held->family == wanted->family &&
           (net_addr_ip_eq(held, wanted) || net_addr_is_any(held) || net_addr_is_any(wanted));
}

static unsigned long find_inode(const char *path, const struct net_addr *addr, bool udp)
{
    char line[512], hex[33];
    unsigned port, state;
    unsigned long inode, found = 0;
    FILE *f = fopen(path, "re");
    while (f && !found && fgets(line, sizeof line, f)) {
        if (sscanf(line,
                   " %*u: %32[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*x:%*x %*x:%*x %*x %*u %*u %lu",
                   hex, &port, &state, &inode) != 4)
            continue;
        struct net_addr held = from_hex(hex, port);
        if ((udp || state == STATE_LISTEN) && clashes(&held, addr)) found = inode;
    }
    if (f) fclose(f);
    return found;
}

static bool has_open(int pid, const char *target)
{
    char path[64], link[64];
    bool found = false;
    snprintf(path, sizeof path, "/proc/%d/fd", pid);
    DIR *dir = opendir(path);
    for (struct dirent *entry; dir && !found && (entry = readdir(dir));) {
        ssize_t n = readlinkat(dirfd(dir), entry->d_name, link, sizeof link - 1);
        if (n < 0) continue;
        link[n] = '\0';
        found = strcmp(link, target) == 0;
    }
    if (dir) closedir(dir);
    return found;
}

static void read_name(struct net_holder *holder)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/comm", holder->pid);
    FILE *f = fopen(path, "re");
    if (f && fgets(holder->name, sizeof holder->name, f))
        holder->name[strcspn(holder->name, "\n")] = '\0';
    if (f) fclose(f);
}

static bool find_process(unsigned long inode, struct net_holder *out)
{
    char target[64];
    struct net_holder holder = {0};
    snprintf(target, sizeof target, "socket:[%lu]", inode);
    DIR *dir = opendir("/proc");
    for (struct dirent *entry; dir && !holder.pid && (entry = readdir(dir));) {
        int pid = atoi(entry->d_name);
        if (pid > 0 && has_open(pid, target)) holder.pid = pid;
    }
    if (dir) closedir(dir);
    if (!holder.pid) return false;
    read_name(&holder);
    *out = holder;
    return true;
}

bool net_holder_find(const struct net_addr *addr, bool udp, struct net_holder *out)
{
    const char *path = addr->family == NET_V4 ? (udp ? "/proc/net/udp" : "/proc/net/tcp")
                                              : (udp ? "/proc/net/udp6" : "/proc/net/tcp6");
    unsigned long inode = find_inode(path, addr, udp);
    return inode && find_process(inode, out);
}
