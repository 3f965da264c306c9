/* bearlined - one call server node: the command line, the greeting and the run until it is told to
 * stop. The node itself: app/node.h. */
#include "app/launch.h"
#include "app/node.h"
#include "crypto/random.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { EXIT_SETTINGS = 2, EXIT_STORE = 3, EXIT_START = 4 };

static int fail(const char *what, enum rc rc, const struct store_why *why)
{
    if (why && why->text[0] != '\0')
        fprintf(stderr, "bearlined: %s\n", why->text);
    else
        fprintf(stderr, "bearlined: %s (%s)\n", what, rc_name(rc));
    return rc == RC_OK ? 0 : EXIT_START;
}

static bool has_administrator(struct node *n)
{
    struct arena a;
    struct store_users users;
    struct store_page page = {0};
    char after[STORE_KEY_MAX + 1] = ""; /* where the next page begins */
    bool found = false;
    do {
        arena_init(&a, NULL, 0, 16 << 20);
        enum rc rc = store_user_list(n->store, &page, &a, &users, NULL);
        if (rc != RC_OK) users = (struct store_users){0};
        for (size_t i = 0; i < users.count && !found; i++)
            found = (users.rows[i].roles & STORE_ROLE_ADMIN) != 0;
        if (users.count > 0 &&
            str_to_cstr(users.rows[users.count - 1].id, after, sizeof after) != RC_OK)
            users.more = false;
        arena_fini(&a);
        page.after = str_from(after);
        if (!users.more || found) break;
    } while (true);
    return found;
}

static void greet(struct node *n)
{
    if (n->is_new)
        fprintf(stderr,
                "\nThis is the first start: a private CA, certificates and keys were made in %s.\n"
                "  Phones must trust %s/ca.pem.\n",
                n->settings.data, n->settings.data);
    if (!has_administrator(n))
        fprintf(
            stderr,
            "There is no administrator yet. As root, or as the user bearlined runs as:\n"
            "  bearline --socket %s user add admin --role administrator\n"
            "(it asks for the password). Until then only that socket administers this node.\n\n",
            n->settings.control);
}

static int run(struct node *n)
{
    struct store_why why = {""};
    pthread_mutex_init(&n->moving, NULL);
    n->clock = net_clock_real();
    n->random = crypto_random_system();
    n->log = (struct log){
        .level = n->settings.log_level, .clock = n->clock, .sink = app_log_to_stderr};
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    n->worker_count = n->settings.workers > 0 ? n->settings.workers
                      : cores > 0             ? (unsigned)cores
                                              : 1;
    if (n->worker_count > WORKERS_MAX) n->worker_count = WORKERS_MAX;
    n->pool_threads = n->worker_count < 4 ? 4 : n->worker_count;
    n->sip_limits = (struct siptx_limits){.stream_idle_ms = n->settings.idle_s * 1000,
                                          .transactions_max = n->settings.transactions_max};
    app_raise_file_limit();
    signal(SIGPIPE, SIG_IGN);
    enum rc rc = node_start(n, &why);
    if (rc == RC_OK) {
        app_listeners_sync(n->listeners);
        node_on_tick(n);
        net_timer_start(n->control, &n->minute, MINUTE_MS, node_on_minute, n);
        greet(n);
        net_loop_run(n->control);
    }
    int status = rc == RC_OK ? 0 : fail("it could not start", rc, &why);
    node_stop(n);
    pthread_mutex_destroy(&n->moving);
    if (rc == RC_OK) log_info(&n->log, "node.stopped", LOG_CSTR("node", n->settings.name));
    return rc == RC_OK || n->store || !n->has_control_folder ? status : EXIT_STORE;
}

static void usage(FILE *to)
{
    fprintf(
        to,
        "Usage: bearlined [--config FILE] [--data FOLDER] [--control SOCKET]\n"
        "                 [--set SECTION.NAME=VALUE]...\n"
        "One Bearline call server node; runs in the foreground and logs to stderr.\n\n"
        "  -c, --config FILE     settings (default /etc/bearline/bearlined.conf where it is)\n"
        "  -d, --data FOLDER     where the node keeps its state (default /var/lib/bearline)\n"
        "  -s, --control SOCKET  where 'bearline' reaches it (default "
        "/run/bearline/control.sock)\n"
        "      --set S.N=V       one setting, as in the file: --set node.host=ucm1.example.com\n"
        "  -h, --help            this text\n"
        "  -V, --version         the version\n\n"
        "Settings: node.name host addresses; paths.data control; ports.sip sips oauth mra\n"
        "config_http config_https https (first start only); limits.workers connections\n"
        "connections_per_source handshakes idle_s transactions; log.level trace_mb. See "
        "bearlined(8).\n");
}

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"data", required_argument, NULL, 'd'},
    {"control", required_argument, NULL, 's'},
    {"set", required_argument, NULL, 'S'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

/* The file first, whatever the order of the options: the command line wins. */
static int read_options(struct app_settings *s, int argc, char **argv)
{
    const char *file = NULL;
    int c, status = 0;
    while ((c = getopt_long(argc, argv, "c:d:s:hV", options, NULL)) != -1) {
        if (c == 'c') file = optarg;
        if (c == '?') return EXIT_SETTINGS;
    }
    if (!app_settings_file("bearlined", s, file, "/etc/bearline/bearlined.conf"))
        return EXIT_SETTINGS;
    optind = 1;
    while (status == 0 && (c = getopt_long(argc, argv, "c:d:s:hV", options, NULL)) != -1) {
        if (c == 'd')
            status = app_settings_set(s, "paths", "data", optarg) == RC_OK ? 0 : EXIT_SETTINGS;
        if (c == 's')
            status = app_settings_set(s, "paths", "control", optarg) == RC_OK ? 0 : EXIT_SETTINGS;
        if (c == 'S' && !app_setting_option("bearlined", s, optarg)) status = EXIT_SETTINGS;
        if (c == 'h' || c == 'V') return -1;
    }
    return status;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            usage(stdout);
            return 0;
        }
        if (strcmp(argv[i], "--version") == 0 || strcmp(argv[i], "-V") == 0) {
            puts("bearlined " BEARLINE_VERSION);
            return 0;
        }
    }
    struct node *n = calloc(1, sizeof *n);
    if (!n) return EXIT_START;
    app_settings_default(&n->settings);
    int status = read_options(&n->settings, argc, argv);
    if (status == 0 && optind < argc) {
        fprintf(stderr, "bearlined: what is %s? See bearlined --help.\n", argv[optind]);
        status = EXIT_SETTINGS;
    }
    if (status == 0) status = run(n);
    free(n);
    return status;
}
