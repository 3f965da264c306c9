/* proc.c - reads /proc. Values are taken before and after a phase, so speed matters little here. */
#include "proc.h"
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PROC_TEXT_MAX = 8192 };

/* Reads a small file whole and ends it with NUL. -1 when it cannot be read. */
static int slurp(const char *path, char text[PROC_TEXT_MAX])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    size_t n = 0;
    ssize_t got = 0;
    while (n < PROC_TEXT_MAX - 1 && (got = read(fd, text + n, PROC_TEXT_MAX - 1 - n)) > 0)
        n += (size_t)got;
    close(fd);
    text[n] = '\0';
    return got < 0 || n == 0 ? -1 : 0;
}

uint64_t proc_rollup_kb(const char *text, const char *name)
{
    size_t n = strlen(name);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        if (*line == '\n') line++;
        if (strncmp(line, name, n) == 0 && line[n] == ':') return strtoull(line + n + 1, NULL, 10);
    }
    return 0;
}

pid_t proc_stat_parent(const char *text)
{
    const char *name_end = strrchr(text, ')');
    int parent;
    if (!name_end || sscanf(name_end + 1, " %*c %d", &parent) != 1) return -1;
    return parent;
}

static int family_has(const struct proc_family *f, pid_t pid)
{
    for (size_t i = 0; i < f->count; i++)
        if (f->pids[i] == pid) return 1;
    return 0;
}

/* One pass over /proc: takes in children of those already known. Returns how many joined, or -1. */
static int family_grow(struct proc_family *f)
{
    DIR *dir = opendir("/proc");
    if (!dir) return -1;
    int joined = 0;
    struct dirent *e;
    while (joined >= 0 && (e = readdir(dir))) {
        if (!isdigit((unsigned char)e->d_name[0])) continue;
        pid_t pid = (pid_t)atol(e->d_name);
        char path[64], text[PROC_TEXT_MAX];
        snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
        if (family_has(f, pid) || slurp(path, text) < 0) continue;
        if (!family_has(f, proc_stat_parent(text))) continue;
        if (f->count == PROC_FAMILY_MAX) {
            joined = -1;
            break;
        }
        f->pids[f->count++] = pid;
        joined++;
    }
    closedir(dir);
    return joined;
}

int proc_family_find(pid_t root, struct proc_family *out)
{
    char path[64], text[PROC_TEXT_MAX];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)root);
    if (slurp(path, text) < 0) return -1;
    struct proc_family f = {.count = 1, .pids = {root}};
    int joined;
    while ((joined = family_grow(&f)) > 0) {}
    if (joined < 0) return -1;
    *out = f;
    return 0;
}

/* utime + stime (fields 14 and 15 of stat), for kernels without schedstat. */
static int ticks_ns(pid_t pid, uint64_t *out)
{
    char path[64], text[PROC_TEXT_MAX];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (slurp(path, text) < 0) return -1;
    const char *name_end = strrchr(text, ')');
    unsigned long long user, system;
    if (!name_end || sscanf(name_end + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu",
                            &user, &system) != 2)
        return -1;
    *out = (uint64_t)(user + system) * (1000000000u / (uint64_t)sysconf(_SC_CLK_TCK));
    return 0;
}

static int process_cpu_ns(pid_t pid, uint64_t *out)
{
    char path[320], text[PROC_TEXT_MAX];
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *dir = opendir(path);
    if (!dir) return -1;
    uint64_t sum = 0;
    size_t threads = 0;
    struct dirent *e;
    while ((e = readdir(dir))) {
        if (e->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", (int)pid, e->d_name);
        if (slurp(path, text) < 0) continue;
        sum += strtoull(text, NULL, 10);
        threads++;
    }
    closedir(dir);
    if (threads == 0) return ticks_ns(pid, out);
    *out = sum;
    return 0;
}

int proc_cpu_ns(const struct proc_family *family, uint64_t *out)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < family->count; i++) {
        uint64_t one;
        if (process_cpu_ns(family->pids[i], &one) < 0) return -1;
        sum += one;
    }
    *out = sum;
    return 0;
}

int proc_memory(const struct proc_family *family, struct proc_memory *out)
{
    struct proc_memory sum = {0};
    for (size_t i = 0; i < family->count; i++) {
        char path[64], text[PROC_TEXT_MAX];
        snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)family->pids[i]);
        if (slurp(path, text) < 0) return -1;
        sum.private_bytes += 1024 *
                             (proc_rollup_kb(text, "Pss_Anon") + proc_rollup_kb(text, "Pss_Shmem") +
                              proc_rollup_kb(text, "SwapPss"));
        sum.resident_bytes += 1024 * proc_rollup_kb(text, "Rss");
    }
    *out = sum;
    return 0;
}
