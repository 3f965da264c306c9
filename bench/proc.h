/* proc.h - what a server has used, read from /proc: CPU time and memory of a process and of all
 * that it has started. Linux only. */
#ifndef BENCH_PROC_H
#define BENCH_PROC_H
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { PROC_FAMILY_MAX = 64 };

/* A server: its first process and the descendants it had when it was looked at. */
struct proc_family {
    size_t count;
    pid_t pids[PROC_FAMILY_MAX];
};

/* Memory in bytes. "private" is what would not exist without this server: anonymous pages,
 * shared memory and what of both is swapped out; pages shared by its processes count once. */
struct proc_memory {
    uint64_t private_bytes;
    uint64_t resident_bytes; /* sum of RSS: counts shared pages once a process */
};

/* Finds root and its descendants. 0, or -1 when root does not exist or has too many. */
int proc_family_find(pid_t root, struct proc_family *out);

/* CPU time of all threads since they began: ns from schedstat, else clock ticks. A thread that
 * has ended takes its share with it. 0, or -1 when a process is gone. */
int proc_cpu_ns(const struct proc_family *family, uint64_t *out);

/* 0, or -1 when a process is gone or may not be read. */
int proc_memory(const struct proc_family *family, struct proc_memory *out);

/* The pure half, for tests: the kB value of a "Name:   123 kB" line of smaps_rollup, 0 if none;
 * the parent from the text of /proc/PID/stat, whose second field may hold anything, or -1. */
uint64_t proc_rollup_kb(const char *text, const char *name);
pid_t proc_stat_parent(const char *text);

#endif
