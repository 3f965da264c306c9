/* bearline-edge - an edge of Mobile and Remote Access: the command line, the greeting and the run until
 * it is told to stop. The edge itself: app/edge.h. */
#include "app/edge.h"
#include "app/launch.h"
#include "crypto/random.h"
#include "net/loop.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { EXIT_SETTINGS = 2, EXIT_STORE = 3, EXIT_START = 4 };

static void greet_outer(const struct app_edge *e)
{
    fprintf(stderr,
            "\nThis is the first start: a private CA, a certificate and keys were made in %s.\n"
            "To let phones outside in:\n"
            "  1. switch it on:            bearline --edge --socket %s param set "
            "EdgeUnifiedCommunicationsMode mra\n"
            "  2. pair it with the inner edge, a card of each to the other:\n"
            "     here:                    bearline --edge --socket %s peer card > outer.json\n"
            "     on the inner edge:       bearline --edge peer pair outer.json\n"
            "                              bearline --edge peer card > inner.json\n"
            "     here:                    bearline --edge --socket %s peer pair inner.json\n\n",
            e->settings.data, e->settings.control, e->settings.control, e->settings.control);
}

static void greet_inner(const struct app_edge *e)
{
    fprintf(
        stderr,
        "\nThis is the first start: a private CA, a certificate and keys were made in %s.\n"
        "To join a call server:\n"
        "  1. there, trust this edge:  bearline set cert import trust tomcat %s/ca.pem\n"
        "  2. here, trust its CA:      bearline --edge --socket %s set cert import trust tomcat "
        "FILE\n"
        "     (FILE: ca.pem of the call server's data folder)\n"
        "  3. switch it on:            bearline --edge --socket %s param set "
        "EdgeUnifiedCommunicationsMode mra\n"
        "  4. add the call server:     bearline --edge --socket %s ucm add HOST --username NAME "
        "--password-file FILE\n\n",
        e->settings.data, e->settings.data, e->settings.control, e->settings.control,
        e->settings.control);
}

static void greet(const struct app_edge *e)
{
    if (e->is_new && e->role == STORE_EDGE_OUTER) greet_outer(e);
    if (e->is_new && e->role == STORE_EDGE_INNER) greet_inner(e);
}

static int run(struct app_edge *e)
{
    struct store_why why = {""};
    e->clock = net_clock_real();
    e->random = crypto_random_system();
    e->log = (struct log){
        .level = e->settings.log_level, .clock = e->clock, .sink = app_log_to_stderr};
    app_raise_file_limit();
    signal(SIGPIPE, SIG_IGN);
    enum rc rc = app_edge_start(e, &why);
    if (rc == RC_OK) {
        greet(e);
        net_loop_run(e->control);
    } else {
        fprintf(stderr, "bearline-edge: %s\n",
                why.text[0] != '\0' ? why.text : "it could not start");
    }
    bool has_store = e->store != NULL;
    app_edge_stop(e);
    if (rc == RC_OK) log_info(&e->log, "edge.stopped", LOG_CSTR("edge", e->settings.name));
    return rc == RC_OK ? 0 : has_store ? EXIT_START : EXIT_STORE;
}

static void usage(FILE *to)
{
    fprintf(
        to,
        "Usage: bearline-edge --role inner|outer [--config FILE] [--data FOLDER] [--control "
        "SOCKET]\n"
        "                           [--set SECTION.NAME=VALUE]...\n"
        "One edge of Mobile and Remote Access; runs in the foreground and logs to stderr.\n\n"
        "  -r, --role ROLE       inner: the side of the call servers, follows them and dials out;\n"
        "                        outer: the side of phones outside, is dialled\n"
        "  -c, --config FILE     settings (default /etc/bearline/bearline-edge.conf where it is)\n"
        "  -d, --data FOLDER     where it keeps its state (default " APP_EDGE_DATA_DEFAULT ")\n"
        "  -s, --control SOCKET  where 'bearline --edge' reaches it\n"
        "                        (default " APP_EDGE_CONTROL_DEFAULT ")\n"
        "      --set S.N=V       one setting, as in the file: --set node.host=exp-c.example.com\n"
        "  -h, --help            this text\n"
        "  -V, --version         the version\n\n"
        "Settings: node.name host addresses; paths.data control; limits; log.level trace_mb.\n"
        "See bearline-edge(8).\n");
}

static int path_option(struct app_settings *s, const char *name, const char *value)
{
    if (app_settings_set(s, "paths", name, value) == RC_OK) return 0;
    fprintf(stderr, "bearline-edge: --%s: the path is too long\n", name);
    return EXIT_SETTINGS;
}

static int role_option(struct app_edge *e, const char *role)
{
    if (strcmp(role, "inner") == 0) e->role = STORE_EDGE_INNER;
    if (strcmp(role, "outer") == 0) e->role = STORE_EDGE_OUTER;
    if (e->role != 0) return 0;
    fprintf(stderr, "bearline-edge: there is no role %s: use --role inner or --role outer\n", role);
    return EXIT_SETTINGS;
}

static const struct option options[] = {
    {"role", required_argument, NULL, 'r'}, {"config", required_argument, NULL, 'c'},
    {"data", required_argument, NULL, 'd'}, {"control", required_argument, NULL, 's'},
    {"set", required_argument, NULL, 'S'},  {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},    {NULL, 0, NULL, 0},
};
static const char short_options[] = "r:c:d:s:hV";

/* The file first, whatever the order of the options: the command line wins. */
static int read_options(struct app_edge *e, int argc, char **argv)
{
    struct app_settings *s = &e->settings;
    const char *file = NULL, *role = NULL;
    int c, status = 0;
    while ((c = getopt_long(argc, argv, short_options, options, NULL)) != -1) {
        if (c == 'c') file = optarg;
        if (c == 'r') role = optarg;
        if (c == '?') return EXIT_SETTINGS;
    }
    if (!role) {
        fprintf(stderr, "bearline-edge: it needs its role: --role inner or --role outer\n");
        return EXIT_SETTINGS;
    }
    if ((status = role_option(e, role)) != 0) return status;
    if (!app_settings_file("bearline-edge", s, file, "/etc/bearline/bearline-edge.conf"))
        return EXIT_SETTINGS;
    optind = 1;
    while (status == 0 && (c = getopt_long(argc, argv, short_options, options, NULL)) != -1) {
        if (c == 'd') status = path_option(s, "data", optarg);
        if (c == 's') status = path_option(s, "control", optarg);
        if (c == 'S' && !app_setting_option("bearline-edge", s, optarg)) status = EXIT_SETTINGS;
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
            puts("bearline-edge " BEARLINE_VERSION);
            return 0;
        }
    }
    struct app_edge *e = calloc(1, sizeof *e);
    if (!e) return EXIT_START;
    app_settings_default(&e->settings);
    e->settings.is_edge = true;
    strcpy(e->settings.data, APP_EDGE_DATA_DEFAULT);
    strcpy(e->settings.control, APP_EDGE_CONTROL_DEFAULT);
    int status = read_options(e, argc, argv);
    if (status == 0 && optind < argc) {
        fprintf(stderr, "bearline-edge: what is %s? See bearline-edge --help.\n", argv[optind]);
        status = EXIT_SETTINGS;
    }
    if (status == 0) status = run(e);
    free(e);
    return status;
}
