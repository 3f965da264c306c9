/* load.c - simulates many TLS phones against one server and says what they cost it.
 *
 *   bench_load new     connects, registers through challenge and token, closes; phone after phone
 *   bench_load refresh registers, then refreshes: as fast as answered, then at half that rate
 *   bench_load idle    registers and holds; reads the server's memory at each stage
 *   bench_load calls   registers, then phone 2n calls phone 2n+1: as fast as answered, at half that
 *                      rate, and last one call of each pair held while memory is read
 *   bench_load soak    registers, then calls at --rate; reads the server's memory at each stage
 *
 * One JSON object on stdout. Exit code 0: every phone got what it asked for; 1: some did not (the
 * object says which); 2: wrong usage or the load could not run. Driven by script/bench. */
#include "run.h"
#include <arpa/inet.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { LOAD_STAGES_MAX = 8 };

struct load_options {
    const char *mode, *phones_file;
    struct client_options client;
    pid_t pid;
    int cpu; /* -1: any */
    size_t first, count, warm, concurrency, inflight;
    size_t stages[LOAD_STAGES_MAX], stage_count;
    double seconds, rate; /* rate 0: half of what the closed loop reached */
};

static const char usage[] =
    "usage: bench_load new|refresh|idle|calls|soak --server=IP:PORT --phones=FILE [options]\n"
    "  --pid=PID            the server, whose CPU time and memory are read\n"
    "  --first=N --count=N  which phones of the file (default 0, all that are left)\n"
    "  --warm=N             phones before those, not measured (default 16)\n"
    "  --concurrency=N      connections being set up at a time (default 8)\n"
    "  --inflight=N         refresh, calls: how many under way at a time (default 16)\n"
    "  --seconds=S          refresh, calls: length of each phase (default 3)\n"
    "  --rate=R             refresh, calls: of the second phase, a second (default half the "
    "first); soak: calls a second\n"
    "  --stages=N,N,...     idle: phones held, soak: calls made when memory is read (default "
    "1000)\n"
    "  --node=NAME          host in request URIs (default the server's address)\n"
    "  --per-source=N       connections from one loopback address (default 50)\n"
    "  --refresh-with-token the token rides in each refresh, too\n"
    "  --handshake-only     new: TLS alone, not a byte of SIP\n"
    "  --echo               the server is bench_echo\n"
    "  --cpu=N              run on this CPU\n";

static int server_read(char *text, struct sockaddr_in *out)
{
    char *colon = strrchr(text, ':');
    if (!colon) return -1;
    *colon = '\0';
    *out = (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)atoi(colon + 1))};
    return inet_pton(AF_INET, text, &out->sin_addr) == 1 && out->sin_port != 0 ? 0 : -1;
}

static int stages_read(const char *text, struct load_options *o)
{
    o->stage_count = 0;
    size_t before = 0;
    for (char *end; *text; text = *end == ',' ? end + 1 : end) {
        size_t n = strtoul(text, &end, 10);
        if (end == text || n <= before || o->stage_count == LOAD_STAGES_MAX) return -1;
        if (*end != ',' && *end != '\0') return -1;
        o->stages[o->stage_count++] = before = n;
    }
    return o->stage_count > 0 ? 0 : -1;
}

static int option_read(int c, char *arg, struct load_options *o)
{
    switch (c) {
    case 's': o->client.node = arg; return server_read(arg, &o->client.server);
    case 'f': o->phones_file = arg; return 0;
    case 'p': o->pid = (pid_t)atol(arg); return 0;
    case '1': o->first = strtoul(arg, NULL, 10); return 0;
    case 'n': o->count = strtoul(arg, NULL, 10); return 0;
    case 'w': o->warm = strtoul(arg, NULL, 10); return 0;
    case 'c': return (o->concurrency = strtoul(arg, NULL, 10)) > 0 ? 0 : -1;
    case 'i': return (o->inflight = strtoul(arg, NULL, 10)) > 0 ? 0 : -1;
    case 't': return (o->seconds = atof(arg)) > 0 ? 0 : -1;
    case 'r': o->rate = atof(arg); return 0;
    case 'g': return stages_read(arg, o);
    case 'd': o->client.node = arg; return 0;
    case 'a': return (o->client.per_source = (uint32_t)atol(arg)) > 0 ? 0 : -1;
    case 'k': o->client.refresh_with_token = 1; return 0;
    case 'h': o->client.handshake_only = 1; return 0;
    case 'e': o->client.echo = 1; return 0;
    case 'u': o->cpu = atoi(arg); return 0;
    default: return -1;
    }
}

static int options_read(int argc, char **argv, struct load_options *o)
{
    static const struct option known[] = {{"server", required_argument, NULL, 's'},
                                          {"phones", required_argument, NULL, 'f'},
                                          {"pid", required_argument, NULL, 'p'},
                                          {"first", required_argument, NULL, '1'},
                                          {"count", required_argument, NULL, 'n'},
                                          {"warm", required_argument, NULL, 'w'},
                                          {"concurrency", required_argument, NULL, 'c'},
                                          {"inflight", required_argument, NULL, 'i'},
                                          {"seconds", required_argument, NULL, 't'},
                                          {"rate", required_argument, NULL, 'r'},
                                          {"stages", required_argument, NULL, 'g'},
                                          {"node", required_argument, NULL, 'd'},
                                          {"per-source", required_argument, NULL, 'a'},
                                          {"refresh-with-token", no_argument, NULL, 'k'},
                                          {"handshake-only", no_argument, NULL, 'h'},
                                          {"echo", no_argument, NULL, 'e'},
                                          {"cpu", required_argument, NULL, 'u'},
                                          {0}};
    *o = (struct load_options){.cpu = -1,
                               .warm = 16,
                               .concurrency = 8,
                               .inflight = 16,
                               .seconds = 3,
                               .stages = {1000},
                               .stage_count = 1,
                               .client = {.per_source = 50}};
    int c;
    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1)
        if (option_read(c, optarg, o) < 0) return -1;
    if (optind + 1 != argc || !o->phones_file || !o->client.node) return -1;
    o->mode = argv[optind];
    return 0;
}

/* Reads a file whole, NUL at its end. NULL with a message on stderr. */
static char *file_read(const char *path)
{
    FILE *f = fopen(path, "rb");
    char *text = NULL;
    long n = -1;
    if (f && fseek(f, 0, SEEK_END) == 0 && (n = ftell(f)) >= 0) {
        rewind(f);
        text = malloc((size_t)n + 1);
        if (text && fread(text, 1, (size_t)n, f) == (size_t)n)
            text[n] = '\0';
        else
            n = -1;
    }
    if (n < 0) {
        perror(path);
        free(text);
        text = NULL;
    }
    if (f) fclose(f);
    return text;
}

static double per(uint64_t sum, uint64_t count)
{
    return count > 0 ? (double)sum / (double)count : 0;
}

static void print_errors(const struct run *r)
{
    const struct client_counts *n = &r->counts;
    printf("\"errors\":{\"tcp\":%llu,\"tls\":%llu,\"closed\":%llu,\"broken\":%llu,\"memory\":%llu,"
           "\"unexpected\":%llu},\"requests_in\":%llu,\"status\":{",
           (unsigned long long)n->tcp_failed, (unsigned long long)n->tls_failed,
           (unsigned long long)n->closed_by_server, (unsigned long long)n->broken_answers,
           (unsigned long long)n->out_of_memory, (unsigned long long)n->unexpected,
           (unsigned long long)n->requests_in);
    const char *comma = "";
    for (int status = 0; status < CLIENT_STATUS_MAX; status++) {
        if (n->status[status] == 0) continue;
        printf("%s\"%d\":%llu", comma, status, (unsigned long long)n->status[status]);
        comma = ",";
    }
    printf("}");
}

static void print_run(const char *name, const struct run *r)
{
    double wall_s = (double)r->wall_ns / 1e9;
    printf("\"%s\":{\"done\":%llu,\"failed\":%llu,\"stalled\":%s,\"seconds\":%.3f,\"rate\":%.1f,",
           name, (unsigned long long)r->done, (unsigned long long)r->failed,
           r->stalled ? "true" : "false", wall_s, (double)r->done / wall_s);
    if (r->cpu_known)
        printf("\"cpu_us\":%.3f,\"busy\":%.3f,", per(r->cpu_ns, r->done) / 1e3,
               (double)r->cpu_ns / (double)r->wall_ns);
    printf("\"p50_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f,\"bytes_out\":%.0f,\"bytes_in\":%.0f,",
           (double)hist_at(&r->latency, 0.50) / 1e3, (double)hist_at(&r->latency, 0.99) / 1e3,
           (double)r->latency.max_ns / 1e3, per(r->counts.bytes_out, r->done),
           per(r->counts.bytes_in, r->done));
    print_errors(r);
    printf("}");
}

/* A phase went well when all it began ended well. */
static int clean(const struct run *r)
{
    return r->failed == 0 && !r->stalled && r->done > 0;
}

/* The phones before those measured: they warm caches and allocator. */
static int warm_up(struct runner *r, const struct load_options *o, bool close_registered)
{
    static struct run run;
    if (o->warm == 0) return 1;
    run_register(r, 0, o->warm, o->concurrency, close_registered, &run);
    if (clean(&run)) return 1;
    print_run("warm", &run);
    return 0;
}

static int mode_new(struct runner *r, const struct load_options *o)
{
    static struct run run;
    if (!warm_up(r, o, true)) return 0;
    run_register(r, o->warm, o->count, o->concurrency, true, &run);
    print_run("new", &run);
    return clean(&run);
}

/* As fast as answered, then at half that rate. */
static int two_phases(struct runner *r, const struct load_options *o)
{
    static struct run closed, half;
    run_closed(r, o->warm, o->count, o->inflight, o->seconds, &closed);
    printf(",");
    print_run("closed", &closed);
    if (!clean(&closed)) return 0;
    double rate = o->rate > 0 ? o->rate : (double)closed.done * 1e9 / (double)closed.wall_ns / 2;
    run_paced(r, o->warm, o->count, rate, o->seconds, &half);
    printf(",");
    print_run("half", &half);
    return clean(&half);
}

static int mode_refresh(struct runner *r, const struct load_options *o)
{
    static struct run registered;
    run_register(r, 0, o->warm + o->count, o->concurrency, false, &registered);
    print_run("registered", &registered);
    return clean(&registered) && two_phases(r, o);
}

static int mode_calls(struct runner *r, const struct load_options *o)
{
    const uint64_t settle_ns = 1000000000;
    static struct run registered, held, ended;
    struct proc_memory before, now;
    run_register(r, 0, o->warm + o->count, o->concurrency, false, &registered);
    print_run("registered", &registered);
    r->calls = true;
    if (!clean(&registered) || !two_phases(r, o)) return 0;
    run_wait(r, settle_ns);
    if (!r->server || proc_memory(r->server, &before) < 0) return 1;
    run_hold(r, o->warm, o->count, o->inflight, &held);
    run_wait(r, settle_ns);
    printf(",");
    print_run("held", &held);
    if (!clean(&held) || proc_memory(r->server, &now) < 0) return 0;
    printf(",\"bytes_a_call\":%.0f,",
           ((double)now.private_bytes - (double)before.private_bytes) / (double)held.done);
    run_end_held(r, &ended);
    print_run("ended", &ended);
    return clean(&ended);
}

/* Memory is read while what a call leaves for 32 s (RFC 6026) is still there, the same at each stage. */
static int mode_soak(struct runner *r, const struct load_options *o)
{
    static struct run run;
    struct proc_memory now;
    if (!r->server || o->rate <= 0) {
        fputs("bench_load: soak needs --pid of a running server, and --rate\n", stderr);
        return 0;
    }
    run_register(r, 0, o->warm + o->count, o->concurrency, false, &run);
    print_run("registered", &run);
    r->calls = true;
    int good = clean(&run);
    size_t made = 0;
    printf(",\"stages\":[");
    for (size_t i = 0; i < o->stage_count && good; i++) {
        run_many(r, o->warm, o->count, o->rate, o->stages[i] - made, &run);
        good = clean(&run) && proc_memory(r->server, &now) == 0;
        printf("%s{\"calls\":%zu,", i > 0 ? "," : "", made = o->stages[i]);
        if (good) printf("\"private_bytes\":%llu,", (unsigned long long)now.private_bytes);
        print_run("run", &run);
        printf("}");
    }
    printf("]");
    return good;
}

static int mode_idle(struct runner *r, const struct load_options *o)
{
    const uint64_t settle_ns = 1000000000;
    static struct run run;
    struct proc_memory before, now;
    if (!warm_up(r, o, false)) return 0;
    run_wait(r, settle_ns);
    if (!r->server || proc_memory(r->server, &before) < 0) {
        fputs("bench_load: idle needs --pid of a running server\n", stderr);
        return 0;
    }
    printf("\"stages\":[");
    size_t held = 0;
    int good = 1;
    for (size_t i = 0; i < o->stage_count && good; i++) {
        run_register(r, o->warm + held, o->stages[i] - held, o->concurrency, false, &run);
        run_wait(r, settle_ns);
        held = o->stages[i];
        good = clean(&run) && proc_memory(r->server, &now) == 0;
        printf("%s{\"phones\":%zu,", i > 0 ? "," : "", held);
        if (good)
            printf("\"bytes_a_phone\":%.0f,\"private_bytes\":%llu,\"before_bytes\":%llu,",
                   ((double)now.private_bytes - (double)before.private_bytes) / (double)held,
                   (unsigned long long)now.private_bytes, (unsigned long long)before.private_bytes);
        print_run("registered", &run);
        printf("}");
    }
    printf("]");
    return good;
}

/* Works out which phones of the list take part; the first one becomes line 0. */
static int phones_choose(const struct phone_list *list, struct load_options *o)
{
    size_t need = o->warm + o->count;
    if (strcmp(o->mode, "idle") == 0)
        need = o->warm + o->stages[o->stage_count - 1];
    else if (o->count == 0 && list->count > o->first + o->warm)
        need = (o->count = list->count - o->first - o->warm) + o->warm;
    if (need > o->warm && o->first < list->count && need <= list->count - o->first) {
        if (strcmp(o->mode, "idle") == 0) o->count = need - o->warm;
        return 0;
    }
    fprintf(stderr, "bench_load: %zu phones wanted from number %zu, the file has %zu\n", need,
            o->first, list->count);
    return -1;
}

static void process_set_up(const struct load_options *o)
{
    signal(SIGPIPE, SIG_IGN);
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    if (o->cpu < 0) return;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)o->cpu, &set);
    sched_setaffinity(0, sizeof set, &set);
}

static int load_run(const struct load_options *o, const struct phone_list *list)
{
    struct proc_family family;
    struct runner r = {0};
    if (o->pid > 0 && proc_family_find(o->pid, &family) == 0) r.server = &family;
    r.client = client_new(&o->client, list->phones + o->first, o->warm + o->count, runner_on_line,
                          &r);
    if (!r.client) return -1;
    printf("{");
    int good = strcmp(o->mode, "new") == 0       ? mode_new(&r, o)
               : strcmp(o->mode, "refresh") == 0 ? mode_refresh(&r, o)
               : strcmp(o->mode, "calls") == 0   ? mode_calls(&r, o)
               : strcmp(o->mode, "soak") == 0    ? mode_soak(&r, o)
                                                 : mode_idle(&r, o);
    printf("}\n");
    client_free(r.client);
    return good;
}

int main(int argc, char **argv)
{
    struct load_options o;
    if (options_read(argc, argv, &o) < 0 ||
        (strcmp(o.mode, "new") != 0 && strcmp(o.mode, "refresh") != 0 &&
         strcmp(o.mode, "idle") != 0 && strcmp(o.mode, "calls") != 0 &&
         strcmp(o.mode, "soak") != 0)) {
        fputs(usage, stderr);
        return 2;
    }
    struct phone_list list;
    char *text = file_read(o.phones_file);
    if (!text) return 2;
    long bad = phone_list_parse(&list, text, o.client.node);
    if (bad != 0) {
        fprintf(stderr, "bench_load: %s: row %ld is not device,line,token\n", o.phones_file, bad);
        return 2;
    }
    int good = -1;
    if (phones_choose(&list, &o) == 0) {
        process_set_up(&o);
        good = load_run(&o, &list);
    }
    phone_list_fini(&list);
    return good < 0 ? 2 : good ? 0 : 1;
}
