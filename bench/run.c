/* run.c - the phases. */
#include "run.h"
#include <math.h>
#include <string.h>
#include <time.h>

static const uint64_t second_ns = 1000000000;

uint64_t run_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * second_ns + (uint64_t)t.tv_nsec;
}

/* The next READY line of the phase (calls: the first of a pair), round and round. NULL: all are
 * busy or lost. */
static struct line *line_idle(struct runner *r)
{
    const size_t step = r->calls ? 2 : 1, units = r->count / step;
    for (size_t i = 0; i < units; i++) {
        r->cursor = (r->cursor + 1) % units;
        struct line *line = &r->client->lines[r->first + r->cursor * step];
        if (line[0].state == LINE_READY && line[step - 1].state == LINE_READY) return line;
    }
    return NULL;
}

/* Begins a refresh or a call on some idle line. false: there is none. */
static bool work_begin(struct runner *r, uint64_t begun_ns)
{
    struct line *line = line_idle(r);
    if (!line) return false;
    line->begun_ns = begun_ns;
    r->under_way++;
    if (r->calls)
        line_call(r->client, line, line + 1);
    else
        line_refresh(r->client, line);
    return true;
}

/* False: the work on this line goes on. */
static bool call_step(struct runner *r, struct line *line, enum line_event event, uint64_t now)
{
    if (event != LINE_ANSWERED) return true;
    hist_add(&r->run->latency, now - line->begun_ns);
    if (!r->hold) line_hang_up(r->client, line);
    return r->hold;
}

void runner_on_line(void *ctx, struct line *line, enum line_event event)
{
    struct runner *r = ctx;
    uint64_t now = run_now_ns();
    if (line->begun_ns == 0) { /* an idle line was lost: nothing was under way on it */
        r->run->failed++;
        return;
    }
    r->last_event_ns = now;
    if (!call_step(r, line, event, now)) return;
    r->under_way--;
    if (event == LINE_FAILED) {
        r->run->failed++;
        return;
    }
    r->run->done++;
    if (event == LINE_REGISTERED || event == LINE_REFRESHED)
        hist_add(&r->run->latency, now - line->begun_ns);
    line->begun_ns = 0;
    if (event == LINE_REGISTERED && r->close_registered) line_close(r->client, line);
    if (event != LINE_REGISTERED && now < r->refill_end_ns) work_begin(r, now);
}

/* What a phase starts from, so that its end can take differences. */
struct mark {
    uint64_t now_ns, cpu_ns;
    bool cpu_known;
};

static struct mark phase_begin(struct runner *r, struct run *out)
{
    memset(out, 0, sizeof *out);
    memset(&r->client->counts, 0, sizeof r->client->counts);
    r->run = out;
    struct mark m = {0};
    m.cpu_known = r->server && proc_cpu_ns(r->server, &m.cpu_ns) == 0;
    m.now_ns = r->last_event_ns = run_now_ns();
    return m;
}

static void phase_end(struct runner *r, struct mark m)
{
    struct run *run = r->run;
    uint64_t cpu_ns = 0;
    run->wall_ns = run_now_ns() - m.now_ns;
    run->cpu_known = m.cpu_known && proc_cpu_ns(r->server, &cpu_ns) == 0;
    if (run->cpu_known) run->cpu_ns = cpu_ns - m.cpu_ns;
    run->counts = r->client->counts;
}

static bool stalled(struct runner *r)
{
    if (run_now_ns() - r->last_event_ns < RUN_STALL_S * second_ns) return false;
    r->run->stalled = true;
    return true;
}

/* Waits for the answers still under way. */
static void drain(struct runner *r)
{
    while (r->under_way > 0 && !stalled(r))
        client_step(r->client, 10);
}

void run_wait(struct runner *r, uint64_t ns)
{
    uint64_t end = run_now_ns() + ns;
    while (run_now_ns() < end)
        client_step(r->client, 10);
}

void run_register(struct runner *r, size_t first, size_t count, size_t concurrency,
                  bool close_registered, struct run *out)
{
    const uint64_t settle_ns = second_ns / 20; /* the server's side of the last connections */
    struct mark m = phase_begin(r, out);
    r->close_registered = close_registered;
    r->refill_end_ns = 0;
    size_t next = first;
    while (out->done + out->failed < count && !stalled(r)) {
        while (r->under_way < concurrency && next < first + count) {
            struct line *line = &r->client->lines[next++];
            line->begun_ns = run_now_ns();
            r->under_way++;
            line_open(r->client, line);
        }
        client_step(r->client, 100);
    }
    uint64_t wall_ns = run_now_ns() - m.now_ns;
    run_wait(r, settle_ns);
    phase_end(r, m);
    out->wall_ns = wall_ns;
}

/* Keeps `inflight` refreshes under way for a while. */
static void closed_loop(struct runner *r, size_t inflight, double seconds)
{
    r->refill_end_ns = run_now_ns() + (uint64_t)(seconds * (double)second_ns);
    r->last_event_ns = run_now_ns();
    while (run_now_ns() < r->refill_end_ns && !stalled(r)) {
        while (r->under_way < inflight && work_begin(r, run_now_ns())) {}
        client_step(r->client, 100);
    }
}

void run_closed(struct runner *r, size_t first, size_t count, size_t inflight, double seconds,
                struct run *out)
{
    const double warm_s = 0.3;
    r->first = first;
    r->count = count;
    r->cursor = 0;
    phase_begin(r, out);
    closed_loop(r, inflight, warm_s);
    struct mark m = phase_begin(r, out);
    closed_loop(r, inflight, seconds);
    uint64_t wall_ns = run_now_ns() - m.now_ns;
    drain(r);
    phase_end(r, m);
    out->wall_ns = wall_ns;
}

void run_hold(struct runner *r, size_t first, size_t count, size_t inflight, struct run *out)
{
    struct mark m = phase_begin(r, out);
    r->first = first;
    r->count = count;
    r->cursor = 0;
    r->refill_end_ns = 0;
    r->calls = r->hold = true;
    while (out->done + out->failed < count / 2 && !stalled(r)) {
        while (r->under_way < inflight && work_begin(r, run_now_ns())) {}
        client_step(r->client, 100);
    }
    r->hold = false;
    phase_end(r, m);
}

void run_end_held(struct runner *r, struct run *out)
{
    struct mark m = phase_begin(r, out);
    for (size_t i = 0; i < r->count && !stalled(r); i += 2) {
        struct line *line = &r->client->lines[r->first + i];
        if (line->state != LINE_TALKING) continue;
        line->begun_ns = run_now_ns();
        r->under_way++;
        line_hang_up(r->client, line);
        client_step(r->client, 0);
    }
    drain(r);
    phase_end(r, m);
}

/* splitmix64 to (0, 1]: small, and the same sequence for each server. */
static double uniform(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return ((double)(z >> 11) + 1.0) / 9007199254740992.0;
}

/* Begins what is due until the time or the number of them is reached. */
static void open_loop(struct runner *r, size_t first, size_t count, double rate, uint64_t end_ns,
                      uint64_t total, int sleep_ms)
{
    uint64_t seed = 1, begun = 0, now = run_now_ns();
    double due_ns = (double)now;
    r->first = first;
    r->count = count;
    r->refill_end_ns = 0;
    for (; now < end_ns && begun < total && !stalled(r); now = run_now_ns()) {
        while (begun < total && due_ns <= (double)now && work_begin(r, (uint64_t)due_ns)) {
            due_ns -= log(uniform(&seed)) / rate * (double)second_ns;
            begun++;
        }
        client_step(r->client, sleep_ms);
    }
}

void run_paced(struct runner *r, size_t first, size_t count, double rate, double seconds,
               struct run *out)
{
    struct mark m = phase_begin(r, out);
    /* Never sleeps: a wake-up would be part of the latency. */
    open_loop(r, first, count, rate, m.now_ns + (uint64_t)(seconds * (double)second_ns), UINT64_MAX,
              0);
    uint64_t wall_ns = run_now_ns() - m.now_ns;
    drain(r);
    phase_end(r, m);
    out->wall_ns = wall_ns;
}

void run_many(struct runner *r, size_t first, size_t count, double rate, uint64_t total,
              struct run *out)
{
    struct mark m = phase_begin(r, out);
    open_loop(r, first, count, rate, UINT64_MAX, total, 1);
    drain(r);
    phase_end(r, m);
}
