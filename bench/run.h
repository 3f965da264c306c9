/* run.h - the phases a measurement is made of: register lines, refresh them as fast as the server
 * answers, refresh them at a given rate, hold them. Each phase fills a struct run. */
#ifndef BENCH_RUN_H
#define BENCH_RUN_H
#include "client.h"
#include "hist.h"
#include "proc.h"
#include <stdbool.h>

/* What one phase measured. */
struct run {
    uint64_t done, failed;
    uint64_t wall_ns;
    uint64_t cpu_ns; /* of the server, all its threads and processes */
    bool cpu_known;  /* false: no --pid, or the server is gone */
    bool stalled;    /* nothing happened for RUN_STALL_S seconds: given up */
    struct hist latency;
    struct client_counts counts;
};

enum { RUN_STALL_S = 10 };

/* A load under way. Fill in the client and, if its use is to be read, the server's processes. */
struct runner {
    struct client *client;
    const struct proc_family *server; /* NULL: unknown */
    struct run *run;                  /* of the phase that runs */
    size_t under_way;
    size_t cursor;          /* line looked at last when an idle one is wanted */
    size_t first, count;    /* lines refreshed in this phase */
    uint64_t refill_end_ns; /* closed loop: answered lines ask again until then */
    bool close_registered;  /* a line that is registered is closed at once */
    bool calls;             /* a unit of work is a call between two lines, not a refresh */
    bool hold;              /* calls are not ended when they are answered */
    uint64_t last_event_ns;
};

/* The client's callback; ctx is the struct runner. */
client_line_fn runner_on_line;

/* Opens lines [first, first+count), at most `concurrency` at a time. With close_registered each is
 * closed as soon as it is registered, else it stays. */
void run_register(struct runner *r, size_t first, size_t count, size_t concurrency,
                  bool close_registered, struct run *out);

/* Closed loop: `inflight` refreshes (calls: from INVITE to the answer to BYE) always under way over
 * lines [first, first+count). Latency of a call is that of its answer. */
void run_closed(struct runner *r, size_t first, size_t count, size_t inflight, double seconds,
                struct run *out);

/* Open loop: refreshes begin at random moments (Poisson, the same sequence in each run) of the mean
 * rate, whether or not earlier ones were answered; latency counts from the moment that was due. */
void run_paced(struct runner *r, size_t first, size_t count, double rate, double seconds,
               struct run *out);

/* As run_paced until `total` have begun, and waits for their ends. It sleeps in between: the server is
 * to be kept busy for long, not to be timed. */
void run_many(struct runner *r, size_t first, size_t count, double rate, uint64_t total,
              struct run *out);

/* Calls between the lines 2n and 2n+1 of the phase until each pair has one; they stand when it
 * returns. Then ends them. */
void run_hold(struct runner *r, size_t first, size_t count, size_t inflight, struct run *out);
void run_end_held(struct runner *r, struct run *out);

/* Lets time pass, answering what the server may want. */
void run_wait(struct runner *r, uint64_t ns);

uint64_t run_now_ns(void);

#endif
